import { type Mark, markAfter, noMark, type Place } from "../domain/anchor.ts";
import type { Row } from "./ledger.ts";
import { hashOf } from "./rows.ts";

/** One thing that is wrong with a ledger, in words for a person. */
export interface Finding {
  readonly stream: string;
  readonly version: number;
  readonly what: string;
}

/** A row, or of a row that is not shown its place and hash: enough to go on with the chain and the anchors. */
export type Link = Row | (Place & { readonly withheld: true });

/**
 * Looks for rows that were changed, removed or reordered: every stream's versions run 1, 2, 3… in the order of arrival,
 * and every hash follows from its row and the hash before. Rows cut off a stream's end leave no trace in the chain;
 * `verifyAnchors` finds those. @param links whole streams, in order of arrival @returns nothing for a sound ledger
 */
export function verifyChain(links: readonly Link[]): readonly Finding[] {
  return [...byStream(links).values()].flatMap(verifyStream);
}

/**
 * Looks for rows that are gone, whatever stream they were in: `seq` runs 1, 2, 3… over the whole ledger, for an append
 * that fails takes no number. @param links the whole ledger, in order of arrival
 */
export function verifyOrder(links: readonly Link[]): readonly Finding[] {
  return links.flatMap(({ seq, stream, version }, index) => {
    const expected = (links[index - 1]?.seq ?? 0) + 1;
    if (seq === expected) return [];
    const what = seq > expected ? `${seq - expected} rows before it are missing` : "it is out of its order";
    return [{ stream, version, what: `has seq ${seq} where ${expected} is due: ${what}` }];
  });
}

/**
 * Compares every anchor with the rows it names, and with all rows that its mark covers. Marks build on one another, so
 * the first that does not hold is the one reported. @param links the whole ledger, for an anchor may name any stream
 */
export function verifyAnchors(links: readonly Link[]): readonly Finding[] {
  const hashes = new Map(links.map((link) => [`${link.version} ${link.stream}`, link.hash]));
  const marks = marksOf(links);
  const findings: Finding[] = [];
  let isMarked = true;
  for (const { row, heads, mark } of anchorsIn(links)) {
    const where = { stream: row.stream, version: row.version };
    if (heads === null) findings.push({ ...where, what: "is an anchor that cannot be read" });
    for (const { stream, version, hash } of heads ?? []) {
      const found = hashes.get(`${version} ${stream}`);
      if (found === hash) continue;
      const what = found === undefined ? "is missing" : "is not the row that was there";
      findings.push({ stream, version, what: `${what}, says version ${row.version} of ${row.stream}` });
    }
    if (mark === null || !isMarked) continue;
    const now = marks.get(mark.upTo);
    isMarked = mark.upTo < row.seq && now?.root === mark.root && now.rows === mark.rows;
    if (!isMarked) findings.push({ ...where, what: unlike(mark, now, links) });
  }
  return findings;
}

/** The mark at every row: `seq` → mark. Rows that are not in order of arrival end it, for what follows has none. */
export function marksOf(links: readonly Link[]): ReadonlyMap<number, Mark> {
  const marks = new Map<number, Mark>();
  let mark = noMark;
  for (const link of links) {
    if (link.seq <= mark.upTo) break;
    mark = markAfter(mark, [link]);
    marks.set(link.seq, mark);
  }
  return marks;
}

/** Anchors as they stand in the ledger; `heads` is null where they cannot be read, `mark` where a release wrote none. */
export function anchorsIn(links: readonly Link[]): readonly {
  readonly row: Row;
  readonly heads: readonly Omit<Place, "seq">[] | null;
  readonly mark: Mark | null;
}[] {
  return links.flatMap((row) => {
    if (!("entries" in row)) return [];
    return row.entries.flatMap((entry) => {
      if (entry.kind !== "anchored") return [];
      const isRead =
        Array.isArray(entry.heads) && entry.heads.every((head) => typeof head === "object" && head !== null);
      return [{ row, heads: isRead ? entry.heads : null, mark: markIn(entry) }];
    });
  });
}

/** A mark that cannot be read covers nothing that was ever there, so it never holds. */
function markIn(entry: object): Mark | null {
  if (!("covers" in entry) || entry.covers === null) return null;
  const covers: object = Object(entry.covers);
  const number = (value: unknown) => (typeof value === "number" ? value : -1);
  return {
    upTo: "upTo" in covers ? number(covers.upTo) : -1,
    rows: "rows" in covers ? number(covers.rows) : -1,
    root: "root" in covers ? String(covers.root) : "",
  };
}

function unlike(mark: Mark, now: Mark | undefined, links: readonly Link[]): string {
  const there = now?.rows ?? links.filter(({ seq }) => seq <= mark.upTo).length;
  const rows = there === mark.rows ? "the rows" : `${mark.rows} rows, there are ${there}; those`;
  return `saw ${rows} up to seq ${mark.upTo} as they are not now: one was changed, removed, added or moved`;
}

function byStream(links: readonly Link[]): ReadonlyMap<string, readonly Link[]> {
  const streams = new Map<string, Link[]>();
  for (const link of links) {
    const known = streams.get(link.stream);
    if (known) known.push(link);
    else streams.set(link.stream, [link]);
  }
  return streams;
}

function verifyStream(links: readonly Link[]): readonly Finding[] {
  const findings: Finding[] = [];
  const report = (link: Link, what: string, version = link.version) =>
    findings.push({ stream: link.stream, version, what });
  let arrived: Link | undefined;
  for (const link of links) {
    if (arrived && link.version <= arrived.version) report(link, `comes after version ${arrived.version}`);
    if (arrived && link.seq <= arrived.seq) report(link, `has seq ${link.seq} after seq ${arrived.seq}`);
    arrived = link;
  }
  let previous: Link | undefined;
  for (const link of [...links].sort((left, right) => left.version - right.version)) {
    const expected = (previous?.version ?? 0) + 1;
    // A version somebody wrote over may be any number: a gap is one finding, however wide.
    const gap = link.version - expected;
    if (gap > 0) report(link, gap === 1 ? "is missing" : `is missing, and ${gap - 1} more after it`, expected);
    if (link.version < expected) report(link, "is there twice");
    else if (link.version === expected && "stored" in link && !follows(link, previous?.hash ?? "")) {
      report(link, "does not match its hash: it, or the row before it, was changed");
    }
    previous = link;
  }
  return findings;
}

function follows(row: Row, previousHash: string): boolean {
  const { stream, version, kind, status, at } = row;
  const columns = { stream, version, kind, status, at, flow_id: row.flowId, append_id: row.appendId };
  return hashOf(previousHash, { ...columns, entries: row.stored }) === row.hash;
}
