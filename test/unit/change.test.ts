import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { beyondApproved, ceilingOf, returnedBy } from "../../src/domain/ceiling.ts";
import { actionsIn, type ChangeAsk, changesNothing, quoteOfChange } from "../../src/domain/change.ts";
import { bookedDifferences } from "../../src/domain/booked.ts";
import type { Deal } from "../../src/domain/deal.ts";
import { foldLine, type Line, type LineEvent } from "../../src/domain/media-buy.ts";
import { compare, formatMoney, money, parseMoney } from "../../src/domain/money.ts";
import type { Package } from "../../src/domain/package.ts";
import { effective, unitsFor } from "../../src/domain/package.ts";
import type { Quote } from "../../src/domain/quote.ts";
import { digestOf, stakeOf, type Terms, termsOf, totalOf } from "../../src/domain/terms.ts";
import { booking, quote as sample, request, usd } from "./sample.ts";

const context = {
  ...{ desk: "acme", sandbox: false, advertiser: "Acme", origin: "https://openbid.example", protocol: "adcp" },
  ...{ campaign: null, poNumber: null, cancellation: null },
};

function bought(id: string, kind: "auction" | "fixed", budget: string, price: string): Package {
  return {
    product: { ref: `openbid/${id}`, id, name: id, channel: "display" },
    ...{ option: "cpm", model: "cpm", kind, price: usd(price), listPrice: null, floor: usd("2.00"), guidance: null },
    ...{
      budget: usd(budget),
      units: unitsFor(usd(budget), usd(price), "cpm"),
      guaranteed: false,
      minSpend: usd("50.00"),
    },
    ...{ standards: [], formats: [], creatives: [], publishers: [] },
  };
}
const packages = [bought("banners", "auction", "1000.00", "6.00"), bought("spots", "fixed", "2000.00", "20.00")];
const quote: Quote = { ...sample, sellerId: "openbid", packages, ...effective(packages) };
const deal: Deal = {
  ...{ dealId: "mb1", sellerStatus: "active", productId: "banners", dealType: "PA", cpm: null, impressions: null },
  flight: { start: `${quote.flight.start}T00:00:00Z`, end: `${quote.flight.end}T23:59:59Z` },
  ...{ activation: [], openrtb: null, expiresAt: null, total: usd("3000.00"), revision: 1, paused: false },
  packages: packages.map(({ product, budget, price, kind }, at) => ({
    ...{ packageId: `p${at + 1}`, productId: product.id, option: "cpm", budget },
    bid: kind === "auction" ? price : null,
  })),
};
const buy = { ref: "openbid/bq-1", quote, deal };

const named = { ref: "openbid/mb1.change-1", sellerQuoteId: "mb1.change-1", revision: 1 };
const nothing: ChangeAsk = { action: "change", packages: [], start: null, end: null };
const changeTo = (ask: Partial<ChangeAsk>, of = buy) =>
  quoteOfChange(of, { ...nothing, ...ask }, named, "2026-11-21T09:30:00Z");
const p1 = (more: { budget?: string; bid?: string }) => ({
  packageId: "p1",
  budget: more.budget ? usd(more.budget) : null,
  bid: more.bid ? usd(more.bid) : null,
});
const p2 = (budget: string) => ({ packageId: "p2", budget: usd(budget), bid: null });
const termsFor = (changed: Quote): Terms => termsOf(changed, { ...request, budget: null }, context);

/** The buy's line, booked, with these changes made since. */
function line(...changes: readonly Extract<LineEvent, { kind: "buy_changed" }>[]): Line {
  const terms = termsFor(quote);
  const events: readonly LineEvent[] = [
    { kind: "quoted", v: 1, quote, request, campaign: null, by: "local", renews: null },
    { kind: "booking_started", v: 1, booking: { ...booking(1, null), terms } },
    { kind: "send_claimed", v: 1, attempt: 1, holder: "p", until: "2026-11-20T10:00:00Z", resend: false },
    { kind: "booking_confirmed", v: 1, attempt: 1, deal },
    ...changes,
  ];
  const folded = events.reduce<Line | null>((before, event) => foldLine(before, event, "2026-11-20T09:00:00Z"), null);
  if (!folded) throw new Error("no line");
  return folded;
}
function ceiling(of: Line) {
  const found = ceilingOf(of);
  if (!found) throw new Error("no ceiling");
  return found;
}
const beyond = (ask: Partial<ChangeAsk>, of = line()) => beyondApproved(ceiling(of), termsFor(changeTo(ask)));

