import type * as z from "zod";
import { formatAmount, type Money } from "../domain/money.ts";
import type { Round } from "../domain/negotiation.ts";
import { atCpm, type Quote } from "../domain/quote.ts";
import type { SellerLog } from "./http.ts";
import { type Exchange, identityOf } from "./iab-exchange.ts";
import { isMissingRoute, unreadable } from "./iab-refusals.ts";
import { type Access, type RoundAnswer, SellerFailure, type SellerNegotiation } from "./seller.ts";
import { sellerText } from "./untrusted.ts";
import { counterAnswer, messageAnswer, negotiationAnswer } from "./wire/iab-seller-agent.ts";
import { moneyFromNumber } from "./wire/money.ts";

/**
 * Negotiation with an IAB seller agent: 2.x takes messages that name the quote; 1.x takes an offer on the proposal,
 * whose id is the quote's, and has no accept. Which of the two a seller speaks is found out, by its card's version or
 * by its answer that it does not serve the newer path at all, and remembered; never guessed from silence or a failure.
 */
export interface Negotiation {
  counter(quote: Quote, offer: Money, n: number, key: string, access: Access): Promise<RoundAnswer>;
  accept(quote: Quote, sellerCpm: Money, n: number, key: string, access: Access): Promise<RoundAnswer>;
  /** The negotiation as the seller keeps it, or null where it has none for this quote or proposal. */
  state(subject: string, currency: string, access: Access): Promise<SellerNegotiation | null>;
  /** Says what the seller's card says: that this seller speaks the earlier contract. */
  useEarlierContract(): void;
}

interface Offer {
  readonly quote: Quote;
  readonly action: "counter" | "accept";
  readonly cpm: Money;
  readonly n: number;
  readonly key: string;
}

