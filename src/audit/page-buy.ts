import { costOfDeal, packagesBooked } from "../domain/booked.ts";
import { sha256, streams } from "../domain/ids.ts";
import type { BookedPackage, Deal } from "../domain/deal.ts";
import type { BookingStart, Line, LineEvent } from "../domain/media-buy.ts";
import { displayMoney, formatMoney } from "../domain/money.ts";
import type { SpendEvent } from "../domain/spend.ts";
import { type LinePrice, promiseWords } from "../domain/package.ts";
import { type PackageTerms, pricesIn, type Terms, totalOf } from "../domain/terms.ts";
import type { Row } from "../ledger/ledger.ts";
import { type Html, html } from "../card/html.ts";
import { instantWords, rangeWords, rateWords, viaWords, volumeWords } from "../card/words.ts";
import { describeEntry } from "../tools/describe-entry.ts";
import type { AuditReport } from "./audit.ts";
import type { Folded } from "./book.ts";
import type { AuditedDecision } from "./check-decisions.ts";
import type { AuditedSettlement } from "./check-settlements.ts";
import { spendEvents } from "./check-money.ts";

/** One decision as a row of a table: who, when, how, and what proves it. */
export function decisionRow(one: AuditedDecision): Html {
  const words = one.decision === "reject" ? "rejected" : one.isFirst ? "approved, first of two" : "approved";
  return html`<tr><td><code>${one.approvalId}</code></td>
<td>${words}${one.digests.length > 0 && html`: ${one.digests.map((digest) => html`<code>${digest.slice(0, 16)}</code> `)}`}${one.note !== null && html`<br>“${one.note}”`}</td>
<td>${one.by}, ${viaWords[one.via] ?? one.via}</td><td>${instantWords(one.decidedAt)}</td>${proofCell(one)}</tr>`;
}

/** What a person settled or cleared as a row of a table: of what, as what, who, when, and what proves it. */
export function settlementRow(one: AuditedSettlement): Html {
  const words = { booked: `Booked as ${one.dealId}`, not_booked: "Not booked", cleared: "Incident cleared" };
  return html`<tr><td><code>${one.ref}</code></td><td>${words[one.verdict]}${one.note !== "" && html`<br>“${one.note}”`}</td>
<td>${one.by}, with the PIN in the terminal</td><td>${instantWords(one.decidedAt ?? one.row.at)}</td>${proofCell(one)}</tr>`;
}

const unproved = {
  broken: html`<td class="bad">Does not hold</td>`,
  word: html`<td>The client's word; no signature</td>`,
  unsigned: html`<td>No signature: written as by an earlier release, which kept none</td>`,
};

function proofCell({ proof, signature }: Pick<AuditedDecision | AuditedSettlement, "proof" | "signature">): Html {
  if (proof !== "signed") return unproved[proof];
  if (!signature) return unproved.broken;
  return html`<td class="good">Signature verifies<br><span class="small">${signature.kind} <code>${signature.keyId.slice(0, 24)}</code></span></td>`;
}

/** Everything about one media buy, from what was asked to what became of the money. */
export function buySection(
  report: AuditReport,
  movements: Movements,
  ref: string,
  folded: Folded<LineEvent, Line>,
): Html {
  try {
    return readableBuy(report, movements, ref, folded);
  } catch (error) {
    // Anybody may have written these rows; what is wrong with them stands among the findings.
    return html`<section class="bad"><h3>${ref}</h3><p>Its rows make no sense: ${String(error)}</p></section>`;
  }
}

function readableBuy(report: AuditReport, movements: Movements, ref: string, folded: Folded<LineEvent, Line>): Html {
  const { state, steps, rows } = folded;
  const starts = steps.flatMap(({ row, entry }) =>
    entry.kind === "booking_started" ? [{ row, booking: entry.booking }] : [],
  );
  const off = report.findings.filter(({ stream }) => stream === streams.quote(ref));
  const first = state?.quote;
  return html`<section class="${off.length > 0 ? "bad" : ""}">
<h3>${first?.product.name ?? ref} <span class="state">${state?.status.replaceAll("_", " ") ?? "unreadable"}</span></h3>
<p class="small">${first ? html`from ${first.sellerId}, ` : null}media buy <code>${ref}</code>${state?.campaign ? html`, campaign ${state.campaign}` : null}</p>
${off.length > 0 && html`<p class="bad">${off.map(({ what, version }) => html`Version ${version} ${what}. `)}</p>`}
${starts.map(({ row, booking }) => attempt(report, row.at, booking, steps))}
${settledPart(report, ref)}
${money(movements.get(ref) ?? [])}
<details><summary>Everything that was recorded, ${rows.length} rows</summary>
<table>${rows.map((row) => html`<tr><td class="when">${instantWords(row.at)}</td><td>${row.entries.map((entry) => html`${inWords(entry)}<br>`)}</td></tr>`)}</table>
</details></section>`;
}

