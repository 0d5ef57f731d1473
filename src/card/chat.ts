import type { Approval } from "../domain/approval.ts";
import { facts, hero, lineList, tickedSum, type Today } from "./card.ts";
import { type Html, html } from "./html.ts";

/** The ways a person has to decide from the card in a chat. */
export interface ChatWays {
  /** Why a click on the card decides nothing, in the mandate's words; null when it counts. */
  readonly clickFallsShort: string | null;
  /** Address of the approval page; null where none is served. */
  readonly page: string | null;
  /** What to run in a terminal instead. */
  readonly command: string;
}

/** Which desk this is, above the card: the chat around it does not say. */
export function chatBar(desk: { readonly name: string; readonly sandbox: boolean }): Html {
  return html`<header class="bar"><span class="mark">media-buyer-mcp</span><span>desk ${desk.name}</span>
${desk.sandbox && html`<span class="sandbox">Sandbox, no real money</span>`}</header>`;
}

/** The card of an approval that waits, as it stands in a chat. Without a click that counts it leads to the page. */
export function openChatCard(approval: Approval, today: Today | null, left: string, ways: ChatWays): Html {
  const clickable = ways.clickFallsShort === null;
  const several = clickable && approval.lines.length > 1;
  const lines = lineList(approval.lines, () => (several ? { kind: "box", ticked: true } : { kind: "only" }));
  return html`<article class="sheet">${hero(approval, approval.lines, "Approve", left)}
<form id="decide" class="decide">${lines}${facts(approval, today, true)}
<section class="ways"><h2>Your decision</h2>
${several && tickedSum(approval)}
${clickable ? clicks(several) : html`<p class="warn">A click here decides nothing: ${ways.clickFallsShort}.</p>`}
${ways.page !== null && elsewhere(ways.page, clickable)}
<p class="where">${ways.page === null ? "Decide" : "Or"} in a terminal: <code>${ways.command}</code></p>
<p id="says" class="says" role="alert"></p>
</section></form></article>`;
}

function clicks(several: boolean): Html {
  return html`<p><label for="note">Note <small>optional, kept with the decision</small></label>
<input id="note" name="note" type="text" maxlength="500"></p>
<div class="buttons"><button class="yes" type="button" value="approve">${several ? "Approve the ticked lines" : "Approve"}</button>
<button class="no" type="button" value="reject">Reject</button></div>`;
}

function elsewhere(page: string, clickable: boolean): Html {
  return html`<div class="buttons"><button class="yes${clickable && " quiet"}" type="button" value="open">Decide on the approval page</button></div>
<p class="where">${page}</p>`;
}
