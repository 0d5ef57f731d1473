import * as z from "zod";
import { BuyingError } from "../domain/errors.ts";
import { buyAnswer } from "./buy-report.ts";
import { cardDecides } from "./chat-card.ts";
import { recordDecision } from "./create-media-buy.ts";
import { defineTool } from "./tool.ts";

export const decideOnCard = defineTool({
  name: "decide_on_card",
  title: "Decide on the card",
  effect: "decide",
  shownBy: "card",
  offeredWhen: cardDecides,
  description:
    "For the approval card alone: hands over a person's click. Without the token of a card that is on a screen it decides nothing, and a model is never shown one.",
  input: z.strictObject({
    approval_id: z.string().max(60),
    token: z.string().max(1_000),
    decision: z.enum(["approve", "reject"]),
    lines: z.array(z.string().max(100)).max(20),
    note: z.string().max(500),
  }),
  output: buyAnswer,
}).run(async ({ approval_id: approvalId, token, decision, lines, note }, desk, call) => {
  const { asking, mcp } = call;
  const approval = await desk.approval(approvalId);
  const card = await asking.readCardToken(token, mcp);
  if (!asking.canBeAsked.apps || card?.approvalId !== approvalId || card.shortCode !== approval.shortCode) {
    throw new BuyingError(
      "signature_invalid",
      "This does not come from a card that was shown for this approval. Nothing was decided.",
      "ask_person",
    );
  }
  const digests = decision === "approve" ? lines : null;
  return recordDecision(desk, call, approval, { decision, digests, via: "card", note: note.trim() || null });
});
