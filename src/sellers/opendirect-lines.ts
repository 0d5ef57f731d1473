import type { Deal, SellerWait } from "../domain/deal.ts";
import { instants } from "../domain/flight.ts";
import { type Money, minorUnit, mulDiv } from "../domain/money.ts";
import type { Placed } from "../domain/placed.ts";
import { atCpm, type Quote } from "../domain/quote.ts";
import { instantOf } from "./iab-words.ts";
import { costOf, isPayable } from "./opendirect-catalogue.ts";
import { word } from "./opendirect-dialect.ts";
import { unreadable } from "./opendirect-errors.ts";
import { type Followed, type Found, SellerFailure } from "./seller.ts";
import { sellerText } from "./untrusted.ts";
import { moneyFromMicros, moneyFromText } from "./wire/money.ts";
import type { WireLine } from "./wire/opendirect.ts";

/**
 * What a line's state is to us. Finished and paused lines were booked. A state that nobody knows, or one that may stand for
 * several (ChangePending), is no success and no refusal.
 */
export type LineState = "draft" | "pending" | "reserved" | "booked" | "refused" | "over" | "unknown";

const states: Readonly<Record<string, LineState>> = {
  draft: "draft",
  pendingreservation: "pending",
  pendingbooking: "pending",
  reserved: "reserved",
  booked: "booked",
  inflight: "booked",
  finished: "booked",
  pause: "booked",
  paused: "booked",
  declined: "refused",
  expired: "refused",
  canceled: "over",
  cancelled: "over",
  stopped: "over",
};

/** @see LineState */
export function stateOf({ bookingstatus }: WireLine): LineState {
  const state = word(bookingstatus);
  return Object.hasOwn(states, state) ? (states[state] ?? "unknown") : "unknown";
}

/** A deal is a line of an order: its id is both, for lines need not be unique without their order. */
export function dealIdOf(orderId: string, lineId: string): string {
  return `${orderId}/${lineId}`;
}

/** The order and the line of a deal's id. A person may have been told the line's alone: then the quote's order has it. */
export function partsOf(dealId: string, quote: Pick<Quote, "placed">): { orderId: string; lineId: string } | null {
  const slash = dealId.indexOf("/");
  const [orderId, lineId] = [dealId.slice(0, Math.max(slash, 0)), dealId.slice(slash + 1)];
  if (lineId === "") return null;
  if (slash > 0) return { orderId, lineId };
  return quote.placed ? { orderId: quote.placed.orderId, lineId } : null;
}

/** What a line that was found means for the booking of its quote, which so far had come to `quote.placed`. */
export function outcomeOf(
  quote: Quote,
  orderId: string,
  line: WireLine,
): Followed | Extract<Found, { kind: "available" }> {
  const before = quote.placed?.step;
  const said = sellerText(line.statechangereason, 160);
  const status = sellerText(line.bookingstatus, 40);
  const refused = (why: string): Followed => ({
    kind: "refused",
    code: word(line.bookingstatus) || "refused",
    why: `${why}${said === "" ? "" : ` (it says: “${said}”)`}`,
  });
  switch (stateOf(line)) {
    case "draft":
      if (before === "reserved") return refused("its seller took the reservation back");
      return before === undefined || before === "ordered"
        ? { kind: "advanced", quote: placedAs(quote, { ...idsOf(orderId, line), step: "drafted", heldUntil: null }) }
        : { kind: "available" };
    case "reserved":
      if (before === "reserved") return { kind: "available" };
      return {
        kind: "advanced",
        quote: placedAs(quote, { ...idsOf(orderId, line), step: "reserved", heldUntil: heldUntilOf(line) }, line),
      };
    case "booked":
      return { kind: "booked", deal: dealOf(quote, orderId, line) };
    case "refused":
      return refused(`its line is “${status}”`);
    case "over":
      // What was in flight is stopped, and where the booking may have been asked for, what is canceled may have been booked.
      if (word(line.bookingstatus) === "stopped" || before === "reserved" || before === "unheld")
        return { kind: "booked", deal: dealOf(quote, orderId, line) };
      return refused(`its line was ended: it is “${status}”`);
    case "pending":
    case "unknown":
      return { kind: "waits", wait: waitFor(orderId, line, said || status) };
  }
}

/** The UTC instant until which a line holds inventory; null where its seller promises none. */
export function heldUntilOf({ reservedexpirydate }: WireLine): string | null {
  return instantIn(reservedexpirydate, "end");
}

function idsOf(orderId: string, { id: lineId }: WireLine): Pick<Placed, "orderId" | "lineId"> {
  return { orderId, lineId };
}

/** The quote with what stands of it; at the line's own terms, where they can be read: they are looked at before the next write. */
function placedAs(quote: Quote, placed: Placed, line?: WireLine): Quote {
  // What is held for longer than we would stand for is still decided within that time; then it is given back.
  const ends = [quote.expiresAt, ...(placed.heldUntil === null ? [] : [placed.heldUntil])].sort();
  const now = { ...quote, placed, expiresAt: ends[0] ?? quote.expiresAt };
  if (!line) return now;
  try {
    return termsOfLine(now, line);
  } catch (error) {
    if (error instanceof SellerFailure) return now;
    throw error;
  }
}

