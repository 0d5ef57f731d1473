import { describe, expect, test } from "vitest";
import { parseMoney } from "../../src/domain/money.ts";
import { failureOf } from "../contract/seller-bench.ts";
import { quote as sampleQuote } from "../unit/sample.ts";
import { verifies } from "../requirements.ts";
import { asked, pricing, product, quote, request, terms, usd } from "./stub-answers.ts";
import { agency, anonymous, type Stubbed, stub } from "./stub-seller.ts";

/** A quote of the seller's, as it was kept; only its id goes back on the wire. */
const known = { ...sampleQuote, sellerQuoteId: "qt-1" };

describe("a card", () => {
  const card = (answer: Stubbed) => stub({ "GET /.well-known/agent.json": answer });

  test("is read whatever single field of it is missing or of another kind", async () => {
    verifies("discovery.card.malformed");
    const whole = {
      name: "Northbeam",
      version: "2.4.2",
      url: "https://other.example/",
      inventory_types: ["ctv", "video", "hologram"],
      supported_deal_types: ["pg", "pmp", "preferred_deal", "private_auction"],
      skills: [{ id: "pricing" }, { id: "deals" }],
    };
    for (const field of Object.keys(whole)) {
      for (const value of [undefined, null, 7, "text", { a: [] }, [null, 7]]) {
        const { seller } = await card({ json: { ...whole, [field]: value } });
        const read = await seller.card(anonymous);
        expect(read.capabilities).toContain("quote");
        if (field !== "url") expect(read.url).toBe("https://other.example/");
        if (field !== "inventory_types") expect(read.channels).toEqual(["ctv", "online_video"]);
        if (field !== "supported_deal_types") expect(read.dealTypes).toEqual(["PG", "PA", "PD"]);
        if (field !== "skills") expect(read.capabilities).not.toContain("negotiate");
      }
    }
  });

  test.each([
    ["2.4.2", true],
    ["2.99", true],
    ["1.9.0", true],
    ["3.0.0", false],
    ["12.1", false],
    ["seven", false],
    [null, false],
  ])("of version %s: works = %s", async (version, ok) => {
    const { seller } = await card({ json: { name: "N", version } });
    expect((await seller.card(anonymous)).compatibility.ok).toBe(ok);
  });

  test("names a URL that is shown and never called", async () => {
    verifies("discovery.card.endpoints");
    const made = await card({ json: { name: "N", url: "http://169.254.169.254/latest" } });
    expect((await made.seller.card(anonymous)).url).toBe("http://169.254.169.254/latest");
    expect(made.seen).toEqual(["GET /.well-known/agent.json"]);
    const script = await card({ json: { name: "N", url: "javascript:alert(1)" } });
    expect((await script.seller.card(anonymous)).url).toBeNull();
  });

  test.each([{ json: [] }, { json: null }, { json: "card" }, { status: 200, text: "<html>" }] as const)(
    "%j is none",
    async (answer) => {
      const { seller } = await card(answer);
      expect(await failureOf(seller.card(anonymous))).toMatchObject({ kind: "invalid_answer" });
    },
  );
});

describe("avails", () => {
  const base = { "GET /products/prod-1": { json: { product_id: "prod-1", name: "P", base_price: usd(15_000_000) } } };
  const avails = async (json: unknown, answers: object = base) =>
    (await stub({ ...answers, "POST /products/avails": { json } })).seller.avails(
      "prod-1",
      request.flight,
      1_000,
      agency,
    );
  const legacy = { productid: "prod-1", availableImpressions: 5_000_000, guaranteedImpressions: null };

  test("are read in both dialects", async () => {
    expect(await avails({ ...legacy, estimatedCpm: 15.1, totalCost: 75_500 })).toEqual({
      available: 5_000_000,
      guaranteed: null,
      estimatedCpm: parseMoney("15.10 USD"),
      estimatedTotal: parseMoney("75500 USD"),
    });
    const other = { productid: "other", availability: 1, price: 1, currency: "EUR" };
    const own = { productid: "prod-1", availability: 70_000, price: 15, currency: "EUR" };
    expect(await avails({ avails: [other, own] })).toEqual({
      available: 70_000,
      guaranteed: null,
      estimatedCpm: parseMoney("15 EUR"),
      estimatedTotal: null,
    });
  });

  test("give no CPM that is a total, or contradicts the total, or has no currency", async () => {
    const totals = [
      { estimatedCpm: 75_000, totalCost: 75_000 },
      { estimatedCpm: 75_000 },
      { estimatedCpm: 15, totalCost: 15 },
      { estimatedCpm: -1 },
    ];
    for (const figures of totals) expect((await avails({ ...legacy, ...figures })).estimatedCpm).toBeNull();
    expect((await avails({ ...legacy, estimatedCpm: 15 }, {})).estimatedCpm).toBeNull();
  });

  test("of another product are not believed", async () => {
    for (const json of [{ ...legacy, productid: "other" }, { avails: [] }, { productid: 7 }]) {
      expect(await failureOf(avails(json))).toMatchObject({ kind: "invalid_answer" });
    }
  });
});

