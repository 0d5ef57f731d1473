import { dollars, fixedHalfEven, type Tier, tierPrice, toCents } from "./pricing.ts";

/**
 * The concession engine of a sandbox seller: IAB seller agent 2.4.2, quote-led negotiation.
 *
 * It starts from the list price less the tier's discount (not from the quote), gives way by a share of the gap, and
 * is bounded per round and in total. Prices are dollars CPM in floating point, as the real engine's.
 */

type Action = "accept" | "counter" | "final_offer" | "reject";

interface Strategy {
  readonly name: string;
  readonly maxRounds: number;
  readonly perRound: number;
  readonly total: number;
  readonly share: number;
}

const strategies: Readonly<Record<Tier, Strategy>> = {
  public: { name: "aggressive", maxRounds: 3, perRound: 0.03, total: 0.08, share: 0.3 },
  seat: { name: "standard", maxRounds: 4, perRound: 0.04, total: 0.12, share: 0.4 },
  agency: { name: "collaborative", maxRounds: 5, perRound: 0.05, total: 0.15, share: 0.5 },
  advertiser: { name: "premium", maxRounds: 6, perRound: 0.06, total: 0.2, share: 0.65 },
};

/** One exchange, as the seller's history shows it (dollars CPM, fractions, a timestamp without zone). */
export interface NegotiationRound {
  readonly round_number: number;
  readonly buyer_price: number;
  readonly seller_price: number;
  readonly action: Action;
  readonly concession_pct: number;
  readonly cumulative_concession_pct: number;
  readonly rationale: string;
  readonly timestamp: string;
}

/** A negotiation as stored and as `GET /proposals/{id}/negotiation` publishes it, floor and limits included. */
export interface Negotiation {
  readonly negotiation_id: string;
  readonly proposal_id: string;
  readonly product_id: string;
  readonly buyer_tier: Tier;
  readonly base_price: number;
  readonly floor_price: number;
  readonly status: "active" | "accepted" | "rejected";
  readonly rounds: readonly NegotiationRound[];
  readonly started_at: string;
  readonly completed_at: string | null;
}

/** A moment in UTC as the older surfaces write it: ISO without a zone. */
export function naive(at: number): string {
  return new Date(at).toISOString().replace("Z", "");
}

/** The limits the tier of the first message fixed for good. */
export function strategyOf(negotiation: Negotiation): Strategy {
  return strategies[negotiation.buyer_tier];
}

/** Opens a negotiation. Whoever sends the first message sets tier and strategy for everyone after. */
export function openNegotiation(opening: {
  readonly negotiationId: string;
  readonly proposalId: string;
  readonly productId: string;
  readonly tier: Tier;
  readonly baseCpm: number;
  readonly floorCpm: number;
  readonly at: number;
}): Negotiation {
  return {
    negotiation_id: opening.negotiationId,
    proposal_id: opening.proposalId,
    product_id: opening.productId,
    buyer_tier: opening.tier,
    base_price: tierPrice(opening.baseCpm, opening.tier),
    floor_price: opening.floorCpm,
    status: "active",
    rounds: [],
    started_at: naive(opening.at),
    completed_at: null,
  };
}

/** The seller's price on the table: its last one, or where it started. */
export function standingPrice(negotiation: Negotiation): number {
  return negotiation.rounds.at(-1)?.seller_price ?? negotiation.base_price;
}

interface Move {
  readonly action: Action;
  readonly price: number;
  readonly concession: number;
  readonly cumulative: number;
  readonly why: string;
}

