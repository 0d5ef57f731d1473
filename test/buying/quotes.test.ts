import { atCpm } from "../../src/domain/quote.ts";
import { beforeEach, describe, expect, test } from "vitest";
import { formatMoney } from "../../src/domain/money.ts";
import { flight } from "../e2e/fixtures.ts";
import { quote as stubQuote } from "../sellers/stub-answers.ts";
import { stub } from "../sellers/stub-seller.ts";
import { verifies } from "../requirements.ts";
import {
  asking,
  errorIn,
  item,
  kit,
  negotiated,
  openBench,
  products,
  quoted,
  reportIn,
  sharedBench,
  timed,
  withSeller,
} from "./desk-bench.ts";

describe("a quote", () => {
  const bench = sharedBench();
  beforeEach(() => {
    bench.sandbox.clearFaults();
    bench.sandbox.clearRequests();
  });

  test("says price, list price, discounts, volume, dates, expiry and reason as the seller gave them", async () => {
    verifies(
      "quote.discounts",
      "quote.final_cpm",
      "quote.terms",
      "quote.expires_at",
      "quote.rationale",
      "quote.request.product",
    );
    const asked = item(products.sports, { impressions: 6_000_000, dealType: "PD" });
    const { loaded, total, mandate } = await quoted(bench.desk, asked);
    const { quote } = loaded.line;
    expect(quote).toMatchObject({
      product: { ref: products.sports, name: "CTV Sports Live", channel: "ctv" },
      dealType: "PD",
      guaranteed: false,
      impressions: 6_000_000,
      flight: asked.flight,
      pricedAs: "advertiser",
      discounts: { tier: "15", volume: "5" },
      rationale:
        "Base price: $35.00 CPM ¦ Advertiser tier: -15% ¦ Volume discount: -5.0% ¦ Final price: $28.26 CPM ¦ (Total savings: 19.2%)",
    });
    expect([atCpm(quote).listCpm, atCpm(quote).cpm, total].map(formatMoney)).toEqual([
      "35.00 USD",
      "28.26 USD",
      "169560.00 USD",
    ]);
    const hours = (Date.parse(quote.expiresAt) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThan(24.1);
    expect(mandate.outcome).toBe("needs_approval");
  });

  test.each([
    ["PG", true],
    ["PD", false],
    ["PA", false],
  ] as const)("is asked for as %s", async (dealType, guaranteed) => {
    verifies("quote.request.deal_type");
    const { loaded } = await quoted(bench.desk, item("northbeam/prod-2b6d04e1", { dealType }));
    expect(loaded.line.quote).toMatchObject({ dealType, guaranteed });
    expect(bench.sandbox.requests("northbeam").find(({ operation }) => operation === "quote")?.body).toContain(
      `"deal_type":"${dealType}"`,
    );
  });

  test("carries avails: what is free, and what the seller estimates it costs", async () => {
    verifies("avails.before_recommending", "avails.impressions", "avails.estimated_cpm", "avails.total_cost");
    const { avails, loaded } = await quoted(
      bench.desk,
      item(products.sports, { impressions: 1_234_567, dealType: "PG" }),
    );
    expect(avails).toMatchObject({ available: 1_234_567, guaranteed: 1_234_567 });
    expect(avails?.estimatedCpm && formatMoney(avails.estimatedCpm)).toBe("35.00 USD");
    expect(avails?.estimatedTotal && formatMoney(avails.estimatedTotal)).toBe("43209.845 USD");
    expect(loaded.line.status).toBe("open");
  });

  test("without avails it is a quote all the same", async () => {
    bench.sandbox.fault("northbeam", { kind: "error-text", operation: "avails" });
    expect((await quoted(bench.desk, item(products.display))).avails).toBeNull();
  });

  test("avails that never come do not cost it its deadline", async () => {
    bench.sandbox.fault("northbeam", { kind: "hang", operation: "avails" });
    const { ms, value } = await timed(
      quoted(bench.desk, item(products.display, { impressions: 2_000_000 }), { deadlineMs: 2_400 }),
    );
    expect(value.avails).toBeNull();
    expect(ms).toBeLessThan(2_400);
  });

  test("targeting that the seller will not honour is named", async () => {
    verifies("tool.request_quote.not_honoured");
    const targeting = { geo: ["US"], audience: ["A25-54"], frequencyCap: "3 per day" };
    const { loaded } = await quoted(bench.desk, item(products.sports, { targeting }));
    expect(loaded.line.quote.notHonoured).toEqual(["geo", "audience", "frequency_cap"]);
    expect(loaded.line.request.targeting).toEqual(targeting);
  });

  test("what the mandate will say is told with it", async () => {
    const desk = bench.other((standard) => ({
      ...standard,
      mandate: { ...Object(standard["mandate"]), max_cpm: "30.00 USD" },
    }));
    const { mandate } = await quoted(desk, item(products.sports, { impressions: 100_000, dealType: "PD" }));
    expect(mandate.outcome).toBe("refused");
    expect(mandate.reasons.join()).toContain("30.00 USD");
    const none = bench.other((standard) => ({ ...standard, mandate: undefined }));
    expect((await quoted(none, item(products.sports))).mandate.outcome).toBe("refused");
  });
});

describe("many at once", () => {
  const bench = sharedBench();
  beforeEach(() => bench.sandbox.clearFaults());

  test("those that fail say why, and cost the others nothing", async () => {
    verifies("quote.many_at_once", "quote.partial_failure", "multi_seller.price_comparison", "error.one_blocks_none");
    const outcomes = await bench.desk.quote(
      asking([
        item(products.sports),
        item(products.radio, { impressions: 10_000 }),
        item(products.airport),
        item(products.weather, { dealType: "PG" }),
        item("civicstream/prod-none"),
        item(products.local, { impressions: 30_000_000 }),
        item(products.display, { budget: "50000 EUR" }),
        item("harborview/pkg-1c94b6d3"),
        item(products.local, { budget: "40000 USD" }),
      ]),
    );
    const said = outcomes.map((outcome) =>
      outcome.ok ? "quoted" : `${outcome.error.code} ${outcome.error.details.field ?? ""}`.trim(),
    );
    expect(said).toEqual([
      "quoted",
      "below_minimum budget",
      "price_on_request",
      "deal_type_unsupported deal_type",
      "unknown_product product",
      "above_available impressions",
      "currency_mismatch",
      "unknown_product product",
      "quoted",
    ]);
    for (const outcome of outcomes) if (!outcome.ok) expect(outcome.error.message).toMatch(/Nothing was booked/);
    expect(errorIn(outcomes[1]).message).toContain("at least 25000 impressions, about 375.00 USD");
    expect(errorIn(outcomes[3]).details.candidates).toEqual(["PD", "PA"]);
    expect(outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.item]))[0]).toBe(products.radio);
    const flows = new Set(outcomes.flatMap((outcome) => (outcome.ok ? [outcome.report.loaded.flowId] : [])));
    expect(flows.size).toBe(1);
  });

  test.each([
    ["error-text", "seller_unavailable"],
    ["malformed", "seller_invalid_answer"],
    ["wrong-currency", "seller_invalid_answer"],
    ["drop-answer", "seller_unavailable"],
    ["redirect", "seller_invalid_answer"],
  ] as const)("one seller's %s is its own", async (kind, code) => {
    verifies("quote.partial_failure", "error.seller_status");
    bench.sandbox.fault("civicstream", { kind, operation: "quote" });
    const budget = "40000 USD";
    const [ours, theirs] = await bench.desk.quote(
      asking([item(products.sports, { budget }), item(products.local, { budget, dealType: "PD" })], { campaign: kind }),
    );
    expect(ours?.ok).toBe(true);
    expect(errorIn(theirs)).toMatchObject({
      code,
      message: expect.stringMatching(/^civicstream .*Nothing was booked/),
    });
  });

  test("one that is late is collected by asking again, and is asked of its seller once", async () => {
    verifies("tool.collects_late_work");
    bench.sandbox.fault("harborview", { kind: "slow", ms: 1_500, operation: "quote", uses: 1 });
    bench.sandbox.clearRequests();
    await bench.desk.mediaKit(kit());
    const ask = () =>
      bench.desk.quote(asking([item(products.radio), item(products.local)], { deadlineMs: 700, campaign: "late" }));
    const [late, there] = await ask();
    expect(errorIn(late)).toMatchObject({
      code: "seller_unavailable",
      recovery: "wait",
      message: expect.stringMatching(/Ask for the same item again/),
    });
    expect(there?.ok).toBe(true);
    await ask();
    await expect.poll(async () => (await ask())[0]?.ok, { timeout: 5_000 }).toBe(true);
    expect(bench.sent("harborview", "quote")).toBe(1);
  });

  test("the same item in one call twice is one quote", async () => {
    const [left, right] = await bench.desk.quote(
      asking([item(products.sports), item(products.sports)], { campaign: "twice" }),
    );
    expect(reportIn(left).loaded.ref).toBe(reportIn(right).loaded.ref);
  });
});

