import { html, type Html } from "../card/html.ts";
import { counted, dayWords, moneyParts, rangeWords } from "../card/words.ts";
import type { Channel } from "../domain/inventory.ts";
import { displayMoney } from "../domain/money.ts";
import type { MediaPlan, PlanRow } from "./media-plan.ts";

/** What stands above a plan. Texts may be anybody's: they are escaped, and cut where they would run into the figures. */
export interface PlanHeading {
  readonly title: string;
  readonly advertiser: string;
  readonly sandbox: boolean;
}

const left = 300;
const column = 84;
const right = 112;
const margin = 28;
const rowHeight = 44;
const headHeight = 52;
const titleHeight = 88;

/** A colour for each channel, dark enough for white figures on it and told apart in print by its row's words. */
const colours: Readonly<Record<Channel, string>> = {
  ctv: "#3b5bdb",
  online_video: "#7048e8",
  display: "#0b7285",
  mobile_app: "#237032",
  native: "#47760a",
  audio: "#bf3f0d",
  social: "#c2255c",
  dooh: "#996200",
  linear_tv: "#1864ab",
};
const noChannel = "#495057";

/** Not bought yet. */
const planned = new Set(["open", "awaiting_approval"]);

/**
 * Plans as a picture of their own (SVG 1.1, no script, no reference to anything outside): rows are lines, columns weeks.
 * @param plans a currency each, below one another
 */
