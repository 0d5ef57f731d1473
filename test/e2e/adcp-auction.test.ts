import { describe, expect, test, vi } from "vitest";
import { verifies } from "../requirements.ts";
import { few } from "../long.ts";
import { rawSeller, requestsAreValid, sdkSeller, story, times } from "./adcp-sellers.ts";
import { signedWord } from "../people.ts";
import { balancesOf, operatorOf, until } from "./booking-fixtures.ts";
import { at } from "./client.ts";
import { flight } from "./fixtures.ts";

// Some stories wait for the watcher's next look.
vi.setConfig({ testTimeout: 60_000 });

/**
 * The storyboard of an auction: a floor and what would have won, a bid of the planner's that a person approves, a buy at
 * once. Told through an MCP client, by a desk that knows sellers of every make.
 */
const rows = [
  { name: "our sandbox over MCP", id: "raw", floor: "4.50" },
  { name: "our sandbox over A2A", id: "rawa2a", floor: "4.50" },
  { name: "our sandbox over A2A 0.3", id: "rawa2a03", floor: "4.50" },
  { name: "our sandbox, strict AdCP 3.0", id: "strict", floor: "4.50" },
  { name: "@adcp/sdk over MCP", id: "sdkmcp", floor: "5.00" },
  { name: "@adcp/sdk over A2A", id: "sdka2a", floor: "5.00" },
] as const;
const inShort = ["our sandbox over MCP", "our sandbox over A2A", "@adcp/sdk over MCP", "@adcp/sdk over A2A"];

const on = story({
  raw: (id) => rawSeller(id, "openbid"),
  forgetful: (id) => rawSeller(id, "openbid", "short-replay"),
  rawa2a: (id) => rawSeller(id, "openbid", "a2a-only"),
  rawa2a03: (id) => rawSeller(id, "openbid", "a2a-only", "a2a-0.3"),
  strict: (id) => rawSeller(id, "openbid", "strict30"),
  provisional: (id) => rawSeller(id, "openbid", "provisional"),
  sdkmcp: (id) => sdkSeller(id, { carrier: "mcp", channels: { sports_display_auction: "social" } }),
  sdka2a: (id) => sdkSeller(id, { carrier: "a2a", channels: { outdoor_video_auction: "streaming_audio" } }),
});
const raw = () => on.seller("raw");

let hundreds = 100;

/** The storyboard's two packages; a budget of its own each time, or the open quote would come back. */
function item(id: string, bid: string | null) {
  hundreds += 1;
  const max_bid = bid === null ? {} : { max_bid: bid };
  return {
    ...{ product: `${id}/sports_display_auction`, flight: flight(), budget: `${hundreds}00.00 USD`, ...max_bid },
    creative_ids: ["display_trail_pro_300x250"],
    with: [{ product: `${id}/outdoor_video_auction`, budget: "15000.00 USD", max_bid: "22.00 USD" }],
  };
}

async function quoted(id: string): Promise<string> {
  const reply = await on.client.ok("request_quote", { items: [item(id, "8.50 USD")] });
  return reply.string("quotes", 0, "quote_id");
}

const buy = (quoteId: string) => on.client.ok("create_media_buy", { lines: [{ quote_id: quoteId }] });

