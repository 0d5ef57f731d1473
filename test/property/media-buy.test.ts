import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SellerWait } from "../../src/domain/deal.ts";
import type { Placed } from "../../src/domain/placed.ts";
import type { ProposalOutcome } from "../../src/domain/proposal.ts";
import { foldLine, type Line, type LineEvent, lineStatuses, transitions } from "../../src/domain/media-buy.ts";
import { verifies } from "../requirements.ts";
import { booking, deal, quote, quoted, request, terms, usd } from "../unit/sample.ts";

const differences = [{ field: "unit_price", approved: '"31.50 USD"', now: '"40.00 USD"' }];
const chosen = { ...quote, cpm: usd("30.50") };
const round = { n: 1, move: "counter", we: usd("28.50"), they: usd("30.00"), theirAction: "counter" } as const;
const claim = { holder: "p1", until: "2026-11-20T10:01:00.000Z" };

const placedInTurn = [
  ...(["ordered", "drafted", "reserved", "unheld"] as const).map((step) => placedAt(step)),
  placedAt("drafted", "o-2"),
];

/** Every kind of entry, in every variant that a fold may tell apart, lawful or not at the place it is put. */
const entries: readonly LineEvent[] = [
  quoted,
  { kind: "quote_read", v: 1, quote },
  ...(["accepted", "countered", "rejected", "waits"] as const).map((outcome): LineEvent => put(outcome)),
  { kind: "negotiation_round", v: 1, round },
  { kind: "negotiation_ended", v: 1, status: "agreed", cpm: usd("30.00"), why: "accepted" },
  { kind: "terms_chosen", v: 1, request, quote: chosen },
  { kind: "quote_declined", v: 1, why: "sold" },
  { kind: "superseded", v: 1, by: "northbeam/qt-2" },
  ...["ap_1", "ap_2"].flatMap((approvalId): LineEvent[] => [
    { kind: "approval_requested", v: 1, approvalId, digest: "d", terms },
    { kind: "approval_closed", v: 1, approvalId, why: "voided" },
    ...[1, 2, 3].map((attempt): LineEvent => started(attempt, approvalId)),
  ]),
  ...[1, 2, 3].flatMap((attempt): LineEvent[] => [
    started(attempt, null),
    { kind: "send_claimed", v: 1, attempt, ...claim, resend: false },
    { kind: "booking_unknown", v: 1, attempt, why: "timeout" },
    { kind: "booking_looked_up", v: 1, attempt, found: "available" },
    { kind: "booking_refused", v: 1, attempt, code: "sold_out", why: "no", sent: true },
    { kind: "booking_confirmed", v: 1, attempt, deal },
    { kind: "booking_mismatched", v: 1, attempt, deal, differences },
    { kind: "send_claimed", v: 1, attempt, ...claim, resend: true },
    ...(["account", "decision", "confirmation", "signature"] as const).map((what): LineEvent => waits(attempt, what)),
    { kind: "seller_ready", v: 1, attempt },
    ...placedInTurn.map(
      (placed): LineEvent => ({ kind: "booking_advanced", v: 1, attempt, quote: { ...quote, placed } }),
    ),
  ]),
  { kind: "hold_claimed", v: 1, ...claim, request: booking(1, null).request },
  ...placedInTurn.map((placed): LineEvent => ({ kind: "hold_advanced", v: 1, quote: { ...quote, placed } })),
  { kind: "hold_ended", v: 1, why: "rejected" },
  { kind: "let_go", v: 1, placed: placedAt("reserved"), left: null },
  { kind: "settled_by_person", v: 1, by: "dana", booked: true, deal, note: "" },
  { kind: "settled_by_person", v: 1, by: "dana", booked: false, deal: null, note: "" },
  { kind: "mismatch_cleared", v: 1, by: "dana", note: "" },
  {
    ...{ kind: "buy_changed", v: 1, deal },
    change: { ref: "northbeam/DEMO-1.change-1", terms, under: true, returned: usd("0.00") },
  },
  {
    ...{ kind: "creatives_synced", v: 1, sellerId: "northbeam", by: "local", creatives: ["spot"], assignments: [] },
    ...{ results: [], taskId: null, failed: null },
  },
  { kind: "order_placed", v: 1, orderId: "ORD-1", status: "draft" },
  { kind: "order_failed", v: 1, why: "500" },
  { kind: "cancel_started", v: 1, by: "dana" },
  { kind: "cancel_confirmed", v: 1 },
  { kind: "cancel_refused", v: 1, why: "too late" },
  { kind: "cancel_unknown", v: 1, why: "timeout" },
  {
    ...{ kind: "creatives_synced", v: 1, sellerId: "streamhaus", by: "dana", creatives: ["cr_1"], assignments: [] },
    ...{ results: [], taskId: null, failed: null },
  },
];

