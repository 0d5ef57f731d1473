import { costOfDeal } from "../domain/booked.ts";
import { daysOf } from "../domain/ceiling.ts";
import type { Flight } from "../domain/flight.ts";
import { isoDay } from "../domain/flight.ts";
import type { Ref } from "../domain/ids.ts";
import type { Channel } from "../domain/inventory.ts";
import type { Line, LineStatus } from "../domain/media-buy.ts";
import { minorUnit, type Money, money, sum } from "../domain/money.ts";
import type { Package } from "../domain/package.ts";
import { totalOfQuote } from "../domain/quote.ts";

/** The flowchart of a plan: who runs when, and for how much a week. Pure; amounts are net and add up exactly. */

/** One row before it is spread: a product for its money, in its flight. */
export interface Planned {
  /** The quote, or the media buy that came of it. */
  readonly ref: Ref;
  /** The seller's cleaned words. */
  readonly name: string;
  readonly sellerId: string;
  readonly channel: Channel | null;
  readonly dealType: string;
  readonly status: LineStatus;
  readonly flight: Flight;
  readonly total: Money;
}

/** A column: first and last day, both included. */
export type Period = Flight;

export interface PlanRow extends Planned {
  /** One for each period; zero where it does not run. Together exactly the row's total. */
  readonly cells: readonly Money[];
}

/** Rows of one currency: nothing is converted, so each currency has a plan of its own. */
export interface MediaPlan {
  readonly currency: string;
  /** Weeks begin on Monday; a plan of more than half a year is told in months. */
  readonly unit: "week" | "month";
  readonly periods: readonly Period[];
  readonly rows: readonly PlanRow[];
  /** Of each period, and of all. */
  readonly totals: readonly Money[];
  readonly total: Money;
}

const DAY_MS = 86_400_000;
const MOST_WEEKS = 26;

/** The lines of a plan, spread evenly over the days of their flights; earliest first. One plan a currency. */
export function mediaPlans(planned: readonly Planned[]): readonly MediaPlan[] {
  const currencies = [...new Set(planned.map(({ total }) => total.currency))].sort();
  return currencies.map((currency) =>
    planOf(
      currency,
      planned.filter(({ total }) => total.currency === currency),
    ),
  );
}

/** What a line adds to a plan: a row for each of its packages, at what was booked once something is. */
export function plannedOf({ ref, line }: { readonly ref: Ref; readonly line: Line }): readonly Planned[] {
  const { quote, deal, booking, status } = line;
  const flight = daysOf(line);
  const shared = { ref, sellerId: quote.sellerId, dealType: quote.dealType, status, flight };
  if (!quote.packages || quote.changes) {
    const total = (deal && booking ? costOfDeal(booking.terms, deal) : null) ?? totalOfQuote(quote);
    return [{ ...shared, name: quote.product.name, channel: quote.product.channel, total }];
  }
  const booked = [...(deal?.packages ?? [])];
  const budgetOf = ({ product, budget }: Package): Money => {
    const at = booked.findIndex(({ productId }) => productId === product.id);
    return (at < 0 ? null : booked.splice(at, 1)[0]?.budget) ?? budget;
  };
  return quote.packages.map((one) => {
    const { name, channel } = one.product;
    return { ...shared, name, channel, total: budgetOf(one) };
  });
}

function planOf(currency: string, planned: readonly Planned[]): MediaPlan {
  const start = planned.map(({ flight }) => flight.start).reduce((a, b) => (a < b ? a : b));
  const end = planned.map(({ flight }) => flight.end).reduce((a, b) => (a > b ? a : b));
  const weeks = weeksOf(start, end);
  const isLong = weeks.length > MOST_WEEKS;
  const periods = isLong ? monthsOf(start, end) : weeks;
  const rows = planned
    .map((one) => ({ ...one, cells: spread(one, periods) }))
    .sort((left, right) =>
      left.flight.start < right.flight.start ? -1 : left.flight.start > right.flight.start ? 1 : 0,
    );
  const column = (at: number) =>
    sum(
      rows.map(({ cells }) => cells[at] ?? money(0n, currency)),
      currency,
    );
  return {
    ...{ currency, unit: isLong ? "month" : "week", periods, rows, totals: periods.map((_period, at) => column(at)) },
    total: sum(
      rows.map(({ total }) => total),
      currency,
    ),
  };
}

/**
 * A total by the days that fall into each period. What is rounded is the sum so far, down to the minor unit and at the end
 * not at all, so that the cells are the total again to the last micro.
 */
function spread({ total, flight }: Planned, periods: readonly Period[]): readonly Money[] {
  const step = minorUnit(total.currency);
  const days = daysBetween(flight.start, flight.end);
  const upTo = (day: string): bigint => {
    const run = Math.min(days, Math.max(0, daysBetween(flight.start, day)));
    return run === days ? total.micros : ((total.micros * BigInt(run)) / (BigInt(days) * step)) * step;
  };
  return periods.map(({ start, end }) => money(upTo(end) - upTo(dayAfter(start, -1)), total.currency));
}

/** Days from one to another, both counted; zero or less where the other comes before. */
function daysBetween(first: string, last: string): number {
  return (msOf(last) - msOf(first)) / DAY_MS + 1;
}

function weeksOf(start: string, end: string): readonly Period[] {
  // Monday is the first day of ISO 8601's week.
  const monday = dayAfter(start, -((new Date(msOf(start)).getUTCDay() + 6) % 7));
  const weeks: Period[] = [];
  for (let day = monday; day <= end; day = dayAfter(day, 7)) weeks.push({ start: day, end: dayAfter(day, 6) });
  return weeks;
}

function monthsOf(start: string, end: string): readonly Period[] {
  const months: Period[] = [];
  for (let day = `${start.slice(0, 7)}-01`; day <= end; day = dayAfter(months.at(-1)?.end ?? day, 1)) {
    const next = `${dayAfter(day, 31).slice(0, 7)}-01`;
    months.push({ start: day, end: dayAfter(next, -1) });
  }
  return months;
}

function dayAfter(day: string, days: number): string {
  return isoDay(new Date(msOf(day) + days * DAY_MS));
}

function msOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}
