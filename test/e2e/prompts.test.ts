import { afterAll, beforeAll, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { approving, at, type Connection, type Reply } from "./client.ts";
import { quoteFrom, startDesk, type TestDesk } from "./fixtures.ts";

/** Each prompt of a planner's week, followed call by call: what it tells a model to read must be there to be read. */
const campaign = "Acme Q1";
let desk: TestDesk;
let client: Connection;
let quotes: readonly string[];
let booked: Reply;
beforeAll(async () => {
  desk = await startDesk();
  client = await desk.connect({ person: approving });
  quotes = [
    await quoteFrom(client, { campaign, impressions: 900_000 }),
    await quoteFrom(client, { campaign, impressions: 800_000, product: "harborview/prod-a31c6f02", deal_type: "PD" }),
    await quoteFrom(client, { campaign, impressions: 700_000, product: "northbeam/prod-c642fc9b", deal_type: "PD" }),
  ];
  const [sports = ""] = quotes;
  booked = await client.ok("create_media_buy", { lines: [{ quote_id: sports }], campaign, po_number: "PO-4711" });
});
afterAll(() => desk.close());

/** The tools that a prompt, filled in by a client, tells a model to call, in their order. */
async function callsOf(name: string, given: Record<string, string>): Promise<readonly string[]> {
  const { messages } = await client.sdk.client.getPrompt({ name, arguments: given });
  const text = String(at(messages, 0, "content", "text"));
  for (const value of Object.values(given)) expect(text).toContain(value);
  expect(text).not.toContain("(not given");
  return [...text.matchAll(/\bcall (\w+)/gi)].map(([, tool = ""]) => tool);
}

test("compare_sellers: the comparison it shows has an order, a reason and an expiry for each offer", async () => {
  verifies("tool.prompts", "tool.compare_quotes");
  const calls = await callsOf("compare_sellers", { need: "radio or display", budget: "10000 USD", campaign });
  expect(calls).toEqual(["discover_sellers", "get_media_kit", "request_quote", "compare_quotes"]);
  const reply = await client.ok("compare_quotes", { quotes: quotes.slice(1), formats: ["display"] });
  for (const one of reply.list("ranked")) {
    for (const key of ["quote_id", "why", "effective_cpm"]) expect(reply.text).toContain(String(at(one, key)));
    expect(reply.text).toContain(String(at(one, "expires_at")).slice(0, 16));
  }
});

test("explain_approval: what is asked, how its price came about, and its weeks; it decides nothing", async () => {
  verifies("tool.prompts", "tool.media_plan");
  const [, radio = ""] = quotes;
  const alone = await desk.connect();
  const waiting = await alone.ok("create_media_buy", { lines: [{ quote_id: radio }], campaign });
  const approvalId = waiting.string("approval", "approval_id");
  expect(await callsOf("explain_approval", { approval_id: approvalId })).toEqual([
    ...["approve", "get_inbox", "get_history", "get_media_buys"],
  ]);
  const asked = await alone.ok("approve", { approval_id: approvalId, wait_s: 0 });
  expect(asked.string("status")).toBe("awaiting_approval");
  expect(asked.text).toContain(waiting.string("approval", "short_code"));
  expect((await alone.ok("get_history", { media_buy_id: radio })).text).toContain("quoted");
  const plan = await alone.ok("get_media_buys", { plan: true, ids: [approvalId] });
  expect(plan.at("plan", 0, "total")).toBe(waiting.at("approval", "total"));
});

test("review_pacing: what is delivered, what was planned by then, and what may be done", async () => {
  verifies("tool.prompts", "tool.media_plan");
  const calls = await callsOf("review_pacing", { campaign, as_of: "2027-01-15" });
  expect(calls).toEqual(["get_delivery", "get_media_buys", "update_media_buy"]);
  const delivery = await client.ok("get_delivery", { campaign, daily: true });
  const id = booked.string("media_buys", 0, "media_buy_id");
  expect(delivery.list("deliveries").map((one) => at(one, "media_buy_id"))).toEqual([id]);
  expect(delivery.text).toMatch(/pac/i);
  const plan = await client.ok("get_media_buys", { campaign, plan: true });
  const rows = plan.list("plan", 0, "rows").filter((row) => at(row, "media_buy_id") === id);
  expect(rows).toHaveLength(1);
  expect(at(rows[0], "total")).toBe(booked.at("media_buys", 0, "total"));
});

test("prepare_io: every figure and id of the order is in the answers it reads", async () => {
  verifies("tool.prompts", "tool.media_plan");
  const calls = await callsOf("prepare_io", { campaign, agency: "Example Media, Main Street 1", po_number: "PO-4711" });
  expect(calls).toEqual(["get_media_buys", "get_history"]);
  const id = booked.string("media_buys", 0, "media_buy_id");
  const buys = await client.ok("get_media_buys", { campaign });
  for (const fact of [
    id,
    booked.string("media_buys", 0, "packages", 0, "deal_id"),
    booked.string("media_buys", 0, "order_id"),
    booked.string("media_buys", 0, "total"),
  ])
    expect(buys.text).toContain(fact);
  expect(buys.text).toMatch(new RegExp(`${id}: \\d+ \\w{3} .* \\d{4}; purchase order PO-4711; .*cancelling: \\S`));
  const history = await client.ok("get_history", { media_buy_id: id });
  expect(history.text).toMatch(/approved by e2e 1\.0\.0 user/);
});

test("plan_a_buy: compared and seen by week before anybody is asked to buy", async () => {
  verifies("tool.prompts", "tool.media_plan");
  const calls = await callsOf("plan_a_buy", { brief: "CTV sports, 50,000 USD", campaign });
  expect(calls.slice(-4)).toEqual([...["compare_quotes", "get_media_buys", "create_media_buy", "approve"]]);
  expect(calls).toContain("request_quote");
});

test("plan_a_campaign: the inbox, the campaign, its weeks, the person, in this order", async () => {
  expect(await callsOf("plan_a_campaign", { brief: "CTV and radio, 50,000 USD net" })).toEqual([
    ...["get_inbox", "plan_campaign", "get_media_buys", "approve"],
  ]);
});
