import type { OpenDirectProduct } from "./profile.ts";
import type { OpenDirectRuntime } from "./runtime.ts";
import type { LineStatus, StoredLine } from "./state.ts";

const dayMs = 86_400_000;

const holding: readonly LineStatus[] = [
  "PendingReservation",
  "Reserved",
  "PendingBooking",
  "Booked",
  "InFlight",
  "ChangePending",
];

/** A span of time on a product. */
export type Span = Pick<StoredLine, "startAt" | "endAt">;

/** Days of a flight, begun ones counted. */
export function daysOf({ startAt, endAt }: Span): number {
  return Math.max(1, Math.ceil((endAt - startAt) / dayMs));
}

/** The units left of a product in a span: what it has, less what other lines hold there. */
export function unitsLeft(seller: OpenDirectRuntime, product: OpenDirectProduct, span: Span, except?: string): number {
  const whole = product.rateType === "FlatRate" ? product.daily : product.daily * daysOf(span);
  const held = Object.values(seller.books.lines)
    .filter((line) => line.id !== except && line.productId === product.id && holding.includes(line.status))
    .filter((line) => line.startAt < span.endAt && span.startAt < line.endAt)
    .reduce((sum, line) => sum + line.qty, 0);
  return Math.max(0, Math.floor(whole * seller.behaviour.inventory) - held);
}
