import type * as z from "zod";
import type { Deal } from "../domain/deal.ts";
import { instants } from "../domain/flight.ts";
import { splitRef } from "../domain/ids.ts";
import type { Money } from "../domain/money.ts";
import { atCpm, type Quote, type QuoteRequest } from "../domain/quote.ts";
import { createHttp, type HttpCall } from "./http.ts";
import { createCatalogue } from "./iab-catalogue.ts";
import { createExchange, identityOf } from "./iab-exchange.ts";
import { availsOf, cardOf, checkEcho, dealOf, deliveryOf, isEarlierContract, quoteOf } from "./iab-mapping.ts";
import { createNegotiation, microsOf } from "./iab-negotiation.ts";
import { createProposals } from "./iab-proposals.ts";
import { unreadable } from "./iab-refusals.ts";
import { type ConnectOptions, defineProtocol } from "./protocol.ts";
import { type Access, type Found, type Seller, SellerFailure, type SupplyNode } from "./seller.ts";
import { sellerId as checkedId, sellerText } from "./untrusted.ts";
import {
  bulkAnswer,
  cardAnswer,
  dealAnswer,
  dealState,
  legacyAvails,
  openDirectAvails,
  orderAnswer,
  performanceAnswer,
  proposalDealAnswer,
  quoteAnswer,
  quoteState,
  supplyChainAnswer,
} from "./wire/iab-seller-agent.ts";
import { supplyNode } from "./wire/sellers-json.ts";

/**
 * Sellers that run the IAB Tech Lab seller agent, over its REST API (2.4.2; 1.x negotiates otherwise). Its idempotency
 * keys are checked before and written after without a lock, so that the same key sent twice in parallel may book
 * twice: a lost answer is settled by reading the quote back, never by sending again.
 */
export const iabSellerAgent = defineProtocol({ name: "iab-seller-agent", connect });

const cancellation =
  "The seller's interface marks a deal as cancelled on request and names no notice period, fee or refund; " +
  "impressions delivered until then may be charged.";

