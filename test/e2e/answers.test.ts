import process from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { approving, at, type Connection, rejecting } from "./client.ts";
import { dealsOf, flight, quoteFrom, startDesk, type TestDesk } from "./fixtures.ts";

let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  desk = await startDesk();
  client = await desk.connect({ person: approving });
});
afterAll(() => desk.close());

describe("the same question again", () => {
  test("the same item while its quote is open brings the same quote back, also in another process", async () => {
    verifies("tool.same_item_same_quote");
    const other = await desk.spawn();
    const item = { product: "northbeam/prod-2b6d04e1", flight: flight(), impressions: 500_000, deal_type: "PD" };
    desk.sandbox.clearRequests();
    const replies = [
      await client.ok("request_quote", { items: [item] }),
      await client.ok("request_quote", { items: [item] }),
      await other.ok("request_quote", { items: [item] }),
    ];
    expect(new Set(replies.map((reply) => reply.string("quotes", 0, "quote_id"))).size).toBe(1);
    const asked = desk.sandbox
      .requests("northbeam")
      .filter(({ method, target }) => method === "POST" && /quotes/.test(target));
    expect(asked.length).toBe(1);
    const dearer = await client.ok("request_quote", { items: [{ ...item, impressions: 500_001 }] });
    expect(dearer.string("quotes", 0, "quote_id")).not.toBe(replies[0]?.string("quotes", 0, "quote_id"));
  });

  test("buying a booked quote again answers with its buy, and asks nobody", async () => {
    verifies("quote.status_booked", "promise.spent_once", "order.status_draft");
    const quoteId = await quoteFrom(client, { impressions: 310_000 });
    const buy = () => client.ok("create_media_buy", { lines: [{ quote_id: quoteId }], po_number: "PO-1" });
    const first = await buy();
    expect(first.at("status"), first.text).toBe("booked");
    expect(first.at("media_buys", 0, "order_status")).toBe("draft");
    const asked = client.questions.length;
    const again = await buy();
    expect(again.at("media_buys")).toEqual(first.at("media_buys"));
    const changed = await client.ok("create_media_buy", { lines: [{ quote_id: quoteId }], po_number: "PO-2" });
    expect(changed.at("media_buys")).toEqual(first.at("media_buys"));
    expect(client.questions.length).toBe(asked);
    expect(dealsOf(desk, quoteId)).toBe(1);
  });

  test("the same line twice in one call is bought once", async () => {
    verifies("promise.spent_once");
    const quoteId = await quoteFrom(client, { impressions: 311_000 });
    const reply = await client.call("create_media_buy", { lines: [{ quote_id: quoteId }, { quote_id: quoteId }] });
    if (reply.isError) expect(reply.text).toMatch(/^invalid_arguments: /);
    else expect(reply.list("media_buys").length).toBe(1);
    expect(dealsOf(desk, quoteId)).toBe(reply.isError ? 0 : 1);
  });
});

