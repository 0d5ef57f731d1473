import type { Signature } from "../domain/decision.ts";
import type { PeopleKeys } from "../people/keys.ts";
import { type PinCheck, signTextWithPin } from "../people/sign.ts";
import { LOCK_MINUTES, type PinTries } from "../people/tries.ts";
import type { Terminal } from "./terminal.ts";

const LEAST_LENGTH = 8;

/** The person at a terminal, with what their PIN is checked by. */
export interface Person extends PinCheck {
  readonly people: PeopleKeys;
  readonly tries: PinTries;
  /** As in the mandate's `people`; the operating system's name for them unless they say otherwise. */
  readonly name: string;
}

/** A name the operating system gives, made one that can stand in an entry and a file name. */
export function personNamed(user: string): string {
  const plain = user
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 40);
  return plain || "person";
}

/**
 * Asks for the PIN, once, and signs a text with what it opens.
 * @returns null when it is not the right one; the person has been told why
 */
export async function signAtTerminal(
  terminal: Terminal,
  person: Person,
  text: string,
  nothing: string,
): Promise<Signature | null> {
  const typed = await terminal.secret("PIN: ");
  if (typed === null) {
    terminal.print(nothing);
    return null;
  }
  const signed = await signTextWithPin(person, person.name, typed, text);
  if (signed.kind === "ok") return signed.signature;
  const why = {
    wrong: "That is not the PIN.",
    locked: `Too many wrong PINs: locked for ${LOCK_MINUTES} minutes, in every process of this desk.`,
    none: `${person.name} has no PIN on this desk.`,
  };
  terminal.print(`${why[signed.kind]} ${nothing}`);
  return null;
}

/** Why nobody can decide at this terminal, whatever is typed; null when somebody can. */
export async function whyNobodyHere(terminal: Terminal, person: Person, command: string): Promise<string | null> {
  if (!terminal.interactive) return "Only a person at a terminal can decide here, and this is a pipe.";
  if (await person.people.isSet(person.name)) return null;
  return `${person.name} has no PIN on this desk, so nothing can be decided here; "${command} pin" sets one.`;
}

/** Why a passphrase cannot be a PIN, or null. */
export function pinProblem(passphrase: string): string | null {
  if ([...passphrase].length < LEAST_LENGTH) return `at least ${LEAST_LENGTH} characters`;
  if (new Set(passphrase).size < 4) return "more than a few repeated characters";
  return null;
}

/** `media-buyer-mcp pin`: sets a person's PIN, or changes it after the old one was given. */
export async function pinCommand(terminal: Terminal, person: Person): Promise<number> {
  const nothing = "Nothing was changed.";
  if (!terminal.interactive) {
    terminal.print(`A PIN is set by a person at a terminal; this is not one. ${nothing}`);
    return 1;
  }
  if (await person.people.isSet(person.name)) {
    terminal.print(`${person.name} has a PIN; give it first.`);
    if (!(await signAtTerminal(terminal, person, "change my PIN", nothing))) return 1;
  }
  const first = await terminal.secret(
    `New PIN for ${person.name} (a passphrase, ${LEAST_LENGTH} characters or more): `,
  );
  const problem = first === null ? null : pinProblem(first);
  if (first === null || problem) {
    terminal.print(problem ? `A PIN needs ${problem}. ${nothing}` : nothing);
    return 1;
  }
  if ((await terminal.secret("Again: ")) !== first) {
    terminal.print(`The two differ. ${nothing}`);
    return 1;
  }
  await person.people.setPin(person.name, first);
  await person.tries.pinWasSet(person.name);
  terminal.print(
    `The PIN of ${person.name} is set. It signs decisions here and on the approval page, up to what the mandate gives them.`,
  );
  return 0;
}
