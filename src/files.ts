import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where a desk keeps what must survive: files only its user can read, in the local (never roaming) data directory. */
export interface DeskFiles {
  readonly directory: string;
  readonly ledger: string;
  readonly cache: string;
  /** Ports the approval page had, so that links stay good over restarts. */
  readonly pagePorts: string;
  /** Keys of the people who decide; kept apart from the ledger they are checked against. */
  readonly people: string;
  readonly sandbox: string;
  /** The key for state handed through clients; made on first use, shared by every process of the desk. */
  stateKey(): Promise<Uint8Array>;
}

/** The files of a desk below the data directory. Nothing is created before it is used. */
export function deskFiles(dataHome: string, desk: string): DeskFiles {
  const directory = join(dataHome, desk);
  let key: Promise<Uint8Array> | undefined;
  return {
    directory,
    ledger: join(directory, "ledger.db"),
    cache: join(directory, "cache.db"),
    pagePorts: join(directory, "page-ports.json"),
    people: join(directory, "people"),
    sandbox: join(directory, "sandbox"),
    stateKey: () => {
      key ??= keyIn(directory).catch((error: unknown) => {
        // What could not be read now may be there the next time.
        key = undefined;
        throw error;
      });
      return key;
    },
  };
}

/**
 * The user's local data directory by platform: `%LOCALAPPDATA%` on Windows, `~/Library/Application Support` on macOS,
 * `$XDG_DATA_HOME` or `~/.local/share` elsewhere.
 */
export function defaultDataHome(platform: string, environment: Readonly<Record<string, string | undefined>>): string {
  const name = "media-buyer-mcp";
  if (platform === "win32") return join(environment["LOCALAPPDATA"] ?? join(homedir(), "AppData", "Local"), name);
  if (platform === "darwin") return join(homedir(), "Library", "Application Support", name);
  return join(environment["XDG_DATA_HOME"] ?? join(homedir(), ".local", "share"), name);
}

/** Where the config file is looked for when none is named. */
export function defaultConfigFile(platform: string, environment: Readonly<Record<string, string | undefined>>): string {
  if (platform === "win32" || platform === "darwin") return join(defaultDataHome(platform, environment), "config.json");
  return join(environment["XDG_CONFIG_HOME"] ?? join(homedir(), ".config"), "media-buyer-mcp", "config.json");
}

async function keyIn(directory: string): Promise<Uint8Array> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, "state.key");
  try {
    // Two processes may start at once: only one creates the file, both read it.
    const handle = await open(file, "wx", 0o600);
    await handle.writeFile(randomBytes(32).toString("hex"));
    await handle.sync();
    await handle.close();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  for (let tries = 0; tries < 50; tries += 1) {
    const hex = (await readFile(file, "utf8")).trim();
    if (/^[0-9a-f]{64}$/.test(hex)) {
      await chmod(file, 0o600);
      return Buffer.from(hex, "hex");
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${file} does not hold a key; delete it and start again`);
}
