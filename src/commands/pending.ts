import type { Desk } from "../desk.ts";
import { displayMoney } from "../domain/money.ts";
import { totalOfApproval } from "../card/words.ts";
import type { Terminal } from "./terminal.ts";

/** `media-buyer-mcp pending`: the approvals that wait for a person, newest first. */
export async function pendingCommand(terminal: Terminal, desk: Desk): Promise<number> {
  const { approvals } = await desk.inbox();
  if (approvals.length === 0) terminal.print("Nothing waits for a decision.");
  for (const approval of approvals) {
    const { approvalId, lines, campaign, expiresAt, endorsed, shortCode } = approval;
    const sellers = [...new Set(lines.map(({ sellerName }) => sellerName))].join(", ");
    const first = endorsed ? `, approved by ${endorsed.by} as the first of two` : "";
    const until = expiresAt.slice(0, 16).replace("T", " ");
    terminal.print(
      `${approvalId}  ${displayMoney(totalOfApproval(approval))} to ${sellers}${campaign ? `, ${campaign}` : ""}, until ${until} UTC, code ${shortCode}${first}`,
    );
  }
  return 0;
}
