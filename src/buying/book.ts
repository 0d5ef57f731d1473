import { type Approval, type ApprovalLine, approvalExpiry } from "../domain/approval.ts";
import { BuyingError } from "../domain/errors.ts";
import type { Ref } from "../domain/ids.ts";
import { committed, type LineStatus } from "../domain/media-buy.ts";
import { weigh } from "../domain/mandate.ts";
import { shortCode } from "../domain/terms.ts";
import type { NewRow } from "../ledger/ledger.ts";
import { voidRows } from "./approve.ts";
import { type Choice, chooseTerms } from "./choose.ts";
import { refuseForbidden } from "./governed.ts";
import { holdLine } from "./hold.ts";
import { approvalLine } from "./line-terms.ts";
import { decideAndAppend, firstApprovalRow, type LoadedLine, lineRow, loadApproval, loadLine } from "./lines.ts";
import { type Standing, standing } from "./mandate-facts.ts";
import { whyPersonDecides } from "./pins.ts";
import { adoptPolicy } from "./policy.ts";
import type { Ports } from "./ports.ts";
import { refuseBeyondProposer } from "./proposer.ts";
import { readOpenQuote } from "./reread.ts";
import { startRows } from "./start.ts";
import { verifySellers } from "./vouch.ts";

export interface BuyAsk {
  readonly refs: readonly Ref[];
  /** Bids and creatives chosen with the purchase, for some of the lines. */
  readonly choices?: readonly Choice[] | undefined;
  readonly poNumber: string | null;
  readonly campaign: string | null;
  readonly by: string;
}

/** What asking to buy came to: lines under way or bought, and the approval that stands between, if one does. */
export interface BuyOutcome {
  readonly refs: readonly Ref[];
  readonly approvalId: string | null;
  /** Lines whose sending is now due; somebody who serves sends them. */
  readonly started: readonly Ref[];
}

/**
 * Asks to buy lines. Nothing is sent to a seller here except reads: within the operator's auto-approval limits the lines
 * are started, else an approval is opened (or the open one for just these lines is found). Asking again is safe: a line
 * that is bought or under way is reported, never bought twice.
 * @throws BuyingError `unknown_quote`, `quote_expired`, `quote_superseded`, `no_mandate`, `outside_mandate`, `spending_stopped`, …
 */
export async function createMediaBuy(ports: Ports, ask: BuyAsk): Promise<BuyOutcome> {
  const refs = [...new Set(ask.refs)];
  const loaded = await Promise.all(refs.map((ref) => loadLine(ports, ref)));
  const waiting = loaded.filter(({ line }) => !isCommitted(line.status));
  if (waiting.length === 0) return { refs, approvalId: null, started: [] };
  for (const one of waiting) refuseClosed(ports, one);
  await verifySellers(ports, waiting.map(sellerOf));
  await Promise.all((ask.choices ?? []).map((choice) => chooseTerms(ports, choice)));
  await Promise.all(waiting.map((one) => readOpenQuote(ports, one.ref)));
  await adoptPolicy(ports);
  await hold(ports, ask, refs);
  if (ports.governance) {
    const open = await openLines(ports, refs);
    const lines = await Promise.all(open.map((one) => approvalLine(ports, one, ask.poNumber)));
    await weighed(ports, ask, lines);
    await refuseForbidden(ports, open, lines, ask.by);
  }
  for (let tries = 0; tries < 10; tries += 1) {
    await freeLines(ports, ask, refs);
    const outcome = await decideAndAppend(ports, () => propose(ports, ask, refs));
    if (outcome) return outcome;
  }
  throw new BuyingError(
    "conflict",
    "Other requests keep asking for the same lines. Nothing was booked.",
    "retry_later",
  );
}

