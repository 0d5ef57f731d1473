/** The parameters of a path that fits a pattern, whose segments in braces take anything but nothing; null when it does not. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wished = pattern.split("/");
  const given = path.split("/");
  if (wished.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, segment] of wished.entries()) {
    const value = given[index] ?? "";
    if (!segment.startsWith("{")) {
      if (segment !== value) return null;
    } else if (value === "") return null;
    else params[segment.slice(1, -1)] = value;
  }
  return params;
}
