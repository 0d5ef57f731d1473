import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { distorted, encoded, type FaultSpec, type Operation, type Struck, strike } from "./faults.ts";
import { credentialOf } from "./identity.ts";
import { bodyOf, type Loopback, openLoopback } from "./loopback.ts";
import { type LoggedRequest, RequestLog } from "./request-log.ts";
import { type Answer, crash, Refusal } from "./wire.ts";

/** A request as it came in, before anybody knows what it is for. */
export interface Incoming {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** What follows the `?`, as sent: a name without a value differs from one with an empty value. */
  readonly search: string;
  readonly headers: IncomingMessage["headers"];
  /** The API key or bearer token; null when there was none. */
  readonly key: string | null;
  readonly body: string;
}

/** What a request turned out to be for, and how it is answered. */
export interface Routed {
  /** Null where nothing is served: no fault strikes there. */
  readonly operation: Operation | null;
  /** Answers it; whatever it throws is a text 500. */
  handle(faults: Struck["faults"]): Answer | Promise<Answer>;
}

/** A seller's business behind its HTTP server, in whatever protocol. */
export interface Business {
  readonly id: string;
  /** The faults switched on; replaced whole when one is spent. */
  readonly state: { faults: FaultSpec[] };
  now(): number;
  commit(): void;
  route(incoming: Incoming): Routed;
}

/** A seller's HTTP server with its log; the faults switched on decide how well it behaves. */
export class HttpSeller {
  readonly log: RequestLog;
  readonly #business: Business;
  readonly #decoy: () => string;
  readonly #onRequest: () => void;
  readonly #ended = new AbortController();
  #loopback: Loopback | null = null;

  constructor(business: Business, decoy: () => string, onRequest: () => void) {
    this.log = new RequestLog(business.id);
    this.#business = business;
    this.#decoy = decoy;
    this.#onRequest = onRequest;
  }

  /** Starts answering on 127.0.0.1. */
  async open(wishedPort: number): Promise<Loopback> {
    const loopback = await openLoopback(wishedPort, (request, response) => {
      this.#onRequest();
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#loopback = loopback;
    return loopback;
  }

  /** Stops answering; what was still to be committed is not. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#loopback?.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { entry, routed, struck } = await this.#receive(request);
    const early = struck.get("slow")?.when !== "after";
    if (struck.has("slow") && early) await this.#wait(struck.get("slow")?.ms ?? 2_000);
    if (struck.has("hang")) return;
    if (struck.has("error-text")) {
      return this.#send(response, entry, { status: 500, text: "upstream connect error or disconnect" });
    }
    if (struck.has("redirect")) {
      const location = new URL(request.url ?? "/", struck.get("redirect")?.to ?? this.#decoy()).href;
      return this.#send(response, entry, { status: 307, text: "", headers: { Location: location } });
    }
    const late = struck.get("late-commit");
    if (late) {
      if (late.close) response.destroy();
      await this.#wait(late.ms ?? 2_000);
    }
    const result = await handled(routed, struck);
    entry.status = result.status;
    if (late || struck.has("drop-answer")) {
      response.destroy();
      return;
    }
    if (struck.has("slow") && !early) await this.#wait(struck.get("slow")?.ms ?? 2_000);
    if (struck.has("error-500-after-commit")) return this.#send(response, entry, crash);
    this.#send(response, entry, result, struck);
  }

  async #receive(request: IncomingMessage): Promise<{
    readonly entry: LoggedRequest;
    readonly routed: Routed;
    readonly struck: Struck["faults"];
  }> {
    const { method = "GET", url: target = "/", headers, rawHeaders } = request;
    const { pathname: path, searchParams: query, search } = new URL(target, "http://seller.example");
    const credential = credentialOf(headers);
    const body = await bodyOf(request);
    const routed = this.#business.route({
      method,
      path,
      query,
      search: search.slice(1),
      headers,
      key: credential.key,
      body,
    });
    const { operation } = routed;
    const at = this.#business.now();
    const entry = this.log.add({ at, method, target, operation, headers, rawHeaders, credential, body });
    const struck = this.#strike(routed.operation);
    entry.faults = [...struck.keys()];
    return { entry, routed, struck };
  }

  #strike(operation: Operation | null): Struck["faults"] {
    const { state } = this.#business;
    if (operation === null || state.faults.length === 0) return new Map();
    const { faults, left } = strike(state.faults, operation);
    if (faults.size > 0) {
      state.faults = left;
      this.#business.commit();
    }
    return faults;
  }

  async #wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#ended.signal });
  }

  #send(response: ServerResponse, entry: LoggedRequest, sent: Answer, struck: Struck["faults"] = new Map()): void {
    entry.status ??= sent.status;
    const isJson = sent.text === undefined;
    const payload = sent.text ?? encoded(distorted(sent.body, struck), struck);
    response.statusCode = sent.status;
    response.setHeader("Date", new Date(this.#business.now()).toUTCString());
    if (payload !== "" || isJson) {
      response.setHeader("Content-Type", isJson ? "application/json" : "text/plain; charset=utf-8");
    }
    for (const [name, value] of Object.entries(sent.headers ?? {})) response.setHeader(name, value);
    // Chunked, so that no announced length warns the caller.
    if (struck.has("oversized")) response.write(payload);
    const second = struck.get("answer-twice");
    const { socket } = response;
    response.end(struck.has("oversized") ? "" : payload, () => {
      entry.answered = true;
      if (second && socket && !socket.destroyed) socket.write(secondAnswer(second.how === "garbage"));
    });
  }
}

async function handled(routed: Routed, faults: Struck["faults"]): Promise<Answer> {
  try {
    return await routed.handle(faults);
  } catch (error) {
    return error instanceof Refusal ? error.answer : crash;
  }
}

/** What follows the answer on the same connection: a whole answer about another deal, or noise. */
function secondAnswer(isGarbage: boolean): string {
  if (isGarbage) return "\u0000\u0001}{ stray bytes\r\n\r\n";
  const body = JSON.stringify({ deal: { deal_id: "DEMO-000000000000", status: "proposed" } });
  const head = ["HTTP/1.1 200 OK", "Content-Type: application/json", `Content-Length: ${body.length}`];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}
