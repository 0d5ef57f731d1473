import * as z from "zod";
import { once } from "./idempotency.ts";
import { scopeOf } from "./identity.ts";
import { dollars, toCents, wireMoney } from "./pricing.ts";
import { standingQuote, storedQuote } from "./quote-book.ts";
import { pricingView, termsView } from "./routes-quotes.ts";
import { type Call, mintCapitalId, type Route, type SellerRuntime, zulu } from "./runtime.ts";
import type { DealType } from "./catalogue.ts";
import type { StoredProposal } from "./proposal-desk.ts";
import type { StoredDeal, StoredQuote } from "./state.ts";
import { identityField, optional, parseBody } from "./validate.ts";
import { type Answer, answer, coded, crashed } from "./wire.ts";

/** Booking: IAB seller agent 2.4.2, `/api/v1/deals`. A deal stays `proposed` for good; that is as booked as it gets. */

const dealLifeMs = 30 * 86_400_000;
const bookedQuoteLifeMs = 86_400_000;

const bookingRequest = z.object({
  idempotency_key: z.string().min(1),
  quote_id: z.string(),
  buyer_identity: optional(identityField),
  notes: optional(z.string()),
  audience_plan: optional(z.record(z.string(), z.unknown())),
});

function dealView(deal: StoredDeal): object {
  const { quote, id } = deal;
  if (!quote) throw crashed();
  return {
    deal: {
      deal_id: id,
      deal_type: quote.dealType,
      status: deal.status,
      quote_id: deal.quoteId,
      rate_card_id: null,
      product: quote.product,
      pricing: pricingView(quote),
      terms: termsView(quote),
      buyer_tier: quote.tier,
      seller_id: null,
      expires_at: zulu(deal.expiresAt),
      activation_instructions: {
        ttd: `The Trade Desk: add a private contract with deal ID ${id}.`,
        dv360: `Display & Video 360: Inventory, My inventory, New, deal ID ${id}.`,
        xandr: `Xandr: Deals, add deal ID ${id}.`,
      },
      openrtb_params: {
        id,
        bidfloor: wireMoney(quote.final),
        // The real seller has the two auction types the wrong way round.
        at: quote.dealType === "PA" ? 3 : 1,
        wseat: [],
        wadomain: [],
      },
      media_type: "digital",
      linear_tv: null,
      created_at: zulu(deal.createdAt),
      consent_context: null,
      supply_chain: null,
    },
    audience_plan_snapshot: deal.audiencePlan,
    audience_match_summary: null,
  };
}

function storedDeal(seller: SellerRuntime, id: string): StoredDeal {
  const deal = seller.state.deals[id];
  if (!deal) throw coded(404, "deal_not_found", `Deal '${id}' not found.`);
  if (deal.status === "proposed" && seller.now() >= deal.expiresAt) {
    const expired: StoredDeal = { ...deal, status: "expired" };
    seller.state.deals[id] = expired;
    seller.commit();
    return expired;
  }
  return deal;
}

/** The agreed price: an accepted negotiation's, for better or worse, else the quote's. */
function agreed(seller: SellerRuntime, quote: StoredQuote): StoredQuote {
  const negotiation = seller.state.negotiations[quote.id];
  const struck = negotiation?.rounds.at(-1);
  if (negotiation?.status !== "accepted" || !struck) return quote;
  const note = `Negotiated to ${dollars(struck.seller_price)} CPM (${negotiation.negotiation_id})`;
  return { ...quote, final: struck.seller_price, rationale: `${quote.rationale} | ${note}` };
}

function checkPlan(plan: Readonly<Record<string, unknown>> | null): void {
  const unsupported = ["extensions", "exclusions"].flatMap((role) => {
    const refs = plan?.[role];
    const count = Array.isArray(refs) ? refs.length : 0;
    const reason = `${role} not supported by this seller`;
    return Array.from({ length: count }, (_, index) => ({ path: `${role}[${index}]`, reason }));
  });
  if (unsupported.length === 0) return;
  throw coded(400, "audience_plan_unsupported", "", { message: undefined, unsupported });
}

async function book(call: Call, request: z.output<typeof bookingRequest>): Promise<StoredDeal> {
  const { seller, faults } = call;
  const quote = standingQuote(seller, request.quote_id);
  if (quote.status !== "available") {
    const message = `Quote status is '${quote.status}', expected 'available'.`;
    throw coded(409, "quote_already_booked", message);
  }
  checkPlan(request.audience_plan);
  await seller.gap();
  const now = seller.now();
  const id = mintCapitalId("DEMO-", 12);
  const fair = agreed(seller, quote);
  const factor = faults.has("price-drift") ? (faults.get("price-drift")?.factor ?? 1.1) : 1;
  const final = factor === 1 ? fair.final : toCents(fair.final * factor);
  const goneAt = now + bookedQuoteLifeMs;
  const booked: StoredQuote = { ...fair, final, status: "booked", dealId: id, goneAt };
  const deal: StoredDeal = {
    id,
    status: "proposed",
    quote: booked,
    quoteId: quote.id,
    audiencePlan: request.audience_plan,
    createdAt: now,
    expiresAt: now + dealLifeMs,
  };
  seller.state.deals[id] = deal;
  seller.state.quotes[quote.id] = booked;
  seller.commit();
  return deal;
}

