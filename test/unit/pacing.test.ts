import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { noFigures } from "../../src/domain/delivery.ts";
import { money, parseMoney } from "../../src/domain/money.ts";
import { type Approved, effectiveCpm, judge, type Reported } from "../../src/domain/pacing.ts";

const usd = (text: string) => parseMoney(`${text} USD`);

const auction: Approved = {
  budget: usd("10000.00"),
  price: usd("6.00"),
  isBid: true,
  model: "cpm",
  guaranteed: false,
  standards: [],
  guidance: { p25: usd("6.00"), p50: usd("7.50"), p75: usd("9.50"), p90: usd("12.00") },
};
const guaranteed: Approved = {
  ...auction,
  ...{ isBid: false, guaranteed: true, guidance: null, standards: ["completion_rate >= 0.85"] },
};
const silent: Reported = { ...noFigures, pacingIndex: null, paused: null };
const running = { daysLeft: 10, hasBegun: true, isOver: false };

describe("the pace", () => {
  test.each([
    ["0.72", "behind", "behind: 0.72 of expected, below 0.90"],
    ["0.8999999", "behind", "behind: 0.8999999 of expected, below 0.90"],
    ["0.9", "on_pace", "on pace: 0.9 of expected, between 0.90 and 1.10"],
    ["1.1", "on_pace", "on pace: 1.1 of expected, between 0.90 and 1.10"],
    ["1.31", "ahead", "ahead: 1.31 of expected, above 1.10"],
    [null, "not_reported", "not reported"],
    ["soon", "not_reported", "not reported"],
  ] as const)("an index of %s is %s", (pacingIndex, pace, words) => {
    expect(judge(auction, { ...silent, pacingIndex }, running)).toMatchObject({ pace, words });
  });

  test("what is paused is neither behind nor ahead, and gets no advice", () => {
    const judged = judge(auction, { ...silent, pacingIndex: "0.10", paused: true }, running);
    expect(judged).toMatchObject({ pace: "paused", advice: [] });
  });
});

describe("advice", () => {
  const behind = { ...silent, pacingIndex: "0.50" };

  test("an auction that falls behind gets a range of bids up to p75, with the reason", () => {
    const { advice } = judge(auction, { ...behind, winRate: "0.25" }, running);
    expect(advice).toHaveLength(1);
    expect(advice[0]).toMatch(/^bid between 6\.00 USD and 9\.50 USD CPM: .*three quarters.*25\.0 %.*new approval$/);
  });

  test("a bid at p75 already is not what holds it back", () => {
    const { advice } = judge({ ...auction, price: usd("9.50") }, behind, running);
    expect(advice.join()).toContain("hardly the price");
  });

  test("without guidance nothing is made up", () => {
    const { advice } = judge({ ...auction, guidance: null }, behind, running);
    expect(advice.join()).toContain("the seller does not say what won before");
  });

  test("a guaranteed package that falls behind is the seller's to make good", () => {
    expect(judge(guaranteed, behind, running).advice.join()).toContain("makegood");
  });

  test("overspending gets a cap a day, by what is left and for how long", () => {
    const { advice } = judge(auction, { ...silent, pacingIndex: "1.50", spend: usd("7500.00") }, running);
    expect(advice.join()).toContain("a cap of 250.00 USD a day makes what is left last for the 10 days");
  });

  test("more than the budget is named as what nobody approved", () => {
    const { advice } = judge(auction, { ...silent, spend: usd("10000.01") }, running);
    expect(advice[0]).toContain("0.01 USD more than its budget was spent: nobody approved that");
  });

  test("what is over gets no advice on pace, and its broken promise is still named", () => {
    const over = { daysLeft: 0, hasBegun: true, isOver: true };
    const judged = judge(guaranteed, { ...behind, completionRate: "0.81" }, over);
    expect(judged.advice).toEqual([
      "promised at least 85 % of plays completed, delivered 81 %: the promise is in the approved terms, so ask the seller for a makegood",
    ]);
    expect(judge(auction, behind, over).advice).toEqual([]);
  });

  test("before the flight nothing is late, whatever the seller's figures; what runs early is judged as ever", () => {
    const early = { daysLeft: 30, hasBegun: false, isOver: false };
    const none = { ...silent, pacingIndex: "0", impressions: 0, completionRate: "0" };
    expect(judge(guaranteed, none, early)).toMatchObject({
      ...{ pace: "not_begun", words: "not begun", advice: [] },
      promises: [{ delivered: null, kept: null }],
    });
    expect(judge(guaranteed, { ...behind, impressions: 5 }, early)).toMatchObject({ pace: "behind" });
    expect(judge(guaranteed, none, running)).toMatchObject({
      pace: "behind",
      advice: [expect.stringContaining("makegood")],
    });
  });
});

describe("promises", () => {
  const kept = (promise: string, figures: Partial<Reported>) =>
    judge({ ...guaranteed, standards: [promise] }, { ...silent, ...figures }, running).promises[0]?.kept;

  test("are kept, broken, or not reported", () => {
    expect(kept("completion_rate >= 0.85", { completionRate: "0.85" })).toBe(true);
    expect(kept("completion_rate >= 0.85", { completionRate: "0.8499" })).toBe(false);
    expect(kept("completion_rate >= 0.85", {})).toBeNull();
    expect(kept("viewability >= 0.6", { viewableRate: "0.63" })).toBe(true);
    expect(kept("attention_score >= 0.6", { completionRate: "0.9" })).toBeNull();
  });
});

test("nothing reported stays unknown, and is never 0", () => {
  expect(judge(auction, silent, running)).toEqual({
    ...{ pace: "not_reported", words: "not reported", budgetUsedPercent: null, effectiveCpm: null },
    ...{ promises: [], advice: [] },
  });
  expect(judge(auction, { ...silent, spend: usd("0.00"), impressions: 0 }, running)).toMatchObject({
    ...{ budgetUsedPercent: "0.0", effectiveCpm: null },
  });
  expect(judge(auction, { ...silent, spend: parseMoney("5.00 EUR") }, running).budgetUsedPercent).toBeNull();
});

test("the effective CPM is spend ÷ impressions × 1,000, half up to two digits more than the currency is paid in", () => {
  const amounts = fc.bigInt({ min: 0n, max: 10n ** 14n });
  fc.assert(
    fc.property(amounts, fc.integer({ min: 1, max: 1_000_000_000 }), (micros, impressions) => {
      const cpm = effectiveCpm({ spend: money(micros, "USD"), impressions })?.micros ?? -1n;
      const apart = 2n * (cpm * BigInt(impressions) - micros * 1000n);
      const step = 100n * BigInt(impressions);
      expect(cpm % 100n === 0n && apart <= step && apart >= -step).toBe(true);
    }),
  );
  const shown = (spend: string, impressions: number) => effectiveCpm({ spend: parseMoney(spend), impressions });
  expect(shown("100.00 USD", 30_000)).toEqual(parseMoney("3.3333 USD"));
  expect(shown("2000 JPY", 3_000)).toEqual(parseMoney("666.67 JPY"));
});
