import { describe, expect, test } from "vitest";
import { openDirect } from "../../src/sellers/opendirect.ts";
import { accessOf, failureOf, requestFor } from "../contract/seller-bench.ts";
import { verifies } from "../requirements.ts";
import { serve, silent } from "./loopback.ts";
import { mapCache } from "./map-cache.ts";

/** What a price in avails is per, where the answer leaves it open. The stub answers what a seller of the protocol would. */

const access = accessOf("advertiser");
const product = { id: "1", publisherid: "p", name: "Screens", currency: "USD", baseprice: 25, ratetype: "CPM" };

/** A seller of one product whose avails answer this, in whatever form they are asked for. */
async function sellerOf(avails: unknown, own: object = product) {
  const { origin, got } = await serve((incoming, outgoing) => {
    const path = (incoming.url ?? "").replace(/\?.*$/, "");
    const answers: Readonly<Record<string, unknown>> = {
      "GET /v2/products/1": own,
      "GET /v2/products": { products: [own] },
      "GET /v2/accounts": { accounts: [{ id: "7", name: "Ours", status: "Approved" }] },
      "GET /v2/advertiserbrands": { advertiserbrands: [{ id: "b", name: "Brand" }] },
      "POST /v2/products/avails": avails,
    };
    const found = answers[`${incoming.method} ${path}`];
    outgoing.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
    outgoing.end(JSON.stringify(found ?? { errors: [{ ErrorCode: "NotFound", ErrorMessage: "" }] }));
  });
  const seller = openDirect.connect({
    ...{ sellerId: "screens", url: `${origin}/v2/`, origin, carrier: null, account: null, publishers: new Map() },
    ...{ cache: mapCache(Date.now), cacheSeconds: 60, credentials: {}, allowLoopback: true, log: silent },
  });
  return { seller, got };
}

const request = (impressions = 100_000) => ({ ...requestFor("screens", "1"), budget: null, impressions });
const record = (rest: object) => ({ avails: [{ productid: "1", currency: "USD", availability: 5_000_000, ...rest }] });

describe("a price in avails", () => {
  test.each([
    ["of a CPM product with free units beside it", record({ price: 25 }), "25"],
    ["as text", record({ price: "31.50", availability: "5000000" }), "31.5"],
    ["a little above the list price, for targeting", record({ price: 40 }), "40"],
    [
      "among other products and currencies",
      {
        avails: [
          { productid: "2", currency: "USD", availability: 9, price: 1 },
          { productid: "1", currency: "EUR", availability: 5_000_000, price: 23 },
          { productid: "1", currency: "USD", availability: 5_000_000, price: 25 },
        ],
      },
      "25",
    ],
    [
      "in the flat form, with a total for what was asked",
      {
        productId: "1",
        availableImpressions: 100_000,
        estimatedCpm: 25,
        totalCost: 2_500,
      },
      "25",
    ],
    [
      "in the flat form, with a total for what is free",
      {
        productid: "1",
        availableImpressions: 500_000,
        estimatedCpm: 25,
        totalCost: 12_500,
      },
      "25",
    ],
    ["in one object without a list", { productid: "1", availability: 5_000_000, price: 25, currency: "USD" }, "25"],
  ])("%s is a CPM", async (_what, avails, cpm) => {
    verifies("opendirect.avails");
    const { seller } = await sellerOf(avails);
    const quote = await seller.quote(request(), "k", access);
    expect(quote.cpm).toEqual({ micros: BigInt(Math.trunc(Number(cpm) * 1_000_000)), currency: "USD" });
  });

  test.each([
    ["far above the list price", record({ price: 800 }), /far above the 25\.00 USD CPM it lists, and may be a total/],
    ["just what the volume costs", record({ price: 75 }), /what the whole volume costs at its list price/, 3_000],
    [
      "with parts of an investment",
      record({
        price: 100,
        availsstatus: [{ status: "Available", producttargeting: [[{ Type: "Investment", target: "fixed" }]] }],
      }),
      /made of parts, as totals are/,
    ],
    ["with no free units beside it", { avails: [{ productid: "1", currency: "USD", price: 25 }] }, /is not said/],
    ["that is not there", record({}), /the answer has none/],
    ["of zero", record({ price: 0 }), /the answer has none/],
    [
      "and a total that does not belong to it",
      {
        productid: "1",
        availableImpressions: 100_000,
        estimatedCpm: 25,
        totalCost: 25_000,
      },
      /do not belong together/,
    ],
  ] satisfies readonly (readonly [string, unknown, RegExp, number?])[])(
    "%s is no CPM, and no quote",
    async (_what, avails, why, impressions = 100_000) => {
      verifies("opendirect.avails");
      const { seller } = await sellerOf(avails);
      const refused = await failureOf(seller.quote(request(impressions), "k", access));
      expect(refused).toMatchObject({ kind: "unpriced", definite: true });
      expect(refused.message).toMatch(why);
    },
  );

  test("that says two things at once is not read", async () => {
    const { seller } = await sellerOf(record({ price: 25, Price: 26 }));
    expect(await failureOf(seller.quote(request(), "k", access))).toMatchObject({ kind: "invalid_answer" });
  });

  test("for another product is none for ours", async () => {
    const { seller } = await sellerOf({ avails: [{ productid: "2", currency: "USD", availability: 5, price: 1 }] });
    expect(await failureOf(seller.quote(request(), "k", access))).toMatchObject({ kind: "refused", definite: true });
  });

  test.each(["CPC", "CPD", "CPMV", "FlatRate", "per fortnight"])(
    "of a product sold by %s is not asked for",
    async (ratetype) => {
      const { seller, got } = await sellerOf(record({ price: 25 }), { ...product, ratetype });
      expect(await failureOf(seller.quote(request(), "k", access))).toMatchObject({
        kind: "unsupported",
        definite: true,
      });
      expect(got.some(({ url }) => url?.endsWith("avails"))).toBe(false);
    },
  );
});

describe("a seller at an address with a path", () => {
  test("is asked below it, and without a slash too many", async () => {
    verifies("connection.base_url");
    const { seller, got } = await sellerOf(record({ price: 25 }));
    await seller.quote(request(), "k", access);
    for (const { url } of got) expect(url).toMatch(/^\/v2\/[a-z]/);
  });

  test("that speaks as an IAB seller agent is told from one", async () => {
    const own = { product_id: "1", name: "CTV", base_price: { amount_micros: 1, currency: "USD" } };
    const { seller } = await sellerOf(null, own);
    const refused = await failureOf(seller.catalogue({ query: null, brief: null, limit: 10 }, access));
    expect(refused.message).toMatch(/its protocol is iab-seller-agent/);
  });

  test("that gives ids which are more than ids has none of those products", async () => {
    for (const id of ["..", "a b", "1\n2", "[x](http://evil.example)", ""]) {
      const { seller } = await sellerOf(null, { ...product, id });
      const { products, unreadable } = await seller.catalogue({ query: null, brief: null, limit: 10 }, access);
      expect([products, unreadable]).toEqual([[], 1]);
    }
  });
});
