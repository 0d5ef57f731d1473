import type { Line, LineEvent } from "./media-buy.ts";
import { isHeld } from "./placed.ts";
import { askedPrice, type Quote } from "./quote.ts";
import { toldAgain } from "./waiting.ts";

/** A line as its first entry leaves it. */
export function freshLine(event: Extract<LineEvent, { kind: "quoted" }>, at: string): Line {
  return {
    status: "open",
    quote: event.quote,
    request: event.request,
    campaign: event.campaign,
    quotedAt: at,
    quotedCpm: askedPrice(event.quote),
    rounds: [],
    negotiation: null,
    supersededBy: null,
    approvalId: null,
    attempts: 0,
    booking: null,
    claims: [],
    hold: null,
    seenAvailable: 0,
    unknownWhy: null,
    wait: null,
    waitTold: null,
    refusal: null,
    deal: null,
    bookedAt: null,
    differences: [],
    changes: [],
    orderId: null,
    orderStatus: null,
    orderFailure: null,
    cancelFrom: null,
    cancelWhy: null,
  };
}

/** What an entry changes in a line, once it is known that it may come. The status only where the content decides it. */
export function changesOf(before: Line, event: LineEvent, at: string): Partial<Line> {
  switch (event.kind) {
    case "quoted":
    case "creatives_synced":
    case "let_go":
      return {};
    case "quote_read": {
      // What stands at the seller is told by its writes alone, not by a look at the price.
      const { placed } = before.quote;
      return { quote: placed ? { ...event.quote, placed } : unplaced(event.quote) };
    }
    case "proposal_answered": {
      const isOpen = event.outcome === "countered" || event.outcome === "rejected";
      return { status: isOpen ? "open" : "proposed", quote: { ...before.quote, proposal: event.proposal } };
    }
    case "negotiation_round":
      return { rounds: [...before.rounds, event.round] };
    case "negotiation_ended": {
      // What is agreed of a proposal has a quote of its own: this one keeps its price.
      const isQuotes = event.cpm && !before.quote.packages && !before.quote.proposal;
      const quote = isQuotes ? { ...before.quote, cpm: event.cpm } : before.quote;
      return { quote, negotiation: { status: event.status, why: event.why } };
    }
    case "terms_chosen":
      return { request: event.request, quote: event.quote };
    case "seller_waits":
      return {
        wait: event.wait,
        waitTold: toldAgain(before.wait, before.waitTold, event.wait, at),
        unknownWhy: null,
      };
    case "seller_ready":
      return { wait: null, claims: [], seenAvailable: 0 };
    case "booking_advanced":
      return { quote: event.quote, wait: null, claims: [], seenAvailable: 0, unknownWhy: null };
    case "hold_claimed":
      return { hold: { request: event.request, claim: { holder: event.holder, until: event.until } } };
    case "hold_advanced":
      return { quote: event.quote, hold: heldAfter(before, event.quote) };
    case "hold_ended":
      return { quote: unplaced(before.quote), hold: null };
    case "quote_declined":
      return { refusal: { code: "quote_declined", why: event.why, sent: false } };
    case "superseded":
      return { supersededBy: event.by };
    case "approval_requested":
      return { approvalId: event.approvalId, refusal: null };
    case "approval_closed":
      return { approvalId: null };
    case "booking_started":
      return { booking: event.booking, attempts: event.booking.attempt, claims: [], seenAvailable: 0, refusal: null };
    case "send_claimed": {
      const claim = { holder: event.holder, until: event.until, resend: event.resend, at };
      return { claims: [...before.claims, claim], seenAvailable: 0 };
    }
    case "booking_unknown":
      return { unknownWhy: event.why };
    case "booking_looked_up":
      return { seenAvailable: event.found === "available" ? before.seenAvailable + 1 : 0 };
    case "booking_refused":
      return {
        // What it had placed is given up; whoever buys it after all begins anew.
        quote: unplaced(before.quote),
        booking: null,
        approvalId: null,
        claims: [],
        seenAvailable: 0,
        unknownWhy: null,
        wait: null,
        refusal: { code: event.code, why: event.why, sent: event.sent },
      };
    case "booking_confirmed":
      return { deal: event.deal, bookedAt: at, unknownWhy: null, wait: null };
    case "booking_mismatched":
      return { deal: event.deal, differences: event.differences, bookedAt: at, unknownWhy: null, wait: null };
    case "mismatch_cleared":
      return before.status === "terms_mismatch" ? { status: "booked" } : { cancelFrom: "booked" };
    case "settled_by_person":
      return settled(before, event, at);
    case "order_placed":
      return { orderId: event.orderId, orderStatus: event.status, orderFailure: null };
    case "order_failed":
      return { orderFailure: event.why };
    case "cancel_started":
      return { cancelFrom: cancelFrom(before), cancelWhy: null };
    case "cancel_confirmed":
      return {};
    case "cancel_refused":
      return { status: before.cancelFrom ?? "booked", cancelFrom: null, cancelWhy: event.why };
    case "buy_changed":
      return { deal: event.deal, changes: [...before.changes, event.change] };
    case "cancel_unknown":
      return { cancelWhy: event.why };
  }
}

/** Once a write is done, whoever comes next may claim the one after it. */
function heldAfter({ hold }: Line, { placed }: Quote): Line["hold"] {
  return isHeld(placed) || hold === null ? null : { ...hold, claim: null };
}

function unplaced({ placed: _, ...quote }: Quote): Quote {
  return quote;
}

/** A line that differs from what was approved still does after a cancellation that failed. */
function cancelFrom(before: Line): Line["cancelFrom"] {
  return before.status === "booked" || before.status === "terms_mismatch" ? before.status : before.cancelFrom;
}

function settled(before: Line, event: Extract<LineEvent, { kind: "settled_by_person" }>, at: string): Partial<Line> {
  if (event.booked) return { status: "booked", deal: event.deal, bookedAt: at, unknownWhy: null, wait: null };
  const refusal = { code: "settled_by_person", why: event.note, sent: true };
  return {
    status: "declined",
    booking: null,
    claims: [],
    approvalId: null,
    refusal,
    unknownWhy: null,
    wait: null,
    attempts: before.attempts,
  };
}