describe("the same item again", () => {
  const bench = sharedBench();
  const sport = item(products.sports, { budget: "40000 USD", dealType: "PD" });

  test("returns its open quote; another campaign, volume, date, type, goal or targeting is another item", async () => {
    verifies("tool.same_item_same_quote");
    const first = await quoted(bench.desk, sport, { campaign: "A" });
    bench.sandbox.clearRequests();
    const again = await quoted(bench.again(), sport, { campaign: "A" });
    expect([again.found, again.loaded.ref]).toEqual([true, first.loaded.ref]);
    expect(bench.sent("northbeam", "quote")).toBe(0);
    const targeting = { geo: ["US"], audience: [], frequencyCap: null };
    const others = [
      await quoted(bench.desk, sport, { campaign: "B" }),
      await quoted(
        bench.desk,
        { ...sport, ...item(products.sports, { budget: "40000.01 USD", dealType: "PD" }) },
        { campaign: "A" },
      ),
      await quoted(bench.desk, { ...sport, flight: flight(31, 90) }, { campaign: "A" }),
      await quoted(bench.desk, { ...sport, dealType: "PG" }, { campaign: "A" }),
      await quoted(bench.desk, sport, { campaign: "A", goal: "performance" }),
      await quoted(bench.desk, { ...sport, targeting }, { campaign: "A" }),
    ];
    expect(others.map(({ found }) => found)).toEqual(others.map(() => false));
    expect(new Set([first, ...others].map(({ loaded }) => loaded.ref)).size).toBe(7);
  });

  test("negotiated meanwhile, it comes back at the price agreed", async () => {
    const one = await quoted(bench.desk, sport, { campaign: "talked" });
    const { loaded } = await negotiated(bench.desk, { ref: one.loaded.ref });
    const again = await quoted(bench.desk, sport, { campaign: "talked" });
    expect(atCpm(again.loaded.line.quote).cpm).toEqual(loaded?.line.quote.cpm);
    expect(atCpm(again.loaded.line.quote).cpm.micros).toBeLessThan(atCpm(one.loaded.line.quote).cpm.micros);
  });

  test("once its quote is over, or ends within two minutes, it is asked for anew", async () => {
    const short = await openBench(undefined, { sellers: ["northbeam"], quoteTtlMs: 119_000 });
    try {
      const first = await quoted(short.desk, sport);
      const second = await quoted(short.desk, sport);
      expect([second.found, second.loaded.ref === first.loaded.ref]).toEqual([false, false]);
      expect((await short.desk.inbox()).openQuotes).toHaveLength(2);
    } finally {
      await short.close();
    }
  });
});

