import type { SellerWait } from "./deal.ts";
import type { Line, LineEvent } from "./media-buy.ts";
import { isFurther, isHeld } from "./placed.ts";

/**
 * Refuses what may not come to a line in whatever state of the table: an entry of another attempt or approval, or one that
 * takes what was sent for unsent, or the other way round. @throws RangeError
 */
export function refuseStale(before: Line, event: LineEvent): void {
  if (event.kind === "booking_started") {
    const { attempt, approvalId } = event.booking;
    if (attempt !== before.attempts + 1) throw new RangeError(`attempt ${attempt} cannot follow ${before.attempts}`);
    if (before.status === "awaiting_approval" && approvalId !== before.approvalId) {
      throw new RangeError(`the line waits for approval ${before.approvalId}, not ${approvalId}`);
    }
  } else if ("attempt" in event && event.attempt !== before.booking?.attempt) {
    throw new RangeError(`${event.kind} speaks of attempt ${event.attempt}, not ${before.booking?.attempt}`);
  } else if (event.kind === "approval_closed" && event.approvalId !== before.approvalId) {
    throw new RangeError(`the line waits for approval ${before.approvalId}, not ${event.approvalId}`);
  } else if (
    event.kind === "hold_advanced" &&
    (!before.hold?.claim || !isFurther(before.quote.placed, event.quote.placed))
  ) {
    throw new RangeError("only who claimed a hold goes on with it, with the order and the line it began with");
  } else if (event.kind === "hold_claimed" && isHeld(before.quote.placed)) {
    throw new RangeError("what is reserved is not reserved again");
  } else if (event.kind === "booking_advanced" && !isFurther(before.quote.placed, event.quote.placed)) {
    throw new RangeError("a booking only goes on, with the order and the line it began with");
  } else if (event.kind === "seller_ready" && before.wait?.for !== "account") {
    throw new RangeError("what was sent is not sent again because its seller is ready");
  } else if (before.wait?.for === "account" && comesOfSending(event)) {
    throw new RangeError("what waits for its account was not sent, and cannot be booked");
  } else if (event.kind === "seller_waits") {
    refuseWait(before, event.wait);
  } else if (event.kind === "mismatch_cleared" && ![before.status, before.cancelFrom].includes("terms_mismatch")) {
    throw new RangeError("there is no mismatch to clear");
  }
}

function comesOfSending(event: LineEvent): boolean {
  const kinds: readonly LineEvent["kind"][] = ["booking_confirmed", "booking_mismatched", "booking_advanced"];
  return kinds.includes(event.kind) || (event.kind === "settled_by_person" && event.booked);
}

/** An account is waited for before anything is sent, and nothing else is: what was sent must never look unsent. */
function refuseWait(before: Line, wait: SellerWait): void {
  const isAccount = wait.for === "account";
  const isSent = before.claims.some(({ resend }) => resend) || (before.wait !== null && before.wait.for !== "account");
  if (isAccount && isSent) throw new RangeError("what was sent does not wait for an account");
  if (!isAccount && before.wait?.for === "account")
    throw new RangeError("what was not sent waits for its account only");
}
