import type { Approval, ApprovalLine } from "../domain/approval.ts";
import type { Tier } from "../domain/identity.ts";
import { displayMoney, minorUnitDigits, type Money, parseMoney } from "../domain/money.ts";
import { type LinePrice, promiseWords } from "../domain/package.ts";
import { type PackageTerms, pricesIn, type Terms, totalOf } from "../domain/terms.ts";
import { type Html, html, type Part } from "./html.ts";
import {
  changeWords,
  counted,
  instantWords,
  listed,
  moneyParts,
  pricesWords,
  rangeWords,
  rateWords,
  totalOfTerms,
  volumeWords,
} from "./words.ts";

/**
 * Money first: how much, to whom, for what time.
 * @param verb what is or was done, such as `Approve`
 * @param left how much time is left to decide; null when that is over
 */
export function hero(approval: Approval, lines: readonly ApprovalLine[], verb: string, left: string | null): Html {
  const terms = lines.map((line) => line.terms);
  const total = moneyParts(totalOfTerms(terms));
  const sellers = [...new Set(lines.map(({ sellerName }) => sellerName))];
  const starts = terms.map(({ flight }) => flight.start).sort();
  const stops = terms.map(({ flight }) => flight.end).sort();
  const upTo = terms.flatMap(pricesIn).some(({ isBid }) => isBid);
  const { poNumber, expiresAt } = approval;
  // As it stands in the terms, and counts.
  const campaigns = [...new Set(terms.map(({ campaign }) => campaign))].filter((campaign) => campaign !== null);
  return html`<section class="hero">
<h1><span class="verb">${verb}${upTo && " up to"}</span>
<span class="amount">${total.number} <small>${total.currency}</small></span>
<span class="to">net to ${listed(sellers)}${left !== null && "?"}</span></h1>
<p class="meta"><span>${counted(lines.length, "line")}</span>
<span>${rangeWords(starts[0] ?? "", stops.at(-1) ?? "")}</span>
<span>for ${terms[0]?.advertiser ?? ""}</span>
${campaigns.length > 0 && html`<span>campaign ${listed(campaigns)}</span>`}
${poNumber !== null && html`<span>order ${poNumber}</span>`}</p>
${
  left !== null &&
  html`<p class="due">Decide by <time datetime="${expiresAt}">${instantWords(expiresAt)}</time>:
${left} from when this was shown.</p>`
}
</section>`;
}

/** What a line shows in front: a box to tick, nothing (it is the only one, or all is over), or what became of it. */
export type LineMark =
  | { readonly kind: "box"; readonly ticked: boolean }
  | { readonly kind: "only" }
  | { readonly kind: "plain" }
  | { readonly kind: "outcome"; readonly approved: boolean };

/** The lines, each with its exact price, what it was before, and what the seller leaves out. */
export function lineList(lines: readonly ApprovalLine[], markOf: (line: ApprovalLine) => LineMark): Html {
  const open = lines.every((line) => ["box", "only"].includes(markOf(line).kind));
  return html`<section class="lines"><h2>${open ? "What is bought" : "What it was about"}</h2>
<ol>${lines.map((line, at) => html`<li>${lineRow(line, `line-${at + 1}`, markOf(line))}</li>`)}</ol>
<p class="hint">Names in quotation marks are the sellers’ own words.</p></section>`;
}