async function propose(
  ports: Ports,
  ask: BuyAsk,
  refs: readonly Ref[],
): Promise<{ rows: readonly NewRow[]; result: BuyOutcome | null }> {
  const open = await openLines(ports, refs);
  if (open.length === 0) return { rows: [], result: { refs, approvalId: null, started: [] } };
  const lines = await Promise.all(open.map((one) => approvalLine(ports, one, ask.poNumber)));
  const { now, decision } = await weighed(ports, ask, lines);

  const found = await openApproval(ports, open, lines);
  if (found) return { rows: [], result: { refs, approvalId: found, started: [] } };
  // Another request took a line in between: the caller frees it and proposes again.
  if (open.some(({ line }) => line.status === "awaiting_approval")) return { rows: [], result: null };
  const careful = await whyPersonDecides(ports, open.map(sellerOf));
  if (decision.outcome === "allowed" && careful.length === 0) {
    const rows = await startRows(
      ports,
      open,
      lines,
      {
        ...{ via: "auto", by: "operator's auto-approval limits", at: ports.now().toISOString() },
        ...{ proposer: ask.by, approval: null },
      },
      now,
    );
    return { rows, result: { refs, approvalId: null, started: open.map(({ ref }) => ref) } };
  }
  const approvalId = `ap_${ports.newId().replaceAll("-", "").slice(0, 12)}`;
  const flowId = open[0]?.flowId ?? ports.newId();
  const expiresAt = approvalExpiry(
    ports.now(),
    ports.settings.approvalMinutes,
    open.map(({ line }) => line.quote.expiresAt),
  );
  const opened = firstApprovalRow(approvalId, flowId, {
    kind: "approval_opened",
    v: 1,
    lines,
    expiresAt,
    why: [...decision.reasons, ...careful],
    proposer: ask.by,
    campaign: ask.campaign ?? open[0]?.line.campaign ?? null,
    poNumber: ask.poNumber,
    shortCode: shortCode(lines.map(({ digest }) => digest)),
  });
  const asked = open.map((one, index) => {
    const line = lines[index];
    if (!line) throw new RangeError("a line without terms");
    return lineRow(ports, one, {
      kind: "approval_requested",
      v: 1,
      approvalId,
      digest: line.digest,
      terms: line.terms,
    });
  });
  return { rows: [opened, ...asked], result: { refs, approvalId, started: [] } };
}

/** Reserves what is to be asked about. What the mandate refuses anyhow is not reserved. */
async function hold(ports: Ports, ask: BuyAsk, refs: readonly Ref[]): Promise<void> {
  if (!ports.settings.holdBeforeApproval) return;
  const open = (await openLines(ports, refs)).filter(({ line }) => line.status === "open");
  await weighed(ports, ask, await Promise.all(open.map((one) => approvalLine(ports, one, ask.poNumber))));
  await Promise.all(open.map(({ ref }) => holdLine(ports, ref)));
}

/** The lines that are still to be bought, as they are now. @throws BuyingError for one that cannot be bought any more */
async function openLines(ports: Ports, refs: readonly Ref[]): Promise<readonly LoadedLine[]> {
  const all = await Promise.all(refs.map((ref) => loadLine(ports, ref)));
  const open = all.filter(({ line }) => !isCommitted(line.status));
  for (const one of open) refuseClosed(ports, one);
  return open;
}

/**
 * Lines weighed against the mandate and the limits of who asks.
 * @throws BuyingError `no_mandate`, `outside_mandate`, `spending_stopped`
 */
async function weighed(ports: Ports, ask: BuyAsk, lines: readonly ApprovalLine[]) {
  const terms = lines.map((line) => line.terms);
  const now = await standing(ports);
  const decision = weigh(now.mandate, terms, now);
  if (decision.outcome === "refused") throw refusedByMandate(now, decision.reasons);
  refuseBeyondProposer(ports, ask.by, terms, now);
  return { now, decision };
}

/** The approval that asks about just these lines on just these terms, if one is open. */
async function openApproval(
  ports: Ports,
  open: readonly LoadedLine[],
  lines: readonly ApprovalLine[],
): Promise<string | null> {
  const wanted = digestsOf(lines);
  for (const id of approvalIds(open)) {
    const { approval } = await loadApproval(ports, id);
    if (isLive(ports, approval) && digestsOf(approval.lines) === wanted) return id;
  }
  return null;
}

/**
 * Voids approvals that hold these lines on other terms or with other lines: one line is never asked about twice. Weighed
 * before it, so that who may not buy them takes them from nobody.
 */
