import { beforeEach, describe, expect, test } from "vitest";
import { formatMoney, type Money, parseMoney } from "../../src/domain/money.ts";
import { formDecision } from "../people.ts";
import { verifies } from "../requirements.ts";
import { negotiated, openQuote, products, sharedBench } from "./desk-bench.ts";

const usd = (amount: string) => parseMoney(`${amount} USD`);
const written = (amount: Money | null) => (amount ? formatMoney(amount) : null);
const later = 10_000;
const approve = formDecision();

describe("by itself", () => {
  const bench = sharedBench();
  beforeEach(() => bench.sandbox.clearRequests());

  test("it plays from the target to agreement, and what was agreed is booked", async () => {
    verifies(
      "negotiation.automatic",
      "negotiation.multi_turn",
      "negotiation.result.outcome",
      "negotiation.result.final_price",
      "negotiation.result.rounds",
      "negotiation.accepted",
      "negotiation.target",
      "negotiation.step",
    );
    const ref = await openQuote(bench);
    const report = await negotiated(
      bench.desk,
      { ref, targetCpm: usd("28.20"), maxCpm: usd("29") },
      { step: usd("0.20") },
    );
    expect(report).toMatchObject({ outcome: "agreed", error: null });
    const line = report.loaded?.line;
    expect(
      line?.rounds.map(({ n, move, we, they, theirAction }) => [n, move, written(we), written(they), theirAction]),
    ).toEqual([
      [1, "counter", "28.20 USD", "28.74 USD", "counter"],
      [2, "counter", "28.40 USD", "28.52 USD", "counter"],
      [3, "accept", "28.52 USD", "28.52 USD", "accept"],
    ]);
    expect(report.why).toMatch(/at or below our next offer/);
    expect(line?.negotiation).toMatchObject({ status: "agreed" });
    expect([written(line?.quotedCpm ?? null), written(line?.quote.cpm ?? null), written(report.saved)]).toEqual([
      "29.75 USD",
      "28.52 USD",
      "1653.78 USD",
    ]);

    const { approvalId } = await bench.desk.buy({ refs: [ref], poNumber: null, campaign: null, by: "local" }, later);
    await bench.desk.decide(approvalId ?? "", approve, later);
    expect(written((await bench.desk.line(ref)).line.deal?.cpm ?? null)).toBe("28.52 USD");
    expect(bench.sandbox.deals("northbeam", ref.split("/")[1])).toMatchObject([{ cpm_micros: 28_520_000 }]);
  });

  test("an agreement made is reported when asked for again, and nothing more is offered", async () => {
    const ref = await openQuote(bench);
    const first = await negotiated(bench.desk, { ref });
    expect(first.outcome).toBe("agreed");
    bench.sandbox.clearRequests();
    for (const move of ["auto", "counter", "accept", "walk_away"] as const) {
      const again = await negotiated(bench.again(), { ref, offerCpm: usd("1") }, { move });
      expect(again).toMatchObject({
        outcome: "agreed",
        saved: first.saved,
        loaded: { line: { rounds: first.loaded?.line.rounds } },
      });
    }
    expect(bench.sandbox.requests()).toEqual([]);
  });

  test("a final offer is taken where it is within the maximum, and left where it is not", async () => {
    verifies("negotiation.result.outcome", "negotiation.last_round");
    const outcomes = [];
    for (const max of ["22.00", "21.50"]) {
      const ref = await openQuote(bench, products.local);
      const report = await negotiated(
        bench.desk,
        { ref, targetCpm: usd("20.10"), maxCpm: usd(max) },
        { step: usd("0.05") },
      );
      const last = report.loaded?.line.rounds.at(-1);
      outcomes.push([
        report.outcome,
        last?.move,
        last?.theirAction,
        written(last?.they ?? null),
        written(report.loaded?.line.quote.cpm ?? null),
      ]);
      expect(report.why).toMatch(
        report.outcome === "agreed"
          ? /no further round/
          : /final offer is above the maximum; the quote can still be bought at its own price/,
      );
    }
    expect(outcomes).toEqual([
      ["agreed", "accept", "accept", "21.74 USD", "21.74 USD"],
      ["walked_away", "counter", "final_offer", "21.74 USD", "24.70 USD"],
    ]);
  });

  test("a quote at or below the target is left alone", async () => {
    const ref = await openQuote(bench);
    bench.sandbox.clearRequests();
    expect(await negotiated(bench.desk, { ref, targetCpm: usd("35") })).toMatchObject({
      outcome: "walked_away",
      saved: null,
    });
    expect(bench.sandbox.requests()).toEqual([]);
  });

  test("a seller that ends it has ended it; its quote is bought at its own price", async () => {
    verifies("negotiation.result.outcome");
    const ref = await openQuote(bench, products.local);
    const { url, keys } = bench.sandbox.seller("civicstream");
    // Anybody who knows the quote's id can use its rounds up.
    for (let n = 1; n <= 4; n += 1) {
      const body = {
        idempotency_key: `${ref}-${n}`,
        action: "counter",
        quote_id: ref.split("/")[1],
        buyer_price: { amount_micros: 20_050_000, currency: "USD" },
      };
      const headers = { "content-type": "application/json", "x-api-key": keys.seat };
      await fetch(`${url}/api/v1/negotiations/messages`, { method: "POST", headers, body: JSON.stringify(body) });
    }
    const report = await negotiated(bench.desk, { ref, targetCpm: usd("20.10") });
    expect(report).toMatchObject({
      outcome: "rejected",
      why: expect.stringMatching(/buy the quote at its own price, or renew it/),
      sellerSaid: expect.stringMatching(/Maximum 4 rounds/),
    });
    bench.sandbox.clearRequests();
    expect(await negotiated(bench.desk, { ref })).toMatchObject({
      outcome: "rejected",
      why: expect.stringMatching(/^ended before/),
    });
    expect(bench.sandbox.requests()).toEqual([]);
    const { approvalId } = await bench.desk.buy({ refs: [ref], poNumber: null, campaign: null, by: "local" }, later);
    await bench.desk.decide(approvalId ?? "", approve, later);
    expect(written((await bench.desk.line(ref)).line.deal?.cpm ?? null)).toBe("24.70 USD");
  });

  test("every round is there again in a later conversation", async () => {
    verifies("negotiation.history", "negotiation.answer.seller_price", "events.negotiation_round");
    const ref = await openQuote(bench);
    const { loaded } = await negotiated(bench.desk, { ref });
    const later = bench.again();
    expect((await later.line(ref)).line.rounds).toEqual(loaded?.line.rounds);
    const { rows } = await later.history({
      campaign: null,
      flowId: null,
      buy: ref,
      kind: "negotiation_round",
      since: null,
      after: 0,
      limit: 50,
    });
    const rounds = rows.flatMap(({ entries }) =>
      entries.flatMap((entry) => (entry.kind === "negotiation_round" ? [entry.round] : [])),
    );
    expect(rounds).toEqual(loaded?.line.rounds);
    for (const { we, they } of rounds) expect([we?.currency, they?.currency]).toEqual(["USD", "USD"]);
  });
});

