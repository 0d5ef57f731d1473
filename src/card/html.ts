/** Markup that may stand in a page as it is; only {@link html} makes it. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: markup as it is, text and numbers escaped, lists in a row, nothing for null and false. */
export type Part = Html | string | number | null | false | readonly Part[];

/** A template whose every value is escaped, unless it was made by this function itself. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.map((string, at) => string + written(parts[at] ?? null)).join(""));
}

const named: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/**
 * Text as it may stand between tags and inside quoted attributes. Characters that are meant not to be seen (controls,
 * bidirectional marks, zero-width ones) become a visible sign: a page about money shows what is there.
 */
export function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\P{C}\n\t]/gu, "\u{fffd}")
    .replace(/[&<>"']/g, (mark) => named[mark] ?? "");
}

function written(part: Part): string {
  if (part === null || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "string") return escaped(part);
  if (typeof part === "number") return String(part);
  return part.map(written).join("");
}