export function planSvg(plans: readonly MediaPlan[], heading: PlanHeading): string {
  const columns = Math.max(...plans.map(({ periods }) => periods.length), 3);
  const width = margin * 2 + left + columns * column + right;
  let y = titleHeight;
  const drawn = plans.map((plan) => {
    const at = y;
    y += headHeight + plan.rows.length * rowHeight + rowHeight + 24;
    return html`<g transform="translate(${margin} ${at})">${chart(plan)}</g>`;
  });
  const height = y + 30;
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif" font-size="13" fill="#212529">
<title>${heading.title}</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${margin}" y="40" font-size="22" font-weight="700">${cut(heading.title, 70)}</text>
<text x="${margin}" y="64" fill="#495057">${cut(summary(plans, heading), 150)}</text>
${drawn}
<text x="${margin}" y="${height - 18}" font-size="11" fill="#6c757d">${footer(plans)}</text>
</svg>
`.text;
}

function summary(plans: readonly MediaPlan[], { advertiser, sandbox }: PlanHeading): string {
  if (plans.length === 0) return `${advertiser}  ·  nothing planned yet`;
  const days = plans.flatMap(({ rows }) => rows.map(({ flight }) => flight));
  const start = days.map((one) => one.start).reduce((a, b) => (a < b ? a : b), days[0]?.start ?? "");
  const end = days.map((one) => one.end).reduce((a, b) => (a > b ? a : b), days[0]?.end ?? "");
  return [
    advertiser,
    rangeWords(start, end),
    counted(days.length, "line"),
    `${plans.map(({ total }) => displayMoney(total)).join(" and ")} net`,
    ...(sandbox ? ["sandbox: no real money"] : []),
  ].join("  ·  ");
}

function footer(plans: readonly MediaPlan[]): string {
  const wishes = plans.some(({ rows }) => rows.some(({ status }) => planned.has(status)));
  return `Spread evenly over the days of each flight; every row and column adds up exactly.${wishes ? " Dashed: not bought yet." : ""}`;
}

function chart(plan: MediaPlan): Html {
  const { periods, rows, totals, unit } = plan;
  const end = left + periods.length * column;
  const bottom = headHeight + rows.length * rowHeight;
  return html`
<text x="0" y="${headHeight - 12}" font-size="11" fill="#6c757d">${plan.currency}, net, by ${unit}</text>
${periods.map((period, at) => columnHead(period.start, periods[at - 1]?.start ?? null, left + at * column, unit))}
<text x="${end + right - 4}" y="${headHeight - 12}" text-anchor="end" font-size="11" fill="#6c757d">Total</text>
<line x1="0" x2="${end + right}" y1="${headHeight}" y2="${headHeight}" stroke="#adb5bd"/>
${periods.map((_period, at) => html`<line x1="${left + at * column}" x2="${left + at * column}" y1="${headHeight}" y2="${bottom + rowHeight}" stroke="#f1f3f5"/>`)}
${rows.map((row, at) => rowOf(row, plan, headHeight + at * rowHeight))}
<line x1="0" x2="${end + right}" y1="${bottom}" y2="${bottom}" stroke="#adb5bd"/>
<g font-weight="700" font-size="12">
<text x="0" y="${bottom + 27}" font-size="13">Total</text>
${totals.map((total, at) => (total.micros === 0n ? null : html`<text x="${left + (at + 0.5) * column}" y="${bottom + 27}" text-anchor="middle" font-size="11">${moneyParts(total).number}</text>`))}
<text x="${end + right - 4}" y="${bottom + 27}" text-anchor="end" font-size="13">${moneyParts(plan.total).number}</text>
</g>`;
}

/** The day a week begins, below the month where one begins. */
function columnHead(start: string, before: string | null, x: number, unit: MediaPlan["unit"]): Html {
  const [day = "", month = "", year = ""] = dayWords(start).split(" ");
  const opens = before === null || before.slice(0, 7) !== start.slice(0, 7);
  const words = unit === "week" ? `${day} ${month}` : month;
  const above = unit === "week" ? `${month} ${year}` : year;
  const isNew = unit === "week" ? opens : before === null || before.slice(0, 4) !== start.slice(0, 4);
  return html`${isNew ? html`<text x="${x + 4}" y="${headHeight - 32}" font-size="12" font-weight="700">${above}</text><line x1="${x}" x2="${x}" y1="${headHeight - 44}" y2="${headHeight}" stroke="#adb5bd"/>` : null}<text x="${x + column / 2}" y="${headHeight - 12}" text-anchor="middle" font-size="11" fill="#6c757d">${words}</text>`;
}

function rowOf(row: PlanRow, { periods }: MediaPlan, y: number): Html {
  const colour = row.channel ? colours[row.channel] : noChannel;
  const isWish = planned.has(row.status);
  const first = row.cells.findIndex(({ micros }) => micros !== 0n);
  const last = row.cells.findLastIndex(({ micros }) => micros !== 0n);
  const x = left + Math.max(0, first) * column + 2;
  const length = first < 0 ? 0 : (last - first + 1) * column - 4;
  // What is not bought yet is drawn as an outline: it is a wish, and the rest is money.
  const fill = isWish ? html`fill-opacity="0.16" stroke="${colour}" stroke-dasharray="4 3"` : null;
  const about = [row.sellerId, row.channel?.replaceAll("_", " "), row.dealType, row.status.replaceAll("_", " ")];
  return html`
<rect x="0" y="${y + 8}" width="5" height="${rowHeight - 16}" rx="2" fill="${colour}"/>
<text x="14" y="${y + 20}" font-weight="600">${cut(row.name, 38)}</text>
<text x="14" y="${y + 36}" font-size="11" fill="#6c757d">${cut(about.filter((word) => word).join(" · "), 50)}</text>
<rect x="${x}" y="${y + 8}" width="${length}" height="${rowHeight - 16}" rx="5" fill="${colour}" ${fill}/>
${row.cells.map((cell, at) => (cell.micros === 0n ? null : html`<text x="${left + (at + 0.5) * column}" y="${y + 26}" text-anchor="middle" font-size="11" fill="${isWish ? "#212529" : "#fff"}">${moneyParts(cell).number}</text>`))}
<text x="${left + periods.length * column + right - 4}" y="${y + 26}" text-anchor="end" font-weight="600">${moneyParts(row.total).number}</text>
<line x1="0" x2="${left + periods.length * column + right}" y1="${y + rowHeight}" y2="${y + rowHeight}" stroke="#f1f3f5"/>`;
}

/** As much of a text as fits, by characters a reader sees; an estimate, for widths are the font's. */
function cut(text: string, most: number): string {
  const seen = [...text];
  return seen.length <= most ? text : `${seen.slice(0, most - 1).join("")}…`;
}
