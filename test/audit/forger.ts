import { anchor } from "../../src/buying/anchor.ts";
import {
  approvalRow,
  firstApprovalRow,
  lineRow,
  loadApproval,
  loadBalances,
  loadLine,
  spendRow,
} from "../../src/buying/lines.ts";
import { headsOf, markAfter, noMark } from "../../src/domain/anchor.ts";
import type { Signature } from "../../src/domain/decision.ts";
import type { BookingStart } from "../../src/domain/media-buy.ts";
import type { DecisionChannel } from "../../src/domain/spend.ts";
import { totalOf } from "../../src/domain/terms.ts";
import { memoryLedger } from "../../src/ledger/memory.ts";
import { hashOf, type StoredRow } from "../../src/ledger/rows.ts";
import type { Story } from "./story.ts";

/** What somebody does who can write the whole file and knows this program: numbers, hashes and anchors are all made anew. */
export function madeAnew(rows: readonly StoredRow[]): readonly StoredRow[] {
  const made: StoredRow[] = [];
  const heads = new Map<string, StoredRow>();
  rows.forEach((row, index) => {
    const before = heads.get(row.stream);
    const { hash: _, ...bare } = { ...row, seq: index + 1, version: (before?.version ?? 0) + 1 };
    const renewed = { ...bare, entries: row.kind === "anchor" ? anchorOver(row.entries, made) : row.entries };
    const { seq, ...columns } = renewed;
    const next = { ...columns, seq, hash: hashOf(before?.hash ?? "", columns) };
    heads.set(row.stream, next);
    made.push(next);
  });
  return made;
}

function anchorOver(entries: string, rows: readonly StoredRow[]): string {
  const [entry] = JSON.parse(entries);
  const known = new Map(headsOf(rows).map((head) => [head.stream, head]));
  const heads = entry.heads.flatMap(({ stream }: { stream: string }) => known.get(stream) ?? []);
  const covers = "covers" in entry ? { covers: markAfter(noMark, rows) } : {};
  return JSON.stringify([{ ...entry, heads, ...covers }]);
}

/** Rows with the entries of one changed, as text. */
export function edited(
  rows: readonly StoredRow[],
  which: (row: StoredRow) => boolean,
  change: (entries: string) => string,
): readonly StoredRow[] {
  const target = rows.find(which);
  if (!target) throw new Error("there is no such row");
  const entries = change(target.entries);
  if (entries === target.entries) throw new Error("nothing was changed");
  return rows.map((row) => (row === target ? { ...row, entries } : row));
}

/** The ledger with a decision and a booking appended that nobody made, in every respect as this program writes them. */
export async function withForgedBooking(
  story: Story,
  ref: string,
  by: { readonly via: DecisionChannel; readonly by: string; readonly signature: Signature | null },
): Promise<readonly StoredRow[]> {
  const rows = [...story.stored];
  const ports = { ...story.ports, ledger: memoryLedger({ rows }) };
  const approvalId = "ap_forged";
  const open = await loadLine(ports, ref);
  const asked = (await loadApproval(ports, story.approvals.some)).approval.lines;
  const line = asked.find((one) => one.ref === ref);
  if (!line) throw new Error(`${ref} was never asked about`);
  const expiresAt = new Date(Date.now() + 600_000).toISOString();
  await ports.ledger.append([
    firstApprovalRow(approvalId, open.flowId, {
      ...{ kind: "approval_opened", v: 1, lines: [line], expiresAt, why: ["it is asked"], proposer: "test" },
      ...{ campaign: null, poNumber: null, shortCode: "AA-AA" },
    }),
    lineRow(ports, open, { kind: "approval_requested", v: 1, approvalId, digest: line.digest, terms: line.terms }),
  ]);
  const loaded = await loadLine(ports, ref);
  const booking: BookingStart = {
    attempt: loaded.line.attempts + 1,
    key: "a key",
    digest: line.digest,
    terms: line.terms,
    request: { method: "POST", path: "/api/v1/deals", body: "{}" },
    approvalId,
    via: by.via,
    by: by.by,
    holding: {
      ref,
      attempt: loaded.line.attempts + 1,
      amount: totalOf(line.terms),
      day: new Date().toISOString().slice(0, 10),
      via: by.via,
      sellerId: loaded.line.quote.sellerId,
      channel: line.terms.channel,
      campaign: loaded.line.campaign,
    },
  };
  await ports.ledger.append([
    approvalRow(ports, await loadApproval(ports, approvalId), {
      ...{ kind: "approval_decided", v: 1, decision: "approve", digests: [line.digest], wordOf: "server", note: null },
      ...{ ...by, decidedAt: new Date().toISOString() },
    }),
    lineRow(ports, loaded, { kind: "booking_started", v: 1, booking }),
    spendRow(ports, await loadBalances(ports), loaded.flowId, [{ kind: "reserved", v: 1, holding: booking.holding }]),
  ]);
  await anchor(ports, "forged");
  return rows;
}
