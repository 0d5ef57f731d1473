import * as z from "zod";
import type { AdcpControl } from "./control.ts";
import { adcpModes } from "./profile.ts";

const seller = z.string();
const id = z.string().optional();

/** What the admin endpoint can be asked to do to an AdCP seller. */
export const adcpOrder = z.discriminatedUnion("order", [
  z.strictObject({ order: z.literal("sign"), seller, id }),
  z.strictObject({ order: z.literal("reject"), seller, id, words: z.string().optional() }),
  z.strictObject({ order: z.literal("delay"), seller, id, words: z.string().optional() }),
  z.strictObject({ order: z.literal("waiting"), seller }),
  z.strictObject({ order: z.literal("buys"), seller }),
  z.strictObject({ order: z.literal("tasks"), seller }),
  z.strictObject({ order: z.literal("modes"), seller, modes: z.array(z.enum(adcpModes)) }),
  z.strictObject({ order: z.literal("pass"), seller, ms: z.number().int().min(1) }),
  z.strictObject({ order: z.literal("reprice"), seller, factor: z.number().positive().max(100) }),
  z.strictObject({
    order: z.literal("publish"),
    seller,
    domain: z.string(),
    file: z.record(z.string(), z.unknown()).nullable().optional(),
  }),
]);

/** Obeys an order and answers with what came of it. */
export function obeyAdcp(control: AdcpControl, order: z.output<typeof adcpOrder>): unknown {
  if (order.order === "sign") return { signed: control.sign(order.seller, order.id) };
  if (order.order === "reject") return { rejected: control.reject(order.seller, order.id, order.words) };
  if (order.order === "delay") return { delayed: control.delay(order.seller, order.id, order.words) };
  if (order.order === "waiting") return { waiting: control.waiting(order.seller) };
  if (order.order === "buys") return { buys: control.buys(order.seller) };
  if (order.order === "tasks") return { tasks: control.tasks(order.seller) };
  if (order.order === "modes") control.modes(order.seller, ...order.modes);
  else if (order.order === "pass") control.pass(order.seller, order.ms);
  else if (order.order === "reprice") control.reprice(order.seller, order.factor);
  else control.publish(order.seller, order.domain, order.file);
  return { ok: true };
}
