import fc from "fast-check";
import { expect, test } from "vitest";
import { allocate, reallocated, split, weightsBy } from "../../src/domain/allocation.ts";
import { goals } from "../../src/domain/identity.ts";
import { channels } from "../../src/domain/inventory.ts";
import { type Money, minorUnit, money } from "../../src/domain/money.ts";
import { verifies } from "../requirements.ts";
import { currencies } from "./arbitraries.ts";

const budgets = fc
  .tuple(fc.bigInt({ min: 0n, max: 10n ** 15n }), currencies)
  .map(([micros, currency]) => money(micros, currency));
const someChannels = fc.uniqueArray(fc.constantFrom(...channels), { minLength: 1 });
const weights = someChannels.chain((chosen) =>
  fc
    .array(fc.integer({ min: 0, max: 100 }), { minLength: chosen.length, maxLength: chosen.length })
    .map((all) => new Map(chosen.map((channel, index) => [channel, all[index] ?? 0]))),
);
const total = (parts: readonly { readonly budget: Money }[]) =>
  parts.reduce((sum, { budget }) => sum + budget.micros, 0n);
const payable = ({ micros, currency }: Money) => (micros / minorUnit(currency)) * minorUnit(currency);

test("a split adds up to the budget to the minor unit, each part payable and near its weight", () => {
  verifies("allocation.by_portfolio_manager");
  fc.assert(
    fc.property(budgets, weights, (budget, by) => {
      const parts = split(budget, by);
      const whole = [...by.values()].reduce((sum, one) => sum + one, 0);
      expect(total(parts)).toBe(whole === 0 ? 0n : payable(budget));
      const unit = minorUnit(budget.currency);
      for (const { channel, budget: part } of parts) {
        expect(part.micros % unit).toBe(0n);
        const exact = (payable(budget) * BigInt(by.get(channel) ?? 0)) / BigInt(whole);
        const off = part.micros - exact;
        expect(off > -unit && off <= unit).toBe(true);
      }
    }),
  );
});

test("an allocation gives all of the budget to channels that can use their part, or to none", () => {
  verifies("allocation.by_portfolio_manager");
  const leasts = fc.dictionary(fc.constantFrom(...channels), fc.bigInt({ min: 0n, max: 10n ** 15n }));
  fc.assert(
    fc.property(budgets, weights, leasts, (budget, by, least) => {
      const minima = new Map(
        channels.flatMap((one) =>
          least[one] === undefined ? [] : [[one, money(least[one], budget.currency)] as const],
        ),
      );
      const { shares, left } = allocate(budget, by, minima);
      expect([0n, payable(budget)]).toContain(total(shares));
      expect(shares.length + left.length).toBe(by.size);
      for (const { channel, budget: part } of shares) {
        expect(by.get(channel)).toBeGreaterThan(0);
        expect(part.micros >= (minima.get(channel)?.micros ?? 1n)).toBe(true);
      }
    }),
  );
});

test("what some cannot use goes to the others to the last unit, and nobody loses by it", () => {
  fc.assert(
    fc.property(budgets, weights, someChannels, (budget, by, unused) => {
      const before = split(budget, by);
      const after = reallocated(before, unused, by);
      expect(total(after)).toBe(total(before));
      const takers = before.filter(({ channel }) => !unused.includes(channel));
      if (takers.length === 0) {
        expect(after).toEqual(before);
        return;
      }
      expect(after.map(({ channel }) => channel)).toEqual(takers.map(({ channel }) => channel));
      for (const { channel, budget: part } of takers)
        expect(after.find((one) => one.channel === channel)?.budget.micros).toBeGreaterThanOrEqual(part.micros);
    }),
  );
});

test("every objective has weights for every set of channels, and each channel has one under some objective", () => {
  verifies("allocation.channels");
  fc.assert(
    fc.property(fc.constantFrom(...goals), someChannels, (goal, chosen) => {
      const by = weightsBy(goal, chosen);
      expect([...by.keys()]).toEqual(chosen);
      expect([...by.values()].some((weight) => weight > 0)).toBe(true);
    }),
  );
  for (const channel of channels)
    expect(
      goals.some((goal) => (weightsBy(goal, channels).get(channel) ?? 0) > 0),
      channel,
    ).toBe(true);
  const lead = (goal: (typeof goals)[number]) =>
    [...weightsBy(goal, channels)].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
  expect(goals.map(lead)).toEqual(["ctv", "online_video", "display"]);
});
