import { describe, expect, test } from "vitest";
import {
  committed,
  foldLine,
  type Line,
  type LineEvent,
  lineStatuses,
  transitions,
} from "../../src/domain/media-buy.ts";
import type { Round } from "../../src/domain/negotiation.ts";
import { verifies } from "../requirements.ts";
import { booking, deal, quote, quoted, terms, usd } from "./sample.ts";

const at = "2026-11-20T10:00:00.000Z";
const folded = (...events: readonly LineEvent[]): Line => {
  const line = events.reduce<Line | null>((before, event) => foldLine(before, event, at), null);
  if (!line) throw new RangeError("no events");
  return line;
};

const wanted = (approvalId: string): LineEvent => ({
  kind: "approval_requested",
  v: 1,
  approvalId,
  digest: "d",
  terms,
});
const closed = (approvalId: string): LineEvent => ({ kind: "approval_closed", v: 1, approvalId, why: "voided" });
const started = (attempt: number, approvalId: string | null = null): LineEvent => ({
  kind: "booking_started",
  v: 1,
  booking: booking(attempt, approvalId),
});
const claimed = (attempt: number, resend = false): LineEvent => {
  const until = "2026-11-20T10:01:00.000Z";
  return { kind: "send_claimed", v: 1, attempt, holder: "p1", until, resend };
};
const unknown = (attempt: number): LineEvent => ({ kind: "booking_unknown", v: 1, attempt, why: "timeout" });
const refused = (attempt: number): LineEvent => ({
  kind: "booking_refused",
  v: 1,
  attempt,
  code: "sold_out",
  why: "no",
  sent: true,
});
const confirmed = (attempt: number): LineEvent => ({ kind: "booking_confirmed", v: 1, attempt, deal });
const differences = [{ field: "unit_price", approved: '"31.50 USD"', now: '"40.00 USD"' }];
const mismatched = (attempt: number): LineEvent => ({ kind: "booking_mismatched", v: 1, attempt, deal, differences });
const looked = (found: "available" | "gone" | "unreachable"): LineEvent => ({
  kind: "booking_looked_up",
  v: 1,
  attempt: 1,
  found,
});
const settled = (booked: boolean): LineEvent => ({
  kind: "settled_by_person",
  v: 1,
  by: "dana",
  booked,
  deal: booked ? deal : null,
  note: "asked the seller",
});
const cleared: LineEvent = { kind: "mismatch_cleared", v: 1, by: "dana", note: "accepted" };
const cancel: LineEvent = { kind: "cancel_started", v: 1, by: "dana" };
const kept: LineEvent = { kind: "cancel_refused", v: 1, why: "too late" };
const cancelUnknown: LineEvent = { kind: "cancel_unknown", v: 1, why: "timeout" };
const cancelled: LineEvent = { kind: "cancel_confirmed", v: 1 };
const ordered: LineEvent = { kind: "order_placed", v: 1, orderId: "ORD-1", status: "draft" };

const booked = [quoted, started(1), claimed(1), confirmed(1)];
const mismatch = [quoted, started(1), claimed(1), mismatched(1)];
const lost = [quoted, started(1), claimed(1), unknown(1)];

describe("the life of a line", () => {
  test("from quote over approval to booked", () => {
    verifies("media_buy.transitions");
    const path = [quoted, wanted("ap_1"), started(1, "ap_1"), claimed(1), confirmed(1), ordered, cancel, cancelled];
    const statuses = path.map((_, index) => folded(...path.slice(0, index + 1)).status);
    expect(statuses).toEqual([
      "open",
      "awaiting_approval",
      "approved",
      "sending",
      "booked",
      "booked",
      "cancelling",
      "cancelled",
    ]);
    expect(folded(...booked)).toMatchObject({ attempts: 1, bookedAt: at, deal, differences: [] });
  });

  test("begins with its quote, once", () => {
    expect(() => folded(wanted("ap_1"))).toThrow(/cannot come after none/);
    expect(() => folded(quoted, quoted)).toThrow(/quoted cannot come after open/);
  });

  test.each<[string, readonly LineEvent[]]>([
    ["booking what is booked", [...booked, started(2)]],
    ["booking what differs", [...mismatch, started(2)]],
    ["booking what may be booked", [...lost, started(2)]],
    ["booking what was cancelled", [...booked, cancel, cancelled, started(2)]],
    ["booking what was superseded", [quoted, { kind: "superseded", v: 1, by: "northbeam/qt-2" }, started(1)]],
    ["booking what a person settled as not booked", [...lost, settled(false), started(2)]],
    ["sending what nobody started", [quoted, claimed(1)]],
    ["sending while another is sending", [quoted, started(1), claimed(1), claimed(1)]],
    ["confirming what was never sent", [quoted, started(1), confirmed(1)]],
    ["confirming twice", [...booked, confirmed(1)]],
    ["losing the answer before sending", [quoted, started(1), unknown(1)]],
    ["superseding what is under way", [quoted, started(1), { kind: "superseded", v: 1, by: "northbeam/qt-2" }]],
    ["cancelling what is not booked", [...lost, cancel]],
    ["settling what is known", [...booked, settled(false)]],
    ["clearing what does not differ", [...booked, cleared]],
  ])("refuses %s", (_what, events) => {
    verifies("media_buy.transitions");
    expect(() => folded(...events)).toThrow(/cannot come after/);
  });

  test("an entry of another stream is a forgery, not a crash", () => {
    const forged = JSON.parse('{"kind":"incident_cleared","v":1}');
    expect(() => folded(quoted, forged)).toThrow(/incident_cleared cannot come after open/);
    expect(() => folded(forged)).toThrow(RangeError);
  });
});

