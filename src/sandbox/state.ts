import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import type { AdcpState } from "./adcp/state.ts";
import type { DealType, InventoryType } from "./catalogue.ts";
import type { FaultSpec } from "./faults.ts";
import type { Negotiation } from "./negotiation.ts";
import type { OpenDirectState } from "./opendirect/state.ts";
import type { Tier } from "./pricing.ts";
import type { ProposalBooks } from "./proposal-desk.ts";

/** A quote as stored. Prices are dollars CPM, discounts percent, times milliseconds since 1970 (UTC). */
export interface StoredQuote {
  readonly id: string;
  readonly status: "available" | "booked" | "expired";
  readonly dealType: DealType;
  readonly product: { readonly product_id: string; readonly name: string; readonly inventory_type: InventoryType };
  readonly base: number;
  readonly tierDiscountPct: number;
  readonly volumeDiscountPct: number;
  readonly final: number;
  readonly rationale: string;
  readonly impressions: number | null;
  readonly flightStart: string;
  readonly flightEnd: string;
  readonly available: boolean;
  readonly tier: Tier;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** When the store forgets it: at expiry, unless booking wrote it again. */
  readonly goneAt: number;
  readonly dealId: string | null;
  readonly drifted?: boolean;
}

/** A deal as stored; `quote` is what it was booked from, at the booked price. */
export interface StoredDeal {
  readonly id: string;
  readonly status: "proposed" | "cancelled" | "expired";
  /** `null` for the priceless deals that a bulk create leaves behind. */
  readonly quote: StoredQuote | null;
  readonly quoteId: string | null;
  readonly audiencePlan: unknown;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** A move of an order through its states. */
export interface OrderTransition {
  readonly transition_id: string;
  readonly from_status: string;
  readonly to_status: string;
  readonly timestamp: string;
  readonly actor: string;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** An order, in the shape it has on the wire. */
export interface StoredOrder {
  readonly order_id: string;
  readonly status: string;
  readonly audit_log: { readonly order_id: string; readonly transitions: readonly OrderTransition[] };
  readonly deal_id: string | null;
  readonly quote_id: string | null;
  readonly created_at: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What an idempotency key was used for. */
export interface KeyUse {
  readonly hash: string;
  readonly at: number;
  /** The quote or deal it made; for a negotiation message the whole answer. */
  readonly made: unknown;
}

/** All a seller remembers. */
export interface SellerState {
  quotes: Record<string, StoredQuote>;
  deals: Record<string, StoredDeal>;
  negotiations: Record<string, Negotiation>;
  orders: Record<string, StoredOrder>;
  changes: Record<string, Readonly<Record<string, unknown>>>;
  keys: Record<string, KeyUse>;
  faults: FaultSpec[];
  /** What was proposed, and what the seller's people are asked. */
  proposals?: ProposalBooks;
  /** The books of a seller that speaks AdCP. */
  adcp?: AdcpState;
  /** The books of a seller that speaks OpenDirect. */
  opendirect?: OpenDirectState;
}

interface SandboxState {
  version: 1;
  ports: Record<string, number>;
  sellers: Record<string, SellerState>;
}

function emptySeller(): SellerState {
  return { quotes: {}, deals: {}, negotiations: {}, orders: {}, changes: {}, keys: {}, faults: [] };
}

function read(file: string | undefined): SandboxState {
  const empty: SandboxState = { version: 1, ports: {}, sellers: {} };
  if (file === undefined) return empty;
  try {
    const stored: SandboxState = JSON.parse(readFileSync(file, "utf8"));
    return stored.version === 1 ? stored : empty;
  } catch {
    return empty;
  }
}

/** A sandbox's memory: one JSON file, replaced whole by a rename, so that a kill leaves the old or the new one. */
export class SandboxStore {
  readonly #file: string | undefined;
  readonly #state: SandboxState;

  /** Opens the file, or starts empty without one, with an unreadable one, or with one of another version. */
  constructor(file: string | undefined) {
    this.#file = file;
    this.#state = read(file);
  }

  /** The memory of one seller, to be changed in place and then saved. */
  seller(id: string): SellerState {
    const known = this.#state.sellers[id] ?? emptySeller();
    this.#state.sellers[id] = known;
    return known;
  }

  /** The port a server had last time, so that a restart answers under the same address; 0 for any. */
  portOf(server: string): number {
    return this.#state.ports[server] ?? 0;
  }

  /** Remembers a server's port. */
  rememberPort(server: string, port: number): void {
    this.#state.ports[server] = port;
  }

  /** Writes everything. After it returns, a killed process has lost nothing. */
  save(): void {
    if (this.#file === undefined) return;
    const draft = `${this.#file}.${randomUUID()}`;
    try {
      writeFileSync(draft, JSON.stringify(this.#state), { mode: 0o600 });
      renameSync(draft, this.#file);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    }
  }
}
