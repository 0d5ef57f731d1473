import type { FrozenRequest } from "../domain/media-buy.ts";
import type { Placed } from "../domain/placed.ts";
import type { Quote } from "../domain/quote.ts";
import type { Library } from "./opendirect-creatives.ts";
import type { Act, LineIds } from "./opendirect-actions.ts";
import { notHere, unreadable, writeRefusalOf } from "./opendirect-errors.ts";
import { folded } from "./opendirect-dialect.ts";
import { outcomeOf, partsOf, stateOf } from "./opendirect-lines.ts";
import { type Books, frozenIn, wireOf } from "./opendirect-orders.ts";
import { mockWords } from "./opendirect-quotes.ts";
import { aroundWrite, type Session } from "./opendirect-session.ts";
import { statsIn } from "./opendirect-stats.ts";
import {
  type Access,
  type Booked,
  type CancelAnswer,
  type Found,
  type Followed,
  type Seller,
  SellerFailure,
} from "./seller.ts";
import { sellerText } from "./untrusted.ts";
import { createdShape, type WireLine } from "./wire/opendirect.ts";

/** The four writes of a booking, what is found of them, and how they are taken back. */
export interface Booking {
  readonly book: Seller["book"];
  readonly find: Seller["findBooking"];
  readonly follow: Seller["follow"];
  letGo(quote: Quote, access: Access): Promise<string | null>;
  cancel(quote: Quote, dealId: string, access: Access): Promise<CancelAnswer>;
}

/** What stands at the seller of a booking: nothing, an order without its line, or the line. */
type Standing =
  | { readonly what: "nothing" }
  | { readonly what: "order"; readonly orderId: string }
  | { readonly what: "line"; readonly orderId: string; readonly line: WireLine };

