import type { PackageNow } from "./change.ts";
import type { Flight } from "./flight.ts";
import type { Ref } from "./ids.ts";
import type { Line } from "./media-buy.ts";
import { compare, displayMoney, type Money, parseMoney, subtract, zero } from "./money.ts";
import { type PackageTerms, type Terms, totalOf } from "./terms.ts";

/** A change that was made, in the stream of its buy. */
export interface AppliedChange {
  readonly ref: Ref;
  readonly terms: Terms;
  /** Whether it was under the approval of the buy itself. */
  readonly under: boolean;
  /** What it gave back of the buy's money. */
  readonly returned: Money;
}

/** When a line runs: as it was quoted, or as the last change of its dates was approved. First and last day, in UTC. */
export function daysOf({ quote, changes }: Pick<Line, "quote" | "changes">): Flight {
  const { start, end } = changes.at(-1)?.terms.flight ?? quote.flight;
  return { start: start.slice(0, 10), end: end.slice(0, 10) };
}

/** What has been approved of a buy and not been given back: the most a change may come to without a new approval. */
export interface Ceiling {
  readonly packages: readonly PackageNow[];
  readonly flight: { readonly start: string; readonly end: string };
}

/** Folds what was approved with the changes since: money that was given back is approved no longer, a bid stays so. */
export function ceilingOf({ booking, deal, changes }: Line): Ceiling | null {
  if (!booking?.terms.packages || !deal?.packages) return null;
  const rest = [...booking.terms.packages];
  const first = deal.packages.flatMap(({ packageId, productId, option }): readonly PackageNow[] => {
    const at = rest.findIndex(
      (one) => (productId === null || one.product === productId) && (option === null || one.pricing_option === option),
    );
    const [terms] = at < 0 ? [] : rest.splice(at, 1);
    return terms ? [approvedPackage(packageId, terms)] : [];
  });
  const start: Ceiling = { packages: first, flight: booking.terms.flight };
  return changes.reduce<Ceiling>(({ packages: most, flight }, { terms, under }) => {
    const after = afterOf(terms);
    if (!under) return { packages: after, flight: terms.flight };
    const packages = most.map((one) => {
      const now = after.find(({ packageId }) => packageId === one.packageId);
      return now && compare(now.budget, one.budget) < 0 ? { ...one, budget: now.budget } : one;
    });
    return { packages, flight };
  }, start);
}

function approvedPackage(packageId: string, one: PackageTerms): PackageNow {
  return { packageId, budget: parseMoney(one.budget), bid: one.is_bid ? parseMoney(one.unit_price) : null };
}

/** The packages of a buy after a change, as its terms have them. */
export function afterOf({ packages = [], changes }: Terms): readonly PackageNow[] {
  return packages.map((one, at) => approvedPackage(changes?.packages[at]?.package_id ?? "", one));
}

/**
 * In what a change goes beyond what was approved, in our words; none where it is covered. Covered means: no more money in
 * all, no package with a larger budget or a higher bid, no day outside the approved flight.
 */
export function beyondApproved(ceiling: Ceiling, terms: Terms): readonly string[] {
  const after = afterOf(terms);
  const { flight } = ceiling;
  return [
    ...(totalOf(terms).micros > 0n ? [`${displayMoney(totalOf(terms))} more than now would be committed`] : []),
    ...after.flatMap(({ packageId, budget, bid }) => {
      const most = ceiling.packages.find((one) => one.packageId === packageId);
      if (!most || most.budget.currency !== budget.currency) return [`package ${packageId} was not approved as it is`];
      const isHigher = bid !== null && (most.bid === null || compare(bid, most.bid) > 0);
      return [
        ...(compare(budget, most.budget) > 0
          ? [`the budget of ${packageId} would be ${displayMoney(budget)}, approved are ${displayMoney(most.budget)}`]
          : []),
        ...(isHigher
          ? [
              `the bid on ${packageId} would be ${displayMoney(bid)}, approved is ${most.bid ? displayMoney(most.bid) : "a fixed price"}`,
            ]
          : []),
      ];
    }),
    ...(terms.flight.start < flight.start || terms.flight.end > flight.end
      ? [
          `it would run ${terms.flight.start.slice(0, 10)} to ${terms.flight.end.slice(0, 10)}, approved is ${flight.start.slice(0, 10)} to ${flight.end.slice(0, 10)}`,
        ]
      : []),
  ];
}

/** What of the buy's money a change that was made gives back, at most what is left of it. */
export function returnedBy({ changes }: Terms, left: Money): Money {
  if (!changes) return zero(left.currency);
  const less = subtract(parseMoney(changes.total_before), parseMoney(changes.total_after));
  if (less.micros <= 0n) return zero(left.currency);
  return compare(less, left) > 0 ? left : less;
}