describe("attempts", () => {
  test("rise by one, and only after a recorded refusal", () => {
    expect(folded(quoted, started(1), claimed(1), refused(1), started(2)).attempts).toBe(2);
    expect(folded(quoted, started(1), refused(1)).attempts).toBe(1);
    expect(() => folded(quoted, started(2))).toThrow(/attempt 2 cannot follow 0/);
    expect(() => folded(quoted, started(1), refused(1), started(1))).toThrow(/attempt 1 cannot follow 1/);
  });

  test("an answer to an earlier attempt cannot settle the present one", () => {
    const second = [quoted, started(1), claimed(1), refused(1), started(2), claimed(2)];
    for (const stale of [refused(1), confirmed(1), mismatched(1), unknown(1)]) {
      expect(() => folded(...second, stale)).toThrow(/speaks of attempt 1, not 2/);
    }
    expect(folded(...second, confirmed(2)).status).toBe("booked");
  });

  test("a refusal gives everything back: the next attempt needs a decision of its own", () => {
    const line = folded(...lost, looked("available"), refused(1));
    expect(line).toMatchObject({
      status: "open",
      booking: null,
      approvalId: null,
      claims: [],
      seenAvailable: 0,
      unknownWhy: null,
    });
    expect(line.refusal).toEqual({ code: "sold_out", why: "no", sent: true });
    expect(folded(quoted, started(1), claimed(1), refused(1), started(2)).refusal).toBeNull();
  });
});

describe("approvals", () => {
  test("a line waits for one approval, and only that one closes or books it", () => {
    const waiting = [quoted, wanted("ap_1"), closed("ap_1"), wanted("ap_2")];
    expect(folded(...waiting)).toMatchObject({ status: "awaiting_approval", approvalId: "ap_2" });
    expect(() => folded(...waiting, closed("ap_1"))).toThrow(/waits for approval ap_2, not ap_1/);
    expect(() => folded(...waiting, started(1, "ap_1"))).toThrow(/waits for approval ap_2, not ap_1/);
    expect(() => folded(...waiting, started(1, null))).toThrow(/waits for approval ap_2, not null/);
    expect(folded(...waiting, started(1, "ap_2")).booking?.approvalId).toBe("ap_2");
    expect(() => folded(quoted, wanted("ap_1"), wanted("ap_2"))).toThrow(/cannot come after awaiting_approval/);
  });
});

describe("a lost answer", () => {
  test("holds the line until evidence comes", () => {
    expect(folded(...lost)).toMatchObject({ status: "booking_unknown", unknownWhy: "timeout" });
    expect(folded(...lost, confirmed(1))).toMatchObject({ status: "booked", unknownWhy: null });
    expect(folded(...lost, mismatched(1))).toMatchObject({ status: "terms_mismatch", differences });
    expect(folded(...lost, looked("gone")).status).toBe("booking_unknown");
  });

  test("counts sightings in a row since something was last sent", () => {
    expect(folded(...lost, looked("available"), looked("available")).seenAvailable).toBe(2);
    expect(folded(...lost, looked("available"), looked("unreachable"), looked("available")).seenAvailable).toBe(1);
    const resent = folded(...lost, looked("available"), looked("available"), claimed(1, true));
    expect(resent).toMatchObject({ status: "sending", seenAvailable: 0 });
    expect(resent.claims.map(({ resend }) => resend)).toEqual([false, true]);
  });

  test("is settled by a person one way or the other, as the table says", () => {
    expect(folded(...lost, settled(true))).toMatchObject({ status: "booked", deal, bookedAt: at, unknownWhy: null });
    expect(folded(...lost, settled(false))).toMatchObject({
      status: "declined",
      booking: null,
      refusal: { code: "settled_by_person", why: "asked the seller", sent: true },
    });
    expect(transitions.settled_by_person.to).toEqual(["booked", "declined"]);
  });
});

