import type { ChannelTask, Planner, Research } from "../buying/specialist.ts";
import type { LoadedLine } from "../buying/lines.ts";
import type { QuoteItem } from "../buying/quote.ts";
import { type Brief, placesOf } from "../domain/brief.ts";
import { highestCpm } from "../domain/quote-facts.ts";
import type { Product } from "../domain/inventory.ts";
import { add, compare, displayMoney, type Money, min, money, subtract, zero } from "../domain/money.ts";
import { totalOfQuote } from "../domain/quote.ts";
import { cheapestFirst, type Offer, type Select, type SelectionLimits } from "../domain/selection.ts";
import { bargain } from "./bargain.ts";
import { bidFor, candidates, optionOf } from "./candidates.ts";
import { PLANNER, type Verbs } from "./verbs.ts";

const KIT_MS = 15_000;
const QUOTE_MS = 30_000;
const COMPARE_MS = 5_000;
/** Less of a channel's budget than this, in percent, is not worth another round of quotes. */
const WORTH_A_ROUND = 3n;
const ROUNDS = 2;

/**
 * Plans without a model: splits by the table, and in each channel chooses from the media kits what the budget buys most
 * impressions of, asks for quotes, brings them down, and buys more with what that saved. The same market brings the same plan.
 * @param select how a budget is put on offers; an optimiser may take its place
 */
export function deterministicPlanner(verbs: Verbs, select: Select = cheapestFirst): Planner {
  return {
    name: "deterministic",
    allocate: async () => null,
    research: (task) => research(verbs, select, task),
  };
}

/** A quote that may become a line. */
interface Priced {
  readonly loaded: LoadedLine;
  readonly total: Money;
  readonly cpm: Money;
  readonly comparesAt: Money;
  readonly why: string;
}

async function research(verbs: Verbs, select: Select, task: ChannelTask): Promise<Research> {
  const { brief, channel, budget, signal, progress } = task;
  const notes: string[] = [];
  const answer = await verbs.mediaKit({
    ...{
      sellers: [],
      channels: [channel],
      formats: [],
      geo: placesOf(brief),
      dealType: null,
      query: null,
      brief: null,
    },
    ...{ maxCpm: null, limit: 5_000, offset: 0, refresh: false, deadlineMs: KIT_MS },
  });
  for (const { record, value, status } of answer.sellers)
    if (!value) notes.push(`${record.id} was not looked at: ${status}`);
  const { offers, skipped } = candidates(answer.products, brief, budget);
  notes.push(...skipped);
  const limits: SelectionLimits = { maxCpm: brief.maxCpm, sellerShare: brief.sellerShare ?? null };
  // Near misses are asked too: a price comes down by about a tenth.
  const asking = { ...limits, maxCpm: limits.maxCpm && money((limits.maxCpm.micros * 10n) / 9n, budget.currency) };
  const priced: Priced[] = [];
  let spendable = budget;
  let untried = offers;
  // The second round spends what negotiation saved in the first, and what sellers refused to take.
  for (let round = 0; round < ROUNDS && !signal.aborted; round += 1) {
    const { chosen } = select(untried, spendable, asking);
    if (chosen.length === 0) break;
    progress(`asking for ${chosen.length} quotes over ${displayMoney(spendable)}`);
    const got = await quoted(verbs, task, answer.products, chosen, notes);
    if (signal.aborted) break;
    progress(`negotiating ${got.length} quotes`);
    priced.push(...(await compared(verbs, await bargain(verbs, got, brief.maxCpm), notes)));
    const standing = chosenOf(select, priced, budget, brief, limits);
    spendable = subtract(budget, standing.spent);
    if (spendable.micros * 100n < budget.micros * WORTH_A_ROUND) break;
    const answered = new Set(got.map(({ line }) => line.quote.product.ref));
    const failed = new Set(chosen.map(({ id }) => id).filter((id) => !answered.has(id)));
    untried = stillOpen(untried, failed, standing.lines, budget, limits.sellerShare);
  }
  const { lines, left, spent } = chosenOf(select, priced, budget, brief, limits);
  notes.push(...left);
  if (lines.length > 0) notes.push(`${displayMoney(subtract(budget, spent))} of ${displayMoney(budget)} is left`);
  const recommended = lines.map(({ loaded, why }) => ({ quote: loaded.ref, why }));
  return { recommended, notes, used: null };
}

