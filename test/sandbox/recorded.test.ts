import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SandboxSeller } from "../../src/sandbox/sandbox-seller.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { at, book, display, get, negotiate, post, quoted, usd } from "./calls.ts";

/** The figures below were recorded from the real IAB seller agent 2.4.2; the sandbox must meet them exactly. */

let sandbox: Sandbox;
let seller: SandboxSeller;

beforeAll(async () => {
  sandbox = await startSandbox({ gapMs: 0 });
  seller = sandbox.seller("northbeam");
});

afterAll(() => sandbox.close());

async function finalCpm(fields: object, tier: "seat" | "agency" | "advertiser" | null = "advertiser") {
  const body = { idempotency_key: randomUUID(), ...display, ...fields };
  const heard = await post(seller, "/api/v1/quotes", body, tier ? { tier } : {});
  return at(heard.body, "quote", "pricing", "final_cpm");
}

describe("quotes", () => {
  test("an advertiser's quote for five million display impressions", async () => {
    const body = { idempotency_key: randomUUID(), ...display };
    const heard = await post(seller, "/api/v1/quotes", body, { tier: "advertiser" });
    expect(heard.status).toBe(200);
    expect(heard.body).toMatchObject({
      quote: {
        quote_id: expect.stringMatching(/^qt-[0-9a-f]{12}$/),
        status: "available",
        deal_type: "PD",
        pricing: {
          base_cpm: usd(15),
          tier_discount_pct: 15,
          volume_discount_pct: 5,
          final_cpm: usd(12.11),
          rationale:
            "Base price: $15.00 CPM | Advertiser tier: -15% | Volume discount: -5.0% | Final price: $12.11 CPM | (Total savings: 19.3%)",
        },
        terms: { impressions: 5_000_000, flight_start: "2026-12-01", flight_end: "2026-12-31", guaranteed: false },
        availability: { inventory_available: true },
        buyer_tier: "advertiser",
        deal_id: null,
        media_type: "digital",
      },
    });
  });

  test("a guaranteed CTV quote says so, keeps its media type once and then forgets it", async () => {
    const fields = { product_id: "prod-53e78a97", deal_type: "PG", media_type: "ctv" };
    const body = { idempotency_key: randomUUID(), ...display, ...fields };
    const heard = await post(seller, "/api/v1/quotes", body, { tier: "advertiser" });
    expect(heard.body).toMatchObject({
      quote: { pricing: { final_cpm: usd(28.26) }, terms: { guaranteed: true }, media_type: "ctv" },
    });
    expect(at(heard.body, "quote", "pricing", "rationale")).toContain("(Total savings: 19.2%)");
    const read = await get(seller, `/api/v1/quotes/${String(at(heard.body, "quote", "quote_id"))}`);
    expect(at(read.body, "quote", "media_type")).toBe("digital");
  });

  test("tiers and volumes price as recorded", async () => {
    expect(await finalCpm({}, null)).toEqual(usd(15));
    expect(await finalCpm({}, "seat")).toEqual(usd(14.25));
    expect(await finalCpm({ impressions: null })).toEqual(usd(12.75));
    expect(await finalCpm({ impressions: 0 })).toEqual(usd(12.75));
    // 15.00 less 10 % and 5 % is 12.825, stored just below the tie.
    expect(await finalCpm({}, "agency")).toEqual(usd(12.82));
  });

  test("identity in the body or an agent_url prices nothing up", async () => {
    const buyer_identity = { agency_id: "a", advertiser_id: "b" };
    expect(await finalCpm({ buyer_identity }, null)).toEqual(usd(15));
    expect(await finalCpm({ agent_url: "http://127.0.0.1:9/" })).toEqual(usd(15));
  });

  test("a wished CPM is taken as it stands from the floor upwards, ignored below, its currency dropped", async () => {
    expect(await finalCpm({ target_cpm: usd(40) })).toEqual(usd(40));
    expect(await finalCpm({ target_cpm: usd(10) })).toEqual(usd(10));
    expect(await finalCpm({ target_cpm: usd(9.99) })).toEqual(usd(12.11));
    expect(await finalCpm({ target_cpm: { amount_micros: 12_000_000, currency: "EUR" } })).toEqual(usd(12));
  });

  test("more than there is still quotes and books", async () => {
    const id = await quoted(seller, { impressions: 9_000_000 });
    const read = await get(seller, `/api/v1/quotes/${id}`);
    expect(read.body).toMatchObject({ quote: { status: "available", availability: { inventory_available: false } } });
    expect((await book(seller, id)).status).toBe(200);
  });

  test("large volumes go below the product's floor", async () => {
    const heard = await post(
      seller,
      "/pricing",
      { product_id: "prod-53e78a97", volume: 50_000_000 },
      { tier: "advertiser" },
    );
    expect(heard.body).toEqual({
      product_id: "prod-53e78a97",
      base_price: 35,
      final_price: 23.8,
      currency: "USD",
      tier_discount: 0.15,
      volume_discount: 0.2,
      rationale:
        "Base price: $35.00 CPM | Advertiser tier: -15% | Volume discount: -20.0% | Final price: $23.80 CPM | (Total savings: 32.0%)",
    });
  });
});

