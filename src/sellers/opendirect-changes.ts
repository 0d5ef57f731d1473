import * as z from "zod";
import type { Deal, SellerWait } from "../domain/deal.ts";
import { type Flight, instants } from "../domain/flight.ts";
import { sha256 } from "../domain/ids.ts";
import type { FrozenRequest } from "../domain/media-buy.ts";
import { compare, type Money } from "../domain/money.ts";
import { atCpm, type Quote } from "../domain/quote.ts";
import type { Terms } from "../domain/terms.ts";
import { folded, word, written } from "./opendirect-dialect.ts";
import { isNotServed, notHere, refusalOf, unreadable, writeRefusalOf } from "./opendirect-errors.ts";
import { dealOf, partsOf, stateOf } from "./opendirect-lines.ts";
import { type Books, wireOf } from "./opendirect-orders.ts";
import { aroundWrite, type Session } from "./opendirect-session.ts";
import {
  type Access,
  type Booked,
  type BuyNow,
  type Followed,
  type Found,
  type Seller,
  SellerFailure,
} from "./seller.ts";
import { sellerText } from "./untrusted.ts";
import { changeShape, createdShape, lineShape, type WireChange, type WireLine } from "./wire/opendirect.ts";

/**
 * Changes of booked lines (OpenDirect 2.1, ChangeRequest): the request, then the line as it is wanted below it, and then the
 * seller's people decide. What a request's status says proves nothing: an example of the specification answers another
 * start than it was sent. A change is made when the line itself reads so.
 */
export interface Changes {
  /** @throws SellerFailure where the line takes no change now: it is not booked, or another one is open */
  now(quote: Quote, deal: Deal, access: Access): Promise<BuyNow>;
  /** The quote of a change, `expired` where the line is no longer what it changes. */
  again(quote: Quote, access: Access): Promise<Quote>;
  readonly book: Seller["book"];
  readonly find: Seller["findBooking"];
  follow(wait: SellerWait, quote: Quote, access: Access): Promise<Followed>;
  /** Withdraws a request that nobody has decided. */
  letGo(quote: Quote, access: Access): Promise<string | null>;
}

/**
 * The one request that holds both writes of a change. Pure.
 * @param requester the buyer's id at the seller, as the specification wants it; null where the settings name none
 */
export function changeRequest(
  terms: Terms,
  quote: Quote,
  key: string,
  base: string,
  requester: string | null,
): FrozenRequest {
  const { casing, accountId } = wireOf(quote);
  const { orderId, lineId } = idsOf(quote);
  const { start, end } = instants(quote.flight);
  const label = sellerText(terms.campaign ?? terms.advertiser, 60) || "Media buy";
  const request = {
    accountid: accountId,
    orderid: orderId,
    lineid: lineId,
    ...(requester === null ? {} : { requesterid: requester }),
    comments: `${label}: change #${sha256(key).slice(0, 12)}`,
    providerdata: { campaignid: key, campaignname: label },
  };
  const line = {
    qty: atCpm(quote).impressions,
    startdate: new Date(start).toISOString(),
    enddate: new Date(end).toISOString(),
  };
  const body = JSON.stringify({ request: written(casing, request), line: written(casing, line) });
  return { method: "POST", path: `${base}/accounts/${encodeURIComponent(accountId)}/changerequests`, body };
}

const bodies = z.object({ request: z.record(z.string(), z.unknown()), line: z.record(z.string(), z.unknown()) });
const marked = z.object({ request: z.object({ comments: z.string() }) });

/** The bodies of a frozen change, and what of ours in the comments nobody else's have. */
function frozenIn({ body }: FrozenRequest): { request: string; line: string; mark: string } {
  const json: unknown = JSON.parse(body);
  const { request, line } = bodies.parse(json);
  const { comments } = marked.parse(folded(json)).request;
  const mark = comments.slice(comments.lastIndexOf("#"));
  return { request: JSON.stringify(request), line: JSON.stringify(line), mark };
}

