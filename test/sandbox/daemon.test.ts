import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sandboxCommand } from "../../src/sandbox/command.ts";
import { ensureSandbox, keepSandbox, resetSandbox, runSandboxDaemon } from "../../src/sandbox/daemon.ts";
import { livingLock, readLock } from "../../src/sandbox/lock-file.ts";
import { isAlive, takeTurn } from "../../src/sandbox/takeover.ts";
import { at, book, get, post, quoted } from "./calls.ts";

/** Real processes: a bundled program that is the sandbox (`daemon`) or asks for one (`ensure`). */

const source = `
import { sandboxCommand } from "./command.ts";
import { ensureSandbox } from "./daemon.ts";
const [verb, directory, ...rest] = process.argv.slice(2);
const log = (line) => process.stderr.write(line + "\\n");
const out = (line) => process.stdout.write(line + "\\n");
const self = { command: process.execPath, args: [process.argv[1], "sandbox", directory, "daemon"] };
if (verb === "ensure") out(JSON.stringify(await ensureSandbox({ directory, spawn: self })));
else process.exitCode = await sandboxCommand(rest, { directory, log, out, spawn: self });
`;

let programs: string;
let program: string;
let directory: string;

beforeAll(async () => {
  programs = mkdtempSync(join(tmpdir(), "sandbox-program-"));
  program = join(programs, "program.mjs");
  await build({
    stdin: {
      contents: source,
      resolveDir: join(dirname(fileURLToPath(import.meta.url)), "../../src/sandbox"),
      loader: "ts",
    },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    outfile: program,
    logLevel: "silent",
  });
});

afterAll(() => rmSync(programs, { recursive: true, force: true }));

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sandbox-desk-"));
});

afterEach(async () => {
  await resetSandbox(directory);
  rmSync(directory, { recursive: true, force: true });
});

function asked() {
  return { directory, spawn: { command: process.execPath, args: [program, "sandbox", directory, "daemon"] } };
}

