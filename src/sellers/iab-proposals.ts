import type * as z from "zod";
import { refOf } from "../domain/ids.ts";
import { formatAmount, type Money } from "../domain/money.ts";
import type { Proposal, ProposalAnswer, ProposalOutcome } from "../domain/proposal.ts";
import { atCpm, type Quote, type QuoteRequest } from "../domain/quote.ts";
import type { Exchange } from "./iab-exchange.ts";
import { unreadable } from "./iab-refusals.ts";
import { entryOf, instantOf, proposedDealType } from "./iab-words.ts";
import type { Access, SellerProposals } from "./seller.ts";
import { sellerId as checkedId, sellerText } from "./untrusted.ts";
import { approvalAnswer, proposalAnswer } from "./wire/iab-seller-agent.ts";
import { moneyFromNumber } from "./wire/money.ts";

export interface ProposalOptions {
  /** Whether this seller makes deals of proposals, as its operator knows: 2.4.2 answers as if it did, and keeps none. */
  readonly makesDeals: boolean;
  /** A quote at a target price: this seller takes one as the price, upwards too. */
  quoteAt(request: QuoteRequest, target: Money, key: string, access: Access): Promise<Quote>;
}

/**
 * Own terms at an IAB seller agent 2.4.2: `POST /proposals`, and `GET /approvals/{id}` while its people decide. It would let
 * any buyer's key decide and resume there, too; that is theirs to do, so those calls do not exist here.
 */
export function createProposals(exchange: Exchange, options: ProposalOptions): SellerProposals {
  const { sellerId, ask } = exchange;

  return {
    async put(quote, request, cpm, access) {
      const { product, dealType, flight } = quote;
      const { currency } = atCpm(quote).cpm;
      if (cpm.currency !== currency) throw new RangeError(`a proposal in ${cpm.currency} on a quote in ${currency}`);
      // The price is written digit by digit: a JSON number, but never a float of ours.
      const terms = JSON.stringify({
        product_id: product.id,
        deal_type: proposedDealType[dealType],
        impressions: request.impressions,
        start_date: flight.start,
        end_date: flight.end,
        ...identityIn(access),
      });
      const body = `{"price":${formatAmount(cpm)},${terms.slice(1)}`;
      const call = { method: "POST", path: "/proposals", body, phase: "booking" } as const;
      const answer = await ask("a proposal", proposalAnswer, call, access);
      const id = checkedId(answer.proposal_id);
      if (id === null) throw unreadable(sellerId, "a proposal", "its id cannot be used");
      const { outcome, sellerCpm } = outcomeOf(sellerId, answer, currency);
      const approvalId = outcome === "waits" ? checkedId(answer.approval_id) : null;
      if (outcome === "waits" && approvalId === null)
        throw unreadable(sellerId, "a proposal", "its people decide, and their approval has no usable id");
      const sellerSaid = sellerText(answer.counter_terms?.reason, 300);
      return { proposal: { id, cpm, approvalId, sellerSaid }, outcome, sellerCpm, until: null };
    },

    async look(proposal, quote, access): Promise<ProposalAnswer> {
      const path = `/approvals/${encodeURIComponent(proposal.approvalId ?? "")}`;
      const call = { method: "GET", path, phase: "discovery" } as const;
      const { request, response } = await ask("its people's approval", approvalAnswer, call, access);
      if (request.proposal_id !== null && request.proposal_id !== proposal.id)
        throw unreadable(sellerId, "its people's approval", "it is of another proposal");
      const expiry = instantOf(request.expires_at);
      const until = expiry && exchange.onOurClock(expiry);
      if (!response) return { proposal, outcome: "waits", sellerCpm: null, until };
      const outcome = entryOf(decisions, response.decision);
      if (!outcome) throw unreadable(sellerId, "its people's approval", "the decision is none we know");
      const decided: Proposal = { ...proposal, approvalId: null, sellerSaid: sellerText(response.reason, 300) };
      const sellerCpm = outcome === "countered" ? priceIn(response.modifications, atCpm(quote).cpm.currency) : null;
      return { proposal: decided, outcome, sellerCpm, until };
    },

    async quote(quote, request, agreed, key, access) {
      if (!options.makesDeals) return options.quoteAt(request, agreed.cpm, key, access);
      return {
        ...quote,
        ...{ ref: refOf(sellerId, agreed.id), sellerQuoteId: agreed.id, cpm: agreed.cpm, rationale: "" },
        impressions: request.impressions,
      };
    },
  };
}

/** Codes a buyer may be known by, as far as the tier shows them (IAB seller agent 2.4.2, ProposalRequest). */
function identityIn({ tier, identity }: Access): Readonly<Record<string, string>> {
  if (tier === "public") return {};
  const known = ["agency_id", "advertiser_id"].flatMap((field) =>
    identity[field] === undefined ? [] : [[field, identity[field]] as const],
  );
  return Object.fromEntries(known);
}

/** The contract's documents spell a counter `counter_offered`, its code `counter_pending`. */
const statuses: Readonly<Record<string, ProposalOutcome>> = {
  accepted: "accepted",
  counter_offered: "countered",
  counter_pending: "countered",
  rejected: "rejected",
  pending_approval: "waits",
};

const decisions: Readonly<Record<string, Exclude<ProposalOutcome, "waits">>> = {
  approve: "accepted",
  approved: "accepted",
  counter: "countered",
  reject: "rejected",
  rejected: "rejected",
};

function outcomeOf(
  sellerId: string,
  { status, counter_terms: terms }: z.output<typeof proposalAnswer>,
  currency: string,
): { readonly outcome: ProposalOutcome; readonly sellerCpm: Money | null } {
  const outcome = entryOf(statuses, status);
  if (!outcome) throw unreadable(sellerId, "a proposal", "its status is none we know");
  if (outcome !== "countered") return { outcome, sellerCpm: null };
  // It calls a counter what it has closed at once, and says so one level down.
  if (terms?.action === "reject") return { outcome: "rejected", sellerCpm: null };
  const sellerCpm = moneyFromNumber(terms?.proposed_price ?? null, currency);
  if (!sellerCpm || sellerCpm.micros <= 0n) throw unreadable(sellerId, "a proposal", "its price cannot be read");
  return { outcome, sellerCpm };
}

/** The price its people would rather have: their changes are free words, of which these are read. */
function priceIn(changes: Readonly<Record<string, unknown>>, currency: string): Money | null {
  const found = ["proposed_price", "price", "counter_price"].map((name) => changes[name]);
  const price = found.find((value) => typeof value === "number");
  const read = typeof price === "number" ? moneyFromNumber(price, currency) : null;
  return read && read.micros > 0n ? read : null;
}
