import * as z from "zod";
import type { SellerState } from "./state.ts";
import { worded } from "./wire.ts";

/** A proposal as stored. Prices are dollars CPM. */
export interface StoredProposal {
  readonly id: string;
  readonly status: string;
  readonly product_id: string;
  readonly deal_type: string;
  readonly price: number;
  readonly impressions: number;
  readonly start_date: string;
  readonly end_date: string;
  readonly dealId: string | null;
}

/** What the seller's people are asked, and what they said, in the shape both have on the wire. */
export interface Approval {
  readonly request: {
    readonly approval_id: string;
    readonly proposal_id: string;
    readonly status: string;
    readonly expires_at: string | null;
    readonly [other: string]: unknown;
  };
  readonly response: object | null;
}

/** How a seller treats proposals, all as the real agent has it until it is changed. */
const wholeHabits = z.strictObject({
  /** Deal value in dollars from which its people decide; null = never. */
  approvalAbove: z.number().nullable(),
  /** How long they have, in milliseconds; null: an approval without an end. */
  approvalMs: z.number().nullable(),
  /** Docs and code of the real agent spell a counter differently. */
  counterWord: z.enum(["counter_offered", "counter_pending"]),
  /** Turns every proposal down, in these words; null = none. */
  rejects: z.string().nullable(),
  /** Answers 200 with `status: "failed"` and this code; null = never. */
  fails: z.string().nullable(),
  /** Quotes that name a target price come at this many times it. */
  targetFactor: z.number().positive(),
  /** `POST /deals` really makes a deal of the proposal, instead of the stub's constant one … */
  makesDeals: z.boolean(),
  /** … at so many times the agreed price. */
  dealFactor: z.number().positive(),
});

/** Habits to be changed; what is not named stays. */
export const proposalHabits = wholeHabits.partial();
export type ProposalHabits = z.output<typeof proposalHabits>;

const asTheRealOne: z.output<typeof wholeHabits> = {
  ...{ approvalAbove: null, approvalMs: 86_400_000, counterWord: "counter_pending", rejects: null, fails: null },
  ...{ targetFactor: 1, makesDeals: false, dealFactor: 1 },
};

/** What the books hold of proposals; absent in those of earlier days. */
export interface ProposalBooks {
  habits?: ProposalHabits;
  proposals: Record<string, StoredProposal>;
  approvals: Record<string, Approval>;
}

/** A decision of the seller's people. */
export interface OperatorsWord {
  readonly what: string;
  readonly reason: string;
  readonly modifications: Readonly<Record<string, unknown>>;
}

/** The desk at which a seller's people decide. */
export interface ProposalDesk extends ProposalBooks {
  readonly habits: z.output<typeof wholeHabits>;
  decide(approvalId: string, word: OperatorsWord): object;
}

/** A seller's books of proposals, begun where there are none. */
export function deskOf(state: SellerState): ProposalDesk {
  const books: ProposalBooks = state.proposals ?? { proposals: {}, approvals: {} };
  state.proposals = books;
  return {
    habits: wholeHabits.parse({ ...asTheRealOne, ...books.habits }),
    proposals: books.proposals,
    approvals: books.approvals,
    decide: (approvalId, { what, reason, modifications }) => {
      const found = books.approvals[approvalId];
      if (!found) throw worded(400, "Approval request not found");
      if (found.response) throw worded(400, "Approval already resolved");
      const known = ["approve", "counter"].includes(what) ? what : "reject";
      const response = {
        ...{ approval_id: approvalId, decision: known, decided_by: "operator" },
        ...{ decided_by_principal: "apikey:operator", decided_at: new Date().toISOString().replace("Z", "") },
        ...{ reason, modifications },
      };
      const words = { approve: "approved", counter: "countered", reject: "rejected" } as const;
      const status = words[known as keyof typeof words];
      books.approvals[approvalId] = { request: { ...found.request, status }, response };
      const proposal = books.proposals[found.request.proposal_id];
      if (proposal && known !== "counter")
        books.proposals[proposal.id] = { ...proposal, status: known === "approve" ? "accepted" : "rejected" };
      return response;
    },
  };
}

/** The approval that was asked for last, of those that wait. */
export function latestApproval(state: SellerState): string {
  const last = Object.values(deskOf(state).approvals).findLast(({ response }) => response === null);
  if (last === undefined) throw new Error("nothing waits for the seller's people");
  return last.request.approval_id;
}
