import { afterAll, beforeAll, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { adcpDesk, type RawSeller, rawSeller } from "./adcp-sellers.ts";
import { approving, at, type Connection } from "./client.ts";
import { flight, type TestDesk } from "./fixtures.ts";

/** What a planner is shown of AdCP products, and what of a choice reaches the seller. */

let house: RawSeller;
let market: RawSeller;
let old: RawSeller;
let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  [house, market, old] = await Promise.all([
    rawSeller("house", "streamhaus"),
    rawSeller("market", "openbid"),
    rawSeller("old", "streamhaus", "legacy"),
  ]);
  desk = await adcpDesk([house, market, old]);
  client = await desk.connect({ person: approving });
});
afterAll(async () => {
  await desk.close();
  await Promise.all([house, market, old].map((seller) => seller.close()));
});

test("a kit tells each product's kind, price, forecast, formats, minimum and floor", async () => {
  verifies("adcp.products.id", "adcp.products.delivery_type", "adcp.products.fixed_price", "adcp.products.forecast");
  verifies("adcp.products.formats", "adcp.products.floor");
  const kit = await client.ok("get_media_kit", { sellers: ["house", "market"], limit: 50 });
  const product = (ref: string) => kit.list("products").find((one) => at(one, "product") === ref);
  const preroll = product("house/sports_preroll_q2_guaranteed");
  expect(preroll).toMatchObject({
    name: "Sports Pre-Roll, Guaranteed",
    deal_types: ["PG"],
    price: { kind: "exact", model: "cpm", cpm: "24.00 USD" },
    terms: {
      guaranteed: true,
      formats: ["video_30s"],
      forecast: expect.stringMatching(/^Forecast: [\d,]+ impressions/),
      pricing_options: [{ fixed: "24.00 USD", floor: null, min_spend: "5000.00 USD" }],
    },
  });
  expect(String(at(preroll, "about")).length).toBeGreaterThan(20);
  expect(product("house/title_sponsorship")).toMatchObject({ price: { kind: "exact", model: "flat_rate" } });
  expect(product("market/sports_display_auction")).toMatchObject({
    deal_types: ["PA"],
    price: { kind: "floor" },
    terms: { guaranteed: false, pricing_options: [{ fixed: null, floor: expect.stringMatching(/ USD$/) }] },
  });
});

test("below a product's minimum nothing is asked of the seller", async () => {
  verifies("adcp.products.minimum_spend");
  const item = { product: "house/sports_preroll_q2_guaranteed", flight: flight(), budget: "100.00 USD" };
  const reply = await client.ok("request_quote", { items: [item] });
  expect(reply.at("failed", 0)).toMatchObject({ code: "below_minimum" });
  expect(reply.string("failed", 0, "message")).toContain("at least 5,000.00 USD");
  expect(house.asked().filter(({ task }) => task === "create_media_buy")).toEqual([]);
});

test("instants, account, creatives and prices go out as they were approved, and only after that", async () => {
  verifies("adcp.create.dates", "adcp.create.creative_assignments", "adcp.account.reference");
  verifies("adcp.create.after_approval");
  const days = flight();
  const item = {
    ...{ product: "house/sports_preroll_q2_guaranteed", flight: days, budget: "30000.00 USD" },
    creative_ids: ["video_30s_trail_pro"],
  };
  const quote = (await client.ok("request_quote", { items: [item] })).string("quotes", 0, "quote_id");
  const bookings = () => house.asked().filter(({ task }) => task === "create_media_buy");
  expect(bookings()).toEqual([]);
  const questions = client.questions.length;
  await client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  expect(client.questions.length).toBe(questions + 1);
  const [sent] = bookings();
  expect(sent?.args).toMatchObject({
    account: { brand: { domain: "acmeoutdoor.example" }, operator: "agency.example" },
    start_time: `${days.start}T00:00:00Z`,
    end_time: `${days.end}T23:59:59Z`,
    packages: [
      {
        product_id: "sports_preroll_q2_guaranteed",
        pricing_option_id: "cpm_guaranteed_fixed",
        budget: 30_000,
        creative_assignments: [{ creative_id: "video_30s_trail_pro" }],
      },
    ],
  });
  const later = house.asked().filter(({ args }) => "account" in args);
  expect(new Set(later.map(({ args }) => JSON.stringify(args["account"]))).size).toBe(1);
});

test("a page of the seller's, its words and its own estimate reach the planner", async () => {
  verifies("adcp.pending.setup_url", "adcp.pending.setup_message", "adcp.create.estimated_completion");
  const item = { product: "old/sports_preroll_q2_guaranteed", flight: flight(), budget: "30000.00 USD" };
  const quote = (await client.ok("request_quote", { items: [item] })).string("quotes", 0, "quote_id");
  const asked = await client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  const told = await client.ok("get_media_buys", { ids: [quote], refresh: true });
  expect(told.at("media_buys", 0, "seller_waits")).toMatchObject({
    for: "signature",
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\//),
    seller_said: expect.stringMatching(/./),
  });
  expect([asked, told].some((one) => one.at("media_buys", 0, "seller_waits", "expected_by") !== null)).toBe(true);
  expect(told.text).toMatch(/the person can act at http.* \(the seller's page\); the seller said \(its words\): "/);
  // The address is for a person: nothing of ours opened it.
  expect(
    old.sandbox
      .requests("streamhaus")
      .filter(({ method }) => method === "GET")
      .map(({ target }) => target),
  ).not.toContain(new URL(told.string("media_buys", 0, "seller_waits", "url")).pathname);
});
