import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { tempFolder } from "../ledger/temp.ts";

/** The official suite, as it is installed. */
const suite = new URL("../../node_modules/@modelcontextprotocol/conformance/", import.meta.url);
const preload = new URL("fs-of-node-22.mjs", import.meta.url).href;

/** The revisions of the protocol that are served, one for each era. */
export type Revision = "2025-11-25" | "2026-07-28";

const check = z.looseObject({ id: z.string(), status: z.string(), errorMessage: z.string().optional() });
export type Check = z.output<typeof check>;

/** One run of the suite over a server. */
export interface Run {
  /** The suite's own verdict: 0 when everything required passed. */
  readonly exitCode: number;
  /** What was checked, by scenario; required or not. */
  readonly scenarios: ReadonlyMap<string, readonly Check[]>;
  readonly printed: string;
}

/** The suite's version, from its own package. */
export function suiteVersion(): string {
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(new URL("package.json", suite), "utf8")))
    .version;
}

/** The scenarios that the suite's frozen set requires of a server of this revision. */
export function requiredScenarios(revision: Revision): readonly string[] {
  return scenariosIn(readFileSync(new URL(`requirements/${revision}.yaml`, suite), "utf8"));
}

/** The `server:` list of a requirement set. */
export function scenariosIn(yaml: string): readonly string[] {
  const [, list = ""] = /^server:\n((?: {2}- .+\n)*)/m.exec(yaml) ?? [];
  return [...list.matchAll(/^ {2}- (\S+)$/gm)].map(([, name = ""]) => name);
}

/** Runs a revision's whole requirement set against a server. @param url its endpoint on this machine */
export async function runSuite(url: string, revision: Revision): Promise<Run> {
  const folder = tempFolder();
  try {
    const bundle = fileURLToPath(new URL("dist/index.js", suite));
    const asked = ["server", "--url", url, "--requirements", revision, "--output-dir", folder.path];
    const { code, printed } = await ran(["--import", preload, bundle, ...asked]);
    return { exitCode: code, scenarios: resultsIn(folder.path), printed };
  } finally {
    folder.remove();
  }
}

/** Runs Node to its end, without this process's environment: no proxy, and no setting of ours reaches the suite. */
function ran(args: readonly string[]): Promise<{ code: number; printed: string }> {
  const options = { env: { NO_COLOR: "1" }, timeout: 60_000, maxBuffer: 64 << 20 };
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : error ? -1 : 0;
      resolve({ code, printed: `${stdout}\n${stderr}` });
    });
  });
}

/** The suite writes a folder for each scenario, `server-<scenario>-<time>`, with its checks. */
function resultsIn(folder: string): ReadonlyMap<string, readonly Check[]> {
  return new Map(
    readdirSync(folder).flatMap((name) => {
      const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name)?.[1];
      const file = join(folder, name, "checks.json");
      if (scenario === undefined || !existsSync(file)) return [];
      return [[scenario, z.array(check).parse(JSON.parse(readFileSync(file, "utf8")))] as const];
    }),
  );
}

/**
 * What keeps a scenario from having passed; empty when it did. Stricter than the suite, which lets warnings and what was
 * skipped go by: every check succeeded or only informs, and one beside the schema of the messages succeeded.
 */
export function shortcomings(scenario: string, checks: readonly Check[] | undefined): readonly string[] {
  if (!checks) return [`${scenario}: was not run`];
  const good = checks.filter(({ id, status }) => status === "SUCCESS" && !id.startsWith("wire-schema"));
  const bad = checks.filter(({ status }) => status !== "SUCCESS" && status !== "INFO");
  return [
    ...bad.map(({ id, status, errorMessage = "" }) => `${scenario}: ${status} ${id}: ${errorMessage}`),
    ...(good.length === 0 && bad.length === 0 ? [`${scenario}: nothing was checked`] : []),
  ];
}
