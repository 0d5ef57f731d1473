import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { trustLevels } from "../../src/domain/identity.ts";
import { recommendation, type TrustWord, weighTrust } from "../../src/domain/trust.ts";
import { verifies } from "../requirements.ts";

const word = (trust: TrustWord["trust"], change: Partial<TrustWord> = {}): TrustWord => ({
  ...{ registry: "iab", trust, registryId: null, at: "2026-11-20T18:00:30.000Z", stale: false },
  ...change,
});
const words = fc.array(
  fc.record({
    registry: fc.constantFrom("a", "b", "c"),
    trust: fc.constantFrom(...trustLevels),
    registryId: fc.constant(null),
    at: fc.constant("2026-11-20T18:00:30.000Z"),
    stale: fc.boolean(),
  }),
  { maxLength: 4 },
);
const rank = (trust: TrustWord["trust"]) => trustLevels.indexOf(trust);

describe("trust out of what registries say", () => {
  test.each([
    ["nobody says anything", null, [], "unknown", "no registry vouches for it"],
    ["one vouches", null, [word("verified")], "verified", "iab, 2026-11-20 18:00 UTC"],
    ["the best of two", null, [word("registered"), word("preferred", { registry: "club" })], "preferred", "club, 2026"],
    ["one blocks", null, [word("preferred"), word("blocked", { registry: "club" })], "blocked", "club, 2026"],
    ["the operator vouches", "registered", [word("preferred")], "registered", "config"],
    ["the operator knows nothing of it", "unknown", [word("preferred")], "unknown", "config"],
    ["the operator vouches, and one blocks", "preferred", [word("blocked")], "blocked", "iab, 2026"],
    ["the operator blocks", "blocked", [word("preferred")], "blocked", "config"],
    [
      "one that is silent vouched more",
      null,
      [word("preferred", { stale: true }), word("registered")],
      "registered",
      "iab",
    ],
    ["all are silent", null, [word("verified", { stale: true })], "verified", "last known of 2026-11-20 18:00 UTC"],
    ["one that is silent blocked", null, [word("blocked", { stale: true }), word("verified")], "blocked", "last known"],
  ] as const)("%s", (_what, own, said, trust, by) => {
    const weighed = weighTrust(own && { trust: own, by: "config" }, said);
    expect(weighed.trust).toBe(trust);
    expect(weighed.by).toContain(by);
  });

  test("an answer that fails to come raises nobody, and neither does any registry what the operator said", () => {
    fc.assert(
      fc.property(words, fc.option(fc.constantFrom(...trustLevels)), (said, own) => {
        const operator = own && { trust: own, by: "config" };
        const { trust } = weighTrust(operator, said);
        if (operator) expect(rank(trust)).toBeLessThanOrEqual(rank(operator.trust));
        const outage = said.map((one) => ({ ...one, stale: one.stale || one.registry === "a" }));
        const best = Math.max(...said.map((one) => rank(one.trust)), rank("unknown"));
        expect(rank(weighTrust(operator, outage).trust)).toBeLessThanOrEqual(operator ? rank(operator.trust) : best);
        if (said.some((one) => one.trust === "blocked")) expect(trust).toBe("blocked");
      }),
    );
  });

  test("each level comes with what to do", () => {
    verifies("trust.recommendation");
    expect(Object.keys(recommendation).sort()).toEqual([...trustLevels].sort());
  });
});
