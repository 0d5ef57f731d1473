import type { Approval } from "./approval.ts";
import { BuyingError } from "./errors.ts";
import type { DecisionChannel } from "./spend.ts";
import { canonicalJson } from "./terms.ts";

/** What a person signs: this decision, on these lines, of this approval, and nothing else. */
export interface DecisionStatement {
  readonly v: 1;
  readonly desk: string;
  readonly approval_id: string;
  readonly decision: "approve" | "reject";
  /** Digests of the lines approved, sorted; empty for a rejection. */
  readonly digests: readonly string[];
  readonly via: DecisionChannel;
  readonly by: string;
  readonly note: string | null;
  /** UTC instants. */
  readonly decided_at: string;
  readonly expires_at: string;
}

/** Proof that a person's secret was there: a key sealed under their PIN, or a passkey (WebAuthn, user verified). */
export type Signature =
  | { readonly kind: "key"; readonly person: string; readonly keyId: string; readonly signature: string }
  | {
      readonly kind: "passkey";
      readonly person: string;
      readonly keyId: string;
      readonly clientDataJSON: string;
      readonly authenticatorData: string;
      readonly signature: string;
    };

/** The exact text that is signed, and for a passkey hashed into its challenge. */
export function statementText(statement: DecisionStatement): string {
  return canonicalJson({ ...statement, digests: [...statement.digests].sort() });
}

/** Channels whose decisions count only with a signature that verifies; the others are the client's word, or the config's. */
export const signedChannels: readonly DecisionChannel[] = ["terminal", "page", "passkey"];

/** What of a decision is signed. */
export interface Decided {
  readonly decision: "approve" | "reject";
  /** Digests of the lines approved; null = all of them. */
  readonly digests: readonly string[] | null;
  readonly via: DecisionChannel;
  readonly by: string;
  readonly note: string | null;
  /** UTC instant. */
  readonly decidedAt: string;
}

/** What the person signed, as it must be for the signature to count here. */
export function statementOf(desk: string, approval: Approval, decision: Decided): DecisionStatement {
  const { via, by, note, decidedAt } = decision;
  const digests = decision.decision === "reject" ? [] : [...approvedDigests(approval, decision.digests)].sort();
  return {
    v: 1,
    desk,
    approval_id: approval.approvalId,
    decision: decision.decision,
    digests,
    via,
    by,
    note,
    decided_at: decidedAt,
    expires_at: approval.expiresAt,
  };
}

/** The digests a decision covers. @throws BuyingError `invalid_arguments` for none, or for one that was not shown */
export function approvedDigests(approval: Approval, chosen: readonly string[] | null): readonly string[] {
  const shown = approval.lines.map(({ digest }) => digest);
  const digests = [...new Set(chosen ?? shown)];
  if (digests.length > 0 && digests.every((digest) => shown.includes(digest))) return digests;
  throw new BuyingError(
    "invalid_arguments",
    "A decision approves one or more of the lines that were shown. Nothing was decided.",
    "fix_arguments",
  );
}
