import { beforeEach, describe, expect, test } from "vitest";
import type { MediaKitAnswer } from "../../src/buying/media-kit.ts";
import type { Product } from "../../src/domain/inventory.ts";
import { formatMoney, parseMoney } from "../../src/domain/money.ts";
import { stub } from "../sellers/stub-seller.ts";
import { verifies } from "../requirements.ts";
import { asking, bytesOf, errorIn, item, kit, products, quoted, sharedBench, timed, withSeller } from "./desk-bench.ts";

const names = ({ products: shown }: MediaKitAnswer) => shown.map(({ name }) => name);
const priceOf = ({ price }: Product) => (price.kind === "exact" ? formatMoney(price.cpm) : price.kind);

describe("what sellers offer", () => {
  const bench = sharedBench();
  const all = () => bench.desk.mediaKit(kit());

  test("without a seller named all trusted ones are read, and each product says whose it is", async () => {
    verifies("kit.parallel", "kit.seller_name", "kit.total", "kit.status_per_seller");
    const { products: shown, sellers, total } = await all();
    expect(total).toBe(23);
    expect(shown).toHaveLength(23);
    expect(
      sellers.map(({ record, status, shown: count, value }) => [
        record.id,
        record.name,
        status,
        count,
        value?.products.length,
        value?.seenAs,
      ]),
    ).toEqual([
      ["northbeam", "Northbeam Media", "ok", 9, 9, "seat"],
      ["harborview", "Harborview Audio & Outdoor", "ok", 7, 7, "seat"],
      ["civicstream", "Civic Stream Network", "ok", 7, 7, "seat"],
    ]);
    for (const { ref, sellerId } of shown) expect(ref.split("/")[0]).toBe(sellerId);
  });

  test("sorted by price, and what has no price comes last and costs nothing but a word", async () => {
    verifies("kit.sorted_by_price");
    const { products: shown } = await all();
    const exact = shown.flatMap(({ price }) => (price.kind === "exact" ? [price.cpm.micros] : []));
    expect(exact).toHaveLength(22);
    expect(exact).toEqual([...exact].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
    expect(shown.at(-1)).toMatchObject({ name: "Airport Lounge Screens", price: { kind: "on_request" } });
    expect(priceOf(shown[0] as Product)).toBe("8.00 USD");
  });

  test.each([
    [
      "channel",
      { channels: ["dooh", "linear_tv"] },
      [
        "Roadside Digital Billboards",
        "Transit Platform Screens",
        "Evening News Linear :30",
        "Primetime Linear :30",
        "Airport Lounge Screens",
      ],
    ],
    [
      "format",
      { formats: ["AUDIO"], channels: ["audio"] },
      ["Drive Time Radio Stream", "Streaming Radio :30", "Podcast Run of Network", "Podcast Host-Read"],
    ],
    ["format of its package", { formats: ["banner"] }, ["Native In-Feed", "Homepage High-Impact Display"]],
    ["place", { geo: ["GB"] }, ["Podcast Run of Network"]],
    [
      "part of a place that is sold whole",
      { geo: ["us-wa"], channels: ["dooh"] },
      ["Roadside Digital Billboards", "Airport Lounge Screens"],
    ],
    [
      "place that is sold in part",
      { geo: ["US"], channels: ["dooh"] },
      ["Roadside Digital Billboards", "Transit Platform Screens", "Airport Lounge Screens"],
    ],
    [
      "deal type",
      { dealType: "PA", channels: ["ctv", "audio"] },
      ["Podcast Run of Network", "CTV Free Movies", "CTV Prime Entertainment"],
    ],
    ["words", { query: "podcast" }, ["Podcast Run of Network", "Podcast Host-Read"]],
    ["words of what it is about", { query: "leagues billboards" }, ["Roadside Digital Billboards"]],
  ] as const)("filtered by %s", async (_what, filter, wanted) => {
    verifies("kit.filter.channel", "kit.filter.format");
    expect(names(await bench.desk.mediaKit(kit(filter)))).toEqual(wanted);
  });

  test("filtered by highest CPM: one without a price is not passed off as cheap", async () => {
    verifies("kit.filter.price");
    const cheap = await bench.desk.mediaKit(kit({ maxCpm: parseMoney("9.00 USD") }));
    expect(names(cheap)).toEqual(["Run of Network Display", "Roadside Digital Billboards", "Weather App"]);
    expect(names(await bench.desk.mediaKit(kit({ maxCpm: parseMoney("7.99 USD") })))).toEqual([]);
    // Nothing is converted: a price in another currency is not compared with this one.
    expect(names(await bench.desk.mediaKit(kit({ maxCpm: parseMoney("900.00 EUR") })))).toEqual([]);
  });

  test("a page at a time, each product once", async () => {
    verifies("kit.total");
    const pages: string[] = [];
    for (let offset = 0; ; offset += 7) {
      const { products: page, total } = await bench.desk.mediaKit(kit({ limit: 7, offset }));
      expect(total).toBe(23);
      pages.push(...page.map(({ ref }) => ref));
      if (offset + page.length >= total) break;
    }
    expect(pages).toEqual((await all()).products.map(({ ref }) => ref));
    expect(new Set(pages).size).toBe(23);
  });

  test("sellers named by id, name or domain are read once each; one that fits nothing is empty", async () => {
    verifies("kit.status_per_seller");
    const ask = kit({
      sellers: ["harborview", "Harborview Audio & Outdoor", "northbeam.example"],
      channels: ["audio"],
    });
    const { sellers, products: shown } = await bench.desk.mediaKit(ask);
    expect(sellers.map(({ record, status, shown: count }) => [record.id, status, count])).toEqual([
      ["harborview", "ok", 4],
      ["northbeam", "empty", 0],
    ]);
    expect(shown).toHaveLength(4);
    await expect(bench.desk.mediaKit(kit({ sellers: ["nobody"] }))).rejects.toMatchObject({
      code: "unknown_seller",
      details: { candidates: ["northbeam", "harborview", "civicstream"] },
    });
  });

  test("a product is found by its reference or by a name that one seller alone uses", async () => {
    verifies("kit.product.by_reference");
    const byName = await quoted(bench.desk, item(" ctv sports live "));
    expect(byName.loaded.line.quote.product.ref).toBe(products.sports);
    const outcomes = await bench.desk.quote(
      asking([item("northbeam/prod-nope"), item("Podcast"), item("nobody/prod-1")]),
    );
    expect(outcomes.map((outcome) => errorIn(outcome).code)).toEqual([
      "unknown_product",
      "unknown_product",
      "unknown_seller",
    ]);
    expect(errorIn(outcomes[1]).details.candidates?.slice(0, 2).sort()).toEqual([
      "harborview/prod-0d9472be",
      "harborview/prod-64f8b15a",
    ]);
    expect(errorIn(outcomes[1]).message).toMatch(/Nothing was booked/);
  });
});

describe("a name that two sellers use", () => {
  const bench = sharedBench();
  test("brings both as candidates", async () => {
    verifies("kit.product.by_reference");
    const usd = { amount_micros: 12_000_000, currency: "USD" };
    const product = { product_id: "p-1", name: "CTV Sports Live", base_price: usd, ext: { deal_types: ["PD"] } };
    const { origin } = await stub({ "GET /products": { json: { products: [product] } } });
    const desk = bench.other(withSeller("civicstream", { url: origin }));
    const [outcome] = await desk.quote(asking([item("CTV Sports Live")]));
    expect(errorIn(outcome)).toMatchObject({
      code: "unknown_product",
      details: { candidates: [products.sports, "civicstream/p-1"] },
    });
  });
});

describe("as nobody", () => {
  const bench = sharedBench((standard) => withSeller("northbeam", { credentials: {} })(standard));
  test("without a key a bundle's price is a range, behind the prices that are known", async () => {
    const { products: shown, sellers } = await bench.desk.mediaKit(kit({ sellers: ["northbeam"] }));
    expect(sellers[0]?.value?.seenAs).toBe("public");
    const kinds = shown.map(({ price }) => price.kind);
    expect(kinds).toEqual([...Array<string>(9).fill("exact"), "range", "range", "range"]);
    // A range that begins lower than the dearest exact price still follows it.
    expect(names({ products: shown, sellers, total: 0 }).slice(9)).toEqual([
      "Homepage Takeover",
      "Streaming Reach",
      "Game Day Everywhere",
    ]);
  });
});

describe("one answer late, broken or poisoned", () => {
  const bench = sharedBench((standard) => ({ ...standard, timeouts: { media_kit_s: 3 } }));
  beforeEach(() => bench.sandbox.clearFaults());

  test("at the deadline the answer is there with what has arrived, and the same call collects the rest", async () => {
    verifies("kit.bounded_by_slowest", "error.one_blocks_none");
    bench.sandbox.fault("harborview", { kind: "slow", ms: 1_400, operation: "catalogue" });
    const ask = (refresh: boolean) => bench.desk.mediaKit(kit({ refresh, deadlineMs: 600 }));
    const { ms, value } = await timed(ask(true));
    expect(ms).toBeLessThan(1_300);
    expect(value.sellers.map(({ record, status, shown }) => [record.id, status, shown])).toEqual([
      ["northbeam", "ok", 9],
      ["harborview", "timeout", 0],
      ["civicstream", "ok", 7],
    ]);
    expect(value.sellers[1]?.why).toMatch(/ask again to collect it/);
    // A fresh kit of this seller takes longer than the deadline every time.
    const later = async () => (await ask(false)).sellers.map(({ shown }) => shown);
    await expect.poll(later, { timeout: 5_000 }).toEqual([9, 7, 7]);
  });

  test.each([
    ["error-text", "unreachable"],
    ["malformed", "invalid_answer"],
    ["oversized", "invalid_answer"],
    ["redirect", "invalid_answer"],
    ["drop-answer", "unreachable"],
  ] as const)("%s is this seller's status, and no other's", async (kind, status) => {
    verifies("kit.status_per_seller");
    const how = kind === "malformed" ? ({ how: "truncated" } as const) : {};
    bench.sandbox.fault("civicstream", { kind, operation: "catalogue", ...how });
    const { sellers, total } = await bench.desk.mediaKit(kit({ refresh: true }));
    expect(sellers.map(({ record, status: had }) => `${record.id} ${had}`)).toEqual([
      "northbeam ok",
      "harborview ok",
      `civicstream ${status}`,
    ]);
    expect(sellers[2]?.why).toMatch(/^civicstream /);
    expect(total).toBe(16);
  });

  test("entries that cannot be read are counted, and the rest is not lost", async () => {
    bench.sandbox.fault("civicstream", { kind: "malformed", operation: "catalogue" });
    const { sellers } = await bench.desk.mediaKit(kit({ refresh: true, sellers: ["civicstream"] }));
    // Every product lost its id, and both packages their prices.
    expect(sellers[0]?.value?.unreadable).toBeGreaterThanOrEqual(7);
    const usd = { amount_micros: 5_000_000, currency: "USD" };
    const answer = { products: [{ product_id: "good", name: "Good", base_price: usd }, { name: "no id" }, "noise"] };
    const { origin } = await stub({ "GET /products": { json: answer } });
    const desk = bench.other(withSeller("civicstream", { url: origin }));
    const read = await desk.mediaKit(kit({ sellers: ["civicstream"] }));
    expect([names(read), read.sellers[0]?.value?.unreadable]).toEqual([["Good"], 2]);
  });

  test("instructions in a seller's words arrive as harmless words", async () => {
    verifies("promise.sellers_words");
    bench.sandbox.fault("northbeam", { kind: "injected-text", operation: "catalogue" });
    const { products: shown } = await bench.desk.mediaKit(
      kit({ refresh: true, sellers: ["northbeam"], channels: ["native"] }),
    );
    const [product] = shown;
    expect(product?.name).toMatch(/^Native In-Feed/);
    for (const text of [product?.name ?? "", product?.about ?? ""]) {
      expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(text).not.toContain("</seller_text>");
    }
    expect(product?.name.length).toBeLessThanOrEqual(80);
    expect(product?.about.length).toBeLessThanOrEqual(160);
    expect(product && priceOf(product)).toBe("12.00 USD");
  });

  test("a search says to a seller the words, and nothing of the buyer but the tier decided for it", async () => {
    bench.sandbox.clearRequests();
    await bench.desk.mediaKit(kit({ query: "sports", refresh: true }));
    const searches = bench.sandbox.requests().filter(({ target }) => target === "/media-kit/search");
    expect(searches.map(({ seller, credential, body }) => [seller, credential.key, body])).toEqual(
      expect.arrayContaining(
        ["northbeam", "harborview", "civicstream"].map((id) => [id, `sandbox-${id}-seat`, '{"query":"sports"}']),
      ),
    );
    for (const request of bench.sandbox.requests()) expect(bytesOf(request)).not.toMatch(/seat-1|agency-1|adv-1|Acme/);
  });
});
