import { beforeEach, describe, expect, test } from "vitest";
import type { Discovery } from "../../src/buying/discover.ts";
import { stub } from "../sellers/stub-seller.ts";
import { verifies } from "../requirements.ts";
import { both, bytesOf, discovery, kit, openBench, sharedBench, timed, withSeller } from "./desk-bench.ts";

const ids = ({ sellers }: Discovery) => sellers.map(({ record }) => record.id).sort();
const out = ({ keptOut }: Discovery) => keptOut.map(({ record, status }) => `${record.id} ${status}`).sort();

describe("finding sellers", () => {
  const bench = sharedBench();

  test("without a filter all are listed, with what is known of each", async () => {
    verifies("discovery.all", "discovery.card.name", "discovery.card.protocols", "trust.level");
    const found = await bench.desk.discover(discovery());
    expect(ids(found)).toEqual(["civicstream", "harborview", "northbeam"]);
    expect(found.keptOut).toEqual([]);
    expect(found.sources).toEqual([{ name: "config", status: "ok" }]);
    const harborview = found.sellers.find(({ record }) => record.id === "harborview");
    expect(harborview?.record).toMatchObject({
      name: "Harborview Audio & Outdoor",
      domain: "harborview.example",
      protocol: "iab-seller-agent",
      trust: "verified",
      trustBy: "the operator's config",
    });
    expect(harborview).toMatchObject({
      revealUpTo: "agency",
      boughtBefore: 0,
      card: { version: "1.9.0", compatibility: { ok: true }, channels: ["audio", "dooh"] },
    });
  });

  test.each([
    ["a channel", { channels: ["dooh"] }, ["harborview"]],
    ["one of several channels", { channels: ["linear_tv", "display"] }, ["civicstream", "northbeam"]],
    ["a country that a kit names", { countries: ["GB"] }, ["harborview"]],
    ["several countries", { countries: ["ca", "gb"] }, ["harborview", "northbeam"]],
    ["least trust", { minTrust: "verified" }, ["harborview", "northbeam"]],
    ["words of its name", { query: "Civic stream" }, ["civicstream"]],
    ["words of its channels", { query: "audio" }, ["harborview"]],
    ["a capability all have", { capability: "negotiate" }, ["civicstream", "harborview", "northbeam"]],
    ["all at once", { channels: ["ctv"], minTrust: "preferred", countries: ["CA"], query: "media" }, ["northbeam"]],
  ] as const)("by %s", async (_what, filter, wanted) => {
    verifies("discovery.filter.channel", "trust.filter");
    const found = await bench.desk.discover(discovery(filter));
    expect(ids(found)).toEqual(wanted);
    // Nobody is dropped: who is not offered is named with the reason.
    expect(found.sellers.length + found.keptOut.length).toBe(3);
    for (const { status, why } of found.keptOut)
      expect({ status, why }).toEqual({ status: "filtered", why: expect.stringMatching(/^\S.{8,}/) });
  });

  test("no match is an empty answer with the reasons, and no error", async () => {
    verifies("discovery.filter.filtered_out");
    const found = await bench.desk.discover(discovery({ channels: ["dooh"], minTrust: "preferred" }));
    expect(found.sellers).toEqual([]);
    const reasons = found.keptOut.map(({ record, why }) => `${record.id}: ${why}`).sort();
    expect(reasons).toEqual([
      "civicstream: trust is registered, asked for preferred or better",
      "harborview: trust is verified, asked for preferred or better",
      "northbeam: sells ctv, display, mobile_app, native, online_video",
    ]);
  });

  test("one is found by its name and its domain, with card and supply chain", async () => {
    const card = await bench.desk.sellerDetails("Northbeam Media");
    expect(card).toMatchObject({ record: { id: "northbeam" }, why: null, supplyChain: { isDirect: true, nodes: 1 } });
    expect((await bench.desk.sellerDetails("northbeam.example")).record.id).toBe("northbeam");
  });
});

