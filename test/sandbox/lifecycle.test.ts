import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SandboxSeller } from "../../src/sandbox/sandbox-seller.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { at, book, display, get, negotiate, post, quoted, usd } from "./calls.ts";

/** What becomes of quotes, deals and orders over time, and the seller of the earlier contract. */

let sandbox: Sandbox;
let northbeam: SandboxSeller;
let harborview: SandboxSeller;

beforeAll(async () => {
  sandbox = await startSandbox({ gapMs: 0 });
  northbeam = sandbox.seller("northbeam");
  harborview = sandbox.seller("harborview");
});

afterAll(() => sandbox.close());

describe("expiry", () => {
  test("an unbooked quote is gone after its time, its key with it", async () => {
    const id = await quoted(northbeam);
    sandbox.expireQuote("northbeam", id, true);
    expect(await get(northbeam, `/api/v1/quotes/${id}`)).toMatchObject({
      status: 404,
      body: { detail: { error: "quote_not_found", message: `Quote '${id}' not found.` } },
    });
    const kept = await quoted(northbeam);
    sandbox.expireQuote("northbeam", kept);
    expect(await get(northbeam, `/api/v1/quotes/${kept}`)).toMatchObject({
      status: 410,
      body: { detail: { error: "quote_expired", message: "Quote has expired. Request a new quote." } },
    });
    expect((await book(northbeam, kept)).status).toBe(410);
  });

  test("by the seller's clock: unbooked 404, booked 410 though the deal stands", async () => {
    let now = Date.parse("2026-11-20T06:40:23Z");
    const own = await startSandbox({ sellers: ["northbeam"], gapMs: 0, quoteTtlMs: 60_000, now: () => now });
    try {
      const seller = own.seller("northbeam");
      const request = { idempotency_key: randomUUID(), ...display };
      const heard = await post(seller, "/api/v1/quotes", request);
      expect(at(heard.body, "quote", "expires_at")).toBe("2026-11-20T06:41:23.000Z");
      expect(heard.headers.get("date")).toBe("Fri, 20 Nov 2026 06:40:23 GMT");
      const booked = await quoted(seller);
      const deal = await book(seller, booked);
      now += 60_000;
      expect((await get(seller, `/api/v1/quotes/${String(at(heard.body, "quote", "quote_id"))}`)).status).toBe(404);
      expect((await post(seller, "/api/v1/quotes", request)).status).toBe(404);
      expect((await get(seller, `/api/v1/quotes/${booked}`)).status).toBe(410);
      expect((await get(seller, `/api/v1/deals/${String(at(deal.body, "deal", "deal_id"))}`)).status).toBe(200);
      now += 30 * 86_400_000;
      const old = await get(seller, `/api/v1/deals/${String(at(deal.body, "deal", "deal_id"))}`);
      expect(at(old.body, "deal", "status")).toBe("expired");
    } finally {
      await own.close();
    }
  });
});

describe("the seller of the earlier contract", () => {
  const audio = { product_id: "prod-a31c6f02", impressions: 1_000_000 };

  test("negotiates only proposal by proposal", async () => {
    const id = await quoted(harborview, audio, { tier: "agency" });
    expect(await negotiate(harborview, id, "counter", 12, { tier: "agency" })).toMatchObject({
      status: 404,
      body: { detail: "Not Found" },
    });
    const heard = await post(harborview, `/proposals/${id}/counter`, { buyer_price: 12 }, { tier: "agency" });
    // 13.50 to start from, half of the gap, at most 5 % of it a round.
    expect(heard.body).toMatchObject({ seller_price: 12.82, status: "active", rounds_remaining: 4 });
    const taken = await post(harborview, `/proposals/${id}/counter`, { buyer_price: 12.82 }, { tier: "agency" });
    expect(taken.body).toMatchObject({ seller_price: 12.82, action: "accept", status: "accepted" });
    const deal = await book(harborview, id, {}, { tier: "agency" });
    expect(at(deal.body, "deal", "pricing", "final_cpm")).toEqual(usd(12.82));
  });

  test("does not negotiate with the public or a seat", async () => {
    const id = await quoted(harborview, audio, { tier: "seat" });
    for (const saying of [{}, { tier: "seat" } as const]) {
      const heard = await post(harborview, `/proposals/${id}/counter`, { buyer_price: 12 }, saying);
      expect(heard.status).toBe(403);
      expect(typeof at(heard.body, "detail")).toBe("string");
    }
  });
});

