import type { Deal } from "../../src/domain/deal.ts";
import type { BookingStart, Line } from "../../src/domain/media-buy.ts";
import { compare, parseMoney } from "../../src/domain/money.ts";
import { digestOf, type Terms } from "../../src/domain/terms.ts";
import type { Row } from "../../src/ledger/ledger.ts";
import type { ModelDeal, ModelSeller, Send } from "./model-seller.ts";
import { latestEffectMs, mostOffMs } from "./timing.ts";
import type { Witness } from "./witness.ts";
import type { Process } from "./world.ts";

/** What every append must keep to, whatever wrote it. @param before the lines as they were without these rows */
export function bookingLaws(
  witness: Witness,
  rows: readonly Row[],
  before: ReadonlyMap<string, Line>,
  process: Process,
): void {
  for (const row of rows) {
    const name = row.stream.slice(row.kind.length + 1);
    for (const entry of row.entries) {
      if (entry.kind === "approval_decided") decisionLaws(witness, name, entry);
      if (entry.kind === "booking_started") startLaws(witness, name, entry.booking, rows, before.get(name));
      if (entry.kind === "booking_confirmed") confirmedLaws(witness, name, entry.deal);
      if (
        entry.kind === "booking_mismatched" &&
        !rows.some(({ entries }) => entries.some(({ kind }) => kind === "overspent"))
      )
        witness.accuse("a difference is an incident", `${name} differs, and nothing stops approvals`);
      if (entry.kind === "booking_refused") refusedLaws(witness, name, process);
      if (
        entry.kind === "cancel_confirmed" &&
        dealsStanding(witness, name).some(({ deal }) => deal.dealId === before.get(name)?.deal?.dealId)
      )
        witness.accuse("released only when nothing stands", `${name} is cancelled here and stands at its seller`);
    }
  }
}

/** A decision in the ledger is a person's word, given in time. */
function decisionLaws(
  witness: Witness,
  approvalId: string,
  decided: {
    readonly decision: string;
    readonly via: string;
    readonly by: string;
    readonly digests: readonly string[];
  },
): void {
  const approval = witness.approvals.get(approvalId);
  const word = witness.words.find(
    (one) =>
      one.approvalId === approvalId &&
      one.decision === decided.decision &&
      one.via === decided.via &&
      one.by === decided.by,
  );
  if (!word || !approval) {
    witness.accuse("no booking without its approval", `${approvalId} is decided, and no person said so`);
    return;
  }
  if (decided.decision === "approve" && word.at > Date.parse(approval.expiresAt) + mostOffMs)
    witness.accuse("no booking without its approval", `${approvalId} was approved after its time`);
}

function startLaws(
  witness: Witness,
  ref: string,
  booking: BookingStart,
  rows: readonly Row[],
  before: Line | undefined,
): void {
  const law = "no booking without its approval";
  const started = rows.flatMap(({ entries }) => entries);
  const reserved = started.some(
    (entry) => entry.kind === "reserved" && entry.holding.ref === ref && entry.holding.attempt === booking.attempt,
  );
  if (!reserved) witness.accuse("balances are the sum", `${ref} starts without its money held`);
  if (digestOf(booking.terms) !== booking.digest) witness.accuse(law, `${ref} starts on terms that are not its digest`);
  if (compare(parseMoney(booking.terms.total), booking.holding.amount) !== 0)
    witness.accuse("balances are the sum", `${ref} holds another amount than its terms`);
  if (booking.approvalId === null) {
    if (booking.via !== "auto") witness.accuse(law, `${ref} starts by ${booking.via} without an approval`);
    return;
  }
  const decided = started.find((entry) => entry.kind === "approval_decided");
  const shown = witness.approvals.get(booking.approvalId)?.lines.find((line) => line.ref === ref);
  if (
    decided?.kind !== "approval_decided" ||
    decided.decision !== "approve" ||
    !decided.digests.includes(booking.digest)
  )
    witness.accuse(law, `${ref} starts without the decision on its digest`);
  if (shown?.digest !== booking.digest) witness.accuse(law, `${ref} starts on a digest that was not shown`);
  if (before && before.approvalId !== booking.approvalId) witness.accuse(law, `${ref} waited for another approval`);
}

function confirmedLaws(witness: Witness, ref: string, deal: Deal): void {
  const terms = witness.lines.get(ref)?.booking?.terms;
  if (!terms || isBeyond(terms, deal))
    witness.accuse(
      "a difference is an incident",
      `${ref} is booked as approved, and ${deal.dealId} is not what was approved`,
    );
}

/** True when a deal is not what the terms say: dearer, or of something else. */
export function isBeyond(terms: Terms, deal: Deal): boolean {
  const dearer = deal.cpm?.currency !== terms.currency || compare(deal.cpm, parseMoney(terms.unit_price ?? "")) > 0;
  return dearer || deal.productId !== terms.product || deal.impressions !== terms.impressions;
}

/**
 * Money comes back only when it is certain that no booking was or will be made with it. Of a seller whose quotes are
 * read back nothing but its own refusal of each sending says so; one that answers the same bytes alike, and refuses
 * them now, says so once none of the others can have an effect any more.
 */
function refusedLaws(witness: Witness, ref: string, process: Process): void {
  const isReplayed = sellerOf(witness, ref)?.desk ?? null;
  // An order, a line or a reservation commits nothing.
  const commits = sendsOf(witness, ref).filter(({ write }) => write === null || write === "book");
  const open = isReplayed ? mayComeOf(witness, ref) : commits.filter((send) => !send.knownDead);
  if (open.length > 0)
    witness.accuse(
      "released only when nothing stands",
      `${process.name} gives the money of ${ref} back, and send ${open.map(({ n }) => n).join()} may have booked it`,
    );
}

/** What stands at its seller of a line. */
export function dealsStanding(witness: Witness, ref: string): readonly ModelDeal[] {
  return sellerOf(witness, ref)?.standing(ref.split("/")[1] ?? "") ?? [];
}

/** Sends of a line that came to something, or of which nobody can know yet that they will not. */
export function mayComeOf(witness: Witness, ref: string): readonly Send[] {
  const { scheduler } = witness.world;
  const { desk, steps } = sellerOf(witness, ref) ?? {};
  return sendsOf(witness, ref).filter(
    ({ at, key, quoteId, knownDead, deals }) =>
      deals.some(({ stands }) => stands) ||
      desk?.isAtWorkOn(key) ||
      steps?.isAtWorkOn(quoteId) ||
      (!knownDead && scheduler.time - at < latestEffectMs),
  );
}

function sellerOf(witness: Witness, ref: string): ModelSeller | undefined {
  const [sellerId] = ref.split("/");
  return witness.world.sellers.find(({ id }) => id === sellerId);
}

/** All bytes that ever left to book a line, oldest first. */
export function sendsOf(witness: Witness, ref: string): readonly Send[] {
  const quoteId = ref.split("/")[1];
  return sellerOf(witness, ref)?.sends.filter((send) => send.quoteId === quoteId) ?? [];
}
