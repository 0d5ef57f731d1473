import type { PersonsDecision } from "../src/buying/decision.ts";
import type { Desk } from "../src/desk.ts";
import { statementOf, statementText } from "../src/domain/decision.ts";

/** The PIN of the people who decide in this process; scrypt makes setting and using it slow, on purpose. */
export const pin = "correct horse 7";

/** A person's answer in the client's form, which is the client's word: dana approves all lines unless told otherwise. */
export function formDecision(change: Partial<PersonsDecision> = {}): PersonsDecision {
  return {
    decision: "approve",
    digests: null,
    via: "form",
    by: "dana",
    principal: null,
    wordOf: "client",
    note: null,
    decidedAt: new Date().toISOString(),
    signature: null,
    ...change,
  };
}

/** A decision at the terminal, signed with the person's key as the command does it; who has none yet gets one. */
export async function signedDecision(
  desk: Desk,
  approvalId: string,
  change: Partial<Omit<PersonsDecision, "signature">> = {},
): Promise<PersonsDecision> {
  const decision = formDecision({ via: "terminal", wordOf: "server", ...change });
  if (!(await desk.people.isSet(decision.by))) await desk.people.setPin(decision.by, pin);
  const text = statementText(statementOf(desk.settings.name, await desk.approval(approvalId), decision));
  const proof = await desk.people.sign(decision.by, pin, text);
  if (!proof) throw new Error(`the PIN does not open the key of ${decision.by}`);
  return { ...decision, signature: { kind: "key", person: decision.by, ...proof } };
}