/** What is still worth trying: what answered or was not asked yet, each seller with what its share leaves it. */
function stillOpen(
  offers: readonly Offer[],
  failed: ReadonlySet<string>,
  lines: readonly Priced[],
  budget: Money,
  share: number | null,
): readonly Offer[] {
  const cap = share === null ? budget : money((budget.micros * BigInt(share)) / 100n, budget.currency);
  return offers.flatMap((offer) => {
    const own = lines.filter(({ loaded }) => loaded.line.quote.sellerId === offer.sellerId);
    const used = own.reduce((sum, { total }) => add(sum, total), zero(budget.currency));
    const most = min(offer.most, subtract(cap, used));
    return failed.has(offer.id) || compare(most, offer.least) < 0 ? [] : [{ ...offer, most }];
  });
}

async function quoted(
  verbs: Verbs,
  { brief }: ChannelTask,
  products: readonly Product[],
  chosen: readonly { readonly id: string; readonly budget: Money }[],
  notes: string[],
): Promise<readonly LoadedLine[]> {
  const items = chosen.map(({ id, budget }) => itemFor(brief, id, budget, products));
  const ask = { campaign: brief.name, items, goal: brief.objective, by: PLANNER, deadlineMs: QUOTE_MS };
  const outcomes = await verbs.quote(ask);
  return outcomes.flatMap((outcome) => {
    if (outcome.ok) return [outcome.report.loaded];
    notes.push(`no quote for ${outcome.item}: ${outcome.error.message.replace(/ Nothing was booked\.$/, "")}`);
    return [];
  });
}

function itemFor(brief: Brief, ref: string, budget: Money, products: readonly Product[]): QuoteItem {
  const { geo, audience, frequencyCap, flight, dealTypes = [] } = brief;
  const product = products.find((one) => one.ref === ref);
  const sold = product?.dealTypes ?? [];
  const option = product ? optionOf(product) : null;
  const people = [...audience.demographics, ...audience.interests];
  const isTargeted = geo.length > 0 || people.length > 0 || frequencyCap !== null;
  return {
    ...{ product: ref, flight, budget, impressions: null },
    dealType: dealTypes.find((one) => sold.includes(one)) ?? null,
    targeting: isTargeted ? { geo, audience: people, frequencyCap } : null,
    terms: {
      maxBid: option && !option.fixed ? bidFor(option) : null,
      pricingOption: option?.id ?? null,
      creativeIds: [],
    },
    ...{ with: [], brief: null },
  };
}

/** Quotes as they compare; one that cannot be compared, or whose price per 1,000 has no limit, is left with why. */
async function compared(verbs: Verbs, quotes: readonly LoadedLine[], notes: string[]): Promise<readonly Priced[]> {
  if (quotes.length === 0) return [];
  const refs = quotes.map(({ ref }) => ref);
  const { comparison } = await verbs.compare({ quotes: refs, campaign: null, formats: [], deadlineMs: COMPARE_MS });
  for (const { ref, why } of comparison.apart) notes.push(`${ref}: ${why}`);
  return comparison.ranked.flatMap(({ ref, comparesAt, why }) => {
    const loaded = quotes.find((one) => one.ref === ref);
    const cpm = loaded ? highestCpm(loaded.line.quote) : null;
    if (!loaded || !cpm) {
      notes.push(`${ref}: not paid for by impressions, so that no limit holds for what 1,000 of them cost`);
      return [];
    }
    return [{ loaded, total: totalOfQuote(loaded.line.quote), cpm, comparesAt, why }];
  });
}

/** What is worth recommending of the quotes there are; each stands or falls as a whole. */
function chosenOf(
  select: Select,
  priced: readonly Priced[],
  budget: Money,
  brief: Brief,
  limits: SelectionLimits,
): { readonly lines: readonly Priced[]; readonly left: readonly string[]; readonly spent: Money } {
  const offers: Offer[] = priced.map(({ loaded, total, cpm, comparesAt }) => {
    const { sellerId } = loaded.line.quote;
    const isPreferred = brief.preferredSellers.includes(sellerId);
    return { id: loaded.ref, sellerId, cpm, comparesAt, least: total, most: total, isPreferred };
  });
  const { chosen, left } = select(offers, budget, limits);
  const lines = chosen.flatMap(({ id }) => priced.find(({ loaded }) => loaded.ref === id) ?? []);
  const spent = lines.reduce((sum, { total }) => add(sum, total), zero(budget.currency));
  return { lines, left: left.map(({ id, why }) => `${id} was left: ${why}`), spent };
}
