import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  atMost,
  type BuyerIdentity,
  goals,
  masked,
  type RevealQuestion,
  relationships,
  reveal,
  type Tier,
  tiers,
  trustCap,
  trustLevels,
} from "../../src/domain/identity.ts";
import { dealTypes } from "../../src/domain/inventory.ts";
import { verifies } from "../requirements.ts";
import { usd } from "../unit/sample.ts";
import { amounts } from "./arbitraries.ts";

const questions: fc.Arbitrary<RevealQuestion> = fc.record({
  trust: fc.constantFrom(...trustLevels),
  relationship: fc.constantFrom(...relationships),
  dealType: fc.constantFrom(...dealTypes),
  goal: fc.option(fc.constantFrom(...goals)),
  dealValue: fc.option(amounts("USD", 200_000n * 1_000_000n)),
  credentials: fc.subarray<Tier>(["seat", "agency", "advertiser"]),
  thresholds: fc.constant({ agency: usd("25000"), advertiser: usd("100000") }),
});

const rank = (tier: Tier) => tiers.indexOf(tier);

describe("reveal", () => {
  test("never shows more than trust allows, nor a tier without a credential", () => {
    verifies("identity.cap", "identity.no_key_for_tier");
    fc.assert(
      fc.property(questions, (question) => {
        const cap = trustCap[question.trust];
        const answer = reveal(question);
        if (cap === null || answer === null) {
          expect(cap).toBe(answer);
          return;
        }
        const held: readonly Tier[] = ["public", ...question.credentials];
        expect(atMost(answer.tier, cap)).toBe(true);
        expect(held).toContain(answer.tier);
        expect(answer.why.length).toBeGreaterThan(0);
        if (question.relationship === "new") expect(atMost(answer.tier, "seat")).toBe(true);
        if (answer.withoutCredential) {
          expect(held).not.toContain(answer.withoutCredential);
          expect(atMost(answer.withoutCredential, cap)).toBe(true);
          expect(rank(answer.withoutCredential)).toBeGreaterThan(rank(answer.tier));
        }
        if (answer.next) {
          expect(held).toContain(answer.next);
          expect(atMost(answer.next, cap)).toBe(true);
          expect(rank(answer.next)).toBeGreaterThan(rank(answer.tier));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("more trust, more value or another credential never shows less", () => {
    fc.assert(
      fc.property(questions, questions, (question, other) => {
        const before = reveal(question);
        const more: RevealQuestion[] = [
          { ...question, credentials: [...question.credentials, ...other.credentials] },
          { ...question, trust: trustLevels[trustLevels.indexOf(question.trust) + 1] ?? question.trust },
          { ...question, dealValue: usd("1000000") },
          { ...question, goal: "performance" },
        ];
        for (const changed of more) {
          expect(rank(reveal(changed)?.tier ?? "public")).toBeGreaterThanOrEqual(rank(before?.tier ?? "public"));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("masking", () => {
  const fields: readonly (readonly [keyof BuyerIdentity, string, Tier])[] = [
    ["seatId", "seat_id", "seat"],
    ["seatName", "seat_name", "seat"],
    ["agencyId", "agency_id", "agency"],
    ["agencyName", "agency_name", "agency"],
    ["agencyHoldingCompany", "agency_holding_company", "agency"],
    ["advertiserId", "advertiser_id", "advertiser"],
    ["advertiserName", "advertiser_name", "advertiser"],
    ["advertiserIndustry", "advertiser_industry", "advertiser"],
  ];
  const word = fc.string({ minLength: 1 });
  const buyers: fc.Arbitrary<BuyerIdentity> = fc.record(
    {
      seatId: word,
      seatName: word,
      agencyId: word,
      agencyName: word,
      agencyHoldingCompany: word,
      advertiserId: word,
      advertiserName: word,
      advertiserIndustry: word,
    },
    { requiredKeys: [] },
  );

  test("shows a field from its tier on, and in no tier below", () => {
    fc.assert(
      fc.property(buyers, fc.constantFrom(...tiers), (buyer, tier) => {
        const shown = masked(buyer, tier);
        for (const [ours, theirs, from] of fields) {
          expect(shown[theirs]).toBe(atMost(from, tier) ? buyer[ours] : undefined);
        }
        expect(Object.keys(shown).every((key) => fields.some(([, theirs]) => theirs === key))).toBe(true);
      }),
    );
  });
});
