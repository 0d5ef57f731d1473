/** Reads the repository's pages and sources for the tests about them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { recoveriesOf } from "../../src/commands/docs-errors.ts";
import { codeOf } from "../architecture/source.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A file of the repository. */
export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Files below a folder of the repository, sorted. */
export function list(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
}

/** A page without its code blocks and, where asked, without code in lines. */
export function prose(text: string, keepInline: boolean): string {
  const open = text.replace(/^ *```[\s\S]*?^ *```/gm, "");
  return keepInline ? open : open.replace(/`[^`]*`/g, "");
}

export function named(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name = ""]) => name);
}

/** True where the words stand in code: in a sentence "media-buyer-mcp is" names no command. */
export function isCommand(text: string, command: string): boolean {
  return [...text.matchAll(/^ *```[\s\S]*?^ *```|`[^`\n]+`/gm)].some(([code]) =>
    code.includes(`media-buyer-mcp ${command}`),
  );
}

export function leads(from: string, to: string): boolean {
  const [path = "", anchor] = to.split("#");
  const target = path === "" ? from : relative(root, join(root, dirname(from), path));
  if (!existsSync(join(root, target))) return false;
  if (anchor === undefined) return true;
  const headings = named(read(target), /^#{1,6} (.+)$/gm);
  return headings.some((heading) => slug(heading) === anchor);
}

/** The anchor that GitHub gives a heading. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

export function parsed(path: string, json: string): object {
  try {
    const value: unknown = JSON.parse(json);
    return Object(value);
  } catch (error) {
    return expect.fail(`${path}: ${String(error)}\n${json}`);
  }
}

/** Code and recovery of every `new BuyingError("…", …, "…")` and every `["code", "recovery"]` pair. */
export function errorsMadeIn(text: string): { code: string; recovery: string }[] {
  const code = codeOf(text);
  const made = [...code.matchAll(/\bnew BuyingError\(/g)].flatMap(({ index, 0: { length } }) => {
    const [first = "", , third = ""] = argumentsAt(text, code, index + length);
    const [name, recovery] = [literal(first), literal(third)];
    return name && recovery ? [{ code: name, recovery }] : [];
  });
  const pairs = [...text.matchAll(/: \["([a-z_]+)", "([a-z_]+)"\],$/gm)].map(([, name = "", recovery = ""]) => ({
    code: name,
    recovery,
  }));
  return [...made, ...pairs.filter(({ code: name }) => name in recoveriesOf)];
}

function argumentsAt(text: string, code: string, from: number): string[] {
  const found: string[] = [];
  let depth = 1;
  let start = from;
  for (let at = from; depth > 0 && at < code.length; at += 1) {
    const char = code[at] ?? "";
    if ("([{".includes(char)) depth += 1;
    if (")]}".includes(char)) depth -= 1;
    if ((char === "," && depth === 1) || depth === 0) {
      found.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return found;
}

function literal(argument: string): string | null {
  return /^"([a-z_]+)"$/.exec(argument)?.[1] ?? null;
}
