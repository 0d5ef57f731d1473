import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, differences, digestOf, noWorse, totalOf } from "../../src/domain/terms.ts";
import { terms, termsFor } from "../unit/sample.ts";
import { budgetTerms } from "../unit/sample-budget.ts";
import { cpms } from "./arbitraries.ts";

/** JSON without fractions: what canonical JSON is defined for. */
const { value: json } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: "binary" }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: "binary", maxLength: 4 }), tie("value"), { maxKeys: 5 }),
  ),
}));

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  const pairs = Object.entries(value).map(([key, inner]): [string, unknown] => [key, reversed(inner)]);
  return Object.fromEntries(pairs.toReversed());
}

/** Any leaf of the terms, and what a different value for it looks like. */
const leaves: readonly (readonly string[])[] = paths(terms);
const byBudget = budgetTerms();
const packageLeaves = paths({ packages: byBudget.packages });

function paths(value: unknown, at: readonly string[] = []): readonly (readonly string[])[] {
  // A list of texts is one leaf; a list of packages is gone into.
  const isLeaf = typeof value !== "object" || value === null;
  if (isLeaf || (Array.isArray(value) && typeof value[0] !== "object")) return [at];
  return Object.entries(value).flatMap(([key, inner]) => paths(inner, [...at, key]));
}

function changed(value: unknown, [key, ...rest]: readonly string[], to: unknown): unknown {
  if (key === undefined) return to;
  if (Array.isArray(value)) return value.map((inner, at) => (String(at) === key ? changed(inner, rest, to) : inner));
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.map(([name, inner]) => [name, name === key ? changed(inner, rest, to) : inner]));
}

describe("canonical JSON", () => {
  test("is blind to the order of keys, and to nothing else", () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  test("differs for values that differ", () => {
    fc.assert(
      fc.property(json, json, (left, right) => {
        const same = canonicalJson(left) === canonicalJson(right);
        let equal = true;
        try {
          expect(JSON.parse(JSON.stringify(left))).toEqual(JSON.parse(JSON.stringify(right)));
        } catch {
          equal = false;
        }
        expect(same).toBe(equal);
      }),
    );
  });
});

describe("the digest", () => {
  test("is the same for the same terms from another process", () => {
    expect(digestOf(JSON.parse(JSON.stringify(reversed(terms))))).toBe(digestOf(terms));
    expect(digestOf(terms)).toMatch(/^[0-9a-f]{64}$/);
  });

  test("changes with any field, and the difference is named", () => {
    expect(leaves.length).toBeGreaterThan(30);
    fc.assert(
      fc.property(fc.constantFrom(...leaves), json, (path, value) => {
        const now = JSON.parse(JSON.stringify(changed(terms, path, value)));
        fc.pre(canonicalJson(now) !== canonicalJson(terms));
        expect(digestOf(now)).not.toBe(digestOf(terms));
        expect(differences(terms, now).map(({ field }) => field)).toEqual([path[0]]);
        expect(differences(now, terms).map(({ field }) => field)).toEqual([path[0]]);
        if (path[0] !== "unit_price" && path[0] !== "total") expect(noWorse(terms, now)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe("the digest of terms by budget", () => {
  test("changes with any field of any package, and only a price and what it pays for may have changed for no worse", () => {
    expect(packageLeaves.length).toBe(2 * 13);
    fc.assert(
      fc.property(fc.constantFrom(...packageLeaves), json, (path, value) => {
        const now = JSON.parse(JSON.stringify(changed(byBudget, path, value)));
        fc.pre(canonicalJson(now) !== canonicalJson(byBudget));
        expect(digestOf(now)).not.toBe(digestOf(byBudget));
        expect(differences(byBudget, now).map(({ field }) => field)).toEqual(["packages"]);
        if (!["unit_price", "units"].includes(path.at(-1) ?? "")) expect(noWorse(byBudget, now)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe("no worse", () => {
  test("means the same volume for at most the same money", () => {
    const volumes = fc.integer({ min: 0, max: 10_000_000 });
    fc.assert(
      fc.property(cpms, cpms, volumes, (before, after, impressions) => {
        const [approved, now] = [termsFor({ cpm: before, impressions }), termsFor({ cpm: after, impressions })];
        expect(noWorse(approved, now)).toBe(after.micros <= before.micros);
        if (noWorse(approved, now)) expect(totalOf(now).micros <= totalOf(approved).micros).toBe(true);
        expect(noWorse(approved, approved)).toBe(true);
      }),
    );
  });
});
