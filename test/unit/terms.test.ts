import { describe, expect, test } from "vitest";
import { canonicalJson, differences, digestOf, noWorse, shortCode, totalOf } from "../../src/domain/terms.ts";
import { quote, request, terms, termsFor, usd } from "./sample.ts";

describe("canonical JSON", () => {
  test("is sorted by code unit, without white space, and writes what is undefined as null", () => {
    expect(canonicalJson({ b: 1, a: [true, null, "x"], é: undefined, Z: { d: 2, c: 3 } })).toBe(
      '{"Z":{"c":3,"d":2},"a":[true,null,"x"],"b":1,"é":null}',
    );
    expect(canonicalJson({ "\ufb33": 1, "\u{1f600}": 2 })).toBe('{"\u{1f600}":2,"\ufb33":1}');
    expect(canonicalJson('a"\n\u2028')).toBe('"a\\"\\n\u2028"');
    expect(canonicalJson(-0)).toBe("0");
  });

  test.each([
    0.1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    1n,
    Symbol("x"),
    () => 1,
    new Date(0),
    new Map([[1, 2]]),
  ])("%s has no canonical form", (value) => {
    expect(() => canonicalJson({ value })).toThrow(RangeError);
  });
});

describe("terms", () => {
  test("say exactly what would be bought", () => {
    expect(terms).toMatchObject({
      unit_price: "31.50 USD",
      total: "49999.98 USD",
      currency: "USD",
      flight: { start: "2027-01-04T00:00:00Z", end: "2027-03-28T23:59:59Z" },
      targeting: { geo: ["US"], audience: ["A25-54"], frequency_cap: "3 per day" },
      not_honoured: ["audience"],
      identity_revealed: "agency",
      po_number: "PO-4711",
    });
    expect(totalOf(terms)).toEqual(usd("49999.98"));
  });

  test("hold no seller-authored name, so that a renamed product stays the same product", () => {
    expect(canonicalJson(terms)).not.toContain(quote.product.name);
  });

  test("write what is absent as null, every field of it", () => {
    expect(Object.values(terms)).not.toContain(undefined);
    expect(termsFor({}).po_number).toBeNull();
    expect(request.budget && terms.budget).toBe("50000.00 USD");
  });
});

describe("comparing", () => {
  test("names each field that differs, and both values", () => {
    const now = { ...terms, unit_price: "32.00 USD", not_honoured: [] };
    expect(differences(terms, now)).toEqual([
      { field: "unit_price", approved: '"31.50 USD"', now: '"32.00 USD"' },
      { field: "not_honoured", approved: '["audience"]', now: "[]" },
    ]);
    expect(differences(terms, { ...terms })).toEqual([]);
  });

  test("sees a field that only one side has", () => {
    const newer = { ...terms, surcharge: "5000.00 USD" };
    expect(differences(terms, newer)).toEqual([{ field: "surcharge", approved: "null", now: '"5000.00 USD"' }]);
    expect(differences(newer, terms)).toEqual([{ field: "surcharge", approved: '"5000.00 USD"', now: "null" }]);
    expect(noWorse(terms, newer)).toBe(false);
  });

  test.each([
    ["the same", {}, true],
    ["a lower price", { unit_price: "30.00 USD", total: "47619.03 USD" }, true],
    ["a higher price", { unit_price: "31.51 USD", total: "50015.85 USD" }, false],
    ["a lower price with a higher total", { unit_price: "31.00 USD", total: "50000.00 USD" }, false],
    ["a higher price with a lower total", { unit_price: "32.00 USD", total: "40000.00 USD" }, false],
    ["another currency throughout", { unit_price: "30.00 JPY", total: "40000 JPY", currency: "JPY" }, false],
    ["a lower price for fewer impressions", { unit_price: "30.00 USD", total: "30.00 USD", impressions: 1000 }, false],
    ["another flight", { flight: { start: "2027-01-05T00:00:00Z", end: "2027-03-28T23:59:59Z" } }, false],
    ["targeting no longer honoured", { not_honoured: ["audience", "geo"] }, false],
    ["no longer guaranteed", { guaranteed: false }, false],
  ])("%s: no worse is %s", (_what, change, answer) => {
    expect(noWorse(terms, { ...terms, ...change })).toBe(answer);
  });
});

describe("the short code", () => {
  test("is four unmistakable characters over the digests, whatever their order", () => {
    const digests = [digestOf(terms), digestOf(termsFor({}))];
    expect(shortCode(digests)).toMatch(/^[2-9A-HJ-NP-Z]{2}-[2-9A-HJ-NP-Z]{2}$/);
    expect(shortCode(digests.toReversed())).toBe(shortCode(digests));
    expect(shortCode(digests.slice(1))).not.toBe(shortCode(digests));
  });
});
