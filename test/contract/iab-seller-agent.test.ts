import { afterEach, describe, expect, test } from "vitest";
import { parseMoney } from "../../src/domain/money.ts";
import { verifies } from "../requirements.ts";
import { bought } from "../sellers/stub-answers.ts";
import { type IabBench, iabBench } from "./iab-bench.ts";
import { accepted, accessOf, dealIn, failureOf, requestFor, termsFor } from "./seller-bench.ts";
import { describeSeller } from "./seller-contract.ts";

describeSeller("iab-seller-agent 2.x", { start: () => iabBench("northbeam", "prod-c642fc9b") });
describeSeller("iab-seller-agent 1.x", { start: () => iabBench("harborview", "prod-a31c6f02") });

const agency = accessOf("agency");
const identity = { seat_id: "seat-q7", seat_name: "Quillon Seat", agency_id: "agency-q7" };
const opened: IabBench[] = [];
afterEach(async () => {
  for (const bench of opened.splice(0)) await bench.close();
});

async function northbeam(): Promise<IabBench> {
  const bench = await iabBench("northbeam", "prod-c642fc9b");
  opened.push(bench);
  return bench;
}

async function harborview(): Promise<IabBench> {
  const bench = await iabBench("harborview", "prod-a31c6f02");
  opened.push(bench);
  return bench;
}

const lines = (bench: IabBench) => bench.requests().map(({ method, target }) => `${method} ${target}`);
const bodies = (bench: IabBench) => bench.requests().map(({ body }) => (body === "" ? null : JSON.parse(body)));

describe("what an IAB seller agent is sent", () => {
  test("a quote: no target price, no agent address, the identity of the tier and its credential", async () => {
    verifies("connection.many_sellers");
    const bench = await northbeam();
    await bench.seller.quote(requestFor("northbeam", "prod-c642fc9b"), "k1", { ...agency, identity });
    await bench.seller.quote(requestFor("northbeam", "prod-c642fc9b"), "k2", { tier: "seat", identity: {} });
    await bench.seller.quote(requestFor("northbeam", "prod-c642fc9b"), "k3", { tier: "public", identity });
    const quote = {
      idempotency_key: "k1",
      product_id: "prod-c642fc9b",
      deal_type: "PD",
      impressions: 100_000,
      flight_start: "2027-01-04",
      flight_end: "2027-01-31",
    };
    expect(lines(bench)).toEqual(Array.from({ length: 3 }, () => "POST /api/v1/quotes"));
    expect(bodies(bench)).toEqual([
      { ...quote, buyer_identity: identity },
      { ...quote, idempotency_key: "k2" },
      { ...quote, idempotency_key: "k3" },
    ]);
    const proofs = bench.requests().map(({ headers }) => [headers["authorization"], headers["x-api-key"]]);
    expect(proofs).toEqual([
      ["Bearer sandbox-northbeam-agency", undefined],
      [undefined, "sandbox-northbeam-seat"],
      [undefined, undefined],
    ]);
  });

  test("a booking: these bytes", async () => {
    const { seller, requests } = await northbeam();
    const request = requestFor("northbeam", "prod-c642fc9b");
    const quote = await seller.quote(request, "k1", agency);
    const booking = seller.bookingRequest(termsFor(seller, quote, request), quote, "k2", identity, accepted);
    const body = `{"idempotency_key":"k2","quote_id":"${quote.sellerQuoteId}","buyer_identity":{"seat_id":"seat-q7","seat_name":"Quillon Seat","agency_id":"agency-q7"}}`;
    expect(booking).toEqual({ method: "POST", path: "/api/v1/deals", body });
    const other = { ...quote, sellerQuoteId: "q" };
    expect(seller.bookingRequest(termsFor(seller, quote, request), other, "k", {}, accepted).body).toBe(
      '{"idempotency_key":"k","quote_id":"q"}',
    );
    await seller.book(booking, quote, agency);
    expect(requests().at(-1)?.body).toBe(body);
  });

  test("offers: the quote's id on every message, never the negotiation's", async () => {
    const bench = await northbeam();
    const { seller } = bench;
    const quote = await seller.quote(requestFor("northbeam", "prod-c642fc9b"), "k1", agency);
    const named = { ...agency, identity };
    await seller.counter(quote, requestFor("northbeam", "prod-c642fc9b"), parseMoney("6.80 USD"), 1, "k2", named);
    await seller.accept(quote, requestFor("northbeam", "prod-c642fc9b"), parseMoney("7.00 USD"), 2, "k3", named);
    expect(lines(bench).slice(1)).toEqual([
      "POST /api/v1/negotiations/messages",
      "POST /api/v1/negotiations/messages",
      `GET /proposals/${quote.sellerQuoteId}/negotiation`,
    ]);
    const message = { quote_id: quote.sellerQuoteId, buyer_identity: identity };
    expect(bodies(bench).slice(1, 3)).toEqual([
      {
        ...message,
        idempotency_key: "k2",
        action: "counter",
        buyer_price: { amount_micros: 6_800_000, currency: "USD" },
      },
      {
        ...message,
        idempotency_key: "k3",
        action: "accept",
        buyer_price: { amount_micros: 7_000_000, currency: "USD" },
      },
    ]);
  });

  test("an order with the deal, a cancellation over the batch, and then a look at the deal", async () => {
    const bench = await northbeam();
    const { seller } = bench;
    await seller.placeOrder("DEMO-1", "qt-1", { po_number: "PO-1" }, agency);
    expect(bodies(bench)).toEqual([{ deal_id: "DEMO-1", quote_id: "qt-1", metadata: { po_number: "PO-1" } }]);
    expect(await failureOf(seller.cancel(bought, "k", agency))).toMatchObject({ kind: "not_found" });
    expect(bodies(bench)[1]).toEqual({ operations: [{ action: "cancel", deal_id: "DEMO-1" }] });
    expect(lines(bench).slice(1)).toEqual(["POST /api/v1/deals/bulk", "GET /api/v1/deals/DEMO-1"]);
  });

  test("for the catalogue: packages with a key, the public media kit without, a search only for words", async () => {
    verifies("kit.without_key", "kit.detail", "kit.search", "kit.search.identity", "discovery.card.well_known");
    const bench = await northbeam();
    await bench.seller.card(accessOf("public"));
    await bench.seller.catalogue({ query: null, brief: null, limit: 100 }, agency);
    await bench.seller.catalogue({ query: "sports", brief: null, limit: 100 }, accessOf("public"));
    expect(lines(bench).sort()).toEqual([
      "GET /.well-known/agent.json",
      "GET /media-kit",
      "GET /packages",
      "GET /products?limit=100&offset=0",
      "GET /products?limit=100&offset=0",
      "POST /media-kit/search",
    ]);
    expect(bodies(bench).filter((body) => body !== null)).toEqual([{ query: "sports" }]);
  });
});

