import * as z from "zod";
import { type Answer, answer } from "../wire.ts";
import { created, knownAccount } from "./accounts.ts";
import type { OpenDirectCall, OpenDirectRoute } from "./call.ts";
import { idField, lineFields, read } from "./fields.ts";
import { current, moved, shortage } from "./line-states.ts";
import { lineOnWire, term } from "./line-wire.ts";
import { listed } from "./listing.ts";
import { priceOf } from "./money.ts";
import { type Json, missing, notServed, wrong } from "./refusal.ts";
import type { OpenDirectRuntime } from "./runtime.ts";
import type { LineStatus, StoredChange, StoredLine } from "./state.ts";

/** Change requests: how a line that is no draft any more is changed. The seller's people decide (OpenDirect 2.1). */

const changeable: readonly LineStatus[] = ["Reserved", "Booked", "InFlight"];

const requestFields = z.strictObject({
  accountid: idField.optional(),
  orderid: idField,
  lineid: idField,
  requesterid: idField.optional(),
  comments: z.string().max(255).optional(),
  contacts: z.array(z.record(z.string(), z.unknown())).optional(),
  providerdata: z.record(z.string(), z.unknown()).optional(),
  webhook: z.string().max(255).optional(),
});

const wishFields = lineFields
  .pick({
    name: true,
    startdate: true,
    enddate: true,
    qty: true,
    comment: true,
    frequencycount: true,
    frequencyinterval: true,
    targeting: true,
    providerdata: true,
  })
  .partial();

function onWire({ id, accountId, status, orderId, lineId, asked }: StoredChange): Json {
  return { ...asked, id, accountid: accountId, orderid: orderId, lineid: lineId, status };
}

function known({ seller, params }: OpenDirectCall): StoredChange {
  const change = seller.books.changes[params["id"] ?? ""];
  if (change && change.accountId === params["account"]) return change;
  throw missing("change request");
}

function lineOf(seller: OpenDirectRuntime, id: string): StoredLine | null {
  const line = seller.books.lines[id];
  return line ? current(seller, line) : null;
}

function open(call: OpenDirectCall): Answer {
  const { seller, params } = call;
  const account = knownAccount(seller, params["account"] ?? "");
  const { orderid, lineid, accountid: _path, ...asked } = read(requestFields, call.body());
  const line = lineOf(seller, lineid);
  if (!line || line.orderId !== orderid || line.accountId !== account.id) throw missing("line");
  const change = opened(seller, line, asked, null);
  return created(`/accounts/${account.id}/changerequests/${change.id}`, onWire(change));
}

function opened(seller: OpenDirectRuntime, line: StoredLine, asked: Json, wished: Json | null): StoredChange {
  if (!changeable.includes(line.status)) {
    throw wrong("InvalidTransition", `A line that is ${line.status} takes no change request.`);
  }
  const id = seller.newId();
  const { accountId, orderId, id: lineId } = line;
  const change: StoredChange = { id, accountId, orderId, lineId, asked, status: "PENDING", wished };
  seller.books.changes[id] = change;
  seller.books.lines[lineId] = moved(line, "ChangePending", { before: line.status });
  seller.commit();
  return change;
}

/** A change request of somebody else's, with what it asks for. Returns its id. */
export function openChange(seller: OpenDirectRuntime, lineId: string, wished: Json): string {
  const line = lineOf(seller, lineId);
  if (!line) throw missing("line");
  read(wishFields, wished);
  return opened(seller, line, {}, wished).id;
}

function pending(call: OpenDirectCall): StoredChange {
  const change = known(call);
  if (change.status !== "PENDING") throw wrong("InvalidTransition", `The change request is ${change.status}.`);
  return change;
}