function put(outcome: ProposalOutcome): LineEvent {
  const approvalId = outcome === "waits" ? "appr-1" : null;
  const proposal = { id: "prop-1", cpm: usd("28.50"), approvalId, sellerSaid: "" };
  return { kind: "proposal_answered", v: 1, proposal, outcome };
}

function placedAt(step: Placed["step"], orderId = "o-1"): Placed {
  return { orderId, lineId: step === "ordered" ? null : "l-1", step, heldUntil: null };
}

function waits(attempt: number, what: SellerWait["for"]): LineEvent {
  const wait = { for: what, taskId: "t-1", mediaBuyId: null, url: null, sellerSaid: "", expectedBy: null };
  return { kind: "seller_waits", v: 1, attempt, wait };
}

function started(attempt: number, approvalId: string | null): LineEvent {
  return { kind: "booking_started", v: 1, booking: booking(attempt, approvalId) };
}

/** Kinds with many variants, of a seller that takes several writes. */
const stepwise: readonly string[] = ["booking_advanced", "hold_claimed", "hold_advanced", "hold_ended", "let_go"];

/** Long lists, so that what survives of them reaches far into a line's life; few ends that nothing follows. */
const histories = fc.array(
  fc.oneof(
    {
      weight: 7,
      arbitrary: fc.constantFrom(
        ...entries.filter(({ kind }) => !["superseded", "quote_declined", ...stepwise].includes(kind)),
      ),
    },
    { weight: 1, arbitrary: fc.constantFrom(...entries.filter(({ kind }) => stepwise.includes(kind))) },
    { weight: 1, arbitrary: fc.constantFrom(...entries) },
  ),
  { size: "max", minLength: 100, maxLength: 300 },
);

interface Step {
  readonly before: Line | null;
  readonly event: LineEvent;
  readonly after: Line;
}

