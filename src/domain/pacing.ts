import type { DeliveryFigures } from "./delivery.ts";
import { compare, displayMoney, minorUnit, type Money, money, mulDiv, subtract } from "./money.ts";
import { type BidGuidance, type PricingModel, promiseWords, shareWords, unitWords } from "./package.ts";

/** How a package delivers against what was approved: judged from figures alone, never from a seller's words. */

/** Delivered ÷ expected: below `behind` it under-delivers, above `ahead` it spends too fast. Exact decimal text. */
export const pacingLimits = { behind: "0.90", ahead: "1.10" } as const;

/** What was approved of a package, and what won before where it is an auction. */
export interface Approved {
  readonly budget: Money;
  /** The fixed price, or the most that is bid; null where it is not known per unit. */
  readonly price: Money | null;
  readonly isBid: boolean;
  readonly model: PricingModel;
  readonly guaranteed: boolean;
  /** e.g. `completion_rate >= 0.85`, as the terms hold them. */
  readonly standards: readonly string[];
  readonly guidance: BidGuidance | null;
}

/** What its seller reports of it. */
export type Reported = DeliveryFigures & { readonly pacingIndex: string | null; readonly paused: boolean | null };

/** When the figures are from: how many days are left then, rounded up, whether it had begun, and whether it is over for good. */
export interface Moment {
  readonly daysLeft: number;
  readonly hasBegun: boolean;
  readonly isOver: boolean;
}

export type Pace = "behind" | "on_pace" | "ahead" | "paused" | "not_begun" | "not_reported";

/** One promise of the terms, and whether the delivery keeps it; null where it is not reported. */
export interface Kept {
  readonly promise: string;
  readonly delivered: string | null;
  readonly kept: boolean | null;
}

export interface Judgement {
  readonly pace: Pace;
  /** The pace in words, with the threshold it was held against. */
  readonly words: string;
  /** With one decimal, e.g. `41.7`. */
  readonly budgetUsedPercent: string | null;
  /** What 1,000 impressions cost so far; null where nothing ran or nothing is reported. */
  readonly effectiveCpm: Money | null;
  readonly promises: readonly Kept[];
  /** What could be done, with its reason; our sentences. Nothing of it is done by itself. */
  readonly advice: readonly string[];
}

/** Pure: the same figures give the same judgement. */
export function judge(approved: Approved, reported: Reported, moment: Moment): Judgement {
  const { daysLeft, isOver } = moment;
  const pace = paceOf(reported, moment);
  const promises = approved.standards.map((promise) => keptBy(promise, reported));
  return {
    pace,
    words: paceWords(pace, reported.pacingIndex),
    budgetUsedPercent: budgetUsed(approved.budget, reported.spend),
    effectiveCpm: effectiveCpm(reported),
    promises,
    advice: [
      ...promises.flatMap((one) => (one.kept === false ? [shortfall(one)] : [])),
      ...overspent(approved, reported),
      ...(isOver ? [] : paceAdvice(approved, reported, pace, daysLeft)),
    ],
  };
}

function paceOf({ pacingIndex, paused, impressions }: Reported, { hasBegun }: Moment): Pace {
  if (paused) return "paused";
  // Behind what is expected before anything can be is no pace, whatever a seller makes of it.
  if (!hasBegun && (impressions ?? 0) === 0) return "not_begun";
  const index = millionths(pacingIndex);
  if (index === null) return "not_reported";
  if (index < (millionths(pacingLimits.behind) ?? 0n)) return "behind";
  return index > (millionths(pacingLimits.ahead) ?? 0n) ? "ahead" : "on_pace";
}

function paceWords(pace: Pace, index: string | null): string {
  const { behind, ahead } = pacingLimits;
  switch (pace) {
    case "behind":
      return `behind: ${index} of expected, below ${behind}`;
    case "ahead":
      return `ahead: ${index} of expected, above ${ahead}`;
    case "on_pace":
      return `on pace: ${index} of expected, between ${behind} and ${ahead}`;
    case "paused":
      return "paused";
    case "not_begun":
      return "not begun";
    case "not_reported":
      return "not reported";
  }
}

/** What 1,000 impressions cost, from what was spent on how many; half up to two digits more than the currency is paid in. */
export function effectiveCpm({ spend, impressions }: Pick<DeliveryFigures, "spend" | "impressions">): Money | null {
  if (!spend || impressions === null || impressions <= 0) return null;
  const step = minorUnit(spend.currency) / 100n;
  return money(mulDiv(spend.micros, 1000n, BigInt(impressions) * step) * step, spend.currency);
}

