import type { Desk } from "../desk.ts";
import type { Approval } from "../domain/approval.ts";
import { statementOf, statementText } from "../domain/decision.ts";
import { cardText } from "../card/text.ts";
import { spentToday } from "../tools/spent-today.ts";
import { type Person, signAtTerminal, whyNobodyHere } from "./pin.ts";
import type { Terminal } from "./terminal.ts";

const NOTHING = "Nothing was decided.";

/**
 * `media-buyer-mcp approve <id>`: shows the exact terms, asks for the decision and the PIN, and records it. The sending
 * is left to a process that serves. Refused where input or output is not a terminal.
 * @returns exit code 0 when it was decided here, 1 when not
 */
export async function approveCommand(
  terminal: Terminal,
  desk: Desk,
  person: Person,
  approvalId: string,
  rejects: boolean,
): Promise<number> {
  try {
    const approval = await desk.approval(approvalId);
    const closed = whyClosed(approval);
    if (closed) {
      terminal.print(`${closed} Nothing more was decided.`);
      return 1;
    }
    terminal.print(cardText(approval, desk.settings));
    const spent = await spentToday(desk);
    if (spent) terminal.print(`Committed today ${spent.today}, left today ${spent.leftToday}.`);
    terminal.print("");
    const refusal = await whyNobodyHere(terminal, person, desk.settings.command);
    if (refusal) {
      terminal.print(`${refusal} ${NOTHING}`);
      return 1;
    }
    const shortfall = await desk.shortfall(approval, "terminal", person.name);
    if (shortfall && !rejects) terminal.print(`Approving here would not count: ${shortfall}. You can reject it.`);
    const word = rejects
      ? "reject"
      : (await terminal.question("Type approve or reject (anything else leaves it open): "))?.toLowerCase();
    if (word !== "reject" && (word !== "approve" || shortfall)) {
      terminal.print(`Left open. ${NOTHING}`);
      return 1;
    }
    const decidedAt = new Date().toISOString();
    const decision = {
      decision: word,
      digests: null,
      via: "terminal",
      by: person.name,
      note: null,
      decidedAt,
    } as const;
    const text = statementText(statementOf(desk.settings.name, approval, decision));
    const signature = await signAtTerminal(terminal, person, text, `Left open. ${NOTHING}`);
    if (!signature) return 1;
    await desk.decideOnly(approvalId, { ...decision, principal: null, wordOf: "server", signature });
    terminal.print(
      word === "approve"
        ? "Approved. Nothing was sent from here: the server that your MCP client runs sends it, now or when it next starts, and approve {approval_id, wait_s} there returns the booking."
        : "Rejected. Nothing was booked.",
    );
    return 0;
  } catch (error) {
    const { code, message } = desk.explain(error);
    terminal.print(`${code}: ${message}`);
    return 1;
  }
}

/** What became of an approval that is no longer open; null for one that is. */
function whyClosed({ approvalId, status, decided, voidWhy, expiresAt }: Approval): string | null {
  if (decided) {
    const when = `${decided.at.slice(0, 16).replace("T", " ")} UTC`;
    return `${approvalId} was ${status.replaceAll("_", " ")} by ${decided.by} (${decided.via}) on ${when}. A decision counts once.`;
  }
  if (status === "void") return `${approvalId} is void: ${voidWhy ?? "closed"}. Ask to buy again for a fresh one.`;
  if (Date.parse(expiresAt) > Date.now()) return null;
  return `${approvalId} expired at ${expiresAt.slice(0, 16).replace("T", " ")} UTC. Ask to buy again.`;
}
