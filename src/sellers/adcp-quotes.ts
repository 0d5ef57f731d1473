import { bidAdvice } from "../domain/bids.ts";
import { BuyingError } from "../domain/errors.ts";
import { refOf } from "../domain/ids.ts";
import type { Product } from "../domain/inventory.ts";
import { compare, displayMoney, type Money, money } from "../domain/money.ts";
import { effective, type Package, type PricingOption, promiseOf, unitsFor, unitWords } from "../domain/package.ts";
import { type FrequencyCap, frequencyCapIn } from "./frequency-cap.ts";
import type { PackageAsk, Quote, QuoteRequest, QuoteWire, Targeting } from "../domain/quote.ts";

/** One product as it is to be bought, by its seller's price for it. */
export interface Wanted {
  readonly product: Product;
  readonly ask: PackageAsk;
}

/**
 * A package for a budget at the seller's published price, or up to our bid.
 * @throws BuyingError `unknown_product`, `currency_mismatch`, `below_minimum`, `invalid_arguments`
 */
export function packageOf({ product, ask }: Wanted): Package {
  const { terms } = product;
  if (!terms) throw new RangeError(`${product.ref} is not sold by budget`);
  const option = chosen(product, ask);
  const { budget } = ask;
  if (option.currency !== budget.currency) {
    const why = `${product.ref} is sold in ${option.currency}, the budget is in ${budget.currency}`;
    throw new BuyingError(
      "currency_mismatch",
      `${why}; nothing is converted here. Nothing was booked.`,
      "fix_arguments",
    );
  }
  if (option.minSpend && compare(budget, option.minSpend) < 0) {
    const why = `${product.ref} takes at least ${displayMoney(option.minSpend)}; this is ${displayMoney(budget)}`;
    throw new BuyingError("below_minimum", `${why}. Nothing was booked.`, "fix_arguments", { field: "budget" });
  }
  const price = option.fixed ?? bidFor(product, option, ask);
  return {
    product: { ref: product.ref, id: product.productId, name: product.name, channel: product.channel },
    option: option.id,
    model: option.model,
    kind: option.fixed ? "fixed" : "auction",
    price,
    listPrice: option.fixed ?? option.floor,
    floor: option.floor,
    guidance: option.guidance,
    budget,
    units: unitsFor(budget, price, option.model),
    guaranteed: terms.guaranteed,
    minSpend: option.minSpend,
    standards: terms.standards,
    formats: terms.formats,
    creatives: ask.creativeIds,
    publishers: terms.publishers,
  };
}

/** The option asked for; else a fixed price where no bid was given, an auction where one was, CPM before other models. */
function chosen(product: Product, ask: PackageAsk): PricingOption {
  const options = product.terms?.options ?? [];
  const wished = ask.option === null ? null : options.find(({ id }) => id === ask.option);
  if (ask.option !== null && !wished) {
    const candidates = options.map(({ id }) => id);
    const message = `${product.ref} has no price ${JSON.stringify(ask.option.slice(0, 60))}; it has ${candidates.join(", ")}. Nothing was booked.`;
    throw new BuyingError("invalid_arguments", message, "fix_arguments", { field: "pricing_option", candidates });
  }
  const fits = ({ fixed, currency }: PricingOption) =>
    currency === ask.budget.currency && (fixed === null) === (ask.maxBid !== null);
  const byModel = [...options].sort((left, right) => Number(right.model === "cpm") - Number(left.model === "cpm"));
  const found =
    wished ?? byModel.find(fits) ?? byModel.find(({ currency }) => currency === ask.budget.currency) ?? byModel[0];
  if (found) return found;
  const message = `${product.ref} has no price that can be read. Nothing was booked.`;
  throw new BuyingError("price_on_request", message, "choose_another");
}

/** @throws BuyingError naming the floor and what has won before: a bid is the planner's to choose, never ours */
function bidFor(product: Product, option: PricingOption, { maxBid }: PackageAsk): Money {
  const floor = option.floor;
  const unit = option.model === "cpm" ? "CPM" : `per ${unitWords[option.model]}`;
  const advice = bidAdvice(option);
  if (!maxBid) {
    const message = `${product.ref} is an auction: give max_bid (${unit}). ${advice} Nothing was booked.`;
    throw new BuyingError("invalid_arguments", message, "fix_arguments", { field: "max_bid" });
  }
  if (maxBid.currency !== option.currency || maxBid.micros <= 0n) {
    const message = `max_bid must be an amount in ${option.currency}. ${advice} Nothing was booked.`;
    throw new BuyingError("currency_mismatch", message, "fix_arguments", { field: "max_bid" });
  }
  if (floor && compare(maxBid, floor) < 0) {
    const message = `${product.ref} takes no bid below ${displayMoney(floor)}; ${displayMoney(maxBid)} was not sent. ${advice} Nothing was booked.`;
    throw new BuyingError("below_minimum", message, "fix_arguments", { field: "max_bid" });
  }
  return maxBid;
}

