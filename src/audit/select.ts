import type { Row } from "../ledger/ledger.ts";
import type { Link } from "../ledger/verify.ts";
import { type Book, bookOf, entriesOf } from "./book.ts";

/** What of a ledger is to be shown. */
export interface Scope {
  /** The planner's label on quotes, or on the request to buy them; null = every campaign. */
  readonly campaign: string | null;
  /** UTC instants: streams in which something happened from `since` on, and before `until`; null = no end. */
  readonly since: string | null;
  readonly until: string | null;
}

/**
 * The part of a ledger that a scope shows, so that it can be verified from that part alone: streams are shown whole or not
 * at all; of a row that is not shown its place and hash stay, for the anchors cover it; what came after `until` is left
 * out, as it was not there then. The desk's spend, anchors and mandates are always shown.
 * @returns null when nothing of the ledger is in the scope
 */
export function select(desk: string, rows: readonly Row[], scope: Scope): readonly Link[] | null {
  const { campaign, since, until } = scope;
  if (campaign === null && since === null && until === null) return rows.length > 0 ? rows : null;
  const last = until === null ? rows.at(-1) : rows.findLast(({ at }) => Date.parse(at) < Date.parse(until));
  const then = rows.filter(({ seq }) => seq <= (last?.seq ?? 0));
  const book = bookOf(desk, then);
  const active = new Set(then.filter((row) => since === null || Date.parse(row.at) >= Date.parse(since)).map(streamOf));
  const shown = shownStreams(book, active, campaign);
  if (shown.size === 0) return null;
  const isShown = ({ stream, kind }: Row) => alwaysShown.includes(kind) || shown.has(stream);
  return then.map((row) =>
    isShown(row) ? row : { seq: row.seq, stream: row.stream, version: row.version, hash: row.hash, withheld: true },
  );
}

/** Kinds of streams without which the rest cannot be judged. */
export const alwaysShown: readonly string[] = ["spend", "anchor", "policy"];

function shownStreams(book: Book, active: ReadonlySet<string>, campaign: string | null): ReadonlySet<string> {
  const labelled = new Set(
    [...book.approvals].filter(([, { state }]) => state?.campaign === campaign).map(([approvalId]) => approvalId),
  );
  const asked = new Set(
    [...labelled].flatMap((id) => book.approvals.get(id)?.state?.lines.map(({ ref }) => ref) ?? []),
  );
  const lines = [...book.lines]
    .filter(([ref]) => active.has(`quote/${ref}`))
    .filter(([ref, { state }]) => campaign === null || state?.campaign === campaign || asked.has(ref))
    .map(([ref]) => ref);
  const refs = new Set(lines);
  const approvals = [...book.approvals]
    .filter(([id, { rows }]) => {
      if (campaign === null ? active.has(`approval/${id}`) : labelled.has(id) && active.has(`approval/${id}`))
        return true;
      // Whatever was asked about a line that is shown is part of its story, lines that it lost on the way included.
      return entriesOf(rows, "approval_opened").some(({ entry }) => entry.lines.some(({ ref }) => refs.has(ref)));
    })
    .map(([id]) => `approval/${id}`);
  const requested = lines.flatMap((ref) =>
    entriesOf(book.lines.get(ref)?.rows ?? [], "approval_requested").map(({ entry }) => `approval/${entry.approvalId}`),
  );
  const deals = [...book.streams]
    .filter(([, rows]) => entriesOf(rows, "deal_claimed").some(({ entry }) => refs.has(entry.ref)))
    .map(([stream]) => stream);
  const plans = [...book.campaigns]
    .filter(([id, { state }]) => active.has(`campaign/${id}`) && (campaign === null || state?.brief.name === campaign))
    .map(([id]) => `campaign/${id}`);
  const pins = campaign === null ? [...active].filter((stream) => stream.startsWith("pin/")) : [];
  return new Set([...lines.map((ref) => `quote/${ref}`), ...approvals, ...requested, ...deals, ...plans, ...pins]);
}

function streamOf({ stream }: Row): string {
  return stream;
}
