import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  sign,
} from "node:crypto";
import { request } from "node:http";
import * as z from "zod";
import { type AdcpRuntime, isoTime } from "./runtime.ts";
import type { Json, StoredTask } from "./state.ts";

/**
 * Webhooks when a task is decided: signed as RFC 9421 says (AdCP 3.1, security, webhook callbacks), or under the older
 * scheme where the buyer gave credentials. Only loopback is called.
 */

const config = z.looseObject({
  url: z.url(),
  operation_id: z.string().optional(),
  token: z.string().optional(),
  authentication: z.looseObject({ schemes: z.array(z.string()), credentials: z.string() }).optional(),
});

/** What can be wrong with a webhook, for tests of who receives it. */
export type WebhookFlaw = "none" | "tampered" | "expired" | "other-key" | "unsigned";

const keyId = "sandbox-webhooks";
const covered = ["@method", "@target-uri", "@authority", "content-type", "content-digest"];
const loopback = ["127.0.0.1", "localhost", "[::1]"];

/** The seller's key, in PEM; made when first needed, and kept over restarts. */
function secret(seller: AdcpRuntime): string {
  seller.books.webhookKey ??= freshKey();
  return seller.books.webhookKey;
}

function freshKey(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** `/.well-known/jwks.json`: the public half. */
export function keySet(seller: AdcpRuntime): Json {
  const jwk = createPublicKey(createPrivateKey(secret(seller))).export({ format: "jwk" });
  const purpose = { use: "sig", key_ops: ["verify"], adcp_use: "request-signing" };
  return { keys: [{ ...jwk, kid: keyId, alg: "EdDSA", ...purpose }] };
}

/** `/.well-known/brand.json`: the seller's agents and where their keys are. On loopback there is only http. */
export function brandFile(seller: AdcpRuntime): Json {
  const agents = Object.entries(seller.agents).map(([carrier, url]) => ({
    type: "sales",
    url,
    id: `${seller.profile.id}_${carrier}`,
    jwks_uri: `${seller.url}/.well-known/jwks.json`,
  }));
  return { version: "1.0", agents };
}

interface Signing {
  readonly url: URL;
  readonly body: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly pem: string;
}

function signedHeaders({ url, body, created, pem }: Signing): Record<string, string> {
  const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
  const values: Readonly<Record<string, string>> = {
    "@method": "POST",
    "@target-uri": url.href,
    "@authority": url.host,
    "content-type": "application/json",
    "content-digest": digest,
  };
  const names = covered.map((name) => `"${name}"`).join(" ");
  const times = `created=${created};expires=${created + 300};nonce="${randomUUID()}"`;
  const parameters = `(${names});${times};keyid="${keyId}";alg="ed25519";tag="adcp/webhook-signing/v1"`;
  const lines = [...covered.map((name) => `"${name}": ${values[name]}`), `"@signature-params": ${parameters}`];
  const made = sign(null, Buffer.from(lines.join("\n")), createPrivateKey(pem)).toString("base64url");
  return { "Content-Digest": digest, "Signature-Input": `sig1=${parameters}`, Signature: `sig1=:${made}:` };
}

function olderHeaders(
  schemes: readonly string[],
  credentials: string,
  body: string,
  at: number,
): Record<string, string> {
  if (schemes.includes("Bearer")) return { Authorization: `Bearer ${credentials}` };
  const digest = createHmac("sha256", credentials).update(`${at}.${body}`).digest("hex");
  return { "X-ADCP-Timestamp": String(at), "X-ADCP-Signature": `sha256=${digest}` };
}

function post(url: URL, headers: Record<string, string>, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const all = { ...headers, "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)) };
    const call = request(url, { method: "POST", agent: false, headers: all }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.setTimeout(5_000, () => call.destroy(new Error("The webhook was not taken within 5 s.")));
    call.on("error", reject);
    call.end(body);
  });
}

/**
 * Tells the buyer how a task stands, as often as it is called; the same event keeps its `idempotency_key`.
 *
 * @returns the receiver's HTTP status; null where nobody asked to be told, or somebody beyond loopback did
 */
export async function notify(
  seller: AdcpRuntime,
  task: StoredTask,
  flaw: WebhookFlaw = "none",
): Promise<number | null> {
  const asked = config.safeParse(task.webhook).data;
  if (!asked) return null;
  const url = new URL(asked.url);
  if (url.protocol !== "http:" || !loopback.includes(url.hostname)) return null;
  const body = JSON.stringify({
    idempotency_key: `event.${task.id}.${task.status}`,
    operation_id: asked.operation_id ?? task.id,
    task_id: task.id,
    task_type: task.type,
    protocol: "media-buy",
    status: task.status,
    timestamp: isoTime(task.updatedAt),
    message: task.reason ?? task.step,
    ...(asked.token === undefined ? {} : { token: asked.token }),
    ...(task.result === null ? {} : { result: task.result }),
  });
  const created = Math.floor(seller.now() / 1_000) - (flaw === "expired" ? 3_600 : 0);
  const sent = flaw === "tampered" ? body.replace(task.id, `${task.id}0`) : body;
  const { authentication: older } = asked;
  if (flaw === "unsigned") return post(url, {}, sent);
  if (older) return post(url, olderHeaders(older.schemes, older.credentials, body, created), sent);
  const pem = flaw === "other-key" ? freshKey() : secret(seller);
  return post(url, signedHeaders({ url, body, created, pem }), sent);
}
