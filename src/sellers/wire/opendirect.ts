import * as z from "zod";
import { sellerId as checkedId } from "../untrusted.ts";

/**
 * The fields we read of what an OpenDirect 2.1 seller answers, after its keys were folded (opendirect-dialect.ts): all names
 * are the specification's own, in lower case. What money or a commitment depends on may be missing, but where it is there
 * it must be readable; all else that is of another type is null or empty. Texts are raw here.
 */

const text = z.string().nullable().catch(null);
const flag = z.boolean().nullable().catch(null);
/** A non-negative decimal as text, from a JSON number or a string: sellers write both. */
const amount = z.union([
  z.number().nonnegative().transform(String),
  z
    .string()
    .trim()
    .regex(/^\d{1,15}(\.\d{1,20})?$/),
]);
const optionalAmount = amount.nullish().catch(null);
const wholeText = z
  .string()
  .trim()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const count = z.union([z.int().nonnegative(), wholeText]);
const optionalCount = count.nullable().catch(null);
/**
 * Ids are opaque; the examples of the specification are digits, and some sellers write them as numbers. They go into paths
 * and are shown raw: one that could be more than an id is none.
 */
const id = z
  .union([z.string(), z.int().nonnegative().transform(String)])
  .refine((text) => checkedId(text) !== null, "cannot be used");
const optionalId = id.nullable().catch(null);
const texts = z
  .union([z.string().transform((one): readonly unknown[] => [one]), z.array(z.unknown())])
  .catch([])
  .transform((items: readonly unknown[]) => items.filter((item) => typeof item === "string"));
const adUnits = z.array(z.object({ name: text, spec: z.record(z.string(), z.unknown()).catch({}) })).catch([]);

export const productShape = z.object({
  id,
  publisherid: optionalId,
  name: text,
  description: text,
  currency: z.string().nullish(),
  baseprice: amount.nullish(),
  ratetype: z.string().nullish(),
  deliverytype: text,
  minspend: optionalAmount,
  leadtime: optionalCount,
  allownocreative: flag,
  availableimpressions: optionalCount,
  producttags: texts,
  adunit: adUnits,
  reservedexpirytime: text,
});

/** Why a product is (not) available; the table of the specification has one object, its example several. */
const availsStatus = z.object({ status: text, reason: text, producttargeting: z.unknown().optional() });

/** One record of avails: of the specification's form, or flat, as the buyer agents of the IAB Tech Lab ask for it. */
export const availShape = z.object({
  productid: id,
  availability: optionalCount,
  availableimpressions: optionalCount,
  guaranteedimpressions: optionalCount,
  price: amount.nullish(),
  estimatedcpm: amount.nullish(),
  totalcost: amount.nullish(),
  currency: z.string().nullish(),
  deliveryconfidence: z.union([z.number(), z.string()]).nullable().catch(null),
  availsstatus: z
    .union([z.array(availsStatus), availsStatus.transform((one) => [one])])
    .nullable()
    .catch(null),
  producttargeting: z.unknown().optional(),
});

export const accountShape = z.object({
  id,
  name: text,
  advertiserid: optionalId,
  buyerid: optionalId,
  status: z.string().nullish(),
});

export const brandShape = z.object({ id, name: text });

export const orderShape = z.object({
  id,
  name: text,
  accountid: optionalId,
  currency: z.string().nullish(),
  orderstatus: z.string().nullish(),
  orderexpirydate: text,
});

export const lineShape = z.object({
  id,
  orderid: optionalId,
  productid: id,
  name: text,
  bookingstatus: z.string(),
  statechangereason: text,
  reservedexpirydate: text,
  startdate: z.string(),
  enddate: z.string(),
  ratetype: z.string().nullish(),
  rate: amount.nullish(),
  qty: count.nullish(),
  cost: amount.nullish(),
  frequencycount: count.nullish(),
  frequencyinterval: z.string().nullish(),
});

export const changeShape = z.object({
  id,
  lineid: optionalId,
  status: text,
  comments: text,
  providerdata: z.object({ campaignid: text }).nullable().catch(null),
});

export const creativeShape = z.object({ id, name: text, creativeapprovals: z.unknown().optional() });

export const assignmentShape = z.object({
  id,
  creativeid: optionalId,
  placementid: optionalId,
  lineid: optionalId,
  status: text,
});

export const placementShape = z.object({ id });

/** What a write answers: an id, if it can be read; all else is read back. */
export const createdShape = z.object({ id });

/** One row of stats: by day, by the specification, or all in one, as the buyer agents of the IAB Tech Lab read them. */
export const statShape = z.object({
  reportdate: text,
  lastupdated: text,
  impressions: optionalCount,
  clicks: optionalCount,
  spend: optionalAmount,
  pacingstatus: text,
  vcr: optionalAmount,
  viewability: optionalAmount,
});

/** The optional card at `/.well-known/agent.json`, as far as it matters here. */
export const cardShape = z.object({ name: text, version: text, url: text });

export type WireProduct = z.output<typeof productShape>;
export type WireAvail = z.output<typeof availShape>;
export type WireAccount = z.output<typeof accountShape>;
export type WireOrder = z.output<typeof orderShape>;
export type WireCreative = z.output<typeof creativeShape>;
export type WireLine = z.output<typeof lineShape>;
export type WireChange = z.output<typeof changeShape>;
