/** Reads TypeScript well enough to hold rules against it: what is code, what is a comment or text, what is imported. */

export interface Source {
  /** Relative to `src/`, with slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** As written: `./money.ts`, `node:crypto`, `zod`. */
  readonly from: string;
  /** `import type …`, `export type … from` and `typeof import(…)`: nothing of it is left at run time. */
  readonly typeOnly: boolean;
  readonly line: number;
}

const beforeRegex = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|void|throw|await|yield))\s*$/;

/**
 * The code with comments and the insides of strings, templates and regular expressions turned into spaces, so that every
 * position and line stays where it is. Code inside `${…}` is kept.
 */
export function codeOf(text: string): string {
  const out = text.split("");
  const templates: number[] = [];
  let at = 0;
  let depth = 0;
  const blankTo = (end: number) => {
    for (; at < end && at < text.length; at += 1) if (text[at] !== "\n") out[at] = " ";
  };
  const template = () => {
    while (at < text.length) {
      if (text[at] === "\\") blankTo(at + 2);
      else if (text[at] === "`") {
        at += 1;
        return;
      } else if (text.startsWith("${", at)) {
        templates.push(depth);
        depth += 1;
        at += 2;
        return;
      } else blankTo(at + 1);
    }
  };
  while (at < text.length) {
    const char = text[at] ?? "";
    if (text.startsWith("//", at) || text.startsWith("#!", at)) blankTo(endOf(text, "\n", at));
    else if (text.startsWith("/*", at)) blankTo(endOf(text, "*/", at + 2) + 2);
    else if (char === '"' || char === "'") {
      const end = closing(text, at + 1, char, false);
      at += 1;
      blankTo(end);
      at += 1;
    } else if (char === "`") {
      at += 1;
      template();
    } else if (char === "/" && beforeRegex.test(out.slice(Math.max(0, at - 40), at).join(""))) {
      const end = closing(text, at + 1, "/", true);
      at += 1;
      blankTo(end);
      at += 1;
    } else {
      if (char === "{") depth += 1;
      if (char === "}") {
        depth -= 1;
        if (templates.at(-1) === depth) {
          templates.pop();
          at += 1;
          template();
          continue;
        }
      }
      at += 1;
    }
  }
  return out.join("");
}

/** Every static import, re-export and `import(…)` of a literal, in order. */
export function importsOf(text: string): readonly Import[] {
  const code = codeOf(text);
  const found: (Import & { readonly at: number })[] = [];
  const specifier = (quote: number) => text.slice(quote + 1, closing(text, quote + 1, text[quote] ?? "", false));
  const lineAt = (position: number) => code.slice(0, position).split("\n").length;
  for (const match of code.matchAll(/^[ \t]*(import|export)\b([^;"']*?)\bfrom\s*["']|^[ \t]*import\s*["']/gm)) {
    const quote = match.index + match[0].length - 1;
    const typeOnly = /^\s*type\s+\S/.test(match[2] ?? "");
    found.push({ from: specifier(quote), typeOnly, line: lineAt(quote), at: quote });
  }
  for (const match of code.matchAll(/(typeof\s+)?\bimport\s*\(\s*["']/g)) {
    const quote = match.index + match[0].length - 1;
    found.push({ from: specifier(quote), typeOnly: match[1] !== undefined, line: lineAt(quote), at: quote });
  }
  return found.sort((left, right) => left.at - right.at).map(({ from, typeOnly, line }) => ({ from, typeOnly, line }));
}

/** Where an import of a file of `src/` leads, relative to `src/`; null for a package or a module of Node. */
export function targetOf(path: string, from: string): string | null {
  if (!from.startsWith(".")) return null;
  const folder = new URL(path, "file:///src/");
  return new URL(from, folder).pathname.replace(/^\/src\//, "");
}

/** Exported functions, classes and function constants without a docstring directly above. */
export function undocumented(text: string): readonly { readonly name: string; readonly line: number }[] {
  const lines = text.split("\n");
  const declared =
    /^export (?:declare )?(?:(?:async )?function\*?|(?:abstract )?class|const(?=\s+\w+\s*=\s*(?:async\s*)?(?:\(|<|\w+\s*=>)))\s+(\w+)/;
  const seen = new Set<string>();
  return codeOf(text)
    .split("\n")
    .flatMap((code, index) => {
      const name = declared.exec(code)?.[1];
      // The second and later signatures of an overload share the first one's words.
      if (!name || seen.has(name)) return [];
      seen.add(name);
      const above = lines.slice(0, index).findLast((line) => line.trim() !== "");
      return above?.trimEnd().endsWith("*/") ? [] : [{ name, line: index + 1 }];
    });
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found;
}

/** Position of the closing quote or slash; a slash inside a character class does not close. */
function closing(text: string, from: number, mark: string, classes: boolean): number {
  let inClass = false;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === "\\") at += 1;
    else if (classes && char === "[") inClass = true;
    else if (classes && char === "]") inClass = false;
    else if (char === mark && !inClass) return at;
    else if (char === "\n") return at;
  }
  return text.length;
}
