import { BuyingError } from "./errors.ts";
import { type Flight, instants } from "./flight.ts";
import type { Ref } from "./ids.ts";
import type { Deal } from "./deal.ts";
import { compare, costOfImpressions, displayMoney, formatMoney, type Money, subtract, sum, zero } from "./money.ts";
import { effective, type Package, unitsFor } from "./package.ts";
import type { Quote } from "./quote.ts";

/**
 * A change of a booked media buy: a line of its own, so that it is approved, held, sent once, settled and compared as a
 * booking is. What goes beyond what was approved needs a new approval; what does not is under the one there is.
 */

export interface PackageChange {
  readonly packageId: string;
  readonly budget: Money | null;
  readonly bid: Money | null;
  /** Of a buy by volume, which has one package, its deal: how many are to be bought; absent where a budget was bought. */
  readonly impressions?: number | null | undefined;
}

/** What is asked for. Days are `YYYY-MM-DD`; null leaves it as it is. */
export interface ChangeAsk {
  readonly action: "pause" | "resume" | "change";
  readonly packages: readonly PackageChange[];
  readonly start: string | null;
  readonly end: string | null;
}

/** A package as it stands before a change. */
export interface PackageNow {
  readonly packageId: string;
  readonly budget: Money;
  /** Null where the price is fixed. */
  readonly bid: Money | null;
  /** Of a buy by volume, what its budget is the cost of; absent where a budget was bought. */
  readonly volume?: Volume | undefined;
}

/** So many impressions at a CPM. */
export interface Volume {
  readonly impressions: number;
  readonly cpm: Money;
}

/**
 * What a quote changes, where it is for a media buy that stands; its `packages` are the buy's after it, in this order. Of a
 * buy by volume, `before` is its one deal, and the quote's CPM and impressions are what it is after.
 */
export interface BuyChange {
  readonly buy: Ref;
  readonly dealId: string;
  /** The seller's count of changes, sent with this one: another one in between makes the seller refuse it. */
  readonly revision: number | null;
  /** What it is to be; null = as it is. */
  readonly paused: boolean | null;
  readonly before: readonly PackageNow[];
  readonly flightBefore: Flight;
}

/** A change within terms: what is bound beside the new state. `total` of such terms is only what is committed more. */
export interface ChangeTerms {
  readonly media_buy: string;
  readonly deal: string;
  readonly paused: boolean | null;
  readonly total_before: string;
  readonly total_after: string;
  readonly flight_before: { readonly start: string; readonly end: string };
  /** As they are before it, in the order of the terms' packages. */
  readonly packages: readonly {
    readonly package_id: string;
    readonly budget: string;
    readonly bid: string | null;
    /** Of a buy by volume; absent where a budget was bought. */
    readonly impressions?: number;
    readonly unit_price?: string;
  }[];
}

/** What a change leaves bought, package by package: budgets, or what the volume costs at its CPM. */
function budgetsAfter({
  packages,
  cpm,
  impressions,
}: Pick<Quote, "packages" | "cpm" | "impressions">): readonly { readonly budget: Money }[] {
  if (packages) return packages;
  return cpm && impressions !== null ? [{ budget: costOfImpressions(cpm, impressions) }] : [];
}

/** How much more than now a change commits; zero where it commits less. */
export function committedMore(
  before: readonly PackageNow[],
  quote: Pick<Quote, "packages" | "cpm" | "impressions">,
): Money {
  const after = budgetsAfter(quote);
  const currency = after[0]?.budget.currency ?? "";
  const all = (amounts: readonly { readonly budget: Money }[]) =>
    sum(
      amounts.map(({ budget }) => budget),
      currency,
    );
  const more = subtract(all(after), all(before));
  return more.micros > 0n ? more : zero(currency);
}

/** The packages of a booked buy as they stand, each with what was asked for of it. @throws BuyingError where they cannot be told apart */
export function packagesNow(
  quote: Quote,
  deal: Deal,
): readonly { readonly now: PackageNow; readonly asked: Package }[] {
  const rest = [...(quote.packages ?? [])];
  return (deal.packages ?? []).map((one) => {
    const at = rest.findIndex(
      ({ product, option }) =>
        (one.productId === null || one.productId === product.id) && (one.option === null || one.option === option),
    );
    const [asked] = at < 0 ? [] : rest.splice(at, 1);
    if (!asked) {
      const message = `Package ${one.packageId} of ${deal.dealId} is none that was asked for; it is not changed here. Nothing was changed.`;
      throw new BuyingError("terms_mismatch", message, "ask_person", { nothingBooked: false });
    }
    const bid = asked.kind === "auction" ? (one.bid ?? asked.price) : null;
    return { now: { packageId: one.packageId, budget: one.budget ?? asked.budget, bid }, asked };
  });
}

