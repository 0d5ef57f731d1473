import { describe, expect, test } from "vitest";
import { compare, money, mulDiv } from "../../src/domain/money.ts";
import { atCpm, type Quote } from "../../src/domain/quote.ts";
import { SellerFailure } from "../../src/sellers/seller.ts";
import { verifies } from "../requirements.ts";
import { failureOf, type Stage } from "./seller-bench.ts";

/** What every seller that negotiates promises of it. */
export function describeNegotiating(on: Stage): void {
  const { agency } = on;
  if (!on.may("negotiate")) return;
  describe("negotiating", () => {
    const below = (quote: Quote) => {
      const cents = mulDiv(atCpm(quote).cpm.micros, 96n, 1_000_000n);
      return money(cents * 10_000n, atCpm(quote).cpm.currency);
    };

    test("a counter is met by a price between, and an accepted price is what is booked", async () => {
      verifies("negotiation.message", "negotiation.start_by_counter", "negotiation.answer.seller_price");
      verifies("negotiation.answer.rounds_remaining", "negotiation.answer.rationale", "negotiation.accepted");
      const quote = await on.quoted();
      const offer = below(quote);
      const answer = await on.seller.counter(quote, on.request, offer, 1, on.key(), agency);
      expect(answer).toMatchObject({ status: "active", round: { n: 1, move: "counter", we: offer } });
      expect(["counter", "final_offer"]).toContain(answer.round.theirAction);
      expect(answer.rationale).not.toBe("");
      expect(answer.roundsLeft).toBeGreaterThanOrEqual(0);
      const theirs = answer.round.they;
      if (!theirs) throw new Error("no price came back");
      expect(compare(theirs, offer)).toBeGreaterThan(0);
      expect(compare(theirs, atCpm(quote).cpm)).toBeLessThanOrEqual(0);
      const open = await on.seller.readQuote(quote, on.request, agency);
      expect(open.negotiation).toEqual({ status: "active", sellerCpm: theirs, rounds: 1 });
      expect(atCpm(open.quote).cpm).toEqual(atCpm(quote).cpm);

      const agreed = await on.seller.accept(quote, on.request, theirs, 2, on.key(), agency);
      expect(agreed).toMatchObject({ status: "agreed", round: { n: 2, move: "accept", they: theirs } });
      const struck = await on.seller.readQuote(quote, on.request, agency);
      expect(struck.negotiation).toMatchObject({ status: "accepted", sellerCpm: theirs });
      expect(atCpm(struck.quote).cpm).toEqual(theirs);
      const deal = await on.book(on.frozen(struck.quote), struck.quote);
      expect(deal.cpm).toEqual(theirs);
    });

    test("a negotiation that is over takes no more offers", async () => {
      const quote = await on.quoted();
      const { round } = await on.seller.counter(quote, on.request, atCpm(quote).cpm, 1, on.key(), agency);
      expect(round.theirAction).toBe("accept");
      expect(await failureOf(on.seller.counter(quote, on.request, below(quote), 2, on.key(), agency))).toMatchObject({
        kind: "closed",
      });
    });

    test("prices in another currency, and answers without a price, are not believed", async () => {
      verifies("negotiation.answer.action");
      const quote = await on.quoted();
      on.bench.trouble("wrong-currency", "negotiate");
      const legacyHasNone = await on.seller.counter(quote, on.request, below(quote), 1, on.key(), agency).then(
        ({ round }) => round.they?.currency,
        (error: unknown) => (error instanceof SellerFailure ? error.kind : "not a seller failure"),
      );
      expect(["USD", "invalid_answer"]).toContain(legacyHasNone);
      on.bench.trouble("malformed", "negotiate");
      const failed = await failureOf(on.seller.counter(quote, on.request, below(quote), 2, on.key(), agency));
      expect(failed).toMatchObject({ kind: "invalid_answer", definite: false });
    });
  });
}