/** Runs the program to its end. */
function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (part) => {
      out += part;
    });
    child.stderr.on("data", (part) => {
      err += part;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The process id of the sandbox that answers now. */
async function pid(): Promise<number> {
  const lock = await livingLock(directory);
  if (!lock) throw new Error("no sandbox answers");
  return lock.pid;
}

describe("one sandbox for all", () => {
  test("processes that ask at the same time get the same one", async () => {
    const heard = await Promise.all([1, 2, 3, 4].map(() => run("ensure", directory)));
    expect(heard.map(({ code, err }) => [code, err])).toEqual(heard.map(() => [0, ""]));
    expect(new Set(heard.map(({ out }) => out)).size).toBe(1);
    expect(JSON.parse(heard[0]?.out ?? "")).toHaveLength(5);
    const first = await pid();
    await ensureSandbox(asked());
    expect(await pid()).toBe(first);
  });

  test("a killed one is replaced, with its memory and addresses", async () => {
    const [seller] = await ensureSandbox(asked());
    if (!seller) throw new Error("no seller");
    const id = await quoted(seller);
    const deal = await book(seller, id);
    const first = await pid();
    process.kill(first, "SIGKILL");
    await until(() => !isAlive(first));
    expect(readLock(directory)?.pid).toBe(first);
    const [again] = await ensureSandbox(asked());
    expect(again).toEqual(seller);
    expect(await pid()).not.toBe(first);
    const read = await get(seller, `/api/v1/quotes/${id}`);
    expect(at(read.body, "quote", "deal_id")).toBe(at(deal.body, "deal", "deal_id"));
  });

  test("half-written files and the turn of a dead process are no obstacle", async () => {
    writeFileSync(join(directory, "sandbox.lock"), '{"pid": 1, "admin": {"ur');
    const ended = await run("nonsense", directory, "nonsense");
    expect(ended.code).toBe(2);
    writeFileSync(join(directory, "sandbox.turn-7"), JSON.stringify({ pid: 2 ** 30 }));
    expect(await ensureSandbox(asked())).toHaveLength(5);
    expect(readdirSync(directory).filter((name) => name.startsWith("sandbox.turn-"))).toEqual(["sandbox.turn-8"]);
  });

  test("a program that cannot be started is an error in good time", async () => {
    const spawned = { command: join(directory, "missing"), args: [] };
    await expect(ensureSandbox({ directory, spawn: spawned })).rejects.toThrow("could not be started");
    expect(takeTurn(directory, Date.now())).not.toBeNull();
  });

  test("a second daemon leaves the place to the first", async () => {
    const lines: string[] = [];
    const stop = new AbortController();
    const first = runSandboxDaemon({ directory, log: (line) => lines.push(line), signal: stop.signal });
    await until(() => readLock(directory) !== null);
    await runSandboxDaemon({ directory, log: (line) => lines.push(line) });
    expect(lines.at(-1)).toBe("sandbox: already running");
    stop.abort();
    await first;
    expect(existsSync(join(directory, "sandbox.lock"))).toBe(false);
  });

  test("one that starts when its directory is gone again ends, and brings nothing back", async () => {
    const gone = join(directory, "gone");
    await expect(runSandboxDaemon({ directory: gone, log: () => undefined })).rejects.toThrow();
    expect(existsSync(gone)).toBe(false);
  });

  test("a lock that was deleted under a living sandbox comes back", async () => {
    const stop = new AbortController();
    const running = runSandboxDaemon({ directory, idleMs: 4_000, log: () => undefined, signal: stop.signal });
    await until(() => readLock(directory) !== null);
    const lock = readLock(directory);
    rmSync(join(directory, "sandbox.lock"));
    await until(() => readLock(directory) !== null);
    expect(readLock(directory)).toEqual(lock);
    stop.abort();
    await running;
  });
});

describe("turns", () => {
  test("a turn is held until it ends; the next one clears the old files away", () => {
    const turn = takeTurn(directory, Date.now());
    expect(turn).not.toBeNull();
    expect(takeTurn(directory, Date.now())).toBeNull();
    turn?.end();
    expect(takeTurn(directory, Date.now())).not.toBeNull();
    expect(readdirSync(directory)).toEqual(["sandbox.turn-2"]);
  });

  test("a file being written holds the turn for a moment; one left half written does not", () => {
    const file = join(directory, "sandbox.turn-3");
    writeFileSync(file, "");
    expect(takeTurn(directory, Date.now())).toBeNull();
    const old = new Date(Date.now() - 5_000);
    utimesSync(file, old, old);
    expect(takeTurn(directory, Date.now())).not.toBeNull();
  });

  test("a turn held for too long no longer counts", () => {
    expect(takeTurn(directory, Date.now())).not.toBeNull();
    expect(takeTurn(directory, Date.now() + 60_000)).not.toBeNull();
  });
});

describe("its end", () => {
  test("it idles out, withdraws its lock and keeps its memory", async () => {
    const lines: string[] = [];
    const running = runSandboxDaemon({ directory, idleMs: 200, log: (line) => lines.push(line) });
    await until(() => readLock(directory) !== null);
    await running;
    expect(readLock(directory)).toBeNull();
    expect(lines.at(-1)).toBe("sandbox: ended");
    expect(existsSync(join(directory, "sandbox.json"))).toBe(true);
  });

  test("somebody who keeps it starts it again when it died", async () => {
    await ensureSandbox(asked());
    const first = await pid();
    const keeper = keepSandbox(asked(), 50);
    try {
      process.kill(first, "SIGKILL");
      await until(() => (readLock(directory)?.pid ?? first) !== first);
    } finally {
      await keeper.stop();
    }
    expect(await livingLock(directory)).not.toBeNull();
  });

  test("reset ends the process and forgets everything", async () => {
    const [seller] = await ensureSandbox(asked());
    if (!seller) throw new Error("no seller");
    const id = await quoted(seller);
    const first = await pid();
    await resetSandbox(directory);
    await until(() => !isAlive(first));
    expect(readdirSync(directory).filter((name) => !name.startsWith("sandbox.turn-"))).toEqual([]);
    const [fresh] = await ensureSandbox(asked());
    if (!fresh) throw new Error("no seller");
    expect((await get(fresh, `/api/v1/quotes/${id}`)).status).toBe(404);
  });
});

describe("the command", () => {
  async function ordered(...argv: string[]) {
    const lines: string[] = [];
    const errors: string[] = [];
    const context = { directory, log: (line: string) => errors.push(line), out: (line: string) => lines.push(line) };
    const code = await sandboxCommand(argv, context);
    return { code, out: lines.join("\n"), err: errors.join("\n") };
  }

  test("switches faults in the running sandbox, and off again", async () => {
    const [seller] = await ensureSandbox(asked());
    if (!seller) throw new Error("no seller");
    const id = await quoted(seller);
    expect(await ordered("fault", "northbeam", "drop-answer", "--uses", "1")).toMatchObject({ code: 0, err: "" });
    expect((await ordered("faults")).out).toContain("drop-answer");
    await expect(book(seller, id)).rejects.toThrow();
    const deals = JSON.parse((await ordered("deals", "northbeam")).out);
    expect(deals).toMatchObject({ deals: [{ quote_id: id }] });
    await ordered("fault", "northbeam", "slow", "--ms", "5", "--operation", "read");
    expect(JSON.parse((await ordered("faults")).out)).toMatchObject({
      northbeam: [{ kind: "slow", ms: 5, operation: "read" }],
    });
    expect((await ordered("fault", "northbeam", "off")).code).toBe(0);
    expect(JSON.parse((await ordered("faults")).out)).toMatchObject({ northbeam: [] });
    const late = await quoted(seller);
    expect((await ordered("expire", "northbeam", late, "--gone")).code).toBe(0);
    expect((await get(seller, `/api/v1/quotes/${late}`)).status).toBe(404);
    expect((await ordered("requests", "northbeam")).out).toContain("/api/v1/deals");
    await ordered("proposals", "northbeam", '{"approvalAbove":0}');
    const terms = { product_id: "prod-53e78a97", deal_type: "preferreddeal", price: 30, impressions: 10_000 };
    await post(seller, "/proposals", { ...terms, start_date: "2027-01-04", end_date: "2027-01-31" });
    const words = ["--cpm", "31.5", "--words", "Dearer."];
    expect((await ordered("decide", "northbeam", "counter", ...words)).out).toContain('"proposed_price": 31.5');
    expect((await ordered("decide", "northbeam", "approve")).err).toContain("nothing waits");
    const status = await ordered("status");
    expect(status.out).toContain(seller.url);
    expect(status.out).toContain("sandbox-northbeam-agency");
  });

  test("says what is wrong with an order", async () => {
    expect(await ordered("fault", "northbeam", "hang")).toMatchObject({
      code: 1,
      err: "No sandbox is running here. Start one with: media-buyer-mcp sandbox",
    });
    expect((await ordered("bogus")).code).toBe(2);
    await ensureSandbox(asked());
    expect(await ordered("fault", "nobody", "hang")).toMatchObject({
      code: 1,
      err: "Which seller? One of northbeam, harborview, civicstream, streamhaus, openbid.",
    });
    expect((await ordered("fault", "northbeam", "melt")).err).toMatch(/^kind: /);
    expect((await ordered("fault", "northbeam", "slow", "--ms", "soon")).err).toMatch(/^ms: /);
    expect((await ordered("fault", "northbeam", "slow", "--loud")).code).toBe(1);
    expect((await ordered("expire", "northbeam", "qt-none")).err).toContain("no quote qt-none");
  });

  test("starts the sandbox for an order when told how, resets it, and finds the running one", async () => {
    const started = await run("sandbox", directory, "fault", "harborview", "hang", "--uses", "2");
    expect(started).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(started.out)).toEqual({ faults: [{ kind: "hang", uses: 2 }] });
    const again = await ordered();
    expect(again.code).toBe(0);
    expect(again.out).toContain("already runs");
    expect(await ordered("reset")).toMatchObject({ code: 0, err: "" });
    expect(await livingLock(directory)).toBeNull();
  });
});
