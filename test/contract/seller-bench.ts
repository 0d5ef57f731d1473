import { afterEach, beforeEach } from "vitest";
import { masked, type Tier } from "../../src/domain/identity.ts";
import { refOf } from "../../src/domain/ids.ts";
import type { Deal } from "../../src/domain/deal.ts";
import type { FrozenRequest } from "../../src/domain/media-buy.ts";
import { parseMoney } from "../../src/domain/money.ts";
import type { Quote, QuoteRequest } from "../../src/domain/quote.ts";
import { type Terms, termsOf } from "../../src/domain/terms.ts";
import { type Acceptance, type Access, type Booked, type Seller, SellerFailure } from "../../src/sellers/seller.ts";

/** One request as the seller got it. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** What can be made to go wrong; every protocol's sandbox has these. */
export type Trouble =
  | "hang"
  | "drop-answer"
  | "error-500-after-commit"
  | "error-text"
  | "injected-text"
  | "oversized"
  | "wrong-currency"
  | "malformed"
  | "redirect";
export type Step = "card" | "catalogue" | "quote" | "quote-read" | "negotiate" | "deal" | "deal-read" | "order";

/** A seller under test, reached by the protocol under test, and ways around it. */
export interface SellerBench {
  readonly seller: Seller;
  /** A product with one price, sold as what is asked for. */
  readonly productId: string;
  /** What is asked of it throughout. */
  readonly ask: QuoteRequest;
  /** What of that it has no words for. */
  readonly notHonoured: readonly string[];
  /** The bodies of all requests to book, as they arrived. */
  sentBookings(): readonly string[];
  trouble(kind: Trouble, step?: Step): void;
  requests(): readonly SeenRequest[];
  /** Requests that arrived at another origin. */
  stray(): number;
  /** What the seller's own books say was booked on a quote. */
  booked(quote: Quote): readonly { readonly dealId: string; readonly status: string }[];
  expire(sellerQuoteId: string): void;
  /** Ends the seller; what it listened on then refuses connections. */
  close(): Promise<void>;
}

/**
 * What a protocol or a seller may lack; its tests are then not defined.
 * - `volume` so many impressions at a CPM are bought; else budgets, at prices of any model
 * - `tiers` what is shown of the buyer depends on the tier; else on the settings alone
 * - `quotes` the seller keeps quotes, each bought at most once and gone when it expires; else its prices are published
 * - `hang` a booking without an answer is given up within the test's time
 * - `negotiate` prices are offered back and forth, and the seller keeps score
 * - `activation` a deal is set up in a DSP
 */
export type Lack = "volume" | "tiers" | "quotes" | "avails" | "negotiate" | "order" | "cancel" | "hang" | "activation";

/** What is left out of the suite for a seller, each with the reason why. */
export type Skips = Readonly<Partial<Record<Lack, string>>>;

export const buyer = {
  seatId: "seat-q7",
  seatName: "Quillon Seat",
  agencyId: "agency-q7",
  agencyName: "Quillon Media",
  agencyHoldingCompany: "Quillon Group",
  advertiserId: "advertiser-q7",
  advertiserName: "Larkspur Bikes",
  advertiserIndustry: "velocipedes",
};

/** How a seller is addressed at a tier, with this suite's buyer. */
export function accessOf(tier: Tier): Access {
  return { tier, identity: masked(buyer, tier) };
}

export async function failureOf(work: Promise<unknown>): Promise<SellerFailure> {
  const error = await work.then(
    (value) =>
      new Error(
        `it did not fail: ${JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? String(inner) : inner))}`,
      ),
    (reason: unknown) => reason,
  );
  if (error instanceof SellerFailure) return error;
  throw error;
}

