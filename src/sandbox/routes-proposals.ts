import * as z from "zod";
import { type Caller, pricingTier } from "./identity.ts";
import { answerOffer, openNegotiation } from "./negotiation.ts";
import { type Approval, deskOf, type StoredProposal } from "./proposal-desk.ts";
import { fixedHalfEven } from "./pricing.ts";
import { bookedDeal } from "./routes-deals.ts";
import { type Call, mintCapitalId, mintId, type Route, type SellerRuntime } from "./runtime.ts";
import { dayField, optional, parseBody } from "./validate.ts";
import { type Answer, answer, worded } from "./wire.ts";

/**
 * Proposals and the desk of the seller's people: IAB seller agent 2.4.2, `POST /proposals`, `/approvals` and the older
 * `POST /deals`. Prices here are dollars CPM. A proposal at or above the floor is accepted at the buyer's own price.
 */

const longDealTypes = { programmaticguaranteed: "PG", preferreddeal: "PD", privateauction: "PA" } as const;

const proposalRequest = z.object({
  product_id: z.string(),
  deal_type: z.string(),
  price: z.number(),
  impressions: z.number().int(),
  start_date: dayField,
  end_date: dayField,
  buyer_id: optional(z.string()),
  agency_id: optional(z.string()),
  advertiser_id: optional(z.string()),
  agent_url: optional(z.string()),
});

type ProposalRequest = z.output<typeof proposalRequest>;

function failed(id: string, stage: string, code: string, detail: string): Answer {
  const nothing = {
    counter_terms: null,
    approval_id: null,
    pricing_verified: false,
    pricing_verification_reason: null,
  };
  return answer({
    ...{ proposal_id: id, recommendation: "reject", status: "failed", ...nothing },
    errors: [{ stage, code, detail }],
  });
}

/** A proposal below the floor, or for more than there is, opens a negotiation of its own. */
function countered(seller: SellerRuntime, caller: Caller, id: string, request: ProposalRequest): object {
  const product = seller.product(request.product_id);
  const floor = product?.floor ?? product?.base ?? 0;
  const tier = pricingTier(caller, request.agent_url);
  const opened = openNegotiation({
    ...{ negotiationId: mintId("neg-", 8), proposalId: id, productId: request.product_id, tier },
    ...{ baseCpm: product?.base ?? floor, floorCpm: floor, at: seller.now() },
  });
  const negotiation = answerOffer(opened, request.price, seller.now());
  seller.state.negotiations[id] = negotiation;
  const round = negotiation.rounds.at(-1);
  return {
    proposed_price: round?.seller_price ?? floor,
    floor_price: floor,
    max_impressions: product?.cap ?? request.impressions,
    reason: round?.rationale ?? "",
    negotiation_id: negotiation.negotiation_id,
    round_number: 1,
    action: round?.action ?? "counter",
  };
}

function evaluated(call: Call, caller: Caller, id: string, request: ProposalRequest) {
  const { seller } = call;
  const desk = deskOf(seller.state);
  const product = seller.product(request.product_id);
  const floor = product?.floor ?? product?.base ?? 0;
  const none = { counter_terms: null, approval_id: null };
  if (desk.habits.rejects !== null) {
    const reason = { proposed_price: null, action: "reject", reason: desk.habits.rejects };
    return { ...none, recommendation: "reject", status: "rejected", counter_terms: reason };
  }
  const value = (request.price * request.impressions) / 1000;
  if (desk.habits.approvalAbove !== null && value >= desk.habits.approvalAbove) {
    const asked = approvalOf(seller, id, request);
    return { ...none, recommendation: "accept", status: "pending_approval", approval_id: asked.approval_id };
  }
  const isFree = product?.cap == null || request.impressions <= product.cap;
  if (request.price >= floor && isFree) return { ...none, recommendation: "accept", status: "accepted" };
  const terms = countered(seller, caller, id, request);
  return { ...none, recommendation: "counter", status: desk.habits.counterWord, counter_terms: terms };
}

function approvalOf(seller: SellerRuntime, proposalId: string, request: ProposalRequest): Approval["request"] {
  const desk = deskOf(seller.state);
  const now = seller.now();
  const naive = (at: number) => new Date(at).toISOString().replace("Z", "");
  const asked: Approval["request"] = {
    approval_id: mintId("appr-", 12),
    ...{ event_id: mintId("evt-", 8), flow_id: mintId("flow-", 8), flow_type: "proposal_handling" },
    ...{ gate_name: "proposal_decision", proposal_id: proposalId, deal_id: "", status: "pending" },
    created_at: naive(now),
    // The contract's own day, or no end at all, as a careless seller has it.
    expires_at: desk.habits.approvalMs === null ? null : naive(now + desk.habits.approvalMs),
    context: { product_id: request.product_id, price: request.price, impressions: request.impressions },
    flow_state_snapshot: {},
  };
  desk.approvals[asked.approval_id] = { request: asked, response: null };
  return asked;
}

