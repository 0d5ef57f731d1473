import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { masked, type Tier } from "../../src/domain/identity.ts";
import { refOf, splitRef } from "../../src/domain/ids.ts";
import { compare, money, mulDiv, parseMoney } from "../../src/domain/money.ts";
import type { Quote, QuoteRequest } from "../../src/domain/quote.ts";
import { type Terms, termsOf } from "../../src/domain/terms.ts";
import { type Access, type Seller, SellerFailure } from "../../src/sellers/seller.ts";
import { verifies } from "../requirements.ts";

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

const buyer = {
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
    origin,
    protocol,
    poNumber: null,
    cancellation,
  };
  return termsOf(quote, request, context);
}

/**
 * What every protocol promises of a seller, over real HTTP against a sandbox seller: right results, nothing sent that
 * should not be, and the truth about what went wrong. A new protocol is a test file that calls this.
 */
export function describeSeller(
  name: string,
  { start, skip = [] }: { readonly start: () => Promise<SellerBench>; readonly skip?: readonly Lack[] },
): void {
  const may = (lack: Lack) => !skip.includes(lack);

  describe(name, () => {
    let bench: SellerBench;
    let seller: Seller;
    let request: QuoteRequest;
    let keys = 0;
    const agency = accessOf("agency");
    const key = () => {
      keys += 1;
      return `key-${keys}`;
    };
    beforeEach(async () => {
      bench = await start();
      seller = bench.seller;
      request = requestFor(seller.id, bench.productId);
    });
    afterEach(() => bench.close());

    const quoted = () => seller.quote(request, key(), agency);
    const frozen = (quote: Quote, access = agency) =>
      seller.bookingRequest(termsFor(seller, quote, request), quote.sellerQuoteId, key(), access.identity);
    const booked = async () => {
      const quote = await quoted();
      return { quote, deal: await seller.book(frozen(quote), agency) };
    };

    describe("reading", () => {
      test("the card says who it is and what it can do, and the buyer stays unknown", async () => {
        verifies("discovery.card.capabilities", "discovery.card.version", "discovery.card.compatibility");
        const card = await seller.card(accessOf("public"));
        expect(card.name).not.toBe("");
        expect(card.capabilities).toEqual(expect.arrayContaining(["quote", "book"]));
        expect(card.compatibility.note).not.toBe("");
        expect(card.channels.length).toBeGreaterThan(0);
        expect(card.dealTypes).toContain("PD");
      });

      test("the catalogue has every product once, each with the seller's id in its reference", async () => {
        verifies("kit.seller_of_product");
        const { products, unreadable } = await seller.catalogue({ query: null, limit: 1_000 }, agency);
        expect(unreadable).toBe(0);
        expect(new Set(products.map(({ ref }) => ref)).size).toBe(products.length);
        for (const product of products) {
          expect(splitRef(product.ref)).toEqual({ sellerId: seller.id, theirId: product.productId });
          expect(product.sellerId).toBe(seller.id);
        }
        const own = products.find(({ productId }) => productId === bench.productId);
        expect(own?.dealTypes).toContain("PD");
        expect(own?.price.kind).toBe("exact");
        expect(await seller.product(bench.productId, agency)).toEqual(own);
      });

      test("what it does not have, it does not know", async () => {
        expect(await failureOf(seller.product("no-such-product", agency))).toMatchObject({ kind: "not_found" });
        const missing = { ...request, product: refOf(seller.id, "no-such-product") };
        expect(await failureOf(seller.quote(missing, key(), agency))).toMatchObject({ kind: "not_found" });
      });

      test("avails are units free and a CPM in the product's currency", async () => {
        verifies("avails.impressions", "avails.estimated_cpm");
        const avails = await seller.avails(bench.productId, request.flight, 100_000, agency);
        expect(avails.available).toBeGreaterThanOrEqual(100_000);
        expect(avails.estimatedCpm?.currency).toBe("USD");
      });
    });

    describe("quoting", () => {
      test("a quote is for just what was asked, priced, expiring, and honest about targeting", async () => {
        verifies("quote.request.product", "quote.request.deal_type", "quote.request.impressions", "quote.final_cpm");
        verifies("quote.terms", "quote.expires_at", "quote.read_back");
        const quote = await quoted();
        expect(quote).toMatchObject({
          ref: refOf(seller.id, quote.sellerQuoteId),
          sellerId: seller.id,
          product: { ref: request.product, id: bench.productId },
          state: "available",
          dealType: "PD",
          guaranteed: false,
          impressions: 100_000,
          flight: request.flight,
          pricedAs: "agency",
          dealId: null,
        });
        expect(quote.cpm.micros).toBeGreaterThan(0n);
        expect(compare(quote.cpm, quote.listCpm)).toBeLessThanOrEqual(0);
        expect(quote.notHonoured).toEqual(expect.arrayContaining(["frequency_cap"]));
        expect(new Date(quote.expiresAt).toISOString()).toBe(quote.expiresAt);
        const again = await seller.readQuote(quote.sellerQuoteId, request, agency);
        expect(again).toEqual({ quote, negotiation: null });
      });

      test("the same key brings the same quote; a volume below the minimum none", async () => {
        const first = await seller.quote(request, "one-key", agency);
        expect((await seller.quote(request, "one-key", agency)).sellerQuoteId).toBe(first.sellerQuoteId);
        const little = await failureOf(seller.quote({ ...request, impressions: 1 }, key(), agency));
        expect(little).toMatchObject({ kind: "below_minimum", definite: true });
      });

      test("each tier shows its own fields and no others, in no byte of any request", async () => {
        verifies("identity.masked", "identity.tier.public", "identity.tier.seat", "identity.tier.agency");
        const secrets: Readonly<Record<Tier, readonly string[]>> = {
          public: Object.values(buyer),
          seat: ["agency-q7", "Quillon Media", "Quillon Group", "advertiser-q7", "Larkspur", "velocipedes"],
          agency: ["advertiser-q7", "Larkspur", "velocipedes"],
          advertiser: [],
        };
        for (const tier of ["public", "seat", "agency", "advertiser"] as const) {
          const access = accessOf(tier);
          const before = bench.requests().length;
          await seller.card(access);
          await seller.catalogue({ query: "sports", limit: 10 }, access);
          const quote = await seller.quote(request, key(), access);
          await seller.book(frozen(quote, access), access);
          const sent = JSON.stringify(bench.requests().slice(before));
          for (const secret of secrets[tier]) expect(sent).not.toContain(secret);
        }
        // Identity that was not masked does not leave at the public tier either.
        const careless = { tier: "public", identity: masked(buyer, "advertiser") } as const;
        const before = bench.requests().length;
        await seller.quote(request, key(), careless);
        expect(JSON.stringify(bench.requests().slice(before))).not.toContain("q7");
      });

      test("an expired quote is gone, by whatever name", async () => {
        const quote = await quoted();
        bench.expire(quote.sellerQuoteId);
        const read = await failureOf(seller.readQuote(quote.sellerQuoteId, request, agency));
        expect(["gone", "not_found"]).toContain(read.kind);
        const refused = await failureOf(seller.book(frozen(quote), agency));
        expect(refused.definite).toBe(true);
        expect(["gone", "not_found"]).toContain(refused.kind);
        expect(await seller.findBooking(quote.sellerQuoteId, agency)).toMatchObject({ kind: "gone" });
      });
    });

    if (may("negotiate")) {
      describe("negotiating", () => {
        const below = (quote: Quote) => {
          const cents = mulDiv(quote.cpm.micros, 96n, 1_000_000n);
          return money(cents * 10_000n, quote.cpm.currency);
        };

        test("a counter is met by a price between, and an accepted price is what is booked", async () => {
          verifies("negotiation.message", "negotiation.start_by_counter", "negotiation.answer.seller_price");
          verifies("negotiation.answer.rounds_remaining", "negotiation.answer.rationale", "negotiation.accepted");
          const quote = await quoted();
          const offer = below(quote);
          const answer = await seller.counter(quote, offer, 1, key(), agency);
          expect(answer).toMatchObject({ status: "active", round: { n: 1, move: "counter", we: offer } });
          expect(["counter", "final_offer"]).toContain(answer.round.theirAction);
          expect(answer.rationale).not.toBe("");
          expect(answer.roundsLeft).toBeGreaterThanOrEqual(0);
          const theirs = answer.round.they;
          if (!theirs) throw new Error("no price came back");
          expect(compare(theirs, offer)).toBeGreaterThan(0);
          expect(compare(theirs, quote.cpm)).toBeLessThanOrEqual(0);
          const open = await seller.readQuote(quote.sellerQuoteId, request, agency);
          expect(open.negotiation).toEqual({ status: "active", sellerCpm: theirs, rounds: 1 });
          expect(open.quote.cpm).toEqual(quote.cpm);

          const agreed = await seller.accept(quote, theirs, 2, key(), agency);
          expect(agreed).toMatchObject({ status: "agreed", round: { n: 2, move: "accept", they: theirs } });
          const struck = await seller.readQuote(quote.sellerQuoteId, request, agency);
          expect(struck.negotiation).toMatchObject({ status: "accepted", sellerCpm: theirs });
          expect(struck.quote.cpm).toEqual(theirs);
          const deal = await seller.book(frozen(struck.quote), agency);
          expect(deal.cpm).toEqual(theirs);
        });

        test("a negotiation that is over takes no more offers", async () => {
          const quote = await quoted();
          const { round } = await seller.counter(quote, quote.cpm, 1, key(), agency);
          expect(round.theirAction).toBe("accept");
          expect(await failureOf(seller.counter(quote, below(quote), 2, key(), agency))).toMatchObject({
            kind: "closed",
          });
        });

        test("prices in another currency, and answers without a price, are not believed", async () => {
          verifies("negotiation.answer.action");
          const quote = await quoted();
          bench.trouble("wrong-currency", "negotiate");
          const legacyHasNone = await seller.counter(quote, below(quote), 1, key(), agency).then(
            ({ round }) => round.they?.currency,
            (error: unknown) => (error instanceof SellerFailure ? error.kind : "not a seller failure"),
          );
          expect(["USD", "invalid_answer"]).toContain(legacyHasNone);
          bench.trouble("malformed", "negotiate");
          const failed = await failureOf(seller.counter(quote, below(quote), 2, key(), agency));
          expect(failed).toMatchObject({ kind: "invalid_answer", definite: false });
        });
      });
    }

    describe("booking", () => {
      test("sends the frozen bytes once, and the deal is the quote", async () => {
        verifies("deal.from_quote", "deal.deal_id", "deal.openrtb", "deal.activation");
        const quote = await quoted();
        const booking = frozen(quote);
        const deal = await seller.book(booking, agency);
        const sent = bench.requests().filter(({ target, method }) => method === "POST" && target === booking.path);
        expect(sent.map(({ body }) => body)).toEqual([booking.body]);
        expect(deal).toMatchObject({
          productId: bench.productId,
          dealType: "PD",
          cpm: quote.cpm,
          impressions: quote.impressions,
          flight: quote.flight,
          // A preferred deal has a fixed price: OpenRTB 2.6, Deal.at = 3.
          openrtb: { id: deal.dealId, at: 3, bidfloor: quote.cpm },
        });
        expect(deal.activation.length).toBeGreaterThan(0);
        expect(bench.booked(quote.sellerQuoteId).map(({ dealId }) => dealId)).toEqual([deal.dealId]);
        const found = await seller.findBooking(quote.sellerQuoteId, agency);
        expect(found).toEqual({ kind: "booked", deal });
      });

      test("the bytes are a function of quote, key and identity alone", async () => {
        const quote = await quoted();
        const terms = termsFor(seller, quote, request);
        const once = seller.bookingRequest(terms, quote.sellerQuoteId, "k", agency.identity);
        expect(seller.bookingRequest(terms, quote.sellerQuoteId, "k", agency.identity)).toEqual(once);
        expect(once.body).toContain(quote.sellerQuoteId);
        expect(seller.bookingRequest(terms, quote.sellerQuoteId, "l", agency.identity).body).not.toBe(once.body);
      });

      if (may("replay")) {
        test("the same bytes after the answer bring the same deal; another key is told that it is booked", async () => {
          const quote = await quoted();
          const booking = frozen(quote);
          const deal = await seller.book(booking, agency);
          expect(await seller.book(booking, agency)).toEqual(deal);
          const second = await failureOf(seller.book(frozen(quote), agency));
          expect(second).toMatchObject({ kind: "already_booked", definite: true });
          expect(bench.booked(quote.sellerQuoteId)).toHaveLength(1);
        });
      }

      test.each(["drop-answer", "error-500-after-commit", "malformed", "oversized"] as const)(
        "%s after the seller booked proves nothing, and a look finds the deal",
        async (kind) => {
          const quote = await quoted();
          bench.trouble(kind, "deal");
          expect(await failureOf(seller.book(frozen(quote), agency))).toMatchObject({ definite: false });
          const [own] = bench.booked(quote.sellerQuoteId);
          const found = await seller.findBooking(quote.sellerQuoteId, agency);
          expect(found).toMatchObject({ kind: "booked", deal: { dealId: own?.dealId, cpm: quote.cpm } });
        },
      );

      test.each(["hang", "error-text", "redirect"] as const)(
        "%s proves nothing, and a look finds it available",
        async (kind) => {
          const quote = await quoted();
          bench.trouble(kind, "deal");
          expect(await failureOf(seller.book(frozen(quote), agency))).toMatchObject({ definite: false });
          expect(bench.booked(quote.sellerQuoteId)).toEqual([]);
          expect(await seller.findBooking(quote.sellerQuoteId, agency)).toEqual({ kind: "available" });
          expect(bench.stray()).toBe(0);
        },
      );

      test("the request's own abort does not reach a booking", async () => {
        const quote = await quoted();
        const gone = { ...agency, signal: AbortSignal.abort() };
        expect((await seller.book(frozen(quote), gone)).cpm).toEqual(quote.cpm);
        expect(await failureOf(seller.readQuote(quote.sellerQuoteId, request, gone))).toMatchObject({
          kind: "timeout",
        });
      });

      test("a seller that is not there got nothing", async () => {
        const quote = await quoted();
        const booking = frozen(quote);
        await bench.close();
        expect(await failureOf(seller.book(booking, agency))).toMatchObject({ kind: "unreachable", definite: true });
        expect(await failureOf(seller.findBooking(quote.sellerQuoteId, agency))).toMatchObject({ kind: "unreachable" });
      });

      test("a look that cannot read says so, instead of finding nothing", async () => {
        const { quote } = await booked();
        for (const step of ["quote-read", "deal-read"] as const) {
          bench.trouble("error-text", step);
          expect(await failureOf(seller.findBooking(quote.sellerQuoteId, agency))).toMatchObject({
            kind: "server_error",
          });
        }
      });
    });

    describe("after the booking", () => {
      if (may("order")) {
        test("an order names the deal", async () => {
          verifies("order.from_deal");
          const { quote, deal } = await booked();
          const { orderId } = await seller.placeOrder(deal.dealId, quote.sellerQuoteId, { po_number: "PO-1" }, agency);
          expect(orderId).not.toBe("");
          expect(bench.requests().at(-1)?.body).toContain(deal.dealId);
          bench.trouble("error-text", "order");
          const failed = await failureOf(seller.placeOrder(deal.dealId, quote.sellerQuoteId, {}, agency));
          expect(failed).toMatchObject({ kind: "server_error", status: 500 });
        });
      }

      if (may("cancel")) {
        test("a cancellation is believed once the deal itself reads so", async () => {
          const { quote, deal } = await booked();
          expect(await seller.cancel(deal.dealId, agency)).toEqual({ kind: "cancelled" });
          expect(bench.booked(quote.sellerQuoteId)).toMatchObject([{ status: "cancelled" }]);
        });
      }

      test("delivery figures that say nothing are no zeros", async () => {
        verifies("delivery.performance");
        const { deal } = await booked();
        const figures = await seller.performance(deal.dealId, agency);
        if (figures.served === null) expect(figures.note).not.toBeNull();
        else expect(figures.asOf).not.toBeNull();
      });

      test("the supply chain says who sells, or that it is not published", async () => {
        const chain = await seller.supplyChain(accessOf("public"));
        expect(chain.nodes).toBeGreaterThanOrEqual(0);
      });
    });

    describe("a seller that cannot be trusted to answer well", () => {
      test.each([
        ["error-text", "server_error"],
        ["malformed", "invalid_answer"],
        ["oversized", "too_large"],
        ["wrong-currency", "invalid_answer"],
        ["redirect", "redirected"],
      ] as const)("%s for a quote is %s", async (kind, expected) => {
        verifies("error.seller_status");
        bench.trouble(kind, "quote");
        const failed = await failureOf(seller.quote(request, key(), agency));
        expect(failed).toMatchObject({ kind: expected, sellerId: seller.id });
        expect(failed.message).toContain(seller.id);
        expect(bench.stray()).toBe(0);
      });

      test("its words reach nobody uncleaned, in whatever answer they come", async () => {
        verifies("promise.sellers_words", "quote.rationale");
        bench.trouble("injected-text");
        const card = await seller.card(agency);
        const { products } = await seller.catalogue({ query: "sports", limit: 100 }, agency);
        const { quote, deal } = await booked();
        const answers: unknown[] = [card, products, quote, deal];
        if (may("negotiate")) {
          const open = await quoted();
          answers.push(await seller.counter(open, money(open.cpm.micros - 10_000n, "USD"), 1, key(), agency));
        }
        const shown = JSON.stringify(answers, (_, value) => (typeof value === "bigint" ? String(value) : value));
        expect(shown).not.toMatch(/[\p{Cf}\p{Cc}`|<>]/u);
        expect(products.every(({ name, about }) => name.length <= 80 && about.length <= 160)).toBe(true);
      });
    });
  });
}
