import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bookingDesk, kindsOf, operatorOf, sent, until, withMandate } from "../e2e/booking-fixtures.ts";
import type { Connection } from "../e2e/client.ts";
import { dealsOf, quoteFrom, type TestDesk } from "../e2e/fixtures.ts";
import { decideAs } from "../page/visitor.ts";
import { pin, signedDecision } from "../people.ts";
import { verifies } from "../requirements.ts";
import { approved, RawClient } from "./raw-client.ts";

// A PIN is slow to set and to check on purpose.
vi.setConfig({ testTimeout: 60_000 });

/**
 * An approval whose time is over is no approval any more: a right answer that comes late counts by no way of deciding, and
 * keeping its state, its address or its signature revives nothing. An answer kept from another approval is in
 * request-state.test.ts.
 */
let desk: TestDesk;
let model: Connection;
let raw: RawClient;
let quote: string;
let state: string;
let approvalId: string;
let page: string;
let digest: string;
/** Made in time, and kept until it was too late. */
let signed: Awaited<ReturnType<typeof signedDecision>>;
beforeAll(async () => {
  const most = { per_buy: "250000.00 USD", per_day: "1000000.00 USD" };
  desk = await bookingDesk({
    // An approval ends two minutes before its quote does.
    quoteTtlMs: 128_000,
    config: withMandate({ channels: { form: most, page: most, terminal: most } }),
  });
  const operator = operatorOf(desk);
  await operator.people.setPin("dana", pin);
  model = await desk.connect();
  raw = new RawClient(desk);
  // Started before the time begins to run.
  await raw.request("tools/list", {});
  quote = await quoteFrom(model, { impressions: 100_000 });
  const asked = await raw.call("create_media_buy", { lines: [{ quote_id: quote }] });
  state = asked.state;
  const waiting = await model.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  approvalId = waiting.string("approval", "approval_id");
  page = new URL(String(waiting.at("approval", "person_can", 0)).split(" ")[1] ?? "").origin;
  signed = await signedDecision(operator, approvalId);
  digest = (await operator.approval(approvalId)).lines[0]?.digest ?? "";
  await operator.close();
  const ends = Date.parse(waiting.string("approval", "expires_at"));
  await until("the approval is over", () => Date.now() > ends, 30_000);
}, 60_000);
afterAll(async () => {
  await raw.close();
  await desk.close();
});

async function nothingCameOfIt(): Promise<void> {
  expect(await kindsOf(desk, quote)).not.toContain("booking_started");
  expect(sent(desk, "deal")).toBe(0);
  expect(dealsOf(desk, quote)).toBe(0);
}

describe("after the time to decide", () => {
  test("the answer to the client's form, with its own state, books nothing", async () => {
    verifies("promise.exact_terms");
    for (const [tool, args] of [
      ["create_media_buy", { lines: [{ quote_id: quote }] }],
      ["approve", { approval_id: approvalId }],
    ] as const) {
      const late = await raw.call(tool, args, { inputResponses: approved, requestState: state });
      expect(["booked", "sending"], late.text).not.toContain(late.status);
    }
    await nothingCameOfIt();
  });

  test("the page takes no decision, with the right PIN", async () => {
    const heard = await decideAs(page, approvalId, { decision: "approve", line: digest, pin });
    expect(heard.status, heard.text).not.toBe(303);
    await nothingCameOfIt();
  });

  test("a signature made in time and handed over late does not count", async () => {
    const operator = operatorOf(desk);
    const outcome = await operator.decideOnly(approvalId, signed).then(
      () => "taken",
      (error: unknown) => String(error),
    );
    await operator.close();
    expect(outcome).not.toBe("taken");
    await nothingCameOfIt();
  });

  test("asking to buy again is a new question: the old one is not revived", async () => {
    const again = await model.call("create_media_buy", { lines: [{ quote_id: quote }] });
    expect(["booked", "sending"], again.text).not.toContain(again.at("status"));
    expect(again.at("approval", "approval_id"), again.text).not.toBe(approvalId);
    const poll = await model.ok("approve", { approval_id: approvalId, wait_s: 0 });
    expect(["expired", "terms_changed"], poll.text).toContain(poll.at("status"));
    await nothingCameOfIt();
  });
});
