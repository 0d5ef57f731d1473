import type { DealType } from "./inventory.ts";
import { compare, type Money, money, mulDiv } from "./money.ts";

export const tiers = ["public", "seat", "agency", "advertiser"] as const;
/** How much of the buyer a seller is shown; each step shows the one before it and more. */
export type Tier = (typeof tiers)[number];

export const trustLevels = ["blocked", "unknown", "registered", "verified", "preferred"] as const;
/** How far a seller is trusted, worst first. */
export type Trust = (typeof trustLevels)[number];

export const relationships = ["trusted", "established", "new"] as const;
export type Relationship = (typeof relationships)[number];

export const goals = ["awareness", "consideration", "performance"] as const;
export type Goal = (typeof goals)[number];

/** Who buys. Every field is private until the tier that reveals it. */
export interface BuyerIdentity {
  readonly seatId?: string | undefined;
  readonly seatName?: string | undefined;
  readonly agencyId?: string | undefined;
  readonly agencyName?: string | undefined;
  readonly agencyHoldingCompany?: string | undefined;
  readonly advertiserId?: string | undefined;
  readonly advertiserName?: string | undefined;
  readonly advertiserIndustry?: string | undefined;
}

/** Discount a tier is expected to bring, in percent of the list price. */
export const expectedDiscount: Readonly<Record<Tier, number>> = { public: 0, seat: 5, agency: 10, advertiser: 15 };

/** The most a seller of a trust level may be shown; null = it is not contacted at all. */
export const trustCap: Readonly<Record<Trust, Tier | null>> = {
  blocked: null,
  unknown: "public",
  registered: "seat",
  verified: "agency",
  preferred: "advertiser",
};

export interface RevealQuestion {
  readonly trust: Trust;
  readonly relationship: Relationship;
  readonly dealType: DealType;
  readonly goal: Goal | null;
  /** Value of the deal in the desk's currency, or null where it is not known yet. */
  readonly dealValue: Money | null;
  /** Tiers for which this seller has a credential here; `public` needs none. */
  readonly credentials: readonly Tier[];
  /** Deal values from which more is shown, in the desk's currency. */
  readonly thresholds: { readonly agency: Money; readonly advertiser: Money };
}

export interface Reveal {
  /** What the seller is shown. */
  readonly tier: Tier;
  /** One reason a step, in the order they were weighed. */
  readonly why: readonly string[];
  /** The tier the rules asked for that has no credential here, if any. */
  readonly withoutCredential: Tier | null;
  /** The next tier up that trust would allow and that has a credential. */
  readonly next: Tier | null;
}

/** True when `tier` shows at most what `cap` shows. */
export function atMost(tier: Tier, cap: Tier): boolean {
  return tiers.indexOf(tier) <= tiers.indexOf(cap);
}

/**
 * How much of the buyer to show for one deal: by value, deal type, relationship and goal, capped by trust, then the
 * highest tier at or below that for which there is a credential. @returns null when the seller must not be contacted.
 */
export function reveal(question: RevealQuestion): Reveal | null {
  const cap = trustCap[question.trust];
  if (cap === null) return null;
  const why: string[] = [];
  let wanted = byValue(question, why);
  if (question.relationship === "new") {
    wanted = "seat";
    why.push("a new seller starts at seat");
  } else {
    if (question.dealType === "PG" && wanted !== "advertiser") {
      wanted = "advertiser";
      why.push("programmatic guaranteed");
    }
    if (question.relationship === "trusted") wanted = stepUp(wanted, "trusted seller", why);
    if (question.goal === "performance") wanted = stepUp(wanted, "performance goal", why);
  }
  if (!atMost(wanted, cap)) {
    wanted = cap;
    why.push(`${question.trust} sellers see at most ${cap}`);
  }
  const held: readonly Tier[] = ["public", ...question.credentials];
  const tier = tiers.filter((candidate) => held.includes(candidate) && atMost(candidate, wanted)).at(-1) ?? "public";
  const withoutCredential = tier === wanted ? null : wanted;
  if (withoutCredential) why.push(`no credential for ${withoutCredential} here`);
  const next =
    tiers.find((candidate) => !atMost(candidate, tier) && atMost(candidate, cap) && held.includes(candidate)) ?? null;
  return { tier, why, withoutCredential, next };
}

/** The fields of the buyer that a tier shows, under the names sellers use. Public shows none. */
export function masked(identity: BuyerIdentity, tier: Tier): Readonly<Record<string, string>> {
  const shown: [string, string | undefined][] = [];
  if (atMost("seat", tier)) shown.push(["seat_id", identity.seatId], ["seat_name", identity.seatName]);
  if (atMost("agency", tier)) {
    shown.push(["agency_id", identity.agencyId], ["agency_name", identity.agencyName]);
    shown.push(["agency_holding_company", identity.agencyHoldingCompany]);
  }
  if (atMost("advertiser", tier)) {
    shown.push(["advertiser_id", identity.advertiserId], ["advertiser_name", identity.advertiserName]);
    shown.push(["advertiser_industry", identity.advertiserIndustry]);
  }
  return Object.fromEntries(shown.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

/** What a step from one tier to another is expected to take off a list price (per 1,000 impressions, or any amount). */
export function expectedSaving(list: Money, from: Tier, to: Tier): Money {
  const percent = BigInt(expectedDiscount[to] - expectedDiscount[from]);
  return money(mulDiv(list.micros, percent, 100n), list.currency);
}

function byValue(question: RevealQuestion, why: string[]): Tier {
  const { dealValue, thresholds } = question;
  if (dealValue && compare(dealValue, thresholds.advertiser) >= 0) {
    why.push("deal value in the advertiser band");
    return "advertiser";
  }
  if (dealValue && compare(dealValue, thresholds.agency) >= 0) {
    why.push("deal value in the agency band");
    return "agency";
  }
  why.push(dealValue ? "deal value in the seat band" : "deal value not known yet");
  return "seat";
}

function stepUp(tier: Tier, because: string, why: string[]): Tier {
  const higher = tiers[tiers.indexOf(tier) + 1];
  if (!higher) return tier;
  why.push(because);
  return higher;
}
