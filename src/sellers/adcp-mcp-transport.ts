import { setTimeout as pause } from "node:timers/promises";
import type { Transport } from "@modelcontextprotocol/client";
import { rpcReply } from "./adcp-answers.ts";
import { httpRefusal, isUnderstood, redone, replyIn } from "./adcp-refusals.ts";
import { defaultTimeouts, type Http, type HttpAnswer, type HttpCall, type Phase, type Timeouts } from "./http.ts";
import { type Access, SellerFailure } from "./seller.ts";
import type { SellerClock } from "./seller-clock.ts";

/** The code of a failure that means: the seller has forgotten our session, and ran nothing. */
export const SESSION_GONE = "session_gone";

/** What one message of a session is sent for. */
export interface Errand {
  readonly phase: Phase;
  readonly access: Access;
}

/** A session of MCP streamable HTTP over the one way out. */
export interface McpTransport extends Transport {
  /**
   * Headers that name an errand to {@link Transport.send}; they stay on this side. A message without one is part of the
   * handshake.
   */
  markFor(errand: Errand): { readonly headers: Readonly<Record<string, string>>; readonly done: () => void };
  /** Tells the seller that the session is over; what it answers is of no interest. */
  leave(withinMs: number): Promise<void>;
}

export interface TransportOptions {
  readonly sellerId: string;
  readonly http: Http;
  /** The endpoint on the seller's origin. */
  readonly path: string;
  readonly timeouts?: Partial<Timeouts> | undefined;
  /** Who we are to the seller, in every message. */
  readonly access: Access;
  readonly clock: SellerClock;
}

/** A seller that ended a stream before its answer, and does not say when to come back, is asked again after this. */
const RESUME_MS = 500;
const LEAST_RESUME_MS = 100;

/**
 * One exchange a message: the reply is taken out of a JSON body or an event stream, and what else the seller says or
 * asks meanwhile is not heard, for we offer it nothing. A message is sent once; only one that is no booking may go out
 * again, on a fresh socket. A stream that ends before its reply is taken up again where the seller gave its events
 * ids: that asks for the reply and sends nothing anew. A request is never cancelled: a booking that is cut short could
 * be half done, and of a read only an answer is saved.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
 */
export function createMcpTransport(options: TransportOptions): McpTransport {
  const { sellerId, http, path, access, clock } = options;
  const timeouts: Timeouts = { ...defaultTimeouts, ...options.timeouts };
  const errands = new Map<string, Errand>();
  let count = 0;
  let sessionId: string | undefined;
  let version: string | undefined;

  const headers = (): Record<string, string> => ({
    accept: "application/json, text/event-stream",
    ...(sessionId === undefined ? {} : { "mcp-session-id": sessionId }),
    ...(version === undefined ? {} : { "mcp-protocol-version": version }),
  });

  async function exchange(body: string, id: unknown, { phase, access: { signal } }: Errand): Promise<HttpAnswer> {
    const began = performance.now();
    const whose: Access = { ...access, signal };
    const common = { path, phase, isAnswer: (json: unknown) => rpcReply(json, id) !== null };
    const repeatable = phase !== "booking";
    const answer = await http.send({ ...common, method: "POST", body, headers: headers(), repeatable }, whose);
    // Only here: a cache may have answered a GET, with the time it did so first.
    clock.note(answer);
    return answer.resume ? resumed(common, answer.resume, began + timeouts[phase], whose) : answer;
  }

  /** Asks for what a stream did not tell any more. The request has gone out: no failure here is definite. */
  async function resumed(
    call: Pick<HttpCall, "path" | "phase" | "isAnswer">,
    from: NonNullable<HttpAnswer["resume"]>,
    until: number,
    whose: Access,
  ): Promise<HttpAnswer> {
    const { phase } = call;
    const { signal } = whose;
    let next: HttpAnswer["resume"] = from;
    try {
      for (;;) {
        const { lastEventId, retryMs } = next;
        const left = until - performance.now();
        const rest = Math.max(1, Math.min(left, Math.max(LEAST_RESUME_MS, retryMs ?? RESUME_MS)));
        // Whoever stops waiting ends the pause; the call after it then tells so.
        await pause(rest, undefined, { signal: phase === "booking" ? undefined : signal }).catch(() => undefined);
        const again = { ...headers(), "last-event-id": lastEventId };
        const withinMs = until - performance.now();
        const answer = await http.send({ ...call, method: "GET", headers: again, withinMs }, whose);
        if (answer.status !== 200) throw httpRefusal(sellerId, "the rest of its answer", answer);
        if (!answer.resume) return answer;
        next = answer.resume;
      }
    } catch (error) {
      throw error instanceof SellerFailure ? redone(error, { definite: false }) : error;
    }
  }

  const transport: McpTransport = {
    get sessionId() {
      return sessionId;
    },
    start: async () => undefined,
    setProtocolVersion(negotiated) {
      version = negotiated;
    },
    markFor(errand) {
      count += 1;
      const name = String(count);
      errands.set(name, errand);
      return { headers: { errand: name }, done: () => errands.delete(name) };
    },
    async send(message, sending) {
      if (!("method" in message)) return;
      const errand = errands.get(sending?.headers?.["errand"] ?? "") ?? { phase: "discovery", access };
      const held = sessionId;
      const id = "id" in message ? message.id : undefined;
      const answer = await exchange(JSON.stringify(message), id, errand);
      // A notification asks for nothing; a seller that dislikes it will say so to the next request.
      if (id === undefined) return;
      const task = String(message.method === "tools/call" ? message.params?.["name"] : `MCP ${message.method}`);
      const lost = held !== undefined && [400, 404].includes(answer.status);
      const said = lost ? rpcReply(answer.json, id) : null;
      if (lost && !(said && "error" in said && isUnderstood(said.error))) throw gone(task, answer.status);
      const reply = replyIn(sellerId, task, answer, id);
      if (message.method === "initialize") sessionId = answer.header("mcp-session-id") ?? undefined;
      transport.onmessage?.({ jsonrpc: "2.0", id, ...reply });
    },
    async leave(withinMs) {
      if (sessionId === undefined) return;
      const call = { method: "DELETE", path, phase: "discovery", withinMs, headers: headers() } as const;
      await http.send(call, access).catch(() => undefined);
    },
    async close() {
      transport.onclose?.();
    },
  };

  function gone(task: string, status: number): SellerFailure {
    const message = `${sellerId} no longer knows our session and did not run ${task} (HTTP ${status}).`;
    // 404 is what MCP says for it; 400 is what some servers say, for this and for anything else.
    const details = { definite: status === 404, code: SESSION_GONE, status };
    return new SellerFailure(sellerId, "not_found", message, details);
  }
  return transport;
}
