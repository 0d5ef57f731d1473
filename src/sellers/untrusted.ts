/**
 * Text that a seller wrote is data: it is shown, cleaned and capped, and never decides anything. Everything a seller
 * says passes through here before it is kept, compared or shown.
 */

const esc = String.fromCharCode(0x1b);
const bell = String.fromCharCode(0x07);
/** Terminal sequences (ECMA-48): those with parameters, and strings up to their end. Lone controls go later. */
const terminalSequences = new RegExp(
  `(?:${esc}\\[|\u{9b})[0-?]*[ -/]*[@-~]|(?:${esc}[\\]PX^_]|\u{9d})[^${bell}${esc}]*(?:${bell}|${esc}\\\\)?`,
  "gu",
);
const spaces = /[\s\p{Z}]+/gu;
/** Controls, bidirectional marks, tags, private use, lone surrogates, and all else that is meant not to be seen. */
const unseen = /[\p{C}\p{Default_Ignorable_Code_Point}]/gu;
/** More marks on one letter than any script stacks. */
const piledMarks = /(\p{M}{4})\p{M}+/gu;

/** What breaks a table cell, opens code, a link, an image or a tag in Markdown, and what it is shown as. */
const harmless: Readonly<Record<string, string>> = {
  "|": "¦",
  "`": "'",
  "<": "‹",
  ">": "›",
  "[": "(",
  "]": ")",
  "\\": "/",
};

/**
 * One line of a seller's words, safe in a table, in Markdown and on a terminal: no control, bidirectional, zero-width
 * or tag characters, no terminal sequences, white space collapsed, at most `max` code points with an ellipsis.
 * Anything but text gives the empty string. Composed (NFC), not compatibility-folded, which would read 5½ as 51⁄2.
 */
export function sellerText(text: unknown, max: number): string {
  if (typeof text !== "string") return "";
  // Enough to fill `max` after cleaning in any honest case; a megabyte of zero-width spaces is not worth the work.
  const cleaned = text
    .slice(0, 1_000 + max * 8)
    .replace(terminalSequences, "")
    .replace(spaces, " ")
    .replace(unseen, "")
    .normalize("NFC")
    .replace(piledMarks, "$1")
    .replace(/[|`<>[\]\\]/g, (found) => harmless[found] ?? "")
    .replace(/ {2,}/g, " ")
    .trim();
  const points = Array.from(cleaned);
  return points.length <= max
    ? cleaned
    : `${points
        .slice(0, max - 1)
        .join("")
        .trimEnd()}…`;
}

/** Letters, digits and the marks that ids are made of; nothing that Markdown, a shell word or a path would act on. */
const idShape = /^[\p{L}\p{N}._~:#$%&+,/;=?@^{}-]{1,200}$/u;

/**
 * A seller's id, byte for byte, or null where it is none: ids go back on the wire and are shown raw, so one that would
 * need cleaning is refused instead. At most 200 characters, and 300 once percent-encoded.
 */
export function sellerId(text: unknown): string | null {
  if (typeof text !== "string" || !idShape.test(text) || /^\.+$/.test(text)) return null;
  return encodeURIComponent(text).length <= 300 ? text : null;
}
