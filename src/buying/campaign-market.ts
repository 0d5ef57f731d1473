import { type Brief, placesOf } from "../domain/brief.ts";
import { BuyingError } from "../domain/errors.ts";
import type { Channel, Product } from "../domain/inventory.ts";
import { compare, costOfImpressions, displayMoney, type Money, min } from "../domain/money.ts";
import { getMediaKit, lowestPrice } from "./media-kit.ts";
import type { Ports } from "./ports.ts";

/** What this desk's sellers have for a brief. */
export interface Market {
  /** By channel: the products that fit the brief. */
  readonly channels: ReadonlyMap<Channel, readonly Product[]>;
  /** The least that the cheapest order of a channel costs, where it is known. */
  readonly least: ReadonlyMap<Channel, Money>;
  /** Sellers that could not be read; what they have is not in here. */
  readonly silent: readonly string[];
}

/** Reads every trusted seller's kit for a brief; kits are cached, so that it is cheap to ask again. */
export async function marketFor(ports: Ports, brief: Brief, deadlineMs: number): Promise<Market> {
  const answer = await getMediaKit(ports, {
    ...{ sellers: [], channels: brief.channels, formats: [], geo: placesOf(brief), dealType: null, query: null },
    ...{ brief: null, maxCpm: null, limit: 5_000, offset: 0, refresh: false, deadlineMs },
  });
  const fitting = answer.products.filter(
    (product) => !brief.excludedSellers.includes(product.sellerId) && isBuyable(product, brief),
  );
  const channels = new Map<Channel, Product[]>();
  const least = new Map<Channel, Money>();
  for (const product of fitting) {
    const { channel } = product;
    if (!channel) continue;
    channels.set(channel, [...(channels.get(channel) ?? []), product]);
  }
  for (const [channel, products] of channels) {
    const costs = products.map((product) => leastCost(product, brief.budget.currency));
    const known = costs.filter((cost): cost is Money => cost !== null);
    const [first] = known;
    // Where one of them names no minimum, none is known for the channel.
    if (first && known.length === costs.length) least.set(channel, known.reduce(min, first));
  }
  const silent = answer.sellers.filter(({ value }) => !value).map(({ record }) => record.id);
  return { channels, least, silent };
}

/** What of a brief cannot be had on this market, in sentences of ours. Sellers that did not answer are given the benefit. */
export function marketConflicts({ channels, least, silent }: Market, brief: Brief): readonly string[] {
  const unheard = silent.length > 0 ? ` (not heard from: ${silent.join(", ")})` : "";
  const nobody = brief.channels.filter((channel) => !channels.has(channel));
  const said = nobody.map((channel) => `Nobody this desk buys from sells ${channel} for this brief${unheard}.`);
  if (said.length > 0) return said;
  if (channels.size === 0) return [`No seller of this desk has anything for this brief${unheard}.`];
  const cheapest = [...least.values()];
  const [first] = cheapest;
  if (!first || cheapest.length < channels.size) return [];
  const lowest = cheapest.reduce(min, first);
  if (compare(lowest, brief.budget) <= 0) return [];
  return [
    `The budget of ${displayMoney(brief.budget)} is below what every seller asks at least; the cheapest order is ${displayMoney(lowest)}.`,
  ];
}

/**
 * The sellers a brief names, by their ids.
 * @returns the brief with ids in it, and a sentence for each name that means nobody here
 */
export async function sellersNamed(
  ports: Ports,
  brief: Brief,
): Promise<{ readonly brief: Brief; readonly unknown: readonly string[] }> {
  const unknown: string[] = [];
  const idsOf = async (names: readonly string[]) => {
    const found = await Promise.all(
      names.map(async (name) => {
        try {
          return (await ports.directory.find(name)).id;
        } catch (error) {
          if (!(error instanceof BuyingError)) throw error;
          unknown.push(`${JSON.stringify(name.slice(0, 80))} is no seller of this desk.`);
          return null;
        }
      }),
    );
    return [...new Set(found.filter((id): id is string => id !== null))];
  };
  const preferredSellers = await idsOf(brief.preferredSellers);
  const excludedSellers = await idsOf(brief.excludedSellers);
  const both = preferredSellers.filter((id) => excludedSellers.includes(id));
  const named = { ...brief, preferredSellers, excludedSellers };
  return { brief: named, unknown: [...unknown, ...both.map((id) => `${id} is both preferred and excluded.`)] };
}

function isBuyable({ price, dealTypes }: Product, { budget, dealTypes: wanted = [] }: Brief): boolean {
  if (price.kind === "on_request") return false;
  const seen = lowestPrice(price);
  if (seen && seen.currency !== budget.currency) return false;
  return wanted.length === 0 || dealTypes.length === 0 || dealTypes.some((one) => wanted.includes(one));
}

/** What the smallest order of a product costs at the lowest price it can turn out to have; null where that is not known. */
function leastCost({ price, minImpressions, terms }: Product, currency: string): Money | null {
  const options = (terms?.options ?? []).flatMap(({ minSpend }) => (minSpend ? [minSpend] : []));
  const spends = options.filter((spend) => spend.currency === currency);
  const [first] = spends;
  if (first && spends.length === terms?.options.length) return spends.reduce(min, first);
  const seen = lowestPrice(price);
  return seen && minImpressions !== null ? costOfImpressions(seen, minImpressions) : null;
}
