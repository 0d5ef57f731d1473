import { chatBar, openChatCard } from "../card/chat.ts";
import { html } from "../card/html.ts";
import { closedCard } from "../card/outcome.ts";
import { leftWords, listed } from "../card/words.ts";
import type { Desk } from "../desk.ts";
import { type Approval, stateOf } from "../domain/approval.ts";
import { whyMayNotDecide } from "../domain/principal.ts";
import type { ToolCall } from "./call.ts";
import type { Answer } from "./tool.ts";

/** The field of an answer's `_meta` that the card reads. Hosts hand it to the card and keep it from the model. */
const CARD = "media-buyer-mcp/card";

/** Whether a click on the card is a way to decide on this desk at all; the tool it needs is offered only then. */
export function cardDecides({ settings }: Desk): boolean {
  return settings.mandate?.channels.card !== undefined;
}

/**
 * The answer, with the approval's card for clients that render apps: in `_meta`, because a model has no use for markup and
 * must not see the token. It is in there only where a click would count now; what it is good for is decided when it comes.
 */
export async function withCard<Out extends { readonly status: string }>(
  given: Answer<Out>,
  approval: Approval | null,
  desk: Desk,
  call: ToolCall,
): Promise<Answer<Out>> {
  if (!approval || !call.asking.canBeAsked.apps) return given;
  const { approvalId, shortCode } = approval;
  const now = new Date();
  const ended = stateOf(approval, now);
  const today = await desk.spentToday();
  const card = { approval_id: approvalId, state: `${ended} ${given.data.status}` };
  if (ended !== "pending") {
    const final = given.data.status !== "sending";
    const content = html`${chatBar(desk.settings)}${closedCard(approval, ended, today, await nextOf(approval, desk))}`;
    return { ...given, meta: { [CARD]: { ...card, final, html: content.text, page: null, token: null } } };
  }
  const page = await desk.pageUrl(approvalId);
  const clickFallsShort =
    whyMayNotDecide(call.principal, approval.proposer) ?? (await desk.shortfall(approval, "card", null));
  const ways = { clickFallsShort, page, command: `${desk.settings.command} approve ${approvalId}` };
  const left = leftWords(Date.parse(approval.expiresAt) - now.getTime());
  const content = html`${chatBar(desk.settings)}${openChatCard(approval, today, left, ways)}`;
  const token = clickFallsShort === null ? await call.asking.mintCardToken({ approvalId, shortCode }, call.mcp) : null;
  return { ...given, meta: { [CARD]: { ...card, final: false, html: content.text, page, token } } };
}

/** What became of the lines that were approved: the deal ids once they are there. */
async function nextOf(approval: Approval, desk: Desk): Promise<string | undefined> {
  const lines = await Promise.all(approval.lines.map(({ ref }) => desk.line(ref)));
  const deals = lines.flatMap(({ line }) => (line.status === "booked" && line.deal ? [line.deal.dealId] : []));
  return deals.length > 0 ? `Booked: deal ID ${listed(deals)}.` : undefined;
}
