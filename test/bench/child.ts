import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import * as z from "zod";

/** What a process says of itself: bytes it holds, bytes of them that are reachable, processor time it took so far. */
export type Standing = z.output<typeof standing>;
const standing = z.object({ rss: z.number(), heap: z.number(), cpuMs: z.number() });

/** Loaded into a measured process before its program: answers each message with where it stands, swept if it can be. */
const reporter = `
process.on("message", () => {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  process.send({ rss, heap: heapUsed, cpuMs: (user + system) / 1000 });
});
process.channel.unref();`;

/** A server process that is measured. */
export class Child {
  readonly #process: ChildProcess;
  readonly #left: Promise<unknown[]>;
  #said = "";

  /** @param flags of Node itself, before the file */
  constructor(file: string, args: readonly string[], env: NodeJS.ProcessEnv, flags: readonly string[] = []) {
    const loaded = `data:text/javascript,${encodeURIComponent(reporter)}`;
    const words = [...flags, "--import", loaded, file, ...args];
    this.#process = spawn(process.execPath, words, { env, stdio: ["ignore", "ignore", "pipe", "ipc"] });
    this.#process.stderr?.on("data", (chunk: Buffer) => {
      // The beginning says where it listens; the rest of a long run's log is not kept.
      if (this.#said.length < 100_000) this.#said += chunk.toString("utf8");
    });
    this.#left = once(this.#process, "exit");
  }

  /** Waits until it says on which port it listens. */
  async port(pattern: RegExp): Promise<number> {
    for (;;) {
      const port = pattern.exec(this.#said)?.[1];
      if (port !== undefined) return Number(port);
      if (this.#process.exitCode !== null) throw new Error(`it ended: ${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async standing(): Promise<Standing> {
    const answered = once(this.#process, "message");
    this.#process.send("how do you stand?");
    return standing.parse((await answered)[0]);
  }

  async stop(): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#left;
  }
}

/** A file of this folder that is measured. */
type Measured = "bare-http" | "bare-stdio" | `first-contact-${"seller" | "child" | "ours" | "theirs"}`;

/**
 * Makes a program of what is measured: in one file, as the product is bundled, or as its author would run it, with
 * the packages in node_modules. @returns its file
 */
export async function programOf(name: Measured, how: "bundled" | "unbundled"): Promise<string> {
  // Beside the benchmark's own bundle: packages are found from there, and nothing of it is published.
  const outfile = join(fileURLToPath(import.meta.url), "..", `${name}-${how}.mjs`);
  await build({
    entryPoints: [join(process.cwd(), "test/bench", `${name}.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    minifySyntax: true,
    legalComments: "none",
    logLevel: "warning",
    ...(how === "unbundled"
      ? { packages: "external" as const }
      : { banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" } }),
  });
  return outfile;
}
