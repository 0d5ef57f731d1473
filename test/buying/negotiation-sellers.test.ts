import { beforeEach, describe, expect, test } from "vitest";
import { formatMoney, type Money, parseMoney } from "../../src/domain/money.ts";
import { verifies } from "../requirements.ts";
import {
  asking,
  errorOf,
  item,
  negotiated,
  openQuote,
  products,
  quoted,
  reportIn,
  sharedBench,
  talk,
  timed,
  withSeller,
} from "./desk-bench.ts";

const usd = (amount: string) => parseMoney(`${amount} USD`);
const written = (amount: Money | null) => (amount ? formatMoney(amount) : null);
const later = 10_000;

describe("several at once", () => {
  const bench = sharedBench();
  beforeEach(() => {
    bench.sandbox.clearFaults();
    bench.sandbox.clearRequests();
  });
  let talks = 0;
  const three = async () => {
    talks += 1;
    const items = [products.sports, products.radio, products.local].map((one) =>
      item(one, { budget: "40000 USD", dealType: "PG" }),
    );
    const outcomes = await bench.desk.quote(asking(items, { campaign: `at once ${talks}` }));
    return outcomes.map((outcome) => ({ ref: reportIn(outcome).loaded.ref }));
  };

  test("run side by side", async () => {
    verifies("negotiation.parallel");
    const quotes = await three();
    for (const id of ["northbeam", "harborview", "civicstream"])
      bench.sandbox.fault(id, { kind: "slow", ms: 700, operation: "negotiate" });
    const filled = quotes.map((one) => ({ ...one, offerCpm: usd("10.50") }));
    const { ms, value } = await timed(bench.desk.negotiate(talk(filled, { move: "counter" })));
    expect(value.map(({ outcome }) => outcome)).toEqual(["countered", "countered", "countered"]);
    expect(ms).toBeLessThan(2_000);
  });

  test.each([
    ["error-text", "seller_unavailable"],
    ["malformed", "seller_invalid_answer"],
    ["wrong-currency", "seller_invalid_answer"],
    ["drop-answer", "seller_unavailable"],
  ] as const)("one that fails by %s leaves the others, and its own quote, as they were", async (kind, code) => {
    verifies("negotiation.failure_isolated", "negotiation.answer.action");
    const quotes = await three();
    const before = (await bench.desk.line(quotes[2]?.ref ?? "")).line;
    bench.sandbox.fault("civicstream", { kind, operation: "negotiate" });
    const reports = await bench.desk.negotiate(talk(quotes));
    expect(reports.map(({ outcome }) => outcome)).toEqual(["agreed", "agreed", "failed"]);
    expect(reports[2]).toMatchObject({
      error: { code },
      why: expect.stringMatching(/^civicstream .*Nothing was booked/),
    });
    expect((await bench.desk.line(quotes[2]?.ref ?? "")).line).toEqual(before);
  });

  test("at the deadline it is in progress, and the same call collects it", async () => {
    verifies("tool.collects_late_work");
    const ref = await openQuote(bench);
    bench.sandbox.fault("northbeam", { kind: "slow", ms: 250, operation: "negotiate" });
    const ask = () => negotiated(bench.desk, { ref }, { deadlineMs: 100 });
    const { ms, value } = await timed(ask());
    expect([value.outcome, value.why]).toEqual(["in_progress", expect.stringMatching(/same call collects/)]);
    expect(ms).toBeLessThan(1_000);
    await expect.poll(async () => (await ask()).outcome, { timeout: 8_000, interval: 100 }).toBe("agreed");
    // Nothing was begun twice: the seller heard each round once.
    expect(bench.sent("northbeam", "negotiate")).toBe((await bench.desk.line(ref)).line.rounds.length);
  });
});

