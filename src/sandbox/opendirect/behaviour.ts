import * as z from "zod";
import { dialects } from "./dialect.ts";

/**
 * How an OpenDirect seller differs from the next one, and how it misbehaves; changed by the control while it runs. What
 * the public servers and clients disagree about is a switch here, with what the specification says as the usual value
 * where it says anything.
 */

/** What a buyer can do to a line: OpenDirect 2.1, Line, actions. */
export const actions = ["reserve", "book", "cancel", "reset"] as const;

/** One of {@link actions}. */
export type LineAction = (typeof actions)[number];

/** The writes after which a forgetful seller forgets. */
const steps = ["order", "line", ...actions] as const;

const factor = z.number().positive().max(100);
const reasons = z.string().max(255);

export const behaviourSchema = z.strictObject({
  /** How names are spelled: `baseprice` (2.1), `basePrice` (the buyer clients), `BasePrice` (1.5.1 and the UK's OOH profile). */
  dialect: z.enum(dialects),
  /** `PATCH …?action=reserve` (seed), `…?reserve` (the specification), or both. */
  actions: z.enum(["seed", "spec", "both"]),
  /** With which method lines and orders are changed; the other gets 405. */
  method: z.enum(["both", "patch", "put"]),
  /** What the form of action it does not know gets: 200 without effect, a 400 without a reason, or 405. */
  foreignAction: z.enum(["ignored", "bad-request", "not-allowed"]),
  /** Whether lines can be reserved; if not, that action gets 405. */
  reserve: z.boolean(),
  /** Which pair of parameters turns pages; `none`: every page is the first. */
  paging: z.enum(["skip", "count", "limit", "none"]),
  /** Items on a page when the buyer does not say, and at most. */
  pageSize: z.number().int().min(1).max(250),
  /** POST /products/search: served, unknown (404), or not that method (405). */
  search: z.enum(["served", "unknown", "not-allowed"]),
  /** Which form of POST /products/avails is understood. */
  avails: z.enum(["spec", "flat", "both"]),
  /** Which header proves who calls. */
  auth: z.enum(["any", "bearer", "api-key", "access-token"]),
  /** Who decides on reservations and bookings: the system at once, a person, or the system after so many milliseconds. */
  decides: z.union([z.literal("at-once"), z.literal("by-hand"), z.number().int().min(0)]),
  /** Why the next reservations or bookings are declined; null: they are not. */
  declines: z.strictObject({ reserve: reasons.nullable(), book: reasons.nullable() }).partial(),
  /** A declined line: answered with 200 and its status, or refused with 400 and left as it was. */
  declinesBy: z.enum(["status", "error"]),
  /** New accounts, and new creatives, wait for a person. */
  accounts: z.enum(["at-once", "by-hand"]),
  creatives: z.enum(["at-once", "by-hand"]),
  /** What prices are multiplied with: the catalogue's, a line's at its reservation, a line's at its booking. */
  priceFactor: factor,
  repriceOnReserve: factor,
  repriceOnBook: factor,
  /** A line is drafted with this share of the asked quantity. */
  short: factor,
  /** A line is drafted so many days later than asked, or changed so (an example of 2.1 answers another start, too). */
  laterDays: z.number().int().min(0).max(365),
  /** This share of the inventory is left. */
  inventory: z.number().min(0).max(1),
  /** A product that cannot give the quantity: left out of the avails, or in it with less. Both are in 2.1. */
  shortAvails: z.enum(["omitted", "less"]),
  /** `price` in avails is the total, with its parts as investment entries (the OOH example of 2.1). */
  totalAsPrice: z.boolean(),
  /** The currency that avails and new orders name, whatever was asked; null: the right one. */
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .nullable(),
  /** Stats in records to date (2.1) or in one flat object (the buyer clients). */
  stats: z.enum(["records", "flat"]),
  /** Other words for a line's states: two spellings of Canceled are in 2.1, and servers make up their own. */
  statusWords: z.record(z.string(), z.string()),
  /** Fields, by their names of 2.1, that lines are told without. */
  omits: z.array(z.string()),
  /** Amounts as text, moments without their zone or with a blank behind: all seen in examples. */
  careless: z.boolean(),
  /** Writes are answered 204 without a body. */
  quiet: z.boolean(),
  /** Actions that are answered 200 and not done. */
  unchanged: z.array(z.enum(actions)),
  /** Whether booked lines can be changed; if not, change requests get 405. */
  changes: z.boolean(),
  /** Change requests are approved, and the line stays as it was. */
  ignoresChanges: z.boolean(),
  /** Steps after which the order or the line is gone. */
  forgets: z.array(z.enum(steps)),
  /** Two orders of one name in an account are taken. */
  duplicates: z.boolean(),
  /** Lines carry their old status and another cost under a second spelling of the name. */
  collide: z.boolean(),
  /** A mock: it answers for every id, reports delivery of drafts, and knows no wrong transition. */
  simulated: z.boolean(),
  /** How it refuses: the `errors` of the specification, or what other servers send. */
  errors: z.enum(["errors", "detail", "error", "html"]),
});

/** See {@link behaviourSchema}. */
export type Behaviour = z.output<typeof behaviourSchema>;

/** Some of it, as it is changed. */
export const behaviourChange = behaviourSchema.partial();

/** See {@link behaviourChange}. */
export type BehaviourChange = z.output<typeof behaviourChange>;

/** A well-behaved seller that speaks as the specification spells and answers both forms of action. */
export const usualBehaviour: Behaviour = {
  dialect: "lower",
  actions: "both",
  method: "both",
  foreignAction: "bad-request",
  reserve: true,
  paging: "skip",
  pageSize: 50,
  search: "served",
  avails: "both",
  auth: "any",
  decides: "at-once",
  declines: {},
  declinesBy: "status",
  accounts: "at-once",
  creatives: "at-once",
  priceFactor: 1,
  repriceOnReserve: 1,
  repriceOnBook: 1,
  short: 1,
  laterDays: 0,
  inventory: 1,
  shortAvails: "omitted",
  totalAsPrice: false,
  currency: null,
  stats: "records",
  statusWords: {},
  omits: [],
  careless: false,
  quiet: false,
  unchanged: [],
  changes: true,
  ignoresChanges: false,
  forgets: [],
  duplicates: false,
  collide: false,
  simulated: false,
  errors: "errors",
};
