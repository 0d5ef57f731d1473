import { dayWords } from "../card/words.ts";
import type { Desk } from "../desk.ts";
import { type MediaPlan, mediaPlans, plannedOf } from "../documents/media-plan.ts";
import { planSvg } from "../documents/media-plan-svg.ts";
import { formatAmount, formatMoney } from "../domain/money.ts";
import { buyRow } from "./buy-report.ts";
import { table } from "./table.ts";
import { answer } from "./tool.ts";

/** Of what a plan is: lines by quote, buy or approval, or a campaign; neither = all that is bought. */
export interface PlanOf {
  readonly ids: readonly string[];
  readonly campaign: string | null;
}

/** A media plan to be read: a table whose rows and columns add up, and where its picture is. */
export async function planAnswer(desk: Desk, of: PlanOf) {
  const lines = await desk.planned(of);
  const plans = mediaPlans(lines.flatMap(plannedOf));
  const picture = planUri(of);
  return answer(
    desk,
    { media_buys: lines.map(buyRow), plan: plans.map(planRows), picture },
    lines.length > 0 ? ["compare_quotes {}", "get_media_buys {delivery: true}"] : ["get_inbox {}"],
    lines.length === 0 && "There is nothing to plan with: no buy and no open quote matches.",
    ...plans.map(planText),
    lines.length > 0 && `As a picture: resource ${picture} (SVG).`,
  );
}

/** The same plan as a picture. */
export async function planPicture(desk: Desk, of: PlanOf): Promise<string> {
  const plans = mediaPlans((await desk.planned(of)).flatMap(plannedOf));
  const { advertiser, sandbox } = desk.settings;
  return planSvg(plans, { title: of.campaign ?? "Media plan", advertiser, sandbox });
}

/** Where a plan's picture is read: by campaign, or by ids; `of` is percent-encoded. */
function planUri({ ids, campaign }: PlanOf): string {
  if (ids.length > 0) return `buyer://media-plan/ids/${encodeURIComponent(ids.join(","))}`;
  return campaign === null
    ? "buyer://media-plan/ids/all"
    : `buyer://media-plan/campaign/${encodeURIComponent(campaign)}`;
}

/** What an address of {@link planUri} is about; null for none of ours. */
export function planOfUri(by: string, of: string): PlanOf | null {
  const text = decoded(of);
  if (by === "campaign" && text !== "") return { ids: [], campaign: text };
  if (by !== "ids" || text === "") return null;
  return { ids: text === "all" ? [] : text.split(","), campaign: null };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone percent sign: nobody who read our addresses writes it.
    return "";
  }
}

function planText({ currency, unit, periods, rows, totals, total }: MediaPlan): string {
  const heads = periods.map(({ start }) => (unit === "week" ? dayWords(start).slice(0, -5) : start.slice(0, 7)));
  const cells = (of: MediaPlan["totals"]) => of.map((one) => (one.micros === 0n ? null : formatAmount(one)));
  const body = rows.map((one) => [
    ...[one.ref, one.name, one.channel, one.status],
    ...[...cells(one.cells), formatAmount(one.total)],
  ]);
  return `Media plan in ${currency}, net, by ${unit}${unit === "week" ? " from Monday" : ""}, spread evenly over the days of each flight:\n${table(
    ["line", "product (seller's words)", "channel", "status", ...heads, "total"],
    [...body, ["total", null, null, null, ...cells(totals), formatAmount(total)]],
  )}`;
}

function planRows({ currency, unit, periods, rows, totals, total }: MediaPlan) {
  return {
    ...{ currency, unit, periods, totals: totals.map(formatMoney), total: formatMoney(total) },
    rows: rows.map(({ ref, name, channel, status, flight, cells, total: all }) => ({
      ...{ media_buy_id: ref, product_name: name, channel, status, flight },
      ...{ cells: cells.map(formatMoney), total: formatMoney(all) },
    })),
  };
}
