import { describe, expect, test } from "vitest";
import {
  type BuyerIdentity,
  expectedDiscount,
  expectedSaving,
  masked,
  type RevealQuestion,
  reveal,
  type Tier,
  type Trust,
  tiers,
} from "../../src/domain/identity.ts";
import { parseMoney } from "../../src/domain/money.ts";
import { verifies } from "../requirements.ts";
import { usd } from "./sample.ts";

const question: RevealQuestion = {
  trust: "preferred",
  relationship: "established",
  dealType: "PD",
  goal: null,
  dealValue: usd("10000"),
  credentials: ["seat", "agency", "advertiser"],
  thresholds: { agency: usd("25000"), advertiser: usd("100000") },
};

const asked = (changes: Partial<RevealQuestion>) => reveal({ ...question, ...changes });

const buyer: BuyerIdentity = {
  seatId: "ttd-1",
  seatName: "The Seat",
  agencyId: "agency-2",
  agencyName: "The Agency",
  agencyHoldingCompany: "The Holding",
  advertiserId: "acme-3",
  advertiserName: "Acme",
  advertiserIndustry: "CPG",
};

describe("how much to reveal", () => {
  test.each<[string, Tier]>([
    ["100000.00", "advertiser"],
    ["250000.00", "advertiser"],
    ["99999.99", "agency"],
    ["25000.00", "agency"],
    ["24999.99", "seat"],
    ["0", "seat"],
  ])("a deal of %s reveals %s", (value, tier) => {
    verifies("identity.threshold.high", "identity.threshold.mid");
    expect(asked({ dealValue: usd(value) })?.tier).toBe(tier);
  });

  test("without a known value it starts at the seat", () => {
    expect(asked({ dealValue: null })).toMatchObject({ tier: "seat", why: ["deal value not known yet"] });
  });

  test("thresholds are those given, and a value in another currency is not guessed at", () => {
    const thresholds = { agency: usd("10"), advertiser: usd("20") };
    expect(asked({ dealValue: usd("10"), thresholds })?.tier).toBe("agency");
    expect(asked({ dealValue: usd("20"), thresholds })?.tier).toBe("advertiser");
    const inEuros = () => asked({ dealValue: parseMoney("250000 EUR") });
    expect(inEuros).toThrow(expect.objectContaining({ code: "currency_mismatch" }));
  });

  test("programmatic guaranteed reveals the advertiser, whatever it is worth", () => {
    verifies("identity.pg");
    expect(asked({ dealType: "PG" })).toMatchObject({
      tier: "advertiser",
      why: expect.arrayContaining(["programmatic guaranteed"]),
    });
    expect(asked({ dealType: "PD" })?.tier).toBe("seat");
    expect(asked({ dealType: "PA" })?.tier).toBe("seat");
  });

  test("a trusted seller and a performance goal are one step up each", () => {
    verifies("identity.relationship", "identity.goal");
    expect(asked({ relationship: "trusted" })?.tier).toBe("agency");
    expect(asked({ goal: "performance" })?.tier).toBe("agency");
    expect(asked({ relationship: "trusted", goal: "performance" })?.tier).toBe("advertiser");
    expect(asked({ relationship: "trusted", dealValue: usd("25000") })?.tier).toBe("advertiser");
    expect(asked({ relationship: "trusted", dealValue: usd("100000") })?.tier).toBe("advertiser");
    expect(asked({ goal: "awareness" })?.tier).toBe("seat");
    expect(asked({ goal: "consideration" })?.tier).toBe("seat");
    expect(asked({ relationship: "established" })?.tier).toBe("seat");
  });

  test("a new seller starts at the seat, whatever the deal", () => {
    verifies("identity.new_seller");
    for (const dealType of ["PG", "PD", "PA"] as const) {
      const answer = asked({ relationship: "new", dealType, goal: "performance", dealValue: usd("150000") });
      expect(answer).toMatchObject({ tier: "seat", why: expect.arrayContaining(["a new seller starts at seat"]) });
    }
  });

  test("a 150,000 guaranteed deal with a trusted seller reveals the advertiser", () => {
    verifies("identity.example.high");
    const answer = asked({ dealValue: usd("150000"), dealType: "PG", relationship: "trusted", goal: "performance" });
    expect(answer?.tier).toBe("advertiser");
  });

  test("a 10,000 preferred deal with a seller we do not know reveals the seat at most", () => {
    verifies("identity.example.low");
    const deal = { dealValue: usd("10000"), dealType: "PD", relationship: "new", goal: "awareness" } as const;
    expect(asked(deal)?.tier).toBe("seat");
    expect(asked({ ...deal, trust: "unknown" })?.tier).toBe("public");
  });
});

