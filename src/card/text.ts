import type { Approval, ApprovalLine } from "../domain/approval.ts";
import { displayMoney, parseMoney } from "../domain/money.ts";
import { totalOf } from "../domain/terms.ts";
import { counted, listed, totalOfApproval } from "./words.ts";

/** The approval card as plain text, money first: what a person reads before deciding in a form or a terminal. */
export function cardText(approval: Approval, desk: { readonly sandbox: boolean; readonly advertiser: string }): string {
  const sellers = [...new Set(approval.lines.map(({ sellerName }) => sellerName))];
  const [first] = approval.lines;
  const starts = approval.lines.map(({ terms }) => terms.flight.start.slice(0, 10)).sort();
  const ends = approval.lines.map(({ terms }) => terms.flight.end.slice(0, 10)).sort();
  const reveals = [...new Set(approval.lines.map(({ terms }) => terms.identity_revealed))].join(", ");
  const ignored = [...new Set(approval.lines.flatMap(({ terms }) => terms.not_honoured))];
  const total = displayMoney(totalOfApproval(approval));
  return [
    `${desk.sandbox ? "[SANDBOX, no real money] " : ""}Approve ${total} net to ${listed(sellers)}?`,
    `${counted(approval.lines.length, "line")}, ${starts[0]} to ${ends.at(-1)}${approval.poNumber ? `, ${approval.poNumber}` : ""}, for ${first?.terms.advertiser ?? desk.advertiser}`,
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

function lineText({ terms, productName, sellerName, listCpm, quotedCpm }: ApprovalLine): string {
  const price = displayMoney(parseMoney(terms.unit_price));
  const was = [
    ...(listCpm === terms.unit_price ? [] : [`list ${listCpm}`]),
    ...(quotedCpm === terms.unit_price ? [] : [`quoted ${quotedCpm}`]),
  ];
  const guaranteed = terms.guaranteed ? "guaranteed" : "not guaranteed";
  // In quotation marks, because the name is the seller's own and may read like figures of ours.
  const seen = `“${productName}” (${terms.product}) from ${sellerName}`;
  const figures = `${price} CPM${was.length > 0 ? ` (${was.join(", ")})` : ""} x ${terms.impressions.toLocaleString("en-US")} impressions = ${displayMoney(totalOf(terms))}`;
  return `${seen}: ${terms.deal_type}, ${guaranteed}, ${figures}`;
}
