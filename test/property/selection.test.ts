import fc from "fast-check";
import { expect, test } from "vitest";
import { money } from "../../src/domain/money.ts";
import { cheapestFirst, type Offer, rankedCpm } from "../../src/domain/selection.ts";
import { verifies } from "../requirements.ts";

const usd = (micros: bigint) => money(micros, "USD");
const amounts = fc.bigInt({ min: 0n, max: 10n ** 12n });
const offers: fc.Arbitrary<readonly Offer[]> = fc
  .uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 6 }),
      sellerId: fc.constantFrom("a", "b", "c"),
      cpm: amounts.map(usd),
      comparesAt: amounts.map(usd),
      bounds: fc.tuple(amounts, amounts),
      currency: fc.constantFrom("USD", "USD", "USD", "EUR"),
      isPreferred: fc.boolean(),
    }),
    { selector: ({ id }) => id, maxLength: 12 },
  )
  .map((all) =>
    all.map(({ bounds: [one, two], currency, cpm, comparesAt, ...rest }) => ({
      ...rest,
      cpm: { ...cpm, currency },
      comparesAt: { ...comparesAt, currency },
      least: money(one < two ? one : two, currency),
      most: money(one < two ? two : one, currency),
    })),
  );
const limits = fc.record({
  maxCpm: fc.option(amounts.map(usd)),
  sellerShare: fc.option(fc.integer({ min: 1, max: 100 })),
});

test("a selection is within the budget, each part within its offer, each seller within its share", () => {
  verifies("portfolio.within_budget", "portfolio.cap_per_seller");
  fc.assert(
    fc.property(offers, amounts.map(usd), limits, (all, budget, by) => {
      const { chosen, left } = cheapestFirst(all, budget, by);
      const offerOf = (id: string) => all.find((one) => one.id === id);
      expect(chosen.reduce((sum, one) => sum + one.budget.micros, 0n)).toBeLessThanOrEqual(budget.micros);
      const cap = by.sellerShare === null ? budget.micros : (budget.micros * BigInt(by.sellerShare)) / 100n;
      for (const seller of ["a", "b", "c"]) {
        const own = chosen.filter(({ id }) => offerOf(id)?.sellerId === seller);
        expect(own.reduce((sum, one) => sum + one.budget.micros, 0n)).toBeLessThanOrEqual(cap);
      }
      for (const { id, budget: part } of chosen) {
        const offer = offerOf(id);
        expect(part.currency).toBe("USD");
        expect(offer && part.micros > 0n && part.micros >= offer.least.micros && part.micros <= offer.most.micros).toBe(
          true,
        );
        if (by.maxCpm && offer) expect(offer.cpm.micros <= by.maxCpm.micros).toBe(true);
      }
      expect([...chosen, ...left].map(({ id }) => id).sort()).toEqual(all.map(({ id }) => id).sort());
    }),
  );
});

test("the order in which offers come changes nothing", () => {
  fc.assert(
    fc.property(offers, amounts.map(usd), limits, (all, budget, by) => {
      expect(cheapestFirst([...all].reverse(), budget, by)).toEqual(cheapestFirst(all, budget, by));
    }),
  );
});

test("a preferred seller counts as a tenth cheaper, and no more", () => {
  const offer = { id: "x", sellerId: "a", cpm: usd(10n), least: usd(0n), most: usd(1n) };
  expect(rankedCpm({ ...offer, comparesAt: usd(20_000_000n), isPreferred: true })).toBe(18_000_000n);
  expect(rankedCpm({ ...offer, comparesAt: usd(20_000_000n), isPreferred: false })).toBe(20_000_000n);
});
