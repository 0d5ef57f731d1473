import type { Brief } from "./brief.ts";
import { BuyingError } from "./errors.ts";
import { type Flight, flightOf } from "./flight.ts";
import type { Goal } from "./identity.ts";
import type { Channel, DealType } from "./inventory.ts";
import { compare, displayMoney, type Money, minorUnit, money, parseMoney } from "./money.ts";

/** A brief as somebody gave it: whatever is not there is undefined or empty. Amounts and days are text. */
export interface GivenBrief {
  readonly name?: string | undefined;
  readonly objective?: Goal | undefined;
  readonly kpis?: readonly string[] | undefined;
  readonly budget?: string | undefined;
  /** What the budget is said to be; net where it is left out. */
  readonly basis?: "net" | "gross" | undefined;
  /** The agency's commission in percent of a gross budget, e.g. `15` or `12.5`. */
  readonly commission?: string | undefined;
  readonly start?: string | undefined;
  readonly end?: string | undefined;
  readonly demographics?: readonly string[] | undefined;
  readonly interests?: readonly string[] | undefined;
  readonly geo?: readonly string[] | undefined;
  readonly channels?: readonly Channel[] | undefined;
  readonly maxCpm?: string | undefined;
  readonly frequencyCap?: string | undefined;
  readonly brandSafety?: readonly string[] | undefined;
  readonly preferredSellers?: readonly string[] | undefined;
  readonly excludedSellers?: readonly string[] | undefined;
  readonly dealTypes?: readonly DealType[] | undefined;
  readonly sellerShare?: number | undefined;
  readonly poNumber?: string | undefined;
  readonly words?: string | undefined;
}

/** What a brief cannot do without; each is asked for by this name. */
export const neededFields = ["name", "objective", "budget", "commission", "start", "end"] as const;
export type NeededField = (typeof neededFields)[number];

/** What is read of a brief: the whole of it, or what is missing and what contradicts itself. Nothing is made up. */
export type BriefReading =
  | { readonly kind: "brief"; readonly brief: Brief }
  | {
      readonly kind: "incomplete";
      readonly missing: readonly NeededField[];
      /** Sentences of ours. */
      readonly contradictions: readonly string[];
    };

/**
 * Reads a brief. Every contradiction is named, not the first alone.
 * @param currency the mandate's; null = no mandate, so that no currency is known to be wrong
 * @param now for flights that are over
 */
export function readBrief(given: GivenBrief, now: Date, currency: string | null): BriefReading {
  const isGiven = (field: NeededField) => (given[field] ?? "").trim() !== "";
  const missing = neededFields.filter(
    (field) => !isGiven(field) && (field !== "commission" || given.basis === "gross"),
  );
  const contradictions: string[] = [];
  const tried = <T>(work: () => T | null): T | null => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof BuyingError)) throw error;
      contradictions.push(error.message.replace(/ Nothing was booked\.$/, ""));
      return null;
    }
  };
  const flight = tried(() => (isGiven("start") && isGiven("end") ? flightFrom(given, now) : null));
  const total = tried(() => (isGiven("budget") ? parseMoney(given.budget ?? "") : null));
  const budget = tried(() => total && netOf(total, given));
  const maxCpm = tried(() => (given.maxCpm === undefined ? null : parseMoney(given.maxCpm)));
  contradictions.push(...conflictsIn(given, { total, budget, maxCpm, currency }));
  const { name, objective } = given;
  if (missing.length > 0 || contradictions.length > 0 || !flight || !budget || !total || !name || !objective)
    return { kind: "incomplete", missing, contradictions };
  return { kind: "brief", brief: briefOf(given, { name, objective, flight, total, budget, maxCpm }) };
}

interface Read {
  readonly name: string;
  readonly objective: Goal;
  readonly flight: Flight;
  readonly total: Money;
  readonly budget: Money;
  readonly maxCpm: Money | null;
}

function briefOf(given: GivenBrief, { name, total, ...read }: Read): Brief {
  return {
    ...read,
    name: name.trim(),
    kpis: given.kpis ?? [],
    basis: given.basis === "gross" ? { kind: "gross", total, percent: given.commission ?? "" } : { kind: "net" },
    audience: { demographics: given.demographics ?? [], interests: given.interests ?? [] },
    geo: given.geo ?? [],
    channels: [...new Set(given.channels)],
    frequencyCap: given.frequencyCap ?? null,
    brandSafety: given.brandSafety ?? [],
    preferredSellers: given.preferredSellers ?? [],
    excludedSellers: given.excludedSellers ?? [],
    dealTypes: [...new Set(given.dealTypes)],
    sellerShare: given.sellerShare ?? null,
    poNumber: given.poNumber ?? null,
    words: given.words ?? null,
  };
}

function flightFrom({ start = "", end = "" }: GivenBrief, now: Date): Flight {
  return flightOf(start, end, now);
}

/** What is left for media, rounded down to what can be paid. Null while the commission of a gross budget is not known. */
function netOf(total: Money, { basis, commission }: GivenBrief): Money | null {
  const step = minorUnit(total.currency);
  if (basis !== "gross") return money((total.micros / step) * step, total.currency);
  if (commission === undefined || commission.trim() === "") return null;
  const read = /^(\d{1,2})(?:\.(\d{1,4}))?$/.exec(commission.trim());
  if (!read) {
    const message = `${JSON.stringify(commission.slice(0, 20))} is no commission in percent, such as "15" or "12.5".`;
    throw new BuyingError("invalid_arguments", message, "fix_arguments", { field: "commission" });
  }
  // Ten-thousandths of a percent.
  const share = BigInt(`${read[1] ?? ""}${(read[2] ?? "").padEnd(4, "0")}`);
  return money(((total.micros * (1_000_000n - share)) / 1_000_000n / step) * step, total.currency);
}

interface Amounts {
  readonly total: Money | null;
  readonly budget: Money | null;
  readonly maxCpm: Money | null;
  readonly currency: string | null;
}

function conflictsIn(given: GivenBrief, { total, budget, maxCpm, currency }: Amounts): readonly string[] {
  const said: string[] = [];
  const excluded = new Set(given.excludedSellers?.map((one) => one.toLowerCase()));
  const both = (given.preferredSellers ?? []).filter((one) => excluded.has(one.toLowerCase()));
  if (both.length > 0) said.push(`${both.join(", ")} is both preferred and excluded.`);
  if (total && currency && total.currency !== currency)
    said.push(`The budget is in ${total.currency}, the mandate of this desk in ${currency}; nothing is converted.`);
  if (total && maxCpm && maxCpm.currency !== total.currency)
    said.push(`The budget is in ${total.currency}, the highest CPM in ${maxCpm.currency}.`);
  if (total && budget && budget.micros <= 0n) said.push(`A budget of ${displayMoney(total)} leaves nothing for media.`);
  if (maxCpm && maxCpm.micros <= 0n) said.push("The highest CPM is nothing.");
  if (given.basis !== "gross" && given.commission !== undefined)
    said.push("A commission is given, but the budget is said to be net, which has none in it.");
  if (total && budget && compare(budget, total) > 0) said.push("The net budget is above the gross one.");
  return said;
}
