import type { Approval, ApprovalEvent } from "../domain/approval.ts";
import { approvedDigests } from "../domain/decision.ts";
import { BuyingError } from "../domain/errors.ts";
import type { Ref } from "../domain/ids.ts";
import type { LineEvent } from "../domain/media-buy.ts";
import { differences, noWorse } from "../domain/terms.ts";
import type { NewRow } from "../ledger/ledger.ts";
import { endHold } from "./hold.ts";
import { approvalLine } from "./line-terms.ts";
import {
  approvalRow,
  decideAndAppend,
  type LoadedApproval,
  type LoadedLine,
  lineRow,
  loadApproval,
  loadLine,
} from "./lines.ts";
import { checkProof, type PersonsDecision, weighDecision } from "./decision.ts";
import { standing } from "./mandate-facts.ts";
import { pinRows } from "./pins.ts";
import { adoptPolicy } from "./policy.ts";
import type { Ports } from "./ports.ts";
import { refuseBeyondProposer, refuseUnentitled } from "./proposer.ts";
import { readOpenQuote } from "./reread.ts";
import { startRows } from "./start.ts";
import { verifySellers } from "./vouch.ts";

export interface DecisionOutcome {
  readonly approval: Approval;
  /** Lines that are now to be sent; none when a second person is still to approve. */
  readonly started: readonly Ref[];
}

/**
 * Records a person's decision, once. Directly before, everything it rests on is read again: the approval, its lines,
 * the mandate, trust and expiry; and the quotes at their sellers too, unless `readSellers` is false (the terminal never
 * calls a seller: the sender reads the quote again before it sends). Decision, start and reservation are one append.
 * @throws BuyingError `approval_used`, `approval_expired`, `signature_invalid`, `terms_changed`, `outside_mandate`, `spending_stopped`
 */
export async function decide(
  ports: Ports,
  approvalId: string,
  decision: PersonsDecision,
  readSellers: boolean,
): Promise<DecisionOutcome> {
  const { approval } = await loadApproval(ports, approvalId);
  refuseDecided(ports, approval);
  refuseUnentitled(ports, approval, decision);
  await checkProof(ports, approval, decision);
  await adoptPolicy(ports);
  if (decision.decision === "reject") {
    const rejected = await reject(ports, approvalId, decision);
    if (readSellers) await endHolds(ports, approval, "rejected by a person");
    return rejected;
  }
  await verifySellers(
    ports,
    approval.lines.map(({ terms }) => terms.seller.id),
  );
  if (readSellers) await Promise.all(approval.lines.map(({ ref }) => readOpenQuote(ports, ref)));
  const changed = await decideAndAppend(ports, () => approveRows(ports, approvalId, decision));
  if (readSellers) await endHolds(ports, approval, changed.void?.message ?? "not among the lines approved");
  if (changed.void) throw changed.void;
  return { approval: (await loadApproval(ports, approvalId)).approval, started: changed.started };
}

/** Closes an approval whose time is over, and gives its lines back. */
export async function expireApproval(ports: Ports, approvalId: string): Promise<void> {
  const why = "nobody decided in time";
  const approval = await decideAndAppend(ports, async () => {
    const loaded = await loadApproval(ports, approvalId);
    const live = loaded.approval.status === "pending" && Date.parse(loaded.approval.expiresAt) <= ports.now().getTime();
    return { rows: live ? await voidRows(ports, loaded, why) : [], result: live ? loaded.approval : null };
  });
  if (approval) await endHolds(ports, approval, why);
}

/** What was reserved for an approval and is not bought by it goes back to its seller. */
async function endHolds(ports: Ports, { lines }: Approval, why: string): Promise<void> {
  await Promise.all(lines.map(({ ref }) => endHold(ports, ref, why)));
}

async function reject(ports: Ports, approvalId: string, decision: PersonsDecision): Promise<DecisionOutcome> {
  await decideAndAppend(ports, async () => {
    const loaded = await loadApproval(ports, approvalId);
    refuseDecided(ports, loaded.approval);
    const decided = approvalRow(ports, loaded, decidedEvent(decision, []));
    return { rows: [decided, ...(await givenBack(ports, loaded, "rejected by a person"))], result: undefined };
  });
  return { approval: (await loadApproval(ports, approvalId)).approval, started: [] };
}

