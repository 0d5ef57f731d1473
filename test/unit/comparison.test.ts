import { describe, expect, test } from "vitest";
import { compareOffers, type Offer, type ProductFacts, type Ranked, shares } from "../../src/domain/comparison.ts";
import type { ForecastLevel } from "../../src/domain/inventory.ts";
import { formatMoney, type Money, parseMoney } from "../../src/domain/money.ts";
import type { Package } from "../../src/domain/package.ts";
import type { Quote } from "../../src/domain/quote.ts";
import { read } from "../docs/pages.ts";
import { verifies } from "../requirements.ts";
import { quote, usd } from "./sample.ts";
import { budgetQuote, packageOf, views } from "./sample-budget.ts";

const by = { currency: "USD", formats: [], now: new Date("2026-11-20T09:30:00Z") };
const plain: Partial<Quote> = {
  dealType: "PD",
  guaranteed: false,
  notHonoured: [],
  cpm: usd("10"),
  listCpm: usd("12"),
};
const facts: ProductFacts = { formats: ["video 30s"], negotiable: false, volumeDiscounts: false };

/** An open offer at 10.00 USD, with nothing for or against it; tests vary what they are about. */
function offer(
  ref: string,
  of: Partial<Quote> = {},
  more: Partial<Omit<Offer, "line">> & { line?: object } = {},
): Offer {
  const its: Quote = { ...quote, ...plain, ref: `a/${ref}`, ...of };
  const line = { status: "open" as const, quote: its, supersededBy: null, negotiation: null, quotedCpm: its.cpm };
  return {
    ref: its.ref,
    products: new Map([[its.product.ref, facts]]),
    available: null,
    ...more,
    line: { ...line, ...more.line },
  };
}

/** An offer of packages, that of a seller that sells budgets. */
function budgets(ref: string, packages: readonly Package[], levels: readonly ForecastLevel[] = []): Offer {
  const nothing = { options: [], standards: [], formats: [], publishers: [], countries: [] };
  const terms = { ...nothing, guaranteed: false, cancellation: null, forecast: null, expiresAt: null, levels };
  const products = new Map(packages.map(({ product }) => [product.ref, { ...facts, terms }]));
  return offer(
    ref,
    { ...budgetQuote(packages), ...{ notHonoured: [], guaranteed: false, ref: `a/${ref}` } },
    { products },
  );
}

function ranked(...offers: readonly Offer[]): readonly Ranked[] {
  const { ranked, apart } = compareOffers(offers, by);
  expect(apart).toEqual([]);
  return ranked;
}

const refs = (of: readonly Ranked[]) => of.map(({ ref }) => ref);
const effective = (one: Offer): string => formatMoney(ranked(one)[0]?.effectiveCpm ?? usd("0"));

