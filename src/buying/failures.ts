import { BuyingError, type ErrorCode, type Recovery } from "../domain/errors.ts";
import { LedgerUnavailable } from "../ledger/ledger.ts";
import { type FailureKind, SellerFailure } from "../sellers/seller.ts";
import type { Ports } from "./ports.ts";

/** A seller's failure as callers know it, and what they can do about it. */
export const asCode: Readonly<Record<FailureKind, readonly [ErrorCode, Recovery]>> = {
  unreachable: ["seller_unavailable", "retry_later"],
  timeout: ["seller_unavailable", "retry_later"],
  circuit_open: ["seller_unavailable", "retry_later"],
  server_error: ["seller_unavailable", "retry_later"],
  refused: ["seller_refused", "choose_another"],
  not_found: ["seller_refused", "fix_arguments"],
  gone: ["quote_expired", "fix_arguments"],
  already_booked: ["already_booked", "none"],
  idempotency_conflict: ["seller_refused", "retry_later"],
  unauthorized: ["credential_missing", "ask_person"],
  forbidden: ["seller_refused", "choose_another"],
  not_authorized_to_sell: ["seller_unauthorized", "choose_another"],
  below_minimum: ["below_minimum", "fix_arguments"],
  unpriced: ["price_on_request", "choose_another"],
  closed: ["not_negotiable", "choose_another"],
  unsupported: ["unsupported_by_seller", "choose_another"],
  invalid_answer: ["seller_invalid_answer", "choose_another"],
  redirected: ["seller_invalid_answer", "choose_another"],
  too_large: ["seller_invalid_answer", "choose_another"],
};

/**
 * What a caller may be told of a failure in a verb that books nothing. Our own bugs keep a reference to the log and
 * show nothing else.
 */
export function failureAsError(ports: Ports, error: unknown): BuyingError {
  if (error instanceof BuyingError) return error;
  if (error instanceof SellerFailure) {
    const [code, recovery] = asCode[error.kind];
    const said = error.sellerSaid === null ? {} : { sellerSaid: error.sellerSaid };
    return new BuyingError(code, `${error.message} Nothing was booked.`, recovery, { ...said, cause: error });
  }
  if (error instanceof LedgerUnavailable) {
    const message = `${error.message}. Nothing is lost that was recorded before; call get_inbox to see what stands before asking again.`;
    return new BuyingError("ledger_unavailable", message, "retry_later", { cause: error, nothingBooked: false });
  }
  const ref = ports.newId();
  ports.log("failed on our side", {
    ref,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return new BuyingError(
    "internal",
    `Something failed on our side (reference ${ref}). Ask for the inbox to see what stands.`,
    "ask_person",
    { cause: error, nothingBooked: false },
  );
}
