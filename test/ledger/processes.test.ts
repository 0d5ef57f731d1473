import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { money, zero } from "../../src/domain/money.ts";
import { noBalances, settleBalances } from "../../src/domain/spend.ts";
import type { Ledger, Row } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { verifyChain } from "../../src/ledger/verify.ts";
import { newRow } from "../contract/ledger-contract.ts";
import { tempFolder } from "./temp.ts";

const folder = tempFolder();
const writerBundle = join(folder.path, "writer.mjs");

beforeAll(async () => {
  symlinkSync(fileURLToPath(new URL("../../node_modules", import.meta.url)), join(folder.path, "node_modules"));
  await build({
    entryPoints: [fileURLToPath(new URL("./writer.ts", import.meta.url))],
    outfile: writerBundle,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["sqlite3"],
  });
});
afterAll(() => folder.remove());

interface Writer {
  readonly child: ChildProcess;
  readonly lines: () => readonly string[];
}

/** Starts a writer and collects the lines it prints. */
function writer(...args: readonly string[]): Writer {
  const child = spawn(process.execPath, [writerBundle, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return { child, lines: () => text.split("\n").slice(0, -1) };
}

async function printed(some: Writer, lines: number): Promise<void> {
  while (some.lines().length < lines && some.child.exitCode === null) await pause(1);
}

/** Starts two writers, lets them go once both have opened the ledger, and gives what each says at its end. */
async function both(mode: string, file: string, count: number): Promise<readonly { won: number; conflicts: number }[]> {
  const two = ["one", "two"].map((name) => writer(mode, file, name, String(count)));
  const ends = two.map(({ child }) => once(child, "close"));
  await Promise.all(two.map((some) => printed(some, 1)));
  for (const { child } of two) child.stdin?.end("go");
  expect((await Promise.all(ends)).map(([code]) => code)).toEqual([0, 0]);
  return two.map((some) => JSON.parse(some.lines()[1] ?? "null"));
}

/** Rows of one append, by its id. */
function appends(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const byId = new Map<string, readonly Row[]>();
  for (const row of rows) byId.set(row.appendId, [...(byId.get(row.appendId) ?? []), row]);
  return byId;
}

describe("several processes on one ledger file", () => {
  let file: string;
  let used = 0;
  beforeEach(() => {
    file = join(folder.path, `desk-${++used}`, "ledger.db");
  });

  const withLedger = async <T>(work: (ledger: Ledger) => Promise<T>): Promise<T> => {
    const ledger = await openSqliteLedger({ file });
    try {
      return await work(ledger);
    } finally {
      await ledger.close();
    }
  };

  test("two that open a new file at once and append 300 times each to one stream make 600 versions", async () => {
    const ended = await both("race", file, 300);
    const rows = await withLedger((ledger) => ledger.read("pin/hot"));
    expect(rows.map((row) => row.version)).toEqual(Array.from({ length: 600 }, (_, index) => index + 1));
    expect(rows.filter((row) => row.status === "one")).toHaveLength(300);
    expect(appends(rows).size).toBe(600);
    expect(verifyChain(rows)).toEqual([]);
    // Without conflicts the two never met, and this showed nothing.
    expect(ended.reduce((sum, { conflicts }) => sum + conflicts, 0)).toBeGreaterThan(0);
  });

  test("two that decide the same approvals decide each once, and the balances count each once", async () => {
    const approvals = 60;
    await withLedger(async (ledger) => {
      for (let approval = 1; approval <= approvals; approval++) {
        await ledger.append([newRow(`approval/${approval}`, 1), newRow(`quote/a/${approval}`, 1)]);
      }
    });
    const ended = await both("approve", file, approvals);
    expect(ended.reduce((sum, { won }) => sum + won, 0)).toBe(approvals);
    const rows = await withLedger((ledger) => ledger.history({}));
    expect(verifyChain(rows)).toEqual([]);
    const decided = rows.filter((row) => row.kind === "approval" && row.version === 2);
    expect(new Set(decided.map((row) => row.stream)).size).toBe(approvals);
    expect(decided).toHaveLength(approvals);
    for (const { appendId, status } of decided) {
      const together = rows.filter((row) => row.appendId === appendId);
      expect(together.map((row) => row.kind).sort()).toEqual(["approval", "quote", "spend"]);
      expect(new Set(together.map((row) => row.status))).toEqual(new Set([status]));
    }
    const spend = rows.filter((row) => row.stream === "spend/desk");
    expect(spend).toHaveLength(approvals);
    let balances = noBalances("USD");
    for (const row of spend) {
      for (const entry of row.entries) if (entry.kind === "reserved") balances = settleBalances(balances, entry);
      expect(row.entries.find((entry) => entry.kind === "balances")?.balances).toEqual(balances);
    }
    expect(balances.total).toEqual(money(BigInt(approvals) * 1_000_000n, "USD"));
    expect(balances.total).not.toEqual(zero("USD"));
  });

  test("of writers killed in the middle, every acknowledged append is there and none is there in part", async () => {
    const acknowledged: string[] = [];
    for (let kill = 0; kill < 10; kill++) {
      const killed = writer("crash", file, `k${kill}`);
      const ended = once(killed.child, "close");
      killed.child.stdin?.end("go");
      // From its first append on it is hit anywhere in its loop: the moments differ from kill to kill.
      await printed(killed, 2);
      await pause(5 + 7 * kill);
      killed.child.kill("SIGKILL");
      expect(await ended).toEqual([null, "SIGKILL"]);
      acknowledged.push(...killed.lines().slice(1));
    }
    const rows = await withLedger(async (ledger) => {
      const version = ((await ledger.head("spend/desk"))?.version ?? 0) + 1;
      await ledger.append([newRow("spend/desk", version)]);
      return (await ledger.history({})).slice(0, -1);
    });
    expect(acknowledged.length).toBeGreaterThanOrEqual(10);
    expect(verifyChain(rows)).toEqual([]);
    const byAppend = appends(rows);
    for (const id of acknowledged) expect(byAppend.has(id)).toBe(true);
    for (const together of byAppend.values()) {
      expect(together.map((row) => row.kind).sort()).toEqual(["deal", "quote", "spend"]);
    }
    // At most the append that was under way at each kill went unacknowledged.
    expect(byAppend.size - acknowledged.length).toBeLessThanOrEqual(10);
  });
});
