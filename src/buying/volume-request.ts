import { BuyingError } from "../domain/errors.ts";
import type { Goal } from "../domain/identity.ts";
import type { Product } from "../domain/inventory.ts";
import { costOfImpressions, displayMoney, impressionsForBudget } from "../domain/money.ts";
import type { QuoteRequest } from "../domain/quote.ts";
import { lowestPrice } from "./media-kit.ts";
import type { QuoteItem } from "./quote.ts";

/** What a seller of impressions is asked for; beside it budget-request.ts, for sellers of budgets. */

/** The request to send; impressions from a budget are a first estimate at the price we can see. */
export function volumeRequest(item: QuoteItem, product: Product, goal: Goal | null): QuoteRequest {
  const dealType = item.dealType ?? product.dealTypes[0] ?? "PD";
  if (product.dealTypes.length > 0 && !product.dealTypes.includes(dealType)) {
    const message = `${product.ref} is sold as ${product.dealTypes.join(" or ")}, not ${dealType}. Nothing was booked.`;
    throw new BuyingError("deal_type_unsupported", message, "fix_arguments", {
      field: "deal_type",
      candidates: product.dealTypes,
    });
  }
  if (product.price.kind === "on_request") {
    throw new BuyingError(
      "price_on_request",
      `${product.ref} has a price on request only; ask the seller in person. Nothing was booked.`,
      "choose_another",
    );
  }
  const seen = lowestPrice(product.price);
  const impressions = item.impressions ?? (item.budget && seen ? impressionsForBudget(item.budget, seen) : 0);
  const { flight, budget, targeting, offer } = item;
  const { creativeIds: creatives } = item.terms;
  const plain = { product: product.ref, flight, dealType, impressions, budget, targeting, goal };
  return { ...plain, ...(offer ? { offer } : {}), ...(creatives.length > 0 ? { creatives } : {}) };
}

/** @throws BuyingError `below_minimum` or `above_available` where a volume that was named cannot be had */
export function checkBeforeAsking(product: Product, request: QuoteRequest): void {
  const { minImpressions, availableImpressions } = product;
  if (minImpressions !== null && request.impressions < minImpressions && request.budget === null)
    throw belowMinimum(product, request.impressions);
  if (availableImpressions !== null && request.budget === null && request.impressions > availableImpressions) {
    throw new BuyingError(
      "above_available",
      `${product.ref} has ${availableImpressions} impressions, asked for ${request.impressions}. Nothing was booked.`,
      "fix_arguments",
      { field: "impressions" },
    );
  }
}

/** What is said of a volume that is too small to be sold. */
export function belowMinimum(product: Product, impressions: number): BuyingError {
  const price = lowestPrice(product.price);
  const least = product.minImpressions ?? 0;
  const cost = price ? `, about ${displayMoney(costOfImpressions(price, least))}` : "";
  return new BuyingError(
    "below_minimum",
    `${product.ref} sells at least ${least} impressions${cost}; this is ${impressions}. Nothing was booked.`,
    "fix_arguments",
    { field: "budget" },
  );
}
