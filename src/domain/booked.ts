import type { Deal } from "./media-buy.ts";
import { compare, costOfImpressions, formatMoney, type Money, parseMoney, subtract, zero } from "./money.ts";
import { type Difference, type Terms, totalOf } from "./terms.ts";

/**
 * In what a seller's deal differs from the terms it was to book: product, deal type, price, volume and flight.
 * A lower price counts as approved only if it is the one we last read from the seller before sending.
 */
export function bookedDifferences(terms: Terms, deal: Deal, lastRead: Money): readonly Difference[] {
  const price = formatMoney(deal.cpm);
  const cheaper =
    deal.cpm.currency === terms.currency &&
    price === formatMoney(lastRead) &&
    compare(lastRead, parseMoney(terms.unit_price)) < 0;
  const refused = ["rejected", "failed", "cancelled", "canceled", "expired", "declined"].includes(
    deal.sellerStatus.toLowerCase(),
  );
  const pairs: readonly (readonly [string, string, string])[] = [
    ["status", "booked", refused ? deal.sellerStatus : "booked"],
    ["product", terms.product, deal.productId],
    ["deal_type", terms.deal_type, deal.dealType],
    ["unit_price", terms.unit_price, cheaper ? terms.unit_price : price],
    ["impressions", String(terms.impressions), deal.impressions === null ? "not stated" : String(deal.impressions)],
    ["flight.start", terms.flight.start.slice(0, 10), deal.flight.start.slice(0, 10)],
    ["flight.end", terms.flight.end.slice(0, 10), deal.flight.end.slice(0, 10)],
  ];
  return pairs.flatMap(([field, approved, now]) => (approved === now ? [] : [{ field, approved, now }]));
}

/** How much more than approved a deal commits; zero when it commits less, or when the currencies cannot be compared. */
export function overspend(terms: Terms, deal: Deal): Money {
  if (deal.cpm.currency !== terms.currency) return zero(terms.currency);
  const more = subtract(costOfImpressions(deal.cpm, deal.impressions ?? terms.impressions), totalOf(terms));
  return more.micros > 0n ? more : zero(terms.currency);
}