function settledPart({ settlements }: AuditReport, ref: string): Html | null {
  const own = settlements.filter((one) => one.ref === ref);
  return own.length === 0 ? null : html`<h4>Settled by a person</h4><table>${own.map(settlementRow)}</table>`;
}

function attempt(
  report: AuditReport,
  at: string,
  booking: BookingStart,
  steps: Folded<LineEvent, Line>["steps"],
): Html {
  const { terms, request } = booking;
  const asked = booking.approvalId === null ? null : report.book.approvals.get(booking.approvalId)?.state;
  const decided = report.decisions.filter(
    ({ approvalId, decision, digests }) =>
      approvalId === booking.approvalId && decision === "approve" && digests.includes(booking.digest),
  );
  const outcome = steps.filter(
    ({ after, entry }) => (after.booking ?? booking).attempt === booking.attempt && isAnswer(entry),
  );
  const booked = steps.find(
    ({ entry, before }) =>
      entry.kind.startsWith("booking_") && "deal" in entry && before?.booking?.attempt === booking.attempt,
  );
  return html`<h4>Approved terms${booking.attempt > 1 && `, attempt ${booking.attempt}`}</h4>
${termsTable(terms, booked?.after.deal ?? null)}
<p class="small">Digest of the exact terms: <code>${booking.digest}</code></p>
<h4>Asked and decided</h4>
${asked ? html`<p>Asked for by ${asked.proposer}, ${asked.lines.length > 1 && html`with ${asked.lines.length - 1} more, `}open until ${instantWords(asked.expiresAt)}; ${asked.why.join("; ")}.</p>` : null}
${
  decided.length > 0
    ? html`<table>${decided.map(decisionRow)}</table>`
    : html`<p>${booking.approvalId === null ? `By ${booking.by}, ${viaWords[booking.via] ?? booking.via}` : html`<b class="bad">No decision in ${booking.approvalId} covers these terms</b>`}, ${instantWords(at)}.</p>`
}
<h4>Sent, and what came of it</h4>
<table>${outcome.map(({ row, entry }) => html`<tr><td class="when">${instantWords(row.at)}</td><td>${inWords(entry)}</td></tr>`)}</table>
<p class="small">Frozen request: ${request.method} <code>${request.path}</code>, SHA-256 of its body <code>${sha256(request.body)}</code>, key <code>${booking.key}</code></p>
<details><summary>The body that was sent</summary><pre>${request.body}</pre></details>`;
}

function termsTable(terms: Terms, deal: Line["deal"]): Html {
  const row = (label: string, approved: string, booked: string | null) =>
    html`<tr><th>${label}</th><td>${approved}</td><td class="${booked !== null && booked !== approved ? "bad" : ""}">${booked ?? (deal ? "" : "—")}</td></tr>`;
  return html`<table class="terms"><tr><th></th><th>Approved</th><th>Booked${deal && html` as <code>${deal.dealId}</code>`}</th></tr>
${row("Product", productWords(terms), deal && !terms.packages ? deal.productId : null)}
${row("Deal type", `${terms.deal_type}${terms.guaranteed ? ", guaranteed" : ""}`, null)}
${
  terms.packages
    ? packageRows(terms, terms.packages, pricesIn(terms), deal)
    : html`${row("CPM", terms.unit_price ?? "", deal && (deal.cpm ? formatMoney(deal.cpm) : "not stated"))}
${row("Impressions", (terms.impressions ?? 0).toLocaleString("en-US"), deal && (deal.impressions?.toLocaleString("en-US") ?? "not stated"))}`
}
${row("Flight", rangeWords(terms.flight.start, terms.flight.end), deal && rangeWords(deal.flight.start, deal.flight.end))}
${row("Total, net", displayMoney(totalOf(terms)), deal && costWords(terms, deal))}
${terms.po_number !== null && row("PO number", terms.po_number, null)}
${terms.not_honoured.length > 0 && row("Not honoured by the seller", terms.not_honoured.join(", ").replaceAll("_", " "), null)}
${row("Revealed of the buyer", terms.identity_revealed, null)}
${row("Cancelling", terms.cancellation ?? "not stated", null)}
</table>`;
}

