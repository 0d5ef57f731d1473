import type { Approval } from "../domain/approval.ts";
import type { Signature } from "../domain/decision.ts";
import type { Log } from "../domain/log.ts";
import type { Money } from "../domain/money.ts";
import type { PeopleKeys } from "../people/keys.ts";
import type { PinTries } from "../people/tries.ts";

/** A person's decision as the page took it: signed, and this server's word that it was. */
export interface PageDecision {
  readonly decision: "approve" | "reject";
  /** Digests of the lines approved, sorted; empty for a rejection. */
  readonly digests: readonly string[];
  readonly via: "page" | "passkey";
  readonly by: string;
  readonly wordOf: "server";
  readonly note: string | null;
  /** UTC instant; part of what is signed. */
  readonly decidedAt: string;
  readonly signature: Signature;
}

/**
 * What the approval page knows of a desk: it shows approvals and hands decisions on. It calls no seller and knows no
 * ledger; whether a decision counts is for `decide` to say.
 */
export interface PageDesk {
  /** The desk's name, as it stands in what is signed. */
  readonly name: string;
  readonly sandbox: boolean;
  readonly advertiser: string;
  readonly people: PeopleKeys;
  readonly tries: PinTries;
  readonly log: Log;
  now(): Date;
  /** Secret of this desk, shared by its processes, from which form tokens are made. At least 32 bytes. */
  key(): Promise<Uint8Array>;
  /** @throws BuyingError `unknown_approval` */
  approval(approvalId: string): Promise<Approval>;
  /** Approvals that wait for a decision, newest first. */
  pending(): Promise<readonly Approval[]>;
  /** What the desk committed today, and its limit for a day; null without a mandate. */
  spentToday(): Promise<{ readonly committed: Money; readonly perDay: Money } | null>;
  /** Why an approval by this way and person would not count, in the mandate's words; null when it would. */
  shortfall(approval: Approval, via: "page" | "passkey", person: string): Promise<string | null>;
  /** Records the decision. @throws BuyingError when it does not count; its message says what did not happen */
  decide(approvalId: string, decision: PageDecision): Promise<void>;
}
