import { describe, expect, test } from "vitest";
import { signedChannels } from "../../src/domain/decision.ts";
import type { Trust } from "../../src/domain/identity.ts";
import { channelShortfall, type Mandate, type MandateFacts, weigh } from "../../src/domain/mandate.ts";
import { parseMoney } from "../../src/domain/money.ts";
import { decisionChannels, noBalances, settleBalances } from "../../src/domain/spend.ts";
import type { Terms } from "../../src/domain/terms.ts";
import { verifies } from "../requirements.ts";
import { holding, mandate, termsFor, usd } from "./sample.ts";

const spent = settleBalances(noBalances("USD"), {
  kind: "reserved",
  v: 1,
  holding: { ...holding, amount: usd("40000") },
});

function facts(changes: Partial<MandateFacts> & { readonly seller?: Trust } = {}): MandateFacts {
  const { seller = "verified", ...rest } = changes;
  return {
    trust: () => seller,
    domain: (id) => `${id}.example`,
    balances: noBalances("USD"),
    day: "2026-11-20",
    ...rest,
  };
}

/** A seller that was bought from before: only then can anything be automatic. */
const known = { ...noBalances("USD"), perSeller: { northbeam: usd("1") } };

/** A million impressions at 31.50 is 31,500.00 USD. */
const line = termsFor({ impressions: 1_000_000 });
const weighed = (changes: Partial<Mandate> = {}, lines: readonly Terms[] = [line], known = facts()) =>
  weigh({ ...mandate, ...changes }, lines, known);

