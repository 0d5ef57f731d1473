import { add, compare, type Money, min, mulDiv, percentOf, subtract, zero } from "./money.ts";

/** Something a budget can be put on. Amounts are in one currency. */
export interface Offer {
  /** Whatever the caller knows it by. */
  readonly id: string;
  readonly sellerId: string;
  /** The most that 1,000 impressions can cost. */
  readonly cpm: Money;
  /** What 1,000 impressions are worth comparing at, by which offers are ranked; the CPM where nothing else is known. */
  readonly comparesAt: Money;
  /** The least and the most that can be spent on it; a quote's volume is fixed, so that both are its total. */
  readonly least: Money;
  readonly most: Money;
  readonly isPreferred: boolean;
}

export interface SelectionLimits {
  /** Highest effective price; null = none. */
  readonly maxCpm: Money | null;
  /** The most of the budget, in whole percent, that one seller may have; null = all of it. */
  readonly sellerShare: number | null;
}

/** An offer that was chosen, and what is to be spent on it. */
export interface Chosen {
  readonly id: string;
  readonly budget: Money;
}

export interface Selection {
  readonly chosen: readonly Chosen[];
  /** Offers left out, and why; our sentences. */
  readonly left: readonly { readonly id: string; readonly why: string }[];
}

/**
 * Chooses what to buy for a budget, and for how much each. Whatever the choice: its sum is within the budget, each part
 * within its offer's bounds, and each seller within its share. An optimiser can take the place of {@link cheapestFirst}.
 */
export type Select = (offers: readonly Offer[], budget: Money, limits: SelectionLimits) => Selection;

/** A seller that the brief prefers counts as if it asked this much less, in percent. */
const PREFERENCE = 10n;

/** The price an offer is ranked by. */
export function rankedCpm({ comparesAt, isPreferred }: Offer): bigint {
  return isPreferred ? mulDiv(comparesAt.micros, 100n - PREFERENCE, 100n) : comparesAt.micros;
}

/** The cheapest impressions first, each offer for as much as it takes; of two alike, the one that comes first by its id. */
export const cheapestFirst: Select = (offers, budget, limits) => {
  const chosen: Chosen[] = [];
  const left: { id: string; why: string }[] = [];
  const cap = limits.sellerShare === null ? budget : percentOf(budget, limits.sellerShare);
  const spent = new Map<string, Money>();
  let rest = budget;
  for (const offer of [...offers].sort(byPrice)) {
    const { id, sellerId, least, most } = offer;
    const refuse = (why: string) => left.push({ id, why });
    if ([offer.cpm, offer.comparesAt, least, most].some(({ currency }) => currency !== budget.currency)) {
      refuse(`it is not sold in ${budget.currency}`);
      continue;
    }
    if (offer.cpm.micros <= 0n || most.micros <= 0n || least.micros < 0n || compare(least, most) > 0) {
      refuse("its price or bounds are no amounts to plan with");
      continue;
    }
    if (limits.maxCpm && compare(offer.cpm, limits.maxCpm) > 0) {
      refuse("above the highest CPM");
      continue;
    }
    const own = spent.get(sellerId) ?? zero(budget.currency);
    const room = min(rest, subtract(cap, own));
    const amount = min(room, most);
    if (amount.micros <= 0n || compare(amount, least) < 0) {
      refuse(
        compare(rest, least) < 0 || rest.micros <= 0n
          ? "the budget is used by cheaper offers"
          : "its seller's share is used",
      );
      continue;
    }
    chosen.push({ id, budget: amount });
    spent.set(sellerId, add(own, amount));
    rest = subtract(rest, amount);
  }
  return { chosen, left };
};

function byPrice(left: Offer, right: Offer): number {
  const [a, b] = [rankedCpm(left), rankedCpm(right)];
  if (a !== b) return a < b ? -1 : 1;
  return left.id < right.id ? -1 : left.id > right.id ? 1 : 0;
}
