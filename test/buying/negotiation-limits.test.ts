import { atCpm } from "../../src/domain/quote.ts";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { negotiate } from "../../src/buying/negotiate.ts";
import type { Ports } from "../../src/buying/ports.ts";
import { type Money, formatMoney, money, parseMoney } from "../../src/domain/money.ts";
import type { Strategy } from "../../src/domain/negotiation.ts";
import { keyvCache } from "../../src/ledger/keyv-cache.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { sellerDirectory } from "../../src/sellers/directory.ts";
import { strategies } from "../../src/strategies/index.ts";
import { verifies } from "../requirements.ts";
import { type Bench, item, negotiated, products, quoted, sharedBench, talk } from "./desk-bench.ts";

const usd = (amount: string) => parseMoney(`${amount} USD`);

/** Every price that was offered or accepted, as the seller got it, in micros; the older contract writes dollars. */
function offered(bench: Bench, ref: string): readonly bigint[] {
  const [seller = "", id = ""] = ref.split("/");
  return bench.sandbox.requests(seller).flatMap(({ operation, body, target, status }) => {
    if (operation !== "negotiate" || status === 404 || !(body.includes(id) || target.includes(id))) return [];
    const price = /"buyer_price":(?:\{"amount_micros":(\d+),"currency":"USD"\}|([\d.]+))/.exec(body);
    if (!price) throw new Error(`an offer without a price: ${body}`);
    return [price[1] === undefined ? parseMoney(`${price[2]} USD`).micros : BigInt(price[1])];
  });
}

const cents = (least: number, most: number) =>
  fc.integer({ min: least, max: most }).map((value) => money(BigInt(value) * 10_000n, "USD"));

describe("what is never passed", () => {
  const mandateCap = "27.00 USD";
  const bench = sharedBench(undefined);
  const capped = sharedBench((standard) => ({
    ...standard,
    mandate: { ...Object(standard["mandate"]), max_cpm: mandateCap },
  }));
  let asks = 0;
  const open = async (on: Bench, product: string, impressions: number) => {
    asks += 1;
    const { loaded } = await quoted(on.desk, item(product, { impressions, dealType: "PD" }), {
      campaign: `limit ${asks}`,
    });
    return loaded;
  };

  test("quote, maximum, mandate and step bind every offer and every agreement, at every seller", async () => {
    verifies(
      "negotiation.max",
      "negotiation.clamped",
      "negotiation.step",
      "negotiation.target",
      "negotiation.max_rounds",
    );
    const cases = fc.record({
      product: fc.constantFrom(products.sports, products.radio, products.local),
      impressions: fc.constantFrom(2_000_000, 6_000_000, 20_000_000),
      onCapped: fc.boolean(),
      target: fc.option(cents(800, 4000)),
      max: fc.option(cents(900, 4500)),
      step: fc.option(cents(1, 300)),
      maxRounds: fc.integer({ min: 1, max: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ product, impressions, onCapped, target, max, step, maxRounds }) => {
        const on = onCapped ? capped : bench;
        const { ref, line } = await open(on, product, impressions);
        const quote = atCpm(line.quote).cpm.micros;
        const caps = [quote, max?.micros, onCapped ? parseMoney(mandateCap).micros : undefined].filter(
          (one) => one !== undefined,
        );
        const ceiling = caps.reduce((low, one) => (one < low ? one : low), quote);
        const report = await negotiated(on.desk, { ref, targetCpm: target, maxCpm: max }, { step, maxRounds });
        const prices = offered(on, ref);
        for (const price of prices) expect(price).toBeLessThanOrEqual(ceiling);
        const rounds = report.loaded?.line.rounds ?? [];
        expect(prices).toHaveLength(rounds.length);
        const counters = rounds.flatMap(({ move, we }) => (move === "counter" && we ? [we.micros] : []));
        expect(counters.length).toBeLessThanOrEqual(maxRounds);
        if (target && counters[0] !== undefined)
          expect(counters[0]).toBe(target.micros < ceiling ? target.micros : ceiling);
        for (const [index, price] of counters.entries()) {
          const before = counters[index - 1] ?? price;
          expect(price).toBeGreaterThanOrEqual(before);
          if (step) expect(price - before).toBeLessThanOrEqual(step.micros);
        }
        expect(["agreed", "walked_away"]).toContain(report.outcome);
        const cpm = report.loaded?.line.quote.cpm?.micros ?? 0n;
        if (report.outcome === "agreed") expect(cpm).toBeLessThanOrEqual(ceiling);
        else expect(cpm).toBe(quote);
      }),
      { numRuns: 30 },
    );
  });

  test("a seller that asks more than its own volume-discounted quote is not accepted there", async () => {
    verifies("negotiation.clamped");
    const { ref, line } = await open(bench, products.sports, 6_000_000);
    expect(formatMoney(atCpm(line.quote).cpm)).toBe("28.26 USD");
    // It negotiates from 29.75, its price without the volume, so that its counter can be above the quote.
    const countered = await negotiated(bench.desk, { ref, offerCpm: usd("28.10") }, { move: "counter" });
    expect(countered.why).toBe("the seller asks 28.68 USD");
    const report = await negotiated(bench.desk, { ref }, { move: "accept" });
    expect(report).toMatchObject({
      outcome: "failed",
      error: {
        code: "outside_mandate",
        message: expect.stringMatching(/28.68 USD is above the limit of 28.26 USD.*Nothing was accepted/),
      },
    });
    const auto = await negotiated(bench.desk, { ref, targetCpm: usd("28.10") }, { step: usd("0.01"), maxRounds: 3 });
    expect(auto.loaded?.line.quote.cpm?.micros).toBeLessThanOrEqual(usd("28.26").micros);
    for (const price of offered(bench, ref)) expect(price).toBeLessThanOrEqual(usd("28.26").micros);
  });

  test("an offer above the limits is made at the limit", async () => {
    verifies("negotiation.clamped");
    const { ref } = await open(bench, products.sports, 800_000);
    await negotiated(bench.desk, { ref, offerCpm: usd("90"), maxCpm: usd("28.05") }, { move: "counter" });
    expect(offered(bench, ref)).toEqual([28_050_000n]);
  });
});

