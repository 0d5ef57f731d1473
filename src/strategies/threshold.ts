import { add, compare, type Money, min } from "../domain/money.ts";
import type { Move, NegotiationLimits, NegotiationView, Strategy } from "../domain/negotiation.ts";
import { offersLeft } from "../domain/negotiation.ts";

/**
 * Opens at the target and concedes one step a round, up to the maximum and never back. It takes the seller's price as
 * soon as that is at or below the target, or at or below what we would offer next; once nothing more can be offered, at
 * or below the maximum. A quote that is at or below the target to begin with is left alone: there is nothing to gain.
 */
export const threshold: Strategy = { name: "threshold", move };

function move(view: NegotiationView, limits: NegotiationLimits): Move {
  if (opensBelowTarget(view, limits)) return walkAway("the quote is at or below the target: book it as it is");
  const next = nextOffer(view, limits);
  const isOver = view.sellerIsFinal || offersLeft(view, limits) < 1;
  if (view.sellerCpm && compare(view.sellerCpm, limits.max) <= 0) {
    if (compare(view.sellerCpm, limits.target) <= 0) return accept("the seller's price is at or below the target");
    if (compare(view.sellerCpm, next) <= 0) return accept("the seller's price is at or below our next offer");
    if (isOver) return accept("the seller's price is at or below the maximum, and there is no further round");
  }
  if (isOver) return walkAway(view.sellerIsFinal ? "the final offer is above the maximum" : "the rounds are used up");
  if (compare(next, limits.max) > 0) return walkAway("our last offer is above the maximum, and there is no going back");
  return { kind: "counter", cpm: next, why: view.ourLast ? "one step up from our last offer" : "the target first" };
}

function opensBelowTarget(view: NegotiationView, limits: NegotiationLimits): boolean {
  return view.sellerCpm === null && view.ourLast === null && compare(view.quoteCpm, limits.target) <= 0;
}

/** Never below our last offer, whatever the step; above the maximum only where our last offer was already. */
function nextOffer({ ourLast }: NegotiationView, { target, max, step }: NegotiationLimits): Money {
  if (ourLast === null) return min(target, max);
  const raised = min(add(ourLast, step), max);
  return compare(raised, ourLast) > 0 ? raised : ourLast;
}

function accept(why: string): Move {
  return { kind: "accept", why };
}

function walkAway(why: string): Move {
  return { kind: "walk_away", why };
}
