import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Trust, trustLevels } from "../../src/domain/identity.ts";
import {
  type ChannelLimit,
  type Mandate,
  type MandateFacts,
  noFurtherLimits,
  weigh,
} from "../../src/domain/mandate.ts";
import { add, type Money, money, sum } from "../../src/domain/money.ts";
import { decisionChannels, noBalances, settleBalances } from "../../src/domain/spend.ts";
import { type Terms, totalOf } from "../../src/domain/terms.ts";
import { verifies } from "../requirements.ts";
import { holding, termsFor, usd } from "../unit/sample.ts";
import { amounts, cpms } from "./arbitraries.ts";

const sellers = ["northbeam", "ctvone", "vidbay"];
const upTo = (thousands: bigint) =>
  fc.bigInt({ min: 0n, max: thousands * 1_000_000_000n }).map((micros) => money(micros, "USD"));
/** Around what one to four of the lines below cost, so that every outcome comes up often. */
const limits = fc.oneof({ weight: 3, arbitrary: upTo(100n) }, upTo(20n));
const trusts: fc.Arbitrary<Trust> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Trust[]>("registered", "verified", "preferred") },
  fc.constantFrom(...trustLevels),
);
const channelLimits: fc.Arbitrary<ChannelLimit> = fc.record({ perBuy: limits, perDay: limits });

const mandates: fc.Arbitrary<Mandate> = fc
  .record({
    currency: fc.constant("USD"),
    perBuy: limits,
    perDay: limits,
    maxCpm: fc.oneof({ weight: 3, arbitrary: fc.constant(usd("100.00")) }, cpms),
    allowedSellers: fc.option(fc.subarray(sellers), { freq: 1 }),
    blockedSellers: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.subarray(sellers, { maxLength: 1 })),
    minTrust: trusts.map((level) => (level === "preferred" ? "verified" : level)),
    timeZone: fc.constant("UTC"),
    channels: fc.record({ auto: channelLimits, form: channelLimits, terminal: channelLimits }, { requiredKeys: [] }),
  })
  .map((limited) => ({ ...noFurtherLimits, ...limited }));

/** Thousands of impressions at whole cents, so that a line's halves cost exactly what the line costs. */
const lines: fc.Arbitrary<Terms> = fc
  .record({ sellerId: fc.constantFrom(...sellers), cpm: cpms, thousands: fc.nat({ max: 500 }) })
  .map(({ thousands, ...rest }) => termsFor({ ...rest, impressions: thousands * 1000 }));

const facts: fc.Arbitrary<MandateFacts> = fc
  .record({
    levels: fc.array(trusts, { minLength: 3, maxLength: 3 }),
    spent: upTo(20n),
    via: fc.constantFrom(...decisionChannels),
  })
  .map(({ levels, spent, via }) => ({
    trust: (seller: string): Trust => levels[sellers.indexOf(seller)] ?? "unknown",
    domain: (seller) => `${seller}.example`,
    balances: settleBalances(noBalances("USD"), {
      kind: "reserved",
      v: 1,
      holding: { ...holding, amount: spent, via },
    }),
    day: holding.day,
  }));

const order = ["refused", "needs_approval", "allowed"];
const rank = (mandate: Mandate | null, bought: readonly Terms[], known: MandateFacts) =>
  order.indexOf(weigh(mandate, bought, known).outcome);

describe("weighing", () => {
  const cases = fc.tuple(mandates, fc.array(lines, { minLength: 1, maxLength: 4 }), facts);

  test("all three outcomes come up, and each has its reason", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(cases, ([mandate, bought, known]) => {
        const { outcome, reasons } = weigh(mandate, bought, known);
        seen.add(outcome);
        expect(reasons.length).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
    expect([...seen].sort()).toEqual(["allowed", "needs_approval", "refused"]);
  });

  test("what is not refused keeps to every limit", () => {
    verifies("promise.mandate_limits");
    fc.assert(
      fc.property(cases, ([mandate, bought, known]) => {
        if (weigh(mandate, bought, known).outcome === "refused") return;
        const total = sum(bought.map(totalOf), "USD");
        expect(total.micros <= mandate.perBuy.micros).toBe(true);
        expect(add(known.balances.total, total).micros <= mandate.perDay.micros).toBe(true);
        for (const { seller } of bought) {
          expect(mandate.blockedSellers).not.toContain(seller.id);
          expect(mandate.allowedSellers ?? sellers).toContain(seller.id);
          expect(known.trust(seller.id)).not.toBe("blocked");
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("raising a limit never makes the answer stricter", () => {
    fc.assert(
      fc.property(
        cases,
        amounts("USD", 10n ** 11n),
        fc.constantFrom(...sellers),
        ([mandate, bought, known], by, seller) => {
          const before = rank(mandate, bought, known);
          const raised = (limit: Money) => add(limit, by);
          const from = mandate.channels.auto ?? { perBuy: usd("0"), perDay: usd("0") };
          const looser: Mandate[] = [
            { ...mandate, perBuy: raised(mandate.perBuy) },
            { ...mandate, perDay: raised(mandate.perDay) },
            { ...mandate, maxCpm: raised(mandate.maxCpm) },
            { ...mandate, allowedSellers: null },
            { ...mandate, allowedSellers: mandate.allowedSellers && [...mandate.allowedSellers, seller] },
            { ...mandate, blockedSellers: [] },
            { ...mandate, minTrust: "blocked" },
            { ...mandate, channels: { auto: { perBuy: raised(from.perBuy), perDay: raised(from.perDay) } } },
          ];
          for (const changed of looser) expect(rank(changed, bought, known)).toBeGreaterThanOrEqual(before);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("splitting a buy into lines never helps", () => {
    fc.assert(
      fc.property(cases, fc.nat({ max: 100 }), ([mandate, bought, known], share) => {
        const halves = bought.flatMap((line) => {
          const part = Math.floor(((line.impressions ?? 0) * share) / 100_000) * 1000;
          const of = (impressions: number) =>
            termsFor({ sellerId: line.seller.id, cpm: usd((line.unit_price ?? "").replace(" USD", "")), impressions });
          return [of(part), of((line.impressions ?? 0) - part)];
        });
        expect(sum(halves.map(totalOf), "USD")).toEqual(sum(bought.map(totalOf), "USD"));
        expect(rank(mandate, halves, known)).toBeLessThanOrEqual(rank(mandate, bought, known));
      }),
      { numRuns: 500 },
    );
  });

  test("one more line never makes the answer milder", () => {
    fc.assert(
      fc.property(cases, lines, ([mandate, bought, known], extra) => {
        expect(rank(mandate, [...bought, extra], known)).toBeLessThanOrEqual(rank(mandate, bought, known));
      }),
      { numRuns: 500 },
    );
  });

  test("without a mandate, in another currency, or with an incident open, everything is refused", () => {
    verifies("promise.fail_closed");
    fc.assert(
      fc.property(cases, ([mandate, bought, known]) => {
        expect(rank(null, bought, known)).toBe(0);
        expect(rank({ ...mandate, currency: "EUR" }, bought, known)).toBe(0);
        expect(
          rank(mandate, bought, { ...known, balances: { ...known.balances, incidents: ["northbeam/qt-9"] } }),
        ).toBe(0);
      }),
    );
  });
});
