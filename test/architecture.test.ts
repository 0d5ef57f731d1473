import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  bannedWords,
  idleTests,
  importExceptions,
  layerBreaches,
  modelSdks,
  packageBreaches,
  processBreaches,
  processUsers,
  shapeBreaches,
  silentExports,
  testConditions,
} from "./architecture/rules.ts";
import { codeOf, importsOf, type Source, targetOf, undocumented } from "./architecture/source.ts";
import { verifies } from "./requirements.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = readAll("src");
const tests = readAll("test");
const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

describe("the house", () => {
  test("is read whole", () => {
    expect(sources.length).toBeGreaterThan(80);
    expect(sources.map(({ path }) => path)).toEqual(expect.arrayContaining(["main.ts", "domain/money.ts"]));
  });

  test("each layer imports what it may, and nothing else", () => {
    none("imports across the layers", layerBreaches(sources));
  });

  test("each package is imported where it may be; the one model SDK there is by the planner alone", () => {
    verifies("promise.no_llm_on_money_path", "stack.undici");
    none("packages out of place", packageBreaches(sources));
    expect(modelSdks(record(manifest))).toEqual(["@anthropic-ai/sdk"]);
  });

  test("only main touches the process", () => {
    none("files that touch the process", processBreaches(sources));
  });

  test("no floats near money, no clock in the domain, no any, no console, no switched-off check", () => {
    verifies("money.exact");
    none("banned words", bannedWords(sources));
  });

  test("files have names that say something and fit one sitting", () => {
    none("files", shapeBreaches(sources));
  });

  test("every exported function and class says what it is for", () => {
    none("exports without a docstring", silentExports(sources));
  });

  test("no test is switched off", () => {
    none("tests", idleTests(tests));
  });

  test("nothing names the place it was written in", () => {
    // Put together here, so that this file does not hold what it looks for.
    const places = new RegExp(["/wo" + "rk/", "/tm" + "p/", "\\bwire pa" + "ge\\b", "\\.\\./sha" + "red"].join("|"));
    // The one folder beside the repository that a test may look for: official schemas that no package carries.
    const schemas = "../sha" + "red/wire/adcp-schemas/";
    const found = [...sources, ...tests]
      .filter(({ text }) => places.test(text.replaceAll(schemas, "")))
      .map(({ path }) => path);
    none("files that name a place", found);
  });

  test("it is ESM for Node 20.19 and later", () => {
    verifies("stack.node");
    expect(manifest).toMatchObject({ type: "module", engines: { node: ">=20.19" } });
    expect(readFileSync(join(root, "package.json"), "utf8")).toContain("--target=node20");
  });
});

