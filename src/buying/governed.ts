import type { ApprovalLine } from "../domain/approval.ts";
import { BuyingError } from "../domain/errors.ts";
import type { LoadedLine } from "./lines.ts";
import type { Ports } from "./ports.ts";
import { requestFor } from "./start.ts";

/**
 * Asks the operator's governance agent about lines before a person is asked: each as it would be sent if it were approved
 * now, under a key that is never used. What it forbids is not asked about. Asked again with the frozen bytes before they
 * are sent.
 * @throws BuyingError `governance_denied`
 */
export async function refuseForbidden(
  ports: Ports,
  open: readonly LoadedLine[],
  lines: readonly ApprovalLine[],
  by: string,
): Promise<void> {
  const { governance } = ports;
  if (!governance) return;
  const at = ports.now().toISOString();
  const reasons = await Promise.all(
    open.map(async (one, index) => {
      const terms = lines[index]?.terms;
      if (!terms) throw new RangeError("a line without terms");
      const record = await ports.directory.find(one.line.quote.sellerId);
      const request = await requestFor(ports, one, terms, ports.newId(), { by, at });
      const why = await governance.whyNot(record, request, one.line.quote.changes ? "modification" : "purchase");
      return why === null ? [] : [`${one.ref}: ${why}`];
    }),
  );
  const all = reasons.flat();
  if (all.length === 0) return;
  throw new BuyingError(
    "governance_denied",
    `${all.join(" ")} Nobody was asked to approve, and nothing was booked.`,
    "ask_person",
  );
}