/** @see Booking */
export function createBooking(session: Session, books: Books, act: Act, library: Library): Booking {
  const { sellerId } = session;
  let isReal = false;

  /** By id where an answer told it, else by the names we gave. @throws SellerFailure `gone` where what was placed is not there */
  async function standing(quote: Quote, request: FrozenRequest, access: Access): Promise<Standing> {
    const { placed } = quote;
    const names = frozenIn(request);
    const orderId = placed?.orderId ?? (await books.orderMarked(quote, names.orderMark, access))?.id;
    if (orderId === undefined) return { what: "nothing" };
    const lineId = placed?.lineId ?? null;
    const line =
      lineId === null
        ? await books.lineMarked(quote, orderId, names.lineMark, access)
        : await books.line(quote, orderId, lineId, access);
    if (line) return { what: "line", orderId, line };
    if (lineId === null) return { what: "order", orderId };
    throw notHere(sellerId, `${sellerId} has no line ${lineId} in order ${orderId} any more.`, "gone");
  }

  function foundOf(quote: Quote, stands: Standing): Found {
    if (stands.what === "line") return outcomeOf(quote, stands.orderId, stands.line);
    if (stands.what === "nothing" || quote.placed) return { kind: "available" };
    return { kind: "advanced", quote: { ...quote, placed: orderedAs(stands.orderId) } };
  }

  /** What followed a write, as a fresh read has it. What it cannot tell is not settled by it. */
  function after(quote: Quote, what: string, orderId: string, line: WireLine): Booked {
    const now = outcomeOf(quote, orderId, line);
    if (now.kind === "refused") throw refusedBy(now);
    if (now.kind === "available") throw unreadable(sellerId, what, `the line still reads as ${stateOf(line)}`);
    return now;
  }

  function refusedBy({ code, why }: Extract<Followed, { kind: "refused" }>): SellerFailure {
    return new SellerFailure(sellerId, "refused", `${sellerId} did not book: ${why}.`, { definite: true, code });
  }

  /** Writes something new and gives its id; null where the answer does not tell it, and it is to be found by its name. */
  async function created(what: string, path: string, body: string, access: Access): Promise<string | null> {
    const answer = await session.send({ method: "POST", path, body, phase: "booking" }, access);
    const refusal = writeRefusalOf(sellerId, what, answer);
    if (refusal) throw refusal;
    const id = createdShape.safeParse(folded(answer.json)).data?.id;
    if (id !== undefined) return id;
    if (answer.json === undefined && answer.text.trim() !== "")
      throw unreadable(sellerId, what, "it is not JSON", answer.status);
    return null;
  }

  async function order(quote: Quote, request: FrozenRequest, access: Access): Promise<Booked> {
    const { order: body, orderMark } = frozenIn(request);
    const id = await created("an order", request.path, body, access);
    const found = await aroundWrite(false, () =>
      id === null ? books.orderMarked(quote, orderMark, access) : books.order(quote, id, access),
    );
    if (!found) throw unreadable(sellerId, "an order", "it is not there when it is read back");
    if (!found.name?.includes(orderMark)) throw unreadable(sellerId, "an order", "it reads back under another name");
    return { kind: "advanced", quote: { ...quote, placed: orderedAs(found.id) } };
  }

  async function line(quote: Quote, { orderId }: Placed, request: FrozenRequest, access: Access): Promise<Booked> {
    const { line: body, lineMark } = frozenIn(request);
    const id = await created("a line", `${books.path(quote, orderId)}/lines`, body, access);
    const found = await aroundWrite(false, () =>
      id === null ? books.lineMarked(quote, orderId, lineMark, access) : books.line(quote, orderId, id, access),
    );
    if (!found) throw unreadable(sellerId, "a line", "it is not there when it is read back");
    if (!found.name?.includes(lineMark)) throw unreadable(sellerId, "a line", "it reads back under another name");
    return after(quote, "a line", orderId, found);
  }

  async function reserve(quote: Quote, ids: LineIds, draft: WireLine, access: Access): Promise<Booked> {
    await aroundWrite(true, () => refuseMock(quote, ids, access));
    // Most products are booked only with a creative. An assignment costs nothing, and one that stands is not made again.
    await aroundWrite(true, () => library.assign(wireOf(quote).accountId, ids, quote.creatives ?? [], access));
    const { served, line: now } = await act("reserve", quote, ids, draft, access);
    if (served || stateOf(now) !== "draft") return after(quote, "a reservation", ids.orderId, now);
    // Edition 2.1 has it both ways, required and optional: without it the draft is booked as it is.
    return { kind: "advanced", quote: { ...quote, placed: { ...ids, step: "unheld", heldUntil: null } } };
  }

  /** A draft that delivers is none: whoever reports figures for it makes them up. */
  async function refuseMock(quote: Quote, { orderId, lineId }: LineIds, access: Access): Promise<void> {
    if (isReal) return;
    const path = books.path(quote, orderId, lineId, "stats");
    const { status, json } = await session.send({ method: "GET", path, phase: "discovery" }, access);
    const delivered = status === 200 ? statsIn(json, quote.cpm?.currency ?? "", null)?.impressions : null;
    if (delivered) throw notHere(sellerId, mockWords(sellerId));
    isReal = true;
  }

  async function commit(quote: Quote, ids: LineIds, held: WireLine, access: Access): Promise<Booked> {
    const { served, line: now } = await act("book", quote, ids, held, access);
    if (served || stateOf(now) === "booked") return after(quote, "the booking", ids.orderId, now);
    throw notHere(sellerId, `${sellerId} did not book: it serves no booking of a line.`);
  }

  return {
    async book(request, quote, { tier, identity }) {
      const access = { tier, identity };
      const stands = await aroundWrite(true, () => standing(quote, request, access));
      const before = foundOf(quote, stands);
      if (before.kind === "refused") throw refusedBy(before);
      if (before.kind === "gone") throw notHere(sellerId, before.why, "gone");
      // Somebody wrote it before us, or an answer of ours was lost.
      if (before.kind !== "available") return before;
      const { placed } = quote;
      if (!placed) return order(quote, request, access);
      if (stands.what !== "line" || placed.lineId === null) return line(quote, placed, request, access);
      const ids = { orderId: placed.orderId, lineId: placed.lineId };
      if (placed.step === "drafted") return reserve(quote, ids, stands.line, access);
      return commit(quote, ids, stands.line, access);
    },

    async find(quote, request, access) {
      try {
        return foundOf(quote, await standing(quote, request, access));
      } catch (error) {
        if (error instanceof SellerFailure && error.kind === "gone") return { kind: "gone", why: error.message };
        throw error;
      }
    },

    async follow(wait, quote, _request, access) {
      const ids = partsOf(wait.mediaBuyId ?? "", quote);
      if (!ids) throw unreadable(sellerId, "the booking", "it waits for no line");
      const now = await books.line(quote, ids.orderId, ids.lineId, access);
      if (!now) throw unreadable(sellerId, "the booking", "the line is not there any more");
      const found = outcomeOf(quote, ids.orderId, now);
      if (found.kind !== "available") return found;
      const status = sellerText(now.bookingstatus, 40);
      return { kind: "refused", code: "taken_back", why: `after its decision the line is “${status}”, as before` };
    },

    async letGo(quote, access) {
      const { placed } = quote;
      if (!placed) return null;
      const { orderId, lineId } = placed;
      const remove = (path: string) => session.send({ method: "DELETE", path, phase: "booking" }, access);
      if (lineId !== null) {
        const ids = { orderId, lineId };
        let now = await books.line(quote, orderId, lineId, access);
        if (now && stateOf(now) === "reserved") {
          now = (await act("reset", quote, ids, now, access)).line;
          if (stateOf(now) === "reserved") now = (await act("cancel", quote, ids, now, access)).line;
        }
        const state = now ? stateOf(now) : null;
        if (state === "booked" || state === "pending" || state === "reserved" || state === "unknown")
          return `line ${lineId} still reads as “${sellerText(now?.bookingstatus, 40)}”`;
        // A draft holds nothing; that it stays where it cannot be deleted does no harm.
        if (state === "draft") await remove(books.path(quote, orderId, lineId));
      }
      await remove(books.path(quote, orderId));
      return null;
    },

    async cancel(quote, dealId, access) {
      const ids = partsOf(dealId, quote);
      if (!ids) throw notHere(sellerId, `${dealId} is no line of an order, so that it cannot be cancelled.`);
      const before = await aroundWrite(true, () => books.line(quote, ids.orderId, ids.lineId, access));
      if (!before) throw notHere(sellerId, `${sellerId} has no line ${ids.lineId} any more.`, "not_found");
      const words = (line: WireLine) => `“${sellerText(line.bookingstatus, 40)}”`;
      // In flight the text of 2.1 has it Canceled, 1.5 and the diagram Stopped.
      if (stateOf(before) === "over") return { kind: "cancelled" };
      if (!["booked", "reserved"].includes(stateOf(before)))
        return { kind: "refused", why: `The line reads as ${words(before)}: only a booked one is cancelled.` };
      const { line: now } = await act("cancel", quote, ids, before, access);
      if (stateOf(now) === "over") return { kind: "cancelled" };
      return { kind: "refused", why: `The seller did not cancel the line; it reads as ${words(now)}.` };
    },
  };
}

function orderedAs(orderId: string): Placed {
  return { orderId, lineId: null, step: "ordered", heldUntil: null };
}
