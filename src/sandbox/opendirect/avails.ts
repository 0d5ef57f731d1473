import * as z from "zod";
import { type Answer, answer } from "../wire.ts";
import { knownAccount, knownBrand } from "./accounts.ts";
import type { OpenDirectCall, OpenDirectRoute } from "./call.ts";
import { currencyField, endField, idField, isoTime, read, startField } from "./fields.ts";
import { type Span, unitsLeft } from "./inventory.ts";
import { costOf, decimal, priceOf } from "./money.ts";
import type { OpenDirectProduct } from "./profile.ts";
import { type Json, OpenDirectRefusal, wrong } from "./refusal.ts";
import type { OpenDirectRuntime } from "./runtime.ts";

const list = z.array(z.record(z.string(), z.unknown())).optional();
const quantity = z.number().int().positive().optional();

/** OpenDirect 2.1, ProductAvailsSearch; quantity and frequency are in its example only. */
const specForm = z.strictObject({
  productids: z.array(idField).min(1),
  accountid: idField,
  advertiserbrandid: idField.optional(),
  startdate: startField,
  enddate: endField,
  currency: currencyField.optional(),
  qty: quantity,
  frequencycount: quantity,
  frequencyinterval: z.string().optional(),
  targeting: list,
  producttargeting: list,
  availabilityfields: list,
  grouping: list,
});

/** What the buyer clients send: one product, and targeting as they please. */
const flatForm = z.strictObject({
  productid: idField,
  startdate: startField,
  enddate: endField,
  requestedimpressions: quantity,
  budget: z.number().positive().optional(),
  targeting: z.unknown().optional(),
});

function span(startAt: number, endAt: number): Span {
  if (endAt <= startAt) throw wrong("InvalidPeriodLength", "The end is not after the start.");
  return { startAt, endAt };
}

const share = 0.9;

/** The parts of a total: OpenDirect 2.1, ProductTargeting, investment with target `fixed`, its currency in `datasource`. */
function parts(product: OpenDirectProduct, totalMicros: number): readonly Json[] {
  const media = Math.round(totalMicros * share);
  const entry = (name: string, amount: number) => {
    const targetvalues = [String(decimal(amount))];
    return { name, type: "Investment", datasource: product.currency, target: "fixed", targetvalues, selectable: false };
  };
  return [entry("Media", media), entry("Production", totalMicros - media)];
}

function record(seller: OpenDirectRuntime, asked: z.output<typeof specForm>, id: string): readonly Json[] {
  const product = seller.product(id);
  if (!product) return [];
  const { shortAvails, totalAsPrice, currency, dialect } = seller.behaviour;
  const when = span(asked.startdate, asked.enddate);
  const left = unitsLeft(seller, product, when);
  const isShort = asked.qty !== undefined && left < asked.qty;
  if (isShort && shortAvails === "omitted") return [];
  const unit = priceOf(seller, product, asked.targeting);
  const total = totalAsPrice && asked.qty !== undefined ? costOf(product, asked.qty, unit) : null;
  const status = {
    status: left === 0 ? "Unavailable" : isShort ? "Partially Available" : "Available",
    ...(isShort ? { reason: "Booked" } : {}),
    producttargeting: total === null ? [] : parts(product, total),
  };
  return [
    {
      productid: product.id,
      accountid: asked.accountid,
      availability: left,
      currency: currency ?? product.currency,
      price: decimal(total ?? unit),
      // An object in the table of 2.1, a list in its example.
      availsstatus: dialect === "lower" ? status : [status],
      startdate: isoTime(when.startAt),
      enddate: isoTime(when.endAt),
    },
  ];
}

function inSpecForm({ seller }: OpenDirectCall, body: Json): Answer {
  const asked = read(specForm, body);
  knownAccount(seller, asked.accountid, 400);
  if (asked.advertiserbrandid !== undefined) knownBrand(seller, asked.advertiserbrandid);
  return answer({ avails: asked.productids.flatMap((id) => record(seller, asked, id)) });
}

/** What the buyer clients expect for one product, as their mock server answers it; no currency is named. */
function inFlatForm({ seller }: OpenDirectCall, body: Json): Answer {
  const asked = read(flatForm, body);
  const product = seller.product(asked.productid);
  if (!product) throw new OpenDirectRefusal(404, [{ code: "NotFound", message: "Product not found" }]);
  if (product.rateType !== "CPM") throw wrong("InvalidPrice", "This product is not sold by the thousand.");
  const left = unitsLeft(seller, product, span(asked.startdate, asked.enddate));
  const unit = priceOf(seller, product, asked.targeting);
  const affordable = asked.budget === undefined ? left : Math.floor((asked.budget * 1_000) / decimal(unit));
  const available = Math.min(left, asked.requestedimpressions ?? affordable);
  return answer({
    productid: product.id,
    availableimpressions: available,
    ...(product.delivery === "guaranteed" ? { guaranteedimpressions: Math.floor(available * product.runs) } : {}),
    estimatedcpm: decimal(unit),
    totalcost: decimal(costOf(product, available, unit)),
    deliveryconfidence: product.runs * 100,
    availabletargeting: ["geo", "daypart"],
  });
}

function avails(call: OpenDirectCall): Answer {
  const { avails: form } = call.seller.behaviour;
  const body = call.body();
  if ("productids" in body && form !== "flat") return inSpecForm(call, body);
  if ("productid" in body && form !== "spec") return inFlatForm(call, body);
  const wanted = form === "flat" ? "productid" : "productids";
  throw new OpenDirectRefusal(form === "flat" ? 422 : 400, [{ code: "InvalidField", message: `${wanted}: Required` }]);
}

export const availsRoutes: readonly OpenDirectRoute[] = [
  { methods: ["POST"], path: "/products/avails", operation: "avails", handle: avails },
];
