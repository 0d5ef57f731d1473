import type { BookedPackage, Deal } from "./deal.ts";
import { compare, costOfImpressions, formatMoney, type Money, parseMoney, subtract, sum, zero } from "./money.ts";
import { type Difference, type PackageTerms, stakeOf, type Terms } from "./terms.ts";

const refusedWords = ["rejected", "failed", "cancelled", "canceled", "expired", "declined"];

/**
 * In what a seller's deal differs from the terms it was to book. By volume: product, deal type, price, volume and flight;
 * a lower price counts as approved only if it is the one we last read from the seller before sending. By budget: the
 * products, each with its budget and bid, the total, the currency and the flight.
 */
export function bookedDifferences(terms: Terms, deal: Deal, lastRead: Money | null): readonly Difference[] {
  const status = refusedWords.includes(deal.sellerStatus.toLowerCase()) ? deal.sellerStatus : "booked";
  const pairs: readonly (readonly [string, string, string])[] = [
    ["status", "booked", status],
    ...(terms.packages ? byBudget(terms, terms.packages, deal) : byVolume(terms, deal, lastRead)),
    ...(terms.changes?.paused == null || deal.paused == null
      ? []
      : [["paused", String(terms.changes.paused), String(deal.paused)] as const]),
    ["flight.start", terms.flight.start.slice(0, 10), deal.flight.start.slice(0, 10)],
    ["flight.end", terms.flight.end.slice(0, 10), deal.flight.end.slice(0, 10)],
  ];
  return pairs.flatMap(([field, approved, now]) => (approved === now ? [] : [{ field, approved, now }]));
}

type Pair = readonly [field: string, approved: string, now: string];

function byVolume(terms: Terms, deal: Deal, lastRead: Money | null): readonly Pair[] {
  const price = deal.cpm ? formatMoney(deal.cpm) : "not stated";
  const approved = terms.unit_price ?? "";
  const cheaper =
    lastRead !== null &&
    deal.cpm?.currency === terms.currency &&
    price === formatMoney(lastRead) &&
    compare(lastRead, parseMoney(approved)) < 0;
  return [
    ["product", terms.product ?? "", deal.productId],
    ["deal_type", terms.deal_type, deal.dealType],
    ["unit_price", approved, cheaper ? approved : price],
    ["impressions", String(terms.impressions), deal.impressions === null ? "not stated" : String(deal.impressions)],
  ];
}

/** What a seller does not repeat is not held against it, but for the total: that one it must know. */
function byBudget(terms: Terms, asked: readonly PackageTerms[], deal: Deal): readonly Pair[] {
  const total = totalBooked(deal, terms);
  const { pairs, rest } = packagesBooked(terms, asked, deal);
  return [
    ...pairs.flatMap(([one, found]) => packagePairs(one, found)),
    ...rest.map((one): Pair => [`package ${one.packageId}`, "not asked for", one.productId ?? "booked"]),
    ["total", formatMoney(stakeOf(terms)), total ? formatMoney(total) : "not stated"],
  ];
}

function packagePairs(one: PackageTerms, found: BookedPackage | null): readonly Pair[] {
  if (!found) return [[`package ${one.product}`, "booked", "missing"]];
  const { budget, bid } = found;
  return [
    ...(budget ? [[`budget of ${one.product}`, one.budget, formatMoney(budget)] as const] : []),
    ...(bid ? [[`bid on ${one.product}`, one.is_bid ? one.unit_price : "none", formatMoney(bid)] as const] : []),
  ];
}

/** Each package that was asked for with what was booked for it, null where nothing was; and what nobody asked for. */
export function packagesBooked(
  { changes }: Pick<Terms, "changes">,
  asked: readonly PackageTerms[],
  { packages = [] }: Pick<Deal, "packages">,
): {
  readonly pairs: readonly (readonly [PackageTerms, BookedPackage | null])[];
  readonly rest: readonly BookedPackage[];
} {
  const rest = [...packages];
  const pairs = asked.map((one, index) => {
    // A change names the packages it changes.
    const known = changes?.packages[index]?.package_id;
    const found = known === undefined ? bestOf(one, rest) : rest.find(({ packageId }) => packageId === known);
    if (found) rest.splice(rest.indexOf(found), 1);
    return [one, found ?? null] as const;
  });
  return { pairs, rest };
}

/** The booked package that was asked for so: of several that may be it, the one that says most of it. */
function bestOf(asked: PackageTerms, booked: readonly BookedPackage[]): BookedPackage | undefined {
  const isOf = ({ productId, option }: BookedPackage) =>
    (productId ?? asked.product) === asked.product && (option ?? asked.pricing_option) === asked.pricing_option;
  const likeness = ({ productId, option, budget }: BookedPackage) =>
    Number(productId !== null) * 4 +
    Number(option !== null) * 2 +
    Number(budget !== null && formatMoney(budget) === asked.budget);
  return booked.filter(isOf).sort((left, right) => likeness(right) - likeness(left))[0];
}

/** The whole buy as the seller has it: its own total or, where it names none, its packages' budgets together. */
function totalBooked({ total, packages = [] }: Deal, terms: Terms): Money | null {
  if (total) return total;
  const budgets = packages.flatMap(({ budget }) => (budget ? [budget] : []));
  const isWhole = budgets.length === packages.length && budgets.length > 0;
  return isWhole && budgets.every(({ currency }) => currency === terms.currency) ? sum(budgets, terms.currency) : null;
}

/** What a deal costs as its seller has it; null where it does not say, or says it in no sum. */
export function costOfDeal(terms: Terms, deal: Deal): Money | null {
  if (terms.packages) return totalBooked(deal, terms);
  return deal.cpm && costOfImpressions(deal.cpm, deal.impressions ?? terms.impressions ?? 0);
}

/** How much more than approved a deal commits; zero when it commits less, or when the currencies cannot be compared. */
export function overspend(terms: Terms, deal: Deal): Money {
  const cost = costOfDeal(terms, deal);
  if (cost?.currency !== terms.currency) return zero(terms.currency);
  const more = subtract(cost, stakeOf(terms));
  return more.micros > 0n ? more : zero(terms.currency);
}