function decide(negotiation: Negotiation, offer: number): Move {
  const { base_price: base, floor_price: floor } = negotiation;
  const limits = strategyOf(negotiation);
  const round = negotiation.rounds.length + 1;
  const given = negotiation.rounds.at(-1)?.cumulative_concession_pct ?? 0;
  const standing = standingPrice(negotiation);
  const isLast = round === limits.maxRounds;
  const still = { concession: 0, cumulative: given };

  if (offer >= base || offer >= standing) {
    return { action: "accept", price: offer, ...still, why: `Accepted at ${dollars(offer)} CPM.` };
  }
  if (offer <= 0) return { action: "reject", price: base, ...still, why: "An offer must be above zero." };
  if (round > limits.maxRounds) {
    const why = `Maximum ${limits.maxRounds} rounds reached. Negotiation concluded without agreement.`;
    return { action: "reject", price: base, ...still, why };
  }
  if (offer < floor) {
    const price = toCents(floor);
    const concession = Math.max(0, (base - price) / base - given);
    const why = `Our floor is ${dollars(price)} CPM (round ${round}/${limits.maxRounds}).`;
    return { action: isLast ? "final_offer" : "counter", price, concession, cumulative: given + concession, why };
  }

  const wished = standing - (standing - offer) * limits.share;
  const perRound = Math.max(wished, standing - base * limits.perRound);
  const capped = Math.max(perRound, base * (1 - limits.total), floor);
  const counter = toCents(capped);
  const concession = Math.max(0, (base - counter) / base - given);
  if (concession >= (limits.total - given) * 0.8 || isLast) {
    const final = Math.max(floor, base * (1 - limits.total));
    if (offer >= final) {
      const cumulative = given + concession;
      return { action: "accept", price: offer, concession, cumulative, why: `Accepted at ${dollars(offer)} CPM.` };
    }
    const cumulative = (base - final) / base;
    const share = fixedHalfEven(limits.total * 100, 0);
    const why = `Final offer at ${dollars(final)} CPM. This represents our maximum concession of ${share}%.`;
    return { action: "final_offer", price: toCents(final), concession: cumulative - given, cumulative, why };
  }
  const why = `Counter at ${dollars(counter)} CPM (${limits.name} strategy, round ${round}/${limits.maxRounds}).`;
  return { action: "counter", price: counter, concession, cumulative: given + concession, why };
}

function withRound(negotiation: Negotiation, round: NegotiationRound): Negotiation {
  const rounds = [...negotiation.rounds, round];
  if (round.action === "counter" || round.action === "final_offer") return { ...negotiation, rounds };
  const status = round.action === "accept" ? "accepted" : "rejected";
  return { ...negotiation, rounds, status, completed_at: round.timestamp };
}

/**
 * Answers an offer (dollars CPM). An offer at or above the seller's price is taken as it stands, overbids included;
 * one below the floor is answered with the floor; a final offer may be repeated until the rounds are used up.
 */
export function answerOffer(negotiation: Negotiation, offer: number, at: number): Negotiation {
  const move = decide(negotiation, offer);
  return withRound(negotiation, {
    round_number: negotiation.rounds.length + 1,
    buyer_price: offer,
    seller_price: move.price,
    action: move.action,
    concession_pct: move.concession,
    cumulative_concession_pct: move.cumulative,
    rationale: move.why,
    timestamp: naive(at),
  });
}

/** The buyer takes the seller's standing price (whatever price it writes), or walks away. */
export function closeNegotiation(
  negotiation: Negotiation,
  action: "accept" | "reject",
  buyerPrice: number | null,
  at: number,
): Negotiation {
  const standing = standingPrice(negotiation);
  return withRound(negotiation, {
    round_number: negotiation.rounds.length + 1,
    buyer_price: buyerPrice ?? standing,
    seller_price: standing,
    action,
    concession_pct: 0,
    cumulative_concession_pct: 0,
    rationale: action === "accept" ? `Buyer accepted at ${dollars(standing)} CPM.` : "Buyer walked away.",
    timestamp: naive(at),
  });
}

/** Somebody else takes part and has it struck at a price of their own, whatever the rules would say. */
export function struckByOther(negotiation: Negotiation, price: number, at: number): Negotiation {
  return withRound(negotiation, {
    round_number: negotiation.rounds.length + 1,
    buyer_price: price,
    seller_price: price,
    action: "accept",
    concession_pct: 0,
    cumulative_concession_pct: 0,
    rationale: `Accepted at ${dollars(price)} CPM.`,
    timestamp: naive(at),
  });
}

/** Rounds the buyer has left, never below zero; none once it is closed. */
export function roundsRemaining(negotiation: Negotiation): number {
  if (negotiation.status !== "active") return 0;
  return Math.max(0, strategyOf(negotiation).maxRounds - negotiation.rounds.length);
}

/** The published history: everything, floor and limits included. */
export function publishedHistory(negotiation: Negotiation): Record<string, unknown> {
  const limits = strategyOf(negotiation);
  return {
    negotiation_id: negotiation.negotiation_id,
    proposal_id: negotiation.proposal_id,
    product_id: negotiation.product_id,
    buyer_tier: negotiation.buyer_tier,
    strategy: limits.name,
    base_price: negotiation.base_price,
    floor_price: negotiation.floor_price,
    status: negotiation.status,
    total_rounds: negotiation.rounds.length,
    max_rounds: limits.maxRounds,
    rounds: negotiation.rounds,
    started_at: negotiation.started_at,
    completed_at: negotiation.completed_at,
    package_id: null,
  };
}
