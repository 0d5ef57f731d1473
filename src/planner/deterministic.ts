import type { ChannelTask, Planner, Research } from "../buying/specialist.ts";
import type { LoadedLine } from "../buying/lines.ts";
import type { QuoteItem } from "../buying/quote.ts";
import { type Brief, placesOf } from "../domain/brief.ts";
import { highestCpm } from "../domain/quote-facts.ts";
import type { Ref } from "../domain/ids.ts";
import type { Product } from "../domain/inventory.ts";
import {
  add,
  compare,
  displayMoney,
  type Money,
  min,
  money,
  mulDiv,
  percentOf,
  subtract,
  toMinorUnit,
  zero,
} from "../domain/money.ts";
import { totalOfQuote } from "../domain/quote.ts";
import { type Chosen, cheapestFirst, type Offer, type Select, type SelectionLimits } from "../domain/selection.ts";
import { bargain } from "./bargain.ts";
import { bidFor, candidates, optionOf } from "./candidates.ts";
import { PLANNER, type Verbs } from "./verbs.ts";

const KIT_MS = 15_000;
const QUOTE_MS = 30_000;
const COMPARE_MS = 5_000;
/** Less of a channel's budget than this, in percent, is not worth a line of its own. */
const LEAST_LINE = 5;
const ROUNDS = 2;

/**
 * Plans without a model: splits by the table, and in each channel chooses from the media kits what the budget buys most
 * impressions of, asks for quotes, brings them down, and asks again for as much as the budget buys at the price they came down to. The same market brings the same plan.
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
  readonly product: Ref;
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
  const standing = new Map<Ref, Priced>();
  let spendable = budget;
  let untried = offers;
  // The second round is for what sellers of the first would not take.
  for (let round = 0; round < ROUNDS && !signal.aborted; round += 1) {
    const { chosen } = select(untried, spendable, asking);
    if (chosen.length === 0) break;
    progress(`asking for ${chosen.length} quotes over ${displayMoney(spendable)}`);
    for (const one of await bargained(verbs, task, answer.products, chosen, notes)) standing.set(one.product, one);
    const larger = chosen.flatMap((one) => grown(one, standing.get(one.id)));
    if (larger.length > 0 && !signal.aborted) {
      progress(`asking for more of ${larger.length}, at what they came down to`);
      for (const one of await bargained(verbs, task, answer.products, larger, []))
        if (isBetter(one, standing.get(one.product), chosen)) standing.set(one.product, one);
    }
    const { lines, spent } = chosenOf(select, [...standing.values()], budget, brief, limits);
    spendable = subtract(budget, spent);
    const worth = percentOf(budget, LEAST_LINE);
    if (compare(spendable, worth) < 0) break;
    const asked = new Set(chosen.map(({ id }) => id));
    untried = stillOpen(untried, asked, lines, budget, limits.sellerShare, worth);
  }
  const { lines, left, spent } = chosenOf(select, [...standing.values()], budget, brief, limits);
  notes.push(...left);
  if (lines.length > 0) notes.push(`${displayMoney(subtract(budget, spent))} of ${displayMoney(budget)} is left`);
  const recommended = lines.map(({ loaded, why }) => ({ quote: loaded.ref, why }));
  return { recommended, notes, used: null };
}

/** What to ask for anew where a price came down: as much as the budget buys at the price it came down to. */
function grown({ id, budget }: Chosen, found: Priced | undefined): readonly Chosen[] {
  const { quotedCpm, quote } = found?.loaded.line ?? {};
  if (!quotedCpm || !quote?.cpm || compare(quote.cpm, quotedCpm) >= 0) return [];
  return [
    { id, budget: toMinorUnit(money(mulDiv(budget.micros, quotedCpm.micros, quote.cpm.micros), budget.currency)) },
  ];
}

/** True where the larger quote came down as far, so that it fits what its product may cost. Else the first one stands. */
function isBetter(one: Priced, before: Priced | undefined, chosen: readonly Chosen[]): boolean {
  const planned = chosen.find(({ id }) => id === one.product)?.budget;
  if (!planned || !before || compare(one.total, planned) > 0) return false;
  return compare(one.comparesAt, before.comparesAt) <= 0 && compare(one.total, before.total) > 0;
}

/** What was not asked yet, each seller with what its share leaves it, and nothing so small that it is not worth a line. */
function stillOpen(
  offers: readonly Offer[],
  asked: ReadonlySet<string>,
  lines: readonly Priced[],
  budget: Money,
  share: number | null,
  worth: Money,
): readonly Offer[] {
  const cap = share === null ? budget : percentOf(budget, share);
  return offers.flatMap((offer) => {
    const own = lines.filter(({ loaded }) => loaded.line.quote.sellerId === offer.sellerId);
    const used = own.reduce((sum, { total }) => add(sum, total), zero(budget.currency));
    const most = min(offer.most, subtract(cap, used));
    const least = compare(offer.least, worth) < 0 ? worth : offer.least;
    return asked.has(offer.id) || compare(most, least) < 0 ? [] : [{ ...offer, least, most }];
  });
}

/** Quotes for what was chosen, brought down and compared. */
async function bargained(
  verbs: Verbs,
  task: ChannelTask,
  products: readonly Product[],
  chosen: readonly Chosen[],
  notes: string[],
): Promise<readonly Priced[]> {
  const got = await quoted(verbs, task, products, chosen, notes);
  if (task.signal.aborted) return [];
  task.progress(`negotiating ${got.length} quotes`);
  return compared(verbs, await bargain(verbs, got, task.brief.maxCpm), notes);
}

async function quoted(
  verbs: Verbs,
  { brief }: ChannelTask,
  products: readonly Product[],
  chosen: readonly Chosen[],
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
    return [
      { product: loaded.line.quote.product.ref, loaded, total: totalOfQuote(loaded.line.quote), cpm, comparesAt, why },
    ];
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
