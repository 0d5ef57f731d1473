import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { balancesOf, kindsOf, operatorOf, statusOf, until, withMandate } from "../e2e/booking-fixtures.ts";
import { approving, at, type Connection, type Reply } from "../e2e/client.ts";
import { flight } from "../e2e/fixtures.ts";
import { signedWord } from "../people.ts";
import { verifies } from "../requirements.ts";
import { changed, type HostileDesk, hostileDesk, hostileProduct, type Twist, usd } from "./hostile-seller.ts";

// Several servers start at once here, and a busy machine starts them slowly.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/**
 * A seller that says one figure in its quote, another when it is read again, and a third in its deal: nothing is ever
 * booked as approved that was not, and nothing that is no amount of money is taken for one.
 */
let stage: HostileDesk;
let model: Connection;
/** A client without forms: whoever it asks decides elsewhere, and here nobody does. */
let formless: Connection;
let impressions = 100_000;
beforeAll(async () => {
  const most = { per_buy: "250000.00 USD", per_day: "100000000.00 USD" };
  // What lying deals really cost is counted, so that the day must hold all of them.
  stage = await hostileDesk(withMandate({ per_day: most.per_day, channels: { form: most } }));
  model = await stage.desk.connect({ person: approving });
  formless = await stage.desk.connect();
});
beforeEach(() => stage.hostile.straighten());
afterAll(() => stage.close());

async function ask(): Promise<Reply> {
  impressions += 1;
  const item = { product: hostileProduct, flight: flight(), impressions, deal_type: "PG" };
  return model.ok("request_quote", { items: [item] });
}
const quote = async () => (await ask()).string("quotes", 0, "quote_id");
const buy = (ref: string) => model.call("create_media_buy", { lines: [{ quote_id: ref }] });
const pricing =
  (change: Record<string, unknown>): Twist =>
  (honest) => ({ json: changed(honest, "quote", "pricing", change) });
const deal =
  (...change: readonly (string | Record<string, unknown>)[]): Twist =>
  (honest) => ({ json: changed(honest, "deal", ...change) });

/** No word of a success, in the text or in the structure. */
function neverASuccess(reply: Reply): void {
  expect(reply.at("status"), reply.text).not.toBe("booked");
  expect(reply.text).not.toMatch(/booked as approved/i);
}

/** An incident stops every further approval until a person has looked; the tests after it need it cleared. */
async function clear(ref: string): Promise<void> {
  const operator = operatorOf(stage.desk);
  const word = await signedWord(operator, ref, { verdict: "cleared", note: "seen in a test" });
  await operator.clear(ref, word).finally(() => operator.close());
}

