import { beyondApproved, ceilingOf } from "../domain/ceiling.ts";
import type { Ref } from "../domain/ids.ts";
import { BuyingError } from "../domain/errors.ts";
import {
  type BookingStart,
  type Claim,
  foldLine,
  type Line,
  type LineEvent,
  type LineStatus,
} from "../domain/media-buy.ts";
import { compare } from "../domain/money.ts";
import type { Quote } from "../domain/quote.ts";
import { differences, digestOf, noWorse, stakeOf, type Terms, termsOf } from "../domain/terms.ts";
import { type FailureKind, type Seller, SellerFailure } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { asCode } from "./failures.ts";
import { signedChannels } from "../domain/decision.ts";
import { proofHolds } from "./decision.ts";
import { policyState } from "./policy.ts";
import { letGo } from "./let-go.ts";
import { termsContext } from "./line-terms.ts";
import {
  appendLine,
  decideAndAppend,
  type LoadedLine,
  lineRow,
  loadApproval,
  loadBalances,
  loadLine,
  spendRow,
} from "./lines.ts";
import { placeOrder, recordAdvance, recordDeal, recordWait, waitOfSent } from "./outcome.ts";
import type { Ports, SellerRecord } from "./ports.ts";
import { readNow, sameOffer } from "./reread.ts";
import { verifySellers, whyTrustedTooLittle } from "./vouch.ts";

/**
 * Sends an approved line, if nobody else has claimed it: claims the right to send, reads the quote once more, sends the
 * frozen bytes, and records what came of it; where booking takes several writes, each of them in this way, one after the
 * other. Returns when the outcome is in the ledger; never throws for a seller's fault.
 */
export async function sendLine(ports: Ports, ref: Ref): Promise<void> {
  let goesOn = true;
  while (goesOn) {
    const claimed = await claim(ports, ref, (line) => line.status === "approved", false);
    if (!claimed) return;
    const seller = await sellerToSend(ports, claimed);
    if (!seller) return;
    goesOn = await transmit(ports, claimed, bookingOf(claimed.line), seller, false);
  }
}

/**
 * Sends the same bytes again, for a lost answer: to a `read_back` seller once, after the settling time, and nothing but a
 * deal settles it; to a `replay` seller while it still knows them.
 * @param may whether a line may be sent again; asked of the very version that is claimed, so that it is sent again once
 */
export async function resendLine(ports: Ports, ref: Ref, may: (line: Line) => boolean): Promise<void> {
  const claimed = await claim(ports, ref, may, true);
  if (!claimed) return;
  const record = await ports.directory.find(claimed.line.quote.sellerId);
  if (!hasTimeToSend(ports, claimed))
    return unknown(ports, claimed, "the claim to send again ran out before it was used");
  if (await transmit(ports, claimed, bookingOf(claimed.line), ports.directory.connect(record), true))
    await sendLine(ports, ref);
}

/** Sends once and records what came of it. @returns true when that was one of several writes, and the next may follow */
async function transmit(
  ports: Ports,
  claimed: LoadedLine,
  booking: BookingStart,
  seller: Seller,
  resend: boolean,
): Promise<boolean> {
  const { ref } = claimed;
  const isMine = (line: Line) => isLastClaim(claimed, line);
  try {
    const { quote } = claimed.line;
    const booked = await seller.book(booking.request, quote, accessAs(ports, quote.shownAs));
    if (booked.kind === "advanced") {
      if (await recordAdvance(ports, ref, booked.quote, isMine)) return true;
      await unknown(ports, claimed, "the seller's answer takes it no further than before");
    } else if (booked.kind === "waits") await recordWait(ports, ref, waitOfSent(booked.wait), isMine);
    else if (await recordDeal(ports, ref, booked.deal, booking)) await placeOrder(ports, ref);
  } catch (error) {
    if (!(error instanceof SellerFailure)) throw error;
    const refused = resend ? isRefusedAgain(ports, claimed, seller, error) : isRefusal(error);
    ports.log(refused ? "booking refused" : "booking answer lost", { ref, kind: error.kind, status: error.status });
    if (refused)
      await release(ports, claimed, {
        code: error.code ?? error.kind,
        why: error.message,
        sent: error.kind !== "circuit_open",
      });
    else await unknown(ports, claimed, error.message);
  }
  return false;
}

/** Why an attempt booked nothing, and whether anything was sent in it. */
interface Refusal {
  readonly code: string;
  readonly why: string;
  readonly sent: boolean;
}

/** A seller's parsed no, or proof that nothing was sent; a booking that stands already is neither. */
function isRefusal(error: SellerFailure): boolean {
  return error.definite && error.kind !== "already_booked";
}

/**
 * Refusals of the buy itself, in a code of the seller's own. Whoever is not let in, or not understood, is turned away, by
 * the seller or by what stands before it, without a look whether it knows the bytes: that says nothing of what they came to.
 */
