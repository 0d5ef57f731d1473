import { dayIn } from "../domain/flight.ts";
import type { Trust } from "../domain/identity.ts";
import type { MandateFacts } from "../domain/mandate.ts";
import type { Balances } from "../domain/spend.ts";
import { loadBalances } from "./lines.ts";
import type { Ports } from "./ports.ts";

/** The facts a mandate is weighed against, as of now, and the version of the spend stream they hold for. */
export async function mandateFacts(
  ports: Ports,
): Promise<MandateFacts & { readonly version: number; readonly balances: Balances }> {
  const { version, balances } = await loadBalances(ports);
  const records = await ports.directory.all();
  const trustOf = new Map<string, Trust>(
    records.map((record) => [record.id, record.blocked ? "blocked" : record.trust]),
  );
  return {
    version,
    balances,
    day: spendDay(ports),
    trust: (sellerId) => trustOf.get(sellerId) ?? "unknown",
  };
}

/** Today where the operator is; the day a decision of now counts for. */
export function spendDay(ports: Ports): string {
  return dayIn(ports.settings.mandate?.timeZone ?? "UTC", ports.now());
}
