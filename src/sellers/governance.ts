import type { Carrier, Envelope } from "./adcp-carrier.ts";
import { type Access, SellerFailure } from "./seller.ts";
import { sellerText } from "./untrusted.ts";
import { governanceApproval, governanceWords } from "./wire/governance.ts";

/**
 * Asks the buyer's own governance agent whether an action fits its plan (AdCP `check_governance`, an intent check). It
 * can only ever forbid: what is not plainly an approval is none.
 */

export interface GovernanceAsk {
  /** To the governance agent. */
  readonly carrier: Carrier;
  readonly planId: string;
  /** The address of the one who asks: the buyer's agent. */
  readonly caller: string;
  /** The AdCP task that would be called, and its whole arguments as they would be sent. */
  readonly tool: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** A first commitment, or a change of one. */
  readonly phase: "purchase" | "modification";
  readonly access: Access;
  /** What this AdCP version wants in each request: `adcp_version`, `adcp_major_version`. */
  readonly version?: Readonly<Record<string, unknown>> | undefined;
  readonly now?: (() => Date) | undefined;
}

/**
 * `why` is a sentence of ours. `said` holds the agent's words, cleaned and capped, to be shown as its words only.
 * An approval holds until `expiresAt` (ISO 8601); `context` goes into the request to the seller as `governance_context`, unchanged.
 */
export type GovernanceAnswer =
  | {
      readonly kind: "approved";
      readonly context: string | null;
      readonly expiresAt: string;
      readonly said: string | null;
    }
  | { readonly kind: "not_approved"; readonly why: string; readonly said: string | null };

const MOST_FINDINGS = 5;

/**
 * Passes only on `verdict: "approved"` (3.1) or, where there is no verdict, on `status: "approved"` (3.0), unexpired, for
 * this plan, and contradicted by nothing in the same answer. All failures of the call are "not approved".
 */
export async function checkGovernance(ask: GovernanceAsk): Promise<GovernanceAnswer> {
  const { carrier, planId, caller, tool, payload, phase, access, version = {} } = ask;
  const args = JSON.stringify({ ...version, plan_id: planId, caller, tool, payload, phase });
  let answer: Envelope;
  try {
    answer = await carrier.call("check_governance", args, "media_kit", access);
  } catch (error) {
    if (!(error instanceof SellerFailure)) throw error;
    const why = `The governance agent could not be asked, so this is not approved: ${error.message}`;
    return { kind: "not_approved", why, said: error.sellerSaid };
  }
  const now = (ask.now ?? (() => new Date()))().getTime();
  const said = wordsOf(answer);
  const why = whyNoApproval(answer, planId);
  if (why !== null) return { kind: "not_approved", why, said };
  const approval = governanceApproval.safeParse(answer).data;
  if (!approval) return { kind: "not_approved", why: unusable, said };
  const { expires_at: expiresAt, governance_context: context = null } = approval;
  // By the later of the two clocks.
  if (Date.parse(expiresAt) <= now + Math.max(0, carrier.aheadMs()))
    return { kind: "not_approved", why: "The governance agent's approval has expired; ask again.", said };
  return { kind: "approved", context, expiresAt, said };
}

const unusable =
  "The governance agent's approval does not say until when it holds, or carries a token that cannot be passed on.";

function whyNoApproval(answer: Envelope, planId: string): string | null {
  if (isFilled(answer["adcp_error"]) || isFilled(answer["errors"]))
    return "The governance agent answered with an error, so this is not approved.";
  const isNew = "verdict" in answer;
  const decision = isNew ? answer["verdict"] : answer["status"];
  if (decision === "denied") return "The governance agent denied this.";
  if (decision === "conditions")
    return "The governance agent sets conditions; change the request to meet them and ask again.";
  if (decision === "submitted" || decision === "working")
    return "The governance agent has not decided yet, so this is not approved.";
  if (decision !== "approved") return "The governance agent gave no decision that we know, so this is not approved.";
  // Beside a verdict, the status is that of the call; some agents write the verdict there as well.
  if (isNew && ![undefined, "completed", "approved"].includes(answer["status"] as string | undefined))
    return "The governance agent's answer contradicts itself, so this is not approved.";
  if (answer["plan_id"] !== undefined && answer["plan_id"] !== planId)
    return "The governance agent's answer is about another plan, so this is not approved.";
  if (isFilled(answer["conditions"]))
    return "The governance agent approved this under conditions; meet them and ask again.";
  return null;
}

function isFilled(list: unknown): boolean {
  return list !== undefined && list !== null && !(Array.isArray(list) && list.length === 0);
}

/** The agent's words in one line; null where it said nothing. */
function wordsOf(answer: Envelope): string | null {
  const read = governanceWords.safeParse(answer).data;
  const failed = answer["adcp_error"];
  const message = typeof failed === "object" && failed !== null && "message" in failed ? failed.message : "";
  const findings = (read?.findings ?? []).map(({ severity, category_id, explanation }) =>
    [sellerText(severity, 20), sellerText(category_id, 40), sellerText(explanation, 200)].filter(Boolean).join(": "),
  );
  const conditions = (read?.conditions ?? []).map(
    ({ field, reason }) => `condition on ${sellerText(field, 60)}: ${sellerText(reason, 200)}`,
  );
  const all = [sellerText(message, 200), sellerText(read?.explanation, 200), ...findings, ...conditions].filter(
    Boolean,
  );
  const left = all.length - MOST_FINDINGS;
  const shown = left > 0 ? [...all.slice(0, MOST_FINDINGS), `and ${left} more`] : all;
  return shown.length > 0 ? shown.join("; ") : null;
}