function lineRow(line: ApprovalLine, id: string, mark: LineMark): Html {
  const { terms, productName, sellerName, digest } = line;
  const { geo = [], audience = [], frequency_cap = null } = terms.targeting ?? {};
  const targeting = [...geo, ...audience, ...(frequency_cap === null ? [] : [frequency_cap])];
  const box = html`<input type="checkbox" name="line" id="${id}" value="${digest}"${
    mark.kind === "box" && mark.ticked && html` checked`
  } data-micros="${String(totalOf(terms).micros)}">`;
  const name = html`<span class="name">“${productName}”</span>`;
  return html`<div class="line${classOf(mark)}">
<div class="mark-cell">${mark.kind === "box" && box}${mark.kind === "only" && html`<input type="hidden" name="line" value="${digest}">`}${
    mark.kind === "outcome" && html`<span class="tick">${mark.approved ? "✓" : "✕"}</span>`
  }</div>
<div class="head">${mark.kind === "box" ? html`<label for="${id}">${name}</label>` : name}
<span class="by">${sellerName}</span></div>
<div class="sum">${displayMoney(totalOf(terms))}</div>
<div class="more">
<p class="price">${mark.kind === "outcome" && html`<em>${mark.approved ? "approved" : "not approved"}</em> `}${priceWords(line)}</p>
<p>${terms.deal_type}, ${terms.guaranteed ? "guaranteed" : "not guaranteed"}${terms.channel !== null && `, ${terms.channel}`};
${rangeWords(terms.flight.start, terms.flight.end)}</p>
${targeting.length > 0 && html`<p>Asked for: ${targeting.join(", ")}</p>`}
${
  terms.not_honoured.length > 0 &&
  html`<p class="warn">The seller will not honour: ${terms.not_honoured.join(", ").replaceAll("_", " ")}</p>`
}
${terms.creatives !== undefined && html`<p>Creatives: ${terms.creatives.join(", ")}</p>`}
${changeList(terms)}${packageList(terms)}
<p class="ref">${terms.seller.id}${terms.product !== null && `/${terms.product}`}</p>
</div></div>`;
}

function classOf(mark: LineMark): string {
  if (mark.kind === "only" || mark.kind === "plain") return " bare";
  return mark.kind === "outcome" && !mark.approved ? " out" : "";
}

/** What a change of a media buy changes. */
function changeList(terms: Terms): Html | null {
  const words = changeWords(terms);
  if (words.length === 0) return null;
  return html`<ul class="packages">${words.map((one) => html`<li>${one}</li>`)}</ul>`;
}

/** What a line buys by budget: each product with its own price. */
function packageList(terms: Terms): Html | null {
  if (!terms.packages) return null;
  const prices = pricesIn(terms);
  return html`<ul class="packages">${terms.packages.map((one, at) => packageItem(one, prices[at]))}</ul>`;
}

function packageItem({ product, standards, creatives }: PackageTerms, price: LinePrice | undefined): Html {
  if (!price) return html`<li>${product}</li>`;
  return html`<li>${product}${html`: <b>${displayMoney(price.total)}</b>, ${rateWords(price)}, ${volumeWords(price)}`}${
    standards.length > 0 && html`; promised: ${standards.map(promiseWords).join(", ")}`
  }${creatives.length > 0 && html`; creatives ${creatives.join(", ")}`}</li>`;
}

function priceWords({ terms, listCpm, quotedCpm }: ApprovalLine): Html {
  if (terms.packages || terms.unit_price === null || terms.impressions === null) {
    const was = listCpm !== null && listCpm !== terms.unit_price && html` <s>list ${listCpm}</s>`;
    return html`${pricesWords(pricesIn(terms))}${was}`;
  }
  const before = [
    ...(listCpm === null || listCpm === terms.unit_price ? [] : [["list", listCpm] as const]),
    ...(quotedCpm === null || quotedCpm === terms.unit_price || quotedCpm === listCpm
      ? []
      : [["quoted", quotedCpm] as const]),
  ].map(([what, price]) => html` <s>${what} ${moneyParts(parseMoney(price)).number}</s>`);
  return html`${terms.impressions.toLocaleString("en-US")} impressions at
<b>${displayMoney(parseMoney(terms.unit_price))} CPM</b>${before}`;
}

/** What a day may cost, and what of it is committed. */
export interface Today {
  readonly committed: Money;
  readonly perDay: Money;
}

