import type { Ref } from "../domain/ids.ts";
import type { Quote, QuoteRequest } from "../domain/quote.ts";
import { digestOf, noWorse, termsOf } from "../domain/terms.ts";
import type { NewRow } from "../ledger/ledger.ts";
import { voidRows } from "./approve.ts";
import { termsContext } from "./line-terms.ts";
import { approvalRow, type LoadedLine, lineRow, loadApproval } from "./lines.ts";
import type { Ports } from "./ports.ts";

/**
 * The rows by which a renewed quote takes an old one's place. A person who is being asked about the old one goes on being
 * asked, if the new one is on the same terms or cheaper; else that approval is void.
 */
export async function renewalRows(
  ports: Ports,
  old: LoadedLine,
  first: NewRow,
  quote: Quote,
  request: QuoteRequest,
): Promise<readonly NewRow[]> {
  const { ref: oldRef, line } = old;
  const { approvalId } = line;
  if (!approvalId) return [first, lineRow(ports, old, superseded(quote.ref))];
  const approval = await loadApproval(ports, approvalId);
  const shown = approval.approval.lines.find(({ ref }) => ref === oldRef);
  const live = approval.approval.status === "pending" && shown !== undefined;
  const record = await ports.directory.find(quote.sellerId);
  const now = termsOf(quote, request, termsContext(ports, record, old.line.campaign, approval.approval.poNumber));
  if (live && (digestOf(now) === shown.digest || noWorse(shown.terms, now))) {
    const asked = {
      kind: "approval_requested" as const,
      v: 1 as const,
      approvalId,
      digest: shown.digest,
      terms: shown.terms,
    };
    const begun: NewRow = { ...first, status: "awaiting_approval", entries: [...first.entries, asked] };
    const moved = approvalRow(ports, approval, { kind: "approval_line_renewed", v: 1, from: oldRef, to: quote.ref });
    return [begun, lineRow(ports, old, superseded(quote.ref)), moved];
  }
  const why = `${oldRef} was renewed on other terms`;
  const others = (await voidRows(ports, approval, why)).filter(({ stream }) => stream !== `quote/${oldRef}`);
  return [first, closedAndSuperseded(ports, old, approvalId, why, quote.ref), ...others];
}

function superseded(by: Ref) {
  return { kind: "superseded" as const, v: 1 as const, by };
}

function closedAndSuperseded(ports: Ports, old: LoadedLine, approvalId: string, why: string, by: Ref): NewRow {
  return lineRow(ports, old, { kind: "approval_closed", v: 1, approvalId, why }, superseded(by));
}
