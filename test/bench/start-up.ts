import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { mainFile, startSandboxDesk } from "../e2e/fixtures.ts";
import { envelope } from "../e2e/raw-client.ts";
import { programOf } from "./child.ts";
import { median, type Row } from "./table.ts";

const ROUNDS = 21;

const clientInfo = { name: "bench", version: "1" };
const requests = {
  initialize: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo },
  "server/discover": { _meta: envelope() },
} as const;

/** From spawn to the first answer over stdio, in both eras: the product against bare servers of the same SDK. */
export async function startUp(): Promise<readonly Row[]> {
  const desk = startSandboxDesk();
  try {
    const bundled = [await programOf("bare-stdio", "bundled")];
    const unbundled = [await programOf("bare-stdio", "unbundled")];
    const ours = [mainFile, "--sandbox"];
    const rows: Row[] = [];
    for (const method of ["initialize", "server/discover"] as const) {
      const first = (args: readonly string[]) => firstAnswer(args, desk.start.env, method);
      // The first run of each fills the disk's cache, and ours leaves its data directory behind.
      for (const args of [ours, unbundled, bundled]) await first(args);
      const rounds = [];
      for (let n = 0; n < ROUNDS; n += 1)
        rounds.push({ ours: await first(ours), unbundled: await first(unbundled), bundled: await first(bundled) });
      for (const bare of ["unbundled", "bundled"] as const)
        rows.push({
          what: `spawn to ${method} answered, ms; bare: ${bare}`,
          ours: median(rounds.map((round) => round.ours)),
          theirs: median(rounds.map((round) => round[bare])),
          ratio: median(rounds.map((round) => round.ours / round[bare])),
          wanted: bare === "unbundled" ? "at most 1.25" : "",
        });
    }
    return rows;
  } finally {
    await desk.close();
  }
}

async function firstAnswer(args: readonly string[], env: NodeJS.ProcessEnv, method: keyof typeof requests) {
  const started = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ["pipe", "pipe", "ignore"] });
  const left = once(child, "exit");
  child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: requests[method] })}\n`);
  const [chunk] = await once(child.stdout, "data");
  const ms = performance.now() - started;
  if (!String(chunk).includes('"result"')) throw new Error(`answered ${String(chunk)}`);
  child.kill("SIGKILL");
  await left;
  return ms;
}
