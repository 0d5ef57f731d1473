import type { ApprovalEvent } from "../domain/approval.ts";
import type { DecisionChannel } from "../domain/spend.ts";
import { canonicalJson } from "../domain/terms.ts";
import { approvalRow, decideAndAppend, loadApproval } from "./lines.ts";
import type { Ports } from "./ports.ts";

/** Through what a person was asked, over whose connection, and why that brought no decision where it is known. */
export interface AskedPerson {
  readonly via: Exclude<DecisionChannel, "auto">;
  readonly client: string;
  readonly principal: string;
  readonly unanswered: string | null;
}

/**
 * Notes that a person was asked, or that asking brought no decision: the record of silence beside that of decisions. What
 * its channel's last entry says already is not noted again, or a client that keeps asking would fill the ledger.
 */
export async function noteAsked(ports: Ports, approvalId: string, asked: AskedPerson): Promise<void> {
  await decideAndAppend(ports, async () => {
    const loaded = await loadApproval(ports, approvalId);
    if (loaded.approval.status !== "pending") return { rows: [], result: undefined };
    const { via, client, principal, unanswered } = asked;
    const event: ApprovalEvent =
      unanswered === null
        ? { kind: "approval_asked", v: 1, via, client, principal }
        : { kind: "approval_not_answered", v: 1, via, how: unanswered, principal };
    const before = loaded.entries.findLast((entry) => "via" in entry && entry.via === via);
    const isNew = canonicalJson(before) !== canonicalJson(event);
    return { rows: isNew ? [approvalRow(ports, loaded, event)] : [], result: undefined };
  });
}