function connect(options: ConnectOptions): Seller {
  const { sellerId, log } = options;
  const http = createHttp(options);
  const exchange = createExchange(sellerId, http);
  const { ask, read } = exchange;
  const catalogue = createCatalogue(exchange, log);
  const negotiation = createNegotiation(exchange, log);

  const dated = (quote: Quote): Quote => ({ ...quote, expiresAt: exchange.onOurClock(quote.expiresAt) });

  async function quoteNow(sellerQuoteId: string, request: QuoteRequest, access: Access) {
    const path = `/api/v1/quotes/${encodeURIComponent(sellerQuoteId)}`;
    const answer = await ask("the quote", quoteAnswer, { method: "GET", path, phase: "discovery" }, access);
    return dated(quoteOf(sellerId, answer, request, access.tier));
  }

  async function dealNow(dealId: string, sellerQuoteId: string, access: Access) {
    const path = `/api/v1/deals/${encodeURIComponent(dealId)}`;
    const answer = await ask("the deal", dealAnswer, { method: "GET", path, phase: "discovery" }, access);
    return dealFor(sellerQuoteId, answer);
  }

  /** @param target the price to ask for: this seller takes one as the price, upwards too; null = its own */
  async function quoteAt(request: QuoteRequest, target: Money | null, key: string, access: Access): Promise<Quote> {
    const { theirId } = splitRef(request.product);
    // No agent address: it may lower our tier.
    const body = JSON.stringify({
      idempotency_key: key,
      product_id: theirId,
      deal_type: request.dealType,
      impressions: request.impressions,
      flight_start: request.flight.start,
      flight_end: request.flight.end,
      ...(target ? { target_cpm: microsOf(target) } : {}),
      ...identityOf(access),
    });
    const call = { method: "POST", path: "/api/v1/quotes", body, phase: "media_kit" } as const;
    const answer = await ask("a quote", quoteAnswer, call, access).catch(async (error: unknown) => {
      const isUnknown = error instanceof SellerFailure && error.kind === "not_found";
      if (!isUnknown || !(await catalogue.isBundle(theirId, access))) throw error;
      const why = `${request.product} is a bundle of its media kit, and only the products in it are quoted`;
      throw new SellerFailure(sellerId, "unsupported", `${sellerId} did not give a quote: ${why}.`, {
        definite: true,
      });
    });
    const quote = dated(quoteOf(sellerId, answer, request, access.tier));
    checkEcho(quote, request);
    return quote;
  }

  /** The deal that a booking of a proposal names, as it can be read: a deal that nobody can read is not believed. */
  async function dealOfProposal(call: HttpCall, sellerQuoteId: string, access: Access): Promise<Deal> {
    const dealId = checkedId((await ask("the booking", proposalDealAnswer, call, access)).deal_id);
    if (dealId === null) throw unreadable(sellerId, "the booking", "its deal ID cannot be used");
    return dealNow(dealId, sellerQuoteId, access).catch((error: unknown) => {
      if (!(error instanceof SellerFailure)) throw error;
      throw unreadable(sellerId, "the booking", `the deal it names, ${dealId}, cannot be read`, error.status);
    });
  }

  /** A deal that names another quote is not what came of ours, whoever says so. */
  function dealFor(sellerQuoteId: unknown, answer: z.output<typeof dealAnswer>) {
    const named = answer.deal.quote_id;
    if (named === null || named === sellerQuoteId) return dealOf(sellerId, answer);
    throw unreadable(sellerId, "the booking", "the deal is of another quote");
  }

  return {
    id: sellerId,
    origin: options.origin,
    protocol: "iab-seller-agent",
    settlement: "read_back",
    sells: "volume",
    cancellation,

    async card(access) {
      const path = "/.well-known/agent.json";
      const held = cardAnswer.safeParse(options.cardJustRead?.()).data;
      const answer = held ?? (await ask("its card", cardAnswer, { method: "GET", path, phase: "discovery" }, access));
      if (isEarlierContract(answer.version)) negotiation.useEarlierContract();
      return cardOf(sellerId, answer);
    },

    catalogue: catalogue.list,
    product: catalogue.one,

    async avails(productId, flight, impressions, access) {
      const { start, end } = instants(flight);
      const body = JSON.stringify({
        productid: productId,
        startdate: start,
        enddate: end,
        requestedImpressions: impressions,
      });
      const call = { method: "POST", path: "/products/avails", body, phase: "media_kit" } as const;
      // The legacy answer names no currency; the product's own price does.
      const [answer, currency] = await Promise.all([
        ask("avails", openDirectAvails.or(legacyAvails), call, access),
        catalogue.currencyOf(productId, access).catch(() => null),
      ]);
      const avails = availsOf(productId, answer, currency);
      if (avails) return avails;
      throw unreadable(sellerId, "avails", "they are for another product");
    },

    quote: (request, key, access) => quoteAt(request, null, key, access),

    proposals: createProposals(exchange, { makesDeals: options.proposals === "deal", quoteAt }),

    async readQuote(known, request, access) {
      const { sellerQuoteId } = known;
      if (isProposal(known)) {
        const state = await negotiation.state(sellerQuoteId, atCpm(known).cpm.currency, access);
        const isOver = Date.parse(known.expiresAt) <= Date.now();
        const now = state?.status === "rejected" ? "declined" : isOver ? "expired" : known.state;
        const struck = state?.status === "accepted" ? state.sellerCpm : null;
        return { quote: { ...known, state: now, ...(struck ? { cpm: struck } : {}) }, negotiation: state };
      }
      const quote = await quoteNow(sellerQuoteId, request, access);
      if (quote.sellerQuoteId !== sellerQuoteId) throw unreadable(sellerId, "the quote", "it is another quote");
      if (quote.product.ref !== request.product) throw unreadable(sellerId, "the quote", "it is for another product");
      const state = await negotiation.state(sellerQuoteId, atCpm(quote).cpm.currency, access);
      // An accepted negotiation is what the booking will be struck at, though the quote itself does not say so yet.
      const struck = quote.state === "available" && state?.status === "accepted" ? state.sellerCpm : null;
      return { quote: struck ? { ...quote, cpm: struck } : quote, negotiation: state };
    },

    counter: (quote, _request, ...round) => negotiation.counter(quote, ...round),
    accept: (quote, _request, ...round) => negotiation.accept(quote, ...round),

    async refine() {
      const why = `${sellerId} did not take the question: it negotiates in prices only, not in words.`;
      throw new SellerFailure(sellerId, "unsupported", why, { definite: true });
    },

    bookingRequest(_terms, quote, key, identity) {
      const { sellerQuoteId } = quote;
      if (isProposal(quote))
        return { method: "POST", path: dealsOfProposals, body: JSON.stringify({ proposal_id: sellerQuoteId }) };
      const shown = Object.keys(identity).length === 0 ? {} : { buyer_identity: identity };
      const body = JSON.stringify({ idempotency_key: key, quote_id: sellerQuoteId, ...shown });
      return { method: "POST", path: "/api/v1/deals", body };
    },

    ready: async () => null,

    async book(request, quote, access) {
      const call = { ...request, phase: "booking" } as const;
      const { path, body } = request;
      if (path === dealsOfProposals)
        return { kind: "booked", deal: await dealOfProposal(call, quote.sellerQuoteId, access) };
      const answer = await ask("the booking", dealAnswer, call, access);
      return { kind: "booked", deal: dealFor(quoteIdOf(body), answer) };
    },

    // This seller books or refuses while it is asked: it never keeps a buy waiting.
    async follow({ mediaBuyId }) {
      throw unreadable(sellerId, "the booking", `it waits for nothing (${mediaBuyId ?? "no deal"})`);
    },

    async findBooking({ sellerQuoteId }, request, access): Promise<Found> {
      if (request.path === dealsOfProposals)
        return { kind: "gone", why: "The seller finds no deal by the proposal it was made of." };
      const path = `/api/v1/quotes/${encodeURIComponent(sellerQuoteId)}`;
      const answer = await http.send({ method: "GET", path, phase: "discovery" }, access);
      // A booked quote reads as expired once its day is over, so neither answer says that nothing was booked.
      if (answer.status === 410) return { kind: "gone", why: "The seller says the quote has expired." };
      if (answer.status === 404) return { kind: "gone", why: "The seller no longer knows the quote." };
      const { quote } = read("the quote", quoteState, answer);
      if (quote.status === "available") return { kind: "available" };
      if (quote.status !== "booked") return { kind: "gone", why: "The quote is neither available nor booked." };
      const dealId = checkedId(quote.deal_id);
      if (dealId === null) throw unreadable(sellerId, "the quote", "it is booked without a usable deal ID");
      return { kind: "booked", deal: await dealNow(dealId, sellerQuoteId, access) };
    },

    async placeOrder(dealId, sellerQuoteId, metadata, access) {
      // Always with the deal: an order without one fails at the seller's next change to it.
      const body = JSON.stringify({ deal_id: dealId, quote_id: sellerQuoteId, metadata });
      const call = { method: "POST", path: "/api/v1/orders", body, phase: "booking" } as const;
      const order = await ask("an order", orderAnswer, call, access);
      const orderId = checkedId(order.order_id);
      if (orderId === null) throw unreadable(sellerId, "an order", "its id cannot be used");
      return { orderId, status: sellerText(order.status ?? "", 40) || "not stated" };
    },

    async cancel({ deal: { dealId } }, _key, access) {
      const body = JSON.stringify({ operations: [{ action: "cancel", deal_id: dealId }] });
      const call = { method: "POST", path: "/api/v1/deals/bulk", body, phase: "booking" } as const;
      const { results } = await ask("a cancellation", bulkAnswer, call, access);
      // Any operation may report success; only the deal itself tells.
      const path = `/api/v1/deals/${encodeURIComponent(dealId)}`;
      const look = { method: "GET", path, phase: "discovery" } as const;
      const { deal } = await ask("the deal", dealState, look, access).catch(unsettled);
      if (deal.status.toLowerCase() === "cancelled") return { kind: "cancelled" };
      const [result] = results;
      const reason = sellerText(result?.error, 160);
      const how = result?.success ? "The seller reported the deal as cancelled" : "The seller did not cancel the deal";
      const why = `${how}${reason ? ` (it says: “${reason}”)` : ""}; it still reads as “${sellerText(deal.status, 40)}”.`;
      return { kind: "refused", why };
    },

    async buyNow() {
      const why = `${sellerId} changes no booked deal: its change requests leave the deal as it is, approved or not. It can be cancelled, and what is more be bought as a deal of its own.`;
      throw new SellerFailure(sellerId, "unsupported", why, { definite: true });
    },

    async delivery({ deal: { dealId } }, access) {
      const path = `/api/v1/deals/${encodeURIComponent(dealId)}/performance`;
      const call = { method: "GET", path, phase: "discovery" } as const;
      return deliveryOf(await ask("delivery figures", performanceAnswer, call, access));
    },

    async syncCreatives() {
      const why = `${sellerId} takes no creatives: its protocol has no library; they are handed over where the deal is activated.`;
      throw new SellerFailure(sellerId, "unsupported", why, { definite: true });
    },

    async supplyChain(access) {
      const call = { method: "GET", path: "/api/v1/supply-chain", phase: "discovery" } as const;
      try {
        const { seller_type, is_direct, schain } = await ask("its supply chain", supplyChainAnswer, call, access);
        const chain = schain.flatMap((node): readonly SupplyNode[] => {
          const read = supplyNode.safeParse(node).data;
          if (!read) return [];
          const [system, domain] = [sellerText(read.asi, 253), sellerText(read.domain, 253)];
          return [{ system, sellerId: sellerText(read.sid, 100), domain: domain || null }];
        });
        return { sellerType: sellerText(seller_type, 40) || null, isDirect: is_direct, nodes: schain.length, chain };
      } catch (error) {
        // A seller that was never told its own organisation fails here with a text 500: it publishes none.
        const isUnpublished = error instanceof SellerFailure && (error.status === 500 || error.status === 404);
        if (!isUnpublished) throw error;
        return { sellerType: null, isDirect: null, nodes: 0 };
      }
    },
  };
}

/** Where the contract makes a deal of a proposal; 2.4.2 answers there, and keeps none. */
const dealsOfProposals = "/deals";

/** Whether a quote is a proposal that a deal is made of. */
function isProposal({ agreedAs, sellerQuoteId }: Quote): boolean {
  return agreedAs?.proposalId === sellerQuoteId;
}

/** A look that failed, however surely, settles nothing about the change that was asked for before it. */
function unsettled(error: unknown): never {
  if (!(error instanceof SellerFailure)) throw error;
  const { sellerId, kind, message, code, sellerSaid, status } = error;
  throw new SellerFailure(sellerId, kind, message, { definite: false, code, sellerSaid, status, cause: error });
}

function quoteIdOf(body: string): unknown {
  const parsed: unknown = JSON.parse(body);
  return typeof parsed === "object" && parsed !== null && "quote_id" in parsed ? parsed.quote_id : null;
}
