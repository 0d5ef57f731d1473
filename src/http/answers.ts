import type { ServerResponse } from "node:http";

/** A refusal that never reached a tool: the HTTP status, the JSON-RPC code, and our sentence. */
export interface Refusal {
  readonly status: number;
  /** JSON-RPC error code; -32000 where the protocol names none. */
  readonly code?: number;
  readonly message: string;
  /** The request it answers, where its id was read and is one. */
  readonly id?: string | number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Headers of every answer: nothing is kept, nothing is guessed at, no proxy holds a stream back. */
export function setStandingHeaders(response: ServerResponse, reference: string): void {
  response.setHeader("cache-control", "no-store");
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("x-accel-buffering", "no");
  response.setHeader("x-request-id", reference);
}

/** The reference of an answer, by which the log knows its request. */
export function referenceOf(response: ServerResponse): string {
  return String(response.getHeader("x-request-id"));
}

/** Answers with a refusal. The connection ends with it, so that a body nobody reads is not waited for. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  const { status, code = -32_000, message, id = null, headers = {} } = refusal;
  const text = JSON.stringify({ jsonrpc: "2.0", error: { code, message }, id });
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    connection: "close",
    ...headers,
  });
  response.end(text);
}

/** A word of ours to a prober or a person, as plain text. */
export function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

/** What a caller is told of a fault of ours: where to find it in the log, and nothing else. */
export function faultOf(reference: string): Refusal {
  return {
    status: 500,
    code: -32_603,
    message: `Something failed on our side (reference ${reference}). Ask for the inbox to see what stands.`,
  };
}
