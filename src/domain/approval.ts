import type { Signature } from "./decision.ts";
import type { DecisionChannel } from "./spend.ts";
import type { Terms } from "./terms.ts";

/** One line as a person is asked about it: exact terms, their digest, and cleaned names to read them by. */
export interface ApprovalLine {
  readonly ref: string;
  readonly digest: string;
  readonly terms: Terms;
  readonly productName: string;
  readonly sellerName: string;
  /** Null where something else than impressions is paid for. */
  readonly listCpm: string | null;
  /** What the seller asked before the negotiation, if it came down since. */
  readonly quotedCpm: string | null;
}

/** What a person decided, with all that is needed to check its proof again. */
export interface ProvableDecision {
  /** Digests of the lines approved; empty for a rejection. */
  readonly digests: readonly string[];
  readonly via: DecisionChannel;
  readonly by: string;
  readonly note: string | null;
  /** UTC instant the person decided at; part of what is signed. */
  readonly decidedAt: string;
  /** Null where the channel has no secret of its own: the client's word, or the operator's limits. */
  readonly signature: Signature | null;
}

/** Entries of an approval's stream, version 1. */
export type ApprovalEvent =
  | {
      readonly kind: "approval_opened";
      readonly v: 1;
      readonly lines: readonly ApprovalLine[];
      readonly expiresAt: string;
      readonly why: readonly string[];
      readonly proposer: string;
      readonly campaign: string | null;
      readonly poNumber: string | null;
      readonly shortCode: string;
    }
  | {
      readonly kind: "approval_asked";
      readonly v: 1;
      readonly via: DecisionChannel;
      readonly client: string;
      readonly principal?: string;
    }
  | {
      readonly kind: "approval_not_answered";
      readonly v: 1;
      readonly via: DecisionChannel;
      readonly how: string;
      readonly principal?: string;
    }
  | (ProvableDecision & {
      readonly kind: "approval_decided";
      readonly v: 1;
      readonly decision: "approve" | "reject";
      /** Who says that a person answered: this server (PIN), or the client. */
      readonly wordOf: "server" | "client";
      /** Whose connection it came over; absent for page and terminal, and in rows of earlier releases. */
      readonly principal?: string;
    })
  /** The first of two people approved; the second one decides. */
  | (ProvableDecision & { readonly kind: "approval_endorsed"; readonly v: 1; readonly principal?: string })
  /** A renewed quote at the terms that were shown, or at a lower price, takes its line's place. */
  | { readonly kind: "approval_line_renewed"; readonly v: 1; readonly from: string; readonly to: string }
  | { readonly kind: "approval_voided"; readonly v: 1; readonly why: string };

export type ApprovalStatus = "pending" | "approved" | "partly_approved" | "rejected" | "void";

/** An approval folded from its entries. */
export interface Approval {
  readonly approvalId: string;
  readonly status: ApprovalStatus;
  readonly lines: readonly ApprovalLine[];
  readonly expiresAt: string;
  readonly why: readonly string[];
  readonly proposer: string;
  readonly campaign: string | null;
  readonly poNumber: string | null;
  readonly shortCode: string;
  readonly openedAt: string;
  readonly decided: (ProvableDecision & { readonly at: string }) | null;
  readonly voidWhy: string | null;
  /** Who approved first where two people must; their lines bind the second. */
  readonly endorsed: ProvableDecision | null;
}

/**
 * An approval after one more entry. It is decided once, and a decision names lines of this approval only: at least one
 * to approve, none to reject.
 * @throws RangeError for an entry that may not come here
 */
export function foldApproval(approvalId: string, before: Approval | null, event: ApprovalEvent, at: string): Approval {
  if (event.kind === "approval_opened") {
    if (before) throw new RangeError("an approval is opened once");
    const { lines, expiresAt, why, proposer, campaign, poNumber, shortCode } = event;
    return {
      approvalId,
      status: "pending",
      lines,
      expiresAt,
      why,
      proposer,
      campaign,
      poNumber,
      shortCode,
      openedAt: at,
      decided: null,
      voidWhy: null,
      endorsed: null,
    };
  }
  if (before?.status !== "pending")
    throw new RangeError(`${event.kind} cannot come after ${before?.status ?? "nothing"}`);
  switch (event.kind) {
    case "approval_asked":
    case "approval_not_answered":
      return before;
    case "approval_line_renewed": {
      const { from, to } = event;
      return { ...before, lines: before.lines.map((line) => (line.ref === from ? { ...line, ref: to } : line)) };
    }
    case "approval_endorsed": {
      if (before.endorsed) throw new RangeError("an approval is endorsed once");
      const { by, digests, via, note, decidedAt, signature } = event;
      return { ...before, endorsed: { by, digests, via, note, decidedAt, signature } };
    }
    case "approval_voided":
      return { ...before, status: "void", voidWhy: event.why };
    case "approval_decided": {
      const { by, via, digests, note } = event;
      const asked = before.lines.map((line) => line.digest);
      if ((event.decision === "approve") !== digests.length > 0 || !digests.every((digest) => asked.includes(digest))) {
        throw new RangeError("a decision approves lines that were shown, or rejects them all");
      }
      const all = asked.every((digest) => digests.includes(digest));
      const status = event.decision === "reject" ? "rejected" : all ? "approved" : "partly_approved";
      return {
        ...before,
        status,
        decided: { by, via, at, digests, note, decidedAt: event.decidedAt, signature: event.signature },
      };
    }
  }
}

/** How an approval stands: `expired` is one that nobody decided in time. */
export function stateOf(approval: Approval, now: Date): ApprovalStatus | "expired" {
  const over = approval.status === "pending" && Date.parse(approval.expiresAt) <= now.getTime();
  return over ? "expired" : approval.status;
}

/** When an approval ends: the operator's limit, or two minutes before the first of its quotes does. UTC instants. */
export function approvalExpiry(now: Date, operatorMinutes: number, quoteExpiries: readonly string[]): string {
  const operator = now.getTime() + operatorMinutes * 60_000;
  const quotes = quoteExpiries.map((instant) => Date.parse(instant) - 120_000);
  return new Date(Math.min(operator, ...quotes)).toISOString();
}