/**
 * The quote of a change: the buy's packages after it, at the bids and budgets asked for; of a buy by volume its impressions,
 * at the CPM it is booked at.
 * @param sellerQuoteId our own name for the change at that seller, unique for the buy
 * @throws BuyingError `invalid_arguments`, `below_minimum`, `currency_mismatch`; `conflict` where it changes nothing
 */
export function quoteOfChange(
  buy: { readonly ref: Ref; readonly quote: Quote; readonly deal: Deal },
  ask: ChangeAsk,
  named: { readonly ref: Ref; readonly sellerQuoteId: string; readonly revision: number | null },
  expiresAt: string,
): Quote {
  const pairs = buy.quote.packages ? packagesNow(buy.quote, buy.deal) : null;
  const standing = pairs?.map(({ now }) => now) ?? [dealNow(buy.deal)];
  for (const [at, { packageId }] of ask.packages.entries()) {
    if (standing.some((now) => now.packageId === packageId)) continue;
    const candidates = standing.map((now) => now.packageId);
    const message = `${buy.ref} has no package ${packageId.slice(0, 60)}; it has ${candidates.join(", ")}. Nothing was changed.`;
    const field = `packages[${at}].package`;
    throw new BuyingError("invalid_arguments", message, "fix_arguments", { field, candidates });
  }
  const packages = pairs?.map((pair) => changed(pair, ask));
  const flightBefore = { start: buy.deal.flight.start.slice(0, 10), end: buy.deal.flight.end.slice(0, 10) };
  const flight = { start: ask.start ?? flightBefore.start, end: ask.end ?? flightBefore.end };
  const paused = ask.action === "change" ? null : ask.action === "pause";
  return {
    ...buy.quote,
    ref: named.ref,
    sellerQuoteId: named.sellerQuoteId,
    state: "available",
    ...(packages ? { ...effective(packages), packages } : volumeAfter(buy.deal, ask)),
    flight,
    rationale: "",
    notes: [],
    changes: {
      ...{ buy: buy.ref, dealId: buy.deal.dealId, revision: named.revision, paused, flightBefore },
      before: standing,
    },
    // What the buy itself had placed stands as its deal; a change places something of its own.
    placed: undefined,
    expiresAt,
    dealId: null,
  };
}

/** A deal by volume as the one package that it is. @throws BuyingError where its seller does not say what it is */
function dealNow({ dealId, cpm, impressions }: Deal): PackageNow {
  if (cpm && impressions !== null)
    return { packageId: dealId, budget: costOfImpressions(cpm, impressions), bid: null, volume: { impressions, cpm } };
  const message = `${dealId} has no volume or no price on record; it is not changed here. Nothing was changed.`;
  throw new BuyingError("terms_mismatch", message, "ask_person", { nothingBooked: false });
}

/** The volume of a deal as it is asked for. Its rate is the seller's: one that moves with the volume is another price. */
function volumeAfter(
  { cpm, impressions }: Deal,
  { packages }: ChangeAsk,
): Pick<Quote, "cpm" | "listCpm" | "impressions"> {
  const wished = packages.at(-1);
  if (wished && (wished.budget !== null || wished.bid !== null)) {
    const message = `${wished.packageId}: it is bought by impressions at its seller's rate, so that impressions are what is changed. Nothing was changed.`;
    throw new BuyingError("invalid_arguments", message, "fix_arguments", { field: "packages" });
  }
  return { cpm, listCpm: cpm, impressions: wished?.impressions ?? impressions };
}

