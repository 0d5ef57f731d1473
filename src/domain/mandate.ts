import { signedChannels } from "./decision.ts";
import type { Trust } from "./identity.ts";
import type { Channel } from "./inventory.ts";
import { lineRefusals, totalRefusals } from "./mandate-limits.ts";
import { add, compare, displayMoney, type Money, sum } from "./money.ts";
import type { PricingModel } from "./package.ts";
import { type Balances, type DecisionChannel, heldUnder, spentOn } from "./spend.ts";
import { type Terms, totalOf, stakeOf } from "./terms.ts";

/** Up to what amount a channel's decisions count. */
export interface ChannelLimit {
  readonly perBuy: Money;
  readonly perDay: Money;
}

/** What a price can be per, and `max_bid` for a bid of whatever model. A viewable CPM counts as a CPM. */
export const priceModels = ["cpm", "cpc", "cpcv", "cpv", "cpp", "max_bid", "flat_rate"] as const satisfies readonly (
  | PricingModel
  | "max_bid"
)[];
export type PriceModel = (typeof priceModels)[number];
export type PriceCaps = Readonly<Partial<Record<PriceModel, Money>>>;
export type ChannelLimits = Readonly<Partial<Record<DecisionChannel, ChannelLimit>>>;

/** What a desk may spend. From the operator's config only; absent means nothing may be spent. */
export interface Mandate {
  /** The operator's own count; said with every decision. */
  readonly version: number;
  readonly currency: string;
  readonly perBuy: Money;
  readonly perDay: Money;
  /** Null = not limited beyond the other limits. */
  readonly perCampaign: Money | null;
  readonly total: Money | null;
  readonly maxCpm: Money;
  /** Highest prices by pricing model, for every channel and for single ones; `maxCpm` holds beside them. */
  readonly maxPrices: { readonly all: PriceCaps; readonly byChannel: Readonly<Partial<Record<Channel, PriceCaps>>> };
  /** Most of `total`, in whole percent, that one seller or one channel may have. */
  readonly concentration: { readonly seller: number | null; readonly channel: number | null };
  /** Null allows every seller that is not blocked. */
  readonly allowedSellers: readonly string[] | null;
  readonly blockedSellers: readonly string[];
  readonly blockedDomains: readonly string[];
  readonly minTrust: Trust;
  /** Days, both included, on which nothing may run. */
  readonly blackouts: readonly { readonly from: string; readonly to: string }[];
  readonly flightWithinDays: number | null;
  readonly guaranteed: boolean;
  /** IANA name; decides which day a buy counts for. */
  readonly timeZone: string;
  /** Absent channel = that channel decides nothing. */
  readonly channels: ChannelLimits;
  /** Limits of people with a role, in place of `channels`. */
  readonly roles: Readonly<Record<string, ChannelLimits>>;
  readonly people: readonly { readonly name: string; readonly role: string }[];
  /** Above this, two different people must approve, each with a PIN or passkey. */
  readonly twoPersonsAbove: Money | null;
  readonly proposerMayApprove: boolean;
}

/** The limits a mandate has beyond the ones that must be set: none. For a config that leaves them out. */
export const noFurtherLimits = {
  version: 1,
  perCampaign: null,
  total: null,
  maxPrices: { all: {}, byChannel: {} },
  concentration: { seller: null, channel: null },
  blockedDomains: [],
  blackouts: [],
  flightWithinDays: null,
  guaranteed: true,
  roles: {},
  people: [],
  twoPersonsAbove: null,
  proposerMayApprove: true,
} as const satisfies Partial<Mandate>;

/** The facts a decision is weighed against; read directly before it. */
export interface MandateFacts {
  readonly trust: (sellerId: string) => Trust;
  readonly domain: (sellerId: string) => string;
  readonly balances: Balances;
  /** Today's spend day in the operator's time zone. */
  readonly day: string;
}

export interface MandateDecision {
  readonly outcome: "allowed" | "needs_approval" | "refused";
  /** Sentences a planner understands; each names the line of the mandate it comes from. */
  readonly reasons: readonly string[];
}

/**
 * Weighs lines that would be bought together. Limits fail closed: no mandate, another currency or an open incident is a
 * refusal. `per_buy` bounds the total of the lines, here as for a channel, so that splitting a buy into lines gains
 * nothing. `allowed` means the operator's own auto-approval limits cover all of it; the first buy from a seller is never
 * automatic.
 */