describe("capabilities", () => {
  test("a seller is found by what its card says it can do", async () => {
    verifies("discovery.filter.capability");
    const card = { name: "Catalogue Only", version: "2.4.2", skills: [{ id: "discovery" }], inventory_types: ["ctv"] };
    const { origin } = await stub({ "GET /.well-known/agent.json": { json: card } });
    const bench = await openBench(withSeller("civicstream", { url: origin }));
    try {
      const found = await bench.desk.discover(discovery({ capability: "book" }));
      expect(ids(found)).toEqual(["harborview", "northbeam"]);
      expect(found.keptOut[0]).toMatchObject({ record: { id: "civicstream" }, why: "cannot book" });
      expect(ids(await bench.desk.discover(discovery({ capability: "media_kit" })))).toContain("civicstream");
    } finally {
      await bench.close();
    }
  });

  test("a listed seller without a card is used all the same, and said to have none", async () => {
    verifies("discovery.card.optional");
    const { origin, seen } = await stub({
      "GET /products": {
        json: {
          products: [{ product_id: "p1", name: "P1", base_price: { amount_micros: 9_000_000, currency: "USD" } }],
        },
      },
    });
    const bench = await openBench(withSeller("civicstream", { url: origin }));
    try {
      const found = await bench.desk.discover(discovery());
      const seller = found.sellers.find(({ record }) => record.id === "civicstream");
      expect(seller?.card).toMatchObject({ version: null, compatibility: { ok: false } });
      expect(seller?.card.compatibility.note).toMatch(/no card.*iab-seller-agent/);
      const { products } = await bench.desk.mediaKit(kit({ sellers: ["civicstream"] }));
      expect(products.map(({ ref }) => ref)).toEqual(["civicstream/p1"]);
      expect(seen).toContain("GET /.well-known/agent.json");
    } finally {
      await bench.close();
    }
  });
});

describe("who is kept out", () => {
  const trusts = both(
    withSeller("harborview", { trust: "blocked" }),
    withSeller("civicstream", { trust: "unknown" }),
    (standard) => ({
      ...standard,
      mandate: { ...Object(standard["mandate"]), sellers: { blocked: ["northbeam"] } },
    }),
  );
  const bench = sharedBench(trusts);
  beforeEach(() => bench.sandbox.clearRequests());

  test("a blocked seller is never contacted, whoever blocks it and whatever is asked", async () => {
    verifies("trust.blocked");
    const { desk, sandbox } = bench;
    const found = await desk.discover(discovery({ refresh: true, countries: ["US"] }));
    expect(
      found.keptOut.filter(({ status }) => status === "blocked").map(({ record, why }) => `${record.id} ${why}`),
    ).toEqual([
      "northbeam blocked (mandate); not contacted",
      "harborview blocked (the operator's config); not contacted",
    ]);
    for (const id of ["northbeam", "harborview"]) {
      const direct = await desk.discover(discovery({ url: sandbox.seller(id).url }));
      expect([direct.sellers, out(direct)]).toEqual([[], [`${id} blocked`]]);
      const read = await desk.mediaKit(kit({ sellers: [id] }));
      expect(read.sellers[0]).toMatchObject({ status: "refused", value: null });
      expect((await desk.sellerDetails(id)).why).toMatch(/blocked/);
      expect(sandbox.requests(id)).toEqual([]);
    }
  });

  test("an unknown seller is kept out of the list, and read by its address as nobody", async () => {
    verifies("trust.unknown");
    const { desk, sandbox } = bench;
    const listed = await desk.discover(discovery());
    expect(out(listed)).toContain("civicstream filtered");
    expect(listed.keptOut.find(({ record }) => record.id === "civicstream")?.why).toMatch(
      /no registry.*public media kit only/,
    );

    const direct = await desk.discover(discovery({ url: `${sandbox.seller("civicstream").url}/some/page` }));
    expect(ids(direct)).toEqual(["civicstream"]);
    expect(direct.sellers[0]).toMatchObject({ revealUpTo: "public", record: { trust: "unknown" } });
    expect(direct.sources).toEqual([{ name: "agent card", status: "ok" }]);

    const { products, sellers } = await desk.mediaKit(kit({ sellers: ["civicstream"], query: "larkspur secrets" }));
    expect(sellers[0]?.value?.seenAs).toBe("public");
    expect(products).toEqual([]);
    const sent = sandbox.requests("civicstream");
    expect(sent.map(({ method }) => method)).not.toContain("POST");
    expect(sent.map(bytesOf).join("\n")).not.toContain("larkspur");
    expect(sent.map(({ credential }) => credential.key)).toEqual(sent.map(() => null));
  });

  test("without a seller named, unknown and blocked ones are not asked for their kits", async () => {
    const { sellers } = await bench.desk.mediaKit(kit());
    expect(sellers).toEqual([]);
    expect(bench.sandbox.requests()).toEqual([]);
  });
});

