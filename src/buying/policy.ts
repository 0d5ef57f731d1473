import type { Signature } from "../domain/decision.ts";
import { BuyingError } from "../domain/errors.ts";
import { streams } from "../domain/ids.ts";
import { type Mandate, whyNotNamed } from "../domain/mandate.ts";
import { loosened, policyDigest, policyStatement } from "../domain/policy.ts";
import type { PolicyEvent } from "../ledger/entries.ts";
import type { NewRow, Row } from "../ledger/ledger.ts";
import { decideAndAppend } from "./lines.ts";
import type { Ports } from "./ports.ts";

export interface PolicyState {
  /** The mandate that counts now. */
  readonly inForce: Mandate | null;
  /** In what the config's mandate allows more than the one in force; empty when it is in force. */
  readonly waiting: readonly string[];
}

/**
 * The mandate that counts: the config's, unless it allows more than the one adopted last; then that one goes on counting
 * until a person has approved the new one's digest. The first mandate of a desk counts as it is, and so does a tighter
 * one; none at all always counts. A sandbox desk's mandate is the release's own.
 */
export async function policyState(ports: Ports): Promise<PolicyState> {
  const { mandate, sandbox, name } = ports.settings;
  if (!mandate || sandbox) return { inForce: mandate, waiting: [] };
  const adopted = adoptedIn(await ports.ledger.head(streams.policy(name)));
  if (adopted && adopted.digest === policyDigest(mandate)) return { inForce: mandate, waiting: [] };
  const looser = adopted ? loosened(adopted.mandate, mandate) : [];
  return adopted && looser.length > 0
    ? { inForce: adopted.mandate, waiting: looser }
    : { inForce: mandate, waiting: [] };
}

/**
 * Why a person's word does not count on this desk: the mandate in force names people, and not this one. Where the config
 * has no mandate by now, the last one that counted still says who has a say. Null when it counts.
 */
export async function whyNoSay(ports: Ports, person: string): Promise<string | null> {
  const { inForce } = await policyState(ports);
  const last = inForce ?? adoptedIn(await ports.ledger.head(streams.policy(ports.settings.name)))?.mandate;
  return last ? whyNotNamed(last, person) : null;
}

/** {@link policyState} for decisions: what newly counts is written down first. Must not be called inside a decision. */
export async function adoptPolicy(ports: Ports): Promise<PolicyState> {
  const state = await policyState(ports);
  const { mandate, sandbox } = ports.settings;
  if (!mandate || sandbox || state.waiting.length > 0) return state;
  await decideAndAppend(ports, async () => {
    const head = await ports.ledger.head(streams.policy(ports.settings.name));
    const known = adoptedIn(head)?.digest === policyDigest(mandate);
    return {
      rows: known ? [] : [policyRow(ports, head, mandate, "the operator's config", [], null)],
      result: undefined,
    };
  });
  return state;
}

/**
 * Lets a looser mandate of the config count, on a person's signature over it and the one it follows.
 * @throws BuyingError `signature_invalid`, `conflict` when nothing is waiting
 */
export async function approvePolicy(ports: Ports, by: string, signature: Signature): Promise<void> {
  const { mandate, name } = ports.settings;
  const before = adoptedIn(await ports.ledger.head(streams.policy(name)))?.mandate ?? null;
  const signed = mandate && (await ports.signatures.verify(policyStatement(name, mandate, before), signature));
  if (!mandate || !signed || signature.person !== by) {
    throw new BuyingError(
      "signature_invalid",
      "The policy was not signed by that person. It does not count.",
      "ask_person",
    );
  }
  await decideAndAppend(ports, async () => {
    const head = await ports.ledger.head(streams.policy(name));
    const looser = loosened(adoptedIn(head)?.mandate ?? null, mandate);
    if (adoptedIn(head)?.digest === policyDigest(mandate))
      throw new BuyingError("conflict", "This policy counts already.", "none");
    return { rows: [policyRow(ports, head, mandate, by, looser, signature)], result: undefined };
  });
}

function adoptedIn(head: Row | undefined): PolicyEvent | null {
  const found = head?.entries.find(({ kind }) => kind === "policy_adopted");
  return found?.kind === "policy_adopted" ? found : null;
}

function policyRow(
  ports: Ports,
  head: Row | undefined,
  mandate: Mandate,
  by: string,
  looser: readonly string[],
  signature: Signature | null,
): NewRow {
  const stream = streams.policy(ports.settings.name);
  const entry: PolicyEvent = {
    kind: "policy_adopted",
    v: 1,
    digest: policyDigest(mandate),
    mandate,
    by,
    loosened: looser,
    signature,
  };
  return {
    stream,
    version: (head?.version ?? 0) + 1,
    kind: "policy",
    status: "in_force",
    flowId: stream,
    entries: [entry],
  };
}
