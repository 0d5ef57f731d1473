import { afterEach, expect, test } from "vitest";
import { type Money, formatMoney, mulDiv, parseMoney } from "../../src/domain/money.ts";
import { verifies } from "../requirements.ts";
import { approving } from "./client.ts";
import { dealsOf, flight, startDesk, startSandboxDesk, type TestDesk } from "./fixtures.ts";
import { found, type Row, rowsOf, TextHost } from "./text-host.ts";

let desk: TestDesk | null = null;
afterEach(async () => {
  await desk?.close();
  desk = null;
});

/** The amount of a price in a table: it stands before what it is per. */
function cpmOf(row: Readonly<Record<string, string>> | undefined): string {
  return (row?.["price"] ?? "").replace(/ CPM$/, "");
}

/** A share of an amount, as a planner would have it worked out: whole cents. */
function share(amount: string, percent: bigint): string {
  const whole = parseMoney(amount);
  const cents = mulDiv(whole.micros, percent, 1_000_000n);
  const part: Money = { micros: cents * 10_000n, currency: whole.currency };
  return formatMoney(part);
}

test("without a config: brief to booked in six calls, with the text of the answers alone", async () => {
  verifies("workflow.end_to_end", "tool.text_suffices", "desk.no_seller_configured", "promise.sandbox_marked");
  verifies("deal.deal_id", "deal.activation", "order.from_deal", "negotiation.accepted");
  const mine = startSandboxDesk();
  desk = mine;
  const connection = await mine.spawn({ person: approving });
  const host = new TextHost(connection);
  const texts: string[] = [];
  const call = async (name: string, args: Record<string, unknown>) => {
    const text = await host.call(name, args);
    texts.push(text);
    return text;
  };

  const sellers = rowsOf(await call("discover_sellers", { channels: ["ctv"] }), "seller_id");
  const negotiating = sellers.filter((row) => row["can"]?.includes("negotiate")).map((row) => row["seller_id"] ?? "");
  const kit = rowsOf(
    await call("get_media_kit", { sellers: negotiating, channels: ["ctv"], max_cpm: "40.00 USD" }),
    "product",
  );
  const wanted = kit.find((row) => row["negotiable"]?.startsWith("yes") && row["deal types"]?.includes("PG"));
  const item = { product: wanted?.["product"], flight: flight(), budget: "50000 USD", deal_type: "PG" };
  const [quote] = rowsOf(await call("request_quote", { campaign: "Acme Q1", items: [item] }), "rank");
  const quoteId = quote?.["quote_id"] ?? "";
  const target = { quote_id: quoteId, target_cpm: share(cpmOf(quote), 90n), max_cpm: cpmOf(quote) };
  const [agreed] = rowsOf(await call("negotiate", { quotes: [target] }), "quote_id");
  expect(agreed?.["status"]).toBe("agreed");
  const bought = await call("create_media_buy", { lines: [{ quote_id: quoteId }], campaign: "Acme Q1" });
  const [buy] = rowsOf(bought, "media_buy_id");
  expect(buy?.["status"]).toBe("booked");
  expect(buy?.["price"]).toBe(agreed?.["price"]);
  expect(buy?.["total"]).toBe(agreed?.["total"]);
  expect(bought).toContain(`deal ID ${buy?.["deal_id"]}`);
  expect(buy?.["order_id"]).toMatch(/^ORD-/);

  const [seller = ""] = quoteId.split("/");
  const books: unknown = JSON.parse((await mine.run("sandbox", "deals", seller)).stdout);
  expect(books).toMatchObject({
    deals: [{ deal_id: buy?.["deal_id"], quote_id: quoteId.slice(seller.length + 1) }],
  });
  const inbox = await call("get_inbox", {});
  expect(inbox).toContain(buy?.["deal_id"]);
  expect(host.calls.length).toBe(6);
  for (const text of texts) expect(text).toMatch(/^\[sandbox: no real money, no real sellers\]/);
  expect(connection.questions).toHaveLength(1);
  expect(connection.questions[0]).toMatch(/^\[SANDBOX, no real money\] Approve /);
});

test("a host without forms gets the same by text: asked, decided elsewhere, collected", async () => {
  verifies("tool.text_suffices", "booking.poll", "tool.approve", "workflow.negotiation_skippable");
  const mine = await startDesk();
  desk = mine;
  const host = new TextHost(await mine.spawn());
  const elsewhere = await mine.spawn({ person: approving });
  const item = { product: "northbeam/prod-2b6d04e1", flight: flight(), impressions: 400_000, deal_type: "PD" };
  const [quote] = rowsOf(await host.call("request_quote", { items: [item] }), "rank");
  const quoteId = quote?.["quote_id"] ?? "";
  const waiting = await host.call("create_media_buy", { lines: [{ quote_id: quoteId }] });
  expect(waiting).toMatch(/awaiting_approval: /);
  expect(waiting).toMatch(/run in a terminal: .+ approve ap_\w+/);
  const approvalId = found(waiting, /approve \{approval_id: "(ap_\w+)", wait_s: 25\}/);
  const collecting = host.call("approve", { approval_id: approvalId, wait_s: 20 });
  await elsewhere.ok("approve", { approval_id: approvalId });
  const [buy] = rowsOf(await collecting, "media_buy_id");
  expect(buy).toMatchObject({
    media_buy_id: quoteId,
    status: "booked",
    price: quote?.["price"],
    total: quote?.["total"],
  });
  expect(dealsOf(mine, quoteId)).toBe(1);
});