describe("a mandate", () => {
  test("absent, nothing may be spent", () => {
    verifies("promise.fail_closed");
    expect(weigh(null, [line], facts())).toMatchObject({
      outcome: "refused",
      reasons: [expect.stringContaining("no mandate")],
    });
  });

  test("within its limits asks for a person, for nothing is automatic by itself", () => {
    verifies("approval.auto_limit_default");
    expect(weighed()).toEqual({
      outcome: "needs_approval",
      reasons: [
        "channels.auto is not set: a person decides every buy",
        "first buy from northbeam: a person decides it",
      ],
    });
  });

  test.each<[string, Partial<Mandate>, RegExp]>([
    ["per buy", { perBuy: usd("31499.99") }, /^per_buy is 31,499.99 USD, this would cost 31,500.00 USD$/],
    ["per day", { perDay: usd("31499.99") }, /^per_day is 31,499.99 USD, 0.00 USD is committed today/],
    ["highest CPM", { maxCpm: usd("31.49") }, /^max_cpm is 31.49 USD, northbeam asks 31.50 USD$/],
    ["currency", { currency: "EUR" }, /^currency is EUR, northbeam sells in USD$/],
    ["blocked sellers", { blockedSellers: ["northbeam"] }, /^sellers.blocked holds northbeam$/],
    ["allowed sellers", { allowedSellers: ["ctvone"] }, /^sellers.allowed does not hold northbeam$/],
    ["no seller allowed", { allowedSellers: [] }, /^sellers.allowed does not hold northbeam$/],
    ["trust", { minTrust: "preferred" }, /^min_trust is preferred, northbeam is verified$/],
  ])("%s: refused with the line it comes from", (_limit, changes, reason) => {
    verifies("promise.mandate_limits");
    const decision = weighed(changes);
    expect(decision.outcome).toBe("refused");
    expect(decision.reasons).toContainEqual(expect.stringMatching(reason));
  });

  test("limits include their own amount", () => {
    const exact = { perBuy: usd("31500"), perDay: usd("31500"), maxCpm: usd("31.50"), allowedSellers: ["northbeam"] };
    expect(weighed({ ...exact, minTrust: "verified" }).outcome).toBe("needs_approval");
  });

  test("every reason is given, not just the first", () => {
    const decision = weighed({ maxCpm: usd("1"), blockedSellers: ["northbeam"], minTrust: "preferred" });
    expect(decision.reasons).toHaveLength(3);
  });

  test("a blocked seller is refused even where the least trust would do", () => {
    expect(weighed({ minTrust: "blocked" }, [line], facts({ seller: "blocked" }))).toEqual({
      outcome: "refused",
      reasons: ["northbeam is blocked"],
    });
    expect(weighed({ minTrust: "unknown" }, [line], facts({ seller: "unknown" })).outcome).toBe("needs_approval");
  });

  test("what is committed today counts, what was on another day does not", () => {
    const lines = [line, termsFor({ impressions: 900_000 })];
    expect(weighed({}, lines).outcome).toBe("needs_approval");
    expect(weighed({}, lines, facts({ balances: spent })).outcome).toBe("needs_approval");
    const tight = weighed({ perDay: usd("99849.99") }, lines, facts({ balances: spent }));
    expect(tight.reasons).toEqual([
      "per_day is 99,849.99 USD, 40,000.00 USD is committed today and this would make it 99,850.00 USD",
    ]);
    const tomorrow = facts({ balances: spent, day: "2026-11-21" });
    expect(weighed({ perDay: usd("99849.99") }, lines, tomorrow).outcome).toBe("needs_approval");
  });

  test("one seller, or one channel, has no more than its share of the total", () => {
    verifies("multi_seller.diversification");
    const share = (seller: number | null, channel: number | null) =>
      weighed({ total: usd("100000"), concentration: { seller, channel } });
    expect(share(32, 32).outcome).toBe("needs_approval");
    expect(share(31, null)).toEqual({
      outcome: "refused",
      reasons: ["concentration.seller_percent is 31 % of total, 31,000.00 USD; northbeam would have 31,500.00 USD"],
    });
    expect(share(null, 31).reasons).toEqual([
      "concentration.channel_percent is 31 % of total, 31,000.00 USD; ctv would have 31,500.00 USD",
    ]);
  });

  test("lines bought together are one buy: two halves are refused where the whole is", () => {
    const halves = [termsFor({ impressions: 1_000_000 }), termsFor({ impressions: 1_000_000 })];
    expect(weighed({}, halves)).toEqual({
      outcome: "refused",
      reasons: ["per_buy is 60,000.00 USD, this would cost 63,000.00 USD"],
    });
  });

  test("one line in another currency refuses all", () => {
    const euros = termsFor({ cpm: parseMoney("31.50 EUR"), impressions: 1000, sellerId: "ctvone" });
    expect(weighed({}, [line, euros])).toEqual({
      outcome: "refused",
      reasons: ["currency is USD, ctvone sells in EUR"],
    });
  });

  test("spend so far in another currency than the mandate's is refused, not added up", () => {
    expect(weighed({}, [line], facts({ balances: noBalances("EUR") }))).toEqual({
      outcome: "refused",
      reasons: [
        "currency is USD, this desk's spend so far is in EUR: spend in another currency needs a desk of its own",
      ],
    });
  });

  test("an open incident stops everything until a person clears it", () => {
    const why = "flight differs";
    const stopped = settleBalances(spent, { kind: "overspent", v: 1, holding, by: usd("0"), why });
    const auto = { channels: { auto: { perBuy: usd("60000"), perDay: usd("100000") } } };
    expect(weighed(auto, [line], facts({ balances: stopped }))).toEqual({
      outcome: "refused",
      reasons: ["an incident on northbeam/qt-1 is open: a person must clear it first"],
    });
    const cleared = settleBalances(stopped, { kind: "incident_cleared", v: 1, ref: holding.ref, by: "dana" });
    expect(weighed(auto, [line], facts({ balances: cleared })).outcome).toBe("allowed");
  });
});