/** The budget over a proposal's shares, exact: what rounding leaves goes to the last one. */
export function sharesOf(budget: Money, shares: readonly { readonly share: number }[]): readonly Money[] {
  const cent = 10_000n;
  let left = budget.micros;
  return shares.map(({ share }, at) => {
    const own = at === shares.length - 1 ? left : ((budget.micros * BigInt(share)) / 10_000n / cent) * cent;
    left -= own;
    return money(own, budget.currency);
  });
}

/** What a quote says beside its packages. */
export interface QuoteFacts {
  readonly sellerId: string;
  readonly sellerQuoteId: string;
  readonly wire: QuoteWire;
  readonly account: NonNullable<Quote["account"]>;
  readonly expiresAt: string;
  readonly rationale: string;
  readonly notes: readonly string[];
  readonly notHonoured: readonly string[];
  readonly creativesDeadline: string | null;
  readonly cancellation: string | null;
}

/** A quote over packages. It is guaranteed where all of them are, an auction where any of them is. */
export function quoteOf(packages: readonly Package[], request: QuoteRequest, facts: QuoteFacts): Quote {
  const [first] = packages;
  if (!first) throw new RangeError("a quote without packages");
  const guaranteed = packages.every((one) => one.guaranteed);
  const standards = packages.flatMap(({ product, standards: promised }) =>
    promised.map((one) => `${product.id}: ${promiseOf(one)}`),
  );
  const others = packages.length - 1;
  return {
    ref: refOf(facts.sellerId, facts.sellerQuoteId),
    sellerId: facts.sellerId,
    sellerQuoteId: facts.sellerQuoteId,
    product: others > 0 ? { ...first.product, name: `${first.product.name} and ${others} more` } : first.product,
    state: Date.parse(facts.expiresAt) <= Date.now() ? "expired" : "available",
    dealType: guaranteed ? "PG" : packages.some(({ kind }) => kind === "auction") ? "PA" : "PD",
    guaranteed,
    ...effective(packages),
    packages,
    wire: facts.wire,
    flight: request.flight,
    shownAs: "advertiser",
    pricedAs: "advertiser",
    discounts: { tier: null, volume: null },
    rationale: facts.rationale,
    inventoryAvailable: null,
    notHonoured: facts.notHonoured,
    account: facts.account,
    measurement: standards.length > 0 ? standards.join("; ") : undefined,
    creativesDeadline: facts.creativesDeadline ?? undefined,
    cancellation: facts.cancellation ?? undefined,
    notes: facts.notes,
    expiresAt: facts.expiresAt,
    dealId: null,
  };
}

/** A targeting as AdCP takes it, and what of it AdCP has no field for. Audiences are words, and a brief's matter. */
export function targetingOf(targeting: Targeting | null): {
  readonly overlay: Readonly<Record<string, unknown>> | null;
  readonly notHonoured: readonly string[];
} {
  if (!targeting) return { overlay: null, notHonoured: [] };
  const places = targeting.geo.map((place) => place.trim().toUpperCase());
  const countries = places.filter((place) => /^[A-Z]{2}$/.test(place));
  const regions = places.filter((place) => /^[A-Z]{2}-[A-Z0-9]{1,3}$/.test(place));
  const found = frequencyCapIn(targeting.frequencyCap);
  const cap = found?.unit === "month" ? null : found;
  const overlay = {
    ...(countries.length > 0 ? { geo_countries: countries } : {}),
    ...(regions.length > 0 ? { geo_regions: regions } : {}),
    ...(cap ? { frequency_cap: capOf(cap) } : {}),
  };
  const notHonoured = [
    ...(countries.length + regions.length < places.length ? ["geo"] : []),
    ...(targeting.audience.length > 0 ? ["audience"] : []),
    ...(targeting.frequencyCap !== null && !cap ? ["frequency_cap"] : []),
  ];
  return { overlay: Object.keys(overlay).length > 0 ? overlay : null, notHonoured };
}

/** AdCP counts windows in minutes, hours and days. */
function capOf({ most, unit }: FrequencyCap): Readonly<Record<string, unknown>> {
  const window = unit === "week" ? { interval: 7, unit: "days" } : { interval: 1, unit: `${unit}s` };
  return { max_impressions: most, per: "individuals", window };
}
