import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareOffers, type Offer, type Ranked } from "../../src/domain/comparison.ts";
import { money } from "../../src/domain/money.ts";
import { verifies } from "../requirements.ts";
import { quote } from "../unit/sample.ts";
import { cpms } from "./arbitraries.ts";

const by = { currency: "USD", formats: ["video", "audio"], now: new Date("2026-11-20T00:00:00Z") };

const drawn = fc.record({
  cpm: cpms,
  guaranteed: fc.boolean(),
  negotiable: fc.option(fc.boolean()),
  volumeDiscounts: fc.option(fc.boolean()),
  notHonoured: fc.subarray(["geo", "audience", "frequency_cap"]),
  formats: fc.subarray(["video", "audio", "display"]),
  dealType: fc.constantFrom("PG" as const, "PD" as const, "PA" as const),
  available: fc.option(fc.integer({ min: 1, max: 3_000_000 })),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

function offer(n: number, of: Drawn): Offer {
  const { negotiable, volumeDiscounts, formats, available, ...rest } = of;
  const its = { ...quote, ...rest, ref: `s${n}/q` };
  const line = { status: "open" as const, quote: its, supersededBy: null, negotiation: null, quotedCpm: its.cpm };
  const products = new Map([[its.product.ref, { negotiable, volumeDiscounts, formats }]]);
  return { ref: its.ref, line, products, available };
}

const several = fc.array(drawn, { minLength: 2, maxLength: 6 }).map((all) => all.map((one, n) => offer(n, one)));

const rank = (offers: readonly Offer[]): readonly Ranked[] => compareOffers(offers, by).ranked;
const of = (ranked: readonly Ranked[], ref: string): Ranked => {
  const found = ranked.find((one) => one.ref === ref);
  if (!found) throw new Error(`${ref} is not ranked`);
  return found;
};
const at = (one: Offer, micros: bigint): Offer => ({
  ...one,
  line: { ...one.line, quote: { ...one.line.quote, cpm: money(micros, "USD") } },
});
const CENT = 10_000n;
const micros = (one: Offer | undefined): bigint => one?.line.quote.cpm?.micros ?? 0n;

describe("a comparison", () => {
  test("ranks every offer once, best first, with points of which the best has all", () => {
    fc.assert(
      fc.property(several, (offers) => {
        const ranked = rank(offers);
        expect(ranked.map((one) => one.rank)).toEqual(offers.map((_one, n) => n + 1));
        expect(ranked.map(({ ref }) => ref).sort()).toEqual(offers.map(({ ref }) => ref).sort());
        expect(ranked[0]?.score).toBe(10_000);
        for (const [n, one] of ranked.entries()) {
          expect(one.score).toBeLessThanOrEqual(ranked[n - 1]?.score ?? 10_000);
          expect(one.score).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test("is moved by a cent by no more than that cent's share of the lowest price", () => {
    verifies("compare.price");
    fc.assert(
      fc.property(several, fc.nat(), (offers, pick) => {
        const moved = pick % offers.length;
        const before = rank(offers);
        const after = rank(offers.map((one, n) => (n === moved ? at(one, micros(one) + CENT) : one)));
        const least = offers.map(micros).reduce((low, one) => (one < low ? one : low));
        // A share of the moved price for the one that moved, and for the rest, by it, if it was the best; and rounding down.
        const most = Number((10_000n * CENT) / least) + 2;
        for (const { ref } of offers)
          expect(Math.abs(of(after, ref).score - of(before, ref).score)).toBeLessThanOrEqual(most);
      }),
      { numRuns: 300 },
    );
  });

  test("never ranks an offer worse for a lower price, nor better for a higher one", () => {
    verifies("compare.price");
    fc.assert(
      fc.property(several, fc.nat(), fc.bigInt({ min: 1n, max: 5_000n }), (offers, pick, cents) => {
        const moved = pick % offers.length;
        const { ref } = offers[moved] ?? { ref: "" };
        const after = rank(offers.map((one, n) => (n === moved ? at(one, micros(one) + cents * CENT) : one)));
        expect(of(after, ref).rank).toBeGreaterThanOrEqual(of(rank(offers), ref).rank);
        expect(of(after, ref).score).toBeLessThanOrEqual(of(rank(offers), ref).score);
      }),
      { numRuns: 300 },
    );
  });

  test("orders two offers alike whatever others are there, in whatever order they came", () => {
    fc.assert(
      fc.property(several, fc.nat(), (offers, pick) => {
        const left = pick % offers.length;
        const all = rank(offers).map(({ ref }) => ref);
        const fewer = rank(offers.filter((_one, n) => n !== left)).map(({ ref }) => ref);
        expect(fewer).toEqual(all.filter((ref) => ref !== offers[left]?.ref));
        expect(rank(offers.toReversed())).toEqual(rank(offers));
      }),
    );
  });

  test("never ranks an offer worse for what makes it better", () => {
    verifies("compare.format_fit", "compare.negotiability", "compare.volume_discount");
    const betterBy: readonly ((one: Drawn) => Drawn)[] = [
      (one) => ({ ...one, guaranteed: true }),
      (one) => ({ ...one, negotiable: true }),
      (one) => ({ ...one, volumeDiscounts: true }),
      (one) => ({ ...one, notHonoured: [] }),
      (one) => ({ ...one, formats: ["video", "audio"] }),
      (one) => ({ ...one, available: 3_000_000 }),
    ];
    fc.assert(
      fc.property(fc.array(drawn, { minLength: 2, maxLength: 5 }), fc.constantFrom(...betterBy), (all, better) => {
        const before = rank(all.map((one, n) => offer(n, one)));
        const after = rank(all.map((one, n) => offer(n, n === 0 ? better(one) : one)));
        expect(of(after, "s0/q").rank).toBeLessThanOrEqual(of(before, "s0/q").rank);
      }),
      { numRuns: 300 },
    );
  });
});