describe("a booked buy", () => {
  test("is cancelled once, verified at the seller, and its money is given back to the day", async () => {
    verifies("tool.update_media_buy.cancel");
    const quoteId = await quoteFrom(client, { impressions: 320_000 });
    const committed = async () => (await client.ok("get_inbox")).at("mandate", "committed_today");
    const before = await committed();
    const booked = await client.ok("create_media_buy", { lines: [{ quote_id: quoteId }] });
    const dealId = booked.string("media_buys", 0, "packages", 0, "deal_id");
    const cancel = (id: string) => client.ok("update_media_buy", { media_buy_id: id, action: "cancel" });
    const cancelled = await cancel(quoteId);
    expect(cancelled.at("media_buy", "status")).toBe("cancelled");
    expect(await committed()).toBe(before);
    expect(desk.sandbox.deals("northbeam", quoteId.split("/")[1])).toMatchObject([{ status: "cancelled" }]);
    const again = await cancel(`northbeam/${dealId}`);
    expect(again.at("media_buy", "status")).toBe("cancelled");
    const listed = await client.ok("get_media_buys", { ids: [`northbeam/${dealId}`] });
    expect(listed.at("media_buys", 0, "media_buy_id")).toBe(quoteId);
  });

  test("has its history, by buy, deal, flow and campaign, with what, when, who and why", async () => {
    verifies("events.by_deal", "events.by_flow", "events.query", "events.what_when_why", "events.booking");
    verifies("events.negotiation_round", "tool.campaign_label");
    const campaign = "History";
    const quoteId = await quoteFrom(client, { impressions: 330_000, campaign });
    await client.ok("negotiate", { quotes: [{ quote_id: quoteId, target_cpm: "28.00 USD" }] });
    const booked = await client.ok("create_media_buy", { lines: [{ quote_id: quoteId }], campaign });
    const dealId = booked.string("media_buys", 0, "packages", 0, "deal_id");
    const flowId = booked.string("media_buys", 0, "flow_id");

    const kinds = (events: readonly unknown[]) => events.map((event) => at(event, "kind"));
    const byDeal = await client.ok("get_history", { deal_id: `northbeam/${dealId}` });
    const byBuy = await client.ok("get_history", { media_buy_id: quoteId });
    expect(byDeal.at("events")).toEqual(byBuy.at("events"));
    const ofBuy = kinds(byBuy.list("events"));
    const asked = ["approval_opened", "approval_requested", "approval_asked", "approval_decided"];
    expect(ofBuy.filter((kind, index) => kind !== ofBuy[index - 1])).toEqual([
      ...["quoted", "negotiation_round", "negotiation_ended"],
      ...asked,
      "booking_started",
      "send_claimed",
      "booking_confirmed",
      "order_placed",
    ]);

    const byFlow = await client.ok("get_history", { flow_id: flowId, limit: 200 });
    expect(kinds(byFlow.list("events"))).toEqual(expect.arrayContaining(["approval_decided", "reserved"]));
    const byCampaign = await client.ok("get_history", { campaign, limit: 200 });
    expect(byCampaign.at("events")).toEqual(byFlow.at("events"));
    expect(byCampaign.text).toContain("APPROVED by e2e 1.0.0 user (form, word of the client)");
    expect(byCampaign.text).toContain("asked by local");
    expect(byCampaign.text).toMatch(/we offered 28\.00 USD, the seller \w+ at \d+\.\d\d USD/);

    const only = await client.ok("get_history", { campaign, kind: "booking_confirmed" });
    expect(only.list("events").length).toBeGreaterThan(0);
    expect(only.text).toContain(`deal ${dealId}`);
    const later = await client.ok("get_history", { campaign, since: "2999-01-01" });
    expect(later.text).toContain("Nothing is recorded for that.");
  });

  test("is paged through by cursor, each event once", async () => {
    verifies("events.query");
    const all = await client.ok("get_history", { limit: 200 });
    const seen: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.ok("get_history", { limit: 7, ...(cursor ? { cursor } : {}) });
      seen.push(...page.list("events"));
      cursor = page.at("next_cursor") === undefined ? undefined : page.string("next_cursor");
    } while (cursor !== undefined);
    expect(seen).toEqual(expect.arrayContaining([...all.list("events")]));
    expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(seen.length);
  });
});

test("a campaign's label finds its buys and nobody else's, and carries over a new conversation", async () => {
  verifies("tool.campaign_label", "session.continues", "tool.get_media_buys", "tool.get_inbox");
  const mine = await quoteFrom(client, { impressions: 341_000, campaign: "Label A" });
  const open = await quoteFrom(client, { impressions: 342_000, campaign: "Label A" });
  const theirs = await quoteFrom(client, { impressions: 343_000, campaign: "Label B" });
  for (const quoteId of [mine, theirs]) await client.ok("create_media_buy", { lines: [{ quote_id: quoteId }] });

  const fresh = await desk.connect();
  const ofA = await fresh.ok("get_media_buys", { campaign: "Label A" });
  expect(ofA.list("media_buys").length).toBe(1);
  expect(ofA.string("media_buys", 0, "media_buy_id")).toBe(mine);
  expect((await fresh.ok("get_media_buys", { campaign: "Label C" })).text).toContain("No media buy matches.");
  const booked = await fresh.ok("get_media_buys", { status: ["booked"], campaign: "Label B" });
  expect(booked.string("media_buys", 0, "media_buy_id")).toBe(theirs);

  const inbox = await fresh.ok("get_inbox");
  expect(inbox.list("open_quotes")).toContainEqual(expect.objectContaining({ quote_id: open, campaign: "Label A" }));
  expect(inbox.at("mandate", "per_buy")).toBe("250000.00 USD");
  expect(inbox.at("principal")).toBe("local");
});

test("a rejected line can be asked for again, and a fresh decision books it", async () => {
  verifies("approval.reject");
  const strict = await desk.connect({ person: rejecting });
  const quoteId = await quoteFrom(client, { impressions: 351_000 });
  const refused = await strict.ok("create_media_buy", { lines: [{ quote_id: quoteId }] });
  expect(refused.at("status"), refused.text).toBe("rejected");
  const accepted = await client.ok("create_media_buy", { lines: [{ quote_id: quoteId }] });
  expect(accepted.at("status"), accepted.text).toBe("booked");
  expect(accepted.at("approval", "approval_id")).not.toBe(refused.at("approval", "approval_id"));
  expect(dealsOf(desk, quoteId)).toBe(1);
});

