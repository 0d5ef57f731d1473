import { afterEach, describe, expect, test } from "vitest";
import { balancesOf, operatorOf, until } from "../e2e/booking-fixtures.ts";
import { times } from "../e2e/adcp-sellers.ts";
import { flight } from "../e2e/fixtures.ts";
import { type Envelope, type HostileAdcp, hostileAdcp, type Lie } from "./hostile-adcp.ts";

/** An AdCP seller that says another thing than its books do is not believed where money is counted. */

const open: HostileAdcp[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function stageOf(profile: "streamhaus" | "openbid"): Promise<HostileAdcp> {
  const stage = await hostileAdcp(profile);
  open.push(stage);
  return stage;
}

async function quoted({ client }: HostileAdcp, product: string, budget: string, bid?: string): Promise<string> {
  const item = { product: `hostile/${product}`, flight: flight(), budget, ...(bid ? { max_bid: bid } : {}) };
  return (await client.ok("request_quote", { items: [item] })).string("quotes", 0, "quote_id");
}

const buy = ({ client }: HostileAdcp, quote: string) => client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
const seen = ({ client }: HostileAdcp, quote: string) => client.ok("get_media_buys", { ids: [quote], refresh: true });

/** Answers of tasks that look at something, changed in what they say of the buys. */
const inBuys =
  (change: (buy: Envelope) => Envelope): Lie =>
  (task, envelope) => {
    const result = envelope["result"];
    if (task === "create_media_buy" && "media_buy_id" in envelope) return change(envelope);
    if (task === "get_task_status" && typeof result === "object")
      return { ...envelope, result: change(Object(result)) };
    const buys = envelope["media_buys"];
    return Array.isArray(buys) ? { ...envelope, media_buys: buys.map(change) } : envelope;
  };

const inPackages = (change: (one: Envelope) => Envelope): Lie =>
  inBuys((one) => {
    const { packages } = one;
    return Array.isArray(packages) ? { ...one, packages: packages.map(change) } : one;
  });

describe("what people sign is compared with what a person approved", () => {
  test("a task that completes with another buy's id is no success of this one", async () => {
    const stage = await stageOf("streamhaus");
    const first = await quoted(stage, "sports_preroll_q2_guaranteed", "30000.00 USD");
    await buy(stage, first);
    await stage.behind.sign();
    expect((await seen(stage, first)).string("media_buys", 0, "status")).toBe("booked");
    const second = await quoted(stage, "sports_preroll_q2_guaranteed", "31000.00 USD");
    await buy(stage, second);
    const other = stage.behind.buys()[0]?.id;
    stage.lie((task, envelope) =>
      task === "get_task_status"
        ? { ...envelope, status: "completed", result: { status: "completed", media_buy_id: other, packages: [] } }
        : envelope,
    );
    const told = await seen(stage, second);
    expect(told.string("media_buys", 0, "status"), told.text).toBe("terms_mismatch");
    expect(told.text).toContain(`which ${first} has`);
    // The first one stays what it is.
    expect((await seen(stage, first)).string("media_buys", 0, "status")).toBe("booked");
  });

  test.each([
    ["another product", inPackages((one) => ({ ...one, product_id: "title_sponsorship" }))],
    ["another price", inPackages((one) => ({ ...one, pricing_option_id: "cpm_dearer" }))],
    ["another currency", inBuys((one) => ({ ...one, currency: "EUR" }))],
    ["no package at all", inBuys((one) => ({ ...one, packages: [], total_budget: 30_000 }))],
  ] as const)("%s is an incident", async (_what, lie) => {
    const stage = await stageOf("streamhaus");
    const quote = await quoted(stage, "sports_preroll_q2_guaranteed", "30000.00 USD");
    await buy(stage, quote);
    await stage.behind.sign();
    stage.lie(lie);
    const told = await seen(stage, quote);
    expect(told.string("media_buys", 0, "status"), told.text).toBe("terms_mismatch");
    expect(told.at("media_buys", 0, "as_approved")).toBe(false);
    expect((await balancesOf(stage.desk))?.total.micros).toBeGreaterThanOrEqual(30_000_000_000n);
  });
});

describe("an answer is not what stands", () => {
  test("a failure after the booking is a booking, found by our marks, once", async () => {
    const stage = await stageOf("openbid");
    const quote = await quoted(stage, "ctv_open_auction", "9000.00 USD", "24.00 USD");
    stage.behind.fault({ kind: "error-after-commit", operation: "deal", uses: 1 });
    await buy(stage, quote);
    await until("it is found", async () => (await seen(stage, quote)).at("media_buys", 0, "status") === "booked");
    expect(stage.behind.buys()).toHaveLength(1);
  });

  test("a refusal of the arguments after the booking is looked at before it is believed", async () => {
    const stage = await stageOf("openbid");
    const quote = await quoted(stage, "ctv_open_auction", "9000.00 USD", "24.00 USD");
    const error = { code: "VALIDATION_ERROR", message: "Our own answer was not valid.", recovery: "correctable" };
    stage.lie((task, envelope) => (task === "create_media_buy" ? { status: "failed", adcp_error: error } : envelope));
    const told = await buy(stage, quote);
    expect(told.string("status"), told.text).toBe("booked");
    expect([stage.behind.buys().length, times(stage.behind, "create_media_buy")]).toEqual([1, 1]);
  });

  test("two answers to one request are one booking", async () => {
    const stage = await stageOf("openbid");
    const quote = await quoted(stage, "ctv_open_auction", "9000.00 USD", "24.00 USD");
    stage.behind.fault({ kind: "answer-twice", operation: "deal", uses: 1 });
    await buy(stage, quote);
    await until("it is known", async () => (await seen(stage, quote)).at("media_buys", 0, "status") === "booked");
    expect(stage.behind.buys()).toHaveLength(1);
  });

  test("a price that is read again and rose since the decision is not sent", async () => {
    const stage = await stageOf("streamhaus");
    const quote = await quoted(stage, "sports_preroll_q2_guaranteed", "30000.00 USD");
    let reads = 0;
    stage.lie((task, envelope) => {
      const { products } = envelope;
      reads += task === "get_products" ? 1 : 0;
      // The person sees the old price; the look directly before the request is sent shows another.
      if (task !== "get_products" || reads < 3 || !Array.isArray(products)) return envelope;
      const dearer = (option: Envelope) => ({ ...option, fixed_price: Number(option["fixed_price"]) * 1.5 });
      return {
        ...envelope,
        products: products.map((one: { pricing_options: Envelope[] }) => ({
          ...one,
          pricing_options: one.pricing_options.map(dearer),
        })),
      };
    });
    const told = await buy(stage, quote);
    expect(told.text).toMatch(/Nothing was booked\./);
    expect(["terms_changed", "refused"], told.text).toContain(told.string("status"));
    expect(times(stage.behind, "create_media_buy")).toBe(0);
  });
});

test("people who never decide keep the money held and nothing else: no second order, fewer and fewer looks", async () => {
  const stage = await stageOf("streamhaus");
  const quote = await quoted(stage, "sports_preroll_q2_guaranteed", "30000.00 USD");
  await buy(stage, quote);
  const looks = () => times(stage.behind, "get_task_status");
  const [started, before] = [performance.now(), looks()];
  await until("it is looked at a third time", () => looks() - before >= 3, 20_000);
  // Pauses of one second, two, four: three looks take three seconds, and not three moments.
  expect(performance.now() - started).toBeGreaterThan(2_500);
  const told = await stage.client.ok("get_media_buys", { ids: [quote] });
  expect(told.string("media_buys", 0, "status")).toBe("awaiting_seller");
  expect(times(stage.behind, "create_media_buy")).toBe(1);
  expect((await balancesOf(stage.desk))?.total.micros).toBe(30_000_000_000n);
  const operator = operatorOf(stage.desk);
  const line = await operator.line(quote).finally(() => operator.close());
  expect(line.line.wait?.for).toBe("decision");
});