describe("offers", () => {
  test("are ranked by price, and a cent is worth a cent", () => {
    verifies("compare.price", "multi_seller.normalised_quotes");
    const [first, second] = ranked(offer("dear", { cpm: usd("10.01") }), offer("cheap"));
    expect(first).toMatchObject({ ref: "a/cheap", rank: 1, score: 10_000, why: "lowest effective CPM" });
    expect(second).toMatchObject({ ref: "a/dear", rank: 2, score: 9_990, why: "0.1 % above the lowest CPM" });
  });

  test("compare cheaper for a guarantee, open negotiations and discounts, each by its share and with its reason", () => {
    verifies("compare.negotiability", "compare.volume_discount");
    const rows: readonly [Offer, string, string][] = [
      [offer("x"), "10.00 USD", "lowest effective CPM"],
      [offer("x", { guaranteed: true }), "9.00 USD", "guaranteed -10 %"],
      [offer("x", {}, having({ negotiable: true })), "9.70 USD", "still negotiable -3 %"],
      [offer("x", {}, having({ volumeDiscounts: true })), "9.80 USD", "discounts for more volume -2 %"],
      [offer("x", { notHonoured: ["audience", "geo"] }), "10.40 USD", "will not honour audience, geo +4 %"],
      [offer("x", {}, { available: 793_650 }), "11.50 USD", "50 % of the volume not free +15 %"],
    ];
    for (const [one, comparesAt, why] of rows) {
      const [found] = ranked(one);
      expect(formatMoney(found?.comparesAt ?? usd("0"))).toBe(comparesAt);
      expect(found?.why).toContain(why);
    }
  });

  test("that ended their negotiation or have their discount gain nothing from what is in the price already", () => {
    verifies("compare.negotiated_price", "compare.negotiability");
    const ended = { line: { negotiation: { status: "agreed" as const, why: "" }, quotedCpm: usd("11.00") } };
    const [first, second] = ranked(
      offer("listed", { cpm: usd("10.50") }),
      offer("talked", {}, { ...having({ negotiable: true }), ...ended }),
    );
    expect(first?.ref).toBe("a/talked");
    expect(first?.parts).toEqual([]);
    expect(first?.why).toBe("lowest effective CPM, negotiated down from 11.00 USD");
    expect(second?.ref).toBe("a/listed");
    const had = offer("x", { discounts: { tier: "10", volume: "5" } }, having({ volumeDiscounts: true }));
    expect(ranked(had)[0]?.parts).toEqual([]);
  });

  test("that take a wanted format rank above those that do not, however their seller writes it", () => {
    verifies("compare.format_fit");
    const offers = [
      offer("display", {}, having({ formats: ["display_300x250"] })),
      offer("video", { cpm: usd("10.50") }, having({ formats: ["Video_30s"] })),
      offer("unsaid", { cpm: usd("11.00") }, having({ formats: [] })),
    ];
    const { ranked: found } = compareOffers(offers, { ...by, formats: ["video 30s"] });
    expect(refs(found)).toEqual(["a/video", "a/unsaid", "a/display"]);
    expect(found.at(-1)?.why).toContain("takes no video 30s +20 %");
    expect(refs(compareOffers(offers, by).ranked)).toEqual(["a/display", "a/video", "a/unsaid"]);
  });

  test("that cannot be bought, or not in this currency, never rank: each is listed apart with why", () => {
    verifies("compare.price");
    const gone: readonly (readonly [Offer, RegExp])[] = [
      [offer("1", { cpm: usd("0.01"), expiresAt: "2026-11-20T09:30:00Z" }), /^expired 2026-11-20.*renew/],
      [offer("2", { cpm: usd("0.01"), state: "declined" }), /declined/],
      [offer("3", { cpm: usd("0.01") }, { line: { status: "declined" } }), /declined/],
      [offer("4", { cpm: usd("0.01"), inventoryAvailable: false }), /not available/],
      [offer("5", { cpm: usd("0.01") }, { available: 0 }), /not available/],
      [offer("6", { cpm: usd("0.01") }, { line: { supersededBy: "a/qt-2" } }), /replaced by a\/qt-2/],
      [offer("7", { cpm: parseMoney("0.01 EUR") }), /priced in EUR, compared in USD/],
      [offer("8", { cpm: usd("0.01") }, { line: { status: "booked" } }), /not on offer any more: booked/],
      [offer("9", { cpm: usd("0") }), /price of zero/],
      [offer("10", { cpm: null }), /priced in no currency/],
    ];
    const { ranked: found, apart } = compareOffers([...gone.map(([one]) => one), offer("good")], by);
    expect(refs(found)).toEqual(["a/good"]);
    expect(found[0]?.score).toBe(10_000);
    for (const [one, why] of gone) expect(apart.find(({ ref }) => ref === one.ref)?.why).toMatch(why);
    expect(apart).toHaveLength(gone.length);
  });

  test("given twice are one, and equals keep one order", () => {
    const [a, b] = [offer("a"), offer("b")];
    expect(refs(ranked(b, a, b))).toEqual(["a/a", "a/b"]);
    expect(compareOffers([], by)).toEqual({ ranked: [], apart: [] });
  });
});

