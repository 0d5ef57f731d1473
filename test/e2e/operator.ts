import { userInfo } from "node:os";
import { join } from "node:path";
import { personNamed } from "../../src/commands/pin.ts";
import { pin, quickKeys } from "../people.ts";
import { mainFile, type TestDesk } from "./fixtures.ts";
import { PseudoTerminal } from "./pseudo-terminal.ts";

/** A command of the program on a terminal, on the desk of the config file that the server has too. */
export function at(desk: TestDesk, ...words: readonly string[]): PseudoTerminal {
  const { command, env } = desk.start;
  return PseudoTerminal.open([command, mainFile, ...words, "--config", join(desk.directory, "config.json")], env);
}

/** Gives whoever sits at these terminals {@link pin}. */
export function givePin(desk: TestDesk): Promise<void> {
  return quickKeys(join(desk.directory, "data", "acme", "people")).setPin(personNamed(userInfo().username), pin);
}
