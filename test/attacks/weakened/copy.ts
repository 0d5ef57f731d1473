import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import * as z from "zod";

/** One place of the source, and what stands there instead. */
export interface Edit {
  /** Below the repository's root. */
  readonly file: string;
  /** Code that the file holds exactly once. */
  readonly take: string;
  readonly give: string;
}

/** One case of the suite, by its file and its whole name: the names of its groups and its own. */
export interface Case {
  readonly file: string;
  readonly name: string;
}

/** What became of a case. Only an assertion that did not hold counts as broken; everything else that fails is an error. */
export type Outcome =
  | { readonly kind: "passed" }
  | { readonly kind: "broken"; readonly why: string }
  | { readonly kind: "error"; readonly why: string };

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** A text with one edit made. @throws Error where the code to be taken is not there exactly once */
export function edited(text: string, { file, take, give }: Edit): string {
  const [before, after, ...more] = text.split(take);
  const times = before === text ? 0 : more.length + 1;
  if (before === undefined || after === undefined || times !== 1)
    throw new Error(
      `${file} holds this ${times} times instead of once, so the weakness is to be written anew:\n${take}`,
    );
  return `${before}${give}${after}`;
}

/** The files that some edits change, as they leave them. @throws Error where one does not fit the source */
export function weakenedFiles(edits: readonly Edit[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const edit of edits)
    texts.set(edit.file, edited(texts.get(edit.file) ?? readFileSync(join(root, edit.file), "utf8"), edit));
  return texts;
}

/** Two at a time: much of a run is waiting, and more of them would take from the cases the time that they need. */
let free = 2;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (free > 0) free -= 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }
}

/**
 * Makes a whole copy of the program and its tests with some edits, builds it as `npm run build` does, and runs cases
 * there. The copy and not the bundle alone, because many cases have the operator's desk in their own process: that must
 * be weak as well. Nothing of this checkout is written.
 * @returns the outcome of each case, in the same order
 */
export function runIn(edits: readonly Edit[], cases: readonly Case[], mostMs: number): Promise<Outcome[]> {
  return inTurn(() => runInCopy(edits, cases, mostMs));
}

async function runInCopy(edits: readonly Edit[], cases: readonly Case[], mostMs: number): Promise<Outcome[]> {
  const copy = mkdtempSync(join(tmpdir(), "mbm-weakened-"));
  try {
    for (const path of ["src", "test", "prompts", "package.json", "tsconfig.json"])
      cpSync(join(root, path), join(copy, path), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
    for (const [file, text] of weakenedFiles(edits)) writeFileSync(join(copy, file), text);
    const said = await vitest(copy, cases, mostMs);
    const file = join(copy, reportFile);
    const report: unknown = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
    return cases.map((one) => outcomeOf(one, report, said));
  } finally {
    rmSync(copy, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

const reportFile = "report.json";

const reported = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
});

/** How vitest names an assertion that did not hold; what `rejects` found otherwise goes by the name of any error. */
const assertion =
  /^(AssertionError: |Error: (promise resolved .* instead of rejecting$|expected .* to match object ))/s;

/** What a JSON report says of a case. @param said what the run printed, for a run that came to no report */
export function outcomeOf(one: Case, report: unknown, said: string): Outcome {
  const { success, data } = reported.safeParse(report);
  if (!success) return { kind: "error", why: `there is no report; the run said:\n${said.slice(-2_000)}` };
  const file = data.testResults.find(({ name }) => name.replaceAll("\\", "/").endsWith(`/${one.file}`));
  const found = file?.assertionResults.filter(({ fullName }) => fullName === one.name) ?? [];
  const [result] = found;
  if (!result || found.length > 1)
    return { kind: "error", why: `${one.file} has ${found.length} cases "${one.name}". ${file?.message ?? said}` };
  if (result.status === "passed") return { kind: "passed" };
  const messages = (result.failureMessages ?? []).map((message) => message.replace(/(\n {4}at .*)+$/, ""));
  const why = messages.join("\n") || `it was ${result.status}. ${file?.message ?? ""}`;
  const isBroken = messages.length > 0 && messages.every((message) => assertion.test(message));
  return result.status === "failed" && isBroken ? { kind: "broken", why } : { kind: "error", why };
}

/** Runs cases in a copy, to the end or to its time. @returns what the run printed */
async function vitest(copy: string, cases: readonly Case[], mostMs: number): Promise<string> {
  const files = [...new Set(cases.map(({ file }) => file))];
  const names = cases.map(({ name }) => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const args = ["run", "--config", "test/vitest.config.ts", "--no-cache", ...files];
  // What a case leaves behind when its run is killed lies in the copy, and goes with it.
  const temporary = join(copy, "temporary");
  mkdirSync(temporary);
  const child = spawn(
    process.execPath,
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      ...args,
      ...["--testNamePattern", `^(${names.join("|")})$`, "--reporter=json", `--outputFile=${reportFile}`],
    ],
    { cwd: copy, env: { ...ownEnvironment(), TMPDIR: temporary }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
    });
  const timers = [
    setTimeout(() => {
      said += `\nstopped after ${mostMs} ms`;
      child.kill("SIGTERM");
    }, mostMs),
    setTimeout(() => child.kill("SIGKILL"), mostMs + 10_000),
  ];
  await new Promise((resolve) => child.once("close", resolve));
  for (const timer of timers) clearTimeout(timer);
  return said;
}

/** Without what this run's own vitest put there, and without the word that makes runs long. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^VITEST|^(LONG|SEED|CI|NODE_ENV)$/.test(name));
  return Object.fromEntries(kept);
}
