/**
 * Every way a request can fail, as a model or a caller of the HTTP endpoint may see it. The list is closed:
 * `docs/errors.md` is generated from it, and nothing outside it ever reaches a client.
 */
export const errorCodes = {
  invalid_arguments: "The arguments do not fit the tool, or contradict each other.",
  unknown_seller: "No seller of this desk has that id, name or domain.",
  unknown_product: "The seller has no such product, or not for this desk.",
  unknown_quote: "This desk holds no such quote.",
  unknown_media_buy: "This desk holds no such media buy.",
  unknown_campaign: "This desk holds no such campaign.",
  unknown_approval: "This desk holds no such approval.",
  seller_blocked: "The mandate or the trust rules keep this seller out; it was not contacted.",
  trust_too_low: "What was asked needs more trust than this seller has.",
  seller_unavailable: "The seller could not be reached, or did not answer in time.",
  seller_refused: "The seller understood and said no.",
  seller_unauthorized: "The publisher does not name this seller in its adagents.json, or nothing there can be read.",
  seller_invalid_answer: "The seller answered with something we cannot read or do not believe.",
  credential_missing: "No credential is configured for what this seller asks.",
  below_minimum: "Below the seller's minimum for this product.",
  above_available: "More than the seller has free, or more than it sells of this product.",
  price_on_request: "The seller gives no price for this product without a conversation.",
  deal_type_unsupported: "The product is not sold under that deal type.",
  currency_mismatch: "The currencies of the request, the seller and the mandate differ.",
  quote_expired: "The quote is no longer open; renew it.",
  terms_pending: "Own terms that were put to the seller wait for it; nothing is bought on them before.",
  quote_superseded: "A newer quote took this one's place.",
  already_booked: "This quote is booked; its media buy is given.",
  not_negotiable: "The seller, the product or our tier does not negotiate.",
  no_mandate: "The desk has no mandate, so nothing may be spent.",
  outside_mandate: "The mandate does not allow this.",
  governance_denied: "The operator's governance agent did not approve this; only its plain approval passes.",
  spending_stopped: "An incident is open; a person must clear it before anything else is approved.",
  approval_expired: "The time to decide is over.",
  approval_used: "The approval was decided before; it counts once.",
  signature_invalid: "The decision, or the settlement, carries no proof of the person that holds.",
  terms_changed: "The terms are no longer those that were shown; a fresh decision is needed.",
  terms_mismatch: "What the seller booked is not what was approved.",
  booking_unknown: "Whether the seller booked is not known yet; the budget stays held.",
  unsupported_by_seller: "This seller cannot do that.",
  planner_failed: "The model that plans failed, declined, or reached one of its limits.",
  conflict: "Somebody else changed the same thing at the same moment.",
  ledger_unavailable: "The ledger could not be read or written.",
  newer_release: "A newer release wrote entries this one does not understand; it will not write over them.",
  internal: "Something failed on our side.",
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** What the reader of an error can do about it. */
export type Recovery = "fix_arguments" | "retry_later" | "ask_person" | "choose_another" | "wait" | "none";

export interface ErrorDetails {
  /** The argument that has to change, as a path (`items[0].budget`). */
  readonly field?: string;
  /** Ids that would have worked. */
  readonly candidates?: readonly string[];
  /** Seconds after which a retry makes sense. */
  readonly retryAfterSeconds?: number;
  /** A seller's own words, already cleaned and capped; shown labelled, never inside our sentence. */
  readonly sellerSaid?: string;
  /** False only where something may have been booked. */
  readonly nothingBooked?: boolean;
  readonly cause?: unknown;
}

/**
 * The one error type that may cross into an answer. `message` is our own sentence: what happened, what did not
 * happen ("Nothing was booked."), and what to do next. Anything else that is thrown becomes `internal` with a reference.
 */
export class BuyingError extends Error {
  readonly code: ErrorCode;
  readonly recovery: Recovery;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, recovery: Recovery, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = "BuyingError";
    this.code = code;
    this.recovery = recovery;
    this.details = details;
  }
}
