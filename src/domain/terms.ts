import { type ChangeTerms, changeTermsOf } from "./change.ts";
import { instants } from "./flight.ts";
import type { Tier } from "./identity.ts";
import { sha256 } from "./ids.ts";
import { compare, formatMoney, type Money, parseMoney } from "./money.ts";
import { countsImpressions, type LinePrice, type Package, type PricingModel, promiseOf } from "./package.ts";
import { type Quote, type QuoteRequest, type Targeting, totalOfQuote } from "./quote.ts";

/** Anything JSON can say; the shape that terms are hashed in. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * The canonical content of what would be bought on one line: all a person approves, and all that a booking is compared
 * with. Money is exact text, flights are instants, absent is null. Names are left out: they are a seller's words.
 */
export interface Terms {
  /** 2 where `packages` say what is bought: a budget each. 1 is one product, by volume at a CPM. */
  readonly v: 1 | 2;
  readonly desk: string;
  readonly sandbox: boolean;
  readonly advertiser: string;
  readonly campaign: string | null;
  readonly seller: { readonly id: string; readonly origin: string; readonly protocol: string };
  readonly account: string | null;
  /** Null, like the price, where several products are bought together. */
  readonly product: string | null;
  readonly channel: string | null;
  readonly pricing_model: PricingModel | null;
  readonly deal_type: string;
  readonly guaranteed: boolean;
  readonly flight: { readonly start: string; readonly end: string };
  readonly impressions: number | null;
  /** Per 1,000 impressions for `cpm`, else per unit of the model. */
  readonly unit_price: string | null;
  readonly budget: string | null;
  readonly max_bid: string | null;
  readonly currency: string;
  readonly fees: string | null;
  readonly basis: "net";
  readonly total: string;
  readonly rounding: "half_up_to_minor_unit";
  readonly targeting: {
    readonly geo: readonly string[];
    readonly audience: readonly string[];
    readonly frequency_cap: string | null;
  } | null;
  readonly not_honoured: readonly string[];
  readonly measurement: string | null;
  readonly minimum_spend: string | null;
  readonly payment_terms: string | null;
  readonly po_number: string | null;
  readonly identity_revealed: Tier;
  readonly creatives_deadline: string | null;
  readonly cancellation: string | null;
  readonly packages?: readonly PackageTerms[];
  /** In version 1, the creatives that run on it from the start; absent for none. */
  readonly creatives?: readonly string[];
  /** Where a media buy that stands is changed: from what. `total` is then only what is committed more. */
  readonly changes?: ChangeTerms;
}

/** One bought product within terms of version 2. */
export interface PackageTerms {
  readonly product: string;
  readonly channel: string | null;
  readonly pricing_option: string;
  readonly pricing_model: PricingModel;
  readonly guaranteed: boolean;
  /** The fixed price, or the most that is bid. */
  readonly unit_price: string;
  readonly is_bid: boolean;
  readonly budget: string;
  /** What the budget pays for at that price. */
  readonly units: number;
  readonly minimum_spend: string | null;
  /** e.g. `completion_rate >= 0.85`. */
  readonly standards: readonly string[];
  readonly creatives: readonly string[];
  readonly publishers: readonly string[];
}

/** What terms hold that the quote itself does not say. */
export interface TermsContext {
  readonly desk: string;
  readonly sandbox: boolean;
  readonly advertiser: string;
  readonly origin: string;
  readonly protocol: string;
  readonly campaign: string | null;
  readonly poNumber: string | null;
  readonly cancellation: string | null;
}

/**
 * The terms of booking a quote as it stands. Total = CPM × impressions ÷ 1,000, half up to the minor unit, or the
 * budgets of its packages together.
 */
export function termsOf(quote: Quote, request: QuoteRequest, context: TermsContext): Terms {
  const { packages = [] } = quote;
  const [only] = packages.length === 1 ? packages : [];
  const isByVolume = quote.packages === undefined;
  const price = isByVolume ? quote.cpm : (only?.price ?? null);
  const total = totalOfQuote(quote);
  const changes = changeTermsOf(quote);
  return {
    v: isByVolume ? 1 : 2,
    desk: context.desk,
    sandbox: context.sandbox,
    advertiser: context.advertiser,
    campaign: context.campaign,
    seller: { id: quote.sellerId, origin: context.origin, protocol: context.protocol },
    account: quote.account?.name ?? null,
    product: isByVolume ? quote.product.id : (only?.product.id ?? null),
    channel: isByVolume ? quote.product.channel : sharedChannel(packages),
    pricing_model: isByVolume ? "cpm" : (only?.model ?? null),
    deal_type: quote.dealType,
    guaranteed: quote.guaranteed,
    flight: instants(quote.flight),
    impressions: quote.impressions,
    unit_price: price && formatMoney(price),
    budget: request.budget ? formatMoney(request.budget) : null,
    max_bid: only?.kind === "auction" ? formatMoney(only.price) : null,
    currency: total.currency,
    fees: null,
    basis: "net",
    total: formatMoney(total),
    rounding: "half_up_to_minor_unit",
    targeting: request.targeting ? targetingTerms(request.targeting) : null,
    not_honoured: [...quote.notHonoured],
    measurement: quote.measurement ?? null,
    minimum_spend: only?.minSpend ? formatMoney(only.minSpend) : null,
    payment_terms: quote.account?.paymentTerms ?? null,
    po_number: context.poNumber,
    identity_revealed: quote.shownAs,
    creatives_deadline: quote.creativesDeadline ?? null,
    cancellation: quote.cancellation
      ? `${context.cancellation ?? ""} ${quote.cancellation}`.trim()
      : context.cancellation,
    ...(isByVolume ? {} : { packages: packages.map(packageTerms) }),
    ...(quote.creatives && quote.creatives.length > 0 ? { creatives: [...quote.creatives] } : {}),
    ...(changes ? { changes } : {}),
  };
}

