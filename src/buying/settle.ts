import { BuyingError } from "../domain/errors.ts";
import { type Ref, refOf } from "../domain/ids.ts";
import type { Deal, Line, LineEvent } from "../domain/media-buy.ts";
import { parseMoney } from "../domain/money.ts";
import { type Seller, SellerFailure } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { appendLine, dealRow, decideAndAppend, lineRow, loadBalances, loadLine, spendRow } from "./lines.ts";
import { dealOwner, placeOrder, recordDeal } from "./outcome.ts";
import type { Ports, SellerRecord } from "./ports.ts";
import { readNow } from "./reread.ts";
import { bookingOf, resendLine, whyNotSend } from "./send.ts";

/**
 * One step towards knowing what became of a booking whose answer was lost: looks at the seller, records what it finds,
 * and re-sends once where the protocol's settlement allows it. Safe from several processes at once.
 * @param looksOnly for a read of the planner's: nothing is sent, not even an order; whoever watches does that
 * @returns true when the line is settled
 */
export async function settleLine(ports: Ports, ref: Ref, looksOnly = false): Promise<boolean> {
  await noteDeadSender(ports, ref);
  const { line } = await loadLine(ports, ref);
  if (line.status !== "booking_unknown") return line.status !== "sending";
  const known = await sellerNow(ports, line.quote.sellerId);
  if (!known) return false;
  const { record, seller } = known;
  const found = await look(() => seller.findBooking(line.quote.sellerQuoteId, accessAs(ports, line.quote.shownAs)));
  if (found?.kind === "booked") {
    if ((await recordDeal(ports, ref, found.deal, bookingOf(line))) && !looksOnly) await placeOrder(ports, ref);
    return true;
  }
  const what = found === null ? "unreachable" : found.kind;
  const { line: after } = await appendLine(ports, ref, ({ line: latest }) => {
    if (latest.status !== "booking_unknown" || isIdle(latest, what)) return [];
    return [{ kind: "booking_looked_up", v: 1, attempt: bookingOf(latest).attempt, found: what }];
  });
  // The look just made must say available too, not only two older ones.
  if (!looksOnly && seller.settlement === "read_back" && what === "available" && mayResend(ports, after)) {
    if (!(await standsAsApproved(ports, record, ref))) return false;
    await resendLine(ports, ref, (latest) => mayResend(ports, latest));
    return (await loadLine(ports, ref)).line.status !== "booking_unknown";
  }
  return false;
}

/** The seller to look at; null where the operator keeps it out by now, and only a person can settle. */
async function sellerNow(ports: Ports, sellerId: string): Promise<{ record: SellerRecord; seller: Seller } | null> {
  try {
    const record = await ports.directory.find(sellerId);
    return { record, seller: ports.directory.connect(record) };
  } catch (error) {
    if (!(error instanceof BuyingError)) throw error;
    ports.log("an unknown booking cannot be looked up", { seller: sellerId, why: error.code });
    return null;
  }
}

/** A claim that ran out without an outcome: its holder died, or hangs. What it did is unknown. */
async function noteDeadSender(ports: Ports, ref: Ref): Promise<void> {
  await appendLine(ports, ref, ({ line }) => {
    const until = line.claims.at(-1)?.until;
    if (line.status !== "sending" || !until || Date.parse(until) > ports.now().getTime()) return [];
    return [
      {
        kind: "booking_unknown",
        v: 1,
        attempt: bookingOf(line).attempt,
        why: "the process that was sending gave no outcome",
      },
    ];
  });
}

/** At most one re-send, after the settling time since any process last sent, and two looks that found it available. */
function mayResend(ports: Ports, line: Line): boolean {
  const last = line.claims.at(-1);
  if (line.status !== "booking_unknown" || !last || line.claims.some(({ resend }) => resend)) return false;
  const quiet = ports.now().getTime() - Date.parse(last.until) >= ports.settings.settleAfterMs;
  const open = Date.parse(line.quote.expiresAt) > ports.now().getTime();
  return quiet && open && line.seenAvailable >= 2;
}

