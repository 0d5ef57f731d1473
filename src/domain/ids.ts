import { createHash } from "node:crypto";
import { BuyingError } from "./errors.ts";

/**
 * A reference to something of a seller: `northbeam/prod-53e78a97`. One reference names a product, and one names a quote
 * and the media buy that comes of it. Whatever a seller puts into an id is percent-encoded, so a reference is safe in a
 * stream name, a URI and a path.
 */
export type Ref = string;

const SAFE = /^[A-Za-z0-9._~:-]+$/;

/**
 * Joins a seller's id and an id of the seller's into one reference; {@link splitRef} takes it apart again.
 * @throws BuyingError `seller_invalid_answer` for an id that no path or URI can carry: empty, only dots, broken
 * Unicode, or over 300 characters once encoded
 */
export function refOf(sellerId: string, theirId: string): Ref {
  const encoded = encodedId(theirId);
  if (encoded !== null) return `${sellerId}/${encoded}`;
  throw new BuyingError(
    "seller_invalid_answer",
    `${sellerId} uses an id that cannot be referred to. Nothing was booked.`,
    "choose_another",
  );
}

/** Splits a reference. @throws BuyingError `invalid_arguments` when it is none. */
export function splitRef(ref: Ref): { readonly sellerId: string; readonly theirId: string } {
  const slash = ref.indexOf("/");
  const sellerId = ref.slice(0, slash);
  const theirId = decodedId(ref.slice(slash + 1));
  if (slash < 1 || !/^[a-z0-9][a-z0-9.-]{0,63}$/.test(sellerId) || theirId === null) {
    throw new BuyingError(
      "invalid_arguments",
      `${JSON.stringify(ref.slice(0, 60))} is not a reference like "northbeam/prod-53e78a97". Nothing was booked.`,
      "fix_arguments",
    );
  }
  return { sellerId, theirId };
}

function encodedId(theirId: string): string | null {
  if (!theirId.isWellFormed() || /^\.*$/.test(theirId)) return null;
  // encodeURIComponent leaves these five alone.
  const percent = (mark: string) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`;
  const encoded = SAFE.test(theirId) ? theirId : encodeURIComponent(theirId).replace(/[!'()*]/g, percent);
  return encoded.length <= 300 ? encoded : null;
}

/** Null for anything {@link encodedId} would have written otherwise: a second spelling would be a second stream. */
function decodedId(encoded: string): string | null {
  try {
    const theirId = decodeURIComponent(encoded);
    return encodedId(theirId) === encoded ? theirId : null;
  } catch {
    return null;
  }
}

/** SHA-256 in lower-case hex. */
export function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/**
 * A UUID that is a function of its parts, so that two processes that compute it for the same attempt agree
 * (RFC 9562 version 8, from SHA-256).
 */
export function uuidFrom(...parts: readonly string[]): string {
  const hex = sha256(JSON.stringify(parts));
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Names of ledger streams, in one place: a stream is named by what must be unique. */
export const streams = {
  quote: (ref: Ref) => `quote/${ref}`,
  ask: (flowId: string) => `ask/${flowId}`,
  deal: (ref: Ref) => `deal/${ref}`,
  seller: (sellerId: string) => `seller/${sellerId}`,
  approval: (approvalId: string) => `approval/${approvalId}`,
  spend: (desk: string) => `spend/${desk}`,
  pin: (desk: string) => `pin/${desk}`,
  anchor: (desk: string) => `anchor/${desk}`,
  campaign: (campaignId: string) => `campaign/${campaignId}`,
  policy: (desk: string) => `policy/${desk}`,
} as const;
