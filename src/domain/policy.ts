import { trustLevels } from "./identity.ts";
import type { ChannelLimits, Mandate, PriceCaps } from "./mandate.ts";
import { displayMoney, formatMoney, type Money } from "./money.ts";
import { sha256 } from "./ids.ts";
import { canonicalJson, type Json } from "./terms.ts";

/** A mandate as canonical text: money as `"31.50 USD"`, keys sorted, so that equal policies have equal digests. */
export function policyText(mandate: Mandate): string {
  return canonicalJson(plain(mandate));
}

/** SHA-256 of a mandate: what a person approves when a looser one is to count. */
export function policyDigest(mandate: Mandate): string {
  return sha256(policyText(mandate));
}

/** What a person signs to let a mandate count: this one, on this desk, after that one; an older one cannot be put back. */
export function policyStatement(desk: string, mandate: Mandate, after: Mandate | null): string {
  return canonicalJson({ v: 1, desk, policy: policyDigest(mandate), after: after ? policyDigest(after) : null });
}

/**
 * In what `after` allows more than `before`, in sentences that name the line; empty when it only tightens. Anything that
 * is not plainly tighter counts as looser.
 */
export function loosened(before: Mandate | null, after: Mandate): readonly string[] {
  if (!before) return ["there was no mandate before"];
  if (before.currency !== after.currency) return [`currency: ${before.currency} becomes ${after.currency}`];
  const found: string[] = [];
  const cap = (name: string, was: Money | null | undefined, is: Money | null | undefined) => {
    if (is && (!was || is.micros <= was.micros)) return;
    if (!was && !is) return;
    found.push(`${name}: ${was ? displayMoney(was) : "not limited"} becomes ${is ? displayMoney(is) : "not limited"}`);
  };
  const count = (name: string, was: number | null, is: number | null) => {
    if ((was === null && is === null) || (is !== null && (was === null || is <= was))) return;
    found.push(`${name}: ${was ?? "not limited"} becomes ${is ?? "not limited"}`);
  };
  cap("per_buy", before.perBuy, after.perBuy);
  cap("per_day", before.perDay, after.perDay);
  cap("per_campaign", before.perCampaign, after.perCampaign);
  cap("total", before.total, after.total);
  cap("max_cpm", before.maxCpm, after.maxCpm);
  caps("max_prices.all", before.maxPrices.all, after.maxPrices.all, cap);
  for (const channel of keysOf(before.maxPrices.byChannel, after.maxPrices.byChannel)) {
    caps(
      `max_prices.by_channel.${channel}`,
      before.maxPrices.byChannel[channel] ?? {},
      after.maxPrices.byChannel[channel] ?? {},
      cap,
    );
  }
  count("concentration.seller_percent", before.concentration.seller, after.concentration.seller);
  count("concentration.channel_percent", before.concentration.channel, after.concentration.channel);
  count("flight_within_days", before.flightWithinDays, after.flightWithinDays);
  found.push(...missing("sellers.blocked", before.blockedSellers, after.blockedSellers));
  found.push(...missing("sellers.blocked_domains", before.blockedDomains, after.blockedDomains));
  if (before.allowedSellers && !after.allowedSellers) found.push("sellers.allowed: the list becomes every seller");
  if (before.allowedSellers && after.allowedSellers) {
    const added = after.allowedSellers.filter((seller) => !before.allowedSellers?.includes(seller));
    found.push(...added.map((seller) => `sellers.allowed: ${seller} is new`));
  }
  if (trustLevels.indexOf(after.minTrust) < trustLevels.indexOf(before.minTrust))
    found.push(`min_trust: ${before.minTrust} becomes ${after.minTrust}`);
  const kept = new Set(after.blackouts.map(({ from, to }) => `${from} to ${to}`));
  found.push(
    ...before.blackouts
      .filter(({ from, to }) => !kept.has(`${from} to ${to}`))
      .map(({ from, to }) => `blackouts: ${from} to ${to} is gone`),
  );
  if (!before.guaranteed && after.guaranteed) found.push("guaranteed: false becomes true");
  if (before.timeZone !== after.timeZone) found.push(`time_zone: ${before.timeZone} becomes ${after.timeZone}`);
  limits("channels", before.channels, after.channels, found);
  for (const role of keysOf(before.roles, after.roles))
    limits(`roles.${role}`, before.roles[role] ?? {}, after.roles[role] ?? {}, found);
  const people = (mandate: Mandate) => new Set(mandate.people.map(({ name, role }) => `${name} (${role})`));
  found.push(...[...people(after)].filter((one) => !people(before).has(one)).map((one) => `people: ${one} is new`));
  if (before.people.length > 0 && after.people.length === 0) found.push("people: the list becomes anybody with a PIN");
  cap("two_persons_above", before.twoPersonsAbove, after.twoPersonsAbove);
  if (!before.proposerMayApprove && after.proposerMayApprove) found.push("proposer_may_approve: false becomes true");
  return found;
}

function caps(
  name: string,
  before: PriceCaps,
  after: PriceCaps,
  cap: (name: string, was?: Money, is?: Money) => void,
): void {
  for (const model of keysOf(before, after)) cap(`${name}.${model}`, before[model], after[model]);
}

/** A channel that was absent decided nothing; one that appears, or may decide more, is looser. */
function limits(name: string, before: ChannelLimits, after: ChannelLimits, found: string[]): void {
  for (const channel of keysOf(after, {})) {
    const [was, is] = [before[channel], after[channel]];
    if (!is) continue;
    if (!was || is.perBuy.micros > was.perBuy.micros)
      found.push(
        `${name}.${channel}.per_buy: ${was ? displayMoney(was.perBuy) : "nothing"} becomes ${displayMoney(is.perBuy)}`,
      );
    if (!was || is.perDay.micros > was.perDay.micros)
      found.push(
        `${name}.${channel}.per_day: ${was ? displayMoney(was.perDay) : "nothing"} becomes ${displayMoney(is.perDay)}`,
      );
  }
}

function missing(name: string, before: readonly string[], after: readonly string[]): readonly string[] {
  return before.filter((one) => !after.includes(one)).map((one) => `${name}: ${one} is gone`);
}

function keysOf<Key extends string>(
  left: Readonly<Partial<Record<Key, unknown>>>,
  right: Readonly<Partial<Record<Key, unknown>>>,
): readonly Key[] {
  // Both are records over the same closed keys.
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].sort() as Key[];
}

function plain(value: unknown): Json {
  if (isMoney(value)) return formatMoney(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, inner]) => inner !== undefined)
        .map(([key, inner]) => [key, plain(inner)]),
    );
  }
  if (value === null || typeof value === "string" || typeof value === "boolean" || typeof value === "number")
    return value;
  throw new RangeError(`${typeof value} has no place in a policy`);
}

function isMoney(value: unknown): value is Money {
  return typeof value === "object" && value !== null && "micros" in value && "currency" in value;
}
