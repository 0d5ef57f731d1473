import { describe, expect, test } from "vitest";
import { type Mandate, personsNeeded, weigh } from "../../src/domain/mandate.ts";
import { loosened, policyDigest, policyStatement } from "../../src/domain/policy.ts";
import { noBalances, settleBalances } from "../../src/domain/spend.ts";
import { holding, mandate as sample, termsFor, usd } from "./sample.ts";

const mandate: Mandate = { ...sample, blockedSellers: ["vidbay"] };
const line = termsFor({ impressions: 1_000_000 });
const facts = {
  trust: () => "verified" as const,
  domain: () => "north.example",
  balances: noBalances("USD"),
  day: "2026-11-20",
};
const reasonsOf = (change: Partial<Mandate>, known = facts) => weigh({ ...mandate, ...change }, [line], known).reasons;

describe("a policy", () => {
  test("has one digest, whatever order its lines are in, and another for every other figure", () => {
    expect(policyDigest({ ...mandate })).toBe(
      policyDigest(Object.fromEntries(Object.entries(mandate).reverse()) as never),
    );
    expect(policyDigest({ ...mandate, perBuy: usd("60000.01") })).not.toBe(policyDigest(mandate));
    expect(policyStatement("acme", mandate, null)).not.toBe(policyStatement("other", mandate, null));
    expect(policyStatement("acme", mandate, null)).not.toBe(policyStatement("acme", mandate, mandate));
  });

  test.each<[string, Partial<Mandate>]>([
    ["per_buy", { perBuy: usd("60000.01") }],
    ["per_day", { perDay: usd("200000") }],
    ["max_cpm", { maxCpm: usd("33") }],
    ["sellers.blocked", { blockedSellers: [] }],
    ["min_trust", { minTrust: "unknown" }],
    ["channels.form.per_buy", { channels: { form: { perBuy: usd("50001"), perDay: usd("80000") } } }],
    ["channels.auto.per_buy", { channels: { ...mandate.channels, auto: { perBuy: usd("1"), perDay: usd("1") } } }],
    ["currency", { currency: "EUR" }],
    ["time_zone", { timeZone: "Asia/Tokyo" }],
    ["people", { people: [{ name: "dana", role: "director" }], roles: { director: {} } }],
  ])("that raises %s is looser", (name, change) => {
    const found = loosened(mandate, { ...mandate, ...change });
    expect(found.join("; ")).toContain(name);
    // And the way back is not, unless the change is of a kind that has no tighter side.
    if (!["currency", "time_zone", "people"].includes(name))
      expect(loosened({ ...mandate, ...change }, mandate).join()).not.toContain(`${name}:`);
  });

  test("that only tightens is not, nor is the same one; the first one is", () => {
    const tighter: Partial<Mandate> = {
      perBuy: usd("1000"),
      total: usd("500000"),
      perCampaign: usd("2000"),
      blackouts: [{ from: "2026-12-24", to: "2026-12-26" }],
      blockedDomains: ["bad.example"],
      guaranteed: false,
      flightWithinDays: 90,
      twoPersonsAbove: usd("10000"),
      proposerMayApprove: false,
      channels: {},
    };
    expect(loosened(mandate, { ...mandate, ...tighter })).toEqual([]);
    expect(loosened(mandate, mandate)).toEqual([]);
    expect(loosened(null, mandate)).not.toEqual([]);
    expect(loosened({ ...mandate, ...tighter }, mandate).length).toBeGreaterThanOrEqual(Object.keys(tighter).length);
  });
});

describe("the further limits of a mandate", () => {
  test.each<[string, Partial<Mandate>, RegExp]>([
    ["a campaign", { perCampaign: usd("31499.99") }, /^per_campaign is 31,499.99 USD/],
    ["all there is", { total: usd("31499.99") }, /^total is 31,499.99 USD, 0.00 USD is committed in all/],
    [
      "a price for every channel",
      { maxPrices: { all: { cpm: usd("31.49") }, byChannel: {} } },
      /^max_prices.all.cpm is 31.49 USD, northbeam asks 31.50 USD$/,
    ],
    [
      "a price for ctv",
      { maxPrices: { all: {}, byChannel: { ctv: { cpm: usd("31") } } } },
      /^max_prices.by_channel.ctv.cpm is 31.00 USD/,
    ],
    [
      "a seller's share",
      { total: usd("100000"), concentration: { seller: 31, channel: null } },
      /^concentration.seller_percent is 31 % of total, 31,000.00 USD; northbeam would have 31,500.00 USD$/,
    ],
    [
      "a channel's share",
      { total: usd("100000"), concentration: { seller: null, channel: 31 } },
      /^concentration.channel_percent/,
    ],
    ["a share of nothing", { concentration: { seller: 50, channel: null } }, /needs total to be set$/],
    ["a blocked domain, and all below it", { blockedDomains: ["example"] }, /^sellers.blocked_domains holds example$/],
    [
      "a blackout",
      { blackouts: [{ from: "2027-03-28", to: "2027-03-30" }] },
      /^blackouts holds 2027-03-28 to 2027-03-30, the flight is 2027-01-04 to 2027-03-28$/,
    ],
    ["a flight too far ahead", { flightWithinDays: 44 }, /^flight_within_days is 44, the flight starts in 45$/],
    ["guaranteed deals", { guaranteed: false }, /^guaranteed is false/],
  ])("refuse %s", (_what, change, reason) => {
    const reasons = reasonsOf(change);
    expect(reasons, reasons.join("; ")).toContainEqual(expect.stringMatching(reason));
  });

  test("a price cap of another channel, a day after the flight and a share that fits refuse nothing", () => {
    const change: Partial<Mandate> = {
      maxPrices: { all: {}, byChannel: { audio: { cpm: usd("1") } } },
      blackouts: [{ from: "2027-03-29", to: "2027-03-30" }],
      flightWithinDays: 45,
      total: usd("100000"),
      concentration: { seller: 32, channel: 32 },
    };
    expect(weigh({ ...mandate, ...change }, [line], facts).outcome).toBe("needs_approval");
  });

  test("the first buy from a seller always asks; the next may be automatic", () => {
    const auto = { channels: { auto: { perBuy: usd("40000"), perDay: usd("80000") } } };
    expect(weigh({ ...mandate, ...auto }, [line], facts)).toEqual({
      outcome: "needs_approval",
      reasons: ["first buy from northbeam: a person decides it"],
    });
    const bought = settleBalances(noBalances("USD"), {
      kind: "reserved",
      v: 1,
      holding: { ...holding, amount: usd("100") },
    });
    expect(weigh({ ...mandate, ...auto }, [line], { ...facts, balances: bought }).outcome).toBe("allowed");
  });

  test("above its limit two people are needed", () => {
    expect(personsNeeded(mandate, [line])).toBe(1);
    expect(personsNeeded({ ...mandate, twoPersonsAbove: usd("31500") }, [line])).toBe(1);
    expect(personsNeeded({ ...mandate, twoPersonsAbove: usd("31499.99") }, [line])).toBe(2);
  });
});
