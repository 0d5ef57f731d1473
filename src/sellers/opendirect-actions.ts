import { setTimeout as pause } from "node:timers/promises";
import type { Quote } from "../domain/quote.ts";
import { isNotServed, unreadable, writeRefusalOf } from "./opendirect-errors.ts";
import { stateOf } from "./opendirect-lines.ts";
import type { Books } from "./opendirect-orders.ts";
import { aroundWrite, type Session } from "./opendirect-session.ts";
import { type Access, SellerFailure } from "./seller.ts";
import type { WireLine } from "./wire/opendirect.ts";

export type LineAction = "reserve" | "book" | "cancel" | "reset";

const nouns: Readonly<Record<LineAction, string>> = {
  reserve: "a reservation",
  book: "a booking",
  cancel: "a cancellation",
  reset: "a reset",
};

/** A line after an action, freshly read; `served` false where the seller knows no such action in any form. */
export interface Acted {
  readonly served: boolean;
  readonly line: WireLine;
}

/** Does something to a line and reads it back. */
export type Act = (action: LineAction, quote: Quote, ids: LineIds, before: WireLine, access: Access) => Promise<Acted>;

export interface LineIds {
  readonly orderId: string;
  readonly lineId: string;
}

/** How an action is written: as the buyer agents of the IAB Tech Lab do, as the specification does, and two more that are met. */
const forms: readonly { readonly method: "PATCH" | "PUT"; readonly suffix: (action: LineAction) => string }[] = [
  { method: "PATCH", suffix: (action) => `?action=${action}` },
  { method: "PATCH", suffix: (action) => `?${action}` },
  { method: "PUT", suffix: (action) => `?${action}` },
  { method: "PUT", suffix: (action) => `/${action}` },
];

/** A seller that says 200 first and acts then has this long, before it counts as one that did not understand. */
const SETTLE_MS = 300;

/**
 * Actions in the form that the seller understands, which its first shows. A success proves nothing: servers answer 200 to
 * forms they do not know, so that the line is read after each. Another form is tried only where the one before certainly
 * did nothing: it is not served, or the line has not changed. Never after a time-out, or an error of the seller's.
 */
export function createActions(session: Session, books: Books): Act {
  const { sellerId } = session;
  let learnt: number | null = null;

  return async (action, quote, { orderId, lineId }, before, access) => {
    const now = async () => {
      const line = await aroundWrite(false, () => books.line(quote, orderId, lineId, access));
      if (line) return line;
      throw unreadable(sellerId, nouns[action], "the line is not there any more");
    };
    const hasChanged = (line: WireLine) => line.bookingstatus !== before.bookingstatus;
    let served = false;
    const known = learnt;
    for (const [index, { method, suffix }] of forms.entries()) {
      if (known !== null && index !== known) continue;
      const path = `${books.path(quote, orderId, lineId)}${suffix(action)}`;
      const answer = await session.send({ method, path, phase: "booking" }, access);
      const refusal = writeRefusalOf(sellerId, nouns[action], answer);
      if (refusal) {
        if (isNotServed(answer)) continue;
        // Of an earlier form that was taken, and took effect late, this one is told that it comes too late.
        if (!served) throw refusal;
        const late = await now();
        if (hasChanged(late)) return { served, line: late };
        throw new SellerFailure(sellerId, refusal.kind, refusal.message, {
          code: refusal.code,
          sellerSaid: refusal.sellerSaid,
        });
      }
      if (answer.json === undefined && answer.text.trim() !== "")
        throw unreadable(sellerId, nouns[action], "it is not JSON", answer.status);
      served = true;
      let line = await now();
      if (!hasChanged(line)) {
        await pause(SETTLE_MS);
        line = await now();
      }
      if (!hasChanged(line)) continue;
      learnt = index;
      return { served, line };
    }
    const line = await now();
    if (!served || hasChanged(line)) return { served, line };
    const why = `the line still reads as ${stateOf(line)}`;
    throw unreadable(sellerId, nouns[action], why);
  };
}