describe("a price that is not what the tier should bring", () => {
  const bench = sharedBench();

  test("is a warning, even where the seller says it knew us as that tier", async () => {
    verifies("identity.lower_than_expected");
    const { start, end } = flight();
    const usd = (micros: number) => ({ amount_micros: micros, currency: "USD" });
    const terms = { impressions: 2_000_000, flight_start: start, flight_end: end, guaranteed: false };
    const expires = { expires_at: new Date(Date.now() + 86_400_000).toISOString(), terms };
    const priced = async (final: number) => {
      const pricing = { base_cpm: usd(20_000_000), final_cpm: usd(final), pricing_model: "cpm", tier_discount_pct: 10 };
      const { origin } = await stub({
        "GET /products": {
          json: {
            products: [{ product_id: "prod-1", name: "P", base_price: usd(20_000_000), ext: { deal_types: ["PD"] } }],
          },
        },
        "POST /api/v1/quotes": stubQuote({ ...expires, pricing, buyer_tier: "agency" }),
      });
      const desk = bench.other(withSeller("northbeam", { url: origin }));
      return (await quoted(desk, item("northbeam/prod-1", { impressions: 2_000_000 }))).warnings;
    };
    expect(await priced(18_000_000)).toEqual([]);
    expect(await priced(18_010_000)).toEqual([]);
    expect(await priced(19_000_000)).toEqual([
      "19.00 USD is not the 10 % below the list price of 20.00 USD that agency should bring",
    ]);
  });
});
