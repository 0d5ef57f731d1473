import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { hasHeader, headerOnce, type ReceivedRequest } from "./webhook-headers.ts";
import type { Replays } from "./webhook-replays.ts";
import { type SigningKey, verifySignature } from "./webhook-signature.ts";

/**
 * Whether a webhook comes from the seller that was asked to send it (AdCP 3.0 and 3.1, webhooks). Even then it is a hint to
 * read again, and no more: what it says of a buy is not looked at.
 */

/** What was registered with the seller for one call. */
export interface ExpectedWebhook {
  readonly sellerId: string;
  /** The registered address, in full. */
  readonly url: string;
  /** The `token` that was registered; the seller must send it back. One of less than 16 characters is never accepted. */
  readonly token: string;
  /** The `operation_id` that was registered; a seller that sends one must send this one. */
  readonly operationId: string | null;
  /** What it is about, for whoever follows the hint; the sender cannot say it. */
  readonly about?: string;
  /** How it must prove itself. Registered as the one, it is never accepted by the other. */
  readonly scheme:
    | { readonly kind: "rfc9421"; readonly keys: readonly SigningKey[] }
    | { readonly kind: "hmac"; readonly secret: string };
}

/** What to read again. Ids are the seller's, in printable ASCII. */
export interface WebhookHint {
  readonly sellerId: string;
  /** As it was registered, not as the sender says. */
  readonly about?: string;
  readonly operationId: string | null;
  readonly taskId: string;
  readonly taskType: string;
  readonly status: (typeof statuses)[number];
}

/** `repeated`: this event was taken before. `release` forgets it, so that the seller's next try counts. */
export type WebhookVerdict =
  | { readonly ok: true; readonly hint: WebhookHint; readonly repeated: boolean; readonly release: () => void }
  | { readonly ok: false; readonly why: string };

const statuses = [
  "submitted",
  "working",
  "input-required",
  "completed",
  "canceled",
  "failed",
  "rejected",
  "auth-required",
  "unknown",
] as const;

const SHORTEST_SECRET = 32;
const HMAC_SECONDS = 300;
/** Sellers try again for at most a day; an event that comes later is read once more, which does no harm. */
const EVENT_MS = 86_400_000;

/** Judges one request. @param now milliseconds */
export function verifyWebhook(
  request: ReceivedRequest,
  expected: ExpectedWebhook,
  replays: Replays,
  now: number,
): WebhookVerdict {
  const { sellerId, scheme, url } = expected;
  const no = (why: string): WebhookVerdict => ({ ok: false, why });
  const isSigned = hasHeader(request, "signature") || hasHeader(request, "signature-input");
  const isHmac = hasHeader(request, "x-adcp-signature");
  if (isSigned === isHmac || isSigned !== (scheme.kind === "rfc9421"))
    return no("It is not signed in the way that was registered.");
  const proof =
    scheme.kind === "rfc9421"
      ? verifySignature(request, url, scheme.keys, now)
      : verifyHmac(request, scheme.secret, now);
  if (!proof.ok) return proof;
  const event = eventIn(request);
  if (event === null) return no("Its body is not a webhook of AdCP.");
  const { idempotency_key, operation_id, token } = event;
  if (!sameText(token, expected.token)) return no("It does not carry the token that was registered.");
  if (operation_id !== null && expected.operationId !== null && operation_id !== expected.operationId)
    return no("It is about another operation than it was registered for.");
  // Only now, so that nobody but the seller can fill the memory.
  const signed = `once ${proof.once}`;
  const once = replays.take(sellerId, signed, now, proof.until);
  if (once !== "new")
    return no(once === "seen" ? "It was received before (replayed)." : "Too many came from this seller.");
  const kept = `event ${idempotency_key}`;
  const taken = replays.take(sellerId, kept, now, now + EVENT_MS);
  if (taken === "full") return no("Too many came from this seller.");
  const { task_id: taskId, task_type: taskType, status } = event;
  return {
    ok: true,
    hint: {
      sellerId,
      ...(expected.about === undefined ? {} : { about: expected.about }),
      operationId: operation_id,
      taskId,
      taskType,
      status,
    },
    repeated: taken === "seen",
    release: () => {
      replays.release(sellerId, kept);
      replays.release(sellerId, signed);
    },
  };
}

/** The older scheme: HMAC-SHA256 over `{timestamp}.{body}`. */
function verifyHmac(request: ReceivedRequest, secret: string, now: number): ReturnType<typeof verifySignature> {
  if (secret.length < SHORTEST_SECRET)
    return { ok: false, why: `The secret is shorter than ${SHORTEST_SECRET} characters.` };
  const timestamp = headerOnce(request, "x-adcp-timestamp");
  const given = /^sha256=([0-9a-f]{64})$/i.exec(headerOnce(request, "x-adcp-signature") ?? "")?.[1];
  if (timestamp === null || !/^\d{9,11}$/.test(timestamp) || given === undefined)
    return { ok: false, why: "A header of the signature is missing, is there twice, or cannot be read." };
  if (Math.abs(now / 1000 - Number(timestamp)) > HMAC_SECONDS)
    return { ok: false, why: "The signature is too old, or of a time to come." };
  const right = createHmac("sha256", secret).update(`${timestamp}.`).update(request.body).digest();
  if (!timingSafeEqual(right, Buffer.from(given, "hex"))) return { ok: false, why: "The signature is wrong." };
  return { ok: true, once: `hmac ${right.toString("hex")}`, until: (Number(timestamp) + HMAC_SECONDS) * 1000 + 1 };
}

interface Event {
  readonly idempotency_key: string;
  readonly operation_id: string | null;
  readonly task_id: string;
  readonly task_type: string;
  readonly status: (typeof statuses)[number];
  readonly token: string;
}

const id = /^[A-Za-z0-9_.:-]{1,255}$/;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The few fields that are read of a body (AdCP 3.1.19, core/mcp-webhook-payload); sellers of 3.0 leave `operation_id` out. */
function eventIn(request: ReceivedRequest): Event | null {
  let body: unknown;
  try {
    body = JSON.parse(utf8.decode(request.body));
  } catch {
    return null;
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) return null;
  const text = (name: string, shape: RegExp) => {
    const value = Object.hasOwn(body, name) ? Reflect.get(body, name) : undefined;
    return typeof value === "string" && shape.test(value) ? value : null;
  };
  const idempotency_key = text("idempotency_key", /^[A-Za-z0-9_.:-]{16,255}$/);
  const operation_id = text("operation_id", id);
  const task_id = text("task_id", /^[!-~]{1,255}$/);
  const task_type = text("task_type", /^[a-z][a-z_]{0,60}$/);
  const named = text("status", /^[a-z-]{1,40}$/);
  const status = statuses.find((one) => one === named);
  const token = text("token", /^[\s\S]{16,4096}$/);
  if (idempotency_key === null || task_id === null || task_type === null || !status || token === null) return null;
  // One that is there and cannot be read is not taken for one that is missing.
  if (operation_id === null && Object.hasOwn(body, "operation_id")) return null;
  return { idempotency_key, operation_id, task_id, task_type, status, token };
}

/** In constant time, whatever their lengths. */
function sameText(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
