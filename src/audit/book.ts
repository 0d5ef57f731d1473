import { type Approval, type ApprovalEvent, foldApproval } from "../domain/approval.ts";
import { type Campaign, type CampaignEvent, foldCampaign } from "../domain/campaign.ts";
import { foldLine, type Line, type LineEvent } from "../domain/media-buy.ts";
import type { Entry } from "../ledger/entries.ts";
import type { Row } from "../ledger/ledger.ts";
import type { Finding, Link } from "../ledger/verify.ts";

/** A ledger as it is audited: what can be read of it, indexed, and which streams are only there as places. */
export interface Book {
  readonly desk: string;
  /** In order of arrival. */
  readonly links: readonly Link[];
  /** Rows that are shown, by stream, oldest first. */
  readonly streams: ReadonlyMap<string, readonly Row[]>;
  /** Rows that are shown, by the append they came in: all of it or nothing was written. */
  readonly appends: ReadonlyMap<string, readonly Row[]>;
  readonly withheld: ReadonlySet<string>;
  readonly lines: ReadonlyMap<string, Folded<LineEvent, Line>>;
  readonly approvals: ReadonlyMap<string, Folded<ApprovalEvent, Approval>>;
  readonly campaigns: ReadonlyMap<string, Folded<CampaignEvent, Campaign>>;
}

/** One entry with what stood before it and what after. */
export interface Step<E, S> {
  readonly row: Row;
  readonly entry: E;
  readonly before: S | null;
  readonly after: S;
}

/** A stream folded as the desk folds it, as far as that goes. */
export interface Folded<E, S> {
  readonly rows: readonly Row[];
  readonly steps: readonly Step<E, S>[];
  readonly state: S | null;
  /** Why the fold went no further. */
  readonly broken: Finding | null;
}

/** Indexes and folds a ledger. Rows that make no sense are kept and said in `broken`; nothing is thrown for them. */
export function bookOf(desk: string, links: readonly Link[]): Book {
  const streams = new Map<string, Row[]>();
  const appends = new Map<string, Row[]>();
  const withheld = new Set<string>();
  for (const link of links) {
    if (!("entries" in link)) {
      withheld.add(link.stream);
      continue;
    }
    push(streams, link.stream, link);
    push(appends, link.appendId, link);
  }
  const folded = <E extends Entry, S extends { readonly status: string }>(
    kind: string,
    fold: (name: string) => Fold<E, S>,
  ) =>
    new Map(
      [...streams]
        .filter(([stream]) => stream.startsWith(`${kind}/`))
        .map(([stream, rows]) => [
          stream.slice(kind.length + 1),
          foldStream(rows, fold(stream.slice(kind.length + 1))),
        ]),
    );
  const lines = folded<LineEvent, Line>("quote", () => foldLine);
  const approvals = folded<ApprovalEvent, Approval>(
    "approval",
    (id) => (before, event, at) => foldApproval(id, before, event, at),
  );
  const campaigns = folded<CampaignEvent, Campaign>(
    "campaign",
    (id) => (before, event, at) => foldCampaign(id, before, event, at),
  );
  return { desk, links, streams, appends, withheld, lines, approvals, campaigns };
}

function push(lists: Map<string, Row[]>, key: string, row: Row): void {
  const known = lists.get(key);
  if (known) known.push(row);
  else lists.set(key, [row]);
}

type Fold<E, S> = (before: S | null, event: E, at: string) => S;

/** Findings of a check over rows anybody may have written: what cannot even be read is a finding, not an error. */
export function guarded(where: Pick<Row, "stream" | "version">, check: () => readonly Finding[]): readonly Finding[] {
  try {
    return check();
  } catch (error) {
    return [findingAt(where, `makes no sense: ${error instanceof Error ? error.message : String(error)}`)];
  }
}

/** A finding on a row. */
export function findingAt({ stream, version }: Pick<Row, "stream" | "version">, what: string): Finding {
  return { stream, version, what };
}

/** The entries of a kind that came in the same append as a row, with their rows. */
export function besides<K extends Entry["kind"]>(
  book: Book,
  row: Row,
  kind: K,
): readonly { readonly row: Row; readonly entry: Extract<Entry, { kind: K }> }[] {
  return entriesOf(book.appends.get(row.appendId) ?? [], kind);
}

/** The entries of a kind in rows, in their order. */
export function entriesOf<K extends Entry["kind"]>(
  rows: readonly Row[],
  kind: K,
): readonly { readonly row: Row; readonly entry: Extract<Entry, { kind: K }> }[] {
  const isOfKind = (entry: Entry): entry is Extract<Entry, { kind: K }> => entry.kind === kind;
  return rows.flatMap((row) => row.entries.filter(isOfKind).map((entry) => ({ row, entry })));
}

function foldStream<E extends Entry, S extends { readonly status: string }>(
  rows: readonly Row[],
  fold: Fold<E, S>,
): Folded<E, S> {
  const steps: Step<E, S>[] = [];
  let state: S | null = null;
  for (const row of rows) {
    try {
      if (row.unknown !== null) throw new RangeError(`it holds "${row.unknown}", which this release does not know`);
      for (const one of row.entries) {
        // Whatever the entry is: a fold refuses the ones that are not of its stream.
        const entry = one as E;
        const after = fold(state, entry, row.at);
        if (after === undefined) throw new RangeError(`${one.kind} has no place in this stream`);
        steps.push({ row, entry, before: state, after });
        state = after;
      }
      if (state?.status !== row.status) throw new RangeError(`it says ${row.status} and comes to ${state?.status}`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { rows, steps, state, broken: findingAt(row, `cannot have been written by this desk: ${why}`) };
    }
  }
  return { rows, steps, state, broken: null };
}
