import { displayMoney } from "../domain/money.ts";
import { stateOf } from "../domain/approval.ts";
import type { Answer, PageContext } from "./context.ts";
import { html } from "../card/html.ts";
import { frame } from "./layout.ts";
import { counted, leftWords, listed, totalOfApproval } from "../card/words.ts";

/** `GET /`: what waits for a decision. */
export async function listPage({ desk }: PageContext): Promise<Answer> {
  const now = desk.now();
  const open = (await desk.pending()).filter((approval) => stateOf(approval, now) === "pending");
  const rows = open.map((approval) => {
    const { approvalId, lines, expiresAt, campaign, shortCode, endorsed } = approval;
    const sellers = listed([...new Set(lines.map(({ sellerName }) => sellerName))]);
    const left = leftWords(Date.parse(expiresAt) - now.getTime());
    return html`<li><a href="/a/${approvalId}">
<b>${displayMoney(totalOfApproval(approval))}</b>
<span>to ${sellers}${campaign !== null && html`, ${campaign}`}</span>
<small>${counted(lines.length, "line")}, ${left} left, code ${shortCode}${endorsed && `, approved by ${endorsed.by}, one more needed`}</small></a></li>`;
  });
  const content = html`<article class="sheet plain"><h1>Waiting for a decision</h1>
${rows.length === 0 ? html`<p class="empty">Nothing is waiting.</p>` : html`<ul class="waiting">${rows}</ul>`}
</article>`;
  return { status: 200, page: { title: "Waiting approvals", body: frame(desk, content) } };
}
