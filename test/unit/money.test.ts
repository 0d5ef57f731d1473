import { describe, expect, test } from "vitest";
import { BuyingError } from "../../src/domain/errors.ts";
import {
  add,
  compare,
  costOfImpressions,
  displayMoney,
  formatAmount,
  formatMoney,
  impressionsForBudget,
  isCurrency,
  minorUnitDigits,
  money,
  mulDiv,
  parseMoney,
  subtract,
  sum,
  toMinorUnit,
} from "../../src/domain/money.ts";
import { verifies } from "../requirements.ts";
import { terms, usd } from "./sample.ts";

describe("reading and writing", () => {
  test.each([
    ["31.50 USD", 31_500_000n, "31.50 USD"],
    ["31.5 USD", 31_500_000n, "31.50 USD"],
    ["0.000001 USD", 1n, "0.000001 USD"],
    ["31.4125 USD", 31_412_500n, "31.4125 USD"],
    ["50000 USD", 50_000_000_000n, "50000.00 USD"],
    ["50,000 USD", 50_000_000_000n, "50000.00 USD"],
    ["1,234,567.89 USD", 1_234_567_890_000n, "1234567.89 USD"],
    [" 31.50 USD\n", 31_500_000n, "31.50 USD"],
    ["1500 JPY", 1_500_000_000n, "1500 JPY"],
    ["1.5 KWD", 1_500_000n, "1.500 KWD"],
    ["1.5 CLF", 1_500_000n, "1.5000 CLF"],
  ])("%j is exact", (text, micros, written) => {
    verifies("promise.money_string");
    const read = parseMoney(text);
    expect(read.micros).toBe(micros);
    expect(formatMoney(read)).toBe(written);
  });

  test.each([
    "31,5 USD",
    "1e3 USD",
    "31.50",
    "31.50usd",
    "31.50 usd",
    "31.50USD",
    "31.50  USD",
    "NaN USD",
    "Infinity USD",
    "-1 USD",
    "+1 USD",
    "１ USD",
    "٣ USD",
    "$31.50",
    "USD 31.50",
    "31.50 USD per thousand",
    "31.50 EURO",
    "31.50 ZZZ",
    "31.50 DEM",
    ".50 USD",
    "31. USD",
    "31.1234567 USD",
    "1,00 USD",
    "1,0000 USD",
    ",100 USD",
    "0x10 USD",
    "31.50\u00a0USD",
    "31.50 USD EUR",
    "1000000000001 USD",
    "9999999999999999 USD",
    "",
    " ",
  ])("%j is refused by name", (text) => {
    verifies("promise.fail_closed");
    const reading = () => parseMoney(text);
    expect(reading).toThrow(BuyingError);
    expect(reading).toThrow(/Nothing was booked\./);
  });

  test("a currency is an active ISO 4217 code, never a guess", () => {
    expect(["USD", "EUR", "JPY", "KWD", "CLF", "XCG"].filter(isCurrency)).toHaveLength(6);
    expect(["usd", "HRK", "DEM", "XXX", "BTC", "constructor", "toString", ""].filter(isCurrency)).toEqual([]);
    expect(() => money(1n, "constructor")).toThrow(/no ISO 4217 currency/);
  });

  test("minor units: two, none, three, four", () => {
    expect(["USD", "JPY", "KWD", "CLF"].map(minorUnitDigits)).toEqual([2, 0, 3, 4]);
  });

  test("an amount beyond any budget is refused, not carried on", () => {
    const most = money(10n ** 18n, "USD");
    expect(formatMoney(most)).toBe("1000000000000.00 USD");
    expect(() => add(most, money(1n, "USD"))).toThrow(/beyond any amount/);
    expect(() => money(-(10n ** 18n) - 1n, "USD")).toThrow(/beyond any amount/);
  });

  test("figures for eyes are grouped; figures for tables have no currency", () => {
    expect(displayMoney(usd("62222.20"))).toBe("62,222.20 USD");
    expect(displayMoney(usd("1234567"))).toBe("1,234,567.00 USD");
    expect(displayMoney(money(-100_000_000n, "USD"))).toBe("-100.00 USD");
    expect(displayMoney(money(-1_000_500_000n, "USD"))).toBe("-1,000.50 USD");
    expect(displayMoney(parseMoney("1234567 JPY"))).toBe("1,234,567 JPY");
    expect(displayMoney(usd("1000.123456"))).toBe("1,000.123456 USD");
    expect(formatAmount(usd("31.5"))).toBe("31.50");
  });
});

