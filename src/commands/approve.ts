import type { Desk } from "../desk.ts";
import { BuyingError } from "../domain/errors.ts";
import { cardText, spentToday } from "../tools/card.ts";
import { lockedText, type Pin } from "./pin.ts";
import type { Terminal } from "./terminal.ts";

/**
 * `media-buyer-mcp approve <id>`: shows the exact terms, asks for the decision and the PIN, and records it. The sending
 * is left to a process that serves. Refused where input or output is not a terminal.
 */
export async function approveCommand(terminal: Terminal, desk: Desk, pin: Pin, approvalId: string): Promise<number> {
  if (!terminal.interactive) {
    terminal.print("Only a person at a terminal can decide here, and this is a pipe. Nothing was decided.");
    return 1;
  }
  if (!(await pin.isSet())) {
    terminal.print("No PIN is set on this desk, so nothing can be approved here. Set one with: media-buyer-mcp pin");
    return 1;
  }
  try {
    const approval = await desk.approval(approvalId);
    const spent = await spentToday(desk);
    terminal.print(cardText(approval, desk));
    if (spent) terminal.print(`Committed today ${spent.today}, left today ${spent.leftToday}.`);
    const word = (await terminal.question("Type approve or reject (anything else leaves it open): "))?.toLowerCase();
    if (word !== "approve" && word !== "reject") {
      terminal.print("Left open. Nothing was decided.");
      return 1;
    }
    const typed = await terminal.secret("PIN: ");
    const verdict = typed === null ? "wrong" : await pin.check(typed);
    if (verdict !== "ok") {
      terminal.print(verdict === "locked" ? lockedText : "That is not the PIN. Nothing was decided.");
      return 1;
    }
    await desk.decideOnly(approvalId, {
      decision: word,
      via: "terminal",
      by: terminal.user,
      wordOf: "server",
      note: null,
    });
    terminal.print(
      word === "approve"
        ? "Approved. The server your client runs sends it now; approve {approval_id, wait_s} there returns the booking."
        : "Rejected. Nothing was booked.",
    );
    return 0;
  } catch (error) {
    if (!(error instanceof BuyingError)) throw error;
    terminal.print(`${error.code}: ${error.message}`);
    return 1;
  }
}
