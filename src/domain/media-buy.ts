import type { AppliedChange } from "./ceiling.ts";
import type { CreativesSynced } from "./creative.ts";
import type { Deal, SellerWait } from "./deal.ts";
import { changesOf, freshLine } from "./line-changes.ts";
import type { Ref } from "./ids.ts";
import { refuseStale } from "./line-refusals.ts";
import type { NegotiationStatus, Round } from "./negotiation.ts";
import type { Money } from "./money.ts";
import type { Placed } from "./placed.ts";
import type { Proposal, ProposalOutcome } from "./proposal.ts";
import type { Quote, QuoteRequest } from "./quote.ts";
import type { SettlementProof } from "./settlement.ts";
import type { DecisionChannel, Holding } from "./spend.ts";
import type { Difference, Terms } from "./terms.ts";
import type { WaitTold } from "./waiting.ts";

/**
 * A line: a quote and all that comes of it, in one stream. It is the unit of approval and of booking, and it is booked
 * at most once, ever.
 */
export const lineStatuses = [
  "open",
  "proposed",
  "declined",
  "superseded",
  "awaiting_approval",
  "approved",
  "sending",
  "booking_unknown",
  "awaiting_seller",
  "booked",
  "terms_mismatch",
  "cancelling",
  "cancel_unknown",
  "cancelled",
] as const;
export type LineStatus = (typeof lineStatuses)[number];

/** The request that books a line, frozen before it is first sent; a re-send is these same bytes. */
export interface FrozenRequest {
  readonly method: "POST";
  readonly path: string;
  readonly body: string;
}

/** Entries of a line's stream, version 1 where a kind has no second. What a seller's words are worth is decided before they get here. */
export type LineEvent =
  | {
      readonly kind: "quoted";
      readonly v: 1;
      readonly quote: Quote;
      readonly request: QuoteRequest;
      readonly campaign: string | null;
      readonly by: string;
      readonly renews: string | null;
    }
  | { readonly kind: "quote_read"; readonly v: 1; readonly quote: Quote }
  /** Own terms were put to the seller, or it went on with them. */
  | {
      readonly kind: "proposal_answered";
      readonly v: 1;
      readonly proposal: Proposal;
      readonly outcome: ProposalOutcome;
    }
  | { readonly kind: "negotiation_round"; readonly v: 1; readonly round: Round }
  | {
      readonly kind: "negotiation_ended";
      readonly v: 1;
      readonly status: NegotiationStatus;
      readonly cpm: Money | null;
      readonly why: string;
    }
  | { readonly kind: "quote_declined"; readonly v: 1; readonly why: string }
  | { readonly kind: "superseded"; readonly v: 1; readonly by: string }
  | {
      readonly kind: "approval_requested";
      readonly v: 1;
      readonly approvalId: string;
      readonly digest: string;
      readonly terms: Terms;
    }
  | { readonly kind: "approval_closed"; readonly v: 1; readonly approvalId: string; readonly why: string }
  | { readonly kind: "booking_started"; readonly v: 1; readonly booking: BookingStart }
  | {
      readonly kind: "send_claimed";
      readonly v: 1;
      readonly attempt: number;
      readonly holder: string;
      readonly until: string;
      readonly resend: boolean;
    }
  | { readonly kind: "booking_unknown"; readonly v: 1; readonly attempt: number; readonly why: string }
  | {
      readonly kind: "booking_looked_up";
      readonly v: 1;
      readonly attempt: number;
      readonly found: "available" | "gone" | "unreachable";
    }
  | {
      readonly kind: "booking_refused";
      readonly v: 1;
      readonly attempt: number;
      readonly code: string;
      readonly why: string;
      readonly sent: boolean;
    }
  /** The planner chose bids or creatives on a quote that is not asked about yet. */
  | { readonly kind: "terms_chosen"; readonly v: 1; readonly request: QuoteRequest; readonly quote: Quote }
  | { readonly kind: "seller_waits"; readonly v: 1; readonly attempt: number; readonly wait: SellerWait }
  /** One of several writes is done, or found done: the quote as it stands at the seller, and the next is sent now. */
  | { readonly kind: "booking_advanced"; readonly v: 1; readonly attempt: number; readonly quote: Quote }
  /** Somebody writes at the seller what reserves the line before a person is asked: nobody else does until then. */
  | {
      readonly kind: "hold_claimed";
      readonly v: 1;
      readonly holder: string;
      readonly until: string;
      readonly request: FrozenRequest;
    }
  | { readonly kind: "hold_advanced"; readonly v: 1; readonly quote: Quote }
  /** Nothing is held any more as far as this desk goes; `let_go` tells what the seller did about it. */
  | { readonly kind: "hold_ended"; readonly v: 1; readonly why: string }
  /** What stood at the seller of a booking that did not go on was given up; `left` says what still stands. */
  | { readonly kind: "let_go"; readonly v: 1; readonly placed: Placed; readonly left: string | null }
  /** What was waited for before sending has come: it is sent now. */
  | { readonly kind: "seller_ready"; readonly v: 1; readonly attempt: number }
  | { readonly kind: "booking_confirmed"; readonly v: 1; readonly attempt: number; readonly deal: Deal }
  | {
      readonly kind: "booking_mismatched";
      readonly v: 1;
      readonly attempt: number;
      readonly deal: Deal;
      readonly differences: readonly Difference[];
    }
  | MismatchCleared
  | (MismatchCleared<2> & SettlementProof)
  | SettledByPerson
  | (SettledByPerson<2> & SettlementProof)
  | { readonly kind: "order_placed"; readonly v: 1; readonly orderId: string; readonly status: string }
  | { readonly kind: "order_failed"; readonly v: 1; readonly why: string }
  | { readonly kind: "cancel_started"; readonly v: 1; readonly by: string }
  | { readonly kind: "cancel_confirmed"; readonly v: 1 }
  /** `kept` of what it holds was spent until then, and stays committed. */
  | { readonly kind: "cancel_confirmed"; readonly v: 2; readonly kept: Money }
  | { readonly kind: "cancel_refused"; readonly v: 1; readonly why: string }
  | { readonly kind: "cancel_unknown"; readonly v: 1; readonly why: string }
  /** A line that changes this buy was made: how the buy stands after it. */
  | { readonly kind: "buy_changed"; readonly v: 1; readonly change: AppliedChange; readonly deal: Deal }
  | CreativesSynced;

