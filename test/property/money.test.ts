import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  compare,
  costOfImpressions,
  displayMoney,
  formatMoney,
  impressionsForBudget,
  minorUnitDigits,
  money,
  parseMoney,
  subtract,
  toMinorUnit,
} from "../../src/domain/money.ts";
import { verifies } from "../requirements.ts";
import { amounts, currencies } from "./arbitraries.ts";

const step = (currency: string) => 10n ** BigInt(6 - minorUnitDigits(currency));

describe("money", () => {
  test("parse undoes format, with and without grouping", () => {
    verifies("promise.money_string");
    fc.assert(
      fc.property(amounts(), (amount) => {
        expect(parseMoney(formatMoney(amount))).toEqual(amount);
        expect(parseMoney(displayMoney(amount))).toEqual(amount);
      }),
    );
  });

  test("whatever text is read, is written as an equal amount or refused", () => {
    const near = fc.stringMatching(/^[-+ ]?[0-9.,eE]{0,12}[ ]{0,2}(USD|JPY|KWD|usd|XYZ|EUR)?$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), near), (text) => {
        let read: ReturnType<typeof parseMoney>;
        try {
          read = parseMoney(text);
        } catch (error) {
          expect(error).toMatchObject({ name: "BuyingError", code: "invalid_arguments" });
          return;
        }
        expect(text.trim()).toMatch(/^[0-9][0-9,]*(\.[0-9]{1,6})? [A-Z]{3}$/);
        expect(parseMoney(formatMoney(read))).toEqual(read);
      }),
      { numRuns: 1000 },
    );
  });

  test("subtract undoes add, and comparing agrees with the difference", () => {
    const pairs = currencies.chain((currency) => fc.tuple(amounts(currency), amounts(currency)));
    fc.assert(
      fc.property(pairs, ([left, right]) => {
        expect(subtract(add(left, right), right)).toEqual(left);
        expect(Math.sign(compare(left, right))).toBe(Math.sign(Number(subtract(left, right).micros)));
        expect(compare(left, right) + compare(right, left)).toBe(0);
      }),
    );
  });

  test("rounding to the minor unit moves by at most half of it, and is done once", () => {
    fc.assert(
      fc.property(amounts(), (amount) => {
        const rounded = toMinorUnit(amount);
        const off = rounded.micros - amount.micros;
        expect(rounded.micros % step(amount.currency)).toBe(0n);
        expect(2n * (off < 0n ? -off : off) <= step(amount.currency)).toBe(true);
        expect(toMinorUnit(rounded)).toEqual(rounded);
      }),
    );
  });

  test("a cost is the exact product, off by at most half a minor unit, half rounding up", () => {
    verifies("money.cpm_times_impressions", "money.half_up");
    const cases = fc.tuple(amounts(undefined, 10n ** 9n), fc.integer({ min: 0, max: 1_000_000_000 }));
    fc.assert(
      fc.property(cases, ([cpm, impressions]) => {
        const unit = 1000n * step(cpm.currency);
        const exact = cpm.micros * BigInt(impressions);
        const off = 1000n * costOfImpressions(cpm, impressions).micros - exact;
        expect(-unit < 2n * off && 2n * off <= unit).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  /*
   * For budget b, price c and n = impressionsForBudget(b, c), with p = b cut to payable units:
   * the rounded cost of n never exceeds b, and the exact cost of n + 1 exceeds p. (Its rounded cost may still be p: one
   * more impression can cost a fraction of a cent, which half-up rounding drops.)
   */
  test("a budget buys the most impressions it can pay for", () => {
    const cases = currencies.chain((currency) =>
      fc.tuple(amounts(currency, 10n ** 12n), amounts(currency, 10n ** 9n)).filter(([, cpm]) => cpm.micros > 0n),
    );
    fc.assert(
      fc.property(cases, ([budget, cpm]) => {
        const most = impressionsForBudget(budget, cpm);
        const payable = (budget.micros / step(budget.currency)) * step(budget.currency);
        expect(compare(costOfImpressions(cpm, most), budget)).toBeLessThanOrEqual(0);
        expect(cpm.micros * BigInt(most) <= payable * 1000n).toBe(true);
        expect(cpm.micros * BigInt(most + 1) > payable * 1000n).toBe(true);
        expect(compare(costOfImpressions(cpm, most + 1), money(payable, budget.currency))).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 500 },
    );
  });
});
