import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import {
  type HeadFilter,
  type HistoryFilter,
  type Ledger,
  LedgerConflict,
  LedgerUnavailable,
  type NewRow,
  type Row,
} from "./ledger.ts";
import { checkNewRows, type SealedRow, type StoredRow, seal, sinceInstant, toRow } from "./rows.ts";

export type SqlValue = string | number;

/** A database as the ledger needs it. A driver decides nothing; it runs statements and says what an error means. */
export interface SqlConnection {
  /** Runs one statement with `?` places, in a transaction of its own, and gives its rows. */
  rows(sql: string, values: readonly SqlValue[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** `conflict`: a unique key was taken; `transient`: the same statement may work in a moment; `fatal`: it will not. */
  verdict(error: unknown): "conflict" | "transient" | "fatal";
  close(): Promise<void>;
}

export interface SqlLedgerOptions {
  /** How long a statement is tried again while others hold the database, in milliseconds. */
  readonly deadlineMs: number;
  readonly now: () => Date;
}

const columns = ["stream", "version", "kind", "status", "flow_id", "append_id", "at", "entries", "hash"] as const;

/**
 * The ledger over SQL. An append reads the rows before its own (for the chain) and is then one INSERT: the unique key
 * on (stream, version) decides who was first, for threads and processes alike, so there is nothing else to lock.
 */
export function sqlLedger(connection: SqlConnection, options: SqlLedgerOptions): Ledger {
  const select = async (what: string, where: string, values: readonly SqlValue[]): Promise<readonly StoredRow[]> => {
    const found = await patient(connection, options, `The ledger could not be read (${what}).`, () =>
      connection.rows(`select ledger.* from ledger ${where}`, values),
    );
    return found.map(storedRow);
  };
  const atVersions = (rows: readonly { readonly stream: string; readonly version: number }[]) =>
    select("rows", `where ${rows.map(() => "(stream = ? and version = ?)").join(" or ")}`, keysOf(rows));
  const list = async (what: string, where: string, values: readonly SqlValue[]): Promise<readonly Row[]> =>
    (await select(what, where, values)).map(toRow);

  return {
    read: (stream) => list("a stream", "where stream = ? order by version", [stream]),
    head: async (stream) => (await list("a head", "where stream = ? order by version desc limit 1", [stream]))[0],
    heads: (filter) => {
      const { where, values } = headsQuery(filter);
      // Sorted as numbers, and only then fetched: whole rows would fill the sorter with entries that are thrown away.
      return list("heads", `where seq in (select seq from ledger ${where}) order by seq desc`, values);
    },
    history: async (filter) => {
      const { where, values } = historyQuery(filter);
      return list("history", where, values);
    },
    newest: async () => (await select("the newest row", "order by seq desc limit 1", []))[0]?.seq ?? 0,
    append: async (rows) => {
      checkNewRows(rows);
      if (rows.length === 0) return [];
      const later = rows.filter((row) => row.version > 1);
      const before = later.length === 0 ? [] : await atVersions(later.map(oneBefore));
      const stamp = { appendId: randomUUID(), at: options.now().toISOString() };
      const sealed = seal(rows, new Map(before.map((row) => [row.stream, row])), stamp);
      return inOrderOf(rows, await insert(connection, options, sealed, atVersions)).map(toRow);
    },
    close: () => connection.close(),
  };
}

/**
 * Inserts all rows or none. Whatever an error says, reading (stream, version) settles it: rows with our append id are
 * there = done, rows of another = conflict, none = not written, and tried again while that makes sense.
 */
async function insert(
  connection: SqlConnection,
  options: SqlLedgerOptions,
  sealed: readonly SealedRow[],
  atVersions: (rows: readonly SealedRow[]) => Promise<readonly StoredRow[]>,
): Promise<readonly StoredRow[]> {
  const places = `(${columns.map(() => "?").join(", ")})`;
  const sql = `insert into ledger (${columns.join(", ")}) values ${sealed.map(() => places).join(", ")} returning *`;
  const values = sealed.flatMap((row) => columns.map((column) => row[column]));
  const deadline = performance.now() + options.deadlineMs;
  for (;;) {
    try {
      return (await connection.rows(sql, values)).map(storedRow);
    } catch (error) {
      const written = await settle(sealed, atVersions, error);
      if (written.length > 0) return written;
      if (connection.verdict(error) !== "transient" || performance.now() >= deadline) {
        throw new LedgerUnavailable("The ledger could not be written; nothing was recorded.", error);
      }
      await jitter();
    }
  }
}

/** The rows of an append that are there: all or none. @throws LedgerConflict | LedgerUnavailable */
async function settle(
  sealed: readonly SealedRow[],
  atVersions: (rows: readonly SealedRow[]) => Promise<readonly StoredRow[]>,
  cause: unknown,
): Promise<readonly StoredRow[]> {
  const found = await atVersions(sealed).catch(() => {
    throw new LedgerUnavailable(
      "The ledger did not answer; whether the append is recorded is not known.",
      cause,
      false,
    );
  });
  const ours = sealed[0]?.append_id;
  const others = found.filter((row) => row.append_id !== ours);
  if (others.length > 0) throw new LedgerConflict(others.map((row) => row.stream));
  return found;
}

/** Runs a read, again after a pause when the database was only busy. @throws LedgerUnavailable */
async function patient<T>(
  connection: SqlConnection,
  options: SqlLedgerOptions,
  failure: string,
  work: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + options.deadlineMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (connection.verdict(error) !== "transient" || performance.now() >= deadline) {
        throw new LedgerUnavailable(failure, error);
      }
      await jitter();
    }
  }
}

