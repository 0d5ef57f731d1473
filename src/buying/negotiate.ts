import { BuyingError } from "../domain/errors.ts";
import type { Tier } from "../domain/identity.ts";
import type { Ref } from "../domain/ids.ts";
import type { LineEvent } from "../domain/media-buy.ts";
import { compare, costOfImpressions, displayMoney, type Money, min, money, mulDiv, subtract } from "../domain/money.ts";
import {
  ceiling,
  clampMove,
  type Move,
  type NegotiationLimits,
  type NegotiationView,
  type Round,
  type Strategy,
} from "../domain/negotiation.ts";
import type { RoundAnswer, Seller } from "../sellers/seller.ts";
import { SellerFailure } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { failureAsError } from "./failures.ts";
import { appendLine, type LoadedLine, loadLine } from "./lines.ts";
import type { Ports } from "./ports.ts";

export type ManualMove = "counter" | "accept" | "walk_away";

export interface NegotiateItem {
  readonly ref: Ref;
  readonly targetCpm: Money | null;
  readonly maxCpm: Money | null;
  /** For one step at a time: the price of this counter. */
  readonly offerCpm: Money | null;
}

export interface NegotiateAsk {
  readonly items: readonly NegotiateItem[];
  readonly strategy: string;
  readonly move: "auto" | ManualMove;
  readonly step: Money | null;
  readonly maxRounds: number;
  readonly deadlineMs: number;
}

export type NegotiationOutcome =
  | "agreed"
  | "countered"
  | "final_offer"
  | "in_progress"
  | "walked_away"
  | "rejected"
  | "not_negotiable"
  | "failed";

export interface NegotiationReport {
  readonly ref: Ref;
  readonly outcome: NegotiationOutcome;
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
    first ?? report(item.ref, "in_progress", null, "still talking to the seller; the same call collects the result")
  );
}

async function one(ports: Ports, ask: NegotiateAsk, item: NegotiateItem): Promise<NegotiationReport> {
  try {
    const talk = await begin(ports, ask, item);
    const ended = ask.move === "auto" ? await auto(talk) : await step(talk, ask.move);
    const loaded = await loadLine(ports, item.ref);
    const { quote, quotedCpm } = loaded.line;
    const saved = costOfImpressions(
      money(subtract(quotedCpm, quote.cpm).micros, quote.cpm.currency),
      quote.impressions,
    );
    return { ...ended, loaded, saved: saved.micros > 0n ? saved : null };
  } catch (error) {
    const known = failureAsError(ports, error);
    const outcome = known.code === "not_negotiable" ? "not_negotiable" : "failed";
    return {
      ...report(item.ref, outcome, null, known.message),
      error: known,
      sellerSaid: known.details.sellerSaid ?? null,
    };
  }
}

interface Talk {
  readonly ports: Ports;
  readonly item: NegotiateItem;
  readonly seller: Seller;
  readonly tier: Tier;
  readonly strategy: Strategy;
  readonly limits: NegotiationLimits;
  readonly maxRounds: number;
}

async function begin(ports: Ports, ask: NegotiateAsk, item: NegotiateItem): Promise<Talk> {
  const loaded = await loadLine(ports, item.ref);
  const { line } = loaded;
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
  const { cpm } = line.quote;
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
  // Without a target of the planner's: a tenth below the price, which is what a first offer usually moves.
  const target = min(item.targetCpm ?? money(mulDiv(cpm.micros, 9n, 10n), cpm.currency), max);
  const step = ask.step ?? money(mulDiv(cpm.micros, 1n, 40n), cpm.currency);
  if (step.micros <= 0n || target.micros <= 0n) {
    throw new BuyingError(
      "invalid_arguments",
      "Target and step must be above zero. Nothing was booked.",
      "fix_arguments",
      { field: "target_cpm" },
    );
  }
  // The quote was priced as this tier, so the talk is led as this tier: an anonymous first word would pin us to worse.
  const tier = line.quote.pricedAs;
  return {
    ports,
    item,
    seller: ports.directory.connect(record),
    tier,
    strategy,
    limits: { target, max, step, maxRounds: ask.maxRounds },
    maxRounds: ask.maxRounds,
  };
}

type Ended = Pick<NegotiationReport, "ref" | "outcome" | "why" | "sellerSaid" | "error" | "loaded" | "saved">;

async function auto(talk: Talk): Promise<Ended> {
  const { ports, item, limits } = talk;
  for (let turn = 0; turn <= talk.maxRounds; turn += 1) {
    const view = viewOf(await loadLine(ports, item.ref));
    const move = clampMove(talk.strategy.move(view, limits), view, limits);
    const ended = await make(talk, move, view);
    if (ended) return ended;
  }
  return end(talk, "walked_away", "the rounds are used up");
}