async function approveRows(
  ports: Ports,
  approvalId: string,
  decision: PersonsDecision,
): Promise<{ rows: readonly NewRow[]; result: { void: BuyingError | null; started: readonly Ref[] } }> {
  const loaded = await loadApproval(ports, approvalId);
  const { approval } = loaded;
  refuseDecided(ports, approval);
  const lines = await Promise.all(approval.lines.map(({ ref }) => loadLine(ports, ref)));
  const worse = await whatChanged(ports, approval, lines);
  if (worse) {
    const error = new BuyingError(
      "terms_changed",
      `${worse}. The approval is void; ask to buy again for a fresh one. Nothing was booked.`,
      "ask_person",
    );
    return { rows: await voidRows(ports, loaded, worse), result: { void: error, started: [] } };
  }
  const digests = approvedDigests(approval, decision.digests);
  const chosen = approval.lines.filter(({ digest }) => digests.includes(digest));
  const now = await standing(ports);
  refuseBeyondProposer(
    ports,
    approval.proposer,
    chosen.map((line) => line.terms),
    now,
  );
  const weight = weighDecision(
    now,
    approval,
    chosen.map((line) => line.terms),
    decision,
    digests,
  );
  const { via, by } = decision;
  if (weight === "endorses") {
    const { note, decidedAt, signature } = decision;
    const first = approvalRow(ports, loaded, {
      kind: "approval_endorsed",
      v: 1,
      digests,
      via,
      by,
      note,
      decidedAt,
      signature,
      ...overConnection(decision),
    });
    return { rows: [first], result: { void: null, started: [] } };
  }
  const started = lines.filter(({ ref }) => chosen.some((line) => line.ref === ref));
  const rest = lines.filter((one) => !started.includes(one));
  const sellers = started.map(({ line }) => line.quote.sellerId);
  const rows = [
    approvalRow(ports, loaded, decidedEvent(decision, digests)),
    ...(await pinRows(ports, sellers, { approvalId, by, flowId: loaded.flowId })),
    ...(await startRows(
      ports,
      started,
      chosen,
      { via, by, at: decision.decidedAt, proposer: approval.proposer, approval },
      now,
    )),
    ...rest.map((one) =>
      lineRow(ports, one, { kind: "approval_closed", v: 1, approvalId, why: "not among the lines approved" }),
    ),
  ];
  return { rows, result: { void: null, started: started.map(({ ref }) => ref) } };
}

function decidedEvent(decision: PersonsDecision, digests: readonly string[]): ApprovalEvent {
  const { via, by, wordOf, note, decidedAt, signature } = decision;
  return {
    kind: "approval_decided",
    v: 1,
    decision: decision.decision,
    digests,
    via,
    by,
    wordOf,
    note,
    decidedAt,
    signature,
    ...overConnection(decision),
  };
}

function overConnection({ principal }: PersonsDecision): { readonly principal?: string } {
  return principal === null ? {} : { principal };
}

/** Why the lines are no longer those that were shown, in our words; null when they are, or cost less. */
async function whatChanged(ports: Ports, approval: Approval, lines: readonly LoadedLine[]): Promise<string | null> {
  for (const shown of approval.lines) {
    const loaded = lines.find(({ ref }) => ref === shown.ref);
    if (loaded?.line.status !== "awaiting_approval" || loaded.line.approvalId !== approval.approvalId) {
      return `${shown.ref} is ${loaded?.line.status.replaceAll("_", " ") ?? "gone"} by now`;
    }
    const { state, expiresAt } = loaded.line.quote;
    if (state !== "available") return `${shown.ref} is ${state} at the seller by now`;
    if (Date.parse(expiresAt) <= ports.now().getTime()) return `${shown.ref} has expired`;
    const now = await approvalLine(ports, loaded, approval.poNumber);
    if (now.digest === shown.digest || noWorse(shown.terms, now.terms)) continue;
    const first = differences(shown.terms, now.terms)[0];
    return `${shown.ref} changed: ${first?.field ?? "terms"} was ${first?.approved ?? "?"} and is ${first?.now ?? "?"} now`;
  }
  return null;
}

/** Rows that void a pending approval and give its lines back; none when it is decided already. */
export async function voidRows(ports: Ports, loaded: LoadedApproval, why: string): Promise<readonly NewRow[]> {
  if (loaded.approval.status !== "pending") return [];
  return [approvalRow(ports, loaded, { kind: "approval_voided", v: 1, why }), ...(await givenBack(ports, loaded, why))];
}

async function givenBack(ports: Ports, { approval }: LoadedApproval, why: string): Promise<readonly NewRow[]> {
  const lines = await Promise.all(approval.lines.map(({ ref }) => loadLine(ports, ref)));
  return lines
    .filter(({ line }) => line.status === "awaiting_approval" && line.approvalId === approval.approvalId)
    .map((one) => {
      const closed: LineEvent = { kind: "approval_closed", v: 1, approvalId: approval.approvalId, why };
      const { state } = one.line.quote;
      if (state === "available") return lineRow(ports, one, closed);
      return lineRow(ports, one, closed, { kind: "quote_declined", v: 1, why: `the seller says it is ${state}` });
    });
}

function refuseDecided(ports: Ports, approval: Approval): void {
  const { approvalId, status } = approval;
  if (status === "void")
    throw new BuyingError(
      "terms_changed",
      `${approvalId} is void: ${approval.voidWhy ?? "closed"}. Ask to buy again for a fresh one. Nothing was booked.`,
      "ask_person",
    );
  if (status !== "pending")
    throw new BuyingError(
      "approval_used",
      `${approvalId} was decided before (${status}); a decision counts once. Nothing more was booked.`,
      "none",
    );
  if (Date.parse(approval.expiresAt) <= ports.now().getTime()) {
    throw new BuyingError(
      "approval_expired",
      `${approvalId} expired at ${approval.expiresAt}; ask to buy again. Nothing was booked.`,
      "ask_person",
    );
  }
}
