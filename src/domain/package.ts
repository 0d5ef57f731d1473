import type { Ref } from "./ids.ts";
import type { Channel } from "./inventory.ts";
import { type Money, money, mulDiv, sum } from "./money.ts";

export const pricingModels = ["cpm", "vcpm", "cpcv", "cpv", "cpc", "cpp", "flat_rate"] as const;
/**
 * What a price is per: 1,000 impressions (`cpm`), 1,000 viewable ones (`vcpm`), a completed view, a view, a click, a
 * rating point, or the whole flight (AdCP pricing models of the same names).
 */
export type PricingModel = (typeof pricingModels)[number];

/** How many units of each model its price is per. */
const unitsPerPrice: Readonly<Record<PricingModel, bigint>> = {
  cpm: 1000n,
  vcpm: 1000n,
  cpcv: 1n,
  cpv: 1n,
  cpc: 1n,
  cpp: 1n,
  flat_rate: 1n,
};

/** What a unit is called, after a number. */
export const unitWords: Readonly<Record<PricingModel, string>> = {
  cpm: "impressions",
  vcpm: "viewable impressions",
  cpcv: "completed views",
  cpv: "views",
  cpc: "clicks",
  cpp: "rating points",
  flat_rate: "flight",
};

/** What a price is per, after the amount. */
export const perWords: Readonly<Record<PricingModel, string>> = {
  cpm: "CPM",
  vcpm: "viewable CPM",
  cpcv: "per completed view",
  cpv: "per view",
  cpc: "per click",
  cpp: "per rating point",
  flat_rate: "flat",
};

/** At what price a product is sold, as its seller publishes it: fixed, or an auction from a floor on. */
export interface PricingOption {
  /** The seller's own id of it, byte for byte. */
  readonly id: string;
  readonly model: PricingModel;
  readonly currency: string;
  /** Null in an auction. */
  readonly fixed: Money | null;
  /** Lowest bid that is taken; null where there is none. */
  readonly floor: Money | null;
  /** Bids that won a quarter, half, three quarters and nine tenths of auctions; null where the seller does not say. */
  readonly guidance: BidGuidance | null;
  readonly minSpend: Money | null;
}

/** Prices that won auctions, by the share of auctions they would have won. */
export type BidGuidance = Readonly<Record<"p25" | "p50" | "p75" | "p90", Money | null>>;

/** A promise of a guaranteed product that its delivery is held against, e.g. completion of at least 85 %. */
export interface Standard {
  /** The seller's word for what is measured, cleaned, e.g. `completion_rate`. */
  readonly metric: string;
  /** Exact decimal text of a share, e.g. `0.85`. */
  readonly threshold: string;
}

/** A promise as one line of the terms; invalid traffic (`ivt`) is held below its threshold, all else above. */
export function promiseOf({ metric, threshold }: Standard): string {
  return `${metric} ${metric === "ivt" ? "<=" : ">="} ${threshold}`;
}

/** How a promise reads: after "at least" (invalid traffic: "at most") and its figure. "Plays" are of video and of audio. */
const promised: ReadonlyMap<string, string> = new Map([
  ["completion_rate", "of plays completed"],
  ["viewability", "of impressions viewable"],
  ["brand_safety", "of impressions brand-safe"],
  ["attention_score", "attention score"],
  ["ivt", "of traffic invalid"],
]);

/** A promise of the terms for a person: `completion_rate >= 0.75` as `at least 75 % of plays completed`. */
export function promiseWords(promise: string): string {
  const [, metric = "", sign = "", threshold = ""] = /^(\S+) (>=|<=) (\S+)$/.exec(promise) ?? [];
  const share = shareWords(threshold);
  if (share === null) return promise;
  const most = `at ${sign === "<=" ? "most" : "least"} ${share}`;
  const words = promised.get(metric);
  return words ? `${most} ${words}` : `${metric.replaceAll("_", " ")} ${most}`;
}

