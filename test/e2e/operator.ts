import { join } from "node:path";
import { expect } from "vitest";
import { mainFile, type TestDesk } from "./fixtures.ts";
import { PseudoTerminal } from "./pseudo-terminal.ts";

/** The PIN of the operator in these tests. */
export const pin = "correct horse 7";

/** A command of the program on a terminal, on the desk of the config file that the server has too. */
export function at(desk: TestDesk, ...words: readonly string[]): PseudoTerminal {
  const { command, env } = desk.start;
  return PseudoTerminal.open([command, mainFile, ...words, "--config", join(desk.directory, "config.json")], env);
}

/** Sets {@link pin} at the terminal. */
export async function setPin(desk: TestDesk): Promise<PseudoTerminal> {
  const terminal = at(desk, "pin");
  await terminal.answer("New PIN", pin);
  await terminal.answer("Again: ", pin);
  expect(await terminal.ended(), terminal.screen).toBe(0);
  return terminal;
}
