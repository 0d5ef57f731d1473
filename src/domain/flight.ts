import { BuyingError } from "./errors.ts";

/** First and last day of delivery, both included, as `YYYY-MM-DD` in UTC. */
export interface Flight {
  readonly start: string;
  readonly end: string;
}

const DAY_MS = 86_400_000;

/**
 * A checked flight: real calendar days, in order, not over, at most two years long.
 * @param today the current instant, for refusing flights that ended
 * @throws BuyingError `invalid_arguments`, its `field` below `field`
 */
export function flightOf(start: string, end: string, today: Date, field = "flight"): Flight {
  const from = dayMs(start, `${field}.start`);
  const to = dayMs(end, `${field}.end`);
  if (to < from) throw refused(`The flight ends ${end}, before it starts ${start}.`, `${field}.end`);
  if (to + DAY_MS <= today.getTime()) throw refused(`The flight ended ${end}.`, `${field}.end`);
  if (from < Date.parse(isoDay(today))) throw refused(`The flight starts ${start}, in the past.`, `${field}.start`);
  if (to - from > 731 * DAY_MS) throw refused("The flight is longer than two years.", `${field}.end`);
  return { start, end };
}

/** The flight as instants: midnight UTC of its first day, and the last second of its last day. */
export function instants(flight: Flight): { readonly start: string; readonly end: string } {
  return { start: `${flight.start}T00:00:00Z`, end: `${flight.end}T23:59:59Z` };
}

/** The calendar day of an instant in UTC. */
export function isoDay(at: Date): string {
  return at.toISOString().slice(0, 10);
}

/** The calendar day of an instant where the operator is, e.g. `America/New_York` (IANA time zone name). */
export function dayIn(timeZone: string, at: Date): string {
  const format = dayFormats.get(timeZone) ?? dayFormat(timeZone);
  dayFormats.set(timeZone, format);
  return format.format(at);
}

/** One a time zone that a mandate names: making one costs more than all else that is asked of a mandate. */
const dayFormats = new Map<string, Intl.DateTimeFormat>();

function dayFormat(timeZone: string): Intl.DateTimeFormat {
  // The Swedish locale writes dates as YYYY-MM-DD.
  return new Intl.DateTimeFormat("sv-SE", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
}

function dayMs(day: string, field: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(ms) || isoDay(new Date(ms)) !== day) {
    throw refused(`${JSON.stringify(day.slice(0, 40))} is not a calendar day like "2027-01-04".`, field);
  }
  return ms;
}

function refused(why: string, field: string): BuyingError {
  return new BuyingError("invalid_arguments", `${why} Nothing was booked.`, "fix_arguments", { field });
}
