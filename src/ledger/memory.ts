import { randomUUID } from "node:crypto";
import { type Ledger, LedgerConflict, type Row } from "./ledger.ts";
import { checkNewRows, type StoredRow, seal, sinceInstant, toRow as decoded } from "./rows.ts";

export interface MemoryOptions {
  /** The table; two ledgers over one list are two processes on one file. */
  readonly rows?: StoredRow[];
  readonly now?: () => Date;
  readonly newId?: () => string;
}

/** A ledger that lives as long as its list of rows: for simulations, never for a desk. */
export function memoryLedger(options: MemoryOptions = {}): Ledger {
  const { rows: table = [], now = () => new Date(), newId = randomUUID } = options;
  const at = (stream: string, version: number) => table.find((row) => row.stream === stream && row.version === version);

  return {
    read: async (stream) => table.filter((row) => row.stream === stream).map(toRow),
    head: async (stream) => {
      const row = table.findLast((candidate) => candidate.stream === stream);
      return row && toRow(row);
    },
    append: async (rows) => {
      checkNewRows(rows);
      const before = new Map(
        rows.flatMap(({ stream, version }) => {
          const previous = at(stream, version - 1);
          return previous ? [[stream, previous] as const] : [];
        }),
      );
      const sealed = seal(rows, before, { appendId: newId(), at: now().toISOString() });
      const taken = sealed.filter((row) => at(row.stream, row.version));
      if (taken.length > 0) throw new LedgerConflict(taken.map((row) => row.stream));
      const newest = table.at(-1)?.seq ?? 0;
      const stored = sealed.map((row, index) => ({ ...row, seq: newest + 1 + index }));
      table.push(...stored);
      return stored.map(toRow);
    },
    heads: async ({ kind, statuses, before, limit }) =>
      headsOf(table)
        .filter((row) => row.kind === kind && (statuses?.includes(row.status) ?? true))
        .filter((row) => before === undefined || row.seq < before)
        .slice(0, limit)
        .map(toRow),
    history: async ({ flowId, stream, kind, since, after, limit }) => {
      const from = since === undefined ? undefined : sinceInstant(since);
      return table
        .filter((row) => flowId === undefined || row.flow_id === flowId)
        .filter((row) => stream === undefined || row.stream === stream)
        .filter((row) => kind === undefined || row.kind === kind)
        .filter((row) => from === undefined || row.at >= from)
        .filter((row) => after === undefined || row.seq > after)
        .slice(0, limit)
        .map(toRow);
    },
    newest: async () => table.at(-1)?.seq ?? 0,
    close: async () => undefined,
  };
}

const rowsOf = new WeakMap<StoredRow, Row>();

/** A stored row as readers see it, decoded once: a row of a list never changes. */
function toRow(stored: StoredRow): Row {
  const row = rowsOf.get(stored) ?? decoded(stored);
  rowsOf.set(stored, row);
  return row;
}

/** The last row of each stream, newest first. */
function headsOf(table: readonly StoredRow[]): readonly StoredRow[] {
  const heads = new Map<string, StoredRow>();
  for (const row of table.toReversed()) {
    if (!heads.has(row.stream)) heads.set(row.stream, row);
  }
  return [...heads.values()];
}