async function postProposal(call: Call): Promise<Answer> {
  const { seller } = call;
  const caller = call.caller();
  const request = parseBody(proposalRequest, call.body);
  const id = mintId("prop-", 8);
  const { habits, proposals } = deskOf(seller.state);
  const product = seller.product(request.product_id);
  if (!product) return failed(id, "validate_product", "product_not_found", `Product ${request.product_id} not found`);
  if (habits.fails !== null) return failed(id, "evaluate", habits.fails, "Evaluation failed.");
  await seller.gap();
  const view = evaluated(call, caller, id, request);
  const stored: StoredProposal = { id, status: view.status, ...request, dealId: null };
  proposals[id] = stored;
  seller.commit();
  return answer({
    proposal_id: id,
    ...view,
    pricing_verified: false,
    pricing_verification_reason: "No matching quote found for this buyer and product.",
    errors: [],
  });
}

function readApproval({ seller, params, caller }: Call): Answer {
  // Any key may read them all; without one nobody may (IAB seller agent 2.4.2, routers/approvals).
  if (caller().role === "anonymous") throw worded(401, "Authentication required", { "WWW-Authenticate": "Bearer" });
  const found = deskOf(seller.state).approvals[params["id"] ?? ""];
  if (!found) throw worded(404, "Approval request not found");
  return answer(found);
}

const dealRequest = z.object({ proposal_id: z.string(), dsp_platform: optional(z.string()) });

/**
 * "A deal from a proposal": at the real agent a stub that looks at nothing, answers one and the same deal and keeps
 * nothing. With the habit `makesDeals` the seller does what the name says.
 */
async function postDeal(call: Call): Promise<Answer> {
  const { seller } = call;
  call.caller();
  const { proposal_id: id } = parseBody(dealRequest, call.body);
  const desk = deskOf(seller.state);
  const proposal = desk.proposals[id];
  if (!desk.habits.makesDeals) return answer(legacyDeal(mintCapitalId("SELL-", 12), "preferreddeal", 15));
  if (!proposal) throw worded(404, "Proposal not found");
  const struck = seller.state.negotiations[id];
  const isAgreed = proposal.status === "accepted" || struck?.status === "accepted";
  if (!isAgreed) throw worded(400, `Proposal is ${proposal.status}`);
  if (proposal.dealId !== null) throw worded(400, "Proposal has a deal already");
  await seller.gap();
  const price = struck?.status === "accepted" ? (struck.rounds.at(-1)?.seller_price ?? proposal.price) : proposal.price;
  const final = price * desk.habits.dealFactor;
  const dealType = longDealTypes[proposal.deal_type as keyof typeof longDealTypes] ?? "PD";
  const deal = bookedDeal(seller, { proposal, dealType, final });
  desk.proposals[id] = { ...proposal, dealId: deal };
  seller.commit();
  return answer(legacyDeal(deal, proposal.deal_type, final));
}

function legacyDeal(id: string, dealType: string, price: number): object {
  return {
    ...{ deal_id: id, deal_type: dealType, price, pricing_model: "CPM" },
    openrtb_params: { id, bidfloor: price, bidfloorcur: "USD", at: 3, wseat: [], wadomain: [] },
    activation_instructions: {
      agentic: `Hand deal ${id} to the buyer's agent.`,
      traditional_dsp: `Enter deal ${id} at ${fixedHalfEven(price, 2)} USD in the DSP.`,
    },
  };
}

const decision = z.object({
  decision: z.string(),
  decided_by: z.string().default("anonymous"),
  reason: z.string().default(""),
  modifications: z.record(z.string(), z.unknown()).default({}),
});

/** Own terms, the desk of the seller's people, and the call that makes a deal of a proposal in name. */
export const proposalRoutes: readonly Route[] = [
  { method: "POST", path: "/proposals", operation: "proposal", handle: postProposal },
  { method: "GET", path: "/approvals/{id}", operation: "approval-read", handle: readApproval },
  {
    method: "POST",
    path: "/approvals/{id}/decide",
    operation: "approval-decide",
    // Any valid key may decide, a buyer's too: that a buyer never does is the buyer's own doing.
    handle: (call) => {
      if (call.caller().role === "anonymous") throw worded(401, "Authentication required");
      const { decision: what, reason, modifications } = parseBody(decision, call.body);
      const made = deskOf(call.seller.state).decide(call.params["id"] ?? "", { what, reason, modifications });
      call.seller.commit();
      return answer(made);
    },
  },
  {
    method: "POST",
    path: "/approvals/{id}/resume",
    operation: "approval-decide",
    handle: () => answer({ status: "resumed" }),
  },
  { method: "POST", path: "/deals", operation: "deal", handle: postDeal },
];
