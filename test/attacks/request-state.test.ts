import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bookingDesk, kindsOf, seller, sent } from "../e2e/booking-fixtures.ts";
import type { Connection } from "../e2e/client.ts";
import { dealsOf, quoteFrom, type TestDesk } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";
import { approved, processOf, type RawAnswer, RawClient } from "./raw-client.ts";

let desk: TestDesk;
let quoting: Connection;
let raw: RawClient;
let impressions = 100_000;
beforeAll(async () => {
  desk = await bookingDesk({ bookingSeconds: 10 });
  quoting = await desk.connect();
  raw = new RawClient(desk, undefined, processOf(desk));
});
beforeEach(() => desk.sandbox.clearRequests());
afterAll(async () => {
  await raw.close();
  await desk.close();
});

const quote = () => {
  impressions += 1;
  return quoteFrom(quoting, { impressions });
};
const buy = (...refs: readonly string[]) => ({ lines: refs.map((ref) => ({ quote_id: ref })) });

/** A question was put for these quotes; its state is what an attacker may have seen. */
async function asked(...refs: readonly string[]): Promise<RawAnswer> {
  const answer = await raw.call("create_media_buy", buy(...refs));
  expect(answer.isQuestion, answer.text).toBe(true);
  return answer;
}

/** Whatever was answered: nothing was started, sent or booked. */
async function nothingCameOf(ref: string, answer: RawAnswer): Promise<void> {
  expect(["booked", "sending"], answer.text).not.toContain(answer.status);
  expect(await kindsOf(desk, ref)).not.toContain("booking_started");
  expect(sent(desk, "deal")).toBe(0);
  expect(dealsOf(desk, ref)).toBe(0);
}

describe("an answer to a question nobody was asked", () => {
  test("without a state it is no answer: the person is asked", async () => {
    verifies("approval.gate", "promise.exact_terms");
    const ref = await quote();
    const forged = await raw.call("create_media_buy", buy(ref), { inputResponses: approved });
    expect(forged.isQuestion, forged.text).toBe(true);
    await nothingCameOf(ref, forged);
    const again = await raw.call("create_media_buy", buy(ref), { inputResponses: approved });
    await nothingCameOf(ref, again);
  });

  test("the same through approve", async () => {
    const ref = await quote();
    await asked(ref);
    const reply = await quoting.ok("create_media_buy", buy(ref));
    const approval = { approval_id: reply.string("approval", "approval_id") };
    for (const smuggled of [{ inputResponses: approved }, { inputResponses: approved, requestState: "" }]) {
      await nothingCameOf(ref, await raw.call("approve", approval, smuggled));
    }
  });

  test("a state that was changed, cut, made up or signed by another desk is refused before any tool runs", async () => {
    const ref = await quote();
    const { state } = await asked(ref);
    const other = await bookingDesk();
    const foreign = new RawClient(other);
    try {
      const theirs = await quoteFrom(await other.connect(), { impressions: 100_000 });
      const strange = (await foreign.call("create_media_buy", buy(theirs))).state;
      const flipped = `${state.slice(0, 8)}${state[8] === "A" ? "B" : "A"}${state.slice(9)}`;
      const end = `${state.slice(0, -2)}${state.endsWith("AA") ? "BB" : "AA"}`;
      const made = Buffer.from(JSON.stringify({ approvalId: "ap_1", shortCode: "AA-AA" })).toString("base64url");
      for (const requestState of [flipped, end, state.slice(0, -10), `${state}x`, made, strange, "null"]) {
        const answer = await raw.call("create_media_buy", buy(ref), { inputResponses: approved, requestState });
        expect(answer.isQuestion, requestState).toBe(false);
        expect(answer.text, requestState).toMatch(/-32602|invalid_request_state/);
        await nothingCameOf(ref, answer);
      }
      for (const requestState of [{ approvalId: "ap_1" }, 7, true, [state]]) {
        const answer = await raw.call("create_media_buy", buy(ref), { inputResponses: approved, requestState });
        await nothingCameOf(ref, answer);
      }
    } finally {
      await foreign.close();
      await other.close();
    }
  });
});

