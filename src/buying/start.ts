import type { ApprovalLine } from "../domain/approval.ts";
import { type Ref, uuidFrom } from "../domain/ids.ts";
import type { BookingStart, FrozenRequest } from "../domain/media-buy.ts";
import { sum } from "../domain/money.ts";
import type { DecisionChannel, Holding, SpendEvent } from "../domain/spend.ts";
import { pricesIn, type Terms, totalOf } from "../domain/terms.ts";
import type { NewRow } from "../ledger/ledger.ts";
import type { Acceptance } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { type LoadedLine, lineRow, spendRow } from "./lines.ts";
import type { Standing } from "./mandate-facts.ts";
import type { Ports } from "./ports.ts";

export interface StartedBy {
  readonly via: DecisionChannel;
  readonly by: string;
  /** UTC instant of the decision. */
  readonly at: string;
  /** Who asked to buy. */
  readonly proposer: string;
  readonly approval: { readonly approvalId: string } | null;
  /** The media buy under whose approval a covered change is started. */
  readonly under?: Ref;
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

/** How a line over several channels falls to each; nothing to say of a line with one. */
function channelsOf(terms: Terms): Pick<Holding, "channels"> {
  // What a change adds is a part of its packages' budgets, and told apart by none of them.
  if (terms.changes) return {};
  const prices = pricesIn(terms);
  const named = [...new Set(prices.map(({ channel }) => channel ?? "other"))];
  if (named.length < 2) return {};
  const shares = named.map((name) => {
    const own = prices.filter(({ channel }) => (channel ?? "other") === name).map(({ total }) => total);
    return [name, sum(own, terms.currency)] as const;
  });
  return { channels: Object.fromEntries(shares) };
}

/** The exact bytes that would book a line on these terms. Nobody is called for it. */
export async function requestFor(
  ports: Ports,
  { line }: LoadedLine,
  terms: Terms,
  key: string,
  accepted: Acceptance,
): Promise<FrozenRequest> {
  const record = await ports.directory.find(line.quote.sellerId);
  const { identity } = accessAs(ports, line.quote.shownAs);
  return ports.directory.connect(record).bookingRequest(terms, line.quote, key, identity, accepted);
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
  const request = await requestFor(ports, loaded, approved.terms, key, { by: started.by, at: started.at });
  const holding = {
    ref: loaded.ref,
    attempt,
    amount: totalOf(approved.terms),
    day,
    via: started.via,
    sellerId: line.quote.sellerId,
    channel: approved.terms.channel,
    ...channelsOf(approved.terms),
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
    ...(started.under === undefined ? {} : { under: started.under }),
  };
}