/** A share as a percentage, exactly: `0.985` as `98.5 %`. Null for what is no decimal. */
export function shareWords(share: string): string | null {
  const [found, whole = "", decimals = ""] = /^(\d{1,9})(?:\.(\d{1,20}))?$/.exec(share) ?? [];
  if (found === undefined) return null;
  const digits = decimals.padEnd(2, "0");
  const rest = digits.slice(2).replace(/0+$/, "");
  return `${BigInt(whole + digits.slice(0, 2))}${rest === "" ? "" : `.${rest}`} %`;
}

/** One bought product of a media buy, as it was quoted. The budget is what it commits, whatever the price. */
export interface Package {
  readonly product: { readonly ref: Ref; readonly id: string; readonly name: string; readonly channel: Channel | null };
  readonly option: string;
  readonly model: PricingModel;
  readonly kind: "fixed" | "auction";
  /** What is paid per unit: the fixed price, or in an auction the most we bid. */
  readonly price: Money;
  /** The price the seller published first: fixed, or an auction's floor; null where it has none. */
  readonly listPrice: Money | null;
  readonly floor: Money | null;
  readonly guidance: BidGuidance | null;
  readonly budget: Money;
  /** What the budget pays for at that price, rounded down. */
  readonly units: number;
  readonly guaranteed: boolean;
  readonly minSpend: Money | null;
  readonly standards: readonly Standard[];
  /** Formats the product takes, in the seller's ids. */
  readonly formats: readonly string[];
  /** Creatives of the seller's library that are to run, by id. */
  readonly creatives: readonly string[];
  /** Domains of the publishers it runs on; who sells them is looked up before money is spent. */
  readonly publishers: readonly string[];
}

/** How many units a budget pays for at a price, rounded down; at most what can be counted. */
export function unitsFor(budget: Money, price: Money, model: PricingModel): number {
  if (model === "flat_rate") return 1;
  if (price.micros <= 0n) return 0;
  const units = (budget.micros * unitsPerPrice[model]) / price.micros;
  return Number(units > BigInt(Number.MAX_SAFE_INTEGER) ? BigInt(Number.MAX_SAFE_INTEGER) : units);
}

/** True where a package is paid by impressions, so that it has a CPM. */
export function countsImpressions({ model }: Pick<Package, "model">): boolean {
  return model === "cpm" || model === "vcpm";
}

/** The money packages commit together. They are of one currency: a seller takes one per buy. */
export function budgetOf(packages: readonly Package[]): Money {
  return sum(
    packages.map(({ budget }) => budget),
    packages[0]?.budget.currency ?? "",
  );
}

/**
 * Packages as one offer at a CPM: of several the effective one, total ÷ impressions × 1,000; of an auction at the most
 * we bid. Null where any of them is paid by something else than impressions.
 */
export function effective(packages: readonly Package[]): {
  readonly cpm: Money | null;
  readonly listCpm: Money | null;
  readonly impressions: number | null;
} {
  const [only] = packages;
  if (!only || !packages.every(countsImpressions)) return { cpm: null, listCpm: null, impressions: null };
  const impressions = packages.reduce((all, { units }) => all + units, 0);
  if (packages.length === 1) return { cpm: only.price, listCpm: only.listPrice ?? only.price, impressions };
  if (impressions === 0) return { cpm: null, listCpm: null, impressions };
  const perMille = (total: bigint) => money(mulDiv(total, 1000n, BigInt(impressions)), only.price.currency);
  const listed = packages.reduce((all, one) => all + (one.listPrice ?? one.price).micros * BigInt(one.units), 0n);
  return {
    cpm: perMille(budgetOf(packages).micros),
    listCpm: money(listed / BigInt(impressions), only.price.currency),
    impressions,
  };
}

/** A price of a line, for limits and for reading: one for each package. */
export interface LinePrice {
  readonly product: string;
  readonly channel: string | null;
  readonly model: PricingModel;
  readonly price: Money;
  readonly isBid: boolean;
  readonly total: Money;
  readonly units: number;
}
