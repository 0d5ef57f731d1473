import { BrokenCircuitError, ConsecutiveBreaker, circuitBreaker, handleWhen } from "cockatiel";
import type { Dispatcher } from "undici";
import type { Tier } from "../domain/identity.ts";
import { originProblem } from "./addresses.ts";
import type { Credential } from "./records.ts";
import { type Access, SellerFailure } from "./seller.ts";

/** The one way out: every byte that goes to a seller goes through here. */

/** What a call is for, and so how long its whole answer may take. Quotes count as media kit, negotiation as booking. */
export type Phase = "discovery" | "media_kit" | "booking";
/** Milliseconds from the call to the last byte of its answer. */
export type Timeouts = Readonly<Record<Phase, number>>;
export const defaultTimeouts: Timeouts = { discovery: 10_000, media_kit: 15_000, booking: 30_000 };

/** Structured log lines; pino fits. */
export interface SellerLog {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface HttpOptions {
  readonly sellerId: string;
  /** Scheme, host and port; nothing is ever sent to another. */
  readonly origin: string;
  /** A tier without one is called without authentication. `public` never has one. */
  readonly credentials: Readonly<Partial<Record<Exclude<Tier, "public">, Credential>>>;
  readonly timeouts?: Partial<Timeouts> | undefined;
  /** Whether this very origin may be on this machine: sandbox sellers, and what the operator listed. */
  readonly allowLoopback: boolean;
  readonly log: SellerLog;
  /** After how many failed connections in a row the seller is left alone, and for how many milliseconds. */
  readonly circuit?: { readonly failures: number; readonly restMs: number };
}

export interface HttpCall {
  readonly method: "GET" | "POST";
  /** Begins with a slash; ids in it are percent-encoded by the caller. */
  readonly path: string;
  /** Sent byte for byte (UTF-8, JSON). */
  readonly body?: string | undefined;
  readonly phase: Phase;
}

/** A complete answer of any status but 3xx, however wrong it may be. */
export interface HttpAnswer {
  readonly status: number;
  /** Parsed when the answer says it is JSON and is; `undefined` otherwise. */
  readonly json: unknown;
  readonly text: string;
  /** The seller's own clock, as its `Date` header says it. */
  readonly date: string | null;
}

export interface Http {
  readonly hasCredential: (tier: Tier) => boolean;
  /**
   * Sends one request with the credential of the access' tier. A GET whose connection broke is repeated once on a
   * fresh socket; a POST is sent once. The access' signal ends the waiting, except in the booking phase, where an
   * answer must not be lost because nobody waits for it any more.
   * @throws SellerFailure `unreachable`, `timeout`, `redirected`, `too_large`, `invalid_answer` or `circuit_open`;
   * `definite` only where nothing was sent
   */
  readonly send: (call: HttpCall, access: Access) => Promise<HttpAnswer>;
}

/** More than any catalogue page; a seller that sends more is cut off. */
const MAX_ANSWER_BYTES = 4 << 20;
/** Deeper than any answer of a protocol nests. */
const MOST_DEPTH = 100;
const circuitDefaults = { failures: 5, restMs: 10_000 };

let opened: ReturnType<typeof openNetwork> | undefined;

/** The sockets of this process, loaded with the first call: a server that is only asked what it can do needs none. */
function network() {
  opened ??= openNetwork();
  return opened;
}

async function openNetwork() {
  const { openSockets, request } = await import("./sockets.ts");
  return { request, outside: openSockets(false, MAX_ANSWER_BYTES), withLoopback: openSockets(true, MAX_ANSWER_BYTES) };
}

/** Calls to one seller; see {@link Http.send}. */
export function createHttp(options: HttpOptions): Http {
  const { sellerId, origin, credentials, log } = options;
  const timeouts: Timeouts = { ...defaultTimeouts, ...options.timeouts };
  const { failures, restMs } = options.circuit ?? circuitDefaults;
  const breaker = circuitBreaker(handleWhen(isConnectionFailure), {
    halfOpenAfter: restMs,
    breaker: new ConsecutiveBreaker(failures),
  });
  const problem = originProblem(origin, options.allowLoopback);
  const echoes = Object.values(credentials).flatMap(writings);

  function headersFor(call: HttpCall, tier: Tier): Record<string, string> {
    const credential = tier === "public" ? undefined : credentials[tier];
    return {
      accept: "application/json",
      // Nothing compressed, so that the size cap is the size.
      "accept-encoding": "identity",
      "user-agent": "media-buyer-mcp",
      ...(call.body === undefined ? {} : { "content-type": "application/json" }),
      ...authentication(credential),
    };
  }

  async function once(call: HttpCall, tier: Tier, signal: AbortSignal, dispatcher: Dispatcher): Promise<HttpAnswer> {
    const url = new URL(call.path, origin);
    if (url.origin !== new URL(origin).origin) throw new RangeError(`${call.path} leaves the seller's origin`);
    const headers = headersFor(call, tier);
    const { request } = await network();
    const answer = await request(url, { method: call.method, headers, body: call.body ?? null, signal, dispatcher });
    const { statusCode: status } = answer;
    if (status >= 300 && status < 400) {
      await answer.body.dump();
      throw new SellerFailure(
        sellerId,
        "redirected",
        `${sellerId} redirected ${named(call)} (HTTP ${status}); it was not followed.`,
        { status },
      );
    }
    const encoding = headerOf(answer.headers["content-encoding"]);
    if (encoding !== null && encoding !== "identity") {
      await answer.body.dump();
      const message = `${sellerId} answered ${named(call)} compressed, which it was asked not to do.`;
      throw new SellerFailure(sellerId, "invalid_answer", message, { status });
    }
    const text = echoes.reduce((body, secret) => body.replaceAll(secret, "***"), await answer.body.text());
    const type = headerOf(answer.headers["content-type"]) ?? "application/json";
    return { status, text, json: jsonOf(type, text), date: headerOf(answer.headers["date"]) };
  }

  async function attempt(call: HttpCall, access: Access, wait: Wait): Promise<HttpAnswer> {
    const { signal } = wait;
    if (signal.aborted) throw failureOf(sellerId, call, signal.reason, wait, true);
    try {
      const { withLoopback, outside } = await network();
      const pool = options.allowLoopback ? withLoopback : outside;
      const first = call.method === "GET" ? pool.kept : pool.fresh;
      return await once(call, access.tier, signal, first).catch((error: unknown) => {
        if (call.method === "GET" && brokeOff(error)) return once(call, access.tier, signal, pool.fresh);
        throw error;
      });
    } catch (error) {
      throw failureOf(sellerId, call, error, wait, false);
    }
  }

  return {
    hasCredential: (tier) => tier !== "public" && credentials[tier] !== undefined,
    async send(call, access) {
      if (problem) {
        const message = `${sellerId} was not called: its address ${problem}.`;
        throw new SellerFailure(sellerId, "unreachable", message, { definite: true, code: "address_not_allowed" });
      }
      const wait = waitFor(timeouts[call.phase], call.phase === "booking" ? undefined : access.signal);
      const began = performance.now();
      const fields = { seller: sellerId, method: call.method, path: call.path, tier: access.tier };
      try {
        const answer = await breaker.execute(() => attempt(call, access, wait));
        log.debug({ ...fields, status: answer.status, ms: Math.trunc(performance.now() - began) }, "seller answered");
        return answer;
      } catch (error) {
        const failure =
          error instanceof BrokenCircuitError
            ? new SellerFailure(
                sellerId,
                "circuit_open",
                `${sellerId} failed ${failures} times in a row and is left alone for a moment; ${named(call)} was not sent.`,
                { definite: true, cause: error },
              )
            : error;
        log.warn({ ...fields, ms: Math.trunc(performance.now() - began), err: String(failure) }, "seller failed");
        throw failure;
      }
    },
  };
}

/** How long one call is waited for, and by whose will it ends. */
interface Wait {
  readonly ms: number;
  readonly deadline: AbortSignal;
  /** The deadline, or the caller's abort where that counts. */
  readonly signal: AbortSignal;
}

function waitFor(ms: number, caller: AbortSignal | undefined): Wait {
  const deadline = AbortSignal.timeout(ms);
  return { ms, deadline, signal: caller ? AbortSignal.any([deadline, caller]) : deadline };
}

function authentication(credential: Credential | undefined): Record<string, string> {
  if (credential?.bearer) return { authorization: `Bearer ${credential.bearer}` };
  return credential?.apiKey ? { "x-api-key": credential.apiKey } : {};
}

/**
 * A credential as an answer may repeat it: sellers put the key they refuse into the sentence that refuses it, and from
 * there it would reach a model and the ledger. A short one is left alone, for it may be part of any word.
 */
function writings({ bearer, apiKey }: Credential): readonly string[] {
  const secret = bearer ?? apiKey ?? "";
  return secret.length < 8 ? [] : [...new Set([secret, JSON.stringify(secret).slice(1, -1)])];
}

function headerOf(value: string | string[] | undefined): string | null {
  return typeof value === "string" ? value : (value?.[0] ?? null);
}

function jsonOf(contentType: string, text: string): unknown {
  if (!/^[^;]*[/+]json\b/i.test(contentType) || nestsTooDeep(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A megabyte of opening brackets takes the parser a second, in which no other seller is heard: it is not parsed. */
function nestsTooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at];
    if (quoted && mark === "\\") at += 1;
    else if (mark === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (mark === "[" || mark === "{") depth += 1;
    else if (mark === "]" || mark === "}") depth -= 1;
    if (depth > MOST_DEPTH) return true;
  }
  return false;
}

function named(call: HttpCall): string {
  return `${call.method} ${call.path.split("?")[0]}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** The socket ended under a request: worth one more try where repeating is harmless. */
function brokeOff(error: unknown): boolean {
  return ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"].includes(codeOf(error));
}

/** True where no byte of the request can have left: the address was refused, not found, or did not connect. */
function nothingSent(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(nothingSent);
  if (["ESSRF", "UND_ERR_CONNECT_TIMEOUT"].includes(codeOf(error))) return true;
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(codeOf(error))) return true;
  return (
    error instanceof Error && "syscall" in error && (error.syscall === "connect" || error.syscall === "getaddrinfo")
  );
}

function isNotHttp(error: unknown): boolean {
  return (error instanceof Error && error.name === "HTTPParserError") || codeOf(error) === "UND_ERR_HEADERS_OVERFLOW";
}

function isConnectionFailure(error: unknown): boolean {
  if (!(error instanceof SellerFailure)) return false;
  if (error.kind === "unreachable") return error.code !== "address_not_allowed";
  return error.kind === "timeout" && error.code !== "stopped";
}

function failureOf(
  sellerId: string,
  call: HttpCall,
  error: unknown,
  wait: Wait,
  beforeSending: boolean,
): SellerFailure {
  if (error instanceof SellerFailure) return error;
  const what = named(call);
  const code = codeOf(error);
  const definite = beforeSending || nothingSent(error);
  if (wait.deadline.aborted) {
    const message = `${sellerId} did not answer ${what} within ${wait.ms / 1000} s.`;
    return new SellerFailure(sellerId, "timeout", message, { definite, cause: error });
  }
  if (wait.signal.aborted) {
    const message = `${what} to ${sellerId} was given up before its answer came.`;
    return new SellerFailure(sellerId, "timeout", message, { definite, code: "stopped", cause: error });
  }
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") {
    const message = `${sellerId} answered ${what} with more than ${MAX_ANSWER_BYTES >> 20} MB; the answer was cut off.`;
    return new SellerFailure(sellerId, "too_large", message, { cause: error });
  }
  if (isNotHttp(error)) {
    const message = `${sellerId} answered ${what} with something that is not HTTP.`;
    return new SellerFailure(sellerId, "invalid_answer", message, { cause: error });
  }
  if (code === "ESSRF") {
    const message = `${sellerId} was not called: its name leads to an address that is not allowed.`;
    return new SellerFailure(sellerId, "unreachable", message, { definite, code: "address_not_allowed", cause: error });
  }
  const how = definite ? "could not be reached" : `broke off ${what} before its answer was complete`;
  const message = `${sellerId} ${how}${code ? ` (${code})` : ""}.`;
  return new SellerFailure(sellerId, "unreachable", message, { definite, cause: error });
}
