import type { ApprovalLine } from "../../src/domain/approval.ts";
import { type Mandate, noFurtherLimits } from "../../src/domain/mandate.ts";
import type { Deal } from "../../src/domain/deal.ts";
import type { BookingStart, LineEvent } from "../../src/domain/media-buy.ts";
import { type Money, parseMoney } from "../../src/domain/money.ts";
import type { Quote, QuoteRequest } from "../../src/domain/quote.ts";
import type { Holding } from "../../src/domain/spend.ts";
import { digestOf, type Terms, termsOf } from "../../src/domain/terms.ts";

/** One plausible buy, as far as the domain knows it; tests vary what they are about. */
export const usd = (amount: string): Money => parseMoney(`${amount} USD`);

/** A mandate that a million impressions of the sample terms fit into; the form counts for them. */
export const mandate: Mandate = {
  ...noFurtherLimits,
  currency: "USD",
  perBuy: usd("60000"),
  perDay: usd("100000"),
  maxCpm: usd("32.00"),
  allowedSellers: null,
  blockedSellers: [],
  minTrust: "registered",
  timeZone: "America/New_York",
  channels: { form: { perBuy: usd("50000"), perDay: usd("80000") } },
};

export const quote: Quote = {
  ref: "northbeam/qt-1",
  sellerId: "northbeam",
  sellerQuoteId: "qt-1",
  product: { ref: "northbeam/prod-1", id: "prod-1", name: "CTV Sports Live", channel: "ctv" },
  state: "available",
  dealType: "PG",
  guaranteed: true,
  listCpm: usd("35.00"),
  cpm: usd("31.50"),
  impressions: 1_587_301,
  flight: { start: "2027-01-04", end: "2027-03-28" },
  shownAs: "agency",
  pricedAs: "agency",
  discounts: { tier: "10", volume: null },
  rationale: "Agency tier",
  inventoryAvailable: true,
  notHonoured: ["audience"],
  expiresAt: "2026-11-21T09:30:00Z",
  dealId: null,
};

export const request: QuoteRequest = {
  product: "northbeam/prod-1",
  flight: quote.flight,
  dealType: "PG",
  impressions: 1_587_301,
  budget: usd("50000"),
  targeting: { geo: ["US"], audience: ["A25-54"], frequencyCap: "3 per day" },
  goal: "awareness",
};

export const terms: Terms = termsOf(quote, request, {
  desk: "acme",
  sandbox: false,
  advertiser: "Acme",
  campaign: "Acme Q1",
  origin: "https://northbeam.example",
  protocol: "iab-seller-agent",
  poNumber: "PO-4711",
  cancellation: "not through this seller's API",
});

/** The sample terms with another volume or price; the total follows. */
export function termsFor(changes: Partial<Pick<Quote, "sellerId" | "cpm" | "impressions">>): Terms {
  const changed = termsOf({ ...quote, ...changes }, request, {
    desk: "acme",
    sandbox: false,
    advertiser: "Acme",
    campaign: null,
    origin: "https://northbeam.example",
    protocol: "iab-seller-agent",
    poNumber: null,
    cancellation: null,
  });
  return changed;
}

export const holding: Holding = {
  ref: quote.ref,
  attempt: 1,
  amount: usd("49999.98"),
  day: "2026-11-20",
  via: "form",
  sellerId: "northbeam",
  channel: "ctv",
  campaign: "Acme Q1",
};

export const deal: Deal = {
  dealId: "NB-2099",
  sellerStatus: "proposed",
  productId: "prod-1",
  dealType: "PG",
  cpm: usd("31.50"),
  impressions: 1_587_301,
  flight: { start: "2027-01-04", end: "2027-03-28" },
  activation: [{ dsp: "The Trade Desk", steps: "Accept the deal in the deal library." }],
  openrtb: { id: "NB-2099", bidfloor: usd("31.50"), at: 3, wseat: [] },
  expiresAt: null,
};

export function booking(attempt: number, approvalId: string | null): BookingStart {
  return {
    attempt,
    key: `key-${attempt}`,
    digest: digestOf(terms),
    terms,
    request: { method: "POST", path: "/api/v1/deals", body: "{}" },
    approvalId,
    via: "form",
    by: "dana",
    holding: { ...holding, attempt },
  };
}

export const quoted: LineEvent = {
  kind: "quoted",
  v: 1,
  quote,
  request,
  campaign: "Acme Q1",
  by: "dana",
  renews: null,
};

export function approvalLine(ref: string, impressions: number): ApprovalLine {
  const of = termsFor({ impressions });
  const names = { productName: "CTV Sports Live", sellerName: "Northbeam Media" };
  return { ref, digest: digestOf(of), terms: of, ...names, listCpm: "35.00 USD", quotedCpm: "31.50 USD" };
}
