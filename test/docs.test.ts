import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generatedPages } from "../src/commands/docs.ts";
import { configExample } from "../src/commands/docs-configuration.ts";
import { recoveriesOf } from "../src/commands/docs-errors.ts";
import { schemaRows } from "../src/commands/schema-table.ts";
import { configSchema, parseConfig } from "../src/config.ts";
import { sellerVariables } from "../src/config-environment.ts";
import { tools } from "../src/tools/index.ts";
import { errorsMadeIn, isCommand, leads, list, named, parsed, prose, read, root } from "./docs/pages.ts";
import { verifies } from "./requirements.ts";

const pages = ["README.md", ...list("docs", ".md")];
const texts = new Map(pages.map((path) => [path, read(path)]));
const scratch = mkdtempSync(join(tmpdir(), "media-buyer-docs-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The program as built, in a folder of its own. */
const run = (args: readonly string[], cwd = root) =>
  spawnSync(process.execPath, [join(cwd, "dist/main.js"), ...args], {
    cwd,
    input: "",
    encoding: "utf8",
    timeout: 20_000,
  });

describe("generated pages", () => {
  test("are what the code says now", () => {
    verifies("docs.tool_reference");
    for (const { path, text } of generatedPages(read("README.md"))) {
      expect(existsSync(join(root, path)) ? read(path) : "not there", `${path}: run npm run docs`).toBe(text);
    }
  });

  test("tell every tool, argument, error code and setting", () => {
    const [reference = "", errors = "", configuration = ""] = generatedPages(read("README.md")).map(({ text }) => text);
    for (const { name, input } of tools) {
      expect(reference).toContain(`## ${name}\n`);
      for (const { key } of schemaRows(input, "input")) expect(reference).toContain(`\`${key}\``);
    }
    for (const code of Object.keys(recoveriesOf)) expect(errors).toContain(`\`${code}\``);
    for (const { key } of schemaRows(configSchema, "input")) expect(configuration).toContain(`\`${key}\``);
  });

  test("give the annotations that a client is given", async () => {
    verifies("docs.tool_reference");
    const client = new Client({ name: "docs-test", version: "1" });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [join(root, "dist/main.js"), "--data-dir", join(scratch, "data")],
        stderr: "ignore",
      }),
    );
    try {
      const { tools: listed } = await client.listTools();
      expect(listed.map(({ name }) => name)).toEqual(tools.map(({ name }) => name));
      for (const { name, annotations = {} } of listed) {
        const section = read("docs/tools.md").split(`\n## ${name}\n`)[1]?.split("\n## ")[0] ?? "";
        const { title: _, ...hints } = annotations;
        for (const [hint, value] of Object.entries(hints)) expect(section, name).toContain(`\`${hint}\` ${value}`);
        expect(Object.keys(hints)).toHaveLength(4);
      }
    } finally {
      await client.close();
    }
  });

  test("give the recovery that each error in the source is made with", () => {
    const made = list("src", ".ts").flatMap((path) => errorsMadeIn(read(path)).map((one) => ({ path, ...one })));
    expect(made.length).toBeGreaterThan(30);
    const known: Readonly<Record<string, readonly string[]>> = recoveriesOf;
    const missing = made.filter(({ code, recovery }) => !known[code]?.includes(recovery));
    expect(missing).toEqual([]);
  });
});

describe("media-buyer-mcp docs", () => {
  const copy = join(scratch, "copy");
  beforeAll(() => {
    mkdirSync(copy);
    for (const path of ["dist", "package.json", "README.md"])
      cpSync(join(root, path), join(copy, path), { recursive: true });
  });

  test("in a package without docs says so; in a clone it names stale pages, writes them, and is content", () => {
    const missing = run(["docs", "--check"], copy);
    expect(missing.stdout).toContain("has no docs folder");
    expect(missing.status).toBe(1);

    mkdirSync(join(copy, "docs"));
    writeFileSync(join(copy, "docs/errors.md"), "# Errors\n");
    const stale = run(["docs", "--check"], copy);
    expect(stale.stdout).toMatch(/^Stale, .*docs\/tools\.md, docs\/errors\.md, docs\/configuration\.md/);
    expect(stale.status).toBe(1);
    expect(readFileSync(join(copy, "docs/errors.md"), "utf8")).toBe("# Errors\n");

    expect(run(["docs"], copy).status).toBe(0);
    expect(readFileSync(join(copy, "docs/errors.md"), "utf8")).toContain("`booking_unknown`");
    const current = run(["docs", "--check"], copy);
    expect(current.stdout).toBe("The generated pages are current.\n");
    expect(current.status).toBe(0);
  });
});

