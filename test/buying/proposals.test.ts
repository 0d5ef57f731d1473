import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { displayMoney, parseMoney } from "../../src/domain/money.ts";
import { totalOfQuote } from "../../src/domain/quote.ts";
import {
  asking,
  type Bench,
  errorIn,
  type ItemChange,
  item,
  openBench,
  products,
  quoted,
  reportIn,
  talk,
} from "./desk-bench.ts";

/** Own terms put to an IAB seller: what the desk does with them, whatever comes between. */

let bench: Bench;
beforeEach(async () => {
  bench = await openBench(undefined, { sellers: ["northbeam"], adcp: ["streamhaus"] });
});
afterEach(() => bench.close());

const offer = (text: string, change: ItemChange = {}) =>
  item(products.sports, { dealType: "PG", ...change, offer: parseMoney(text) });
const waiting = async () => {
  bench.sandbox.proposalHabits("northbeam", { approvalAbove: 0 });
  const { loaded } = await quoted(bench.desk, offer("28.50 USD"));
  expect(loaded.line.status).toBe("proposed");
  return loaded.ref;
};
const renewed = async (ref: string, desk = bench.desk) => reportIn((await desk.renew([ref], "test", 10_000))[0]);
const openLines = async () => (await bench.desk.inbox()).openQuotes.map(({ ref, line }) => [ref, line.status]);

