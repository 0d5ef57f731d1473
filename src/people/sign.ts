import { type DecisionStatement, type Signature, statementText } from "../domain/decision.ts";
import { type PeopleKeys, personName } from "./keys.ts";
import type { PinTries } from "./tries.ts";

/** What a person's PIN is checked with. */
export interface PinCheck {
  readonly people: PeopleKeys;
  readonly tries: PinTries;
}

export type PinVerdict<T> =
  | { readonly kind: "ok"; readonly signature: T }
  /** The PIN is wrong; the try is counted. */
  | { readonly kind: "wrong" }
  /** Too many wrong PINs: this one was not looked at. */
  | { readonly kind: "locked" }
  /** Nobody of that name has a PIN on this desk. */
  | { readonly kind: "none" };

type KeySignature = Extract<Signature, { kind: "key" }>;

/** Signs a decision with the person's key, which their PIN opens. */
export function signWithPin(
  check: PinCheck,
  person: string,
  pin: string,
  statement: DecisionStatement,
): Promise<PinVerdict<KeySignature>> {
  return signTextWithPin(check, person, pin, statementText(statement));
}

/**
 * Signs any text with the person's key: the one way a PIN is ever checked. The try is counted before it is checked, so
 * that ending the process is no way round the limit.
 */
export async function signTextWithPin(
  { people, tries }: PinCheck,
  person: string,
  pin: string,
  text: string,
): Promise<PinVerdict<KeySignature>> {
  if (!personName.test(person) || !(await people.isSet(person))) return { kind: "none" };
  if ((await tries.begin(person)) === "locked") return { kind: "locked" };
  const signed = await people.sign(person, pin, text);
  if (!signed) return { kind: "wrong" };
  await tries.succeeded(person);
  return { kind: "ok", signature: { kind: "key", person, ...signed } };
}