/** Negotiates with one seller. */
export function createNegotiation(exchange: Exchange, log: SellerLog): Negotiation {
  const { sellerId, http, ask, read } = exchange;
  let earlier = false;

  /** What is talked about, under the id it has at the seller. */
  const subjectOf = ({ proposal, sellerQuoteId }: Quote): string => proposal?.id ?? sellerQuoteId;

  /** Null where the seller does not serve messages, which it must say itself. */
  async function byMessage(offer: Offer, access: Access): Promise<RoundAnswer | null> {
    const { quote, action, cpm, key } = offer;
    // The quote's id, or its proposal's, on every message: sellers find nothing under the negotiation's own id.
    const body = JSON.stringify({
      idempotency_key: key,
      [quote.proposal ? "proposal_id" : "quote_id"]: subjectOf(quote),
      action,
      buyer_price: microsOf(cpm),
      ...identityOf(access),
    });
    const call = { method: "POST", path: "/api/v1/negotiations/messages", body, phase: "booking" } as const;
    const answer = await http.send(call, access);
    if (isMissingRoute(answer)) return null;
    const { status, round, rounds_remaining } = read("a negotiation", messageAnswer, answer);
    return answerOf(offer, {
      status,
      price: round.seller_price,
      action: round.action,
      ...said(round, rounds_remaining),
    });
  }

  async function byCounter(offer: Offer, access: Access): Promise<RoundAnswer> {
    const { quote, cpm } = offer;
    const ids = access.tier === "public" ? {} : access.identity;
    const known = ["agency_id", "advertiser_id"].flatMap((field) =>
      ids[field] === undefined ? [] : [`,${JSON.stringify(field)}:${JSON.stringify(ids[field])}`],
    );
    // The price is written digit by digit: a JSON number, but never a float of ours.
    const body = `{"buyer_price":${formatAmount(cpm)}${known.join("")}}`;
    const path = `/proposals/${encodeURIComponent(subjectOf(quote))}/counter`;
    const call = { method: "POST", path, body, phase: "booking" } as const;
    const answer = await ask("a negotiation", counterAnswer, call, access);
    const price = moneyFromNumber(answer.seller_price, atCpm(quote).cpm.currency);
    if (price === null) throw unreadable(sellerId, "a negotiation", "its price cannot be read");
    return answerOf(offer, { ...answer, price, ...said(answer, answer.rounds_remaining) });
  }

  function answerOf(offer: Offer, theirs: Theirs): RoundAnswer {
    const { currency } = atCpm(offer.quote).cpm;
    if (theirs.price.currency !== currency) {
      throw unreadable(sellerId, "a negotiation", `its price is in ${theirs.price.currency} instead of ${currency}`);
    }
    const round: Round = {
      n: offer.n,
      move: offer.action,
      we: offer.cpm,
      they: theirs.price,
      theirAction: theirs.action,
    };
    return { round, status: statuses[theirs.status], roundsLeft: theirs.roundsLeft, rationale: theirs.rationale };
  }

  async function offer(move: Offer, access: Access): Promise<RoundAnswer> {
    if (move.cpm.currency !== atCpm(move.quote).cpm.currency) {
      throw new RangeError(`an offer in ${move.cpm.currency} on a quote in ${atCpm(move.quote).cpm.currency}`);
    }
    if (earlier) return byCounter(move, access);
    const answer = await byMessage(move, access);
    if (answer) return answer;
    earlier = true;
    log.debug({ seller: sellerId }, "does not serve negotiation messages; the earlier contract is used from now on");
    return byCounter(move, access);
  }

  async function state(subject: string, currency: string, access: Access): Promise<SellerNegotiation | null> {
    const path = `/proposals/${encodeURIComponent(subject)}/negotiation`;
    const answer = await http.send({ method: "GET", path, phase: "discovery" }, access);
    // "None yet" and "not served" are both a worded 404, and mean the same: nothing was agreed. A proxy's page is neither.
    if (answer.status === 404 && answer.json !== undefined) return null;
    const { status, rounds } = read("the negotiation", negotiationAnswer, answer);
    const last = (status === "accepted" ? rounds.findLast(({ action }) => action === "accept") : null) ?? rounds.at(-1);
    const sellerCpm = moneyFromNumber(last?.seller_price ?? null, currency);
    if (status === "accepted" && (sellerCpm === null || sellerCpm.micros <= 0n)) {
      throw unreadable(sellerId, "the negotiation", "it is accepted at a price that cannot be read", answer.status);
    }
    return { status, sellerCpm, rounds: rounds.length };
  }

  return {
    counter: (quote, cpm, n, key, access) => offer({ quote, action: "counter", cpm, n, key }, access),
    async accept(quote, cpm, n, key, access) {
      const answer = await offer({ quote, action: "accept", cpm, n, key }, access).catch((error: unknown) => {
        // Terms that its people countered with have no negotiation to accept in; the quote at them is what decides.
        if (!(error instanceof SellerFailure && error.kind === "not_found" && quote.proposal)) throw error;
        const round: Round = { n, move: "accept", we: cpm, they: cpm, theirAction: "accept" };
        return { round, status: "agreed" as const, roundsLeft: null, rationale: "" };
      });
      // The seller strikes at its own last price whatever was written, and says "accepted" to any accept: look.
      const kept = await state(subjectOf(quote), atCpm(quote).cpm.currency, access).catch((error: unknown) => {
        if (!(error instanceof SellerFailure)) throw error;
        log.warn({ seller: sellerId, kind: error.kind }, "accepted, and the negotiation could not be read back");
        return null;
      });
      if (kept === null) return answer;
      return { ...answer, status: statuses[kept.status], round: { ...answer.round, they: kept.sellerCpm } };
    },
    state,
    useEarlierContract: () => {
      earlier = true;
    },
  };
}

interface Theirs {
  readonly status: keyof typeof statuses;
  readonly price: Money;
  readonly action: Round["theirAction"];
  readonly roundsLeft: number | null;
  readonly rationale: string;
}

const statuses = { active: "active", accepted: "agreed", rejected: "rejected" } as const;

function said(
  round: Pick<z.output<typeof counterAnswer>, "rationale">,
  roundsLeft: number | null,
): Pick<Theirs, "rationale" | "roundsLeft"> {
  return { rationale: sellerText(round.rationale, 300), roundsLeft };
}

/** A price as messages and quotes take it. @throws RangeError beyond what JSON can carry exactly */
export function microsOf({ micros, currency }: Money): { readonly amount_micros: number; readonly currency: string } {
  const amount = Number(micros);
  if (!Number.isSafeInteger(amount)) throw new RangeError("a price beyond what JSON can carry exactly");
  return { amount_micros: amount, currency };
}
