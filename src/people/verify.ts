import type { Signature } from "../domain/decision.ts";
import type { PeopleKeys } from "./keys.ts";
import { verifyPasskey } from "./passkey.ts";

/**
 * Whether a signature over a text is by a key of the person it names: the key under their PIN, now or earlier, or one of
 * their passkeys. Whose word a decision is depends on this and on nothing in the ledger.
 */
export async function verifySignature(people: PeopleKeys, text: string, signature: Signature): Promise<boolean> {
  if (signature.kind === "key") return people.verify(signature.person, signature.keyId, text, signature.signature);
  const held = await people.passkeys(signature.person);
  const passkey = held.find(({ id }) => id === signature.keyId);
  return passkey !== undefined && (await verifyPasskey(signature, text, passkey, null)) !== null;
}
