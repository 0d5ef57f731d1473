import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { mainFile } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";

/** Files that the program may load from one of them on, as far as none of those is `without`. */
function reached(from: string, without: RegExp): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const waiting = [from];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file) || without.test(file)) continue;
    const text = readFileSync(join(dirname(mainFile), file), "utf8");
    found.set(file, text);
    waiting.push(...[...text.matchAll(/(?:from|import)\s*\(?\s*"\.\/([\w.-]+\.js)"/g)].map(([, name = ""]) => name));
  }
  return found;
}

test("the SDK is in the bundle, and is reached by the model that plans alone", () => {
  verifies("stack.anthropic");
  const holds = (files: ReadonlyMap<string, string>) =>
    [...files].filter(([, text]) => text.includes("anthropic-version")).map(([file]) => file);
  const all = reached("main.js", /^$/);
  const llm = [...all.keys()].filter((file) => /^llm-/.test(file));
  expect(llm).toHaveLength(1);
  expect(holds(all).length).toBeGreaterThan(0);
  const others = reached("main.js", /^llm-/);
  expect(others.size).toBeGreaterThan(20);
  expect(holds(others)).toEqual([]);
});
