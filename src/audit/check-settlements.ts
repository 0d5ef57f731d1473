import type { Signature } from "../domain/decision.ts";
import { streams } from "../domain/ids.ts";
import { whyNotNamed } from "../domain/mandate.ts";
import type { LineEvent } from "../domain/media-buy.ts";
import { type Settlement, settlementText } from "../domain/settlement.ts";
import type { SpendEvent } from "../domain/spend.ts";
import type { Row } from "../ledger/ledger.ts";
import type { Finding } from "../ledger/verify.ts";
import { type Book, besides, entriesOf, findingAt } from "./book.ts";
import { policiesIn } from "./check-bookings.ts";
import type { Signatures } from "./check-decisions.ts";

/** What a person settled or cleared, as it is in the ledger, and what stands behind it. */
export interface AuditedSettlement extends Omit<Settlement, "decidedAt"> {
  readonly ref: string;
  readonly row: Row;
  /** UTC instant; null where an earlier release wrote it. */
  readonly decidedAt: string | null;
  readonly signature: Signature | null;
  /** `signed`: it verifies; `unsigned`: of a release that kept no signature, as far as the ledger tells; `broken`: neither. */
  readonly proof: "signed" | "unsigned" | "broken";
}

type SettlingEvent =
  | Extract<LineEvent, { kind: "settled_by_person" | "mismatch_cleared" }>
  | Extract<SpendEvent, { kind: "incident_cleared" }>;

interface Said {
  readonly row: Row;
  readonly ref: string;
  readonly entry: SettlingEvent;
}

/**
 * Everything persons settled or cleared with its proof, and what is wrong with it. An entry of version 1 has no signature
 * to check. Somebody who makes every hash anew could write one in place of a signed one, so it is only believed to be old
 * where nothing signed came before it.
 */
export async function checkSettlements(
  book: Book,
  signatures: Signatures,
): Promise<{ readonly settlements: readonly AuditedSettlement[]; readonly findings: readonly Finding[] }> {
  const settlements: AuditedSettlement[] = [];
  const findings: Finding[] = [];
  const all = saidIn(book);
  // One append is written whole: what came with something signed was written by the same release.
  const signedFrom = Math.min(
    ...all
      .filter(({ entry }) => entry.v !== 1)
      .flatMap(({ row }) => book.appends.get(row.appendId) ?? [row])
      .map(({ seq }) => seq),
  );
  const broken = new Set<string>();
  const used = new Map<string, string>();
  for (const said of all) {
    const { row, ref, entry } = said;
    const problem = await wrongWith(book, said, signatures, signedFrom, used).catch(
      (error: unknown) => `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
    if (problem !== null) {
      findings.push(findingAt(row, `${deed(entry)} by ${entry.by}, ${problem}`));
      broken.add(`${row.appendId} ${ref}`);
    }
    // Both entries of a mismatch that was cleared are checked; it is one word of one person.
    const isTwice = besides(book, row, "incident_cleared").some((other) => other.entry.ref === ref);
    if (entry.kind === "mismatch_cleared" && isTwice) continue;
    if (entry.kind === "mismatch_cleared")
      findings.push(findingAt(row, "is cleared, and its incident was not with it"));
    const signature = entry.v === 1 ? null : (entry.signature ?? null);
    const proof = signature ? "signed" : "unsigned";
    settlements.push({ ...settlementOf(entry), ref, row, signature, proof });
  }
  const isBroken = ({ row, ref }: AuditedSettlement) => broken.has(`${row.appendId} ${ref}`);
  return { settlements: settlements.map((one) => (isBroken(one) ? { ...one, proof: "broken" } : one)), findings };
}

/** In order of arrival. */
function saidIn(book: Book): readonly Said[] {
  const ofLines = [...book.streams].flatMap(([stream, rows]): readonly Said[] =>
    stream.startsWith("quote/")
      ? (["settled_by_person", "mismatch_cleared"] as const).flatMap((kind) =>
          entriesOf(rows, kind).map((one) => ({ ...one, ref: stream.slice("quote/".length) })),
        )
      : [],
  );
  const cleared = entriesOf(book.streams.get(streams.spend(book.desk)) ?? [], "incident_cleared");
  const ofSpend = cleared.map((one): Said => ({ ...one, ref: one.entry.ref }));
  return [...ofLines, ...ofSpend].sort((left, right) => left.row.seq - right.row.seq);
}

/** @param used the statements seen before, and the append each came in: one word of a person ends one thing */
async function wrongWith(
  book: Book,
  { row, ref, entry }: Said,
  signatures: Signatures,
  signedFrom: number,
  used: Map<string, string>,
): Promise<string | null> {
  if (entry.v === 1) {
    if (row.seq < signedFrom) return null;
    return "without a signature, though such were signed before: an older release wrote it, or the signature was taken out";
  }
  const { signature } = entry;
  const { decidedAt, ...said } = settlementOf(entry);
  if (!signature) return "without a signature";
  if (signature.person !== entry.by) return `with a signature of ${signature.person}`;
  const text = settlementText(book.desk, ref, { ...said, decidedAt: decidedAt ?? "" });
  if (!(await signatures.verify(text, signature))) return "with a signature that does not verify";
  const before = used.get(text) ?? row.appendId;
  used.set(text, before);
  if (before !== row.appendId) return "with a signature that ended something before";
  const mandate = policiesIn(book).findLast((policy) => policy.row.seq < row.seq)?.entry.mandate;
  const stranger = mandate ? whyNotNamed(mandate, entry.by) : null;
  return stranger === null ? null : `whose word the mandate then does not count: ${stranger}`;
}

function settlementOf(entry: SettlingEvent): Omit<Settlement, "decidedAt"> & { readonly decidedAt: string | null } {
  const verdict = entry.kind !== "settled_by_person" ? "cleared" : entry.booked ? "booked" : "not_booked";
  const dealId = entry.kind === "settled_by_person" ? (entry.deal?.dealId ?? null) : null;
  const note = "note" in entry ? entry.note : "";
  return { verdict, dealId, by: entry.by, note, decidedAt: entry.v === 1 ? null : entry.decidedAt };
}

function deed(entry: SettlingEvent): string {
  if (entry.kind !== "settled_by_person") return "is cleared";
  return `is settled as ${entry.booked ? "booked" : "not booked"}`;
}