function packageTerms(one: Package): PackageTerms {
  return {
    product: one.product.id,
    channel: one.product.channel,
    pricing_option: one.option,
    pricing_model: one.model,
    guaranteed: one.guaranteed,
    unit_price: formatMoney(one.price),
    is_bid: one.kind === "auction",
    budget: formatMoney(one.budget),
    units: one.units,
    minimum_spend: one.minSpend ? formatMoney(one.minSpend) : null,
    standards: one.standards.map(promiseOf),
    creatives: [...one.creatives],
    publishers: [...one.publishers],
  };
}

function sharedChannel(packages: readonly Package[]): string | null {
  const channels = new Set(packages.map(({ product }) => product.channel));
  return channels.size === 1 ? ([...channels][0] ?? null) : null;
}

/** Every price in a line's terms. @throws BuyingError for terms that hold no amount where one must be */
export function pricesIn(terms: Terms): readonly LinePrice[] {
  if (terms.packages) {
    return terms.packages.map((one) => ({
      product: one.product,
      channel: one.channel,
      model: one.pricing_model,
      price: parseMoney(one.unit_price),
      isBid: one.is_bid,
      total: parseMoney(one.budget),
      units: one.units,
    }));
  }
  const { product, channel, impressions } = terms;
  const price = parseMoney(terms.unit_price ?? "");
  return [
    {
      product: product ?? "",
      channel,
      model: "cpm",
      price,
      isBid: false,
      total: stakeOf(terms),
      units: impressions ?? 0,
    },
  ];
}

/** True where every package of a line is paid by impressions. */
export function isByImpressions(terms: Terms): boolean {
  return pricesIn(terms).every(countsImpressions);
}

/** The money a line commits. */
export function totalOf(terms: Terms): Money {
  return parseMoney(terms.total);
}

/** What a decision on a line is about: the money it commits or, of a change, all that is bought after it. */
export function stakeOf(terms: Terms): Money {
  return terms.changes ? parseMoney(terms.changes.total_after) : totalOf(terms);
}

/**
 * Canonical JSON: keys sorted by code unit, no white space, absent and undefined written as null (RFC 8785 for the
 * values we use: strings, booleans, null and safe integers).
 * @throws RangeError for a number that is not a safe integer, and for any object but plain ones and arrays
 */
export function canonicalJson(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "string" || typeof value === "boolean") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new RangeError("only safe integers have one canonical form here");
    return String(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  // Of a Date or a Map only an empty object would be left: two different ones would hash alike.
  if (typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    const pairs = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
    return `{${pairs.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(",")}}`;
  }
  throw new RangeError(`${typeof value} has no canonical form`);
}

/** SHA-256 over the canonical terms: what an approval is bound to. */
export function digestOf(terms: Terms): string {
  return sha256(canonicalJson(terms));
}

/**
 * Four characters to compare by eye, e.g. `7K-2F`, over the digests of an approval in any order. It approves nothing.
 */
export function shortCode(digests: readonly string[]): string {
  const alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
  const hex = sha256(canonicalJson([...digests].sort()));
  const letters = [0, 2, 4, 6].map((at) => alphabet[Number.parseInt(hex.slice(at, at + 2), 16) % alphabet.length]);
  return `${letters.slice(0, 2).join("")}-${letters.slice(2).join("")}`;
}

export interface Difference {
  readonly field: string;
  readonly approved: string;
  readonly now: string;
}

/** Each field in which two versions of a line differ, top level by top level; values are canonical JSON. */
export function differences(approved: Terms, now: Terms): readonly Difference[] {
  const before: ReadonlyMap<string, unknown> = new Map(Object.entries(approved));
  const after: ReadonlyMap<string, unknown> = new Map(Object.entries(now));
  // A field that only one of them has (another release wrote it) is a difference too.
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((field) => {
    const [left, right] = [canonicalJson(before.get(field)), canonicalJson(after.get(field))];
    return left === right ? [] : [{ field, approved: left, now: right }];
  });
}

/** True when `now` costs no more than `approved` and differs in nothing but a lower price. */
export function noWorse(approved: Terms, now: Terms): boolean {
  // At a lower price a budget pays for more.
  const priceFields = ["unit_price", "total", ...(approved.packages ? ["packages", "impressions"] : [])];
  if (approved.currency !== now.currency) return false;
  return differences(approved, now).every(({ field }) => priceFields.includes(field)) && cheaper(approved, now);
}

function cheaper(approved: Terms, now: Terms): boolean {
  if (!samePackages(approved.packages ?? [], now.packages ?? [])) return false;
  const after = pricesIn(now);
  const isCheaper = pricesIn(approved).every((one, at) => {
    const other = after[at];
    const isSameMoney = other?.price.currency === one.price.currency;
    return isSameMoney && compare(other.price, one.price) <= 0 && other.units >= one.units;
  });
  return isCheaper && compare(totalOf(now), totalOf(approved)) <= 0;
}

/** Equal in everything but the price and what it makes of the budget; a fixed price is no bid, however low. */
function samePackages(before: readonly PackageTerms[], after: readonly PackageTerms[]): boolean {
  const rest = ({ unit_price: _price, units: _units, ...same }: PackageTerms) => same;
  return canonicalJson(before.map(rest)) === canonicalJson(after.map(rest));
}

function targetingTerms(targeting: Targeting): NonNullable<Terms["targeting"]> {
  return { geo: targeting.geo, audience: targeting.audience, frequency_cap: targeting.frequencyCap };
}
