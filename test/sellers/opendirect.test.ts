import { afterEach, describe, expect, test } from "vitest";
import type { BehaviourChange } from "../../src/sandbox/opendirect/behaviour.ts";
import type { Quote } from "../../src/domain/quote.ts";
import { openDirectBench, type OpenDirectBench } from "../contract/opendirect-bench.ts";
import { accessOf, accepted, failureOf, termsFor } from "../contract/seller-bench.ts";
import { verifies } from "../requirements.ts";

/** What OpenDirect sellers differ in and do wrong, played by the sandbox's seller over real HTTP. */

const access = accessOf("advertiser");
const open: OpenDirectBench[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((bench) => bench.close()));
});

async function benchWith(behaviour: BehaviourChange): Promise<OpenDirectBench> {
  const bench = await openDirectBench(behaviour);
  open.push(bench);
  return bench;
}

const quoted = ({ seller, ask }: OpenDirectBench) => seller.quote(ask, "a-key", access);
const frozen = ({ seller, ask }: OpenDirectBench, quote: Quote) =>
  seller.bookingRequest(termsFor(seller, quote, ask), quote, "a-key", access.identity, accepted);
const targets = (bench: OpenDirectBench, method: string) =>
  bench
    .requests()
    .filter((request) => request.method === method)
    .map(({ target }) => target.replace(/^\/api\/v2\.1/, ""));

/** Books as far as it goes. */
async function bookedBy(bench: OpenDirectBench) {
  let quote = await quoted(bench);
  const request = frozen(bench, quote);
  for (;;) {
    const booked = await bench.seller.book(request, quote, access);
    if (booked.kind !== "advanced") return { booked, quote, request };
    quote = booked.quote;
  }
}

describe("a catalogue", () => {
  test.each(["skip", "count", "limit"] as const)("turned by %s is read to its end", async (paging) => {
    verifies("opendirect.products.list", "opendirect.products.get");
    const bench = await benchWith({ paging, pageSize: 2 });
    const { products } = await bench.seller.catalogue({ query: null, brief: null, limit: 100 }, access);
    expect(products.map(({ productId }) => productId)).toEqual([
      "888801",
      "888899",
      "888803",
      "888804",
      "888805",
      "888806",
    ]);
    expect(products.map(({ channel }) => channel)).toEqual([
      "dooh",
      "display",
      "online_video",
      "audio",
      "display",
      "dooh",
    ]);
    expect(products.map(({ price }) => price.kind)).toEqual([
      "exact",
      "exact",
      "exact",
      "exact",
      "per_unit",
      "per_unit",
    ]);
    expect(await bench.seller.product("888899", access)).toEqual(products[1]);
  });

  test("of a seller that gives the same page for ever has an end", async () => {
    const bench = await benchWith({ paging: "none", pageSize: 2 });
    const { products } = await bench.seller.catalogue({ query: null, brief: null, limit: 100 }, access);
    expect(products).toHaveLength(2);
    expect(targets(bench, "GET").length).toBeLessThanOrEqual(4);
  });

  test.each(["served", "unknown", "not-allowed"] as const)(
    "is searched where that is %s, and ranked here",
    async (search) => {
      verifies("opendirect.products.search");
      const bench = await benchWith({ search });
      const { products } = await bench.seller.catalogue({ query: "pre-roll", brief: null, limit: 100 }, access);
      expect(products).toHaveLength(6);
      expect(products[0]?.productId).toBe("888803");
      expect(targets(bench, "POST")).toEqual(["/products/search"]);
    },
  );
});

