import type { DecisionChannel } from "../domain/spend.ts";
import { approvalRow, decideAndAppend, loadApproval } from "./lines.ts";
import type { Ports } from "./ports.ts";

/** Whose connection, and which client, a person was to be asked through. */
export interface AskedFrom {
  /** `name version` of the client, as it says. */
  readonly client: string;
  readonly principal: { readonly name: string };
}

/** Notes that a person was asked, or that asking brought no decision: the record of silence beside that of decisions. */
export async function noteAsked(
  ports: Ports,
  approvalId: string,
  asked: {
    readonly via: DecisionChannel;
    readonly client: string;
    readonly principal: string;
    readonly unanswered: string | null;
  },
): Promise<void> {
  await decideAndAppend(ports, async () => {
    const loaded = await loadApproval(ports, approvalId);
    if (loaded.approval.status !== "pending") return { rows: [], result: undefined };
    const { via, client, principal, unanswered } = asked;
    const row =
      unanswered === null
        ? approvalRow(ports, loaded, { kind: "approval_asked", v: 1, via, client, principal })
        : approvalRow(ports, loaded, { kind: "approval_not_answered", v: 1, via, how: unanswered, principal });
    return { rows: [row], result: undefined };
  });
}