describe("the rules can fail", () => {
  const file = (path: string, text: string): Source => ({ path, text });

  test("a layer that reaches too far, and a file of no layer", () => {
    const bad = [
      file("domain/money.ts", 'import { x } from "../sellers/http.ts";'),
      file("buying/book.ts", 'export { y } from "../ledger/sqlite.ts";'),
      file("buying/send.ts", 'const z = await import("../sellers/iab-seller-agent.ts");'),
      file("tools/approve.ts", 'import { decide } from "../buying/approve.ts";'),
      file("strategies/greedy.ts", 'import "../buying/quote.ts";'),
      file("sandbox/seller.ts", 'import type { Deal } from "../domain/deal.ts";'),
      file("elsewhere/new.ts", ""),
    ];
    expect(layerBreaches(bad, {})).toEqual([
      "domain/money.ts:1: (not type only) may not import sellers/http.ts",
      "buying/book.ts:1: (not type only) may not import ledger/sqlite.ts",
      "buying/send.ts:1: (not type only) may not import sellers/iab-seller-agent.ts",
      "tools/approve.ts:1: (not type only) may not import buying/approve.ts",
      "strategies/greedy.ts:1: (not type only) may not import buying/quote.ts",
      "sandbox/seller.ts:1: may not import domain/deal.ts",
      "elsewhere/new.ts: belongs to no layer",
    ]);
  });

  test("what is allowed passes, and a type may go where a value may not", () => {
    const good = [
      file("domain/terms.ts", 'import { sha256 } from "./ids.ts";'),
      file(
        "buying/book.ts",
        'import type { Ledger } from "../ledger/ledger.ts";\nimport { x } from "../domain/ids.ts";',
      ),
      file("tools/approve.ts", 'import type { Desk } from "../desk.ts";\nexport type { A } from "../buying/book.ts";'),
      file("sandbox/state.ts", 'import { money } from "../domain/money.ts";'),
    ];
    expect(layerBreaches(good, {})).toEqual([]);
    expect(layerBreaches(good, { "a.ts -> b.ts": "why" })).toEqual(["a.ts -> b.ts: an exception nothing needs"]);
    const excepted = [file("main.ts", 'import("./ledger/sqlite.ts");')];
    expect(layerBreaches(excepted, {})).toHaveLength(1);
    expect(layerBreaches(excepted, { "main.ts -> ledger/sqlite.ts": "why" })).toEqual([]);
  });

  test("packages out of place, unlisted ones, and model SDKs", () => {
    const bad = [
      file("buying/book.ts", 'import { McpServer } from "@modelcontextprotocol/server";'),
      file("buying/quote.ts", 'import { request } from "undici";'),
      file("tools/advise.ts", 'import Anthropic from "@anthropic-ai/sdk";'),
      file("domain/ids.ts", 'import { readFile } from "node:fs/promises";'),
      file("tools/peek.ts", 'import { request } from "node:https";'),
      file("sellers/adcp.ts", 'import { get } from "node:http";'),
      file("ledger/other.ts", 'import { DatabaseSync } from "node:sqlite";'),
    ];
    expect(packageBreaches(bad)).toHaveLength(bad.length);
    const good = [
      file("domain/ids.ts", 'import { createHash } from "node:crypto";'),
      file("server.ts", 'import { McpServer } from "@modelcontextprotocol/server/stdio";'),
      file("sellers/http.ts", 'import { Agent } from "undici";'),
    ];
    expect(packageBreaches(good)).toEqual([]);
    expect(
      modelSdks({ dependencies: { zod: "4" }, devDependencies: { openai: "5", "@anthropic-ai/sdk": "1" } }),
    ).toEqual(["openai", "@anthropic-ai/sdk"]);
    expect(modelSdks({ dependencies: { zod: "4" } })).toEqual([]);
  });

  test("the process, named outside main, and a listed file that does not name it", () => {
    expect(processBreaches([file("tools/a.ts", 'const home = process.env["HOME"];')], {})).toHaveLength(1);
    expect(processBreaches([file("tools/a.ts", "/** Ends a process. */ const text = `process.exit`;")], {})).toEqual(
      [],
    );
    expect(processBreaches([], { "main.ts": "why" })).toEqual(["main.ts: an exception nothing needs"]);
  });

  test("banned words, but not in comments, strings, templates and regular expressions", () => {
    const bad = [
      file(
        "tools/a.ts",
        "const a: any = 1;\nfunction f(x: Array<any>) {}\nconst b = c as unknown as D;\nconsole.log(1);",
      ),
      file("tools/b.ts", "export default 1;\n// @ts-ignore\n/* biome-ignore all: no */\nfetch('x');"),
      file(
        "domain/c.ts",
        "const a = Math.round(1.5);\nconst b = x.toFixed(2);\nNumber.parseFloat(y);\nDate.now(); new Date();",
      ),
    ];
    expect(bannedWords(bad)).toEqual([
      "tools/a.ts:1: any",
      "tools/a.ts:2: any",
      "tools/a.ts:3: as unknown as",
      "tools/a.ts:4: console",
      "tools/b.ts:1: a default export",
      "tools/b.ts:2: a switched-off check",
      "tools/b.ts:3: a switched-off check",
      "tools/b.ts:4: a request past the one way out",
      "domain/c.ts:1: float arithmetic near money",
      "domain/c.ts:2: float arithmetic near money",
      "domain/c.ts:3: float arithmetic near money",
      "domain/c.ts:4: a clock or chance of its own",
    ]);
    const good = [
      file(
        "tools/a.ts",
        dollars(
          'const a = "any"; // any\nconst b = `any §{c} console.log`;\nAbortSignal.any([]);\nconst r = /any|console.x/;',
        ),
      ),
      file("tools/b.ts", "performance.now(); Math.round(ms); new Date(now);"),
      file("domain/c.ts", "const d = new Date(given);"),
    ];
    expect(bannedWords(good)).toEqual([]);
  });

  test("long files, empty names, silent exports and idle tests", () => {
    expect(shapeBreaches([file("tools/utils.ts", "a\n".repeat(351)), file("common/a.ts", "a\n".repeat(350))])).toEqual([
      "tools/utils.ts: 351 lines",
      'tools/utils.ts: "utils" is no name for an idea',
      'common/a.ts: "common" is no name for an idea',
    ]);
    const text = [
      "/** Says why. */",
      "export function said() {}",
      "export async function silent() {}",
      "export class Mute {}",
      "export const arrow = (x: number) => x;",
      "export const value = 3;",
      "function own() {}",
      "// Not a docstring.",
      "export abstract class Other {}",
      "/**",
      " * Long words.",
      " */",
      "export function over(a: string): void;",
      "export function over(a: number): void;",
    ].join("\n");
    expect(undocumented(text).map(({ name }) => name)).toEqual(["silent", "Mute", "arrow", "Other"]);
    expect(silentExports([file("tools/a.ts", text)])).toHaveLength(4);
    const off = ["test", "only"].join(".");
    expect(idleTests([file("a.test.ts", `${off}("x", () => {});`)])).toHaveLength(1);
    expect(idleTests([file("a.test.ts", `test.concurrent.${"skip"}("x", () => {});`)])).toHaveLength(1);
    expect(idleTests([file("a.test.ts", 'test("only", () => {}); // test.only')])).toEqual([]);
    expect(idleTests([file("a.test.ts", 'test.runIf(process.env["LONG"] === "1")("x", () => {});')])).toEqual([]);
    expect(idleTests([file("a.test.ts", "test.runIf(isFriday)('x', () => {});")])).toHaveLength(1);
  });

  test("every exception has its reason", () => {
    for (const why of [importExceptions, processUsers, testConditions].flatMap((one) => Object.values(one)))
      expect(why).toMatch(/\w+ \w+/);
  });
});

