import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { refOf, splitRef, streams, uuidFrom } from "../../src/domain/ids.ts";

const anyText = fc.string({ unit: "binary", minLength: 1, maxLength: 20 });
const theirIds = anyText.filter((id) => !/^\.+$/.test(id));

describe("references", () => {
  test("splitting undoes joining for whatever a seller calls its things", () => {
    fc.assert(
      fc.property(theirIds, (theirId) => {
        const ref = refOf("northbeam", theirId);
        expect(splitRef(ref)).toEqual({ sellerId: "northbeam", theirId });
        expect(ref).toMatch(/^northbeam\/[A-Za-z0-9._~:%-]+$/);
        // It survives a URI and a path: nothing in it is cut off, decoded or resolved.
        expect(new URL(`buyer://quote/${ref}`).pathname).toBe(`/${ref}`);
      }),
      { numRuns: 500 },
    );
  });

  test("joining undoes splitting: a thing has one reference", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^northbeam\/[a-c.%0-9]{1,6}$/), (text) => {
        let parts: ReturnType<typeof splitRef>;
        try {
          parts = splitRef(text);
        } catch {
          return;
        }
        expect(refOf(parts.sellerId, parts.theirId)).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  test("different things never share a stream or a key", () => {
    fc.assert(
      fc.property(theirIds, theirIds, (left, right) => {
        fc.pre(left !== right);
        expect(streams.quote(refOf("a", left))).not.toBe(streams.quote(refOf("a", right)));
        expect(uuidFrom("a", left)).not.toBe(uuidFrom("a", right));
      }),
    );
  });
});
