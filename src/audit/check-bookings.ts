import type { Approval } from "../domain/approval.ts";
import { beyondApproved, ceilingOf } from "../domain/ceiling.ts";
import { signedChannels } from "../domain/decision.ts";
import { streams } from "../domain/ids.ts";
import { trustLevels } from "../domain/identity.ts";
import { channelShortfall, type Mandate, personsNeeded, weigh } from "../domain/mandate.ts";
import type { BookingStart } from "../domain/media-buy.ts";
import { displayMoney } from "../domain/money.ts";
import { loosened, policyDigest, policyStatement } from "../domain/policy.ts";
import { noBalances } from "../domain/spend.ts";
import type { PolicyEvent } from "../ledger/entries.ts";
import type { Row } from "../ledger/ledger.ts";
import type { Finding } from "../ledger/verify.ts";
import { besides, type Book, entriesOf, findingAt, guarded } from "./book.ts";
import type { Signatures } from "./check-decisions.ts";
import { carriedBalances } from "./check-money.ts";

interface Started {
  readonly row: Row;
  readonly ref: string;
  readonly booking: BookingStart;
}

/**
 * Whether every booking that was started had a decision on exactly its digest, in the same append, within the mandate of
 * that moment: the last one adopted before it, else `mandate`. Trust and domains of sellers then are not in the ledger,
 * so what rests on them is not judged.
 */
export function checkBookings(book: Book, mandate: Mandate | null): readonly Finding[] {
  const starts = [...book.lines].flatMap(([ref, { steps }]) =>
    steps.flatMap(({ row, entry }): readonly Started[] =>
      entry.kind === "booking_started" ? [{ row, ref, booking: entry.booking }] : [],
    ),
  );
  const together = new Map<string, Started[]>();
  for (const start of starts) together.set(start.row.appendId, [...(together.get(start.row.appendId) ?? []), start]);
  return [
    ...starts.flatMap((start) => guarded(start.row, () => checkDecision(book, start))),
    ...[...together.values()].flatMap((group) => {
      const [first] = group;
      return first ? guarded(first.row, () => checkLimits(book, group, mandate)) : [];
    }),
  ];
}

/** What the mandates that were adopted are worth: each is what its digest says, and a looser one was signed. */
export async function checkPolicies(book: Book, signatures: Signatures): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  let before: Mandate | null = null;
  for (const { row, entry } of policiesIn(book)) {
    const check = await wrongWith(book.desk, entry, before, signatures).catch(
      (error: unknown) => `makes no sense: ${error}`,
    );
    if (check !== null) findings.push(findingAt(row, check));
    before = entry.mandate;
  }
  return findings;
}

async function wrongWith(
  desk: string,
  { digest, mandate, by, signature }: PolicyEvent,
  before: Mandate | null,
  signatures: Signatures,
): Promise<string | null> {
  if (policyDigest(mandate) !== digest) return "adopts a mandate that has another digest";
  const looser = before ? loosened(before, mandate) : [];
  if (looser.length === 0 && signature === null) return null;
  if (signature?.person === by && (await signatures.verify(policyStatement(desk, mandate, before), signature)))
    return null;
  return `adopts a mandate without a signature of ${by} that verifies${looser.length > 0 ? `, and it allows more: ${looser.join("; ")}` : ""}`;
}

/** The mandates a desk adopted, oldest first. */
export function policiesIn(book: Book): readonly { readonly row: Row; readonly entry: PolicyEvent }[] {
  return entriesOf(book.streams.get(streams.policy(book.desk)) ?? [], "policy_adopted");
}

function checkDecision(book: Book, { row, ref, booking }: Started): readonly Finding[] {
  const { approvalId, via, digest, under } = booking;
  if (under !== undefined) return checkCovered(book, row, under, booking);
  if (approvalId === null)
    return via === "auto" ? [] : [findingAt(row, `was started through ${via} without an approval`)];
  const stream = streams.approval(approvalId);
  const approval = book.approvals.get(approvalId);
  if (!approval?.state) return [findingAt(row, `was started on ${approvalId}, and ${stream} is missing`)];
  const decided = besides(book, row, "approval_decided").find((one) => one.row.stream === stream);
  const covers =
    decided?.entry.decision === "approve" &&
    decided.entry.digests.includes(digest) &&
    approval.state.lines.some((line) => line.ref === ref && line.digest === digest);
  if (!covers) return [findingAt(row, `was started without a decision in ${approvalId} on exactly its terms`)];
  return decided.entry.via === via
    ? []
    : [findingAt(row, `was started through ${via}, decided through ${decided.entry.via}`)];
}

