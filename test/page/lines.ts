import type { ApprovalLine } from "../../src/domain/approval.ts";
import { formatMoney, parseMoney } from "../../src/domain/money.ts";
import { atCpm, type Quote, type QuoteRequest } from "../../src/domain/quote.ts";
import { digestOf, termsOf } from "../../src/domain/terms.ts";

export interface LineOf {
  readonly seller?: { readonly id: string; readonly name: string };
  readonly product?: { readonly id: string; readonly name: string; readonly channel: string };
  /** CPM now, when it was quoted, and on the rate card; USD. */
  readonly cpm?: string;
  readonly quoted?: string;
  readonly list?: string;
  readonly impressions?: number;
  readonly guaranteed?: boolean;
  readonly notHonoured?: readonly string[];
}

export const sellers = {
  northbeam: { id: "northbeam", name: "Northbeam Media" },
  harborview: { id: "harborview", name: "Harborview Television" },
};

/** A line as a person is asked about it, with terms, total and digest made the way the product makes them. */
export function lineOf(of: LineOf = {}): ApprovalLine {
  const { seller = sellers.northbeam, cpm = "29.75", list = "35.00", guaranteed = true } = of;
  const { product = { id: "prod-53e78a97", name: "CTV Sports Live", channel: "ctv" } } = of;
  const flight = { start: "2027-01-04", end: "2027-03-28" };
  const usd = (amount: string) => parseMoney(`${amount} USD`);
  const quote: Quote = {
    ref: `${seller.id}/qt-${product.id}`,
    sellerId: seller.id,
    sellerQuoteId: `qt-${product.id}`,
    product: { ref: `${seller.id}/${product.id}`, id: product.id, name: product.name, channel: "ctv" },
    state: "available",
    dealType: guaranteed ? "PG" : "PD",
    guaranteed,
    listCpm: usd(list),
    cpm: usd(cpm),
    impressions: of.impressions ?? 1_587_301,
    flight,
    shownAs: "agency",
    pricedAs: "agency",
    discounts: { tier: "10", volume: null },
    rationale: "",
    inventoryAvailable: true,
    notHonoured: of.notHonoured ?? [],
    expiresAt: "2026-11-21T09:30:00Z",
    dealId: null,
  };
  const request: QuoteRequest = {
    product: quote.product.ref,
    flight,
    dealType: quote.dealType,
    impressions: atCpm(quote).impressions,
    budget: null,
    targeting: { geo: ["US"], audience: ["A25-54"], frequencyCap: "3 per day" },
    goal: "awareness",
  };
  const terms = termsOf(quote, request, {
    desk: "acme",
    sandbox: false,
    advertiser: "Acme Outdoor",
    origin: `https://${seller.id}.example`,
    protocol: "iab-seller-agent",
    campaign: "Acme Q1",
    poNumber: "PO-4711",
    cancellation: "not through this seller's API; ask the seller in writing before the flight starts",
  });
  return {
    ref: quote.ref,
    digest: digestOf(terms),
    terms,
    productName: product.name,
    sellerName: seller.name,
    listCpm: formatMoney(atCpm(quote).listCpm),
    quotedCpm: formatMoney(usd(of.quoted ?? cpm)),
  };
}

/** Three lines of two sellers, as an assistant might bring them. */
export const threeLines: readonly ApprovalLine[] = [
  lineOf({ quoted: "31.50", notHonoured: ["audience", "frequency_cap"] }),
  lineOf({
    seller: sellers.harborview,
    product: { id: "prod-evening", name: "Evening Drama CTV", channel: "ctv" },
    cpm: "24.00",
    list: "26.00",
    impressions: 416_666,
  }),
  lineOf({
    seller: sellers.harborview,
    product: { id: "prod-run", name: "Run of Network", channel: "ctv" },
    cpm: "12.50",
    list: "12.50",
    impressions: 400_000,
    guaranteed: false,
  }),
];
