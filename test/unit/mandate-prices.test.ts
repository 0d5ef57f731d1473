import { describe, expect, test } from "vitest";
import {
  type Mandate,
  type MandateFacts,
  noFurtherLimits,
  type PriceCaps,
  type PriceModel,
  weigh,
} from "../../src/domain/mandate.ts";
import { type Package, type PricingModel, pricingModels, unitsFor } from "../../src/domain/package.ts";
import { noBalances } from "../../src/domain/spend.ts";
import { verifies } from "../requirements.ts";
import { usd } from "./sample.ts";
import { budgetTerms, packageOf, video } from "./sample-budget.ts";

const mandate: Mandate = {
  ...noFurtherLimits,
  currency: "USD",
  perBuy: usd("60000"),
  perDay: usd("100000"),
  maxCpm: usd("32"),
  allowedSellers: null,
  blockedSellers: [],
  minTrust: "registered",
  timeZone: "UTC",
  channels: {},
};

const facts: MandateFacts = {
  trust: () => "verified",
  domain: () => "pinnacle.example",
  balances: noBalances("USD"),
  day: "2026-11-20",
};

function at(model: PricingModel, price: string, kind: Package["kind"] = "fixed"): Package {
  const one = packageOf("p", usd(price), usd("20000"));
  return { ...one, model, kind, units: unitsFor(one.budget, one.price, model) };
}

const weighed = (bought: readonly Package[], all: PriceCaps = {}, ctv: PriceCaps = {}) =>
  weigh({ ...mandate, maxPrices: { all, byChannel: { ctv } } }, [budgetTerms(bought)], facts);
const refusals = (...given: Parameters<typeof weighed>) => {
  const { outcome, reasons } = weighed(...given);
  return outcome === "refused" ? reasons : [];
};

/** The cap that counts for a model: a viewable CPM is a CPM. */
const capOf = (model: PricingModel): PriceModel => (model === "vcpm" ? "cpm" : model);

describe("a price per something else than impressions", () => {
  test.each(pricingModels.filter((model) => !["cpm", "vcpm"].includes(model)))(
    "%s is refused while no cap is set for it, whatever other caps there are",
    (model) => {
      verifies("promise.fail_closed");
      const others = pricingModels.filter((one) => one !== model).map((one) => [capOf(one), usd("50000")]);
      for (const caps of [{}, { ...Object.fromEntries(others), max_bid: usd("50000") }])
        expect(refusals([at(model, "0.05")], caps)).toEqual([
          expect.stringMatching(new RegExp(`^max_prices\\.all\\.${model} is not set, and pinnacle asks 0\\.05 USD `)),
        ]);
    },
  );

  test.each(pricingModels)("%s is held to its cap for all channels, and to that of its own", (model) => {
    const cap = capOf(model);
    expect(refusals([at(model, "5.00")], { [cap]: usd("5.00") })).toEqual([]);
    expect(refusals([at(model, "5.01")], { [cap]: usd("5.00") })).toEqual([
      `max_prices.all.${cap} is 5.00 USD, pinnacle asks 5.01 USD`,
    ]);
    expect(refusals([at(model, "5.01")], {}, { [cap]: usd("5.00") })).toEqual([
      `max_prices.by_channel.ctv.${cap} is 5.00 USD, pinnacle asks 5.01 USD`,
    ]);
    expect(refusals([at(model, "5.00")], {}, { [cap]: usd("5.00") })).toEqual([]);
  });
});

describe("a CPM, viewable or not,", () => {
  test.each(["cpm", "vcpm"] as const)("%s: max_cpm holds beside the caps by model", (model) => {
    expect(refusals([at(model, "32")])).toEqual([]);
    expect(refusals([at(model, "32.01")], { cpm: usd("40") }, { cpm: usd("40") })).toEqual([
      "max_cpm is 32.00 USD, pinnacle asks 32.01 USD",
    ]);
  });
});

describe("a bid", () => {
  test("is held to max_bid and to the cap of what it is per; a fixed price only to the second", () => {
    const bid = at("cpm", "12.50", "auction");
    expect(refusals([bid], { max_bid: usd("12.50") })).toEqual([]);
    expect(refusals([bid], { max_bid: usd("12.49") })).toEqual([
      "max_prices.all.max_bid is 12.49 USD, pinnacle asks 12.50 USD",
    ]);
    expect(refusals([bid], {}, { max_bid: usd("12") })).toEqual([
      "max_prices.by_channel.ctv.max_bid is 12.00 USD, pinnacle asks 12.50 USD",
    ]);
    expect(refusals([at("cpm", "12.50")], { max_bid: usd("1") })).toEqual([]);
    // Without one, a bid is what may be paid: the cap of its model holds.
    expect(refusals([at("cpm", "32.01", "auction")])).toEqual(["max_cpm is 32.00 USD, pinnacle asks 32.01 USD"]);
  });

  test("per view needs a cap for views: max_bid alone says nothing of what is bid for", () => {
    expect(refusals([at("cpcv", "0.05", "auction")], { max_bid: usd("1") })).toEqual([
      expect.stringMatching(/^max_prices\.all\.cpcv is not set/),
    ]);
    expect(refusals([at("cpcv", "0.05", "auction")], { max_bid: usd("1"), cpcv: usd("0.05") })).toEqual([]);
  });
});

describe("several packages", () => {
  test("are each held to their own caps, and every reason is given", () => {
    const radio: Package = { ...at("cpc", "2.00"), product: { ...video.product, id: "radio", channel: "audio" } };
    expect(refusals([video, radio, at("cpm", "33")], { cpc: usd("1") }, { cpc: usd("0.01") })).toEqual([
      // CTV's cap for clicks says nothing of audio's.
      "max_prices.all.cpc is 1.00 USD, pinnacle asks 2.00 USD",
      "max_cpm is 32.00 USD, pinnacle asks 33.00 USD",
    ]);
  });

  test("count for each channel what is spent on it, and for no channel where the seller names none", () => {
    const share = (percent: number, bought: readonly Package[]) =>
      weigh(
        { ...mandate, total: usd("100000"), concentration: { seller: null, channel: percent } },
        [budgetTerms(bought)],
        facts,
      ).reasons.filter((reason) => reason.startsWith("concentration"));
    const other: Package = { ...at("cpm", "20"), product: { ...video.product, channel: null } };
    expect(share(30, [video, other])).toEqual([]);
    expect(share(19, [video, other])).toEqual([
      "concentration.channel_percent is 19 % of total, 19,000.00 USD; ctv would have 30,000.00 USD",
      "concentration.channel_percent is 19 % of total, 19,000.00 USD; other would have 20,000.00 USD",
    ]);
  });
});
