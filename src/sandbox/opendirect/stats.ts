import { isoTime } from "./fields.ts";
import { term } from "./line-wire.ts";
import { costOf, decimal } from "./money.ts";
import type { Json } from "./refusal.ts";
import type { OpenDirectRuntime } from "./runtime.ts";
import type { StoredLine } from "./state.ts";

/** What a line has delivered. Nothing is random: it follows from time, quantity, rate and the product. */

const flatImpressions = 100_000;
const mockShare = 0.45;

/** Figures to date; spend in micros. */
interface Delivered {
  readonly impressions: number;
  readonly clicks: number;
  readonly spendMicros: number;
}

/** The share of the flight that has passed, 0 to 1; a line that was never booked does not run. */
function passed(seller: OpenDirectRuntime, line: StoredLine): number {
  if (seller.behaviour.simulated) return mockShare;
  if (line.bookedAt === null) return 0;
  const until = Math.min(line.stoppedAt ?? seller.lineNow(line), line.endAt);
  return Math.max(0, until - line.startAt) / (line.endAt - line.startAt);
}

/** What a line has delivered by now. */
export function deliveredBy(seller: OpenDirectRuntime, line: StoredLine): Delivered {
  const product = term(seller, line);
  const share = passed(seller, line);
  if (product.rateType === "FlatRate") {
    const impressions = Math.floor(flatImpressions * share);
    return { impressions, clicks: 0, spendMicros: Math.floor(line.rateMicros * share) };
  }
  const units = Math.floor(line.qty * product.runs * share);
  const spendMicros = costOf(product, units, line.rateMicros);
  if (product.rateType === "CPC")
    return { impressions: Math.floor(units / product.clickRate), clicks: units, spendMicros };
  return { impressions: units, clicks: Math.floor(units * product.clickRate), spendMicros };
}

/** Per cent, as the specification counts the click rate, to four digits. */
function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 1_000_000) / 10_000;
}

/** GET …/stats: one record to date (OpenDirect 2.1, Stats), or the flat object of the buyer clients. */
export function reportOf(seller: OpenDirectRuntime, line: StoredLine): Json {
  const { impressions, clicks, spendMicros } = deliveredBy(seller, line);
  const at = isoTime(seller.lineNow(line));
  const spend = decimal(spendMicros);
  const ctr = percent(clicks, impressions);
  if (seller.behaviour.stats === "records") return { stats: [{ reportdate: at, impressions, clicks, ctr, spend }] };
  const deliveryrate = percent(impressions, line.qty);
  return {
    lineid: line.id,
    impressionsdelivered: impressions,
    targetimpressions: line.qty,
    deliveryrate,
    amountspent: spend,
    budget: decimal(costOf(term(seller, line), line.qty, line.rateMicros)),
    effectivecpm: decimal(line.rateMicros),
    ctr,
    pacingstatus: deliveryrate > 0 ? "On Track" : "Not Started",
    lastupdated: at,
  };
}
