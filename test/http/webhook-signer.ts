import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import type { SigningKey } from "../../src/http/webhook-signature.ts";

/** A seller's side of a webhook: its keys, and requests signed as RFC 9421 says, with whatever a test wants to be wrong. */

export interface SellerKey {
  readonly secret: KeyObject;
  readonly jwk: SigningKey;
}

export function ed25519(kid: string, more: Partial<SigningKey> = {}): SellerKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { secret: privateKey, jwk: jwkOf(publicKey, kid, more) };
}

export function p256(kid: string, more: Partial<SigningKey> = {}): SellerKey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { secret: privateKey, jwk: jwkOf(publicKey, kid, more) };
}

function jwkOf(key: KeyObject, kid: string, more: Partial<SigningKey>): SigningKey {
  const { kty = "", crv, x, y } = key.export({ format: "jwk" });
  return { kid, kty, crv, x, y, adcp_use: "request-signing", ...more };
}

export interface Signing {
  readonly key: SellerKey;
  readonly url: string;
  readonly body: string;
  /** Seconds. */
  readonly created: number;
  readonly lasts?: number;
  readonly nonce?: string;
  readonly alg?: string;
  readonly tag?: string;
  readonly kid?: string;
  readonly covered?: readonly string[];
  readonly alphabet?: "base64" | "base64url";
  /** Between a parameter and the next. */
  readonly separator?: string;
}

/** The headers of a signed POST. */
export function signed(of: Signing): Record<string, string> {
  const { key, url, body, created, lasts = 300, alphabet = "base64", separator = ";" } = of;
  const isEd25519 = key.secret.asymmetricKeyType === "ed25519";
  const { alg = isEd25519 ? "ed25519" : "ecdsa-p256-sha256", tag = "adcp/webhook-signing/v1" } = of;
  const { kid = key.jwk.kid, nonce = randomUUID() } = of;
  const covered = of.covered ?? ["@method", "@target-uri", "@authority", "content-type", "content-digest"];
  const digest = `sha-256=:${createHash("sha256").update(body).digest(alphabet)}:`;
  const values: Record<string, string> = {
    "@method": "POST",
    "@target-uri": url,
    "@authority": new URL(url).host,
    "content-type": "application/json",
    "content-digest": digest,
  };
  const parameters = [
    `(${covered.map((name) => `"${name}"`).join(" ")})`,
    `created=${created}`,
    `expires=${created + lasts}`,
    `nonce="${nonce}"`,
    `keyid="${kid}"`,
    `alg="${alg}"`,
    `tag="${tag}"`,
  ].join(separator);
  const lines = covered.map((name) => `"${name}": ${values[name]}`);
  const base = Buffer.from([...lines, `"@signature-params": ${parameters}`].join("\n"));
  const made = sign(isEd25519 ? null : "sha256", base, { key: key.secret, dsaEncoding: "ieee-p1363" });
  return {
    "content-type": "application/json",
    "content-digest": digest,
    "signature-input": `sig1=${parameters}`,
    signature: `sig1=:${made.toString(alphabet)}:`,
  };
}

/** The headers of a POST under the older scheme. @param at seconds */
export function hmacSigned(secret: string, body: string, at: number): Record<string, string> {
  return {
    "content-type": "application/json",
    "x-adcp-timestamp": String(at),
    "x-adcp-signature": `sha256=${createHmac("sha256", secret).update(`${at}.${body}`).digest("hex")}`,
  };
}