describe("a price that is none", () => {
  const lies: readonly (readonly [string, unknown])[] = [
    ["NaN", Number.NaN],
    ["a negative amount", -20_000_000],
    ["zero", 0],
    ["a fraction of a micro", 20_000_000.5],
    ["micros as text", "20000000"],
    ["more than an integer holds", 2 ** 53],
    ["dollars where micros belong, as a decimal", 20.55],
  ];
  test.each(lies)("%s is no quote, and costs only its own item", async (_what, amount) => {
    verifies("money.exact");
    stage.hostile.twist("quote", pricing({ final_cpm: { amount_micros: amount, currency: "USD" } }));
    const honest = { product: "northbeam/prod-53e78a97", flight: flight(), impressions: 50_000, deal_type: "PG" };
    impressions += 1;
    const reply = await model.ok("request_quote", {
      items: [{ ...honest, product: hostileProduct, impressions }, honest],
    });
    expect(reply.at("failed", 0), reply.text).toMatchObject({ code: "seller_invalid_answer" });
    expect(reply.list("quotes")).toHaveLength(1);
    expect(reply.string("quotes", 0, "quote_id")).toMatch(/^northbeam\//);
  });

  test("an amount written as 1e999 is infinite to a parser, and no quote", async () => {
    stage.hostile.twist("quote", (honest) => {
      const text = JSON.stringify(changed(honest, "quote", "pricing", { final_cpm: usd(123_456_789) }));
      return { text: text.replace("123456789", "1e999"), headers: { "content-type": "application/json" } };
    });
    expect((await ask()).at("failed", 0)).toMatchObject({ code: "seller_invalid_answer" });
  });

  test("a currency that is none, is missing, or is only nearly one is no quote", async () => {
    for (const currency of ["USDT", "usd", "U$D", "", null, undefined, "XXX", "ＵＳＤ"]) {
      stage.hostile.twist("quote", pricing({ final_cpm: { amount_micros: 20_000_000, currency } }));
      expect((await ask()).at("failed", 0), String(currency)).toMatchObject({ code: "seller_invalid_answer" });
    }
  });

  test("a price that comes to more than any amount of money is no quote, and no list price", async () => {
    const items = [{ product: hostileProduct, flight: flight(), impressions: 8_000_000, deal_type: "PG" }];
    stage.hostile.twist("quote", pricing({ final_cpm: usd(Number.MAX_SAFE_INTEGER) }));
    const dear = await model.ok("request_quote", { items });
    expect(dear.at("failed", 0), dear.text).toMatchObject({ code: "seller_invalid_answer" });
    stage.hostile.twist("quote", pricing({ base_cpm: usd(Number.MAX_SAFE_INTEGER) }));
    const reply = await model.ok("request_quote", { items });
    expect(reply.at("quotes", 0, "list_cpm"), reply.text).toBe("20.00 USD");
  });

  test("a list price below zero is left out, and flatters no discount", async () => {
    for (const list of [-35_000_000, 0]) {
      stage.hostile.twist("quote", pricing({ base_cpm: usd(list) }));
      const reply = await ask();
      expect(reply.list("quotes"), reply.text).toHaveLength(1);
      expect(reply.text).not.toMatch(/-35\.00| 0\.00 USD/);
      expect(reply.at("quotes", 0, "list_cpm"), reply.text).toBe("20.00 USD");
    }
  });

  test("a figure said twice under one key is one figure: what is asked about is what is booked and compared", async () => {
    verifies("promise.exact_terms");
    const doubled: Twist = (honest) => {
      const text = JSON.stringify(honest).replace(
        '"final_cpm":',
        '"final_cpm":{"amount_micros":1,"currency":"USD"},"final_cpm":',
      );
      return { text, headers: { "content-type": "application/json" } };
    };
    for (const step of ["quote", "quote-read", "deal"] as const) stage.hostile.twist(step, doubled);
    const ref = await quote();
    const reply = await buy(ref);
    expect(reply.at("status"), reply.text).toBe("booked");
    expect(model.questions.at(-1)).toContain("20.00 USD CPM");
    expect(reply.at("media_buys", 0, "packages", 0, "cpm")).toBe("20.00 USD");
  });
});

describe("terms that move between the quote and the question", () => {
  const moves: readonly (readonly [string, Twist, string])[] = [
    [
      "a price a cent higher is the price that is asked about",
      pricing({ final_cpm: usd(20_010_000) }),
      "20.01 USD CPM",
    ],
    ["micros where cents were, ten thousand times as dear", pricing({ final_cpm: usd(200_000_000_000) }), ""],
    [
      "another currency at the same number",
      pricing({ base_cpm: null, final_cpm: { amount_micros: 20_000_000, currency: "JPY" } }),
      "",
    ],
  ];
  test.each(moves)("%s", async (_what, twist, asked) => {
    verifies("promise.fail_closed");
    const ref = await quote();
    stage.hostile.twist("quote-read", twist);
    const reply = await formless.call("create_media_buy", { lines: [{ quote_id: ref }] });
    if (asked === "") expect(at(reply.error, "code"), reply.text).toMatch(/outside_mandate|currency_mismatch/);
    else expect(reply.text).toContain(asked);
    expect(reply.text).not.toContain("20.00 USD CPM x");
    expect(stage.hostile.count("deal")).toBe(0);
  });
});

describe("terms that move after the person approved", () => {
  const moves: readonly (readonly [string, Twist])[] = [
    ["the price rises by one micro", pricing({ final_cpm: usd(20_000_001) })],
    ["the currency is swapped", pricing({ base_cpm: null, final_cpm: { amount_micros: 20_000_000, currency: "EUR" } })],
    [
      "the volume shrinks at the same price",
      (honest) => ({ json: changed(honest, "quote", "terms", { impressions: 1 }) }),
    ],
    [
      "the flight moves to last year",
      (honest) => ({
        json: changed(honest, "quote", "terms", { flight_start: "2025-01-01", flight_end: "2025-01-31" }),
      }),
    ],
    ["it is no longer guaranteed", (honest) => ({ json: changed(honest, "quote", "terms", { guaranteed: false }) })],
    [
      "the quote read back is another product's",
      (honest) => ({ json: changed(honest, "quote", "product", { product_id: "prod-2" }) }),
    ],
    [
      "the quote read back is another quote",
      (honest) => ({ json: changed(honest, "quote", { quote_id: "qt-other" }) }),
    ],
    ["the price is gone", pricing({ final_cpm: null })],
  ];
  /** A client that is asked within its call, so that the answer meets the very approval that was shown. */
  let asked: Connection;
  let onceAsked = () => {};
  beforeAll(async () => {
    asked = await stage.desk.connect({
      kind: "2.x legacy",
      person: (question) => {
        onceAsked();
        return approving(question);
      },
    });
  });
  test.each(moves)("%s: nothing is booked as approved", async (_what, twist) => {
    verifies("promise.exact_terms");
    const ref = await quote();
    let reads = 0;
    // Honest until the person has answered: the reads before are the ones of the question.
    onceAsked = () =>
      stage.hostile.twist("quote-read", (honest, body) => {
        reads += 1;
        return twist(honest, body);
      });
    const reply = await asked.call("create_media_buy", { lines: [{ quote_id: ref }] });
    expect(reads).toBeGreaterThan(0);
    neverASuccess(reply);
    expect(stage.hostile.count("deal"), reply.text).toBe(0);
    expect(await kindsOf(stage.desk, ref)).not.toContain("booking_confirmed");
  });
});

test("cents where micros were look cheaper by far, and a deal at the approved price is then no success either", async () => {
  const ref = await quote();
  stage.hostile.twist("quote-read", pricing({ final_cpm: usd(2_000) }));
  stage.hostile.twist("deal", deal("pricing", { final_cpm: usd(20_000_000) }));
  const reply = await buy(ref);
  neverASuccess(reply);
  expect(reply.at("status"), reply.text).toBe("terms_mismatch");
  await clear(ref);
});

describe("a deal that is not what was sent for", () => {
  const lies: readonly (readonly [string, Twist, string])[] = [
    ["a micro more", deal("pricing", { final_cpm: usd(20_000_001) }), "unit_price"],
    ["the price in cents", deal("pricing", { final_cpm: usd(2_000) }), "unit_price"],
    ["the price a thousand times over", deal("pricing", { final_cpm: usd(20_000_000_000) }), "unit_price"],
    [
      "the same number in another currency",
      deal("pricing", { base_cpm: null, final_cpm: { amount_micros: 20_000_000, currency: "EUR" } }),
      "unit_price",
    ],
    ["twice the volume", deal("terms", { impressions: 200_000 }), "impressions"],
    ["no volume at all", deal("terms", { impressions: null }), "impressions"],
    ["a day more", deal("terms", { flight_end: "2099-12-31" }), "flight.end"],
    ["another product", deal("product", { product_id: "prod-2" }), "product"],
    ["another kind of deal", deal({ deal_type: "PA" }), "deal_type"],
    ["a deal that it rejects in the same breath", deal({ status: "rejected" }), "status"],
  ];
  test.each(lies)("%s: an incident that names it, and never a success", async (_what, twist, field) => {
    verifies("promise.compared");
    const ref = await quote();
    stage.hostile.twist("deal", twist);
    const reply = await buy(ref);
    neverASuccess(reply);
    expect(reply.at("status"), reply.text).toBe("terms_mismatch");
    expect(reply.list("media_buys", 0, "differences").map((one) => at(one, "field"))).toContain(field);
    expect(reply.at("media_buys", 0, "as_approved")).toBe(false);
    await clear(ref);
  });

  const unreadable: readonly (readonly [string, Twist])[] = [
    ["a negative price", deal("pricing", { final_cpm: usd(-20_000_000) })],
    ["no price", deal("pricing", { final_cpm: null })],
    ["a volume whose cost is beyond any amount", deal("terms", { impressions: Number.MAX_SAFE_INTEGER })],
    ["the deal of another quote", deal({ quote_id: "qt-other" })],
  ];
  test.each(unreadable)("%s: unknown until it is read back as what was approved", async (_what, twist) => {
    const ref = await quote();
    stage.hostile.twist("deal", twist);
    stage.hostile.twist("deal-read", twist);
    const reply = await buy(ref);
    neverASuccess(reply);
    expect(reply.at("status"), reply.text).toBe("booking_unknown");
    expect((await balancesOf(stage.desk))?.total.micros).toBeGreaterThan(0n);
    // One seller's nonsense must not keep the planner from seeing the other buys.
    const list = await model.ok("get_media_buys", { refresh: true });
    expect(list.text).toContain(ref);
    stage.hostile.straighten();
    await until("read back", async () => (await statusOf(model, ref)) === "booked");
  });

  test("two deals that are each an amount, and together none: neither is a success, and the lists still answer", async () => {
    const refs = [await quote(), await quote()];
    stage.hostile.twist("deal", deal("pricing", { final_cpm: usd(Number.MAX_SAFE_INTEGER) }));
    stage.hostile.twist("deal-read", deal("pricing", { final_cpm: usd(Number.MAX_SAFE_INTEGER) }));
    const reply = await model.call("create_media_buy", { lines: refs.map((ref) => ({ quote_id: ref })) });
    neverASuccess(reply);
    expect(stage.hostile.count("deal"), reply.text).toBe(2);
    const list = await model.ok("get_media_buys", { refresh: true });
    for (const ref of refs) expect(list.text).toContain(ref);
  });
});
