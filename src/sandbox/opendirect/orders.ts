import { type Answer, answer } from "../wire.ts";
import { created, knownAccount, knownBrand } from "./accounts.ts";
import type { OpenDirectCall, OpenDirectRoute } from "./call.ts";
import { isoTime, orderFields, read } from "./fields.ts";
import { current } from "./line-states.ts";
import { listed } from "./listing.ts";
import { type Json, missing, wrong } from "./refusal.ts";
import type { OpenDirectRuntime } from "./runtime.ts";
import type { LineStatus, StoredLine, StoredPlacedOrder } from "./state.ts";

const sold: readonly LineStatus[] = ["Booked", "InFlight", "Finished", "Stopped", "ChangePending"];

/** The lines of an order as they are by now, oldest first. */
export function linesOf(seller: OpenDirectRuntime, orderId: string): readonly StoredLine[] {
  return Object.values(seller.books.lines)
    .filter((line) => line.orderId === orderId)
    .map((line) => current(seller, line));
}

/** The order of the path. Throws a refusal (404) when it is not there, or not in that account. */
export function knownOrder({ seller, params }: OpenDirectCall): StoredPlacedOrder {
  const order = seller.books.orders[params["order"] ?? ""];
  if (order && order.accountId === params["account"]) return order;
  if (seller.behaviour.simulated) return pretendedOrder(params);
  throw missing("order");
}

/** What a mock says of any id it is asked for. */
function pretendedOrder(params: OpenDirectCall["params"]): StoredPlacedOrder {
  const { account = "", order = "" } = params;
  return { id: order, accountId: account, name: "Mock Order", currency: "USD", asked: {} };
}

function orderOnWire(seller: OpenDirectRuntime, order: StoredPlacedOrder): Json {
  const { id, accountId, name, currency, asked } = order;
  const lines = linesOf(seller, id);
  // The publisher moves an order's dates to fit its lines: OpenDirect 2.1, Order.
  const dates = lines.length === 0 ? {} : around(lines);
  const orderstatus = lines.some((line) => sold.includes(line.status)) ? "APPROVED" : "PENDING";
  return {
    preferredbillingmethod: "Electronic",
    ...asked,
    ...dates,
    id,
    accountid: accountId,
    name,
    currency,
    orderstatus,
  };
}

function around(lines: readonly StoredLine[]): Json {
  const startdate = isoTime(Math.min(...lines.map((line) => line.startAt)));
  const enddate = isoTime(Math.max(...lines.map((line) => line.endAt)));
  return { startdate, enddate };
}

function writable(call: OpenDirectCall, known: StoredPlacedOrder | null): Json {
  const { seller, params } = call;
  const said = known && call.method === "PATCH" ? { ...known.asked, ...call.body() } : call.body();
  const account = knownAccount(seller, params["account"] ?? "");
  if (account.status === "Disapproved") throw wrong("AccountDisapproved", "This account may not order.");
  const { startdate, enddate, orderexpirydate, ...asked } = read(orderFields, said);
  if (asked.accountid !== undefined && asked.accountid !== account.id) {
    throw wrong("InvalidField", "accountid: another account than the path's");
  }
  if (asked.publisherid !== seller.profile.publisherId) throw wrong("UnknownPublisher", "There is no such publisher.");
  knownBrand(seller, asked.advertiserbrandid);
  const taken = Object.values(seller.books.orders).some(
    (order) => order.accountId === account.id && order.name === asked.name && order.id !== known?.id,
  );
  // The only handle a buyer has to find a lost order again: OpenDirect 2.1, Order `name`.
  if (taken && !seller.behaviour.duplicates) throw wrong("NameNotUnique", "An order of that name is in the account.");
  const dates = Object.entries({ startdate, enddate, orderexpirydate }).flatMap(([name, at]) =>
    at === undefined ? [] : [[name, isoTime(at)]],
  );
  return { ...asked, ...Object.fromEntries(dates) };
}

function placed(call: OpenDirectCall, known: StoredPlacedOrder | null): StoredPlacedOrder {
  const asked = writable(call, known);
  const id = known?.id ?? call.seller.newId();
  const currency = call.seller.behaviour.currency ?? String(asked["currency"]);
  return { id, accountId: call.params["account"] ?? "", name: String(asked["name"]), currency, asked };
}

function place(call: OpenDirectCall): Answer {
  const { seller } = call;
  const order = placed(call, null);
  if (!seller.behaviour.forgets.includes("order")) seller.books.orders[order.id] = order;
  seller.commit();
  return created(`/accounts/${order.accountId}/orders/${order.id}`, orderOnWire(seller, order));
}

function rewrite(call: OpenDirectCall): Answer {
  const { seller } = call;
  const order = placed(call, knownOrder(call));
  seller.books.orders[order.id] = order;
  seller.commit();
  return answer(orderOnWire(seller, order));
}

function withdraw(call: OpenDirectCall): Answer {
  const { seller } = call;
  const { id } = knownOrder(call);
  const lines = linesOf(seller, id);
  if (lines.some((line) => line.status !== "Draft"))
    throw wrong("InvalidTransition", "Not all of its lines are drafts.");
  for (const line of lines) delete seller.books.lines[line.id];
  delete seller.books.orders[id];
  seller.commit();
  return { status: 200, body: {} };
}

function list(call: OpenDirectCall): Answer {
  const { seller, params } = call;
  const account = knownAccount(seller, params["account"] ?? "");
  const orders = Object.values(seller.books.orders).filter((order) => order.accountId === account.id);
  return listed(
    call,
    "orders",
    orders.map((order) => orderOnWire(seller, order)),
  );
}

const collection = "/accounts/{account}/orders";
const one = `${collection}/{order}`;

export const orderRoutes: readonly OpenDirectRoute[] = [
  { methods: ["GET"], path: collection, operation: "order-read", handle: list },
  { methods: ["POST"], path: collection, operation: "order", handle: place },
  {
    methods: ["GET"],
    path: one,
    operation: "order-read",
    handle: (call) => answer(orderOnWire(call.seller, knownOrder(call))),
  },
  { methods: ["PUT", "PATCH"], path: one, operation: "order", handle: rewrite },
  { methods: ["DELETE"], path: one, operation: "order", handle: withdraw },
];