function headsQuery(filter: HeadFilter): { readonly where: string; readonly values: readonly SqlValue[] } {
  const parts = new Where();
  parts.add("kind = ?", filter.kind);
  if (filter.statuses) parts.add(`status in (${filter.statuses.map(() => "?").join(", ")})`, ...filter.statuses);
  parts.add("seq < ?", filter.before);
  // Versions have no gaps, so the head is the row that no row of the next version follows.
  parts.add(
    "not exists (select 1 from ledger later where later.stream = ledger.stream and later.version = ledger.version + 1)",
  );
  return parts.ordered("seq desc", filter.limit);
}

function historyQuery(filter: HistoryFilter): { readonly where: string; readonly values: readonly SqlValue[] } {
  const parts = new Where();
  parts.add("flow_id = ?", filter.flowId);
  parts.add("stream = ?", filter.stream);
  parts.add("kind = ?", filter.kind);
  parts.add("at >= ?", filter.since === undefined ? undefined : sinceInstant(filter.since));
  parts.add("seq > ?", filter.after);
  return parts.ordered("seq", filter.limit);
}

/** Conditions joined by "and"; one whose value is absent is left out. */
class Where {
  readonly #conditions: string[] = [];
  readonly #values: SqlValue[] = [];

  add(condition: string, ...values: readonly (SqlValue | undefined)[]): void {
    const given = values.filter((value) => value !== undefined);
    if (given.length !== values.length) return;
    this.#conditions.push(condition);
    this.#values.push(...given);
  }

  ordered(by: string, limit: number | undefined): { readonly where: string; readonly values: readonly SqlValue[] } {
    const where = this.#conditions.length === 0 ? "" : `where ${this.#conditions.join(" and ")}`;
    const cut = limit === undefined ? "" : " limit ?";
    return {
      where: `${where} order by ${by}${cut}`,
      values: limit === undefined ? this.#values : [...this.#values, limit],
    };
  }
}

function storedRow(record: Readonly<Record<string, unknown>>): StoredRow {
  const number = (column: "seq" | "version"): number => {
    const value = Number(record[column]);
    if (!Number.isSafeInteger(value)) throw new LedgerUnavailable(`The ledger holds a row without ${column}.`, record);
    return value;
  };
  const text = (column: (typeof columns)[number]): string => {
    const value = record[column];
    if (typeof value !== "string") throw new LedgerUnavailable(`The ledger holds a row without ${column}.`, record);
    return value;
  };
  return {
    seq: number("seq"),
    stream: text("stream"),
    version: number("version"),
    kind: text("kind"),
    status: text("status"),
    flow_id: text("flow_id"),
    append_id: text("append_id"),
    at: text("at"),
    entries: text("entries"),
    hash: text("hash"),
  };
}

function keysOf(rows: readonly { readonly stream: string; readonly version: number }[]): readonly SqlValue[] {
  return rows.flatMap((row) => [row.stream, row.version]);
}

/** Databases give inserted rows back in any order. */
function inOrderOf(rows: readonly NewRow[], stored: readonly StoredRow[]): readonly StoredRow[] {
  return rows.flatMap(({ stream }) => stored.filter((row) => row.stream === stream));
}

function oneBefore(row: NewRow): { readonly stream: string; readonly version: number } {
  return { stream: row.stream, version: row.version - 1 };
}

/** Writers that met once should not meet again. */
function jitter(): Promise<void> {
  return pause(2 + Math.random() * 20);
}
