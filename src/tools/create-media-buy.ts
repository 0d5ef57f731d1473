import * as z from "zod";
import type { PersonsDecision } from "../buying/decision.ts";
import type { Desk } from "../desk.ts";
import type { Approval } from "../domain/approval.ts";
import { BuyingError } from "../domain/errors.ts";
import { localPrincipal } from "../domain/principal.ts";
import { ask } from "./ask.ts";
import { buyAnswer, reportBuy } from "./buy-report.ts";
import { directly, quotesOf } from "./direct-lines.ts";
import { amount, fields, oneLine } from "./fields.ts";
import { Question, type State, type ToolCall } from "./call.ts";
import { withCard } from "./chat-card.ts";
import { type Answer, defineTool } from "./tool.ts";

/** How long a call waits for a seller to book; the booking goes on after it. */
export const BOOKING_WAIT_MS = 45_000;

/** How long a call waits for a decision on the approval page that its client has opened; below what clients wait for us. */
const PAGE_WAIT_MS = 25_000;

type BuyAnswer = Answer<z.output<typeof buyAnswer>>;

export const createMediaBuy = defineTool({
  name: "create_media_buy",
  title: "Create media buy",
  effect: "spend",
  shownBy: "model and card",
  description:
    "Buy open quotes, or products directly (quoted inside), one or several together. A person decides on the exact terms unless the operator's own limits allow it; nothing you pass can decide. A seller's people may have to sign too: awaiting_seller. Safe to repeat: what is booked returns its buy.",
  input: z.strictObject({
    lines: z
      .array(
        z.strictObject({
          quote_id: z.string().max(400).optional(),
          ...directly,
          max_bid: fields.money("Bid for an auction").optional(),
          creative_ids: z.array(z.string().max(200)).max(50).optional(),
        }),
      )
      .min(1)
      .max(20),
    campaign: fields.campaign.optional(),
    po_number: oneLine(60).optional(),
  }),
  output: buyAnswer,
}).run(async (input, desk, call) => {
  const refs = await quotesOf(input.lines, input.campaign ?? null, desk, call);
  const asked = await askedAbout(desk, call, refs, input.po_number ?? null);
  if (asked) return settle(desk, call, asked.approvalId, asked.refs);
  // What is bought directly was quoted with its bid and creatives.
  const choices = input.lines.flatMap((line, index) =>
    line.quote_id === undefined
      ? []
      : {
          ref: line.quote_id,
          maxBid: amount(line.max_bid, `lines[${index}].max_bid`),
          creativeIds: line.creative_ids ?? [],
        },
  );
  const labels = { poNumber: input.po_number ?? null, campaign: input.campaign ?? null };
  const ask = { refs, choices, ...labels, by: call.principal.name };
  const outcome = await desk.buy(ask, BOOKING_WAIT_MS);
  if (outcome.approvalId === null) return reportBuy(desk, outcome.refs, await lastApproval(desk, outcome.refs), null);
  return settle(desk, call, outcome.approvalId, outcome.refs);
});

/** Asks the person about an open approval and acts on the answer, or says how else the person can be reached. */
export async function settle(
  desk: Desk,
  call: ToolCall,
  approvalId: string,
  refs: readonly string[],
): Promise<BuyAnswer | Question> {
  const approval = await desk.approval(approvalId);
  const given = await ask(approval, desk, call);
  if (given instanceof Question) return given;
  if (given.kind === "decided")
    return recordDecision(desk, call, approval, { ...given, digests: null, via: "form" }, refs);
  if (given.kind === "opened") {
    const after = await desk.waitFor(approvalId, PAGE_WAIT_MS, call.mcp.mcpReq.signal);
    const note = after.status === "pending" ? "The approval page was opened; nobody has decided there yet." : null;
    return withCard(await reportBuy(desk, refs, after, note), after, desk, call);
  }
  const from = { client: call.client, principal: call.principal.name };
  await desk.noteAsked(approvalId, { via: given.via, ...from, unanswered: given.how });
  if (call.asking.canBeAsked.apps) await desk.noteAsked(approvalId, { via: "card", ...from, unanswered: null });
  const now = await desk.approval(approvalId);
  return withCard(await reportBuy(desk, refs, now, `Nobody decided here: ${given.how}.`), now, desk, call);
}

/** What the client says its person decided, recorded once; the answer is what became of it, and of all that was asked about. */
export async function recordDecision(
  desk: Desk,
  call: ToolCall,
  { approvalId, lines }: Approval,
  given: Pick<PersonsDecision, "decision" | "digests" | "note"> & { readonly via: "form" | "card" },
  refs: readonly string[] = lines.map(({ ref }) => ref),
): Promise<BuyAnswer> {
  const { decision, digests, note, via } = given;
  const until = Date.now() + BOOKING_WAIT_MS;
  let said: string | null = null;
  try {
    await desk.decide(
      approvalId,
      {
        ...{ decision, digests, via, note },
        by: decidedBy(call),
        principal: call.principal.name,
        wordOf: "client",
        decidedAt: new Date().toISOString(),
        signature: null,
      },
      BOOKING_WAIT_MS,
    );
  } catch (error) {
    // Decided elsewhere in the meantime, or void: what stands now is the answer.
    if (!(error instanceof BuyingError) || !["approval_used", "terms_changed", "approval_expired"].includes(error.code))
      throw error;
    said = error.message;
  }
  // Another process of this desk may be faster to decide or to send: what it does is waited for just the same.
  const after = await desk.waitFor(approvalId, until - Date.now(), call.mcp.mcpReq.signal);
  return withCard(await reportBuy(desk, refs, after, said), after, desk, call);
}

/** Who decided: the client's user, or, where a token answers for a person, the token's principal, whatever client it runs. */
function decidedBy({ principal, client }: ToolCall): string {
  return principal.name === localPrincipal.name ? `${client} user` : `${principal.name} (token)`;
}

/**
 * The approval that this very call, made again with a person's answer, was asked about; null when the arguments are no
 * longer those. The answer is held against that approval and not against a new one: terms that moved meanwhile must come
 * back as `terms_changed`, not as a second question.
 */
async function askedAbout(desk: Desk, call: ToolCall, refs: readonly string[], poNumber: string | null) {
  const { mcpReq } = call.mcp;
  const state = mcpReq.inputResponses === undefined ? undefined : mcpReq.requestState<State>();
  if (!state) return null;
  const approval = await desk.approval(state.approvalId);
  const now = await Promise.all(refs.map((ref) => renewed(desk, ref)));
  const covered = approval.lines.map(({ ref }) => ref);
  const same = new Set(now).size === covered.length && covered.every((ref) => now.includes(ref));
  return same && approval.poNumber === poNumber ? { approvalId: state.approvalId, refs: covered } : null;
}

/** The quote that stands in a quote's place now. */
async function renewed(desk: Desk, ref: string): Promise<string> {
  const { supersededBy } = (await desk.line(ref)).line;
  return supersededBy === null ? ref : renewed(desk, supersededBy);
}

async function lastApproval(desk: Desk, refs: readonly string[]) {
  const lines = await Promise.all(refs.map((ref) => desk.line(ref)));
  const id = lines.map(({ line }) => line.booking?.approvalId ?? line.approvalId).find((one) => one);
  return id ? desk.approval(id) : null;
}
