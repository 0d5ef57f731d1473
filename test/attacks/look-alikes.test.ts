import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { approving, at, type Connection } from "../e2e/client.ts";
import { flight } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";
import { changed, type HostileDesk, HostileSeller, hostileDesk, hostileProduct, product } from "./hostile-seller.ts";

// Several servers start at once here, and a busy machine starts them slowly.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/**
 * A seller that looks like another: by its name, its domain, its address, or what it says of itself. Who a seller is comes
 * from the operator's config; whatever else claims to be one is read as nobody, or not at all.
 */
let stage: HostileDesk;
let model: Connection;
/** Knows nothing of this desk, and nobody here knows it. */
let stranger: HostileSeller;
beforeAll(async () => {
  stranger = await HostileSeller.open();
  stage = await hostileDesk((standard) => ({
    ...standard,
    sellers: [
      ...[standard["sellers"]].flat(),
      // Called what the address of a stranger would be called: the name must not open this machine to that stranger.
      {
        id: namedLikeAnAddress(),
        name: "Named like an address",
        domain: "named.example",
        url: "http://127.0.0.1:9",
        trust: "preferred",
        credentials: { seat: { api_key: "a key of somebody else" } },
      },
    ],
  }));
  model = await stage.desk.connect({ person: approving });
});
beforeEach(() => {
  stage.hostile.straighten();
  stage.desk.sandbox.clearRequests();
});
afterAll(async () => {
  await stage.close();
  await stranger.close();
});

const namedLikeAnAddress = () => stranger.origin.slice("http://".length).replace(":", "-");
const item = (productRef: string) => ({ product: productRef, flight: flight(), impressions: 100_000, deal_type: "PG" });

