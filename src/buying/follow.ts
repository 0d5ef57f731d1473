import type { Ref } from "../domain/ids.ts";
import type { SellerWait } from "../domain/deal.ts";
import type { Line } from "../domain/media-buy.ts";
import { canonicalJson } from "../domain/terms.ts";
import { SellerFailure } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { appendLine, loadLine } from "./lines.ts";
import { look, sellerNow } from "./look.ts";
import { placeOrder, recordAdvance, recordDeal, recordWait, waitOfSent } from "./outcome.ts";
import type { Ports } from "./ports.ts";
import { bookingOf, releaseLine, sendLine } from "./send.ts";

/**
 * One look at a buy that its seller keeps waiting: an account to be opened, a signature, a decision of the seller's
 * people, a provisional buy. It may take days and outlives every process; nothing is sent but what was never sent.
 * @param looksOnly for a read of the planner's: an account that was opened is not acted on, whoever watches does that
 * @returns true when the line waits no longer
 */
export async function followLine(ports: Ports, ref: Ref, looksOnly: boolean): Promise<boolean> {
  const { line } = await loadLine(ports, ref);
  if (line.status !== "awaiting_seller" || !line.wait) return true;
  const known = await sellerNow(ports, line.quote.sellerId);
  if (!known) return false;
  const { seller } = known;
  const access = accessAs(ports, line.quote.shownAs);
  const { wait } = line;
  const booking = bookingOf(line);
  // What was asked of one wait says nothing of another, of this attempt or a later one.
  const isMine = (latest: Line) =>
    latest.booking?.attempt === booking.attempt && canonicalJson(latest.wait) === canonicalJson(wait);
  if (wait.for === "account")
    return looksOnly ? false : openAccount(ports, ref, isMine, () => seller.ready(line.quote, access));
  const found = await look(() => seller.follow(wait, line.quote, booking.request, access));
  if (!found) return false;
  if (found.kind === "waits") {
    await recordWait(ports, ref, waitOfSent(found.wait), isMine);
    return false;
  }
  if (found.kind === "advanced") {
    if ((await recordAdvance(ports, ref, found.quote, isMine)) && !looksOnly) await sendLine(ports, ref);
    return (await loadLine(ports, ref)).line.status !== "awaiting_seller";
  }
  if (found.kind === "booked") {
    if ((await recordDeal(ports, ref, found.deal, booking)) && !looksOnly) await placeOrder(ports, ref);
    return true;
  }
  const refusal = { code: found.code, why: found.why, sent: true };
  await releaseLine(ports, ref, refusal, ["awaiting_seller"], isMine);
  return true;
}

/** Sends what was held back for an account, once the seller has opened it. A seller that refuses it ends the attempt. */
async function openAccount(
  ports: Ports,
  ref: Ref,
  isMine: (line: Line) => boolean,
  ready: () => Promise<SellerWait | null>,
): Promise<boolean> {
  try {
    const still = await ready();
    if (still) {
      await recordWait(ports, ref, still, isMine);
      return false;
    }
  } catch (error) {
    if (!(error instanceof SellerFailure)) throw error;
    if (!error.definite || ["unreachable", "timeout", "circuit_open"].includes(error.kind)) return false;
    const refusal = { code: error.code ?? error.kind, why: error.message, sent: false };
    await releaseLine(ports, ref, refusal, ["awaiting_seller"], isMine);
    return true;
  }
  await appendLine(ports, ref, ({ line }) =>
    line.status === "awaiting_seller" && isMine(line)
      ? [{ kind: "seller_ready", v: 1, attempt: bookingOf(line).attempt }]
      : [],
  );
  await sendLine(ports, ref);
  return (await loadLine(ports, ref)).line.status !== "awaiting_seller";
}
