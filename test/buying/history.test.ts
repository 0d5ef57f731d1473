import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import type { HistoryAsk } from "../../src/buying/overview.ts";
import type { Desk } from "../../src/desk.ts";
import type { Entry } from "../../src/ledger/entries.ts";
import type { Row } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { formDecision } from "../people.ts";
import { verifies } from "../requirements.ts";
import {
  asking,
  type Bench,
  discovery,
  item,
  negotiated,
  products,
  quoted,
  reportIn,
  sharedBench,
} from "./desk-bench.ts";

const later = 10_000;
const approve = formDecision({ note: "fine by me" });

async function told(
  desk: Desk,
  ask: Partial<HistoryAsk> = {},
): Promise<{ readonly rows: readonly Row[]; readonly more: boolean }> {
  const nothing = { campaign: null, flowId: null, buy: null, kind: null, since: null };
  return desk.history({ ...nothing, after: 0, limit: 200, ...ask });
}

const kinds = (rows: readonly Row[]) => rows.flatMap(({ entries }) => entries.map(({ kind }) => kind));

function entry<K extends Entry["kind"]>(rows: readonly Row[], kind: K): Extract<Entry, { kind: K }> {
  const found = rows.flatMap(({ entries }) => entries).find((one) => one.kind === kind);
  if (!found) throw new Error(`no ${kind}`);
  return found as Extract<Entry, { kind: K }>;
}

async function bought(desk: Desk, ref: string, campaign: string | null = null): Promise<string> {
  const { approvalId } = await desk.buy({ refs: [ref], poNumber: "PO-9", campaign, by: "local" }, later);
  await desk.decide(approvalId ?? "", approve, later);
  return approvalId ?? "";
}

