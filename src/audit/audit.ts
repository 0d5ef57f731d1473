import { type Mark, markText, noMark } from "../domain/anchor.ts";
import { streams } from "../domain/ids.ts";
import type { Mandate } from "../domain/mandate.ts";
import {
  anchorsIn,
  type Finding,
  type Link,
  marksOf,
  verifyAnchors,
  verifyChain,
  verifyOrder,
} from "../ledger/verify.ts";
import { type Book, bookOf, findingAt, guarded } from "./book.ts";
import { checkBookings, checkPolicies } from "./check-bookings.ts";
import { type AuditedDecision, checkDecisions, type Signatures } from "./check-decisions.ts";
import { checkLines } from "./check-lines.ts";
import { checkMoney } from "./check-money.ts";
import { type AuditedSettlement, checkSettlements } from "./check-settlements.ts";
import { alwaysShown } from "./select.ts";

/** What a ledger is held against: everything here is kept outside of it. */
export interface Against {
  readonly signatures: Signatures;
  /** The mandate of the config, for bookings before which the ledger adopted none. */
  readonly mandate: Mandate | null;
  /** Marks that somebody noted earlier, as `markText` writes them; 16 hex digits of the root are enough. */
  readonly noted: readonly string[];
  /** True for a part that ends before the ledger does: its last booking need not have its anchor. */
  readonly endsEarly?: boolean;
}

/** What an audit found, and what it looked at. */
export interface AuditReport {
  readonly book: Book;
  /** Everything that is off; empty for a ledger that holds. */
  readonly findings: readonly Finding[];
  readonly decisions: readonly AuditedDecision[];
  /** What persons settled or cleared, in order of arrival. */
  readonly settlements: readonly AuditedSettlement[];
  /** The newest anchor with a mark. */
  readonly anchor: { readonly version: number; readonly at: string; readonly mark: Mark } | null;
  /** The mark of everything that is there. */
  readonly now: Mark;
  /** Rows no anchor covers yet: the newest of them could be cut off unseen. */
  readonly unanchored: number;
}

/**
 * Audits a ledger: chain, anchors, signatures, that every booking was decided on exactly its terms and within the mandate
 * of its time, that nothing was sent twice against the rules, that the money adds up. Never throws for what a ledger holds.
 * @param links in order of arrival, as they were stored
 */
export async function audit(desk: string, links: readonly Link[], against: Against): Promise<AuditReport> {
  const book = bookOf(desk, links);
  const { decisions, findings: ofDecisions } = await checkDecisions(book, against.signatures);
  const { settlements, findings: ofSettlements } = await checkSettlements(book, against.signatures);
  const marks = marksOf(links);
  const anchors = anchorsIn(links).filter(({ row }) => row.stream === streams.anchor(desk));
  const newest = anchors.findLast(({ mark }) => mark !== null);
  const covered = newest?.mark?.upTo ?? 0;
  const now = marks.get(links.at(-1)?.seq ?? 0) ?? noMark;
  const findings = [
    ...verifyChain(links),
    ...verifyOrder(links),
    ...unread(links),
    ...verifyAnchors(links),
    ...checkAnchored(book, against.endsEarly ? Number.POSITIVE_INFINITY : covered, anchors),
    ...checkNoted(against.noted, marks),
    ...ofDecisions,
    ...ofSettlements,
    ...checkBookings(book, against.mandate),
    ...(await checkPolicies(book, against.signatures)),
    ...checkLines(book),
    ...[...book.campaigns.values()].flatMap(({ broken }) => broken ?? []),
    ...checkMoney(book),
  ];
  return {
    book,
    findings: unique(findings),
    decisions,
    settlements,
    anchor: newest?.mark ? { version: newest.row.version, at: newest.row.at, mark: newest.mark } : null,
    now,
    unanchored: links.filter(({ seq }) => seq > covered).length,
  };
}

/** Rows whose entries are not what any release writes; lines, approvals and campaigns that hold one say so themselves. */
function unread(links: readonly Link[]): readonly Finding[] {
  return links.flatMap((link) => {
    if (!("entries" in link)) {
      const isNeeded = alwaysShown.includes(link.stream.slice(0, link.stream.indexOf("/")));
      return isNeeded ? [findingAt(link, "is withheld, and nothing can be judged without it")] : [];
    }
    if (link.entries.length === 0 && link.unknown === null)
      return [findingAt(link, "holds no entry; none is ever written so")];
    if (link.unknown === null || /^(quote|approval|campaign)\//.test(link.stream)) return [];
    return [findingAt(link, `holds "${link.unknown}", which this release does not know and cannot check`)];
  });
}

/** Each booking is followed by an anchor; where none is, the process ended in that moment, or the anchors were cut. */
function checkAnchored(book: Book, covered: number, anchors: ReturnType<typeof anchorsIn>): readonly Finding[] {
  const named = new Map<string, number>();
  for (const { heads } of anchors)
    for (const { stream, version } of heads ?? []) named.set(stream, Math.max(version, named.get(stream) ?? 0));
  const strangers = anchorsIn(book.links).filter(({ row }) => row.stream !== streams.anchor(book.desk));
  return [
    ...strangers.map(({ row }) => findingAt(row, `is an anchor outside of ${streams.anchor(book.desk)}`)),
    ...[...book.lines.values()].flatMap(({ steps }) =>
      steps.flatMap(({ row, entry }) =>
        guarded(row, () => {
          if (entry.kind !== "booking_confirmed" && entry.kind !== "booking_mismatched") return [];
          if (row.seq <= covered || row.version <= (named.get(row.stream) ?? 0)) return [];
          return [
            findingAt(
              row,
              "was booked, and no anchor follows: the newest anchors are missing, or the process ended just then",
            ),
          ];
        }),
      ),
    ),
  ];
}

function checkNoted(noted: readonly string[], marks: ReadonlyMap<number, Mark>): readonly Finding[] {
  return noted.flatMap((text) => {
    const [, upTo = "0", root = ""] = /^(\d{1,15})-([0-9a-f]{16,64})$/.exec(text.trim()) ?? [];
    const mark = marks.get(Number(upTo));
    if (root !== "" && mark?.root.startsWith(root)) return [];
    const what =
      root === ""
        ? `"${text}" is no mark; one looks like ${markText({ upTo: 42, rows: 42, root: "0123456789abcdef" })}`
        : `the mark ${text} that was noted does not hold: the ledger up to there is not the one it was noted for`;
    return [{ stream: "ledger", version: Number(upTo), what }];
  });
}

function unique(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Map(findings.map((one) => [`${one.stream} ${one.version} ${one.what}`, one]));
  return [...seen.values()];
}