describe("what is covered by the approval there is", () => {
  test.each<[string, Partial<ChangeAsk>]>([
    ["a pause", { action: "pause" }],
    ["a resumption", { action: "resume" }],
    ["a lower bid", { packages: [p1({ bid: "5.00" })] }],
    ["a lower budget", { packages: [p1({ budget: "999.99" })] }],
    ["an earlier end", { end: "2027-03-01" }],
  ])("%s is", (_name, ask) => {
    expect(beyond(ask)).toEqual([]);
  });

  test.each<[string, Partial<ChangeAsk>, RegExp]>([
    [
      "a higher bid at an equal total",
      { packages: [p1({ bid: "6.01" })] },
      /bid on p1 would be 6\.01 USD, approved is 6/,
    ],
    ["a larger budget", { packages: [p1({ budget: "1000.01" })] }, /0\.01 USD more than now/],
    [
      "a shift at an equal total",
      { packages: [p1({ budget: "900.00" }), p2("2100.00")] },
      /budget of p2 would be 2,100/,
    ],
    ["a shift that saves money", { packages: [p1({ budget: "500.00" }), p2("2001.00")] }, /budget of p2/],
    ["a later end", { end: "2027-03-29" }, /it would run/],
    ["an earlier start", { start: "2027-01-03" }, /it would run/],
  ])("%s is not", (_name, ask, why) => {
    expect(beyond(ask).join()).toMatch(why);
  });

  test("money that was given back is approved no longer, a bid that was lowered still is", () => {
    const lowered = changeTo({ packages: [p1({ budget: "600.00", bid: "4.00" })] });
    const made = line({
      ...{ kind: "buy_changed", v: 1, deal },
      change: { ref: named.ref, terms: termsFor(lowered), under: true, returned: usd("400.00") },
    });
    expect(ceiling(made).packages).toMatchObject([
      { budget: usd("600.00"), bid: usd("6.00") },
      { budget: usd("2000.00") },
    ]);
  });

  test("a change that a person approved is the new measure", () => {
    const raised = changeTo({ packages: [p1({ budget: "1500.00", bid: "9.00" })], end: "2027-04-01" });
    const made = line({
      ...{ kind: "buy_changed", v: 1, deal },
      change: { ref: named.ref, terms: termsFor(raised), under: false, returned: usd("0.00") },
    });
    expect(ceiling(made).packages[0]).toEqual({ packageId: "p1", budget: usd("1500.00"), bid: usd("9.00") });
    expect(ceiling(made).flight.end).toBe("2027-04-01T23:59:59Z");
  });

  test("covered means: no bid, no budget, no total and no day beyond what was approved, whatever is asked", () => {
    const cents = fc.integer({ min: 5_000, max: 400_000 }).map((value) => money(BigInt(value) * 10_000n, "USD"));
    const bids = fc.integer({ min: 200, max: 1_000 }).map((value) => money(BigInt(value) * 10_000n, "USD"));
    const end = fc.integer({ min: 1, max: 30 }).map((day) => `2027-03-${String(day).padStart(2, "0")}`);
    const asks = fc.record({ one: fc.option(cents), two: fc.option(cents), bid: fc.option(bids), end: fc.option(end) });
    let covered = 0;
    fc.assert(
      fc.property(asks, ({ one, two, bid, end: last }) => {
        const changed = changeTo({
          packages: [
            { packageId: "p1", budget: one, bid },
            { packageId: "p2", budget: two, bid: null },
          ],
          end: last,
        });
        const terms = termsFor(changed);
        const isCovered = beyondApproved(ceiling(line()), terms).length === 0;
        const [banners, spots] = changed.packages ?? [];
        const within =
          banners &&
          spots &&
          compare(banners.budget, usd("1000.00")) <= 0 &&
          compare(spots.budget, usd("2000.00")) <= 0 &&
          compare(banners.price, usd("6.00")) <= 0 &&
          changed.flight.end <= quote.flight.end;
        expect(isCovered).toBe(within);
        if (isCovered) expect(totalOf(terms).micros).toBe(0n);
        covered += isCovered ? 1 : 0;
        // What is held more and what is given back are never both, and come to the difference.
        const back = returnedBy(terms, usd("3000.00"));
        const after = stakeOf(terms).micros;
        expect(totalOf(terms).micros - back.micros).toBe(after - usd("3000.00").micros);
      }),
      { numRuns: 500 },
    );
    expect(covered).toBeGreaterThan(10);
  });
});

