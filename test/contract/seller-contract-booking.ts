import { describe, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { accessOf, failureOf, type Stage, termsFor } from "./seller-bench.ts";

/** What every protocol promises of a booking, of what is said about one whose answer was lost, and of what follows. */
export function describeBooking(on: Stage): void {
  const { agency } = on;
  describe("booking", () => {
    test("sends the frozen bytes once, and the deal is the quote", async () => {
      verifies("deal.from_quote", "deal.deal_id", "deal.openrtb", "deal.activation");
      const quote = await on.quoted();
      const booking = on.frozen(quote);
      const deal = await on.seller.book(booking, agency);
      const sent = on.bench.requests().filter(({ target, method }) => method === "POST" && target === booking.path);
      expect(sent.map(({ body }) => body)).toEqual([booking.body]);
      expect(deal).toMatchObject({
        productId: on.bench.productId,
        dealType: "PD",
        cpm: quote.cpm,
        impressions: quote.impressions,
        flight: quote.flight,
        // A preferred deal has a fixed price: OpenRTB 2.6, Deal.at = 3.
        openrtb: { id: deal.dealId, at: 3, bidfloor: quote.cpm },
      });
      expect(deal.activation.length).toBeGreaterThan(0);
      expect(on.bench.booked(quote.sellerQuoteId).map(({ dealId }) => dealId)).toEqual([deal.dealId]);
      const found = await on.seller.findBooking(quote.sellerQuoteId, agency);
      expect(found).toEqual({ kind: "booked", deal });
    });

    test("the bytes are a function of quote, key and identity alone", async () => {
      const quote = await on.quoted();
      const terms = termsFor(on.seller, quote, on.request);
      const once = on.seller.bookingRequest(terms, quote.sellerQuoteId, "k", agency.identity);
      expect(on.seller.bookingRequest(terms, quote.sellerQuoteId, "k", agency.identity)).toEqual(once);
      expect(once.body).toContain(quote.sellerQuoteId);
      expect(on.seller.bookingRequest(terms, quote.sellerQuoteId, "l", agency.identity).body).not.toBe(once.body);
    });

    if (on.may("replay")) {
      test("the same bytes after the answer bring the same deal; another key is told that it is booked", async () => {
        const quote = await on.quoted();
        const booking = on.frozen(quote);
        const deal = await on.seller.book(booking, agency);
        expect(await on.seller.book(booking, agency)).toEqual(deal);
        const second = await failureOf(on.seller.book(on.frozen(quote), agency));
        expect(second).toMatchObject({ kind: "already_booked", definite: true });
        expect(on.bench.booked(quote.sellerQuoteId)).toHaveLength(1);
      });
    }

    test.each(["drop-answer", "error-500-after-commit", "malformed", "oversized"] as const)(
      "%s after the seller booked proves nothing, and a look finds the deal",
      async (kind) => {
        const quote = await on.quoted();
        on.bench.trouble(kind, "deal");
        expect(await failureOf(on.seller.book(on.frozen(quote), agency))).toMatchObject({ definite: false });
        const [own] = on.bench.booked(quote.sellerQuoteId);
        const found = await on.seller.findBooking(quote.sellerQuoteId, agency);
        expect(found).toMatchObject({ kind: "booked", deal: { dealId: own?.dealId, cpm: quote.cpm } });
      },
    );

    test.each(["hang", "error-text", "redirect"] as const)(
      "%s proves nothing, and a look finds it available",
      async (kind) => {
        const quote = await on.quoted();
        on.bench.trouble(kind, "deal");
        expect(await failureOf(on.seller.book(on.frozen(quote), agency))).toMatchObject({ definite: false });
        expect(on.bench.booked(quote.sellerQuoteId)).toEqual([]);
        expect(await on.seller.findBooking(quote.sellerQuoteId, agency)).toEqual({ kind: "available" });
        expect(on.bench.stray()).toBe(0);
      },
    );

    test("the request's own abort does not reach a booking", async () => {
      const quote = await on.quoted();
      const gone = { ...agency, signal: AbortSignal.abort() };
      expect((await on.seller.book(on.frozen(quote), gone)).cpm).toEqual(quote.cpm);
      expect(await failureOf(on.seller.readQuote(quote.sellerQuoteId, on.request, gone))).toMatchObject({
        kind: "timeout",
      });
    });

    test("a seller that is not there got nothing", async () => {
      const quote = await on.quoted();
      const booking = on.frozen(quote);
      await on.bench.close();
      expect(await failureOf(on.seller.book(booking, agency))).toMatchObject({ kind: "unreachable", definite: true });
      expect(await failureOf(on.seller.findBooking(quote.sellerQuoteId, agency))).toMatchObject({
        kind: "unreachable",
      });
    });

    test("a look that cannot read says so, instead of finding nothing", async () => {
      const { quote } = await on.booked();
      for (const step of ["quote-read", "deal-read"] as const) {
        on.bench.trouble("error-text", step);
        expect(await failureOf(on.seller.findBooking(quote.sellerQuoteId, agency))).toMatchObject({
          kind: "server_error",
        });
      }
    });
  });

  describe("after the booking", () => {
    if (on.may("order")) {
      test("an order names the deal", async () => {
        verifies("order.from_deal");
        const { quote, deal } = await on.booked();
        const { orderId } = await on.seller.placeOrder(deal.dealId, quote.sellerQuoteId, { po_number: "PO-1" }, agency);
        expect(orderId).not.toBe("");
        expect(on.bench.requests().at(-1)?.body).toContain(deal.dealId);
        on.bench.trouble("error-text", "order");
        const failed = await failureOf(on.seller.placeOrder(deal.dealId, quote.sellerQuoteId, {}, agency));
        expect(failed).toMatchObject({ kind: "server_error", status: 500 });
      });
    }

    if (on.may("cancel")) {
      test("a cancellation is believed once the deal itself reads so", async () => {
        const { quote, deal } = await on.booked();
        expect(await on.seller.cancel(deal.dealId, agency)).toEqual({ kind: "cancelled" });
        expect(on.bench.booked(quote.sellerQuoteId)).toMatchObject([{ status: "cancelled" }]);
      });
    }

    test("delivery figures that say nothing are no zeros", async () => {
      verifies("delivery.performance");
      const { deal } = await on.booked();
      const figures = await on.seller.performance(deal.dealId, agency);
      if (figures.served === null) expect(figures.note).not.toBeNull();
      else expect(figures.asOf).not.toBeNull();
    });

    test("the supply chain says who sells, or that it is not published", async () => {
      const chain = await on.seller.supplyChain(accessOf("public"));
      expect(chain.nodes).toBeGreaterThanOrEqual(0);
    });
  });
}
