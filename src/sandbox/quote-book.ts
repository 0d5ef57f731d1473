import { openNegotiation, struckByOther } from "./negotiation.ts";
import { toCents } from "./pricing.ts";
import { type Call, mintId, type SellerRuntime } from "./runtime.ts";
import type { StoredQuote } from "./state.ts";
import { coded } from "./wire.ts";

/** A seller's quotes as time and strangers leave them: IAB seller agent 2.4.2, quote expiry. */

/** The quote, if the store still has it, expired or not. */
export function storedQuote(seller: SellerRuntime, id: string): StoredQuote | undefined {
  const quote = seller.state.quotes[id];
  return quote && seller.now() < quote.goneAt ? quote : undefined;
}

/**
 * The quote while it stands: 404 once the store has dropped it (the usual end of an unbooked one), 410 when it is
 * kept but past its expiry, and then its status becomes `expired`, even that of a booked one.
 */
export function standingQuote(seller: SellerRuntime, id: string): StoredQuote {
  const quote = storedQuote(seller, id);
  if (!quote) throw coded(404, "quote_not_found", `Quote '${id}' not found.`);
  if (seller.now() >= quote.expiresAt) {
    seller.state.quotes[id] = { ...quote, status: "expired" };
    seller.commit();
    throw coded(410, "quote_expired", "Quote has expired. Request a new quote.");
  }
  return quote;
}

/** Strikes the negotiation of a quote at a price (dollars CPM), as any third party that knows the id could. */
export function strikeByThirdParty(seller: SellerRuntime, quote: StoredQuote, price: number): void {
  const { product_id: productId } = quote.product;
  const opened = openNegotiation({
    negotiationId: mintId("neg-", 8),
    proposalId: quote.id,
    productId,
    tier: "public",
    baseCpm: quote.base,
    floorCpm: seller.product(productId)?.floor ?? quote.base,
    at: seller.now(),
  });
  const known = seller.state.negotiations[quote.id] ?? opened;
  seller.state.negotiations[quote.id] = struckByOther(known, price, seller.now());
}

/** The fault `quote-drift`: before a read, the price moves up, once a quote. */
export function drift(call: Call, quoteId: string): void {
  const { seller, faults } = call;
  const fault = faults.get("quote-drift");
  const quote = storedQuote(seller, quoteId);
  if (!fault || !quote || quote.drifted || quote.status !== "available") return;
  const price = toCents(quote.final * (fault.factor ?? 1.1));
  const byNegotiation = fault.how === "negotiation";
  if (byNegotiation) strikeByThirdParty(seller, quote, price);
  seller.state.quotes[quote.id] = { ...quote, final: byNegotiation ? quote.final : price, drifted: true };
  seller.commit();
}