describe("avails", () => {
  test.each([
    ["spec", "lower"],
    ["flat", "lower"],
    ["spec", "camel"],
    ["flat", "camel"],
    ["spec", "pascal"],
  ] as const)("in the %s form, in %s case, are a CPM and free units", async (avails, dialect) => {
    verifies("opendirect.avails", "avails.total_cost");
    const bench = await benchWith({ avails, dialect });
    const found = await bench.seller.avails(bench.productId, bench.ask.flight, 100_000, access);
    expect(found).toMatchObject({ estimatedCpm: { micros: 25_000_000n }, estimatedTotal: { micros: 2_500_000_000n } });
    expect(found.available).toBeGreaterThanOrEqual(100_000);
  });

  test("say how sure the seller is to deliver", async () => {
    verifies("avails.delivery_confidence");
    const bench = await benchWith({ avails: "flat" });
    const found = await bench.seller.avails(bench.productId, bench.ask.flight, 100_000, access);
    expect(found.deliveryConfidence).toBe("96 %");
    expect((await quoted(bench)).notes).toContainEqual("delivery confidence, as the seller says: 96 %");
  });

  test("whose price is a total are no quote", async () => {
    verifies("opendirect.avails");
    const bench = await benchWith({ totalAsPrice: true });
    const refused = await failureOf(quoted(bench));
    expect(refused).toMatchObject({ kind: "unpriced", definite: true });
    expect(refused.message).toContain("2,500.00 USD is made of parts, as totals are");
  });

  test("in another currency than the product are not believed", async () => {
    const bench = await benchWith({ currency: "EUR" });
    expect(await failureOf(quoted(bench))).toMatchObject({ kind: "invalid_answer" });
  });

  test("of less than was asked for make the quote smaller, and it says so; of none, there is no quote", async () => {
    const bench = await benchWith({ inventory: 0.002, shortAvails: "less" });
    const quote = await quoted({ ...bench, ask: { ...bench.ask, impressions: 100_000 } });
    expect(quote.impressions).toBeLessThan(100_000);
    expect(quote.inventoryAvailable).toBe(false);
    expect(quote.notes?.[0]).toMatch(/^only \d+ of 100000 impressions are free/);
    bench.sandbox.opendirect.behave("citylight", { shortAvails: "omitted" });
    expect(await failureOf(quoted(bench))).toMatchObject({ kind: "refused", definite: true });
  });

  test("of what is not sold by the thousand are not asked for at a guess", async () => {
    const bench = await benchWith({});
    for (const productId of ["888805", "888806"]) {
      const ask = { ...bench.ask, product: `citylight/${productId}`, dealType: "PD" as const };
      expect(await failureOf(bench.seller.quote(ask, "k", access))).toMatchObject({ kind: "unsupported" });
    }
  });
});

describe("an action", () => {
  test.each([
    ["seed", "bad-request", ["?action=reserve", "?action=book"]],
    ["spec", "bad-request", ["?action=reserve", "?reserve", "?book"]],
    ["spec", "not-allowed", ["?action=reserve", "?reserve", "?book"]],
    ["spec", "ignored", ["?action=reserve", "?reserve", "?book"]],
  ] as const)(
    "at a seller of the %s form (else %s) is learnt once, at the reservation",
    async (actions, foreignAction, forms) => {
      const bench = await benchWith({ actions, foreignAction });
      const { booked } = await bookedBy(bench);
      expect(booked.kind).toBe("booked");
      expect(targets(bench, "PATCH").map((target) => target.slice(target.indexOf("?")))).toEqual(forms);
      expect(bench.sandbox.opendirect.lines("citylight")[0]?.history).toEqual(["Draft", "Reserved", "Booked"]);
    },
  );

  test("that is answered and not done is no success, and no refusal", async () => {
    const bench = await benchWith({ unchanged: ["book"] });
    const failed = await failureOf(bookedBy(bench));
    expect(failed).toMatchObject({ definite: false, kind: "invalid_answer" });
    expect(failed.message).toContain("the line still reads as reserved");
  });

  test("to reserve that nobody serves is left out: the draft is booked as it is", async () => {
    const bench = await benchWith({ reserve: false });
    const { booked, quote } = await bookedBy(bench);
    expect(booked.kind).toBe("booked");
    expect(quote.placed).toMatchObject({ step: "unheld", heldUntil: null });
    expect(bench.sandbox.opendirect.lines("citylight")[0]?.history).toEqual(["Draft", "Booked"]);
  });
});

