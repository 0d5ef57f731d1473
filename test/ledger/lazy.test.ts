import { expect, test } from "vitest";
import { lazyLedger } from "../../src/ledger/lazy.ts";
import { LedgerUnavailable } from "../../src/ledger/ledger.ts";
import { memoryLedger } from "../../src/ledger/memory.ts";
import { newRow } from "../contract/ledger-contract.ts";

test("a lazy ledger is opened by its first use, once", async () => {
  let opened = 0;
  const ledger = lazyLedger(async () => {
    opened++;
    return memoryLedger();
  });
  expect(opened).toBe(0);
  await Promise.all([ledger.newest(), ledger.append([newRow("quote/a/1", 1)]), ledger.history({})]);
  expect(opened).toBe(1);
  expect(await ledger.read("quote/a/1")).toHaveLength(1);
  expect(await ledger.head("quote/a/1")).toMatchObject({ version: 1 });
  expect(await ledger.heads({ kind: "quote" })).toHaveLength(1);
});

test("an opening that failed is tried again by the next use", async () => {
  let opened = 0;
  const ledger = lazyLedger(async () => {
    opened++;
    if (opened === 1) throw new LedgerUnavailable("The disk is full.", null);
    return memoryLedger();
  });
  const first = await Promise.allSettled([ledger.newest(), ledger.newest()]);
  expect(first.map((end) => end.status)).toEqual(["rejected", "rejected"]);
  expect(await ledger.newest()).toBe(0);
  expect(opened).toBe(2);
});

test("closing opens nothing, closes what was opened, and ends its use", async () => {
  const unused = lazyLedger(() => Promise.reject(new Error("was opened")));
  await unused.close();
  let closed = 0;
  const ledger = lazyLedger(async () => ({ ...memoryLedger(), close: async () => void closed++ }));
  await ledger.newest();
  await ledger.close();
  expect(closed).toBe(1);
  await expect(ledger.newest()).rejects.toBeInstanceOf(LedgerUnavailable);
});
