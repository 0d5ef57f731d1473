import { describe, expect, test } from "vitest";
import { parseMoney } from "../../src/domain/money.ts";
import {
  budgetOf,
  countsImpressions,
  effective,
  pricingModels,
  promiseWords,
  unitsFor,
  unitWords,
} from "../../src/domain/package.ts";
import { usd } from "./sample.ts";
import { packageOf, video, views } from "./sample-budget.ts";

describe("what a budget pays for", () => {
  test.each([
    ["cpm", "30000 USD", "31.50 USD", 952_380],
    ["vcpm", "30000 USD", "31.50 USD", 952_380],
    ["cpcv", "20000 USD", "0.05 USD", 400_000],
    ["cpv", "0.05 USD", "0.06 USD", 0],
    ["cpc", "100 USD", "0.70 USD", 142],
    ["cpp", "50000 USD", "1200 USD", 41],
    ["flat_rate", "50000 USD", "50000 USD", 1],
    ["cpm", "5000 JPY", "300 JPY", 16_666],
  ] as const)("%s: %s at %s is %d", (model, budget, price, units) => {
    expect(unitsFor(parseMoney(budget), parseMoney(price), model)).toBe(units);
  });

  test("at a price of nothing is nothing, and is never more than can be counted", () => {
    expect(unitsFor(usd("5"), usd("0"), "cpm")).toBe(0);
    expect(unitsFor(usd("1000000000"), usd("0.000001"), "cpm")).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("has a word for every model, and impressions for two of them", () => {
    expect(pricingModels.filter((model) => countsImpressions({ model }))).toEqual(["cpm", "vcpm"]);
    expect(new Set(pricingModels.map((model) => unitWords[model])).size).toBe(pricingModels.length);
  });
});

describe("packages as one offer", () => {
  test("of one, at a CPM, is that CPM; the list price where it has one", () => {
    const dear = { ...video, listPrice: usd("35") };
    expect(effective([dear])).toEqual({ cpm: usd("31.50"), listCpm: usd("35"), impressions: 952_380 });
    expect(effective([{ ...dear, listPrice: null }]).listCpm).toEqual(usd("31.50"));
  });

  test("of several is what all cost, over all impressions", () => {
    const both = [packageOf("a", usd("10"), usd("10000")), packageOf("b", usd("30"), usd("15000"))];
    expect(budgetOf(both)).toEqual(usd("25000"));
    expect(effective(both)).toEqual({
      cpm: parseMoney("16.666667 USD"),
      listCpm: parseMoney("16.666666 USD"),
      impressions: 1_500_000,
    });
  });

  test("has no CPM where anything but impressions is paid for, or no impressions at all", () => {
    const none = { cpm: null, listCpm: null, impressions: null };
    expect(effective([video, views])).toEqual(none);
    expect(effective([])).toEqual(none);
    const nothing = packageOf("n", usd("31.50"), usd("0.01"));
    expect(effective([nothing, nothing])).toEqual({ cpm: null, listCpm: null, impressions: 0 });
  });

  test("are of one currency, or have no sum", () => {
    const euros = packageOf("e", parseMoney("20 EUR"), parseMoney("100 EUR"));
    expect(() => budgetOf([video, euros])).toThrow(expect.objectContaining({ code: "currency_mismatch" }));
  });
});

test.each([
  ["completion_rate >= 0.75", "at least 75 % of plays completed"],
  ["viewability >= 0.6", "at least 60 % of impressions viewable"],
  ["brand_safety >= 0.9999", "at least 99.99 % of impressions brand-safe"],
  ["ivt <= 0.03", "at most 3 % of traffic invalid"],
  ["attention_score >= 1", "at least 100 % attention score"],
  ["on_target_rate >= 0.5", "on target rate at least 50 %"],
  ["a word of its own >= 1e-7", "a word of its own >= 1e-7"],
])("the promise %s reads %s", (promise, words) => {
  expect(promiseWords(promise)).toBe(words);
});