describe("a line", () => {
  test("that reads two states at once is neither booked nor refused", async () => {
    const bench = await benchWith({});
    let quote = await quoted(bench);
    const request = frozen(bench, quote);
    for (let step = 0; step < 3; step += 1) {
      const booked = await bench.seller.book(request, quote, access);
      if (booked.kind === "advanced") quote = booked.quote;
    }
    expect(quote.placed?.step).toBe("reserved");
    bench.sandbox.opendirect.behave("citylight", { collide: true });
    // Before the booking it is seen, and nothing is sent.
    expect(await failureOf(bench.seller.book(request, quote, access))).toMatchObject({ kind: "invalid_answer" });
    expect(targets(bench, "PATCH")).toHaveLength(1);
    expect(await failureOf(bench.seller.findBooking(quote, request, access))).toMatchObject({ kind: "invalid_answer" });
  });

  test("that is smaller or later than asked is seen before anything is held", async () => {
    for (const behaviour of [{ short: 0.5 }, { laterDays: 2 }]) {
      const bench = await benchWith(behaviour);
      let quote = await quoted(bench);
      const request = frozen(bench, quote);
      for (let step = 0; step < 2; step += 1) {
        const booked = await bench.seller.book(request, quote, access);
        if (booked.kind === "advanced") quote = booked.quote;
      }
      expect(quote.placed?.step).toBe("drafted");
      const now = (await bench.seller.readQuote(quote, bench.ask, access)).quote;
      expect([now.impressions, now.flight.start]).not.toEqual([100_000, bench.ask.flight.start]);
      expect(targets(bench, "PATCH")).toEqual([]);
    }
  });

  test("carries the frequency cap that was asked for, and is not held where the seller drops it", async () => {
    for (const omits of [[], ["frequencycount"]]) {
      const bench = await benchWith({ omits });
      let quote = await quoted(bench);
      const request = frozen(bench, quote);
      expect(JSON.parse(request.body).line).toMatchObject({ frequencycount: 3, frequencyinterval: "Day" });
      for (let step = 0; step < 2; step += 1) {
        const booked = await bench.seller.book(request, quote, access);
        if (booked.kind === "advanced") quote = booked.quote;
      }
      const now = bench.seller.readQuote(quote, bench.ask, access);
      if (omits.length === 0) await expect(now).resolves.toMatchObject({ quote: { state: "available" } });
      else expect((await failureOf(now)).message).toContain("it does not have the frequency cap of 3 per day");
    }
  });

  test("that somebody else booked meanwhile is found by the next send, and told", async () => {
    const bench = await benchWith({});
    let quote = await quoted(bench);
    const request = frozen(bench, quote);
    for (let step = 0; step < 3; step += 1) {
      const booked = await bench.seller.book(request, quote, access);
      if (booked.kind === "advanced") quote = booked.quote;
    }
    const { url, keys } = bench.sandbox.seller("citylight");
    const { orderId = "", lineId = "" } = quote.placed ?? {};
    const line = `${url}/accounts/${quote.order?.accountId}/orders/${orderId}/lines/${lineId}`;
    await fetch(`${line}?book`, { method: "PATCH", headers: { authorization: `Bearer ${keys.seat}` } });
    const now = await bench.seller.readQuote(quote, bench.ask, access);
    expect(now.quote.state).toBe("available");
    const found = await bench.seller.book(request, now.quote, access);
    expect(found).toMatchObject({ kind: "booked", deal: { dealId: `${orderId}/${lineId}`, cpm: quote.cpm } });
    expect(targets(bench, "PATCH").filter((target) => target.includes("book"))).toHaveLength(1);
  });

  test("that the seller forgets is gone, which proves nothing", async () => {
    const bench = await benchWith({ forgets: ["book"] });
    const failed = await failureOf(bookedBy(bench));
    expect(failed).toMatchObject({ definite: false });
  });

  test("whose order was made twice is not taken for ours", async () => {
    const bench = await benchWith({ duplicates: true });
    const quote = await quoted(bench);
    const request = frozen(bench, quote);
    await bench.seller.book(request, quote, access);
    const { url, keys } = bench.sandbox.seller("citylight");
    const headers = { authorization: `Bearer ${keys.advertiser}`, "content-type": "application/json" };
    const body = JSON.stringify(JSON.parse(request.body).order);
    const again = await fetch(new URL(request.path, url), { method: "POST", headers, body });
    expect(again.status).toBe(200);
    const failed = await failureOf(bench.seller.findBooking(quote, request, access));
    expect(failed.message).toMatch(/2 of them have our name/);
  });

  test.each([
    ["careless words", { careless: true }],
    ["empty answers to writes", { quiet: true }],
    ["other words for its states", { statusWords: { Reserved: "RESERVED", Booked: "booked ", Draft: "draft" } }],
    ["no cost, and no order named", { omits: ["cost", "orderid", "ratetype"] }],
  ] satisfies readonly (readonly [string, BehaviourChange])[])(
    "is booked all the same with %s",
    async (_what, behaviour) => {
      const bench = await benchWith(behaviour);
      const { booked, quote } = await bookedBy(bench);
      expect(booked).toMatchObject({ kind: "booked", deal: { cpm: quote.cpm, impressions: quote.impressions } });
    },
  );

  test("in a state that nobody knows waits, and is not called booked", async () => {
    const bench = await benchWith({ statusWords: { Booked: "success" } });
    const { booked } = await bookedBy(bench);
    expect(booked).toMatchObject({ kind: "waits", wait: { for: "decision" } });
  });
});