/** Folds what may come and skips the rest, which must be refused with a RangeError. */
function lived(history: readonly LineEvent[], from: Line | null = null): readonly Step[] {
  const steps: Step[] = [];
  let line = from;
  for (const event of history) {
    try {
      const after: Line = foldLine(line, event, "2026-11-20T10:00:00.000Z");
      steps.push({ before: line, event, after });
      line = after;
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
  }
  return steps;
}

function along(before: Line | null, event: LineEvent, after: Line): void {
  const { from, to } = transitions[event.kind];
  expect(from).toContain(before?.status ?? "none");
  expect(to === "same" ? [before?.status] : [to].flat()).toContain(after.status);
}

describe("a line", () => {
  test("moves along the table or not at all", () => {
    verifies("media_buy.transitions");
    fc.assert(
      fc.property(histories, (history) => {
        for (const { before, event, after } of lived(history)) along(before, event, after);
      }),
      { numRuns: 100 },
    );
  });

  test("reaches every status, by every way the table names and no other", () => {
    verifies("media_buy.transitions");
    const used = new Set<string>();
    const seen = new Map<string, Line>();
    const todo: (Line | null)[] = [null];
    for (let before = todo.pop(); before !== undefined; before = todo.pop()) {
      for (const { event, after } of entries.flatMap((entry) => lived([entry], before))) {
        along(before, event, after);
        used.add(`${event.kind} from ${before?.status ?? "none"}`);
        const { status, attempts, approvalId, cancelFrom, booking: sent, wait, claims } = after;
        const isResent = claims.some(({ resend }) => resend);
        const place = JSON.stringify([
          ...[status, attempts, approvalId, cancelFrom, sent?.attempt, after.deal !== null, wait?.for, isResent],
          // What a hold adds is told apart where it can come; the steps of a booking lead to no status of their own.
          ...(status === "open" && attempts === 0 ? [after.hold?.claim?.holder, after.quote.placed?.step] : []),
        ]);
        if (!seen.has(place)) todo.push(after);
        seen.set(place, after);
      }
    }
    const named = Object.entries(transitions).flatMap(([kind, { from }]) =>
      from.map((status) => `${kind} from ${status}`),
    );
    expect([...used].sort()).toEqual(named.sort());
    expect([...new Set([...seen.values()].map(({ status }) => status))].sort()).toEqual([...lineStatuses].sort());
  });

  test("is booked at most once, ever, and never sent again after", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const steps = lived(history);
        const kinds = steps.map(({ event }) => event.kind);
        const at = steps.findIndex(({ after }) => after.deal !== null);
        const bookings = steps.filter(({ before, after }) => before?.deal === null && after.deal !== null);
        expect(bookings.length).toBeLessThanOrEqual(1);
        if (at < 0) return;
        for (const kind of [
          "booking_started",
          "send_claimed",
          "booking_confirmed",
          "booking_mismatched",
          "quote_read",
        ]) {
          expect(kinds.slice(at + 1)).not.toContain(kind);
        }
        for (const { after } of steps.slice(at)) expect(after.deal).toEqual(deal);
      }),
      { numRuns: 100 },
    );
  });

  test("starts an attempt only when there was none or the last was refused; attempts only rise", () => {
    fc.assert(
      fc.property(histories, (history) => {
        let open = false;
        for (const { before, event, after } of lived(history)) {
          expect(after.attempts).toBeGreaterThanOrEqual(before?.attempts ?? 0);
          if (event.kind === "booking_started") {
            expect(open).toBe(false);
            expect(after.attempts).toBe((before?.attempts ?? 0) + 1);
            open = true;
          }
          if (event.kind === "booking_refused") open = false;
        }
      }),
      { numRuns: 100 },
    );
  });

  test("waits for an account only while nothing was sent, and is sent again only by claims that say so", () => {
    const reached = new Set<string>();
    const holds = (history: readonly LineEvent[]) => {
      let waitedFor: string | null = null;
      for (const { before, event, after } of lived(history)) {
        if (event.kind === "booking_started") waitedFor = null;
        if (event.kind === "seller_waits") {
          reached.add(event.wait.for);
          // Whatever was once waited for after sending, an account is never waited for after it.
          if (event.wait.for === "account") expect([null, "account"]).toContain(waitedFor);
          else expect(before?.wait?.for).not.toBe("account");
          waitedFor = event.wait.for;
        }
        if (event.kind === "seller_ready") {
          reached.add(event.kind);
          expect(before?.wait?.for).toBe("account");
          expect(before?.claims.some(({ resend }) => resend)).toBe(false);
          expect(after).toMatchObject({ status: "approved", claims: [], wait: null });
          expect(after.booking).toEqual(before?.booking);
          waitedFor = null;
        }
        // What was sent before is settled by it, and nothing of the next write has left.
        if (event.kind === "booking_advanced") waitedFor = null;
        expect(after.wait === null).toBe(after.status !== "awaiting_seller");
      }
    };
    fc.assert(fc.property(histories, holds), { numRuns: 200 });
    // Chance alone does not always get to each of them.
    const sent: LineEvent = { kind: "send_claimed", v: 1, attempt: 1, ...claim, resend: false };
    const ready: LineEvent = { kind: "seller_ready", v: 1, attempt: 1 };
    const others = (["decision", "confirmation", "signature"] as const).map((what) => waits(1, what));
    holds([quoted, started(1, null), sent, waits(1, "account"), ready, sent, ...others]);
    expect([...reached].sort()).toEqual(["account", "confirmation", "decision", "seller_ready", "signature"]);
  });

  test("goes on with the order and the line it began with, from one write to the next, and forgets them when refused", () => {
    const follows = ({ before, event, after }: Step) => {
      const [from, to] = [before?.quote.placed, after.quote.placed];
      if (event.kind === "booking_refused" || event.kind === "hold_ended") expect(to).toBeUndefined();
      if (event.kind !== "booking_advanced") return;
      expect(after).toMatchObject({ status: "approved", claims: [], seenAvailable: 0, wait: null });
      expect(to).toEqual(event.quote.placed);
      if (from) expect(to?.orderId).toBe(from.orderId);
      if (from?.lineId) expect(to?.lineId).toBe(from.lineId);
      expect(from?.step).not.toBe(to?.step);
      expect(["reserved", "unheld"]).not.toContain(from?.step);
    };
    fc.assert(
      fc.property(histories, (history) => {
        for (const step of lived(history)) follows(step);
      }),
      { numRuns: 200 },
    );
    const sent: LineEvent = { kind: "send_claimed", v: 1, attempt: 1, ...claim, resend: false };
    const advanced = (step: Placed["step"]): LineEvent[] => [
      sent,
      { kind: "booking_advanced", v: 1, attempt: 1, quote: { ...quote, placed: placedAt(step) } },
    ];
    const refused: LineEvent = { kind: "booking_refused", v: 1, attempt: 1, code: "DECLINED", why: "no", sent: true };
    const whole = [
      ...[quoted, started(1, null), ...advanced("ordered"), ...advanced("drafted"), ...advanced("reserved")],
      ...[sent, refused],
    ];
    const steps = [...lived(whole)];
    expect(steps).toHaveLength(whole.length);
    for (const step of steps) follows(step);
    expect(steps.at(-2)?.after.quote.placed).toEqual(placedAt("reserved"));
  });

  test("is asked for, bought or renewed only once no terms wait for the seller, which never change its price", () => {
    fc.assert(
      fc.property(histories, (history) => {
        for (const { before, event, after } of lived(history)) {
          if (event.kind === "proposal_answered") expect(["open", "proposed"]).toContain(after.status);
          if (event.kind === "proposal_answered") expect(after.quote.proposal).toEqual(event.proposal);
          // What is agreed on has a quote of its own.
          if (before?.quote.proposal && event.kind === "negotiation_ended")
            expect(after.quote.cpm).toEqual(before.quote.cpm);
          if (before?.status !== "proposed") continue;
          expect(["approval_requested", "booking_started", "superseded", "quote_read"]).not.toContain(event.kind);
          expect(after.quote.cpm).toEqual(before.quote.cpm);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("keeps what the planner chose, until a person is asked about it", () => {
    fc.assert(
      fc.property(histories, (history) => {
        for (const { before, event, after } of lived(history)) {
          if (event.kind !== "terms_chosen") continue;
          expect([before?.status, after.status]).toEqual(["open", "open"]);
          expect(after.quote).toEqual(chosen);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("counts as a success only what nobody found to differ, or a person cleared", () => {
    fc.assert(
      fc.property(histories, (history) => {
        let differs = false;
        for (const { event, after } of lived(history)) {
          if (event.kind === "booking_mismatched") differs = true;
          if (event.kind === "mismatch_cleared") differs = false;
          if (differs) expect(after.status).not.toBe("booked");
        }
      }),
      { numRuns: 100 },
    );
  });

  test("is folded without changing what was folded before", () => {
    fc.assert(
      fc.property(histories, (history) => {
        for (const { before, event, after } of lived(history)) {
          const frozen = structuredClone(before);
          expect(foldLine(before, event, "2026-11-20T10:00:00.000Z")).toEqual(after);
          expect(before).toEqual(frozen);
        }
      }),
      { numRuns: 50 },
    );
  });
});
