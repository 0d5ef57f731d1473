import { type Answer, answer } from "../wire.ts";
import { created } from "./accounts.ts";
import { acted, placementOf } from "./actions.ts";
import { actions, type LineAction } from "./behaviour.ts";
import type { OpenDirectCall, OpenDirectRoute } from "./call.ts";
import { isoTime, lineFields, read } from "./fields.ts";
import { daysOf } from "./inventory.ts";
import { current } from "./line-states.ts";
import { lineOnWire, term } from "./line-wire.ts";
import { listed } from "./listing.ts";
import { costOf, priceOf } from "./money.ts";
import { knownOrder, linesOf } from "./orders.ts";
import type { OpenDirectProduct } from "./profile.ts";
import { type Json, missing, notServed, OpenDirectRefusal, wrong } from "./refusal.ts";
import type { OpenDirectRuntime } from "./runtime.ts";
import { reportOf } from "./stats.ts";
import type { StoredLine } from "./state.ts";

const dayMs = 86_400_000;

/** The line of the path as it is by now. Throws a refusal (404) when it is not there, or in another order. */
export function knownLine(call: OpenDirectCall): StoredLine {
  const { seller, params } = call;
  const order = knownOrder(call);
  const line = seller.books.lines[params["line"] ?? ""];
  if (line && line.orderId === order.id) return current(seller, line);
  if (seller.behaviour.simulated) return pretendedLine(seller, params);
  throw missing("line");
}

/** What a mock says of any id it is asked for. */
function pretendedLine(seller: OpenDirectRuntime, params: OpenDirectCall["params"]): StoredLine {
  const { account = "", order = "", line = "" } = params;
  const nothing = { reason: null, reservedUntil: null, decidesAt: null, before: null, bookedAt: null, stoppedAt: null };
  return {
    ...nothing,
    id: line,
    accountId: account,
    orderId: order,
    productId: seller.profile.products[0]?.id ?? "",
    name: "Mock Line",
    status: "Draft",
    qty: 500_000,
    rateMicros: 10_000_000,
    startAt: seller.now() + dayMs,
    endAt: seller.now() + 8 * dayMs,
    aheadMs: 0,
    asked: {},
    history: ["Draft"],
  };
}

function requireTerms(seller: OpenDirectRuntime, product: OpenDirectProduct, line: StoredLine): void {
  const { startAt, endAt, qty, rateMicros } = line;
  const days = daysOf(line);
  if (endAt <= startAt || days < product.minFlightDays || days > product.maxFlightDays) {
    throw wrong("InvalidPeriodLength", `Between ${product.minFlightDays} and ${product.maxFlightDays} days.`);
  }
  if (startAt < seller.now() + product.leadDays * dayMs) {
    throw wrong("LeadTime", `At least ${product.leadDays} days from today to the start.`);
  }
  if (costOf(product, qty, rateMicros) < (product.minSpendMicros ?? 0)) {
    throw wrong("InvalidBudget", "This costs less than the product's minimum spend.");
  }
}

/** A draft as asked for, at the seller's own rate. */
function drafted(call: OpenDirectCall, known: StoredLine | null): StoredLine {
  const { seller } = call;
  const order = knownOrder(call);
  const said = known && call.method === "PATCH" ? { ...askedOnWire(known), ...call.body() } : call.body();
  const {
    name,
    productid,
    startdate,
    enddate,
    qty,
    ratetype,
    orderid,
    rate: _proposal,
    ...asked
  } = read(lineFields, said);
  if (orderid !== undefined && orderid !== order.id)
    throw wrong("InvalidField", "orderid: another order than the path's");
  const { short, currency, laterDays } = seller.behaviour;
  const product = seller.product(productid);
  if (!product) throw wrong("UnknownProduct", "There is no such product.");
  if (ratetype !== undefined && ratetype !== product.rateType) {
    throw wrong("InvalidPrice", `This product is sold by ${product.rateType}.`);
  }
  if (order.currency !== product.currency && currency === null) {
    throw wrong("CurrencyMismatch", `This product is sold in ${product.currency}, the order is in ${order.currency}.`);
  }
  const line: StoredLine = {
    id: known?.id ?? seller.newId(),
    accountId: order.accountId,
    orderId: order.id,
    productId: productid,
    name,
    status: "Draft",
    reason: null,
    qty: Math.max(1, Math.floor(qty * short)),
    rateMicros: priceOf(seller, product, asked.targeting),
    startAt: startdate + laterDays * dayMs,
    endAt: enddate + laterDays * dayMs,
    reservedUntil: null,
    decidesAt: null,
    before: null,
    aheadMs: 0,
    bookedAt: null,
    stoppedAt: null,
    asked,
    history: known?.history ?? ["Draft"],
  };
  requireTerms(seller, product, { ...line, qty, startAt: startdate, endAt: enddate });
  return line;
}

