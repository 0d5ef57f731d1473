import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { verifies } from "../requirements.ts";
import { adcpDesk, rawSeller, type RawSeller } from "./adcp-sellers.ts";
import { at, type Connection, type Reply } from "./client.ts";
import { flight, quoteFrom, startDesk, type TestDesk } from "./fixtures.ts";

// The AdCP desk has a seller of its own to start.
vi.setConfig({ testTimeout: 60_000 });

/** Comparing quotes as a planner does: through an MCP client, over sellers of several makes. */
let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  desk = await startDesk();
  client = await desk.connect();
});
afterAll(() => desk.close());

const ids = (reply: Reply, list: "ranked" | "apart") => reply.list(list).map((one) => at(one, "quote_id"));

test("quotes of several sellers are ranked with a reason each, and what cannot be compared is listed with why", async () => {
  verifies("tool.compare_quotes", "multi_seller.normalised_quotes", "compare.price");
  const campaign = "Compared";
  const sports = await quoteFrom(client, { campaign, impressions: 400_000 });
  const radio = await quoteFrom(client, { product: "harborview/prod-a31c6f02", campaign, deal_type: "PD" });
  const first = await quoteFrom(client, { product: "northbeam/prod-c642fc9b", campaign, deal_type: "PD" });
  const renewed = await client.ok("request_quote", { quote_ids: [first] });
  const display = renewed.string("quotes", 0, "quote_id");
  const other = await quoteFrom(client, { impressions: 410_000 });

  const all = await client.ok("compare_quotes", { campaign });
  expect(ids(all, "ranked").toSorted()).toEqual([sports, radio, display].toSorted());
  expect(all.at("ranked", 0)).toMatchObject({ rank: 1, score: "100.00", why: expect.stringMatching(/CPM/) });
  const scores = all.list("ranked").map((one) => Number(at(one, "score")));
  expect(scores).toEqual(scores.toSorted((left, right) => right - left));
  for (const one of all.list("ranked")) expect(all.text).toContain(`: ${String(at(one, "why"))}`);

  const named = await client.ok("compare_quotes", { quotes: [other, first, sports] });
  expect(ids(named, "ranked").toSorted()).toEqual([other, sports].toSorted());
  expect(named.list("apart")).toEqual([{ quote_id: first, why: `replaced by ${display}` }]);
  expect(named.text).toContain(`Not compared:\nquote_id | why\n${first} | replaced by ${display}`);
  expect((await client.call("compare_quotes", { quotes: ["northbeam/qt-nothing"] })).text).toMatch(/^unknown_quote: /);
});

test("a price that was negotiated is the one that is compared", async () => {
  verifies("compare.negotiated_price", "compare.negotiability");
  // As the advertiser is shown for a guaranteed deal, this seller negotiates; its kit for the seat says that it does not.
  const quoteId = await quoteFrom(client, { impressions: 430_000 });
  const before = await client.ok("compare_quotes", { quotes: [quoteId] });
  expect(before.string("ranked", 0, "why")).toContain("still negotiable -3 %");
  const asked = { quote_id: quoteId, target_cpm: "28.00 USD", max_cpm: "29.70 USD" };
  const agreed = await client.ok("negotiate", { quotes: [asked] });
  expect(agreed.string("negotiations", 0, "status"), agreed.text).toBe("agreed");
  const after = await client.ok("compare_quotes", { quotes: [quoteId] });
  expect(after.string("ranked", 0, "effective_cpm")).toBe(agreed.string("negotiations", 0, "cpm"));
  expect(after.string("ranked", 0, "effective_cpm")).not.toBe(before.string("ranked", 0, "effective_cpm"));
  expect(after.string("ranked", 0, "why")).toContain(
    `negotiated down from ${before.string("ranked", 0, "effective_cpm")}`,
  );
  expect(after.string("ranked", 0, "why")).not.toContain("negotiable -");
});

test("a private auction and wanted formats count as they say", async () => {
  verifies("compare.format_fit");
  const product = "northbeam/prod-2b6d04e1";
  const fixed = await quoteFrom(client, { product, deal_type: "PD" });
  const auction = await quoteFrom(client, { product, deal_type: "PA" });
  const reply = await client.ok("compare_quotes", { quotes: [auction, fixed], formats: ["holographic"] });
  expect(ids(reply, "ranked")).toEqual([fixed, auction]);
  expect(reply.string("ranked", 1, "why")).toMatch(/an auction may be lost \+5 %.*assumes a private auction/);
  expect(reply.string("ranked", 0, "why")).toContain("takes no holographic +20 %");
});

test("a seller that is away costs its quote no more than what would have counted for it", async () => {
  const quoteId = await quoteFrom(client, { impressions: 440_000, deal_type: "PD" });
  desk.sandbox.fault("northbeam", { kind: "error-text", operation: "avails" });
  const reply = await client.ok("compare_quotes", { quotes: [quoteId] });
  desk.sandbox.clearFaults();
  expect(ids(reply, "ranked")).toEqual([quoteId]);
});

test("an AdCP auction is compared at what its seller says wins, and a product sold per view by what is known of it", async () => {
  verifies("multi_seller.normalised_quotes");
  const seller: RawSeller = await rawSeller("raw", "openbid");
  const adcp = await adcpDesk([seller]);
  try {
    const buyer = await adcp.connect();
    const item = { flight: flight(), budget: "20000.00 USD", max_bid: "30.00 USD" };
    const asked = await buyer.ok("request_quote", {
      items: [
        { ...item, product: "raw/sports_display_auction" },
        { ...item, product: "raw/outdoor_video_auction" },
      ],
    });
    const quotes = asked.list("quotes").map((one) => at(one, "quote_id"));
    expect(quotes, asked.text).toHaveLength(2);
    const reply = await buyer.ok("compare_quotes", { quotes });
    expect(reply.list("ranked"), reply.text).toHaveLength(2);
    for (const one of reply.list("ranked")) {
      expect(at(one, "assumes")).toContain("clears where half were won before");
      expect(Number.parseFloat(String(at(one, "effective_cpm")))).toBeLessThan(30);
    }
  } finally {
    await adcp.close();
    await seller.close();
  }
});
