import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { refOf, splitRef } from "../../src/domain/ids.ts";
import { sellerId, sellerText } from "../../src/sellers/untrusted.ts";
import { verifies } from "../requirements.ts";

/** Text with everything that has been used to hide or to break out: any code unit, plus a rich share of the known bad. */
const nasty = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "|",
        "`",
        "<b>",
        "\n",
        "\r\n",
        "\t",
        "\u200b",
        "\u202e",
        "\ud800",
        "\u{e0041}",
        "\u0007",
        "\ufe0f",
      ),
      fc.constantFrom(
        "\u001b[31m",
        "\u001b]8;;http://x\u0007",
        "\u009b1m",
        "![a](http://x)",
        "\\",
        "\u2028",
        "\u115f",
        "e\u0301",
      ),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(""));

describe("a seller's words", () => {
  test("are one capped line without anything hidden or active, and cleaning twice changes nothing", () => {
    verifies("promise.sellers_words");
    fc.assert(
      fc.property(nasty, fc.integer({ min: 1, max: 60 }), (text, max) => {
        const clean = sellerText(text, max);
        expect(Array.from(clean).length).toBeLessThanOrEqual(max);
        expect(clean).not.toMatch(/[\p{C}\p{Default_Ignorable_Code_Point}|`<>[\]\\]/u);
        expect(clean).not.toMatch(/[^\S ]|^ | $| {2}/);
        expect(sellerText(clean, max)).toBe(clean);
      }),
      { numRuns: 2_000 },
    );
  });

  test("keep honest text as it was written", () => {
    for (const text of [
      "CTV Sports Live: 30s & 15s (5½ min), 100 %",
      "Café Zürich, 東京 — 'prime' #1",
      "संगीत и музыка",
    ]) {
      expect(sellerText(text, 160)).toBe(text.normalize("NFC"));
    }
  });

  test("cannot break a table, draw on a terminal, hide an order or load a picture", () => {
    expect(sellerText("a | b\n| c", 40)).toBe("a ¦ b ¦ c");
    expect(sellerText("\u001b[2J\u001b[31mred\u001b[0m \u001b]0;title\u0007x", 40)).toBe("red x");
    expect(sellerText("safe\u{e0069}\u{e0067}\u{e006e}\u200b\u202etxt", 40)).toBe("safetxt");
    expect(sellerText("![x](https://evil.example/?q=1)<img src=y>", 60)).toBe(
      "!(x)(https://evil.example/?q=1)‹img src=y›",
    );
    expect(sellerText("Z̵̡̢̛̛͔̘̤a", 40)).toHaveLength(6);
  });

  test("are cut at code points with an ellipsis, and only when they must be", () => {
    expect(sellerText("😀😀😀😀", 4)).toBe("😀😀😀😀");
    expect(sellerText("😀😀😀😀😀", 4)).toBe("😀😀😀…");
    expect(sellerText("word and more", 6)).toBe("word…");
    expect(sellerText(`${"\u200b".repeat(3_000_000)}x`, 10)).toBe("");
  });

  test.each([[null], [undefined], [7], [{}], [["a"]]])("%j is no text", (value) => {
    expect(sellerText(value, 10)).toBe("");
  });
});

describe("a seller's id", () => {
  test("is taken byte for byte or not at all, and always makes a reference that can be split again", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 220 }), fc.string({ maxLength: 220 })), (text) => {
        const id = sellerId(text);
        if (id === null) return;
        expect(id).toBe(text);
        expect(splitRef(refOf("northbeam", id))).toEqual({ sellerId: "northbeam", theirId: text });
      }),
      { numRuns: 2_000 },
    );
  });

  test.each(["prod-53e78a97", "DEMO-209918C2F380", "qt:2026/11#4", "a%41", "größe-1"])("%s is one", (id) => {
    expect(sellerId(id)).toBe(id);
  });

  test.each([
    "",
    ".",
    "..",
    "...",
    "a b",
    "a\nb",
    "a|b",
    "`x`",
    "<x>",
    "x\u200b",
    "x\u202e",
    "![a](b)",
    "\ud800",
    "\ufffd",
    "x".repeat(201),
    "東".repeat(40),
  ])("%j is none", (id) => {
    expect(sellerId(id)).toBeNull();
  });
});
