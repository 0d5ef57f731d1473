import type { Mark } from "../domain/anchor.ts";
import type { ApprovalEvent } from "../domain/approval.ts";
import type { CampaignEvent } from "../domain/campaign.ts";
import type { Signature } from "../domain/decision.ts";
import type { Mandate } from "../domain/mandate.ts";
import type { CreativesSynced } from "../domain/creative.ts";
import type { LineEvent } from "../domain/media-buy.ts";
import type { Balances, SpendEvent } from "../domain/spend.ts";

/** Entries of an `ask` stream: what was asked for in one call and got no quote, from the seller or from us. */
export type AskEvent = QuoteRefused | CreativesSynced;

interface QuoteRefused {
  readonly kind: "quote_refused";
  readonly v: 1;
  /** The product, or the quote to be renewed, as it was asked for. */
  readonly item: string;
  readonly code: string;
  /** Our own sentence; a seller's words are not kept. */
  readonly why: string;
  readonly campaign: string | null;
  readonly by: string;
}

/** Entries of the `deal` stream: a seller's deal belongs to one media buy. */
export type DealEvent = { readonly kind: "deal_claimed"; readonly v: 1; readonly ref: string };

/** Entries of the `pin` stream; tries are counted across processes. */
export type PinEvent =
  | { readonly kind: "pin_tried"; readonly v: 1; readonly ok: boolean }
  | { readonly kind: "pin_set"; readonly v: 1 };

/** Entries of the `anchor` stream: heads of what a booking touched, so that a cut tail shows. */
export type AnchorEvent = {
  readonly kind: "anchored";
  readonly v: 1;
  readonly heads: readonly { readonly stream: string; readonly version: number; readonly hash: string }[];
  /** The mark of all rows up to here. */
  readonly covers: Mark;
};

/**
 * An entry of a `seller` stream: a seller that the config does not list, as it was reached when a person approved buying from it. By
 * that it is known again, whatever a registry says later.
 */
export type SellerPinned = {
  readonly kind: "seller_pinned";
  readonly v: 1;
  readonly sellerId: string;
  readonly name: string;
  readonly domain: string;
  readonly origin: string;
  /** The whole address of its agent. */
  readonly url: string;
  readonly protocol: string;
  /** Registry → the id it gives the seller. */
  readonly registryIds: Readonly<Record<string, string>>;
  readonly approvalId: string;
  readonly by: string;
};

/** The balances after the row's events, carried so that the stream's head alone tells them. */
export type BalancesEvent = { readonly kind: "balances"; readonly v: 1; readonly balances: Balances };

/** Entries of the `policy` stream: the mandates that counted, each with who let it count. */
export type PolicyEvent = {
  readonly kind: "policy_adopted";
  readonly v: 1;
  readonly digest: string;
  readonly mandate: Mandate;
  readonly by: string;
  /** In what it allows more than the one before; then a person's signature over its digest is needed. */
  readonly loosened: readonly string[];
  readonly signature: Signature | null;
};

/** Every kind of entry, in one union. A kind this release does not know makes its stream read-only. */
export type Entry =
  | PolicyEvent
  | LineEvent
  | AskEvent
  | ApprovalEvent
  | CampaignEvent
  | SpendEvent
  | BalancesEvent
  | DealEvent
  | SellerPinned
  | PinEvent
  | AnchorEvent;

/** `kind` → newest version `v` this release can fold. */
export const knownEntries: Readonly<Record<Entry["kind"], number>> = {
  quoted: 1,
  quote_read: 1,
  proposal_answered: 1,
  negotiation_round: 1,
  negotiation_ended: 1,
  quote_declined: 1,
  quote_refused: 1,
  superseded: 1,
  terms_chosen: 1,
  approval_requested: 1,
  approval_closed: 1,
  booking_started: 1,
  send_claimed: 1,
  booking_unknown: 1,
  booking_looked_up: 1,
  booking_refused: 1,
  seller_waits: 1,
  seller_ready: 1,
  booking_advanced: 1,
  hold_claimed: 1,
  hold_advanced: 1,
  hold_ended: 1,
  let_go: 1,
  booking_confirmed: 1,
  booking_mismatched: 1,
  mismatch_cleared: 2,
  settled_by_person: 2,
  order_placed: 1,
  order_failed: 1,
  cancel_started: 1,
  cancel_confirmed: 2,
  cancel_refused: 1,
  cancel_unknown: 1,
  buy_changed: 1,
  creatives_synced: 1,
  campaign_begun: 1,
  budget_allocated: 1,
  research_claimed: 1,
  channel_researched: 1,
  channel_failed: 1,
  campaign_proposed: 1,
  campaign_changed: 1,
  campaign_decided: 1,
  campaign_ended: 1,
  campaign_paused: 1,
  campaign_resumed: 1,
  campaign_cancelled: 1,
  approval_opened: 1,
  approval_asked: 1,
  approval_not_answered: 1,
  approval_decided: 1,
  approval_endorsed: 1,
  policy_adopted: 1,
  approval_line_renewed: 1,
  approval_voided: 1,
  reserved: 1,
  released: 1,
  overspent: 1,
  incident_cleared: 2,
  balances: 1,
  deal_claimed: 1,
  seller_pinned: 1,
  pin_tried: 1,
  pin_set: 1,
  anchored: 1,
};

/**
 * Entries as stored text. A money's `micros` is a decimal string, for JSON has no integers that large.
 * @throws RangeError for what would come back as something else: another bigint, or a number that is none
 */
export function encodeEntries(entries: readonly Entry[]): string {
  return JSON.stringify(entries, (key, value: unknown) => {
    if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError(`${key} is ${value}`);
    if (typeof value !== "bigint") return value;
    if (key !== "micros") throw new RangeError(`${key} is a bigint, which only money's micros may be`);
    return value.toString();
  });
}

/** What a stored text holds: the entries, and the first kind this release does not know or `unreadable` for no such text. */
export function decodeEntries(text: string): { readonly entries: readonly Entry[]; readonly unknown: string | null } {
  const list = parsed(text);
  if (list === null) return { entries: [], unknown: "unreadable" };
  const known = list.filter(isKnown);
  return {
    entries: known,
    unknown: known.length === list.length ? null : nameOf(list.find((entry) => !isKnown(entry))),
  };
}

function parsed(text: string): readonly unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    readAmounts(value);
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** Makes the bigints of a parsed text again, in place: a reviver would call back for every value there is. */
function readAmounts(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const one of value) readAmounts(one);
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === "object") readAmounts(inner);
    else if (key === "micros" && typeof inner === "string") (value as Record<string, unknown>)[key] = BigInt(inner);
  }
}

const newestVersions: ReadonlyMap<unknown, number> = new Map(Object.entries(knownEntries));

function isKnown(entry: unknown): entry is Entry {
  if (typeof entry !== "object" || entry === null || !("kind" in entry) || !("v" in entry)) return false;
  const newest = newestVersions.get(entry.kind);
  return newest !== undefined && typeof entry.v === "number" && entry.v <= newest;
}

function nameOf(entry: unknown): string {
  const { kind, v } = Object(entry) as { kind?: unknown; v?: unknown };
  return `${String(kind)} v${String(v)}`;
}
