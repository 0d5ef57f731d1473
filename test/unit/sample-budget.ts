import type { BookedPackage, Deal } from "../../src/domain/deal.ts";
import type { Money } from "../../src/domain/money.ts";
import { effective, type Package, unitsFor } from "../../src/domain/package.ts";
import type { Quote, QuoteRequest } from "../../src/domain/quote.ts";
import { type Terms, type TermsContext, termsOf } from "../../src/domain/terms.ts";
import { quote, request, usd } from "./sample.ts";

/** One plausible buy by budget: a fixed CPM on CTV, and bids for completed views online. */

export const video: Package = packageOf("vid", usd("31.50"), usd("30000"));

export const views: Package = {
  ...packageOf("views", usd("0.05"), usd("20000")),
  product: { ref: "pinnacle/views", id: "views", name: "Views", channel: "online_video" },
  model: "cpcv",
  kind: "auction",
  units: unitsFor(usd("20000"), usd("0.05"), "cpcv"),
  listPrice: usd("0.03"),
  floor: usd("0.03"),
  guidance: { p25: usd("0.03"), p50: usd("0.04"), p75: usd("0.05"), p90: null },
  guaranteed: false,
};

/** A package at a fixed CPM; tests vary what they are about. */
export function packageOf(id: string, price: Money, budget: Money): Package {
  return {
    product: { ref: `pinnacle/${id}`, id, name: id, channel: "ctv" },
    option: `${id}-cpm`,
    model: "cpm",
    kind: "fixed",
    price,
    listPrice: price,
    floor: null,
    guidance: null,
    budget,
    units: unitsFor(budget, price, "cpm"),
    guaranteed: true,
    minSpend: usd("5000"),
    standards: [{ metric: "completion_rate", threshold: "0.85" }],
    formats: [],
    creatives: ["spot-30"],
    publishers: ["pinnacle.example"],
  };
}

export function budgetQuote(packages: readonly Package[] = [video, views]): Quote {
  return {
    ...quote,
    ref: "pinnacle/q-1",
    sellerId: "pinnacle",
    sellerQuoteId: "q-1",
    packages,
    ...effective(packages),
  };
}

export const budgetRequest: QuoteRequest = {
  ...request,
  product: "pinnacle/vid",
  impressions: 0,
  budget: usd("50000"),
};

export const context: TermsContext = {
  desk: "acme",
  sandbox: false,
  advertiser: "Acme",
  campaign: "Acme Q1",
  origin: "https://pinnacle.example",
  protocol: "adcp",
  poNumber: null,
  cancellation: null,
};

export function budgetTerms(packages: readonly Package[] = [video, views], from: Partial<Quote> = {}): Terms {
  return termsOf({ ...budgetQuote(packages), ...from }, budgetRequest, context);
}

/** A package as the seller booked it, just as asked. */
export function bookedAs(one: Package, change: Partial<BookedPackage> = {}): BookedPackage {
  const { product, option, budget, kind, price } = one;
  const bid = kind === "auction" ? price : null;
  return { packageId: `pkg-${product.id}`, productId: product.id, option, budget, bid, ...change };
}

export const budgetDeal: Deal = {
  dealId: "mb-1",
  sellerStatus: "active",
  productId: "",
  dealType: "PG",
  cpm: null,
  impressions: null,
  flight: { start: "2027-01-04T00:00:00Z", end: "2027-03-28T23:59:59Z" },
  activation: [],
  openrtb: null,
  expiresAt: null,
  packages: [bookedAs(video), bookedAs(views)],
  total: usd("50000"),
  revision: 1,
};
