import { atCpm } from "../../src/domain/quote.ts";
import { beforeEach, describe, expect, test } from "vitest";
import { masked, type Tier, tiers } from "../../src/domain/identity.ts";
import type { DealType } from "../../src/domain/inventory.ts";
import { formatMoney } from "../../src/domain/money.ts";
import type { LoggedRequest } from "../../src/sandbox/request-log.ts";
import type { ConfigFile } from "../e2e/fixtures.ts";
import { flight } from "../e2e/fixtures.ts";
import { formDecision } from "../people.ts";
import { verifies } from "../requirements.ts";
import {
  asking,
  both,
  bytesOf,
  type Change,
  discovery,
  errorIn,
  item,
  kit,
  negotiated,
  products,
  quoted,
  reportIn,
  sharedBench,
  withSeller,
} from "./desk-bench.ts";

/** Words that occur nowhere else, so that one of them in a request is the buyer's. */
const buyer = {
  seat_id: "seat-kx7",
  seat_name: "Kestrel Seat",
  agency_id: "agency-kx7",
  agency_name: "Kestrel Media",
  agency_holding_company: "Kestrel Holding",
  advertiser_id: "advertiser-kx7",
  advertiser_name: "Tamarind Tents",
  advertiser_industry: "tarpaulins",
};
const identity = {
  seatId: buyer.seat_id,
  seatName: buyer.seat_name,
  agencyId: buyer.agency_id,
  agencyName: buyer.agency_name,
  agencyHoldingCompany: buyer.agency_holding_company,
  advertiserId: buyer.advertiser_id,
  advertiserName: buyer.advertiser_name,
  advertiserIndustry: buyer.advertiser_industry,
};
const asBuyer: Change = (standard) => ({ ...standard, buyer, advertiser: buyer.advertiser_name });

/** The buyer's words that a tier must not show. */
const hidden = (tier: Tier) =>
  Object.values(buyer).filter((word) => !Object.values(masked(identity, tier)).includes(word));

/** The tier whose key a request carried. */
const keyTier = ({ credential }: LoggedRequest): Tier =>
  tiers.find((tier) => credential.key?.endsWith(`-${tier}`)) ?? "public";

function expectNothingAbove(tier: Tier, request: LoggedRequest): void {
  const bytes = bytesOf(request);
  expect({ target: request.target, shown: hidden(tier).filter((word) => bytes.includes(word)) }).toEqual({
    target: request.target,
    shown: [],
  });
  expect(tiers.indexOf(keyTier(request))).toBeLessThanOrEqual(tiers.indexOf(tier));
}

/** Deals by value and type, told apart on the wire by the day their flight begins. */
const deals: readonly { readonly budget: string; readonly dealType: DealType }[] = [
  { budget: "10000 USD", dealType: "PD" },
  { budget: "50000 USD", dealType: "PD" },
  { budget: "150000 USD", dealType: "PD" },
  { budget: "10000 USD", dealType: "PG" },
];
const startOf = (index: number) => flight(30 + index).start;

interface Case {
  readonly trust: string;
  readonly relationship: string;
  readonly keys: readonly Tier[];
  /** What each of {@link deals} shows, for awareness and for performance: public, seat, agency, (A)dvertiser. */
  readonly shows: readonly [string, string];
}

