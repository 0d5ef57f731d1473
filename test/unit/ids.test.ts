import { describe, expect, test } from "vitest";
import { refOf, splitRef, streams, uuidFrom } from "../../src/domain/ids.ts";

describe("a reference", () => {
  test.each([
    ["prod-53e78a97", "northbeam/prod-53e78a97"],
    ["q:1~a.b_c", "northbeam/q:1~a.b_c"],
    ["a/b c", "northbeam/a%2Fb%20c"],
    ["100%", "northbeam/100%25"],
    ["it's (new)!*", "northbeam/it%27s%20%28new%29%21%2A"],
    ["é", "northbeam/%C3%A9"],
  ])("of %j can be taken apart again", (theirId, ref) => {
    expect(refOf("northbeam", theirId)).toBe(ref);
    expect(splitRef(ref)).toEqual({ sellerId: "northbeam", theirId });
  });

  test.each(["", ".", "..", "...", "\ud800", "x".repeat(301), "é".repeat(51)])("is not made of %j", (theirId) => {
    expect(() => refOf("northbeam", theirId)).toThrow(expect.objectContaining({ code: "seller_invalid_answer" }));
  });

  test.each([
    "",
    "northbeam",
    "northbeam/",
    "/prod-1",
    "Northbeam/prod-1",
    "northbeam/prod-1/x",
    "northbeam/prod 1",
    "northbeam/..",
    "northbeam/%2e%2e",
    "-x/prod-1",
    `northbeam/${"x".repeat(301)}`,
    // A second spelling of a reference would name a second stream.
    "northbeam/a%2fb",
    "northbeam/%70rod-1",
    "northbeam/%zz",
    "northbeam/it's",
  ])("%j is none", (text) => {
    expect(() => splitRef(text)).toThrow(expect.objectContaining({ code: "invalid_arguments" }));
  });

  test("names streams that nothing else can name", () => {
    const ref = refOf("northbeam", "a/b");
    expect(streams.quote(ref)).toBe("quote/northbeam/a%2Fb");
    expect(new Set(Object.values(streams).map((name) => name("x").split("/")[0])).size).toBe(
      Object.keys(streams).length,
    );
  });
});

describe("a UUID from parts", () => {
  test("is the same for the same parts and well formed (RFC 9562, version 8)", () => {
    const one = uuidFrom("ap_1", "northbeam/qt-1", "1");
    expect(one).toBe(uuidFrom("ap_1", "northbeam/qt-1", "1"));
    expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test("does not run parts together", () => {
    expect(uuidFrom("a", "bc")).not.toBe(uuidFrom("ab", "c"));
    expect(uuidFrom("a,b")).not.toBe(uuidFrom("a", "b"));
  });
});
