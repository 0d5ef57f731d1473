import type { FrozenRequest } from "../../src/domain/media-buy.ts";
import type { Quote, QuoteRequest } from "../../src/domain/quote.ts";
import type { Bought } from "../../src/sellers/seller.ts";
import { requestFor } from "../contract/seller-bench.ts";
import * as sample from "../unit/sample.ts";
import { agency, type Stubbed, stub } from "./stub-seller.ts";

/** What stub sellers answer with: a quote and a deal for the same request, to be changed field by field. */

export const request: QuoteRequest = requestFor("stub", "prod-1");

/** The quote that was sold, the bytes that booked it, and the deal that came of it, as we keep them. */
export const sold: Quote = { ...sample.quote, ref: "stub/qt-1", sellerId: "stub", sellerQuoteId: "qt-1" };
export const frozen: FrozenRequest = {
  method: "POST",
  path: "/api/v1/deals",
  body: '{"idempotency_key":"k","quote_id":"qt-1"}',
};
export const bought: Bought = { quote: sold, deal: { ...sample.deal, dealId: "DEMO-1" } };

export const usd = (micros: number) => ({ amount_micros: micros, currency: "USD" });
export const pricing = { base_cpm: usd(15_000_000), final_cpm: usd(13_500_000), pricing_model: "cpm" };
export const terms = { impressions: 100_000, flight_start: "2027-01-04", flight_end: "2027-01-31", guaranteed: false };
export const product = { product_id: "prod-1", name: "Product", inventory_type: "ctv" };

export function quote(change: object = {}) {
  const plain = {
    quote_id: "qt-1",
    status: "available",
    deal_type: "PD",
    product,
    pricing,
    terms,
    availability: { inventory_available: true },
    buyer_tier: "agency",
    expires_at: "2026-11-21T06:40:23.583421Z",
    deal_id: null,
  };
  return { json: { quote: { ...plain, ...change } } };
}

export function deal(change: object = {}) {
  const plain = {
    deal_id: "DEMO-1",
    deal_type: "PD",
    status: "proposed",
    quote_id: "qt-1",
    product,
    pricing,
    terms,
    expires_at: null,
    activation_instructions: { ttd: "Enter DEMO-1" },
    openrtb_params: { id: "DEMO-1", bidfloor: usd(13_500_000), at: 1, wseat: ["s1", "s|2"] },
  };
  return { json: { deal: { ...plain, ...change } } };
}

/** A quote asked of a stub that answers so. */
export const asked = async (answer: Stubbed, access = agency) =>
  (await stub({ "POST /api/v1/quotes": answer })).seller.quote(request, "k", access);
