import { expect, test } from "vitest";
import { book, days, delivered, flightDesk, sentTo } from "./adcp-flight.ts";
import { requestsAreValid } from "./adcp-sellers.ts";
import { verifies } from "../requirements.ts";
import { approving, at } from "./client.ts";
import { flight, quoteFrom, startDesk } from "./fixtures.ts";

const on = flightDesk();

test("an auction that falls behind: figures, pace with its threshold, and a range of bids", async () => {
  verifies(
    "tool.get_delivery",
    "adcp.inflight.pacing",
    "adcp.update.advice",
    "adcp.inflight.spend",
    "adcp.inflight.win_rate",
    "adcp.delivery.metrics",
    "adcp.delivery.daily",
    "adcp.delivery.budget_used",
    "adcp.delivery.clearing_price",
  );
  const item = { product: "openbid/ctv_open_auction", budget: "200000.00 USD", max_bid: "19.00 USD" };
  const id = await book(on.client, item);
  on.desk.sandbox.adcp.pass("openbid", days(11));
  const reply = await on.client.ok("get_delivery", { ids: [id], daily: true });
  const [booked] = on.desk.sandbox.adcp.buys("openbid")[0]?.packages ?? [];
  expect(delivered(reply)).toMatchObject({
    impressions: booked?.impressions,
    spend: `${booked?.spend.toFixed(2)} USD`,
    win_rate: expect.stringMatching(/^0\.\d+$/),
    clearing_price: expect.stringMatching(/ USD$/),
    pacing: expect.stringMatching(/^behind: 0\.\d+ of expected, below 0\.90$/),
  });
  expect(reply.text).toMatch(/advice: bid between 19\.00 USD and 28\.00 USD CPM: .*three quarters.*new approval/);
  expect(reply.text).toContain("not billing-grade");
  expect(reply.list("deliveries", 0, "packages", 0, "daily").length).toBeGreaterThanOrEqual(10);
  expect(delivered(reply)).toMatchObject({ effective_cpm: expect.stringMatching(/^\d+\.\d{2,4} USD$/) });
  const again = await on.client.ok("get_delivery", { ids: [id] });
  expect(delivered(again)).not.toHaveProperty("daily");
});

test("a guaranteed buy: the promise of the terms is held against what was delivered; nobody says win rate", async () => {
  verifies("adcp.inflight.win_rate", "adcp.delivery.sla", "adcp.products.sla");
  const item = { product: "streamhaus/outdoor_ctv_q2_guaranteed", budget: "60000.00 USD" };
  const asked = await on.client.ok("request_quote", { items: [{ ...item, flight: flight(1, 30) }] });
  const id = asked.string("quotes", 0, "quote_id");
  await on.client.ok("create_media_buy", { lines: [{ quote_id: id }] });
  on.desk.sandbox.adcp.sign("streamhaus");
  await on.client.ok("get_media_buys", { ids: [id], refresh: true });
  const before = await on.client.ok("get_delivery", { ids: [id] });
  expect(delivered(before)).toMatchObject({ win_rate: null, clearing_price: null, effective_cpm: null });
  expect(before.text).toContain("not reported");
  // The flight begins tomorrow: nothing is late, and there is nothing to advise.
  expect(delivered(before)).toMatchObject({ impressions: 0, pacing: "not begun", advice: [] });
  const video = { asset_type: "video", url: "https://cdn.acmeoutdoor.example/a.mp4", width: 1920, height: 1080 };
  const creative = { creative_id: "spot", name: "Spot", format: "video_30s", assets: { video_file: video } };
  const assignments = [{ creative_id: "spot", package: "streamhaus/outdoor_ctv_q2_guaranteed" }];
  await on.client.ok("sync_creatives", { media_buy_id: id, creatives: [creative], assignments });
  on.desk.sandbox.adcp.pass("streamhaus", days(11));
  const after = await on.client.ok("get_delivery", { ids: [id] });
  expect(delivered(after)).toMatchObject({
    budget_used_percent: expect.stringMatching(/^\d+\.\d$/),
    promises: [{ promise: "at least 95 % of plays completed", delivered: "0.91", kept: false }],
    win_rate: null,
  });
  expect(after.text).toMatch(/promised at least 95 % of plays completed: NOT KEPT so far, 91 %/);
  expect(after.text).toMatch(/advice: promised at least 95 % of plays completed, delivered 91 %: .*makegood/);
  expect(after.text).toMatch(/behind: 0\.\d+ of expected, below 0\.90/);
});

test("a seller that still reports under the storyboards' name is read as any other", async () => {
  verifies("adcp.delivery.shape");
  const read = async () => (await on.client.ok("get_delivery", {})).list("deliveries");
  const before = await read();
  on.desk.sandbox.adcp.modes("openbid", "legacy");
  const between = await read();
  on.desk.sandbox.adcp.modes("openbid");
  const after = await read();
  // Delivery goes on while it is read.
  const figures = (rows: readonly unknown[]) =>
    rows.flatMap((row) => [Number(at(row, "impressions")), Number.parseFloat(String(at(row, "spend")))]);
  expect(figures(between)).toHaveLength(figures(before).length);
  figures(between).forEach((figure, index) => {
    expect(figure).toBeGreaterThan(0);
    expect(figure).toBeGreaterThanOrEqual(figures(before)[index] ?? Number.NaN);
    expect(figure).toBeLessThanOrEqual(figures(after)[index] ?? Number.NaN);
  });
});

test("a desk without bookings has nothing to tell, and one that delivers is found without being named", async () => {
  const all = await on.client.ok("get_delivery");
  expect(all.list("deliveries")).toHaveLength(2);
  const unknown = await on.client.call("get_delivery", { ids: ["openbid/none"] });
  expect(unknown.text).toMatch(/^unknown_media_buy/);
});

test("an IAB seller reports next to nothing, and nothing is made up", async () => {
  const other = await startDesk({ sandbox: { sellers: ["northbeam"] } });
  try {
    const person = await other.connect({ person: approving });
    const id = await quoteFrom(person);
    await person.ok("create_media_buy", { lines: [{ quote_id: id }] });
    const reply = await person.ok("get_delivery", {});
    expect(delivered(reply)).toMatchObject({ spend: null, budget_used_percent: null, win_rate: null });
    expect(reply.at("deliveries", 0, "billing_grade")).toBe(false);
  } finally {
    await other.close();
  }
});

requestsAreValid(() => sentTo(on.desk), { "3.0": 0, "3.1": 10 }, "get_media_buy_delivery");
