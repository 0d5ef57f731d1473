import type { Goal } from "./identity.ts";
import type { Channel } from "./inventory.ts";
import { compare, type Money, minorUnit, money } from "./money.ts";

/** What one channel gets of a campaign's budget. */
export interface Share {
  readonly channel: Channel;
  readonly budget: Money;
}

/**
 * The portfolio by objective, as weights. Awareness goes where people watch and listen; consideration where they read and
 * watch on purpose; performance where they can act at once, so that display and mobile lead.
 */
const portfolio: Readonly<Record<Goal, Readonly<Record<Channel, number>>>> = {
  awareness: {
    ctv: 32,
    online_video: 18,
    display: 14,
    audio: 10,
    linear_tv: 8,
    dooh: 7,
    mobile_app: 4,
    social: 4,
    native: 3,
  },
  consideration: {
    online_video: 24,
    display: 20,
    ctv: 16,
    native: 14,
    audio: 8,
    mobile_app: 8,
    social: 6,
    dooh: 2,
    linear_tv: 2,
  },
  performance: {
    display: 36,
    mobile_app: 22,
    native: 14,
    social: 10,
    online_video: 10,
    ctv: 5,
    audio: 3,
    dooh: 0,
    linear_tv: 0,
  },
};

/** What the objective gives each of these channels, before anything is split; 1 where it would be nothing for all of them. */
export function weightsBy(objective: Goal, channels: readonly Channel[]): ReadonlyMap<Channel, number> {
  const weights = new Map(channels.map((channel) => [channel, portfolio[objective][channel]]));
  const nothing = [...weights.values()].every((weight) => weight === 0);
  return nothing ? new Map(channels.map((channel) => [channel, 1])) : weights;
}

/**
 * Splits a budget by weights: each part a payable amount, all of them together exactly the budget, cut to what can be paid.
 * What rounding leaves goes to the largest remainders, the earlier channel first. No weight, no part.
 */
export function split(budget: Money, weights: ReadonlyMap<Channel, number>): readonly Share[] {
  const step = minorUnit(budget.currency);
  const units = budget.micros > 0n ? budget.micros / step : 0n;
  const weighed = [...weights].filter(([, weight]) => weight > 0);
  const whole = weighed.reduce((total, [, weight]) => total + BigInt(weight), 0n);
  if (whole === 0n) return [];
  const parts = weighed.map(([channel, weight], index) => ({
    channel,
    index,
    units: (units * BigInt(weight)) / whole,
    rest: (units * BigInt(weight)) % whole,
  }));
  let left = units - parts.reduce((total, part) => total + part.units, 0n);
  const more = new Set<Channel>();
  for (const part of [...parts].sort((a, b) => (a.rest === b.rest ? a.index - b.index : a.rest > b.rest ? -1 : 1))) {
    if (left === 0n) break;
    more.add(part.channel);
    left -= 1n;
  }
  return parts.map(({ channel, units: own }) => ({
    channel,
    budget: money((own + (more.has(channel) ? 1n : 0n)) * step, budget.currency),
  }));
}

export interface Allocation {
  readonly shares: readonly Share[];
  /** Channels that get nothing, and why; our sentences. */
  readonly left: readonly string[];
}

/**
 * Splits a budget over the channels that can use their part: one whose part would not reach the least that anything there
 * costs gives it to the others, the lightest first.
 * @param least what the cheapest order of each channel costs, where it is known
 */
export function allocate(
  budget: Money,
  weights: ReadonlyMap<Channel, number>,
  least: ReadonlyMap<Channel, Money>,
): Allocation {
  const left = [...weights]
    .filter(([, weight]) => weight <= 0)
    .map(([channel]) => `${channel}: not for this objective`);
  let rest = new Map([...weights].filter(([, weight]) => weight > 0));
  for (;;) {
    const shares = split(budget, rest);
    const short = shares.filter(({ channel, budget: own }) => {
      const needed = least.get(channel);
      return own.micros <= 0n || (needed?.currency === own.currency && compare(needed, own) > 0);
    });
    const [lightest] = [...short].sort((a, b) => (rest.get(a.channel) ?? 0) - (rest.get(b.channel) ?? 0));
    if (!lightest) return { shares, left };
    left.push(`${lightest.channel}: its part would be below the least that anything there costs`);
    rest = new Map([...rest].filter(([channel]) => channel !== lightest.channel));
  }
}

/**
 * What channels get of money that others could not use: by the same weights, on top of what they have.
 * @returns the shares after it; unchanged where there is nobody to give it to
 */
export function reallocated(
  shares: readonly Share[],
  unused: readonly Channel[],
  weights: ReadonlyMap<Channel, number>,
): readonly Share[] {
  const takers = shares.filter(({ channel }) => !unused.includes(channel));
  const given = shares.filter(({ channel }) => unused.includes(channel));
  const [first] = given;
  if (!first || takers.length === 0) return shares;
  const freed = money(
    given.reduce((total, { budget }) => total + budget.micros, 0n),
    first.budget.currency,
  );
  // A channel that has a share has a use for more, whatever the table says of it.
  const extra = split(freed, new Map(takers.map(({ channel }) => [channel, Math.max(1, weights.get(channel) ?? 0)])));
  return takers.map(({ channel, budget }) => {
    const more = extra.find((one) => one.channel === channel)?.budget.micros ?? 0n;
    return { channel, budget: money(budget.micros + more, budget.currency) };
  });
}
