import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Ledger, LedgerConflict, LedgerUnavailable } from "../../src/ledger/ledger.ts";
import { type SqlConnection, sqlLedger } from "../../src/ledger/sql.ts";
import { connectSqlite } from "../../src/ledger/sqlite.ts";
import { verifyChain } from "../../src/ledger/verify.ts";
import { newRow } from "../contract/ledger-contract.ts";
import { tempFolder } from "./temp.ts";

/** What may go wrong around one INSERT: `before` it reaches the database, or `after`, on the way back. */
type Fault = (work: () => ReturnType<SqlConnection["rows"]>) => ReturnType<SqlConnection["rows"]>;

class Cut extends Error {}

describe("an append whose answer is lost", () => {
  let folder: ReturnType<typeof tempFolder>;
  let connection: SqlConnection;
  let ledger: Ledger;
  let faults: Fault[];
  let statements: string[];
  let transient: boolean;

  beforeEach(async () => {
    folder = tempFolder();
    connection = await connectSqlite({ file: join(folder.path, "ledger.db") });
    faults = [];
    statements = [];
    transient = true;
    const faulty: SqlConnection = {
      rows: (sql, values) => {
        statements.push(sql.slice(0, 6));
        const fault = sql.startsWith("insert") ? faults.shift() : undefined;
        return fault ? fault(() => connection.rows(sql, values)) : connection.rows(sql, values);
      },
      verdict: (error) => (error instanceof Cut ? (transient ? "transient" : "fatal") : connection.verdict(error)),
      close: () => connection.close(),
    };
    ledger = sqlLedger(faulty, { deadlineMs: 200, now: () => new Date() });
  });
  afterEach(async () => {
    await connection.close();
    folder.remove();
  });

  const lostBefore: Fault = () => Promise.reject(new Cut("cut before"));
  const lostAfter: Fault = async (work) => {
    await work();
    throw new Cut("cut after");
  };
  const both = () => [newRow("quote/a/1", 1), newRow("spend/d", 1)];

  test.each([true, false])("is done when its rows are there (transient: %s)", async (kind) => {
    transient = kind;
    faults = [lostAfter];
    const rows = await ledger.append(both());
    expect(rows).toMatchObject([{ stream: "quote/a/1" }, { stream: "spend/d" }]);
    expect(await ledger.history({})).toEqual(rows);
    expect(statements.filter((sql) => sql === "insert")).toHaveLength(1);
  });

  test("is sent again when nothing is there, and recorded once", async () => {
    faults = [lostBefore, lostBefore, lostAfter];
    const rows = await ledger.append(both());
    expect(await ledger.history({})).toEqual(rows);
    expect(verifyChain(rows)).toEqual([]);
  });

  test("that commits only after it was looked for is found again by its own id, not taken for another's", async () => {
    let late: (() => ReturnType<SqlConnection["rows"]>) | undefined;
    faults = [
      (work) => {
        late = work;
        return Promise.reject(new Cut("still under way"));
      },
      async (work) => {
        await late?.();
        return work();
      },
    ];
    const rows = await ledger.append(both());
    expect(rows).toHaveLength(2);
    expect(await ledger.history({})).toEqual(rows);
  });

  test("is a conflict when another took the version meanwhile", async () => {
    const other = sqlLedger(connection, { deadlineMs: 200, now: () => new Date() });
    faults = [
      async () => {
        await other.append([newRow("spend/d", 1, { status: "other" })]);
        throw new Cut("cut before");
      },
    ];
    const lost = await ledger.append(both()).catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(LedgerConflict);
    expect(lost).toMatchObject({ streams: ["spend/d"] });
    expect(await ledger.history({})).toMatchObject([{ stream: "spend/d", status: "other" }]);
  });

  test("failed for good when nothing is there and trying again is no use", async () => {
    transient = false;
    faults = [lostBefore];
    const failed = await ledger.append(both()).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(LedgerUnavailable);
    expect(failed).toMatchObject({ settled: true });
    expect(statements.filter((sql) => sql === "insert")).toHaveLength(1);
    expect(await ledger.newest()).toBe(0);
  });

  test("is said to be unsettled when the database is gone too", async () => {
    faults = [
      async (work) => {
        await work();
        await connection.close();
        throw new Cut("cut after");
      },
    ];
    const failed = await ledger.append(both()).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(LedgerUnavailable);
    expect(failed).toMatchObject({ settled: false });
  });
});
