import { overspend } from "../domain/booked.ts";
import { BuyingError } from "../domain/errors.ts";
import { splitRef, streams, type Ref, uuidFrom } from "../domain/ids.ts";
import type { Line, LineEvent } from "../domain/media-buy.ts";
import { add, min, type Money, subtract, zero } from "../domain/money.ts";
import { totalOfQuote } from "../domain/quote.ts";
import type { Delivery } from "../domain/delivery.ts";
import { type Holding, lessOf, type SpendEvent } from "../domain/spend.ts";
import { type Bought, type Seller, SellerFailure } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { asCode } from "./failures.ts";
import { appendLine, decideAndAppend, type LoadedLine, lineRow, loadBalances, loadLine, spendRow } from "./lines.ts";
import type { Ports } from "./ports.ts";
import { look } from "./look.ts";
import { leftOf } from "./outcome.ts";
import { bookingOf } from "./send.ts";

/**
 * A media buy by its id (the reference of its quote) or by its deal id (`northbeam/DEMO-2099`).
 * @throws BuyingError `unknown_media_buy`
 */
export async function loadBuy(ports: Ports, id: string): Promise<LoadedLine> {
  splitRef(id);
  const owner = (await ports.ledger.head(streams.deal(id)))?.entries.find(({ kind }) => kind === "deal_claimed");
  const ref = owner?.kind === "deal_claimed" ? owner.ref : id;
  const head = await ports.ledger.head(streams.quote(ref));
  if (head) return loadLine(ports, ref);
  throw new BuyingError(
    "unknown_media_buy",
    `This desk holds no media buy ${id}. Nothing was changed.`,
    "fix_arguments",
    { field: "media_buy_id" },
  );
}

/**
 * Asks the seller to cancel a booked deal, and believes it only when a read says so. The money of a cancelled deal is
 * given back. An answer that was lost leaves `cancel_unknown`, its money held; asking again is safe.
 * @throws BuyingError `conflict` when there is nothing to cancel, `unsupported_by_seller` when the seller says no
 */
export async function cancelBuy(ports: Ports, id: Ref, by: string): Promise<LoadedLine> {
  const named = await loadBuy(ports, id);
  const { changes } = named.line.quote;
  // A change is cancelled with its buy, and never alone.
  const bought = changes ? await loadLine(ports, changes.buy) : named;
  const { ref } = bought;
  if (bought.line.status === "cancelled") return bought;
  // First of all: with a seller that is kept out by now nothing is begun.
  const record = await ports.directory.find(bought.line.quote.sellerId);
  const seller = ports.directory.connect(record);
  // An earlier request may still take effect, so a failure of this one settles nothing.
  let isRepeated = false;
  const started = await appendLine(ports, ref, ({ line }) => {
    isRepeated = line.status === "cancelling" || line.status === "cancel_unknown";
    if (line.status === "cancelled") return [];
    // Asked again before an answer came: a refusal of one call must not speak for the other.
    if (line.status === "cancelling")
      return [{ kind: "cancel_unknown", v: 1, why: "asked again before an answer came" }];
    if (!["booked", "terms_mismatch", "cancel_unknown"].includes(line.status) || !line.deal) {
      throw new BuyingError(
        "conflict",
        `${ref} is ${line.status.replaceAll("_", " ")}: there is no booked deal to cancel. Nothing was changed.`,
        "none",
      );
    }
    return [{ kind: "cancel_started", v: 1, by }];
  });
  const { line } = started;
  if (!["cancelling", "cancel_unknown"].includes(line.status) || !line.deal) return started;
  try {
    const { quote, deal } = line;
    const answer = await seller.cancel({ quote, deal }, uuidFrom("cancel", ref), accessAs(ports, quote.shownAs));
    if (answer.kind === "cancelled")
      return await cancelled(ports, ref, by, await spentOn(ports, seller, { quote, deal }));
    const after = await close(ports, ref, by, { kind: "cancel_refused", v: 1, why: answer.why });
    if (after.line.status === "cancel_unknown") return after;
  } catch (error) {
    if (!(error instanceof SellerFailure)) throw error;
    const why = error.message;
    if (isRepeated || !error.definite) return await close(ports, ref, by, { kind: "cancel_unknown", v: 1, why });
    await close(ports, ref, by, { kind: "cancel_refused", v: 1, why });
    const [code, recovery] = asCode[error.kind];
    throw new BuyingError(code, `${why} Nothing was cancelled; the deal stands.`, recovery, { nothingBooked: false });
  }
  throw new BuyingError(
    "unsupported_by_seller",
    `${record.id} did not cancel it: ${seller.cancellation} The deal stands.`,
    "ask_person",
    { nothingBooked: false },
  );
}

