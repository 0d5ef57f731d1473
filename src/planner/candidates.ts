import type { Brief } from "../domain/brief.ts";
import type { Price, Product } from "../domain/inventory.ts";
import { costOfImpressions, type Money, min, percentOf, zero } from "../domain/money.ts";
import { countsImpressions, type PricingOption } from "../domain/package.ts";
import type { Offer } from "../domain/selection.ts";

/** By how much a price that is negotiable is taken to come down, in percent: a guess, made before anybody is asked. */
const COMES_DOWN = 6;

/**
 * Products of a channel as offers to plan with, before anybody is asked: at the price the kit shows us, within what the seller
 * has and asks for at least.
 * @returns them, and what was not looked at further with why, in our words
 */
export function candidates(
  products: readonly Product[],
  brief: Brief,
  budget: Money,
): { readonly offers: readonly Offer[]; readonly skipped: readonly string[] } {
  const offers: Offer[] = [];
  const skipped: string[] = [];
  for (const product of products) {
    const { ref, sellerId, dealTypes } = product;
    const wanted = brief.dealTypes ?? [];
    const price = expectedPrice(product);
    if (brief.excludedSellers.includes(sellerId)) continue;
    if (wanted.length > 0 && dealTypes.length > 0 && !dealTypes.some((one) => wanted.includes(one))) continue;
    if (!price) skipped.push(`${ref}: names no price per 1,000 impressions`);
    else if (price.currency !== budget.currency) skipped.push(`${ref}: priced in ${price.currency}`);
    else {
      const isPreferred = brief.preferredSellers.includes(sellerId);
      offers.push({
        id: ref,
        sellerId,
        cpm: price,
        comparesAt: product.negotiable ? percentOf(price, 100 - COMES_DOWN) : price,
        ...boundsOf(product, price, budget),
        isPreferred,
      });
    }
  }
  return { offers, skipped };
}

function boundsOf(product: Product, price: Money, budget: Money) {
  const { minImpressions, availableImpressions } = product;
  const minimum = optionOf(product)?.minSpend ?? null;
  const spend = minimum?.currency === budget.currency ? minimum : null;
  const least = spend ?? (minImpressions === null ? zero(budget.currency) : costOfImpressions(price, minImpressions));
  const most = availableImpressions === null ? budget : min(budget, costOfImpressions(price, availableImpressions));
  return { least, most };
}

/** The CPM a product is expected to come at: its option's, else what the kit says, or the middle of a range. */
function expectedPrice(product: Product): Money | null {
  const option = optionOf(product);
  return option ? (option.fixed ?? bidFor(option)) : shownPrice(product.price);
}

/** The first price of a product that is per 1,000 impressions, fixed ones first; null where it is sold by volume, or otherwise. */
export function optionOf({ terms }: Product): PricingOption | null {
  const options = (terms?.options ?? []).filter((option) => countsImpressions(option));
  return options.find(({ fixed }) => fixed) ?? options.find((option) => bidFor(option)) ?? null;
}

/** What is bid where nobody says otherwise: what won half of the auctions, or the floor. */
export function bidFor({ guidance, floor }: PricingOption): Money | null {
  return guidance?.p50 ?? floor;
}

function shownPrice(price: Price): Money | null {
  switch (price.kind) {
    case "exact":
      return price.cpm;
    case "range":
      return { ...price.low, micros: (price.low.micros + price.high.micros) / 2n };
    case "floor":
      return price.floor;
    case "per_unit":
    case "on_request":
      return null;
  }
}
