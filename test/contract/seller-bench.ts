import { afterEach, beforeEach } from "vitest";
import { masked, type Tier } from "../../src/domain/identity.ts";
import { refOf } from "../../src/domain/ids.ts";
import type { Deal, FrozenRequest } from "../../src/domain/media-buy.ts";
import { parseMoney } from "../../src/domain/money.ts";
import type { Quote, QuoteRequest } from "../../src/domain/quote.ts";
import { type Terms, termsOf } from "../../src/domain/terms.ts";
import { type Access, type Seller, SellerFailure } from "../../src/sellers/seller.ts";

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
  /** A product with a price, sold as PD, of which 100,000 impressions may be bought. */
  readonly productId: string;
  trouble(kind: Trouble, step?: Step): void;
  requests(): readonly SeenRequest[];
  /** Requests that arrived at another origin. */
  stray(): number;
  /** What the seller's own books say was booked on a quote. */
  booked(sellerQuoteId: string): readonly { readonly dealId: string; readonly status: string }[];
  expire(sellerQuoteId: string): void;
  /** Ends the seller; what it listened on then refuses connections. */
  close(): Promise<void>;
}

/** What a protocol or a seller may lack; its tests are then not defined. */
export type Lack = "negotiate" | "order" | "cancel" | "replay";

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

/** What is asked for throughout: 100,000 impressions of a preferred deal in January 2027. */
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
  /** A fresh quote, booked. */
  booked(): Promise<{ readonly quote: Quote; readonly deal: Deal }>;
}

/** Starts a seller before each test and ends it after. */
export function stageEachTest(start: () => Promise<SellerBench>, skip: readonly Lack[]): Stage {
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
      return requestFor(stage.seller.id, stage.bench.productId);
    },
    may: (lack) => !skip.includes(lack),
    key() {
      keys += 1;
      return `key-${keys}`;
    },
    quoted: () => stage.seller.quote(stage.request, stage.key(), agency),
    frozen(quote, access = agency) {
      const terms = termsFor(stage.seller, quote, stage.request);
      return stage.seller.bookingRequest(terms, quote.sellerQuoteId, stage.key(), access.identity);
    },
    async booked() {
      const quote = await stage.quoted();
      return { quote, deal: await stage.seller.book(stage.frozen(quote), agency) };
    },
  };
  return stage;
}
