import type { Readable } from "node:stream";
import { BrokenCircuitError, ConsecutiveBreaker, circuitBreaker, handleWhen } from "cockatiel";
import type { Dispatcher } from "undici";
import type { Tier } from "../domain/identity.ts";
import { originProblem } from "./addresses.ts";
import { readEventStream } from "./event-stream.ts";
import { jsonIn, masker, saysJson } from "./http-answer.ts";
import { brokeOff, failureOf, isConnectionFailure, named, type Wait, waitFor } from "./http-failures.ts";
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
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Begins with a slash; ids in it are percent-encoded by the caller. */
  readonly path: string;
  /** Sent byte for byte (UTF-8, JSON). */
  readonly body?: string | undefined;
  readonly phase: Phase;
  /** Milliseconds, where less time is left than the phase allows. */
  readonly withinMs?: number | undefined;
  /** Headers of a protocol, in lower case; those that carry a credential are set here alone. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether sending it twice is harmless. Absent: only a GET is. */
  readonly repeatable?: boolean | undefined;
  /** Which event of an event stream is the answer; absent, the first that is JSON. */
  readonly isAnswer?: ((json: unknown) => boolean) | undefined;
}

/** A complete answer of any status but 3xx, however wrong it may be. */
export interface HttpAnswer {
  readonly status: number;
  /** Parsed when the answer says it is JSON and is; of an event stream, its answer; `undefined` otherwise. */
  readonly json: unknown;
  readonly text: string;
  /** The seller's own clock, as its `Date` header says it. */
  readonly date: string | null;
  /** A header by its name in lower case. */
  readonly header: (name: string) => string | null;
  /** Set where an event stream ended without its answer and may be taken up again after this event. */
  readonly resume: { readonly lastEventId: string; readonly retryMs: number | null } | null;
}

export interface Http {
  readonly hasCredential: (tier: Tier) => boolean;
  /**
   * Sends one request with the credential of the access' tier. One that may be repeated goes over a kept socket, and
   * once more over a fresh one if that broke; any other is sent once. The access' signal ends the waiting, except in the booking phase, where an
   * answer must not be lost because nobody waits for it any more.
   * @throws SellerFailure `unreachable`, `timeout`, `redirected`, `too_large`, `invalid_answer` or `circuit_open`;
   * `definite` only where nothing was sent
   */
  readonly send: (call: HttpCall, access: Access) => Promise<HttpAnswer>;
}

/** More than any catalogue page; a seller that sends more is cut off. */
const MAX_ANSWER_BYTES = 4 << 20;
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
  const masked = masker(Object.values(credentials));

  function headersFor(call: HttpCall, tier: Tier): Record<string, string> {
    const credential = tier === "public" ? undefined : credentials[tier];
    return {
      accept: "application/json",
      ...call.headers,
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
    const header = (name: string) => headerOf(answer.headers[name]);
    const type = header("content-type");
    const rest = { status, date: header("date"), header };
    if (type !== null && /^text\/event-stream\b/i.test(type)) return { ...rest, ...(await eventOf(call, answer.body)) };
    const text = masked(await answer.body.text());
    return { ...rest, text, json: saysJson(type) ? jsonIn(text) : undefined, resume: null };
  }

  async function eventOf(call: HttpCall, body: Readable): Promise<Pick<HttpAnswer, "text" | "json" | "resume">> {
    let json: unknown;
    const { data, lastEventId, retryMs } = await readEventStream(body, (event) => {
      json = jsonIn(masked(event));
      return json !== undefined && (call.isAnswer?.(json) ?? true);
    });
    if (data !== null) return { text: masked(data), json, resume: null };
    return { text: "", json: undefined, resume: lastEventId === null ? null : { lastEventId, retryMs } };
  }

  async function attempt(call: HttpCall, access: Access, wait: Wait): Promise<HttpAnswer> {
    const { signal } = wait;
    const about = { maxBytes: MAX_ANSWER_BYTES, beforeSending: signal.aborted, sentBefore: false };
    if (signal.aborted) throw failureOf(sellerId, call, signal.reason, wait, about);
    try {
      const { withLoopback, outside } = await network();
      const pool = options.allowLoopback ? withLoopback : outside;
      const repeatable = call.repeatable ?? call.method === "GET";
      const first = repeatable ? pool.kept : pool.fresh;
      return await once(call, access.tier, signal, first).catch((error: unknown) => {
        if (!repeatable || !brokeOff(error)) throw error;
        about.sentBefore = true;
        return once(call, access.tier, signal, pool.fresh);
      });
    } catch (error) {
      throw failureOf(sellerId, call, error, wait, about);
    }
  }

  return {
    hasCredential: (tier) => tier !== "public" && credentials[tier] !== undefined,
    async send(call, access) {
      if (problem) {
        const message = `${sellerId} was not called: its address ${problem}.`;
        throw new SellerFailure(sellerId, "unreachable", message, { definite: true, code: "address_not_allowed" });
      }
      const ms = Math.max(1, Math.trunc(Math.min(timeouts[call.phase], call.withinMs ?? Number.POSITIVE_INFINITY)));
      const wait = waitFor(ms, call.phase === "booking" ? undefined : access.signal);
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

function authentication(credential: Credential | undefined): Record<string, string> {
  if (credential?.bearer) return { authorization: `Bearer ${credential.bearer}` };
  if (credential?.apiKey) return { "x-api-key": credential.apiKey };
  return credential?.accessToken ? { accesstoken: credential.accessToken } : {};
}

function headerOf(value: string | string[] | undefined): string | null {
  return typeof value === "string" ? value : (value?.[0] ?? null);
}