describe("a strategy of one's own", () => {
  const bench = sharedBench(undefined, { sellers: ["northbeam"] });

  test("is one function with a name; the limits hold whatever it says", async () => {
    verifies("negotiation.customisable", "negotiation.pluggable_strategy");
    const { loaded } = await quoted(bench.desk, item(products.sports, { impressions: 800_000, dealType: "PD" }));
    const seen: (Money | null)[] = [];
    const splitTheDifference: Strategy = {
      name: "split",
      move: ({ quoteCpm, sellerCpm, ourLast }) => {
        seen.push(sellerCpm);
        const between = (a: Money, b: Money) => money((a.micros + b.micros) / 2n, a.currency);
        return {
          kind: "counter",
          cpm: ourLast && sellerCpm ? between(ourLast, sellerCpm) : money(quoteCpm.micros * 3n, "USD"),
          why: "half way",
        };
      },
    };
    const { ports, close } = await portsOf(bench, [...strategies, splitTheDifference]);
    try {
      const max = usd("30.00");
      const [report] = await negotiate(ports, talk([{ ref: loaded.ref, maxCpm: max }], { strategy: "split" }));
      expect(seen[0]).toBeNull();
      expect(seen.length).toBeGreaterThan(1);
      const prices = offered(bench, loaded.ref);
      expect(prices[0]).toBe(max.micros);
      for (const price of prices) expect(price).toBeLessThanOrEqual(max.micros);
      expect(report?.loaded?.line.quote.cpm?.micros).toBeLessThanOrEqual(atCpm(loaded.line.quote).cpm.micros);
    } finally {
      await close();
    }
  });
});

/** What the verbs work with, put together as the desk does, with strategies of the test's. */
async function portsOf(
  bench: Bench,
  own: readonly Strategy[],
): Promise<{ readonly ports: Ports; close(): Promise<void> }> {
  const records = await bench.desk.sellers();
  const credentials = { seat: { apiKey: "sandbox-northbeam-seat" }, agency: { apiKey: "sandbox-northbeam-agency" } };
  const log = () => undefined;
  const cache = keyvCache({ file: join(bench.home, "other-cache.db"), namespace: "test", log });
  const ledger = await openSqliteLedger({ file: join(bench.home, "acme", "ledger.db") });
  const ports: Ports = {
    settings: bench.desk.settings,
    ledger,
    cache,
    directory: sellerDirectory({
      known: async () =>
        records.map((record) => ({
          ...{ record, credentials, url: record.origin, carrier: null, account: null, publishers: new Map() },
        })),
      allowLoopback: true,
      keptOut: { sellers: [], domains: [] },
      timeouts: { discovery: 5_000, media_kit: 5_000, booking: 5_000 },
      cache,
      cacheSeconds: 60,
      log,
    }),
    strategies: own,
    signatures: { verify: () => Promise.resolve(false) },
    holder: "test",
    now: () => new Date(),
    newId: () => crypto.randomUUID(),
    sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
    log,
  };
  return {
    ports,
    async close() {
      await ledger.close();
      await cache.close();
    },
  };
}
