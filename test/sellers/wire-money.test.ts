import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatMoney, parseMoney } from "../../src/domain/money.ts";
import { microsMoney, moneyFromNumber, moneyRange } from "../../src/sellers/wire/money.ts";

describe("money as sellers write it", () => {
  test("integer micros are taken exactly, anything else is not", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (micros) => {
        const read = microsMoney.safeParse({ amount_micros: micros, currency: "USD" });
        expect(read.data).toEqual({ micros: BigInt(micros), currency: "USD" });
      }),
    );
    for (const wrong of [1.5, "1", null, Number.MAX_SAFE_INTEGER + 1, Number.NaN]) {
      expect(microsMoney.safeParse({ amount_micros: wrong, currency: "USD" }).success).toBe(false);
    }
    for (const currency of ["usd", "XXX", "", null, undefined]) {
      expect(microsMoney.safeParse({ amount_micros: 1, currency }).success).toBe(false);
    }
  });

  test("a JSON number of dollars is the decimal it was written as", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 12 }), fc.integer({ min: 0, max: 999_999 }), (whole, micros) => {
        const text = `${whole}.${String(micros).padStart(6, "0")}`;
        const read = moneyFromNumber(JSON.parse(text), "USD");
        // Sixteen digits and more are not what a JSON number carries.
        if (whole < 10 ** 9) expect(read).toEqual(parseMoney(`${text} USD`));
      }),
    );
  });

  test.each([
    [21.25, "21.25 USD"],
    [10.200000000000001, "10.20 USD"],
    [29.749999999999996, "29.75 USD"],
    [0.0000005, null],
    [0, "0.00 USD"],
    [-1, null],
    [1e21, null],
    [Number.NaN, null],
    [null, null],
  ])("%d is %s", (value, expected) => {
    const read = moneyFromNumber(value, "USD");
    expect(read === null ? null : formatMoney(read)).toBe(expected);
  });

  test.each([
    ["$28-$42 CPM", "28.00 USD", "42.00 USD"],
    ["$1,250.50 – $2,000 CPM", "1250.50 USD", "2000.00 USD"],
    ["$21 CPM", "21.00 USD", "21.00 USD"],
    ["€20-€30 CPM", "20.00 EUR", "30.00 EUR"],
    ["CAD 20-CAD 30 CPM", "20.00 CAD", "30.00 CAD"],
  ])("%s is a range", (text, low, high) => {
    expect(moneyRange(text)).toEqual({ low: parseMoney(low), high: parseMoney(high) });
  });

  test.each(["$42-$28 CPM", "$20-€30 CPM", "¥20-¥30", "on request", "20-30", "$-$", "$20-$30 CPC", "", null])(
    "%s is none",
    (text) => {
      expect(moneyRange(text)).toBeNull();
    },
  );
});