describe("a quote", () => {
  test("by budget buys what the budget pays for, and says what is free, why it is ranked, and what is not honoured", async () => {
    verifies("quote.request.by_budget", "avails.before_recommending", "multi_seller.price_comparison");
    verifies("tool.request_quote.not_honoured", "money.cpm_times_impressions");
    const targeting = { geo: ["US"], audience: ["A25-54"] };
    const items = [
      { product: "northbeam/prod-53e78a97", flight: flight(), budget: "50000 USD", deal_type: "PG", targeting },
      { product: "harborview/prod-a31c6f02", flight: flight(), budget: "20000.00 USD", deal_type: "PG" },
    ];
    const reply = await client.ok("request_quote", { items, campaign: "Ranked" });
    expect(reply.list("quotes").map((one) => [at(one, "rank"), at(one, "product"), at(one, "cpm")])).toEqual([
      [1, "harborview/prod-a31c6f02", "13.50 USD"],
      [2, "northbeam/prod-53e78a97", "29.75 USD"],
    ]);
    for (const one of reply.list("quotes")) {
      expect(String(at(one, "why"))).not.toBe("");
      expect(Number(at(one, "available"))).toBeGreaterThanOrEqual(Number(at(one, "impressions")));
    }
    // 50,000 / 29.75 pays for 1,680,672.27; 1,680,672 x 29.75 / 1,000 is 49,999.992 before it is rounded.
    expect(reply.at("quotes", 1)).toMatchObject({
      impressions: 1_680_672,
      total: "49999.99 USD",
      not_honoured: ["geo", "audience"],
    });
    expect(reply.text).toContain("will not honour geo, audience");
    await client.ok("create_media_buy", { lines: [{ quote_id: reply.string("quotes", 1, "quote_id") }] });
    expect(client.questions.at(-1)).toContain("Not honoured by the seller: geo, audience");
  });

  test("that takes longer than the call waits is collected by the same call, and asked for once", async () => {
    verifies("tool.collects_late_work");
    const item = { product: "northbeam/prod-7c19f3a0", flight: flight(), impressions: 612_000, deal_type: "PD" };
    const ask = () => client.ok("request_quote", { items: [item], deadline_s: 1 });
    await client.ok("get_media_kit", { sellers: ["northbeam"] });
    desk.sandbox.clearRequests();
    desk.sandbox.fault("northbeam", { kind: "slow", operation: "quote", uses: 1, ms: 2_000 });
    const early = await ask();
    expect(early.at("failed", 0)).toMatchObject({ code: "seller_unavailable", recovery: "wait" });
    await expect.poll(async () => (await ask()).list("quotes").length, { timeout: 15_000 }).toBe(1);
    desk.sandbox.clearFaults();
    const asked = desk.sandbox
      .requests("northbeam")
      .filter(({ method, operation }) => method === "POST" && operation === "quote");
    expect(asked.length).toBe(1);
  });
});

test("an approval that nobody answers expires, and then books nothing", async () => {
  verifies("approval.times_out");
  // An approval ends two minutes before its quote does.
  const brief = await startDesk({ sandbox: { quoteTtlMs: 123_500 } });
  try {
    const [formless, late] = await Promise.all([brief.connect(), brief.connect({ person: approving })]);
    const quoteId = await quoteFrom(formless);
    const asked = await formless.ok("create_media_buy", { lines: [{ quote_id: quoteId }] });
    expect(asked.at("status"), asked.text).toBe("awaiting_approval");
    const approvalId = asked.string("approval", "approval_id");
    const expiresAt = Date.parse(asked.string("approval", "expires_at"));
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, expiresAt - Date.now()) + 100));
    const answered = await late.ok("approve", { approval_id: approvalId });
    expect(answered.at("status"), answered.text).toBe("expired");
    expect(answered.at("nothing_booked")).toBe(true);
    expect(late.questions).toEqual([]);
    expect((await formless.ok("get_inbox")).at("approvals")).toEqual([]);
    expect(dealsOf(brief, quoteId)).toBe(0);
  } finally {
    await brief.close();
  }
});

test("quotes, approvals and buys outlive processes that were killed", async () => {
  verifies("media_buy.persisted");
  const [doomed, formless] = await Promise.all([desk.spawn({ person: approving }), desk.spawn()]);
  const bought = await quoteFrom(doomed, { impressions: 361_000 });
  const open = await quoteFrom(doomed, { impressions: 362_000 });
  const asked = await quoteFrom(doomed, { impressions: 363_000 });
  await doomed.ok("create_media_buy", { lines: [{ quote_id: bought }] });
  const waiting = await formless.ok("create_media_buy", { lines: [{ quote_id: asked }] });
  for (const { pid } of [doomed, formless]) process.kill(pid, "SIGKILL");
  const fresh = await desk.connect();
  const inbox = await fresh.ok("get_inbox");
  expect(inbox.list("open_quotes")).toContainEqual(expect.objectContaining({ quote_id: open }));
  expect(inbox.list("recent")).toContainEqual(expect.objectContaining({ media_buy_id: bought, status: "booked" }));
  const approval = waiting.string("approval", "approval_id");
  expect(inbox.list("approvals")).toContainEqual(expect.objectContaining({ approval_id: approval, lines: [asked] }));
});
