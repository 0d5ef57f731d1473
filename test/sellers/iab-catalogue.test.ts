import { describe, expect, test } from "vitest";
import { parseMoney } from "../../src/domain/money.ts";
import { failureOf } from "../contract/seller-bench.ts";
import { verifies } from "../requirements.ts";
import { agency, anonymous, type Stubbed, type StubSeller, stub } from "./stub-seller.ts";

const all = { query: null, brief: null, limit: 10_000 };

function product(id: string, more: object = {}) {
  return {
    product_id: id,
    name: `Product ${id}`,
    description: null,
    base_price: { amount_micros: 20_000_000, currency: "USD" },
    pricing_model: "cpm",
    ad_formats: ["video"],
    available_impressions: null,
    ext: { inventory_type: "video", floor_cpm: 12.5, minimum_impressions: 5_000, deal_types: ["PG", "PD"] },
    ...more,
  };
}

function kit(id: string, products: readonly string[], more: object = {}) {
  const placements = products.map((product_id) => ({
    product_id,
    product_name: "x",
    device_types: [3, 4, 99],
    weight: 1,
  }));
  return {
    package_id: id,
    name: `Package ${id}`,
    ad_formats: ["video"],
    geo_targets: ["US"],
    tags: ["live"],
    placements,
    ...more,
  };
}

const ids = async ({ seller }: StubSeller, access = anonymous) =>
  (await seller.catalogue(all, access)).products.map(({ productId }) => productId);

describe("a catalogue of several pages", () => {
  const many = Array.from({ length: 230 }, (_, n) => product(`p-${n}`));
  const paged =
    (total: unknown, most = 500) =>
    (query: URLSearchParams): Stubbed => {
      const offset = Number(query.get("offset"));
      const products = many.slice(offset, offset + Math.min(most, Number(query.get("limit"))));
      return { json: { products, total_count: total, limit: 100, offset } };
    };

  test.each([
    ["tells its size", 230, 500, 3],
    ["tells no size", null, 500, 3],
    ["says it is smaller", 3, 500, 3],
    ["says it is endless", 9_999_999, 500, 4],
    ["gives less than asked for", 230, 40, 6],
  ])("is read to its end when the seller %s", async (_, total, most, pages) => {
    verifies("kit.products.paged");
    const made = await stub({ "GET /products": paged(total, most) });
    expect(await ids(made)).toHaveLength(230);
    expect(made.seen.filter((line) => line.startsWith("GET /products"))).toHaveLength(pages);
  });

  test("ends when the seller ignores paging, or invents products for ever", async () => {
    const same = await stub({ "GET /products": { json: { products: many.slice(0, 100), total_count: 100_000 } } });
    expect(await ids(same)).toHaveLength(100);
    let n = 0;
    const next = () => {
      n += 1;
      return product(`new-${n}`);
    };
    const endless = await stub({
      "GET /products": () => ({ json: { products: Array.from({ length: 100 }, next), total_count: 100 } }),
    });
    expect(await ids(endless)).toHaveLength(5_000);
  });

  test("loses only what cannot be read, and counts it", async () => {
    const odd = [
      {
        ...product("ok-1"),
        description: 7,
        ad_formats: "video",
        ext: { deal_types: [1, "PG", "barter"], floor_cpm: "low" },
      },
      product("ok-2", { ext: null, available_impressions: -4, content_targeting: "news" }),
      { ...product("bad-price"), base_price: { amount_micros: 1.5, currency: "USD" } },
      product("bad|id"),
      { name: "no id" },
      null,
      "text",
    ];
    const { seller } = await stub({ "GET /products": { json: { products: odd } } });
    const { products, unreadable } = await seller.catalogue(all, anonymous);
    expect(products.map(({ productId }) => productId)).toEqual(["ok-1", "ok-2"]);
    expect(products[0]).toMatchObject({ dealTypes: ["PG"], about: "", minImpressions: null, price: { floor: null } });
    expect(products[1]).toMatchObject({ channel: "online_video", dealTypes: [], availableImpressions: null });
    expect(unreadable).toBe(5);
  });
});

