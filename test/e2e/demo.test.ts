import { execFile, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { inLong } from "../long.ts";
import { verifies } from "../requirements.ts";
import { mainFile, type Ran } from "./fixtures.ts";
import { hasTerminal, PseudoTerminal } from "./pseudo-terminal.ts";

vi.setConfig({ testTimeout: 60_000 });

const root = fileURLToPath(new URL("../..", import.meta.url));
const prompt = "Type approve or reject (Enter leaves it open): ";
const esc = String.fromCharCode(27);

let home: string;
let temporary: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "mbm-demo-"));
  temporary = join(home, "tmp");
  mkdirSync(temporary);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Somebody's machine, with a config of their own that must not be used, whatever it says. */
function environment(): Record<string, string> {
  const config = join(home, ".config", "media-buyer-mcp", "config.json");
  mkdirSync(dirname(config), { recursive: true });
  writeFileSync(config, "a config that would stop any server");
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    TMPDIR: temporary,
    MEDIA_BUYER_CONFIG: config,
    MEDIA_BUYER_DATA_DIR: join(home, "own data"),
  };
}

function run(command: string, words: readonly string[], more: { cwd?: string; env?: Record<string, string> } = {}) {
  return new Promise<Ran>((resolve) => {
    const { cwd = root, env = environment() } = more;
    const child = execFile(command, words, { cwd, env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? -1 : 0, stdout, stderr });
    });
    child.stdin?.end();
  });
}

const demo = () => PseudoTerminal.open([process.execPath, mainFile, "demo"], environment());

/** Nothing of the demo is left: neither its data nor, once what was just being started has ended, a process. */
async function expectCleanedUp(): Promise<void> {
  expect(readdirSync(temporary)).toEqual([]);
  expect(existsSync(join(home, "own data"))).toBe(false);
  if (process.platform === "linux") await expect.poll(processesOfDemo, { timeout: 10_000 }).toEqual([]);
}

function processesOfDemo(): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(temporary));
}

/** Lines without what differs from run to run: ids, dates, codes, and where a box ends for that. */
function alike(text: string): readonly string[] {
  return text
    .replace(/\b(qt|ap|cp)[-_][0-9a-f]{12}\b/g, "$1")
    .replace(/\bDEMO-[0-9A-F]{12}\b/g, "DEMO")
    .replace(/\bmb_openbid_\d+\b/g, "mb")
    .replace(/\d{4}-\d\d-\d\d( \d\d:\d\d)?/g, "DATE")
    .replace(/Code [0-9A-Z]{2}-[0-9A-Z]{2}/g, "Code")
    .split("\n")
    .map((line) => line.replace(/\s+│?$/, "").trim())
    .filter((line) => line !== "");
}