describe("arithmetic", () => {
  test("two currencies never meet", () => {
    const [dollars, euros] = [usd("1"), parseMoney("1 EUR")];
    for (const meeting of [
      () => add(dollars, euros),
      () => subtract(dollars, euros),
      () => compare(dollars, euros),
      () => sum([dollars, euros], "USD"),
      () => impressionsForBudget(dollars, euros),
    ]) {
      expect(meeting).toThrow(expect.objectContaining({ code: "currency_mismatch" }));
    }
  });

  test("division rounds half away from zero", () => {
    verifies("money.half_up");
    expect(mulDiv(5n, 1n, 10n)).toBe(1n);
    expect(mulDiv(4n, 1n, 10n)).toBe(0n);
    expect(mulDiv(-5n, 1n, 10n)).toBe(-1n);
    expect(mulDiv(-4n, 1n, 10n)).toBe(0n);
    expect(mulDiv(7n, 3n, 2n)).toBe(11n);
    expect(formatMoney(toMinorUnit(usd("0.005")))).toBe("0.01 USD");
    expect(formatMoney(toMinorUnit(usd("0.004999")))).toBe("0.00 USD");
    expect(formatMoney(toMinorUnit(parseMoney("1.5 JPY")))).toBe("2 JPY");
    expect(terms.rounding).toBe("half_up_to_minor_unit");
  });

  test("a total is CPM × impressions ÷ 1,000, rounded once at the end", () => {
    verifies("money.cpm_times_impressions");
    expect(formatMoney(costOfImpressions(usd("31.50"), 1_587_301))).toBe("49999.98 USD");
    expect(formatMoney(costOfImpressions(usd("29.75"), 1_587_301))).toBe("47222.20 USD");
    expect(formatMoney(costOfImpressions(parseMoney("300 JPY"), 5))).toBe("2 JPY");
    expect(formatMoney(costOfImpressions(parseMoney("1 KWD"), 1))).toBe("0.001 KWD");
    // 4,999.5 micros: less than half a cent, though it is half a micro short of it.
    expect(formatMoney(costOfImpressions(usd("4.9995"), 1))).toBe("0.00 USD");
    expect(formatMoney(costOfImpressions(usd("0.000333"), 15_015))).toBe("0.00 USD");
  });

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("%d is no number of impressions", (count) => {
    expect(() => costOfImpressions(usd("31.50"), count)).toThrow(/no number of impressions/);
  });

  test("a budget buys what it pays for, rounded down", () => {
    expect(impressionsForBudget(usd("50000"), usd("31.50"))).toBe(1_587_301);
    expect(impressionsForBudget(usd("0.01"), usd("31.50"))).toBe(0);
    expect(impressionsForBudget(usd("0"), usd("31.50"))).toBe(0);
    expect(impressionsForBudget(parseMoney("1 JPY"), parseMoney("1000 JPY"))).toBe(1);
    // The fraction of a cent in a budget cannot be paid, so it buys nothing.
    expect(impressionsForBudget(usd("1.009999"), usd("0.01"))).toBe(impressionsForBudget(usd("1"), usd("0.01")));
  });

  test("a price of zero, a budget below zero and an uncountable answer are refused", () => {
    expect(() => impressionsForBudget(usd("50000"), usd("0"))).toThrow(/no price/);
    expect(() => impressionsForBudget(money(-1_000_000n, "USD"), usd("1"))).toThrow(/no budget/);
    expect(() => impressionsForBudget(usd("1000000000000"), usd("0.000001"))).toThrow(/more impressions than/);
  });
});