/** The line that a quote changes. @throws SellerFailure for a deal that names no order */
function idsOf({ sellerId, changes }: Quote): { orderId: string; lineId: string } {
  const ids = partsOf(changes?.dealId ?? "", {});
  if (ids) return ids;
  throw notHere(sellerId, `${changes?.dealId} is no line of an order, so that it cannot be changed.`);
}

/** A change as its seller has it: the request, where there is one, whether it says what is wanted, and the line. */
interface Standing {
  readonly change: WireChange | null;
  readonly isAsked: boolean;
  readonly line: WireLine;
}

/** @see Changes */
export function createChanges(session: Session, books: Books): Changes {
  const { sellerId } = session;

  const path = (quote: Quote, ...rest: readonly string[]) =>
    session.path("accounts", wireOf(quote).accountId, "changerequests", ...rest);
  const listed = (quote: Quote, access: Access) => session.list("changerequests", changeShape, path(quote), access);

  async function lineOf(quote: Quote, access: Access): Promise<WireLine> {
    const { orderId, lineId } = idsOf(quote);
    const line = await books.line(quote, orderId, lineId, access);
    if (line) return line;
    throw notHere(sellerId, `${sellerId} has no line ${lineId} any more.`, "gone");
  }

  /** The request of our mark. Two of them are what must never be: neither is taken for ours. */
  async function changeMarked(quote: Quote, mark: string, access: Access): Promise<WireChange | null> {
    const { entries, unreadable: lost, isCut } = await listed(quote, access);
    const found = entries.filter(({ comments }) => comments?.includes(mark));
    const why =
      found.length > 1
        ? `${found.length} of them have our mark ${mark}`
        : lost > 0
          ? `${lost} of them cannot be read, and ours is not among the others`
          : isCut
            ? "they cannot be read to their end, and ours is not among the first"
            : null;
    if (why !== null && found.length !== 1) throw unreadable(sellerId, "its change requests", why);
    return found[0] ?? null;
  }

  async function changeOf(quote: Quote, id: string, access: Access): Promise<WireChange> {
    const change = await session.get("the change request", changeShape, path(quote, id), access);
    const { lineId } = idsOf(quote);
    if (change.id === id && (change.lineid ?? lineId) === lineId) return change;
    throw unreadable(sellerId, "the change request", "it is another one");
  }

  async function standing(quote: Quote, mark: string, access: Access): Promise<Standing> {
    const known = quote.placed?.orderId;
    const change = known === undefined ? await changeMarked(quote, mark, access) : await changeOf(quote, known, access);
    const wanted =
      change && isPending(change)
        ? await session.list("lines", lineShape, path(quote, change.id, "lines"), access)
        : null;
    const isAsked = wanted !== null && wanted.entries.length + wanted.unreadable > 0;
    return { change, isAsked, line: await lineOf(quote, access) };
  }

  function foundOf(quote: Quote, { change, isAsked, line }: Standing): Found {
    if (!change) return { kind: "available" };
    if (isAsked || !isPending(change)) return outcomeOf(quote, change, line);
    return quote.placed ? { kind: "available" } : { kind: "advanced", quote: requestedAs(quote, change.id) };
  }

  /** Another one's request, or a line that is not what was to be changed: nothing is sent then. */
  function refuseOther(quote: Quote, line: WireLine): void {
    if (stateOf(line) === "booked" && isAsBefore(quote, line)) return;
    throw notHere(sellerId, `${sellerId} was not asked: the line is not what was to be changed any more.`, "closed");
  }

  async function write(what: string, at: string, body: string, access: Access): Promise<string | null> {
    const answer = await session.send({ method: "POST", path: at, body, phase: "booking" }, access);
    const refusal = writeRefusalOf(sellerId, what, answer);
    if (refusal && isNotServed(answer))
      throw notHere(sellerId, `${sellerId} did not take ${what}: it serves no such thing.`);
    if (refusal) throw refusal;
    if (answer.json === undefined && answer.text.trim() !== "")
      throw unreadable(sellerId, what, "it is not JSON", answer.status);
    return createdShape.safeParse(folded(answer.json)).data?.id ?? null;
  }

  async function open(quote: Quote, request: FrozenRequest, access: Access): Promise<Booked> {
    const { request: body, mark } = frozenIn(request);
    const id = await write("a change request", request.path, body, access);
    const found = await aroundWrite(false, () =>
      id === null ? changeMarked(quote, mark, access) : changeOf(quote, id, access),
    );
    if (!found?.comments?.includes(mark))
      throw unreadable(sellerId, "a change request", "it does not read back with our mark in its comments");
    return { kind: "advanced", quote: requestedAs(quote, found.id) };
  }

  async function ask(quote: Quote, change: WireChange, request: FrozenRequest, access: Access): Promise<Booked> {
    await write("what is to change", path(quote, change.id, "lines"), frozenIn(request).line, access);
    const now = await aroundWrite(false, async () => ({
      change: await changeOf(quote, change.id, access),
      line: await lineOf(quote, access),
    }));
    return decided(outcomeOf(quote, now.change, now.line));
  }

  function decided(outcome: Followed): Booked {
    if (outcome.kind !== "refused") return outcome;
    const { code, why } = outcome;
    throw new SellerFailure(sellerId, "refused", `${sellerId} did not change it: ${why}.`, { definite: true, code });
  }

  return {
    async now(quote, deal, access) {
      const ids = partsOf(deal.dealId, quote);
      if (!ids) throw notHere(sellerId, `${deal.dealId} is no line of an order, so that it cannot be changed.`);
      const line = await books.line(quote, ids.orderId, ids.lineId, access);
      if (!line) throw notHere(sellerId, `${sellerId} has no line ${ids.lineId} any more.`, "not_found");
      const { entries } = await listed(quote, access).catch((error: unknown) => {
        const isServed = !(error instanceof SellerFailure) || ![404, 405, 501].includes(error.status ?? 0);
        throw isServed ? error : notHere(sellerId, notServed(sellerId));
      });
      const isOpen = entries.some((one) => one.lineid === line.id && isPending(one));
      if (isOpen || word(line.bookingstatus).includes("change")) {
        const why = `${sellerId} has a change request of this line open already, which its people decide first.`;
        throw notHere(sellerId, why, "closed");
      }
      const status = sellerText(line.bookingstatus, 40);
      if (stateOf(line) !== "booked" || word(status) === "finished")
        throw notHere(sellerId, `${sellerId} changes booked lines, and this one is “${status}”.`, "closed");
      const actions = ["update_impressions", "update_flight_dates"].map((action) => ({ action, bySeller: true }));
      return { deal: dealOf(quote, ids.orderId, line), actions, accepts: null };
    },

    async again(quote, access) {
      const line = await lineOf(quote, access);
      const isOver = Date.parse(quote.expiresAt) <= Date.now();
      // While a request of ours is open the line waits as it was, in a state that may stand for several.
      const isStanding = stateOf(line) === "booked" || (quote.placed !== undefined && stateOf(line) === "unknown");
      return { ...quote, state: isStanding && !isOver && isAsBefore(quote, line) ? "available" : "expired" };
    },

    async book(request, quote, { tier, identity }) {
      const access = { tier, identity };
      const stands = await aroundWrite(true, () => standing(quote, frozenIn(request).mark, access));
      const before = foundOf(quote, stands);
      if (before.kind === "gone") throw notHere(sellerId, before.why, "gone");
      // Somebody wrote it before us, or an answer of ours was lost.
      if (before.kind === "advanced") return before;
      if (before.kind !== "available") return decided(before);
      if (stands.change) return ask(quote, stands.change, request, access);
      refuseOther(quote, stands.line);
      return open(quote, request, access);
    },

    async find(quote, request, access) {
      try {
        return foundOf(quote, await standing(quote, frozenIn(request).mark, access));
      } catch (error) {
        if (error instanceof SellerFailure && error.kind === "gone") return { kind: "gone", why: error.message };
        throw error;
      }
    },

    async follow(wait, quote, access) {
      const id = wait.taskId ?? quote.placed?.orderId;
      if (id === undefined) throw unreadable(sellerId, "the change", "it waits for no change request");
      const change = await changeOf(quote, id, access);
      return outcomeOf(quote, change, await lineOf(quote, access));
    },

    async letGo(quote, access) {
      const id = quote.placed?.orderId;
      if (id === undefined) return null;
      const at = path(quote, id);
      const isOpen = async () => {
        const answer = await session.send({ method: "GET", path: at, phase: "discovery" }, access);
        if (answer.status === 404) return false;
        const refusal = refusalOf(sellerId, "the change request", answer);
        if (refusal) throw refusal;
        return isPending(changeShape.parse(folded(answer.json)));
      };
      if (!(await isOpen())) return null;
      await session.send({ method: "DELETE", path: at, phase: "booking" }, access);
      return (await isOpen()) ? `change request ${id} still stands: its seller did not withdraw it` : null;
    },
  };
}

