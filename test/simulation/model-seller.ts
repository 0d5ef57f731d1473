import { money, type Money } from "../../src/domain/money.ts";
import type { Deal } from "../../src/domain/deal.ts";
import type { Product } from "../../src/domain/inventory.ts";
import type { QuoteRequest } from "../../src/domain/quote.ts";
import { SellerDesk } from "./seller-desk.ts";
import { SellerSteps, type Write } from "./seller-steps.ts";
import { quoteTtlMs } from "./timing.ts";
import { latestEffectOf, strikes, type World } from "./world.ts";

/** A quote as the seller keeps it. */
export interface ModelQuote {
  readonly id: string;
  readonly request: QuoteRequest;
  readonly product: Product;
  readonly listCpm: Money;
  /** The price it would be booked at. */
  cpm: Money;
  negotiation: { status: "active" | "accepted" | "rejected"; cpm: Money; rounds: number } | null;
  state: "available" | "booked";
  dealId: string | null;
  vanished: boolean;
  readonly expiresAt: number;
}

/** Booking bytes on their way: what left a process, and all that could come and came of it. */
export interface Send {
  readonly n: number;
  readonly sellerId: string;
  readonly quoteId: string;
  /** The idempotency key in its bytes. */
  readonly key: string;
  /** Which of a booking's writes it is, where there are several. */
  readonly write: Write | null;
  readonly by: string;
  readonly at: number;
  /** Set once it is certain that it has no effect any more, beyond what it had. */
  over: boolean;
  /** Refused in so many words, or never left: whoever sent it knows that nothing came of it. */
  knownDead: boolean;
  readonly deals: ModelDeal[];
}

export interface ModelDeal {
  readonly deal: Deal;
  readonly quoteId: string;
  readonly send: Send;
  stands: boolean;
}

/** What one handling of a request came to; one that is at work on the same request elsewhere says so, and no more. */
export type Handled<T> =
  | { readonly ok: T }
  | {
      readonly refused: "gone" | "already_booked" | "forbidden" | "not_found" | "refused" | "idempotency_conflict";
      /** Turned away by what stands before the seller, which has no code of its own. */
      readonly before?: true;
    }
  | { readonly busy: true };

/** How a seller settles lost answers, and whether its people have a say; `stepwise` takes several writes for a booking. */
export const sellerKinds = ["read_back", "replay", "waiting"] as const;
export type SellerKind = (typeof sellerKinds)[number] | "stepwise";

/**
 * A seller as the IAB seller agent was recorded (2.4.2): ids and quotes are kept, idempotency is looked up before and
 * written after an awaited gap, nothing is locked. Two handlings of one booking at the same time make two deals.
 */
export class ModelSeller {
  readonly id: string;
  readonly products: readonly Product[];
  readonly quotes = new Map<string, ModelQuote>();
  readonly deals = new Map<string, ModelDeal>();
  readonly sends: Send[] = [];
  readonly orders = new Map<string, string>();
  readonly #answered = new Map<string, string>();
  /** Null for a seller that does not answer the same bytes alike. */
  readonly desk: SellerDesk | null;
  /** Null for a seller that books in one write. */
  readonly steps: SellerSteps | null;
  downUntil = 0;

  constructor(id: string, products: readonly Product[], kind: SellerKind, isOpen: boolean) {
    this.id = id;
    this.products = products;
    this.steps = kind === "stepwise" ? new SellerSteps(this) : null;
    this.desk = this.steps || kind === "read_back" ? null : new SellerDesk(this, kind === "waiting", isOpen);
  }