describe.each(few(rows, ...inShort))("an auction of $name", ({ id, floor }) => {
  test("is not bid for without a bid, or below its floor; the answer says what a bid has to be", async () => {
    verifies("adcp.bid.below_floor", "adcp.products.bid_guidance");
    const seller = on.seller(id);
    const bids = [null, "1.50 USD"];
    const reply = await on.client.ok("request_quote", { items: bids.map((bid) => item(id, bid)) });
    expect(reply.list("quotes")).toEqual([]);
    expect(reply.at("failed", 0)).toMatchObject({ code: "invalid_arguments", field: "max_bid" });
    expect(reply.at("failed", 1)).toMatchObject({ code: "below_minimum", field: "max_bid" });
    expect(reply.string("failed", 1, "message")).toContain("1.50 USD was not sent");
    for (const one of [0, 1])
      expect(reply.string("failed", one, "message")).toMatch(
        new RegExp(`The floor is ${floor} USD; .* half, .* three quarters \\(the seller's figures\\)`),
      );
    expect(times(seller, "create_media_buy")).toBe(0);
  });

  test("is booked at once, at the bids that a person approved", async () => {
    verifies("adcp.storyboard.auction", "adcp.bid.immediate", "adcp.bid.per_package");
    const seller = on.seller(id);
    const asked = await buy(await quoted(id));
    expect(on.client.questions.at(-1)).toMatch(/bid.*8\.50 USD.*22\.00 USD/s);
    expect(asked.string("status"), asked.text).toBe("booked");
    expect(seller.buys()).toHaveLength(1);
    expect(seller.buys()[0]?.packages).toEqual([
      { product: "sports_display_auction", budget: hundreds * 100, bid: 8.5 },
      { product: "outdoor_video_auction", budget: 15_000, bid: 22 },
    ]);
    expect(asked.at("media_buys", 0, "packages", 0)).toMatchObject({ bid: "8.50 USD", deal_id: seller.buys()[0]?.id });
    expect(times(seller, "create_media_buy")).toBe(1);
  });

  test("is bought once where the answer was lost", async () => {
    const seller = on.seller(id);
    const [buys, sent] = [seller.buys().length, times(seller, "create_media_buy")];
    const quote = await quoted(id);
    seller.loseNextAnswer();
    const asked = await buy(quote);
    expect(["booking_unknown", "booked"], asked.text).toContain(asked.string("status"));
    await until("its outcome is known", async () => {
      const told = await on.client.ok("get_media_buys", { ids: [quote] });
      return told.string("media_buys", 0, "status") === "booked";
    });
    expect(seller.buys()).toHaveLength(buys + 1);
    const bodies = seller.asked().filter(({ task }) => task === "create_media_buy");
    expect(new Set(bodies.slice(sent).map(({ args }) => JSON.stringify(args))).size).toBe(1);
  });
});

test("a request that is carried out after its caller gave up is bought once too", async () => {
  const before = raw().buys().length;
  const quote = await quoted("raw");
  raw().fault({ kind: "late-commit", operation: "deal", uses: 1, ms: 1_500, close: true });
  const asked = await buy(quote);
  expect(["booking_unknown", "booked"], asked.text).toContain(asked.string("status"));
  await until("its outcome is known", async () => {
    const told = await on.client.ok("get_media_buys", { ids: [quote] });
    return told.string("media_buys", 0, "status") === "booked";
  });
  await until("the late commit came", () => !raw().sandbox.faults("openbid").length);
  await new Promise((done) => setTimeout(done, 1_600));
  expect(raw().buys()).toHaveLength(before + 1);
});

test("a lost answer of a seller that cannot be looked at is sent no second time, and the inbox says whose turn it is", async () => {
  verifies("promise.booking_unknown");
  const quote = await quoted("forgetful");
  on.seller("forgetful").loseNextAnswer();
  on.seller("forgetful").fault({ kind: "error-text", operation: "deal-read" });
  const asked = await buy(quote);
  expect(asked.string("status"), asked.text).toBe("booking_unknown");
  const looks = () => times(on.seller("forgetful"), "get_media_buys");
  await until("it was looked at a few times", () => looks() > 2);
  const inbox = await on.client.ok("get_inbox");
  expect(inbox.text).toContain(`for a person to settle: ${quote}. Who has asked the seller runs:`);
  expect(inbox.text).toMatch(/settle <media_buy_id> --booked <deal id>, or --not-booked/);
  expect(inbox.at("attention", 0, "unknown_because")).toMatch(
    /\. It is not sent again, its money stays held, and the seller is still looked at; a person asks the seller/,
  );
  expect(times(on.seller("forgetful"), "create_media_buy")).toBe(1);
  const [booked] = on.seller("forgetful").buys();
  const operator = operatorOf(on.desk);
  await operator
    .settle(quote, await signedWord(operator, quote, { dealId: booked?.id ?? "" }))
    .finally(() => operator.close());
  expect((await on.client.ok("get_media_buys", { ids: [quote] })).string("media_buys", 0, "status")).toBe("booked");
  expect((await on.client.ok("get_inbox")).list("attention")).toEqual([]);
});

