import { refusal } from "./refusal.ts";
import type { AdcpRuntime } from "./runtime.ts";
import type { Json } from "./state.ts";

/** A part of a list, and how to ask for the next: AdCP 3.1, pagination. Cursors are opaque to the buyer. */
export function page<Item>(
  items: readonly Item[],
  asked: { readonly max_results?: number | undefined; readonly cursor?: string | undefined } | undefined,
  usual = 50,
): { readonly items: readonly Item[]; readonly pagination: Json } {
  const from = asked?.cursor === undefined ? 0 : offsetOf(asked.cursor);
  const until = from + (asked?.max_results ?? usual);
  const has_more = until < items.length;
  const cursor = has_more ? { cursor: Buffer.from(`after:${until}`).toString("base64url") } : {};
  return { items: items.slice(from, until), pagination: { has_more, ...cursor, total_count: items.length } };
}

function offsetOf(cursor: string): number {
  const [, digits] = /^after:(\d{1,6})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (digits === undefined)
    throw refusal("INVALID_REQUEST", "This cursor is not one of ours.", "correctable", { field: "pagination.cursor" });
  return Number(digits);
}

/** A fresh id is needed where the seller names a thing; this one is readable and unique in its books. */
export function nextId(seller: AdcpRuntime, prefix: string, known: Readonly<Record<string, unknown>>): string {
  for (let n = Object.keys(known).length + 1; ; n += 1) {
    const id = `${prefix}_${seller.profile.id}_${n}`;
    if (!(id in known)) return id;
  }
}
