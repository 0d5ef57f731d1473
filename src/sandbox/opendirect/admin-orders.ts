import * as z from "zod";
import { behaviourChange } from "./behaviour.ts";
import type { OpenDirectControl } from "./control.ts";

const seller = z.string();
const line = z.string().optional();

/** What the admin endpoint can be asked to do to an OpenDirect seller. */
export const openDirectOrder = z.discriminatedUnion("order", [
  z.strictObject({ order: z.literal("behave"), seller, behaviour: behaviourChange }),
  z.strictObject({
    order: z.literal("lose"),
    seller,
    step: z.enum(["account", "order", "line", "reserve", "book", "cancel", "reset"]),
  }),
  z.strictObject({ order: z.literal("accept"), seller, line }),
  z.strictObject({ order: z.literal("decline"), seller, line, words: z.string() }),
  z.strictObject({ order: z.literal("expire"), seller, line }),
  z.strictObject({ order: z.literal("forget"), seller, line: z.string() }),
  z.strictObject({
    order: z.literal("accounts"),
    seller,
    status: z.enum(["Pending", "Approved", "Disapproved"]),
  }),
  z.strictObject({ order: z.literal("creatives"), seller, status: z.enum(["APPROVED", "REJECTED"]) }),
  z.strictObject({
    order: z.literal("change"),
    seller,
    status: z.enum(["APPROVED", "REJECTED"]),
    id: z.string().optional(),
  }),
  z.strictObject({ order: z.literal("pass"), seller, ms: z.number().int().min(1) }),
  z.strictObject({ order: z.literal("books"), seller }),
]);

/** Obeys an order and answers with what came of it. */
export function obeyOpenDirect(control: OpenDirectControl, order: z.output<typeof openDirectOrder>): unknown {
  const { seller: id } = order;
  if (order.order === "books") return { orders: control.orders(id), lines: control.lines(id) };
  if (order.order === "accept") return { line: control.decide(id, "accept", order.line) };
  if (order.order === "decline") return { line: control.decide(id, { decline: order.words }, order.line) };
  if (order.order === "expire") return { line: control.expireReservation(id, order.line) };
  if (order.order === "change") return { change: control.decideChange(id, order.status, order.id) };
  if (order.order === "behave") control.behave(id, order.behaviour);
  else if (order.order === "lose") control.lose(id, order.step);
  else if (order.order === "forget") control.forget(id, order.line);
  else if (order.order === "accounts") control.decideAccounts(id, order.status);
  else if (order.order === "creatives") control.decideCreatives(id, order.status);
  else control.pass(id, order.ms);
  return { ok: true };
}
