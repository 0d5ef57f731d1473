import type { Ref } from "./ids.ts";
import type { ForecastLevel, Product } from "./inventory.ts";
import type { Line } from "./media-buy.ts";
import { compare, displayMoney, formatMoney, min, minorUnit, type Money, money, mulDiv, toMinorUnit } from "./money.ts";
import { budgetOf, type Package, perWords } from "./package.ts";
import { millionths } from "./pacing.ts";
import type { Quote } from "./quote.ts";

/**
 * Offers of several sellers made comparable. Each has one figure: what 1,000 impressions are expected to cost, made dearer
 * or cheaper by fixed shares for what else it is worth. So the order of two offers never depends on a third, and a price
 * that moves by a share moves every score by no more than that share.
 */

/** A quote as the ledger has it, with what its seller publishes of its products. */
export interface Offer {
  readonly ref: Ref;
  readonly line: Pick<Line, "status" | "quote" | "supersededBy" | "negotiation" | "quotedCpm">;
  /** By reference; of a product that is not in it, nothing counts for or against. */
  readonly products: ReadonlyMap<Ref, ProductFacts>;
  /** Impressions free in the flight; null where the seller does not say. */
  readonly available: number | null;
}

/** What of a published product counts here. */
export type ProductFacts = Pick<Product, "formats" | "negotiable" | "volumeDiscounts" | "terms">;

/** By what offers are compared. */
export interface Comparing {
  /** Prices in another are listed apart: nothing is converted. */
  readonly currency: string;
  /** Formats that are wanted, as a planner names them; none = formats do not count. */
  readonly formats: readonly string[];
  readonly now: Date;
}

/** One thing that makes an offer worth more or less than its price. */
export interface Part {
  readonly what: string;
  /** Hundredths of a percent of the price: -1,000 lets it compare like 10 % less. */
  readonly share: number;
}

export interface Ranked {
  readonly ref: Ref;
  readonly rank: number;
  /** Hundredths of a point: 10,000 for the best; one that compares at twice its price has 5,000. */
  readonly score: number;
  /** What 1,000 impressions are expected to cost, net; to a hundredth of the currency's minor unit. */
  readonly effectiveCpm: Money;
  /** What that rests on where it is not simply the price; null where it is. */
  readonly assumes: string | null;
  /** The effective CPM with all parts: what offers are ranked by. */
  readonly comparesAt: Money;
  readonly parts: readonly Part[];
  /** Our sentence. */
  readonly why: string;
}

export interface Comparison {
  readonly ranked: readonly Ranked[];
  /** What cannot be bought as it stands, or not be compared; why, in our words. */
  readonly apart: readonly { readonly ref: Ref; readonly why: string }[];
}

/** What each part is worth, in hundredths of a percent of the price; judgements of ours, the same for every seller. */
export const shares = {
  guaranteed: -1_000,
  auction: 500,
  /** Of the volume that is not free, per whole. */
  notFree: 3_000,
  /** Of the formats wanted that it does not take, per whole. */
  formatsMissing: 2_000,
  /** For each wish that is not honoured, of five at most. */
  notHonoured: 200,
  negotiable: -300,
  volumeDiscount: -200,
} as const;

/**
 * A private auction sold by volume names the price from which bidding begins. It is taken to clear a fifth above it, as
 * the IAB buyer agent's quote comparison does.
 */
const auctionClearsAt = 120n;

/** Ranks what can be bought, best first, and says why the rest cannot be compared. Pure. */
export function compareOffers(offers: readonly Offer[], by: Comparing): Comparison {
  const weighed = [...new Map(offers.map((one) => [one.ref, one])).values()].map((offer) => weigh(offer, by));
  const comparable = weighed.filter((one) => "comparesAt" in one).sort(byWorth);
  const best = comparable[0]?.comparesAt.micros ?? 0n;
  const lowest = comparable
    .map(({ effectiveCpm }) => effectiveCpm)
    .reduce<Money | null>((a, b) => (a ? min(a, b) : b), null);
  const ranked = comparable.map(({ offer, ...one }, index) => ({
    ...one,
    rank: index + 1,
    score: Number((best * 10_000n) / one.comparesAt.micros),
    why: reason(offer, one, lowest ?? one.effectiveCpm),
  }));
  return { ranked, apart: weighed.filter((one) => "why" in one) };
}

