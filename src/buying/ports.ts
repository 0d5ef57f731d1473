import type { Signature } from "../domain/decision.ts";
import type { BuyerIdentity } from "../domain/identity.ts";
import type { Log } from "../domain/log.ts";
import type { FrozenRequest } from "../domain/media-buy.ts";
import type { Mandate } from "../domain/mandate.ts";
import type { Money } from "../domain/money.ts";
import type { Principal } from "../domain/principal.ts";
import type { Strategy } from "../domain/negotiation.ts";
import type { Cache } from "../ledger/cache.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Directory, SellerRecord } from "../sellers/records.ts";

export type { Directory, Evidence, SellerRecord, SourceAnswer } from "../sellers/records.ts";

/** What the operator decided about this desk. Nothing in it ever comes from a tool argument or a seller. */
export interface DeskSettings {
  readonly name: string;
  readonly advertiser: string;
  readonly sandbox: boolean;
  /** How this program is run on this desk in a terminal, e.g. `media-buyer-mcp --config acme.json`. */
  readonly command: string;
  readonly mandate: Mandate | null;
  /** Who may call over HTTP, with their limits; the person's own client over stdio is none of them. */
  readonly principals: readonly Principal[];
  readonly buyer: BuyerIdentity;
  /** Deal values from which more of the buyer is shown; null without a mandate, for then no currency is known. */
  readonly revealFrom: { readonly agency: Money; readonly advertiser: Money } | null;
  /** How long a person may take over an approval, at most. */
  readonly approvalMinutes: number;
  /** Quiet time after the last send before a lost booking may be sent once more (`read_back` sellers). */
  readonly settleAfterMs: number;
  /** Whether inventory is reserved before a person is asked, at sellers that reserve. */
  readonly holdBeforeApproval: boolean;
  /** The first pause between looks at a buy that its seller keeps waiting; later ones are longer. */
  readonly followEveryMs: number;
  /** How long a claim to send keeps others away: the booking timeout and a margin. */
  readonly claimMs: number;
}

/**
 * The operator's own agent that judges what would be committed. It can only forbid: mandate and person decide all the same.
 * It is asked from no callback of an append, for it is called over the network.
 */
export interface Governance {
  /**
   * Asks about this very request to a seller. @returns null when it may be sent, else why not, in a sentence of ours that
   * labels the agent's words; never throws for a fault of the agent's
   */
  whyNot(record: SellerRecord, request: FrozenRequest, phase: "purchase" | "modification"): Promise<string | null>;
}

/** Everything the verbs need from outside; the composition root fills it with the real things. */
export interface Ports {
  readonly settings: DeskSettings;
  readonly ledger: Ledger;
  readonly cache: Cache;
  readonly directory: Directory;
  readonly strategies: readonly Strategy[];
  /** Absent where the operator has none. */
  readonly governance?: Governance | undefined;
  /** Checks a decision's proof against keys that are kept outside the ledger. */
  readonly signatures: { verify(text: string, signature: Signature): Promise<boolean> };
  /** This process, in claims: two processes of one desk differ. */
  readonly holder: string;
  now(): Date;
  /** A fresh random UUID. */
  newId(): string;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  readonly log: Log;
}
