import * as z from "zod";
import { type Json, OpenDirectRefusal, wrong } from "./refusal.ts";

/** What a body may say, under the names of 2.1, and how it is refused when it says something else. */

/** The seller's own: 2.1 marks them required, 1.5.1 read-only; a buyer that writes them is refused. */
const serverOwned = ["id", "bookingstatus", "orderstatus", "cost", "statechangereason", "reservedexpirydate"];

const text = (longest: number) => z.string().min(1).max(longest);
/** An opaque id: 36 characters at most. */
export const idField = text(36);
const dateOnly = /^\d{4}-\d{2}-\d{2}$/;
const zoned = /(Z|[+-]\d{2}:?\d{2})$/i;

/**
 * A moment, in milliseconds since 1970. A date alone is its first or last second (OpenDirect 2.1, dates); without a
 * zone it is UTC (1.5.1). NaN when it is neither.
 */
function instant(written: string, edge: "start" | "end"): number {
  const said = written.trim();
  if (dateOnly.test(said)) return Date.parse(`${said}T${edge === "start" ? "00:00:00" : "23:59:59"}Z`);
  return Date.parse(zoned.test(said) ? said : `${said}Z`);
}

function moment(edge: "start" | "end") {
  return z
    .string()
    .transform((written) => instant(written, edge))
    .refine((at) => !Number.isNaN(at), "not a date");
}

export const startField = moment("start");
export const endField = moment("end");
export const currencyField = z.string().regex(/^[A-Z]{3}$/);
const segment = z.strictObject({ id: text(255).optional(), name: text(255).optional(), value: z.unknown() });
/** AdCOM segments. */
export const targetingField = z.array(segment);
const anything = z.record(z.string(), z.unknown());

const providerData = z.strictObject({
  campaignid: text(255),
  campaignname: text(255),
  ponumber: text(255).optional(),
  salesorderreference: text(255).optional(),
  other: z.string().max(10_000).optional(),
});

/** OpenDirect 2.1, Order. */
export const orderFields = z.strictObject({
  name: text(100),
  accountid: idField.optional(),
  publisherid: idField,
  advertiserbrandid: idField,
  currency: currencyField,
  brand: text(25).optional(),
  budget: z.number().positive().optional(),
  startdate: startField.optional(),
  enddate: endField.optional(),
  orderexpirydate: endField.optional(),
  packageonly: z.boolean().optional(),
  preferredbillingmethod: z.enum(["Electronic", "Postal"]).optional(),
  contacts: z.array(anything).optional(),
  providerdata: providerData.optional(),
  specialinstructions: z.string().max(255).optional(),
  ext: anything.optional(),
});

/** OpenDirect 2.1, Line. A rate is a proposal: the seller sets its own. */
export const lineFields = z.strictObject({
  name: text(200),
  orderid: idField.optional(),
  productid: idField,
  startdate: startField,
  enddate: endField,
  ratetype: z.enum(["CPM", "CPMV", "CPC", "CPD", "FlatRate"]).optional(),
  rate: z.number().positive().optional(),
  qty: z.number().int().positive(),
  comment: z.string().max(255).optional(),
  frequencycount: z.number().int().positive().optional(),
  frequencyinterval: z.enum(["Day", "Month", "Week", "Hour", "LineDuration"]).optional(),
  targeting: targetingField.optional(),
  producttargeting: z.array(anything).optional(),
  providerdata: providerData.optional(),
  specialinstructions: z.string().max(255).optional(),
  pmp: anything.optional(),
  ext: anything.optional(),
});

function codeOf(issue: z.core.$ZodIssue): string {
  return issue.code === "unrecognized_keys" ? "UnknownField" : "InvalidField";
}

/** Reads a body. Throws a refusal (400) with an entry for everything that is wrong with it. */
export function read<T extends z.ZodType>(schema: T, body: Json): z.output<T> {
  const owned = serverOwned.filter((name) => name in body);
  if (owned.length > 0) throw wrong("ReadOnlyField", `Not yours to write: ${owned.join(", ")}.`);
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const errors = result.error.issues.map((issue) => ({
    code: codeOf(issue),
    message: `${issue.path.join(".") || "body"}: ${issue.message}`,
  }));
  throw new OpenDirectRefusal(400, errors);
}

/** A moment on the wire. */
export function isoTime(at: number): string {
  return new Date(at).toISOString();
}
