import { add, type Money, subtract, zero } from "./money.ts";

/** Ways a decision can come about; each counts up to the amount the mandate gives it. */
export const decisionChannels = ["auto", "form", "terminal"] as const;
export type DecisionChannel = (typeof decisionChannels)[number];

/** What one line holds of the mandate, from the moment it is approved. */
export interface Holding {
  readonly ref: string;
  readonly attempt: number;
  readonly amount: Money;
  /** Spend day in the operator's time zone, `YYYY-MM-DD`. */
  readonly day: string;
  readonly via: DecisionChannel;
  readonly sellerId: string;
  readonly channel: string | null;
  readonly campaign: string | null;
}

/** Entries of a desk's `spend` stream, version 1. */
export type SpendEvent =
  | { readonly kind: "reserved"; readonly v: 1; readonly holding: Holding }
  | { readonly kind: "released"; readonly v: 1; readonly holding: Holding; readonly why: string }
  | { readonly kind: "overspent"; readonly v: 1; readonly holding: Holding; readonly by: Money; readonly why: string }
  | { readonly kind: "incident_cleared"; readonly v: 1; readonly ref: string; readonly by: string };

/** Running totals of a desk; carried by every row of its `spend` stream, so that its head alone tells the state. */
export interface Balances {
  readonly currency: string;
  readonly total: Money;
  readonly perDay: Readonly<Record<string, Money>>;
  /** Keyed `day channel`, e.g. `2026-11-20 form`. */
  readonly perDayAndVia: Readonly<Record<string, Money>>;
  /** References of lines whose booking differs from what was approved and that no person has cleared. */
  readonly incidents: readonly string[];
}

export function noBalances(currency: string): Balances {
  return { currency, total: zero(currency), perDay: {}, perDayAndVia: {}, incidents: [] };
}

/**
 * Balances after an event.
 * @throws BuyingError `currency_mismatch` when the event is in another currency
 * @throws RangeError when more would be released than is held: freed twice, money would be spent twice
 */
export function settleBalances(before: Balances, event: SpendEvent): Balances {
  switch (event.kind) {
    case "reserved":
      return moved(before, event.holding, event.holding.amount, add);
    case "released":
      return moved(before, event.holding, event.holding.amount, subtract);
    case "overspent":
      return { ...moved(before, event.holding, event.by, add), incidents: [...before.incidents, event.holding.ref] };
    case "incident_cleared":
      return { ...before, incidents: before.incidents.filter((ref) => ref !== event.ref) };
  }
}

/** Money committed on a day, by every channel together or by one. */
export function spentOn(balances: Balances, day: string, via?: DecisionChannel): Money {
  const found = via ? balances.perDayAndVia[`${day} ${via}`] : balances.perDay[day];
  return found ?? zero(balances.currency);
}

function moved(
  before: Balances,
  holding: Holding,
  amount: Money,
  change: (left: Money, right: Money) => Money,
): Balances {
  const viaKey = `${holding.day} ${holding.via}`;
  const total = change(before.total, amount);
  const onDay = change(spentOn(before, holding.day), amount);
  const onDayAndVia = change(spentOn(before, holding.day, holding.via), amount);
  if ([total, onDay, onDayAndVia].some((balance) => balance.micros < 0n)) {
    throw new RangeError(`${holding.ref} would give back more than is held for ${viaKey}`);
  }
  return {
    ...before,
    total,
    perDay: { ...before.perDay, [holding.day]: onDay },
    perDayAndVia: { ...before.perDayAndVia, [viaKey]: onDayAndVia },
  };
}
