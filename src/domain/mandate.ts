import { type Trust, trustLevels } from "./identity.ts";
import { add, compare, displayMoney, type Money, parseMoney, sum } from "./money.ts";
import { type Balances, type DecisionChannel, spentOn } from "./spend.ts";
import { type Terms, totalOf } from "./terms.ts";

/** Up to what amount a channel's decisions count. */
export interface ChannelLimit {
  readonly perBuy: Money;
  readonly perDay: Money;
}

/** What a desk may spend. From the operator's config only; absent means nothing may be spent. */
export interface Mandate {
  readonly currency: string;
  readonly perBuy: Money;
  readonly perDay: Money;
  readonly maxCpm: Money;
  /** Null allows every seller that is not blocked. */
  readonly allowedSellers: readonly string[] | null;
  readonly blockedSellers: readonly string[];
  readonly minTrust: Trust;
  /** IANA name; decides which day a buy counts for. */
  readonly timeZone: string;
  /** Absent channel = that channel decides nothing. */
  readonly channels: Readonly<Partial<Record<DecisionChannel, ChannelLimit>>>;
}

/** The facts a decision is weighed against; read directly before it. */
export interface MandateFacts {
  readonly trust: (sellerId: string) => Trust;
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
 * nothing. `allowed` means the operator's own auto-approval limits cover all of it.
 */
export function weigh(mandate: Mandate | null, lines: readonly Terms[], facts: MandateFacts): MandateDecision {
  if (!mandate) return { outcome: "refused", reasons: ["this desk has no mandate: add one to the config"] };
  const refusals = [
    ...stopped(mandate, facts.balances),
    ...lines.flatMap((line) => lineRefusals(mandate, line, facts)),
  ];
  if (refusals.length === 0) refusals.push(...totalRefusals(mandate, lines, facts));
  if (refusals.length > 0) return { outcome: "refused", reasons: refusals };
  const shortfall = channelShortfall(mandate, "auto", lines, facts);
  if (shortfall === null) return { outcome: "allowed", reasons: ["within the operator's auto-approval limits"] };
  return { outcome: "needs_approval", reasons: [shortfall] };
}

/**
 * Why decisions by this channel do not count for these lines together, or null when they do.
 */
export function channelShortfall(
  mandate: Mandate,
  channel: DecisionChannel,
  lines: readonly Terms[],
  facts: Pick<MandateFacts, "balances" | "day">,
): string | null {
  const limit = mandate.channels[channel];
  if (!limit) return `channels.${channel} is not set: ${channelWords[channel]}`;
  const total = sum(lines.map(totalOf), mandate.currency);
  if (compare(total, limit.perBuy) > 0) {
    return `channels.${channel}.per_buy is ${displayMoney(limit.perBuy)}, this is ${displayMoney(total)}`;
  }
  const day = add(spentOn(facts.balances, facts.day, channel), total);
  if (compare(day, limit.perDay) > 0) {
    return `channels.${channel}.per_day is ${displayMoney(limit.perDay)}, this would make it ${displayMoney(day)}`;
  }
  return null;
}

const channelWords: Readonly<Record<DecisionChannel, string>> = {
  auto: "a person decides every buy",
  form: "an answer in the client's form decides nothing",
  terminal: "the terminal command decides nothing",
};

function stopped(mandate: Mandate, balances: Balances): readonly string[] {
  const reasons = balances.incidents.map((ref) => `an incident on ${ref} is open: a person must clear it first`);
  if (balances.currency === mandate.currency) return reasons;
  return [
    ...reasons,
    `currency is ${mandate.currency}, this desk's spend so far is in ${balances.currency}: spend in another currency needs a desk of its own`,
  ];
}

function lineRefusals(mandate: Mandate, line: Terms, facts: MandateFacts): readonly string[] {
  const seller = line.seller.id;
  if (line.currency !== mandate.currency)
    return [`currency is ${mandate.currency}, ${seller} sells in ${line.currency}`];
  const reasons: string[] = [];
  const cpm = parseMoney(line.unit_price);
  if (compare(cpm, mandate.maxCpm) > 0)
    reasons.push(`max_cpm is ${displayMoney(mandate.maxCpm)}, ${seller} asks ${displayMoney(cpm)}`);
  if (mandate.blockedSellers.includes(seller)) reasons.push(`sellers.blocked holds ${seller}`);
  if (mandate.allowedSellers && !mandate.allowedSellers.includes(seller))
    reasons.push(`sellers.allowed does not hold ${seller}`);
  const trust = facts.trust(seller);
  if (trust === "blocked") reasons.push(`${seller} is blocked`);
  if (trustLevels.indexOf(trust) < trustLevels.indexOf(mandate.minTrust)) {
    reasons.push(`min_trust is ${mandate.minTrust}, ${seller} is ${trust}`);
  }
  return reasons;
}

function totalRefusals(mandate: Mandate, lines: readonly Terms[], facts: MandateFacts): readonly string[] {
  const reasons: string[] = [];
  const total = sum(lines.map(totalOf), mandate.currency);
  if (compare(total, mandate.perBuy) > 0) {
    reasons.push(`per_buy is ${displayMoney(mandate.perBuy)}, this would cost ${displayMoney(total)}`);
  }
  const today = spentOn(facts.balances, facts.day);
  const after = add(today, total);
  if (compare(after, mandate.perDay) > 0) {
    const committed = `${displayMoney(today)} is committed today and this would make it ${displayMoney(after)}`;
    reasons.push(`per_day is ${displayMoney(mandate.perDay)}, ${committed}`);
  }
  return reasons;
}