describe("one move at a time", () => {
  const bench = sharedBench();
  beforeEach(() => bench.sandbox.clearRequests());

  test("counter, and accept what the seller asks", async () => {
    verifies(
      "negotiation.step_by_step",
      "negotiation.start_by_counter",
      "negotiation.answer.rationale",
      "negotiation.message",
    );
    const ref = await openQuote(bench);
    const first = await negotiated(bench.desk, { ref, offerCpm: usd("28.20") }, { move: "counter" });
    expect(first).toMatchObject({
      outcome: "countered",
      why: "the seller asks 28.74 USD",
      sellerSaid: "Counter at $28.74 CPM (premium strategy, round 1/6).",
    });
    expect(first.loaded?.line.quote.cpm).toEqual(usd("29.75"));
    const second = await negotiated(bench.again(), { ref, offerCpm: usd("28.30") }, { move: "counter" });
    expect(second.loaded?.line.rounds).toHaveLength(2);
    const asked = second.loaded?.line.rounds[1]?.they ?? null;
    const third = await negotiated(bench.desk, { ref }, { move: "accept" });
    expect(third).toMatchObject({ outcome: "agreed", loaded: { line: { quote: { cpm: asked } } } });
  });

  test("walk away: nothing is said to the seller, and the quote stays at its price", async () => {
    verifies("negotiation.step_by_step");
    const ref = await openQuote(bench);
    await negotiated(bench.desk, { ref, offerCpm: usd("26") }, { move: "counter" });
    bench.sandbox.clearRequests();
    const report = await negotiated(bench.desk, { ref }, { move: "walk_away" });
    expect(report).toMatchObject({
      outcome: "walked_away",
      loaded: { line: { status: "open", quote: { cpm: usd("29.75") } } },
    });
    expect(bench.sandbox.requests()).toEqual([]);
  });

  test("counters go on until the seller's final offer", async () => {
    verifies("negotiation.multi_turn", "negotiation.answer.rounds_remaining", "negotiation.max_rounds");
    const ref = await openQuote(bench, products.local);
    const outcomes: string[] = [];
    for (const offer of ["20.10", "20.20", "20.30", "20.40"])
      outcomes.push((await negotiated(bench.desk, { ref, offerCpm: usd(offer) }, { move: "counter" })).outcome);
    expect(outcomes).toEqual(["countered", "countered", "final_offer", "final_offer"]);
    expect((await bench.desk.line(ref)).line.rounds.map(({ roundsLeft }) => roundsLeft)).toEqual([3, 2, 1, 0]);
    bench.sandbox.clearRequests();
    // The seller grants no more, so that nothing more is offered to it, whatever we would allow ourselves.
    const more = await negotiated(bench.desk, { ref, offerCpm: usd("20.50") }, { move: "counter", maxRounds: 20 });
    expect(more).toMatchObject({ outcome: "walked_away", why: expect.stringMatching(/no offers are left/) });
    expect(bench.sandbox.requests()).toEqual([]);
  });

  test.each([
    ["a counter without a price", { move: "counter" }, {}, "invalid_arguments", "offer_cpm"],
    ["an acceptance of nothing", { move: "accept" }, {}, "invalid_arguments", "move"],
    ["an unknown strategy", { strategy: "haggle" }, {}, "invalid_arguments", "strategy"],
    ["no step", { step: usd("0") }, {}, "invalid_arguments", "target_cpm"],
    ["a target of nothing", {}, { targetCpm: usd("0") }, "invalid_arguments", "target_cpm"],
    ["another currency", {}, { maxCpm: parseMoney("20 EUR") }, "currency_mismatch", "max_cpm"],
  ] as const)("%s is refused before anything is offered", async (_what, ask, one, code, field) => {
    const ref = await openQuote(bench);
    bench.sandbox.clearRequests();
    const report = await negotiated(bench.desk, { ref, ...one }, ask);
    expect(report).toMatchObject({ outcome: "failed", error: { code, details: { field } } });
    expect(bench.sandbox.requests()).toEqual([]);
  });

  test("only an open quote that is not over is talked about", async () => {
    const ref = await openQuote(bench);
    await bench.desk.buy({ refs: [ref], poNumber: null, campaign: null, by: "local" }, later);
    const waiting = await negotiated(bench.desk, { ref });
    expect(waiting).toMatchObject({
      outcome: "not_negotiable",
      why: expect.stringMatching(/is awaiting approval; only an open quote/),
    });
    expect(await negotiated(bench.desk, { ref: "northbeam/qt-none" })).toMatchObject({
      outcome: "failed",
      error: { code: "unknown_quote" },
    });
    bench.sandbox.configure({ quoteTtlMs: 0 });
    const over = await openQuote(bench, products.display, { dealType: "PD" });
    bench.sandbox.configure({ quoteTtlMs: 86_400_000 });
    expect(await negotiated(bench.desk, { ref: over })).toMatchObject({
      outcome: "failed",
      error: { code: "quote_expired", message: expect.stringContaining("quote_ids") },
    });
  });
});