describe("negotiation", () => {
  test("10.50, 10.80, 11.00 are answered 11.98, 11.21, 11.07, and 11.07 is what is booked", async () => {
    const id = await quoted(seller);
    const first = await negotiate(seller, id, "counter", 10.5);
    expect(first.body).toMatchObject({
      status: "active",
      round: {
        round_number: 1,
        buyer_price: usd(10.5),
        seller_price: usd(11.98),
        action: "counter",
        concession_pct: 0.060392156862745065,
        rationale: "Counter at $11.98 CPM (premium strategy, round 1/6).",
      },
      rounds_remaining: 5,
    });
    const second = await negotiate(seller, id, "counter", 10.8);
    expect(at(second.body, "round", "seller_price")).toEqual(usd(11.21));
    expect(at(second.body, "round", "cumulative_concession_pct")).toBe(0.12078431372549013);
    const third = await negotiate(seller, id, "counter", 11);
    expect(at(third.body, "round", "seller_price")).toEqual(usd(11.07));
    expect(at(third.body, "round", "concession_pct")).toBe(0.010980392156862792);
    const struck = await negotiate(seller, id, "accept", 11.07);
    expect(struck.body).toMatchObject({
      status: "accepted",
      round: { round_number: 4, seller_price: usd(11.07), action: "accept", concession_pct: 0 },
      rounds_remaining: 0,
    });
    const deal = await book(seller, id, { notes: "IO 1" });
    expect(deal.body).toMatchObject({
      deal: {
        deal_id: expect.stringMatching(/^DEMO-[0-9A-F]{12}$/),
        status: "proposed",
        quote_id: id,
        seller_id: null,
        pricing: { final_cpm: usd(11.07), rationale: expect.stringContaining("Negotiated to $11.07 CPM (neg-") },
        openrtb_params: { bidfloor: usd(11.07), at: 1 },
      },
    });
    const after = await get(seller, `/api/v1/quotes/${id}`);
    const dealId = at(deal.body, "deal", "deal_id");
    expect(after.body).toMatchObject({
      quote: { status: "booked", deal_id: dealId, pricing: { final_cpm: usd(11.07) } },
    });
    expect(sandbox.deals("northbeam", id)).toMatchObject([{ deal_id: dealId, cpm_micros: 11_070_000 }]);
  });

  test("an offer kept at 10.10 runs into the final offer and then the end of the rounds", async () => {
    const id = await quoted(seller);
    const heard: unknown[] = [];
    for (let round = 0; round < 7; round += 1) {
      const { body } = await negotiate(seller, id, "counter", 10.1);
      const micros = Number(at(body, "round", "seller_price", "amount_micros"));
      heard.push([
        micros / 1e6,
        at(body, "round", "action"),
        at(body, "round", "concession_pct"),
        at(body, "rounds_remaining"),
      ]);
    }
    expect(heard).toEqual([
      [11.98, "counter", 0.060392156862745065, 5],
      [11.21, "counter", 0.060392156862745065, 4],
      [10.49, "counter", 0.056470588235294175, 3],
      [10.2, "final_offer", 0.022745098039215622, 2],
      [10.2, "final_offer", 0, 1],
      [10.2, "final_offer", 0, 0],
      [12.75, "reject", 0, 0],
    ]);
    const late = await negotiate(seller, id, "counter", 12);
    expect(late).toMatchObject({ status: 400, body: { detail: "Negotiation is rejected, cannot counter" } });
    // A rejected negotiation does not touch the quote.
    expect(at((await book(seller, id)).body, "deal", "pricing", "final_cpm")).toEqual(usd(12.11));
  });

  test("a negotiation may end above the quote, and then that is the price", async () => {
    const id = await quoted(seller);
    const countered = await negotiate(seller, id, "counter", 12);
    expect(at(countered.body, "round", "seller_price")).toEqual(usd(12.26));
    await negotiate(seller, id, "accept");
    expect(at((await book(seller, id)).body, "deal", "pricing", "final_cpm")).toEqual(usd(12.26));
  });

  test("an overbid is taken as it stands", async () => {
    const id = await quoted(seller);
    const heard = await negotiate(seller, id, "counter", 99);
    expect(heard.body).toMatchObject({ status: "accepted", round: { seller_price: usd(99), action: "accept" } });
    expect(at((await book(seller, id)).body, "deal", "pricing", "final_cpm")).toEqual(usd(99));
  });

  test("an offer below the floor is answered with the floor, which is then accepted", async () => {
    const id = await quoted(seller);
    const shown = await negotiate(seller, id, "counter", 1);
    expect(shown.body).toMatchObject({ status: "active", round: { seller_price: usd(10), action: "counter" } });
    expect(at((await negotiate(seller, id, "counter", 10)).body, "status")).toBe("accepted");
  });

  test("accept strikes at the seller's price whatever is written; a later reject only sounds like one", async () => {
    const id = await quoted(seller);
    await negotiate(seller, id, "counter", 11);
    const struck = await negotiate(seller, id, "accept", 5);
    expect(struck.body).toMatchObject({ status: "accepted", round: { buyer_price: usd(5), seller_price: usd(11.98) } });
    const denied = await negotiate(seller, id, "reject");
    expect(denied).toMatchObject({
      status: 200,
      body: { status: "rejected", round: { round_number: 2, action: "reject" } },
    });
    const history = await get(seller, `/proposals/${id}/negotiation`);
    expect(history.body).toMatchObject({
      status: "accepted",
      strategy: "premium",
      base_price: 12.75,
      floor_price: 10,
      max_rounds: 6,
      total_rounds: 2,
      rounds: [{ seller_price: 11.98 }, { buyer_price: 5, seller_price: 11.98, action: "accept" }],
    });
    expect(at((await book(seller, id)).body, "deal", "pricing", "final_cpm")).toEqual(usd(11.98));
  });

  test("the first sender's tier holds for good", async () => {
    const id = await quoted(seller);
    await negotiate(seller, id, "counter", 12, {});
    const heard = await negotiate(seller, id, "counter", 12.5);
    expect(at(heard.body, "round", "rationale")).toContain("aggressive strategy, round 2/3");
  });

  test("negotiation_id leads nowhere, nor does closing what was never opened", async () => {
    const id = await quoted(seller);
    const none = await negotiate(seller, id, "accept");
    expect(none).toMatchObject({ status: 404, body: { detail: "No negotiation found for this proposal" } });
    const opened = await negotiate(seller, id, "counter", 11);
    const body = { idempotency_key: randomUUID(), quote_id: id, negotiation_id: at(opened.body, "negotiation_id") };
    const heard = await post(seller, "/api/v1/negotiations/messages", {
      ...body,
      action: "counter",
      buyer_price: usd(11),
    });
    expect(heard).toMatchObject({ status: 404, body: { detail: "Proposal not found" } });
  });

  test("the older counter speaks floats and works on a quote", async () => {
    const id = await quoted(seller);
    const heard = await post(seller, `/proposals/${id}/counter`, { buyer_price: 10.5 }, { tier: "advertiser" });
    expect(heard.body).toMatchObject({
      round_number: 1,
      action: "counter",
      buyer_price: 10.5,
      seller_price: 11.98,
      status: "active",
    });
    expect((await post(seller, `/proposals/${id}/counter`, { price: 11 })).status).toBe(422);
  });
});