describe("npm run demo, without a terminal", () => {
  test("goes from the brief to deals booked at the negotiated prices, answered by a scripted person", async () => {
    verifies("workflow.end_to_end", "server.in_a_minute", "quote.status_booked", "deal.activation");
    const { code, stdout, stderr } = await run("npm", ["run", "--silent", "demo"]);
    expect(code, stdout + stderr).toBe(0);
    const chapters = [
      "The brief",
      "1  Who sells",
      "2  What they offer",
      "3  What it would cost",
      "4  Bringing the prices down",
      "5  Your approval",
      "a SCRIPTED person approves",
      "6  Booked",
      "7  The money",
      "8  Asked to buy the same again",
      "9  The event trail",
      "Done",
    ];
    const places = chapters.map((chapter) => stdout.indexOf(chapter));
    expect(places, stdout).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);

    const agreed = [...stdout.matchAll(/^ +agreed at (\S+) USD CPM/gm)].map(([, cpm]) => cpm);
    const quoted = [...stdout.matchAll(/: quoted (\S+), at most/g)].map(([, cpm]) => cpm);
    const booked = [...stdout.matchAll(/^ +(DEMO-[0-9A-F]+) +\S.*? (\d+\.\d+) +[\d,.]+ +ORD-/gm)];
    expect(booked.map(([, , cpm]) => cpm)).toEqual(agreed);
    expect(agreed).toHaveLength(3);
    agreed.forEach((cpm, at) => {
      expect(Number(cpm)).toBeLessThan(Number(quoted[at]));
    });
    const deals = booked.map(([, id]) => id ?? "");
    expect(stdout).toContain(`The same deals came back: ${deals.join(", ")}.`);
    for (const dsp of ["The Trade Desk", "Display & Video 360", "Xandr"]) {
      expect(stdout.match(new RegExp(`^ +${dsp} +\\S.*(${deals.join("|")})`, "gm"))).toHaveLength(3);
    }
    expect(stdout).toMatch(/SANDBOX: no real money/);
    expect(stdout).toMatch(/Mandate: [\d,.]+ USD committed today of 1,000,000\.00 USD a day/);
    expect(stdout).toMatch(/APPROVED by media-buyer-mcp-demo .* \(form, word of the client\)/s);
    expect(stdout).toContain("approved by the scripted person");
    // Plain text, at most 100 characters wide.
    expect(stdout).not.toContain(esc);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
    await expectCleanedUp();
  });

  test("a campaign over every seller goes as docs/campaigns.md tells it", async () => {
    verifies("flow.campaign", "approval.gate");
    const { code, stdout, stderr } = await run(process.execPath, [mainFile, "demo", "--campaign"]);
    expect(code, stdout + stderr).toBe(0);
    const told = /```text\n(.*?)\n```/s.exec(readFileSync(join(root, "docs/campaigns.md"), "utf8"))?.[1] ?? "";
    expect(alike(told).length).toBeGreaterThan(80);
    expect(alike(stdout).join("\n")).toContain(alike(told).join("\n"));
    expect(told.match(/^ +(DEMO-|mb_)/gm)?.length).toBeGreaterThan(3);
    await expectCleanedUp();
  });

  const stories: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      "guaranteed",
      [
        "Asked in words",
        "was 38.00 USD and is 36.10 USD",
        "a SCRIPTED person approves",
        "Submitted",
        "50,000.00 USD is held. Nothing is booked",
        "This demo PLAYS the seller's human",
        "Booked",
        "Compared with what was approved: no difference.",
        "created, approved, runs in mb_streamhaus_1_p1 and mb_streamhaus_1_p2.",
        "outdoor_ctv_q2_guaranteed: behind: 0.72 of expected",
        "NOT kept so far",
        "The same media buy came back",
        "the seller's people have to decide or sign",
        "booked as approved",
        "Done",
      ],
      /^ +mb_streamhaus_1_p2 +.* 36\.10 USD CPM +20,000\.00 USD$/m,
    ],
    [
      "auction",
      [
        "takes no bid below 4.50 USD; 3.00 USD was not sent.",
        "a SCRIPTED person approves",
        "Booked",
        "Compared with what was approved: no difference.",
        "This demo PLAYS the passing of time",
        "outdoor_video_auction: on pace",
        "The same media buy came back",
        "Done",
      ],
      /^ +mb_openbid_1_p1 +.* a bid of at most 7\.50 USD CPM +5,000\.00 USD$/m,
    ],
  ];

  test.each(stories)(
    "--storyboard %s buys two products from an AdCP seller, as one media buy",
    async (name, told, row) => {
      const { code, stdout, stderr } = await run(process.execPath, [mainFile, "demo", "--storyboard", name]);
      expect(code, stdout + stderr).toBe(0);
      const text = stdout.replace(/\s+/g, " ");
      let from = 0;
      for (const words of told) {
        const at = text.indexOf(words, from);
        expect(at, `${words}\n${stdout}`).toBeGreaterThan(-1);
        from = at + words.length;
      }
      expect(stdout).toMatch(row);
      expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
      await expectCleanedUp();
    },
  );

  test("a storyboard that is none is said, and nothing starts", async () => {
    const { code, stdout, stderr } = await run(process.execPath, [mainFile, "demo", "--storyboard", "other"]);
    expect({ code, stdout, stderr }).toMatchObject({
      code: 2,
      stdout: "",
      stderr: 'The storyboards are guaranteed and auction, not "other".\n',
    });
    expect(readdirSync(temporary)).toEqual([]);
  });

  const broken: readonly (readonly [string, readonly string[], string])[] = [
    ["a server that does not start", [], "The server did not start"],
    ["a server that cannot work", ["prompts"], "ERR_MODULE_NOT_FOUND"],
  ];

  test.each(broken.slice(0, inLong ? 2 : 1))("%s is said plainly, with exit code 1", async (_what, folders, said) => {
    // As in a folder where nobody ran npm ci: the bundle is there, what it needs beside it is not.
    const elsewhere = join(home, "copy");
    cpSync(dirname(mainFile), join(elsewhere, "dist"), { recursive: true });
    cpSync(join(root, "package.json"), join(elsewhere, "package.json"));
    for (const folder of folders) cpSync(join(root, folder), join(elsewhere, folder), { recursive: true });
    const { code, stdout } = await run(process.execPath, [join(elsewhere, "dist", "main.js"), "demo"]);
    expect(code, stdout).toBe(1);
    expect(stdout).toContain("The demo failed: ");
    expect(stdout).toContain("last words:");
    expect(stdout).toContain(said);
    expect(stdout).toContain("nothing real was bought");
    expect(stdout).not.toContain("Booked");
    await expectCleanedUp();
  });
});

