import { describe, expect, test } from "vitest";
import { bookedDifferences, costOfDeal, overspend } from "../../src/domain/booked.ts";
import type { BookedPackage, Deal } from "../../src/domain/deal.ts";
import { parseMoney } from "../../src/domain/money.ts";
import { usd } from "./sample.ts";
import { bookedAs, budgetDeal, budgetTerms, packageOf, video, views } from "./sample-budget.ts";

const terms = budgetTerms();
const differs = (change: Partial<Deal>) => bookedDifferences(terms, { ...budgetDeal, ...change }, null);
const ofPackages = (...packages: readonly BookedPackage[]) => differs({ packages });

describe("what was booked by budget against what was approved", () => {
  test("the same is the same, in whatever order and by whatever name the seller has it", () => {
    expect(differs({})).toEqual([]);
    expect(ofPackages(bookedAs(views), bookedAs(video))).toEqual([]);
    expect(differs({ sellerStatus: "pending_creatives", dealType: "non_guaranteed", productId: "whatever" })).toEqual(
      [],
    );
  });

  test("what the seller does not repeat is not held against it", () => {
    const bare = { productId: null, option: null, budget: null, bid: null };
    expect(ofPackages(bookedAs(video, bare), bookedAs(views, bare))).toEqual([]);
    // Which of two is which, the one that is named tells.
    expect(ofPackages(bookedAs(video, { ...bare, budget: usd("20000") }), bookedAs(video))).toEqual([]);
  });

  test.each<[string, Partial<Deal>, readonly string[]]>([
    ["a missing package", { packages: [bookedAs(video)] }, ["package views"]],
    ["no packages at all", { packages: [] }, ["package vid", "package views"]],
    ["packages it says nothing of", { packages: undefined }, ["package vid", "package views"]],
    ["one package more", { packages: [bookedAs(video), bookedAs(views), bookedAs(video)] }, ["package pkg-vid"]],
    [
      "another product in a package's place",
      { packages: [bookedAs(video), bookedAs(packageOf("audio", usd("9"), usd("20000")))] },
      ["package views", "package pkg-audio"],
    ],
    [
      "another pricing option",
      { packages: [bookedAs(video, { option: "vid-auction" }), bookedAs(views)] },
      ["package vid", "package pkg-vid"],
    ],
    [
      "another budget",
      { packages: [bookedAs(video, { budget: usd("30000.01") }), bookedAs(views)] },
      ["budget of vid"],
    ],
    ["a smaller budget", { packages: [bookedAs(video, { budget: usd("1") }), bookedAs(views)] }, ["budget of vid"]],
    [
      "a budget in another currency",
      { packages: [bookedAs(video, { budget: parseMoney("30000 EUR") }), bookedAs(views)] },
      ["budget of vid"],
    ],
    ["a higher bid", { packages: [bookedAs(video), bookedAs(views, { bid: usd("0.06") })] }, ["bid on views"]],
    ["a lower bid", { packages: [bookedAs(video), bookedAs(views, { bid: usd("0.04") })] }, ["bid on views"]],
    ["a bid on a fixed price", { packages: [bookedAs(video, { bid: usd("31.50") }), bookedAs(views)] }, ["bid on vid"]],
    ["another total", { total: usd("50000.01") }, ["total"]],
    ["a smaller total", { total: usd("49999.99") }, ["total"]],
    ["a total in another currency", { total: parseMoney("50000 EUR") }, ["total"]],
    ["a later start", { flight: { ...budgetDeal.flight, start: "2027-01-05T00:00:00Z" } }, ["flight.start"]],
    ["a later end", { flight: { ...budgetDeal.flight, end: "2027-03-29T00:00:00Z" } }, ["flight.end"]],
    ["a buy that was refused", { sellerStatus: "Rejected" }, ["status"]],
  ])("%s is a difference, by name", (_what, change, fields) => {
    expect(differs(change).map(({ field }) => field)).toEqual(fields);
  });

  test("says what was approved and what is booked", () => {
    expect(ofPackages(bookedAs(video, { budget: usd("31000") }))).toEqual([
      { field: "budget of vid", approved: "30000.00 USD", now: "31000.00 USD" },
      { field: "package views", approved: "booked", now: "missing" },
    ]);
  });

  test("two packages of one product are told apart by their budgets", () => {
    const [small, big] = [packageOf("vid", usd("31.50"), usd("1000")), packageOf("vid", usd("31.50"), usd("2000"))];
    const both = (packages: readonly BookedPackage[]) =>
      bookedDifferences(budgetTerms([small, big]), { ...budgetDeal, packages, total: usd("3000") }, null);
    expect(both([bookedAs(big), bookedAs(small)])).toEqual([]);
    expect(both([bookedAs(big), bookedAs(big)]).map(({ field }) => field)).toEqual(["budget of vid"]);
  });
});

describe("the total of a buy by budget", () => {
  test("is the seller's own, or its packages' together; a seller that says neither has to be asked", () => {
    expect(differs({ total: null })).toEqual([]);
    expect(costOfDeal(terms, { ...budgetDeal, total: null })).toEqual(usd("50000"));
    const [unsaid, euro] = [null, parseMoney("30000 EUR")].map((budget) => ({
      total: null,
      packages: [bookedAs(video, { budget }), bookedAs(views)],
    }));
    expect(differs({ ...unsaid }).map(({ field, now }) => [field, now])).toEqual([["total", "not stated"]]);
    expect(differs({ ...euro }).map(({ field }) => field)).toEqual(["budget of vid", "total"]);
    expect(differs({ total: null, packages: [] }).map(({ field }) => field)).toContain("total");
    // Its own total counts, whatever its packages come to.
    expect(costOfDeal(terms, { ...budgetDeal, total: usd("1") })).toEqual(usd("1"));
  });

  test("beyond the approval is counted; below it, in another currency, or not said, is not", () => {
    expect(overspend(terms, budgetDeal)).toEqual(usd("0"));
    expect(overspend(terms, { ...budgetDeal, total: usd("50000.01") })).toEqual(usd("0.01"));
    expect(overspend(terms, { ...budgetDeal, total: usd("10") })).toEqual(usd("0"));
    expect(overspend(terms, { ...budgetDeal, total: parseMoney("99999 EUR") })).toEqual(usd("0"));
    expect(overspend(terms, { ...budgetDeal, total: null, packages: undefined })).toEqual(usd("0"));
    const dear = { total: null, packages: [bookedAs(video, { budget: usd("40000") }), bookedAs(views)] };
    expect(overspend(terms, { ...budgetDeal, ...dear })).toEqual(usd("10000"));
  });
});
