import { BuyingError } from "../domain/errors.ts";
import { type Ref, streams } from "../domain/ids.ts";
import type { Line, LineEvent } from "../domain/media-buy.ts";
import { compare, displayMoney, impressionsForBudget, type Money } from "../domain/money.ts";
import type { Proposal, ProposalAnswer } from "../domain/proposal.ts";
import { atCpm, type Quote, type QuoteRequest } from "../domain/quote.ts";
import { type FailureKind, type Seller, SellerFailure, type SellerProposals } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { appendLine, decideAndAppend, firstLineRow, type LoadedLine, lineFrom, lineRow, newestOf } from "./lines.ts";
import type { Ports } from "./ports.ts";

/**
 * Own terms put to a seller. They stand beside a quote of the seller's for the same, which is what they have to be better
 * than, and what is left where nothing comes of them. Accepted, they are bought by a quote of their own.
 */

/** The longest a seller's people are waited for, whatever they say of it, and how long where they say nothing. */
const LONGEST_WAIT_MS = 72 * 3_600_000;
const USUAL_WAIT_MS = 24 * 3_600_000;
/** How old the price may be that an agreed one is to be below. */
const FRESH_MS = 600_000;

/** Puts an own CPM to the seller. @returns what to note on the quote's line; nothing where its price is no higher anyway */
export async function putTerms(
  ports: Ports,
  seller: Seller,
  quote: Quote,
  request: QuoteRequest,
): Promise<readonly LineEvent[]> {
  const { offer } = request;
  if (!offer) return [];
  const { cpm } = atCpm(quote);
  const refuse = (code: "currency_mismatch" | "invalid_arguments" | "outside_mandate", why: string) =>
    new BuyingError(code, `${why} Nothing was proposed or booked.`, "fix_arguments", { field: "offer_cpm" });
  if (offer.currency !== cpm.currency)
    throw refuse("currency_mismatch", `offer_cpm is in ${offer.currency}, the seller's quote in ${cpm.currency}.`);
  if (offer.micros <= 0n) throw refuse("invalid_arguments", "offer_cpm must be above zero.");
  const cap = ports.settings.mandate?.maxCpm;
  if (cap?.currency === offer.currency && compare(offer, cap) > 0)
    throw refuse("outside_mandate", `offer_cpm is above the mandate's ${displayMoney(cap)}.`);
  if (compare(offer, cpm) >= 0) return [];
  const answer = await proposalsOf(seller).put(quote, requestAt(request, offer), offer, accessAs(ports, quote.shownAs));
  return answered(answer, 1);
}

/**
 * Goes on with terms that wait: reads what the seller's people decided, and asks for the quote of what was accepted. It
 * outlives every process; whatever fails is tried again by the next call.
 * @returns the line that now stands, which is another once the terms are agreed
 * @throws SellerFailure where the seller cannot be read; BuyingError
 */
export async function followProposal(ports: Ports, ref: Ref): Promise<LoadedLine> {
  const loaded = await newestOf(ports, ref);
  const { line } = loaded;
  const { proposal } = line.quote;
  if (line.status !== "proposed" || !proposal) return loaded;
  // Whatever it is that keeps us from looking, in the end nobody waits any longer.
  if (isOver(ports, line, LONGEST_WAIT_MS)) return lapse(ports, loaded);
  try {
    return await goOn(ports, loaded, proposal);
  } catch (error) {
    if (!(error instanceof SellerFailure && error.definite && ending.includes(error.kind))) throw error;
    const why = `${error.message} The quote stands at its own price`;
    return endWaiting(ports, loaded.ref, { kind: "negotiation_ended", v: 1, status: "rejected", cpm: null, why });
  }
}

/** Refusals of a seller after which asking again is no use. */
const ending: readonly FailureKind[] = ["refused", "not_found", "gone", "below_minimum", "unpriced"];

async function goOn(ports: Ports, loaded: LoadedLine, proposal: Proposal): Promise<LoadedLine> {
  const { quote } = loaded.line;
  const seller = ports.directory.connect(await ports.directory.find(quote.sellerId));
  if (proposal.approvalId === null) return quoteAgreed(ports, seller, loaded, proposal);
  const answer = await proposalsOf(seller).look(proposal, quote, accessAs(ports, quote.shownAs));
  if (answer.outcome === "waits") {
    const { until } = answer;
    const ends = until ? ports.now().getTime() >= Date.parse(until) : isOver(ports, loaded.line, USUAL_WAIT_MS);
    return ends ? lapse(ports, loaded) : loaded;
  }
  await appendLine(ports, loaded.ref, ({ line }) =>
    line.status === "proposed" && line.quote.proposal?.approvalId === proposal.approvalId
      ? answered(answer, line.rounds.length + 1)
      : [],
  );
  return followProposal(ports, loaded.ref);
}

/** Gives up terms that wait: the quote they were put beside stands again at its own price. The seller is not told. */
export async function giveUpTerms(ports: Ports, ref: Ref): Promise<void> {
  const why = "the planner's move";
  await endWaiting(ports, ref, { kind: "negotiation_ended", v: 1, status: "walked_away", cpm: null, why });
}

