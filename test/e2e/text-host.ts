import { expect } from "vitest";
import type { Connection } from "./client.ts";

/** A row of a text table, by the heading of its columns. */
export type Row = Readonly<Record<string, string>>;

/**
 * A host that shows its model the text of answers and nothing else. What a flow on it can do is what a model can do that
 * never sees structured content.
 */
export class TextHost {
  readonly #connection: Connection;
  /** Calls made, by tool, in order. */
  readonly calls: string[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Calls a tool; the text is all that comes back. */
  async call(name: string, args: Record<string, unknown> = {}): Promise<string> {
    this.calls.push(name);
    const reply = await this.#connection.call(name, args);
    expect(reply.isError, reply.text).toBe(false);
    return reply.text;
  }
}

/** The rows of the table whose header begins with `first`; fails the test when the text has none. */
export function rowsOf(text: string, first: string): readonly Row[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`${first} | `));
  if (start < 0) throw new Error(`no table of ${first} in:\n${text}`);
  const columns = cellsOf(lines[start]);
  const below = lines.slice(start + 1);
  const end = below.findIndex((line) => cellsOf(line).length !== columns.length);
  return below
    .slice(0, end < 0 ? below.length : end)
    .map((line) => Object.fromEntries(cellsOf(line).map((cell, index) => [columns[index] ?? "", cell])));
}

/** What a pattern's one group finds in a text; fails the test when it finds nothing. */
export function found(text: string, pattern: RegExp): string {
  const [, group] = pattern.exec(text) ?? [];
  if (group === undefined) throw new Error(`${pattern} is not in:\n${text}`);
  return group;
}

function cellsOf(line: string | undefined): readonly string[] {
  return (line ?? "").split(" | ");
}
