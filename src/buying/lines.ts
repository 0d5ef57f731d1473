import type { ApprovalEvent } from "../domain/approval.ts";
import { type Approval, foldApproval } from "../domain/approval.ts";
import { BuyingError } from "../domain/errors.ts";
import { type Ref, streams } from "../domain/ids.ts";
import { foldLine, type Line, type LineEvent } from "../domain/media-buy.ts";
import { type Balances, noBalances, type SpendEvent, settleBalances } from "../domain/spend.ts";
import type { Entry } from "../ledger/entries.ts";
import { LedgerConflict, type NewRow, type Row } from "../ledger/ledger.ts";
import type { Ports } from "./ports.ts";

/** A line with where it stands in its stream; what is decided on it is only good for the next version. */
export interface LoadedLine {
  readonly ref: Ref;
  readonly version: number;
  readonly flowId: string;
  readonly line: Line;
}

export interface LoadedApproval {
  readonly version: number;
  readonly flowId: string;
  readonly approval: Approval;
  /** All that happened to it, oldest first. */
  readonly entries: readonly Entry[];
}

/** A quote with all that came of it. @throws BuyingError `unknown_quote` */
export async function loadLine(ports: Ports, ref: Ref): Promise<LoadedLine> {
  const loaded = lineFrom(ref, await ports.ledger.read(streams.quote(ref)));
  if (loaded) return loaded;
  throw new BuyingError("unknown_quote", `This desk holds no quote ${ref}. Nothing was booked.`, "fix_arguments", {
    field: "quote_id",
  });
}

/** The quote that stands for this one after all that took its place. @throws BuyingError `unknown_quote` */
export async function newestOf(ports: Ports, ref: Ref): Promise<LoadedLine> {
  const loaded = await loadLine(ports, ref);
  return loaded.line.supersededBy ? newestOf(ports, loaded.line.supersededBy) : loaded;
}

/** Folds a line's rows; undefined for an empty stream. @throws BuyingError `newer_release` for entries we do not know */
export function lineFrom(ref: Ref, rows: readonly Row[]): LoadedLine | undefined {
  const first = rows[0];
  const last = rows.at(-1);
  if (!first || !last) return undefined;
  const line = foldRows<LineEvent, Line>(rows, foldLine);
  return { ref, version: last.version, flowId: first.flowId, line };
}

/** An approval with its lines. @throws BuyingError `unknown_approval` */
export async function loadApproval(ports: Ports, approvalId: string): Promise<LoadedApproval> {
  const rows = await ports.ledger.read(streams.approval(approvalId));
  const first = rows[0];
  const last = rows.at(-1);
  if (!first || !last) {
    throw new BuyingError(
      "unknown_approval",
      `This desk holds no approval ${approvalId.slice(0, 60)}. Nothing was booked.`,
      "fix_arguments",
      {
        field: "approval_id",
      },
    );
  }
  const fold = (before: Approval | null, event: ApprovalEvent, at: string) =>
    foldApproval(approvalId, before, event, at);
  const approval = foldRows<ApprovalEvent, Approval>(rows, fold);
  const entries = rows.flatMap((row) => row.entries);
  return { version: last.version, flowId: first.flowId, approval, entries };
}

/** The desk's running totals, and the version they were read at. */
export async function loadBalances(ports: Ports): Promise<{ readonly version: number; readonly balances: Balances }> {
  const head = await ports.ledger.head(streams.spend(ports.settings.name));
  if (!head) return { version: 0, balances: noBalances(ports.settings.mandate?.currency ?? null) };
  refuseNewer(head);
  const carried = head.entries.find((entry) => entry.kind === "balances");
  if (carried?.kind !== "balances") throw new RangeError("a spend row without balances");
  return { version: head.version, balances: carried.balances };
}

/** A row that moves a line on; its status is the fold's, so a wrong move throws here and never reaches the ledger. */
export function lineRow(ports: Ports, loaded: LoadedLine, ...events: readonly LineEvent[]): NewRow {
  const at = ports.now().toISOString();
  const after = events.reduce((line, event) => foldLine(line, event, at), loaded.line);
  return rowOf(streams.quote(loaded.ref), loaded.version + 1, "quote", after.status, loaded.flowId, events);
}

/** A row that begins a line, with what has happened to it since. */
export function firstLineRow(
  ref: Ref,
  flowId: string,
  first: Extract<LineEvent, { kind: "quoted" }>,
  ...events: readonly LineEvent[]
): NewRow {
  // Moments come with the row; they decide no status.
  const line = events.reduce((before, event) => foldLine(before, event, ""), foldLine(null, first, ""));
  return rowOf(streams.quote(ref), 1, "quote", line.status, flowId, [first, ...events]);
}

