import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BuyingError } from "../../src/domain/errors.ts";
import type { Entry } from "../../src/ledger/entries.ts";
import { type Ledger, LedgerConflict, type NewRow } from "../../src/ledger/ledger.ts";
import type { SealedRow } from "../../src/ledger/rows.ts";
import { verifyChain } from "../../src/ledger/verify.ts";

/** A ledger under test, and ways around its port. */
export interface LedgerBench {
  readonly ledger: Ledger;
  /** Another ledger on the same store, as another process would have. */
  another(): Promise<Ledger>;
  /** Stores a row as a release would that knows more kinds of entries. */
  plant(row: SealedRow): Promise<void>;
  close(): Promise<void>;
}

export const tried: Entry = { kind: "pin_tried", v: 1, ok: false };

/** A row of a stream `kind/name`. */
export function newRow(stream: string, version: number, change: Partial<NewRow> = {}): NewRow {
  const kind = stream.slice(0, stream.indexOf("/"));
  return { stream, version, kind, status: "open", flowId: "flow-1", entries: [tried], ...change };
}

/** The first row of a stream, as another process stored it. */
const planted: SealedRow = {
  stream: "quote/a/1",
  version: 1,
  kind: "quote",
  status: "open",
  flow_id: "flow-1",
  append_id: "another process",
  at: "2026-11-20T00:00:00.000Z",
  entries: "[]",
  hash: "of another process",
};