async function step(talk: Talk, wanted: ManualMove): Promise<Ended> {
  const { ports, item, limits } = talk;
  const view = viewOf(await loadLine(ports, item.ref));
  if (wanted === "counter" && !item.offerCpm) {
    throw new BuyingError(
      "invalid_arguments",
      "A counter needs offer_cpm. Nothing was offered or booked.",
      "fix_arguments",
      { field: "offer_cpm" },
    );
  }
  if (wanted === "accept" && !view.sellerCpm) {
    throw new BuyingError(
      "invalid_arguments",
      "There is no counter-offer of the seller's to accept yet; the quote itself can be bought. Nothing was booked.",
      "fix_arguments",
      {
        field: "move",
      },
    );
  }
  const why = "the planner's move";
  const asked: Move =
    wanted === "counter" && item.offerCpm
      ? { kind: "counter", cpm: item.offerCpm, why }
      : { kind: wanted === "accept" ? "accept" : "walk_away", why };
  const move = clampMove(asked, view, limits);
  if (wanted === "accept" && move.kind !== "accept" && view.sellerCpm) {
    throw new BuyingError(
      "outside_mandate",
      `The seller's ${displayMoney(view.sellerCpm)} is above the limit of ${displayMoney(limits.max)} (quote, max_cpm and mandate). Nothing was accepted.`,
      "fix_arguments",
    );
  }
  const ended = await make(talk, move, view);
  if (ended) return ended;
  const after = (await loadLine(ports, item.ref)).line.rounds.at(-1);
  const outcome = after?.theirAction === "final_offer" ? "final_offer" : "countered";
  return {
    ...report(
      item.ref,
      outcome,
      null,
      after?.they ? `the seller asks ${displayMoney(after.they)}` : "the seller answered without a price",
    ),
  };
}

/** Makes one move, keeps the round, and says how the negotiation ended if it did. */
async function make(talk: Talk, move: Move, view: NegotiationView): Promise<Ended | null> {
  const { ports, item, seller, limits } = talk;
  if (move.kind === "walk_away") return end(talk, "walked_away", move.why);
  const access = accessAs(ports, talk.tier);
  const { quote } = (await loadLine(ports, item.ref)).line;
  const n = view.roundsDone + 1;
  let answer: RoundAnswer;
  try {
    answer =
      move.kind === "accept" && view.sellerCpm
        ? await seller.accept(quote, view.sellerCpm, n, ports.newId(), access)
        : await seller.counter(quote, move.kind === "counter" ? move.cpm : limits.max, n, ports.newId(), access);
  } catch (error) {
    if (error instanceof SellerFailure && ["forbidden", "unsupported", "closed", "unauthorized"].includes(error.kind))
      throw notNegotiable(error, talk.tier);
    throw error;
  }
  await record(ports, item.ref, { kind: "negotiation_round", v: 1, round: roundOf(answer.round, move) });
  if (answer.status === "rejected")
    return {
      ...(await end(talk, "rejected", "the seller ended the negotiation; the quote's own price still stands")),
      sellerSaid: answer.rationale,
    };
  if (answer.status !== "agreed") return null;
  const struck = answer.round.they;
  if (!struck || compare(struck, limits.max) > 0) {
    const at = struck ? displayMoney(struck) : "a price it does not name";
    // The seller holds this to be accepted, so the quote can no longer be had at its own price: it must not be bought unseen.
    await record(ports, item.ref, {
      kind: "negotiation_ended",
      v: 1,
      status: "rejected",
      cpm: struck,
      why: `struck at ${at}, above the limit`,
    });
    return report(
      item.ref,
      "rejected",
      null,
      `the seller struck at ${at}, above what was offered; renew the quote to get its own price back`,
    );
  }
  await record(ports, item.ref, { kind: "negotiation_ended", v: 1, status: "agreed", cpm: struck, why: move.why });
  return report(item.ref, "agreed", null, move.why);
}

async function end(talk: Talk, outcome: "walked_away" | "rejected", why: string): Promise<Ended> {
  await record(talk.ports, talk.item.ref, { kind: "negotiation_ended", v: 1, status: outcome, cpm: null, why });
  const still = outcome === "walked_away" ? "; the quote can still be bought at its own price" : "";
  return report(talk.item.ref, outcome, null, `${why}${still}`);
}

async function record(ports: Ports, ref: Ref, event: LineEvent): Promise<void> {
  await appendLine(ports, ref, () => [event]);
}

function roundOf(round: Round, move: Move): Round {
  return { ...round, move: move.kind === "accept" ? "accept" : round.move };
}

function viewOf({ line }: LoadedLine): NegotiationView {
  const last = line.rounds.at(-1);
  const offers = line.rounds.flatMap(({ move, we }) => (move === "counter" && we ? [we] : []));
  return {
    quoteCpm: line.quotedCpm,
    sellerCpm: last?.they ?? null,
    ourLast: offers.at(-1) ?? null,
    roundsDone: line.rounds.length,
    roundsLeft: null,
    sellerIsFinal: last?.theirAction === "final_offer",
  };
}

function report(ref: Ref, outcome: NegotiationOutcome, loaded: LoadedLine | null, why: string): NegotiationReport {
  return { ref, outcome, loaded, saved: null, why, sellerSaid: null, error: null };
}

function notNegotiable(failure: SellerFailure, tier: Tier): BuyingError {
  const more =
    tier === "advertiser"
      ? "buy the quote as it is, or ask another seller"
      : "reveal more of the buyer (a higher tier's credential), buy the quote as it is, or ask another seller";
  const said = failure.sellerSaid === null ? {} : { sellerSaid: failure.sellerSaid };
  return new BuyingError(
    "not_negotiable",
    `This seller does not negotiate with us as ${tier}: ${more}. Nothing was booked.`,
    "choose_another",
    { ...said, cause: failure },
  );
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
