import { expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { rawSeller, requestsAreValid, story, times } from "./adcp-sellers.ts";
import { flight } from "./fixtures.ts";

/** Proposals of a seller: a draft, asked in words to cost less, made firm, and bought under its insertion order. */

const on = story({
  house: (id) => rawSeller(id, "streamhaus"),
  byhand: (id) => rawSeller(id, "streamhaus", "finalize-by-hand"),
  wired: (id) => rawSeller(id, "streamhaus", "a2a-only"),
});

const outdoor = "outdoor ctv, sixty thousand dollars";
const both = "sports preroll and outdoor ctv";

async function draft(product: string, budget: string, brief = outdoor): Promise<string> {
  const reply = await on.client.ok("request_quote", { items: [{ product, flight: flight(), budget, brief }] });
  return reply.string("quotes", 0, "quote_id");
}

test("a draft is asked in words to cost less, is made firm, and is bought under its insertion order", async () => {
  verifies("adcp.products.brief");
  const kit = await on.client.ok("get_media_kit", { sellers: ["house"], brief: outdoor });
  expect(kit.text).toMatch(/house\/prop_big_screen “Big Screen Only”: 100 % outdoor_ctv_q2_guaranteed.*a draft/);
  const quote = await draft("house/prop_big_screen", "60000.00 USD");

  const asked = await on.client.ok("negotiate", { quotes: [{ quote_id: quote, ask: "Reduce the CPM by 20%" }] });
  expect(asked.string("negotiations", 0, "status"), asked.text).toBe("countered");
  // The seller gives less than was asked, and what counts is the price it came to.
  expect(asked.string("negotiations", 0, "why")).toMatch(
    /was 38\.00 USD.* is 34\.96 USD.*the seller calls it done in part/,
  );

  const firm = await on.client.ok("negotiate", { quotes: [{ quote_id: quote }], move: "firm" });
  expect(firm.string("negotiations", 0, "status"), firm.text).toBe("agreed");
  expect(firm.text).toMatch(/the seller committed itself until \d{4}-\d\d-\d\dT\d\d:\d\d UTC/);
  expect(times(on.seller("house"), "create_media_buy")).toBe(0);

  const bought = await on.client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  expect(on.client.questions.at(-1)).toMatch(/34\.96 USD CPM/);
  expect(on.client.questions.at(-1)).toMatch(
    /accepting insertion order io_prop_big_screen \(http:\/\/127\.0\.0\.1:\d+\/desk\/io_prop_big_screen, the seller's page\)/,
  );
  expect(bought.string("status"), bought.text).toBe("booked");
  expect(
    on
      .seller("house")
      .buys()
      .map(({ packages }) => packages),
  ).toEqual([[{ product: "outdoor_ctv_q2_guaranteed", budget: 60_000, bid: null }]]);
  const [sent] = on
    .seller("house")
    .asked()
    .filter(({ task }) => task === "create_media_buy");
  expect(sent?.args).toMatchObject({
    proposal_id: "prop_big_screen",
    total_budget: { amount: 60_000, currency: "USD" },
    io_acceptance: { io_id: "io_prop_big_screen", signatory: expect.stringMatching(/./) },
  });
  expect(sent?.args).not.toHaveProperty("packages");
});

test("a proposal that the seller's people have to look at is firm once they have, and not before", async () => {
  const quote = await draft("byhand/prop_trail_mix", "60000.00 USD", both);
  const early = await on.client.ok("negotiate", { quotes: [{ quote_id: quote }], move: "firm" });
  expect(early.string("negotiations", 0, "status"), early.text).toBe("failed");
  expect(early.text).toContain("The people of byhand look at it first, and nothing is agreed yet: ask again later.");
  expect(early.string("negotiations", 0, "seller_said")).toBe("Our desk checks the avails.");
  await on.seller("byhand").sign();
  const firm = await on.client.ok("negotiate", { quotes: [{ quote_id: quote }], move: "firm" });
  expect(firm.string("negotiations", 0, "status"), firm.text).toBe("agreed");
  const bought = await on.client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  expect(bought.string("status"), bought.text).toBe("booked");
  expect(
    on
      .seller("byhand")
      .buys()[0]
      ?.packages.map(({ budget }) => budget),
  ).toEqual([36_000, 24_000]);
});

test("a seller reached over A2A is negotiated with over A2A, in words and to a firm price", async () => {
  verifies("negotiation.over_a2a");
  const quote = await draft("wired/prop_big_screen", "60000.00 USD");
  const asked = await on.client.ok("negotiate", { quotes: [{ quote_id: quote, ask: "Reduce the CPM by 5%" }] });
  expect(asked.string("negotiations", 0, "why"), asked.text).toMatch(/was 38\.00 USD.* is 36\.10 USD/);
  const firm = await on.client.ok("negotiate", { quotes: [{ quote_id: quote }], move: "firm" });
  expect(firm.string("negotiations", 0, "status"), firm.text).toBe("agreed");
  const bought = await on.client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  expect(on.client.questions.at(-1)).toMatch(/36\.10 USD CPM/);
  expect(bought.string("status"), bought.text).toBe("booked");
  // All of it went over that carrier: each wish is a message of A2A's.
  const messages = on
    .seller("wired")
    .sandbox.requests("streamhaus")
    .filter(({ body }) => body.includes('"refine"'));
  expect(messages.length).toBeGreaterThan(1);
  expect(messages.every(({ body }) => /"method":"(SendMessage|message\/send)"/.test(body))).toBe(true);
});

test("products at published prices cannot be made firm, and are asked about one by one", async () => {
  const quote = await draft("house/sports_preroll_q2_guaranteed", "30000.00 USD", both);
  const firm = await on.client.ok("negotiate", { quotes: [{ quote_id: quote }], move: "firm" });
  expect(firm.text).toMatch(/only a proposal can be made firm\. Nothing was booked\./);
  const asked = await on.client.ok("negotiate", { quotes: [{ quote_id: quote, ask: "Please 3% less" }] });
  expect(asked.string("negotiations", 0, "why"), asked.text).toMatch(/was 24\.00 USD.* is 23\.28 USD/);
  const bought = await on.client.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  expect(on.client.questions.at(-1)).toMatch(/23\.28 USD CPM/);
  expect(bought.string("status"), bought.text).toBe("awaiting_seller");
  await on.seller("house").sign();
  const told = await on.client.ok("get_media_buys", { ids: [quote], refresh: true });
  expect(told.string("media_buys", 0, "status"), told.text).toBe("booked");
});

requestsAreValid(on.asked, { "3.0": 0, "3.1": 30 }, "create_media_buy");
