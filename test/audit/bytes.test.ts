import { join } from "node:path";
import { copyFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { audit } from "../../src/audit/audit.ts";
import { type ExportHead, readExport, writeExport } from "../../src/audit/jsonl.ts";
import { select } from "../../src/audit/select.ts";
import type { Row } from "../../src/ledger/ledger.ts";
import { LedgerUnavailable } from "../../src/ledger/ledger.ts";
import { connectSqlite } from "../../src/ledger/sqlite.ts";
import { type SqlConnection, sqlLedger } from "../../src/ledger/sql.ts";
import { everyNth, tries } from "../long.ts";
import { playStory, rowsOf, type Story } from "./story.ts";

// A ledger is audited hundreds of times here.
vi.setConfig({ testTimeout: 60_000 });

let story: Story;
let connection: SqlConnection;
const none = { campaign: null, since: null, until: null };
const head: ExportHead = {
  audit: 1,
  desk: "acme",
  sandbox: false,
  scope: none,
  exported_at: "2026-11-20T12:00:00.000Z",
};

beforeAll(async () => {
  story = await playStory();
  const copy = join(story.bench.home, "copy.db");
  const original = await connectSqlite({ file: story.file });
  await original.rows("pragma wal_checkpoint(truncate)", []);
  await original.close();
  copyFileSync(story.file, copy);
  connection = await connectSqlite({ file: copy });
  await connection.rows("drop trigger ledger_no_update", []);
  await connection.rows("drop trigger ledger_no_delete", []);
}, 60_000);
afterAll(async () => {
  await connection?.close();
  await story?.close();
});

const findingsOf = async (rows: readonly Row[]) =>
  (await audit("acme", rows, { signatures: story.signatures, mandate: null, noted: [] })).findings;

/** What an audit of the file finds after a change by SQL, which is taken back afterwards. */
async function afterSql(sql: string, values: readonly (string | number)[]): Promise<number> {
  await connection.rows("begin", []);
  try {
    const before = await connection.rows("select total_changes() as n", []);
    await connection.rows(sql, values);
    const after = await connection.rows("select total_changes() as n", []);
    if (before[0]?.["n"] === after[0]?.["n"]) throw new Error("nothing was changed");
    const ledger = sqlLedger(connection, { deadlineMs: 0, now: () => new Date() });
    return (await findingsOf(await ledger.history({}))).length;
  } catch (error) {
    // Bytes that no row can hold are refused by the database, or by the ledger when it reads them.
    if (error instanceof LedgerUnavailable || /SQLITE_CONSTRAINT|SQLITE_MISMATCH/.test(String(error))) return 1;
    throw error;
  } finally {
    await connection.rows("rollback", []);
  }
}

describe("a byte changed in the ledger's file", () => {
  const texts = ["stream", "kind", "status", "flow_id", "append_id", "at", "entries", "hash"] as const;

  test("is found in every column of text of every row, whatever it becomes", async () => {
    const where = fc.record({
      row: fc.nat(),
      column: fc.constantFrom(...texts),
      byte: fc.nat(),
      mask: fc.integer({ min: 1, max: 255 }),
    });
    const property = fc.asyncProperty(where, async ({ row, column, byte, mask }) => {
      const target = story.stored[row % story.stored.length];
      if (!target) throw new Error("there are rows");
      const bytes = Buffer.from(target[column], "utf8");
      const at = byte % bytes.length;
      bytes.writeUInt8(bytes.readUInt8(at) ^ mask, at);
      // As text of whatever bytes: nothing makes the database hold only what is well-formed.
      const sql = `update ledger set ${column} = cast(x'${bytes.toString("hex")}' as text) where seq = ?`;
      expect(await afterSql(sql, [target.seq])).toBeGreaterThan(0);
    });
    await fc.assert(property, { numRuns: tries(60, 300) });
  });

  test("is found in every number of every row", async () => {
    const where = fc.record({
      row: fc.nat(),
      column: fc.constantFrom("seq", "version"),
      bit: fc.integer({ min: 0, max: 47 }),
    });
    const property = fc.asyncProperty(where, async ({ row, column, bit }) => {
      const target = story.stored[row % story.stored.length];
      if (!target) throw new Error("there are rows");
      const number = Number(BigInt(target[column as "seq"]) ^ (1n << BigInt(bit)));
      expect(await afterSql(`update ledger set ${column} = ? where seq = ?`, [number, target.seq])).toBeGreaterThan(0);
    });
    await fc.assert(property, { numRuns: tries(30, 150) });
  });

  test("and so is a row that is deleted, and a stream", async () => {
    for (const { seq } of everyNth(story.stored.slice(0, -1), 3))
      expect(await afterSql("delete from ledger where seq = ?", [seq])).toBeGreaterThan(0);
    for (const stream of [`approval/${story.approvals.signed}`, "spend/acme", "anchor/acme", "policy/acme"])
      expect(await afterSql("delete from ledger where stream = ?", [stream])).toBeGreaterThan(0);
  });
});

describe("a byte changed in an exported file", () => {
  const findingsIn = async (bytes: Uint8Array) => {
    const read = readExport(bytes);
    return [...read.findings, ...(await findingsOf(read.links as readonly Row[]))];
  };

  test("is found wherever it is, in the whole ledger or a part of it", async () => {
    const rows = rowsOf(story.stored);
    const scope = { ...none, campaign: "Spring" };
    const files = [writeExport(head, rows), writeExport({ ...head, scope }, select("acme", rows, scope) ?? [])].map(
      (text) => Buffer.from(text),
    );
    for (const file of files) expect(await findingsIn(file)).toEqual([]);
    const property = fc.asyncProperty(
      fc.constantFrom(...files),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (file, place, mask) => {
        const bytes = Buffer.from(file);
        const at = place % bytes.length;
        bytes.writeUInt8(bytes.readUInt8(at) ^ mask, at);
        expect(await findingsIn(bytes)).not.toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: tries(80, 400) });
  });

  test("is found at its end, where only the sum stands, and where a file is cut, doubled or empty", async () => {
    const file = Buffer.from(writeExport(head, rowsOf(story.stored)));
    for (let at = file.length - 130; at < file.length; at += 1) {
      const bytes = Buffer.from(file);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      expect(readExport(bytes).findings).not.toEqual([]);
    }
    const lines = file.toString("utf8").split("\n");
    const broken = [
      lines.toSpliced(4, 1),
      lines.toSpliced(4, 0, lines[4] ?? ""),
      lines.slice(0, 9),
      lines.slice(1),
      [],
      [...lines, ""],
    ];
    for (const one of broken) expect(readExport(Buffer.from(one.join("\n"))).findings).not.toEqual([]);
  });

  test("is found in the rows, where somebody made the end line anew", async () => {
    const rows = rowsOf(story.stored);
    const texts = ["stream", "status", "flowId", "appendId", "at", "stored", "hash"] as const;
    const property = fc.asyncProperty(fc.nat(), fc.constantFrom(...texts), fc.nat(), async (index, column, place) => {
      const target = rows[index % rows.length];
      if (!target) throw new Error("there are rows");
      const text = target[column];
      const at = place % text.length;
      const other = `${text.slice(0, at)}${text[at] === "0" ? "1" : "0"}${text.slice(at + 1)}`;
      const changed = rows.map((row) => (row === target ? { ...row, [column]: other } : row));
      const read = readExport(Buffer.from(writeExport(head, changed)));
      expect(read.findings).toEqual([]);
      expect(await findingsOf(read.links as readonly Row[])).not.toEqual([]);
    });
    await fc.assert(property, { numRuns: tries(40, 200) });
  });
});
