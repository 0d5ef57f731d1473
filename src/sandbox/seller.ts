import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { distorted, encoded, type Operation, type Struck, strike } from "./faults.ts";
import { callerOf, credentialOf } from "./identity.ts";
import { bodyOf, type Loopback, openLoopback } from "./loopback.ts";
import { type LoggedRequest, RequestLog } from "./request-log.ts";
import { availsRoutes } from "./routes-avails.ts";
import { catalogueRoutes } from "./routes-catalogue.ts";
import { changeRoutes } from "./routes-changes.ts";
import { dealRoutes } from "./routes-deals.ts";
import { mediaKitRoutes } from "./routes-media-kit.ts";
import { negotiationRoutes } from "./routes-negotiation.ts";
import { orderRoutes } from "./routes-orders.ts";
import { quoteRoutes } from "./routes-quotes.ts";
import type { Route, SellerRuntime } from "./runtime.ts";
import { type Answer, answer, crash, Refusal, unprocessable } from "./wire.ts";

const routes: readonly Route[] = [
  ...catalogueRoutes,
  ...mediaKitRoutes,
  ...availsRoutes,
  ...quoteRoutes,
  ...negotiationRoutes,
  ...dealRoutes,
  ...orderRoutes,
  ...changeRoutes,
];

type Found = { readonly route: Route; readonly params: Record<string, string> } | { readonly answer: Answer };

function match(pattern: string, path: string): Record<string, string> | null {
  const wished = pattern.split("/");
  const given = path.split("/");
  if (wished.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, segment] of wished.entries()) {
    const value = given[index] ?? "";
    if (!segment.startsWith("{")) {
      if (segment !== value) return null;
    } else if (value === "") return null;
    else params[segment.slice(1, -1)] = value;
  }
  return params;
}

function find(method: string, path: string): Found {
  const matching = routes.flatMap((route) => {
    const params = match(route.path, path);
    return params ? [{ route, params }] : [];
  });
  const exact = matching.find((item) => item.route.method === method);
  if (exact) return exact;
  if (matching.length > 0) {
    const allow = matching.map((item) => item.route.method).join(", ");
    return { answer: { status: 405, body: { detail: "Method Not Allowed" }, headers: { Allow: allow } } };
  }
  if (path.length > 1 && path.endsWith("/") && !("answer" in find(method, path.slice(0, -1)))) {
    return { answer: { status: 307, text: "", headers: { Location: path.slice(0, -1) } } };
  }
  return { answer: answer({ detail: "Not Found" }, 404) };
}

function parsed(body: string): unknown {
  if (body === "") return null;
  try {
    return JSON.parse(body);
  } catch {
    const ctx = { error: "Expecting value" };
    throw unprocessable([{ type: "json_invalid", loc: ["body", 0], msg: "JSON decode error", input: {}, ctx }]);
  }
}

interface Incoming {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly entry: LoggedRequest;
  readonly found: Found;
  readonly struck: Struck["faults"];
}

/** A seller's HTTP server with its log; the faults switched on at the runtime's state decide how well it behaves. */
export class SellerServer {
  readonly runtime: SellerRuntime;
  readonly log: RequestLog;
  readonly #decoy: () => string;
  readonly #onRequest: () => void;
  readonly #ended = new AbortController();
  #loopback: Loopback | null = null;

  constructor(runtime: SellerRuntime, decoy: () => string, onRequest: () => void) {
    this.runtime = runtime;
    this.log = new RequestLog(runtime.profile.id);
    this.#decoy = decoy;
    this.#onRequest = onRequest;
  }

  /** Starts answering; returns the port. */
  async open(wishedPort: number): Promise<number> {
    const loopback = await openLoopback(wishedPort, (request, response) => {
      this.#onRequest();
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#loopback = loopback;
    this.runtime.url = loopback.url;
    return loopback.port;
  }

  /** Stops answering; what was still to be committed is not. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#loopback?.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const incoming = await this.#receive(request);
    const { entry, struck } = incoming;
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
    const result = await this.#handled(incoming);
    entry.status = result.status;
    if (late || struck.has("drop-answer")) {
      response.destroy();
      return;
    }
    if (struck.has("slow") && !early) await this.#wait(struck.get("slow")?.ms ?? 2_000);
    if (struck.has("error-500-after-commit")) return this.#send(response, entry, crash);
    this.#send(response, entry, result, struck);
  }

  async #receive(request: IncomingMessage): Promise<Incoming> {
    const method = request.method ?? "GET";
    const target = request.url ?? "/";
    const { pathname, searchParams } = new URL(target, "http://seller.example");
    const found = find(method, pathname);
    const operation: Operation | null = "route" in found ? found.route.operation : null;
    const body = await bodyOf(request);
    const entry = this.log.add({
      at: this.runtime.now(),
      method,
      target,
      operation,
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      credential: credentialOf(request.headers),
      body,
    });
    const struck = this.#strike(operation);
    entry.faults = [...struck.keys()];
    return { method, path: pathname, query: searchParams, entry, found, struck };
  }

  #strike(operation: Operation | null): Struck["faults"] {
    const { state } = this.runtime;
    if (operation === null || state.faults.length === 0) return new Map();
    const { faults, left } = strike(state.faults, operation);
    if (faults.size > 0) {
      state.faults = left;
      this.runtime.commit();
    }
    return faults;
  }

  async #handled({ found, entry, query, struck }: Incoming): Promise<Answer> {
    if ("answer" in found) return found.answer;
    try {
      const body = found.route.method === "POST" ? parsed(entry.body) : null;
      const { runtime } = this;
      const caller = () => callerOf(runtime.profile.id, entry.credential.key);
      return await found.route.handle({ seller: runtime, params: found.params, query, body, faults: struck, caller });
    } catch (error) {
      return error instanceof Refusal ? error.answer : crash;
    }
  }

  async #wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#ended.signal });
  }

  #send(response: ServerResponse, entry: LoggedRequest, sent: Answer, struck: Struck["faults"] = new Map()): void {
    entry.status ??= sent.status;
    const isJson = sent.text === undefined;
    const payload = sent.text ?? encoded(distorted(sent.body, struck), struck);
    response.statusCode = sent.status;
    response.setHeader("Date", new Date(this.runtime.now()).toUTCString());
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

/** What follows the answer on the same connection: a whole answer about another deal, or noise. */
function secondAnswer(isGarbage: boolean): string {
  if (isGarbage) return "\u0000\u0001}{ stray bytes\r\n\r\n";
  const body = JSON.stringify({ deal: { deal_id: "DEMO-000000000000", status: "proposed" } });
  const head = ["HTTP/1.1 200 OK", "Content-Type: application/json", `Content-Length: ${body.length}`];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}