function budgetUsed(budget: Money, spend: Money | null): string | null {
  if (spend?.currency !== budget.currency || budget.micros <= 0n) return null;
  const tenths = mulDiv(spend.micros, 1000n, budget.micros);
  return `${tenths / 10n}.${tenths % 10n}`;
}

/** Metrics by the names of the terms (AdCP 3.1, performance standard): which figure, and that `ivt` is a ceiling. Of nothing there is no share. */
function keptBy(promise: string, reported: Reported): Kept {
  const [, metric = "", sign = "", threshold = ""] = /^(\S+) (>=|<=) (\S+)$/.exec(promise) ?? [];
  const delivered =
    metric === "completion_rate" ? reported.completionRate : metric === "viewability" ? reported.viewableRate : null;
  const [is, should] = [millionths(delivered), millionths(threshold)];
  if (is === null || should === null || reported.impressions === 0) return { promise, delivered: null, kept: null };
  return { promise, delivered, kept: sign === "<=" ? is <= should : is >= should };
}

function shortfall({ promise, delivered }: Kept): string {
  return `promised ${promiseWords(promise)}, delivered ${shareWords(delivered ?? "")}: the promise is in the approved terms, so ask the seller for a makegood`;
}

function overspent({ budget }: Approved, { spend }: Reported): readonly string[] {
  if (spend?.currency !== budget.currency || compare(spend, budget) <= 0) return [];
  return [
    `${displayMoney(subtract(spend, budget))} more than its budget was spent: nobody approved that; talk to the seller, and pause it until it is settled`,
  ];
}

function paceAdvice(approved: Approved, reported: Reported, pace: Pace, daysLeft: number): readonly string[] {
  if (pace === "behind" && approved.isBid) return bidAdvice(approved, reported);
  if (pace === "behind") {
    return approved.guaranteed
      ? ["its delivery is guaranteed: ask the seller how it catches up, or for a makegood"]
      : ["it is not guaranteed and has a fixed price: ask the seller what holds it back, or move its budget"];
  }
  return pace === "ahead" ? capAdvice(approved, reported, daysLeft) : [];
}

function bidAdvice({ price, guidance, model, budget }: Approved, { winRate }: Reported): readonly string[] {
  const wins = winRate === null ? "" : ` (it won ${percent(winRate)} of auctions so far)`;
  const p75 = guidance?.p75 ?? null;
  if (!price || p75?.currency !== price.currency) {
    return [
      `a higher bid wins more${wins}; the seller does not say what won before, so raise it in small steps; a higher bid needs a new approval`,
    ];
  }
  if (compare(price, p75) >= 0) {
    return [
      `the bid is at or above ${displayMoney(p75)}, which won about three quarters of auctions before: it is hardly the price that holds it back${wins}; look at targeting, formats and creatives`,
    ];
  }
  const unit = model === "cpm" || model === "vcpm" ? "CPM" : `per ${unitWords[model]}`;
  return [
    `bid between ${displayMoney(price)} and ${displayMoney(p75)} ${unit}: bids of ${displayMoney(p75)} won about three quarters of auctions before${wins}; the budget of ${displayMoney(budget)} stays what it is, and a higher bid needs a new approval`,
  ];
}

/** So much a day that what is left lasts for the days that are left. */
function capAdvice({ budget }: Approved, { spend }: Reported, daysLeft: number): readonly string[] {
  const isLeft = spend?.currency === budget.currency && compare(spend, budget) < 0 && daysLeft > 0;
  if (!isLeft) return ["it spends faster than planned: lower its budget or its bid, or pause it"];
  const perDay = money((budget.micros - spend.micros) / BigInt(daysLeft), budget.currency);
  return [
    `it spends faster than planned: a cap of ${displayMoney(perDay)} a day makes what is left last for the ${daysLeft} ${daysLeft === 1 ? "day" : "days"} that are left; where the seller has no cap, a lower bid or a pause holds it (neither needs an approval)`,
  ];
}

/** `0.314` as `31.4 %`. */
export function percent(share: string): string {
  const value = millionths(share) ?? 0n;
  const tenths = mulDiv(value, 1n, 1000n);
  return `${tenths / 10n}.${tenths % 10n} %`;
}

/** Decimal text in millionths, cut after the sixth decimal; null for what is none. */
export function millionths(text: string | null): bigint | null {
  const match = /^(\d{1,9})(?:\.(\d+))?$/.exec(text ?? "");
  if (!match) return null;
  const [, whole = "0", fraction = ""] = match;
  return BigInt(whole) * 1_000_000n + BigInt(fraction.slice(0, 6).padEnd(6, "0"));
}