/** What every implementation of the ledger promises; a new one is a test file that calls this. */
export function describeLedger(name: string, { open }: { readonly open: () => Promise<LedgerBench> }): void {
  describe(name, () => {
    let bench: LedgerBench;
    let ledger: Ledger;
    beforeEach(async () => {
      bench = await open();
      ledger = bench.ledger;
    });
    afterEach(() => bench.close());

    const place = (rows: readonly { readonly stream: string; readonly version: number }[]) =>
      rows.map((row) => `${row.stream}@${row.version}`);

    test("an empty ledger answers every question with nothing", async () => {
      expect(await ledger.read("quote/a/1")).toEqual([]);
      expect(await ledger.head("quote/a/1")).toBeUndefined();
      expect(await ledger.heads({ kind: "quote" })).toEqual([]);
      expect(await ledger.heads({ kind: "quote", statuses: [] })).toEqual([]);
      expect(await ledger.history({})).toEqual([]);
      expect(await ledger.newest()).toBe(0);
      expect(await ledger.append([])).toEqual([]);
      expect(await ledger.newest()).toBe(0);
    });

    test("an append answers with its rows as they are read again", async () => {
      const given = [
        newRow("quote/a/1", 1, { status: "approved", flowId: "flow-7" }),
        newRow("approval/x", 1, { entries: [tried, { kind: "pin_set", v: 1 }] }),
        newRow("deal/a/d", 1, { entries: [] }),
      ];
      const appended = await ledger.append(given);
      expect(appended).toMatchObject(given);
      expect(appended.map((row) => row.unknown)).toEqual([null, null, null]);
      expect(new Set(appended.map((row) => row.appendId)).size).toBe(1);
      expect(appended.every((row) => row.at === new Date(row.at).toISOString())).toBe(true);
      expect(new Set(appended.map((row) => row.seq)).size).toBe(3);
      for (const row of appended) expect(await ledger.read(row.stream)).toEqual([row]);
    });

    test("a stream is read oldest first and its head is its last row", async () => {
      for (const version of [1, 2, 3]) {
        await ledger.append([newRow("quote/a/1", version, { status: `s${version}` }), newRow(`deal/a/${version}`, 1)]);
      }
      expect((await ledger.read("quote/a/1")).map((row) => row.version)).toEqual([1, 2, 3]);
      expect(await ledger.head("quote/a/1")).toMatchObject({ version: 3, status: "s3" });
      expect(await ledger.head("quote/a/1")).toEqual((await ledger.read("quote/a/1")).at(-1));
    });

    test("a version can be taken once, and not before the one below it", async () => {
      await ledger.append([newRow("quote/a/1", 1, { status: "first" })]);
      await expect(ledger.append([newRow("quote/a/1", 1, { status: "second" })])).rejects.toBeInstanceOf(
        LedgerConflict,
      );
      await expect(ledger.append([newRow("quote/a/1", 3)])).rejects.toBeInstanceOf(LedgerConflict);
      await expect(ledger.append([newRow("quote/a/2", 2)])).rejects.toBeInstanceOf(LedgerConflict);
      expect(await ledger.history({})).toMatchObject([{ stream: "quote/a/1", version: 1, status: "first" }]);
    });

    test("a conflict on one of many rows leaves none and names its stream", async () => {
      await ledger.append([newRow("spend/d", 1), newRow("quote/a/1", 1)]);
      await ledger.append([newRow("spend/d", 2)]);
      const newest = await ledger.newest();
      const late = ledger.append([newRow("quote/a/1", 2), newRow("spend/d", 2), newRow("deal/a/d", 1)]);
      await expect(late).rejects.toMatchObject({ name: "LedgerConflict", streams: ["spend/d"] });
      expect(await ledger.newest()).toBe(newest);
      expect(await ledger.head("quote/a/1")).toMatchObject({ version: 1 });
      expect(await ledger.head("deal/a/d")).toBeUndefined();
      // The same rows on the versions that are free now go through.
      await ledger.append([newRow("quote/a/1", 2), newRow("spend/d", 3), newRow("deal/a/d", 1)]);
      expect(verifyChain(await ledger.history({}))).toEqual([]);
    });

    test("of appends started at the same moment one is first and the others conflict", async () => {
      const other = await bench.another();
      const attempts = [ledger, other, ledger, other].map((one, index) =>
        one.append([newRow("spend/d", 1, { status: `by ${index}` }), newRow(`quote/a/${index}`, 1)]),
      );
      const ended = await Promise.allSettled(attempts);
      expect(ended.filter((end) => end.status === "fulfilled")).toHaveLength(1);
      for (const end of ended) if (end.status === "rejected") expect(end.reason).toBeInstanceOf(LedgerConflict);
      expect(await ledger.history({})).toHaveLength(2);
      expect(await other.history({})).toEqual(await ledger.history({}));
    });

    test("rows that only a mistake can make are refused before anything is written", async () => {
      const twice = [newRow("quote/a/1", 1), newRow("quote/a/1", 2)];
      await expect(ledger.append(twice)).rejects.toBeInstanceOf(RangeError);
      await expect(ledger.append([newRow("quote/a/1", 0)])).rejects.toBeInstanceOf(RangeError);
      await expect(ledger.append([newRow("quote/a/1", 1.5)])).rejects.toBeInstanceOf(RangeError);
      await expect(ledger.append([newRow("quote/a/1", 1, { kind: "deal" })])).rejects.toBeInstanceOf(RangeError);
      expect(await ledger.newest()).toBe(0);
    });

    test("heads are the last rows of streams of a kind, newest first, by status, limit and page", async () => {
      await ledger.append([newRow("quote/a/1", 1), newRow("quote/a/2", 1), newRow("deal/a/d", 1)]);
      await ledger.append([newRow("quote/b/3", 1, { status: "booked" })]);
      await ledger.append([newRow("quote/a/1", 2, { status: "booked" })]);
      await ledger.append([newRow("quote/a/4", 1, { status: "declined" })]);
      const all = await ledger.heads({ kind: "quote" });
      expect(place(all)).toEqual(["quote/a/4@1", "quote/a/1@2", "quote/b/3@1", "quote/a/2@1"]);
      // quote/a/1 was open once, but is not any more.
      expect(place(await ledger.heads({ kind: "quote", statuses: ["open"] }))).toEqual(["quote/a/2@1"]);
      const some = await ledger.heads({ kind: "quote", statuses: ["open", "booked"], limit: 2 });
      expect(place(some)).toEqual(["quote/a/1@2", "quote/b/3@1"]);
      const rest = await ledger.heads({ kind: "quote", statuses: ["open", "booked"], before: some.at(-1)?.seq ?? 0 });
      expect(place(rest)).toEqual(["quote/a/2@1"]);
      expect(await ledger.heads({ kind: "quote", statuses: [] })).toEqual([]);
      expect(await ledger.heads({ kind: "quote", limit: 0 })).toEqual([]);
      expect(all[0]).toEqual(await ledger.head("quote/a/4"));
    });

    test("history is oldest first, by flow, stream, kind, instant and page", async () => {
      await ledger.append([newRow("quote/a/1", 1, { flowId: "f1" })]);
      await ledger.append([newRow("quote/a/2", 1, { flowId: "f2" }), newRow("deal/a/d", 1, { flowId: "f2" })]);
      await ledger.append([newRow("quote/a/1", 2, { flowId: "f2" })]);
      const all = await ledger.history({});
      expect(all.map((row) => row.seq)).toEqual(all.map((row) => row.seq).sort((left, right) => left - right));
      expect(place(all).at(0)).toBe("quote/a/1@1");
      expect(place(all).at(-1)).toBe("quote/a/1@2");
      expect(place(await ledger.history({ flowId: "f2" })).sort()).toEqual([
        "deal/a/d@1",
        "quote/a/1@2",
        "quote/a/2@1",
      ]);
      expect(place(await ledger.history({ stream: "quote/a/1" }))).toEqual(["quote/a/1@1", "quote/a/1@2"]);
      expect(place(await ledger.history({ kind: "deal" }))).toEqual(["deal/a/d@1"]);
      expect(place(await ledger.history({ kind: "quote", flowId: "f1" }))).toEqual(["quote/a/1@1"]);
      const first = await ledger.history({ limit: 3 });
      expect(first).toEqual(all.slice(0, 3));
      expect(await ledger.history({ after: first.at(-1)?.seq ?? 0 })).toEqual(all.slice(3));
      expect(await ledger.history({ limit: 0 })).toEqual([]);
      expect(await ledger.newest()).toBe(all.at(-1)?.seq);
    });

    test("since is inclusive however the instant is written", async () => {
      const midnight = "2026-11-20T00:00:00.000Z";
      await bench.plant({ ...planted, at: midnight });
      for (const since of [midnight, "2026-11-20T00:00:00Z", "2026-11-20T02:00:00+02:00", "2026-11-19T23:59:59.999Z"]) {
        expect(await ledger.history({ since })).toHaveLength(1);
      }
      expect(await ledger.history({ since: "2026-11-20T00:00:00.001Z" })).toEqual([]);
      await expect(ledger.history({ since: "last Tuesday" })).rejects.toBeInstanceOf(RangeError);
    });

    test("money comes back exact, beyond what a float can hold", async () => {
      for (const [index, micros] of [9_007_199_254_740_993n, -1n, 0n, 123_456_789_012_345_678n].entries()) {
        const amount = { micros, currency: "USD" };
        const entry: Entry = {
          kind: "released",
          v: 1,
          why: 'a "quote", a \\ and ✓ — über',
          holding: {
            ref: "a/1",
            attempt: 1,
            amount,
            day: "2026-11-20",
            via: "form",
            sellerId: "a",
            channel: null,
            campaign: null,
          },
        };
        await ledger.append([newRow("spend/d", index + 1, { entries: [entry] })]);
        expect((await (await bench.another()).head("spend/d"))?.entries).toEqual([entry]);
      }
    });

    test("a number that is none is refused, not written as null", async () => {
      const entry: Entry = { kind: "booking_unknown", v: 1, attempt: Number.NaN, why: "" };
      await expect(ledger.append([newRow("quote/a/1", 1, { entries: [entry] })])).rejects.toBeInstanceOf(RangeError);
      expect(await ledger.newest()).toBe(0);
    });

    test("a stream with an entry of a newer release can be read and not written", async () => {
      const [first] = await ledger.append([newRow("quote/a/1", 1)]);
      const entries = JSON.stringify([
        tried,
        { kind: "quote_teleported", v: 1 },
        { kind: "pin_tried", v: 2, ok: true },
      ]);
      const newer = { version: 2, status: "teleported", entries, hash: "of another release" };
      await bench.plant({ ...planted, ...newer, at: first?.at ?? "" });
      const head = await ledger.head("quote/a/1");
      expect(head).toMatchObject({
        version: 2,
        status: "teleported",
        entries: [tried],
        unknown: "quote_teleported v1",
      });
      expect(await ledger.heads({ kind: "quote", statuses: ["teleported"] })).toEqual([head]);
      const newest = await ledger.newest();
      const refused = await ledger
        .append([newRow("deal/a/d", 1), newRow("quote/a/1", 3)])
        .catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(BuyingError);
      expect(refused).toMatchObject({ code: "newer_release" });
      expect(await ledger.newest()).toBe(newest);
      // The other streams of the desk go on.
      await ledger.append([newRow("quote/a/2", 1)]);
    });

    test("entries that cannot be read make a stream read-only instead of failing its readers", async () => {
      await bench.plant({ ...planted, entries: '[{"kind":"pin_' });
      expect(await ledger.read("quote/a/1")).toMatchObject([{ entries: [], unknown: "unreadable" }]);
      await expect(ledger.append([newRow("quote/a/1", 2)])).rejects.toMatchObject({ code: "newer_release" });
    });

    test("every stream is a chain of its own", async () => {
      const other = await bench.another();
      for (let version = 1; version <= 5; version++) {
        await (version % 2 ? ledger : other).append([newRow("spend/d", version), newRow(`quote/a/${version}`, 1)]);
      }
      const all = await ledger.history({});
      expect(all).toHaveLength(10);
      expect(new Set(all.map((row) => row.hash)).size).toBe(10);
      expect(verifyChain(all)).toEqual([]);
    });
  });
}