/** A change under its buy's approval was, at that moment, within what was approved of the buy. */
function checkCovered(
  book: Book,
  row: Row,
  under: string,
  { terms, approvalId, via }: BookingStart,
): readonly Finding[] {
  if (book.withheld.has(streams.quote(under))) return [];
  const buy = book.lines.get(under)?.steps.findLast((step) => step.row.seq < row.seq)?.after;
  const ceiling = buy && ceilingOf(buy);
  const isItsOwn =
    terms.changes?.media_buy === under && buy?.booking?.approvalId === approvalId && buy.booking.via === via;
  if (!ceiling || !isItsOwn) return [findingAt(row, `was started under ${under}, which it does not change`)];
  return beyondApproved(ceiling, terms).map((why) =>
    findingAt(row, `was started without an approval of its own: ${why}`),
  );
}

/** The lines that were started together, weighed as they were then. */
function checkLimits(book: Book, group: readonly Started[], today: Mandate | null): readonly Finding[] {
  const [first] = group;
  // What commits nothing more is not weighed again: less may be bought under any mandate.
  if (!first || first.booking.under !== undefined) return [];
  const { row, booking } = first;
  const adopted = policiesIn(book).findLast((policy) => policy.row.seq < row.seq)?.entry.mandate;
  const mandate = adopted ?? today;
  const spend = book.streams.get(streams.spend(book.desk)) ?? [];
  const index = spend.findIndex(({ appendId }) => appendId === row.appendId);
  // Without the spend stream there is nothing to weigh against; that it is missing is found elsewhere.
  if (!mandate || index < 0) return [];
  const name = adopted ? `the mandate then, version ${mandate.version}` : "the mandate of the config given here";
  const balances = carriedBalances(spend[index - 1]) ?? noBalances(mandate.currency);
  const trust = trustLevels.at(-1) ?? "unknown";
  const facts = { balances, day: booking.holding.day, trust: () => trust, domain: () => "" };
  const terms = group.map((one) => one.booking.terms);
  const person = booking.via === "auto" ? null : booking.by;
  const weighed = weigh(mandate, terms, facts);
  const shortfall = weighed.outcome === "refused" ? null : channelShortfall(mandate, booking.via, terms, facts, person);
  const reasons = [
    ...(weighed.outcome === "refused" ? weighed.reasons : []),
    ...(shortfall ? [shortfall] : []),
    ...(booking.approvalId === null
      ? []
      : personProblems(mandate, group, book.approvals.get(booking.approvalId)?.state)),
  ];
  const total = displayMoney(booking.holding.amount);
  return reasons.map((reason) => findingAt(row, `started ${total}, which ${name} does not allow: ${reason}`));
}

function personProblems(
  mandate: Mandate,
  group: readonly Started[],
  approval: Approval | null | undefined,
): readonly string[] {
  if (!approval?.decided) return [];
  const { proposer, endorsed, decided } = approval;
  const terms = group.map(({ booking }) => booking.terms);
  // How the second one decided is weighed with the channel; that the signatures verify, with the decisions.
  const another = endorsed && signedChannels.includes(endorsed.via) && endorsed.by !== decided.by;
  const first = another ? endorsed.digests : [];
  const both = group.every(({ booking }) => first.includes(booking.digest));
  return [
    ...(!mandate.proposerMayApprove && decided.by === proposer
      ? [`proposer_may_approve is false, and ${proposer} asked for it`]
      : []),
    ...(personsNeeded(mandate, terms) === 2 && !both
      ? ["two_persons_above asks for two people with a PIN or passkey, and one decided"]
      : []),
  ];
}
