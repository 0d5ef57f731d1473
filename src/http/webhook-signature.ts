import { createHash, createPublicKey, type KeyObject, timingSafeEqual, verify } from "node:crypto";
import { headerOnce, labelledBytes, type ReceivedRequest, signatureInput } from "./webhook-headers.ts";

/**
 * Verifies a webhook that is signed by the AdCP profile of RFC 9421 (`adcp/webhook-signing/v1`; AdCP 3.0 and 3.1, security,
 * "webhook callbacks").
 */

/** A public key of a seller's, as its JWKS has it. */
export interface SigningKey {
  readonly kid: string;
  readonly kty: string;
  readonly crv?: string | undefined;
  readonly x?: string | undefined;
  readonly y?: string | undefined;
  readonly use?: string | undefined;
  readonly key_ops?: readonly string[] | undefined;
  readonly adcp_use?: string | undefined;
  /** ISO 8601; what was signed from then on does not count. */
  readonly revoked_at?: string | undefined;
}

/** `once` is the nonce under its key, `until` when it is over (milliseconds): until then it must not come again. */
export type SignatureVerdict =
  | { readonly ok: true; readonly once: string; readonly until: number }
  | { readonly ok: false; readonly why: string };

const TAG = "adcp/webhook-signing/v1";
const covers = ["@method", "@target-uri", "@authority", "content-type", "content-digest"];
/** Most seconds between signing and the end, and how far two clocks may be apart. */
const LONGEST_SECONDS = 300;
const SKEW_SECONDS = 60;

const algorithms: Readonly<
  Record<string, { readonly kty: string; readonly crv: string; readonly digest: string | null }>
> = {
  ed25519: { kty: "OKP", crv: "Ed25519", digest: null },
  "ecdsa-p256-sha256": { kty: "EC", crv: "P-256", digest: "sha256" },
};
/** The purpose of a key that signs webhooks; the second is the older name. */
const purposes = ["request-signing", "webhook-signing"];

/**
 * @param url the address that was registered for this webhook: what the seller must have signed, whatever proxies made of it
 * @param keys the seller's own
 * @param now milliseconds
 */
export function verifySignature(
  request: ReceivedRequest,
  url: string,
  keys: readonly SigningKey[],
  now: number,
): SignatureVerdict {
  const no = (why: string): SignatureVerdict => ({ ok: false, why });
  const [given, signed, digest, type] = ["signature-input", "signature", "content-digest", "content-type"].map((name) =>
    headerOnce(request, name),
  );
  if (!given || !signed || !digest || !type) return no("A header of the signature is missing, or is there twice.");
  const input = signatureInput(given);
  const signature = input && labelledBytes(signed, input.label);
  if (!input || !signature) return no("The signature's headers cannot be read, or hold more than one signature.");
  const { covered, parameters, raw } = input;
  if (covered.length !== covers.length || !covers.every((name) => covered.includes(name)))
    return no("The signature does not cover just what it must.");
  if (parameters.get("tag") !== TAG) return no("The signature is for another purpose (tag).");
  const [created, expires, nonce, keyid, alg] = ["created", "expires", "nonce", "keyid", "alg"].map((name) =>
    parameters.get(name),
  );
  if (typeof created !== "number" || typeof expires !== "number")
    return no("The signature does not say how long it holds.");
  if (expires <= created || expires - created > LONGEST_SECONDS)
    return no("The signature holds for too long, or never.");
  if (created - SKEW_SECONDS > now / 1000) return no("The signature is of a time to come.");
  const until = (expires + SKEW_SECONDS) * 1000;
  if (until <= now) return no("The signature has expired.");
  if (typeof nonce !== "string" || !/^[A-Za-z0-9_+/=-]{16,255}$/.test(nonce))
    return no("The signature has no usable nonce.");
  const algorithm = typeof alg === "string" && Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined;
  if (!algorithm) return no("The signature's algorithm is not one of those allowed.");
  const found = keys.filter(({ kid }) => kid === keyid);
  const [key] = found;
  if (!key || found.length > 1) return no("The signature's key is not one of the seller's.");
  const unfit = whyUnfit(key, algorithm, created);
  if (unfit !== null) return no(unfit);
  const bytes = labelledBytes(digest, "sha-256");
  if (!bytes || !same(bytes, createHash("sha256").update(request.body).digest()))
    return no("The body is not the one that was signed (content-digest).");
  const publicKey = importedKey(key);
  if (!publicKey) return no("The signature's key cannot be read.");
  const base = signatureBase(covered, raw, { request, url, digest, type });
  const how = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
  if (!verify(algorithm.digest, base, how, signature)) return no("The signature is wrong.");
  return { ok: true, once: `${key.kid} ${nonce}`, until };
}

/** What was signed (RFC 9421 §2.5): a line for each component, and the signature's own parameters as they came. */
function signatureBase(
  covered: readonly string[],
  raw: string,
  of: { readonly request: ReceivedRequest; readonly url: string; readonly digest: string; readonly type: string },
): Buffer {
  const { href, host } = new URL(of.url);
  const values: Readonly<Record<string, string>> = {
    "@method": of.request.method,
    "@target-uri": href.split("#")[0] ?? "",
    "@authority": host,
    "content-type": of.type,
    "content-digest": of.digest,
  };
  const lines = covered.map((name) => `"${name}": ${values[name]}`);
  return Buffer.from([...lines, `"@signature-params": ${raw}`].join("\n"), "utf8");
}

function whyUnfit(key: SigningKey, { kty, crv }: { kty: string; crv: string }, created: number): string | null {
  if (key.kty !== kty || key.crv !== crv) return "The signature's algorithm is not its key's.";
  const { use = "sig", key_ops = ["verify"], adcp_use = "" } = key;
  if (use !== "sig" || !key_ops.includes("verify") || !purposes.includes(adcp_use))
    return "The signature's key is not for signing webhooks.";
  if (key.revoked_at === undefined || created * 1000 < Date.parse(key.revoked_at)) return null;
  return "The signature's key has been revoked.";
}

function importedKey({ kty, crv = "", x = "", y }: SigningKey): KeyObject | null {
  try {
    return createPublicKey({ key: { kty, crv, x, ...(y === undefined ? {} : { y }) }, format: "jwk" });
  } catch {
    return null;
  }
}

function same(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
