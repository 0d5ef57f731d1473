import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { approving, at, type Connection } from "../e2e/client.ts";
import { dealsOf, flight, quoteFrom, startDesk, type TestDesk } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";

/** The shapes of the six tools that carry the product: what a program finds in their structured content. */
let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  // A lost booking is given up after two seconds; Civic Stream is vouched for by nobody, and one more is blocked.
  desk = await startDesk({
    config: (standard) => ({
      ...standard,
      timeouts: { booking_s: 2 },
      sellers: [
        ...[standard["sellers"]].flat().map((one: unknown) => ({
          ...Object(one),
          ...(at(one, "id") === "civicstream" ? { trust: "unknown" } : {}),
        })),
        { id: "vidbay", url: "http://127.0.0.1:9", trust: "blocked" },
      ],
    }),
  });
  client = await desk.connect({ person: approving });
});
afterAll(() => desk.close());

const money = expect.stringMatching(/^\d+\.\d{2,6} USD$/);

test("discover_sellers: who there is, who is kept out and why, and where that is known from", async () => {
  verifies("tool.discover_sellers", "trust.level", "trust.filter", "trust.blocked");
  const reply = await client.ok("discover_sellers", { min_trust: "registered" });
  expect(reply.list("sellers").map((one) => at(one, "seller_id"))).toEqual(["northbeam", "harborview"]);
  expect(reply.at("sellers", 0)).toMatchObject({
    name: "Northbeam Media",
    domain: "northbeam.example",
    protocol: "iab-seller-agent",
    version: "2.4.2",
    compatible: true,
    channels: expect.arrayContaining(["ctv"]),
    trust: "preferred",
    trust_by: "the operator's config",
    reveal_up_to: "advertiser",
    can: expect.arrayContaining(["media_kit", "quote", "negotiate", "book"]),
    bought_before: 0,
  });
  const keptOut = reply.list("kept_out");
  expect(keptOut.map((one) => [at(one, "seller_id"), at(one, "status")]).toSorted()).toEqual([
    ["civicstream", "filtered"],
    ["vidbay", "blocked"],
  ]);
  for (const one of keptOut) expect(String(at(one, "why")).length).toBeGreaterThan(5);
  expect(reply.at("sources")).toEqual([{ name: "config", status: "ok" }]);
});

test("get_media_kit: products with their price's kind, a status per seller, and pages", async () => {
  verifies("tool.get_media_kit", "kit.total", "kit.price_on_request");
  const whole = await client.ok("get_media_kit", { sellers: ["northbeam", "harborview"], limit: 50 });
  expect(whole.at("total")).toBe(16);
  expect(whole.at("next_cursor")).toBeUndefined();
  expect(whole.list("sellers")).toMatchObject([
    { seller_id: "northbeam", status: "ok", shown: 9, of: 9 },
    { seller_id: "harborview", status: "ok", shown: 7, of: 7 },
  ]);
  const products = whole.list("products");
  const one = products.find((product) => at(product, "product") === "northbeam/prod-53e78a97");
  expect(one).toMatchObject({
    name: "CTV Sports Live",
    channel: "ctv",
    deal_types: ["PG", "PD"],
    price: { kind: "exact", model: "cpm", cpm: money, floor: money },
    negotiable: expect.any(Boolean),
    min_impressions: 10_000,
  });
  const dear = products.find((product) => at(product, "product") === "harborview/prod-f114d7a7");
  expect(at(dear, "price")).toEqual({ kind: "on_request" });

  const paged: unknown[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < 4; page += 1) {
    const more = cursor === null ? {} : { cursor };
    const reply = await client.ok("get_media_kit", { sellers: ["northbeam", "harborview"], limit: 5, ...more });
    paged.push(...reply.list("products"));
    cursor = reply.at("next_cursor") === undefined ? null : reply.string("next_cursor");
  }
  expect(cursor).toBeNull();
  expect(paged).toEqual(products);
});

