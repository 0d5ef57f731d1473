import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SandboxSeller } from "../../src/sandbox/sandbox-seller.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { at, book, display, get, negotiate, post, quoted, usd } from "./calls.ts";

let sandbox: Sandbox;
let northbeam: SandboxSeller;
let harborview: SandboxSeller;

beforeAll(async () => {
  sandbox = await startSandbox({ gapMs: 0 });
  northbeam = sandbox.seller("northbeam");
  harborview = sandbox.seller("harborview");
});

afterAll(() => sandbox.close());

function askQuote(fields: object, tier?: "advertiser") {
  const body = { idempotency_key: randomUUID(), ...display, ...fields };
  return post(northbeam, "/api/v1/quotes", body, tier ? { tier } : {});
}

describe("discovery and catalogue", () => {
  test("each seller's card names the address it answers at and its edition", async () => {
    const cards = await Promise.all(sandbox.sellers.map((seller) => get(seller, "/.well-known/agent.json")));
    expect(cards.map((card) => [at(card.body, "url"), at(card.body, "version")])).toEqual(
      sandbox.sellers.map((seller) => [seller.url, seller.version]),
    );
    expect(sandbox.sellers.map((seller) => seller.version)).toEqual(["2.4.2", "1.9.0", "2.4.2"]);
    expect((await get(northbeam, "/.well-known/agent-card.json")).status).toBe(404);
    expect((await get(northbeam, "/health")).body).toEqual({ status: "healthy" });
  });

  test("the three catalogues cover every inventory type, with unique ids and floors below prices", async () => {
    const kits = await Promise.all(sandbox.sellers.map((seller) => get(seller, "/products")));
    const products = kits.flatMap((kit) => Array.from(Object.values(Object(at(kit.body, "products")))));
    const types = new Set(products.map((product) => at(product, "ext", "inventory_type")));
    expect([...types].sort()).toEqual([
      "audio",
      "ctv",
      "display",
      "dooh",
      "linear_tv",
      "mobile_app",
      "native",
      "video",
    ]);
    const ids = products.map((product) => at(product, "product_id"));
    expect(new Set(ids).size).toBe(ids.length);
    for (const product of products) {
      const micros = at(product, "base_price", "amount_micros");
      if (micros !== undefined) expect(Number(at(product, "ext", "floor_cpm")) * 1e6).toBeLessThan(Number(micros));
    }
    const unpriced = products.filter((product) => at(product, "base_price") === null);
    expect(unpriced.map((product) => at(product, "ext", "inventory_type"))).toEqual(["dooh"]);
  });

  test("products are paged, one by one, and not searched", async () => {
    const page = await get(northbeam, "/products?limit=2&offset=1");
    expect(page.body).toMatchObject({ total_count: 9, limit: 2, offset: 1 });
    expect(at(page.body, "products", 1, "product_id")).toBe("prod-7c19f3a0");
    const one = await get(northbeam, "/products/prod-53e78a97");
    expect(one.body).toMatchObject({
      name: "CTV Sports Live",
      base_price: usd(35),
      available_impressions: 20_000_000,
      ext: { inventory_type: "ctv", floor_cpm: 28, minimum_impressions: 10_000, deal_types: ["PG", "PD"] },
    });
    expect(await get(northbeam, "/products/nope")).toMatchObject({
      status: 404,
      body: { detail: "Product not found" },
    });
    expect((await post(northbeam, "/products/search", {})).status).toBe(405);
    expect((await get(northbeam, "/products?limit=0")).status).toBe(422);
    expect((await get(northbeam, "/products/")).status).toBe(307);
  });

  test("avails answer in the dialect of the question and ignore the flight", async () => {
    const flight = { startdate: "2026-12-01T00:00:00Z", enddate: "2026-12-31T00:00:00Z" };
    const older = { productid: "prod-91ddc363", ...flight, requestedImpressions: 5_000_000 };
    expect((await post(northbeam, "/products/avails", older)).body).toEqual({
      productid: "prod-91ddc363",
      availableImpressions: 5_000_000,
      guaranteedImpressions: 5_000_000,
      estimatedCpm: 15,
      totalCost: 75_000,
      availableTargeting: ["section"],
    });
    const batch = { productids: ["prod-91ddc363"], accountid: "acct-1", advertiserbrandid: "brand-1", ...flight };
    expect((await post(northbeam, "/products/avails", batch)).body).toMatchObject({
      avails: [{ availability: 10_000, availsstatus: { status: "Available" }, currency: "USD", price: 15, ...flight }],
    });
    const producttargeting = [{ target: "requestedimpressions", targetvalues: ["9000000"] }];
    expect((await post(northbeam, "/products/avails", { ...batch, producttargeting })).body).toMatchObject({
      avails: [{ availability: 5_000_000, availsstatus: { status: "Partially Available" } }],
    });
    const unknown = { ...batch, productids: ["x", "prod-91ddc363"] };
    expect(await post(northbeam, "/products/avails", unknown)).toMatchObject({
      status: 404,
      body: { detail: "Products not found: x" },
    });
    expect((await post(northbeam, "/products/avails", { productid: "prod-91ddc363" })).status).toBe(422);
    expect((await post(harborview, "/products/avails", { ...older, productid: "prod-f114d7a7" })).status).toBe(422);
  });

  test("the media kit shows ranges, packages exact prices to a key and to whoever claims to be somebody", async () => {
    const kit = await get(northbeam, "/media-kit");
    expect(kit.body).toMatchObject({ total_packages: 3, featured_count: 2 });
    expect(at(kit.body, "all_packages", 0)).toMatchObject({ package_id: "pkg-a084a774", price_range: "$25-$37 CPM" });
    expect(at(kit.body, "all_packages", 0, "exact_price")).toBeUndefined();
    const known = await get(northbeam, "/packages/pkg-a084a774", { tier: "advertiser" });
    expect(known.body).toMatchObject({
      exact_price: 26.35,
      price_range: "$26 CPM",
      floor_price: 24,
      placements: [{ product_id: "prod-53e78a97", product_name: "CTV Sports Live" }, { product_id: "prod-15ba2543" }],
    });
    const claimed = "/packages/pkg-a084a774?buyer_tier=advertiser&agency_id=x&advertiser_id=y";
    expect(at((await get(northbeam, claimed)).body, "exact_price")).toBe(26.35);
    expect(at((await get(northbeam, "/packages/pkg-a084a774")).body, "exact_price")).toBeUndefined();
    expect(await get(northbeam, "/packages?layer=zz")).toMatchObject({
      status: 400,
      body: { detail: "Invalid layer: zz" },
    });
    const results = await post(northbeam, "/media-kit/search", { query: "sports" }, { tier: "agency" });
    expect(at(results.body, "results", 0, "package_id")).toBe("pkg-a084a774");
    expect((await post(northbeam, "/media-kit/search", { query: "zzz" })).body).toEqual({ results: [] });
  });
});

