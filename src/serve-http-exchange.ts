import type { IncomingMessage, ServerResponse } from "node:http";
import type { FetchLikeMcpHandler, ToNodeHandlerOptions } from "@modelcontextprotocol/node";
import type { AuthInfo } from "@modelcontextprotocol/server";
import type { Log } from "./domain/log.ts";
import type { Principal } from "./domain/principal.ts";
import { faultOf, referenceOf } from "./http/answers.ts";
import { BODY_BYTES } from "./http/body.ts";

/** A request with who makes it, as the SDK takes it. */
export type Exchange = IncomingMessage & { method: string; url: string; auth: AuthInfo };

/**
 * Puts a request's caller beside it, without the token, which nothing behind this needs; and the reference of its answer.
 * Both go from hand to hand: to find them by asynchronous context costs each call a tenth or more on Node 20.
 */
export function exchangeOf(request: IncomingMessage, response: ServerResponse, { name, scopes }: Principal): Exchange {
  const { method = "", url = "/" } = request;
  const extra = { reference: referenceOf(response) };
  return Object.assign(request, { method, url, auth: { token: "", clientId: name, scopes: [...scopes], extra } });
}

/** What makes every fault findable: see {@link withReferences}. */
export interface Faults {
  /** Logs what went wrong in a request, by its reference. */
  note(error: unknown, auth: AuthInfo | undefined): void;
  guarded(serve: FetchLikeMcpHandler["fetch"]): FetchLikeMcpHandler;
  readonly options: ToNodeHandlerOptions;
}

/** Turns every 500, whoever made it, into one that names a reference of the log and nothing else. */
export function withReferences(log: Log): Faults {
  const referenceIn = (auth: AuthInfo | undefined) => auth?.extra?.["reference"];
  const note = (error: unknown, auth: AuthInfo | undefined) =>
    log("http failed", {
      ref: referenceIn(auth),
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  return {
    note,
    guarded: (serve) => ({
      fetch: async (request, options) => {
        const auth = options?.authInfo;
        try {
          const response = await serve(request, options);
          if (response.status !== 500) return response;
          note(`answered 500 to ${request.method}`, auth);
        } catch (error) {
          note(error, auth);
        }
        const { code, message } = faultOf(String(referenceIn(auth)));
        return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status: 500 });
      },
    }),
    options: { maxRequestBodySize: BODY_BYTES, onerror: (error) => note(error, undefined) },
  };
}
