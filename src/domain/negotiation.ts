import { compare, type Money, min } from "./money.ts";

/** One exchange of a negotiation: what we did, and what the seller did. Prices are CPM. */
export interface Round {
  readonly n: number;
  readonly move: "counter" | "accept" | "reject";
  readonly we: Money | null;
  readonly they: Money | null;
  readonly theirAction: "counter" | "final_offer" | "accept" | "reject";
  /** Offers the seller says are left after this round; absent or null where it does not say. */
  readonly roundsLeft?: number | null;
}

export type NegotiationStatus = "active" | "agreed" | "rejected" | "walked_away" | "not_negotiable";

/** What a strategy may see of a negotiation; its own limits travel beside it and never to a seller. */
export interface NegotiationView {
  readonly quoteCpm: Money;
  /** The seller's latest price, or null before its first counter. */
  readonly sellerCpm: Money | null;
  readonly ourLast: Money | null;
  readonly roundsDone: number;
  /** What the seller says it has left, null where it does not say. */
  readonly roundsLeft: number | null;
  readonly sellerIsFinal: boolean;
}

export interface NegotiationLimits {
  readonly target: Money;
  /** Already clamped: never above the quote, the mandate or the planner's own maximum. */
  readonly max: Money;
  readonly step: Money;
  readonly maxRounds: number;
}

export type Move =
  | { readonly kind: "counter"; readonly cpm: Money; readonly why: string }
  | { readonly kind: "accept"; readonly why: string }
  | { readonly kind: "walk_away"; readonly why: string };

/** A negotiation strategy: pure, decides one move from what is visible. Registered in `strategies/index.ts`. */
export interface Strategy {
  readonly name: string;
  move(view: NegotiationView, limits: NegotiationLimits): Move;
}

/**
 * The most that may be offered or accepted: the smallest of the planner's maximum, the quote's price and the mandate's
 * cap. A seller may name a price above its own quote in a negotiation; nobody should take it.
 */
export function ceiling(quoteCpm: Money, planned: Money | null, mandateCap: Money | null): Money {
  const caps = [planned, mandateCap].filter((cap): cap is Money => cap !== null);
  return caps.reduce(min, quoteCpm);
}

/**
 * Offers that may still be made: of our own limit and the seller's, the smaller. A closing acceptance is no offer, so at
 * zero the seller's price can still be taken (IAB seller agent 2.4.2, negotiation messages: `rounds_remaining` 0).
 */
export function offersLeft(view: NegotiationView, limits: NegotiationLimits): number {
  const ours = limits.maxRounds - view.roundsDone;
  return Math.max(0, view.roundsLeft === null ? ours : Math.min(ours, view.roundsLeft));
}

/**
 * A move made safe whatever the strategy said: no offer above the ceiling or above the seller's own last price, none
 * below our own last offer, none at zero, none once the offers are used up; no acceptance above the ceiling.
 */
export function clampMove(move: Move, view: NegotiationView, limits: NegotiationLimits): Move {
  if (move.kind === "walk_away") return move;
  const acceptable = view.sellerCpm !== null && compare(view.sellerCpm, limits.max) <= 0;
  if (move.kind === "accept") {
    if (acceptable) return move;
    return walkAway(
      view.sellerCpm ? "the seller's price is above the limit" : "the seller has named no price to accept",
    );
  }
  if (!(offersLeft(view, limits) >= 1)) return walkAway("no offers are left");
  const wished = min(move.cpm, limits.max);
  const cpm = view.ourLast && compare(view.ourLast, wished) > 0 ? view.ourLast : wished;
  if (view.sellerCpm && acceptable && compare(cpm, view.sellerCpm) >= 0) {
    return { kind: "accept", why: "the seller's price is at or below what we would offer" };
  }
  if (compare(cpm, limits.max) > 0) return walkAway("our last offer is above the limit, and there is no going back");
  if (cpm.micros <= 0n) return walkAway("an offer must be above zero");
  return { ...move, cpm };
}

function walkAway(why: string): Move {
  return { kind: "walk_away", why };
}