describe("what caps it", () => {
  const most = { dealType: "PG", relationship: "trusted", goal: "performance", dealValue: usd("1000000") } as const;

  test.each<[Trust, Tier]>([
    ["preferred", "advertiser"],
    ["verified", "agency"],
    ["registered", "seat"],
    ["unknown", "public"],
  ])("a %s seller sees at most %s", (trust, tier) => {
    verifies("identity.cap", "trust.preferred", "trust.verified", "trust.registered");
    expect(asked({ ...most, trust })?.tier).toBe(tier);
    expect(asked({ ...most, trust })?.withoutCredential).toBeNull();
  });

  test("a blocked seller is not contacted at all", () => {
    expect(asked({ ...most, trust: "blocked" })).toBeNull();
    expect(asked({ trust: "blocked", relationship: "trusted" })).toBeNull();
  });

  test("a tier without a credential is named, and the one below with one is used", () => {
    verifies("identity.no_key_for_tier");
    expect(asked({ ...most, credentials: ["seat"] })).toMatchObject({
      tier: "seat",
      withoutCredential: "advertiser",
      why: expect.arrayContaining(["no credential for advertiser here"]),
      next: null,
    });
    expect(asked({ ...most, credentials: [] })).toMatchObject({ tier: "public", withoutCredential: "advertiser" });
    expect(asked({ ...most, trust: "verified", credentials: ["advertiser"] })).toMatchObject({
      tier: "public",
      withoutCredential: "agency",
    });
  });

  test("the next tier is one that trust allows and a credential opens", () => {
    expect(asked({})?.next).toBe("agency");
    expect(asked({ credentials: ["seat", "advertiser"] })?.next).toBe("advertiser");
    expect(asked({ trust: "registered" })?.next).toBeNull();
    expect(asked({ credentials: ["seat"] })?.next).toBeNull();
    expect(asked(most)?.next).toBeNull();
  });
});

describe("what a tier shows", () => {
  const seat = { seat_id: "ttd-1", seat_name: "The Seat" };
  const agency = { ...seat, agency_id: "agency-2", agency_name: "The Agency", agency_holding_company: "The Holding" };
  const all = { ...agency, advertiser_id: "acme-3", advertiser_name: "Acme", advertiser_industry: "CPG" };

  test.each<[Tier, Record<string, string>, number]>([
    ["public", {}, 0],
    ["seat", seat, 5],
    ["agency", agency, 10],
    ["advertiser", all, 15],
  ])("%s", (tier, shown, discount) => {
    verifies("identity.tier.public", "identity.tier.seat", "identity.tier.agency", "identity.tier.advertiser");
    verifies("identity.fields");
    expect(masked(buyer, tier)).toEqual(shown);
    expect(expectedDiscount[tier]).toBe(discount);
  });

  test("a field the desk does not have is not sent as empty", () => {
    expect(masked({ seatId: "ttd-1", agencyName: undefined }, "advertiser")).toEqual({ seat_id: "ttd-1" });
  });

  test("a step up is expected to save the difference of the discounts", () => {
    verifies("identity.savings");
    expect(expectedSaving(usd("35.00"), "seat", "agency")).toEqual(usd("1.75"));
    expect(expectedSaving(usd("35.00"), "public", "advertiser")).toEqual(usd("5.25"));
    expect(expectedSaving(usd("50000"), "agency", "advertiser")).toEqual(usd("2500"));
    expect(tiers.map((tier) => expectedSaving(usd("35.00"), tier, tier).micros)).toEqual([0n, 0n, 0n, 0n]);
  });
});