interface MismatchCleared<V extends number = 1> {
  readonly kind: "mismatch_cleared";
  readonly v: V;
  readonly by: string;
  readonly note: string;
}

interface SettledByPerson<V extends number = 1> {
  readonly kind: "settled_by_person";
  readonly v: V;
  readonly by: string;
  readonly booked: boolean;
  readonly deal: Deal | null;
  readonly note: string;
}

/** Everything the sender needs, decided and frozen before anybody is called. */
export interface BookingStart {
  readonly attempt: number;
  readonly key: string;
  readonly digest: string;
  readonly terms: Terms;
  readonly request: FrozenRequest;
  readonly approvalId: string | null;
  readonly via: DecisionChannel;
  readonly by: string;
  readonly holding: Holding;
  /** The media buy under whose approval a change is made that this covers; absent where it has one of its own. */
  readonly under?: Ref | undefined;
}

export interface Claim {
  readonly holder: string;
  /** UTC instant until which nobody else may send. */
  readonly until: string;
  readonly resend: boolean;
  /** When it was claimed; the settling time counts from the last of these. */
  readonly at: string;
}

/** A line folded from its entries. `at` fields are the UTC instants of the rows they came in. */
export interface Line {
  readonly status: LineStatus;
  readonly quote: Quote;
  readonly request: QuoteRequest;
  readonly campaign: string | null;
  readonly quotedAt: string;
  /** What was asked first, per unit; null where several products are bought together. */
  readonly quotedCpm: Money | null;
  readonly rounds: readonly Round[];
  readonly negotiation: { readonly status: NegotiationStatus; readonly why: string } | null;
  readonly supersededBy: string | null;
  readonly approvalId: string | null;
  /** Attempts made so far; the next one is this plus one. */
  readonly attempts: number;
  readonly booking: BookingStart | null;
  readonly claims: readonly Claim[];
  /** How it is reserved before a person is asked: of what, and who writes just now; null once it is reserved, or not. */
  readonly hold: { readonly request: FrozenRequest; readonly claim: Pick<Claim, "holder" | "until"> | null } | null;
  /** Look-ups that found the quote still available since the last time anything was sent. */
  readonly seenAvailable: number;
  readonly unknownWhy: string | null;
  readonly wait: SellerWait | null;
  readonly waitTold: WaitTold | null;
  readonly refusal: { readonly code: string; readonly why: string; readonly sent: boolean } | null;
  readonly deal: Deal | null;
  readonly bookedAt: string | null;
  readonly differences: readonly Difference[];
  /** Changes that were made of it since, oldest first. */
  readonly changes: readonly AppliedChange[];
  readonly orderId: string | null;
  /** The order's first state, as the seller calls it, e.g. `draft`. */
  readonly orderStatus: string | null;
  readonly orderFailure: string | null;
  /** Where a refused cancellation leads back to. */
  readonly cancelFrom: "booked" | "terms_mismatch" | null;
  readonly cancelWhy: string | null;
}

/**
 * Which statuses each kind of entry may come in, and where it leads; `same` keeps the status, and of several the entry's
 * content decides. The whole life of a line. Facts that a seller may tell late (an order's id) may come late.
 */
export const transitions: Readonly<
  Record<
    LineEvent["kind"],
    { readonly from: readonly (LineStatus | "none")[]; readonly to: LineStatus | readonly LineStatus[] | "same" }
  >