describe("pages", () => {
  test("link only to what is there, headings included", () => {
    const broken = [...texts].flatMap(([path, text]) => {
      const links = [...prose(text, true).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, to = ""]) => to);
      return links.filter((to) => !leads(path, to)).map((to) => `${path}: ${to}`);
    });
    expect(broken).toEqual([]);
    expect([...texts.values()].join("").match(/\]\(/g)?.length).toBeGreaterThan(40);
  });

  test("name commands that exist", () => {
    verifies("docs.quickstart");
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const help = run(["--help"]).stdout;
    const sandbox = run(["sandbox", "help"]);
    const known = `${help}\n${sandbox.stdout}${sandbox.stderr}`;
    const wrong = [...texts].flatMap(([path, text]) => [
      ...named(text, /\bnpm run (?:--silent )?([\w:]+)/g)
        .filter((script) => !(script in scripts))
        .map((script) => `${path}: npm run ${script}`),
      ...named(text, /\bmedia-buyer-mcp ((?:sandbox )?[a-z]+)\b(?=[^"\n]*)/g)
        .filter((command) => isCommand(text, command) && !known.includes(`media-buyer-mcp ${command}`))
        .map((command) => `${path}: media-buyer-mcp ${command}`),
    ]);
    expect(wrong).toEqual([]);
    expect(scripts).toHaveProperty("demo");
    expect(scripts).toHaveProperty("test");
  });

  test("show commands that work in the sandbox as the quickstart says", () => {
    verifies("docs.quickstart");
    const data = ["--data-dir", join(scratch, "quickstart")];
    const quickstart = read("docs/quickstart.md");
    const fault = "sandbox fault northbeam drop-answer --uses 1";
    expect(quickstart).toContain(`npx media-buyer-mcp ${fault}`);
    const on = run([...fault.split(" "), ...data]);
    expect(on.status, on.stderr).toBe(0);
    expect(quickstart).toContain("npx media-buyer-mcp sandbox reset");
    const reset = run(["sandbox", "reset", ...data]);
    expect(reset.status, reset.stderr).toBe(0);
    // Nobody is at a terminal here, so nothing may be set or decided.
    for (const command of [["pin"], ["approve", "ap_285f60840c11"]]) expect(run([...command, ...data]).status).toBe(1);
  });

  test("show JSON that parses, and configs that start", () => {
    const blocks = [...texts].flatMap(([path, text]) =>
      [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = ""]) => ({ path, value: parsed(path, json) })),
    );
    expect(blocks.length).toBeGreaterThan(4);
    // Every secret there is, and no further sellers.
    const get = (_all: unknown, name: string) => (sellerVariables.some((one) => one === name) ? undefined : "secret");
    const environment = new Proxy<Record<string, string>>({}, { get });
    const configs = blocks.filter(({ value }) => "desk" in value);
    expect(configs.map(({ path }) => path)).toEqual([
      "README.md",
      "docs/adcp.md",
      "docs/configuration.md",
      "docs/opendirect.md",
      "docs/planner.md",
      "docs/proposals.md",
      "docs/quickstart.md",
    ]);
    for (const { path, value } of configs) {
      expect(parseConfig(JSON.stringify(value), path, environment).sellers.length).toBeGreaterThan(0);
    }
    expect(configs.map(({ value }) => value)).toContainEqual(JSON.parse(JSON.stringify(configExample)));
    for (const { path, value } of blocks.filter(({ value }) => !("desk" in value))) {
      const servers = Object.values({ ...Object(value).mcpServers, ...Object(value).servers });
      expect(servers, path).toContainEqual(expect.objectContaining({ command: "node" }));
    }
  });

  test("use one word for one thing", () => {
    const others: readonly (readonly [RegExp, string])[] = [
      [/\bline[- ]items?\b/i, "line"],
      [/\b(vendor|supplier)s?\b/i, "seller"],
      [/\b(workspace|tenant)s?\b/i, "desk"],
      [/\b(media-kit|mediakit|rate card)s?\b/i, "media kit"],
      [/\bmedia-?buys\b/i, "media buys"],
      [/\b(price quotation|quotation|estimate)s?\b/i, "quote"],
      [/\b(spending policy|spend policy|budget policy)\b/i, "mandate"],
      [/\b(sign-?off|green ?light)s?\b/i, "approval"],
      [/\bdeal (id|Id)s?\b/, "deal ID"],
      [/\bavailabilit(y|ies)\b/i, "avails"],
      [/\bimps\b/i, "impressions"],
    ];
    const spoken = [...texts, ...list("prompts", ".md").map((path) => [path, read(path)] as const)];
    const found = spoken.flatMap(([path, text]) =>
      others.flatMap(([word, ours]) => {
        const [said] = word.exec(prose(text, false)) ?? [];
        return said ? [`${path}: "${said}", say ${ours}`] : [];
      }),
    );
    expect(found).toEqual([]);
  });

  test("name no machine they were written on, and no registry", () => {
    const machine = new RegExp(
      ["/ho" + "me/", "/Us" + "ers/", "/ro" + "ot/", "/wo" + "rk/", "/tm" + "p/", "[A-Z]:\\\\\\\\"].join("|"),
    );
    const registry =
      /\b(registry|npm|artifactory|nexus|verdaccio|proxy)\.[a-z0-9-]+\.[a-z]{2,}|\b(localhost|127\.0\.0\.1):\d+/;
    const all = [...texts, ...["mcp.json", ".ci/run", "package-lock.json"].map((path) => [path, read(path)] as const)];
    expect(all.filter(([, text]) => machine.test(text)).map(([path]) => path)).toEqual([]);
    expect(all.filter(([, text]) => registry.test(text)).map(([path]) => path)).toEqual([]);
  });

  test("name files that exist", () => {
    const tests = list("test", ".ts").map((path) => path.slice("test/".length));
    const guarantees = named(read("docs/guarantees.md"), /`([\w/-]+\.(?:test\.)?ts)`/g);
    expect(guarantees.length).toBeGreaterThan(15);
    expect(guarantees.filter((path) => !tests.includes(path))).toEqual([]);
    const sources = list("src", ".ts").map((path) => path.split("/").at(-1));
    const tree = named(read("docs/architecture.md"), /^ {2,4}([\w-]+\.ts)/gm);
    expect(tree.length).toBeGreaterThan(10);
    expect(tree.filter((name) => !sources.includes(name))).toEqual([]);
  });
});

describe("decisions", () => {
  const files = list("docs/adr", ".md");

  test("are numbered without gaps, have one shape, fit a page, and are on the map", () => {
    expect(files.map((path) => Number(path.slice("docs/adr/".length, "docs/adr/".length + 4)))).toEqual(
      files.map((_, at) => at + 1),
    );
    for (const [at, path] of files.entries()) {
      const text = read(path);
      expect(text, path).toMatch(
        new RegExp(
          `^# ${at + 1}\\. .+\\n\\n## Context\\n[\\s\\S]+\\n## Decision\\n[\\s\\S]+\\n## Consequences\\n[\\s\\S]+\\n## Alternatives\\n`,
        ),
      );
      expect(text.split("\n").length, path).toBeLessThanOrEqual(60);
      expect(read("docs/README.md")).toContain(`](${relative("docs", path)})`);
    }
  });
});