describe("what happened", () => {
  const bench = sharedBench();
  let ref = "";
  let flowId = "";
  let dealId = "";
  let began = "";

  beforeAll(async () => {
    await quoted(bench.desk, item(products.radio), { campaign: "Before" });
    await delay(5);
    began = new Date().toISOString();
    const sport = item(products.sports, { budget: "40000 USD", dealType: "PG" });
    const outcomes = await bench.desk.quote(
      asking([sport, item(products.airport)], { campaign: "Spring", by: "claude" }),
    );
    ({ ref, flowId } = reportIn(outcomes[0]).loaded);
    await negotiated(bench.desk, { ref });
    await bought(bench.desk, ref);
    dealId = (await bench.desk.line(ref)).line.deal?.dealId ?? "";
    await quoted(bench.desk, item(products.local), { campaign: "Summer" });
  });

  test("from the first ask to the booking, each step is there, in order", async () => {
    verifies("events.quote", "events.negotiation_round", "events.booking", "events.what_when_why", "server.iab");
    const { rows, more } = await told(bench.desk, { campaign: "Spring" });
    expect(more).toBe(false);
    const steps = kinds(rows).filter((kind) => !["balances", "anchored"].includes(kind));
    const rounds = steps.filter((kind) => kind === "negotiation_round").length;
    expect(rounds).toBeGreaterThan(0);
    expect(steps.filter((kind, at) => kind !== "negotiation_round" || steps[at - 1] !== kind)).toEqual([
      "quoted",
      "quote_refused",
      "negotiation_round",
      "negotiation_ended",
      ...["approval_opened", "approval_requested", "approval_decided", "booking_started", "reserved", "send_claimed"],
      ...["booking_confirmed", "deal_claimed", "order_placed"],
    ]);
    expect(rows.map(({ seq }) => seq)).toEqual(rows.map(({ seq }) => seq).sort((a, b) => a - b));
    for (const { at } of rows) expect(new Date(at).toISOString()).toBe(at);
  });

  test("an event says by whom and why", async () => {
    verifies("events.what_when_why");
    const { rows } = await told(bench.desk, { campaign: "Spring" });
    expect(entry(rows, "quoted")).toMatchObject({ by: "claude", campaign: "Spring", renews: null });
    expect(entry(rows, "negotiation_ended").why).toMatch(/the seller's price is/);
    expect(entry(rows, "approval_opened")).toMatchObject({
      proposer: "local",
      why: expect.arrayContaining([expect.stringMatching(/\S/)]),
    });
    expect(entry(rows, "approval_decided")).toMatchObject({
      decision: "approve",
      by: "dana",
      via: "form",
      wordOf: "client",
      note: "fine by me",
    });
    const refused = entry(rows, "quote_refused");
    expect(refused).toMatchObject({
      item: products.airport,
      code: "price_on_request",
      by: "claude",
      why: expect.stringMatching(/price on request only/),
    });
  });

  test("a renewal that is refused is an event too, and one that is only late is not", async () => {
    verifies("events.quote");
    const { ref: down } = (await quoted(bench.desk, item(products.weather), { campaign: "Renewed" })).loaded;
    bench.sandbox.fault("civicstream", { kind: "error-text", operation: "quote" });
    await bench.desk.renew([down], "claude", later);
    bench.sandbox.clearFaults();
    const refused = await told(bench.desk, { kind: "quote_refused" });
    expect(entry(refused.rows.slice(-1), "quote_refused")).toMatchObject({ item: down, code: "seller_unavailable" });
    bench.sandbox.fault("civicstream", { kind: "hang", operation: "quote", uses: 1 });
    await bench.desk.renew([down], "claude", 100);
    expect((await told(bench.desk, { kind: "quote_refused" })).rows).toHaveLength(refused.rows.length);
  });

  test("is found by flow", async () => {
    verifies("events.by_flow");
    const { rows } = await told(bench.desk, { flowId });
    expect(new Set(rows.map((row) => row.flowId))).toEqual(new Set([flowId]));
    expect(rows).toEqual((await told(bench.desk, { campaign: "Spring" })).rows);
  });

  test("is found by deal", async () => {
    verifies("events.by_deal");
    const byDeal = await bench.desk.buyById(`northbeam/${dealId}`);
    expect(byDeal.ref).toBe(ref);
    const { rows } = await told(bench.desk, { buy: byDeal.ref });
    expect(kinds(rows)[0]).toBe("quoted");
    expect(entry(rows, "booking_confirmed").deal.dealId).toBe(dealId);
  });

  test("is filtered by kind and time, and told page by page", async () => {
    verifies("events.query");
    const all = await told(bench.desk);
    const quotes = await told(bench.desk, { kind: "quoted" });
    expect(quotes.rows.length).toBeGreaterThanOrEqual(3);
    expect(new Set(quotes.rows.map(({ kind }) => kind))).toEqual(new Set(["quote"]));
    const since = await told(bench.desk, { since: began, kind: "quoted" });
    expect(quotes.rows.slice(1)).toEqual(since.rows);
    expect((await told(bench.desk, { since: "2999-01-01T00:00:00.000Z" })).rows).toEqual([]);

    const pages: Row[] = [];
    for (let after = 0; ; ) {
      const page = await told(bench.desk, { after, limit: 3 });
      expect(page.rows.length).toBeLessThanOrEqual(3);
      pages.push(...page.rows);
      after = page.rows.at(-1)?.seq ?? after;
      if (!page.more) break;
    }
    expect(pages).toEqual(all.rows);
    const narrow = await told(bench.desk, { kind: "quoted", limit: 1 });
    expect([narrow.rows, narrow.more]).toEqual([quotes.rows.slice(0, 1), true]);
    expect((await told(bench.desk, { campaign: "Winter" })).rows).toEqual([]);
  });

  test("another process of the desk tells the same", async () => {
    verifies("media_buy.persisted");
    expect(await told(bench.again(), { campaign: "Spring" })).toEqual(await told(bench.desk, { campaign: "Spring" }));
  });

  test("a seller that was bought from is known as such", async () => {
    const { sellers } = await bench.desk.discover(discovery());
    expect(Object.fromEntries(sellers.map(({ record, boughtBefore }) => [record.id, boughtBefore]))).toEqual({
      northbeam: 1,
      harborview: 0,
      civicstream: 0,
    });
  });
});

describe("a new conversation", () => {
  const bench = sharedBench();

  test("finds open quotes, approvals, negotiations and buys", async () => {
    verifies("session.continues", "tool.campaign_label");
    const open = (await quoted(bench.desk, item(products.radio), { campaign: "Spring" })).loaded.ref;
    await negotiated(bench.desk, { ref: open, offerCpm: null }, { move: "walk_away" });
    const waiting = (await quoted(bench.desk, item(products.local), { campaign: "Spring" })).loaded.ref;
    const { approvalId } = await bench.desk.buy(
      { refs: [waiting], poNumber: null, campaign: null, by: "local" },
      later,
    );
    const done = (await quoted(bench.desk, item(products.sports), { campaign: "Spring" })).loaded.ref;
    await bought(bench.desk, done);

    const desk = bench.again();
    const inbox = await desk.inbox();
    expect(inbox.openQuotes.map(({ ref, line }) => [ref, line.campaign, line.negotiation?.status])).toEqual([
      [open, "Spring", "walked_away"],
    ]);
    expect(inbox.approvals.map((one) => [one.approvalId, one.lines.map(({ ref }) => ref)])).toEqual([
      [approvalId, [waiting]],
    ]);
    expect(inbox.recent.map(({ ref }) => ref)).toEqual([done]);
    expect([inbox.underWay, inbox.attention]).toEqual([[], []]);
    expect(inbox.standing.balances.total.micros).toBeGreaterThan(0n);

    const buys = await desk.buys({ ids: [], campaign: "Spring", statuses: [], limit: 20, before: null });
    expect(buys.map(({ ref, line }) => `${ref} ${line.status}`).sort()).toEqual(
      [`${done} booked`, `${waiting} awaiting_approval`].sort(),
    );
    expect(await desk.buys({ ids: [], campaign: "Autumn", statuses: [], limit: 20, before: null })).toEqual([]);
  });

  test("a label put on the buy alone finds it again, however many others came after", async () => {
    verifies("tool.campaign_label");
    const ref = (await quoted(bench.desk, item(products.display, { impressions: 50_000 }))).loaded.ref;
    await bought(bench.desk, ref, "Late label");
    for (const impressions of [60_000, 70_000])
      await bought(bench.desk, (await quoted(bench.desk, item(products.display, { impressions }))).loaded.ref);
    const found = await bench.again().buys({ ids: [], campaign: "Late label", statuses: [], limit: 1, before: null });
    expect(found.map((one) => one.ref)).toEqual([ref]);
    expect(kinds((await told(bench.desk, { campaign: "Late label" })).rows)).toContain("booking_confirmed");
  });
});

describe("a long history", () => {
  const bench = sharedBench(undefined, { sellers: ["northbeam"] });
  test("is looked through to its end: what is rare is found behind much that is not", async () => {
    verifies("events.query");
    await quoted(bench.desk, item(products.sports));
    const ledger = await openSqliteLedger({ file: join(bench.home, "acme", "ledger.db") });
    try {
      for (let hundred = 0; hundred < 11; hundred += 1) {
        const entries: Entry[] = [{ kind: "pin_tried", v: 1, ok: false }];
        const row = (n: number) => ({
          stream: `pin/noise-${hundred}-${n}`,
          version: 1,
          kind: "pin",
          status: "open",
          flowId: "noise",
          entries,
        });
        await ledger.append(Array.from({ length: 100 }, (_, n) => row(n)));
      }
    } finally {
      await ledger.close();
    }
    const { ref } = (await quoted(bench.desk, item(products.display))).loaded;
    const { rows, more } = await told(bench.desk, { kind: "quoted" });
    expect([rows.map(({ stream }) => stream).at(-1), rows.length, more]).toEqual([`quote/${ref}`, 2, false]);
    expect(kinds((await told(bench.desk, { kind: "pin_tried", limit: 1_050 })).rows)).toHaveLength(1_050);
  });
});

describe("an open quote that is over", () => {
  const bench: Bench = sharedBench(undefined, { sellers: ["northbeam"], quoteTtlMs: 1_500 });
  test("leaves the inbox by itself", async () => {
    await quoted(bench.desk, item(products.sports));
    await expect
      .poll(async () => (await bench.desk.inbox()).openQuotes.length, { timeout: 5_000, interval: 200 })
      .toBe(0);
  });
});

describe("asking again", () => {
  const bench = sharedBench();

  test("is noted where it says something new, and not without end", async () => {
    const { desk } = bench;
    const { ref } = (await quoted(desk, item(products.radio))).loaded;
    const outcome = await desk.buy({ refs: [ref], poNumber: null, campaign: null, by: "local" }, later);
    const approvalId = outcome.approvalId ?? "";
    const from = { client: "a client", principal: "local" };
    const before = await desk.newest();
    for (let times = 0; times < 3; times += 1) {
      await desk.noteAsked(approvalId, { via: "form", ...from, unanswered: "this client shows no forms" });
      await desk.noteAsked(approvalId, { via: "card", ...from, unanswered: null });
    }
    expect((await desk.newest()) - before).toBe(2);
    await desk.noteAsked(approvalId, { via: "form", ...from, unanswered: null });
    await desk.noteAsked(approvalId, { via: "form", ...from, unanswered: "this client shows no forms" });
    await desk.noteAsked(approvalId, { via: "card", ...from, client: "another client", unanswered: null });
    expect((await desk.newest()) - before).toBe(5);
  });
});
