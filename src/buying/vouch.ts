import { trustLevels } from "../domain/identity.ts";
import { saidBy } from "../domain/trust.ts";
import { blocked } from "./access.ts";
import { policyState } from "./policy.ts";
import type { Ports, SellerRecord } from "./ports.ts";

/**
 * Has the registries say what they think of sellers at this moment, directly before something rests on it. Where one does not answer
 * its last word counts, and the log says so. Sellers themselves are not called.
 * @throws BuyingError `seller_blocked`
 */
export async function verifySellers(ports: Ports, sellerIds: readonly string[]): Promise<void> {
  const ids = new Set(sellerIds);
  const records = (await ports.directory.all()).filter(({ id }) => ids.has(id));
  const now = await Promise.all(records.map((record) => ports.directory.verified(record)));
  for (const { id, words, trust } of now) {
    const remembered = words.filter(({ stale }) => stale).map(saidBy);
    if (remembered.length > 0) ports.log("trust rests on what registries said last", { seller: id, trust, remembered });
  }
  const out = now.find((record) => record.blocked);
  if (out) throw blocked(out);
}

/** Why a seller is trusted less by now than the mandate in force asks of those it buys from; null where it is not. */
export async function whyTrustedTooLittle(ports: Ports, record: SellerRecord): Promise<string | null> {
  const { id, trust, trustBy, words, fromRegistry } = record;
  // The operator's own word stands as long as the desk runs, and was weighed with the decision.
  if (words.length === 0 && !fromRegistry) return null;
  const least = (await policyState(ports)).inForce?.minTrust;
  if (least === undefined || trustLevels.indexOf(trust) >= trustLevels.indexOf(least)) return null;
  return `min_trust is ${least}, and ${id} is ${trust} by now (${trustBy})`;
}
