import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { verifies } from "../requirements.ts";
import { adcpDesk, type RawSeller, rawSeller } from "./adcp-sellers.ts";
import { approving, at, clientKinds, type Connection, rejecting } from "./client.ts";
import { dealsOf, flight, startDesk, type TestDesk } from "./fixtures.ts";
import { listeningOf, principal, tokens } from "./http-server.ts";

vi.setConfig({ testTimeout: 60_000 });

/** One deal directly from a product, for planning that was done elsewhere: one call, the same gates. */
/** Somebody who may buy, and ask no seller for prices. */
const buyer = principal("maker", ["buy:read", "buy:write"]);

let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  desk = await startDesk({ config: (standard) => ({ ...standard, http: { principals: [buyer] } }) });
  client = await desk.connect({ person: approving });
});
afterAll(() => desk.close());

const line = (more: object = {}) => ({
  product: "northbeam/prod-53e78a97",
  flight: flight(),
  deal_type: "PG",
  ...more,
});
const quotesAsked = () => desk.sandbox.requests("northbeam").filter(({ operation }) => operation === "quote").length;

describe.each(clientKinds)("a product, through a %s client,", (kind) => {
  const campaign = `Direct ${kind}`;

  test("is quoted, asked about, booked and activated in one call; the call repeated is the same buy", async () => {
    verifies("flow.deal.from_product", "approval.gate");
    const from = await desk.connect({ kind, person: approving });
    const call = { lines: [line({ budget: "30000.00 USD" })], campaign };
    const reply = await from.ok("create_media_buy", call);
    expect(reply.string("status"), reply.text).toBe("booked");
    expect(from.questions).toHaveLength(1);
    expect(from.questions[0]).toContain("29,999.9");
    const id = reply.string("media_buys", 0, "media_buy_id");
    const dealId = reply.string("media_buys", 0, "packages", 0, "deal_id");
    expect(reply.text).toContain(dealId);
    expect(reply.text).toMatch(/Activate in The Trade Desk/);
    expect(dealsOf(desk, id)).toBe(1);

    const asked = quotesAsked();
    const again = await from.ok("create_media_buy", call);
    expect(again.string("media_buys", 0, "media_buy_id")).toBe(id);
    expect(again.string("media_buys", 0, "packages", 0, "deal_id")).toBe(dealId);
    expect(from.questions).toHaveLength(1);
    expect([quotesAsked(), dealsOf(desk, id)]).toEqual([asked, 1]);

    const quoteToo = await from.ok("request_quote", { items: call.lines, campaign });
    const third = await from.ok("create_media_buy", call);
    expect(quoteToo.string("quotes", 0, "quote_id")).not.toBe(id);
    expect(third.string("media_buys", 0, "media_buy_id")).toBe(id);

    const kinds = (await from.ok("get_history", { media_buy_id: id })).list("events").map((one) => at(one, "kind"));
    expect(kinds).toEqual(
      expect.arrayContaining(["quoted", "approval_requested", "booking_started", "booking_confirmed"]),
    );
  });
});

test("another label, or the same after it was cancelled, is another buy", async () => {
  verifies("flow.deal.from_product");
  const lines = [line({ impressions: 620_000 })];
  const buy = async (campaign: string) => {
    const reply = await client.ok("create_media_buy", { lines, campaign });
    return reply.string("media_buys", 0, "media_buy_id");
  };
  const first = await buy("One");
  expect(await buy("Two")).not.toBe(first);
  await client.ok("update_media_buy", { media_buy_id: first, action: "cancel" });
  expect(await buy("One")).not.toBe(first);
});

test("where nobody can be asked here it waits, and asking again finds the same approval; a rejection buys nothing", async () => {
  verifies("flow.deal.from_product", "approval.gate");
  const alone = await desk.connect();
  const call = { lines: [line({ impressions: 630_000 })] };
  const waiting = await alone.ok("create_media_buy", call);
  expect(waiting.string("status")).toBe("awaiting_approval");
  expect(waiting.at("nothing_booked")).toBe(true);
  const approvalId = waiting.string("approval", "approval_id");
  expect((await alone.ok("create_media_buy", call)).string("approval", "approval_id")).toBe(approvalId);
  const rejected = await (await desk.connect({ person: rejecting })).ok("create_media_buy", call);
  expect(rejected.string("status")).toBe("rejected");
  expect(rejected.at("nothing_booked")).toBe(true);
});

