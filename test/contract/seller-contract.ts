import { atCpm } from "../../src/domain/quote.ts";
import { describe, expect, test } from "vitest";
import { masked, type Tier } from "../../src/domain/identity.ts";
import { refOf, splitRef } from "../../src/domain/ids.ts";
import { compare, money, parseMoney } from "../../src/domain/money.ts";
import { SellerFailure } from "../../src/sellers/seller.ts";
import { verifies } from "../requirements.ts";
import { accessOf, buyer, failureOf, type SellerBench, type Skips, stageEachTest } from "./seller-bench.ts";
import { describeBooking } from "./seller-contract-booking.ts";
import { describeNegotiating } from "./seller-contract-negotiation.ts";

/**
 * What every protocol promises of a seller, over real HTTP against a sandbox seller: right results, nothing sent that
 * should not be, and the truth about what went wrong. A new protocol is a test file that calls this.
 */
export function describeSeller(
  name: string,
  { start, skip = {} }: { readonly start: () => Promise<SellerBench>; readonly skip?: Skips },
): void {
  describe(name, () => {
    const on = stageEachTest(start, skip);
    const { agency } = on;

    test.each(Object.entries(skip))("is not asked for %s: %s", (_lack, why) => expect(why).toMatch(/^[A-Z].+\.$/));

    describe("reading", () => {
      test("the card says who it is and what it can do, and the buyer stays unknown", async () => {
        verifies("discovery.card.capabilities", "discovery.card.version", "discovery.card.compatibility");
        const card = await on.seller.card(accessOf("public"));
        expect(card.name).not.toBe("");
        expect(card.capabilities).toEqual(expect.arrayContaining(["quote", "book"]));
        expect(card.compatibility.note).not.toBe("");
        expect(card.channels.length).toBeGreaterThan(0);
        if (on.may("volume")) expect(card.dealTypes).toContain(on.request.dealType);
      });

      test("the catalogue has every product once, each with the seller's id in its reference", async () => {
        verifies("kit.seller_of_product");
        const { products, unreadable } = await on.seller.catalogue({ query: null, brief: null, limit: 1_000 }, agency);
        expect(unreadable).toBe(0);
        expect(new Set(products.map(({ ref }) => ref)).size).toBe(products.length);
        for (const product of products) {
          expect(splitRef(product.ref)).toEqual({ sellerId: on.seller.id, theirId: product.productId });
          expect(product.sellerId).toBe(on.seller.id);
        }
        const own = products.find(({ productId }) => productId === on.bench.productId);
        expect(own?.dealTypes).toContain(on.request.dealType);
        expect(["exact", "per_unit"]).toContain(own?.price.kind);
        expect(await on.seller.product(on.bench.productId, agency)).toEqual(own);
      });

      test("what it does not have, it does not know", async () => {
        expect(await failureOf(on.seller.product("no-such-product", agency))).toMatchObject({ kind: "not_found" });
        const none = "no-such-product";
        const { buys } = on.request;
        const packages = (buys?.packages ?? []).map((one) => ({ ...one, productId: none }));
        const missing = {
          ...on.request,
          product: refOf(on.seller.id, none),
          ...(buys ? { buys: { ...buys, packages } } : {}),
        };
        expect(await failureOf(on.seller.quote(missing, on.key(), agency))).toMatchObject({ kind: "not_found" });
      });

      if (on.may("avails"))
        test("avails are units free and a CPM in the product's currency", async () => {
          verifies("avails.impressions", "avails.estimated_cpm");
          const avails = await on.seller.avails(on.bench.productId, on.request.flight, 100_000, agency);
          expect(avails.available).toBeGreaterThanOrEqual(100_000);
          expect(avails.estimatedCpm?.currency).toBe("USD");
        });
    });

    describe("quoting", () => {
      test("a quote is for just what was asked, priced, expiring, and honest about targeting", async () => {
        verifies("quote.request.product", "quote.request.deal_type", "quote.request.impressions", "quote.final_cpm");
        verifies("quote.terms", "quote.expires_at", "quote.read_back");
        const quote = await on.quoted();
        expect(quote).toMatchObject({
          ref: refOf(on.seller.id, quote.sellerQuoteId),
          sellerId: on.seller.id,
          product: { ref: on.request.product, id: on.bench.productId },
          state: "available",
          dealType: on.request.dealType,
          guaranteed: on.request.dealType === "PG",
          flight: on.request.flight,
          dealId: null,
        });
        if (on.may("volume")) {
          expect(quote).toMatchObject({ impressions: 100_000, pricedAs: "agency" });
          expect(atCpm(quote).cpm.micros).toBeGreaterThan(0n);
          expect(compare(atCpm(quote).cpm, atCpm(quote).listCpm)).toBeLessThanOrEqual(0);
        } else {
          expect(quote.packages?.map(({ product, budget }) => [product.id, budget])).toEqual([
            [on.bench.productId, on.request.budget],
          ]);
          expect(quote.packages?.[0]?.price.micros).toBeGreaterThan(0n);
        }
        expect(quote.notHonoured).toEqual(on.bench.notHonoured);
        expect(new Date(quote.expiresAt).toISOString()).toBe(quote.expiresAt);
        const again = await on.seller.readQuote(quote, on.request, agency);
        // Only a seller that keeps quotes says the same end twice.
        const { expiresAt } = on.may("quotes") ? quote : again.quote;
        expect(again).toEqual({ quote: { ...quote, expiresAt }, negotiation: null });
      });

      test("the same key brings the same quote; a volume below the minimum none", async () => {
        const first = await on.seller.quote(on.request, "one-key", agency);
        expect((await on.seller.quote(on.request, "one-key", agency)).sellerQuoteId).toBe(first.sellerQuoteId);
        const cents = parseMoney("0.01 USD");
        const { buys } = on.request;
        const little = buys
          ? {
              ...on.request,
              budget: cents,
              buys: { ...buys, packages: buys.packages.map((one) => ({ ...one, budget: cents })) },
            }
          : { ...on.request, impressions: 1 };
        const refused = await on.seller.quote(little, on.key(), agency).catch((error: unknown) => error);
        expect([refused instanceof SellerFailure ? refused.kind : Object(refused).code]).toEqual(["below_minimum"]);
      });

      if (on.may("tiers"))
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
            const before = on.bench.requests().length;
            await on.seller.card(access);
            await on.seller.catalogue({ query: "sports", brief: null, limit: 10 }, access);
            const quote = await on.seller.quote(on.request, on.key(), access);
            await on.seller.book(on.frozen(quote, access), quote, access);
            const sent = JSON.stringify(on.bench.requests().slice(before));
            for (const secret of secrets[tier]) expect(sent).not.toContain(secret);
          }
          // Identity that was not masked does not leave at the public tier either.
          const careless = { tier: "public", identity: masked(buyer, "advertiser") } as const;
          const before = on.bench.requests().length;
          await on.seller.quote(on.request, on.key(), careless);
          expect(JSON.stringify(on.bench.requests().slice(before))).not.toContain("q7");
        });

      if (on.may("quotes"))
        test("an expired quote is gone, by whatever name", async () => {
          const quote = await on.quoted();
          on.bench.expire(quote.sellerQuoteId);
          const read = await failureOf(on.seller.readQuote(quote, on.request, agency));
          expect(["gone", "not_found"]).toContain(read.kind);
          const booking = on.frozen(quote);
          const refused = await failureOf(on.seller.book(booking, quote, agency));
          expect(refused.definite).toBe(true);
          expect(["gone", "not_found"]).toContain(refused.kind);
          expect(await on.seller.findBooking(quote, booking, agency)).toMatchObject({ kind: "gone" });
        });
    });

    describeNegotiating(on);
    describeBooking(on);

    describe("a seller that cannot be trusted to answer well", () => {
      test.each([
        ["error-text", "server_error"],
        ["malformed", "invalid_answer"],
        ["oversized", "too_large"],
        ["wrong-currency", "invalid_answer"],
        ["redirect", "redirected"],
      ] as const)("%s for a quote is %s", async (kind, expected) => {
        verifies("error.seller_status");
        on.bench.trouble(kind, "quote");
        const asked = on.seller.quote(on.request, on.key(), agency);
        if (kind === "wrong-currency" && !on.may("volume"))
          return expect(asked).rejects.toMatchObject({ code: "currency_mismatch" });
        const failed = await failureOf(asked);
        expect(failed).toMatchObject({ kind: expected, sellerId: on.seller.id });
        expect(failed.message).toContain(on.seller.id);
        expect(on.bench.stray()).toBe(0);
      });

      test("its words reach nobody uncleaned, in whatever answer they come", async () => {
        verifies("promise.sellers_words", "quote.rationale");
        on.bench.trouble("injected-text");
        const card = await on.seller.card(agency);
        const { products } = await on.seller.catalogue({ query: "sports", brief: null, limit: 100 }, agency);
        const { quote, deal } = await on.booked();
        const answers: unknown[] = [card, products, quote, deal];
        if (on.may("negotiate")) {
          const open = await on.quoted();
          answers.push(
            await on.seller.counter(
              open,
              on.request,
              money(atCpm(open).cpm.micros - 10_000n, "USD"),
              1,
              on.key(),
              agency,
            ),
          );
        }
        const shown = JSON.stringify(answers, (_, value) => (typeof value === "bigint" ? String(value) : value));
        expect(shown).not.toMatch(/[\p{Cf}\p{Cc}`|<>]/u);
        // Beside the words of the seller there may be a forecast in ours.
        const most = on.may("volume") ? 160 : 320;
        expect(products.every(({ name, about }) => name.length <= 80 && about.length <= most)).toBe(true);
      });
    });
  });
}