describe("own terms", () => {
  test("by budget buy what it pays for at the price it came to, and never more", async () => {
    const { loaded } = await quoted(bench.desk, offer("28.50 USD", { budget: "40000 USD" }));
    expect(loaded.line.quote).toMatchObject({ cpm: parseMoney("28.50 USD"), impressions: 1_403_508 });
    const countered = await quoted(bench.desk, offer("20.00 USD", { budget: "40000 USD" }));
    const talked = { ref: countered.loaded.ref, maxCpm: parseMoney("28.00 USD") };
    const [report] = await bench.desk.negotiate(talk([talked]));
    expect(report?.loaded?.line.quote).toMatchObject({ cpm: parseMoney("28.00 USD"), impressions: 1_428_571 });
    for (const line of [loaded.line, report?.loaded?.line]) {
      const total = line && totalOfQuote(line.quote);
      expect(total && total.micros <= 40_000_000_000n, total && displayMoney(total)).toBe(true);
    }
  });

  test("are bought at the seller's own price where that is lower for what they come to", async () => {
    // 4.9 million impressions at 29.75; at 29.00 the budget pays for more than 5 million, which are 5 % cheaper.
    const { loaded } = await quoted(bench.desk, offer("29.00 USD", { budget: "146000 USD" }));
    expect(loaded.line.quote).toMatchObject({ cpm: parseMoney("28.26 USD"), impressions: 5_034_482 });
    expect(loaded.line.quote.agreedAs).toMatchObject({ cpm: parseMoney("29.00 USD") });
  });

  test("are put once: the same ask finds what came of them", async () => {
    const first = await quoted(bench.desk, offer("28.50 USD"));
    const second = await quoted(bench.desk, offer("28.50 USD"));
    expect([second.loaded.ref, second.found]).toEqual([first.loaded.ref, true]);
    const low = await Promise.all([1, 2].map(() => quoted(bench.desk, offer("20.00 USD"))));
    expect(new Set(low.map(({ loaded }) => loaded.ref)).size).toBe(1);
    expect(bench.sent("northbeam", "proposal")).toBe(2);
    // The seller's own price is another ask.
    const plain = await quoted(bench.desk, item(products.sports, { dealType: "PG" }));
    expect(plain.loaded.line.quote.cpm).toEqual(parseMoney("29.75 USD"));
    expect(bench.sent("northbeam", "proposal")).toBe(2);
  });

  test("are refused for sellers that take none", async () => {
    const [outcome] = await bench.desk.quote(
      asking(
        [offer("20.00 USD", { budget: "30000 USD" })].map((one) => ({
          ...one,
          product: "streamhaus/sports_preroll_q2_guaranteed",
        })),
      ),
    );
    expect(errorIn(outcome)).toMatchObject({ code: "unsupported_by_seller", recovery: "choose_another" });
  });

  test("once accepted go on when the quote at their price could not be had at first", async () => {
    bench.sandbox.proposalHabits("northbeam", { approvalAbove: 0 });
    const { loaded } = await quoted(bench.desk, offer("28.50 USD"));
    bench.sandbox.decideProposal("northbeam", "approve");
    bench.sandbox.fault("northbeam", { kind: "error-text", operation: "quote", uses: 1 });
    const [failed] = await bench.desk.renew([loaded.ref], "test", 10_000);
    expect(errorIn(failed)).toMatchObject({ code: "seller_unavailable" });
    expect(await openLines()).toEqual([[loaded.ref, "proposed"]]);
    const after = await renewed(loaded.ref, bench.again());
    expect(after.loaded.line).toMatchObject({ status: "open", quote: { cpm: parseMoney("28.50 USD") } });
    expect(await openLines()).toEqual([[after.loaded.ref, "open"]]);
    expect(bench.sent("northbeam", "proposal")).toBe(1);
  });

  test("that two processes follow at once become one quote", async () => {
    const ref = await waiting();
    bench.sandbox.decideProposal("northbeam", "approve");
    const reports = await Promise.all([bench.desk, bench.again(), bench.again()].map((desk) => renewed(ref, desk)));
    expect(new Set(reports.map(({ loaded }) => loaded.ref)).size).toBe(1);
    expect(await openLines()).toEqual([[reports[0]?.loaded.ref, "open"]]);
  });

  test("that were given up stay so, whatever the seller's people decide later", async () => {
    const ref = await waiting();
    const [left] = await bench.desk.negotiate(talk([{ ref }], { move: "walk_away" }));
    expect(left).toMatchObject({ ref, outcome: "walked_away" });
    bench.sandbox.decideProposal("northbeam", "approve");
    expect(await openLines()).toEqual([[ref, "open"]]);
    const looked = bench.sent("northbeam", "approval-read");
    await bench.desk.negotiate(talk([{ ref }], { move: "accept" }));
    expect(bench.sent("northbeam", "approval-read")).toBe(looked);
    expect((await bench.desk.line(ref)).line.quote.cpm).toEqual(parseMoney("29.75 USD"));
  });

  test("agreed long after are not bought above what the seller asks by then", async () => {
    const ref = await waiting();
    bench.sandbox.decideProposal("northbeam", "approve");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 23 * 3_600_000 });
    try {
      const targets = () =>
        bench.sandbox
          .requests("northbeam")
          .flatMap(({ operation, body }) =>
            operation === "quote" ? [JSON.parse(body).target_cpm?.amount_micros ?? null] : [],
          );
      bench.sandbox.clearRequests();
      const after = await renewed(ref);
      // Its own price is asked for first: a target is taken as the price, upwards too.
      expect(targets()).toEqual([null, 28_500_000]);
      expect(after.loaded.line.quote.cpm).toEqual(parseMoney("28.50 USD"));
      expect(Date.parse(after.loaded.line.quote.expiresAt)).toBeGreaterThan(Date.now() + 20 * 3_600_000);
    } finally {
      vi.useRealTimers();
    }
  });

  test("outlast a seller that does not answer for a day, and end when it does not for three", async () => {
    const ref = await waiting();
    bench.sandbox.fault("northbeam", { kind: "error-text", operation: "approval-read" });
    expect(errorIn((await bench.desk.renew([ref], "test", 10_000))[0])).toMatchObject({ code: "seller_unavailable" });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 25 * 3_600_000 });
    try {
      const [still] = await bench.desk.negotiate(talk([{ ref }]));
      expect(still).toMatchObject({ outcome: "failed", error: { code: "seller_unavailable" } });
      expect(await openLines()).toEqual([[ref, "proposed"]]);
      vi.setSystemTime(Date.now() + 48 * 3_600_000);
      const [report] = await bench.desk.negotiate(talk([{ ref }]));
      expect(report).toMatchObject({ outcome: "rejected", why: expect.stringContaining("in the time there was") });
    } finally {
      vi.useRealTimers();
    }
  });
});