/** What is asked of sellers of volume: 100,000 impressions of a preferred deal in January 2027. */
export function requestFor(sellerId: string, productId: string): QuoteRequest {
  return {
    product: refOf(sellerId, productId),
    flight: { start: "2027-01-04", end: "2027-01-31" },
    dealType: "PD",
    impressions: 100_000,
    budget: parseMoney("50000 USD"),
    targeting: { geo: ["US"], audience: [], frequencyCap: "3 per day" },
    goal: null,
  };
}

/** Terms as the buying layer would freeze them. */
export function termsFor(seller: Seller, quote: Quote, request: QuoteRequest): Terms {
  const { origin, protocol, cancellation } = seller;
  const context = {
    desk: "desk",
    sandbox: true,
    advertiser: "Larkspur Bikes",
    campaign: null,
    origin,
    protocol,
    poNumber: null,
    cancellation,
  };
  return termsOf(quote, request, context);
}

/** Who accepted, and when: the decision that a booking stands for. */
export const accepted: Acceptance = { by: "dana", at: "2026-11-20T10:00:00Z" };

/** The deal of a booking that came at once. */
export function dealIn(booked: Booked): Deal {
  if (booked.kind === "booked") return booked.deal;
  throw new Error(
    `the seller has not booked it: ${booked.kind === "waits" ? JSON.stringify(booked.wait) : booked.kind}`,
  );
}

/** What a test of the suite works with; made afresh for each. */
export interface Stage {
  readonly bench: SellerBench;
  readonly seller: Seller;
  readonly request: QuoteRequest;
  readonly agency: Access;
  may(lack: Lack): boolean;
  /** A key nobody used before. */
  key(): string;
  /** A fresh quote at the agency tier. */
  quoted(): Promise<Quote>;
  /** The frozen request that books a quote, with a key of its own. */
  frozen(quote: Quote, access?: Access): FrozenRequest;
  /** A quote as it stands before the one write that commits: as it is, where one write books. */
  beforeCommitting(request: FrozenRequest, quote: Quote): Promise<Quote>;
  /** Books, where the seller decides while it is asked. */
  book(request: FrozenRequest, quote: Quote, access?: Access): Promise<Deal>;
  /** A fresh quote, booked. */
  booked(): Promise<{ readonly quote: Quote; readonly deal: Deal }>;
}

/** Starts a seller before each test and ends it after. */
export function stageEachTest(start: () => Promise<SellerBench>, skip: Skips): Stage {
  const agency = accessOf("agency");
  let current: SellerBench | null = null;
  let keys = 0;
  beforeEach(async () => {
    current = await start();
  });
  afterEach(async () => current?.close());

  const stage: Stage = {
    agency,
    get bench() {
      if (!current) throw new Error("a seller is there only while a test runs");
      return current;
    },
    get seller() {
      return stage.bench.seller;
    },
    get request() {
      return stage.bench.ask;
    },
    may: (lack) => !(lack in skip),
    key() {
      keys += 1;
      return `key-of-the-suite-${keys}`;
    },
    quoted: () => stage.seller.quote(stage.request, stage.key(), agency),
    frozen(quote, access = agency) {
      const terms = termsFor(stage.seller, quote, stage.request);
      return stage.seller.bookingRequest(terms, quote, stage.key(), access.identity, accepted);
    },
    async beforeCommitting(request, quote) {
      const { seller } = stage;
      if (!seller.letGo || ["reserved", "unheld"].includes(quote.placed?.step ?? "")) return quote;
      const next = await seller.book(request, quote, agency);
      if (next.kind !== "advanced") throw new Error(`it did not go on: ${next.kind}`);
      return stage.beforeCommitting(request, next.quote);
    },
    async book(request, quote, access = agency) {
      const booked = await stage.seller.book(request, quote, access);
      return booked.kind === "advanced" ? stage.book(request, booked.quote, access) : dealIn(booked);
    },
    async booked() {
      const quote = await stage.quoted();
      return { quote, deal: await stage.book(stage.frozen(quote), quote) };
    },
  };
  return stage;
}