type Weighed = Pick<Ranked, "ref" | "effectiveCpm" | "assumes" | "comparesAt" | "parts">;

function weigh(offer: Offer, by: Comparing): (Weighed & { readonly offer: Offer }) | { ref: Ref; why: string } {
  const { ref } = offer;
  const price = whyNot(offer, by) ?? expectedPrice(offer);
  if (typeof price === "string") return { ref, why: price };
  const parts = partsOf(offer, by.formats);
  const share = parts.reduce((all, one) => all + one.share, 0);
  const comparesAt = money(mulDiv(price.cpm.micros, BigInt(10_000 + share), 10_000n), by.currency);
  return { offer, ref, effectiveCpm: price.cpm, assumes: price.assumes, comparesAt, parts };
}

/** What compares cheapest first; of equals the lower price, and then always in the same order. */
function byWorth(left: Weighed, right: Weighed): number {
  return (
    compare(left.comparesAt, right.comparesAt) ||
    compare(left.effectiveCpm, right.effectiveCpm) ||
    (left.ref < right.ref ? -1 : 1)
  );
}

/** Why an offer cannot be bought as it stands, or not at a price that compares; null where it can. */
function whyNot({ line, available }: Offer, { currency, now }: Comparing): string | null {
  const { status, quote } = line;
  if (line.supersededBy !== null) return `replaced by ${line.supersededBy}`;
  if (status === "declined") return "declined: the seller no longer offers it";
  if (status !== "open" && status !== "awaiting_approval")
    return `not on offer any more: ${status.replaceAll("_", " ")}`;
  if (quote.changes) return "changes a media buy that stands";
  if (quote.state !== "available") return `the seller says it is ${quote.state}`;
  if (Date.parse(quote.expiresAt) <= now.getTime()) return `expired ${quote.expiresAt}; renew it with request_quote`;
  if (quote.inventoryAvailable === false || available === 0) return "the seller says the inventory is not available";
  const priced = quote.packages ? budgetOf(quote.packages).currency : quote.cpm?.currency;
  if (priced !== currency) return `priced in ${priced ?? "no currency"}, compared in ${currency}; nothing is converted`;
  return null;
}

interface Expected {
  readonly cpm: Money;
  readonly assumes: string | null;
}

/** What 1,000 impressions are expected to cost; a sentence where nothing tells. */
function expectedPrice({ line: { quote }, products }: Offer): Expected | string {
  const { packages } = quote;
  if (!packages) return byVolume(quote);
  const each = packages.map((one) => ({ one, price: perThousand(one, products.get(one.product.ref)) }));
  const unknown = each.find(({ price }) => price === null);
  if (unknown) {
    return `${unknown.one.product.ref} is sold ${perWords[unknown.one.model]} and no impressions are forecast: what 1,000 cost is not known`;
  }
  const known = each.flatMap(({ one, price }) => (price && price.cpm.micros > 0n ? [{ one, price }] : []));
  const impressions = known.reduce((all, { one, price }) => all + (one.budget.micros * 1_000n) / price.cpm.micros, 0n);
  if (known.length < each.length || impressions === 0n) return "a price of zero does not compare";
  const [only] = known;
  const assumes = [...new Set(known.flatMap(({ price }) => price.assumes ?? []))].join("; ") || null;
  if (only && known.length === 1) return { cpm: only.price.cpm, assumes };
  return { cpm: rounded(budgetOf(packages).micros * 1_000n, impressions, only?.one.budget.currency ?? ""), assumes };
}

function byVolume({ cpm, dealType }: Quote): Expected | string {
  if (!cpm) return "it has no CPM";
  if (cpm.micros <= 0n) return "a price of zero does not compare";
  if (dealType !== "PA") return { cpm, assumes: null };
  const assumes = "a private auction, taken to clear 20 % above the price at which bidding begins";
  return { cpm: rounded(cpm.micros * auctionClearsAt, 100n, cpm.currency), assumes };
}

