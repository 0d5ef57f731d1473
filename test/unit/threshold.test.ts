import { describe, expect, test } from "vitest";
import type { NegotiationLimits, NegotiationView } from "../../src/domain/negotiation.ts";
import { strategies } from "../../src/strategies/index.ts";
import { threshold } from "../../src/strategies/threshold.ts";
import { verifies } from "../requirements.ts";
import { usd } from "./sample.ts";

const opening: NegotiationView = {
  quoteCpm: usd("31.50"),
  sellerCpm: null,
  ourLast: null,
  roundsDone: 0,
  roundsLeft: null,
  sellerIsFinal: false,
};
const limits: NegotiationLimits = { target: usd("28.50"), max: usd("30.00"), step: usd("1.00"), maxRounds: 5 };
const at = (ourLast: string, sellerCpm: string, more: Partial<NegotiationView> = {}): NegotiationView => {
  return { ...opening, ourLast: usd(ourLast), sellerCpm: usd(sellerCpm), roundsDone: 1, ...more };
};
const moves = (view: NegotiationView, within: Partial<NegotiationLimits> = {}) => {
  const move = threshold.move(view, { ...limits, ...within });
  return move.kind === "counter" ? move.cpm : move.kind;
};

describe("the threshold strategy", () => {
  test("is found by its name", () => {
    expect(strategies.map(({ name }) => name)).toEqual(["threshold"]);
    expect(new Set(strategies.map(({ name }) => name)).size).toBe(strategies.length);
  });

  test("opens at the target, and never above the maximum", () => {
    verifies("negotiation.target", "negotiation.max");
    expect(moves(opening)).toEqual(usd("28.50"));
    expect(moves(opening, { target: usd("31.00") })).toEqual(usd("30.00"));
  });

  test("concedes one step at a time, up to the maximum and no further", () => {
    verifies("negotiation.step", "negotiation.max");
    expect(moves(at("28.50", "31.00"))).toEqual(usd("29.50"));
    expect(moves(at("29.50", "31.00"))).toEqual(usd("30.00"));
    expect(moves(at("30.00", "31.00"))).toEqual(usd("30.00"));
  });

  test("takes a price at or below the target, or at or below its next offer", () => {
    expect(moves(at("27.00", "28.50"))).toBe("accept");
    expect(moves(at("28.50", "29.50"))).toBe("accept");
    expect(moves(at("28.50", "29.51"))).toEqual(usd("29.50"));
    expect(moves(at("29.50", "30.00"))).toBe("accept");
    expect(moves({ ...opening, sellerCpm: usd("28.00") })).toBe("accept");
  });

  test("takes a final offer up to the maximum and walks away from one above", () => {
    expect(moves(at("27.00", "30.00", { sellerIsFinal: true }))).toBe("accept");
    expect(moves(at("27.00", "30.01", { sellerIsFinal: true }))).toBe("walk_away");
  });

  test("when its offers are used up it takes what is within the maximum, or walks away", () => {
    verifies("negotiation.last_round");
    expect(moves(at("28.50", "30.00", { roundsDone: 5 }))).toBe("accept");
    expect(moves(at("28.50", "30.01", { roundsDone: 5 }))).toBe("walk_away");
    expect(moves(at("28.50", "30.00", { roundsLeft: 0 }))).toBe("accept");
    expect(moves(at("28.50", "30.01", { roundsLeft: 0 }))).toBe("walk_away");
    expect(moves({ ...opening, roundsDone: 5 })).toBe("walk_away");
  });

  test("one round is one offer, then take it or leave it", () => {
    expect(moves(opening, { maxRounds: 1 })).toEqual(usd("28.50"));
    expect(moves(at("28.50", "29.75"), { maxRounds: 1 })).toBe("accept");
    expect(moves(at("28.50", "30.25"), { maxRounds: 1 })).toBe("walk_away");
    expect(moves(opening, { maxRounds: 0 })).toBe("walk_away");
  });

  test("leaves a quote alone that is at or below the target", () => {
    expect(moves({ ...opening, quoteCpm: usd("28.50") })).toBe("walk_away");
    expect(moves({ ...opening, quoteCpm: usd("28.51") })).toEqual(usd("28.50"));
  });

  test("a step of zero or below repeats the offer; it never goes back", () => {
    expect(moves(at("28.50", "31.00"), { step: usd("0") })).toEqual(usd("28.50"));
    expect(moves(at("28.50", "31.00"), { step: { micros: -1n, currency: "USD" } })).toEqual(usd("28.50"));
  });

  test("walks away where the maximum has sunk below its last offer", () => {
    expect(moves(at("29.50", "31.00"), { max: usd("29.00") })).toBe("walk_away");
    expect(moves(at("29.50", "29.00"), { max: usd("29.00") })).toBe("accept");
  });

  test("says why, for each of its moves", () => {
    for (const view of [
      opening,
      at("28.50", "31.00"),
      at("28.50", "29.00"),
      at("28.50", "31.00", { sellerIsFinal: true }),
    ]) {
      expect(threshold.move(view, limits).why).toMatch(/\w+ \w+/);
    }
  });
});