describe("cancelling", () => {
  test("refused, leads back to where it came from: what differed still differs", () => {
    expect(folded(...booked, cancel, kept)).toMatchObject({ status: "booked", cancelWhy: "too late" });
    expect(folded(...mismatch, cancel, kept)).toMatchObject({ status: "terms_mismatch", differences });
    expect(folded(...mismatch, cancel, cancelUnknown, cancel, cancelUnknown, kept).status).toBe("terms_mismatch");
    expect(folded(...mismatch, cancel, kept, cleared).status).toBe("booked");
    expect(folded(...mismatch, cleared, cancel, kept).status).toBe("booked");
  });

  test("a mismatch can be cleared while its deal is being cancelled, and after", () => {
    expect(folded(...mismatch, cancel, cancelled, cleared).status).toBe("cancelled");
    expect(folded(...mismatch, cancel, cleared).status).toBe("cancelling");
    expect(folded(...mismatch, cancel, cancelUnknown, cleared).status).toBe("cancel_unknown");
    expect(folded(...mismatch, cancel, cleared, kept).status).toBe("booked");
    expect(folded(...mismatch, cancel, cleared, cancelUnknown, cancel, kept).status).toBe("booked");
    expect(() => folded(...mismatch, cancel, cleared, cleared)).toThrow(/no mismatch/);
    expect(() => folded(...booked, cancel, cleared)).toThrow(/no mismatch/);
    expect(() => folded(...booked, cancel, cancelled, cleared)).toThrow(/no mismatch/);
  });

  test("an order's id that comes late is kept", () => {
    expect(folded(...booked, cancel, ordered)).toMatchObject({ status: "cancelling", orderId: "ORD-1" });
    expect(folded(...booked, cancel, cancelled, ordered)).toMatchObject({ status: "cancelled", orderId: "ORD-1" });
    const failed: LineEvent = { kind: "order_failed", v: 1, why: "500" };
    expect(folded(...booked, failed)).toMatchObject({ status: "booked", orderFailure: "500" });
    expect(folded(...booked, failed, ordered)).toMatchObject({ orderId: "ORD-1", orderFailure: null });
  });
});

describe("a quote's price", () => {
  const round: Round = { n: 1, move: "counter", we: usd("28.50"), they: usd("30.00"), theirAction: "counter" };

  test("moves with what was agreed; what was quoted first stays known", () => {
    const agreed: LineEvent = { kind: "negotiation_ended", v: 1, status: "agreed", cpm: usd("29.75"), why: "accepted" };
    const line = folded(quoted, { kind: "negotiation_round", v: 1, round }, agreed);
    expect(line).toMatchObject({ quotedCpm: quote.cpm, rounds: [round], negotiation: { status: "agreed" } });
    expect(line.quote.cpm).toEqual(usd("29.75"));
    const walked: LineEvent = { kind: "negotiation_ended", v: 1, status: "walked_away", cpm: null, why: "above max" };
    expect(folded(quoted, walked).quote.cpm).toEqual(quote.cpm);
  });

  test("is read again while it is open or waits for a person", () => {
    const read: LineEvent = { kind: "quote_read", v: 1, quote: { ...quote, cpm: usd("30.00") } };
    expect(folded(quoted, read).quote.cpm).toEqual(usd("30.00"));
    expect(folded(quoted, wanted("ap_1"), read)).toMatchObject({ status: "awaiting_approval", quotedCpm: quote.cpm });
    expect(() => folded(...booked, read)).toThrow(RangeError);
  });
});

test("money is committed from the decision until it is known to be free", () => {
  const free = ["open", "proposed", "declined", "superseded", "awaiting_approval", "cancelled"];
  expect(lineStatuses.filter((status) => !committed.includes(status))).toEqual(free);
});
