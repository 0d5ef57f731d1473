import type { Line } from "./media-buy.ts";
import { compare, displayMoney } from "./money.ts";

/** How own terms on a quote stand, and what can be done next, in our words; null for a quote without any. */
export function proposalWords(line: Line): string | null {
  const { quote, request, status, negotiation, rounds } = line;
  const { proposal, agreedAs, cpm } = quote;
  if (agreedAs && cpm) return agreedWords(line);
  if (!proposal)
    return request.offer && cpm && compare(cpm, request.offer) <= 0 && status === "open"
      ? `nothing was proposed: the seller's own price is not above your ${displayMoney(request.offer)}`
      : null;
  const yours = `your ${displayMoney(proposal.cpm)} (proposal ${proposal.id})`;
  if (status === "proposed")
    return proposal.approvalId === null
      ? `the seller agreed to ${yours}, and its quote at that price is still to come: look again with request_quote {quote_ids}`
      : `${yours} waits for the seller's people (their approval ${proposal.approvalId}), and nothing is bought meanwhile: look again with request_quote {quote_ids}, or give it up with negotiate {move: "walk_away"}`;
  if (negotiation) return `${yours}: ${negotiation.why}`;
  const counter = rounds.at(-1)?.they;
  return `the seller counters ${yours} with ${counter ? displayMoney(counter) : "other terms, and names no price"}: go on with negotiate {quotes: [{quote_id, max_cpm}]}, or buy the quote at its own price`;
}

/** A deal is made of a proposal only where its seller makes one. */
function agreedWords({ quote: { agreedAs, cpm, sellerQuoteId } }: Line): string | null {
  if (!agreedAs || !cpm) return null;
  const agreed = `the seller agreed to ${displayMoney(agreedAs.cpm)} (proposal ${agreedAs.proposalId})`;
  if (agreedAs.proposalId === sellerQuoteId) return `${agreed}, and makes the deal of that proposal`;
  if (compare(cpm, agreedAs.cpm) > 0)
    return `${agreed}, and then quoted ${displayMoney(cpm)}: that is what this offer costs`;
  return `${agreed}; the deal is made of this quote, not of the proposal, at ${displayMoney(cpm)}`;
}
