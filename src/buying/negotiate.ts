import { bidAdvice } from "../domain/bids.ts";
import { BuyingError } from "../domain/errors.ts";
import type { Ref } from "../domain/ids.ts";
import { compare, costOfImpressions, type Money, min, money, mulDiv, subtract, toMinorUnit } from "../domain/money.ts";
import { ceiling } from "../domain/negotiation.ts";
import { askedPrice, totalOfQuote } from "../domain/quote.ts";
import { failureAsError } from "./failures.ts";
import { type LoadedLine, loadLine, newestOf } from "./lines.ts";
import {
  type Ended,
  type FirmMove,
  type ManualMove,
  type NegotiateItem,
  type NegotiationOutcome,
  playOne,
  playOut,
  type Talk,
} from "./negotiation-moves.ts";
import { talkInWords } from "./negotiation-words.ts";
import type { Ports } from "./ports.ts";
import { followProposal, giveUpTerms } from "./proposal.ts";
import { proposalWords } from "../domain/proposal-words.ts";

export interface NegotiateAsk {
  readonly items: readonly NegotiateItem[];
  readonly strategy: string;
  readonly move: "auto" | ManualMove | FirmMove;
  readonly step: Money | null;
  readonly maxRounds: number;
  readonly deadlineMs: number;
}

export interface NegotiationReport {
  readonly ref: Ref;
  readonly outcome: NegotiationOutcome;
  /** The line that was talked about; null where none was. */
  readonly talked: LoadedLine | null;
  /** The line to buy: the one talked about, or the quote that an agreed proposal came to. */
  readonly loaded: LoadedLine | null;
  readonly saved: Money | null;
  /** Why it ended so, in our words, and what to do instead where it did not work. */
  readonly why: string;
  readonly sellerSaid: string | null;
  readonly error: BuyingError | null;
}

/** Negotiates many quotes at once; one failure blocks none. At the deadline it goes on and says `in_progress`. */
export async function negotiate(ports: Ports, ask: NegotiateAsk): Promise<readonly NegotiationReport[]> {
  return Promise.all(ask.items.map((item) => withDeadline(ports, ask, item)));
}

/** Negotiations of this process that outlived their deadline, so that the same call collects instead of starting twice. */
const running = new Map<string, Promise<NegotiationReport>>();

async function withDeadline(ports: Ports, ask: NegotiateAsk, item: NegotiateItem): Promise<NegotiationReport> {
  const key = `${ports.holder} ${item.ref}`;
  const work = running.get(key) ?? one(ports, ask, item).finally(() => running.delete(key));
  running.set(key, work);
  const stop = new AbortController();
  const late = ports.sleep(ask.deadlineMs, stop.signal).then(
    () => null,
    () => null,
  );
  const first = await Promise.race([work, late]);
  stop.abort();
  return (
    first ?? {
      ref: item.ref,
      outcome: "in_progress",
      why: "still talking to the seller; the same call collects the result",
      talked: null,
      loaded: null,
      saved: null,
      sellerSaid: null,
      error: null,
    }
  );
}

async function one(ports: Ports, ask: NegotiateAsk, item: NegotiateItem): Promise<NegotiationReport> {
  try {
    const ended = (await endedBefore(ports, ask, item.ref)) ?? (await talkItOut(ports, ask, item));
    const talked = await loadLine(ports, item.ref);
    const loaded = talked.line.quote.proposal ? await newestOf(ports, item.ref) : talked;
    const came = cameOf(ended, talked, loaded);
    return { ref: loaded.ref, ...came, talked, loaded, saved: savedOn(talked, loaded), error: null };
  } catch (error) {
    return failed(item.ref, failureAsError(ports, error));
  }
}

/**
 * An agreement stands, and so does a seller's no: asking again reports it and offers the seller nothing. Own terms that
 * wait for the seller are looked at again; until it has decided they can only be given up.
 */
async function endedBefore(ports: Ports, { move }: NegotiateAsk, ref: Ref): Promise<Ended | null> {
  const before = await loadLine(ports, ref);
  if (before.line.status === "proposed" && move === "walk_away") {
    await giveUpTerms(ports, ref);
    const why = "your own terms are given up; the quote can be bought at its own price";
    return { outcome: "walked_away", why, sellerSaid: null };
  }
  if (before.line.quote.proposal) await followProposal(ports, ref);
  const { status, negotiation, quote } = (await loadLine(ports, ref)).line;
  if (status === "proposed")
    return { outcome: "awaiting_seller", why: "", sellerSaid: quote.proposal?.sellerSaid || null };
  const { agreedAs, cpm } = quote;
  const isKept = agreedAs && cpm && compare(cpm, agreedAs.cpm) <= 0;
  if (negotiation?.status === "agreed" || isKept)
    return { outcome: "agreed", why: "agreed before; nothing more was offered", sellerSaid: null };
  if (negotiation?.status !== "rejected") return null;
  return {
    outcome: "rejected",
    why: `ended before: ${negotiation.why}`,
    sellerSaid: quote.proposal?.sellerSaid || null,
  };
}

/** An agreement on a proposal is what its quote makes of it. */
function cameOf(ended: Ended, { line: { quote } }: LoadedLine, { line }: LoadedLine): Ended {
  if (!quote.proposal || !["agreed", "awaiting_seller"].includes(ended.outcome)) return ended;
  if (line.negotiation?.status === "rejected") return { ...ended, outcome: "rejected", why: line.negotiation.why };
  const { agreedAs, cpm } = line.quote;
  const words = proposalWords(line) ?? "";
  if (agreedAs && cpm && compare(cpm, agreedAs.cpm) > 0) return { ...ended, outcome: "rejected", why: words };
  const why = [ended.why, words].filter((part) => part !== "").join("; ");
  return { ...ended, outcome: line.status === "proposed" ? "awaiting_seller" : ended.outcome, why };
}

