import { randomUUID } from "node:crypto";
import { Agent, fetch } from "undici";
import type { SandboxSeller } from "../../src/sandbox/sandbox-seller.ts";

// A connection a call: a kept one may end in a sandbox that was closed in between.
const dispatcher = new Agent({ pipelining: 0 });

/** A JSON answer and its HTTP status. */
export interface Heard {
  readonly status: number;
  readonly body: unknown;
}

interface Saying {
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** GETs a JSON document. */
export async function document(url: string): Promise<Heard> {
  const response = await fetch(url, { dispatcher });
  return { status: response.status, body: await response.json() };
}

/** POSTs a JSON-RPC message with the seller's agency key, unless another (or none, null) is named. */
export async function rpc(
  seller: SandboxSeller,
  url: string,
  method: string,
  params: object,
  saying: Saying = {},
): Promise<Heard> {
  const { key = seller.keys.agency, headers = {}, signal } = saying;
  const response = await fetch(url, {
    ...{ method: "POST", dispatcher },
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    ...(signal ? { signal } : {}),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
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

/** Runs a task over MCP and returns its envelope. */
export async function task(seller: SandboxSeller, name: string, args: object, saying: Saying = {}): Promise<unknown> {
  const url = seller.agents?.mcp ?? seller.url;
  const heard = await rpc(seller, url, "tools/call", { name, arguments: args }, saying);
  return at(heard.body, "result", "structuredContent") ?? heard.body;
}

/** A fresh idempotency key. */
export function key(): { readonly idempotency_key: string } {
  return { idempotency_key: randomUUID() };
}

/** The storyboards' advertiser, under a domain nobody can own. */
export const brand = { domain: "acmeoutdoor.example" };
/** The account of the storyboards, by its natural key. */
export const account = { brand, operator: "pinnacle-agency.example" };
/** 3.1, as a buyer says it. */
export const v31 = { adcp_version: "3.1", adcp_major_version: 3 };

/** Opens the storyboards' account at a seller. */
export function openAccount(seller: SandboxSeller, more: object = {}): Promise<unknown> {
  const accounts = [{ ...account, billing: "operator", payment_terms: "net_30" }];
  return task(seller, "sync_accounts", { ...key(), accounts, ...more });
}

/** A buy of the storyboard's two auctions; `packages` and all else may be replaced. */
export function auction(more: object = {}) {
  return {
    ...key(),
    account,
    brand,
    start_time: "asap",
    end_time: "2099-01-01T00:00:00Z",
    packages: [
      { product_id: "sports_display_auction", budget: 10_000, bid_price: 8.5, pricing_option_id: "cpm_auction" },
      { product_id: "outdoor_video_auction", budget: 15_000, bid_price: 22, pricing_option_id: "cpm_auction" },
    ],
    ...more,
  };
}

/** A buy of the storyboard's two guaranteed products. */
export function guaranteed(more: object = {}) {
  return {
    ...key(),
    account,
    brand,
    start_time: "2027-04-01T00:00:00Z",
    end_time: "2027-06-30T23:59:59Z",
    packages: [
      {
        product_id: "sports_preroll_q2_guaranteed",
        budget: 30_000,
        pricing_option_id: "cpm_guaranteed_fixed",
        context: { buyer_ref: "a" },
      },
      {
        product_id: "outdoor_ctv_q2_guaranteed",
        budget: 20_000,
        pricing_option_id: "cpm_guaranteed_fixed",
        context: { buyer_ref: "b" },
      },
    ],
    ...more,
  };
}
