/** Somebody else's words on one line, without what cannot be seen, and no longer than this. */
export function plainWords(text: string, most: number): string {
  return text
    .replace(/[\s\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]+/gu, " ")
    .trim()
    .slice(0, most);
}
