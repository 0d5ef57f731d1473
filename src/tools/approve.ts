import * as z from "zod";
import { buyAnswer, reportBuy } from "./buy-report.ts";
import { withCard } from "./chat-card.ts";
import { settle } from "./create-media-buy.ts";
import { defineTool } from "./tool.ts";

export const approve = defineTool({
  name: "approve",
  title: "Ask the person to approve",
  effect: "ask",
  shownBy: "model and card",
  description:
    "Ask the person to decide an open approval, or wait for a decision made elsewhere, and return the booking. You cannot decide: no argument does. Safe to repeat.",
  input: z.strictObject({
    approval_id: z.string().max(60),
    wait_s: z.number().min(0).max(50).optional().describe("Seconds to wait for a decision made elsewhere"),
  }),
  output: buyAnswer,
}).run(async ({ approval_id: approvalId, wait_s: waitS }, desk, call) => {
  const found = await desk.approval(approvalId);
  const refs = found.lines.map(({ ref }) => ref);
  const open = found.status === "pending" && Date.parse(found.expiresAt) > Date.now();
  if (waitS !== undefined || !open) {
    const after = await desk.waitFor(approvalId, (waitS ?? 0) * 1000, call.mcp.mcpReq.signal);
    const note = after.status === "pending" ? "Nobody has decided yet." : null;
    return withCard(await reportBuy(desk, refs, after, note), after, desk, call);
  }
  return settle(desk, call, approvalId, refs);
});
