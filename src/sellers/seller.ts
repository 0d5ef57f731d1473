import type { Flight } from "../domain/flight.ts";
import type { Tier } from "../domain/identity.ts";
import type { Avails, Channel, DealType, Product } from "../domain/inventory.ts";
import type { Deal, FrozenRequest } from "../domain/media-buy.ts";
import type { Money } from "../domain/money.ts";
import type { NegotiationStatus, Round } from "../domain/negotiation.ts";
import type { Quote, QuoteRequest } from "../domain/quote.ts";
import type { Terms } from "../domain/terms.ts";

/** What a seller can do for us, as far as its protocol and card say. */
export type Capability = "media_kit" | "quote" | "negotiate" | "book" | "order" | "cancel" | "performance";

/** A seller's own description, read from its agent card and cleaned. */
export interface SellerCard {
  readonly name: string;
  readonly version: string | null;
  /** Whether this protocol version is one we know to work, and what to expect if not. */
  readonly compatibility: { readonly ok: boolean; readonly note: string };
  readonly channels: readonly Channel[];
  readonly dealTypes: readonly DealType[];
  readonly capabilities: readonly Capability[];
  /** The URL the card gives for itself; a different origin than it was fetched from is reported, never followed. */
  readonly url: string | null;
}

/**
 * How a booking whose answer was lost is settled: `replay` the frozen bytes, `look_up` by our own names, or `read_back`
 * the quote (a seller whose idempotency races must not be sent the same key while the first may still take effect).
 */
export type Settlement = "replay" | "look_up" | "read_back";

/** One call's circumstances: which identity is shown, and when to stop waiting. */
export interface Access {
  readonly tier: Tier;
  /** The buyer fields this tier shows, already masked. */
  readonly identity: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export interface CatalogueQuery {
  /** Free words; a seller may rank by them or ignore them. */
  readonly query: string | null;
  readonly limit: number;
}

/** What a catalogue gave; `notes` are our sentences about parts of it that could not be read. */
export interface CatalogueAnswer {
  readonly products: readonly Product[];
  readonly unreadable: number;
  readonly notes: readonly string[];
}

/** A negotiation as the seller remembers it. Prices are CPM. */
export interface SellerNegotiation {
  readonly status: "active" | "accepted" | "rejected";
  readonly sellerCpm: Money | null;
  readonly rounds: number;
}

export interface RoundAnswer {
  readonly round: Round;
  readonly status: Extract<NegotiationStatus, "active" | "agreed" | "rejected">;
  readonly roundsLeft: number | null;
  /** Cleaned seller words. */
  readonly rationale: string;
}

/** What a look after a lost answer found. `gone` proves nothing: a booked quote may read as expired. */
export type Found =
  | { readonly kind: "booked"; readonly deal: Deal }
  | { readonly kind: "available" }
  | { readonly kind: "gone"; readonly why: string };

export type CancelAnswer = { readonly kind: "cancelled" } | { readonly kind: "refused"; readonly why: string };

/** Impressions served and the like; every figure null where the seller does not report it, never 0 for unknown. */
export interface Performance {
  readonly served: number | null;
  readonly fillRatePercent: string | null;
  readonly pacing: string | null;
  readonly asOf: string | null;
  /** Set when the answer is a placeholder that says nothing about delivery. */
  readonly note: string | null;
}

/**
 * One seller, reached by one protocol. Every method may throw {@link SellerFailure} and nothing else that is expected.
 * Implementations clean every text, check every figure and never decide on spend.
 */
export interface Seller {
  readonly id: string;
  readonly origin: string;
  readonly protocol: string;
  readonly settlement: Settlement;
  card(access: Access): Promise<SellerCard>;
  catalogue(query: CatalogueQuery, access: Access): Promise<CatalogueAnswer>;
  product(productId: string, access: Access): Promise<Product>;
  avails(productId: string, flight: Flight, impressions: number, access: Access): Promise<Avails>;
  /** @param key idempotency key; a new one for every new ask */
  quote(request: QuoteRequest, key: string, access: Access): Promise<Quote>;
  /** The quote as the seller has it now, its price after any negotiation it holds to be accepted. */
  readQuote(
    sellerQuoteId: string,
    request: QuoteRequest,
    access: Access,
  ): Promise<{ readonly quote: Quote; readonly negotiation: SellerNegotiation | null }>;
  counter(quote: Quote, offer: Money, n: number, key: string, access: Access): Promise<RoundAnswer>;
  accept(quote: Quote, sellerCpm: Money, n: number, key: string, access: Access): Promise<RoundAnswer>;
  /** Pure: the exact bytes that will book these terms. */
  bookingRequest(
    terms: Terms,
    sellerQuoteId: string,
    key: string,
    identity: Readonly<Record<string, string>>,
  ): FrozenRequest;
  /**
   * Sends the frozen bytes once. Only a failure with `definite: true` means nothing was booked.
   * The request's own abort is not passed on.
   */
  book(request: FrozenRequest, access: Access): Promise<Deal>;
  findBooking(sellerQuoteId: string, access: Access): Promise<Found>;
  placeOrder(
    dealId: string,
    sellerQuoteId: string,
    metadata: Readonly<Record<string, string>>,
    access: Access,
  ): Promise<{ readonly orderId: string; readonly status: string }>;
  cancel(dealId: string, access: Access): Promise<CancelAnswer>;
  /** What cancelling this seller's deals can and cannot do, in our words, for the terms and the person. */
  readonly cancellation: string;
  performance(dealId: string, access: Access): Promise<Performance>;
  supplyChain(
    access: Access,
  ): Promise<{ readonly sellerType: string | null; readonly isDirect: boolean | null; readonly nodes: number }>;
}

export type FailureKind =
  | "unreachable"
  | "timeout"
  | "refused"
  | "not_found"
  | "gone"
  | "already_booked"
  | "idempotency_conflict"
  | "unauthorized"
  | "forbidden"
  | "below_minimum"
  | "unpriced"
  | "closed"
  | "unsupported"
  | "server_error"
  | "invalid_answer"
  | "redirected"
  | "too_large"
  | "circuit_open";

/** Why a call to a seller did not give what it should. `sellerSaid` is cleaned and capped, and shown labelled only. */
export class SellerFailure extends Error {
  readonly sellerId: string;
  readonly kind: FailureKind;
  /** True only for a parsed refusal: the seller understood and did nothing. */
  readonly definite: boolean;
  readonly code: string | null;
  readonly sellerSaid: string | null;
  readonly status: number | null;

  constructor(
    sellerId: string,
    kind: FailureKind,
    message: string,
    details: {
      definite?: boolean;
      code?: string | null;
      sellerSaid?: string | null;
      status?: number | null;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: details.cause });
    this.name = "SellerFailure";
    this.sellerId = sellerId;
    this.kind = kind;
    this.definite = details.definite ?? false;
    this.code = details.code ?? null;
    this.sellerSaid = details.sellerSaid ?? null;
    this.status = details.status ?? null;
  }
}
