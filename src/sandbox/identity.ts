import type { Tier } from "./pricing.ts";
import { worded } from "./wire.ts";

/** Ids a buyer reveals; all may be absent. */
export interface BuyerIdentity {
  readonly seat_id?: string | null;
  readonly agency_id?: string | null;
  readonly advertiser_id?: string | null;
}

/** Who calls, as far as the seller can tell. */
export interface Caller {
  readonly role: "anonymous" | "buyer" | "operator";
  readonly tier: Tier;
  readonly identity: BuyerIdentity;
}

/** The API keys one seller gives out, a tier each. For the sandbox only: they are fixed and public. */
export interface TierKeys {
  readonly seat: string;
  readonly agency: string;
  readonly advertiser: string;
}

/** The fixed sandbox-only keys of a seller: `sandbox-northbeam-agency`. */
export function keysOf(sellerId: string): TierKeys {
  return {
    seat: `sandbox-${sellerId}-seat`,
    agency: `sandbox-${sellerId}-agency`,
    advertiser: `sandbox-${sellerId}-advertiser`,
  };
}

/** The sandbox-only key of the seller's own staff, which moves orders along. */
export function operatorKeyOf(sellerId: string): string {
  return `sandbox-${sellerId}-operator`;
}

/** An advertiser without an agency counts as nobody: that is how the real seller ranks it. */
export function tierOf(identity: BuyerIdentity): Tier {
  if (identity.agency_id) return identity.advertiser_id ? "advertiser" : "agency";
  return identity.seat_id ? "seat" : "public";
}

/** The scope in which an idempotency key is known: all anonymous buyers share `public`. */
export function scopeOf(identity: BuyerIdentity): string {
  if (identity.advertiser_id) return `advertiser:${identity.advertiser_id}`;
  if (identity.agency_id) return `agency:${identity.agency_id}`;
  return identity.seat_id ? `seat:${identity.seat_id}` : "public";
}

const anonymous: Caller = { role: "anonymous", tier: "public", identity: {} };

/** The credential of a request and the header it came in; `X-Api-Key` wins over a bearer token. */
export function credentialOf(headers: Readonly<Record<string, string | string[] | undefined>>): {
  readonly via: "x-api-key" | "bearer" | "other" | null;
  readonly key: string | null;
} {
  const apiKey = headers["x-api-key"];
  if (typeof apiKey === "string" && apiKey !== "") return { via: "x-api-key", key: apiKey };
  const authorization = headers["authorization"];
  if (typeof authorization !== "string") return { via: null, key: null };
  const bearer = /^Bearer\s+(.+)$/i.exec(authorization);
  return bearer ? { via: "bearer", key: bearer[1] ?? null } : { via: "other", key: null };
}

/** Who holds this key at this seller. No key is anonymous; an unknown one is refused with 401. */
export function callerOf(sellerId: string, key: string | null): Caller {
  if (key === null) return anonymous;
  const keys = keysOf(sellerId);
  const seat = { seat_id: "seat-sandbox-1" };
  const agency = { ...seat, agency_id: "agency-sandbox-1" };
  const advertiser = { ...agency, advertiser_id: "advertiser-sandbox-1" };
  if (key === keys.seat) return { role: "buyer", tier: "seat", identity: seat };
  if (key === keys.agency) return { role: "buyer", tier: "agency", identity: agency };
  if (key === keys.advertiser) return { role: "buyer", tier: "advertiser", identity: advertiser };
  if (key === operatorKeyOf(sellerId)) return { role: "operator", tier: "public", identity: {} };
  throw worded(401, "Invalid API key", { "WWW-Authenticate": "Bearer" });
}

/** Lets only the seller's staff pass. */
export function requireOperator(caller: Caller): void {
  if (caller.role === "anonymous") throw worded(401, "Authentication required", { "WWW-Authenticate": "Bearer" });
  if (caller.role !== "operator") throw worded(403, "Operator credential required");
}

/** The tier that prices a call. An `agent_url` is never reached from the sandbox, and unknown agents are public. */
export function pricingTier(caller: Caller, agentUrl: string | null): Tier {
  return agentUrl === null ? caller.tier : "public";
}