  quote(world: World, request: QuoteRequest): ModelQuote {
    const product = this.products.find(({ ref }) => ref === request.product);
    if (product?.price.kind !== "exact") throw new RangeError(`no product ${request.product}`);
    const id = `q${this.quotes.size + 1}`;
    const life = world.random.pick([quoteTtlMs, this.desk ? 96 * quoteTtlMs : quoteTtlMs, quoteTtlMs / 4]);
    const cents = BigInt(world.random.between(-200, 100)) * 10_000n;
    const cpm = money(product.price.cpm.micros + cents, product.price.cpm.currency);
    const quote: ModelQuote = {
      id,
      request,
      product,
      listCpm: product.price.cpm,
      cpm,
      negotiation: null,
      state: "available",
      dealId: null,
      vanished: false,
      expiresAt: world.scheduler.time + life,
    };
    this.quotes.set(id, quote);
    return quote;
  }

  /** The quote if it still reads; one that is over its time reads as gone even when it was booked. */
  read(world: World, id: string): ModelQuote | null {
    const quote = this.quotes.get(id);
    if (!quote || quote.vanished) return null;
    if (quote.expiresAt <= world.scheduler.time) return null;
    if (quote.state === "available" && strikes(world, "quoteVanishes")) quote.vanished = true;
    if (quote.state === "available" && strikes(world, "raisedByOther")) {
      const cpm = money(quote.cpm.micros + 2_000_000n, quote.cpm.currency);
      quote.negotiation = { status: "accepted", cpm, rounds: (quote.negotiation?.rounds ?? 0) + 1 };
    }
    return quote.vanished ? null : quote;
  }

  /** Handles a booking once: look, gap, write, gap, remember. `wait` lets others in between. */
  async book(world: World, send: Send, wait: (what: string, ms: number) => Promise<void>): Promise<Handled<Deal>> {
    const known = this.#answered.get(send.key);
    const before = known === undefined ? undefined : this.deals.get(known);
    if (before) return { ok: before.deal };
    const quote = this.quotes.get(send.quoteId);
    if (!quote || quote.vanished || quote.expiresAt <= world.scheduler.time) return { refused: "gone" };
    if (quote.state === "booked") return { refused: "already_booked" };
    if (strikes(world, "refuses")) return { refused: "forbidden" };
    // Never so late that the settling time would be over: that is what a `read_back` buyer assumes.
    const latest = send.at + latestEffectOf(world);
    await wait("books", strikes(world, "slow") ? world.random.between(0, latest - world.scheduler.time) : 0);
    if (world.scheduler.time > latest) return { refused: "gone" };
    const made = this.dealFor(world, quote, send);
    quote.state = "booked";
    quote.dealId = made.deal.dealId;
    await wait("remembers the key", 0);
    this.#answered.set(send.key, made.deal.dealId);
    return { ok: made.deal };
  }

  /** Deals of a quote that stand. */
  standing(quoteId: string): readonly ModelDeal[] {
    return [...this.deals.values()].filter((one) => one.quoteId === quoteId && one.stands);
  }

  /** Makes a deal as it would be booked now. */
  dealFor(world: World, quote: ModelQuote, send: Send): ModelDeal {
    const price = quote.negotiation?.status === "accepted" ? quote.negotiation.cpm : quote.cpm;
    const drift = strikes(world, "priceDrift") ? BigInt(world.random.between(-300, 300)) * 10_000n : 0n;
    const currency = strikes(world, "otherCurrency") ? "EUR" : price.currency;
    const cpm = money(price.micros + drift, currency);
    const dealId = `D${this.deals.size + 1}`;
    const deal: Deal = {
      dealId,
      sellerStatus: "proposed",
      productId: strikes(world, "otherProduct") ? "something-else" : quote.product.productId,
      dealType: quote.request.dealType,
      cpm,
      impressions: quote.request.impressions + (strikes(world, "otherVolume") ? 1_000 : 0),
      flight: quote.request.flight,
      activation: [],
      openrtb: { id: dealId, bidfloor: cpm, at: 3, wseat: [] },
      expiresAt: null,
    };
    const made: ModelDeal = { deal, quoteId: quote.id, send, stands: true };
    this.deals.set(dealId, made);
    send.deals.push(made);
    world.witness.dealMade(made);
    return made;
  }
}
