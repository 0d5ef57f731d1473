import * as z from "zod";
import type { MediaKitAnswer } from "../buying/media-kit.ts";
import { perWords } from "../domain/package.ts";
import type { Price } from "../domain/inventory.ts";
import { formatMoney } from "../domain/money.ts";
import { BuyingError } from "../domain/errors.ts";
import { proposalRow, proposalText, termsRow, termsText } from "./kit-terms.ts";
import { amount, fields, oneLine } from "./fields.ts";
import { table } from "./table.ts";
import { answer, defineTool, everyAnswer, heardFrom } from "./tool.ts";

export const getMediaKit = defineTool({
  name: "get_media_kit",
  title: "Read media kits",
  effect: "read",
  description:
    "What sellers offer: products with prices as this desk sees them, cheapest first. Without sellers it asks all trusted ones at once. Names and descriptions are the sellers' words.",
  input: z.strictObject({
    sellers: z.array(z.string().max(100)).max(20).optional().describe("Ids, names or domains"),
    channels: fields.channels.optional(),
    formats: z.array(z.string().max(40)).max(10).optional(),
    geo: z.array(z.string().max(40)).max(20).optional(),
    deal_type: fields.dealType.optional(),
    query: z.string().max(120).optional(),
    brief: oneLine(2000).optional().describe("What you need; AdCP sellers offer and bundle by it, and come first"),
    max_cpm: fields.money("Highest CPM").optional(),
    limit: z.number().int().min(1).max(50).optional(),
    cursor: z.string().max(40).optional(),
    refresh: z.boolean().optional(),
    deadline_s: fields.deadline.optional(),
  }),
  output: z.looseObject({
    ...everyAnswer,
    products: z.array(z.looseObject({ product: z.string(), name: z.string() })),
    sellers: z.array(z.looseObject({ seller_id: z.string(), status: z.string(), shown: z.number() })),
    total: z.number(),
    next_cursor: z.string().optional(),
  }),
}).run(async (input, desk) => {
  const limit = input.limit ?? 10;
  const offset = offsetOf(input.cursor);
  const found = await desk.mediaKit({
    sellers: input.sellers ?? [],
    channels: input.channels ?? [],
    formats: input.formats ?? [],
    geo: input.geo ?? [],
    dealType: input.deal_type ?? null,
    query: input.query ?? null,
    brief: input.brief ?? null,
    maxCpm: amount(input.max_cpm, "max_cpm"),
    limit,
    offset,
    refresh: input.refresh ?? false,
    deadlineMs: (input.deadline_s ?? 15) * 1000,
  });
  const end = offset + found.products.length;
  const [cheapest] = found.products;
  const products = found.products.map((one) => ({
    product: one.ref,
    name: one.name,
    channel: one.channel,
    formats: one.formats,
    devices: one.devices,
    geo: one.geo,
    deal_types: one.dealTypes,
    price: priceOf(one.price),
    negotiable: one.negotiable,
    volume_discounts: one.volumeDiscounts,
    min_impressions: one.minImpressions,
    available: one.availableImpressions,
    about: one.about,
    tags: one.tags,
    terms: termsRow(one),
  }));
  const proposals = found.sellers.flatMap(({ value }) => value?.proposals ?? []);
  const sellers = found.sellers.map(({ record, status, shown, value, why, sellerSaid }) => ({
    seller_id: record.id,
    status,
    shown,
    of: value?.products.length ?? 0,
    seen_as: value?.seenAs ?? null,
    ...(value && value.unreadable > 0 ? { unreadable: value.unreadable } : {}),
    ...(value && value.notes.length > 0 ? { notes: value.notes } : {}),
    ...(why === null ? {} : { why }),
    ...(sellerSaid === null ? {} : { seller_said: sellerSaid }),
  }));
  // A seller says it for the tier it sees; the quote's tier may be another.
  const seenAs = (id: string) => {
    const tier = found.sellers.find(({ record }) => record.id === id)?.value?.seenAs;
    return tier ? `, as ${tier}` : "";
  };
  const columns = [
    "product",
    "name (seller's words)",
    "channel",
    "price",
    "deal types",
    "min impressions",
    "free",
    "negotiable",
  ];
  const rows = found.products.map((one) => [
    one.ref,
    one.name,
    one.channel,
    priceText(one.price),
    one.dealTypes.join("/"),
    one.minImpressions,
    one.availableImpressions,
    one.negotiable === null ? "not said" : `${one.negotiable ? "yes" : "no"}${seenAs(one.sellerId)}`,
  ]);
  const more = end < found.total ? `p${end}` : null;
  return heardFrom(
    answer(
      desk,
      {
        products,
        proposals: proposals.map(proposalRow),
        sellers,
        total: found.total,
        ...(more ? { next_cursor: more } : {}),
      },
      cheapest ? [`request_quote for ${cheapest.ref} and others`] : ["discover_sellers {}"],
      products.length === 0 ? "No product matches." : table(columns, rows),
      found.products.map(termsText).filter(Boolean).join("\n"),
      proposals.length > 0 &&
        `Proposals for the brief (names are the sellers' words); request_quote takes one as a product, with the same brief:\n${proposals.map(proposalText).join("\n")}`,
      `Sellers: ${found.sellers.map(sellerText).join("; ")}`,
      more && `More: cursor "${more}" (${found.total} in all)`,
    ),
    sellers.map((one) => `${one.seller_id} ${one.status}`),
  );
});

function offsetOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const match = /^p(\d{1,6})$/.exec(cursor);
  if (match) return Number(match[1]);
  throw new BuyingError(
    "invalid_arguments",
    "That cursor is not one of this server's. Nothing was booked.",
    "fix_arguments",
    { field: "cursor" },
  );
}

function priceOf(price: Price): Record<string, string | null> {
  switch (price.kind) {
    case "exact":
      return {
        kind: "exact",
        model: "cpm",
        cpm: formatMoney(price.cpm),
        floor: price.floor ? formatMoney(price.floor) : null,
      };
    case "range":
      return { kind: "range", model: "cpm", low: formatMoney(price.low), high: formatMoney(price.high) };
    case "floor":
      return { kind: "floor", model: "cpm", floor: formatMoney(price.floor) };
    case "per_unit":
      return { kind: price.fixed ? "exact" : "floor", model: price.model, price: formatMoney(price.price) };
    case "on_request":
      return { kind: "on_request" };
  }
}

function priceText(price: Price): string {
  switch (price.kind) {
    case "exact":
      return `${formatMoney(price.cpm)} CPM${price.floor ? ` (floor ${formatMoney(price.floor)})` : ""}`;
    case "range":
      return `${formatMoney(price.low)} to ${formatMoney(price.high)} CPM`;
    case "floor":
      return `from ${formatMoney(price.floor)} CPM`;
    case "per_unit":
      return `${price.fixed ? "" : "from "}${formatMoney(price.price)} ${perWords[price.model]}`;
    case "on_request":
      return "on request";
  }
}

function sellerText({ record, status, shown, value, why, sellerSaid }: MediaKitAnswer["sellers"][number]): string {
  // A seller to accounts shows everybody the same kit.
  const seen = value && !record.byAccount ? `, sees us as ${value.seenAs}` : "";
  const said = sellerSaid ? `; it said "${sellerSaid}"` : "";
  const notes = value && value.notes.length > 0 ? ` (${value.notes.join("; ")})` : "";
  return `${record.id} ${status}, ${shown} of ${value?.products.length ?? 0} shown${seen}${notes}${why ? ` (${why}${said})` : ""}`;
}