describe("which contract a seller negotiates by", () => {
  test("is found out by its saying that it does not serve the newer path, and remembered", async () => {
    verifies("negotiation.legacy_counter");
    const bench = await harborview();
    const { seller } = bench;
    const quote = await seller.quote(requestFor("harborview", "prod-a31c6f02"), "k1", agency);
    const path = `POST /proposals/${quote.sellerQuoteId}/counter`;
    await seller.counter(quote, requestFor("harborview", "prod-a31c6f02"), parseMoney("12.10 USD"), 1, "k2", {
      ...agency,
      identity,
    });
    await seller.counter(quote, requestFor("harborview", "prod-a31c6f02"), parseMoney("12.20 USD"), 2, "k3", {
      ...agency,
      identity,
    });
    expect(lines(bench).slice(1)).toEqual(["POST /api/v1/negotiations/messages", path, path]);
    const sent = bench.requests().at(-1)?.body;
    expect(sent).toBe('{"buyer_price":12.20,"agency_id":"agency-q7"}');
  });

  test("is told by its card", async () => {
    const bench = await harborview();
    const { seller } = bench;
    expect(await seller.card(agency)).toMatchObject({ version: "1.9.0", compatibility: { ok: true } });
    const quote = await seller.quote(requestFor("harborview", "prod-a31c6f02"), "k1", agency);
    await seller.counter(quote, requestFor("harborview", "prod-a31c6f02"), parseMoney("12.10 USD"), 1, "k2", agency);
    expect(lines(bench)).not.toContain("POST /api/v1/negotiations/messages");
  });

  test("is never guessed from silence, a failure, or a quote that is gone", async () => {
    const bench = await northbeam();
    const { seller } = bench;
    const quote = await seller.quote(requestFor("northbeam", "prod-c642fc9b"), "k1", agency);
    const offer = () =>
      failureOf(
        seller.counter(quote, requestFor("northbeam", "prod-c642fc9b"), parseMoney("6.80 USD"), 1, "k2", agency),
      );
    bench.trouble("hang", "negotiate");
    expect(await offer()).toMatchObject({ kind: "timeout" });
    bench.trouble("error-text", "negotiate");
    expect(await offer()).toMatchObject({ kind: "server_error" });
    const unknown = { ...quote, sellerQuoteId: "qt-gone" };
    const gone = await failureOf(
      seller.counter(unknown, requestFor("northbeam", "prod-c642fc9b"), parseMoney("6.80 USD"), 1, "k3", agency),
    );
    expect(gone).toMatchObject({ kind: "not_found", sellerSaid: "Proposal not found" });
    expect(lines(bench).slice(1)).toEqual(Array.from({ length: 3 }, () => "POST /api/v1/negotiations/messages"));
  });

  test("a seller that negotiates only with better tiers says so", async () => {
    verifies("identity.operations_by_tier");
    const { seller } = await harborview();
    const seat = accessOf("seat");
    const quote = await seller.quote(requestFor("harborview", "prod-a31c6f02"), "k1", seat);
    expect(
      await failureOf(
        seller.counter(quote, requestFor("harborview", "prod-a31c6f02"), parseMoney("12 USD"), 1, "k2", seat),
      ),
    ).toMatchObject({
      kind: "forbidden",
      definite: true,
      status: 403,
    });
  });
});