const ofTheBuy: readonly FailureKind[] = ["refused", "gone", "not_found", "below_minimum", "unpriced", "closed"];

/**
 * A refusal of a re-send speaks for the sends before it only where the seller answers the same bytes the same way
 * (`replay`), and only once none of them can take effect any more.
 */
function isRefusedAgain(ports: Ports, { line }: LoadedLine, seller: Seller, error: SellerFailure): boolean {
  const isOfTheBuy = error.definite && error.code !== null && ofTheBuy.includes(error.kind);
  if (seller.settlement !== "replay" || !isOfTheBuy) return false;
  return line.claims.slice(0, -1).every((claim) => isQuiet(ports, claim));
}

/** Whether what was sent under a claim is so long ago that it can no longer take effect. */
export function isQuiet(ports: Ports, { until }: Claim): boolean {
  return ports.now().getTime() - Date.parse(until) >= ports.settings.settleAfterMs;
}

/** Takes the right to send, as an entry: nobody else sends before `until`. @returns null when it is not ours to send */
async function claim(
  ports: Ports,
  ref: Ref,
  may: (line: Line) => boolean,
  resend: boolean,
): Promise<LoadedLine | null> {
  return decideAndAppend(ports, async () => {
    const loaded = await loadLine(ports, ref);
    if (!may(loaded.line)) return { rows: [], result: null };
    const now = ports.now();
    const until = new Date(now.getTime() + ports.settings.claimMs).toISOString();
    const { attempt } = bookingOf(loaded.line);
    const claimed: LineEvent = { kind: "send_claimed", v: 1, attempt, holder: ports.holder, until, resend };
    // The line as this claim leaves it. Read again, it could carry a later claim, and pass for our own.
    const line = foldLine(loaded.line, claimed, now.toISOString());
    return { rows: [lineRow(ports, loaded, claimed)], result: { ...loaded, version: loaded.version + 1, line } };
  });
}

/** Half of a claim is for the looks before, half for the send: one that ran out meanwhile is not sent on. */
function hasTimeToSend(ports: Ports, { line }: LoadedLine): boolean {
  const until = line.claims.at(-1)?.until ?? "";
  return Date.parse(until) - ports.now().getTime() >= ports.settings.claimMs / 2;
}

/**
 * A line is sent only while what started it holds: the person's decision is in the ledger, on these terms, with its proof;
 * and a decision that carries none, by the client's form or the operator's limits, is within what its channel counts for.
 */
async function isVouchedFor(ports: Ports, line: Line): Promise<boolean> {
  const { approvalId, digest, via, terms, under } = bookingOf(line);
  if (under !== undefined) return isCovered(ports, under, terms);
  if (!signedChannels.includes(via)) {
    const { inForce } = await policyState(ports);
    const limit = inForce?.channels[via];
    if (!limit || compare(stakeOf(terms), limit.perBuy) > 0) return false;
  }
  return isDecided(ports, { approvalId, digest, via });
}

/** Whether what started it is on record: a decision on these terms whose proof holds, or the operator's own limits. */
async function isDecided(
  ports: Ports,
  { approvalId, digest, via }: Pick<BookingStart, "approvalId" | "digest" | "via">,
): Promise<boolean> {
  if (approvalId === null) return via === "auto";
  const { approval } = await loadApproval(ports, approvalId);
  return approval.decided?.digests.includes(digest) === true && proofHolds(ports, approval);
}

/** A change under its buy's approval: that approval holds, and the change is still within it. */
async function isCovered(ports: Ports, under: Ref, terms: Terms): Promise<boolean> {
  const { line } = await loadLine(ports, under);
  const ceiling = ceilingOf(line);
  if (terms.changes?.media_buy !== under || !ceiling || beyondApproved(ceiling, terms).length > 0) return false;
  // What its channel counts for by now is for new money: a reduction or a pause needs none.
  return isDecided(ports, bookingOf(line));
}

