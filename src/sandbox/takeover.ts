import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { randomUUID } from "node:crypto";

/**
 * Decides which of several processes may start the one sandbox of a directory.
 *
 * A turn is a numbered file. Whoever creates the next number holds the turn; the highest number rules. A dead
 * holder's file is never removed to make room (two processes doing so could remove each other's): the next number is
 * taken instead, and only then are the lower ones cleared away.
 */

const prefix = "sandbox.turn-";
/** A holder starts a process and waits for it; one that takes longer than this no longer counts. */
const turnMs = 15_000;
/** How long an unreadable file counts as one being written. */
const writingMs = 2_000;

/** Whether a process of that id is there, ours or another user's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Reads a JSON file; undefined when it is absent or half written. */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** Writes a file whole: readers see the old or the new content, never a part. */
export function replaceFile(file: string, content: string): void {
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, file);
}

function numbers(directory: string): number[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length)))
    .filter((number) => Number.isSafeInteger(number))
    .sort((a, b) => b - a);
}

function fileOf(directory: string, number: number): string {
  return join(directory, `${prefix}${number}`);
}

function isHeld(file: string, now: number): boolean {
  let age: number;
  try {
    age = now - statSync(file).mtimeMs;
  } catch {
    return false;
  }
  const holder = readJson(file);
  if (typeof holder !== "object" || holder === null || !("pid" in holder)) return age < writingMs;
  return age < turnMs && typeof holder.pid === "number" && holder.pid > 0 && isAlive(holder.pid);
}

function create(file: string): boolean {
  const draft = `${file}.${randomUUID()}.draft`;
  const content = JSON.stringify({ pid: process.pid });
  try {
    writeFileSync(draft, content, { mode: 0o600 });
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    return createExclusively(file, content);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** For file systems without hard links; the content comes a moment after the name. */
function createExclusively(file: string, content: string): boolean {
  try {
    writeFileSync(file, content, { mode: 0o600, flag: "wx" });
    return true;
  } catch {
    return false;
  }
}

/** A turn that is held: end it when done, whatever came of it. */
export interface Turn {
  end(): void;
}

/** Takes the turn to start the sandbox of a directory; null while another living process has it. */
export function takeTurn(directory: string, now: number): Turn | null {
  const highest = numbers(directory)[0] ?? 0;
  if (highest > 0 && isHeld(fileOf(directory, highest), now)) return null;
  const own = highest + 1;
  const file = fileOf(directory, own);
  if (!create(file)) return null;
  if ((numbers(directory)[0] ?? own) > own) {
    rmSync(file, { force: true });
    return null;
  }
  for (const number of numbers(directory)) {
    if (number < own) rmSync(fileOf(directory, number), { force: true });
  }
  return { end: () => replaceFile(file, JSON.stringify({ pid: 0 })) };
}