/** Why a person is asked, and what is told, kept and counted: the small print, in plain words. */
export function facts(approval: Approval, today: Today | null, open: boolean): Html {
  const { lines, why } = approval;
  const total = open ? totalOfTerms(lines.map(({ terms }) => terms)) : null;
  const reveals = perSeller(lines, ({ terms }) => tierWords[terms.identity_revealed]);
  const cancelling = perSeller(lines, ({ terms }) => terms.cancellation ?? "not stated");
  return html`<section class="facts"><h2>${open ? "Why you are asked" : "Why a person was asked"}</h2>
<ul>${why.map((one) => html`<li>${one}</li>`)}</ul>
<dl>
<div><dt>Today</dt><dd>${today ? budget(today, total) : "This desk has no mandate."}</dd></div>
<div><dt>The seller learns</dt><dd>${reveals}</dd></div>
<div><dt>Cancelling</dt><dd>${cancelling}</dd></div>
${paying(lines)}
<div><dt>Asked by</dt><dd>${approval.proposer}, ${instantWords(approval.openedAt)}</dd></div>
<div><dt>Code</dt><dd><span class="code">${approval.shortCode}</span> must be the same in your chat; it approves nothing</dd></div>
</dl></section>`;
}

/** Under which account it is bought, and how it is paid, where sellers say. */
function paying(lines: readonly ApprovalLine[]): Html | null {
  if (lines.every(({ terms }) => terms.account === null)) return null;
  const words = perSeller(lines, ({ terms }) =>
    terms.account === null ? "no account" : `${terms.account}; payment terms ${terms.payment_terms ?? "not stated"}`,
  );
  return html`<div><dt>Paying</dt><dd>${words}</dd></div>`;
}

const tierWords: Readonly<Record<Tier, string>> = {
  public: "nothing about you",
  seat: "your seat",
  agency: "your agency and seat",
  advertiser: "your advertiser, agency and seat",
};

/** One sentence for all sellers, or one for each where they differ. */
function perSeller(lines: readonly ApprovalLine[], wordsOf: (line: ApprovalLine) => string): Html {
  const words = [...new Set(lines.map(wordsOf))];
  if (words.length === 1) return html`${words[0] ?? ""}`;
  const rows = [...new Set(lines.map((line) => `${line.sellerName}: ${wordsOf(line)}`))];
  return html`${rows.map((row) => html`<span class="row">${row}</span>`)}`;
}

/** The day's limit as a bar: what is committed and, while it is open, what this would add. */
function budget({ committed, perDay }: Today, total: Money | null): Html {
  const { currency } = perDay;
  const words = html`${displayMoney(committed)} of ${displayMoney(perDay)} committed`;
  const added = total ?? { micros: 0n, currency };
  if (added.currency !== currency || perDay.micros <= 0n) return words;
  const share = (micros: bigint) => {
    const part = (micros * 100n) / perDay.micros;
    return Number(part > 100n ? 100n : part);
  };
  const left = perDay.micros - committed.micros - added.micros;
  const after =
    left < 0n ? "with this the day’s limit is passed" : `${displayMoney({ micros: left, currency })} left after this`;
  return html`<svg class="bar-chart" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
<rect class="rest" width="100" height="4"/><rect class="this" width="${share(committed.micros + added.micros)}" height="4"/>
<rect class="past" width="${share(committed.micros)}" height="4"/></svg>
${words}${total && html`; ${after}`}`;
}

/** A coloured strip with a word on how things stand. */
export function banner(tone: "good" | "bad" | "calm", title: string, text: Part): Html {
  return html`<section class="banner ${tone}" role="status"><h2>${title}</h2><p>${text}</p></section>`;
}

/** Filled by the script: what the ticked lines cost together. */
export function tickedSum({ lines }: Approval): Html {
  const currency = lines[0]?.terms.currency ?? "";
  return html`<p id="ticked" class="ticked" data-currency="${currency}" data-digits="${minorUnitDigits(currency)}" hidden></p>`;
}
