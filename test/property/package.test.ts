import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Channel } from "../../src/domain/inventory.ts";
import { money, sum } from "../../src/domain/money.ts";
import { budgetOf, effective, type Package, pricingModels, unitsFor } from "../../src/domain/package.ts";
import { digestOf, noWorse, pricesIn, type Terms, totalOf } from "../../src/domain/terms.ts";
import { budgetTerms, packageOf, video } from "../unit/sample-budget.ts";
import { cpms } from "./arbitraries.ts";

const budgets = fc.bigInt({ min: 1n, max: 10_000_000n }).map((cents) => money(cents * 10_000n, "USD"));
const models = fc.constantFrom(...pricingModels);
const perUnit = (model: Package["model"]) => (model === "cpm" || model === "vcpm" ? 1000n : 1n);

const packages: fc.Arbitrary<readonly Package[]> = fc.array(
  fc
    .record({
      price: cpms,
      budget: budgets,
      model: models,
      isBid: fc.boolean(),
      channel: fc.constantFrom<(Channel | null)[]>("ctv", "audio", null),
    })
    .map(
      ({ price, budget, model, isBid, channel }): Package => ({
        ...packageOf("p", price, budget),
        product: { ref: "pinnacle/p", id: "p", name: "p", channel },
        model,
        kind: isBid ? "auction" : "fixed",
        units: unitsFor(budget, price, model),
      }),
    ),
  { minLength: 1, maxLength: 4 },
);

describe("a budget", () => {
  test("pays for as many units as it can and no more", () => {
    fc.assert(
      fc.property(budgets, cpms, models, (budget, price, model) => {
        const units = BigInt(unitsFor(budget, price, model));
        if (model === "flat_rate") {
          expect(units).toBe(1n);
          return;
        }
        expect(units * price.micros <= budget.micros * perUnit(model)).toBe(true);
        expect((units + 1n) * price.micros > budget.micros * perUnit(model)).toBe(true);
      }),
    );
  });

  test("split over packages is whole again in the offer, its terms and its prices", () => {
    fc.assert(
      fc.property(packages, (bought) => {
        const terms = budgetTerms(bought);
        const total = budgetOf(bought);
        expect(terms.v).toBe(2);
        expect(totalOf(terms)).toEqual(total);
        expect(
          sum(
            pricesIn(terms).map((price) => price.total),
            "USD",
          ),
        ).toEqual(total);
        expect(pricesIn(terms).map(({ units }) => units)).toEqual(bought.map(({ units }) => units));
        const { cpm, impressions } = effective(bought);
        expect(terms.impressions).toBe(impressions);
        expect(cpm === null).toBe(impressions === null || (impressions === 0 && bought.length > 1));
        if (cpm === null || impressions === null || bought.length === 1) return;
        // At the effective CPM those impressions cost what all of it costs, but for less than a micro each thousand.
        const off = (cpm.micros * BigInt(impressions)) / 1000n - total.micros;
        expect(off < BigInt(impressions) && off > -BigInt(impressions)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe("no worse, by budget,", () => {
  /** The same packages, each half a cent dearer or cheaper, or as they were. */
  const moved = (bought: readonly Package[], steps: readonly number[]): Terms =>
    budgetTerms(
      bought.map((one, at) => {
        const micros = one.price.micros + BigInt(steps[at] ?? 0) * 5_000n;
        const price = money(micros > 0n ? micros : one.price.micros, "USD");
        return { ...one, price, units: unitsFor(one.budget, price, one.model) };
      }),
    );

  test("means the same packages for the same money, at prices that are none higher", () => {
    const seen = new Set<boolean>();
    fc.assert(
      fc.property(
        packages,
        fc.array(fc.integer({ min: -1, max: 1 }), { minLength: 4, maxLength: 4 }),
        (bought, steps) => {
          const fixed = bought.map((one) => ({ ...one, kind: "fixed" as const }));
          const approved = budgetTerms(fixed);
          const now = moved(fixed, steps);
          const [before, after] = [pricesIn(approved), pricesIn(now)];
          const isCheaper = before.every(({ price }, n) => (after[n]?.price.micros ?? 0n) <= price.micros);
          seen.add(isCheaper);
          expect(noWorse(approved, now)).toBe(isCheaper);
          if (!isCheaper) return;
          expect(totalOf(now)).toEqual(totalOf(approved));
          before.forEach(({ units }, n) => {
            expect(after[n]?.units).toBeGreaterThanOrEqual(units);
          });
        },
      ),
      { numRuns: 200 },
    );
    expect([...seen].sort()).toEqual([false, true]);
  });

  test("is never so with a package more or less, or in another order", () => {
    fc.assert(
      fc.property(packages, (bought) => {
        const approved = budgetTerms(bought);
        expect(noWorse(approved, approved)).toBe(true);
        expect(noWorse(approved, budgetTerms([...bought, video]))).toBe(false);
        if (bought.length > 1) expect(noWorse(approved, budgetTerms(bought.slice(1)))).toBe(false);
        const turned = budgetTerms(bought.toReversed());
        if (digestOf(turned) !== digestOf(approved)) expect(noWorse(approved, turned)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
