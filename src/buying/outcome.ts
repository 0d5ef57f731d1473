import { bookedDifferences, costOfDeal, overspend } from "../domain/booked.ts";
import { type Ref, refOf, streams } from "../domain/ids.ts";
import type { Deal, SellerWait } from "../domain/deal.ts";
import type { BookingStart, Line, LineEvent } from "../domain/media-buy.ts";
import { afterOf, returnedBy } from "../domain/ceiling.ts";
import { asMuchAsFits, type Money, subtract, zero } from "../domain/money.ts";
import type { Holding } from "../domain/spend.ts";
import { isFurther } from "../domain/placed.ts";
import type { Quote } from "../domain/quote.ts";
import { totalOf } from "../domain/terms.ts";
import { isNews } from "../domain/waiting.ts";
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
 * @param may whether the one who asked still speaks for a line that waits for its deal
 * @returns true when this call recorded it, false when somebody already had
 */
export async function recordDeal(
  ports: Ports,
  ref: Ref,
  deal: Deal,
  sent: Pick<BookingStart, "terms" | "holding">,
  may: (line: Line) => boolean = () => true,
): Promise<boolean> {
  const recorded = await decideAndAppend(ports, async () => {
    const loaded = await loadLine(ports, ref);
    const { line, flowId } = loaded;
    const isOpen = ["sending", "booking_unknown", "awaiting_seller"].includes(line.status);
    // Of what waits for its account nothing was sent.
    if (!line.booking || !isOpen || line.wait?.for === "account")
      return { rows: await unawaited(ports, loaded, deal, sent), result: false };
    if (!may(line)) return { rows: [], result: false };
    const { attempt, terms, holding } = line.booking;
    const { changes } = line.quote;
    const dealRef = refOf(line.quote.sellerId, deal.dealId);
    const owner = await dealOwner(ports, dealRef);
    const found = [...bookedDifferences(terms, deal, line.quote.cpm)];
    const rightful = changes?.buy ?? ref;
    if (owner !== null && owner !== rightful)
      found.push({ field: "deal_id", approved: "a deal of its own", now: `${deal.dealId}, which ${owner} has` });
    const claim = owner === null ? [dealRow(ref, dealRef, flowId)] : [];
    if (found.length === 0) {
      const confirmed = lineRow(ports, loaded, { kind: "booking_confirmed", v: 1, attempt, deal });
      const after = changes ? await changedRows(ports, loaded, line.booking, deal, changes.buy) : [];
      return { rows: [confirmed, ...claim, ...after], result: true };
    }
    const event: LineEvent = { kind: "booking_mismatched", v: 1, attempt, deal, differences: found };
    const why = found.map(({ field, approved, now }) => `${field}: approved ${approved}, booked ${now}`).join("; ");
    const spend = await loadBalances(ports);
    // A seller's nonsense in several deals must not add up to what cannot be recorded at all.
    const by = asMuchAsFits(overspend(terms, deal), spend.balances.total);
    const incident = spendRow(ports, spend, flowId, [{ kind: "overspent", v: 1, holding, by, why }]);
    ports.log("booked on other terms than approved", { ref, why });
    const base = changes ? await changedBuy(ports, loaded, line.booking, deal, changes.buy, null) : [];
    return { rows: [lineRow(ports, loaded, event), ...claim, incident, ...base], result: true };
  });
  if (recorded) await anchor(ports, (await loadLine(ports, ref)).flowId);
  return recorded;
}

/** What a change that was made means for its buy: how it stands, and the money that it gives back. */
async function changedRows(
  ports: Ports,
  change: LoadedLine,
  booking: BookingStart,
  deal: Deal,
  buyRef: Ref,
): Promise<readonly NewRow[]> {
  const spend = await loadBalances(ports);
  const { line, flowId } = await loadLine(ports, buyRef);
  const holding = line.booking?.holding;
  const isOver = line.status === "cancelled";
  const returned = holding && !isOver ? returnedBy(booking.terms, leftOf(line, holding)) : null;
  const changed = await changedBuy(ports, change, booking, deal, buyRef, returned);
  if (!holding || !returned || returned.micros <= 0n) return changed;
  const why = `${change.ref} lowered what is bought`;
  const freed = { kind: "released", v: 1, holding: { ...holding, amount: returned }, why } as const;
  return [...changed, spendRow(ports, spend, flowId, [freed])];
}

