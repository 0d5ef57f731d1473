import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { sha256 } from "../../src/domain/ids.ts";
import type { Row } from "../../src/ledger/ledger.ts";
import { markAfter, noMark } from "../../src/domain/anchor.ts";
import { memoryLedger } from "../../src/ledger/memory.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { verifyAnchors, verifyChain } from "../../src/ledger/verify.ts";
import { newRow } from "../contract/ledger-contract.ts";
import { verifies } from "../requirements.ts";
import { tempFolder } from "./temp.ts";

describe("the chain of hashes", () => {
  let rows: readonly Row[];
  beforeAll(async () => {
    const ledger = memoryLedger({ now: () => new Date("2026-11-20T09:00:00Z"), newId: () => "append-1" });
    for (const version of [1, 2, 3, 4]) await ledger.append([newRow("quote/a/1", version), newRow("spend/d", version)]);
    rows = await ledger.history({});
  });

  const changed = (stream: string, version: number, change: Partial<Row>) =>
    rows.map((row) => (row.stream === stream && row.version === version ? { ...row, ...change } : row));
  const at = (stream: string, version: number) =>
    rows.findIndex((row) => row.stream === stream && row.version === version);

  test("is sound as it is written, and when there is nothing", () => {
    expect(verifyChain(rows)).toEqual([]);
    expect(verifyChain([])).toEqual([]);
    expect(verifyChain(rows.filter((row) => row.stream === "spend/d"))).toEqual([]);
  });

  test("has a form that stays: a stored ledger must verify in every later release", () => {
    const columns =
      '{"append_id":"append-1","at":"2026-11-20T09:00:00.000Z","entries":"[{\\"kind\\":\\"pin_tried\\",\\"v\\":1,\\"ok\\":false}]",' +
      '"flow_id":"flow-1","kind":"quote","status":"open","stream":"quote/a/1","version":1}';
    expect(rows[0]?.hash).toBe(sha256(columns));
    expect(rows[2]?.hash).toBe(sha256(sha256(columns) + columns.replace('"version":1', '"version":2')));
  });

  test("shows any change of any column", () => {
    verifies("promise.history_chained");
    const column = fc.constantFrom("stored", "status", "kind", "flowId", "appendId", "at", "hash");
    const place = fc.record({
      stream: fc.constantFrom("quote/a/1", "spend/d"),
      version: fc.integer({ min: 1, max: 4 }),
    });
    const property = fc.property(
      place,
      column,
      fc.nat(),
      fc.string({ minLength: 1, maxLength: 1 }),
      (where, name, spot, text) => {
        const value = rows[at(where.stream, where.version)]?.[name as "stored"] ?? "";
        const offset = spot % value.length;
        fc.pre(value[offset] !== text);
        const other = value.slice(0, offset) + text + value.slice(offset + 1);
        const findings = verifyChain(changed(where.stream, where.version, { [name]: other }));
        expect(findings[0]).toMatchObject(where);
        expect(findings[0]?.what).toContain("does not match its hash");
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  test("shows a row that was given a matching hash, by the row after it", () => {
    const forged = { ...rows[at("quote/a/1", 2)], status: "booked" };
    const again = memoryLedger({ now: () => new Date("2026-11-20T09:00:00Z"), newId: () => "append-1" });
    const forge = async () => {
      await again.append([newRow("quote/a/1", 1)]);
      const [row] = await again.append([newRow("quote/a/1", 2, { status: "booked" })]);
      return row?.hash ?? "";
    };
    return forge().then((hash) => {
      expect(verifyChain(changed("quote/a/1", 2, { ...forged, hash }))).toMatchObject([
        { stream: "quote/a/1", version: 3 },
      ]);
    });
  });

  test("shows a missing row, a row that is there twice, and a wrong order", () => {
    const without = rows.filter((row) => !(row.stream === "spend/d" && row.version === 2));
    expect(verifyChain(without)).toMatchObject([{ stream: "spend/d", version: 2, what: "is missing" }]);
    const headless = rows.filter((row) => !(row.stream === "spend/d" && row.version === 1));
    expect(verifyChain(headless)).toMatchObject([{ stream: "spend/d", version: 1, what: "is missing" }]);
    const twice = verifyChain([...rows, ...rows.slice(-1)]);
    expect(twice.map((finding) => finding.what)).toContain("is there twice");
    const [third, fourth] = [at("spend/d", 3), at("spend/d", 4)].map((index) => rows[index]);
    const swapped = rows
      .map((row) => (row === third ? fourth : row === fourth ? third : row))
      .filter((row) => row !== undefined);
    expect(verifyChain(swapped)[0]).toEqual({ stream: "spend/d", version: 3, what: "comes after version 4" });
  });

  test("moved to another stream does not match", () => {
    const moved = rows.filter((row) => row.stream === "spend/d").map((row) => ({ ...row, stream: "spend/e" }));
    expect(verifyChain(moved)).toHaveLength(4);
  });
});

test("a byte flipped in the file is found at its row", async () => {
  const folder = tempFolder();
  const file = join(folder.path, "ledger.db");
  const ledger = await openSqliteLedger({ file });
  for (const version of [1, 2, 3]) {
    const why = `the reason of version ${version}`;
    await ledger.append([newRow("quote/a/1", version, { entries: [{ kind: "quote_declined", v: 1, why }] })]);
  }
  await ledger.close();
  const bytes = readFileSync(file);
  const place = bytes.indexOf("the reason of version 2");
  expect(place).toBeGreaterThan(0);
  bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
  writeFileSync(file, bytes);
  const again = await openSqliteLedger({ file });
  const findings = verifyChain(await again.history({}));
  await again.close();
  folder.remove();
  expect(findings).toEqual([
    { stream: "quote/a/1", version: 2, what: "does not match its hash: it, or the row before it, was changed" },
  ]);
});

test("rows cut off a stream's end are found by the anchor that names them", async () => {
  const ledger = memoryLedger();
  const booked = await ledger.append([newRow("quote/a/1", 1), newRow("spend/d", 1)]);
  const heads = booked.map(({ stream, version, hash }) => ({ stream, version, hash }));
  await ledger.append([
    newRow("anchor/d", 1, { entries: [{ kind: "anchored", v: 1, heads, covers: markAfter(noMark, booked) }] }),
  ]);
  const rows = await ledger.history({});
  expect(verifyAnchors(rows)).toEqual([]);
  const cut = rows.filter((row) => row.stream !== "spend/d");
  expect(verifyChain(cut)).toEqual([]);
  expect(verifyAnchors(cut)).toEqual([
    { stream: "spend/d", version: 1, what: "is missing, says version 1 of anchor/d" },
    { stream: "anchor/d", version: 1, what: expect.stringContaining("saw 2 rows, there are 1") },
  ]);
  const rewritten = rows.map((row) => (row.stream === "spend/d" ? { ...row, hash: sha256("another") } : row));
  expect(verifyAnchors(rewritten)).toMatchObject([
    { stream: "spend/d", version: 1 },
    { stream: "anchor/d", version: 1 },
  ]);
});
