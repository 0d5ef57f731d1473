import type { Approval } from "../domain/approval.ts";
import { type Decided, type Signature, signedChannels, statementOf, statementText } from "../domain/decision.ts";
import { BuyingError } from "../domain/errors.ts";
import { channelShortfall, personsNeeded, weigh } from "../domain/mandate.ts";
import type { DecisionChannel } from "../domain/spend.ts";
import type { Terms } from "../domain/terms.ts";
import type { Standing } from "./mandate-facts.ts";
import type { Ports } from "./ports.ts";

/** A person's decision as it reached us. Only `ask` and the operator's channels make one; no tool argument can. */
export interface PersonsDecision extends Decided {
  readonly via: Exclude<DecisionChannel, "auto">;
  /** The connection the decision came over, where it came over one; a proposer may be kept from approving. */
  readonly principal: string | null;
  /** Who says that a person answered: this server saw a secret, or the client says so. */
  readonly wordOf: "server" | "client";
  readonly signature: Signature | null;
}

/**
 * @throws BuyingError `signature_invalid` when the channel needs a proof and this decision's does not hold,
 * `approval_expired` for one that says itself that it came too late
 */
export async function checkProof(ports: Ports, approval: Approval, decision: PersonsDecision): Promise<void> {
  // Our own clock may have been set back since; what is signed stays, and an audit goes by that.
  if (!(Date.parse(decision.decidedAt) <= Date.parse(approval.expiresAt)))
    throw new BuyingError(
      "approval_expired",
      `The decision of ${decision.by} is of ${decision.decidedAt}, the approval ended at ${approval.expiresAt}. Nothing was decided.`,
      "ask_person",
    );
  if (!signedChannels.includes(decision.via)) return;
  const { signature } = decision;
  const text = statementText(statementOf(ports.settings.name, approval, decision));
  const ofPerson = signature?.person === decision.by && (signature.kind === "passkey") === (decision.via === "passkey");
  if (signature && ofPerson && (await ports.signatures.verify(text, signature))) return;
  throw new BuyingError(
    "signature_invalid",
    `The decision of ${decision.by} carries no proof that holds. Nothing was decided.`,
    "ask_person",
  );
}

/**
 * Whether a decision that is in the ledger still carries its proof, and the first of two with it: checked again before
 * anything is sent, so that a row somebody wrote past this program books nothing.
 */
export async function proofHolds(ports: Ports, approval: Approval): Promise<boolean> {
  const { decided, endorsed } = approval;
  if (!decided) return false;
  for (const { via, by, note, digests, decidedAt, signature } of endorsed ? [endorsed, decided] : [decided]) {
    const decision: PersonsDecision = {
      ...{ decision: "approve", principal: null, wordOf: "server" },
      ...{ digests, via: via === "auto" ? "form" : via, by, note, decidedAt, signature },
    };
    try {
      await checkProof(ports, approval, decision);
    } catch (error) {
      if (error instanceof BuyingError) return false;
      throw error;
    }
  }
  return true;
}

/**
 * Weighs an approval by a person against the mandate in force. @returns whether it decides, or is the first of two
 * @throws BuyingError `outside_mandate`, `spending_stopped`; the approval stays open
 */
export function weighDecision(
  now: Standing,
  approval: Approval,
  terms: readonly Terms[],
  decision: PersonsDecision,
  digests: readonly string[],
): "decides" | "endorses" {
  const { mandate } = now;
  const weighed = weigh(mandate, terms, now);
  if (!mandate || weighed.outcome === "refused") {
    const code = now.balances.incidents.length > 0 ? "spending_stopped" : "outside_mandate";
    throw new BuyingError(
      code,
      `The mandate refuses this now: ${weighed.reasons.join("; ")}. Nothing was booked.`,
      "ask_person",
    );
  }
  const stays = "The approval stays open. Nothing was booked.";
  const shortfall = channelShortfall(mandate, decision.via, terms, now, decision.by);
  if (shortfall)
    throw new BuyingError(
      "outside_mandate",
      `This way of deciding does not count here: ${shortfall}. ${stays}`,
      "ask_person",
    );
  if (!mandate.proposerMayApprove && [decision.by, decision.principal].includes(approval.proposer)) {
    throw new BuyingError(
      "outside_mandate",
      `proposer_may_approve is false, and ${approval.proposer} asked for this. ${stays}`,
      "ask_person",
    );
  }
  if (personsNeeded(mandate, terms) === 1) return "decides";
  const { endorsed } = approval;
  if (!endorsed) return "endorses";
  if (endorsed.by === decision.by) {
    throw new BuyingError(
      "outside_mandate",
      `two_persons_above asks for a second person; ${decision.by} approved already. ${stays}`,
      "ask_person",
    );
  }
  // What a client said for somebody, under an earlier release, tells no second person apart.
  if (!signedChannels.includes(endorsed.via)) {
    throw new BuyingError(
      "outside_mandate",
      `two_persons_above asks for two people with a PIN or passkey, and ${endorsed.by} approved through ${endorsed.via}; reject this and ask to buy again. ${stays}`,
      "ask_person",
    );
  }
  if ([...endorsed.digests].sort().join() !== [...digests].sort().join()) {
    throw new BuyingError(
      "outside_mandate",
      `${endorsed.by} approved other lines; both must approve the same. ${stays}`,
      "ask_person",
    );
  }
  return "decides";
}