test("a provisional buy is no booking until the seller confirms it", async () => {
  const seller = on.seller("provisional");
  const quote = await quoted("provisional");
  const asked = await buy(quote);
  expect(asked.at("media_buys", 0, "seller_waits", "for"), asked.text).toBe("confirmation");
  await seller.sign();
  const told = await on.client.ok("get_media_buys", { ids: [quote], refresh: true });
  expect(told.string("media_buys", 0, "status")).toBe("booked");
});

test("an exchange of display and video, a social seller and one of audio are bought from in one call", async () => {
  verifies("adcp.seller.kinds");
  const wanted = {
    "raw/sports_display_auction": "display",
    "raw/outdoor_video_auction": "online_video",
    "sdkmcp/sports_display_auction": "social",
    "sdka2a/outdoor_video_auction": "audio",
  };
  const channels = [...new Set(Object.values(wanted))];
  const kit = await on.client.ok("get_media_kit", { sellers: ["raw", "sdkmcp", "sdka2a"], channels, limit: 50 });
  const found = new Map(kit.list("products").map((one) => [at(one, "product"), at(one, "channel")]));
  for (const [product, channel] of Object.entries(wanted)) expect(found.get(product), product).toBe(channel);
  const items = Object.keys(wanted).map((product) => ({
    ...{ product, flight: flight(), budget: "2500.00 USD", max_bid: "23.00 USD" },
  }));
  const reply = await on.client.ok("request_quote", { items });
  const lines = reply.list("quotes").map((one) => ({ quote_id: at(one, "quote_id") }));
  expect(lines, reply.text).toHaveLength(4);
  const asked = await on.client.ok("create_media_buy", { lines });
  expect(asked.string("status"), asked.text).toBe("booked");
});

test("another bid is another decision: the person is asked about the new one", async () => {
  const reply = await on.client.ok("request_quote", {
    items: [{ product: "raw/ctv_open_auction", flight: flight(), budget: "9000.00 USD", max_bid: "21.00 USD" }],
  });
  const quote = reply.string("quotes", 0, "quote_id");
  const asked = await on.client.ok("create_media_buy", { lines: [{ quote_id: quote, max_bid: "24.00 USD" }] });
  expect(on.client.questions.at(-1)).toMatch(/24\.00 USD/);
  expect(asked.string("status"), asked.text).toBe("booked");
  expect(raw().buys().at(-1)?.packages).toEqual([{ product: "ctv_open_auction", budget: 9000, bid: 24 }]);
});

test("a bid above the mandate's price is refused before anybody is asked, however it is passed", async () => {
  const sent = times(raw(), "create_media_buy");
  const [asked, before] = [on.client.questions.length, await balancesOf(on.desk)];
  const dear = { product: "raw/ctv_open_auction", flight: flight(), budget: "9100.00 USD" };
  const reply = await on.client.ok("request_quote", { items: [{ ...dear, max_bid: "61.00 USD" }] });
  expect(reply.at("quotes", 0, "mandate"), reply.text).toBe("refused");
  const quotes = [
    { quote_id: reply.string("quotes", 0, "quote_id") },
    {
      quote_id: (await on.client.ok("request_quote", { items: [{ ...dear, max_bid: "24.00 USD" }] })).string(
        "quotes",
        0,
        "quote_id",
      ),
      max_bid: "61.00 USD",
    },
  ];
  for (const line of quotes) {
    const refused = await on.client.call("create_media_buy", { lines: [line] });
    expect(refused.text).toMatch(/max_cpm|60\.00 USD/);
    expect(refused.text).toContain("Nothing was booked.");
  }
  expect([times(raw(), "create_media_buy"), on.client.questions.length]).toEqual([sent, asked]);
  expect(await balancesOf(on.desk)).toEqual(before);
});

requestsAreValid(on.asked, { "3.0": 30, "3.1": 30 }, "create_media_buy");