describe("a creative", () => {
  test.each(["camel", "pascal"] as const)(
    "is handed over and assigned in %s case, what is AdCOM's apart",
    async (dialect) => {
      const bench = await benchWith({ dialect, actions: "spec" });
      const assets = { page: { asset_type: "html", content: "<b>Acme</b>", width: 300, height: 250 } };
      const creative = { creativeId: "mrec", name: "Acme", format: "Medium rectangle", assets };
      const handed = await bench.seller.syncCreatives(
        { brief: null, dealId: null, products: null, creatives: [creative], assignments: [] },
        "k",
        access,
      );
      expect(handed.results, JSON.stringify(handed.results)).toMatchObject([{ action: "created", status: "approved" }]);
      const { booked } = await bookedBy({ ...bench, ask: { ...bench.ask, creatives: ["mrec"] } });
      expect(booked.kind).toBe("booked");
      const [stored] = bench
        .requests()
        .filter(({ method, target }) => method === "POST" && target.endsWith("/creatives"));
      const ad = Object.values(JSON.parse(stored?.body ?? "{}")).at(-1);
      expect(ad).toEqual({ id: "mrec", display: { w: 300, h: 250, adm: "<b>Acme</b>" } });
      expect(targets(bench, "POST").filter((target) => target.endsWith("/assignments"))).toHaveLength(1);
    },
  );
});

describe("what was placed and is not booked", () => {
  test("is given up: a reservation is reset, its draft and its order are deleted", async () => {
    const bench = await benchWith({});
    let quote = await quoted(bench);
    const request = frozen(bench, quote);
    for (let step = 0; step < 3; step += 1) {
      const booked = await bench.seller.book(request, quote, access);
      if (booked.kind === "advanced") quote = booked.quote;
    }
    expect(quote.placed).toMatchObject({ step: "reserved", heldUntil: expect.any(String) });
    // It is held for a week, and decided within the day that the quote stands.
    expect(Date.parse(quote.placed?.heldUntil ?? "") - Date.parse(quote.expiresAt)).toBeGreaterThan(5 * 86_400_000);
    expect(await bench.seller.letGo?.(quote, access)).toBeNull();
    expect(bench.sandbox.opendirect.lines("citylight")).toEqual([]);
    expect(bench.sandbox.opendirect.orders("citylight")).toEqual([]);
    // Done twice, it finds nothing left to do.
    expect(await bench.seller.letGo?.(quote, access)).toBeNull();
  });

  test("and cannot be given up, is told", async () => {
    const bench = await benchWith({});
    const { quote } = await bookedBy(bench);
    expect(await bench.seller.letGo?.(quote, access)).toMatch(/^line \d+ still reads as “Booked”$/);
    expect(bench.sandbox.opendirect.lines("citylight")[0]?.status).toBe("Booked");
  });
});

describe("a mock", () => {
  test("that answers for orders that do not exist gives no quote that can be bought", async () => {
    const bench = await benchWith({ simulated: true });
    const refused = await failureOf(quoted(bench));
    expect(refused).toMatchObject({ kind: "unsupported", definite: true });
    expect(refused.message).toMatch(/do not exist, as a mock does: it is read, and not bought from/);
  });

  test("that reports delivery of a draft is not reserved at", async () => {
    const bench = await benchWith({});
    let quote = await quoted(bench);
    const request = frozen(bench, quote);
    for (let step = 0; step < 2; step += 1) {
      const booked = await bench.seller.book(request, quote, access);
      if (booked.kind === "advanced") quote = booked.quote;
    }
    bench.sandbox.opendirect.behave("citylight", { simulated: true });
    expect(await failureOf(bench.seller.book(request, quote, access))).toMatchObject({
      kind: "unsupported",
      definite: true,
    });
    expect(targets(bench, "PATCH")).toEqual([]);
  });
});

describe("refusals", () => {
  test.each(["errors", "detail", "error", "html"] as const)(
    "as %s mean the same where they can be read",
    async (errors) => {
      const bench = await benchWith({ errors });
      expect(await failureOf(bench.seller.product("no-such", access))).toMatchObject({ kind: "not_found" });
      const quote = await quoted(bench);
      bench.sandbox.opendirect.behave("citylight", { errors, declines: { reserve: "Sold out" }, declinesBy: "error" });
      let now = quote;
      const request = frozen(bench, quote);
      for (let step = 0; step < 2; step += 1) {
        const booked = await bench.seller.book(request, now, access);
        if (booked.kind === "advanced") now = booked.quote;
      }
      // In words of its interface it is a refusal; what cannot be read might be a form that is not served.
      const refused = await bench.seller.book(request, now, access).catch((error: unknown) => error);
      if (errors !== "html") expect(refused).toMatchObject({ kind: "refused", definite: true, sellerSaid: "Sold out" });
      else expect(refused).toMatchObject({ kind: "advanced", quote: { placed: { step: "unheld" } } });
    },
  );

  test("of the credential are named as such", async () => {
    const bench = await benchWith({ auth: "access-token" });
    expect(await failureOf(quoted(bench))).toMatchObject({ kind: "unauthorized", definite: true });
  });
});
