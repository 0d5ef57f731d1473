import { unitsLeft } from "./inventory.ts";
import { times } from "./money.ts";
import type { OpenDirectError } from "./refusal.ts";
import type { OpenDirectRuntime } from "./runtime.ts";
import type { LineStatus, StoredLine } from "./state.ts";

/** How a line goes from state to state: OpenDirect 1.5.1 §2.4.1 and the state diagram of 2.1. */

const dayMs = 86_400_000;

/** A line in another state. */
export function moved(line: StoredLine, status: LineStatus, change: Partial<StoredLine> = {}): StoredLine {
  return { ...line, ...change, status, history: [...line.history, status] };
}

/** What the seller makes of a reservation or a booking. */
export type Verdict = { readonly line: StoredLine } | { readonly declined: OpenDirectError };

/** Why a line's quantity cannot be had; null where it can. */
export function shortage(seller: OpenDirectRuntime, line: StoredLine): OpenDirectError | null {
  const product = seller.product(line.productId);
  if (product && unitsLeft(seller, product, line, line.id) >= line.qty) return null;
  return { code: "ImpressionsNotAvailable", message: "The quantity is not available any more." };
}

/** Weighs a reservation or a booking at this moment of the line's time. A shortage declines it; nothing is made smaller. */
export function weighed(seller: OpenDirectRuntime, line: StoredLine, what: "reserve" | "book", at: number): Verdict {
  const { declines, repriceOnReserve, repriceOnBook } = seller.behaviour;
  const reason = declines[what];
  if (typeof reason === "string") return { declined: { code: "Declined", message: reason } };
  const short = shortage(seller, line);
  if (short) return { declined: short };
  return { line: what === "reserve" ? reserved(seller, line, at, repriceOnReserve) : booked(line, at, repriceOnBook) };
}

/** The line held for the buyer, at the rate of that moment. */
export function reserved(seller: OpenDirectRuntime, line: StoredLine, at: number, factor = 1): StoredLine {
  const holdMs = (seller.product(line.productId)?.holdDays ?? 1) * dayMs;
  const rateMicros = times(line.rateMicros, factor);
  return moved(line, "Reserved", { rateMicros, reservedUntil: at + holdMs, decidesAt: null });
}

/** The line sold, at the rate of that moment. */
export function booked(line: StoredLine, at: number, factor = 1): StoredLine {
  const rateMicros = times(line.rateMicros, factor);
  return moved(line, "Booked", { rateMicros, reservedUntil: null, decidesAt: null, bookedAt: at });
}

/** The line turned down, with the reason the specification demands. */
export function declined(line: StoredLine, reason: string): StoredLine {
  return moved(line, "Declined", { reason, reservedUntil: null, decidesAt: null });
}

/** What the clock does to a line next; null: nothing yet. */
function due(seller: OpenDirectRuntime, line: StoredLine): StoredLine | null {
  const now = seller.lineNow(line);
  const { status, decidesAt, reservedUntil } = line;
  if ((status === "PendingReservation" || status === "PendingBooking") && decidesAt !== null && decidesAt <= now) {
    const verdict = weighed(seller, line, status === "PendingBooking" ? "book" : "reserve", decidesAt);
    return "line" in verdict ? verdict.line : declined(line, verdict.declined.message);
  }
  if (status === "Reserved" && reservedUntil !== null && reservedUntil <= now) {
    return moved(line, "Expired", { reservedUntil: null });
  }
  if (status === "Booked" && line.startAt <= now) return moved(line, "InFlight");
  if (status === "InFlight" && line.endAt <= now) return moved(line, "Finished");
  return null;
}

/** The line as it is by now, written into the books. */
export function current(seller: OpenDirectRuntime, stored: StoredLine): StoredLine {
  let line = stored;
  for (let next = due(seller, line); next; next = due(seller, line)) line = next;
  if (line !== stored) seller.books.lines[line.id] = line;
  return line;
}