async function freeLines(ports: Ports, ask: BuyAsk, refs: readonly Ref[]): Promise<void> {
  await decideAndAppend(ports, async () => {
    const all = await Promise.all(refs.map((ref) => loadLine(ports, ref)));
    const open = all.filter(({ line }) => !isCommitted(line.status));
    const lines = await Promise.all(open.map((one) => approvalLine(ports, one, ask.poNumber)));
    const stand = open.every(({ line }) => line.quote.state === "available");
    if (stand && (await openApproval(ports, open, lines))) return { rows: [], result: undefined };
    if (approvalIds(open).length > 0) await weighed(ports, ask, lines);
    const approvals = await Promise.all(approvalIds(open).map((id) => loadApproval(ports, id)));
    const rows = await Promise.all(approvals.map((one) => voidRows(ports, one, "a new request to buy took its place")));
    return { rows: rows.flat(), result: undefined };
  });
}

function sellerOf({ line }: LoadedLine): string {
  return line.quote.sellerId;
}

function approvalIds(lines: readonly LoadedLine[]): readonly string[] {
  return [...new Set(lines.flatMap(({ line }) => (line.approvalId ? [line.approvalId] : [])))];
}

function digestsOf(lines: readonly ApprovalLine[]): string {
  return lines
    .map(({ digest }) => digest)
    .sort()
    .join();
}

function isLive(ports: Ports, approval: Approval): boolean {
  return approval.status === "pending" && Date.parse(approval.expiresAt) > ports.now().getTime();
}

function refuseClosed(ports: Ports, { ref, line }: LoadedLine): void {
  const renewal = `Renew it with request_quote {"quote_ids":["${ref}"]}. Nothing was booked.`;
  if (line.status === "superseded") {
    throw new BuyingError(
      "quote_superseded",
      `${ref} was replaced by ${line.supersededBy ?? "a newer quote"}; buy that one. Nothing was booked.`,
      "fix_arguments",
      {
        field: "lines",
        candidates: line.supersededBy ? [line.supersededBy] : [],
      },
    );
  }
  if (line.status === "proposed")
    throw new BuyingError(
      "terms_pending",
      `On ${ref} your own terms wait for the seller. Look again with request_quote {"quote_ids":["${ref}"]}; or give them up with negotiate {"quotes":[{"quote_id":"${ref}"}],"move":"walk_away"}, and buy the quote at its own price. Nothing was booked.`,
      "wait",
      { field: "lines" },
    );
  if (line.status === "declined")
    throw new BuyingError(
      "quote_expired",
      `${ref} is closed: ${line.refusal?.why ?? "declined"}. ${renewal}`,
      "fix_arguments",
    );
  if (line.status === "cancelled")
    throw new BuyingError(
      "already_booked",
      `${ref} was booked and then cancelled; ask for a new quote. Nothing was booked.`,
      "fix_arguments",
    );
  if (Date.parse(line.quote.expiresAt) - 120_000 <= ports.now().getTime()) {
    throw new BuyingError(
      "quote_expired",
      `${ref} has expired or does within two minutes. ${renewal}`,
      "fix_arguments",
      { field: "lines" },
    );
  }
}

function isCommitted(status: LineStatus): boolean {
  return committed.includes(status);
}

function refusedByMandate({ mandate, balances }: Standing, reasons: readonly string[]): BuyingError {
  if (!mandate) {
    const example =
      '"mandate": {"currency": "USD", "per_buy": "50000.00 USD", "per_day": "100000.00 USD", "max_cpm": "35.00 USD", "min_trust": "registered", "time_zone": "UTC", "channels": {"terminal": {"per_buy": "50000.00 USD", "per_day": "100000.00 USD"}}}';
    return new BuyingError(
      "no_mandate",
      `This desk has no mandate, so nothing may be spent. The operator adds to the config: ${example}. Nothing was booked.`,
      "ask_person",
    );
  }
  const incident = balances.incidents.length > 0;
  const code = incident ? "spending_stopped" : "outside_mandate";
  return new BuyingError(
    code,
    `The mandate refuses this: ${reasons.join("; ")}. Nothing was booked.`,
    incident ? "ask_person" : "fix_arguments",
  );
}
