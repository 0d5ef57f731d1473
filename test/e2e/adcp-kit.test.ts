import { expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { rawSeller, story } from "./adcp-sellers.ts";
import { at, type Reply } from "./client.ts";
import { flight } from "./fixtures.ts";

/** What a planner is shown of AdCP products, and what of a choice reaches the seller. */

const on = story({
  house: (id) => rawSeller(id, "streamhaus"),
  market: (id) => rawSeller(id, "openbid"),
  old: (id) => rawSeller(id, "streamhaus", "legacy"),
});

test("a kit tells each product's kind, price, forecast, formats, minimum and floor", async () => {
  verifies("adcp.products.id", "adcp.products.delivery_type", "adcp.products.fixed_price", "adcp.products.forecast");
  verifies("adcp.products.formats", "adcp.products.floor");
  const kit = await on.client.ok("get_media_kit", { sellers: ["house", "market"], limit: 50 });
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
  expect(at(preroll, "terms", "promises")).toEqual(["at least 75 % of plays completed"]);
  expect(String(at(preroll, "about")).length).toBeGreaterThan(20);
  expect(product("house/title_sponsorship")).toMatchObject({ price: { kind: "exact", model: "flat_rate" } });
  expect(product("market/sports_display_auction")).toMatchObject({
    deal_types: ["PA"],
    price: { kind: "floor" },
    terms: { guaranteed: false, pricing_options: [{ fixed: null, floor: expect.stringMatching(/ USD$/) }] },
  });
});

test("an auction tells what each level of bid is forecast to bring, and whom it can be aimed at", async () => {
  verifies("adcp.products.forecast_by_bid", "adcp.products.targeting");
  const kit = await on.client.ok("get_media_kit", { sellers: ["market"], limit: 50 });
  const ours = kit.list("products").find((one) => at(one, "product") === "market/sports_display_auction");
  expect(at(ours, "terms", "forecast_levels")).toHaveLength(4);
  expect(at(ours, "terms", "forecast_levels", 1)).toEqual({
    ...{ label: "at a bid of 7.5 USD (p50)", budget: null, per: "day" },
    impressions: { low: 1_600_000, mid: 2_000_000, high: 2_200_000 },
    win_rate: { low: null, mid: "0.5", high: null },
  });
  expect(kit.text).toContain(
    "“at a bid of 7.5 USD (p50)”: 2,000,000 (1,600,000 to 2,200,000) impressions a day, 50 % won",
  );
  expect(at(ours, "terms", "targeting")).toEqual([
    { name: "Adults by age", values: ["A18-34", "A25-54"], included: false },
    { name: "Sports pages", values: ["scores", "tables", "transfers"], included: true },
  ]);
  expect(kit.text).toContain("audiences and contexts in it (its words) “Sports pages” (scores, tables, transfers)");
  expect(kit.text).toContain("on offer, by naming them in the brief (its words) “Adults by age” (A18-34, A25-54)");
  // A seller that says nothing of either is shown without.
  const point = kit.list("products").find((one) => at(one, "product") === "market/regional_points");
  expect([at(point, "terms", "targeting"), at(point, "terms", "forecast_levels", "length")]).toEqual([[], 1]);
});

test("the account's id, what asking for it did, and whom it is for reach the planner, seller by seller", async () => {
  verifies("adcp.account.id", "adcp.account.action", "adcp.account.scope");
  const flights = flight();
  const items = ["market", "old"].map((id) => ({
    ...(id === "old"
      ? { product: "old/sports_preroll_q2_guaranteed" }
      : { product: "market/sports_display_auction", max_bid: "6.00 USD" }),
    ...{ flight: flights, budget: "9000.00 USD" },
  }));
  const asked = await on.client.ok("request_quote", { items });
  const shown = (reply: Reply) =>
    reply
      .list("quotes")
      .map((one) => [at(one, "product"), at(one, "account_id"), at(one, "account_scope")].map(String))
      .sort();
  const ids = shown(asked).map(([, id = ""]) => id);
  expect(ids).toEqual([expect.stringMatching(/^acct_/), expect.stringMatching(/^acct_/)]);
  expect(new Set(ids).size).toBe(2);
  expect(asked.text).toContain(`the seller's account ${ids[0]}, of this brand and operator alone`);
  expect(asked.text).toContain("the account is new there");
  // It is kept with the quote: who asks later, in another process, learns the same and creates nothing.
  const later = await on.desk.connect();
  const again = await later.ok("request_quote", { items });
  expect(shown(again)).toEqual(shown(asked));
  expect(again.at("quotes", 0, "found_open")).toBe(true);
});

test("below a product's minimum nothing is asked of the seller", async () => {
  verifies("adcp.products.minimum_spend");
  const item = { product: "house/sports_preroll_q2_guaranteed", flight: flight(), budget: "100.00 USD" };
  const reply = await on.client.ok("request_quote", { items: [item] });
  expect(reply.at("failed", 0)).toMatchObject({ code: "below_minimum" });
  expect(reply.string("failed", 0, "message")).toContain("at least 5,000.00 USD");
  expect(
    on
      .seller("house")
      .asked()
      .filter(({ task }) => task === "create_media_buy"),
  ).toEqual([]);
});

test("instants, account, creatives and prices go out as they were approved, and only after that", async () => {
  verifies("adcp.create.dates", "adcp.create.creative_assignments", "adcp.account.reference");
  verifies("adcp.create.after_approval");
  const days = flight();
  const item = {
    ...{ product: "house/sports_preroll_q2_guaranteed", flight: days, budget: "30000.00 USD" },
    creative_ids: ["video_30s_trail_pro"],
  };
  const quote = (await on.client.ok("request_quote", { items: [item] })).string("quotes", 0, "quote_id");
  const bookings = () =>
    on
      .seller("house")
      .asked()
      .filter(({ task }) => task === "create_media_buy");
  expect(bookings()).toEqual([]);
  const questions = on.client.questions.length;
  await on.client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  expect(on.client.questions.length).toBe(questions + 1);
  expect(on.client.questions.at(-1)).toContain("promised at least 75 % of plays completed");
  expect(on.client.questions.at(-1)).toMatch(
    /Cancelling: .*Published by the seller: sports_preroll_q2_guaranteed: with less than 14 days of notice, a fee of 25 % of what is not spent by then\./,
  );
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
  const later = on
    .seller("house")
    .asked()
    .filter(({ args }) => "account" in args);
  expect(new Set(later.map(({ args }) => JSON.stringify(args["account"]))).size).toBe(1);
});

test("a page of the seller's, its words and its own estimate reach the planner", async () => {
  verifies("adcp.pending.setup_url", "adcp.pending.setup_message", "adcp.create.estimated_completion");
  const item = { product: "old/sports_preroll_q2_guaranteed", flight: flight(), budget: "30000.00 USD" };
  const quote = (await on.client.ok("request_quote", { items: [item] })).string("quotes", 0, "quote_id");
  const asked = await on.client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  const told = await on.client.ok("get_media_buys", { ids: [quote], refresh: true });
  expect(told.at("media_buys", 0, "seller_waits")).toMatchObject({
    for: "signature",
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\//),
    seller_said: expect.stringMatching(/./),
  });
  expect([asked, told].some((one) => one.at("media_buys", 0, "seller_waits", "expected_by") !== null)).toBe(true);
  expect(told.text).toMatch(/the person can act at http.* \(the seller's page\); the seller said \(its words\): "/);
  // The address is for a person: nothing of ours opened it.
  expect(
    on
      .seller("old")
      .sandbox.requests("streamhaus")
      .filter(({ method }) => method === "GET")
      .map(({ target }) => target),
  ).not.toContain(new URL(told.string("media_buys", 0, "seller_waits", "url")).pathname);
});
