import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorCodes } from "../../src/domain/errors.ts";
import { verifies } from "../requirements.ts";
import { approving, at, type Connection, type Reply } from "./client.ts";
import { dealsOf, flight, quoteFrom, startDesk, type TestDesk } from "./fixtures.ts";

let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  // Harborview negotiates with agencies and advertisers only, and nobody bought from it yet: it sees a seat.
  const asNew = (one: unknown) => (at(one, "id") === "harborview" ? { ...Object(one), relationship: "new" } : one);
  desk = await startDesk({
    config: (standard) => ({ ...standard, sellers: [standard["sellers"]].flat().map(asNew) }),
  });
  client = await desk.connect({ person: approving });
});
afterAll(() => desk.close());

const product = "northbeam/prod-53e78a97";
const item = (more: Record<string, unknown>) => ({ items: [{ product, flight: flight(), deal_type: "PG", ...more }] });

/** Every error has one shape: code first in the text, the same code and what to do with it in the metadata. */
function isError(reply: Reply, code: string, recovery?: string): void {
  expect(reply.isError, reply.text).toBe(true);
  expect(reply.text.startsWith(`${code}: `), reply.text).toBe(true);
  expect(Object.keys(errorCodes)).toContain(code);
  expect(reply.text).toMatch(/Nothing (more )?was (booked|changed|approved)\./);
  expect(reply.structured).toBeUndefined();
  expect(Object.keys(Object(reply.error)).toSorted()).toEqual(
    expect.arrayContaining(["candidates", "code", "field", "nothing_booked", "recovery", "retry_after_s"]),
  );
  expect(reply.error).toMatchObject({ code, nothing_booked: true, ...(recovery ? { recovery } : {}) });
  // Nothing of our insides, and no wall of text.
  expect(reply.text).not.toMatch(/\n\s+at |\.ts:|\.js:|ZodError|\[object/);
  expect(reply.text.length).toBeLessThan(900);
}

describe("arguments that do not fit", () => {
  test.each([
    ["no currency", "31.5"],
    ["a bare number", 50_000],
    ["a symbol", "$50,000"],
    ["an unknown currency", "50000 ZZZ"],
    ["a negative amount", "-5 USD"],
    ["no finite amount", "NaN USD"],
    ["an exponent", "5e4 USD"],
    ["more decimals than a micro", "1.0000001 USD"],
    ["nothing", ""],
  ])("a budget with %s is refused by name", async (_what, budget) => {
    verifies("promise.money_string", "tool.error_shape");
    const reply = await client.call("request_quote", item({ budget }));
    isError(reply, "invalid_arguments", "fix_arguments");
    expect(at(reply.error, "field")).toMatch(/budget$/);
  });

  test.each([
    ["both budget and impressions", { budget: "5000 USD", impressions: 100_000 }, /budget|impressions/],
    ["neither", {}, /budget|impressions/],
    ["a flight that is over", { impressions: 100_000, flight: { start: "2020-01-01", end: "2020-02-01" } }, /end$/],
    ["a flight that ends first", { impressions: 100_000, flight: { start: "2031-02-01", end: "2031-01-01" } }, /end$/],
    [
      "a day that does not exist",
      { impressions: 100_000, flight: { start: "2031-02-30", end: "2031-03-30" } },
      /start$/,
    ],
    ["half an impression", { impressions: 0.5 }, /impressions$/],
    ["another deal type", { impressions: 100_000, deal_type: "upfront" }, /deal_type$/],
  ])("an item with %s is refused by name", async (_what, more, field) => {
    verifies("tool.error_shape", "promise.no_silence");
    const reply = await client.call("request_quote", item(more));
    isError(reply, "invalid_arguments", "fix_arguments");
    expect(at(reply.error, "field")).toMatch(field);
  });

  test.each([
    ["request_quote", {}],
    ["request_quote", { items: item({ impressions: 1 }).items, quote_ids: ["northbeam/qt-1"] }],
    ["request_quote", { items: [] }],
    ["get_media_kit", { cursor: "next" }],
    ["get_media_kit", { max_cpm: "cheap" }],
    ["get_history", { cursor: "7" }],
    ["get_history", { since: "yesterday" }],
    ["negotiate", { quotes: [] }],
    ["create_media_buy", { lines: [] }],
    ["create_media_buy", { lines: [{ quote_id: 7 }] }],
    ["approve", { approval_id: "ap_1", wait_s: 3_600 }],
    ["update_media_buy", { media_buy_id: "northbeam/qt-1", action: "delete" }],
    ["discover_sellers", { channels: ["telepathy"] }],
  ])("%s refuses %j", async (name, args) => {
    verifies("tool.error_shape");
    const reply = await client.call(name, args);
    isError(reply, "invalid_arguments", "fix_arguments");
  });
});

describe("things that are not there", () => {
  test.each([
    ["create_media_buy", { lines: [{ quote_id: "northbeam/qt-nothing" }] }, "unknown_quote"],
    ["approve", { approval_id: "ap_nothing" }, "unknown_approval"],
    ["update_media_buy", { media_buy_id: "northbeam/qt-nothing", action: "cancel" }, "unknown_media_buy"],
    ["get_media_buys", { ids: ["northbeam/qt-nothing"] }, "unknown_media_buy"],
    ["get_history", { deal_id: "northbeam/DEMO-NOTHING" }, "unknown_media_buy"],
    ["get_media_kit", { sellers: ["nobody"] }, "unknown_seller"],
  ])("%s %j is %s", async (name, args, code) => {
    verifies("tool.error_shape");
    isError(await client.call(name, args), code);
  });

  test("an unknown product is a failed item with candidates, beside those that worked", async () => {
    verifies("kit.product.by_reference", "quote.partial_failure");
    const items = [
      { product: "northbeam/prod-nothing", flight: flight(), impressions: 100_000 },
      { product: "CTV", flight: flight(), impressions: 100_000 },
      { product: "CTV Sports Live", flight: flight(), impressions: 100_000, deal_type: "PG" },
    ];
    const reply = await client.ok("request_quote", { items });
    expect(reply.list("quotes").length).toBe(1);
    expect(reply.at("quotes", 0, "product")).toBe(product);
    expect(reply.list("failed").length).toBe(2);
    for (const index of [0, 1]) {
      expect(reply.at("failed", index)).toMatchObject({ item: items[index]?.product, code: "unknown_product" });
      expect(reply.list("failed", index, "candidates").length).toBeGreaterThan(0);
      expect(reply.text).toContain(String(reply.at("failed", index, "candidates", 0)));
    }
    expect(reply.at("nothing_booked")).toBe(true);
  });
});

describe("things that the market does not allow", () => {
  test("too few, too many, another currency and another deal type are told apart, item by item", async () => {
    verifies("quote.partial_failure", "promise.no_silence");
    const ask = async (more: Record<string, unknown>) => (await client.ok("request_quote", item(more))).at("failed", 0);
    expect(await ask({ impressions: 10 })).toMatchObject({ code: "below_minimum" });
    expect(await ask({ impressions: 900_000_000 })).toMatchObject({ code: "above_available" });
    expect(await ask({ budget: "50000 EUR" })).toMatchObject({ code: "currency_mismatch" });
    expect(await ask({ impressions: 100_000, deal_type: "PA" })).toMatchObject({ code: "deal_type_unsupported" });
    const onRequest = { items: [{ product: "harborview/prod-f114d7a7", flight: flight(), impressions: 60_000 }] };
    const reply = await client.ok("request_quote", onRequest);
    expect(reply.at("failed", 0)).toMatchObject({ code: "price_on_request" });
  });

  test("a quote that expired at the seller is not bought, and a renewed one is", async () => {
    verifies("quote.ttl", "tool.request_quote.renews", "quote.read_back", "quote.expires_at");
    const quoteId = await quoteFrom(client, { impressions: 410_000 });
    desk.sandbox.expireQuote("northbeam", quoteId.split("/")[1] ?? "");
    const reply = await client.call("create_media_buy", { lines: [{ quote_id: quoteId }] });
    isError(reply, "quote_expired");
    expect(reply.text).toContain("request_quote");
    const renewed = await client.ok("request_quote", { quote_ids: [quoteId] });
    const fresh = renewed.string("quotes", 0, "quote_id");
    expect(fresh).not.toBe(quoteId);
    expect(renewed.at("quotes", 0, "impressions")).toBe(410_000);
    expect(Date.parse(renewed.string("quotes", 0, "expires_at"))).toBeGreaterThan(Date.now());
    const bought = await client.ok("create_media_buy", { lines: [{ quote_id: fresh }] });
    expect(bought.at("status"), bought.text).toBe("booked");
    expect(dealsOf(desk, quoteId)).toBe(0);
    expect(dealsOf(desk, fresh)).toBe(1);
    isError(await client.call("create_media_buy", { lines: [{ quote_id: quoteId }] }), "quote_superseded");
  });

  test("one quote that cannot be negotiated leaves the others, and says why", async () => {
    verifies("negotiation.failure_isolated", "negotiation.not_negotiable");
    const good = await quoteFrom(client, { impressions: 420_000 });
    const fixed = await quoteFrom(client, {
      product: "harborview/prod-a31c6f02",
      impressions: 430_000,
      deal_type: "PD",
    });
    const quotes = [good, "northbeam/qt-nothing", fixed].map((quote_id) => ({ quote_id, target_cpm: "11.00 USD" }));
    const reply = await client.ok("negotiate", { quotes });
    const outcomes = reply.list("negotiations");
    expect(outcomes.map((one) => at(one, "quote_id"))).toEqual(quotes.map(({ quote_id }) => quote_id));
    expect(["agreed", "walked_away", "final_offer", "countered"]).toContain(at(outcomes[0], "status"));
    expect(outcomes[1]).toMatchObject({ error_code: "unknown_quote" });
    expect(outcomes[2], reply.text).toMatchObject({ status: "not_negotiable" });
    expect(String(at(outcomes[2], "why"))).not.toBe("");
    expect(reply.text).toContain("not_negotiable");
  });
});

test("silent, broken and absent sellers have different words, and cost the others nothing", async () => {
  verifies("error.one_blocks_none", "error.unreachable_vs_timeout", "kit.status_per_seller", "kit.bounded_by_slowest");
  const gone = { id: "gone", url: "http://127.0.0.1:9", trust: "verified" };
  const wrong = { seat: { api_key: "wrong" } };
  const locked = (one: unknown) => (at(one, "id") === "civicstream" ? { ...Object(one), credentials: wrong } : one);
  const troubled = await startDesk({
    config: (standard) => ({ ...standard, sellers: [...[standard["sellers"]].flat().map(locked), gone] }),
  });
  try {
    const planner = await troubled.connect();
    await planner.ok("discover_sellers");
    troubled.sandbox.fault("harborview", { kind: "hang", operation: "catalogue" });
    troubled.sandbox.fault("civicstream", { kind: "malformed", operation: "catalogue", how: "truncated" });
    const started = performance.now();
    const kit = await planner.ok("get_media_kit", { refresh: true, deadline_s: 2, limit: 50 });
    // The seller that hangs would be waited for 15 seconds, by its own time-out.
    expect(performance.now() - started).toBeLessThan(10_000);
    const statuses = kit.list("sellers").map((one) => [at(one, "seller_id"), at(one, "status")]);
    expect(Object.fromEntries(statuses)).toEqual({
      northbeam: "ok",
      harborview: "timeout",
      civicstream: "invalid_answer",
      gone: "unreachable",
    });
    expect(kit.list("products").length).toBe(9);
    for (const [seller, status] of statuses) expect(kit.text).toContain(`${seller} ${status}`);
    troubled.sandbox.clearFaults();
    const later = await planner.ok("get_media_kit", { refresh: true, limit: 50 });
    expect(later.list("products").length).toBe(23);
    // And one that answers, but says no: it does not know our key.
    const items = [{ product: "civicstream/prod-e28c7f13", flight: flight(), impressions: 100_000 }];
    const refused = await planner.ok("request_quote", { items });
    expect(refused.at("failed", 0)).toMatchObject({ code: "credential_missing" });
    expect(refused.text, refused.text).toContain("401");
  } finally {
    await troubled.close();
  }
});

describe("a desk without a mandate", () => {
  test("quotes, and refuses to buy with the line to add", async () => {
    verifies("promise.fail_closed");
    const poor = await startDesk({ config: ({ mandate: _mandate, ...rest }) => rest });
    try {
      const planner = await poor.connect({ person: approving });
      const inbox = await planner.ok("get_inbox");
      expect(inbox.at("mandate")).toBeNull();
      const quoteId = await quoteFrom(planner);
      const reply = await planner.call("create_media_buy", { lines: [{ quote_id: quoteId }] });
      isError(reply, "no_mandate");
      expect(reply.text).toContain("mandate");
      expect(planner.questions).toEqual([]);
      expect(dealsOf(poor, quoteId)).toBe(0);
    } finally {
      await poor.close();
    }
  });
});
