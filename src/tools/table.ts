/** A compact table a model reads as text: one header, one line a row; empty cells are a dash. */
export function table(
  columns: readonly string[],
  rows: readonly (readonly (string | number | null | undefined)[])[],
): string {
  if (rows.length === 0) return "";
  const cell = (value: string | number | null | undefined) =>
    value === null || value === undefined || value === "" ? "-" : String(value).replaceAll("|", "/");
  return [columns.join(" | "), ...rows.map((row) => row.map(cell).join(" | "))].join("\n");
}

/** Paragraphs of an answer; empty ones fall away. */
export function paragraphs(...parts: readonly (string | null | undefined | false)[]): string {
  return parts.filter((part) => typeof part === "string" && part !== "").join("\n\n");
}