/** The next row of an approval that was loaded: one more event, checked by its fold. */
export function approvalRow(ports: Ports, loaded: LoadedApproval, event: ApprovalEvent): NewRow {
  const after = foldApproval(loaded.approval.approvalId, loaded.approval, event, ports.now().toISOString());
  return rowOf(
    streams.approval(loaded.approval.approvalId),
    loaded.version + 1,
    "approval",
    after.status,
    loaded.flowId,
    [event],
  );
}

/** A row that opens an approval. */
export function firstApprovalRow(
  approvalId: string,
  flowId: string,
  event: Extract<ApprovalEvent, { kind: "approval_opened" }>,
): NewRow {
  return rowOf(streams.approval(approvalId), 1, "approval", "pending", flowId, [event]);
}

/** A row of the spend stream: the events, and the balances after them. */
export function spendRow(
  ports: Ports,
  at: { readonly version: number; readonly balances: Balances },
  flowId: string,
  events: readonly SpendEvent[],
): NewRow {
  const balances = events.reduce(settleBalances, at.balances);
  const status = balances.incidents.length > 0 ? "stopped" : "open";
  return rowOf(streams.spend(ports.settings.name), at.version + 1, "spend", status, flowId, [
    ...events,
    { kind: "balances", v: 1, balances },
  ]);
}

/** A row that claims a seller's deal for one line: a second claim of the same deal is a conflict. */
export function dealRow(ref: Ref, dealRef: Ref, flowId: string): NewRow {
  return rowOf(streams.deal(dealRef), 1, "deal", "claimed", flowId, [{ kind: "deal_claimed", v: 1, ref }]);
}

/** Decisions of this process waiting for their turn: racing ourselves on the hot `spend` stream would only make conflicts. */
const turns = new WeakMap<Ports, Promise<unknown>>();

/**
 * Reads, decides and appends; when another process was faster, reads and decides again. `decide` must read what it
 * needs itself and call no seller, and returns the rows to append together with what to hand back; no rows = nothing
 * to do. Decisions of one process take turns, so `decide` must not call this again.
 */
export async function decideAndAppend<T>(
  ports: Ports,
  decide: () => Promise<{ readonly rows: readonly NewRow[]; readonly result: T }>,
): Promise<T> {
  const before = turns.get(ports) ?? Promise.resolve();
  const mine = before.then(
    () => decideUntilAppended(ports, decide),
    () => decideUntilAppended(ports, decide),
  );
  turns.set(ports, mine);
  return mine;
}

async function decideUntilAppended<T>(
  ports: Ports,
  decide: () => Promise<{ readonly rows: readonly NewRow[]; readonly result: T }>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const { rows, result } = await decide();
    if (rows.length === 0) return result;
    try {
      await ports.ledger.append(rows);
      return result;
    } catch (error) {
      if (!(error instanceof LedgerConflict) || attempt >= 100) throw error;
      await ports.sleep(Math.min(100, 2 ** Math.min(attempt, 6)) * (0.5 + Math.random()));
    }
  }
}

/** Appends one line's events on its newest version, deciding again when another writer was faster. */
export async function appendLine(
  ports: Ports,
  ref: Ref,
  decide: (loaded: LoadedLine) => readonly LineEvent[],
): Promise<LoadedLine> {
  await decideAndAppend(ports, async () => {
    const loaded = await loadLine(ports, ref);
    const events = decide(loaded);
    return { rows: events.length > 0 ? [lineRow(ports, loaded, ...events)] : [], result: undefined };
  });
  return loadLine(ports, ref);
}

/** A row as it is appended; of a status that its entries fold to. */
export function rowOf(
  stream: string,
  version: number,
  kind: string,
  status: string,
  flowId: string,
  entries: readonly Entry[],
): NewRow {
  return { stream, version, kind, status, flowId, entries };
}

/** What a stream's rows come to. @throws BuyingError `newer_release` for entries we do not know */
export function foldRows<E extends Entry, S>(
  rows: readonly Row[],
  fold: (before: S | null, event: E, at: string) => S,
): S {
  let state: S | null = null;
  for (const row of rows) {
    refuseNewer(row);
    // A stream holds only entries of its own union: rows are written by the functions above alone.
    for (const entry of row.entries) state = fold(state, entry as E, row.at);
  }
  if (state === null) throw new RangeError("a stream without entries");
  return state;
}

function refuseNewer(row: Row): void {
  if (row.unknown === null) return;
  throw new BuyingError(
    "newer_release",
    `${row.stream} holds "${row.unknown}", written by a newer release. Update this one; nothing was changed.`,
    "ask_person",
  );
}
