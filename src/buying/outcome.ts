import { bookedDifferences, overspend } from "../domain/booked.ts";
import { type Ref, refOf, streams } from "../domain/ids.ts";
import type { BookingStart, Deal, Line, LineEvent } from "../domain/media-buy.ts";
import { asMuchAsFits, costOfImpressions } from "../domain/money.ts";
import { totalOf } from "../domain/terms.ts";
import type { NewRow } from "../ledger/ledger.ts";
import { SellerFailure } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { anchor } from "./anchor.ts";
import {
  appendLine,
  dealRow,
  decideAndAppend,
  type LoadedLine,
  lineRow,
  loadBalances,
  loadLine,
  spendRow,
} from "./lines.ts";
import type { Ports } from "./ports.ts";

/**
 * Records what a seller booked, compared with what was approved: equal is booked; anything else is an incident that
 * stops further approvals, with the actual figure in the balances. The deal is claimed for this line in the same append.
 * @param sent what was sent, as the caller knows it: the line may have been closed since
 * @returns true when this call recorded it, false when somebody already had
 */
export async function recordDeal(ports: Ports, ref: Ref, deal: Deal, sent: BookingStart): Promise<boolean> {
  const recorded = await decideAndAppend(ports, async () => {
    const loaded = await loadLine(ports, ref);
    const { line, flowId } = loaded;
    if (!line.booking || !["sending", "booking_unknown"].includes(line.status))
      return { rows: await unawaited(ports, loaded, deal, sent), result: false };
    const { attempt, terms, holding } = line.booking;
    const dealRef = refOf(line.quote.sellerId, deal.dealId);
    const owner = await dealOwner(ports, dealRef);
    const found = [...bookedDifferences(terms, deal, line.quote.cpm)];
    if (owner !== null && owner !== ref)
      found.push({ field: "deal_id", approved: "a deal of its own", now: `${deal.dealId}, which ${owner} has` });
    const claim = owner === null ? [dealRow(ref, dealRef, flowId)] : [];
    if (found.length === 0) {
      return {
        rows: [lineRow(ports, loaded, { kind: "booking_confirmed", v: 1, attempt, deal }), ...claim],
        result: true,
      };
    }
    const event: LineEvent = { kind: "booking_mismatched", v: 1, attempt, deal, differences: found };
    const why = found.map(({ field, approved, now }) => `${field}: approved ${approved}, booked ${now}`).join("; ");
    const spend = await loadBalances(ports);
    // A seller's nonsense in several deals must not add up to what cannot be recorded at all.
    const by = asMuchAsFits(overspend(terms, deal), spend.balances.total);
    const incident = spendRow(ports, spend, flowId, [{ kind: "overspent", v: 1, holding, by, why }]);
    ports.log("booked on other terms than approved", { ref, why });
    return { rows: [lineRow(ports, loaded, event), ...claim, incident], result: true };
  });
  if (recorded) await anchor(ports, (await loadLine(ports, ref)).flowId);
  return recorded;
}

/**
 * A deal that no booking waits for: its line was closed meanwhile, say by a person, or has another deal. The seller says it
 * stands, so its whole cost is counted and approvals stop until a person has looked. One already on record adds nothing.
 */
async function unawaited(
  ports: Ports,
  { ref, line, flowId }: LoadedLine,
  deal: Deal,
  { terms, holding }: BookingStart,
): Promise<readonly NewRow[]> {
  const spend = await loadBalances(ports);
  const known = line.deal?.dealId === deal.dealId || spend.balances.incidents.includes(ref);
  if (known || (await dealOwner(ports, refOf(line.quote.sellerId, deal.dealId))) !== null) return [];
  ports.log("a deal came that no booking waits for", { ref, deal: deal.dealId, status: line.status });
  const cost =
    deal.cpm.currency === terms.currency
      ? costOfImpressions(deal.cpm, deal.impressions ?? terms.impressions)
      : totalOf(terms);
  const by = asMuchAsFits(cost, spend.balances.total);
  const why = `deal ${deal.dealId} came when no booking waited for it; the line was ${line.status.replaceAll("_", " ")}`;
  return [spendRow(ports, spend, flowId, [{ kind: "overspent", v: 1, holding, by, why }])];
}

/** The line that has a deal, or null. */
export async function dealOwner(ports: Ports, dealRef: Ref): Promise<Ref | null> {
  const head = await ports.ledger.head(streams.deal(dealRef));
  const entry = head?.entries.find(({ kind }) => kind === "deal_claimed");
  return entry?.kind === "deal_claimed" ? entry.ref : null;
}

/** Whether the seller has booked a line and what became of its order is not on record yet. */
export function isOrderOpen({ status, orderId, orderFailure }: Line): boolean {
  return orderId === null && orderFailure === null && ["booked", "terms_mismatch"].includes(status);
}

/** Places the seller's order for a booked deal. Its failure leaves the buy booked and is recorded, not hidden. */
export async function placeOrder(ports: Ports, ref: Ref): Promise<void> {
  const { line } = await loadLine(ports, ref);
  if (!line.deal || line.orderId) return;
  const record = await ports.directory.find(line.quote.sellerId);
  const metadata = {
    media_buy_id: ref,
    ...(line.booking?.terms.po_number ? { po_number: line.booking.terms.po_number } : {}),
  };
  let event: LineEvent;
  try {
    const access = accessAs(ports, line.quote.shownAs);
    const { orderId, status } = await ports.directory
      .connect(record)
      .placeOrder(line.deal.dealId, line.quote.sellerQuoteId, metadata, access);
    event = { kind: "order_placed", v: 1, orderId, status };
  } catch (error) {
    if (!(error instanceof SellerFailure)) throw error;
    event = { kind: "order_failed", v: 1, why: error.message };
  }
  await appendLine(ports, ref, (latest) =>
    latest.line.orderId || !["booked", "terms_mismatch"].includes(latest.line.status) ? [] : [event],
  );
}

/**
 * Says of bookings whose order has no outcome that nobody knows it: whoever was placing it ended in between. It is not
 * placed again, for orders carry no key by which a seller could tell a repeat.
 */
export async function noteLostOrders(ports: Ports): Promise<void> {
  const heads = await ports.ledger.heads({ kind: "quote", statuses: ["booked", "terms_mismatch"], limit: 100 });
  const why = "nobody recorded what became of it; ask the seller whether there is one";
  for (const { stream } of heads) {
    await appendLine(ports, stream.slice("quote/".length), ({ line }) => {
      const { bookedAt } = line;
      const isOver = bookedAt !== null && Date.parse(bookedAt) + ports.settings.claimMs < ports.now().getTime();
      return isOrderOpen(line) && isOver ? [{ kind: "order_failed", v: 1, why }] : [];
    });
  }
}
