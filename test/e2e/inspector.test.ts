import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inLong } from "../long.ts";
import { verifies } from "../requirements.ts";
import { mainFile, type Ran, startSandboxDesk, type TestDesk } from "./fixtures.ts";
import type { HttpServer } from "./http-server.ts";
import { hasTerminal, PseudoTerminal } from "./pseudo-terminal.ts";

/** The page is run as its reader would: its commands, in their order, in one shell on a terminal. */
const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(root, "docs/inspector.md"), "utf8");
const inspector = /@modelcontextprotocol\/inspector@[\d.]+/.exec(page)?.[0] ?? "";
const pin = "correct horse 7";

const whyNot = reasonNotToRun();
if (whyNot) process.stderr.write(`inspector.test.ts: docs/inspector.md is not run, because ${whyNot}\n`);

/** The Inspector is 110 MB of other people's code, so it is no dependency; it is fetched where time is taken for it. */
function reasonNotToRun(): string | null {
  if (!inLong) return "LONG is not set";
  if (!hasTerminal) return "no terminal can be opened here";
  const fetched = spawnSync("npx", ["-y", "-p", inspector, "mcpdo", "--version"], { encoding: "utf8" });
  return fetched.status === 0 ? null : `${inspector} could not be fetched`;
}

/** A home of its own for the Inspector, which keeps what it fetched where npm keeps it. */
function environmentIn(directory: string): Record<string, string> {
  const npm = (key: string) => spawnSync("npm", ["config", "get", key], { encoding: "utf8" }).stdout.trim();
  return {
    PATH: process.env["PATH"] ?? "",
    NO_COLOR: "1",
    HOME: directory,
    TMPDIR: directory,
    npm_config_cache: npm("cache"),
    npm_config_userconfig: npm("userconfig"),
  };
}

interface Step {
  readonly commands: string;
  /** Lines that the page says are printed; null stands for what it leaves out. */
  readonly printed: readonly string[];
}

function stepsOf(markdown: string): readonly Step[] {
  return [...markdown.matchAll(/```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?/gs)].map(
    ([, commands = "", printed = ""]) => ({
      commands,
      printed: linesOf(printed).filter((line) => line !== "…"),
    }),
  );
}

/** Lines as they can be compared: without what differs from run to run, and without the terminal's own marks. */
function linesOf(text: string): readonly string[] {
  const control = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, "g");
  return text
    .replace(control, "")
    .replace(/\b(qt|ap)-?_?[0-9a-f]{12}\b/g, "$1")
    .replace(/\b(DEMO|ORD)-[0-9A-F]{12}\b/g, "$1")
    .replace(/\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?/g, "DATE")
    .replace(/\bterms [0-9a-f]{12}\b/g, "terms")
    .replace(/Code [0-9A-Z]{2}-[0-9A-Z]{2}/g, "Code")
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

const mark = (index: number) => `--- step ${index} ---`;

/** The page's commands as one script that stops at the first that fails, and tidies up in any case. */
function scriptOf(steps: readonly Step[]): string {
  const tidy =
    'if declare -F mcpdo >/dev/null; then mcpdo daemon stop; fi; if [ -d "$DESK" ]; then node dist/main.js sandbox reset --data-dir "$DESK"; fi';
  return [
    "set -euo pipefail",
    `cd '${root}'`,
    `DESK=; trap '{ ${tidy}; } >/dev/null 2>&1 || true' EXIT`,
    ...steps.map(({ commands }, index) => `echo '${mark(index)}'\n${commands}`),
    `echo '${mark(steps.length)}'`,
  ].join("\n");
}

describe.runIf(whyNot === null)("docs/inspector.md", () => {
  test("its commands go from the tool list to booked deals, and print what it says", { timeout: 300_000 }, async () => {
    verifies("server.inspector");
    const directory = mkdtempSync(join(tmpdir(), "mbm-inspector-"));
    try {
      const steps = stepsOf(page);
      expect(steps.length).toBeGreaterThan(15);
      const file = join(directory, "page.sh");
      writeFileSync(file, scriptOf(steps));
      const terminal = PseudoTerminal.open(["bash", file], environmentIn(directory));
      const person = async () => {
        await terminal.answer("New PIN", pin, 240_000);
        await terminal.answer("Again: ", pin);
        await terminal.answer("leaves it open): ", "approve");
        await terminal.answer("PIN: ", pin);
      };
      const [code] = await Promise.all([terminal.ended(), Promise.race([person(), terminal.ended()])]);
      expect(code, terminal.screen).toBe(0);
      steps.forEach(({ commands, printed }, index) => {
        const [, after = ""] = terminal.screen.split(mark(index));
        const shown = linesOf(after.split(mark(index + 1))[0] ?? "");
        let at = -1;
        for (const line of printed) {
          at = shown.indexOf(line, at + 1);
          expect(
            at,
            `after\n${commands}\nthe page shows\n${line}\nbut this was printed:\n${shown.join("\n")}`,
          ).not.toBe(-1);
        }
      });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe.runIf(whyNot === null)("the Inspector's strict reading of our tools", () => {
  const over = ["stdio", "HTTP, 2025 era", "HTTP, 2026 era"] as const;
  let desk: TestDesk;
  let server: HttpServer;
  beforeAll(async () => {
    desk = startSandboxDesk();
    server = await desk.spawnHttp();
  });
  afterAll(() => desk.close());

  test.each(over)("finds nothing that a host could read in another way, over %s", { timeout: 60_000 }, async (way) => {
    const url = server.url.href;
    const target = {
      stdio: [process.execPath, mainFile, "--sandbox", "--data-dir", desk.directory],
      "HTTP, 2025 era": [url, "--protocol-era", "legacy"],
      "HTTP, 2026 era": [url, "--protocol-era", "modern"],
    }[way];
    const { code, stdout, stderr } = await inspected(desk.directory, [...target, "--method", "tools/list", "--strict"]);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('"name": "get_inbox"');
    expect(stderr).not.toMatch(/^(Warning|Error| +(Path|Issue|Suggestion)): /m);
  });
});

function inspected(directory: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { env: environmentIn(directory), timeout: 50_000 };
    execFile("npx", ["-y", inspector, "--cli", ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? -1 : 0, stdout, stderr });
    });
  });
}

describe("the page's checks can fail", () => {
  test("steps and what they print are read apart", () => {
    const steps = stepsOf("```sh\na\n```\n\n```text\none\n…\ntwo qt-0123456789ab\n```\n\nwords\n\n```sh\nb\n```\n");
    expect(steps).toEqual([
      { commands: "a\n", printed: ["one", "two qt"] },
      { commands: "b\n", printed: [] },
    ]);
    expect(stepsOf(page).length).toBeGreaterThan(15);
  });

  test("the page uses one version of the Inspector throughout", () => {
    expect(new Set(page.match(/inspector@[\d.]+/g))).toEqual(new Set(["inspector@2.12.0"]));
  });
});