describe("a quote", () => {
  test.each([
    ["another product", { product: { ...product, product_id: "prod-2" } }],
    ["another deal type", { deal_type: "PG" }],
    ["another volume", { terms: { ...terms, impressions: 99_999 } }],
    ["other dates", { terms: { ...terms, flight_end: "2027-02-01" } }],
    [
      "EUR instead of USD",
      { pricing: { ...pricing, base_cpm: null, final_cpm: { amount_micros: 1, currency: "EUR" } } },
    ],
  ])("for %s is not taken", async (why, change) => {
    const error = await failureOf(asked(quote(change)));
    expect(error).toMatchObject({ kind: "invalid_answer", definite: false });
    expect(error.message).toBe(`stub answered for a quote, but it is for ${why}.`);
  });

  test.each([
    ["no price", { pricing: { ...pricing, final_cpm: null } }],
    ["a float price", { pricing: { ...pricing, final_cpm: 13.5 } }],
    ["micros with a fraction", { pricing: { ...pricing, final_cpm: usd(1.5) } }],
    ["a price of nothing", { pricing: { ...pricing, final_cpm: usd(0) } }],
    ["a negative price", { pricing: { ...pricing, final_cpm: usd(-5) } }],
    ["mixed currencies", { pricing: { ...pricing, base_cpm: { amount_micros: 1, currency: "EUR" } } }],
    ["a price per point", { pricing: { ...pricing, pricing_model: "cpp" } }],
    ["no expiry", { expires_at: null }],
    ["an expiry that is no moment", { expires_at: "tomorrow" }],
    ["a day that is none", { terms: { ...terms, flight_start: "2027-02-30" } }],
    ["no volume", { terms: { ...terms, impressions: null } }],
    ["an id with a line break", { quote_id: "qt\n1" }],
    ["an unknown deal type", { deal_type: "barter" }],
  ])("with %s is not taken", async (_, change) => {
    expect(await failureOf(asked(quote(change)))).toMatchObject({ kind: "invalid_answer", definite: false });
  });

  test("is read with other words for the same, a time without zone, and what is missing as unknown", async () => {
    const plain = await asked(
      quote({
        deal_type: "preferreddeal",
        expires_at: "2026-11-21T06:40:23.583421",
        availability: null,
        terms: { ...terms, guaranteed: null },
        pricing: { final_cpm: usd(13_500_000) },
        product: { product_id: "prod-1" },
        extra: { deep: [1] },
      }),
    );
    expect(plain).toMatchObject({
      dealType: "PD",
      guaranteed: false,
      expiresAt: "2026-11-21T06:40:23.583Z",
      inventoryAvailable: null,
      listCpm: parseMoney("13.50 USD"),
      product: { name: "prod-1", channel: null },
    });
    expect((await asked(quote({ expires_at: "2026-11-21T08:40:23+02:00" }))).expiresAt).toBe(
      "2026-11-21T06:40:23.000Z",
    );
  });

  test("of a status we have no word for is not open", async () => {
    verifies("quote.status_available");
    expect((await asked(quote({ status: "on_hold" }))).state).toBe("declined");
  });

  test("does not raise what we show by claiming to know us better", async () => {
    expect((await asked(quote({ buyer_tier: "advertiser" }))).pricedAs).toBe("agency");
    expect((await asked(quote({ buyer_tier: "advertiser" }), anonymous)).pricedAs).toBe("public");
    expect((await asked(quote({ buyer_tier: "public" }))).pricedAs).toBe("public");
    expect((await asked(quote({ buyer_tier: "platinum" }))).pricedAs).toBe("public");
  });

  test("says which of the targeting the seller has no field for", async () => {
    verifies("tool.request_quote.not_honoured");
    expect((await asked(quote())).notHonoured).toEqual(["geo", "frequency_cap"]);
  });

  test("read back carries the price of an accepted negotiation, written in floats, exactly", async () => {
    const round = (seller_price: number, action: string) => ({ seller_price, action });
    const history = { status: "accepted", rounds: [round(11.98, "counter"), round(10.200000000000001, "accept")] };
    const answers = { "GET /api/v1/quotes/qt-1": quote(), "GET /proposals/qt-1/negotiation": { json: history } };
    const { seller } = await stub(answers);
    const read = await seller.readQuote(known, request, agency);
    expect(read.quote.cpm).toEqual(parseMoney("10.20 USD"));
    expect(read.negotiation).toEqual({ status: "accepted", sellerCpm: parseMoney("10.20 USD"), rounds: 2 });
  });

  test("is not read back on half the truth", async () => {
    const other = await stub({ "GET /api/v1/quotes/qt-1": quote({ quote_id: "qt-2" }) });
    expect(await failureOf(other.seller.readQuote(known, request, agency))).toMatchObject({ kind: "invalid_answer" });
    for (const negotiation of [
      { status: 500, text: "Internal Server Error" },
      { status: 404, text: "<html>" },
      { json: { status: "accepted", rounds: [] } },
    ]) {
      const answers = { "GET /api/v1/quotes/qt-1": quote(), "GET /proposals/qt-1/negotiation": negotiation };
      const { seller } = await stub(answers);
      expect((await failureOf(seller.readQuote(known, request, agency))).definite).toBe(false);
    }
  });
});

describe("a seller whose clock differs", () => {
  const expiry = async (aheadMs: number) => {
    const date = new Date(Date.now() + aheadMs).toUTCString();
    const { expiresAt } = await asked({ ...quote({ expires_at: "2027-01-01T12:00:00Z" }), date });
    return expiresAt;
  };

  test("is read on ours, by its Date header; seconds are no difference", async () => {
    expect(await expiry(0)).toBe("2027-01-01T12:00:00.000Z");
    expect(await expiry(20_000)).toBe("2027-01-01T12:00:00.000Z");
    expect(await expiry(600_000 + 5_000)).toBe("2027-01-01T11:50:00.000Z");
    expect(await expiry(-600_000 - 5_000)).toBe("2027-01-01T12:10:00.000Z");
  });
});
