import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BuyingError } from "../../src/domain/errors.ts";
import { LedgerUnavailable } from "../../src/ledger/ledger.ts";
import { connectSqlite, openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { verifyChain } from "../../src/ledger/verify.ts";
import { newRow } from "../contract/ledger-contract.ts";
import { tempFolder } from "./temp.ts";

let folder: ReturnType<typeof tempFolder>;
let file: string;
beforeEach(() => {
  folder = tempFolder();
  file = join(folder.path, "new", "desk", "ledger.db");
});
afterEach(() => folder.remove());

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe("the ledger file", () => {
  test("is made with its folders, for this user only", async () => {
    const ledger = await openSqliteLedger({ file });
    await ledger.append([newRow("quote/a/1", 1)]);
    expect([file, `${file}-wal`, `${file}-shm`].map(mode)).toEqual(["600", "600", "600"]);
    expect([join(folder.path, "new"), join(folder.path, "new", "desk")].map(mode)).toEqual(["700", "700"]);
    await ledger.close();
  });

  test("is closed to others if it was open to them; a folder that was there keeps its mode", async () => {
    const shared = join(folder.path, "shared");
    mkdirSync(shared, { mode: 0o755 });
    file = join(shared, "ledger.db");
    writeFileSync(file, "", { mode: 0o644 });
    await (await openSqliteLedger({ file })).close();
    expect([mode(file), mode(shared)]).toEqual(["600", "755"]);
  });

  test("keeps its rows, and syncs each append before it is acknowledged", async () => {
    const first = await openSqliteLedger({ file });
    const rows = await first.append([newRow("quote/a/1", 1)]);
    await first.close();
    const connection = await connectSqlite({ file });
    expect(await connection.rows("pragma journal_mode", [])).toEqual([{ journal_mode: "wal" }]);
    await connection.rows(
      "insert into ledger select 2, stream, 2, kind, status, flow_id, 'x', at, entries, '' from ledger",
      [],
    );
    expect(await connection.rows("pragma synchronous", [])).toEqual([{ synchronous: 2 }]);
    await connection.close();
    const again = await openSqliteLedger({ file });
    expect(await again.history({ limit: 1 })).toEqual(rows);
    await again.close();
  });

  test("lets no row be changed or removed", async () => {
    const ledger = await openSqliteLedger({ file });
    const rows = await ledger.append([newRow("quote/a/1", 1)]);
    const connection = await connectSqlite({ file });
    for (const sql of ["update ledger set status = 'booked'", "delete from ledger"]) {
      await expect(connection.rows(sql, [])).rejects.toThrow("the ledger only grows");
    }
    expect(await ledger.history({})).toEqual(rows);
    await connection.close();
    await ledger.close();
  });

  test("can be opened by many at the same moment, before it is there", async () => {
    const ledgers = await Promise.all(Array.from({ length: 8 }, () => openSqliteLedger({ file })));
    await Promise.all(ledgers.map((ledger, index) => ledger.append([newRow(`quote/a/${index}`, 1)])));
    for (const ledger of ledgers) {
      expect(await ledger.history({})).toHaveLength(8);
      await ledger.close();
    }
  });

  test("of a later layout is refused", async () => {
    const connection = await connectSqlite({ file });
    await connection.rows("pragma user_version = 2", []);
    await connection.close();
    await expect(openSqliteLedger({ file })).rejects.toMatchObject({ code: "newer_release" });
  });

  test("that is none, or cannot be made, is said to be unavailable", async () => {
    const nonsense = join(folder.path, "notes.txt");
    writeFileSync(nonsense, "media plan, third draft\n".repeat(100));
    await expect(openSqliteLedger({ file: nonsense })).rejects.toBeInstanceOf(LedgerUnavailable);
    await expect(openSqliteLedger({ file: join(nonsense, "ledger.db") })).rejects.toBeInstanceOf(LedgerUnavailable);
  });

  test("on a Windows network path is refused before anything is made", async () => {
    const refused = await openSqliteLedger({ file: "\\\\nas\\media\\ledger.db" }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BuyingError);
    expect(refused).toMatchObject({
      code: "ledger_unavailable",
      message: expect.stringContaining("network folder (nas)"),
    });
  });
});

describe("while another process holds the file", () => {
  test("reads go on, and an append waits for its turn", async () => {
    const ledger = await openSqliteLedger({ file, busyTimeoutMs: 10, deadlineMs: 10_000 });
    const holder = await connectSqlite({ file });
    await holder.rows("begin immediate", []);
    expect(await ledger.newest()).toBe(0);
    let written = false;
    const append = ledger.append([newRow("quote/a/1", 1)]).then(() => {
      written = true;
    });
    expect(await ledger.history({})).toEqual([]);
    expect(written).toBe(false);
    await holder.rows("commit", []);
    await append;
    expect(await ledger.newest()).toBe(1);
    await holder.close();
    await ledger.close();
  });

  test("an append that waited too long says that nothing was recorded", async () => {
    const ledger = await openSqliteLedger({ file, busyTimeoutMs: 10, deadlineMs: 50 });
    const holder = await connectSqlite({ file });
    await holder.rows("begin immediate", []);
    const failed = await ledger.append([newRow("quote/a/1", 1)]).catch((error: unknown) => error);
    await holder.rows("rollback", []);
    expect(failed).toBeInstanceOf(LedgerUnavailable);
    expect(failed).toMatchObject({ settled: true, cause: { code: "SQLITE_BUSY" } });
    expect(await ledger.newest()).toBe(0);
    await holder.close();
    await ledger.close();
  });
});

test("a closed ledger answers no more, and can be closed again", async () => {
  const ledger = await openSqliteLedger({ file });
  await ledger.close();
  await ledger.close();
  await expect(ledger.newest()).rejects.toBeInstanceOf(LedgerUnavailable);
});

test("neither the ledger nor the cache loads SQLite before it is opened", async () => {
  const source = (name: string) => fileURLToPath(new URL(`../../src/ledger/${name}`, import.meta.url));
  const { metafile } = await build({
    entryPoints: [source("sqlite.ts"), source("keyv-cache.ts")],
    outdir: folder.path,
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    external: ["sqlite3"],
  });
  const outputs = Object.entries(metafile.outputs);
  const reached = new Set(outputs.flatMap(([path, output]) => (output.entryPoint?.startsWith("src/") ? [path] : [])));
  expect(reached.size).toBe(2);
  for (const path of reached) {
    for (const found of metafile.outputs[path]?.imports ?? [])
      if (found.kind === "import-statement") reached.add(found.path);
  }
  expect(reached).not.toContain("sqlite3");
  expect(outputs.some(([, output]) => output.imports.some((found) => found.path === "sqlite3"))).toBe(true);
});

test("however two ledgers on one file interleave, every stream is a gap-free chain of what was acknowledged", async () => {
  const ledgers = [await openSqliteLedger({ file }), await openSqliteLedger({ file })];
  const step = fc.record({
    by: fc.nat(1),
    streams: fc.uniqueArray(fc.constantFrom("spend/d", "quote/a/1", "quote/a/2"), { minLength: 1 }),
    behind: fc.nat(1),
  });
  const property = fc.asyncProperty(
    fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { maxLength: 6 }),
    async (bursts) => {
      const [one] = ledgers;
      if (!one) throw new Error("no ledger");
      const before = await one.history({});
      let acknowledged = 0;
      for (const burst of bursts) {
        const heads = new Map((await one.history({})).map((row) => [row.stream, row.version]));
        const appends = burst.map(async ({ by, streams, behind }) => {
          const rows = streams.map((stream) => newRow(stream, Math.max(1, (heads.get(stream) ?? 0) + 1 - behind)));
          return (await ledgers[by]?.append(rows)) ?? [];
        });
        const ended = await Promise.allSettled(appends);
        for (const end of ended) {
          if (end.status === "fulfilled") acknowledged += end.value.length;
          else expect(end.reason).toMatchObject({ name: "LedgerConflict" });
        }
      }
      const after = await one.history({});
      expect(after.length - before.length).toBe(acknowledged);
      expect(after.slice(0, before.length)).toEqual(before);
      expect(after.map((row) => row.seq)).toEqual(after.map((_, index) => index + 1));
      expect(verifyChain(after)).toEqual([]);
    },
  );
  await fc.assert(property, { numRuns: 40 });
  expect(await ledgers[0]?.newest()).toBeGreaterThan(0);
  for (const ledger of ledgers) await ledger.close();
});
