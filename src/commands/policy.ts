import type { Desk } from "../desk.ts";
import { policyDigest, policyStatement } from "../domain/policy.ts";
import { type Person, signAtTerminal, whyNobodyHere } from "./pin.ts";
import type { Terminal } from "./terminal.ts";

const NOTHING = "The policy in force stays as it is.";

/**
 * `media-buyer-mcp policy`: says which mandate counts, and in what the config's would allow more; `policy approve` lets
 * that one count, on a person's PIN.
 * @returns exit code 0 when it was shown or approved, 1 when nothing was approved
 */
export async function policyCommand(
  terminal: Terminal,
  desk: Desk,
  person: Person,
  approves: boolean,
): Promise<number> {
  const { inForce, waiting } = await desk.policy();
  const { mandate } = desk.settings;
  if (!inForce || !mandate) {
    terminal.print("This desk has no mandate: nothing may be spent.");
    return approves ? 1 : 0;
  }
  terminal.print(`In force: version ${inForce.version}, ${policyDigest(inForce).slice(0, 12)}.`);
  if (waiting.length === 0) {
    terminal.print("The config's mandate is the one in force.");
    return approves ? 1 : 0;
  }
  terminal.print(
    `The config's mandate (version ${mandate.version}, ${policyDigest(mandate).slice(0, 12)}) allows more, and does not count yet:`,
  );
  for (const line of waiting) terminal.print(`  ${line}`);
  if (!approves) {
    terminal.print(`To let it count: ${desk.settings.command} policy approve`);
    return 0;
  }
  const refusal = await whyNobodyHere(terminal, person, desk.settings.command);
  if (refusal) {
    terminal.print(`${refusal} ${NOTHING}`);
    return 1;
  }
  const word = (await terminal.question("Type approve to let it count (anything else leaves it): "))?.toLowerCase();
  const signature =
    word === "approve"
      ? await signAtTerminal(terminal, person, policyStatement(desk.settings.name, mandate, inForce), NOTHING)
      : null;
  if (!signature) {
    if (word !== "approve") terminal.print(NOTHING);
    return 1;
  }
  await desk.approvePolicy(person.name, signature);
  terminal.print("It counts from now on, in every process of this desk.");
  return 0;
}
