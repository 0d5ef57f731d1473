import { overspend } from "../domain/booked.ts";
import { BuyingError } from "../domain/errors.ts";
import { splitRef, streams, type Ref } from "../domain/ids.ts";
import type { LineEvent } from "../domain/media-buy.ts";
import { add, zero } from "../domain/money.ts";
import { type Performance, SellerFailure } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { asCode } from "./failures.ts";
import { appendLine, decideAndAppend, type LoadedLine, lineRow, loadBalances, loadLine, spendRow } from "./lines.ts";
import type { Ports } from "./ports.ts";
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
  const bought = await loadBuy(ports, id);
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
    const answer = await seller.cancel(line.deal.dealId, accessAs(ports, line.quote.shownAs));
    if (answer.kind === "cancelled") return await cancelled(ports, ref, by);
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
export async function performanceOf(ports: Ports, id: Ref): Promise<Performance | null> {
  const { line } = await loadBuy(ports, id);
  if (!line.deal) return null;
  const record = await ports.directory.find(line.quote.sellerId);
  return ports.directory.connect(record).performance(line.deal.dealId, accessAs(ports, line.quote.shownAs));
}

async function cancelled(ports: Ports, ref: Ref, by: string): Promise<LoadedLine> {
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
    const all = { ...holding, amount: add(holding.amount, more) };
    const released = spendRow(ports, spend, loaded.flowId, [
      { kind: "released", v: 1, holding: all, why: "the seller cancelled the deal" },
    ]);
    const again: readonly LineEvent[] = isRefused ? [{ kind: "cancel_started", v: 1, by }] : [];
    return {
      rows: [lineRow(ports, loaded, ...again, { kind: "cancel_confirmed", v: 1 }), released],
      result: undefined,
    };
  });
  return loadLine(ports, ref);
}

function close(ports: Ports, ref: Ref, by: string, event: LineEvent): Promise<LoadedLine> {
  return appendLine(ports, ref, ({ line }) => {
    if (line.status === "cancelling") return [event];
    // Another call was refused meanwhile, which says nothing of this one: it may still take effect.
    const isRefused = ["booked", "terms_mismatch"].includes(line.status);
    return isRefused && event.kind === "cancel_unknown" ? [{ kind: "cancel_started", v: 1, by }, event] : [];
  });
}