describe("a buy by volume", () => {
  const line5 = {
    ...deal,
    dealId: "7/5",
    productId: sample.product.id,
    dealType: sample.dealType,
    cpm: usd("25.00"),
    impressions: 400_000,
    packages: undefined,
    total: undefined,
  };
  const byVolume: Quote = { ...sample, cpm: usd("25.00"), listCpm: usd("25.00"), impressions: 400_000 };
  const bookedAt = (terms: Terms, ...events: readonly LineEvent[]): Line => {
    const all: readonly LineEvent[] = [
      { kind: "quoted", v: 1, quote: byVolume, request, campaign: null, by: "local", renews: null },
      { kind: "booking_started", v: 1, booking: { ...booking(1, null), terms } },
      { kind: "send_claimed", v: 1, attempt: 1, holder: "p", until: "2026-11-20T10:00:00Z", resend: false },
      { kind: "booking_confirmed", v: 1, attempt: 1, deal: line5 },
      ...events,
    ];
    const folded = all.reduce<Line | null>((before, event) => foldLine(before, event, "2026-11-20T09:00:00Z"), null);
    return folded ?? expect.fail("no line");
  };
  const approved = termsFor(byVolume);
  const to = (impressions: number | null, more: Partial<ChangeAsk> = {}, now = line5) => {
    const packages = impressions === null ? [] : [{ packageId: "7/5", budget: null, bid: null, impressions }];
    return quoteOfChange(
      { ref: "citylight/q", quote: byVolume, deal: now },
      { ...nothing, packages, ...more },
      { ...named, revision: null },
      "2026-11-21T09:30:00Z",
    );
  };

  test.each<[string, Quote, RegExp | null]>([
    ["fewer impressions", to(300_000), null],
    ["an earlier end", to(null, { end: "2027-03-01" }), null],
    [
      "one impression more",
      to(400_001),
      /0\.03 USD more than now.*400001 impressions would be bought, approved are 400000/,
    ],
    ["a later end", to(300_000, { end: "2027-03-29" }), /it would run/],
    [
      "a rate that its seller has raised",
      to(300_000, {}, { ...line5, cpm: usd("26.00") }),
      /its rate would be 26\.00 USD CPM, approved is 25/,
    ],
    // At a lower rate for less money it is still more than was approved.
    ["more for less", to(410_000, {}, { ...line5, cpm: usd("20.00") }), /410000 impressions would be bought/],
  ])("%s", (_name, changed, why) => {
    const beyond = beyondApproved(ceiling(bookedAt(approved)), termsFor(changed)).join();
    if (why === null) expect(beyond).toBe("");
    else expect(beyond).toMatch(why);
  });

  test("binds the volume before and after, commits only what is more, and gives back what is less", () => {
    const more = termsFor(to(480_000));
    expect(more).toMatchObject({
      ...{ v: 1, impressions: 480_000, unit_price: "25.00 USD", total: "2000.00 USD" },
      changes: {
        ...{ deal: "7/5", total_before: "10000.00 USD", total_after: "12000.00 USD" },
        packages: [
          { package_id: "7/5", budget: "10000.00 USD", bid: null, impressions: 400_000, unit_price: "25.00 USD" },
        ],
      },
    });
    const less = termsFor(to(300_000));
    expect(totalOf(less).micros).toBe(0n);
    expect(formatMoney(returnedBy(less, usd("10000.00")))).toBe("2500.00 USD");
    expect(bookedDifferences(less, { ...line5, impressions: 300_000 }, usd("25.00"))).toEqual([]);
    expect(bookedDifferences(less, line5, usd("25.00"))).toMatchObject([{ field: "impressions", now: "400000" }]);
  });

  test("what was given back is approved no longer, and what a person approved since is the new measure", () => {
    const made = (changed: Quote, under: boolean): LineEvent => ({
      ...{ kind: "buy_changed", v: 1, deal: line5 },
      change: { ref: named.ref, terms: termsFor(changed), under, returned: usd("0.00") },
    });
    const after = ceiling(bookedAt(approved, made(to(300_000), true)));
    expect(after.packages).toMatchObject([
      { budget: usd("7500.00"), volume: { impressions: 300_000, cpm: usd("25.00") } },
    ]);
    const raised = ceiling(bookedAt(approved, made(to(300_000), true), made(to(500_000), false)));
    expect(raised.packages).toMatchObject([{ budget: usd("12500.00"), volume: { impressions: 500_000 } }]);
  });

  test("says what it does in the seller's words, and refuses what a line does not have", () => {
    expect(actionsIn(to(300_000, { end: "2027-03-01" }))).toEqual([
      ["update_impressions"],
      ["shorten_flight", "update_flight_dates", "update_dates"],
    ]);
    expect(changesNothing(to(400_000))).toBe(true);
    expect(changesNothing(to(399_999))).toBe(false);
    const by = (one: object) => () => to(null, { packages: [{ packageId: "7/5", budget: null, bid: null, ...one }] });
    expect(by({ budget: usd("5000.00") })).toThrow(/impressions are what is changed/);
    expect(by({ packageId: "7/6", impressions: 1 })).toThrow(/has no package 7\/6; it has 7\/5/);
    expect(() => changeTo({ packages: [{ packageId: "p1", budget: null, bid: null, impressions: 5 }] })).toThrow(
      /its budget is what is changed/,
    );
  });
});

