import { describe, expect, test } from "vitest";
import { bookedDifferences, overspend } from "../../src/domain/booked.ts";
import type { Deal } from "../../src/domain/deal.ts";
import { parseMoney } from "../../src/domain/money.ts";
import { deal, quote, terms, usd } from "./sample.ts";

const differs = (change: Partial<Deal>, lastRead = quote.cpm) =>
  bookedDifferences(terms, { ...deal, ...change }, lastRead);

describe("what was booked against what was approved", () => {
  test("the same is the same", () => {
    expect(differs({})).toEqual([]);
    expect(differs({ flight: { start: "2027-01-04T00:00:00Z", end: "2027-03-28T23:59:59Z" } })).toEqual([]);
  });

  test.each<[string, Partial<Deal>, string]>([
    ["a higher price", { cpm: usd("31.51") }, "unit_price"],
    ["a lower price nobody showed us", { cpm: usd("30.00") }, "unit_price"],
    ["another currency", { cpm: parseMoney("31.50 EUR") }, "unit_price"],
    ["fewer impressions", { impressions: 1_587_300 }, "impressions"],
    ["impressions not stated", { impressions: null }, "impressions"],
    ["another product", { productId: "prod-2" }, "product"],
    ["another deal type", { dealType: "PA" }, "deal_type"],
    ["a later start", { flight: { ...deal.flight, start: "2027-01-05" } }, "flight.start"],
    ["an earlier end", { flight: { ...deal.flight, end: "2027-03-27" } }, "flight.end"],
  ])("%s is a difference, by name", (_what, change, field) => {
    expect(differs(change).map((difference) => difference.field)).toEqual([field]);
  });

  test("a lower price is as approved only if the seller showed it before we sent", () => {
    expect(differs({ cpm: usd("30.00") }, usd("30.00"))).toEqual([]);
    expect(differs({ cpm: usd("29.00") }, usd("30.00")).map(({ field }) => field)).toEqual(["unit_price"]);
    expect(differs({ cpm: usd("32.00") }, usd("32.00")).map(({ field }) => field)).toEqual(["unit_price"]);
  });

  test("what it costs beyond the approval is counted; what it costs less is not given back", () => {
    expect(overspend(terms, deal)).toEqual(usd("0"));
    expect(overspend(terms, { ...deal, cpm: usd("32.50") })).toEqual(usd("1587.30"));
    expect(overspend(terms, { ...deal, impressions: 1_600_000 })).toEqual(usd("400.02"));
    expect(overspend(terms, { ...deal, cpm: usd("32.50"), impressions: null })).toEqual(usd("1587.30"));
    expect(overspend(terms, { ...deal, cpm: usd("1.00") })).toEqual(usd("0"));
    expect(overspend(terms, { ...deal, cpm: parseMoney("99.00 EUR") })).toEqual(usd("0"));
  });
});
