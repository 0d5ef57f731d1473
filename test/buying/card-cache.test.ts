import { beforeEach, describe, expect, test, vi } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { verifies } from "../requirements.ts";
import { type Bench, type Change, discovery, kit, sharedBench } from "./desk-bench.ts";

const cards = (bench: Bench) => ["northbeam", "harborview", "civicstream"].map((id) => bench.sent(id, "card"));
const keptFor =
  (seconds: number): Change =>
  (standard) => ({ ...standard, cache: { ttl_s: seconds } });

describe("cards", () => {
  const bench = sharedBench();
  beforeEach(async () => {
    await bench.desk.discover(discovery({ refresh: true }));
    bench.sandbox.clearRequests();
  });

  test("those found by a discovery are kept one by one, for whatever asks next", async () => {
    verifies("cache.cards_of_discovery", "cache.card");
    await bench.desk.discover(discovery({ channels: ["audio"] }));
    await bench.desk.discover(discovery({ url: bench.sandbox.seller("northbeam").url }));
    await bench.desk.sellerDetails("civicstream");
    expect(cards(bench)).toEqual([0, 0, 0]);
  });

  test("filters, and the order they come in, change nothing of what is fetched", async () => {
    verifies("cache.filter_order");
    const one = await bench.desk.discover(
      discovery({ channels: ["ctv", "audio"], countries: ["US", "GB"], query: "media northbeam" }),
    );
    const other = await bench.desk.discover(
      discovery({ query: "northbeam media", countries: ["GB", "US"], channels: ["audio", "ctv"] }),
    );
    expect(other).toEqual(one);
    expect(one.sellers).toHaveLength(1);
    expect(cards(bench)).toEqual([0, 0, 0]);
  });

  test("one seller is read afresh", async () => {
    verifies("cache.refresh_one");
    await bench.desk.discover(discovery({ url: bench.sandbox.seller("harborview").url, refresh: true }));
    expect(cards(bench)).toEqual([0, 1, 0]);
  });

  test("all sellers are read afresh", async () => {
    verifies("cache.refresh_all");
    await bench.desk.discover(discovery({ refresh: true }));
    expect(cards(bench)).toEqual([1, 1, 1]);
  });

  test("another process of the desk finds them", async () => {
    await bench.again().discover(discovery());
    expect(cards(bench)).toEqual([0, 0, 0]);
  });

  test("one that could not be read is not kept", async () => {
    bench.sandbox.fault("northbeam", { kind: "error-text", operation: "card", uses: 1 });
    expect((await bench.desk.discover(discovery({ refresh: true }))).sellers).toHaveLength(2);
    bench.sandbox.clearRequests();
    expect((await bench.desk.discover(discovery())).sellers).toHaveLength(3);
    // The one kept from before is still good; a failure does not throw it away.
    expect(cards(bench)).toEqual([0, 0, 0]);
  });
});

describe("how long they are kept", () => {
  const bench = sharedBench(keptFor(60));

  test("300 seconds where nobody says otherwise", () => {
    verifies("cache.ttl_default");
    const least = { desk: "d", advertiser: "A" };
    expect(parseConfig(JSON.stringify(least), "config.json", {}).cache.ttl_s).toBe(300);
  });

  test.each([
    ["the default", (standard: object) => ({ ...standard }), 299, 301],
    ["the setting", keptFor(60), 59, 61],
  ] as const)("%s counts", async (_what, config, before, after) => {
    verifies("cache.ttl_default", "cache.ttl_setting");
    const desk = bench.other(config);
    const began = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: began });
    try {
      await desk.discover(discovery());
      bench.sandbox.clearRequests();
      vi.setSystemTime(began + before * 1000);
      await desk.discover(discovery());
      expect(cards(bench)).toEqual([0, 0, 0]);
      vi.setSystemTime(began + after * 1000);
      await desk.discover(discovery());
      expect(cards(bench)).toEqual([1, 1, 1]);
    } finally {
      vi.useRealTimers();
    }
  });

  test("none at all at zero", async () => {
    verifies("cache.ttl_setting");
    const desk = bench.other(keptFor(0));
    bench.sandbox.clearRequests();
    await desk.discover(discovery());
    await desk.discover(discovery());
    expect(cards(bench)).toEqual([2, 2, 2]);
  });
});

describe("media kits", () => {
  const bench = sharedBench();

  test("are kept as long as the desk is seen the same there, and read afresh on request", async () => {
    const products = () => bench.sandbox.requests().filter(({ target }) => target.startsWith("/products")).length;
    await bench.desk.mediaKit(kit());
    const once = products();
    expect(once).toBeGreaterThanOrEqual(3);
    await bench.desk.mediaKit(kit({ channels: ["ctv"], maxCpm: null, geo: ["US"], dealType: "PD" }));
    await bench.again().mediaKit(kit({ limit: 1, offset: 2 }));
    expect(products()).toBe(once);
    await bench.desk.mediaKit(kit({ sellers: ["harborview"], refresh: true }));
    expect(products()).toBeGreaterThan(once);
  });
});