function productWords({ product, packages = [] }: Terms): string {
  return product ?? packages.map((one) => one.product).join(", ");
}

function costWords(terms: Terms, deal: Deal): string {
  const cost = costOfDeal(terms, deal);
  return cost ? displayMoney(cost) : "not stated";
}

/** A row for each package: what was approved of it, and what was booked; and one for each that nobody asked for. */
function packageRows(
  terms: Terms,
  asked: readonly PackageTerms[],
  prices: readonly LinePrice[],
  deal: Line["deal"],
): Html {
  const { pairs, rest } = packagesBooked(terms, asked, deal ?? {});
  const row = (label: string, approved: Html | string, booked: string, isBad: boolean) =>
    html`<tr><th>${label}</th><td>${approved}</td><td class="${isBad ? "bad" : ""}">${booked}</td></tr>`;
  return html`${pairs.map(([one, found], at) => {
    const price = prices[at];
    const approved = html`${price !== undefined && html`${displayMoney(price.total)}, ${rateWords(price)}, ${volumeWords(price)}`}${promisesOf(one)}`;
    if (!deal) return row(`Package ${one.product}`, approved, "—", false);
    const isBad =
      !found ||
      (found.budget !== null && formatMoney(found.budget) !== one.budget) ||
      (found.bid !== null && (!one.is_bid || formatMoney(found.bid) !== one.unit_price));
    return row(`Package ${one.product}`, approved, found ? bookedWords(found) : "missing", isBad);
  })}${rest.map((found) => row(`Package ${found.packageId}`, "not asked for", bookedWords(found), true))}`;
}

function bookedWords({ budget, bid }: BookedPackage): string {
  return `${budget ? displayMoney(budget) : "budget not stated"}${bid ? `, a bid of ${displayMoney(bid)}` : ""}`;
}

function promisesOf({ standards, publishers, creatives }: PackageTerms): Html {
  const parts = [
    ...standards.map(promiseWords),
    ...(publishers.length > 0 ? [`on ${publishers.join(", ")}`] : []),
    ...(creatives.length > 0 ? [`creatives ${creatives.join(", ")}`] : []),
  ];
  return html`${parts.map((part) => html`<br>${part}`)}`;
}

/** What moved the money of each line, by reference, in order of arrival. */
export type Movements = ReadonlyMap<string, readonly { readonly row: Row; readonly event: SpendEvent }[]>;

/** The movements of a desk's money. */
export function movementsOf({ book }: AuditReport): Movements {
  const movements = new Map<string, { readonly row: Row; readonly event: SpendEvent }[]>();
  for (const row of book.streams.get(streams.spend(book.desk)) ?? []) {
    for (const event of spendEvents(row)) {
      const ref = event.kind === "incident_cleared" ? event.ref : event.holding?.ref;
      const known = movements.get(ref);
      if (known) known.push({ row, event });
      else movements.set(ref, [{ row, event }]);
    }
  }
  return movements;
}

function money(own: readonly { readonly row: Row; readonly event: SpendEvent }[]): Html {
  const amount = (event: SpendEvent) =>
    event.kind === "incident_cleared" ? "" : displayMoney(event.kind === "overspent" ? event.by : event.holding.amount);
  return html`<h4>Money</h4>
<table>${own.map(({ row, event }) => html`<tr><td class="when">${instantWords(row.at)}</td><td>${inWords(event)}</td><td class="money">${amount(event)}</td></tr>`)}</table>`;
}

const answers: readonly LineEvent["kind"][] = [
  "send_claimed",
  "booking_unknown",
  "booking_looked_up",
  "seller_waits",
  "seller_ready",
  "booking_advanced",
  "hold_claimed",
  "hold_advanced",
  "hold_ended",
  "let_go",
  "booking_refused",
  "booking_confirmed",
  "booking_mismatched",
  "mismatch_cleared",
  "settled_by_person",
  "order_placed",
  "order_failed",
  "cancel_started",
  "cancel_confirmed",
  "cancel_refused",
  "cancel_unknown",
];

function isAnswer(entry: LineEvent): boolean {
  return answers.includes(entry.kind);
}

/** A forged entry may lack what its sentence needs. */
function inWords(entry: Parameters<typeof describeEntry>[0]): string {
  try {
    return describeEntry(entry);
  } catch {
    return `${entry.kind}, which makes no sense`;
  }
}
