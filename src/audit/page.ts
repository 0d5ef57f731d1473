import { markText } from "../domain/anchor.ts";
import type { Mandate } from "../domain/mandate.ts";
import { committed } from "../domain/media-buy.ts";
import { add, displayMoney, type Money, subtract, zero } from "../domain/money.ts";
import { NO_CURRENCY } from "../domain/spend.ts";
import { streams } from "../domain/ids.ts";
import type { Finding } from "../ledger/verify.ts";
import { type Html, Html as Markup, html, type Part } from "../card/html.ts";
import { counted, instantWords } from "../card/words.ts";
import type { AuditReport } from "./audit.ts";
import { carriedBalances, spendEvents } from "./check-money.ts";
import type { ExportHead } from "./jsonl.ts";
import { buySection, decisionRow, movementsOf, settlementRow } from "./page-buy.ts";
import { auditStyle } from "./page-style.ts";

/** What the page says beside the report itself. */
export interface PageFacts {
  readonly head: ExportHead;
  readonly advertiser: string;
  readonly mandate: Mandate | null;
}

/**
 * A report as one self-contained page for a person: what is off, the totals against the mandate, and for every media buy
 * what was asked, who approved which exact terms how, what was sent, what the seller answered and what became of the money.
 */
export function auditPage(report: AuditReport, facts: PageFacts): string {
  const { book } = report;
  const bought = [...book.lines].filter(([, { steps }]) => steps.some(({ entry }) => entry.kind === "booking_started"));
  const movements = movementsOf(report);
  const asked = [...book.lines].length - bought.length;
  const { campaign, since, until } = facts.head.scope;
  const scope = [
    campaign === null ? "every campaign" : `campaign ${campaign}`,
    ...(since ? [`from ${instantWords(since)}`] : []),
    ...(until ? [`before ${instantWords(until)}`] : []),
  ].join(", ");
  const body = html`<header>
<p class="kind">Audit of media buying${facts.head.sandbox && " · SANDBOX, no real money"}</p>
<h1>${facts.advertiser}</h1>
<p>Desk ${book.desk}, ${scope}. Made ${instantWords(facts.head.exported_at)}.</p>
</header>
${verdict(report)}
${readable(() => totals(report, facts))}
<h2>Media buys</h2>
${bought.length === 0 ? html`<p>None was started.</p>` : bought.map(([ref, line]) => buySection(report, movements, ref, line))}
<h2>Decisions</h2>
${readable(() => decisions(report))}
<h2>Settled and cleared by a person</h2>
${readable(() => settlements(report))}
<p class="small">${counted(asked, "quote")} in this scope led to no booking; the exported rows hold them.</p>`;
  return written(`Audit: ${facts.advertiser}`, body);
}

function verdict(report: AuditReport): Html {
  const { findings, anchor, now, unanchored, book, decisions: all, settlements: settled } = report;
  const settledAs = (proof: "signed" | "unsigned") => settled.filter((one) => one.proof === proof).length;
  const words = all.filter(({ proof }) => proof === "word").length;
  const signed = all.filter(({ proof }) => proof === "signed").length;
  return html`<section class="${findings.length === 0 ? "good" : "bad"}">
<h2>${findings.length === 0 ? "Nothing is off" : `${counted(findings.length, "finding")}: do not rely on this ledger`}</h2>
${findings.length > 0 && html`<ul>${findings.slice(0, 200).map((one) => html`<li>${findingText(one)}</li>`)}</ul>`}
<p>${counted(book.links.length, "row")}. ${counted(signed, "decision")} with a signature that verifies, ${words} by the word
of the chat client. ${settled.length > 0 && `${counted(settledAs("signed"), "settlement")} with a signature that verifies, ${settledAs("unsigned")} without one. `}${anchor ? `Newest anchor: ${anchor.version}, ${instantWords(anchor.at)}; ${counted(unanchored, "row")} came after it.` : "There is no anchor."}</p>
<p>Mark of this ledger, to be kept elsewhere:<br><code>${markText(now)}</code>${anchor && html`<br>and of its newest anchor:<br><code>${markText(anchor.mark)}</code>`}</p>
</section>`;
}

