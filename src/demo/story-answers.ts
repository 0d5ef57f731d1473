import * as z from "zod";

/** What the storyboards read of answers about sellers of budgets; beside {@link file://./answers.ts}. */

const wins = z.object({ p25: z.string().nullable(), p50: z.string().nullable(), p75: z.string().nullable() });

const option = z.object({
  pricing_option: z.string(),
  model: z.string(),
  fixed: z.string().nullable(),
  floor: z.string().nullable(),
  wins: wins.nullable(),
});

export const kit = z.object({
  products: z.array(
    z.object({
      product: z.string(),
      name: z.string(),
      channel: z.string(),
      terms: z
        .object({ guaranteed: z.boolean(), pricing_options: z.array(option), promises: z.array(z.string()) })
        .nullable(),
    }),
  ),
  proposals: z.array(
    z.object({
      product: z.string(),
      name: z.string(),
      shares: z.array(z.object({ product_id: z.string(), percent: z.string() })),
    }),
  ),
});

export const quotes = z.object({
  quotes: z.array(
    z.object({
      quote_id: z.string(),
      products: z.array(z.string()),
      price: z.string(),
      volume: z.string(),
      total: z.string(),
      account: z.string().nullable(),
      expires_at: z.string(),
      mandate_because: z.array(z.string()),
    }),
  ),
  failed: z.array(z.object({ item: z.string(), code: z.string(), message: z.string() })),
});

export const talks = z.object({
  negotiations: z.array(
    z.object({
      quote_id: z.string(),
      status: z.string(),
      why: z.string().nullable(),
      seller_said: z.string().nullable(),
    }),
  ),
});

const buy = z.object({
  media_buy_id: z.string(),
  status: z.string(),
  as_approved: z.boolean(),
  total: z.string(),
  packages: z.array(
    z.object({
      package_id: z.string(),
      product: z.string(),
      product_name: z.string().nullable(),
      deal_id: z.string(),
      price: z.string().nullable(),
      budget: z.string().nullish(),
    }),
  ),
  seller_waits: z.object({ means: z.string(), seller_said: z.string().nullable() }).nullable(),
});

export const bought = z.object({
  status: z.string(),
  approval: z.object({ approval_id: z.string() }).nullable(),
  media_buys: z.array(buy),
  nothing_booked: z.boolean(),
});

export const buys = z.object({ media_buys: z.array(buy) });

export const synced = z.object({
  creatives: z.array(
    z.object({
      creative_id: z.string(),
      action: z.string(),
      status: z.string().nullable(),
      assigned_to: z.array(z.string()),
    }),
  ),
});

export const deliveries = z.object({
  deliveries: z.array(
    z.object({
      packages: z.array(
        z.object({
          product: z.string(),
          impressions: z.number().nullable(),
          spend: z.string().nullable(),
          clearing_price: z.string().nullable(),
          pacing: z.string(),
          promises: z.array(
            z.object({ promise: z.string(), delivered: z.string().nullable(), kept: z.boolean().nullable() }),
          ),
          advice: z.array(z.string()),
        }),
      ),
    }),
  ),
});

export type Quote = z.output<typeof quotes>["quotes"][number];
export type Bought = z.output<typeof bought>;
export type MediaBuy = z.output<typeof buy>;
