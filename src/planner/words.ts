/** Words on one line, nothing in them that is not seen, at most `max` characters: for whoever wrote them elsewhere. */
export function onOneLine(text: string, max: number): string {
  const line = text
    .slice(0, max * 8)
    .replace(/[\s\p{Z}]+/gu, " ")
    .replace(/[\p{C}\p{Default_Ignorable_Code_Point}]/gu, "")
    .trim();
  const points = Array.from(line);
  return points.length <= max ? line : `${points.slice(0, max - 1).join("")}…`;
}

/**
 * A model's words, said to be its own, wherever they are shown: sellers' words may be in them. Nothing is left that a table or
 * Markdown would act on, or that would end the quotation.
 */
export function wordsOfModel(model: string, text: string): string {
  return `${model}: “${onOneLine(text.replace(/[“”|`<>[\]\\]/g, "'"), 300)}”`;
}
