import type { PackageNow, Volume } from "./change.ts";
import type { Deal } from "./deal.ts";
import type { Flight } from "./flight.ts";
import type { Ref } from "./ids.ts";
import type { Line } from "./media-buy.ts";
import { compare, displayMoney, type Money, parseMoney, subtract, zero } from "./money.ts";
import { type PackageTerms, stakeOf, type Terms, totalOf } from "./terms.ts";

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
  if (!booking || !deal) return null;
  const start: Ceiling = { packages: firstApproved(booking.terms, deal), flight: booking.terms.flight };
  return start.packages.length === 0 ? null : changes.reduce(lowered, start);
}

function firstApproved(terms: Terms, deal: Deal): readonly PackageNow[] {
  if (!terms.packages) return terms.impressions === null ? [] : [approvedVolume(deal.dealId, terms)];
  const rest = [...terms.packages];
  return (deal.packages ?? []).flatMap(({ packageId, productId, option }): readonly PackageNow[] => {
    const at = rest.findIndex(
      (one) => (productId === null || one.product === productId) && (option === null || one.pricing_option === option),
    );
    const [asked] = at < 0 ? [] : rest.splice(at, 1);
    return asked ? [approvedPackage(packageId, asked)] : [];
  });
}

function lowered({ packages: most, flight }: Ceiling, { terms, under }: AppliedChange): Ceiling {
  const after = afterOf(terms);
  if (!under) return { packages: after, flight: terms.flight };
  const packages = most.map((one) => {
    const now = after.find(({ packageId }) => packageId === one.packageId);
    if (!now || compare(now.budget, one.budget) >= 0) return one;
    const { volume = one.volume } = now;
    const less = one.volume && volume ? { volume: { ...one.volume, impressions: volume.impressions } } : {};
    return { ...one, budget: now.budget, ...less };
  });
  return { packages, flight };
}

/** A buy by volume is one package: its deal, which costs what the terms say. */
function approvedVolume(packageId: string, terms: Terms): PackageNow {
  const volume = { impressions: terms.impressions ?? 0, cpm: parseMoney(terms.unit_price ?? "") };
  return { packageId, budget: stakeOf(terms), bid: null, volume };
}

function approvedPackage(packageId: string, one: PackageTerms): PackageNow {
  return { packageId, budget: parseMoney(one.budget), bid: one.is_bid ? parseMoney(one.unit_price) : null };
}

/** The packages of a buy after a change, as its terms have them. */
export function afterOf(terms: Terms): readonly PackageNow[] {
  const idAt = (at: number) => terms.changes?.packages[at]?.package_id ?? "";
  if (!terms.packages) return [approvedVolume(idAt(0), terms)];
  return terms.packages.map((one, at) => approvedPackage(idAt(at), one));
}

/**
 * In what a change goes beyond what was approved, in our words; none where it is covered. Covered means: no more money in
 * all, no package with a larger budget, a higher bid, more impressions or a higher rate, no day outside the approved flight.
 */
export function beyondApproved(ceiling: Ceiling, terms: Terms): readonly string[] {
  const after = afterOf(terms);
  const { flight } = ceiling;
  return [
    ...(totalOf(terms).micros > 0n ? [`${displayMoney(totalOf(terms))} more than now would be committed`] : []),
    ...after.flatMap(({ packageId, budget, bid, volume }) => {
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
        ...beyondVolume(packageId, most.volume, volume),
      ];
    }),
    ...(terms.flight.start < flight.start || terms.flight.end > flight.end
      ? [
          `it would run ${terms.flight.start.slice(0, 10)} to ${terms.flight.end.slice(0, 10)}, approved is ${flight.start.slice(0, 10)} to ${flight.end.slice(0, 10)}`,
        ]
      : []),
  ];
}

function beyondVolume(packageId: string, most: Volume | undefined, volume: Volume | undefined): readonly string[] {
  if (!volume) return [];
  if (!most) return [`${packageId} was not approved by volume`];
  const { impressions, cpm } = volume;
  return [
    ...(impressions > most.impressions
      ? [`${impressions} impressions would be bought, approved are ${most.impressions}`]
      : []),
    ...(compare(cpm, most.cpm) > 0
      ? [`its rate would be ${displayMoney(cpm)} CPM, approved is ${displayMoney(most.cpm)}`]
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