function askedOnWire({ name, productId, startAt, endAt, qty, asked }: StoredLine): Json {
  return { ...asked, name, productid: productId, startdate: isoTime(startAt), enddate: isoTime(endAt), qty };
}

function forgotten(seller: OpenDirectRuntime, line: StoredLine, step: "line" | LineAction): void {
  if (seller.behaviour.forgets.includes(step)) delete seller.books.lines[line.id];
  else seller.books.lines[line.id] = line;
  seller.commit();
}

function draft(call: OpenDirectCall): Answer {
  const { seller } = call;
  const line = drafted(call, null);
  forgotten(seller, line, "line");
  return created(`/accounts/${line.accountId}/orders/${line.orderId}/lines/${line.id}`, lineOnWire(seller, line));
}

/** The action a query names and whether this seller knows that form; null: none is named. */
function named({
  query,
  search,
  seller,
}: OpenDirectCall): { readonly action: LineAction; readonly known: boolean } | null {
  const { actions: form } = seller.behaviour;
  const seed = actions.find((action) => query.get("action") === action);
  if (seed) return { action: seed, known: form !== "spec" };
  const bare = actions.find((action) => search.split("&").includes(action));
  return bare ? { action: bare, known: form !== "seed" } : null;
}

/** What a PUT or PATCH of a line is for: its action, or the change of a draft. */
function act(call: OpenDirectCall): Answer {
  const { seller, query } = call;
  const wish = named(call);
  if (wish === null && query.size === 0) return redraft(call);
  const line = knownLine(call);
  if (!wish?.known) {
    const { foreignAction } = seller.behaviour;
    if (foreignAction === "ignored") return answer(lineOnWire(seller, line));
    throw foreignAction === "not-allowed" ? notServed() : new OpenDirectRefusal(400, []);
  }
  if (wish.action === "reserve" && !seller.behaviour.reserve) throw notServed();
  const after = acted(seller, line, wish.action);
  forgotten(seller, after, wish.action);
  return answer(lineOnWire(seller, after));
}

/** Only drafts can be edited: OpenDirect 1.5.1 §2.4.1. */
function redraft(call: OpenDirectCall): Answer {
  const { seller } = call;
  const line = knownLine(call);
  if (line.status !== "Draft") throw wrong("InvalidTransition", `A line that is ${line.status} cannot be edited.`);
  const after = drafted(call, line);
  seller.books.lines[line.id] = after;
  seller.commit();
  return answer(lineOnWire(seller, after));
}

function drop(call: OpenDirectCall): Answer {
  const { seller } = call;
  const line = knownLine(call);
  if (line.status !== "Draft") throw wrong("InvalidTransition", `A line that is ${line.status} cannot be deleted.`);
  delete seller.books.lines[line.id];
  seller.commit();
  return { status: 200, body: {} };
}

function list(call: OpenDirectCall): Answer {
  const { seller } = call;
  const lines = linesOf(seller, knownOrder(call).id);
  return listed(
    call,
    "lines",
    lines.map((line) => lineOnWire(seller, line)),
  );
}

function placements(call: OpenDirectCall): Answer {
  const line = knownLine(call);
  const { adUnit } = term(call.seller, line);
  const placement = { id: placementOf(line), lineid: line.id, adunitid: `${line.productId}-1`, spec: adUnit.spec };
  return listed(call, "placements", [placement]);
}

const collection = "/accounts/{account}/orders/{order}/lines";
const one = `${collection}/{line}`;

export const lineRoutes: readonly OpenDirectRoute[] = [
  { methods: ["GET"], path: collection, operation: "line-read", handle: list },
  { methods: ["POST"], path: collection, operation: "line", handle: draft },
  {
    methods: ["GET"],
    path: one,
    operation: "line-read",
    handle: (call) => answer(lineOnWire(call.seller, knownLine(call))),
  },
  { methods: ["PUT", "PATCH"], path: one, operation: (call) => named(call)?.action ?? "line", handle: act },
  { methods: ["DELETE"], path: one, operation: "line", handle: drop },
  {
    methods: ["GET"],
    path: `${one}/stats`,
    operation: "delivery-read",
    handle: (call) => answer(reportOf(call.seller, knownLine(call))),
  },
  { methods: ["GET"], path: `${one}/placements`, operation: "line-read", handle: placements },
];