describe("terms of a change", () => {
  test("commit only what is more, and bind all of the new state and the old", () => {
    const terms = termsFor(changeTo({ packages: [p1({ budget: "1200.00" })] }));
    expect(terms).toMatchObject({
      total: "200.00 USD",
      changes: { total_before: "3000.00 USD", total_after: "3200.00 USD" },
    });
    const others = [
      changeTo({ packages: [p1({ budget: "1200.00", bid: "7.00" })] }),
      changeTo({ packages: [p2("2200.00")] }),
      changeTo({ packages: [p1({ budget: "1200.00" })], end: "2027-04-01" }),
      quoteOfChange(
        { ...buy, ref: "openbid/bq-2" },
        { ...nothing, packages: [p1({ budget: "1200.00" })] },
        named,
        sample.expiresAt,
      ),
    ];
    for (const other of others) expect(digestOf(termsFor(other))).not.toBe(digestOf(terms));
  });

  test("a buy of its own has the terms it had", () => {
    expect(Object.keys(termsFor(quote))).not.toContain("changes");
  });

  test("give back at most what is left of the buy's money", () => {
    const terms = termsFor(changeTo({ packages: [p1({ budget: "400.00" })] }));
    expect(formatMoney(returnedBy(terms, usd("3000.00")))).toBe("600.00 USD");
    expect(formatMoney(returnedBy(terms, usd("100.00")))).toBe("100.00 USD");
    expect(returnedBy(termsFor(quote), usd("3000.00")).micros).toBe(0n);
  });

  test("are compared with the buy as it is read back: budgets, bids, total, dates, pause", () => {
    const terms = termsFor(changeTo({ packages: [p1({ bid: "7.00" })] }));
    const [first, second] = deal.packages ?? [];
    if (!first || !second) throw new Error("two packages");
    const after = { ...deal, packages: [{ ...first, bid: usd("7.00") }, second] };
    expect(bookedDifferences(terms, after, null)).toEqual([]);
    expect(bookedDifferences(terms, deal, null).map(({ field }) => field)).toEqual(["bid on banners"]);
    const paused = termsFor(changeTo({ action: "pause" }));
    expect(bookedDifferences(paused, deal, null).map(({ field }) => field)).toEqual(["paused"]);
    expect(bookedDifferences(paused, { ...deal, paused: true }, null)).toEqual([]);
  });
});

test("what cannot be asked is refused in words", () => {
  expect(() => changeTo({ packages: [{ ...p2("2000.00"), bid: usd("3.00") }] })).toThrow("fixed");
  expect(() => changeTo({ packages: [p1({ bid: "1.99" })] })).toThrow("lowest bid");
  expect(() => changeTo({ packages: [p1({ budget: "49.99" })] })).toThrow("lowest budget");
  expect(() => changeTo({ packages: [{ ...p2("2000.00"), packageId: "p9" }] })).toThrow("no package p9");
  expect(() => changeTo({ packages: [{ ...p2("1.00"), budget: parseMoney("100.00 EUR") }] })).toThrow(
    "nothing is converted",
  );
});

test("the seller's words for what a change does", () => {
  const words = (ask: Partial<ChangeAsk>) => actionsIn(changeTo(ask)).map(([first]) => first);
  expect(words({ action: "pause" })).toEqual(["pause"]);
  expect(words({ packages: [p1({ budget: "1100.00", bid: "7.00" })] })).toEqual(["increase_budget", "update_packages"]);
  expect(words({ packages: [p1({ budget: "900.00" }), p2("2100.00")] })).toEqual(["reallocate_budget"]);
  expect(words({ end: "2027-03-01" })).toEqual(["shorten_flight"]);
  expect(changesNothing(changeTo({ packages: [p1({ budget: "1000.00", bid: "6.00" })] }))).toBe(true);
  expect(changesNothing(changeTo({ packages: [p1({ bid: "6.01" })] }))).toBe(false);
});
