import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import type { SandboxSeller } from "./sandbox-seller.ts";
import { command, livingLock, readLock, removeFiles, removeLock, stateFileIn, writeLock } from "./lock-file.ts";
import { startSandbox } from "./sandbox.ts";
import { isAlive, takeTurn } from "./takeover.ts";

/** One sandbox for all processes of a desk: found by its lock file, started by whoever first finds it missing. */

const startMs = 10_000;
const lookAgainMs = 40;

/** How to start this program's sandbox process: a command that comes to {@link runSandboxDaemon}. */
export interface SandboxCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** Whom to ask for a sandbox. */
export interface EnsureOptions {
  /** The desk's data directory; made when missing. */
  readonly directory: string;
  readonly spawn: SandboxCommand;
}

/** A started process; `failure` tells why there is none. */
interface Launched {
  failure: Error | null;
}

function launch({ command: program, args }: SandboxCommand): Launched {
  const launched: Launched = { failure: null };
  const child = spawn(program, [...args], { detached: true, stdio: "ignore", windowsHide: true });
  child.on("error", (error) => {
    launched.failure = error;
  });
  child.unref();
  return launched;
}

/**
 * The sellers of the directory's sandbox, which is started in a process of its own when none answers. Several
 * processes may ask at once: one starts it, all get it. Throws when it cannot be started or does not answer within
 * ten seconds.
 */
export async function ensureSandbox(options: EnsureOptions): Promise<readonly SandboxSeller[]> {
  const { directory } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const deadline = Date.now() + startMs;
  let launched = false;
  do {
    const living = await livingLock(directory);
    if (living) return living.sellers;
    const turn = launched ? null : takeTurn(directory, Date.now());
    if (turn) {
      try {
        // Another process may have started it and ended its turn since we looked.
        const started = await livingLock(directory);
        if (started) return started.sellers;
        launched = true;
        const sellers = await awaitSellers(directory, launch(options.spawn), deadline);
        if (sellers) return sellers;
      } finally {
        turn.end();
      }
    }
    await delay(lookAgainMs);
  } while (Date.now() < deadline);
  throw new Error("The sandbox did not start within 10 seconds.");
}

async function awaitSellers(
  directory: string,
  launched: Launched,
  deadline: number,
): Promise<readonly SandboxSeller[] | null> {
  while (Date.now() < deadline) {
    if (launched.failure) throw new Error(`The sandbox could not be started: ${launched.failure.message}`);
    const living = await livingLock(directory);
    if (living) return living.sellers;
    await delay(lookAgainMs);
  }
  return null;
}

/**
 * Keeps the directory's sandbox from idling out (and starts it again when it died), asking every `everyMs`
 * (4 minutes). The timer holds no process open. Failures are the next asking's business. `stop` resolves when the
 * last asking is over, so that none starts a sandbox afterwards.
 */
export function keepSandbox(options: EnsureOptions, everyMs = 240_000): { stop(): Promise<void> } {
  let asking: Promise<unknown> | null = null;
  const timer = setInterval(() => {
    asking ??= ensureSandbox(options)
      .catch(() => undefined)
      .finally(() => {
        asking = null;
      });
  }, everyMs);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await asking;
    },
  };
}

/** How the sandbox process runs. */
export interface DaemonOptions {
  readonly directory: string;
  /** Ends after so many milliseconds without a request (10 minutes); Infinity never. */
  readonly idleMs?: number;
  /** Whether the sellers that speak OpenDirect are started too (false). */
  readonly opendirect?: boolean;
  /** One line on what happened; never to standard output. */
  readonly log: (line: string) => void;
  /** Ends it from outside. */
  readonly signal?: AbortSignal;
  /** Called once it answers. */
  readonly onReady?: (sellers: readonly SandboxSeller[]) => void;
}

/**
 * Runs the directory's sandbox until it idles out, is stopped, or another has taken its place. Returns at once when
 * one already runs there. Removes its lock at the end; the sellers' memory stays. Throws where there is no such
 * directory: who starts it makes it, and where it is gone again nobody is left who would use the sandbox or stop it.
 */
export async function runSandboxDaemon(options: DaemonOptions): Promise<void> {
  const { directory, log } = options;
  if (await livingLock(directory)) {
    log("sandbox: already running");
    return;
  }
  const idleMs = options.idleMs ?? 600_000;
  const ending = new AbortController();
  let lastRequest = Date.now();
  const sandbox = await startSandbox({
    stateFile: stateFileIn(directory),
    adcp: true,
    opendirect: options.opendirect ?? false,
    onRequest: () => {
      lastRequest = Date.now();
    },
    // The answer to the order to stop is still on its way.
    onStop: () => setTimeout(() => ending.abort(), 20),
  });
  const { token } = sandbox.admin;
  const stop = () => ending.abort();
  options.signal?.addEventListener("abort", stop, { once: true });
  if (options.signal?.aborted) stop();
  const lock = { pid: process.pid, admin: sandbox.admin, sellers: [...sandbox.sellers] };
  try {
    writeLock(directory, lock);
    log(`sandbox: ${sandbox.sellers.map((seller) => `${seller.id} ${seller.url}`).join(", ")}`);
    options.onReady?.(sandbox.sellers);
    const stepMs = Math.max(10, Math.min(1_000, idleMs / 4));
    while (!ending.signal.aborted && Date.now() - lastRequest < idleMs) {
      await delay(stepMs, undefined, { signal: ending.signal }).catch(() => undefined);
      const published = readLock(directory);
      if (published && published.admin.token !== token) {
        log("sandbox: another one has taken over");
        break;
      }
      // Without its lock nobody would find it, and a second one would be started beside it.
      if (!published && !ending.signal.aborted) writeLock(directory, lock);
    }
  } finally {
    options.signal?.removeEventListener("abort", stop);
    await sandbox.close();
    removeLock(directory, token);
    log("sandbox: ended");
  }
}

/**
 * Plays an AdCP seller of the directory's running sandbox: somebody there signs the newest of what waits, or time passes
 * for its media buys. Throws where no sandbox runs, or nothing waits.
 */
export async function playSeller(directory: string, order: SellerOrder): Promise<void> {
  const lock = await livingLock(directory);
  if (!lock) throw new Error("No sandbox is running here.");
  await command(lock, "POST", "/adcp", order);
}

/** What a demo lets an AdCP seller do. */
export type SellerOrder =
  | { readonly order: "sign"; readonly seller: string }
  | { readonly order: "pass"; readonly seller: string; readonly ms: number };

/** Stops the directory's sandbox, if one runs, and forgets all its quotes, deals, orders and faults. */
export async function resetSandbox(directory: string): Promise<void> {
  const lock = await livingLock(directory);
  if (lock) {
    await command(lock, "POST", "/stop").catch(() => undefined);
    const deadline = Date.now() + startMs;
    while (readLock(directory)?.admin.token === lock.admin.token && isAlive(lock.pid)) {
      if (Date.now() > deadline) throw new Error(`The sandbox (process ${lock.pid}) does not end.`);
      await delay(lookAgainMs);
    }
  }
  removeFiles(directory);
}
