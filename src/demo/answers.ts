import * as z from "zod";

/** What the demo reads of each tool's structured answer; the rest passes by. */

const seller = z.object({
  seller_id: z.string(),
  name: z.string(),
  channels: z.array(z.string()),
  trust: z.string(),
  reveal_up_to: z.string(),
  protocol: z.string(),
  version: z.string().nullable(),
  can: z.array(z.string()),
});

export const discovery = z.object({
  advertiser: z.string(),
  sandbox: z.boolean(),
  sellers: z.array(seller),
  kept_out: z.array(z.object({ seller_id: z.string(), why: z.string() })),
});

const product = z.object({
  product: z.string(),
  name: z.string(),
  channel: z.string(),
  deal_types: z.array(z.string()),
  price: z.object({ kind: z.string(), cpm: z.string().optional(), floor: z.string().nullish() }),
  available: z.number().nullable(),
});

export const mediaKit = z.object({
  products: z.array(product),
  sellers: z.array(z.object({ seller_id: z.string(), status: z.string(), of: z.number() })),
  total: z.number(),
});

const quote = z.object({
  quote_id: z.string(),
  product: z.string(),
  product_name: z.string(),
  deal_type: z.string(),
  guaranteed: z.boolean(),
  cpm: z.string(),
  list_cpm: z.string(),
  impressions: z.number(),
  total: z.string(),
  priced_as: z.string(),
  not_honoured: z.array(z.string()),
});

export const quotes = z.object({
  quotes: z.array(quote),
  failed: z.array(z.object({ item: z.string(), code: z.string(), message: z.string() })),
});

const round = z.object({
  n: z.number(),
  move: z.string(),
  we: z.string().nullable(),
  they: z.string().nullable(),
  their_action: z.string(),
});

export const negotiations = z.object({
  negotiations: z.array(
    z.object({
      quote_id: z.string(),
      status: z.string(),
      why: z.string().nullable(),
      rounds: z.array(round),
      cpm: z.string().nullable(),
      total: z.string().nullable(),
      saved: z.string().nullable(),
    }),
  ),
});

const buy = z.object({
  media_buy_id: z.string(),
  status: z.string(),
  as_approved: z.boolean(),
  order_id: z.string().nullable(),
  total: z.string(),
  packages: z.array(
    z.object({ deal_id: z.string(), product_name: z.string(), cpm: z.string(), impressions: z.number() }),
  ),
  activation: z.array(z.object({ dsp: z.string(), steps: z.string() })),
});

export const buys = z.object({
  status: z.string(),
  approval: z.object({ approval_id: z.string(), status: z.string() }).nullable(),
  decided: z.object({ by: z.string(), via: z.string() }).nullable(),
  media_buys: z.array(buy),
  nothing_booked: z.boolean(),
  note: z.string().nullable(),
});

export const inbox = z.object({
  mandate: z
    .object({ per_buy: z.string(), per_day: z.string(), committed_today: z.string(), left_today: z.string() })
    .nullable(),
});

export const events = z.object({
  events: z.array(z.object({ at: z.string(), about: z.string(), kind: z.string(), what: z.string() })),
  next_cursor: z.string().optional(),
});

export type Quote = z.output<typeof quote>;
export type Buy = z.output<typeof buy>;
export type Seller = z.output<typeof seller>;
export type Negotiation = z.output<typeof negotiations>["negotiations"][number];
