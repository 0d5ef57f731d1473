import { setTimeout as pause } from "node:timers/promises";
import { BuyingError } from "../domain/errors.ts";
import { type Ledger, LedgerUnavailable } from "./ledger.ts";
import { privateFile } from "./local-file.ts";
import { type SqlConnection, type SqlValue, sqlLedger } from "./sql.ts";

export interface SqliteOptions {
  readonly file: string;
  /** How long one statement waits for another process's lock, in milliseconds. */
  readonly busyTimeoutMs?: number;
  /** How long it is tried again after that, in milliseconds. */
  readonly deadlineMs?: number;
  readonly now?: () => Date;
}

/** Layout of the file; a newer release that changes it raises the number. */
const LAYOUT = 1;

/** SQLite 3.51.3 repaired a fault that could lose a WAL when two connections reset it at once. */
const OLDEST = [3, 51, 3] as const;

/**
 * `seq` is the row's address, so it costs no index and orders rows by arrival; `autoincrement` never gives a number
 * twice. Both further indexes end in `seq`, the order in which lists are read.
 */
const schema = [
  `create table if not exists ledger (
    seq integer primary key autoincrement, stream text not null, version integer not null check (version > 0),
    kind text not null, status text not null, flow_id text not null, append_id text not null, at text not null,
    entries text not null, hash text not null, unique (stream, version))`,
  "create index if not exists ledger_by_status on ledger (kind, status, seq)",
  "create index if not exists ledger_by_flow on ledger (flow_id, seq)",
  "create trigger if not exists ledger_no_update before update on ledger begin select raise(abort, 'the ledger only grows'); end",
  "create trigger if not exists ledger_no_delete before delete on ledger begin select raise(abort, 'the ledger only grows'); end",
];

/**
 * The ledger of a desk in a SQLite file, for any number of processes on this computer. Loads SQLite on the first call.
 * @throws BuyingError `ledger_unavailable` for a network folder, `newer_release` for a file of a later layout
 * @throws LedgerUnavailable when the file cannot be opened, or this SQLite cannot be trusted with it
 */
export async function openSqliteLedger(options: SqliteOptions): Promise<Ledger> {
  const { deadlineMs = 10_000, now = () => new Date() } = options;
  return sqlLedger(await connectSqlite(options), { deadlineMs, now });
}

/** One connection to a ledger file, ready for reading and writing. */
export async function connectSqlite(options: SqliteOptions): Promise<SqlConnection> {
  const { busyTimeoutMs = 5_000, deadlineMs = 10_000 } = options;
  const deadline = performance.now() + deadlineMs;
  const path = privatePath(options.file);
  for (;;) {
    const connection = await connect(path, busyTimeoutMs);
    try {
      await prepare(connection);
      return connection;
    } catch (error) {
      await connection.close().catch(() => undefined);
      if (error instanceof BuyingError || error instanceof LedgerUnavailable) throw error;
      // Changing to WAL fails at once when another process opens the file in the same moment, whatever the timeout.
      if (connection.verdict(error) !== "transient" || performance.now() >= deadline) {
        throw new LedgerUnavailable("The ledger file could not be opened; nothing was recorded.", error);
      }
      await pause(10 + Math.random() * 40);
    }
  }
}

/** The adapter also makes an empty `keyv` table in the file; nothing reads it. */
async function connect(path: string, busyTimeoutMs: number): Promise<SqlConnection> {
  const { KeyvSqlite } = await import("@keyv/sqlite").catch((error: unknown) => {
    throw new LedgerUnavailable("The SQLite driver could not be loaded; install this package again", error);
  });
  const store = new KeyvSqlite({ uri: `sqlite://${path}`, busyTimeout: busyTimeoutMs });
  // Each failure also rejects the statement that met it; without a listener the event would end the process.
  store.on("error", () => undefined);
  // One statement at a time: SQLite would make them wait anyway, but each in a thread that files and DNS need too.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
  let closing: Promise<void> | undefined;
  return {
    rows: (sql, values) => inTurn(async () => records(await store.query(sql, values))),
    verdict,
    close: () => {
      closing ??= inTurn(() => store.close());
      return closing;
    },
  };
}

async function prepare(connection: SqlConnection): Promise<void> {
  const one = async (sql: string, values: readonly SqlValue[] = []) =>
    String(Object.values((await connection.rows(sql, values))[0] ?? {})[0]);
  const version = await one("select sqlite_version()");
  if (!isRecent(version)) throw new LedgerUnavailable(`SQLite ${version} is older than ${OLDEST.join(".")}.`, null);
  const mode = await one("pragma journal_mode = wal");
  if (mode !== "wal") throw new LedgerUnavailable(`The ledger's folder does not allow WAL (${mode}).`, null);
  await connection.rows("pragma synchronous = full", []);
  // macOS keeps an fsync in the disk's own cache unless asked; elsewhere this does nothing.
  await connection.rows("pragma fullfsync = on", []);
  const layout = Number(await one("pragma user_version"));
  if (layout > LAYOUT) throw newerLayout(layout);
  if (layout < LAYOUT) {
    for (const statement of schema) await connection.rows(statement, []);
    await connection.rows(`pragma user_version = ${LAYOUT}`, []);
  }
  // Some builds of SQLite fall back to NORMAL at the first access of a WAL file, so it is asked after one.
  await one("select count(*) from (select 1 from ledger limit 1)");
  const synchronous = await one("pragma synchronous");
  if (synchronous !== "2") throw new LedgerUnavailable(`SQLite would not sync each append (${synchronous}).`, null);
}

function verdict(error: unknown): "conflict" | "transient" | "fatal" {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "SQLITE_CONSTRAINT") return "conflict";
  return code === "SQLITE_BUSY" || code === "SQLITE_LOCKED" ? "transient" : "fatal";
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor, oldestPatch] = OLDEST;
  if (major !== oldestMajor) return major > oldestMajor;
  return minor === oldestMinor ? patch >= oldestPatch : minor > oldestMinor;
}

function records(found: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(found) ? found : [];
}

function privatePath(file: string): string {
  try {
    return privateFile(file);
  } catch (error) {
    if (error instanceof BuyingError) throw error;
    throw new LedgerUnavailable("The ledger's folder could not be made; nothing was recorded.", error);
  }
}

function newerLayout(layout: number): BuyingError {
  return new BuyingError(
    "newer_release",
    `The ledger file has layout ${layout}, this release knows ${LAYOUT}. Nothing was booked. Update media-buyer-mcp and try again.`,
    "ask_person",
  );
}
