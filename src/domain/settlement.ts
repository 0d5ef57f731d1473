import type { Signature } from "./decision.ts";
import type { Ref } from "./ids.ts";
import { canonicalJson } from "./terms.ts";

/** What a person says of a line that nobody could find out about, or whose difference they accept. */
export interface Settlement {
  readonly verdict: "booked" | "not_booked" | "cleared";
  /** The seller's deal, as the person was told of it; null unless the verdict is `booked`. */
  readonly dealId: string | null;
  readonly by: string;
  readonly note: string;
  /** UTC instant. */
  readonly decidedAt: string;
}

/** What entries of version 2 keep beside a person's word, so that it can be proved; version 1 kept nothing. */
export interface SettlementProof {
  /** UTC instant the person decided at; part of what is signed. */
  readonly decidedAt: string;
  readonly signature: Signature;
}

/** The exact text a person signs: this verdict on this line of this desk, and nothing else. */
export function settlementText(desk: string, ref: Ref, settlement: Settlement): string {
  const { verdict, dealId, by, note, decidedAt } = settlement;
  return canonicalJson({ v: 1, desk, settles: ref, verdict, deal_id: dealId, by, note, decided_at: decidedAt });
}