/** What a request that says what is wanted has come to. Where the line reads as asked it is made, whatever its status says. */
function outcomeOf(quote: Quote, change: WireChange, line: WireLine): Followed {
  const { orderId } = idsOf(quote);
  const status = sellerText(change.status, 40);
  const verdict = word(change.status);
  const said = sellerText(line.statechangereason, 160);
  const refused = (code: string, why: string): Followed => ({
    ...{ kind: "refused", code },
    why: `${why}${said === "" ? "" : ` (it says: “${said}”)`}`,
  });
  if (stateOf(line) === "over")
    return refused(word(line.bookingstatus), `its line was ended: it is “${sellerText(line.bookingstatus, 40)}”`);
  if (stateOf(line) === "booked") {
    const deal = dealOf(quote, orderId, line);
    const { cpm, impressions } = atCpm(quote);
    if (reads(deal, cpm, impressions, quote.flight)) return { kind: "booked", deal };
    // One that still reads as before may be changed in a moment; one that reads otherwise is what stands.
    if (verdict === "approved" && !isAsBefore(quote, line)) return { kind: "booked", deal };
  }
  if (verdict === "rejected") return refused("change_rejected", "its people rejected the change request");
  const wait = { for: "decision", taskId: change.id, mediaBuyId: null, url: null, expectedBy: null } as const;
  // The reason on the line may be of an earlier change.
  return { kind: "waits", wait: { ...wait, sellerSaid: status } };
}

function isPending({ status }: WireChange): boolean {
  return !["approved", "rejected"].includes(word(status));
}

function requestedAs(quote: Quote, id: string): Quote {
  return { ...quote, placed: { orderId: id, lineId: null, step: "requested", heldUntil: null } };
}

/** Whether a line is what a change began with. */
function isAsBefore(quote: Quote, line: WireLine): boolean {
  const { changes } = quote;
  const volume = changes?.before[0]?.volume;
  if (!changes || !volume) return false;
  const deal = dealOf({ ...quote, flight: changes.flightBefore }, idsOf(quote).orderId, line);
  return reads(deal, volume.cpm, volume.impressions, changes.flightBefore);
}

function reads(deal: Deal, cpm: Money, impressions: number, flight: Flight): boolean {
  const isRate = deal.cpm?.currency === cpm.currency && compare(deal.cpm, cpm) === 0;
  return (
    isRate && deal.impressions === impressions && deal.flight.start === flight.start && deal.flight.end === flight.end
  );
}

function notServed(sellerId: string): string {
  return `${sellerId} serves no change requests: a booked line is cancelled there, and nothing else.`;
}
