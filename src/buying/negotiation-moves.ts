import { BuyingError } from "../domain/errors.ts";
import type { Tier } from "../domain/identity.ts";
import type { Ref } from "../domain/ids.ts";
import type { LineEvent } from "../domain/media-buy.ts";
import { compare, displayMoney, type Money } from "../domain/money.ts";
import {
  clampMove,
  type Move,
  type NegotiationLimits,
  type NegotiationView,
  type Round,
  type Strategy,
} from "../domain/negotiation.ts";
import { atCpm } from "../domain/quote.ts";
import { type RoundAnswer, type Seller, SellerFailure } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { appendLine, type LoadedLine, loadLine } from "./lines.ts";
import type { Ports } from "./ports.ts";
import { followProposal } from "./proposal.ts";

export type ManualMove = "counter" | "accept" | "walk_away";
/** Asks the seller to commit itself to a firm offer. */
export type FirmMove = "firm";

export interface NegotiateItem {
  readonly ref: Ref;
  readonly targetCpm: Money | null;
  readonly maxCpm: Money | null;
  /** For one step at a time: the price of this counter. */
  readonly offerCpm: Money | null;
  /** For sellers that negotiate in words: what to ask for. */
  readonly words: string | null;
}

export type NegotiationOutcome =
  | "agreed"
  | "countered"
  | "final_offer"
  | "in_progress"
  | "awaiting_seller"
  | "walked_away"
  | "rejected"
  | "not_negotiable"
  | "failed";

/** One negotiation under way: with whom, as whom, and within which limits. */
export interface Talk {
  readonly ports: Ports;
  readonly item: NegotiateItem;
  readonly seller: Seller;
  readonly tier: Tier;
  readonly strategy: Strategy;
  readonly limits: NegotiationLimits;
}

/** How a negotiation, or one move of it, came out. */
export interface Ended {
  readonly outcome: NegotiationOutcome;
  readonly why: string;
  readonly sellerSaid: string | null;
}

/** Plays the strategy to its end. */
export async function playOut(talk: Talk): Promise<Ended> {
  const { ports, item, limits } = talk;
  for (let turn = 0; turn <= limits.maxRounds; turn += 1) {
    const view = viewOf(await loadLine(ports, item.ref));
    const move = clampMove(talk.strategy.move(view, limits), view, limits);
    const came = await make(talk, move, view);
    if (came.outcome !== "countered" && came.outcome !== "final_offer") return came;
  }
  return end(talk, "walked_away", "the rounds are used up");
}

/**
 * One move of the planner's own. @throws BuyingError when it lacks its price, or would go above the limits
 */
export async function playOne(talk: Talk, wanted: ManualMove): Promise<Ended> {
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
  return make(talk, move, view);
}

/** Makes one move, keeps the round, and says how it came out: `countered` or `final_offer` where talking may go on. */
async function make(talk: Talk, move: Move, view: NegotiationView): Promise<Ended> {
  const { ports, item, limits } = talk;
  if (move.kind === "walk_away") return end(talk, "walked_away", move.why);
  const answer = await exchange(talk, move, view);
  const { round, roundsLeft } = answer;
  const sellerSaid = answer.rationale || null;
  const kept: Round = { ...round, move: move.kind === "accept" ? "accept" : round.move, roundsLeft };
  await record(ports, item.ref, { kind: "negotiation_round", v: 1, round: kept });
  if (answer.quote) await record(ports, item.ref, { kind: "quote_read", v: 1, quote: answer.quote });
  if (answer.status === "rejected") {
    const why = "the seller ended the negotiation; buy the quote at its own price, or renew it to begin again";
    return { ...(await end(talk, "rejected", why)), sellerSaid };
  }
  const struck = round.they;
  if (answer.status !== "agreed") {
    const outcome = round.theirAction === "final_offer" ? "final_offer" : "countered";
    const why = struck ? `the seller asks ${displayMoney(struck)}` : "the seller answered without a price";
    return { outcome, why, sellerSaid };
  }
  if (!struck || compare(struck, limits.max) > 0) {
    const at = struck ? displayMoney(struck) : "a price it does not name";
    const why = `the seller struck at ${at}, above what was offered; renew the quote to get its own price back`;
    // The seller holds this to be accepted, so the quote can no longer be had at its own price: it must not be bought unseen.
    await record(ports, item.ref, { kind: "negotiation_ended", v: 1, status: "rejected", cpm: struck, why });
    return { outcome: "rejected", why, sellerSaid };
  }
  const { proposal } = (await loadLine(ports, item.ref)).line.quote;
  if (proposal) {
    // It is bought by a quote of its own: whoever asked is told what became of that.
    const agreed = { ...proposal, cpm: struck, sellerSaid: "" };
    await record(ports, item.ref, { kind: "proposal_answered", v: 1, proposal: agreed, outcome: "accepted" });
    await followProposal(ports, item.ref);
    return { outcome: "agreed", why: move.why, sellerSaid };
  }
  await record(ports, item.ref, { kind: "negotiation_ended", v: 1, status: "agreed", cpm: struck, why: move.why });
  return { outcome: "agreed", why: move.why, sellerSaid };
}

