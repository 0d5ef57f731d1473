import { add, min, type Money, subtract, zero } from "./money.ts";
import type { SettlementProof } from "./settlement.ts";

/** Ways a decision can come about; each counts up to the amount the mandate gives it. */
export const decisionChannels = ["auto", "form", "card", "terminal", "page", "passkey"] as const;
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
  /** Of a line over several channels: how its amount falls to each; absent = all of it to `channel`. */
  readonly channels?: Readonly<Record<string, Money>> | undefined;
  readonly campaign: string | null;
  /** Principal that asked to buy it; absent in rows of earlier releases. */
  readonly proposer?: string;
}

/** Days for which balances are carried; limits look at today only. */
const KEPT_DAYS = 60;
/** The same by principal, of whom there may be many: a row of the stream must stay small. */
const KEPT_PROPOSER_DAYS = 7;

/** Entries of a desk's `spend` stream, version 1 where a kind has no second. */
export type SpendEvent =
  | { readonly kind: "reserved"; readonly v: 1; readonly holding: Holding }
  | { readonly kind: "released"; readonly v: 1; readonly holding: Holding; readonly why: string }
  | { readonly kind: "overspent"; readonly v: 1; readonly holding: Holding; readonly by: Money; readonly why: string }
  | { readonly kind: "incident_cleared"; readonly v: 1; readonly ref: string; readonly by: string }
  | ({
      readonly kind: "incident_cleared";
      readonly v: 2;
      readonly ref: string;
      readonly by: string;
      readonly note: string;
    } & SettlementProof);

/** Running totals of a desk; carried by every row of its `spend` stream, so that its head alone tells the state. */
export interface Balances {
  readonly currency: string;
  readonly total: Money;
  readonly perDay: Readonly<Record<string, Money>>;
  /** Keyed `day channel`, e.g. `2026-11-20 form`. */
  readonly perDayAndVia: Readonly<Record<string, Money>>;
  /** Keyed `day principal`, of the last days; absent until somebody with a name asked to buy. */
  readonly perDayAndProposer?: Readonly<Record<string, Money>>;
  readonly perCampaign: Readonly<Record<string, Money>>;
  readonly perSeller: Readonly<Record<string, Money>>;
  readonly perChannel: Readonly<Record<string, Money>>;
  /** References of lines whose booking differs from what was approved and that no person has cleared. */
  readonly incidents: readonly string[];
}

/** ISO 4217's code where no currency is involved; no amount can be in it. */
export const NO_CURRENCY = "XXX";

/** The balances of a desk that never spent; without a mandate there is no currency to count in. */
export function noBalances(currency: string | null): Balances {
  return {
    currency: currency ?? NO_CURRENCY,
    total: currency ? zero(currency) : { micros: 0n, currency: NO_CURRENCY },
    perDay: {},
    perDayAndVia: {},
    perCampaign: {},
    perSeller: {},
    perChannel: {},
    incidents: [],
  };
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
      return {
        ...moved(before, firstOnly(event.holding), event.by, add),
        incidents: [...before.incidents, event.holding.ref],
      };
    case "incident_cleared":
      return { ...before, incidents: before.incidents.filter((ref) => ref !== event.ref) };
  }
}

/** Money committed on a day, by every channel together or by one. */
export function spentOn(balances: Balances, day: string, via?: DecisionChannel): Money {
  const found = via ? balances.perDayAndVia[`${day} ${via}`] : balances.perDay[day];
  return found ?? zero(balances.currency);
}

/** What is held under a name somebody gave, such as a campaign's label: `constructor` is a label like any other. */
export function heldUnder(amounts: Readonly<Record<string, Money>>, name: string, currency: string): Money {
  return (Object.hasOwn(amounts, name) ? amounts[name] : undefined) ?? zero(currency);
}

/** Money committed on a day of what a principal asked to buy, whoever decided it. */
export function proposedOn(balances: Balances, day: string, proposer: string): Money {
  return balances.perDayAndProposer?.[`${day} ${proposer}`] ?? zero(balances.currency);
}

