import type { SellerWait } from "../../src/domain/deal.ts";
import type { FrozenRequest } from "../../src/domain/media-buy.ts";
import type { Quote } from "../../src/domain/quote.ts";
import type { Entry } from "../../src/ledger/entries.ts";
import { LedgerConflict, type NewRow, type Row } from "../../src/ledger/ledger.ts";
import { type Booked, type Followed, SellerFailure } from "../../src/sellers/seller.ts";
import type { Faults } from "./faults.ts";
import type { SellerKind } from "./model-seller.ts";
import { latestEffectMs, replayMs } from "./timing.ts";
import type { Law } from "./witness.ts";
import type { Process, World } from "./world.ts";

type Append = (rows: readonly NewRow[]) => Promise<readonly Row[]>;
type Follow = (wait: SellerWait, quote: Quote) => Promise<Followed>;
type Book = (request: FrozenRequest, quote: Quote) => Promise<Booked>;

/** A way in which the ground under the verbs is deliberately weakened, to see that a schedule then finds a violation. */
export interface Weakness {
  readonly name: string;
  /** A seed that showed it before: tried first, and no more than that. */
  readonly seed: number;
  /** The laws of which one must be seen broken. */
  readonly breaks: readonly Law[];
  /** Where it matters: sellers of this kind only, and these troubles more often. */
  readonly kind?: SellerKind;
  readonly faults?: Partial<Faults>;
  /** Between the verbs and the ledger. */
  readonly append?: (append: Append, world: World) => Append;
  /** Between the verbs and the booking at a seller. */
  readonly book?: (book: Book) => Book;
  /** Between the verbs and what a seller says of an account, or of a buy that it keeps waiting. */
  readonly ready?: (ready: () => Promise<SellerWait | null>) => () => Promise<SellerWait | null>;
  readonly follow?: (follow: Follow) => Follow;
  /** How long a seller answers the same bytes alike, and how long the desk takes it for. */
  readonly replayMs?: number;
  readonly saidReplayMs?: number;
  /** What a process takes for the time. @param honest what it would be, milliseconds since the epoch */
  readonly now?: (honest: number, process: Process, world: World) => number;
  readonly settleAfterMs?: number;
  readonly claimMs?: number;
  /** How late a seller may still act on a request. */
  readonly latestEffectMs?: number;
}

/** Appends in spite of conflicts on some streams: whatever was decided on an older version goes on top of the newer. */
function written(append: Append, world: World, isWeak: (stream: string) => boolean): Append {
  return async (rows) => {
    try {
      return await append(rows);
    } catch (error) {
      if (!(error instanceof LedgerConflict) || !error.streams.every(isWeak)) throw error;
      const next = (stream: string) => world.rows.filter((row) => row.stream === stream).length + 1;
      return append(rows.map((row) => (isWeak(row.stream) ? { ...row, version: next(row.stream) } : row)));
    }
  };
}