describe("products and the media kit", () => {
  const products = { json: { products: [product("a"), product("b"), product("c")], total_count: 3 } };

  test("a package lends its products what it knows, and no price of a bundle", async () => {
    verifies(
      "kit.field.exact_price",
      "kit.field.floor_price",
      "kit.field.negotiation_enabled",
      "kit.field.volume_discounts",
    );
    verifies("kit.field.ad_formats", "kit.field.geo_targets", "kit.field.device_types", "kit.featured");
    const packages = [
      kit("bundle", ["a", "b"], { exact_price: 99.5, floor_price: 90, currency: "USD", negotiation_enabled: false }),
      kit("single", ["b"], {
        exact_price: 17.999999999999996,
        floor_price: 1,
        currency: "USD",
        ad_formats: ["banner"],
        geo_targets: ["CA"],
        negotiation_enabled: true,
        volume_discounts_available: true,
        is_featured: true,
      }),
    ];
    const { seller } = await stub({ "GET /products": products, "GET /packages": { json: { packages } } });
    const { products: found } = await seller.catalogue(all, agency);
    expect(found.map(({ productId }) => productId)).toEqual(["b", "a", "c"]);
    expect(found[0]).toMatchObject({
      price: { kind: "exact", cpm: parseMoney("18 USD"), floor: parseMoney("12.50 USD") },
      negotiable: true,
      volumeDiscounts: true,
      formats: ["video", "banner"],
      geo: ["US", "CA"],
      devices: ["ctv", "phone"],
      tags: ["featured", "live"],
    });
    expect(found[1]).toMatchObject({ price: { cpm: parseMoney("20 USD") }, negotiable: false, volumeDiscounts: null });
    expect(found[2]).toMatchObject({ negotiable: null, geo: [], devices: [] });
  });

  test.each([
    ["fails", { status: 500, text: "Internal Server Error" }],
    ["refuses the key", { status: 401, json: { detail: "Invalid API key" } }],
    ["makes no sense", { json: { packages: "none" } }],
  ] as const)("a media kit that %s loses no product", async (_, answer) => {
    const made = await stub({ "GET /products": products, "GET /packages": answer });
    expect(await ids(made, agency)).toEqual(["a", "b", "c"]);
  });

  test("the anonymous overview is read, or the list where there is no overview", async () => {
    const packages = [kit("x", [], { price_range: "$20-$30 CPM" })];
    const overview = { json: { total_packages: 1, featured: packages, all_packages: packages } };
    const first = await stub({ "GET /products": products, "GET /media-kit": overview });
    expect(await ids(first)).toEqual(["a", "b", "c", "x"]);
    const broken = { status: 500, text: "Internal Server Error" };
    const second = await stub({
      "GET /products": products,
      "GET /media-kit": broken,
      "GET /media-kit/packages": { json: { packages } },
    });
    expect(await ids(second)).toEqual(["a", "b", "c", "x"]);
    expect(await second.seller.product("x", anonymous)).toMatchObject({ price: { kind: "range" }, dealTypes: [] });
  });

  test("products that cannot be read are a failure: without them there is nothing to buy", async () => {
    const { seller } = await stub({ "GET /media-kit": { json: { all_packages: [] } } });
    expect(await failureOf(seller.catalogue(all, anonymous))).toMatchObject({ kind: "not_found" });
  });

  test("a price is on request, or from its floor on, or of another model than CPM; never zero", async () => {
    const ext = { inventory_type: "dooh", floor_cpm: null, deal_types: ["PD"] };
    const odd = [
      product("none", { base_price: null, ext }),
      product("floor", { base_price: null }),
      product("zero", { base_price: { amount_micros: 0, currency: "USD" }, ext }),
      product("cpp", { pricing_model: "cpp" }),
    ];
    const { seller } = await stub({ "GET /products": { json: { products: odd } } });
    const { products: found } = await seller.catalogue(all, anonymous);
    expect(found.map(({ price }) => price.kind)).toEqual(["on_request", "floor", "on_request", "on_request"]);
    expect(found[1]?.price).toEqual({ kind: "floor", model: "cpm", floor: parseMoney("12.50 USD") });
  });

  test("words rank what the seller's search found and what the products say, and drop nothing", async () => {
    const listed = [product("a", { content_targeting: { genre: ["sports"] } }), product("b"), product("c")];
    const search = { json: { results: [kit("hit", ["c"])] } };
    const made = await stub({ "GET /products": { json: { products: listed } }, "POST /media-kit/search": search });
    const { products: found } = await made.seller.catalogue(
      { query: "live Sports", brief: null, limit: 10 },
      anonymous,
    );
    expect(found.map(({ productId }) => productId)).toEqual(["a", "c", "b"]);
    const broken = await stub({ "GET /products": { json: { products: listed } } });
    const rest = await broken.seller.catalogue({ query: "sports", brief: null, limit: 2 }, anonymous);
    expect(rest.products.map(({ productId }) => productId)).toEqual(["a", "b"]);
  });
});