describe("what 1,000 impressions are expected to cost", () => {
  const per = (model: Package["model"], price: string, more: Partial<Package> = {}): Package => ({
    ...packageOf("p", usd(price), usd("10000")),
    ...{ model, standards: [] },
    ...more,
  });
  const auction = (more: Partial<Package>): Package => per("cpm", "10.00", { kind: "auction", ...more });
  const half = (p50: string | Money) => ({
    guidance: { p25: null, p50: typeof p50 === "string" ? usd(p50) : p50, p75: null, p90: null },
  });

  test("follows from every model that units or promises allow, and says what it rests on", () => {
    verifies("multi_seller.normalised_quotes");
    const viewable = { standards: [{ metric: "viewability", threshold: "0.7" }] };
    const completed = { standards: [{ metric: "completion_rate", threshold: "0.75" }] };
    const rows: readonly (readonly [Package, string])[] = [
      [per("cpm", "10.00"), "10.00 USD"],
      [per("vcpm", "10.00", viewable), "7.00 USD"],
      [per("vcpm", "10.00"), "10.00 USD"],
      [per("cpcv", "0.02", completed), "15.00 USD"],
      [per("cpcv", "0.02"), "20.00 USD"],
      [auction(half("6.00")), "6.00 USD"],
      [auction({ ...half("6.00"), floor: usd("7.00") }), "7.00 USD"],
      [auction(half("12.00")), "10.00 USD"],
      [auction(half(parseMoney("6.00 EUR"))), "10.00 USD"],
      [auction({}), "10.00 USD"],
      // A seller that says of itself that next to nothing is paid is not believed below half.
      [auction(half("0.01")), "5.00 USD"],
      [per("cpcv", "0.02", { standards: [{ metric: "completion_rate", threshold: "0.01" }] }), "10.00 USD"],
      [per("vcpm", "10.00", { standards: [{ metric: "viewability", threshold: "7" }] }), "10.00 USD"],
    ];
    for (const [one, cost] of rows) expect(effective(budgets("x", [one]))).toBe(cost);
    const [first] = ranked(budgets("x", [auction(half("6.00"))]));
    expect(first?.why).toMatch(/an auction may be lost \+5 %.*assumes an auction that clears where half were won/);
    expect(ranked(budgets("x", [per("cpm", "10.00")]))[0]?.assumes).toBeNull();
  });

  test("follows from the seller's forecast where units tell nothing, and else is not known", () => {
    const level = (budget: string | null, mid: number | null, more: Partial<ForecastLevel> = {}): ForecastLevel => ({
      ...{ label: null, budget: budget === null ? null : usd(budget), winRate: null, per: null },
      impressions: { low: null, mid, high: null },
      ...more,
    });
    const levels = [level("20000", 4_000_000), level("5000", 500_000), level("8000", 1_000_000), level("10000", null)];
    const clicks = per("cpc", "1.00");
    expect(effective(budgets("x", [clicks], levels))).toBe("8.00 USD");
    expect(effective(budgets("x", [clicks], [level("20000", 4_000_000)]))).toBe("5.00 USD");
    expect(effective(budgets("x", [per("flat_rate", "10000")], [level(null, 2_000_000)]))).toBe("5.00 USD");
    const useless = [level(null, 1_000_000), level("5000", 1_000_000, { per: "day" }), level("5000", 0)];
    const { apart } = compareOffers([budgets("x", [clicks], useless)], by);
    expect(apart[0]?.why).toMatch(/^pinnacle\/p is sold per click and no impressions are forecast/);
  });

  test("of several packages is all their money over all their impressions", () => {
    const two = [per("cpm", "10.00"), { ...per("cpm", "20.00"), product: views.product }];
    expect(effective(budgets("x", two))).toBe("13.3333 USD");
  });

  test("of a private auction sold by volume is a fifth above where bidding begins", () => {
    const auctioned = offer("pa", { dealType: "PA" });
    expect(effective(auctioned)).toBe("12.00 USD");
    expect(ranked(auctioned)[0]?.why).toContain("taken to clear 20 % above");
    expect(refs(ranked(auctioned, offer("pd", { cpm: usd("11.90") })))).toEqual(["a/pd", "a/pa"]);
  });
});

test("the page on comparing has every share as it is", () => {
  verifies("docs.tool_reference");
  const told = [...read("docs/comparing.md").matchAll(/^\| `(\w+)`: .* \| (-?\d+) \|$/gm)];
  const percents = told.map(([, part, percent]) => [part, Number(percent) * 100]);
  expect(Object.fromEntries(percents)).toEqual(shares);
});

function having(more: Partial<ProductFacts>): Partial<Offer> {
  return { products: new Map([[quote.product.ref, { ...facts, ...more }]]) };
}