/** The look before a re-send: what was approved must still be what is had, or a person has to settle it. */
async function standsAsApproved(ports: Ports, record: SellerRecord, ref: Ref): Promise<boolean> {
  const loaded = await loadLine(ports, ref);
  if (loaded.line.status !== "booking_unknown") return false;
  const now = await look(() => readNow(ports, loaded));
  const why = now ? whyNotSend(ports, record, loaded.line, now) : "the quote could not be read";
  if (why) ports.log("not sent again", { ref, why });
  return why === null;
}

/** Looks that tell nothing new are not written again, or a dead seller would fill the ledger. */
function isIdle(line: Line, found: "available" | "gone" | "unreachable"): boolean {
  return found === "available" ? line.seenAvailable >= 2 : line.seenAvailable === 0;
}

async function look<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof SellerFailure) return null;
    throw error;
  }
}

/**
 * A person settles what nobody could find out, after asking the seller: booked under a deal id, or not booked.
 * @throws BuyingError `conflict` when the line is not unknown, or the deal is another media buy's
 */
export async function settleByPerson(
  ports: Ports,
  ref: Ref,
  verdict: { readonly dealId: string | null; readonly by: string; readonly note: string },
): Promise<Line> {
  await decideAndAppend(ports, async () => {
    // Balances before the line: money given back in between then shows in the line, and is not given back twice.
    const spend = await loadBalances(ports);
    const loaded = await loadLine(ports, ref);
    if (loaded.line.status !== "booking_unknown") {
      throw new BuyingError(
        "conflict",
        `${ref} is ${loaded.line.status.replaceAll("_", " ")}; there is nothing to settle.`,
        "none",
      );
    }
    const { terms, holding } = bookingOf(loaded.line);
    const { by, note } = verdict;
    const booked = verdict.dealId !== null;
    const deal = verdict.dealId === null ? null : dealAsApproved(verdict.dealId, loaded.line);
    const event: LineEvent = { kind: "settled_by_person", v: 1, by, booked, deal, note };
    const rows = [lineRow(ports, loaded, event)];
    if (deal) {
      const dealRef = refOf(loaded.line.quote.sellerId, deal.dealId);
      const owner = await dealOwner(ports, dealRef);
      if (owner !== null && owner !== ref)
        throw new BuyingError("conflict", `${dealRef} is the deal of ${owner}. Nothing was settled.`, "fix_arguments");
      if (owner === null) rows.push(dealRow(ref, dealRef, loaded.flowId));
    }
    if (!booked)
      rows.push(
        spendRow(ports, spend, loaded.flowId, [
          { kind: "released", v: 1, holding, why: `${by} settled it: not booked (${terms.total})` },
        ]),
      );
    return { rows, result: undefined };
  });
  return (await loadLine(ports, ref)).line;
}

/** A person clears an incident: the booking stands as it is, and approvals may go on. */
export async function clearIncident(ports: Ports, ref: Ref, by: string, note: string): Promise<void> {
  await decideAndAppend(ports, async () => {
    const loaded = await loadLine(ports, ref);
    const spend = await loadBalances(ports);
    if (!spend.balances.incidents.includes(ref))
      throw new BuyingError("conflict", `${ref} has no open incident.`, "none");
    const rows = [spendRow(ports, spend, loaded.flowId, [{ kind: "incident_cleared", v: 1, ref, by }])];
    if (loaded.line.status === "terms_mismatch")
      rows.push(lineRow(ports, loaded, { kind: "mismatch_cleared", v: 1, by, note }));
    return { rows, result: undefined };
  });
}

function dealAsApproved(dealId: string, line: Line): Deal {
  const { terms } = bookingOf(line);
  const cpm = parseMoney(terms.unit_price);
  return {
    dealId,
    sellerStatus: "as told by a person",
    productId: terms.product,
    dealType: terms.deal_type,
    cpm,
    impressions: terms.impressions,
    flight: terms.flight,
    activation: [],
    openrtb: { id: dealId, bidfloor: cpm, at: null, wseat: [] },
    expiresAt: null,
  };
}