describe("a seller met by its address", () => {
  const bench = sharedBench();

  test.each([
    ["this machine", (url: string) => url],
    ["this machine by name", (url: string) => url.replace("127.0.0.1", "localhost")],
    ["the network inside", () => "https://10.1.2.3"],
    ["the cloud's metadata", () => "http://169.254.169.254/latest/meta-data"],
    ["plain http outside", () => "http://seller.example"],
  ])("on %s is refused before anything is sent, whatever known sellers may", async (_what, address) => {
    const { origin, seen } = await stub({ "GET /.well-known/agent.json": { json: { name: "Inside" } } });
    const found = await bench.desk.discover(discovery({ url: address(origin) }));
    expect(found.sellers).toEqual([]);
    expect(found.keptOut[0]).toMatchObject({
      status: "unreachable",
      why: expect.stringMatching(/was not called: its address/),
    });
    expect(seen).toEqual([]);
  });

  test("is no seller of the list afterwards, and must have a web address", async () => {
    expect(ids(await bench.desk.discover(discovery()))).toHaveLength(3);
    await expect(bench.desk.discover(discovery({ url: "file:///etc/passwd" }))).rejects.toMatchObject({
      code: "invalid_arguments",
      details: { field: "url" },
    });
  });

  test("one that is known is found by its address, with the trust it has", async () => {
    verifies("discovery.card.direct");
    bench.sandbox.clearRequests();
    const found = await bench.desk.discover(discovery({ url: bench.sandbox.seller("northbeam").url, refresh: true }));
    expect(found.sellers[0]).toMatchObject({
      record: { id: "northbeam", trust: "preferred" },
      revealUpTo: "advertiser",
    });
    expect(bench.sandbox.requests().map(({ seller, operation }) => `${seller} ${operation}`)).toEqual([
      "northbeam card",
    ]);
  });
});

describe("sellers that fail", () => {
  const bench = sharedBench((standard) => ({ ...standard, timeouts: { discovery_s: 2 } }));
  beforeEach(() => bench.sandbox.clearFaults());

  test.each([
    ["malformed", { kind: "malformed", how: "truncated" }, "invalid_answer"],
    ["an error text", { kind: "error-text" }, "unreachable"],
    ["oversized", { kind: "oversized" }, "invalid_answer"],
    ["a redirect", { kind: "redirect" }, "invalid_answer"],
    ["silent", { kind: "hang" }, "timeout"],
    ["a broken connection", { kind: "drop-answer" }, "unreachable"],
  ] as const)("one card that is %s loses only its own seller, and that is said", async (_what, fault, status) => {
    verifies("discovery.card.malformed", "error.one_blocks_none");
    bench.sandbox.fault("harborview", { ...fault, operation: "card" });
    const found = await bench.desk.discover(discovery({ refresh: true, deadlineMs: 800 }));
    expect(ids(found)).toEqual(["civicstream", "northbeam"]);
    expect(found.keptOut).toMatchObject([
      { status, record: { id: "harborview" }, why: expect.stringMatching(/^harborview |^no answer within/) },
    ]);
    expect(bench.sandbox.strayRequests()).toEqual([]);
  });

  test("a slow one costs the deadline at most, and its card is there next time", async () => {
    verifies("error.one_blocks_none");
    bench.sandbox.fault("harborview", { kind: "slow", ms: 1_300, operation: "card" });
    const ask = (refresh: boolean) => bench.desk.discover(discovery({ refresh, deadlineMs: 500 }));
    const first = await timed(ask(true));
    expect(out(first.value)).toEqual(["harborview timeout"]);
    expect(first.ms).toBeLessThan(1_250);
    // Every fresh card is slower than the deadline: what is found is the late answer of before.
    await expect.poll(async () => ids(await ask(false)), { timeout: 5_000 }).toHaveLength(3);
  });

  test("a kit that is slow to tell its countries keeps to the deadline too", async () => {
    bench.sandbox.fault("harborview", { kind: "slow", ms: 1_900, operation: "catalogue" });
    const { ms, value } = await timed(bench.desk.discover(discovery({ countries: ["US"], deadlineMs: 800 })));
    expect([ids(value), out(value)]).toEqual([["civicstream", "northbeam"], ["harborview timeout"]]);
    expect(ms).toBeLessThan(1_800);
  });

  test("a dead one is named", async () => {
    const { origin, close } = await stub({});
    await close();
    const desk = bench.other(withSeller("civicstream", { url: origin }));
    const found = await desk.discover(discovery());
    expect(out(found)).toEqual(["civicstream unreachable"]);
    expect(found.sellers).toHaveLength(2);
  });

  test("a card that names another address is shown so, and that address is never called", async () => {
    const elsewhere = await stub({});
    const card = { name: "Two Homes", version: "2.4.2", url: `${elsewhere.origin}/agent` };
    const { origin } = await stub({ "GET /.well-known/agent.json": { json: card } });
    const desk = bench.other(withSeller("civicstream", { url: origin }));
    const { sellers } = await desk.discover(discovery());
    const seller = sellers.find(({ record }) => record.id === "civicstream");
    expect(seller?.card.url).toBe(`${elsewhere.origin}/agent`);
    expect(seller?.record.origin).toBe(origin);
    await desk.mediaKit(kit({ sellers: ["civicstream"] }));
    expect(elsewhere.seen).toEqual([]);
  });
});
