import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Two servers of one desk each have a port of their own; more than a few at once nobody runs. */
const MOST = 8;

/**
 * Ports the approval page had before, in a file of the desk, so that a link stays good over restarts; of several servers
 * each takes the first that is free.
 */
export interface RememberedPorts {
  all(): Promise<readonly number[]>;
  add(port: number): Promise<void>;
}

/** The remembered ports in that file; an unreadable one counts as none. */
export function rememberedPorts(file: string): RememberedPorts {
  const all = async (): Promise<readonly number[]> => {
    try {
      const kept: unknown = JSON.parse(await readFile(file, "utf8"));
      return Array.isArray(kept) ? kept.filter(isPort).slice(0, MOST) : [];
    } catch {
      // Not there yet, or not ours: a port is no more than a convenience.
      return [];
    }
  };
  return {
    all,
    add: async (port) => {
      const before = await all();
      if (before.includes(port)) return;
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      const draft = `${file}.${randomBytes(4).toString("hex")}`;
      await writeFile(draft, JSON.stringify([...before, port].slice(-MOST)), { mode: 0o600, flag: "wx" });
      await rename(draft, file);
    },
  };
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1024 && value <= 65_535;
}