function moved(
  before: Balances,
  holding: Holding,
  amount: Money,
  change: (left: Money, right: Money) => Money,
): Balances {
  const viaKey = `${holding.day} ${holding.via}`;
  const total = change(before.total, amount);
  const under = (amounts: Readonly<Record<string, Money>>, key: string) => ({
    ...amounts,
    [key]: change(heldUnder(amounts, key, before.currency), amount),
  });
  const lasting = {
    total,
    perCampaign: under(before.perCampaign, holding.campaign ?? ""),
    perSeller: under(before.perSeller, holding.sellerId),
    perChannel: overChannels(before, holding, amount, change),
  };
  // A day no longer carried limits nothing; what comes back of it only lowers the lasting totals.
  if (change === subtract && isForgotten(before, holding.day) && total.micros >= 0n) return { ...before, ...lasting };
  const onDay = change(spentOn(before, holding.day), amount);
  const onDayAndVia = change(spentOn(before, holding.day, holding.via), amount);
  const ofSeller = lasting.perSeller[holding.sellerId] ?? total;
  if ([total, onDay, onDayAndVia, ofSeller].some((balance) => balance.micros < 0n)) {
    throw new RangeError(`${holding.ref} would give back more than is held for ${viaKey}`);
  }
  return {
    ...before,
    ...lasting,
    perDay: newest({ ...before.perDay, [holding.day]: onDay }, KEPT_DAYS),
    perDayAndVia: newest({ ...before.perDayAndVia, [viaKey]: onDayAndVia }, KEPT_DAYS * decisionChannels.length),
    ...byProposer(before, holding, amount, change),
  };
}

/** What a line costs beyond its approval is all its first channel's, and comes back from there with the rest of it. */
function firstOnly(holding: Holding): Holding {
  return { ...holding, channel: Object.keys(holding.channels ?? {})[0] ?? holding.channel, channels: undefined };
}

/** What is left of a holding when part of it stays where it is: that part is taken from its channels one after the other. */
export function lessOf(holding: Holding, stays: Money): Holding {
  const amount = subtract(holding.amount, stays);
  if (!holding.channels) return { ...holding, amount };
  let left = stays;
  const channels = Object.entries(holding.channels).map(([channel, share]) => {
    const cut = min(share, left);
    left = subtract(left, cut);
    return [channel, subtract(share, cut)] as const;
  });
  return { ...holding, amount, channels: Object.fromEntries(channels) };
}

/** A line's amount over the channels it is for. What is more than they share is the first one's. */
function overChannels(
  before: Balances,
  { channel, channels }: Holding,
  amount: Money,
  change: (left: Money, right: Money) => Money,
): Balances["perChannel"] {
  const [first = channel ?? "other", ...others] = Object.keys(channels ?? {});
  const shared = others.map((one) => [one, channels?.[one] ?? zero(before.currency)] as const);
  const rest = shared.reduce((left, [, share]) => subtract(left, share), amount);
  const shares = [[first, rest] as const, ...shared];
  const after = shares.map(([one, share]) => [one, change(heldUnder(before.perChannel, one, before.currency), share)]);
  return { ...before.perChannel, ...Object.fromEntries(after) };
}

function byProposer(
  before: Balances,
  { ref, day, proposer }: Holding,
  amount: Money,
  change: (left: Money, right: Money) => Money,
): Pick<Balances, "perDayAndProposer"> {
  if (proposer === undefined) return {};
  const known = before.perDayAndProposer ?? {};
  const key = `${day} ${proposer}`;
  // Of a day no longer carried nothing is left to give back from.
  if (change === subtract && !(key in known)) return {};
  const after = change(proposedOn(before, day, proposer), amount);
  if (after.micros < 0n) throw new RangeError(`${ref} would give back more than is held for ${key}`);
  const dayOf = (one: string) => one.slice(0, "2026-11-20".length);
  const all = { ...known, [key]: after };
  const days = [...new Set(Object.keys(all).map(dayOf))].sort().slice(-KEPT_PROPOSER_DAYS);
  return { perDayAndProposer: Object.fromEntries(Object.entries(all).filter(([one]) => days.includes(dayOf(one)))) };
}

/** The entries with the latest keys; keys begin with a day, so every row of the stream stays small for ever. */
function newest(amounts: Readonly<Record<string, Money>>, most: number): Readonly<Record<string, Money>> {
  const keys = Object.keys(amounts).sort().slice(-most);
  return Object.fromEntries(Object.entries(amounts).filter(([key]) => keys.includes(key)));
}

function isForgotten(balances: Balances, day: string): boolean {
  const days = Object.keys(balances.perDay).sort();
  return days.length >= KEPT_DAYS && day < (days[0] ?? "");
}
