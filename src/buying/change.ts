import { beyondApproved, ceilingOf } from "../domain/ceiling.ts";
import { actionsIn, type ChangeAsk, changesNothing, quoteOfChange } from "../domain/change.ts";
import { BuyingError } from "../domain/errors.ts";
import { flightOf } from "../domain/flight.ts";
import { type Ref, refOf, streams } from "../domain/ids.ts";
import type { Deal } from "../domain/deal.ts";
import { compare, displayMoney, type Money } from "../domain/money.ts";
import type { Quote, QuoteRequest } from "../domain/quote.ts";
import { localPrincipal } from "../domain/principal.ts";
import { digestOf, type Terms, termsOf } from "../domain/terms.ts";
import { type BuyNow, SellerFailure } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { voidRows } from "./approve.ts";
import { createMediaBuy } from "./book.ts";
import { loadBuy } from "./flight.ts";
import { approvalLine, termsContext } from "./line-terms.ts";
import {
  appendLine,
  decideAndAppend,
  firstLineRow,
  lineFrom,
  type LoadedLine,
  loadApproval,
  loadLine,
} from "./lines.ts";
import { standing } from "./mandate-facts.ts";
import { adoptPolicy } from "./policy.ts";
import type { Ports } from "./ports.ts";
import { startRows } from "./start.ts";

/** What asking for a change came to. */
export interface ChangeOutcome {
  readonly buy: Ref;
  /** The line of the change; null where the buy is already as it was asked for. */
  readonly ref: Ref | null;
  readonly approvalId: string | null;
  readonly started: readonly Ref[];
  /** Why a person is asked, in our words; none where it is within what was approved. */
  readonly beyond: readonly string[];
}

const STANDS_MS = 24 * 3_600_000;

/**
 * Asks to change a booked media buy. The buy is read at its seller first: what it allows, and whether it is what this
 * desk has on record. Within what was approved the change is started under that approval; anything beyond it goes to a
 * person, on the exact new state, before anything is sent.
 * @throws BuyingError `conflict`, `unsupported_by_seller`, `invalid_arguments`, as the mandate refuses it, …
 */
export async function changeBuy(ports: Ports, id: Ref, ask: ChangeAsk, by: string): Promise<ChangeOutcome> {
  const buy = await loadChanged(ports, id);
  const { line } = buy;
  if (line.status !== "booked" || !line.deal || line.differences.length > 0) {
    const why =
      line.differences.length > 0
        ? "was booked on other terms than approved: it can be cancelled, and not changed"
        : `is ${line.status.replaceAll("_", " ")}`;
    throw new BuyingError("conflict", `${buy.ref} ${why}. Nothing was changed.`, "none", { nothingBooked: false });
  }
  const record = await ports.directory.find(line.quote.sellerId);
  const seller = ports.directory.connect(record);
  const named = await nameOf(ports, buy, line.deal);
  const now = await seller
    .buyNow({ quote: line.quote, deal: line.deal }, accessAs(ports, line.quote.shownAs))
    .catch((error: unknown) => {
      throw error instanceof SellerFailure && error.kind === "closed" ? notNow(error) : error;
    });
  refuseStrange(buy.ref, line.deal, now.deal);
  const expiresAt = new Date(ports.now().getTime() + STANDS_MS).toISOString();
  const quoted = quoteOfChange(
    { ref: buy.ref, quote: line.quote, deal: line.deal },
    ask,
    { ...named, revision: now.deal.revision ?? null },
    expiresAt,
  );
  const { wire } = quoted;
  const quote = { ...quoted, wire: wire && { ...wire, accepts: now.accepts } };
  const nothing = { buy: buy.ref, ref: null, approvalId: null, started: [], beyond: [] };
  if (changesNothing(quote) || isSoAlready(ask, now.deal)) return nothing;
  checkDates(ports, quote);
  refuseForbidden(buy.ref, quote, now);
  const request: QuoteRequest = { ...line.request, buys: undefined };
  const context = termsContext(ports, record, line.campaign, line.booking?.terms.po_number ?? null);
  const terms = termsOf(quote, request, context);
  const beyond = whyBeyond(buy, terms);
  await keep(ports, buy, quote, request, by, digestOf(terms), context.poNumber);
  if (beyond.length === 0) {
    const started = await startUnder(ports, buy.ref, named.ref);
    return { ...nothing, ref: named.ref, started };
  }
  const { campaign } = line;
  const outcome = await createMediaBuy(ports, { refs: [named.ref], poNumber: context.poNumber, campaign, by });
  return { buy: buy.ref, ref: named.ref, approvalId: outcome.approvalId, started: outcome.started, beyond };
}

