import type { Approval, ApprovalEvent, ProvableDecision } from "../domain/approval.ts";
import { type Signature, signedChannels, statementText } from "../domain/decision.ts";
import { streams } from "../domain/ids.ts";
import { decisionChannels } from "../domain/spend.ts";
import { digestOf } from "../domain/terms.ts";
import type { Row } from "../ledger/ledger.ts";
import type { Finding } from "../ledger/verify.ts";
import { besides, type Book, findingAt, guarded, type Step } from "./book.ts";

/** Checks a signature over a text against keys that are kept outside the ledger. */
export interface Signatures {
  verify(text: string, signature: Signature): Promise<boolean>;
}

/** A person's decision as it is in the ledger, and what stands behind it. */
export interface AuditedDecision extends ProvableDecision {
  readonly approvalId: string;
  readonly row: Row;
  readonly decision: "approve" | "reject";
  /** True for the first of two people: the second one decides. */
  readonly isFirst: boolean;
  /** `signed`: it verifies; `word`: the channel has no secret, so it is the client's word; `broken`: neither. */
  readonly proof: "signed" | "word" | "broken";
}

type DecisionEvent = Extract<ApprovalEvent, { kind: "approval_decided" | "approval_endorsed" }>;

/** Every decision of a ledger with its proof, and what is wrong with approvals and decisions. */
export async function checkDecisions(
  book: Book,
  signatures: Signatures,
): Promise<{ readonly decisions: readonly AuditedDecision[]; readonly findings: readonly Finding[] }> {
  const decisions: AuditedDecision[] = [];
  const findings: Finding[] = [];
  for (const [approvalId, { steps, broken }] of book.approvals) {
    if (broken) findings.push(broken);
    for (const step of steps) {
      const { row, entry, before } = step;
      if (entry.kind === "approval_opened") findings.push(...guarded(row, () => checkOpened(book, row, step.after)));
      if ((entry.kind !== "approval_decided" && entry.kind !== "approval_endorsed") || !before) continue;
      const proof = await proofOf(book.desk, approvalId, before, entry, signatures);
      const { digests, via, by, note, decidedAt, signature } = entry;
      const decision = entry.kind === "approval_decided" ? entry.decision : "approve";
      const isFirst = entry.kind === "approval_endorsed";
      const said = { decision, isFirst, digests, via, by, note, decidedAt, signature };
      decisions.push({ approvalId, row, ...said, proof: proof.kind });
      if (proof.kind === "broken") findings.push(findingAt(row, proof.why));
      findings.push(...guarded(row, () => checkDecided(book, { ...step, entry, before })));
    }
  }
  return { decisions, findings };
}

type Proof = { readonly kind: "signed" | "word" } | { readonly kind: "broken"; readonly why: string };

async function proofOf(
  desk: string,
  approvalId: string,
  approval: Approval,
  entry: DecisionEvent,
  signatures: Signatures,
): Promise<Proof> {
  const { via, by, note, decidedAt, signature } = entry;
  const broken = (why: string): Proof => ({ kind: "broken", why: `is decided by ${by} through ${via}${why}` });
  if (!decisionChannels.includes(via) || via === "auto") return broken(", which is no channel of a person");
  if (!signature) return signedChannels.includes(via) ? broken(", without a signature") : { kind: "word" };
  if (signature.person !== by) return broken(`, with a signature of ${signature.person}`);
  if ((signature.kind === "passkey") !== (via === "passkey")) return broken(`, with a signature by ${signature.kind}`);
  try {
    const text = statementText({
      v: 1,
      desk,
      approval_id: approvalId,
      decision: entry.kind === "approval_decided" ? entry.decision : "approve",
      digests: entry.digests,
      via,
      by,
      note,
      decided_at: decidedAt,
      expires_at: approval.expiresAt,
    });
    if (await signatures.verify(text, signature)) return { kind: "signed" };
  } catch (error) {
    return broken(`, with a signature that cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return broken(", with a signature that does not verify");
}

function checkOpened(book: Book, row: Row, { lines }: Approval): readonly Finding[] {
  return lines.flatMap(({ ref, digest, terms }) => [
    ...(digestOf(terms) === digest ? [] : [findingAt(row, `shows terms of ${ref} that have another digest`)]),
    ...(terms.desk === book.desk ? [] : [findingAt(row, `shows terms of ${ref} for desk ${terms.desk}`)]),
  ]);
}

function checkDecided(
  book: Book,
  { row, entry, before, after }: Step<DecisionEvent, Approval> & { readonly before: Approval },
): readonly Finding[] {
  const found: Finding[] = [];
  const late = Date.parse(entry.decidedAt) > Date.parse(before.expiresAt);
  if (late || !Number.isFinite(Date.parse(entry.decidedAt)))
    found.push(findingAt(row, `was decided at ${entry.decidedAt}, and was open until ${before.expiresAt}`));
  if (entry.kind === "approval_endorsed" || entry.decision === "reject") return found;
  // Decision, start and held money are one append, so an approved line that was not started was cut off or never was.
  const started = besides(book, row, "booking_started");
  for (const { ref, digest } of after.lines) {
    const stream = streams.quote(ref);
    if (!entry.digests.includes(digest) || book.withheld.has(stream)) continue;
    if (!started.some((one) => one.row.stream === stream && one.entry.booking.digest === digest))
      found.push(findingAt(row, `approves ${ref}, and its booking was not started with it`));
  }
  return found;
}
