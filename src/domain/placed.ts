/**
 * What of a quote stands at its seller already, where a booking takes several writes (an order, a line, a reservation, the
 * booking itself). Nothing of it costs money before it is booked.
 */
export interface Placed {
  /** The seller's ids, byte for byte, as they go back on the wire. Of a change, its change request stands for the order. */
  readonly orderId: string;
  readonly lineId: string | null;
  readonly step: PlacedStep;
  /** UTC instant until which inventory is held; null where none is, or the seller does not say. */
  readonly heldUntil: string | null;
}

/**
 * `ordered`: an order without its line; `drafted`: the line too; `reserved`: inventory is held; `unheld`: the seller
 * reserves nothing, and the draft is booked as it is. `requested`: a change request without what it asks for.
 */
export type PlacedStep = "requested" | "ordered" | "drafted" | "reserved" | "unheld";

const ranks: Readonly<Record<PlacedStep, number>> = { requested: 1, ordered: 1, drafted: 2, reserved: 3, unheld: 3 };

/** Whether nothing is left to be written but the booking itself. */
export function isHeld(placed: Placed | undefined): boolean {
  return placed?.step === "reserved" || placed?.step === "unheld";
}

/** Whether one state follows another of the same order and line: a booking only goes on, and never over to another order. */
export function isFurther(before: Placed | undefined, after: Placed | undefined): boolean {
  if (!after || (after.lineId === null) !== ["requested", "ordered"].includes(after.step)) return false;
  if (!before) return true;
  const isSame = before.orderId === after.orderId && (before.lineId === null || before.lineId === after.lineId);
  return isSame && ranks[after.step] > ranks[before.step];
}
