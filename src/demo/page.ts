import { styleText } from "node:util";

/** A column of a table: its heading, and how its cells lie. */
export interface Column {
  readonly title: string;
  readonly align?: "right";
  /** Gives way where the table is too wide: its cells are cut and end in an ellipsis. */
  readonly shrinks?: true;
}

type Tone = "plain" | "strong" | "faint" | "good" | "bad" | "ask";

/** Paper for the demo: headings, paragraphs, tables and one box, wrapped to the terminal, coloured only where wanted. */
export interface Page {
  /** Across the top: what this is, and what it must not be mistaken for. */
  title(left: string, right: string): void;
  /** Begins a chapter; `note` stands at the right edge, for the call that was made. */
  heading(text: string, note?: string): void;
  /** A paragraph, wrapped; lines of its own stay lines. */
  say(text: string, tone?: Tone): void;
  /** A row that is one string heads the rows below it. */
  table(columns: readonly Column[], rows: readonly (readonly string[] | string)[]): void;
  /** Text in a frame. */
  box(text: string): void;
  /** Two columns: what, and how much. */
  pairs(rows: readonly (readonly [string, string])[]): void;
  gap(): void;
  /** Text as it is shown in a question. */
  toned(text: string, tone: Tone): string;
}

const INDENT = "   ";

/**
 * @param out takes whole lines, ending in a newline
 * @param columns of the terminal; lines are kept between 64 and 100 wide
 */
export function pageOn(out: (text: string) => void, columns: number | undefined, colours: boolean): Page {
  const width = Math.min(100, Math.max(64, (columns ?? 100) - 1));
  const room = width - INDENT.length;
  const tone = (text: string, as: Tone) => (colours && as !== "plain" ? styleText(tones[as], text) : text);
  const line = (text = "", as: Tone = "plain") => out(text === "" ? "\n" : `${INDENT}${tone(text, as)}\n`);
  return {
    title: (left, right) => {
      const between = " ".repeat(Math.max(2, width - left.length - right.length));
      out(`\n${tone(left, "strong")}${between}${tone(right, "ask")}\n${tone("═".repeat(width), "faint")}\n`);
    },
    heading: (text, note = "") => {
      const between = " ".repeat(Math.max(2, width - text.length - note.length));
      out(`\n${tone(text, "strong")}${note === "" ? "" : between + tone(note, "faint")}\n`);
      out(`${tone("─".repeat(width), "faint")}\n`);
    },
    say: (text, as = "plain") => {
      for (const one of wrapped(text, room)) line(one, as);
    },
    table: (heads, rows) => {
      const widths = widthsOf(heads, rows, room);
      const laid = (row: readonly string[]) =>
        row
          .map((cell, at) => {
            const most = widths[at] ?? 0;
            return heads[at]?.align === "right" ? cell.padStart(most) : cut(cell, most).padEnd(most);
          })
          .join("  ")
          .trimEnd();
      line(laid(heads.map(({ title }) => title)), "faint");
      for (const row of rows) {
        if (typeof row === "string") line(row, "strong");
        else line(laid(row));
      }
    },
    box: (text) => {
      const inner = room - 4;
      const edge = (left: string, right: string) => line(`${left}${"─".repeat(inner + 2)}${right}`, "ask");
      edge("┌", "┐");
      for (const one of wrapped(text, inner)) {
        out(`${INDENT}${tone("│", "ask")} ${one.padEnd(inner)} ${tone("│", "ask")}\n`);
      }
      edge("└", "┘");
    },
    pairs: (rows) => {
      const left = Math.max(...rows.map(([what]) => what.length));
      const right = Math.max(...rows.map(([, amount]) => amount.length));
      for (const [what, amount] of rows) line(`${what.padEnd(left)}  ${amount.padStart(right)}`);
    },
    gap: () => line(),
    toned: tone,
  };
}

const tones: Readonly<Record<Exclude<Tone, "plain">, Parameters<typeof styleText>[0]>> = {
  strong: "bold",
  faint: "gray",
  good: ["bold", "green"],
  bad: ["bold", "red"],
  ask: "yellow",
};

/** Lines of at most `width`. What continues an entry (`1. `, a time) hangs below its text. */
function wrapped(text: string, width: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    if (paragraph.length <= width) return [paragraph];
    const hang = " ".repeat(/^ *(\d+\. +|\d\d:\d\d:\d\d +)?/.exec(paragraph)?.[0].length ?? 0);
    const lines: string[] = [];
    let current = "";
    for (const word of paragraph.split(/(?<=\S)(?= )/)) {
      if ((current + word).length <= width || current.trim() === "") current += word;
      else {
        lines.push(current);
        current = hang + word.trimStart();
      }
    }
    return [...lines, current];
  });
}

function widthsOf(heads: readonly Column[], rows: readonly (readonly string[] | string)[], room: number): number[] {
  const cells = rows.flatMap((row) => (typeof row === "string" ? [] : [row]));
  const widths = heads.map(({ title }, at) => Math.max(title.length, ...cells.map((row) => row[at]?.length ?? 0)));
  const whole = widths.reduce((left, right) => left + right + 2, -2);
  return widths.map((one, at) => (heads[at]?.shrinks && whole > room ? Math.max(8, one - (whole - room)) : one));
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`;
}
