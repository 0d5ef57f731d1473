import { randomUUID } from "node:crypto";
import { Agent, fetch, type Headers } from "undici";
import type { SandboxSeller } from "../../src/sandbox/sandbox-seller.ts";

/** An answer of a sandbox seller: the parsed JSON body, or the text when it is none. */
export interface Heard {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** What a call may say besides its path. */
export interface Saying {
  readonly tier?: "seat" | "agency" | "advertiser";
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

// A connection a call: a kept one may end in a sandbox that was closed in between.
const dispatcher = new Agent({ pipelining: 0 });

async function send(
  seller: SandboxSeller,
  path: string,
  init: { readonly method?: string; readonly body?: string },
  saying: Saying,
): Promise<Heard> {
  const key: Record<string, string> = saying.tier ? { "X-Api-Key": seller.keys[saying.tier] } : {};
  const response = await fetch(seller.url + path, {
    ...init,
    dispatcher,
    redirect: "manual",
    headers: { ...key, ...saying.headers },
    ...(saying.signal ? { signal: saying.signal } : {}),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** GETs a path. */
export function get(seller: SandboxSeller, path: string, saying: Saying = {}): Promise<Heard> {
  return send(seller, path, {}, saying);
}

/** POSTs a JSON body. */
export function post(seller: SandboxSeller, path: string, body: unknown, saying: Saying = {}): Promise<Heard> {
  return send(seller, path, { method: "POST", body: JSON.stringify(body) }, saying);
}

/** A value inside a body, by its keys. */
export function at(body: unknown, ...keys: (string | number)[]): unknown {
  let here = body;
  for (const key of keys) {
    if (typeof here !== "object" || here === null) return undefined;
    here = Reflect.get(here, key);
  }
  return here;
}

/** Dollars as the sellers' micros. */
export function usd(dollars: number) {
  return { amount_micros: Math.round(dollars * 1_000_000), currency: "USD" };
}

/** The recorded quote request: 5,000,000 impressions of a $15.00 display product with a $10.00 floor. */
export const display = {
  product_id: "prod-91ddc363",
  deal_type: "PD",
  impressions: 5_000_000,
  flight_start: "2026-12-01",
  flight_end: "2026-12-31",
};

/** Asks for a quote and returns its id. */
export async function quoted(seller: SandboxSeller, fields: object = {}, saying: Saying = { tier: "advertiser" }) {
  const body = { idempotency_key: randomUUID(), ...display, ...fields };
  const heard = await post(seller, "/api/v1/quotes", body, saying);
  return String(at(heard.body, "quote", "quote_id"));
}

/** Sends a negotiation message on a quote. */
export function negotiate(
  seller: SandboxSeller,
  quoteId: string,
  action: string,
  dollars?: number,
  saying: Saying = { tier: "advertiser" },
) {
  const price = dollars === undefined ? {} : { buyer_price: usd(dollars) };
  const body = { idempotency_key: randomUUID(), quote_id: quoteId, action, ...price };
  return post(seller, "/api/v1/negotiations/messages", body, saying);
}

/** Books a quote. */
export function book(
  seller: SandboxSeller,
  quoteId: string,
  fields: object = {},
  saying: Saying = { tier: "advertiser" },
) {
  return post(seller, "/api/v1/deals", { idempotency_key: randomUUID(), quote_id: quoteId, ...fields }, saying);
}
