import type { Approval, ApprovalLine } from "../domain/approval.ts";
import { displayMoney } from "../domain/money.ts";
import { type LinePrice, promiseWords } from "../domain/package.ts";
import { type PackageTerms, pricesIn, totalOf } from "../domain/terms.ts";
import { changeWords, counted, listed, rateWords, totalOfApproval, volumeWords } from "./words.ts";

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
    `${desk.sandbox ? "[SANDBOX, no real money] " : ""}Approve ${approval.lines.flatMap(({ terms }) => pricesIn(terms)).some(({ isBid }) => isBid) ? "up to " : ""}${total} net to ${listed(sellers)}?`,
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
  const prices = pricesIn(terms);
  const [only] = prices;
  // Of several packages it would be an average, which nobody asks for.
  const listed = prices.length > 1 || listCpm === terms.unit_price ? null : listCpm;
  const was = [
    ...(listed === null ? [] : [`${only?.isBid ? "floor" : "list"} ${listed}`]),
    ...(quotedCpm === null || quotedCpm === terms.unit_price ? [] : [`quoted ${quotedCpm}`]),
  ];
  const guaranteed = terms.guaranteed ? "guaranteed" : "not guaranteed";
  // In quotation marks, because the name is the seller's own and may read like figures of ours.
  const seen = `“${productName}”${terms.product === null ? "" : ` (${terms.product})`} from ${sellerName}`;
  const before = was.length > 0 ? ` (${was.join(", ")})` : "";
  const total = displayMoney(totalOf(terms));
  const figures = terms.packages
    ? `${total}${before}: ${prices.map((price, at) => packageText(price, terms.packages?.[at])).join("; ")}`
    : `${only ? rateWords(only) : ""}${before} x ${only ? volumeWords(only) : ""} = ${total}`;
  const paid = terms.account === null ? "" : `; ${terms.account}, payment terms ${terms.payment_terms ?? "not stated"}`;
  const changes = changeWords(terms);
  const change = changes.length > 0 ? `; this ${changes.join("; ")}; committed more than now: ${total}` : "";
  const creatives = terms.creatives ? `; creatives ${terms.creatives.join(", ")}` : "";
  return `${seen}: ${terms.deal_type}, ${guaranteed}, ${figures}${creatives}${paid}${change}`;
}

function packageText(price: LinePrice, one: PackageTerms | undefined): string {
  const more = [
    ...(one && one.standards.length > 0 ? [`promised ${one.standards.map(promiseWords).join(", ")}`] : []),
    ...(one && one.creatives.length > 0 ? [`creatives ${one.creatives.join(", ")}`] : []),
  ];
  const words = `${price.product} ${displayMoney(price.total)} at ${rateWords(price)} (${volumeWords(price)})`;
  return more.length > 0 ? `${words}, ${more.join(", ")}` : words;
}
