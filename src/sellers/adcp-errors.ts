import type { z } from "zod";
import type { Envelope } from "./adcp-carrier.ts";
import { type FailureKind, SellerFailure } from "./seller.ts";
import { sellerText } from "./untrusted.ts";
import { envelopeShape, type errorShape } from "./wire/adcp.ts";

export type AdcpError = z.output<typeof errorShape>;

/** Codes whose meaning has a word of ours; of the rest `recovery` says what to make (AdCP 3.1.19, error catalogue). */
const byCode: ReadonlyMap<string, FailureKind> = new Map([
  ["PRODUCT_NOT_FOUND", "not_found"],
  ["MEDIA_BUY_NOT_FOUND", "not_found"],
  ["PACKAGE_NOT_FOUND", "not_found"],
  ["PROPOSAL_NOT_FOUND", "not_found"],
  ["REFERENCE_NOT_FOUND", "not_found"],
  ["PRODUCT_UNAVAILABLE", "gone"],
  ["PRODUCT_EXPIRED", "gone"],
  ["PROPOSAL_EXPIRED", "gone"],
  ["BUDGET_TOO_LOW", "below_minimum"],
  ["AUTH_MISSING", "unauthorized"],
  ["AUTH_REQUIRED", "unauthorized"],
  ["AUTH_INVALID", "unauthorized"],
  ["PERMISSION_DENIED", "forbidden"],
  ["AGENT_BLOCKED", "forbidden"],
  ["AGENT_SUSPENDED", "forbidden"],
  // Of who asks and how, not of the buy: said again later, they tell nothing of what was sent before.
  ["ACCOUNT_NOT_FOUND", "forbidden"],
  ["ACCOUNT_PAYMENT_REQUIRED", "forbidden"],
  ["ACCOUNT_SETUP_REQUIRED", "forbidden"],
  ["ACCOUNT_SUSPENDED", "forbidden"],
  ["ACCOUNT_AMBIGUOUS", "forbidden"],
  ["STATUS_AUTH-REQUIRED", "unauthorized"],
  ["CONFIGURATION_ERROR", "unsupported"],
  ["VERSION_UNSUPPORTED", "unsupported"],
  ["UNSUPPORTED_FEATURE", "unsupported"],
  ["MULTI_FINALIZE_UNSUPPORTED", "unsupported"],
  ["IDEMPOTENCY_CONFLICT", "idempotency_conflict"],
]);

/** The key may stand for a commitment that was made: what these say settles nothing. */
const settlesNothing = new Set([
  "IDEMPOTENCY_CONFLICT",
  "IDEMPOTENCY_EXPIRED",
  "IDEMPOTENCY_IN_FLIGHT",
  "INTERNAL_ERROR",
  "STALE_RESPONSE",
]);

/** Sellers built on a common library say this also when they committed and then could not put their own answer right. */
export const mayHideCommitment: readonly string[] = ["VALIDATION_ERROR", "INVALID_REQUEST"];

const endings = new Set(["failed", "rejected", "canceled", "auth-required"]);

/** The error that ends a task, or null: errors beside a result are warnings. @see adcp-carrier.ts for the envelope */
export function errorIn(envelope: Envelope, hasBody: boolean): AdcpError | null {
  const read = envelopeShape.safeParse(envelope);
  if (!read.success) return null;
  const { adcp_error: fatal, errors, status } = read.data;
  if (fatal) return fatal;
  const [first] = errors;
  if (first && (endings.has(status ?? "") || !hasBody)) return first;
  if (!endings.has(status ?? "")) return null;
  const { message, reason } = read.data;
  return {
    ...{ code: reason ?? `STATUS_${status?.toUpperCase()}`, message: message ?? "", field: null, suggestion: null },
    ...{ recovery: "terminal", retry_after: null, details: null, data: null },
  };
}

/** What is polled, by the names sellers have for it; the first that one lists is used. */
export const pollTasks: readonly string[] = ["get_task_status", "tasks_get", "tasks/get"];

/** {@link errorIn} for a look at a task: what that task came to is an answer, and no failure of the look. */
export function errorInLook(envelope: Envelope, hasBody: boolean): AdcpError | null {
  return typeof envelope["task_type"] === "string" && hasBody ? null : errorIn(envelope, hasBody);
}

/**
 * What an AdCP error means to us. `definite` where the seller understood and did nothing: correctable and terminal
 * errors. Transient ones, those of the idempotency key and those without a known recovery settle nothing.
 * @param what what was asked, for our sentence, e.g. "a quote"
 */
export function failureOf(sellerId: string, what: string, error: AdcpError): SellerFailure {
  const { code, recovery } = error;
  const isTransient = recovery === "transient" || (recovery === null && !byCode.has(code));
  const kind = byCode.get(code) ?? (isTransient ? "server_error" : "refused");
  const definite = !isTransient && !settlesNothing.has(code);
  const words = sellerText(code, 60);
  const message = `${sellerId} did not give ${what}${words ? ` (${words}${recovery ? `, ${sellerText(recovery, 20)}` : ""})` : ""}.`;
  const said = [error.message, error.suggestion].filter((one) => one).join(" ");
  return new SellerFailure(sellerId, kind, message, {
    definite,
    code: words || null,
    sellerSaid: sellerText(said, 300) || null,
  });
}