/**
 * As little as a seller's own figure may make of a price, in millionths: half. A promise of hardly anything, or a claim that
 * next to nothing wins an auction, would else put its seller first.
 */
const least = 500_000n;

/** What 1,000 impressions of a package are expected to cost; null where neither its unit nor a forecast tells. */
function perThousand(one: Package, product: ProductFacts | undefined): Expected | null {
  const { price, assumes } = clearing(one);
  switch (one.model) {
    case "cpm":
      return { cpm: price, assumes };
    case "vcpm":
      return ofShare(one, price.micros, "viewability", assumes, "every impression viewable");
    case "cpcv":
      return ofShare(one, price.micros * 1_000n, "completion_rate", assumes, "every view completed");
    case "cpv":
    case "cpc":
    case "cpp":
    case "flat_rate":
      return asForecast(one, product?.terms?.levels ?? []);
  }
}

/** Where a unit is paid for only if it is viewed, by the share that is promised; with none promised, at its dearest. */
function ofShare(one: Package, ifAll: bigint, metric: string, assumes: string | null, otherwise: string): Expected {
  const promised = millionths(one.standards.find((standard) => standard.metric === metric)?.threshold ?? null);
  const isShare = promised !== null && promised > 0n && promised <= 1_000_000n;
  const share = isShare ? (promised > least ? promised : least) : null;
  const words = share === null ? `${otherwise}: no share is promised` : `the promised ${metric.replaceAll("_", " ")}`;
  return {
    cpm: rounded(ifAll * (share ?? 1_000_000n), 1_000_000n, one.price.currency),
    assumes: [assumes, words].filter((part) => part !== null).join("; "),
  };
}

/** At the seller's forecast for the budget nearest below ours, or else for its smallest. */
function asForecast(one: Package, levels: readonly ForecastLevel[]): Expected | null {
  const { budget } = one;
  const usable = levels
    .flatMap((level) => {
      const impressions = level.impressions?.mid ?? level.impressions?.low ?? 0;
      const of = level.budget ?? (one.model === "flat_rate" ? budget : null);
      const counts = Number.isSafeInteger(impressions) && impressions > 0;
      return level.per === null && of?.currency === budget.currency && counts ? [{ of, impressions }] : [];
    })
    .sort((left, right) => compare(left.of, right.of));
  const level = usable.findLast(({ of }) => compare(of, budget) <= 0) ?? usable[0];
  if (!level) return null;
  return {
    cpm: rounded(level.of.micros * 1_000n, BigInt(level.impressions), budget.currency),
    assumes: `the seller's forecast of ${level.impressions.toLocaleString("en-US")} impressions for ${displayMoney(level.of)}`,
  };
}

/** What is paid per unit: the price, or in an auction what won half of them before, between its floor and our bid. */
function clearing({ kind, price, floor, guidance }: Package): {
  readonly price: Money;
  readonly assumes: string | null;
} {
  if (kind === "fixed") return { price, assumes: null };
  const half = guidance?.p50;
  if (half?.currency !== price.currency) return { price, assumes: "an auction that clears at our bid" };
  const believed = money(mulDiv(price.micros, least, 1_000_000n), price.currency);
  const from = [half, believed, ...(floor?.currency === price.currency ? [floor] : [])];
  const highest = from.reduce((a, b) => (compare(a, b) >= 0 ? a : b));
  const assumes = "an auction that clears where half were won before, between half our bid and our bid";
  return { price: min(highest, price), assumes };
}