test("a planner's week: five lines of three sellers, cut, renewed, decided once, found again on Friday", async () => {
  verifies("tool.planners_week", "flow.campaign.many_deals", "approval.approve_all", "session.continues");
  verifies("quote.many_at_once", "tool.request_quote.renews", "tool.create_media_buy.po_number");
  verifies("booking.over_rest", "tool.campaign_label");
  const mine = await startDesk();
  desk = mine;
  const connection = await mine.spawn({ person: approving });
  const host = new TextHost(connection);
  const campaign = "Acme spring";
  const plan = [
    { product: "northbeam/prod-53e78a97", budget: "40000.00 USD", deal_type: "PG" },
    { product: "northbeam/prod-7c19f3a0", budget: "20000.00 USD", deal_type: "PD" },
    { product: "northbeam/prod-15ba2543", budget: "25000.00 USD", deal_type: "PD" },
    { product: "harborview/prod-a31c6f02", budget: "15000.00 USD", deal_type: "PG" },
    { product: "civicstream/prod-e28c7f13", budget: "30000.00 USD", deal_type: "PD" },
  ];
  const itemsAt = (percent: bigint) =>
    plan.map(({ budget, ...line }) => ({ ...line, flight: flight(), budget: share(budget, percent) }));
  const idsOf = (rows: readonly Row[]) => rows.map((row) => row["quote_id"] ?? "");

  // Monday: who is there, what do they sell, what does it cost.
  await host.call("discover_sellers", {});
  const kit = await host.call("get_media_kit", { limit: 50 });
  for (const { product } of plan) expect(rowsOf(kit, "product").map((row) => row["product"])).toContain(product);
  const first = rowsOf(await host.call("request_quote", { campaign, items: itemsAt(100n) }), "rank");
  expect(first.map((row) => row["rank"])).toEqual(["1", "2", "3", "4", "5"]);
  const cpms = first.map((row) => parseMoney(cpmOf(row)).micros);
  expect(cpms).toEqual(cpms.toSorted((a, b) => (a < b ? -1 : 1)));

  // The client cuts 15 %, and three days pass: what was quoted has expired at the sellers.
  const cut = rowsOf(await host.call("request_quote", { campaign, items: itemsAt(85n) }), "rank");
  for (const id of idsOf(cut)) mine.sandbox.expireQuote(id.split("/")[0] ?? "", id.split("/")[1] ?? "");
  const renewed = rowsOf(await host.call("request_quote", { quote_ids: idsOf(cut) }), "rank");
  expect(renewed.map((row) => row["impressions"]).toSorted()).toEqual(cut.map((row) => row["impressions"]).toSorted());
  expect(new Set([...idsOf(first), ...idsOf(cut), ...idsOf(renewed)]).size).toBe(15);
  const offers = renewed.map((row) => ({
    quote_id: row["quote_id"],
    target_cpm: share(cpmOf(row), 92n),
    max_cpm: cpmOf(row),
  }));
  const negotiated = rowsOf(await host.call("negotiate", { quotes: offers }), "quote_id");
  expect(negotiated.map((row) => row["status"]).toSorted()).toContain("agreed");
  expect(negotiated.length).toBe(5);

  // One decision for five lines, with the purchase order on it.
  const lines = negotiated.map((row) => ({ quote_id: row["quote_id"] }));
  const bought = await host.call("create_media_buy", { lines, campaign, po_number: "PO-4711" });
  expect(connection.questions).toHaveLength(1);
  expect(connection.questions[0]).toContain("5 lines");
  expect(connection.questions[0]).toContain("PO-4711");
  const buys = rowsOf(bought, "media_buy_id");
  expect(buys.map((row) => row["status"])).toEqual(["booked", "booked", "booked", "booked", "booked"]);
  for (const row of negotiated) {
    const buy = buys.find((one) => one["media_buy_id"] === row["quote_id"]);
    expect(buy).toMatchObject({ price: row["price"], total: row["total"] });
    expect(dealsOf(mine, row["quote_id"] ?? "")).toBe(1);
  }

  // Friday, a new chat: nothing is remembered but what the desk knows.
  const friday = new TextHost(await mine.spawn());
  const latest = rowsOf(await friday.call("get_inbox"), "media_buy_id").filter((row) => row["campaign"] === campaign);
  const pasted = rowsOf(await friday.call("get_media_buys", { campaign }), "media_buy_id");
  const deals = (rows: readonly Row[]) => rows.map((row) => row["deal_id"]).toSorted();
  expect(deals(latest)).toEqual(deals(buys));
  expect(deals(pasted)).toEqual(deals(buys));
  const trail = await friday.call("get_history", { campaign });
  expect(trail).toContain("APPROVED by");
  expect(host.calls.length + friday.calls.length).toBeLessThanOrEqual(12);
});