/** How a deal delivers, as far as its seller reports it. */
export async function deliveryOf(ports: Ports, id: Ref): Promise<Delivery | null> {
  const { quote, deal } = (await loadBuy(ports, id)).line;
  if (!deal) return null;
  const record = await ports.directory.find(quote.sellerId);
  return ports.directory.connect(record).delivery({ quote, deal }, accessAs(ports, quote.shownAs));
}

/**
 * What a cancelled buy by budget has spent, which stays committed: as its seller reports it. Null where it does not say
 * and the flight has begun: then nothing is known to be free. Deals by volume report no spend, and are given back whole.
 */
async function spentOn(ports: Ports, seller: Seller, { quote, deal }: Bought): Promise<Money | null> {
  const total = totalOfQuote(quote);
  const none = zero(total.currency);
  if (seller.sells === "volume") return none;
  const found = await look(() => seller.delivery({ quote, deal }, accessAs(ports, quote.shownAs)));
  if (found?.spend?.currency === total.currency) return found.spend;
  return Date.parse(`${quote.flight.start}T00:00:00Z`) > ports.now().getTime() ? none : null;
}

/** @param spent what stays committed; null = all of it */
async function cancelled(ports: Ports, ref: Ref, by: string, spent: Money | null): Promise<LoadedLine> {
  await decideAndAppend(ports, async () => {
    // Balances before the line: money given back in between then shows in the line, and is not given back twice.
    const spend = await loadBalances(ports);
    const loaded = await loadLine(ports, ref);
    const { line } = loaded;
    // Asked twice at once, the other call may have given up, or been refused, before this answer came.
    const isRefused = ["booked", "terms_mismatch"].includes(line.status);
    if (!isRefused && !["cancelling", "cancel_unknown"].includes(line.status)) return { rows: [], result: undefined };
    const { holding, terms } = bookingOf(line);
    const more = line.deal && line.differences.length > 0 ? overspend(terms, line.deal) : zero(holding.amount.currency);
    const all = { ...holding, amount: add(leftOf(line, holding), more) };
    const why = "the seller cancelled the deal";
    const changes = await Promise.all(line.changes.map((change) => loadLine(ports, change.ref)));
    const open = changes.filter((one) => ["booked", "terms_mismatch"].includes(one.line.status));
    const [own, ...others] = givenBack([all, ...open.map((one) => heldBy(one.line))], spent);
    if (!own) throw new RangeError("a booked line without its holding");
    const released = [own, ...others].map(({ back }): SpendEvent => ({ kind: "released", v: 1, holding: back, why }));
    const ended = open.map((one, at) =>
      lineRow(ports, one, { kind: "cancel_started", v: 1, by }, confirmed(others[at]?.kept)),
    );
    const again: readonly LineEvent[] = isRefused ? [{ kind: "cancel_started", v: 1, by }] : [];
    return {
      rows: [
        lineRow(ports, loaded, ...again, confirmed(own.kept)),
        ...ended,
        spendRow(ports, spend, loaded.flowId, released),
      ],
      result: undefined,
    };
  });
  return loadLine(ports, ref);
}

/** What each holding gives back when a buy ends, and what of it was spent; null = all of them may have been. */
function givenBack(
  holdings: readonly Holding[],
  spent: Money | null,
): readonly { readonly back: Holding; readonly kept: Money }[] {
  let left = spent;
  return holdings.map((one) => {
    const kept = left ? min(left, one.amount) : one.amount;
    left = left && subtract(left, kept);
    return { back: lessOf(one, kept), kept };
  });
}

function confirmed(kept: Money | undefined): LineEvent {
  return kept && kept.micros > 0n ? { kind: "cancel_confirmed", v: 2, kept } : { kind: "cancel_confirmed", v: 1 };
}

/** All that a change holds: what was approved of it, and what its seller took beyond. */
function heldBy(line: Line): Holding {
  const { holding, terms } = bookingOf(line);
  const isMore = line.deal !== null && line.differences.length > 0;
  const more = isMore && line.deal ? overspend(terms, line.deal) : zero(holding.amount.currency);
  return { ...holding, amount: add(holding.amount, more) };
}

function close(ports: Ports, ref: Ref, by: string, event: LineEvent): Promise<LoadedLine> {
  return appendLine(ports, ref, ({ line }) => {
    if (line.status === "cancelling") return [event];
    // Another call was refused meanwhile, which says nothing of this one: it may still take effect.
    const isRefused = ["booked", "terms_mismatch"].includes(line.status);
    return isRefused && event.kind === "cancel_unknown" ? [{ kind: "cancel_started", v: 1, by }, event] : [];
  });
}
