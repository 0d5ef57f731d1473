import { expect, test } from "vitest";
import { parseMoney } from "../../src/domain/money.ts";
import { type Arguments, researchTools } from "../../src/planner/research-tools.ts";
import { briefOf, taskOf } from "./scene.ts";

const task = taskOf({ brief: briefOf({ maxCpm: parseMoney("30.00 USD"), frequencyCap: "3 a day" }) });
const filled = (name: string, given: Arguments) =>
  researchTools.find((tool) => tool.name === name)?.fill(given, task) ?? expect.fail(name);

test.each([
  [undefined, "30.00 USD"],
  ["59.00 USD", "30.00 USD"],
  ["28.50 USD", "28.50 USD"],
  // Left for the server, which refuses both.
  ["59.00 EUR", "59.00 EUR"],
  ["a lot", "a lot"],
])("a ceiling of %s is sent on as %s", (given, sent) => {
  const max = given === undefined ? {} : { max_cpm: given };
  expect(filled("negotiate", { quotes: [{ quote_id: "a/1", ...max }] })).toEqual({
    quotes: [{ quote_id: "a/1", max_cpm: sent }],
  });
});

test("a price that is put to a seller is no higher, and the rest of an item is the brief's", () => {
  const items = [
    { product: "a/1", budget: "5.00 USD", offer_cpm: "59.00 USD" },
    { product: "b/2", impressions: 7 },
  ];
  const { flight } = task.brief;
  const own = {
    flight: { start: flight.start, end: flight.end },
    targeting: { geo: ["US"], audience: ["A25-54", "running"], frequency_cap: "3 a day" },
    brief: "Trail shoes; awareness; A25-54, running; US",
  };
  expect(filled("request_quote", { items })).toEqual({
    campaign: "Trail shoes",
    goal: "awareness",
    items: [
      { product: "a/1", budget: "5.00 USD", offer_cpm: "30.00 USD", ...own },
      { product: "b/2", impressions: 7, ...own },
    ],
  });
});

test("quotes are renewed as they are, and kits are of the channel alone", () => {
  expect(filled("request_quote", { quote_ids: ["a/1"] })).toEqual({ quote_ids: ["a/1"] });
  expect(filled("get_media_kit", { limit: 5, channels: ["audio"] })).toMatchObject({ limit: 5, channels: ["ctv"] });
  expect(filled("compare_quotes", { campaign: "other" })).toEqual({ campaign: "Trail shoes" });
});
