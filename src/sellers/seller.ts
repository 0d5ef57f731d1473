import type { Capability } from "../domain/capability.ts";
import type { Flight } from "../domain/flight.ts";
import type { Tier } from "../domain/identity.ts";
import type { Avails, Channel, DealType, Product, SellerProposal } from "../domain/inventory.ts";
import type { Assignment, Creative, CreativeResult } from "../domain/creative.ts";
import type { Delivery } from "../domain/delivery.ts";
import type { Deal, SellerWait } from "../domain/deal.ts";
import type { FrozenRequest } from "../domain/media-buy.ts";
import type { Money } from "../domain/money.ts";
import type { NegotiationStatus, Round } from "../domain/negotiation.ts";
import type { Proposal, ProposalAnswer } from "../domain/proposal.ts";
import type { Quote, QuoteRequest } from "../domain/quote.ts";
import type { PublicKey } from "./wire/brand.ts";
import type { Terms } from "../domain/terms.ts";

export type { Capability } from "../domain/capability.ts";

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
  /** A planner's brief in words, for sellers that offer by it; others do not see it. */
  readonly brief: string | null;
  readonly limit: number;
}

/** What a catalogue gave; `notes` are our sentences about parts of it that could not be read. */
export interface CatalogueAnswer {
  readonly products: readonly Product[];
  readonly unreadable: number;
  readonly notes: readonly string[];
  /** Bundles made for the query; absent at sellers that make none. */
  readonly proposals?: readonly SellerProposal[] | undefined;
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
  /** The quote as it stands after the round, where more than its price may have moved; absent = only the price. */
  readonly quote?: Quote | undefined;
}

/** What is asked of a seller in words. A finalised proposal is a firm price, until its own expiry. */
export interface RefineAsk {
  readonly words: string | null;
  readonly finalize: boolean;
}

/** What came of it: the quote as it is now, and what the seller says it did, which proves nothing. */
export interface Refined {
  readonly quote: Quote;
  readonly applied: "applied" | "partial" | "unable" | "not_said";
  /** Cleaned seller words. */
  readonly said: string;
}

/** Own terms put to a seller. Nothing of it books, and nothing is ever decided for the seller's people. */
export interface SellerProposals {
  /** Puts an own CPM for what a quote is for. A repeat is another proposal. */
  put(quote: Quote, request: QuoteRequest, cpm: Money, access: Access): Promise<ProposalAnswer>;
  /** Looks once at what the seller's people decided. */
  look(proposal: Proposal, quote: Quote, access: Access): Promise<ProposalAnswer>;
  /**
   * The quote by which an agreed proposal is bought: one of its own at the agreed CPM, or the proposal itself where the
   * seller makes deals of proposals. Its price is the seller's and may be another.
   * @param quote the seller's quote for the same without a proposal
   */
  quote(quote: Quote, request: QuoteRequest, agreed: Proposal, key: string, access: Access): Promise<Quote>;
}

/**
 * What a seller did with a request to book: booked it, put it on a desk of its own, or took one of several writes; the
 * quote is as it stands after that, and the next write is the next send's.
 */
export type Booked =
  | { readonly kind: "booked"; readonly deal: Deal }
  | { readonly kind: "waits"; readonly wait: SellerWait }
  | { readonly kind: "advanced"; readonly quote: Quote };

/** What a frozen request asked its seller to send, and how that is to be proved: by the secret, else by the seller's key. */
export interface RegisteredWebhook {
  readonly url: string;
  readonly token: string;
  readonly operationId: string | null;
  readonly secret: string | null;
}

/** What there is to know of a seller's webhooks. */
export interface SellerWebhooks {
  /** Pure: read from the bytes. Null where they ask for none. */
  registered(request: FrozenRequest): RegisteredWebhook | null;
  /** The public keys the seller signs by; empty where it shows none. @throws SellerFailure */
  keys(access: Access): Promise<readonly PublicKey[]>;
}

/** How a buy stands that a seller keeps waiting. Only a parsed word of the seller's refuses it. */
export type Followed = Booked | { readonly kind: "refused"; readonly code: string; readonly why: string };

/** Who accepted what the request to book stands for, and when (UTC instant): a seller's insertion order asks for it. */
export interface Acceptance {
  readonly by: string;
  readonly at: string;
}

/** A buy at its seller: the quote it came of, and what was booked. */
export interface Bought {
  readonly quote: Quote;
  readonly deal: Deal;
}

/** A booked buy as its seller has it now, and what may be done to it. */
export interface BuyNow {
  readonly deal: Deal;
  /** By the seller's words; `bySeller` where its people decide first. Null where it does not say what is possible. */
  readonly actions: readonly { readonly action: string; readonly bySeller: boolean }[] | null;
  /** Argument names of a change that the seller's own schema allows; null = it does not restrict them. */
  readonly accepts: readonly string[] | null;
}

/** Creatives for a seller's library. */
export interface CreativesAsk {
  /** The brief under which the seller offers the products, where it offers by one. */
  readonly brief: string | null;
  /** The media buy, where the state of review is to be read from it. */
  readonly dealId: string | null;
  /** Whose formats are taken, by the seller's product ids; null = those of all it sells. */
  readonly products: readonly string[] | null;
  readonly creatives: readonly Creative[];
  readonly assignments: readonly Assignment[];
}

