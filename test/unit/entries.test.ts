import { describe, expect, test } from "vitest";
import { transitions } from "../../src/domain/media-buy.ts";
import { decodeEntries, encodeEntries, type Entry, knownEntries } from "../../src/ledger/entries.ts";
import { holding, quoted } from "./sample.ts";

const reserved: Entry = { kind: "reserved", v: 1, holding };

describe("entries as text", () => {
  test("money is a decimal string, and comes back as it was", () => {
    const text = encodeEntries([reserved, quoted]);
    expect(text).toContain('"amount":{"micros":"49999980000","currency":"USD"}');
    expect(decodeEntries(text)).toEqual({ entries: [reserved, quoted], unknown: null });
  });

  test("only money is turned back: a text that looks like a number stays a text", () => {
    const entry: Entry = { kind: "released", v: 1, holding: { ...holding, ref: "12345" }, why: "12345" };
    expect(decodeEntries(encodeEntries([entry])).entries).toEqual([entry]);
  });

  test("an amount that JSON cannot carry is not written", () => {
    const entry: Entry = { kind: "reserved", v: 1, holding: { ...holding, attempt: Number.NaN } };
    expect(() => encodeEntries([entry])).toThrow(RangeError);
  });

  test("what this release does not know is named, and the rest is still read", () => {
    const newer = '{"kind":"makegood_promised","v":1}';
    const row = (...entries: readonly string[]) =>
      `[${[encodeEntries([reserved]).slice(1, -1), ...entries].join(",")}]`;
    expect(decodeEntries(row(newer))).toEqual({ entries: [reserved], unknown: "makegood_promised v1" });
    expect(decodeEntries(row('{"kind":"reserved","v":2}')).unknown).toBe("reserved v2");
    expect(decodeEntries(row('{"kind":"constructor","v":1}')).unknown).toBe("constructor v1");
    expect(decodeEntries(row('{"kind":"reserved"}')).unknown).not.toBeNull();
    expect(decodeEntries(row("7")).unknown).not.toBeNull();
    expect(decodeEntries(row("null")).unknown).not.toBeNull();
  });

  test.each(["", "{}", "null", '{"0":{}}', "[", '[{"kind":"reserved","v":1,"holding":{"amount":{"micros":"a lot"}}}]'])(
    "%j is no row: it is never taken for an empty one",
    (text) => {
      expect(decodeEntries(text)).toEqual({ entries: [], unknown: expect.any(String) });
    },
  );

  test("every kind of a line's life is known", () => {
    expect(Object.keys(knownEntries)).toEqual(expect.arrayContaining(Object.keys(transitions)));
    expect(Object.values(knownEntries).every((version) => Number.isInteger(version) && version >= 1)).toBe(true);
  });
});