describe("who does not talk", () => {
  const bench = sharedBench();
  beforeEach(() => bench.sandbox.clearRequests());

  test("a seller of the earlier contract is countered on its proposal, whether its card was read or not", async () => {
    verifies("negotiation.legacy_counter");
    for (const read of [false, true]) {
      const desk = bench.other((standard) => standard);
      if (read) await desk.sellerDetails("harborview");
      const { loaded } = await quoted(desk, item(products.radio, { budget: "40000 USD", dealType: "PG" }));
      bench.sandbox.clearRequests();
      const report = await negotiated(desk, { ref: loaded.ref });
      expect(report.outcome).toBe("agreed");
      const asked = bench.sandbox.requests("harborview").filter(({ method }) => method === "POST");
      const id = loaded.ref.split("/")[1];
      const messages = asked.filter(({ target }) => target === "/api/v1/negotiations/messages");
      expect(messages).toHaveLength(read ? 0 : 1);
      expect(asked.length - messages.length).toBe(report.loaded?.line.rounds.length);
      for (const { target } of asked.filter((one) => !messages.includes(one)))
        expect(target).toBe(`/proposals/${id}/counter`);
    }
  });

  test.each([
    ["the public", {}, "public"],
    ["a seat", { seat: { api_key: "sandbox-harborview-seat" } }, "seat"],
  ])("to %s is not negotiable, with what to do instead", async (_who, credentials, tier) => {
    verifies("negotiation.not_negotiable");
    const desk = bench.other(withSeller("harborview", { credentials }));
    const { loaded } = await quoted(desk, item(products.radio, { impressions: 100_000, dealType: "PD" }));
    const report = await negotiated(desk, { ref: loaded.ref });
    expect(report).toMatchObject({
      outcome: "not_negotiable",
      why: `This seller does not negotiate with us as ${tier}: reveal more of the buyer (a higher tier's credential), buy the quote as it is, or ask another seller. Nothing was booked.`,
      sellerSaid: "Negotiation is open to agency and advertiser buyers only.",
      error: { code: "not_negotiable", recovery: "choose_another" },
    });
    expect((await desk.line(loaded.ref)).line).toMatchObject({ status: "open", rounds: [], negotiation: null });
    expect(
      (await desk.buy({ refs: [loaded.ref], poNumber: null, campaign: null, by: "local" }, later)).approvalId,
    ).toMatch(/^ap_/);
  });

  test("a negotiation that somebody else has struck is closed, and its price is seen before it is bought", async () => {
    verifies("negotiation.not_negotiable", "quote.read_back");
    const ref = await openQuote(bench);
    bench.sandbox.strikeNegotiation("northbeam", ref.split("/")[1] ?? "", 31_000_000);
    const report = await negotiated(bench.desk, { ref });
    expect(report).toMatchObject({
      outcome: "not_negotiable",
      why: expect.stringMatching(/closed. Buy it at the price it came to, or renew it/),
    });
    const { approvalId } = await bench.desk.buy({ refs: [ref], poNumber: null, campaign: null, by: "local" }, later);
    expect((await bench.desk.approval(approvalId ?? "")).lines[0]?.terms.unit_price).toBe("31.00 USD");
  });

  test("one struck by somebody else while we accept is no agreement of ours above our limit", async () => {
    const ref = await openQuote(bench);
    await negotiated(bench.desk, { ref, offerCpm: usd("26") }, { move: "counter" });
    bench.sandbox.strikeNegotiation("northbeam", ref.split("/")[1] ?? "", 45_000_000);
    const report = await negotiated(bench.desk, { ref }, { move: "accept" });
    expect(report).toMatchObject({
      outcome: "rejected",
      saved: null,
      why: expect.stringMatching(/struck at 45.00 USD, above what was offered; renew the quote/),
    });
    // Bought, it would cost this: nobody is to believe in the quote's own price any longer.
    expect(written((await bench.desk.line(ref)).line.quote.cpm)).toBe("45.00 USD");
    const [renewed] = await bench.desk.renew([ref], "test", later);
    expect(written(reportIn(renewed).loaded.line.quote.cpm)).toBe("29.75 USD");
    expect(
      (await errorOf(bench.desk.buy({ refs: [ref], poNumber: null, campaign: null, by: "local" }, later))).code,
    ).toBe("quote_superseded");
  });
});