test("goes with quotes in one decision; a product that cannot be quoted ends it all before anybody is asked", async () => {
  verifies("flow.deal.from_product", "promise.no_silence");
  const radio = { ...line({ impressions: 640_000 }), product: "harborview/prod-a31c6f02", deal_type: "PD" };
  const quoted = await client.ok("request_quote", { items: [line({ impressions: 640_000 })] });
  const named = { quote_id: quoted.string("quotes", 0, "quote_id") };
  const asked = client.questions.length;
  const failed = await client.call("create_media_buy", { lines: [named, { ...radio, impressions: 5 }] });
  expect(failed.text).toMatch(/^below_minimum: lines\[1\]: .*Nothing was booked\./);
  expect(failed.error).toMatchObject({ code: "below_minimum", field: "lines[1].budget", nothing_booked: true });
  expect(client.questions).toHaveLength(asked);
  const both = await client.ok("create_media_buy", { lines: [named, radio] });
  expect(both.list("media_buys"), both.text).toHaveLength(2);
  expect(both.string("status")).toBe("booked");
  expect(client.questions).toHaveLength(asked + 1);
});

test.each([
  ["nothing to buy", {}, /lines\[0\] needs a quote_id, or a product/],
  [
    "a product without a flight",
    { product: "northbeam/prod-53e78a97", budget: "1 USD" },
    /lines\[0\] needs the flight/,
  ],
  ["a product without a volume", line(), /lines\[0\] needs a budget or impressions, not both/],
  ["both volumes", line({ budget: "30000 USD", impressions: 5 }), /needs a budget or impressions, not both/],
  ["a quote and a product", { ...line(), quote_id: "northbeam/qt-1" }, /lines\[0\] has a quote_id, whose product/],
  ["a product nobody has", line({ product: "northbeam/nothing", budget: "30000 USD" }), /No one product is/],
  ["a flight that is over", line({ flight: { start: "2020-01-01", end: "2020-02-01" }, budget: "1 USD" }), /flight/],
])("%s is refused in a sentence, and nobody is asked", async (_what, one, says) => {
  const before = client.questions.length;
  const reply = await client.call("create_media_buy", { lines: [one] });
  expect(reply.isError).toBe(true);
  expect(reply.text).toMatch(says);
  expect(reply.text).toContain("Nothing was booked.");
  expect(client.questions).toHaveLength(before);
});

test("a token that may not ask for quotes does not ask for one this way either", async () => {
  verifies("flow.deal.from_product");
  const server = await desk.serveHttp();
  const over = listeningOf(server, tokens.maker);
  const asked = quotesAsked();
  const reply = await (await desk.connect({ over })).call("create_media_buy", {
    lines: [line({ impressions: 650_000 })],
  });
  expect(reply.text).toMatch(/^invalid_arguments: This token may buy quotes and not ask for them/);
  expect(quotesAsked()).toBe(asked);
});

test("an AdCP auction is bought directly too, at the bid that the person approved", async () => {
  verifies("flow.deal.from_product");
  const seller: RawSeller = await rawSeller("raw", "openbid");
  const adcp = await adcpDesk([seller]);
  try {
    const buyer = await adcp.connect({ person: approving });
    const lines = [
      {
        ...{ product: "raw/sports_display_auction", flight: flight(), budget: "12000.00 USD", max_bid: "8.50 USD" },
        creative_ids: ["display_trail_pro_300x250"],
      },
    ];
    const reply = await buyer.ok("create_media_buy", { lines, campaign: "Auction" });
    expect(reply.string("status"), reply.text).toBe("booked");
    expect(buyer.questions.at(-1)).toMatch(/bid.*8\.50 USD/s);
    await buyer.ok("create_media_buy", { lines, campaign: "Auction" });
    expect(seller.buys()).toHaveLength(1);
    expect(seller.buys()[0]?.packages).toEqual([{ product: "sports_display_auction", budget: 12_000, bid: 8.5 }]);
  } finally {
    await adcp.close();
    await seller.close();
  }
});