/** A finding in one line. */
export function findingText({ stream, version, what }: Finding): string {
  return `${stream}, ${stream === "file" ? "line" : "version"} ${version}: ${what}`;
}

function totals({ book }: AuditReport, { mandate, head }: PageFacts): Html | null {
  const rows = book.streams.get(streams.spend(book.desk)) ?? [];
  const balances = carriedBalances(rows.at(-1));
  if (!balances || balances.currency === NO_CURRENCY) return null;
  const shown = new Set(book.lines.keys());
  const moved = {
    reserved: zero(balances.currency),
    released: zero(balances.currency),
    overspent: zero(balances.currency),
  };
  for (const event of rows.flatMap(spendEvents)) {
    if (event.kind === "incident_cleared" || !shown.has(event.holding.ref)) continue;
    const amount = event.kind === "overspent" ? event.by : event.holding.amount;
    if (amount.currency === balances.currency) moved[event.kind] = add(moved[event.kind], amount);
  }
  const days = Object.entries(balances.perDay).sort();
  const top = days.reduce<readonly [string, Money] | null>(
    (most, day) => (most && most[1].micros >= day[1].micros ? most : day),
    null,
  );
  const open = [...book.lines.values()].filter(({ state }) => state && committed.includes(state.status)).length;
  const row = (label: string, amount: Money | null, limit: Part = null) =>
    amount && html`<tr><th>${label}</th><td class="money">${displayMoney(amount)}</td><td>${limit}</td></tr>`;
  const whole = Object.values(head.scope).every((limit) => limit === null);
  return html`<h2>Money</h2>
<table>
${row("Held for these buys", moved.reserved)}
${row("Given back", moved.released)}
${row("Booked beyond what was approved", moved.overspent, moved.overspent.micros > 0n && "as incidents, below")}
${row("Committed by these buys", subtract(add(moved.reserved, moved.overspent), moved.released), counted(open, "buy"))}
${row(whole ? "Committed by the desk" : "Committed by the whole desk", balances.total, mandate?.total ? `of ${displayMoney(mandate.total)} in all` : "no limit in all")}
${top && row(`Highest day, ${top[0]}`, top[1], mandate ? `of ${displayMoney(mandate.perDay)} a day` : "no mandate")}
</table>
${balances.incidents.length > 0 && html`<p class="bad">Open incidents: ${balances.incidents.join(", ")}</p>`}
<p class="small">${mandate ? `Limits are those of mandate version ${mandate.version}, as it is configured today.` : "No mandate is configured today."}</p>`;
}

/** Anybody may have written these rows; what is wrong with them stands among the findings. */
function readable(part: () => Html | null): Html | null {
  try {
    return part();
  } catch (error) {
    return html`<p class="bad">These rows make no sense: ${String(error)}</p>`;
  }
}

function decisions({ decisions: all }: AuditReport): Html {
  if (all.length === 0) return html`<p>No person decided anything in this scope.</p>`;
  return html`<table><tr><th>Approval</th><th>Decision</th><th>Who, how</th><th>When</th><th>Proof</th></tr>
${all.map((one) => decisionRow(one))}</table>`;
}

function settlements({ settlements: all }: AuditReport): Html {
  if (all.length === 0) return html`<p>No person settled or cleared anything in this scope.</p>`;
  return html`<table><tr><th>Media buy</th><th>As</th><th>Who, how</th><th>When</th><th>Proof</th></tr>
${all.map((one) => settlementRow(one))}</table>`;
}

function written(title: string, body: Html): string {
  // The style is ours and holds nothing from elsewhere; the policy lets nothing else in.
  const style = new Markup(`<style>${auditStyle}</style>`);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${style}</head>
<body><main>
${body}
</main></body></html>
`.text;
}
