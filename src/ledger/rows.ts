import { BuyingError } from "../domain/errors.ts";
import { sha256 } from "../domain/ids.ts";
import { canonicalJson } from "../domain/terms.ts";
import { decodeEntries, encodeEntries } from "./entries.ts";
import { LedgerConflict, type NewRow, type Row } from "./ledger.ts";

/** A row as a store keeps it: the columns of the table, `entries` as text. */
export interface StoredRow {
  readonly seq: number;
  readonly stream: string;
  readonly version: number;
  readonly kind: string;
  readonly status: string;
  readonly flow_id: string;
  readonly append_id: string;
  readonly at: string;
  readonly entries: string;
  readonly hash: string;
}

/** A row ready to be stored; the store gives it its place in the order of arrival. */
export type SealedRow = Omit<StoredRow, "seq">;

/** What the rows of one append share: a fresh id, and the UTC instant of the writing process. */
export interface Stamp {
  readonly appendId: string;
  readonly at: string;
}

/**
 * A row's hash: SHA-256 over the hash of the row before it in its stream (the empty text before a first row), directly
 * followed by the canonical JSON of the row's columns without `seq` and `hash`.
 */
export function hashOf(previousHash: string, row: Omit<SealedRow, "hash">): string {
  const { stream, version, kind, status, flow_id, append_id, at, entries } = row;
  return sha256(previousHash + canonicalJson({ stream, version, kind, status, flow_id, append_id, at, entries }));
}

/**
 * New rows chained to the ones before them. @param previous the stored row at `version - 1` of each stream
 * @throws RangeError for rows no ledger could hold: a stream named twice, an impossible version, a kind of another stream
 * @throws LedgerConflict when a row before is not there, so the caller decided on a state this ledger does not have
 * @throws BuyingError `newer_release` when a row before holds entries this release cannot fold
 */
export function seal(
  rows: readonly NewRow[],
  previous: ReadonlyMap<string, StoredRow>,
  stamp: Stamp,
): readonly SealedRow[] {
  const absent = rows.filter((row) => row.version > 1 && !previous.has(row.stream));
  if (absent.length > 0) throw new LedgerConflict(absent.map((row) => row.stream));
  return rows.map((row) => {
    const before = previous.get(row.stream);
    if (before) refuseUnknown(before);
    const bare = {
      stream: row.stream,
      version: row.version,
      kind: row.kind,
      status: row.status,
      flow_id: row.flowId,
      append_id: stamp.appendId,
      at: stamp.at,
      entries: encodeEntries(row.entries),
    };
    return { ...bare, hash: hashOf(before?.hash ?? "", bare) };
  });
}

/** @throws RangeError for rows that only a mistake in our own code can bring here */
export function checkNewRows(rows: readonly NewRow[]): void {
  const named = new Set(rows.map((row) => row.stream));
  if (named.size !== rows.length) throw new RangeError("an append holds at most one row of a stream");
  for (const { stream, version, kind } of rows) {
    if (!Number.isSafeInteger(version) || version < 1) throw new RangeError(`${version} is no version of ${stream}`);
    if (stream.slice(0, stream.indexOf("/")) !== kind) throw new RangeError(`${kind} is not the kind of ${stream}`);
  }
}

/** A stored row as readers of the ledger see it. */
export function toRow(stored: StoredRow): Row {
  return {
    seq: stored.seq,
    stream: stored.stream,
    version: stored.version,
    kind: stored.kind,
    status: stored.status,
    flowId: stored.flow_id,
    appendId: stored.append_id,
    at: stored.at,
    hash: stored.hash,
    stored: stored.entries,
    ...decodeEntries(stored.entries),
  };
}

/** `since` of a history in the form that rows carry, so that the two compare as text. @throws RangeError when it is no instant */
export function sinceInstant(since: string): string {
  return new Date(since).toISOString();
}

function refuseUnknown(before: StoredRow): void {
  const { unknown } = decodeEntries(before.entries);
  if (unknown === null) return;
  throw new BuyingError(
    "newer_release",
    `A newer release wrote "${unknown}" to ${before.stream}, which this release does not understand, so it wrote nothing. Nothing was booked. Update media-buyer-mcp and try again.`,
    "ask_person",
  );
}
