import type { AdcpMode, AdcpPricing } from "./profile.ts";

/** A JSON object on the wire. */
export type Json = Readonly<Record<string, unknown>>;

/** What an AdCP seller remembers of an account. Times are milliseconds since 1970 (UTC), here and below. */
export interface StoredAccount {
  readonly id: string;
  readonly name: string;
  readonly brand: Json;
  readonly operator: string;
  readonly billing: string;
  readonly paymentTerms: string;
  readonly status: "active" | "pending_approval" | "rejected";
}

/** A price that a refinement or a finalized proposal made, beside the published ones. */
export interface StoredOffer {
  readonly productId: string;
  readonly pricing: AdcpPricing;
  readonly expiresAt: number;
}

/** A proposal as last told. */
export interface StoredProposal {
  readonly id: string;
  readonly planId: string;
  readonly status: "draft" | "committed";
  /** What the asks took off the prices, as a fraction. */
  readonly off: number;
  /** The prices by product since it was made firm. */
  readonly firm: Readonly<Record<string, AdcpPricing>>;
  readonly expiresAt: number;
  readonly ioId: string;
}

/** What a package has delivered, by UTC day. */
export type Daily = Record<string, { impressions: number; spend: number; bids: number }>;

/** A package as booked; `price` is what a unit costs when it is fixed. */
export interface StoredPackage {
  readonly id: string;
  readonly productId: string;
  readonly pricing: AdcpPricing;
  readonly budget: number;
  readonly bid: number | null;
  readonly pacing: string;
  readonly impressions: number | null;
  readonly paused: boolean;
  readonly canceledAt: number | null;
  readonly startAt: number;
  readonly endAt: number;
  readonly creatives: readonly string[];
  readonly asked: Json;
  readonly delivered: Daily;
}

/** A media buy. */
export interface StoredBuy {
  readonly id: string;
  readonly accountId: string;
  readonly guaranteed: boolean;
  /** What is beyond time and creatives: waiting in the legacy shape, stopped, or running its course. */
  readonly standing: "pending_approval" | "rejected" | "canceled" | "open";
  readonly reason: string | null;
  readonly paused: boolean;
  readonly confirmedAt: number | null;
  readonly revision: number;
  readonly currency: string;
  readonly startAt: number;
  readonly endAt: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly canceledAt: number | null;
  readonly context: unknown;
  readonly packages: readonly StoredPackage[];
  /** How far the flight's own time is ahead of the clock, in milliseconds: what the control let pass. */
  readonly aheadMs: number;
  /** Until when the flight is counted in `delivered`, in the flight's time. */
  readonly countedTo: number;
}

/** What is done when a person at the seller says yes. */
export type PendingWork =
  | { readonly kind: "book"; readonly buy: StoredBuy }
  | { readonly kind: "change"; readonly buyId: string; readonly args: Json }
  | { readonly kind: "finalize"; readonly proposalId: string };

/** Something a person at the seller decides. */
export interface StoredTask {
  readonly id: string;
  readonly type: "create_media_buy" | "update_media_buy" | "get_products";
  readonly status: "submitted" | "completed" | "rejected";
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly completedAt: number | null;
  readonly step: string;
  readonly reason: string | null;
  readonly accountId: string;
  readonly context: unknown;
  readonly webhook: unknown;
  readonly pending: PendingWork;
  readonly result: Json | null;
}

/** A creative of the library. */
export interface StoredCreative {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly content: string;
  readonly status: "approved" | "pending_review" | "rejected";
}

/** What an idempotency key was used for; the answer is kept whole. */
export interface AdcpKeyUse {
  readonly hash: string;
  readonly at: number;
  readonly answer: Json;
}

/** All an AdCP seller remembers, beside its faults. */
export interface AdcpState {
  modes: AdcpMode[];
  accounts: Record<string, StoredAccount>;
  offers: Record<string, StoredOffer>;
  proposals: Record<string, StoredProposal>;
  buys: Record<string, StoredBuy>;
  tasks: Record<string, StoredTask>;
  creatives: Record<string, StoredCreative>;
  keys: Record<string, AdcpKeyUse>;
  /** The private key its webhooks are signed with, in PEM; good for the sandbox only. */
  webhookKey?: string;
  /** What the catalogue's prices are multiplied with. */
  priceFactor: number;
  /** What a publisher's adagents.json says when it is not the sandbox's own; null: there is none. */
  publishers: Record<string, Json | null>;
}

/** An AdCP seller's memory on its first day. */
export function emptyAdcp(): AdcpState {
  const nothing = { accounts: {}, offers: {}, proposals: {}, buys: {}, tasks: {}, creatives: {}, keys: {} };
  return { ...nothing, publishers: {}, modes: [], priceFactor: 1 };
}
