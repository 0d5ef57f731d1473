import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { approving, type Connection } from "./client.ts";
import { flight, startDesk, type TestDesk } from "./fixtures.ts";

/** Own terms put to an IAB seller, from the proposal to the booked deal, over a real MCP client. */

let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  desk = await startDesk({
    sandbox: { sellers: ["northbeam", "harborview"], gapMs: 0 },
    config: (standard) => ({ ...standard, booking: { settle_after_s: 1, follow_every_s: 1 } }),
  });
  client = await desk.connect({ person: approving });
});
afterAll(() => desk.close());
beforeEach(() => desk.sandbox.clearRequests());

const sports = "northbeam/prod-53e78a97";
let asked = 0;

/** Puts a price for the sports product, whose floor is 28 and list price 35 USD, in a volume of its own. */
async function put(offer: string, change: Record<string, unknown> = {}, over = client) {
  asked += 1;
  const item = { product: sports, flight: flight(), impressions: 1_000_000 + asked, deal_type: "PG", offer_cpm: offer };
  return over.ok("request_quote", { items: [{ ...item, ...change }] });
}

const targets = (method: string) =>
  desk.sandbox.requests("northbeam").flatMap((one) => (one.method === method ? [one.target] : []));

test("accepted terms have a quote at that price, by which the deal is made", async () => {
  verifies("proposal.submit", "proposal.accepted", "proposal.deal");
  const quoted = await put("28.50 USD");
  expect(quoted.string("quotes", 0, "cpm"), quoted.text).toBe("28.50 USD");
  expect(quoted.at("quotes", 0, "proposal", "status")).toBe("agreed");
  expect(quoted.text).toMatch(
    /agreed to 28\.50 USD \(proposal prop-\w+\); it makes no deals of proposals, so the deal is made of this quote/,
  );
  const sent = desk.sandbox.requests("northbeam").find(({ target }) => target === "/proposals");
  expect(JSON.parse(sent?.body ?? "")).toMatchObject({
    ...{ product_id: "prod-53e78a97", deal_type: "programmaticguaranteed", price: 28.5, impressions: 1_000_001 },
    ...{ start_date: flight().start, end_date: flight().end, advertiser_id: "adv-1" },
  });

  const ref = quoted.string("quotes", 0, "quote_id");
  const bought = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
  expect(bought.string("status"), bought.text).toBe("booked");
  expect(client.questions.at(-1)).toContain("28.50 USD CPM");
  expect(desk.sandbox.deals("northbeam", ref.split("/")[1]).map(({ cpm_micros: cpm }) => cpm)).toEqual([28_500_000]);
  expect(targets("POST")).not.toContain("/deals");
});
