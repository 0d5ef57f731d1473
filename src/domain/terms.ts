import { instants } from "./flight.ts";
import type { Tier } from "./identity.ts";
import { sha256 } from "./ids.ts";
import { compare, costOfImpressions, formatMoney, type Money, parseMoney } from "./money.ts";
import type { Quote, QuoteRequest, Targeting } from "./quote.ts";

/** Anything JSON can say; the shape that terms are hashed in. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * The canonical content of what would be bought on one line: all a person approves, and all that a booking is compared
 * with. Money is exact text, flights are instants, absent is null. Names are left out: they are a seller's words.
 */
export interface Terms {
  readonly v: 1;
  readonly desk: string;
  readonly sandbox: boolean;
  readonly advertiser: string;
  readonly campaign: string | null;
  readonly seller: { readonly id: string; readonly origin: string; readonly protocol: string };
  readonly account: string | null;
  readonly product: string;
  readonly channel: string | null;
  readonly pricing_model: "cpm";
  readonly deal_type: string;
  readonly guaranteed: boolean;
  readonly flight: { readonly start: string; readonly end: string };
  readonly impressions: number;
  /** CPM, per 1,000 impressions. */
  readonly unit_price: string;
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

/** The terms of booking a quote as it stands. Total = CPM × impressions ÷ 1,000, half up to the minor unit. */
export function termsOf(quote: Quote, request: QuoteRequest, context: TermsContext): Terms {
  return {
    v: 1,
    desk: context.desk,
    sandbox: context.sandbox,
    advertiser: context.advertiser,
    campaign: context.campaign,
    seller: { id: quote.sellerId, origin: context.origin, protocol: context.protocol },
    account: null,
    product: quote.product.id,
    channel: quote.product.channel,
    pricing_model: "cpm",
    deal_type: quote.dealType,
    guaranteed: quote.guaranteed,
    flight: instants(quote.flight),
    impressions: quote.impressions,
    unit_price: formatMoney(quote.cpm),
    budget: request.budget ? formatMoney(request.budget) : null,
    max_bid: null,
    currency: quote.cpm.currency,
    fees: null,
    basis: "net",
    total: formatMoney(costOfImpressions(quote.cpm, quote.impressions)),
    rounding: "half_up_to_minor_unit",
    targeting: request.targeting ? targetingTerms(request.targeting) : null,
    not_honoured: [...quote.notHonoured],
    measurement: null,
    minimum_spend: null,
    payment_terms: null,
    po_number: context.poNumber,
    identity_revealed: quote.shownAs,
    creatives_deadline: null,
    cancellation: context.cancellation,
  };
}

/** The money a line commits. */
export function totalOf(terms: Terms): Money {
  return parseMoney(terms.total);
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
  const priceFields = ["unit_price", "total"];
  if (approved.currency !== now.currency) return false;
  return differences(approved, now).every(({ field }) => priceFields.includes(field)) && cheaper(approved, now);
}

function cheaper(approved: Terms, now: Terms): boolean {
  const unitPrice = compare(parseMoney(now.unit_price), parseMoney(approved.unit_price));
  return unitPrice <= 0 && compare(totalOf(now), totalOf(approved)) <= 0;
}

function targetingTerms(targeting: Targeting): NonNullable<Terms["targeting"]> {
  return { geo: targeting.geo, audience: targeting.audience, frequency_cap: targeting.frequencyCap };
}
