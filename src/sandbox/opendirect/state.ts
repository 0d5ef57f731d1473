import { type Behaviour, usualBehaviour } from "./behaviour.ts";
import type { Json } from "./refusal.ts";

/** An account: whom an agency buys for. Times are milliseconds since 1970 (UTC), here and below. */
export interface StoredAccount {
  readonly id: string;
  readonly name: string;
  readonly advertiserId: string;
  readonly buyerId: string;
  readonly status: "Pending" | "Approved" | "Disapproved";
}

/** An order; `asked` is what the buyer wrote, under the names of 2.1. */
export interface StoredPlacedOrder {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly currency: string;
  readonly asked: Json;
}

/** OpenDirect 2.1, Line, `bookingstatus`; 1.5.1 §2.4.1 says what they mean. */
export type LineStatus =
  | "Draft"
  | "PendingReservation"
  | "Reserved"
  | "PendingBooking"
  | "Booked"
  | "InFlight"
  | "Finished"
  | "Stopped"
  | "Canceled"
  | "Expired"
  | "Declined"
  | "ChangePending";

/** A line. Money is micros of the order's currency. */
export interface StoredLine {
  readonly id: string;
  readonly accountId: string;
  readonly orderId: string;
  readonly productId: string;
  readonly name: string;
  readonly status: LineStatus;
  /** `statechangereason`. */
  readonly reason: string | null;
  readonly qty: number;
  /** Per unit of the product's rate type. */
  readonly rateMicros: number;
  readonly startAt: number;
  readonly endAt: number;
  readonly reservedUntil: number | null;
  /** When a pending reservation or booking is decided by the clock; null: a person decides. */
  readonly decidesAt: number | null;
  /** What ChangePending goes back to. */
  readonly before: LineStatus | null;
  /** How far the line's own time is ahead of the clock, in milliseconds: what the control let pass. */
  readonly aheadMs: number;
  /** When it was booked, and when it stopped, in the line's time. */
  readonly bookedAt: number | null;
  readonly stoppedAt: number | null;
  readonly asked: Json;
  /** Every state it was in, in order. */
  readonly history: readonly LineStatus[];
}

/** A creative, an assignment or a brand: what the buyer wrote and what the seller made of it. */
export interface StoredThing {
  readonly id: string;
  readonly accountId: string;
  readonly status: string;
  readonly asked: Json;
}

/** A change request, and what of its line is wished to be otherwise; null: nothing was said yet. */
export interface StoredChange extends StoredThing {
  readonly status: "PENDING" | "APPROVED" | "REJECTED";
  readonly orderId: string;
  readonly lineId: string;
  readonly wished: Json | null;
}

/** All an OpenDirect seller remembers, beside its faults. */
export interface OpenDirectState {
  behaviour: Behaviour;
  /** The last id given out; ids are numbers in words, as in the specification's examples. */
  lastId: number;
  accounts: Record<string, StoredAccount>;
  brands: Record<string, StoredThing>;
  orders: Record<string, StoredPlacedOrder>;
  lines: Record<string, StoredLine>;
  creatives: Record<string, StoredThing>;
  assignments: Record<string, StoredThing>;
  changes: Record<string, StoredChange>;
}

/** An OpenDirect seller's memory on its first day. */
export function emptyOpenDirect(): OpenDirectState {
  const nothing = { accounts: {}, brands: {}, orders: {}, lines: {}, creatives: {}, assignments: {}, changes: {} };
  return { ...nothing, behaviour: usualBehaviour, lastId: 345_000 };
}