describe("orders, changes and the end of a deal", () => {
  test("an order is a draft note that only the seller moves", async () => {
    const made = await post(
      northbeam,
      "/api/v1/orders",
      { deal_id: "DEMO-X", metadata: { po: "1" } },
      { tier: "agency" },
    );
    expect(made.body).toMatchObject({ status: "draft", deal_id: "DEMO-X", quote_id: null, metadata: { po: "1" } });
    const id = String(at(made.body, "order_id"));
    expect((await get(northbeam, `/api/v1/orders/${id}`)).body).toEqual(made.body);
    expect((await get(northbeam, "/api/v1/orders?status=draft")).body).toMatchObject({ count: 1 });
    const move = (headers: Record<string, string>, to_status: string) =>
      post(northbeam, `/api/v1/orders/${id}/transition`, { to_status }, { headers });
    expect((await move({}, "submitted")).status).toBe(401);
    expect((await move({ "X-Api-Key": northbeam.keys.agency }, "submitted")).status).toBe(403);
    const operator = { "X-Api-Key": "sandbox-northbeam-operator" };
    expect((await move(operator, "booked")).status).toBe(409);
    expect((await move(operator, "submitted")).body).toMatchObject({ status: "submitted" });
    expect((await get(northbeam, `/api/v1/orders/${id}/history`)).body).toMatchObject({
      current_status: "submitted",
      transitions: [{ from_status: "draft", to_status: "submitted" }],
    });
    expect((await get(northbeam, "/api/v1/orders/ORD-0")).status).toBe(404);
  });

  test("change requests: minor ones pass, a cancellation waits, an order without a deal crashes", async () => {
    const order = await post(northbeam, "/api/v1/orders", { deal_id: "DEMO-X" });
    const order_id = at(order.body, "order_id");
    const minor = await post(northbeam, "/api/v1/change-requests", { order_id, change_type: "creative" });
    expect(minor.body).toMatchObject({ status: "approved", severity: "minor", approved_by: "system:auto-approve" });
    const critical = await post(northbeam, "/api/v1/change-requests", { order_id, change_type: "cancellation" });
    expect(critical.body).toMatchObject({ status: "pending_approval", severity: "critical" });
    expect((await get(northbeam, `/api/v1/orders/${String(order_id)}`)).body).toEqual(order.body);
    const audit = await get(northbeam, `/api/v1/orders/${String(order_id)}/audit`);
    expect(audit.body).toMatchObject({ current_status: "draft", transition_count: 0, change_request_count: 2 });
    const bare = await post(northbeam, "/api/v1/orders", {});
    const crash = await post(northbeam, "/api/v1/change-requests", {
      order_id: at(bare.body, "order_id"),
      change_type: "creative",
    });
    expect(crash).toMatchObject({ status: 500, body: "Internal Server Error" });
    expect(crash.headers.get("content-type")).toContain("text/plain");
  });

  test("a deal is cancelled in a batch, by anybody, and stays booked on its quote", async () => {
    const id = await quoted(northbeam);
    const dealId = String(at((await book(northbeam, id)).body, "deal", "deal_id"));
    const operations = [
      { action: "cancel", deal_id: dealId },
      { action: "cancel", deal_id: "DEMO-NONE" },
    ];
    expect((await post(northbeam, "/api/v1/deals/bulk", { operations })).body).toMatchObject({
      total: 2,
      succeeded: 1,
      failed: 1,
      results: [
        { index: 0, action: "cancel", success: true, deal_id: dealId, error: null },
        { index: 1, success: false },
      ],
    });
    expect(at((await get(northbeam, `/api/v1/deals/${dealId}`)).body, "deal", "status")).toBe("cancelled");
    expect(at((await get(northbeam, `/api/v1/quotes/${id}`)).body, "quote", "status")).toBe("booked");
  });

  test("a batch-made deal cannot be read, and performance is a placeholder", async () => {
    const id = await quoted(northbeam);
    const made = await post(northbeam, "/api/v1/deals/bulk", { operations: [{ action: "create", quote_id: id }] });
    const bare = String(at(made.body, "results", 0, "deal_id"));
    expect((await get(northbeam, `/api/v1/deals/${bare}`)).body).toBe("Internal Server Error");
    const dealId = String(at((await book(northbeam, id)).body, "deal", "deal_id"));
    expect((await get(northbeam, `/api/v1/deals/${dealId}/performance`)).body).toMatchObject({
      impressions_available: 1_000_000,
      impressions_served: 0,
      delivery_pacing: "not_started",
    });
  });

  test("auction types are inverted as at the real seller", async () => {
    const id = await quoted(northbeam, { product_id: "prod-2b6d04e1", deal_type: "PA" });
    expect(at((await book(northbeam, id)).body, "deal", "openrtb_params", "at")).toBe(3);
  });

  test("the supply chain names the publisher", async () => {
    const heard = await get(northbeam, "/api/v1/supply-chain");
    expect(heard.body).toMatchObject({
      domain: "northbeam.example",
      is_direct: true,
      schain: [{ asi: "northbeam.example" }],
    });
  });
});