/** The buy itself, also by the name of a change of it. */
export async function loadChanged(ports: Ports, id: Ref): Promise<LoadedLine> {
  const found = await loadBuy(ports, id);
  const { changes } = found.line.quote;
  return changes ? loadLine(ports, changes.buy) : found;
}

/** The buy takes no change in its present state, which passes: nothing is wrong with what was asked. */
function notNow(error: SellerFailure): BuyingError {
  return new BuyingError("conflict", `${error.message} Nothing was changed.`, "wait", {
    nothingBooked: false,
    cause: error,
  });
}

/** In what a change goes beyond the approval of its buy; none = it is covered. */
export function whyBeyond({ ref, line }: LoadedLine, terms: Terms): readonly string[] {
  const ceiling = ceilingOf(line);
  return ceiling && terms.changes?.media_buy === ref
    ? beyondApproved(ceiling, terms)
    : ["what was approved of it is not known package by package"];
}

/** A buy that is not what this desk has on record is looked at by a person first, and never written over. */
function refuseStrange(ref: Ref, known: Deal, now: Deal): void {
  const [before = [], after = []] = [known.packages, now.packages];
  const other = (left: Money | null | undefined, right: Money | null | undefined) =>
    left && right && (left.currency !== right.currency || compare(left, right) !== 0);
  const differing = after.flatMap((one) => {
    const kept = before.find(({ packageId }) => packageId === one.packageId);
    if (!kept) return [`package ${one.packageId} is not on record here`];
    return [
      ...(other(kept.budget, one.budget)
        ? [
            `the budget of ${one.packageId} is ${one.budget ? displayMoney(one.budget) : "gone"}, on record is ${kept.budget ? displayMoney(kept.budget) : "none"}`,
          ]
        : []),
      ...(other(kept.bid, one.bid) ? [`the bid on ${one.packageId} is another one than on record here`] : []),
    ];
  });
  const gone = before.filter(({ packageId }) => !after.some((one) => one.packageId === packageId));
  const why = [
    ...differing,
    ...gone.map(({ packageId }) => `package ${packageId} is gone`),
    ...(known.packages ? [] : strangeVolume(known, now)),
  ];
  if (why.length === 0) return;
  const message = `${ref} at its seller is not what this desk has on record: ${why.join("; ")}. Somebody else changed it. Nothing was changed now.`;
  throw new BuyingError("conflict", message, "ask_person", { nothingBooked: false });
}

/** What of a deal by volume is not as it is on record. */
function strangeVolume(known: Deal, now: Deal): readonly string[] {
  const days = ({ flight }: Deal) => `${flight.start.slice(0, 10)} to ${flight.end.slice(0, 10)}`;
  const facts: readonly (readonly [string, string, string])[] = [
    ["volume", String(known.impressions), String(now.impressions)],
    ["rate", known.cpm ? displayMoney(known.cpm) : "none", now.cpm ? displayMoney(now.cpm) : "not stated"],
    ["flight", days(known), days(now)],
  ];
  return facts.flatMap(([what, kept, is]) => (kept === is ? [] : [`its ${what} is ${is}, on record is ${kept}`]));
}

function isSoAlready({ action }: ChangeAsk, { paused }: Deal): boolean {
  return (action === "pause" && paused === true) || (action === "resume" && paused === false);
}

function checkDates(ports: Ports, { changes, flight }: Quote): void {
  if (!changes) return;
  const { flightBefore } = changes;
  if (flight.start === flightBefore.start && flight.end === flightBefore.end) return;
  // A flight that has begun keeps its start; only its end is then a day to come.
  const today = ports.now();
  const start = flight.start === flightBefore.start ? today.toISOString().slice(0, 10) : flight.start;
  flightOf(start < flight.start ? flight.start : start, flight.end, today, "flight");
}

