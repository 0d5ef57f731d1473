/** One comparison. */
export interface Row {
  readonly what: string;
  readonly ours: number;
  /** The bare server's, another client's, or what it was before. */
  readonly theirs: number;
  readonly ratio: number;
  readonly wanted: string;
}

/** The middle one of an odd number of figures. */
export function median(figures: readonly number[]): number {
  return [...figures].sort((left, right) => left - right)[Math.floor(figures.length / 2)] ?? Number.NaN;
}

/** The rows as lines of text, in columns. @param theirs what is measured against */
export function tableOf(rows: readonly Row[], theirs: string): string {
  const heads = ["", "ours", theirs, "ratio", "target"];
  const figure = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(2));
  const cells = rows.map((row) => [
    ...[row.what, figure(row.ours), figure(row.theirs)],
    ...[row.ratio.toFixed(2), row.wanted],
  ]);
  const widths = heads.map((_head, at) => Math.max(...[heads, ...cells].map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  ");
  return [heads, ...cells].map((row) => `  ${line(row)}`).join("\n");
}