describe("a state of one approval with another call", () => {
  type Args = Record<string, unknown>;
  const others: readonly (readonly [string, (first: string, second: string) => readonly [shown: Args, meant: Args]])[] =
    [
      ["other quotes", (first, second) => [buy(first), buy(second)]],
      ["more quotes", (first, second) => [buy(first), buy(first, second)]],
      ["fewer quotes", (first, second) => [buy(first, second), buy(second)]],
      ["a PO number", (first) => [buy(first), { ...buy(first), po_number: "PO-1" }]],
      ["no PO number", (first) => [{ ...buy(first), po_number: "PO-1" }, buy(first)]],
    ];

  // Each with a question of its own: to ask anew about a quote voids the question before, and then no answer to it counts.
  test.each(others)("%s: asked anew, nothing booked", async (_what, calls) => {
    verifies("promise.exact_terms", "promise.spent_once");
    const [first, second] = [await quote(), await quote()];
    const [shown, meant] = calls(first, second);
    const { state } = await raw.call("create_media_buy", shown);
    const answer = await raw.call("create_media_buy", meant, { inputResponses: approved, requestState: state });
    expect(answer.isQuestion, answer.text).toBe(true);
    await nothingCameOf(first, answer);
    await nothingCameOf(second, answer);
  });

  test("the id of another approval", async () => {
    const [first, second] = [await quote(), await quote()];
    const { state } = await asked(first);
    const reply = await quoting.ok("create_media_buy", buy(second));
    const approval = { approval_id: reply.string("approval", "approval_id") };
    const answer = await raw.call("approve", approval, { inputResponses: approved, requestState: state });
    expect(answer.isQuestion, answer.text).toBe(true);
    await nothingCameOf(second, answer);
    await nothingCameOf(first, answer);
  });

  test("the state of an approval that another request replaced does not revive it", async () => {
    const ref = await quote();
    const old = await asked(ref);
    const newer = await raw.call("create_media_buy", { ...buy(ref), po_number: "PO-2" });
    expect(newer.isQuestion).toBe(true);
    const late = await raw.call("create_media_buy", buy(ref), { inputResponses: approved, requestState: old.state });
    await nothingCameOf(ref, late);
  });

  test("the state of a rejected approval does not revive it", async () => {
    verifies("approval.reject");
    const ref = await quote();
    const { state } = await asked(ref);
    const rejected = { approval: { action: "accept", content: { decision: "reject" } } };
    const no = await raw.call("create_media_buy", buy(ref), { inputResponses: rejected, requestState: state });
    expect(no.status, no.text).toBe("rejected");
    const late = await raw.call("create_media_buy", buy(ref), { inputResponses: approved, requestState: state });
    await nothingCameOf(ref, late);
  });
});

describe("an approved call, replayed", () => {
  test("ten times at once, in two processes, and with more lines: one deal", async () => {
    verifies("promise.spent_once", "promise.never_two");
    const [ref, extra] = [await quote(), await quote()];
    const { state } = await asked(ref);
    const smuggled = { inputResponses: approved, requestState: state };
    const second = new RawClient(desk, undefined, processOf(desk));
    try {
      const replays = Array.from({ length: 10 }, (_, n) =>
        (n % 2 === 0 ? raw : second).call("create_media_buy", buy(ref), smuggled),
      );
      const statuses = (await Promise.all(replays)).map((answer) => answer.status);
      expect(statuses).toContain("booked");
      for (const status of statuses) expect(["booked", "sending"]).toContain(status);
      expect(sent(desk, "deal")).toBe(1);
      const later = await raw.call("create_media_buy", buy(ref), smuggled);
      expect(later.status).toBe("booked");
      const more = await raw.call("create_media_buy", buy(ref, extra), smuggled);
      expect(more.status, more.text).not.toBe("booked");
      expect(await kindsOf(desk, extra)).not.toContain("booking_started");
      expect(desk.sandbox.deals(seller, ref.split("/")[1])).toHaveLength(1);
      expect(sent(desk, "deal")).toBe(1);
    } finally {
      await second.close();
    }
  });
});
