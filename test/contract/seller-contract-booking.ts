import { describe, expect, test } from "vitest";
import { instants } from "../../src/domain/flight.ts";
import { verifies } from "../requirements.ts";
import { accepted, accessOf, failureOf, type Stage, termsFor } from "./seller-bench.ts";

/** What every protocol promises of a booking, of what is said about one whose answer was lost, and of what follows. */
export function describeBooking(on: Stage): void {
  const { agency } = on;
  describe("booking", () => {
    test("sends the frozen bytes once, and the deal is the quote", async () => {
      verifies("deal.from_quote", "deal.deal_id", "deal.openrtb", "deal.activation");
      const quote = await on.quoted();
      const booking = on.frozen(quote);
      const deal = await on.book(booking, quote);
      expect(on.bench.sentBookings()).toEqual([booking.body]);
      expect(deal).toMatchObject({ productId: on.bench.productId, dealType: on.request.dealType });
      if (on.may("volume")) {
        const { cpm, impressions, flight } = quote;
        // A preferred deal has a fixed price: OpenRTB 2.6, Deal.at = 3.
        expect(deal).toMatchObject({ cpm, impressions, flight });
        if (on.may("activation")) {
          expect(deal.openrtb).toMatchObject({ id: deal.dealId, at: 3, bidfloor: cpm });
          expect(deal.activation.length).toBeGreaterThan(0);
        }
      } else {
        const { start, end } = instants(quote.flight);
        expect([Date.parse(deal.flight.start), Date.parse(deal.flight.end)]).toEqual([
          Date.parse(start),
          Date.parse(end),
        ]);
        expect(deal.total).toEqual(on.request.budget);
        expect(deal.packages?.map(({ productId, budget }) => [productId, budget])).toEqual(
          quote.packages?.map(({ product, budget }) => [product.id, budget]),
        );
      }
      expect(on.bench.booked(quote).map(({ dealId }) => dealId)).toEqual([deal.dealId]);
      const found = await on.seller.findBooking(quote, booking, agency);
      expect(found).toEqual({ kind: "booked", deal });
    });

    test("the bytes are a function of quote, key and identity alone", async () => {
      const quote = await on.quoted();
      const terms = termsFor(on.seller, quote, on.request);
      const once = on.seller.bookingRequest(terms, quote, "k", agency.identity, accepted);
      expect(on.seller.bookingRequest(terms, quote, "k", agency.identity, accepted)).toEqual(once);
      if (on.may("quotes")) expect(once.body).toContain(quote.sellerQuoteId);
      expect(on.seller.bookingRequest(terms, quote, "l", agency.identity, accepted).body).not.toBe(once.body);
    });

    test("the same bytes after the answer bring the same deal", async () => {
      const quote = await on.quoted();
      const booking = on.frozen(quote);
      const deal = await on.book(booking, quote);
      expect(await on.book(booking, quote)).toEqual(deal);
      expect(on.bench.booked(quote)).toHaveLength(1);
    });

    if (on.may("quotes")) {
      test("another key for the same quote is told that it is booked", async () => {
        const { quote } = await on.booked();
        const second = await failureOf(on.seller.book(on.frozen(quote), quote, agency));
        expect(second).toMatchObject({ kind: "already_booked", definite: true });
        expect(on.bench.booked(quote)).toHaveLength(1);
      });
    }

    test.each(["drop-answer", "error-500-after-commit", "malformed", "oversized"] as const)(
      "%s after the seller booked proves nothing, and a look finds the deal",
      async (kind) => {
        const asked = await on.quoted();
        const booking = on.frozen(asked);
        const quote = await on.beforeCommitting(booking, asked);
        on.bench.trouble(kind, "deal");
        expect(await failureOf(on.seller.book(booking, quote, agency))).toMatchObject({ definite: false });
        const [own] = on.bench.booked(quote);
        const found = await on.seller.findBooking(quote, booking, agency);
        expect(found).toMatchObject({ kind: "booked", deal: { dealId: own?.dealId } });
      },
    );

    const lost = ["error-text", "redirect", ...(on.may("hang") ? (["hang"] as const) : [])] as const;
    test.each(lost)("%s proves nothing, and a look finds it available", async (kind) => {
      const asked = await on.quoted();
      const booking = on.frozen(asked);
      const quote = await on.beforeCommitting(booking, asked);
      on.bench.trouble(kind, "deal");
      expect(await failureOf(on.seller.book(booking, quote, agency))).toMatchObject({ definite: false });
      expect(on.bench.booked(quote)).toEqual([]);
      expect(await on.seller.findBooking(quote, booking, agency)).toEqual({ kind: "available" });
      expect(on.bench.stray()).toBe(0);
    });

    test("the request's own abort does not reach a booking", async () => {
      const quote = await on.quoted();
      const gone = { ...agency, signal: AbortSignal.abort() };
      expect((await on.book(on.frozen(quote), quote, gone)).productId).toBe(on.bench.productId);
      expect(await failureOf(on.seller.readQuote(quote, on.request, gone))).toMatchObject({
        kind: "timeout",
      });
    });

    test("a seller that is not there got nothing", async () => {
      const quote = await on.quoted();
      const booking = on.frozen(quote);
      await on.bench.close();
      expect(await failureOf(on.seller.book(booking, quote, agency))).toMatchObject({
        kind: "unreachable",
        definite: true,
      });
      expect(await failureOf(on.seller.findBooking(quote, booking, agency))).toMatchObject({
        kind: "unreachable",
      });
    });

    test("a look that cannot read says so, instead of finding nothing", async () => {
      const quote = await on.quoted();
      const booking = on.frozen(quote);
      await on.book(booking, quote);
      for (const step of on.may("quotes") ? (["quote-read", "deal-read"] as const) : (["deal-read"] as const)) {
        on.bench.trouble("error-text", step);
        expect(await failureOf(on.seller.findBooking(quote, booking, agency))).toMatchObject({
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
        expect(await on.seller.cancel({ quote, deal }, on.key(), agency)).toEqual({ kind: "cancelled" });
        expect(on.bench.booked(quote)).toMatchObject([{ status: "cancelled" }]);
      });
    }

    test("delivery figures that say nothing are no zeros", async () => {
      verifies("delivery.performance");
      const figures = await on.seller.delivery(await on.booked(), agency);
      if (figures.impressions === null) expect(figures.note).not.toBeNull();
      else expect(figures.asOf).not.toBeNull();
    });

    test("the supply chain says who sells, or that it is not published", async () => {
      const chain = await on.seller.supplyChain(accessOf("public"));
      expect(chain.nodes).toBeGreaterThanOrEqual(0);
    });
  });
}