/** Sends an offer or an acceptance. @throws BuyingError `not_negotiable` where the seller does not talk about this */
async function exchange(
  { ports, item, seller, limits, tier }: Talk,
  move: Exclude<Move, { kind: "walk_away" }>,
  view: NegotiationView,
): Promise<RoundAnswer> {
  const access = accessAs(ports, tier);
  const { quote, request } = (await loadLine(ports, item.ref)).line;
  const n = view.roundsDone + 1;
  try {
    return move.kind === "accept" && view.sellerCpm
      ? await seller.accept(quote, request, view.sellerCpm, n, ports.newId(), access)
      : await seller.counter(quote, request, move.kind === "counter" ? move.cpm : limits.max, n, ports.newId(), access);
  } catch (error) {
    if (error instanceof SellerFailure && ["forbidden", "unsupported", "closed", "unauthorized"].includes(error.kind))
      throw notNegotiable(error, tier);
    throw error;
  }
}

async function end(talk: Talk, outcome: "walked_away" | "rejected", why: string): Promise<Ended> {
  await record(talk.ports, talk.item.ref, { kind: "negotiation_ended", v: 1, status: outcome, cpm: null, why });
  const still = outcome === "walked_away" ? "; the quote can still be bought at its own price" : "";
  return { outcome, why: `${why}${still}`, sellerSaid: null };
}

/** Keeps what happened in a negotiation. @throws BuyingError `not_negotiable` once the quote is no longer open */
export async function record(ports: Ports, ref: string, event: LineEvent): Promise<void> {
  await appendLine(ports, ref, ({ line }) => {
    if (line.status === "open") return [event];
    // Asked to buy or renewed meanwhile; whoever goes on with it reads the seller's price again first.
    const message = `${ref} became ${line.status.replaceAll("_", " ")} while it was negotiated, so the negotiation ends here. Nothing was booked.`;
    throw new BuyingError("not_negotiable", message, "none", { field: "quotes" });
  });
}

function viewOf({ line }: LoadedLine): NegotiationView {
  const last = line.rounds.at(-1);
  const offers = line.rounds.flatMap(({ move, we }) => (move === "counter" && we ? [we] : []));
  return {
    quoteCpm: line.quotedCpm ?? atCpm(line.quote).cpm,
    sellerCpm: last?.they ?? null,
    ourLast: offers.at(-1) ?? null,
    roundsDone: line.rounds.length,
    roundsLeft: last?.roundsLeft ?? null,
    sellerIsFinal: last?.theirAction === "final_offer",
  };
}

/** Why this seller does not negotiate with us, and what to do instead. */
export function notNegotiable(failure: SellerFailure, tier: Tier): BuyingError {
  const said = failure.sellerSaid === null ? {} : { sellerSaid: failure.sellerSaid };
  if (failure.kind === "closed") {
    const message =
      "The negotiation of this quote is closed. Buy it at the price it came to, or renew it. Nothing was booked.";
    return new BuyingError("not_negotiable", message, "fix_arguments", { ...said, cause: failure });
  }
  const more =
    tier === "advertiser"
      ? "buy the quote as it is, or ask another seller"
      : "reveal more of the buyer (a higher tier's credential), buy the quote as it is, or ask another seller";
  return new BuyingError(
    "not_negotiable",
    `This seller does not negotiate with us as ${tier}: ${more}. Nothing was booked.`,
    "choose_another",
    { ...said, cause: failure },
  );
}