describe("the price that will be booked", () => {
  test("is the seller's own last, whatever an accept says", async () => {
    const { seller } = await northbeam();
    const quote = await seller.quote(requestFor("northbeam", "prod-c642fc9b"), "k1", agency);
    const { round } = await seller.counter(
      quote,
      requestFor("northbeam", "prod-c642fc9b"),
      parseMoney("6.80 USD"),
      1,
      "k2",
      agency,
    );
    const answer = await seller.accept(
      quote,
      requestFor("northbeam", "prod-c642fc9b"),
      parseMoney("5.00 USD"),
      2,
      "k3",
      agency,
    );
    expect(answer).toMatchObject({ status: "agreed", round: { we: parseMoney("5.00 USD"), they: round.they } });
  });

  test("is what a third party agreed, if one did, and the quote read again shows it", async () => {
    const { seller, sandbox } = await northbeam();
    const request = requestFor("northbeam", "prod-c642fc9b");
    const quote = await seller.quote(request, "k1", agency);
    sandbox.strikeNegotiation("northbeam", quote.sellerQuoteId, 9_990_000);
    const { quote: now } = await seller.readQuote(quote, request, agency);
    expect(now.cpm).toEqual(parseMoney("9.99 USD"));
  });

  test("is what the deal says, where the seller booked another", async () => {
    const { seller, sandbox } = await northbeam();
    const request = requestFor("northbeam", "prod-c642fc9b");
    const quote = await seller.quote(request, "k1", agency);
    sandbox.fault("northbeam", { kind: "price-drift", factor: 1.5 });
    const terms = termsFor(seller, quote, request);
    const booking = seller.bookingRequest(terms, quote, "k2", identity, accepted);
    const deal = dealIn(await seller.book(booking, quote, agency));
    expect(deal.cpm).toEqual(parseMoney("10.80 USD"));
  });
});

describe("a booking whose answer is lost", () => {
  test("may still be made after we stopped waiting, and is found then", async () => {
    const { seller, sandbox } = await northbeam();
    const request = requestFor("northbeam", "prod-c642fc9b");
    const quote = await seller.quote(request, "k1", agency);
    sandbox.fault("northbeam", { kind: "late-commit", ms: 4_000, uses: 1 });
    const terms = termsFor(seller, quote, request);
    const booking = seller.bookingRequest(terms, quote, "k2", identity, accepted);
    expect(await failureOf(seller.book(booking, quote, agency))).toMatchObject({ kind: "timeout", definite: false });
    expect(await seller.findBooking(quote, booking, agency)).toEqual({ kind: "available" });
    await expect
      .poll(() => seller.findBooking(quote, booking, agency), { timeout: 10_000 })
      .toMatchObject({ kind: "booked" });
  });

  test.each(["answer", "garbage"] as const)("a second %s on the same connection changes nothing", async (how) => {
    const { seller, sandbox } = await northbeam();
    const request = requestFor("northbeam", "prod-c642fc9b");
    const quote = await seller.quote(request, "k1", agency);
    sandbox.fault("northbeam", { kind: "answer-twice", how, operation: "deal" });
    const terms = termsFor(seller, quote, request);
    const booking = seller.bookingRequest(terms, quote, "k2", identity, accepted);
    const deal = dealIn(await seller.book(booking, quote, agency));
    expect(sandbox.deals("northbeam", quote.sellerQuoteId).map(({ deal_id }) => deal_id)).toEqual([deal.dealId]);
    expect((await seller.product("prod-c642fc9b", agency)).productId).toBe("prod-c642fc9b");
  });
});

describe("what is not for sale as it stands", () => {
  test("a product without a price is on request, and has no quote", async () => {
    verifies("kit.price_on_request");
    const { seller } = await harborview();
    const { products } = await seller.catalogue({ query: null, brief: null, limit: 100 }, agency);
    const unpriced = products.filter(({ price }) => price.kind === "on_request");
    expect(unpriced).toHaveLength(1);
    const request = requestFor("harborview", unpriced[0]?.productId ?? "");
    expect(await failureOf(seller.quote(request, "k1", agency))).toMatchObject({ kind: "unpriced", definite: true });
  });

  test("a bundle of the public media kit shows its price range and is not quoted", async () => {
    verifies("kit.field.price_range", "identity.public_list_price");
    const { seller } = await northbeam();
    const anonymous = accessOf("public");
    const { products } = await seller.catalogue({ query: null, brief: null, limit: 100 }, anonymous);
    const bundle = products.find(({ tags }) => tags.includes("bundle"));
    expect(bundle).toMatchObject({
      name: "Game Day Everywhere",
      dealTypes: [],
      price: { kind: "range", low: parseMoney("25 USD"), high: parseMoney("37 USD") },
    });
    const request = requestFor("northbeam", bundle?.productId ?? "none");
    expect(await failureOf(seller.quote(request, "k1", anonymous))).toMatchObject({
      kind: "unsupported",
      definite: true,
    });
  });
});