describe("credentials", () => {
  test("X-Api-Key wins over a bearer token; a bearer token alone works", async () => {
    const keys = northbeam.keys;
    const both = { "X-Api-Key": keys.seat, Authorization: `Bearer ${keys.advertiser}` };
    const heard = await post(northbeam, "/pricing", { product_id: "prod-91ddc363" }, { headers: both });
    expect(at(heard.body, "tier_discount")).toBe(0.05);
    const bearer = { Authorization: `Bearer ${keys.advertiser}` };
    const other = await post(northbeam, "/pricing", { product_id: "prod-91ddc363" }, { headers: bearer });
    expect(at(other.body, "tier_discount")).toBe(0.15);
  });

  test("a bad key is refused where keys are read and ignored where they are not; Basic is nobody", async () => {
    const bad = { headers: { "X-Api-Key": "nope" } };
    const refused = await get(northbeam, "/packages", bad);
    expect(refused).toMatchObject({ status: 401, body: { detail: "Invalid API key" } });
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    expect((await post(northbeam, "/api/v1/quotes", {}, bad)).status).toBe(401);
    expect((await get(northbeam, "/products", bad)).status).toBe(200);
    const id = await quoted(northbeam);
    expect((await get(northbeam, `/api/v1/quotes/${id}`, bad)).status).toBe(200);
    const basic = await get(northbeam, "/packages", { headers: { Authorization: "Basic eDp5" } });
    expect(at(basic.body, "packages", 0, "exact_price")).toBeUndefined();
  });

  test("one seller's key is nothing to another", async () => {
    const headers = { "X-Api-Key": northbeam.keys.agency };
    expect((await get(harborview, "/packages", { headers })).status).toBe(401);
  });
});

