import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { mainFile } from "../e2e/fixtures.ts";

const dist = dirname(mainFile);
const textOf = (file: string) => readFileSync(join(dist, file), "utf8");

/** Every file that is loaded when these are, whatever is called. */
function loadedWith(files: readonly string[], seen = new Set<string>()): ReadonlySet<string> {
  for (const file of files.filter((one) => !seen.has(one))) {
    seen.add(file);
    const imported = [...textOf(file).matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)].map(([, name = ""]) => name);
    loadedWith(imported, seen);
  }
  return seen;
}

/** The file that the program loads for a way of serving; older builds may lie beside it. */
function servingFile(name: string): string {
  const found = new RegExp(`import\\("\\./(${name}-[A-Z0-9]+\\.js)"\\)`).exec(textOf("main.js"))?.[1];
  if (found === undefined) throw new Error(`main.js loads no ${name}`);
  return found;
}

test("a server over stdio loads nothing of HTTP", () => {
  const stdio = [...loadedWith(["main.js", servingFile("serve-stdio")])];
  const http = [...loadedWith(["main.js", servingFile("serve-http")])];
  // Words of ours and of the adapter's, to know their code by.
  for (const word of ["batches are not served", "RequestBodyTooLargeError", "Too many sessions are open"]) {
    expect(http.filter((name) => textOf(name).includes(word)).length, word).toBeGreaterThan(0);
    expect(
      stdio.filter((name) => textOf(name).includes(word)),
      word,
    ).toEqual([]);
  }
});