function waitFor(orderId: string, line: WireLine, sellerSaid: string): SellerWait {
  const mediaBuyId = dealIdOf(orderId, line.id);
  return { for: "decision", taskId: null, mediaBuyId, url: null, sellerSaid, expectedBy: null };
}

/**
 * A quote at the terms of its line, as the seller has them by now: it sets the rate anew whenever a line is saved, reserved or
 * booked. @throws SellerFailure where they cannot be read, or do not fit each other
 */
export function termsOfLine(quote: Quote, line: WireLine): Quote {
  const { sellerId, product, flight } = quote;
  const wrong = (why: string) => unreadable(sellerId, "the line", why);
  const { currency } = atCpm(quote).cpm;
  if (line.productid !== product.id) throw wrong("it is for another product");
  if (line.ratetype != null && word(line.ratetype) !== "cpm")
    throw wrong("it is not priced by the thousand impressions");
  const rate = moneyFromText(line.rate, currency);
  if (!rate || rate.micros <= 0n) throw wrong("it has no rate");
  if (line.qty == null) throw wrong("its volume is missing");
  if (!isPayable(rate, line.qty)) throw wrong("what it comes to is beyond any amount");
  if (!fitsCost(rate, line.qty, line.cost)) throw wrong("its cost is not its rate for its volume");
  return { ...quote, cpm: rate, impressions: line.qty, flight: flightIn(line, flight, wrong) };
}

/** Within the smallest amount that is paid; a cost that the seller leaves out is ours to compute, and one that is no amount fits none. */
function fitsCost(rate: Money, impressions: number, said: WireLine["cost"]): boolean {
  if (said == null) return true;
  const cost = moneyFromText(said, rate.currency);
  if (!cost) return false;
  const apart = cost.micros - costOf(rate, impressions);
  return (apart < 0n ? -apart : apart) <= minorUnit(rate.currency);
}

/** A minute for sellers that end a day at 23:59:00, or a thousandth before midnight. */
const SLACK_MS = 60_000;

/** The flight that was asked for where the line runs then; else the days it runs on. */
function flightIn(line: WireLine, asked: Quote["flight"], wrong: (why: string) => Error): Quote["flight"] {
  const { start, end } = instants(asked);
  const [from, to] = [instantIn(line.startdate, "start"), instantIn(line.enddate, "end")];
  if (from === null || to === null) throw wrong("its dates cannot be read");
  const isNear = (one: string, other: string) => Math.abs(Date.parse(one) - Date.parse(other)) <= SLACK_MS;
  if (isNear(from, start) && isNear(to, end)) return asked;
  const days = { start: from.slice(0, 10), end: to.slice(0, 10) };
  if (days.start === asked.start && days.end === asked.end) throw wrong("it runs at other times of the day");
  return days;
}

/** A moment of the seller's as a UTC instant: a date alone is its first or last second, one without a zone is UTC (1.5). */
export function instantIn(text: string | null, edge: "start" | "end"): string | null {
  const trimmed = (text ?? "").trim();
  if (!/^\d{4}-\d{2}-\d{2}$/.test(trimmed)) return instantOf(trimmed);
  return instantOf(`${trimmed}T${edge === "start" ? "00:00:00" : "23:59:59"}Z`);
}

/** Null where it comes to no amount. */
function perThousand(cost: Money, impressions: number): Money | null {
  return moneyFromMicros(mulDiv(cost.micros, 1000n, BigInt(impressions)), cost.currency);
}

/** What was booked. A cost that is not the rate for the volume is what counts: it makes the price another one. */
export function dealOf(quote: Quote, orderId: string, line: WireLine): Deal {
  const { currency } = atCpm(quote).cpm;
  const rate = word(line.ratetype ?? "cpm") === "cpm" ? moneyFromText(line.rate, currency) : null;
  const cost = moneyFromText(line.cost, currency);
  const qty = line.qty ?? null;
  const fits = rate === null || qty === null || fitsCost(rate, qty, line.cost);
  const effective = fits ? rate : cost && qty ? perThousand(cost, qty) : null;
  const { start, end } = instants(quote.flight);
  const [from, to] = [instantIn(line.startdate, "start") ?? "", instantIn(line.enddate, "end") ?? ""];
  const isAsked = (at: string, asked: string) => Math.abs(Date.parse(at) - Date.parse(asked)) <= SLACK_MS;
  return {
    dealId: dealIdOf(orderId, line.id),
    sellerStatus: sellerText(line.bookingstatus, 40),
    productId: line.productid,
    // A line does not say it: it is booked at its rate, as the product is sold.
    dealType: quote.dealType,
    cpm: effective && isPayable(effective, qty ?? 0) ? effective : null,
    impressions: qty,
    flight: {
      start: isAsked(from, start) ? quote.flight.start : from,
      end: isAsked(to, end) ? quote.flight.end : to,
    },
    // The publisher runs it: there is nothing to set up in a DSP.
    activation: [],
    openrtb: null,
    expiresAt: null,
  };
}
