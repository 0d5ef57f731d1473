import { expect, test } from "vitest";
import { productOf } from "../../src/sellers/adcp-products.ts";
import { productShape } from "../../src/sellers/wire/adcp.ts";

/** What is read of an AdCP product, and how it reads, where sellers say it in another way or not at all. */

const option = { pricing_option_id: "cpm", pricing_model: "cpm", currency: "USD", fixed_price: 20 };
const plain = { product_id: "p1", name: "P", delivery_type: "guaranteed", pricing_options: [option] };

/** The terms of a product that a seller writes so. */
function termsOf(more: object) {
  const { terms } = productOf("northbeam", productShape.parse({ ...plain, ...more })) ?? {};
  return terms ?? expect.fail("not read");
}

const notice = { interval: 14, unit: "days" };
test.each([
  [{ type: "none" }, "14 days of notice, and no fee"],
  [
    { type: "percent_remaining", rate: 0.5 },
    "with less than 14 days of notice, a fee of 50 % of what is not spent by then",
  ],
  [{ type: "full_commitment" }, "with less than 14 days of notice, the whole budget is due"],
  [{ type: "fixed_fee", amount: 500 }, "with less than 14 days of notice, a fee of 500.00 USD"],
  [{ type: "fixed_fee" }, "with less than 14 days of notice, a fixed fee that it does not name"],
  [{ type: "a_bottle" }, "with less than 14 days of notice, a fee it calls “a bottle”"],
  [undefined, "with less than 14 days of notice, a fee that it does not name"],
])("a cancellation fee %j reads %s", (fee, words) => {
  expect(termsOf({ cancellation_policy: { notice_period: notice, cancellation_fee: fee } }).cancellation).toBe(words);
});

test("a seller that says nothing of cancelling, forecasts or audiences is not spoken for", () => {
  expect(termsOf({})).toMatchObject({ cancellation: null, forecast: null, levels: [], targeting: [] });
});

test("forecasts are read as a point, a range or a curve; what is no figure is none", () => {
  const forecast = (points: object[], unit?: string) => ({
    forecast: { points, method: "modeled", currency: "USD", ...(unit ? { forecast_range_unit: unit } : {}) },
  });
  const budget = termsOf(forecast([{ budget: 5_000, metrics: { impressions: 250_000.7 } }]));
  expect(budget.forecast).toBe("Forecast: 250,000 impressions for 5,000.00 USD.");
  const curve = [20, 40].map((thousands) => ({
    budget: thousands * 1_000,
    metrics: { impressions: { mid: thousands } },
  }));
  expect(termsOf(forecast(curve)).forecast).toBe("Forecast: 20 to 40 impressions, by level.");
  const weekly = termsOf(forecast([{ label: "Low `bid`", metrics: { impressions: { low: 1, high: 9 } } }], "weekly"));
  expect(weekly.levels).toEqual([
    { label: "Low 'bid'", budget: null, impressions: { low: 1, mid: null, high: 9 }, winRate: null, per: "week" },
  ]);
  const odd = { impressions: { mid: -5 }, win_rate: { mid: 85 } };
  expect(termsOf(forecast([{ metrics: odd }, { metrics: {} }]))).toMatchObject({ forecast: null, levels: [] });
});

test("audiences of 3.0 are named by their provider; collections by their publisher", () => {
  const more = {
    data_provider_signals: [{ data_provider_domain: "polk.example", selection_type: "by_id", signal_ids: ["suv"] }],
    collections: [{ publisher_domain: "trailcast.example", collection_ids: ["big_hike"] }],
  };
  expect(termsOf(more).targeting).toEqual([
    { name: "polk.example", values: ["suv"], included: true },
    { name: "collections of trailcast.example", values: ["big_hike"], included: true },
  ]);
  const open = termsOf({ ...more, signal_targeting_allowed: true, collection_targeting_allowed: true });
  expect(open.targeting?.map(({ included }) => included)).toEqual([false, false]);
});