/** The last look before sending: the seller still stands for just these terms, or for a lower price. */
async function sellerToSend(ports: Ports, claimed: LoadedLine): Promise<Seller | null> {
  const { ref, line } = claimed;
  const refuse = async (code: string, why: string) => {
    // An order or a draft may stand at the seller already; it is given up with the rest.
    await release(ports, claimed, { code, why, sent: line.quote.placed !== undefined });
    return null;
  };
  try {
    await verifySellers(ports, [line.quote.sellerId]);
    const record = await ports.directory.find(line.quote.sellerId);
    const seller = ports.directory.connect(record);
    // What stays under an approval of before, such as a pause, is no new trust.
    const distrusted = bookingOf(line).under === undefined ? await whyTrustedTooLittle(ports, record) : null;
    if (distrusted) return refuse("trust_too_low", distrusted);
    if (!(await isVouchedFor(ports, line)))
      return refuse("signature_invalid", "its approval carries no proof that holds");
    const now = await readNow(ports, claimed);
    const worse = whyNotSend(ports, record, line, now);
    if (worse) return refuse("terms_changed", worse);
    if (!sameOffer(now, line.quote)) {
      await appendLine(ports, ref, ({ line: latest }) =>
        latest.status === "sending" && isLastClaim(claimed, latest) ? [{ kind: "quote_read", v: 1, quote: now }] : [],
      );
    }
    const wait = await seller.ready(now, accessAs(ports, now.shownAs));
    if (wait) {
      await recordWait(ports, ref, wait, (latest) => isLastClaim(claimed, latest));
      return null;
    }
    const forbidden = await ports.governance?.whyNot(
      record,
      bookingOf(line).request,
      line.quote.changes ? "modification" : "purchase",
    );
    if (forbidden) return refuse("governance_denied", forbidden);
    if (!hasTimeToSend(ports, claimed)) return refuse("seller_unavailable", "reading the quote again took too long");
    return seller;
  } catch (error) {
    if (error instanceof SellerFailure)
      return refuse(error.kind === "not_found" ? "quote_expired" : asCode[error.kind][0], error.message);
    if (error instanceof BuyingError) return refuse(error.code, error.message);
    throw error;
  }
}

/** Why a quote as it is now is not what was approved, in our words; null when it is, or costs less. */
export function whyNotSend(ports: Ports, record: SellerRecord, line: Line, now: Quote): string | null {
  const booking = bookingOf(line);
  if (now.changes && (now.state !== "available" || now.changes.revision !== line.quote.changes?.revision))
    return "the media buy was changed at its seller meanwhile: ask again, on what it is now";
  if (now.state !== "available") return `the seller's quote is ${now.state} by now`;
  const terms = termsOf(now, line.request, termsContext(ports, record, line.campaign, booking.terms.po_number));
  if (digestOf(terms) === booking.digest || noWorse(booking.terms, terms)) return null;
  const first = differences(booking.terms, terms)[0];
  return `${first?.field ?? "terms"} was approved as ${first?.approved ?? "?"} and is ${first?.now ?? "?"} by now`;
}

/**
 * True while nobody claimed after this claim. A sender that slept past its claim may find that another process sends:
 * it must not speak for that one.
 */
function isLastClaim(claimed: LoadedLine, { booking, claims }: Line): boolean {
  const [mine, last] = [claimed.line.claims.at(-1), claims.at(-1)];
  const isSame = mine?.holder === last?.holder && mine?.until === last?.until;
  return isSame && booking?.attempt === claimed.line.booking?.attempt && claims.length === claimed.line.claims.length;
}

/** Ends an attempt that certainly booked nothing, and gives its money back. */
async function release(ports: Ports, claimed: LoadedLine, refusal: Refusal): Promise<void> {
  await releaseLine(ports, claimed.ref, refusal, ["sending", "booking_unknown"], (line) => isLastClaim(claimed, line));
}

/**
 * {@link release} for whoever is entitled to it: while the line is in one of these states and `may` says so. What it had
 * placed at its seller is given up after that; where nobody comes to it, the seller's own clock does.
 */
export async function releaseLine(
  ports: Ports,
  ref: Ref,
  refusal: Refusal,
  from: readonly LineStatus[],
  may: (line: Line) => boolean,
): Promise<void> {
  const released = await decideAndAppend(ports, async () => {
    // Balances before the line: money given back in between then shows in the line, and is not given back twice.
    const balances = await loadBalances(ports);
    const loaded = await loadLine(ports, ref);
    if (!from.includes(loaded.line.status) || !may(loaded.line)) return { rows: [], result: null };
    const { attempt, holding } = bookingOf(loaded.line);
    const refused = lineRow(ports, loaded, { kind: "booking_refused", v: 1, attempt, ...refusal });
    const spend = spendRow(ports, balances, loaded.flowId, [{ kind: "released", v: 1, holding, why: refusal.why }]);
    return { rows: [refused, spend], result: loaded.line.quote };
  });
  if (released?.placed) await letGo(ports, ref, released, released.placed);
}

async function unknown(ports: Ports, claimed: LoadedLine, why: string): Promise<void> {
  await appendLine(ports, claimed.ref, ({ line }) =>
    line.status === "sending" && isLastClaim(claimed, line)
      ? [{ kind: "booking_unknown", v: 1, attempt: bookingOf(line).attempt, why }]
      : [],
  );
}

/** A line's frozen booking. @throws RangeError for a line that has none: its status would not allow this */
export function bookingOf(line: Line): BookingStart {
  if (!line.booking) throw new RangeError(`a line that is ${line.status} has no booking`);
  return line.booking;
}