const every: readonly Tier[] = ["seat", "agency", "advertiser"];
const cases: readonly Case[] = [
  { trust: "preferred", relationship: "new", keys: every, shows: ["ssss", "ssss"] },
  { trust: "preferred", relationship: "established", keys: every, shows: ["saAA", "aAAA"] },
  { trust: "preferred", relationship: "trusted", keys: every, shows: ["aAAA", "AAAA"] },
  { trust: "verified", relationship: "new", keys: every, shows: ["ssss", "ssss"] },
  { trust: "verified", relationship: "established", keys: every, shows: ["saaa", "aaaa"] },
  { trust: "verified", relationship: "trusted", keys: every, shows: ["aaaa", "aaaa"] },
  { trust: "registered", relationship: "new", keys: every, shows: ["ssss", "ssss"] },
  { trust: "registered", relationship: "established", keys: every, shows: ["ssss", "ssss"] },
  { trust: "registered", relationship: "trusted", keys: every, shows: ["ssss", "ssss"] },
  { trust: "preferred", relationship: "established", keys: ["seat"], shows: ["ssss", "ssss"] },
  { trust: "preferred", relationship: "established", keys: ["seat", "advertiser"], shows: ["ssAA", "sAAA"] },
  { trust: "preferred", relationship: "established", keys: ["agency"], shows: ["paaa", "aaaa"] },
  { trust: "preferred", relationship: "established", keys: ["advertiser"], shows: ["ppAA", "pAAA"] },
  { trust: "preferred", relationship: "trusted", keys: [], shows: ["pppp", "pppp"] },
];
const letters: Readonly<Record<string, Tier>> = { p: "public", s: "seat", a: "agency", A: "advertiser" };

const keysFor = (held: readonly Tier[]): ConfigFile =>
  Object.fromEntries(held.map((tier) => [tier, { api_key: `sandbox-northbeam-${tier}` }]));

describe("what a seller is shown", () => {
  const bench = sharedBench(asBuyer, { sellers: ["northbeam"] });
  beforeEach(() => bench.sandbox.clearRequests());

  test.each(cases)("$trust, $relationship, keys for $keys", async ({ trust, relationship, keys, shows }) => {
    verifies(
      "identity.masked",
      "identity.cap",
      "identity.relationship",
      "identity.goal",
      "identity.pg",
      "identity.new_seller",
    );
    const desk = bench.other(
      both(asBuyer, withSeller("northbeam", { trust, relationship, credentials: keysFor(keys) })),
    );
    for (const [index, goal] of (["awareness", "performance"] as const).entries()) {
      bench.sandbox.clearRequests();
      const items = deals.map((deal, at) => ({ ...item(products.sports, deal), flight: flight(30 + at) }));
      const reports = (await desk.quote(asking(items, { goal }))).map(reportIn);
      const decided = [...(shows[index] ?? "")].map((letter) => letters[letter] ?? "public");
      expect(reports.map(({ reveal }) => reveal.tier)).toEqual(decided);
      expect(reports.map(({ loaded }) => loaded.line.quote.pricedAs)).toEqual(decided);

      const asked = bench.sandbox.requests().filter(({ operation }) => operation === "quote" || operation === "avails");
      expect(asked.length).toBeGreaterThanOrEqual(2 * deals.length);
      for (const [at, tier] of decided.entries()) {
        const its = asked.filter(({ body }) => body.includes(startOf(at)));
        expect(its.length).toBeGreaterThanOrEqual(2);
        for (const request of its) expectNothingAbove(tier, request);
        const quotes = its.filter(({ operation }) => operation === "quote");
        expect(quotes.map(keyTier)).toEqual(quotes.map(() => tier));
      }
      // What is read beside the quotes shows no more than the key it is read with.
      for (const request of bench.sandbox.requests()) expectNothingAbove(keyTier(request), request);
    }
  });

  test("before its trust is known nothing of the buyer is sent, and an unknown one is asked for no quote", async () => {
    verifies("trust.before_contact", "identity.masked");
    const desk = bench.other(both(asBuyer, withSeller("northbeam", { trust: "unknown" })));
    const { url } = bench.sandbox.seller("northbeam");
    await desk.discover(discovery({ url }));
    await desk.mediaKit(kit({ sellers: ["northbeam"], query: "sports" }));
    const [outcome] = await desk.quote(asking([item(products.sports)]));
    expect(errorIn(outcome)).toMatchObject({ code: "trust_too_low", recovery: "choose_another" });
    expect(bench.sandbox.requests().length).toBeGreaterThan(2);
    for (const request of bench.sandbox.requests()) {
      expectNothingAbove("public", request);
      expect(request.method).toBe("GET");
    }
  });

  test("cards are read as nobody, also those of sellers that may see all", async () => {
    verifies("trust.before_contact");
    await bench.desk.discover(discovery({ refresh: true }));
    expect(bench.sandbox.requests()).toHaveLength(1);
    for (const request of bench.sandbox.requests()) expectNothingAbove("public", request);
  });

  test("a blocked one is sent nothing", async () => {
    const desk = bench.other(both(asBuyer, withSeller("northbeam", { trust: "blocked" })));
    const [outcome] = await desk.quote(asking([item(products.sports)]));
    expect(errorIn(outcome).code).toBe("seller_blocked");
    expect(bench.sandbox.requests()).toEqual([]);
  });

  test("without a mandate no currency is known, so nothing of the buyer is shown", async () => {
    const desk = bench.other((standard) => ({ ...asBuyer(standard), mandate: undefined }));
    const report = await quoted(desk, item(products.sports, { budget: "150000 USD" }));
    expect(report.reveal).toMatchObject({ tier: "public", next: null });
    for (const request of bench.sandbox.requests()) expectNothingAbove("public", request);
  });

  test("from quote over negotiation to booking and order it is shown one tier, and no more", async () => {
    verifies("identity.masked");
    const { loaded, reveal } = await quoted(bench.desk, item(products.sports, { budget: "50000 USD", dealType: "PD" }));
    expect(reveal.tier).toBe("agency");
    bench.sandbox.clearRequests();
    await negotiated(bench.desk, { ref: loaded.ref });
    const { approvalId } = await bench.desk.buy(
      { refs: [loaded.ref], poNumber: "PO-1", campaign: null, by: "local" },
      10_000,
    );
    await bench.desk.decide(approvalId ?? "", formDecision(), 10_000);
    expect((await bench.desk.line(loaded.ref)).line).toMatchObject({
      status: "booked",
      orderId: expect.stringMatching(/./),
    });
    const sent = bench.sandbox.requests();
    expect(new Set(sent.map(({ operation }) => operation))).toEqual(
      new Set(["negotiate", "negotiation-read", "quote-read", "deal", "order"]),
    );
    for (const request of sent) expectNothingAbove("agency", request);
  });
});

