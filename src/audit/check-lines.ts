import { bookedDifferences } from "../domain/booked.ts";
import { refOf, streams } from "../domain/ids.ts";
import type { Deal } from "../domain/deal.ts";
import type { Line, LineEvent } from "../domain/media-buy.ts";
import { compare, type Money } from "../domain/money.ts";
import { digestOf, type Terms, totalOf } from "../domain/terms.ts";
import type { Finding } from "../ledger/verify.ts";
import { besides, type Book, entriesOf, findingAt, guarded, type Step } from "./book.ts";

/**
 * What may not have happened to a line: an entry out of its order, a digest that is not that of its terms, a second
 * sending without the rule for it, a booking recorded as approved that is not, a deal that is another line's.
 */
export function checkLines(book: Book): readonly Finding[] {
  return [...book.lines].flatMap(([ref, { steps, broken }]) => [
    ...(broken ? [broken] : []),
    ...steps.flatMap((step) => guarded(step.row, () => checkStep(book, ref, step))),
  ]);
}

function checkStep(book: Book, ref: string, step: Step<LineEvent, Line>): readonly Finding[] {
  const { row, entry, before } = step;
  const found = (...whats: readonly (string | null)[]) =>
    whats.flatMap((what) => (what === null ? [] : [findingAt(row, what)]));
  switch (entry.kind) {
    case "approval_requested":
      return found(digestOf(entry.terms) === entry.digest ? null : "asks a person about terms with another digest");
    case "booking_started": {
      const { booking } = entry;
      const { holding, terms } = booking;
      const isHeld =
        holding.ref === ref && holding.attempt === booking.attempt && compare(holding.amount, totalOf(terms)) === 0;
      return found(
        digestOf(terms) === booking.digest ? null : "starts a booking whose terms have another digest",
        isHeld ? null : `starts a booking of ${terms.total} and holds something else for it`,
      );
    }
    case "send_claimed":
      return found(whyNotSend(before, entry.resend, row.at));
    case "booking_confirmed": {
      if (!before?.booking) return found("is booked without a booking");
      return found(
        differing("says it was booked as approved", before.booking.terms, entry.deal, before.quote.cpm),
        claimProblem(book, before.quote.changes?.buy ?? ref, before.quote.sellerId, entry.deal.dealId),
      );
    }
    case "settled_by_person": {
      if (entry.booked !== (entry.deal !== null))
        return found("is settled as booked without a deal, or with one as not");
      if (!entry.deal || !before?.booking) return [];
      return found(
        // A person names a deal and no more; everything else of it is what was approved.
        differing("settled as booked", before.booking.terms, entry.deal, before.quote.cpm),
        claimProblem(book, before.quote.changes?.buy ?? ref, before.quote.sellerId, entry.deal.dealId),
      );
    }
    case "booking_mismatched": {
      const isAnothers = entry.differences.some(({ field }) => field === "deal_id");
      return found(
        besides(book, row, "overspent").some(({ entry: { holding } }) => holding.ref === ref)
          ? null
          : "was booked on other terms, and no incident was noted with it",
        isAnothers || !before
          ? null
          : claimProblem(book, before.quote.changes?.buy ?? ref, before.quote.sellerId, entry.deal.dealId),
      );
    }
    default:
      return [];
  }
}

function differing(said: string, terms: Terms, deal: Deal, lastRead: Money | null): string | null {
  const found = bookedDifferences(terms, deal, lastRead);
  if (found.length === 0) return null;
  return `${said}, but ${found.map(({ field, approved, now }) => `${field} ${approved} became ${now}`).join(", ")}`;
}

/** Protocols whose sellers answer the same bytes alike, so that a lost answer may be asked for again and again. */
const replayed: readonly string[] = ["adcp"];

/**
 * A first sending follows the decision; another one only an answer that was lost, and looks that found nothing booked.
 * Where the same bytes are answered alike, they may be sent again while their seller still knows them; elsewhere once.
 */
function whyNotSend(before: Line | null, resend: boolean, at: string): string | null {
  const claims = before?.claims ?? [];
  if (!resend) return before?.status === "approved" && claims.length === 0 ? null : "was sent twice";
  if (before?.status !== "booking_unknown") return "was sent twice while the first answer was awaited";
  if (replayed.includes(before.booking?.terms.seller.protocol ?? "")) {
    const [first] = claims;
    const until = Date.parse(first?.at ?? "") + (before.quote.wire?.replaySeconds ?? 0) * 1000;
    if (!(Date.parse(at) < until)) return "was sent again when its seller no longer had to know the first";
    return before.seenAvailable > 0 ? null : "was sent again without a look that found nothing booked";
  }
  if (claims.some((claim) => claim.resend)) return "was sent a third time";
  return before.seenAvailable >= 2 ? null : "was sent twice without two looks that found it still free";
}

function claimProblem(book: Book, ref: string, sellerId: string, dealId: string): string | null {
  const stream = streams.deal(refOf(sellerId, dealId));
  const claims = entriesOf(book.streams.get(stream) ?? [], "deal_claimed");
  if (claims.length === 1 && claims[0]?.entry.ref === ref) return null;
  return claims.length === 0
    ? `has deal ${dealId}, and ${stream} is missing`
    : `has deal ${dealId}, which ${stream} gives to ${claims.map(({ entry }) => entry.ref).join(" and ")}`;
}
