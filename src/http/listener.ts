import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Log } from "../domain/log.ts";
import { faultOf, type Refusal, referenceOf, refuse, say, setStandingHeaders } from "./answers.ts";
import { readMessage } from "./body.ts";
import { RateLimits } from "./rate.ts";

/** What one caller's request comes to, once it was let in. */
export interface Endpoint<Caller> {
  /** Why a request is not for this server, by its Host and Origin; null when it is. */
  whyNotForUs(request: IncomingMessage): Refusal | null;
  /** Who calls, by what the request carries; a refusal for nobody, and for who calls too often. */
  callerOf(request: IncomingMessage): Caller | Refusal;
  /** Answers a POST. @param message one JSON-RPC message, unchecked */
  post(request: IncomingMessage, response: ServerResponse, caller: Caller, message: object): Promise<void>;
  /** Answers a GET or DELETE, which only sessions of 2025 clients have. */
  session(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void>;
  /** Answers what sellers send, at `/webhooks/…`; null where none are taken. */
  readonly webhook: ((request: IncomingMessage, response: ServerResponse) => Promise<void>) | null;
  /** Settles when the ledger answers. @throws when it does not */
  ready(): Promise<unknown>;
  readonly log: Log;
}

/** A server that listens. */
export interface Listener {
  readonly port: number;
  /** Lets nobody in any more; what is under way goes on. */
  refuseNew(): void;
  /** Ends every connection that is left. */
  close(): Promise<void>;
}

/** Sends the head of a stream at once: Node keeps it for the first bytes, and on a quiet stream those come after 15 s. */
class PromptResponse extends ServerResponse {
  override writeHead(...given: readonly unknown[]): this {
    Reflect.apply(super.writeHead, this, given);
    if (String(this.getHeader("content-type")).startsWith("text/event-stream")) this.flushHeaders();
    return this;
  }
}

/** Lines a minute about refusals of one status. */
const REFUSALS_LOGGED = 60;

const limits = {
  ServerResponse: PromptResponse,
  maxHeaderSize: 16 * 1024,
  /** For the whole request to arrive; a call may take longer to answer. */
  requestTimeout: 30_000,
  headersTimeout: 15_000,
  /** Longer than a usual proxy's, so that it is the proxy that ends an idle connection. */
  keepAliveTimeout: 65_000,
} as const;

/** Listens for MCP at `/mcp`, for sellers at `/webhooks/` where they are taken, and for probes at `/healthz` and `/readyz`. @throws Error when it cannot listen there */
export async function listen<Caller extends object>(
  at: { readonly host: string; readonly port: number },
  endpoint: Endpoint<Caller>,
): Promise<Listener> {
  let leaving = false;
  const noteRefused = refusalLog(endpoint.log);
  const server = createServer(limits, async (request, response) => {
    const id = randomUUID();
    setStandingHeaders(response, id);
    try {
      if (leaving) refuse(response, going);
      else await answer(endpoint, request, response, noteRefused);
    } catch (error) {
      endpoint.log("http failed", { ref: id, error: error instanceof Error ? error.stack : String(error) });
      if (response.headersSent) response.destroy();
      else refuse(response, faultOf(id));
    }
  });
  await bound(server, at);
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : at.port,
    refuseNew: () => {
      leaving = true;
      server.close();
      server.closeIdleConnections();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What a caller is told that comes while the server is being stopped. */
export const going: Refusal = {
  status: 503,
  message: "This server is being stopped. Nothing was booked by this request.",
  headers: { "retry-after": "5" },
};

async function answer<Caller extends object>(
  endpoint: Endpoint<Caller>,
  request: IncomingMessage,
  response: ServerResponse,
  noteRefused: (status: number, from: string | undefined) => void,
): Promise<void> {
  const turnAway = (refusal: Refusal) => {
    noteRefused(refusal.status, request.socket.remoteAddress);
    refuse(response, refusal);
  };
  const stranger = endpoint.whyNotForUs(request);
  if (stranger) return turnAway(stranger);
  const { method = "", url = "" } = request;
  const path = url.split("?")[0];
  if (path === "/healthz" || path === "/readyz") return probe(endpoint, request, response, path === "/readyz");
  if (path?.startsWith("/webhooks/") && endpoint.webhook) return endpoint.webhook(request, response);
  if (path !== "/mcp") return refuse(response, { status: 404, message: "Not found: the endpoint is /mcp" });
  if (!["POST", "GET", "DELETE"].includes(method))
    return refuse(response, { status: 405, message: "Method not allowed.", headers: { allow: "POST, GET, DELETE" } });
  const caller = endpoint.callerOf(request);
  if ("status" in caller) return turnAway(caller);
  if (method !== "POST") return endpoint.session(request, response, caller);
  const read = await readMessage(request);
  if ("status" in read) return refuse(response, read);
  return endpoint.post(request, response, caller, read.message);
}

/** Logs who is turned away, so many a minute of each status; the rest is counted, for a flood must not fill a disk. */
function refusalLog(log: Log): (status: number, from: string | undefined) => void {
  const rates = new RateLimits(() => performance.now());
  const unlogged = new Map<number, number>();
  return (status, from) => {
    const before = unlogged.get(status) ?? 0;
    if (rates.take(String(status), REFUSALS_LOGGED) > 0) {
      unlogged.set(status, before + 1);
      return;
    }
    unlogged.delete(status);
    log("http refused", { status, from, ...(before > 0 ? { unlogged: before } : {}) });
  };
}

async function probe<Caller>(
  endpoint: Endpoint<Caller>,
  { method = "" }: IncomingMessage,
  response: ServerResponse,
  deep: boolean,
): Promise<void> {
  if (method !== "GET" && method !== "HEAD")
    return refuse(response, { status: 405, message: "Method not allowed.", headers: { allow: "GET, HEAD" } });
  try {
    if (deep) await endpoint.ready();
    say(response, 200, "ok\n");
  } catch (error) {
    endpoint.log("not ready", { ref: referenceOf(response), error: String(error) });
    say(response, 503, "the ledger does not answer\n");
  }
}

function bound(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host.replace(/^\[|\]$/g, ""), () => {
      server.off("error", reject);
      resolve();
    });
  });
}
