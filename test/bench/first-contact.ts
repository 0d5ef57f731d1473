import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { Child, programOf } from "./child.ts";
import { median, type Row } from "./table.ts";

/** How one first contact went: loading the code, the contact itself and its processor time, the resident memory after it. */
export interface FirstContact {
  readonly loadMs: number;
  readonly contactMs: number;
  readonly cpuMs: number;
  readonly rssMb: number;
  readonly products: number;
}

const ROUNDS = 9;

/**
 * First contact with an AdCP seller over MCP: connect, capabilities, first products. Our code as it is published, in one
 * file, against the client of `@adcp/sdk` as it is installed; each time in a fresh process, with one seller for both.
 */
export async function firstContact(): Promise<readonly Row[]> {
  const seller = await programOf("first-contact-seller", "unbundled");
  // The SDK keeps its tasks in memory only where it is told that this is no production.
  const child = new Child(seller, [], { ...process.env, NODE_ENV: "development" });
  try {
    const url = `http://127.0.0.1:${await child.port(/listening on (\d+)/)}/mcp`;
    const program = await programOf("first-contact-child", "unbundled");
    const ours = await programOf("first-contact-ours", "bundled");
    const theirs = await programOf("first-contact-theirs", "unbundled");
    const meet = (module: string) => contact(program, module, url);
    // The first of each finds cold caches, and a seller that has not compiled its own checks.
    for (const module of [ours, theirs]) await meet(module);
    const rounds: { ours: FirstContact; theirs: FirstContact }[] = [];
    for (let n = 0; n < ROUNDS; n += 1) rounds.push({ ours: await meet(ours), theirs: await meet(theirs) });
    const row = (what: string, of: (one: FirstContact) => number, wanted = ""): Row => ({
      what,
      ours: median(rounds.map((round) => of(round.ours))),
      theirs: median(rounds.map((round) => of(round.theirs))),
      ratio: median(rounds.map((round) => of(round.ours) / of(round.theirs))),
      wanted,
    });
    return [
      row("connect, capabilities and first products, ms", ({ contactMs }) => contactMs, "at most 0.25"),
      row("its processor time, ms", ({ cpuMs }) => cpuMs),
      row("the contact with loading the code, ms", ({ loadMs, contactMs }) => loadMs + contactMs),
      row("memory that the process then holds, MB", ({ rssMb }) => rssMb, "under 1.00"),
    ];
  } finally {
    await child.stop();
  }
}

async function contact(program: string, module: string, url: string): Promise<FirstContact> {
  const { NODE_ENV: _, ...env } = process.env;
  const args = [program, pathToFileURL(module).href, url];
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const left = once(child, "exit");
  const [went] = (await Promise.race([once(child, "message"), left])) as [FirstContact | number];
  if (typeof went !== "object" || went?.products !== 4)
    throw new Error(`first contact failed: ${JSON.stringify(went)}`);
  await left;
  return went;
}
