import { type Delivery, noFigures } from "../domain/delivery.ts";
import { add, type Money } from "../domain/money.ts";
import { isObject } from "./adcp-answers.ts";
import { entriesIn, folded } from "./opendirect-dialect.ts";
import { instantIn } from "./opendirect-lines.ts";
import { sellerText } from "./untrusted.ts";
import { moneyFromText } from "./wire/money.ts";
import { statShape } from "./wire/opendirect.ts";

/** What of a line was delivered so far. */
export interface LineStats {
  readonly impressions: number | null;
  readonly clicks: number | null;
  readonly spend: Money | null;
  readonly asOf: string | null;
  readonly pacing: string | null;
}

/**
 * Figures in any of the shapes they come in: records under `stats`, a bare list, or one flat object; null where there are
 * none. Several records are days of delivery, unless they only grow and come to more than the line together: then each
 * is the sum until its day, and the last one counts.
 */
export function statsIn(json: unknown, currency: string, impressions: number | null): LineStats | null {
  const plain = folded(json);
  const raw = entriesIn(plain, "stats") ?? (isObject(plain) ? [plain] : []);
  const records = raw.flatMap((one) => statShape.safeParse(one).data ?? []);
  const rows = records.map((one): LineStats => {
    const { reportdate, lastupdated, spend, pacingstatus, ...counts } = one;
    return {
      ...{ impressions: counts.impressions, clicks: counts.clicks, spend: moneyFromText(spend, currency) },
      asOf: instantIn(reportdate ?? lastupdated, "end"),
      pacing: sellerText(pacingstatus, 40) || null,
    };
  });
  const told = rows
    .filter((row) => row.impressions !== null || row.spend !== null)
    .toSorted((left, right) => (left.asOf ?? "").localeCompare(right.asOf ?? ""));
  const last = told.at(-1);
  if (!last) return null;
  const together = told.reduce(added);
  const grows = told.every((row, at) => (row.impressions ?? 0) >= (told[at - 1]?.impressions ?? 0));
  const isTooMuch = impressions !== null && (together.impressions ?? 0) > impressions + impressions / 10;
  return told.length > 1 && grows && isTooMuch ? last : { ...together, asOf: last.asOf, pacing: last.pacing };
}

function added(left: LineStats, right: LineStats): LineStats {
  const sum = (one: number | null, other: number | null) =>
    one === null || other === null ? (one ?? other) : one + other;
  const spend = left.spend && right.spend ? add(left.spend, right.spend) : (left.spend ?? right.spend);
  return {
    ...right,
    impressions: sum(left.impressions, right.impressions),
    clicks: sum(left.clicks, right.clicks),
    spend,
  };
}

/** A line's delivery. What the seller does not report is no zero. @param stats null where it reports nothing */
export function deliveryOf(stats: LineStats | null, status: string | null, paused: boolean): Delivery {
  const rest = { from: null, to: null, isFinal: null, sellerStatus: status, fillRatePercent: null, packages: [] };
  if (!stats)
    return {
      ...{ ...noFigures, ...rest, asOf: null, pacing: null },
      note: "The seller reports no figures for this line yet.",
    };
  const { impressions, clicks, spend, asOf, pacing } = stats;
  return {
    ...{ ...noFigures, ...rest, impressions, clicks, spend, asOf, pacing },
    note: paused ? "The seller has paused the line." : null,
  };
}
