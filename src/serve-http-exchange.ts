import type { IncomingMessage } from "node:http";
import type { FetchLikeMcpHandler, ToNodeHandlerOptions } from "@modelcontextprotocol/node";
import type { AuthInfo } from "@modelcontextprotocol/server";
import type { Log } from "./domain/log.ts";
import type { Principal } from "./domain/principal.ts";
import { faultOf } from "./http/answers.ts";
import { BODY_BYTES } from "./http/body.ts";
import { reference } from "./http/listener.ts";

/** A request with who makes it, as the SDK takes it. */
export type Exchange = IncomingMessage & { method: string; url: string; auth: AuthInfo };

/** Puts a request's caller beside it; without the token, which nothing behind this needs. */
export function exchangeOf(request: IncomingMessage, { name, scopes }: Principal): Exchange {
  const { method = "", url = "/" } = request;
  return Object.assign(request, { method, url, auth: { token: "", clientId: name, scopes: [...scopes] } });
}

/** What makes every fault findable: see {@link withReferences}. */
export interface Faults {
  guarded(serve: FetchLikeMcpHandler["fetch"]): FetchLikeMcpHandler;
  readonly options: ToNodeHandlerOptions;
}

/** Turns every 500, whoever made it, into one that names a reference of the log and nothing else. */
export function withReferences(log: Log): Faults {
  const note = (error: unknown) =>
    log("http failed", {
      ref: reference.getStore(),
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  return {
    guarded: (serve) => ({
      fetch: async (request, options) => {
        try {
          const response = await serve(request, options);
          if (response.status !== 500) return response;
          note(`answered 500 to ${request.method}`);
        } catch (error) {
          note(error);
        }
        const { code, message } = faultOf(reference.getStore() ?? "unknown");
        return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status: 500 });
      },
    }),
    options: { maxRequestBodySize: BODY_BYTES, onerror: note },
  };
}