describe("what a tier is worth", () => {
  const bench = sharedBench(asBuyer);
  const small = item(products.sports, { budget: "10000 USD", dealType: "PD" });

  test("the same product gets cheaper from public to advertiser", async () => {
    verifies("identity.better_rates_by_tier");
    const price = async (keys: readonly Tier[]) => {
      const change = withSeller("northbeam", { relationship: "trusted", credentials: keysFor(keys) });
      const report = await quoted(bench.other(both(asBuyer, change)), small, { goal: "performance" });
      return formatMoney(atCpm(report.loaded.line.quote).cpm);
    };
    expect([await price([]), await price(["seat"]), await price(["agency"]), await price(["advertiser"])]).toEqual([
      "35.00 USD",
      "33.25 USD",
      "31.50 USD",
      "29.75 USD",
    ]);
  });

  test("it is decided seller by seller, not once for the desk", async () => {
    verifies("identity.per_seller");
    const items = [products.sports, products.radio, products.local].map((one) =>
      item(one, { budget: "150000 USD", dealType: "PD" }),
    );
    const reports = (await bench.desk.quote(asking(items))).map(reportIn);
    expect(reports.map(({ reveal }) => reveal.tier)).toEqual(["advertiser", "agency", "seat"]);
  });

  test("what the next tier would save is said, where trust and keys allow it", async () => {
    verifies("identity.savings");
    const { reveal, loaded } = await quoted(
      bench.desk,
      item(products.sports, { impressions: 200_000, dealType: "PD" }),
    );
    expect(reveal).toMatchObject({ tier: "seat", next: "agency" });
    expect(loaded.line.quote.impressions).toBe(200_000);
    expect(reveal.nextSaving && formatMoney(reveal.nextSaving)).toBe("350.00 USD");
    const best = await quoted(bench.desk, item(products.local, { impressions: 200_000, dealType: "PD" }));
    expect(best.reveal).toMatchObject({ tier: "seat", next: null, nextSaving: null });
  });

  test("a tier without a key is named, with what it would bring", async () => {
    verifies("identity.no_key_for_tier");
    const desk = bench.other(both(asBuyer, withSeller("northbeam", { credentials: keysFor(["seat"]) })));
    const { reveal, warnings } = await quoted(desk, item(products.sports, { budget: "50000 USD", dealType: "PD" }));
    expect(reveal.tier).toBe("seat");
    expect(reveal.why).toContain("no credential for agency here");
    expect(warnings).toEqual(["no credential for agency: it would be expected 10 % below list"]);
  });

  test("a key that brings less than its tier should is a warning", async () => {
    verifies("identity.lower_than_expected");
    const keys = { agency: { api_key: "sandbox-northbeam-seat" } };
    const desk = bench.other(both(asBuyer, withSeller("northbeam", { credentials: keys })));
    const { loaded, warnings } = await quoted(desk, item(products.sports, { budget: "50000 USD", dealType: "PD" }));
    expect(loaded.line.quote).toMatchObject({ shownAs: "agency", pricedAs: "seat" });
    expect(warnings).toEqual(["priced as seat although shown agency: check the credential"]);
    expect((await quoted(bench.desk, small)).warnings).toEqual([]);
  });

  test("both thresholds are settings", async () => {
    verifies("identity.threshold.setting");
    const desk = bench.other((standard) => ({
      ...asBuyer(standard),
      reveal_from: { agency: "5000 USD", advertiser: "8000 USD" },
    }));
    const tierAt = async (budget: string) =>
      (await quoted(desk, item(products.sports, { budget, dealType: "PD" }))).reveal.tier;
    expect([
      await tierAt("4999.99 USD"),
      await tierAt("5000 USD"),
      await tierAt("7999.99 USD"),
      await tierAt("8000 USD"),
    ]).toEqual(["seat", "agency", "agency", "advertiser"]);
  });

  test("a quote found again is reported as it was asked for", async () => {
    // Worth 26,250.00 at list, which is the agency's band; 23,625.00 as priced, which is not.
    const one = item(products.sports, { impressions: 750_000, dealType: "PD" });
    const first = await quoted(bench.desk, one);
    expect([first.reveal.tier, formatMoney(first.total)]).toEqual(["agency", "23625.00 USD"]);
    const again = await quoted(bench.desk, one);
    expect(again).toMatchObject({ found: true, reveal: first.reveal });
    const [renewed] = await bench.desk.renew([first.loaded.ref], "test", 10_000);
    const [reported] = await bench.desk.renew([first.loaded.ref], "test", 10_000);
    expect(reportIn(reported)).toMatchObject({
      found: true,
      reveal: first.reveal,
      loaded: { ref: reportIn(renewed).loaded.ref },
    });
  });

  test("a quote found after the settings changed is what it was: shown and priced as it was asked for", async () => {
    const one = item(products.sports, { impressions: 800_000, dealType: "PD" });
    const { loaded } = await quoted(bench.desk, one);
    const desk = bench.again(both(asBuyer, withSeller("northbeam", { trust: "registered" })));
    const again = await quoted(desk, one);
    expect([again.found, again.loaded.ref, again.reveal.tier, again.reveal.next]).toEqual([
      true,
      loaded.ref,
      "agency",
      null,
    ]);
    expect(again.reveal.why).toEqual(["it was asked for as agency; asked for now, it would be seat"]);
  });
});
