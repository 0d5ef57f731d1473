import * as z from "zod";
import { once } from "./idempotency.ts";
import { type Caller, pricingTier, scopeOf } from "./identity.ts";
import {
  answerOffer,
  closeNegotiation,
  type Negotiation,
  type NegotiationRound,
  openNegotiation,
  publishedHistory,
  roundsRemaining,
} from "./negotiation.ts";
import { fromWireMoney, type Tier, wireMoney } from "./pricing.ts";
import { deskOf } from "./proposal-desk.ts";
import { drift, storedQuote } from "./quote-book.ts";
import { type Call, mintId, type Route, type SellerRuntime, zulu } from "./runtime.ts";
import { identityField, moneyField, optional, parseBody } from "./validate.ts";
import { type Answer, answer, unprocessable, worded } from "./wire.ts";

/**
 * Negotiation surfaces: IAB seller agent 2.4.2 `POST /api/v1/negotiations/messages`, the older
 * `POST /proposals/{id}/counter`, and the history anybody may read.
 */

const messageRequest = z.object({
  idempotency_key: z.string().min(1),
  action: z.enum(["accept", "counter", "reject", "final_offer"]),
  negotiation_id: optional(z.string()),
  proposal_id: optional(z.string()),
  quote_id: optional(z.string()),
  round_number: optional(z.number().int().min(1)),
  buyer_price: optional(moneyField),
  buyer_identity: optional(identityField),
  rationale: optional(z.string()),
});

type Message = z.output<typeof messageRequest>;

function checkMessage(message: Message): void {
  const isOffer = message.action === "counter" || message.action === "final_offer";
  let problem: string | null = null;
  if (!message.quote_id && !message.proposal_id && !message.negotiation_id) {
    problem = "one of negotiation_id, proposal_id, quote_id is required";
  } else if (isOffer && message.buyer_price === null) {
    problem = `buyer_price is required for action '${message.action}'`;
  } else if (message.action === "reject" && message.buyer_price !== null) {
    problem = "buyer_price is not allowed for action 'reject'";
  }
  if (problem === null) return;
  const msg = `Value error, ${problem}`;
  throw unprocessable([{ type: "value_error", loc: ["body"], msg, input: message, ctx: { error: {} } }]);
}

function opened(seller: SellerRuntime, target: string, tier: Tier): Negotiation {
  const known = seller.state.negotiations[target];
  if (known) return known;
  const quote = storedQuote(seller, target);
  const product = seller.product(quote?.product.product_id ?? deskOf(seller.state).proposals[target]?.product_id ?? "");
  if (!product) throw worded(404, "Proposal not found");
  const baseCpm = quote?.base ?? product.base ?? 0;
  return openNegotiation({
    negotiationId: mintId("neg-", 8),
    proposalId: target,
    productId: product.id,
    tier,
    baseCpm,
    floorCpm: product.floor ?? baseCpm,
    at: seller.now(),
  });
}

/** Reads, waits, decides on what it read, writes: two offers at once lose one round. */
async function offer(seller: SellerRuntime, target: string, tier: Tier, price: number): Promise<Negotiation> {
  const before = opened(seller, target, tier);
  if (before.status !== "active") throw worded(400, `Negotiation is ${before.status}, cannot counter`);
  await seller.gap();
  const after = answerOffer(before, price, seller.now());
  seller.state.negotiations[target] = after;
  seller.commit();
  return after;
}

async function close(seller: SellerRuntime, target: string, message: Message): Promise<Negotiation> {
  const before = seller.state.negotiations[target];
  if (!before) {
    if (!storedQuote(seller, target)) throw worded(404, "Proposal not found");
    throw worded(404, "No negotiation found for this proposal");
  }
  const { action } = message;
  if (before.status !== "active" || (action !== "accept" && action !== "reject")) return before;
  await seller.gap();
  const price = message.buyer_price && fromWireMoney(message.buyer_price);
  const after = closeNegotiation(before, action, price, seller.now());
  seller.state.negotiations[target] = after;
  seller.commit();
  return after;
}

