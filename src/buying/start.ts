import type { ApprovalLine } from "../domain/approval.ts";
import { uuidFrom } from "../domain/ids.ts";
import type { BookingStart } from "../domain/media-buy.ts";
import type { DecisionChannel, SpendEvent } from "../domain/spend.ts";
import { totalOf } from "../domain/terms.ts";
import type { NewRow } from "../ledger/ledger.ts";
import { accessAs } from "./access.ts";
import { type LoadedLine, lineRow, spendRow } from "./lines.ts";
import type { Standing } from "./mandate-facts.ts";
import type { Ports } from "./ports.ts";

export interface StartedBy {
  readonly via: DecisionChannel;
  readonly by: string;
  /** Who asked to buy. */
  readonly proposer: string;
  readonly approval: { readonly approvalId: string } | null;
}

/**
 * The rows that start lines: for each its `booking_started` with the frozen request, and one row that reserves their
 * money. They go into the same append as the decision, so that there is no approved-but-not-started, and no started
 * without its money held.
 */
export async function startRows(
  ports: Ports,
  loaded: readonly LoadedLine[],
  lines: readonly ApprovalLine[],
  started: StartedBy,
  now: Standing,
): Promise<readonly NewRow[]> {
  const starts = await Promise.all(loaded.map((one) => bookingStart(ports, one, lines, started, now.day)));
  const rows = loaded.map((one, index) => {
    const booking = starts[index];
    if (!booking) throw new RangeError("a line without its start");
    return lineRow(ports, one, { kind: "booking_started", v: 1, booking });
  });
  const flowId = loaded[0]?.flowId ?? ports.newId();
  const reserved = starts.map(({ holding }): SpendEvent => ({ kind: "reserved", v: 1, holding }));
  return [...rows, spendRow(ports, now, flowId, reserved)];
}

async function bookingStart(
  ports: Ports,
  loaded: LoadedLine,
  lines: readonly ApprovalLine[],
  started: StartedBy,
  day: string,
): Promise<BookingStart> {
  const approved = lines.find(({ ref }) => ref === loaded.ref);
  if (!approved) throw new RangeError(`${loaded.ref} is not among the approved lines`);
  const { line } = loaded;
  const attempt = line.attempts + 1;
  const approvalId = started.approval?.approvalId ?? null;
  // The key is a function of what was approved and of the attempt: two processes cannot make two.
  const key = uuidFrom(approvalId ?? started.via, loaded.ref, approved.digest, String(attempt));
  const record = await ports.directory.find(line.quote.sellerId);
  const { identity } = accessAs(ports, line.quote.shownAs);
  const request = ports.directory
    .connect(record)
    .bookingRequest(approved.terms, line.quote.sellerQuoteId, key, identity);
  const holding = {
    ref: loaded.ref,
    attempt,
    amount: totalOf(approved.terms),
    day,
    via: started.via,
    sellerId: line.quote.sellerId,
    channel: approved.terms.channel,
    campaign: line.campaign,
    proposer: started.proposer,
  };
  return {
    attempt,
    key,
    digest: approved.digest,
    terms: approved.terms,
    request,
    approvalId,
    via: started.via,
    by: started.by,
    holding,
  };
}
