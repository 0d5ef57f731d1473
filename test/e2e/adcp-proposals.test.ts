import { afterAll, beforeAll, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { whyNoSchemas } from "../adcp/schemas.ts";
import { adcpDesk, checkedRequests, type RawSeller, rawSeller, times } from "./adcp-sellers.ts";
import { approving, type Connection } from "./client.ts";
import { flight, type TestDesk } from "./fixtures.ts";

/** Proposals of a seller: a draft, asked in words to cost less, made firm, and bought under its insertion order. */

let seller: RawSeller;
let byHand: RawSeller;
let overA2a: RawSeller;
let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  [seller, byHand, overA2a] = await Promise.all([
    rawSeller("house", "streamhaus"),
    rawSeller("byhand", "streamhaus", "finalize-by-hand"),
    rawSeller("wired", "streamhaus", "a2a-only"),
  ]);
  desk = await adcpDesk([seller, byHand, overA2a]);
  client = await desk.connect({ person: approving });
});
afterAll(async () => {
  await desk.close();
  await Promise.all([seller, byHand, overA2a].map((one) => one.close()));
});

const outdoor = "outdoor ctv, sixty thousand dollars";
const both = "sports preroll and outdoor ctv";

async function draft(product: string, budget: string, brief = outdoor): Promise<string> {
  const reply = await client.ok("request_quote", { items: [{ product, flight: flight(), budget, brief }] });
  return reply.string("quotes", 0, "quote_id");
}

test("a draft is asked in words to cost less, is made firm, and is bought under its insertion order", async () => {
  verifies("adcp.products.brief");
  const kit = await client.ok("get_media_kit", { sellers: ["house"], brief: outdoor });
  expect(kit.text).toMatch(/house\/prop_big_screen “Big Screen Only”: 100 % outdoor_ctv_q2_guaranteed.*a draft/);
  const quote = await draft("house/prop_big_screen", "60000.00 USD");

  const asked = await client.ok("negotiate", { quotes: [{ quote_id: quote, ask: "Reduce the CPM by 20%" }] });
  expect(asked.string("negotiations", 0, "status"), asked.text).toBe("countered");
  // The seller gives less than was asked, and what counts is the price it came to.
  expect(asked.string("negotiations", 0, "why")).toMatch(
    /was 38\.00 USD.* is 34\.96 USD.*the seller calls it done in part/,
  );

  const firm = await client.ok("negotiate", { quotes: [{ quote_id: quote }], move: "firm" });
  expect(firm.string("negotiations", 0, "status"), firm.text).toBe("agreed");
  expect(firm.text).toMatch(/the seller committed itself until \d{4}-\d\d-\d\dT\d\d:\d\d UTC/);
  expect(times(seller, "create_media_buy")).toBe(0);

  const bought = await client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  expect(client.questions.at(-1)).toMatch(/34\.96 USD CPM/);
  expect(client.questions.at(-1)).toMatch(
    /accepting insertion order io_prop_big_screen \(http:\/\/127\.0\.0\.1:\d+\/desk\/io_prop_big_screen, the seller's page\)/,
  );
  expect(bought.string("status"), bought.text).toBe("booked");
  expect(seller.buys().map(({ packages }) => packages)).toEqual([
    [{ product: "outdoor_ctv_q2_guaranteed", budget: 60_000, bid: null }],
  ]);
  const [sent] = seller.asked().filter(({ task }) => task === "create_media_buy");
  expect(sent?.args).toMatchObject({
    proposal_id: "prop_big_screen",
    total_budget: { amount: 60_000, currency: "USD" },
    io_acceptance: { io_id: "io_prop_big_screen", signatory: expect.stringMatching(/./) },
  });
  expect(sent?.args).not.toHaveProperty("packages");
});

test("a proposal that the seller's people have to look at is firm once they have, and not before", async () => {
  const quote = await draft("byhand/prop_trail_mix", "60000.00 USD", both);
  const early = await client.ok("negotiate", { quotes: [{ quote_id: quote }], move: "firm" });
  expect(early.string("negotiations", 0, "status"), early.text).toBe("failed");
  expect(early.text).toContain("The people of byhand look at it first, and nothing is agreed yet: ask again later.");
  expect(early.string("negotiations", 0, "seller_said")).toBe("Our desk checks the avails.");
  await byHand.sign();
  const firm = await client.ok("negotiate", { quotes: [{ quote_id: quote }], move: "firm" });
  expect(firm.string("negotiations", 0, "status"), firm.text).toBe("agreed");
  const bought = await client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  expect(bought.string("status"), bought.text).toBe("booked");
  expect(byHand.buys()[0]?.packages.map(({ budget }) => budget)).toEqual([36_000, 24_000]);
});

test("a seller reached over A2A is negotiated with over A2A, in words and to a firm price", async () => {
  verifies("negotiation.over_a2a");
  const quote = await draft("wired/prop_big_screen", "60000.00 USD");
  const asked = await client.ok("negotiate", { quotes: [{ quote_id: quote, ask: "Reduce the CPM by 5%" }] });
  expect(asked.string("negotiations", 0, "why"), asked.text).toMatch(/was 38\.00 USD.* is 36\.10 USD/);
  const firm = await client.ok("negotiate", { quotes: [{ quote_id: quote }], move: "firm" });
  expect(firm.string("negotiations", 0, "status"), firm.text).toBe("agreed");
  const bought = await client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  expect(client.questions.at(-1)).toMatch(/36\.10 USD CPM/);
  expect(bought.string("status"), bought.text).toBe("booked");
  // All of it went over that carrier: each wish is a message of A2A's.
  const messages = overA2a.sandbox.requests("streamhaus").filter(({ body }) => body.includes('"refine"'));
  expect(messages.length).toBeGreaterThan(1);
  expect(messages.every(({ body }) => /"method":"(SendMessage|message\/send)"/.test(body))).toBe(true);
});

test("products at published prices cannot be made firm, and are asked about one by one", async () => {
  const quote = await draft("house/sports_preroll_q2_guaranteed", "30000.00 USD", both);
  const firm = await client.ok("negotiate", { quotes: [{ quote_id: quote }], move: "firm" });
  expect(firm.text).toMatch(/only a proposal can be made firm\. Nothing was booked\./);
  const asked = await client.ok("negotiate", { quotes: [{ quote_id: quote, ask: "Please 3% less" }] });
  expect(asked.string("negotiations", 0, "why"), asked.text).toMatch(/was 24\.00 USD.* is 23\.28 USD/);
  const bought = await client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  expect(client.questions.at(-1)).toMatch(/23\.28 USD CPM/);
  expect(bought.string("status"), bought.text).toBe("awaiting_seller");
  await seller.sign();
  const told = await client.ok("get_media_buys", { ids: [quote], refresh: true });
  expect(told.string("media_buys", 0, "status"), told.text).toBe("booked");
});

test("every request of these stories is valid", () => {
  const edition = whyNoSchemas("3.1") === null ? "3.1" : "3.0";
  const { count, wrong } = checkedRequests([seller, byHand, overA2a], edition);
  expect(wrong).toEqual([]);
  expect(count).toBeGreaterThan(0);
});
