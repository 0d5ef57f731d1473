import * as z from "zod";
import type { CatalogueProduct } from "./catalogue.ts";
import { once } from "./idempotency.ts";
import { pricingTier, scopeOf, type Caller } from "./identity.ts";
import { decidePrice, fromWireMoney, takesTarget, wireMoney } from "./pricing.ts";
import { deskOf } from "./proposal-desk.ts";
import { drift, standingQuote } from "./quote-book.ts";
import { listPrice } from "./routes-catalogue.ts";
import { type Call, mintId, type Route, type SellerRuntime, zulu } from "./runtime.ts";
import type { StoredQuote } from "./state.ts";
import { dayField, identityField, moneyField, optional, parseBody } from "./validate.ts";
import { type Answer, answer, coded, unprocessable } from "./wire.ts";

/** Quotes: IAB seller agent 2.4.2, `POST` and `GET /api/v1/quotes`. There is no list and no ownership. */

const dayMs = 86_400_000;
const defaultFlightMs = 30 * dayMs;

const quoteRequest = z.object({
  idempotency_key: z.string().min(1),
  product_id: z.string(),
  deal_type: z.enum(["PG", "PD", "PA"]),
  impressions: optional(z.number().int().min(0)),
  flight_start: optional(dayField),
  flight_end: optional(dayField),
  target_cpm: optional(moneyField),
  buyer_identity: optional(identityField),
  agent_url: optional(z.string()),
  media_type: z.enum(["digital", "ctv", "linear_tv"]).default("digital"),
  linear_tv: optional(z.record(z.string(), z.unknown())),
});

type QuoteRequest = z.output<typeof quoteRequest>;

function quoteView(seller: SellerRuntime, quote: StoredQuote, mediaType = "digital"): object {
  return {
    quote_id: quote.id,
    status: quote.status,
    deal_type: quote.dealType,
    product: quote.product,
    pricing: pricingView(quote),
    terms: termsView(quote),
    availability: { inventory_available: quote.available, estimated_fill_rate: null, competing_demand: null },
    buyer_tier: quote.tier,
    rate_card_id: null,
    expires_at: zulu(quote.expiresAt),
    seller_id: `seller-${seller.profile.id}-001`,
    created_at: zulu(quote.createdAt),
    deal_id: quote.dealId,
    media_type: mediaType,
    linear_tv: null,
    consent_context: null,
  };
}

/** The pricing block that quotes and deals share; percentages are percent, prices micros. */
export function pricingView(quote: StoredQuote): object {
  return {
    pricing_type: "fixed",
    base_cpm: wireMoney(quote.base),
    tier_discount_pct: quote.tierDiscountPct,
    volume_discount_pct: quote.volumeDiscountPct,
    final_cpm: wireMoney(quote.final),
    pricing_model: "cpm",
    rationale: quote.rationale,
    base_cpp: null,
    final_cpp: null,
  };
}

/** The terms block that quotes and deals share. */
export function termsView(quote: StoredQuote): object {
  return {
    impressions: quote.impressions,
    flight_start: quote.flightStart,
    flight_end: quote.flightEnd,
    guaranteed: quote.dealType === "PG",
    grps: null,
    guaranteed_grps: null,
    target_demo: null,
  };
}

function quotedProduct(seller: SellerRuntime, request: QuoteRequest): CatalogueProduct {
  if (request.media_type === "linear_tv") {
    throw coded(400, "unsupported_capability", "Seller does not support media_type 'linear_tv'.", {
      unsupported: [{ capability: "linear_tv", path: "media_type", reason: "" }],
    });
  }
  if (request.deal_type === "PG" && request.impressions === null) {
    const message = "Programmatic Guaranteed deals require an impressions count.";
    throw coded(400, "pg_requires_impressions", message);
  }
  const product = seller.product(request.product_id);
  if (!product) throw coded(404, "product_not_found", `Product '${request.product_id}' not found in catalog.`);
  if (request.impressions && request.impressions < product.minimum) {
    const message = `Minimum impressions for this product: ${product.minimum}.`;
    throw coded(400, "below_minimum_impressions", message);
  }
  return product;
}

function priced(seller: SellerRuntime, caller: Caller, request: QuoteRequest): StoredQuote {
  const product = quotedProduct(seller, request);
  const tier = pricingTier(caller, request.agent_url);
  const price = decidePrice(listPrice(product), tier, request.impressions ?? 0);
  const target = request.target_cpm && fromWireMoney(request.target_cpm);
  const now = seller.now();
  const expiresAt = now + seller.settings.quoteTtlMs;
  return {
    id: mintId("qt-", 12),
    status: "available",
    dealType: request.deal_type,
    product: { product_id: product.id, name: product.name, inventory_type: product.type },
    base: price.base,
    tierDiscountPct: Math.round(price.tierDiscount * 100),
    volumeDiscountPct: Math.round(price.volumeDiscount * 100),
    final:
      target !== null && takesTarget(target, product.floor)
        ? target * deskOf(seller.state).habits.targetFactor
        : price.final,
    rationale: price.rationale,
    impressions: request.impressions,
    flightStart: request.flight_start ?? zulu(now).slice(0, 10),
    flightEnd: request.flight_end ?? zulu(now + defaultFlightMs).slice(0, 10),
    available: product.cap === null || (request.impressions ?? 0) <= product.cap,
    tier,
    createdAt: now,
    expiresAt,
    goneAt: expiresAt,
    dealId: null,
  };
}

function checkLinear(request: QuoteRequest): void {
  if ((request.media_type === "linear_tv") === (request.linear_tv !== null)) return;
  const msg = "Value error, linear_tv goes with media_type 'linear_tv' and with no other";
  throw unprocessable([{ type: "value_error", loc: ["body"], msg, input: request, ctx: { error: {} } }]);
}

async function postQuote(call: Call): Promise<Answer> {
  const { seller } = call;
  const caller = call.caller();
  const request = parseBody(quoteRequest, call.body);
  checkLinear(request);
  const identity = caller.role === "buyer" ? caller.identity : (request.buyer_identity ?? {});
  return once(seller, {
    surface: "quote",
    scope: scopeOf(identity),
    body: request,
    replay: (made) => answer({ quote: quoteView(seller, standingQuote(seller, String(made))) }),
    perform: async () => {
      const quote = priced(seller, caller, request);
      await seller.gap();
      seller.state.quotes[quote.id] = quote;
      seller.commit();
      return { answer: answer({ quote: quoteView(seller, quote, request.media_type) }), made: quote.id };
    },
  });
}

/** Quoting and reading a quote. */
export const quoteRoutes: readonly Route[] = [
  { method: "POST", path: "/api/v1/quotes", operation: "quote", handle: postQuote },
  {
    method: "GET",
    path: "/api/v1/quotes/{id}",
    operation: "quote-read",
    handle: (call) => {
      const id = call.params["id"] ?? "";
      drift(call, id);
      return answer({ quote: quoteView(call.seller, standingQuote(call.seller, id)) });
    },
  },
];