async function postDeal(call: Call): Promise<Answer> {
  const { seller } = call;
  const caller = call.caller();
  const request = parseBody(bookingRequest, call.body);
  const identity = caller.role === "buyer" ? caller.identity : (request.buyer_identity ?? {});
  return once(seller, {
    surface: "deal",
    scope: scopeOf(identity),
    body: request,
    replay: (made) => answer(dealView(storedDeal(seller, String(made)))),
    perform: async () => {
      const deal = await book(call, request);
      return { answer: answer(dealView(deal)), made: deal.id };
    },
  });
}

/** A deal made of a proposal, at a CPM in dollars. */
export function bookedDeal(
  seller: SellerRuntime,
  made: { proposal: StoredProposal; dealType: DealType; final: number },
): string {
  const { proposal, dealType, final } = made;
  const id = mintCapitalId("SELL-", 12);
  const product = seller.product(proposal.product_id);
  if (!product) return id;
  const now = seller.now();
  const expiresAt = now + dealLifeMs;
  const terms: StoredQuote = {
    ...{ id: proposal.id, status: "booked", dealType, final, base: product.base ?? final, dealId: id },
    product: { product_id: product.id, name: product.name, inventory_type: product.type },
    ...{ tierDiscountPct: 0, volumeDiscountPct: 0, rationale: "", tier: "public", available: true },
    ...{ impressions: proposal.impressions, flightStart: proposal.start_date, flightEnd: proposal.end_date },
    ...{ createdAt: now, expiresAt, goneAt: expiresAt },
  };
  const plain = { audiencePlan: null, createdAt: now, expiresAt };
  seller.state.deals[id] = { id, status: "proposed", quote: terms, quoteId: null, ...plain };
  return id;
}

const bulkRequest = z.object({
  operations: z.array(
    z.object({
      action: z.string(),
      deal_id: optional(z.string()),
      quote_id: optional(z.string()),
      notes: optional(z.string()),
    }),
  ),
});

type BulkOperation = z.output<typeof bulkRequest>["operations"][number];

/** Does one operation of a batch and returns the deal's id, or the reason why not as an error. */
function bulkOne(seller: SellerRuntime, operation: BulkOperation): string {
  if (operation.action === "create") {
    const quoteId = operation.quote_id ?? "";
    if (!storedQuote(seller, quoteId)) throw new Error(`Quote '${quoteId}' not found`);
    const id = mintCapitalId("DEMO-", 12);
    const now = seller.now();
    const expiresAt = now + dealLifeMs;
    const bare = { quote: null, quoteId, audiencePlan: null, createdAt: now, expiresAt };
    seller.state.deals[id] = { id, status: "proposed", ...bare };
    return id;
  }
  const deal = seller.state.deals[operation.deal_id ?? ""];
  if (!deal) throw new Error(`Deal '${operation.deal_id ?? ""}' not found`);
  if (operation.action === "cancel") seller.state.deals[deal.id] = { ...deal, status: "cancelled" };
  else if (operation.action !== "update") throw new Error(`Unknown action: ${operation.action}`);
  return deal.id;
}

function postBulk(call: Call): Answer {
  const { seller } = call;
  call.caller();
  const request = parseBody(bulkRequest, call.body);
  const results = request.operations.map((operation, index) => {
    const { action } = operation;
    try {
      return { index, action, success: true, deal_id: bulkOne(seller, operation), error: null };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { index, action, success: false, deal_id: operation.deal_id, error: reason };
    }
  });
  seller.commit();
  const succeeded = results.filter((result) => result.success).length;
  return answer({ total: results.length, succeeded, failed: results.length - succeeded, results });
}

/** Booking, reading, the placeholder performance, and the batch whose `cancel` is the only way to cancel. */
export const dealRoutes: readonly Route[] = [
  { method: "POST", path: "/api/v1/deals", operation: "deal", handle: postDeal },
  { method: "POST", path: "/api/v1/deals/bulk", operation: "cancel", handle: postBulk },
  {
    method: "GET",
    path: "/api/v1/deals/{id}",
    operation: "deal-read",
    handle: ({ seller, params }) => answer(dealView(storedDeal(seller, params["id"] ?? ""))),
  },
  {
    method: "GET",
    path: "/api/v1/deals/{id}/performance",
    operation: "deal-read",
    handle: ({ seller, params }) => {
      const deal = storedDeal(seller, params["id"] ?? "");
      return answer({
        deal_id: deal.id,
        impressions_available: 1_000_000,
        impressions_served: 0,
        fill_rate: 0,
        win_rate: 0,
        avg_cpm_actual: 0,
        delivery_pacing: "not_started",
        last_updated: zulu(seller.now()),
      });
    },
  },
];