async function talkItOut(ports: Ports, ask: NegotiateAsk, item: NegotiateItem): Promise<Ended> {
  const talk = await begin(ports, ask, item);
  const { move } = ask;
  if (move === "firm" || item.words !== null)
    return talkInWords(talk, { words: item.words, finalize: move === "firm" });
  return move === "auto" ? playOut(talk) : playOne(talk, move);
}

async function begin(ports: Ports, ask: NegotiateAsk, item: NegotiateItem): Promise<Talk> {
  const loaded = await loadLine(ports, item.ref);
  const { line } = loaded;
  if (line.quote.changes) {
    const message = `${item.ref} changes a media buy; ask for other figures with update_media_buy. Nothing was booked.`;
    throw new BuyingError("not_negotiable", message, "fix_arguments", { field: "quotes" });
  }
  if (line.status !== "open") {
    const state = line.status.replaceAll("_", " ");
    throw new BuyingError(
      "not_negotiable",
      `${item.ref} is ${state}; only an open quote is negotiated. Nothing was booked.`,
      "none",
      { field: "quotes" },
    );
  }
  if (Date.parse(line.quote.expiresAt) <= ports.now().getTime()) throw expired(item.ref);
  const strategy = ports.strategies.find(({ name }) => name === ask.strategy);
  if (!strategy) {
    const candidates = ports.strategies.map(({ name }) => name);
    throw new BuyingError(
      "invalid_arguments",
      `No strategy is called ${ask.strategy}; there is ${candidates.join(", ")}. Nothing was booked.`,
      "fix_arguments",
      {
        field: "strategy",
        candidates,
      },
    );
  }
  const record = await ports.directory.find(line.quote.sellerId);
  const [bid] = line.quote.packages ?? [];
  if (bid?.kind === "auction" && item.words === null) {
    const message = `${item.ref} is an auction: nobody negotiates a bid, you choose it with create_media_buy {lines: [{quote_id, max_bid}]}. ${bidAdvice(bid)} Nothing was booked.`;
    throw new BuyingError("not_negotiable", message, "fix_arguments", { field: "quotes" });
  }
  const inWords = item.words !== null || ask.move === "firm";
  const cpm = askedPrice(line.quote) ?? (inWords ? totalOfQuote(line.quote) : null);
  if (!cpm) {
    const message = `${item.ref} buys several products, each at its own price: ask for what you want in words. Nothing was booked.`;
    throw new BuyingError("not_negotiable", message, "fix_arguments", { field: "quotes" });
  }
  for (const [field, amount] of [
    ["target_cpm", item.targetCpm],
    ["max_cpm", item.maxCpm],
    ["offer_cpm", item.offerCpm],
    ["step", ask.step],
  ] as const) {
    if (amount && amount.currency !== cpm.currency) throw otherCurrency(field, amount, cpm);
  }
  const mandateCap = ports.settings.mandate?.maxCpm ?? null;
  const max = ceiling(cpm, item.maxCpm, mandateCap?.currency === cpm.currency ? mandateCap : null);
  // Without figures of the planner's: a tenth below the price, in steps of a fortieth, in coins that exist.
  const target = min(item.targetCpm ?? share(cpm, 9n, 10n), max);
  const step = ask.step ?? share(cpm, 1n, 40n);
  if (step.micros <= 0n || target.micros <= 0n) {
    throw new BuyingError(
      "invalid_arguments",
      "Target and step must be above zero. Nothing was booked.",
      "fix_arguments",
      { field: "target_cpm" },
    );
  }
  // Led as the tier the quote was asked as: an anonymous first word would pin us to worse.
  const tier = line.quote.shownAs;
  return {
    ports,
    item,
    seller: ports.directory.connect(record),
    tier,
    strategy,
    limits: { target, max, step, maxRounds: ask.maxRounds },
  };
}

/** What the price has come down by, over all that is bought; null where it has not, or no impressions are counted. */
function savedOn({ line: { quotedCpm } }: LoadedLine, { line: { quote } }: LoadedLine): Money | null {
  if (!quotedCpm || !quote.cpm || quote.impressions === null) return null;
  const saved = costOfImpressions(subtract(quotedCpm, quote.cpm), quote.impressions);
  return saved.micros > 0n ? saved : null;
}

function failed(ref: Ref, error: BuyingError): NegotiationReport {
  const outcome = error.code === "not_negotiable" ? "not_negotiable" : "failed";
  return {
    ref,
    outcome,
    talked: null,
    loaded: null,
    saved: null,
    why: error.message,
    sellerSaid: error.details.sellerSaid ?? null,
    error,
  };
}

function expired(ref: Ref): BuyingError {
  return new BuyingError(
    "quote_expired",
    `${ref} has expired; renew it with request_quote {"quote_ids":["${ref}"]}. Nothing was booked.`,
    "fix_arguments",
  );
}

function otherCurrency(field: string, amount: Money, cpm: Money): BuyingError {
  return new BuyingError(
    "currency_mismatch",
    `${field} is in ${amount.currency}, the quote in ${cpm.currency}. Nothing was booked.`,
    "fix_arguments",
    { field },
  );
}

/** A part of a price in payable units, and never nothing. */
function share(price: Money, numerator: bigint, denominator: bigint): Money {
  const part = toMinorUnit(money(mulDiv(price.micros, numerator, denominator), price.currency));
  return part.micros > 0n ? part : price;
}
