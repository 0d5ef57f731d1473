import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Money, money } from "../../src/domain/money.ts";
import {
  ceiling,
  clampMove,
  type Move,
  type NegotiationLimits,
  type NegotiationView,
  type Strategy,
} from "../../src/domain/negotiation.ts";
import { threshold } from "../../src/strategies/threshold.ts";
import { verifies } from "../requirements.ts";
import { usd } from "../unit/sample.ts";
import { cpms } from "./arbitraries.ts";

/** What a seller does in a round: any price at all, final or not, with or without a word on rounds left. */
interface Answer {
  readonly they: Money | null;
  readonly isFinal: boolean;
  readonly roundsLeft: number | null;
}

const quoteCpm = usd("30.00");
/** Prices around the quote's: some above it, most a little below. */
const near = fc.bigInt({ min: 1500n, max: 3300n }).map((cents) => money(cents * 10_000n, "USD"));
const answers: fc.Arbitrary<Answer> = fc.record({
  they: fc.option(fc.oneof({ weight: 4, arbitrary: near }, cpms), { freq: 20 }),
  isFinal: fc.integer({ min: 0, max: 5 }).map((die) => die === 0),
  roundsLeft: fc.option(fc.nat({ max: 6 }), { freq: 1 }),
});

const setting = fc
  .record({
    target: near,
    planned: fc.option(near),
    cap: fc.option(near),
    step: fc.bigInt({ min: 1n, max: 200n }).map((cents) => money(cents * 10_000n, "USD")),
    maxRounds: fc.nat({ max: 8 }),
    said: fc.array(answers, { minLength: 12, maxLength: 12 }),
  })
  .map(({ planned, cap, target, step, maxRounds, said }) => {
    const limits: NegotiationLimits = { target, max: ceiling(quoteCpm, planned, cap), step, maxRounds };
    return { limits, said };
  });

/** A strategy that does anything: what clamping has to hold in check. */
const reckless = fc
  .array(fc.oneof(cpms, fc.constantFrom("accept" as const, "walk_away" as const)), { minLength: 1, maxLength: 12 })
  .map(
    (script): Strategy => ({
      name: "reckless",
      move: ({ roundsDone }) => {
        const next = script[roundsDone % script.length];
        const why = "by chance";
        return typeof next === "object" ? { kind: "counter", cpm: next, why } : { kind: next ?? "accept", why };
      },
    }),
  );

interface Played {
  readonly offers: readonly Money[];
  readonly last: Move;
  readonly view: NegotiationView;
}

/** Plays a negotiation to its end, or fails after far more rounds than any limit allows. */
function play(strategy: Strategy, limits: NegotiationLimits, said: readonly Answer[]): Played {
  const offers: Money[] = [];
  let view: NegotiationView = {
    quoteCpm,
    sellerCpm: null,
    ourLast: null,
    roundsDone: 0,
    roundsLeft: null,
    sellerIsFinal: false,
  };
  for (const answer of said) {
    const move = clampMove(strategy.move(view, limits), view, limits);
    if (move.kind !== "counter") return { offers, last: move, view };
    offers.push(move.cpm);
    const { they, isFinal, roundsLeft } = answer;
    view = {
      ...view,
      sellerCpm: they,
      ourLast: move.cpm,
      roundsDone: view.roundsDone + 1,
      roundsLeft,
      sellerIsFinal: isFinal,
    };
  }
  throw new Error("the negotiation did not end");
}

function safe({ offers, last, view }: Played, limits: NegotiationLimits): void {
  expect(offers.length).toBeLessThanOrEqual(limits.maxRounds);
  for (const [index, offer] of offers.entries()) {
    expect(offer.micros > 0n && offer.micros <= limits.max.micros).toBe(true);
    expect(offer.micros >= (offers[index - 1]?.micros ?? 0n)).toBe(true);
  }
  if (last.kind !== "accept") return;
  expect(view.sellerCpm && view.sellerCpm.micros <= limits.max.micros).toBe(true);
  expect(limits.max.micros <= view.quoteCpm.micros).toBe(true);
}

describe("a negotiation, whatever the seller does", () => {
  test("by threshold ends within its rounds, never above the limits, never conceding backwards", () => {
    verifies("negotiation.max", "negotiation.clamped", "negotiation.max_rounds", "negotiation.step");
    const ends = new Set<string>();
    fc.assert(
      fc.property(setting, ({ limits, said }) => {
        const played = play(threshold, limits, said);
        ends.add(`${played.last.kind} after ${played.offers.length > 0 ? "offers" : "nothing"}`);
        safe(played, limits);
        for (const [index, offer] of played.offers.entries()) {
          const before = played.offers[index - 1];
          const most = before ? before.micros + limits.step.micros : limits.target.micros;
          expect(offer.micros).toBe(most < limits.max.micros ? most : limits.max.micros);
        }
      }),
      { numRuns: 1000 },
    );
    expect([...ends].sort()).toEqual(["accept after offers", "walk_away after nothing", "walk_away after offers"]);
  });

  test("by any strategy at all is as safe once clamped", () => {
    verifies("negotiation.clamped", "negotiation.max_rounds", "negotiation.pluggable_strategy");
    fc.assert(
      fc.property(setting, reckless, ({ limits, said }, strategy) => {
        safe(play(strategy, limits, said), limits);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("threshold", () => {
  const views: fc.Arbitrary<NegotiationView> = fc.record({
    quoteCpm: cpms,
    sellerCpm: fc.option(cpms),
    ourLast: fc.option(cpms),
    roundsDone: fc.nat({ max: 8 }),
    roundsLeft: fc.option(fc.nat({ max: 8 })),
    sellerIsFinal: fc.boolean(),
  });
  const limits: fc.Arbitrary<NegotiationLimits> = fc.record({
    target: cpms,
    max: cpms,
    step: cpms,
    maxRounds: fc.nat({ max: 8 }),
  });

  test("needs no clamping: its own moves keep to the limits, from any position", () => {
    fc.assert(
      fc.property(views, limits, (view, within) => {
        const move = threshold.move(view, within);
        expect(clampMove(move, view, within)).toEqual(move);
      }),
      { numRuns: 2000 },
    );
  });

  test("is pure: the same view brings the same move, and nothing is changed", () => {
    fc.assert(
      fc.property(views, limits, (view, within) => {
        const before = structuredClone([view, within]);
        expect(threshold.move(view, within)).toEqual(threshold.move(view, within));
        expect([view, within]).toEqual(before);
      }),
    );
  });

  test("a lower price of the seller's never makes it refuse what it would have taken", () => {
    fc.assert(
      fc.property(views, limits, cpms, (view, within, less) => {
        if (!view.sellerCpm || threshold.move(view, within).kind !== "accept") return;
        const micros = view.sellerCpm.micros - less.micros;
        fc.pre(micros > 0n);
        expect(threshold.move({ ...view, sellerCpm: money(micros, "USD") }, within).kind).toBe("accept");
      }),
      { numRuns: 500 },
    );
  });
});
