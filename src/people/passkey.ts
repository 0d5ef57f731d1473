import { createHash } from "node:crypto";
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from "@simplewebauthn/server";
import * as z from "zod";
import type { Signature } from "../domain/decision.ts";
import type { Passkey } from "./keys.ts";

/** Passkeys belong to this host, whatever the port: browsers refuse WebAuthn on an IP address. */
export const PASSKEY_HOST = "localhost";

/** How long a browser waits for the person, in milliseconds. */
const TOUCH_MS = 120_000;

export type PasskeySignature = Extract<Signature, { kind: "passkey" }>;

const base64url = z
  .string()
  .max(8_000)
  .regex(/^[A-Za-z0-9_-]+$/);

/** A browser's answer to `navigator.credentials.get`, as far as it is read (WebAuthn level 3, AuthenticationResponseJSON). */
export const assertion = z.object({
  id: base64url,
  response: z.object({ clientDataJSON: base64url, authenticatorData: base64url, signature: base64url }),
});

/** A browser's answer to `navigator.credentials.create`, as far as it is read (RegistrationResponseJSON). */
export const attestation = z.object({
  id: base64url,
  response: z.object({
    clientDataJSON: base64url,
    attestationObject: base64url,
    transports: z.array(z.string().max(20)).max(8).default([]),
  }),
});

/** The challenge that binds a text: its SHA-256, in base64url. */
export function challengeOf(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("base64url");
}

/** A browser's answer as a signature of that person over the text its challenge was made from. */
export function passkeySignature(person: string, answer: z.output<typeof assertion>): PasskeySignature {
  const { clientDataJSON, authenticatorData, signature } = answer.response;
  return { kind: "passkey", person, keyId: answer.id, clientDataJSON, authenticatorData, signature };
}

/**
 * Checks a passkey's signature over a text, today or years later: the challenge is the text's, the page was ours, the
 * user was verified, the key is this one. Whether it was used before is for whoever takes the signature in to check, by
 * the counter.
 * @param origin such as `http://localhost:7788`; null accepts every port, for an audit of what a port long given up took in
 * @returns the authenticator's use counter (0 where it keeps none), or null when the signature does not hold
 */
export async function verifyPasskey(
  signature: PasskeySignature,
  text: string,
  passkey: Passkey,
  origin: string | null,
): Promise<{ readonly counter: number } | null> {
  const said = originSaid(signature.clientDataJSON);
  if (signature.keyId !== passkey.id || said === null || (origin !== null && said !== origin)) return null;
  const response: AuthenticationResponseJSON = {
    id: signature.keyId,
    rawId: signature.keyId,
    type: "public-key",
    response: signature,
    clientExtensionResults: {},
  };
  const { verifyAuthenticationResponse } = await webAuthn();
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: challengeOf(text),
      expectedOrigin: said,
      expectedRPID: PASSKEY_HOST,
      requireUserVerification: true,
      credential: { id: passkey.id, publicKey: Buffer.from(passkey.publicKey, "base64url"), counter: 0 },
    });
    return verified ? { counter: authenticationInfo.newCounter } : null;
  } catch {
    // The library says by an error what does not fit; which of it must not matter to whoever sent it.
    return null;
  }
}

/** True when a counter is one this passkey may show next; authenticators without one always show 0 (WebAuthn level 3, §6.1.1). */
export function counterMovedOn(passkey: Passkey, counter: number): boolean {
  return counter > passkey.counter || (counter === 0 && passkey.counter === 0);
}

/** What a browser needs to sign a challenge with one of a person's passkeys. */
export async function signingOptions(passkeys: readonly Passkey[], challenge: string) {
  const { generateAuthenticationOptions } = await webAuthn();
  return generateAuthenticationOptions({
    rpID: PASSKEY_HOST,
    challenge: Buffer.from(challenge, "base64url"),
    allowCredentials: passkeys.map(({ id, transports }) => ({ id, transports: [...transports] })),
    userVerification: "required",
    timeout: TOUCH_MS,
  });
}

/** What a browser needs to make a new passkey for a person. */
export async function creationOptions(desk: string, person: string, held: readonly Passkey[], challenge: string) {
  const { generateRegistrationOptions } = await webAuthn();
  return generateRegistrationOptions({
    rpName: "media-buyer-mcp",
    rpID: PASSKEY_HOST,
    userName: `${person} on desk ${desk}`,
    userDisplayName: person,
    userID: createHash("sha256").update(`${desk}/${person}`, "utf8").digest(),
    challenge: Buffer.from(challenge, "base64url"),
    excludeCredentials: held.map(({ id, transports }) => ({ id, transports: [...transports] })),
    authenticatorSelection: { userVerification: "required", residentKey: "preferred" },
    timeout: TOUCH_MS,
  });
}

/** A new passkey from a browser's answer; null when it does not answer that challenge on that origin with a verified user. */
export async function newPasskey(
  answer: z.output<typeof attestation>,
  challenge: string,
  origin: string,
  addedAt: string,
): Promise<Passkey | null> {
  const response: RegistrationResponseJSON = {
    id: answer.id,
    rawId: answer.id,
    type: "public-key",
    response: answer.response,
    clientExtensionResults: {},
  };
  const { verifyRegistrationResponse } = await webAuthn();
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: PASSKEY_HOST,
      requireUserVerification: true,
    });
    if (!verified) return null;
    const { id, publicKey, counter } = registrationInfo.credential;
    const { transports } = answer.response;
    return { id, publicKey: Buffer.from(publicKey).toString("base64url"), counter, transports, addedAt };
  } catch {
    // As above: a registration that does not fit is simply none.
    return null;
  }
}

/** The origin a browser says it signed for, if it is a page of this computer. */
function originSaid(clientDataJSON: string): string | null {
  try {
    const { origin } = z
      .object({ origin: z.string() })
      .parse(JSON.parse(Buffer.from(clientDataJSON, "base64url").toString("utf8")));
    return /^http:\/\/localhost(:\d{1,5})?$/.test(origin) ? origin : null;
  } catch {
    return null;
  }
}

/** Loaded when the first passkey is used: starting a server must not wait for it. */
function webAuthn() {
  return import("@simplewebauthn/server");
}
