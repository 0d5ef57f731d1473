import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, realpathSync, statfsSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { BuyingError } from "../domain/errors.ts";

/** What a folder lies on: the file system's magic number (Linux `statfs(2)`), and its name where the kernel tells it. */
export interface FolderKind {
  readonly magic: number;
  readonly name: string | null;
}

/** Network file systems by their magic number in Linux `statfs(2)`. */
const networkMagic: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
]);
const FUSE = 0x65735546;

/**
 * Makes a database file that only this user can read: folders that are missing are created with mode 0700, the file has
 * 0600. Folders that were there keep their mode: they may be shared with others on purpose.
 * @returns the absolute path
 * @throws BuyingError `ledger_unavailable` for a folder on the network, where file locks and shared memory cannot be relied on
 */
export function privateFile(file: string): string {
  const path = resolve(file);
  const folder = dirname(path);
  const where = uncServer(file) ?? uncServer(path);
  if (where !== null) throw onNetwork(path, where);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const network = networkName(folderKind(folder));
  if (network !== null) throw onNetwork(path, network);
  // An existing file must not be opened and closed here: that would drop the locks SQLite holds on it in this process.
  if (existsSync(path)) chmodSync(path, 0o600);
  else createEmpty(path);
  return path;
}

/** The network file system a folder lies on, or null for a local one. */
export function networkName(kind: FolderKind): string | null {
  if (kind.magic === FUSE) return kind.name === "fuse.sshfs" ? "SSHFS" : null;
  return networkMagic.get(kind.magic) ?? null;
}

/** The server of a Windows network path (`\\server\share`), or null; `\\?\C:\` and `\\.\` name local things. */
export function uncServer(path: string): string | null {
  return /^\\\\(?:\?\\UNC\\)?([^\\?.][^\\]*)/i.exec(path)?.[1] ?? null;
}

/** The file system type of the mount a folder is below, from the text of Linux's `/proc/self/mounts`. */
export function mountedAs(mounts: string, folder: string): string | null {
  const found = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .map(([, at = "", type = ""]) => ({ at: at.replaceAll("\\040", " "), type }))
    .filter(({ at }) => at !== "" && (at === "/" || folder === at || folder.startsWith(`${at}/`)));
  // The longest path is the innermost mount; of two on one path the later hides the earlier.
  return (
    found.reduce((best, mount) => (mount.at.length >= best.at.length ? mount : best), { at: "", type: "" }).type || null
  );
}

function folderKind(folder: string): FolderKind {
  // Windows and macOS answer with numbers of their own, which mean nothing here.
  if (sep !== "/" || !existsSync("/proc/self/mounts")) return { magic: 0, name: null };
  const magic = statfsSync(folder).type >>> 0;
  return {
    magic,
    name: magic === FUSE ? mountedAs(readFileSync("/proc/self/mounts", "utf8"), realpathSync(folder)) : null,
  };
}

function createEmpty(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    // Another process was faster; it gave the file the same mode.
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function onNetwork(path: string, where: string): BuyingError {
  return new BuyingError(
    "ledger_unavailable",
    `${path} lies on a network folder (${where}), where two programs can overwrite each other's records. Nothing was booked. Set the ledger's path to a folder on this computer.`,
    "ask_person",
  );
}
