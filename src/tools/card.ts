import type { Desk } from "../desk.ts";
import type { Approval, ApprovalLine } from "../domain/approval.ts";
import { displayMoney, parseMoney, sum } from "../domain/money.ts";
import { spentOn } from "../domain/spend.ts";
import { totalOf } from "../domain/terms.ts";

/** The sum of an approval's lines, e.g. `62222.20 USD`. */
export function totalOfApproval(approval: Approval) {
  return sum(
    approval.lines.map(({ terms }) => totalOf(terms)),
    approval.lines[0]?.terms.currency ?? "",
  );
}

/** The approval card as plain text, money first: what a person reads before deciding, in a form, a terminal, a page. */
export function cardText(approval: Approval, desk: Desk): string {
  const sellers = [...new Set(approval.lines.map(({ sellerName }) => sellerName))];
  const [first] = approval.lines;
  const starts = approval.lines.map(({ terms }) => terms.flight.start.slice(0, 10)).sort();
  const ends = approval.lines.map(({ terms }) => terms.flight.end.slice(0, 10)).sort();
  const reveals = [...new Set(approval.lines.map(({ terms }) => terms.identity_revealed))].join(", ");
  const ignored = [...new Set(approval.lines.flatMap(({ terms }) => terms.not_honoured))];
  const total = displayMoney(totalOfApproval(approval));
  return [
    `${desk.settings.sandbox ? "[SANDBOX, no real money] " : ""}Approve ${total} net to ${listed(sellers)}?`,
    `${approval.lines.length} ${approval.lines.length === 1 ? "line" : "lines"}, ${starts[0]} to ${ends.at(-1)}${approval.poNumber ? `, ${approval.poNumber}` : ""}, for ${first?.terms.advertiser ?? desk.settings.advertiser}`,
    ...approval.lines.map((line, index) => `${index + 1}. ${lineText(line)}`),
    ...(ignored.length > 0 ? [`Not honoured by the seller: ${ignored.join(", ").replaceAll("_", " ")}`] : []),
    `Reveals to the seller: ${reveals}`,
    ...[...new Set(approval.lines.map(({ terms }) => terms.cancellation))].map(
      (words) => `Cancelling: ${words ?? "not stated"}`,
    ),
    `Asked because: ${approval.why.join("; ")}`,
    `Decide until ${approval.expiresAt.slice(0, 16).replace("T", " ")} UTC. Code ${approval.shortCode}`,
  ].join("\n");
}

/** What the desk has committed today against its limit, for the line under a card. */
export async function spentToday(desk: Desk): Promise<{ today: string; leftToday: string } | null> {
  const { mandate, balances, day } = await desk.standing();
  if (!mandate) return null;
  const today = spentOn(balances, day);
  const left = mandate.perDay.micros - today.micros;
  return {
    today: displayMoney(today),
    leftToday: displayMoney({ micros: left < 0n ? 0n : left, currency: today.currency }),
  };
}

function lineText({ terms, productName, sellerName, listCpm, quotedCpm }: ApprovalLine): string {
  const price = displayMoney(parseMoney(terms.unit_price));
  const was = [
    ...(listCpm === terms.unit_price ? [] : [`list ${listCpm}`]),
    ...(quotedCpm === terms.unit_price ? [] : [`quoted ${quotedCpm}`]),
  ];
  const guaranteed = terms.guaranteed ? "guaranteed" : "not guaranteed";
  const seen = `${productName} (${terms.product}) from ${sellerName}`;
  const figures = `${price} CPM${was.length > 0 ? ` (${was.join(", ")})` : ""} x ${terms.impressions.toLocaleString("en-US")} impressions = ${displayMoney(totalOf(terms))}`;
  return `${seen}: ${terms.deal_type}, ${guaranteed}, ${figures}`;
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "nobody") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