export function weigh(mandate: Mandate | null, lines: readonly Terms[], facts: MandateFacts): MandateDecision {
  if (!mandate) return { outcome: "refused", reasons: ["this desk has no mandate: add one to the config"] };
  const refusals = [
    ...stopped(mandate, facts.balances),
    ...lines.flatMap((line) => lineRefusals(mandate, line, facts)),
  ];
  if (refusals.length === 0) refusals.push(...totalRefusals(mandate, lines, facts));
  if (refusals.length > 0) return { outcome: "refused", reasons: refusals };
  const shortfall = channelShortfall(mandate, "auto", lines, facts, null);
  const needs = [...(shortfall ? [shortfall] : []), ...firstBuys(lines, facts), ...changesAmong(lines)];
  if (needs.length === 0) return { outcome: "allowed", reasons: ["within the operator's auto-approval limits"] };
  return { outcome: "needs_approval", reasons: needs };
}

/** What a channel's decisions count for when a person with this name makes them: by role, else by the mandate's own. */
export function limitsOf(mandate: Mandate, person: string | null): ChannelLimits {
  const role = mandate.people.find(({ name }) => name === person)?.role;
  return role === undefined ? mandate.channels : (mandate.roles[role] ?? {});
}

/** Why somebody with a PIN or a passkey has no say under a mandate that names people; null when they have. */
export function whyNotNamed(mandate: Mandate, person: string | null): string | null {
  if (mandate.people.length === 0 || mandate.people.some(({ name }) => name === person)) return null;
  return `people does not name ${person ?? "this person"}`;
}

/**
 * Why a decision by this channel, and this person where one is known, does not count for these lines together; null when
 * it does. With people named in the mandate, nobody else decides anything.
 */
export function channelShortfall(
  mandate: Mandate,
  channel: DecisionChannel,
  lines: readonly Terms[],
  facts: Pick<MandateFacts, "balances" | "day">,
  person: string | null,
): string | null {
  const stranger = signedChannels.includes(channel) ? whyNotNamed(mandate, person) : null;
  if (stranger) return stranger;
  // One caller can be two clients by name, so only proofs tell two people apart; the operator's limits are no person.
  if (personsNeeded(mandate, lines) === 2 && !signedChannels.includes(channel)) return twoPersonsWords;
  const role = mandate.people.find(({ name }) => name === person)?.role;
  const where = role === undefined ? `channels.${channel}` : `roles.${role}.${channel}`;
  const limit = limitsOf(mandate, person)[channel];
  if (!limit) return `${where} is not set: ${channelWords[channel]}`;
  const total = sum(lines.map(totalOf), mandate.currency);
  const stake = sum(lines.map(stakeOf), mandate.currency);
  if (compare(stake, limit.perBuy) > 0)
    return `${where}.per_buy is ${displayMoney(limit.perBuy)}, this is ${displayMoney(stake)}`;
  const day = add(spentOn(facts.balances, facts.day, channel), total);
  if (compare(day, limit.perDay) <= 0) return null;
  return `${where}.per_day is ${displayMoney(limit.perDay)}, this would make it ${displayMoney(day)}`;
}

/** How many different people must approve lines together, by the mandate: one, or two above its limit. */
export function personsNeeded(mandate: Mandate, lines: readonly Terms[]): 1 | 2 {
  const { twoPersonsAbove } = mandate;
  if (!twoPersonsAbove) return 1;
  return compare(sum(lines.map(stakeOf), mandate.currency), twoPersonsAbove) > 0 ? 2 : 1;
}

const twoPersonsWords =
  "two_persons_above asks for two people with a PIN or passkey; decide on the page or in the terminal";

const channelWords: Readonly<Record<DecisionChannel, string>> = {
  auto: "a person decides every buy",
  form: "an answer in the client's form decides nothing",
  card: "a click on the card in the chat decides nothing",
  terminal: "the terminal command decides nothing",
  page: "the approval page with a PIN decides nothing",
  passkey: "the approval page with a passkey decides nothing",
};

/** The operator's limits are for new buys: what a person has approved, a person changes. */
function changesAmong(lines: readonly Terms[]): readonly string[] {
  const changed = lines.flatMap(({ changes }) => changes?.media_buy ?? []);
  return changed.map((buy) => `a change of ${buy} beyond what was approved: a person decides it`);
}

function firstBuys(lines: readonly Terms[], { balances }: MandateFacts): readonly string[] {
  const fresh = new Set(
    lines
      .map(({ seller }) => seller.id)
      .filter((seller) => heldUnder(balances.perSeller, seller, balances.currency).micros <= 0n),
  );
  return [...fresh].map((seller) => `first buy from ${seller}: a person decides it`);
}

function stopped(mandate: Mandate, balances: Balances): readonly string[] {
  const reasons = balances.incidents.map((ref) => `an incident on ${ref} is open: a person must clear it first`);
  if (balances.currency === mandate.currency) return reasons;
  const elsewhere = `this desk's spend so far is in ${balances.currency}: spend in another currency needs a desk of its own`;
  return [...reasons, `currency is ${mandate.currency}, ${elsewhere}`];
}