describe("the reader of sources", () => {
  test("keeps positions, and code inside templates", () => {
    const text = dollars(
      'const a = `x §{b /* c */ + "d"} §{`§{e}`} y`; // f\nconst g = h / i / j; const k = /[/"]l/.test(m);',
    );
    const code = codeOf(text);
    expect(code).toHaveLength(text.length);
    expect(code.replace(/\s+/g, " ")).toBe(
      dollars('const a = ` §{b + " "} §{`§{e}`} `; const g = h / i / j; const k = / /.test(m);'),
    );
  });

  test("finds every form of import", () => {
    const text = [
      "#!/usr/bin/env node",
      'import "./side.ts";',
      'import type { A } from "./a.ts";',
      'import { type B, b } from "./b.ts";',
      'import {\n  c,\n} from "./c.ts";',
      'export * from "./d.ts";',
      'export type { E } from "./e.ts";',
      'const f: typeof import("./f.ts") = await import("./g.ts");',
      '// import { no } from "./no.ts";',
      "const text = 'import { no } from \"./no.ts\"';",
      'import type from "./h.ts";',
    ].join("\n");
    expect(importsOf(text).map(({ from, typeOnly }) => `${from}${typeOnly ? " type" : ""}`)).toEqual([
      "./side.ts",
      "./a.ts type",
      "./b.ts",
      "./c.ts",
      "./d.ts",
      "./e.ts type",
      "./f.ts type",
      "./g.ts",
      "./h.ts",
    ]);
    expect(
      importsOf(text)
        .map(({ line }) => line)
        .slice(0, 4),
    ).toEqual([2, 3, 4, 7]);
  });

  test("follows relative paths inside src only", () => {
    expect(targetOf("buying/book.ts", "../domain/ids.ts")).toBe("domain/ids.ts");
    expect(targetOf("main.ts", "./desk.ts")).toBe("desk.ts");
    expect(targetOf("main.ts", "zod")).toBeNull();
  });
});

/** Text with `§` for the dollar sign, which this file cannot hold in a string without a warning. */
function dollars(text: string): string {
  return text.replaceAll("§", "$");
}

function readAll(folder: string): Source[] {
  const top = join(root, folder);
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(top, path).split(sep).join("/"), text: readFileSync(path, "utf8") }))
    .sort((left, right) => left.path.localeCompare(right.path));
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return Object(value);
}

/** Fails with one line for each finding. */
function none(what: string, found: readonly string[]): void {
  if (found.length > 0) expect.fail(`${found.length} ${what}:\n  ${found.join("\n  ")}\n`);
}