describe("a seller that says it is another", () => {
  test("its card's name, domain and version change nothing: it is called what the operator calls it", async () => {
    verifies("promise.sellers_words");
    const northbeam = stage.desk.sandbox.seller("northbeam");
    stage.hostile.twist("card", (honest) => ({
      json: changed(honest, {
        name: northbeam.name,
        url: northbeam.url,
        id: "northbeam",
        domain: northbeam.domain,
        trust: "preferred",
      }),
    }));
    const found = await model.ok("discover_sellers", { refresh: true });
    const row = found.list("sellers").find((one) => at(one, "seller_id") === "hostile");
    expect(row).toMatchObject({ name: "Hostile Media", domain: "hostile.example", trust: "verified" });
    // Its card points at northbeam: said, and not followed.
    expect(at(row, "card_names_other_address")).toBe(true);
    const asNorthbeam = found.list("sellers").filter((one) => at(one, "name") === northbeam.name);
    expect(asNorthbeam.map((one) => at(one, "seller_id"))).toEqual(["northbeam"]);
  });

  test("a card that points to another origin sends nothing there, not even the key", async () => {
    verifies("connection.auth.per_origin");
    stranger.straighten();
    stage.hostile.twist("card", (honest) => ({ json: changed(honest, { url: stranger.origin }) }));
    await model.ok("discover_sellers", { refresh: true });
    await model.ok("get_media_kit", { sellers: ["hostile"], refresh: true });
    await model.ok("request_quote", { items: [item(hostileProduct)] });
    expect(stranger.seen).toEqual([]);
    expect(stage.hostile.count("quote")).toBe(1);
  });

  test("a product or a quote with another seller's id is the liar's own, and buys nothing at the other", async () => {
    stage.hostile.twist("products", () => ({
      json: {
        products: [{ ...product, product_id: "northbeam/prod-53e78a97", name: "CTV Sports Live" }],
        total_count: 1,
      },
    }));
    const kit = await model.ok("get_media_kit", { sellers: ["hostile"], refresh: true });
    const ref = kit.string("products", 0, "product");
    expect(ref).toBe("hostile/northbeam%2Fprod-53e78a97");
    stage.hostile.twist("quote", (honest) => ({ json: changed(honest, "quote", { quote_id: "northbeam/qt-1" }) }));
    stage.desk.sandbox.clearRequests();
    const reply = await model.ok("request_quote", { items: [item(ref)] });
    expect(reply.string("quotes", 0, "quote_id")).toBe("hostile/northbeam%2Fqt-1");
    expect(stage.desk.sandbox.requests()).toEqual([]);
    stage.hostile.straighten();
    const named = await model.ok("request_quote", { items: [item("CTV Sports Live")] });
    expect(named.string("quotes", 0, "quote_id")).toMatch(/^northbeam\//);
  });

  test("a product of the same name at both is bought from neither: the planner must say which", async () => {
    stage.hostile.twist("products", () => ({
      json: { products: [{ ...product, name: "ctv sports LIVE" }], total_count: 1 },
    }));
    const reply = await model.ok("request_quote", { items: [item("CTV Sports Live")] });
    expect(reply.at("failed", 0)).toMatchObject({ code: "unknown_product" });
    expect(reply.text).toContain("northbeam/prod-53e78a97");
    expect(reply.text).toContain(hostileProduct);
    expect(stage.hostile.count("quote")).toBe(0);
  });
});

describe("sellers that look alike in the config", () => {
  const doubles: readonly (readonly [string, string, string, string])[] = [
    ["cyrillic", "Cyrillic letters", "Nоrthbeаm Media", "nоrthbeаm.example"],
    ["near", "a full stop that is none", "Northbeam Media․", "northbeam.examp1e"],
    ["wide", "wide letters", "Ｎorthbeam Media", "northbeam․example"],
    ["spaced", "a space that does not show", "Northbeam\u200b Media", "northbeam.example.com"],
  ];
  let other: HostileDesk;
  let client: Connection;
  beforeAll(async () => {
    other = await hostileDesk((standard, hostile) => {
      const listed = (id: string, name: string, domain: string) => ({
        id,
        name,
        domain,
        url: hostile.origin,
        trust: "verified",
      });
      return {
        ...standard,
        sellers: [
          ...[standard["sellers"]].flat(),
          ...doubles.map(([id, _what, name, domain]) => listed(id, name, domain)),
          listed("twin-1", "Twin Media", "one.example"),
          listed("twin-2", "twin media", "two.example"),
        ],
      };
    });
    client = await other.desk.connect();
  });
  beforeEach(() => {
    other.hostile.straighten();
    other.desk.sandbox.clearRequests();
  });
  afterAll(() => other.close());

  test("of the same name: asking by it finds neither, and says who they are", async () => {
    const refused = await client.call("get_media_kit", { sellers: ["Twin Media"] });
    expect(at(refused.error, "code"), refused.text).toBe("unknown_seller");
    expect(refused.text).toMatch(/twin-1, twin-2/);
    expect(other.hostile.seen).toEqual([]);
  });

  test.each(doubles)(
    "%s, by %s: it is another seller, and the right name finds the right one",
    async (id, _what, name) => {
      const right = await client.ok("get_media_kit", { sellers: ["Northbeam Media"], refresh: true });
      expect(right.list("sellers").map((one) => at(one, "seller_id"))).toEqual(["northbeam"]);
      expect(other.hostile.seen).toEqual([]);
      other.desk.sandbox.clearRequests();
      const wrong = await client.ok("get_media_kit", { sellers: [name], refresh: true });
      expect(wrong.list("sellers").map((one) => at(one, "seller_id"))).toEqual([id]);
      expect(other.desk.sandbox.requests()).toEqual([]);
    },
  );
});

describe("a seller met by its address", () => {
  test("is not called on this machine, though this desk may call its own sellers here", async () => {
    stranger.straighten();
    const found = await model.ok("discover_sellers", { url: stranger.origin });
    expect(found.list("sellers")).toEqual([]);
    expect(found.at("kept_out", 0, "status"), found.text).toBe("unreachable");
    expect(found.at("kept_out", 0, "seller_id")).not.toBe(namedLikeAnAddress());
    expect(stranger.seen).toEqual([]);
  });

  test("is never bought from, by its address, by its host, or by a reference", async () => {
    stranger.straighten();
    await model.ok("discover_sellers", { url: "https://northbeam.example.localhost" });
    const reply = await model.ok("request_quote", {
      items: ["northbeam.example.localhost/prod-1", "https://northbeam.example.localhost/prod-1"].map(item),
    });
    expect(reply.at("quotes"), reply.text).toEqual([]);
    for (const failed of reply.list("failed")) expect(String(at(failed, "code"))).not.toBe("internal");
  });

  test("that is a homograph shows as what it is on the wire, beside the one it looks like", async () => {
    const found = await model.ok("discover_sellers", { url: "https://nоrthbeаm.localhost" });
    expect(found.string("kept_out", 0, "seller_id")).toMatch(/^xn--/);
    expect(found.text).not.toContain("nоrthbeаm");
  });
});
