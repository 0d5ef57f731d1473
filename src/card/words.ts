import type { Approval } from "../domain/approval.ts";
import { displayMoney, type Money, sum } from "../domain/money.ts";
import { type LinePrice, perWords, unitWords } from "../domain/package.ts";
import type { DecisionChannel } from "../domain/spend.ts";
import { type Terms, totalOf } from "../domain/terms.ts";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `4 Jan 2027`, from a UTC instant or a day. */
export function dayWords(instant: string): string {
  const [year = "", month = "", day = ""] = instant.slice(0, 10).split("-");
  return `${Number(day)} ${months[Number(month) - 1] ?? month} ${year}`;
}

/** `4 Jan to 28 Mar 2027`; both days included. */
export function rangeWords(start: string, end: string): string {
  const [from, to] = [dayWords(start), dayWords(end)];
  if (from === to) return to;
  return `${start.slice(0, 4) === end.slice(0, 4) ? from.slice(0, -5) : from} to ${to}`;
}

/** `21 Nov 2026, 09:30 UTC`. */
export function instantWords(instant: string): string {
  return `${dayWords(instant)}, ${instant.slice(11, 16)} UTC`;
}

/** How much time is left: `2 days 3 hours`, `23 hours 5 minutes`, `4 minutes`; rounded down. */
export function leftWords(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(minutes / 1440), "day"],
    [Math.floor(minutes / 60) % 24, "hour"],
    [minutes % 60, "minute"],
  ];
  const from = parts.findIndex(([count]) => count > 0);
  if (from < 0) return "less than a minute";
  const shown = parts.slice(from, from + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => counted(count, unit)).join(" ");
}

/** `1 line`, `2 lines`. */
export function counted(count: number, unit: string): string {
  return `${count.toLocaleString("en-US")} ${unit}${count === 1 ? "" : "s"}`;
}

/** `A`, `A and B`, `A, B and C`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "nobody") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** What lines cost together. */
export function totalOfTerms(terms: readonly Terms[]): Money {
  return sum(terms.map(totalOf), terms[0]?.currency ?? "");
}

/** What an approval's lines cost together. */
export function totalOfApproval({ lines }: Approval): Money {
  return totalOfTerms(lines.map(({ terms }) => terms));
}

/** An amount apart from its currency, so that each can have its own size. */
export function moneyParts(amount: Money): { readonly number: string; readonly currency: string } {
  return { number: displayMoney(amount).slice(0, -amount.currency.length - 1), currency: amount.currency };
}

/** How a decision was taken, after "by dana". */
export const viaWords: Readonly<Record<DecisionChannel, string>> = {
  auto: "within the operator's auto-approval limits",
  form: "in the chat client's form",
  card: "with a click on the card in the chat",
  terminal: "with the PIN in the terminal",
  page: "with the PIN on the approval page",
  passkey: "with a passkey on the approval page",
};

/** `29.75 USD CPM`; of a bid `a bid of at most 22.00 USD CPM`. */
export function rateWords({ price, model, isBid }: LinePrice): string {
  return `${isBid ? "a bid of at most " : ""}${displayMoney(price)} ${perWords[model]}`;
}

/** `1,587,301 impressions`; of a flat rate the flight; of a bid what the budget buys at least. */
export function volumeWords({ units, model, isBid }: LinePrice): string {
  if (model === "flat_rate") return "the flight";
  return `${isBid ? "at least " : ""}${units.toLocaleString("en-US")} ${unitWords[model]}`;
}

/** Prices of a line in a few words: of up to three packages each, of more how many. */
export function pricesWords(prices: readonly LinePrice[]): string {
  return prices.length > 3
    ? `${counted(prices.length, "package")}, each at its own price`
    : prices.map(rateWords).join(" + ");
}

/** What a change of a media buy changes, each from what to what; none for a buy of its own. */
export function changeWords({ changes, packages = [], impressions, flight }: Terms): readonly string[] {
  if (!changes) return [];
  const { flight_before: was, paused } = changes;
  const moved = (what: string, before: string, after: string) =>
    before === after ? [] : [`${what} ${before} becomes ${after}`];
  return [
    `changes media buy ${changes.media_buy}`,
    ...(paused === null ? [] : [paused ? "pauses it" : "lets it run again"]),
    ...moved("its total of", changes.total_before, changes.total_after),
    ...packages.flatMap((one, at) => {
      const before = changes.packages[at];
      if (!before) return [];
      return [
        ...moved(`${before.package_id}: budget`, before.budget, one.budget),
        ...(before.bid === null ? [] : moved(`${before.package_id}: bid`, before.bid, one.unit_price)),
      ];
    }),
    ...changes.packages.flatMap(({ impressions: before }) =>
      before === undefined || impressions === null
        ? []
        : moved("its volume of", `${before.toLocaleString("en-US")} impressions`, impressions.toLocaleString("en-US")),
    ),
    ...moved(
      "its flight of",
      rangeWords(was.start.slice(0, 10), was.end.slice(0, 10)),
      rangeWords(flight.start.slice(0, 10), flight.end.slice(0, 10)),
    ),
  ];
}
