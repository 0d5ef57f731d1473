import type { Answer } from "../wire.ts";
import type { OpenDirectCall } from "./call.ts";
import { nameOf } from "./dialect.ts";
import type { Json } from "./refusal.ts";

/** Collections: an object with one list named after what is in it (OpenDirect 2.1, collections). */

const mostItems = 250;

function matches(item: Json, name: string, wished: string): boolean {
  const pattern = wished.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${pattern.join(".*")}$`, "i").test(String(item[name] ?? ""));
}

/** Plain equality with `*`, as every example of the specification writes its filters. */
function filtered({ query, seller }: OpenDirectCall, items: readonly Json[]): readonly Json[] {
  const wishes = [...query].flatMap(([word, wished]) => {
    const name = nameOf(seller.behaviour.dialect, word);
    return name === undefined || name === "offset" || name === "count" ? [] : [{ name, wished }];
  });
  return items.filter((item) => wishes.every(({ name, wished }) => matches(item, name, wished)));
}

function whole(query: URLSearchParams, name: string, otherwise: number): number {
  const said = query.get(name);
  return said !== null && /^\d{1,9}$/.test(said) ? Number(said) : otherwise;
}

const parameters = { skip: ["$skip", "$top"], count: ["offset", "count"], limit: ["offset", "limit"] } as const;

/** A page of what matches the query, in the way this seller turns pages. */
export function listed(call: OpenDirectCall, collection: string, all: readonly Json[]): Answer {
  const { paging, pageSize } = call.seller.behaviour;
  const items = filtered(call, all);
  if (paging === "none") return { status: 200, body: { [collection]: items.slice(0, pageSize) } };
  const [from, size] = parameters[paging];
  const offset = whole(call.query, from, 0);
  const count = Math.min(whole(call.query, size, pageSize), pageSize, mostItems);
  const body = { [collection]: items.slice(offset, offset + count) };
  const total = items.length;
  if (paging === "skip") return { status: 200, body, headers: { "X-Total-Count": String(total) } };
  if (paging === "limit") return { status: 200, body: { ...body, total_count: total } };
  return { status: 200, body: { ...body, paging: { offset, count, totalrecords: total, countlimit: mostItems } } };
}