/** What of a buy's money its changes have not given back yet. */
export function leftOf({ changes }: Line, { amount }: Holding): Money {
  return changes.reduce((left, { returned }) => subtract(left, returned), amount);
}

/** How a buy stands after a change of it. @param returned what it gives back of the buy's money; null = nothing */
export async function changedBuy(
  ports: Ports,
  { ref }: LoadedLine,
  { terms, under }: BookingStart,
  deal: Deal,
  buyRef: Ref,
  returned: Money | null,
): Promise<readonly NewRow[]> {
  const buy = await loadLine(ports, buyRef);
  const after = afterOf(terms);
  // What the seller does not repeat is as it was asked for; the next change starts from it.
  const packages = deal.packages?.map((one) => {
    const asked = after.find(({ packageId }) => packageId === one.packageId);
    return { ...one, budget: one.budget ?? asked?.budget ?? null, bid: one.bid ?? asked?.bid ?? null };
  });
  const change = { ref, terms, under: under !== undefined, returned: returned ?? zero(terms.currency) };
  return [lineRow(ports, buy, { kind: "buy_changed", v: 1, change, deal: { ...deal, packages } })];
}

/**
 * Records that a seller keeps a buy waiting, and for what; nothing where it says nothing new ({@link isNews}).
 * @param may whether the one who asked still speaks for the line
 */
export async function recordWait(
  ports: Ports,
  ref: Ref,
  wait: SellerWait,
  may: (line: Line) => boolean,
): Promise<void> {
  await appendLine(ports, ref, ({ line }) => {
    const isOpen = ["sending", "booking_unknown", "awaiting_seller"].includes(line.status);
    if (!isOpen || !line.booking || !may(line) || !isNews(line, wait, ports.now())) return [];
    return [{ kind: "seller_waits", v: 1, attempt: line.booking.attempt, wait }];
  });
}

/**
 * Records that one of a booking's writes is done, so that the next can be claimed and sent.
 * @param may whether the one who asked still speaks for the line
 * @returns false where nothing was recorded: somebody was faster, or the seller is no further than before
 */
export async function recordAdvance(
  ports: Ports,
  ref: Ref,
  quote: Quote,
  may: (line: Line) => boolean,
): Promise<boolean> {
  return decideAndAppend(ports, async () => {
    const loaded = await loadLine(ports, ref);
    const { line } = loaded;
    const isOpen = ["sending", "booking_unknown", "awaiting_seller"].includes(line.status);
    if (!isOpen || !line.booking || !may(line) || !isFurther(line.quote.placed, quote.placed))
      return { rows: [], result: false };
    const { attempt } = line.booking;
    const { notHonoured, product } = line.quote;
    const advanced = lineRow(ports, loaded, {
      ...{ kind: "booking_advanced", v: 1, attempt },
      quote: { ...quote, notHonoured, product },
    });
    return { rows: [advanced], result: true };
  });
}

/**
 * A wait as it counts once the bytes have left. An account is what is waited for before that: whatever the seller says
 * of one now, what it has is not sent again when the account is open.
 */
export function waitOfSent(wait: SellerWait): SellerWait {
  return wait.for === "account" ? { ...wait, for: wait.url === null ? "decision" : "signature" } : wait;
}

/**
 * A deal that no booking waits for: its line was closed meanwhile, say by a person, or has another deal. The seller says it
 * stands, so its whole cost is counted and approvals stop until a person has looked. One already on record adds nothing.
 */
async function unawaited(
  ports: Ports,
  { ref, line, flowId }: LoadedLine,
  deal: Deal,
  { terms, holding }: Pick<BookingStart, "terms" | "holding">,
): Promise<readonly NewRow[]> {
  const spend = await loadBalances(ports);
  const known = line.deal?.dealId === deal.dealId || spend.balances.incidents.includes(ref);
  if (known || (await dealOwner(ports, refOf(line.quote.sellerId, deal.dealId))) !== null) return [];
  ports.log("a deal came that no booking waits for", { ref, deal: deal.dealId, status: line.status });
  const said = costOfDeal(terms, deal);
  const cost = said?.currency === terms.currency ? said : totalOf(terms);
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