/** What became of them; none where the seller has queued them under a task. */
export interface SyncedCreatives {
  readonly results: readonly CreativeResult[];
  readonly taskId: string | null;
}

/**
 * What a look after a lost answer found. `available`: what was sent last had no effect so far. `gone` proves nothing: a
 * booked quote may read as expired.
 */
export type Found = Followed | { readonly kind: "available" } | { readonly kind: "gone"; readonly why: string };

export type CancelAnswer = { readonly kind: "cancelled" } | { readonly kind: "refused"; readonly why: string };

/** One system money passes through, and the id under which it knows the seller (OpenRTB `asi` and `sid`). */
export interface SupplyNode {
  readonly system: string;
  readonly sellerId: string;
  /** The domain it is said to stand for. */
  readonly domain: string | null;
}

export interface SupplyChain {
  readonly sellerType: string | null;
  readonly isDirect: boolean | null;
  readonly nodes: number;
  /** As much of it as can be read; absent where there is none. */
  readonly chain?: readonly SupplyNode[] | undefined;
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
  /** Whether a quote is for so many impressions at a CPM, or for a budget. */
  readonly sells: "volume" | "budget";
  /** Of a seller of volume, whether a quote can name creatives of its library to run. */
  readonly takesCreatives?: boolean | undefined;
  card(access: Access): Promise<SellerCard>;
  catalogue(query: CatalogueQuery, access: Access): Promise<CatalogueAnswer>;
  product(productId: string, access: Access): Promise<Product>;
  avails(productId: string, flight: Flight, impressions: number, access: Access): Promise<Avails>;
  /** @param key idempotency key; a new one for every new ask */
  quote(request: QuoteRequest, key: string, access: Access): Promise<Quote>;
  /** The quote as the seller has it now, its price after any negotiation it holds to be accepted. */
  readQuote(
    quote: Quote,
    request: QuoteRequest,
    access: Access,
  ): Promise<{ readonly quote: Quote; readonly negotiation: SellerNegotiation | null }>;
  /** Absent where own terms are not taken. */
  readonly proposals?: SellerProposals | undefined;
  /** Offers on the quote or, where it has one, on its proposal; so does {@link accept}. */
  counter(
    quote: Quote,
    request: QuoteRequest,
    offer: Money,
    n: number,
    key: string,
    access: Access,
  ): Promise<RoundAnswer>;
  accept(
    quote: Quote,
    request: QuoteRequest,
    price: Money,
    n: number,
    key: string,
    access: Access,
  ): Promise<RoundAnswer>;
  /** Asks in words for another offer, or for a firm one. The price change is measured, not believed. */
  refine(quote: Quote, request: QuoteRequest, ask: RefineAsk, access: Access): Promise<Refined>;
  /** Pure: the exact bytes that will book these terms. */
  bookingRequest(
    terms: Terms,
    quote: Quote,
    key: string,
    identity: Readonly<Record<string, string>>,
    accepted: Acceptance,
  ): FrozenRequest;
  /**
   * What has to come before anything is sent for a quote, such as an account; null = nothing.
   * @throws SellerFailure where it will never come
   */
  ready(quote: Quote, access: Access): Promise<SellerWait | null>;
  /**
   * Sends the frozen bytes once; where booking takes several writes, the one that follows what the quote has `placed`.
   * Only a failure with `definite: true` means nothing was booked. The request's own abort is not passed on.
   */
  book(request: FrozenRequest, quote: Quote, access: Access): Promise<Booked>;
  findBooking(quote: Quote, request: FrozenRequest, access: Access): Promise<Found>;
  /**
   * Gives up what a quote has `placed` when its booking does not go on: a reservation, a draft. Absent where one write books.
   * @returns what still stands there, in our words; null where nothing is held any more
   */
  letGo?(quote: Quote, access: Access): Promise<string | null>;
  /** Looks once at a buy that the seller keeps waiting. */
  follow(wait: SellerWait, quote: Quote, request: FrozenRequest, access: Access): Promise<Followed>;
  placeOrder(
    dealId: string,
    sellerQuoteId: string,
    metadata: Readonly<Record<string, string>>,
    access: Access,
  ): Promise<{ readonly orderId: string; readonly status: string }>;
  /** @param key idempotency key; the same for every try to cancel this deal */
  cancel(bought: Bought, key: string, access: Access): Promise<CancelAnswer>;
  /** What cancelling this seller's deals can and cannot do, in our words, for the terms and the person. */
  readonly cancellation: string;
  /** Absent where the protocol has none. */
  readonly webhooks?: SellerWebhooks | undefined;
  /**
   * Reads a buy before it is changed. A change itself is a quote with `changes`, and goes the way of a booking.
   * @throws SellerFailure `unsupported` where this seller's buys are only cancelled
   */
  buyNow(bought: Bought, access: Access): Promise<BuyNow>;
  delivery(bought: Bought, access: Access): Promise<Delivery>;
  /**
   * Puts creatives into the seller's library; nothing is sent where one does not fit a format.
   * @param key idempotency key; the same for the same content
   */
  syncCreatives(ask: CreativesAsk, key: string, access: Access): Promise<SyncedCreatives>;
  /** Who is paid on the way to the publisher; nothing of it where the seller publishes none. */
  supplyChain(access: Access): Promise<SupplyChain>;
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
  | "not_authorized_to_sell"
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