test("request_quote: ranked quotes with avails and the mandate's word, and the items that failed", async () => {
  verifies("tool.request_quote", "quote.rationale", "quote.terms");
  const items = [
    { product: "northbeam/prod-53e78a97", flight: flight(), impressions: 500_000, deal_type: "PG" },
    { product: "harborview/prod-a31c6f02", flight: flight(), impressions: 5 },
  ];
  const reply = await client.ok("request_quote", { items, campaign: "Shapes" });
  expect(reply.at("quotes", 0)).toMatchObject({
    quote_id: expect.stringMatching(/^northbeam\/qt-/),
    rank: 1,
    status: "open",
    deal_type: "PG",
    guaranteed: true,
    cpm: "29.75 USD",
    list_cpm: "35.00 USD",
    impressions: 500_000,
    flight: flight(),
    total: "14875.00 USD",
    basis: "net",
    available: expect.any(Number),
    priced_as: "advertiser",
    not_honoured: [],
    expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    mandate: "needs_approval",
    campaign: "Shapes",
  });
  expect(reply.text).toMatch(/the seller explains its price \(its words\): "/);
  expect(reply.list("failed")).toMatchObject([{ item: "harborview/prod-a31c6f02", code: "below_minimum" }]);
  expect(reply.at("nothing_booked")).toBe(true);
});

test("negotiate: a status, every round with both sides' prices, and what was saved", async () => {
  verifies("tool.negotiate", "negotiation.history", "negotiation.result.final_price", "negotiation.result.rounds");
  const quoteId = await quoteFrom(client, { impressions: 510_000 });
  const quotes = [{ quote_id: quoteId, target_cpm: "27.00 USD", max_cpm: "29.75 USD" }];
  const reply = await client.ok("negotiate", { quotes, step: "0.50 USD" });
  const rounds = reply.list("negotiations", 0, "rounds");
  expect(reply.at("negotiations", 0)).toMatchObject({
    quote_id: quoteId,
    status: "agreed",
    cpm: "28.00 USD",
    total: "14280.00 USD",
    saved: "892.50 USD (5.9 % on the quote)",
  });
  expect(rounds[0]).toMatchObject({ n: 1, move: "counter", we: "27.00 USD", they: "28.00 USD" });
  expect(rounds.at(-1)).toMatchObject({ move: "accept", they: "28.00 USD" });
  expect(rounds.map((one) => at(one, "n"))).toEqual(rounds.map((_, index) => index + 1));
  const later = await (await desk.connect()).ok("get_history", { media_buy_id: quoteId, kind: "negotiation_round" });
  expect(later.list("events").length).toBe(rounds.length);
});

describe("create_media_buy", () => {
  test("awaiting_approval: the total, until when, why, the ways to the person, and a code that approves nothing", async () => {
    verifies("tool.create_media_buy", "ask.short_code", "promise.no_approving_argument");
    const formless = await desk.connect();
    const first = await quoteFrom(client, { impressions: 521_000 });
    const second = await quoteFrom(client, { impressions: 522_000 });
    const buy = (quoteId: string) => formless.ok("create_media_buy", { lines: [{ quote_id: quoteId }] });
    const reply = await buy(first);
    expect(reply.at("status")).toBe("awaiting_approval");
    expect(reply.at("approval")).toMatchObject({
      approval_id: expect.stringMatching(/^ap_/),
      status: "pending",
      total: "15499.75 USD",
      expires_at: expect.stringMatching(/Z$/),
      why: [expect.stringContaining("a person decides every buy"), expect.stringContaining("first buy from northbeam")],
    });
    const code = reply.string("approval", "short_code");
    expect(code).toMatch(/^[0-9A-Z]{2}-[0-9A-Z]{2}$/);
    expect(reply.text).toContain(`Code ${code}`);
    // The same terms have the same code wherever they are shown; other terms have another.
    expect((await buy(first)).at("approval", "short_code")).toBe(code);
    expect((await buy(second)).at("approval", "short_code")).not.toBe(code);
    const asId = await formless.call("approve", { approval_id: code });
    expect(asId.text).toMatch(/^unknown_approval: /);
    expect(dealsOf(desk, first)).toBe(0);
  });

  test("booked: the deal with its price, OpenRTB parameters, activation, and what is left of the day", async () => {
    verifies("tool.create_media_buy", "flow.deal.from_quote", "deal.openrtb", "tool.buy_status");
    const quoteId = await quoteFrom(client, { impressions: 530_000 });
    const reply = await client.ok("create_media_buy", { lines: [{ quote_id: quoteId }] });
    const dealId = reply.string("media_buys", 0, "packages", 0, "deal_id");
    expect(reply.at("media_buys", 0)).toMatchObject({
      media_buy_id: quoteId,
      seller_id: "northbeam",
      status: "booked",
      as_approved: true,
      campaign: null,
      order_id: expect.stringMatching(/^ORD-/),
      total: "15767.50 USD",
      packages: [
        {
          deal_id: dealId,
          product: "northbeam/prod-53e78a97",
          cpm: "29.75 USD",
          impressions: 530_000,
          openrtb: expect.objectContaining({ id: dealId, bidfloor: "29.75 USD" }),
        },
      ],
      activation: expect.arrayContaining([expect.objectContaining({ dsp: "The Trade Desk" })]),
    });
    expect(reply.at("nothing_booked")).toBe(false);
    expect(reply.at("spent")).toMatchObject({ today: expect.any(String), left_today: expect.any(String) });
  });

  test("of two sellers: one that never answers leaves the other's line booked", async () => {
    verifies("booking.parallel", "tool.buy_status");
    const slow = await quoteFrom(client, { product: "harborview/prod-a31c6f02", impressions: 540_000 });
    const good = await quoteFrom(client, { impressions: 541_000 });
    desk.sandbox.fault("harborview", { kind: "hang", operation: "deal" });
    const reply = await client.ok("create_media_buy", { lines: [{ quote_id: slow }, { quote_id: good }] });
    desk.sandbox.clearFaults();
    const statuses = reply.list("media_buys").map((one) => [at(one, "media_buy_id"), at(one, "status")]);
    expect(Object.fromEntries(statuses)).toEqual({ [slow]: "booking_unknown", [good]: "booked" });
    expect(reply.at("status")).toBe("booking_unknown");
    expect(reply.at("nothing_booked")).toBe(false);
    expect(reply.text).toContain("the money stays held and nothing is bought twice");
    expect(dealsOf(desk, good)).toBe(1);
    expect(dealsOf(desk, slow)).toBe(0);
  });
});
