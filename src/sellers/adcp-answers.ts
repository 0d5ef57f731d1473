import { type Tier, tiers } from "../domain/identity.ts";
import type { Envelope } from "./adcp-carrier.ts";
import type { Http } from "./http.ts";

/** What both carriers of AdCP read alike. */

/** One JSON-RPC 2.0 reply. */
export type RpcReply = { readonly result: Readonly<Record<string, unknown>> } | { readonly error: RpcError };

/** A JSON-RPC error, as a reply has it or a library throws it. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** A JSON object, and no array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The reply to the request with this id, also out of a batch; the first, where a seller answers twice. */
export function rpcReply(json: unknown, id: unknown): RpcReply | null {
  for (const message of Array.isArray(json) ? json : [json]) {
    if (!isObject(message) || message["id"] !== id || "method" in message) continue;
    const { result, error } = message;
    if (isObject(result)) return { result };
    if (!isObject(error)) continue;
    const { code, message: words, data } = error;
    return {
      error: { code: Number.isInteger(code) ? Number(code) : 0, message: typeof words === "string" ? words : "", data },
    };
  }
  return null;
}

/** Whether an envelope says that the task failed, in AdCP's own words. */
export function hasAdcpError(envelope: Envelope): boolean {
  const { adcp_error: fatal, errors } = envelope;
  return isObject(fatal) || (Array.isArray(errors) && errors.some(isObject));
}

/** AdCP has one credential per seller: that of the highest tier which has one, else none. */
export function credentialTier(http: Http): Tier {
  return tiers.findLast(http.hasCredential) ?? "public";
}
