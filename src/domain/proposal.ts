import type { Money } from "./money.ts";

/**
 * Own terms that were put to a seller, beside a quote of its own for the same: they are talked about, and the quote stands
 * at its own price until they are agreed.
 */
export interface Proposal {
  /** The seller's own id, byte for byte, as it goes back on the wire. */
  readonly id: string;
  /** The CPM that was put, or that was agreed on since. */
  readonly cpm: Money;
  /** While the seller's people decide: its id of what they are asked. */
  readonly approvalId: string | null;
  /** Cleaned seller words about it. */
  readonly sellerSaid: string;
}

/** The seller's answer to a proposal; `waits`: its people decide. */
export type ProposalOutcome = "accepted" | "countered" | "rejected" | "waits";

/** What a seller made of a proposal. */
export interface ProposalAnswer {
  readonly proposal: Proposal;
  readonly outcome: ProposalOutcome;
  /** The CPM it countered with; null where it named none. */
  readonly sellerCpm: Money | null;
  /** UTC instant until which its people may decide; null where it does not say. */
  readonly until: string | null;
}

/** What a quote was made for: a proposal that was agreed on, and the CPM. */
export interface AgreedProposal {
  readonly proposalId: string;
  readonly cpm: Money;
}
