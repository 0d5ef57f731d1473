import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod";
import { streams } from "../domain/ids.ts";
import type { PinEvent } from "../ledger/entries.ts";
import { type Ledger, LedgerConflict, type Row } from "../ledger/ledger.ts";
import type { Terminal } from "./terminal.ts";

/** scrypt's cost: a short PIN must not fall to a copied file in minutes, so the length rule and this go together. */
const COST = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };
const LEAST_LENGTH = 8;
const TRIES = 5;
const LOCK_MINUTES = 15;

const stored = z.object({ v: z.literal(1), salt: z.string(), hash: z.string() });

/** A desk's PIN: a passphrase kept as a scrypt hash in a file beside the ledger; wrong tries are counted in the ledger. */
export interface Pin {
  isSet(): Promise<boolean>;
  set(passphrase: string): Promise<void>;
  /** Too many wrong tries lately, by whichever process of the desk. */
  isLocked(): Promise<boolean>;
  /** Counts the try before it is checked, so that killing the process is no way round the limit. */
  check(passphrase: string): Promise<"ok" | "wrong" | "locked" | "none">;
}

/**
 * The PIN of a desk. @param file where its hash is kept @param desk whose ledger stream counts the tries
 */
export function pinOf(file: string, desk: string, ledger: Ledger, now: () => Date): Pin {
  const read = async () => {
    try {
      return stored.parse(JSON.parse(await readFile(file, "utf8")));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
      throw error;
    }
  };
  return {
    isSet: async () => (await read()) !== null,
    set: async (passphrase) => {
      const salt = randomBytes(16);
      const hash = await derive(passphrase, salt);
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      const draft = `${file}.${randomBytes(4).toString("hex")}`;
      await writeFile(draft, JSON.stringify({ v: 1, salt: salt.toString("hex"), hash: hash.toString("hex") }), {
        mode: 0o600,
        flag: "wx",
      });
      await rename(draft, file);
      await note(ledger, desk, { kind: "pin_set", v: 1 }, () => true);
    },
    isLocked: async () => isLocked(await ledger.read(streams.pin(desk)), now()),
    check: async (passphrase) => {
      const kept = await read();
      if (!kept) return "none";
      // Counting and looking at the count are one step: many processes at once get no more tries than one.
      const counted = await note(
        ledger,
        desk,
        { kind: "pin_tried", v: 1, ok: false },
        (rows) => !isLocked(rows, now()),
      );
      if (!counted) return "locked";
      const hash = await derive(passphrase, Buffer.from(kept.salt, "hex"));
      if (!timingSafeEqual(hash, Buffer.from(kept.hash, "hex"))) return "wrong";
      await note(ledger, desk, { kind: "pin_tried", v: 1, ok: true }, () => true);
      return "ok";
    },
  };
}

/**
 * Asks for the PIN, once.
 * @returns whether it was the right one; when not, the person has been told why
 */
export async function askPin(terminal: Terminal, pin: Pin, prompt: string, nothing: string): Promise<boolean> {
  const isLocked = await pin.isLocked();
  const typed = isLocked ? null : await terminal.secret(prompt);
  const verdict = isLocked ? "locked" : typed === null ? "left" : await pin.check(typed);
  if (verdict === "ok") return true;
  terminal.print(verdict === "locked" ? lockedText : verdict === "left" ? nothing : `That is not the PIN. ${nothing}`);
  return false;
}

/** Why a passphrase cannot be a PIN, or null. */
export function pinProblem(passphrase: string): string | null {
  if ([...passphrase].length < LEAST_LENGTH) return `at least ${LEAST_LENGTH} characters`;
  if (new Set(passphrase).size < 4) return "more than a few repeated characters";
  return null;
}

/** `media-buyer-mcp pin`: sets the desk's PIN, or changes it after the old one was given. */
export async function pinCommand(terminal: Terminal, pin: Pin): Promise<number> {
  if (!terminal.interactive) {
    terminal.print("A PIN is set by a person at a terminal; this is not one. Nothing was changed.");
    return 1;
  }
  if ((await pin.isSet()) && !(await askPin(terminal, pin, "Present PIN: ", "Nothing was changed."))) return 1;
  const first = await terminal.secret(`New PIN (a passphrase, ${LEAST_LENGTH} characters or more): `);
  const problem = first === null ? null : pinProblem(first);
  if (first === null || problem) {
    terminal.print(problem ? `A PIN needs ${problem}. Nothing was changed.` : "Nothing was changed.");
    return 1;
  }
  if ((await terminal.secret("Again: ")) !== first) {
    terminal.print("The two differ. Nothing was changed.");
    return 1;
  }
  await pin.set(first);
  terminal.print(
    "The PIN is set. It approves spend at this terminal, up to what the mandate gives the terminal channel.",
  );
  return 0;
}

const lockedText = `Too many wrong PINs: locked for ${LOCK_MINUTES} minutes, in every process of this desk. Nothing was decided or changed.`;

function isLocked(rows: readonly Row[], now: Date): boolean {
  const events = rows.flatMap((row) => row.entries.map((entry) => ({ at: row.at, entry })));
  const lastOk = events.findLastIndex(
    ({ entry }) => entry.kind === "pin_set" || (entry.kind === "pin_tried" && entry.ok),
  );
  const since = now.getTime() - LOCK_MINUTES * 60_000;
  const wrong = events.slice(lastOk + 1).filter(({ at }) => Date.parse(at) > since);
  return wrong.length >= TRIES;
}

/** Appends an event unless `may`, asked about the very rows it would follow, says no; true when it is there. */
async function note(
  ledger: Ledger,
  desk: string,
  event: PinEvent,
  may: (rows: readonly Row[]) => boolean,
): Promise<boolean> {
  const stream = streams.pin(desk);
  for (;;) {
    const rows = await ledger.read(stream);
    if (!may(rows)) return false;
    const version = (rows.at(-1)?.version ?? 0) + 1;
    try {
      await ledger.append([{ stream, version, kind: "pin", status: "counted", flowId: stream, entries: [event] }]);
      return true;
    } catch (error) {
      if (!(error instanceof LedgerConflict)) throw error;
    }
  }
}

function derive(passphrase: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize("NFKC"), salt, 32, COST, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
