import type { Approval } from "../domain/approval.ts";
import { BuyingError } from "../domain/errors.ts";
import { add, compare, displayMoney, sum } from "../domain/money.ts";
import { principalNamed, whyMayNotDecide } from "../domain/principal.ts";
import { proposedOn } from "../domain/spend.ts";
import { stakeOf, type Terms } from "../domain/terms.ts";
import type { PersonsDecision } from "./decision.ts";
import type { Standing } from "./mandate-facts.ts";
import type { Ports } from "./ports.ts";

/**
 * Refuses what is beyond the limits of the principal that asks to buy, and all that one asked for which is no principal
 * any more: its limits went with it, and without them nothing says how much it may spend. The day's sum is the ledger's,
 * of every process of the desk, and is weighed again with the decision: proposals that fit one by one may not fit together.
 * @throws BuyingError `outside_mandate`
 */
export function refuseBeyondProposer(ports: Ports, proposer: string, terms: readonly Terms[], now: Standing): void {
  const principal = principalNamed(ports.settings.principals, proposer);
  if (!principal) {
    throw new BuyingError(
      "outside_mandate",
      `${proposer}, who asked for this, is no principal of this desk by now; ask again under one that is. Nothing was booked.`,
      "ask_person",
    );
  }
  const { perBuy, perDay } = principal;
  if (!now.mandate || (!perBuy && !perDay)) return;
  const total = sum(terms.map(stakeOf), now.mandate.currency);
  const reasons: string[] = [];
  const name = `http.principals.${proposer}`;
  if (perBuy && compare(total, perBuy) > 0)
    reasons.push(`${name}.per_buy is ${displayMoney(perBuy)}, this would cost ${displayMoney(total)}`);
  if (perDay) {
    const before = proposedOn(now.balances, now.day, proposer);
    const after = add(before, total);
    if (compare(after, perDay) > 0)
      reasons.push(
        `${name}.per_day is ${displayMoney(perDay)}, ${displayMoney(before)} of what it asked for is committed today and this would make it ${displayMoney(after)}`,
      );
  }
  if (reasons.length === 0) return;
  throw new BuyingError(
    "outside_mandate",
    `The operator's limits refuse this: ${reasons.join("; ")}. Nothing was booked.`,
    "ask_person",
  );
}

/**
 * Refuses a decision that came over the connection of a principal that may not make it. Whoever asked the person has
 * looked at this before; here it is sure to be looked at, whichever way the decision came.
 * @throws BuyingError `outside_mandate`; the approval stays open
 */
export function refuseUnentitled(ports: Ports, approval: Approval, decision: PersonsDecision): void {
  if (decision.principal === null) return;
  const principal = principalNamed(ports.settings.principals, decision.principal);
  const why = principal
    ? whyMayNotDecide(principal, approval.proposer)
    : `${decision.principal} is no principal of this desk`;
  if (why === null) return;
  throw new BuyingError(
    "outside_mandate",
    `An answer over this connection does not count: ${why}. The approval stays open. Nothing was booked.`,
    "ask_person",
  );
}