> = {
  quoted: { from: ["none"], to: "open" },
  quote_read: { from: ["open", "awaiting_approval", "sending"], to: "same" },
  // Proposed: own terms wait for the seller's people, or accepted ones for its quote; nothing can be asked for on them.
  proposal_answered: { from: ["open", "proposed"], to: ["open", "proposed"] },
  negotiation_round: { from: ["open", "proposed"], to: "same" },
  negotiation_ended: { from: ["open", "proposed"], to: "open" },
  quote_declined: { from: ["open"], to: "declined" },
  superseded: { from: ["open", "awaiting_approval", "declined"], to: "superseded" },
  approval_requested: { from: ["open"], to: "awaiting_approval" },
  approval_closed: { from: ["awaiting_approval"], to: "open" },
  booking_started: { from: ["open", "awaiting_approval"], to: "approved" },
  send_claimed: { from: ["approved", "booking_unknown"], to: "sending" },
  booking_unknown: { from: ["sending"], to: "booking_unknown" },
  booking_looked_up: { from: ["booking_unknown"], to: "same" },
  terms_chosen: { from: ["open"], to: "same" },
  seller_waits: { from: ["sending", "booking_unknown", "awaiting_seller"], to: "awaiting_seller" },
  seller_ready: { from: ["awaiting_seller"], to: "approved" },
  booking_advanced: { from: ["sending", "booking_unknown", "awaiting_seller"], to: "approved" },
  hold_claimed: { from: ["open"], to: "same" },
  hold_advanced: { from: ["open"], to: "same" },
  hold_ended: { from: ["open", "declined", "superseded"], to: "same" },
  // It is told wherever the line stands by then: somebody may have asked for it anew.
  let_go: { from: lineStatuses, to: "same" },
  booking_refused: { from: ["approved", "sending", "booking_unknown", "awaiting_seller"], to: "open" },
  booking_confirmed: { from: ["sending", "booking_unknown", "awaiting_seller"], to: "booked" },
  booking_mismatched: { from: ["sending", "booking_unknown", "awaiting_seller"], to: "terms_mismatch" },
  mismatch_cleared: {
    from: ["terms_mismatch", "cancelling", "cancel_unknown", "cancelled"],
    to: ["booked", "cancelling", "cancel_unknown", "cancelled"],
  },
  settled_by_person: { from: ["booking_unknown", "awaiting_seller"], to: ["booked", "declined"] },
  order_placed: { from: ["booked", "terms_mismatch", "cancelling", "cancel_unknown", "cancelled"], to: "same" },
  order_failed: { from: ["booked", "terms_mismatch", "cancelling", "cancel_unknown", "cancelled"], to: "same" },
  cancel_started: { from: ["booked", "terms_mismatch", "cancel_unknown"], to: "cancelling" },
  cancel_confirmed: { from: ["cancelling", "cancel_unknown"], to: "cancelled" },
  cancel_refused: { from: ["cancelling", "cancel_unknown"], to: ["booked", "terms_mismatch"] },
  cancel_unknown: { from: ["cancelling"], to: "cancel_unknown" },
  // A change may have been on its way when the buy was cancelled: what it found is still told.
  buy_changed: { from: ["booked", "terms_mismatch", "cancelling", "cancel_unknown", "cancelled"], to: "same" },
  // Handing over creatives is no step in the life of a line: it is told wherever the line stands.
  creatives_synced: { from: lineStatuses, to: "same" },
};

/** Statuses in which money is held, spent, or may still turn out to be. */
export const committed: readonly LineStatus[] = [
  "approved",
  "sending",
  "booking_unknown",
  "awaiting_seller",
  "booked",
  "terms_mismatch",
  "cancelling",
  "cancel_unknown",
];

/**
 * A line after one more entry. @param at UTC instant of the entry's row
 * @throws RangeError when the entry may not come in that status, or speaks of another attempt or approval than the
 * line's: the caller decided on a stale fold, or a row is forged
 */
export function foldLine(before: Line | null, event: LineEvent, at: string): Line {
  const rule = transitions[event.kind];
  const from = before?.status ?? "none";
  // A forged row may hold an entry of another stream, for which there is no rule.
  if (!rule?.from.includes(from)) throw new RangeError(`${event.kind} cannot come after ${from}`);
  if (!before) {
    if (event.kind !== "quoted") throw new RangeError("a line begins with its quote");
    return freshLine(event, at);
  }
  refuseStale(before, event);
  const status = typeof rule.to === "string" && rule.to !== "same" ? rule.to : before.status;
  const after = { ...before, status, ...changesOf(before, event, at) };
  if (Array.isArray(rule.to) && !rule.to.includes(after.status)) {
    throw new RangeError(`${event.kind} cannot lead from ${from} to ${after.status}`);
  }
  return after;
}