describe("a channel", () => {
  const auto = (perBuy: string, perDay: string) => ({
    channels: { auto: { perBuy: usd(perBuy), perDay: usd(perDay) } },
  });

  test("auto approval needs both of its limits", () => {
    expect(weighed(auto("31500", "31500"), [line], facts({ balances: known })).outcome).toBe("allowed");
    expect(weighed(auto("31499.99", "100000"), [line], facts({ balances: known }))).toEqual({
      outcome: "needs_approval",
      reasons: ["channels.auto.per_buy is 31,499.99 USD, this is 31,500.00 USD"],
    });
    expect(weighed(auto("31500", "31499.99"), [line], facts({ balances: known }))).toEqual({
      outcome: "needs_approval",
      reasons: ["channels.auto.per_day is 31,499.99 USD, this would make it 31,500.00 USD"],
    });
  });

  test("the first buy from a seller is never automatic, however small", () => {
    const decision = weighed(auto("60000", "100000"), [termsFor({ impressions: 1000 })]);
    expect(decision).toEqual({
      outcome: "needs_approval",
      reasons: ["first buy from northbeam: a person decides it"],
    });
    const refunded = { ...known, perSeller: { northbeam: usd("0") } };
    expect(weighed(auto("60000", "100000"), [line], facts({ balances: refunded })).outcome).toBe("needs_approval");
  });

  test("a limit of zero decides nothing that costs anything", () => {
    verifies("approval.auto_limit_default");
    expect(weighed(auto("0", "0"), [line], facts({ balances: known })).outcome).toBe("needs_approval");
    expect(weighed(auto("0", "0"), [termsFor({ impressions: 1000 })]).outcome).toBe("needs_approval");
  });

  test("an auto limit above the mandate does not lift the mandate", () => {
    expect(weighed({ ...auto("1000000", "1000000"), perBuy: usd("31499.99") }).outcome).toBe("refused");
  });

  test("counts up to its amount, for the total of the decision and for its own day", () => {
    verifies("promise.channel_limits");
    const form = (lines: readonly Terms[], known = facts()) => channelShortfall(mandate, "form", lines, known, null);
    expect(form([line])).toBeNull();
    expect(form([line, line])).toBe("channels.form.per_buy is 50,000.00 USD, this is 63,000.00 USD");
    expect(form([line], facts({ balances: spent }))).toBeNull();
    const bigger = termsFor({ impressions: 1_300_000 });
    expect(form([bigger], facts({ balances: spent }))).toBe(
      "channels.form.per_day is 80,000.00 USD, this would make it 80,950.00 USD",
    );
    const byTerminal = { ...holding, amount: usd("60000"), via: "terminal" } as const;
    const elsewhere = settleBalances(noBalances("USD"), { kind: "reserved", v: 1, holding: byTerminal });
    expect(form([bigger], facts({ balances: elsewhere }))).toBeNull();
    expect(channelShortfall(mandate, "terminal", [line], facts(), null)).toMatch(/^channels.terminal is not set/);
    expect(channelShortfall({ ...mandate, channels: {} }, "form", [line], facts(), null)).toMatch(/decides nothing/);
  });

  test("above the amount that takes two people, counts only with a proof of who decided", () => {
    const limit = { perBuy: usd("50000"), perDay: usd("80000") };
    const channels = { auto: limit, form: limit, card: limit, terminal: limit, page: limit, passkey: limit };
    const two = (above: string) => ({ ...mandate, channels, twoPersonsAbove: usd(above) });
    const counting = (above: string) =>
      decisionChannels.filter((via) => channelShortfall(two(above), via, [line], facts(), "dana") === null);
    expect(counting("31500")).toEqual(decisionChannels);
    expect([...counting("31499.99")].sort()).toEqual([...signedChannels].sort());
    for (const via of ["auto", "form", "card"] as const)
      expect(channelShortfall(two("31499.99"), via, [line], facts(), null)).toMatch(/^two_persons_above asks for two/);
    const bought = facts({ balances: known });
    expect(weigh(two("31500"), [line], bought).outcome).toBe("allowed");
    expect(weigh(two("31499.99"), [line], bought).outcome).toBe("needs_approval");
  });
});
