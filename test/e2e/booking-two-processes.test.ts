import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { signedDecision } from "../people.ts";
import { verifies } from "../requirements.ts";
import { bookingDesk, kindsOf, operatorOf, seller, sent, until } from "./booking-fixtures.ts";
import { approving } from "./client.ts";
import { dealsOf, quoteFrom, type TestDesk } from "./fixtures.ts";

// Several servers start at once here, and a busy machine starts them slowly.
vi.setConfig({ testTimeout: 60_000 });

let desk: TestDesk;
afterEach(() => desk.close());

const dealId = ["media_buys", 0, "packages", 0, "deal_id"] as const;

test("quoted in one process, approved in another, booked once, and both say the same", async () => {
  verifies("server.two_processes", "booking.poll", "approval.awaiting", "booking.over_rest", "deal.from_quote");
  desk = await bookingDesk({ bookingSeconds: 10 });
  const [one, other] = await Promise.all([desk.spawn(), desk.connect({ person: approving })]);
  const ref = await quoteFrom(one);
  const asked = await one.ok("create_media_buy", { lines: [{ quote_id: ref }] });
  expect(asked.at("status")).toBe("awaiting_approval");
  const approval = { approval_id: asked.string("approval", "approval_id") };
  const waiting = one.ok("approve", { ...approval, wait_s: 20 });
  const booked = await other.ok("approve", approval);
  expect(booked.at("status"), booked.text).toBe("booked");
  const seen = await waiting;
  expect(seen.at("status"), seen.text).toBe("booked");
  expect(seen.string(...dealId)).toBe(booked.string(...dealId));
  expect(sent(desk, "deal")).toBe(1);
  expect(dealsOf(desk, ref)).toBe(1);
  const request = desk.sandbox.requests(seller).find(({ operation }) => operation === "deal");
  expect(JSON.parse(request?.body ?? "{}")).toMatchObject({ quote_id: ref.split("/")[1] });
});

test("both told to buy at the same moment: one deal a quote, whoever was first", async () => {
  verifies("server.two_processes", "quote.status_booked", "promise.never_two");
  desk = await bookingDesk({ bookingSeconds: 10 });
  const both = await Promise.all([desk.spawn({ person: approving }), desk.connect({ person: approving })]);
  const [first] = both;
  for (let round = 0; round < 6; round += 1) {
    const ref = await quoteFrom(first, { impressions: 100_000 + round });
    const replies = await Promise.all(both.map((one) => one.ok("create_media_buy", { lines: [{ quote_id: ref }] })));
    for (const reply of replies) expect(["booked", "sending"], reply.text).toContain(reply.at("status"));
    expect(replies.map((reply) => reply.at("status"))).toContain("booked");
    expect(dealsOf(desk, ref)).toBe(1);
    expect((await kindsOf(desk, ref)).filter((kind) => kind === "booking_started")).toHaveLength(1);
  }
  expect(sent(desk, "deal")).toBe(6);
});

test("a process that starts during a slow booking sends nothing", async () => {
  verifies("promise.intent_first", "promise.never_two");
  desk = await bookingDesk({ bookingSeconds: 10 });
  const first = await desk.spawn({ person: approving });
  const ref = await quoteFrom(first);
  desk.sandbox.fault(seller, { kind: "slow", operation: "deal", ms: 8_000, uses: 1 });
  const buying = first.ok("create_media_buy", { lines: [{ quote_id: ref }] });
  await until("the booking is sent", () => sent(desk, "deal") === 1);
  // What is being sent was in the ledger before the seller heard of it.
  expect((await kindsOf(desk, ref)).slice(-2)).toEqual(["booking_started", "send_claimed"]);
  const late = await desk.spawn({ person: approving });
  const again = await late.ok("create_media_buy", { lines: [{ quote_id: ref }] });
  expect(again.at("status"), again.text).toBe("sending");
  await late.ok("get_media_buys", { ids: [ref], refresh: true });
  // Long enough for the second process to begin following open work.
  await delay(2_500);
  expect(sent(desk, "deal")).toBe(1);
  expect((await buying).at("status")).toBe("booked");
  expect((await late.ok("create_media_buy", { lines: [{ quote_id: ref }] })).at("status")).toBe("booked");
  expect(sent(desk, "deal")).toBe(1);
  expect(dealsOf(desk, ref)).toBe(1);
});

test("decided by a process that sends nothing: one of two serving processes sends, once", async () => {
  verifies("ask.terminal_does_not_send");
  desk = await bookingDesk({ bookingSeconds: 10 });
  const [one] = await Promise.all([desk.spawn(), desk.connect()]);
  const refs = await Promise.all([0, 1, 2].map((n) => quoteFrom(one, { impressions: 200_000 + n })));
  const asked = await one.ok("create_media_buy", { lines: refs.map((ref) => ({ quote_id: ref })) });
  const approvalId = asked.string("approval", "approval_id");
  const operator = operatorOf(desk);
  await operator.decideOnly(approvalId, await signedDecision(operator, approvalId));
  await operator.close();
  const booked = await one.ok("approve", { approval_id: approvalId, wait_s: 20 });
  expect(booked.at("status"), booked.text).toBe("booked");
  expect(booked.at("decided", "via")).toBe("terminal");
  for (const ref of refs) expect(dealsOf(desk, ref)).toBe(1);
  expect(sent(desk, "deal")).toBe(3);
});
