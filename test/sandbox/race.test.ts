import { randomUUID } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { at, book, get, negotiate, post, quoted } from "./calls.ts";

/** Ten at once, with a gap wide enough that several of them have looked before the first has written. */

let sandbox: Sandbox | undefined;

afterEach(async () => {
  await sandbox?.close();
});

async function started(locked: boolean) {
  sandbox = await startSandbox({ sellers: ["northbeam"], gapMs: 150, locked });
  return sandbox.seller("northbeam");
}

const ten = Array.from({ length: 10 });

test("one key sent ten times in parallel books more than once", async () => {
  const seller = await started(false);
  const quote_id = await quoted(seller);
  const request = { idempotency_key: randomUUID(), quote_id };
  const heard = await Promise.all(ten.map(() => post(seller, "/api/v1/deals", request, { tier: "advertiser" })));
  expect(new Set(heard.map((answer) => answer.status))).toEqual(new Set([200]));
  const ids = new Set(heard.map((answer) => at(answer.body, "deal", "deal_id")));
  expect(ids.size).toBeGreaterThan(1);
  expect(sandbox?.deals("northbeam", quote_id)).toHaveLength(ids.size);
  // The quote remembers one of them only.
  const read = await get(seller, `/api/v1/quotes/${quote_id}`);
  expect(ids).toContain(at(read.body, "quote", "deal_id"));
});

test("parallel bookings of one quote under different keys succeed side by side", async () => {
  const seller = await started(false);
  const quoteId = await quoted(seller);
  const heard = await Promise.all(ten.map(() => book(seller, quoteId)));
  const booked = heard.filter((answer) => answer.status === 200);
  expect(booked.length).toBeGreaterThan(1);
  expect(sandbox?.deals("northbeam", quoteId)).toHaveLength(booked.length);
});

test("counters in parallel lose rounds", async () => {
  const seller = await started(false);
  const quoteId = await quoted(seller);
  await Promise.all([10.1, 10.2, 10.3].map((price) => negotiate(seller, quoteId, "counter", price)));
  const history = await get(seller, `/proposals/${quoteId}/negotiation`);
  expect(at(history.body, "total_rounds")).toBeLessThan(3);
});

test("the locked variant books one key once, and one quote once", async () => {
  const seller = await started(true);
  const quote_id = await quoted(seller);
  const request = { idempotency_key: randomUUID(), quote_id };
  const heard = await Promise.all(ten.map(() => post(seller, "/api/v1/deals", request, { tier: "advertiser" })));
  expect(new Set(heard.map((answer) => at(answer.body, "deal", "deal_id"))).size).toBe(1);
  const others = await Promise.all(ten.map(() => book(seller, quote_id)));
  expect(new Set(others.map((answer) => answer.status))).toEqual(new Set([409]));
  expect(sandbox?.deals("northbeam", quote_id)).toHaveLength(1);
});

test("a lock may be set and lifted while it runs", async () => {
  const seller = await started(true);
  sandbox?.configure({ locked: false, gapMs: 200 });
  const quoteId = await quoted(seller);
  await Promise.all([book(seller, quoteId), book(seller, quoteId)]);
  expect(sandbox?.deals("northbeam", quoteId)).toHaveLength(2);
});
