import * as z from "zod";
import { instants } from "../domain/flight.ts";
import { sha256 } from "../domain/ids.ts";
import type { FrozenRequest } from "../domain/media-buy.ts";
import { formatAmount } from "../domain/money.ts";
import { atCpm, type OrderWire, type Quote, totalOfQuote } from "../domain/quote.ts";
import type { Terms } from "../domain/terms.ts";
import { capFields, folded, written } from "./opendirect-dialect.ts";
import { notHere, unreadable } from "./opendirect-errors.ts";
import type { Session } from "./opendirect-session.ts";
import { type Access, SellerFailure } from "./seller.ts";
import { sellerText } from "./untrusted.ts";
import { lineShape, orderShape, type WireLine, type WireOrder } from "./wire/opendirect.ts";

/**
 * Orders and lines as we write them and find them again. OpenDirect has no idempotency of any kind: a name of ours that
 * nobody else has is all by which an order can be found whose answer was lost (names are unique in an account, 2.1).
 */

/** The bodies that book a quote, as they are sent, and what in their names nobody else's have: a seller may add to a name. */
export interface Frozen {
  readonly order: string;
  readonly line: string;
  readonly orderMark: string;
  readonly lineMark: string;
}

/** Where a quote's order is written. @throws SellerFailure for a quote of another protocol */
export function wireOf(quote: Quote): OrderWire {
  if (quote.order) return quote.order;
  throw notHere(quote.sellerId, `${quote.ref} was quoted by another protocol than OpenDirect; ask for it anew.`);
}

/** The one request that holds everything that booking will write. Pure. */
export function bookingRequest(terms: Terms, quote: Quote, key: string, base: string): FrozenRequest {
  const { casing, accountId, brandId, publisherId } = wireOf(quote);
  const { cpm, impressions } = atCpm(quote);
  const { start, end } = instants(quote.flight);
  const flight = { startdate: new Date(start).toISOString(), enddate: new Date(end).toISOString() };
  const label = sellerText(terms.campaign ?? terms.advertiser, 60) || "Media buy";
  const mark = sha256(key).slice(0, 12);
  const providerdata = {
    campaignid: key,
    campaignname: label,
    ...(terms.po_number === null ? {} : { ponumber: terms.po_number }),
  };
  const order = {
    accountid: accountId,
    ...(publisherId === null ? {} : { publisherid: publisherId }),
    ...(brandId === null ? {} : { advertiserbrandid: brandId }),
    name: `${label} #${mark}`,
    currency: cpm.currency,
    budget: Number(formatAmount(totalOfQuote(quote))),
    ...flight,
    providerdata,
  };
  const line = {
    name: `${label} #${mark}-1`,
    productid: quote.product.id,
    ...flight,
    ratetype: "CPM",
    rate: Number(formatAmount(cpm)),
    qty: impressions,
    ...capFields(terms.targeting?.frequency_cap ?? null),
    providerdata,
  };
  const body = JSON.stringify({ order: written(casing, order), line: written(casing, line) });
  return { method: "POST", path: `${base}/accounts/${encodeURIComponent(accountId)}/orders`, body };
}

const bodies = z.object({ order: z.record(z.string(), z.unknown()), line: z.record(z.string(), z.unknown()) });
const named = z.object({ order: z.object({ name: z.string() }), line: z.object({ name: z.string() }) });

/** The bodies in a frozen request. Ours: one that cannot be read is a bug, or a forged ledger. */
export function frozenIn({ body }: FrozenRequest): Frozen {
  const json: unknown = JSON.parse(body);
  const { order, line } = bodies.parse(json);
  const names = named.parse(folded(json));
  return {
    order: JSON.stringify(order),
    line: JSON.stringify(line),
    orderMark: markIn(names.order.name),
    lineMark: markIn(names.line.name),
  };
}

function markIn(name: string): string {
  return name.slice(name.lastIndexOf("#"));
}

/** Orders and lines of one seller, found by id or by the mark of ours in their names. */
export interface Books {
  path(quote: Quote, orderId?: string, lineId?: string, ...rest: readonly string[]): string;
  orderMarked(quote: Quote, mark: string, access: Access): Promise<WireOrder | null>;
  lineMarked(quote: Quote, orderId: string, mark: string, access: Access): Promise<WireLine | null>;
  /** Null where the seller does not have it. */
  order(quote: Quote, orderId: string, access: Access): Promise<WireOrder | null>;
  line(quote: Quote, orderId: string, lineId: string, access: Access): Promise<WireLine | null>;
}

/** @see Books */
export function createBooks(session: Session): Books {
  const { sellerId } = session;

  const path: Books["path"] = (quote, orderId, lineId, ...rest) => {
    const { accountId } = wireOf(quote);
    const order = orderId === undefined ? [] : [orderId];
    const line = lineId === undefined ? [] : ["lines", lineId];
    return session.path("accounts", accountId, "orders", ...order, ...line, ...rest);
  };

  /** The one entry of our mark. Two of them are what must never be: neither is taken for ours. */
  async function one<Shape extends z.ZodType<{ readonly id: string; readonly name: string | null }>>(
    plural: "orders" | "lines",
    shape: Shape,
    at: string,
    mark: string,
    access: Access,
  ): Promise<z.output<Shape> | null> {
    const { entries, unreadable: lost, isCut } = await session.list(plural, shape, at, access);
    const found = entries.filter(({ name }) => name?.includes(mark));
    if (found.length > 1)
      throw unreadable(sellerId, `its ${plural}`, `${found.length} of them have our name, with “${mark}”`);
    if (found.length === 0 && lost > 0)
      throw unreadable(sellerId, `its ${plural}`, `${lost} of them cannot be read, and ours is not among the others`);
    if (found.length === 0 && isCut)
      throw unreadable(sellerId, `its ${plural}`, "they cannot be read to their end, and ours is not among the first");
    return found[0] ?? null;
  }

  async function get<Shape extends z.ZodType<{ readonly id: string }>>(
    what: string,
    shape: Shape,
    at: string,
    id: string,
    access: Access,
  ): Promise<z.output<Shape> | null> {
    try {
      const found = await session.get(what, shape, at, access);
      if (found.id === id) return found;
    } catch (error) {
      if (error instanceof SellerFailure && ["not_found", "gone"].includes(error.kind)) return null;
      throw error;
    }
    throw unreadable(sellerId, what, "it is another one");
  }

  return {
    path,
    orderMarked: (quote, mark, access) => one("orders", orderShape, path(quote), mark, access),
    lineMarked: (quote, orderId, mark, access) =>
      one("lines", lineShape, `${path(quote, orderId)}/lines`, mark, access),
    order: (quote, orderId, access) => get("the order", orderShape, path(quote, orderId), orderId, access),
    async line(quote, orderId, lineId, access) {
      const found = await get("the line", lineShape, path(quote, orderId, lineId), lineId, access);
      if (found?.orderid != null && found.orderid !== orderId)
        throw unreadable(sellerId, "the line", "it is of another order");
      return found;
    },
  };
}