function lastRound(negotiation: Negotiation): NegotiationRound {
  const round = negotiation.rounds.at(-1);
  if (!round) throw worded(404, "No negotiation found for this proposal");
  return round;
}

/** A closing move says what was asked for, even where nothing changed: rejecting an accepted one reads `rejected`. */
function messageView(seller: SellerRuntime, negotiation: Negotiation, action: Message["action"]): object {
  const round = lastRound(negotiation);
  const isOffer = action === "counter" || action === "final_offer";
  const asked = action === "accept" ? "accepted" : "rejected";
  return {
    negotiation_id: negotiation.negotiation_id,
    status: isOffer ? negotiation.status : asked,
    round: {
      round_number: round.round_number,
      buyer_price: wireMoney(round.buyer_price),
      seller_price: wireMoney(round.seller_price),
      action: isOffer ? round.action : action,
      concession_pct: isOffer ? round.concession_pct : 0,
      cumulative_concession_pct: isOffer ? round.cumulative_concession_pct : 0,
      rationale: round.rationale,
      timestamp: zulu(seller.now()),
    },
    rounds_remaining: roundsRemaining(negotiation),
  };
}

async function moved(seller: SellerRuntime, caller: Caller, target: string, message: Message): Promise<Negotiation> {
  if (message.action === "accept" || message.action === "reject") return close(seller, target, message);
  const price = message.buyer_price ? fromWireMoney(message.buyer_price) : 0;
  return offer(seller, target, caller.tier, price);
}

async function postMessage(call: Call): Promise<Answer> {
  const { seller } = call;
  if (seller.profile.negotiation !== "messages") throw worded(404, "Not Found");
  const caller = call.caller();
  const message = parseBody(messageRequest, call.body);
  checkMessage(message);
  const target = message.proposal_id ?? message.negotiation_id ?? message.quote_id ?? "";
  const identity = caller.role === "buyer" ? caller.identity : (message.buyer_identity ?? {});
  return once(seller, {
    surface: "negotiation",
    scope: scopeOf(identity),
    body: message,
    replay: answer,
    perform: async () => {
      const negotiation = await moved(seller, caller, target, message);
      const view = messageView(seller, negotiation, message.action);
      return { answer: answer(view), made: view };
    },
  });
}

const counterRequest = z.object({
  buyer_price: z.number(),
  buyer_tier: z.string().default("public"),
  agency_id: optional(z.string()),
  advertiser_id: optional(z.string()),
  agent_url: optional(z.string()),
});

async function postCounter(call: Call): Promise<Answer> {
  const { seller, params } = call;
  const caller = call.caller();
  const request = parseBody(counterRequest, call.body);
  const tier = pricingTier(caller, request.agent_url);
  if (seller.profile.negotiation === "per-proposal" && (tier === "public" || tier === "seat")) {
    throw worded(403, "Negotiation is open to agency and advertiser buyers only.");
  }
  const negotiation = await seller.exclusive(() => offer(seller, params["id"] ?? "", tier, request.buyer_price));
  const round = lastRound(negotiation);
  return answer({
    negotiation_id: negotiation.negotiation_id,
    round_number: round.round_number,
    action: round.action,
    buyer_price: round.buyer_price,
    seller_price: round.seller_price,
    concession_pct: round.concession_pct,
    cumulative_concession_pct: round.cumulative_concession_pct,
    rationale: round.rationale,
    status: negotiation.status,
    rounds_remaining: roundsRemaining(negotiation),
  });
}

/** Both ways to negotiate, and the public history. */
export const negotiationRoutes: readonly Route[] = [
  { method: "POST", path: "/api/v1/negotiations/messages", operation: "negotiate", handle: postMessage },
  { method: "POST", path: "/proposals/{id}/counter", operation: "negotiate", handle: postCounter },
  {
    method: "GET",
    path: "/proposals/{id}/negotiation",
    operation: "negotiation-read",
    handle: (call) => {
      const id = call.params["id"] ?? "";
      drift(call, id);
      const negotiation = call.seller.state.negotiations[id];
      if (!negotiation) throw worded(404, "No negotiation found for this proposal");
      return answer(publishedHistory(negotiation));
    },
  },
];
