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
