import type { Ports } from "../../src/buying/ports.ts";
import type { PersonsWord } from "../../src/buying/settle.ts";
import type { Signature } from "../../src/domain/decision.ts";
import { sha256 } from "../../src/domain/ids.ts";
import { type Settlement, settlementText } from "../../src/domain/settlement.ts";

/**
 * A signature as far as a schedule needs one: it fits this person and exactly this text. That nobody else can make it is
 * the real keys' affair, and tested with them.
 */
export function signedAs(person: string, text: string): Signature {
  return { kind: "key", person, keyId: "k", signature: sha256(`${person} ${text}`) };
}

/** Checks what {@link signedAs} made: the port of every process, and of the audit at the end. */
export const signatures: Ports["signatures"] = {
  verify: (text, { person, signature }) => Promise.resolve(signature === sha256(`${person} ${text}`)),
};

/** What dana says of a line in a process's terminal, signed. */
export function wordOf(
  ports: Ports,
  ref: string,
  said: Pick<Settlement, "verdict" | "dealId" | "note">,
): PersonsWord & Settlement {
  const settlement = { ...said, by: "dana", decidedAt: ports.now().toISOString() };
  return { ...settlement, signature: signedAs("dana", settlementText(ports.settings.name, ref, settlement)) };
}
