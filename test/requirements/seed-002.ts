import { type Row, tested } from "./row.ts";

/** Seed 002: data flow (quote to deal, proposal to deal, negotiation). */
export const seed002 = {
  // Quote to deal
  "quote.request.product": tested("A quote is asked for one product by its seller's id."),
  "quote.request.deal_type": tested("A quote is asked for as PG, PD or PA."),
  "quote.request.impressions": tested("A quote is asked for a volume of impressions."),
  "quote.request.by_budget": tested(
    "A quote asked for by budget buys the impressions the budget pays for, rounded down.",
  ),
  "quote.final_cpm": tested("The seller's final CPM is the quote's price, exact."),
  "quote.discounts": tested("List price, tier discount and volume discount are told apart."),
  "quote.rationale": tested("The seller's reason for a price is shown as the seller's words, and decides nothing."),
  "quote.terms": tested("The quote's terms (flight, volume, deal type, guaranteed or not) are kept as given."),
  "quote.expires_at": tested("A quote says when it expires."),
  "quote.ttl": tested("An expired quote is not bought; a fresh one at its terms is offered."),
  "quote.read_back": tested("An open quote is read again from the seller before money depends on it."),
  "quote.status_available": tested("Only a quote the seller still calls available is bought."),
  "quote.status_booked": tested("A quote is booked once: buying it again answers with the same media buy."),
  "deal.from_quote": tested("A deal is made from the quote id that was approved."),
  "deal.deal_id": tested("The answer carries the seller's deal ID."),
  "deal.openrtb": tested("The answer carries the OpenRTB parameters a bidder needs."),
  "deal.activation": tested("The answer carries activation steps for each DSP."),
  "order.from_deal": tested("An order is created from deal and quote after the deal exists."),
  "order.status_draft": tested("The order's id and first state, draft, are kept with the buy."),
  "order.failure_keeps_deal": tested(
    "When the order fails the deal stays booked, and the answer says what is missing.",
  ),

  // Proposal to deal
  "proposal.submit": tested("Own terms are put to a seller: product, deal type, price, impressions, dates."),
  "proposal.accepted": tested("A proposal the seller accepts is accepted at once."),
  "proposal.counter_offered": tested("A seller's counter-terms are shown and can be answered."),
  "proposal.rejected": tested("A proposal the seller rejects ends, with the seller's reason."),
  "proposal.pending_approval": tested(
    "A proposal waiting for the seller's operator is a normal state, with its approval id.",
  ),
  "proposal.operator_decides": tested(
    "Only the seller's operator decides on the seller's side; its decide and resume calls are never made by us.",
  ),
  "proposal.resumes": tested("Once the operator decided, the proposal goes on from where it waited."),
  "proposal.deal": tested("A deal is made from an accepted proposal where the seller really makes one, else by quote."),
  "proposal.deal.fields": tested("That deal carries its id, type, price and OpenRTB parameters."),

  // Negotiation
  "negotiation.on_proposal": tested("A proposal below the seller's price opens a negotiation."),
  "negotiation.message": tested("A counter-offer is a negotiation message with the buyer's price."),
  "negotiation.legacy_counter": tested(
    "A seller of the earlier contract is countered on its proposal; which contract it is, is found out, not guessed.",
  ),
  "negotiation.answer.action": tested(
    "The seller's answer is one of counter, accept, reject or final offer; anything else is an invalid answer.",
  ),
  "negotiation.answer.seller_price": tested("The seller's price of each round is kept, exact."),
  "negotiation.answer.rounds_remaining": tested("How many rounds the seller still grants is known and respected."),
  "negotiation.answer.rationale": tested("The seller's reason in a round is labelled as its words."),
  "negotiation.history": tested("Every round comes back in the answer, and again in a later conversation."),
  "negotiation.max_rounds": tested("No more rounds are played than we or the seller allow."),
  "negotiation.last_round": tested("In the last round the buyer accepts or walks away."),
  "negotiation.accepted": tested("An accepted price is the quote's new price, and what the deal is booked at."),
} satisfies Record<string, Row>;