function answered({ proposal, outcome, sellerCpm }: ProposalAnswer, n: number): readonly LineEvent[] {
  const noted: LineEvent = { kind: "proposal_answered", v: 1, proposal, outcome };
  if (outcome === "waits") return [noted];
  const theirAction = ({ accepted: "accept", countered: "counter", rejected: "reject" } as const)[outcome];
  const they = outcome === "accepted" ? proposal.cpm : sellerCpm;
  const round = { n, move: "counter", we: proposal.cpm, they, theirAction } as const;
  const events: readonly LineEvent[] = [noted, { kind: "negotiation_round", v: 1, round }];
  if (outcome !== "rejected") return events;
  const why = `the seller turned down ${displayMoney(proposal.cpm)}; the quote stands at its own price`;
  return [...events, { kind: "negotiation_ended", v: 1, status: "rejected", cpm: null, why }];
}

/** What is bought at another price: a budget buys as much as it pays for. */
function requestAt(request: QuoteRequest, cpm: Money): QuoteRequest {
  return request.budget ? { ...request, impressions: impressionsForBudget(request.budget, cpm) } : request;
}

/**
 * Asks for the quote of agreed terms, which takes the place of the one they were put beside. The quote's own price decides:
 * a seller that accepts and then quotes dearer has not sold cheaper.
 */
async function quoteAgreed(
  ports: Ports,
  seller: Seller,
  { line, ref }: LoadedLine,
  proposal: Proposal,
): Promise<LoadedLine> {
  const { cpm: agreed } = proposal;
  const access = accessAs(ports, line.quote.shownAs);
  const { offer: _, ...asked } = line.request;
  const request = requestAt(asked, agreed);
  // A target is taken as the price by sellers, upwards too: what just this would cost without must be known, and be more.
  const isFresh = !isOver(ports, line, FRESH_MS) && request.impressions === line.quote.impressions;
  const plain = isFresh ? line.quote : await seller.quote(request, ports.newId(), access);
  const isDearer = compare(atCpm(plain).cpm, agreed) > 0;
  const found = isDearer ? await proposalsOf(seller).quote(plain, request, proposal, ports.newId(), access) : plain;
  const got = atCpm(found).cpm;
  const isKept = found === line.quote;
  const stands = Date.parse(line.quote.expiresAt) > ports.now().getTime();
  if (isKept || (compare(got, agreed) > 0 && stands && compare(got, atCpm(line.quote).cpm) >= 0)) {
    const why = isKept
      ? "the quote stands at the agreed price"
      : `the seller accepted ${displayMoney(agreed)} and then quoted ${displayMoney(got)} for it; the quote stands at its own price`;
    const status = isKept ? "agreed" : "rejected";
    return endWaiting(ports, ref, { kind: "negotiation_ended", v: 1, status, cpm: null, why });
  }
  const { proposal: _old, ...bare } = found;
  const quote: Quote = { ...bare, agreedAs: { proposalId: proposal.id, cpm: agreed } };
  return replace(ports, ref, quote, { ...line.request, impressions: request.impressions });
}

async function replace(ports: Ports, ref: Ref, quote: Quote, request: QuoteRequest): Promise<LoadedLine> {
  await decideAndAppend(ports, async () => {
    const rows = await ports.ledger.read(streams.quote(ref));
    const old = lineFrom(ref, rows);
    // Another process was faster, or the planner gave it up.
    if (old?.line.status !== "proposed") return { rows: [], result: undefined };
    if ((await ports.ledger.read(streams.quote(quote.ref))).length > 0) {
      const why = `${quote.sellerId} answered for the agreed price with ${quote.ref}, which this desk has already`;
      throw new SellerFailure(quote.sellerId, "invalid_answer", `${why}.`);
    }
    const [first] = rows[0]?.entries ?? [];
    const by = first?.kind === "quoted" ? first.by : "";
    const { campaign } = old.line;
    const why = `bought as ${quote.ref}`;
    return {
      rows: [
        firstLineRow(quote.ref, old.flowId, { kind: "quoted", v: 1, quote, request, campaign, by, renews: ref }),
        lineRow(
          ports,
          old,
          { kind: "negotiation_ended", v: 1, status: "agreed", cpm: quote.agreedAs?.cpm ?? null, why },
          { kind: "superseded", v: 1, by: quote.ref },
        ),
      ],
      result: undefined,
    };
  });
  return newestOf(ports, ref);
}

function isOver(ports: Ports, { quotedAt }: Line, afterMs: number): boolean {
  return ports.now().getTime() >= Date.parse(quotedAt) + afterMs;
}

function lapse(ports: Ports, { ref }: LoadedLine): Promise<LoadedLine> {
  const why = "nothing came of it in the time there was; the quote stands at its own price, or is renewed";
  return endWaiting(ports, ref, { kind: "negotiation_ended", v: 1, status: "rejected", cpm: null, why });
}

async function endWaiting(ports: Ports, ref: Ref, ended: LineEvent): Promise<LoadedLine> {
  await appendLine(ports, ref, ({ line }) => (line.status === "proposed" ? [ended] : []));
  return newestOf(ports, ref);
}

/** @throws SellerFailure `unsupported` where a seller takes no terms but its own */
export function proposalsOf({ id, proposals }: Seller): SellerProposals {
  if (proposals) return proposals;
  const why = `${id} takes no offer_cpm: a price of your own is put to it by negotiating its quote.`;
  throw new SellerFailure(id, "unsupported", why, { definite: true });
}
