import type { PersonsDecision } from "../src/buying/decision.ts";
import type { PersonsWord } from "../src/buying/settle.ts";
import type { Desk } from "../src/desk.ts";
import { statementOf, statementText } from "../src/domain/decision.ts";
import { type Settlement, settlementText } from "../src/domain/settlement.ts";
import { type PeopleKeys, peopleKeys } from "../src/people/keys.ts";

/** The PIN of the people who decide in these tests. */
export const pin = "correct horse 7";

/**
 * Keys of people in a folder, sealed as the product seals them, but cheaply: a PIN is slow to use on purpose, and no test
 * is about how slow. What opens them reads the cost they were sealed at, the product's own commands included.
 */
export function quickKeys(folder: string): PeopleKeys {
  return peopleKeys(folder, 2 ** 12);
}

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
  const text = statementText(statementOf(desk.settings.name, await desk.approval(approvalId), decision));
  return { ...decision, signature: await signedBy(desk, decision.by, text) };
}

/** A person's word on a line, signed as `settle` does it: dana says that it is not booked, unless told otherwise. */
export async function signedWord(
  desk: Desk,
  ref: string,
  change: Partial<Settlement> = {},
): Promise<PersonsWord & Settlement> {
  const said: Settlement = {
    ...{ verdict: change.dealId ? "booked" : "not_booked", dealId: null, by: "dana", note: "told by mail" },
    decidedAt: new Date().toISOString(),
    ...change,
  };
  return { ...said, signature: await signedBy(desk, said.by, settlementText(desk.settings.name, ref, said)) };
}

async function signedBy(desk: Desk, person: string, text: string) {
  if (!(await desk.people.isSet(person))) await desk.people.setPin(person, pin);
  const proof = await desk.people.sign(person, pin, text);
  if (!proof) throw new Error(`the PIN does not open the key of ${person}`);
  return { kind: "key", person, ...proof } as const;
}