/** Before anything is sent: whether the seller says that this can be done now. */
function refuseForbidden(ref: Ref, quote: Quote, { actions }: BuyNow): void {
  if (!actions) return;
  const missing = actionsIn(quote).find(
    (words) => !words.some((word) => actions.some(({ action }) => action === word)),
  );
  if (!missing) return;
  const named = actions.map(({ action }) => action).join(", ");
  const message = `The seller of ${ref} does not allow ${missing[0]} now; it allows ${named}. Nothing was sent.`;
  throw new BuyingError("unsupported_by_seller", message, "fix_arguments", { nothingBooked: false });
}

/** The name of the next change: one after those that were made or closed, so that there is one under way at a time. */
async function nameOf(ports: Ports, buy: LoadedLine, deal: Deal): Promise<{ ref: Ref; sellerQuoteId: string }> {
  for (let n = buy.line.changes.length + 1; ; n += 1) {
    const sellerQuoteId = `${deal.dealId}.change-${n}`;
    const ref = refOf(buy.line.quote.sellerId, sellerQuoteId);
    const known = lineFrom(ref, await ports.ledger.read(streams.quote(ref)));
    const status = known?.line.status ?? "open";
    if (["open", "awaiting_approval"].includes(status)) return { ref, sellerQuoteId };
    if (["declined", "superseded", "booked", "cancelled", "terms_mismatch"].includes(status)) continue;
    const message = `A change of ${buy.ref} is under way: ${ref} is ${status.replaceAll("_", " ")}. Nothing more was changed.`;
    throw new BuyingError("conflict", message, "wait", { nothingBooked: false });
  }
}

/** Puts the change into its line: a new one, or one that was not sent yet. A person asked about another is asked no more. */
async function keep(
  ports: Ports,
  buy: LoadedLine,
  quote: Quote,
  request: QuoteRequest,
  by: string,
  digest: string,
  poNumber: string | null,
): Promise<void> {
  const { campaign } = buy.line;
  const known = lineFrom(quote.ref, await ports.ledger.read(streams.quote(quote.ref)));
  if (!known) {
    const row = firstLineRow(quote.ref, buy.flowId, {
      ...{ kind: "quoted", v: 1, quote, request, campaign, by, renews: null },
    });
    await decideAndAppend(ports, async () => {
      const exists = (await ports.ledger.head(streams.quote(quote.ref))) !== undefined;
      return { rows: exists ? [] : [row], result: undefined };
    });
    return;
  }
  const before = await approvalLine(ports, known, poNumber);
  const isSame = before.digest === digest;
  const { approvalId } = known.line;
  if (!isSame && approvalId !== null && known.line.status === "awaiting_approval") {
    await decideAndAppend(ports, async () => {
      const rows = await voidRows(ports, await loadApproval(ports, approvalId), "another change was asked for");
      return { rows, result: undefined };
    });
  }
  await appendLine(ports, quote.ref, ({ line }) => {
    if (isSame && ["open", "awaiting_approval"].includes(line.status)) return [{ kind: "quote_read", v: 1, quote }];
    return line.status === "open" ? [{ kind: "terms_chosen", v: 1, request, quote }] : [];
  });
}

/** Starts a change that its buy's approval covers, after looking once more at the very versions it is decided on. */
async function startUnder(ports: Ports, buyRef: Ref, ref: Ref): Promise<readonly Ref[]> {
  await adoptPolicy(ports);
  return decideAndAppend(ports, async () => {
    const now = await standing(ports);
    const buy = await loadLine(ports, buyRef);
    const change = await loadLine(ports, ref);
    const { booking } = buy.line;
    if (!booking || change.line.status !== "open") return { rows: [], result: [] };
    const line = await approvalLine(ports, change, booking.terms.po_number);
    if (whyBeyond(buy, line.terms).length > 0) return { rows: [], result: [] };
    const started = {
      ...{ via: booking.via, by: booking.by, at: ports.now().toISOString(), under: buyRef },
      proposer: booking.holding.proposer ?? localPrincipal.name,
      approval: booking.approvalId === null ? null : { approvalId: booking.approvalId },
    };
    return { rows: await startRows(ports, [change], [line], started, now), result: [ref] };
  });
}
