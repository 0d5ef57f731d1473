import type { Row } from "./ledger.ts";
import { hashOf } from "./rows.ts";

/** One thing that is wrong with a ledger, in words for a person. */
export interface Finding {
  readonly stream: string;
  readonly version: number;
  readonly what: string;
}

/**
 * Looks for rows that were changed, removed or reordered: every stream's versions run 1, 2, 3… in the order of arrival,
 * and every hash follows from its row and the hash before. Rows cut off a stream's end leave no trace in the chain;
 * `verifyAnchors` finds those. @param rows whole streams, in order of arrival @returns nothing for a sound ledger
 */
export function verifyChain(rows: readonly Row[]): readonly Finding[] {
  return [...byStream(rows).values()].flatMap(verifyStream);
}

/** Compares every anchor with the rows it names. @param rows the whole ledger, for an anchor may name any stream */
export function verifyAnchors(rows: readonly Row[]): readonly Finding[] {
  const hashes = new Map(rows.map((row) => [`${row.version} ${row.stream}`, row.hash]));
  return rows.flatMap((row) =>
    row.entries.flatMap((entry) => {
      if (entry.kind !== "anchored") return [];
      return entry.heads.flatMap(({ stream, version, hash }) => {
        const found = hashes.get(`${version} ${stream}`);
        if (found === hash) return [];
        const what = found === undefined ? "is missing" : "is not the row that was there";
        return [{ stream, version, what: `${what}, says version ${row.version} of ${row.stream}` }];
      });
    }),
  );
}

function byStream(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const streams = new Map<string, Row[]>();
  for (const row of rows) {
    const known = streams.get(row.stream);
    if (known) known.push(row);
    else streams.set(row.stream, [row]);
  }
  return streams;
}

function verifyStream(rows: readonly Row[]): readonly Finding[] {
  const findings: Finding[] = [];
  const report = (row: Row, what: string, version = row.version) =>
    findings.push({ stream: row.stream, version, what });
  let arrived: Row | undefined;
  for (const row of rows) {
    if (arrived && row.version <= arrived.version) report(row, `comes after version ${arrived.version}`);
    if (arrived && row.seq <= arrived.seq) report(row, `has seq ${row.seq} after seq ${arrived.seq}`);
    arrived = row;
  }
  let previous: Row | undefined;
  for (const row of [...rows].sort((left, right) => left.version - right.version)) {
    const expected = (previous?.version ?? 0) + 1;
    for (let missing = expected; missing < row.version; missing++) report(row, "is missing", missing);
    if (row.version < expected) report(row, "is there twice");
    else if (row.version === expected && hashOf(previous?.hash ?? "", columnsOf(row)) !== row.hash) {
      report(row, "does not match its hash: it, or the row before it, was changed");
    }
    previous = row;
  }
  return findings;
}

function columnsOf(row: Row): Parameters<typeof hashOf>[1] {
  const { stream, version, kind, status, at } = row;
  return { stream, version, kind, status, at, flow_id: row.flowId, append_id: row.appendId, entries: row.stored };
}
