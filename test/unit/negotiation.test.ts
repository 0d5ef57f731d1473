import { describe, expect, test } from "vitest";
import { parseMoney } from "../../src/domain/money.ts";
import {
  ceiling,
  clampMove,
  type Move,
  type NegotiationLimits,
  type NegotiationView,
  offersLeft,
} from "../../src/domain/negotiation.ts";
import { verifies } from "../requirements.ts";
import { usd } from "./sample.ts";

const view: NegotiationView = {
  quoteCpm: usd("31.50"),
  sellerCpm: usd("31.00"),
  ourLast: usd("28.50"),
  roundsDone: 1,
  roundsLeft: null,
  sellerIsFinal: false,
};
const limits: NegotiationLimits = { target: usd("28.50"), max: usd("30.00"), step: usd("1.00"), maxRounds: 5 };
const counter = (cpm: string): Move => ({ kind: "counter", cpm: usd(cpm), why: "a guess" });
const accept: Move = { kind: "accept", why: "a good price" };
const clamped = (move: Move, seen: Partial<NegotiationView> = {}, within: Partial<NegotiationLimits> = {}) =>
  clampMove(move, { ...view, ...seen }, { ...limits, ...within });

describe("the ceiling", () => {
  test("is the least of the planner's maximum, the quote and the mandate", () => {
    verifies("negotiation.clamped");
    expect(ceiling(usd("31.50"), usd("30.00"), usd("32.00"))).toEqual(usd("30.00"));
    expect(ceiling(usd("31.50"), usd("40.00"), usd("29.00"))).toEqual(usd("29.00"));
    expect(ceiling(usd("31.50"), usd("40.00"), usd("50.00"))).toEqual(usd("31.50"));
    expect(ceiling(usd("31.50"), null, null)).toEqual(usd("31.50"));
    expect(() => ceiling(usd("31.50"), parseMoney("30 EUR"), null)).toThrow(/cannot be combined/);
  });
});

describe("a move made safe", () => {
  test("within the limits is left as it is", () => {
    expect(clamped(counter("29.50"))).toEqual(counter("29.50"));
    expect(clamped(accept, { sellerCpm: usd("30.00") })).toEqual(accept);
    expect(clamped({ kind: "walk_away", why: "enough" })).toEqual({ kind: "walk_away", why: "enough" });
  });

  test("never offers above the limit", () => {
    verifies("negotiation.clamped");
    expect(clamped(counter("99.00"))).toEqual(counter("30.00"));
  });

  test("takes the seller's price rather than offering as much or more", () => {
    expect(clamped(counter("29.50"), { sellerCpm: usd("29.50") }).kind).toBe("accept");
    expect(clamped(counter("29.50"), { sellerCpm: usd("29.00") }).kind).toBe("accept");
  });

  test("never accepts above the limit, nor a price nobody named", () => {
    expect(clamped(accept)).toEqual({ kind: "walk_away", why: "the seller's price is above the limit" });
    expect(clamped(accept, { sellerCpm: null })).toMatchObject({
      kind: "walk_away",
      why: expect.stringMatching(/no price/),
    });
  });

  test("never goes back: a lower offer becomes the last one again", () => {
    expect(clamped(counter("20.00"))).toEqual(counter("28.50"));
    expect(clamped(counter("20.00"), { ourLast: null })).toEqual(counter("20.00"));
  });

  test("where the limit has sunk below our last offer there is nothing left to offer", () => {
    expect(clamped(counter("29.50"), { ourLast: usd("29.00") }, { max: usd("28.00") })).toMatchObject({
      kind: "walk_away",
      why: expect.stringMatching(/above the limit/),
    });
    const cheaper = { ourLast: usd("29.00"), sellerCpm: usd("27.00") };
    expect(clamped(counter("20.00"), cheaper, { max: usd("28.00") }).kind).toBe("accept");
  });

  test("repeating an offer the seller has gone below is taking its price", () => {
    expect(clamped(counter("20.00"), { sellerCpm: usd("28.00") }).kind).toBe("accept");
  });

  test("offers nothing at zero", () => {
    expect(clamped(counter("0"), { ourLast: null }).kind).toBe("walk_away");
  });

  test("offers nothing once the rounds are used up, ours or the seller's; accepting still works", () => {
    verifies("negotiation.max_rounds");
    expect(clamped(counter("29.50"), { roundsDone: 5 }).kind).toBe("walk_away");
    expect(clamped(counter("29.50"), { roundsLeft: 0 }).kind).toBe("walk_away");
    expect(clamped(counter("29.50"), {}, { maxRounds: Number.NaN }).kind).toBe("walk_away");
    expect(clamped(counter("29.50"), { roundsDone: 4, roundsLeft: 1 }).kind).toBe("counter");
    expect(clamped(accept, { roundsDone: 5, roundsLeft: 0, sellerCpm: usd("29.00") }).kind).toBe("accept");
  });

  test("counts the smaller of both sides' remaining rounds", () => {
    expect(offersLeft(view, limits)).toBe(4);
    expect(offersLeft({ ...view, roundsLeft: 2 }, limits)).toBe(2);
    expect(offersLeft({ ...view, roundsLeft: 9 }, limits)).toBe(4);
    expect(offersLeft({ ...view, roundsDone: 9 }, limits)).toBe(0);
  });

  test("does not compare currencies", () => {
    expect(() => clamped(accept, { sellerCpm: parseMoney("20 EUR") })).toThrow(/cannot be combined/);
  });
});