function wish(call: OpenDirectCall): Answer {
  const { seller } = call;
  const change = pending(call);
  const line = lineOf(seller, change.lineId);
  if (!line) throw missing("line");
  const wished = call.body();
  read(wishFields, wished);
  const after = { ...change, wished };
  const asked = changed(seller, line, after);
  const short = asked.qty > line.qty ? shortage(seller, asked) : null;
  if (short) throw wrong(short.code, short.message);
  seller.books.changes[change.id] = after;
  seller.commit();
  const path = `/accounts/${change.accountId}/changerequests/${change.id}/lines/${line.id}`;
  return created(path, lineOnWire(seller, asked));
}

/** The line with what is wished for in it, at today's price where its targeting changes. */
function changed(seller: OpenDirectRuntime, line: StoredLine, { wished }: StoredChange): StoredLine {
  if (!wished) return line;
  const { startdate, enddate, qty, name, ...rest } = wishFields.parse(wished);
  const laterMs = seller.behaviour.laterDays * 86_400_000;
  const rateMicros = rest.targeting ? priceOf(seller, term(seller, line), rest.targeting) : line.rateMicros;
  return {
    ...line,
    name: name ?? line.name,
    qty: qty ?? line.qty,
    startAt: startdate === undefined ? line.startAt : startdate + laterMs,
    endAt: enddate ?? line.endAt,
    rateMicros,
    asked: { ...line.asked, ...rest },
  };
}

/** A person decides. The line goes on in the state it was in, changed or as it was. @param reason told with the line */
export function decideChange(
  seller: OpenDirectRuntime,
  change: StoredChange,
  status: "APPROVED" | "REJECTED",
  reason: string | null = null,
): void {
  seller.books.changes[change.id] = { ...change, status };
  release(seller, change, status === "APPROVED", reason);
  seller.commit();
}

function release(
  seller: OpenDirectRuntime,
  change: StoredChange,
  isApproved: boolean,
  reason: string | null = null,
): void {
  const line = seller.books.lines[change.lineId];
  if (line?.status !== "ChangePending") return;
  const after = isApproved && !seller.behaviour.ignoresChanges ? changed(seller, line, change) : line;
  seller.books.lines[line.id] = moved(after, line.before ?? "Booked", { before: null, reason });
}

function withdraw(call: OpenDirectCall): Answer {
  const { seller } = call;
  const change = pending(call);
  release(seller, change, false);
  delete seller.books.changes[change.id];
  seller.commit();
  return answer({});
}

function lines(call: OpenDirectCall): Answer {
  const { seller } = call;
  const change = known(call);
  const line = lineOf(seller, change.lineId);
  const wished = line && change.wished ? [lineOnWire(seller, changed(seller, line, change))] : [];
  return listed(call, "lines", wished);
}

function list(call: OpenDirectCall): Answer {
  const account = knownAccount(call.seller, call.params["account"] ?? "");
  const changes = Object.values(call.seller.books.changes).filter((change) => change.accountId === account.id);
  return listed(call, "changerequests", changes.map(onWire));
}

/** The other party decides: a buyer's own request is not the buyer's to approve. */
function notYours(): never {
  throw wrong("InvalidAction", "Who made the request does not decide on it.");
}

const collection = "/accounts/{account}/changerequests";
const one = `${collection}/{id}`;
const operation = "change";

const served: readonly OpenDirectRoute[] = [
  { methods: ["POST"], path: collection, operation, handle: open },
  { methods: ["GET"], path: collection, operation: "line-read", handle: list },
  { methods: ["GET"], path: one, operation: "line-read", handle: (call) => answer(onWire(known(call))) },
  { methods: ["DELETE"], path: one, operation, handle: withdraw },
  { methods: ["PUT"], path: `${one}/approve`, operation, handle: notYours },
  { methods: ["PUT"], path: `${one}/reject`, operation, handle: notYours },
  { methods: ["POST"], path: `${one}/lines`, operation: "line", handle: wish },
  { methods: ["GET"], path: `${one}/lines`, operation: "line-read", handle: lines },
];

export const changeRoutes: readonly OpenDirectRoute[] = served.map((route) => ({
  ...route,
  handle: (call) => {
    if (!call.seller.behaviour.changes) throw notServed();
    return route.handle(call);
  },
}));