/** Each takes away one thing that a promise rests on. */
export const weaknesses: readonly Weakness[] = [
  {
    name: "the ledger takes any version for the next",
    seed: 22,
    breaks: ["balances are the sum", "the chain verifies"],
    append: (append, world) => written(append, world, () => true),
  },
  {
    name: "balances are written over those of another process",
    seed: 467,
    breaks: ["balances are the sum", "approved stays within the mandate"],
    faults: { sluggish: 0.4 },
    append: (append, world) => written(append, world, (stream) => stream.startsWith("spend/")),
  },
  {
    name: "a claim that somebody else has taken counts as well",
    seed: 52,
    breaks: ["sent only by right", "released only when nothing stands"],
    append: (append) => async (rows) => {
      try {
        return await append(rows);
      } catch (error) {
        const isClaim = rows.some(({ entries }) => entries.some(({ kind }) => kind === "send_claimed"));
        if (isClaim && error instanceof LedgerConflict) return [];
        throw error;
      }
    },
  },
  {
    name: "the ledger loses one append in twenty after saying that it has it",
    seed: 31,
    breaks: ["an acknowledged entry stays"],
    append: (append, world) => async (rows) => {
      const stored = await append(rows);
      const isLost = world.random.chance(0.05) && stored.every(({ kind }) => kind === "anchor");
      if (isLost) {
        world.rows.splice(world.rows.length - stored.length, stored.length);
        world.answers.clear();
      }
      return stored;
    },
  },
  {
    name: "the clock stands still, so that nothing ever expires",
    seed: 39,
    breaks: ["no booking without its approval"],
    now: (honest, _process, world) => Math.min(honest, world.start + 600_000),
  },
  {
    name: "a booking without an answer is sent again at once, as a racing seller's own idempotency would have it",
    seed: 4,
    breaks: ["never two commitments for one line"],
    book: (book) => async (request, quote) => {
      try {
        return await book(request, quote);
      } catch (error) {
        if (error instanceof SellerFailure && !error.definite) return book(request, quote);
        throw error;
      }
    },
  },
  {
    name: "no settling time before a re-send",
    seed: 5,
    breaks: ["never two commitments for one line"],
    settleAfterMs: 0,
    claimMs: 50_000,
  },
  {
    name: "a refusal of what is sent again counts at once, whatever is still on its way",
    seed: 274,
    breaks: ["released only when nothing stands"],
    kind: "replay",
    faults: { refuses: 0.5, slow: 0.6, answerLost: 0.5, requestLost: 0 },
    settleAfterMs: 0,
    claimMs: 50_000,
  },
  {
    name: "no settling time before an order or a line is posted again",
    seed: 1,
    breaks: ["never two commitments for one line"],
    kind: "stepwise",
    faults: { slow: 0.6, answerLost: 0.4 },
    settleAfterMs: 0,
    claimMs: 50_000,
  },
  {
    name: "an account counts as open before its seller has opened it",
    seed: 1,
    breaks: ["sent only by right"],
    kind: "waiting",
    ready: () => async () => null,
  },
  {
    name: "a buy that waits counts as one that was never sent",
    seed: 1,
    breaks: ["sent only by right", "never two commitments for one line"],
    kind: "waiting",
    append: (append) => (rows) => append(rows.map((row) => ({ ...row, entries: row.entries.map(unsent) }))),
  },
  {
    name: "a buy that waits and cannot be looked at counts as refused",
    seed: 9,
    breaks: ["released only when nothing stands"],
    kind: "waiting",
    faults: { unreachable: 0.3 },
    follow: (follow) => async (wait, quote) => {
      try {
        return await follow(wait, quote);
      } catch (error) {
        if (!(error instanceof SellerFailure)) throw error;
        return { kind: "refused", code: error.kind, why: error.message };
      }
    },
  },
  {
    name: "the same bytes are sent again for longer than their seller knows them",
    seed: 95,
    breaks: ["sent only by right", "never two commitments for one line"],
    kind: "replay",
    faults: { requestLost: 0.5, answerLost: 0.4, sellerDown: 0.02 },
    replayMs: 900_000,
    saidReplayMs: replayMs,
  },
  {
    name: "the ledger keeps other words of a person than those they signed",
    seed: 1,
    breaks: ["the audit finds nothing wrong"],
    append: (append) => (rows) => append(rows.map((row) => ({ ...row, entries: row.entries.map(misquoted) }))),
  },
];

function misquoted(entry: Entry): Entry {
  const isSigned = entry.kind === "settled_by_person" || entry.kind === "incident_cleared";
  return isSigned && entry.v === 2 ? { ...entry, note: "as you like" } : entry;
}

function unsent(entry: Entry): Entry {
  const isSent = entry.kind === "seller_waits" && entry.wait.for === "decision";
  return isSent ? { ...entry, wait: { ...entry.wait, for: "account" } } : entry;
}

/** What the promise of one booking rests on besides our own code; beyond it, two can happen. */
export const assumptions: readonly Weakness[] = [
  {
    name: "a seller acts on a booking at most a settling time after it was sent",
    seed: 5,
    breaks: ["never two commitments for one line"],
    latestEffectMs: 10 * latestEffectMs,
  },
  {
    name: "a seller that answers the same bytes alike does so for as long as it says",
    seed: 12,
    breaks: ["never two commitments for one line"],
    kind: "replay",
    faults: { answerLost: 0.5 },
    replayMs: 0,
  },
  {
    name: "the machine's clock does not jump by a settling time while a booking is on its way",
    seed: 5,
    breaks: ["never two commitments for one line"],
    now: (honest, _process, { scheduler, start }) =>
      honest + (Math.floor((scheduler.time - start) / 100_000) % 2) * 600_000,
  },
  {
    name: "processes of one desk agree on the time to within half a claim",
    seed: 31,
    breaks: ["sent only by right", "never two commitments for one line"],
    now: (honest, process) => honest + (process.name === "p2" ? 600_000 : 0),
  },
];