function partsOf({ line, products, available }: Offer, wanted: readonly string[]): readonly Part[] {
  const { quote } = line;
  const facts = (quote.packages?.map(({ product }) => product.ref) ?? [quote.product.ref]).flatMap(
    (ref) => products.get(ref) ?? [],
  );
  const isAuction = quote.packages
    ? quote.packages.some(({ kind }) => kind === "auction")
    : quote.dealType === "PA" && !quote.guaranteed;
  const missing = wanted.filter((format) => !takes(quote, facts, format));
  const unheard = Math.min(quote.notHonoured.length, 5);
  const lacking = lackingOf(quote, available);
  const parts: readonly (Part | false)[] = [
    quote.guaranteed && { what: "guaranteed", share: shares.guaranteed },
    isAuction && { what: "an auction may be lost", share: shares.auction },
    lacking > 0 && { what: `${percentWords(lacking)} of the volume not free`, share: shareOf(shares.notFree, lacking) },
    missing.length > 0 && {
      what: `takes no ${missing.join(", no ")}`,
      share: Math.floor((shares.formatsMissing * missing.length) / wanted.length),
    },
    unheard > 0 && { what: `will not honour ${quote.notHonoured.join(", ")}`, share: shares.notHonoured * unheard },
    // A negotiation that ended has brought what it could: it is in the price.
    facts.some(({ negotiable }) => negotiable) &&
      (line.negotiation === null || line.negotiation.status === "active") && {
        what: "still negotiable",
        share: shares.negotiable,
      },
    facts.some(({ volumeDiscounts }) => volumeDiscounts) &&
      !(millionths(quote.discounts.volume) ?? 0n) && {
        what: "discounts for more volume",
        share: shares.volumeDiscount,
      },
  ];
  return parts.filter((part) => part !== false);
}

/** Which part of the volume is not free, in hundredths of a percent; 0 where the seller does not say. */
function lackingOf({ impressions }: Quote, available: number | null): number {
  if (available === null || impressions === null || impressions <= 0 || available >= impressions) return 0;
  return Number((BigInt(impressions - available) * 10_000n) / BigInt(impressions));
}

function shareOf(share: number, of: number): number {
  return Math.floor((share * of) / 10_000);
}

/** Sellers write formats in their own ways (`video 30s`, `video_30s`): the words of the wanted one must be in it. */
function takes(quote: Quote, facts: readonly ProductFacts[], wanted: string): boolean {
  const known = [
    ...(quote.packages ?? []).flatMap(({ formats }) => formats),
    ...facts.flatMap(({ formats }) => formats),
  ];
  const words = wordsOf(wanted);
  // Of one that names no formats nothing is known, and nothing counts against it.
  return known.length === 0 || known.some((format) => words.every((word) => wordsOf(format).includes(word)));
}

function wordsOf(format: string): readonly string[] {
  return format
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

function reason(
  { line: { quote, quotedCpm, negotiation } }: Offer,
  { effectiveCpm, assumes, comparesAt, parts }: Weighed,
  lowest: Money,
): string {
  const above = Number(mulDiv(effectiveCpm.micros - lowest.micros, 10_000n, lowest.micros));
  const agreed = negotiation?.status === "agreed" && quotedCpm && quote.cpm && compare(quote.cpm, quotedCpm) < 0;
  const isLowest = compare(effectiveCpm, lowest) === 0;
  const position = isLowest ? "lowest effective CPM" : `${percentWords(Math.max(1, above))} above the lowest CPM`;
  return [
    `${position}${agreed ? `, negotiated down from ${formatMoney(quotedCpm)}` : ""}`,
    ...parts.map(({ what, share }) => `${what} ${share < 0 ? "-" : "+"}${percentWords(Math.abs(share))}`),
    ...(parts.length > 0 ? [`compares like ${displayMoney(toMinorUnit(comparesAt))}`] : []),
    ...(assumes === null ? [] : [`assumes ${assumes}`]),
  ].join("; ");
}

/** Hundredths of a percent as `10 %` or `2.5 %`. */
function percentWords(hundredths: number): string {
  const decimals = String(hundredths % 100)
    .padStart(2, "0")
    .replace(/0+$/, "");
  return `${Math.floor(hundredths / 100)}${decimals === "" ? "" : `.${decimals}`} %`;
}

/** A quotient as money, half up to a hundredth of the minor unit, and never nothing. */
function rounded(micros: bigint, divisor: bigint, currency: string): Money {
  const step = minorUnit(currency) / 100n;
  const value = mulDiv(micros, 1n, divisor * step) * step;
  return money(value > 0n ? value : step, currency);
}
