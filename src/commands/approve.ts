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
    const wanted = rejects ? reject : await whatIsWanted(terminal, desk, person, approval);
    if (!wanted) {
      terminal.print(`Left open. ${NOTHING}`);
      return 1;
    }
    const decidedAt = new Date().toISOString();
    const decision = {
      ...wanted,
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
      wanted.decision === "approve"
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

interface Wanted {
  readonly decision: "approve" | "reject";
  /** Digests of the lines approved; null = all of them. */
  readonly digests: readonly string[] | null;
}

const reject: Wanted = { decision: "reject", digests: null };

/** What the person types, read strictly: anything that is not one of the words offered decides nothing. */
async function whatIsWanted(
  terminal: Terminal,
  desk: Desk,
  person: Person,
  approval: Approval,
): Promise<Wanted | null> {
  const { lines } = approval;
  const several = lines.length > 1;
  const shortfall = (chosen: Approval["lines"]) =>
    desk.shortfall({ ...approval, lines: chosen }, "terminal", person.name);
  const short = await shortfall(lines);
  const instead = several ? "You can approve fewer lines, or reject it." : "You can reject it.";
  if (short) terminal.print(`Approving here would not count: ${short}. ${instead}`);
  const offered = several ? "approve, approve with line numbers (approve 1 3)," : "approve";
  const word = await terminal.question(`Type ${offered} or reject (anything else leaves it open): `);
  if (word?.toLowerCase() === "reject") return reject;
  const [, numbers] = /^approve((?:[ ,]+\d{1,3})*)$/i.exec(word ?? "") ?? [];
  if (numbers === undefined) return null;
  const named = (numbers.match(/\d+/g) ?? []).map((number) => Number(number) - 1);
  // A number that no line has is a slip; what was meant is not guessed.
  if (named.some((index) => lines[index] === undefined)) return null;
  const chosen = lines.filter((_line, index) => named.length === 0 || named.includes(index));
  const stillShort = chosen.length === lines.length ? short : await shortfall(chosen);
  if (stillShort !== null && stillShort !== short) terminal.print(`That would not count either: ${stillShort}.`);
  if (stillShort !== null) return null;
  return { decision: "approve", digests: chosen.map(({ digest }) => digest) };
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