describe.runIf(hasTerminal)("npm run demo, on a terminal", () => {
  test("stops, asks, and books what was approved", async () => {
    const terminal = demo();
    await terminal.answer(prompt, "yes");
    await terminal.see('"yes" is neither. Nothing was decided yet.');
    await terminal.answer(prompt, "approve");
    expect(await terminal.ended(), terminal.screen).toBe(0);
    expect(terminal.screen).toContain("deals booked at the negotiated prices, approved by you, each exactly once.");
    expect(terminal.screen).not.toContain("SCRIPTED");
    expect(terminal.screen).toContain(`${esc}[1m`);
    await expectCleanedUp();
  });

  const refusals: readonly (readonly [string, string, string])[] = [
    ["a rejection", "reject", "Rejected"],
    ["Enter", "", "Left open"],
  ];

  test.each(refusals.slice(0, inLong ? 2 : 1))("%s books nothing, and is no failure", async (_what, typed, heading) => {
    const terminal = demo();
    await terminal.answer(prompt, typed);
    expect(await terminal.ended(), terminal.screen).toBe(0);
    expect(terminal.screen).toContain(heading);
    expect(terminal.screen).toContain("nothing was booked and nothing was spent");
    expect(terminal.screen).toContain("Committed against the mandate: 0.00 USD.");
    expect(terminal.screen).not.toContain("DEMO-");
    await expectCleanedUp();
  });

  test.runIf(process.env["LONG"] === "1")("NO_COLOR is honoured", async () => {
    const terminal = PseudoTerminal.open([process.execPath, mainFile, "demo"], { ...environment(), NO_COLOR: "1" });
    await terminal.answer(prompt, "reject");
    expect(await terminal.ended()).toBe(0);
    // What remains is the line editor moving its cursor.
    expect(terminal.screen).not.toMatch(new RegExp(`${esc}\\[[\\d;]*m`));
  });

  test.runIf(process.env["LONG"] === "1")(
    "closing the terminal at the question leaves nothing behind",
    { timeout: 60_000 },
    async () => {
      const terminal = demo();
      await terminal.see(prompt);
      terminal.hangUp();
      await terminal.ended();
      await expect.poll(() => readdirSync(temporary), { timeout: 40_000, interval: 200 }).toEqual([]);
      await expectCleanedUp();
    },
  );
});

describe.runIf(process.env["LONG"] === "1")("a fresh clone", () => {
  test("npm ci && npm run demo", { timeout: 600_000 }, async () => {
    verifies("server.in_a_minute");
    const files = spawnSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: root, encoding: "utf8" });
    const clone = join(home, "clone");
    for (const file of files.stdout.split("\0").filter((name) => name !== "" && existsSync(join(root, name)))) {
      cpSync(join(root, file), join(clone, file));
    }
    const { HOME = home, PATH = "" } = process.env;
    const installed = await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: clone, env: { HOME, PATH } });
    expect(installed.code, installed.stderr).toBe(0);
    const { code, stdout } = await run("npm", ["run", "--silent", "demo"], { cwd: clone });
    expect(code, stdout).toBe(0);
    expect(stdout).toContain("3 deals booked at the negotiated prices");
  });
});