describe("refusals of quotes and bookings", () => {
  test("business refusals carry a code", async () => {
    const cases: [object, number, string][] = [
      [{ deal_type: "PG", impressions: null }, 400, "pg_requires_impressions"],
      [{ impressions: 1 }, 400, "below_minimum_impressions"],
      [{ product_id: "x" }, 404, "product_not_found"],
      [{ media_type: "linear_tv", linear_tv: { target_demo: "A18-49" } }, 400, "unsupported_capability"],
    ];
    for (const [fields, status, error] of cases) {
      expect(await askQuote(fields)).toMatchObject({ status, body: { detail: { error } } });
    }
    const body = { idempotency_key: randomUUID(), ...display, product_id: "prod-f114d7a7" };
    expect(await post(harborview, "/api/v1/quotes", body)).toMatchObject({
      status: 422,
      body: { detail: "Product 'prod-f114d7a7' has no base_cpm or floor_cpm; avails cannot be priced." },
    });
  });

  test("validation answers field by field", async () => {
    const missing = await post(northbeam, "/api/v1/quotes", { product_id: "prod-91ddc363", deal_type: "PD" });
    expect(missing).toMatchObject({ status: 422 });
    expect(missing.body).toEqual({
      detail: [
        {
          type: "missing",
          loc: ["body", "idempotency_key"],
          msg: "Field required",
          input: { product_id: "prod-91ddc363", deal_type: "PD" },
        },
      ],
    });
    expect((await askQuote({ target_cpm: 1.5 })).body).toEqual({
      detail: [
        {
          type: "model_attributes_type",
          loc: ["body", "target_cpm"],
          msg: "Input should be a valid dictionary or object to extract fields from",
          input: 1.5,
        },
      ],
    });
    const float = await askQuote({ target_cpm: { amount_micros: 1.5 } });
    expect(float.body).toMatchObject({ detail: [{ type: "int_type", loc: ["body", "target_cpm", "amount_micros"] }] });
    expect((await askQuote({ deal_type: "pd" })).body).toMatchObject({
      detail: [{ type: "enum", loc: ["body", "deal_type"], msg: "Input should be 'PG', 'PD' or 'PA'", input: "pd" }],
    });
    const garbled = await fetch(`${northbeam.url}/api/v1/quotes`, { method: "POST", body: "{" });
    expect(garbled.status).toBe(422);
    const id = await quoted(northbeam);
    expect((await negotiate(northbeam, id, "counter")).status).toBe(422);
    expect((await negotiate(northbeam, id, "reject", 5)).status).toBe(422);
  });

  test("there are no lists of quotes or deals and no cancel of a deal", async () => {
    expect((await get(northbeam, "/api/v1/quotes")).status).toBe(405);
    expect((await get(northbeam, "/api/v1/deals")).status).toBe(405);
    expect(await post(northbeam, "/api/v1/deals/x/cancel", {})).toMatchObject({
      status: 404,
      body: { detail: "Not Found" },
    });
    expect((await get(northbeam, "/api/v1/deals/x")).body).toMatchObject({ detail: { error: "deal_not_found" } });
  });

  test("a quote books once; its key repeats the deal, another body under the key conflicts", async () => {
    const id = await quoted(northbeam);
    const request = { idempotency_key: randomUUID(), quote_id: id };
    const first = await post(northbeam, "/api/v1/deals", request, { tier: "advertiser" });
    const again = await post(northbeam, "/api/v1/deals", { ...request, stray: 1, notes: null }, { tier: "advertiser" });
    expect(again.body).toEqual(first.body);
    const changed = await post(northbeam, "/api/v1/deals", { ...request, notes: "x" }, { tier: "advertiser" });
    expect(changed).toMatchObject({
      status: 409,
      body: { detail: { error: "idempotency_conflict", unsupported: [] } },
    });
    expect(await book(northbeam, id)).toMatchObject({
      status: 409,
      body: {
        detail: { error: "quote_already_booked", message: "Quote status is 'booked', expected 'available'." },
      },
    });
    expect(await book(northbeam, "qt-000000000000")).toMatchObject({
      status: 404,
      body: { detail: { error: "quote_not_found" } },
    });
  });

  test("anybody may read, negotiate and book anybody's quote", async () => {
    const id = await quoted(northbeam, {}, { tier: "advertiser" });
    await negotiate(northbeam, id, "counter", 14, { tier: "seat" });
    expect((await book(northbeam, id, {}, {})).status).toBe(200);
  });

  test("an unsupported audience plan is refused and leaves the quote bookable", async () => {
    const id = await quoted(northbeam);
    const refused = await book(northbeam, id, { audience_plan: { extensions: [{ type: "agentic" }] } });
    expect(refused.status).toBe(400);
    expect(refused.body).toEqual({
      detail: {
        error: "audience_plan_unsupported",
        unsupported: [{ path: "extensions[0]", reason: "extensions not supported by this seller" }],
      },
    });
    expect((await book(northbeam, id)).status).toBe(200);
  });
});
