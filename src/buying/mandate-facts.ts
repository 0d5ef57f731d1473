import { dayIn } from "../domain/flight.ts";
import type { Mandate, MandateFacts } from "../domain/mandate.ts";
import type { Money } from "../domain/money.ts";
import { type Balances, spentOn } from "../domain/spend.ts";
import { loadBalances } from "./lines.ts";
import { policyState } from "./policy.ts";
import type { Ports } from "./ports.ts";

/** What a decision rests on: the mandate in force, the facts it is weighed against, and the spend version they hold for. */
export interface Standing extends MandateFacts {
  readonly mandate: Mandate | null;
  readonly version: number;
  readonly balances: Balances;
}

/** The standing of this moment, read afresh. */
export async function standing(ports: Ports): Promise<Standing> {
  const { inForce: mandate } = await policyState(ports);
  const { version, balances } = await loadBalances(ports);
  const records = new Map((await ports.directory.all()).map((record) => [record.id, record]));
  return {
    mandate,
    version,
    balances,
    day: dayIn(mandate?.timeZone ?? "UTC", ports.now()),
    trust: (sellerId) => {
      const record = records.get(sellerId);
      return record ? (record.blocked ? "blocked" : record.trust) : "unknown";
    },
    domain: (sellerId) => records.get(sellerId)?.domain.toLowerCase() ?? "",
  };
}

/** What the desk committed on its spend day of today, and its limit for a day; null without a mandate. */
export async function spentToday(ports: Ports): Promise<{ readonly committed: Money; readonly perDay: Money } | null> {
  const { mandate, balances, day } = await standing(ports);
  return mandate && { committed: spentOn(balances, day), perDay: mandate.perDay };
}