function changed({ now, asked }: { now: PackageNow; asked: Package }, ask: ChangeAsk): Package {
  const wished = ask.packages.find(({ packageId }) => packageId === now.packageId);
  const budget = wished?.budget ?? now.budget;
  const price = wished?.bid ?? now.bid ?? asked.price;
  const refuse = (code: "invalid_arguments" | "below_minimum" | "currency_mismatch", why: string) =>
    new BuyingError(code, `${now.packageId}: ${why}. Nothing was changed.`, "fix_arguments", { field: "packages" });
  if (wished?.impressions != null)
    throw refuse("invalid_arguments", "it is bought for a budget, so that its budget is what is changed");
  if (budget.currency !== now.budget.currency || price.currency !== now.budget.currency)
    throw refuse("currency_mismatch", `it is bought in ${now.budget.currency}, and nothing is converted here`);
  if (wished?.bid && now.bid === null)
    throw refuse("invalid_arguments", `its price of ${displayMoney(asked.price)} is fixed, there is no bid to change`);
  if (budget.micros <= 0n || price.micros <= 0n) throw refuse("invalid_arguments", "amounts must be above zero");
  if (wished?.bid && asked.floor && compare(wished.bid, asked.floor) < 0)
    throw refuse("below_minimum", `the lowest bid taken is ${displayMoney(asked.floor)}`);
  if (wished?.budget && asked.minSpend && compare(wished.budget, asked.minSpend) < 0)
    throw refuse("below_minimum", `the lowest budget taken is ${displayMoney(asked.minSpend)}`);
  return { ...asked, budget, price, units: unitsFor(budget, price, asked.model) };
}

/** True where a change of packages and dates would leave all as it is; a pause is never nothing. */
export function changesNothing({ changes, packages = [], impressions, flight }: Quote): boolean {
  if (!changes || changes.paused !== null) return false;
  const { before, flightBefore } = changes;
  const isSame = packages.every(({ budget, price, kind }, at) => {
    const was = before[at];
    if (!was || compare(was.budget, budget) !== 0) return false;
    return kind === "fixed" || was.bid === null || compare(was.bid, price) === 0;
  });
  const isSameVolume = before.every(({ volume }) => !volume || volume.impressions === impressions);
  return isSame && isSameVolume && flightBefore.start === flight.start && flightBefore.end === flight.end;
}

/** The change as terms hold it. */
export function changeTermsOf(quote: Quote): ChangeTerms | null {
  const { changes } = quote;
  if (!changes) return null;
  const after = budgetsAfter(quote);
  const currency = after[0]?.budget.currency ?? "";
  const all = (amounts: readonly { readonly budget: Money }[]) =>
    formatMoney(
      sum(
        amounts.map(({ budget }) => budget),
        currency,
      ),
    );
  return {
    media_buy: changes.buy,
    deal: changes.dealId,
    paused: changes.paused,
    total_before: all(changes.before),
    total_after: all(after),
    flight_before: instants(changes.flightBefore),
    packages: changes.before.map(({ packageId, budget, bid, volume }) => ({
      package_id: packageId,
      budget: formatMoney(budget),
      bid: bid && formatMoney(bid),
      ...(volume ? { impressions: volume.impressions, unit_price: formatMoney(volume.cpm) } : {}),
    })),
  };
}

/**
 * The seller's words for what a change does (AdCP, media buy valid action), each with the coarser ones it may be under. Of a
 * volume there is one of ours, `update_impressions`.
 */
export function actionsIn({ changes, packages = [], impressions, flight }: Quote): readonly (readonly string[])[] {
  if (!changes) return [];
  const { before, flightBefore, paused } = changes;
  const moved = packages.filter(({ budget }, at) => compare(budget, before[at]?.budget ?? budget) !== 0);
  const bids = packages.filter(
    ({ price, kind }, at) => kind === "auction" && compare(price, before[at]?.bid ?? price) !== 0,
  );
  const currency = packages[0]?.budget.currency ?? "";
  const total = (amounts: readonly { readonly budget: Money }[]) =>
    sum(
      amounts.map(({ budget }) => budget),
      currency,
    );
  const sign = moved.length === 0 ? null : compare(total(packages), total(before));
  const budgets =
    sign === null ? null : sign > 0 ? "increase_budget" : sign < 0 ? "decrease_budget" : "reallocate_budget";
  const isMoved = flightBefore.start !== flight.start;
  const ends =
    flight.end > flightBefore.end ? "extend_flight" : flight.end < flightBefore.end ? "shorten_flight" : null;
  return [
    ...(paused === null ? [] : [[paused ? "pause" : "resume"]]),
    ...(budgets === null ? [] : [[budgets, "update_budget"]]),
    ...(bids.length > 0 ? [["update_packages"]] : []),
    ...(before.some(({ volume }) => volume && volume.impressions !== impressions) ? [["update_impressions"]] : []),
    ...(isMoved || ends ? [[...(ends && !isMoved ? [ends] : []), "update_flight_dates", "update_dates"]] : []),
  ];
}
