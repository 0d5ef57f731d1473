import type { PackageRequest } from "./arguments.ts";
import { flightDays, unitsIn } from "./flight.ts";
import type { AdcpPricing, AdcpProduct } from "./profile.ts";
import { refusal } from "./refusal.ts";
import type { AdcpRuntime } from "./runtime.ts";
import type { StoredPackage } from "./state.ts";

/** A package as asked for, checked against what is sold: AdCP 3.1, create_media_buy, errors. */

/** The dates and the account a package hangs on. */
export interface Frame {
  readonly buyId: string;
  readonly accountId: string;
  readonly startAt: number;
  readonly endAt: number;
}

const honoured = ["geo_countries", "frequency_cap"];

/** When a flight starts: now for `asap`. @throws AdcpRefusal INVALID_REQUEST for one in the past */
export function startOf(seller: AdcpRuntime, time: string, field: string): number {
  const now = seller.now();
  if (time === "asap") return now;
  const at = Date.parse(time);
  if (at < now - 60_000) throw refusal("INVALID_REQUEST", "The start is in the past.", "correctable", { field });
  return at;
}

function price(product: AdcpProduct, pricing: AdcpPricing, asked: PackageRequest, field: string): void {
  const { currency, fixed, floor = 0, minimum = 0 } = pricing;
  const { budget, bid_price: bid } = asked;
  if (fixed !== undefined && bid !== undefined) {
    throw refusal("INVALID_REQUEST", "This price is fixed; there is nothing to bid.", "correctable", {
      field: `${field}.bid_price`,
    });
  }
  if (fixed === undefined && bid === undefined) {
    throw refusal("INVALID_REQUEST", "An auction needs a bid.", "correctable", { field: `${field}.bid_price` });
  }
  if (bid !== undefined && bid < floor) {
    const details = { floor_price: floor, currency };
    throw refusal("BUDGET_TOO_LOW", `The bid is below the floor of ${floor} ${currency}.`, "correctable", {
      ...{ field: `${field}.bid_price`, details },
    });
  }
  if (budget < minimum) {
    const details = { min_spend_per_package: minimum, currency };
    throw refusal("BUDGET_TOO_LOW", `${product.name} starts at ${minimum} ${currency}.`, "correctable", {
      ...{ field: `${field}.budget`, details },
    });
  }
}

function terms(product: AdcpProduct, asked: PackageRequest, field: string): void {
  const promised = product.completion?.promised ?? 0;
  for (const standard of asked.performance_standards ?? []) {
    if (standard.metric === "completion_rate" && standard.threshold <= promised) continue;
    const message = `We do not promise ${standard.metric} of ${standard.threshold}.`;
    throw refusal("TERMS_REJECTED", message, "correctable", { field: `${field}.performance_standards` });
  }
  const [refused] = Object.keys(asked.targeting_overlay ?? {}).filter((name) => !honoured.includes(name));
  if (refused === undefined) return;
  const message = `We cannot target by ${refused}.`;
  throw refusal("UNSUPPORTED_FEATURE", message, "correctable", { field: `${field}.targeting_overlay.${refused}` });
}

/** The impressions a guaranteed package is promised for its budget; null in an auction. */
export function promisedImpressions(
  product: AdcpProduct,
  pack: Pick<StoredPackage, "pricing" | "budget" | "startAt" | "endAt">,
): number | null {
  const { fixed, model } = pack.pricing;
  if (product.delivery !== "guaranteed" || fixed === undefined) return null;
  return Math.floor(pack.budget / (fixed * unitsIn(product, model, 1, flightDays(pack))));
}

/**
 * The package to book.
 *
 * @param field where it stands in the request, for errors
 * @throws AdcpRefusal PRODUCT_NOT_FOUND, INVALID_REQUEST, BUDGET_TOO_LOW, TERMS_REJECTED, UNSUPPORTED_FEATURE,
 * PRODUCT_UNAVAILABLE
 */
export function bookable(
  seller: AdcpRuntime,
  frame: Frame,
  asked: PackageRequest,
  id: string,
  field: string,
): StoredPackage {
  const product = seller.product(asked.product_id);
  if (!product) {
    const message = `There is no product ${asked.product_id}.`;
    throw refusal("PRODUCT_NOT_FOUND", message, "correctable", { field: `${field}.product_id` });
  }
  const pricing = seller.pricing(product, asked.pricing_option_id);
  if (!pricing) {
    const message = `${product.name} is not sold at ${asked.pricing_option_id}.`;
    throw refusal("INVALID_REQUEST", message, "correctable", { field: `${field}.pricing_option_id` });
  }
  price(product, pricing, asked, field);
  terms(product, asked, field);
  const startAt =
    asked.start_time === undefined ? frame.startAt : startOf(seller, asked.start_time, `${field}.start_time`);
  const endAt = asked.end_time === undefined ? frame.endAt : Date.parse(asked.end_time);
  if (startAt < frame.startAt || endAt > frame.endAt || endAt <= startAt) {
    throw refusal("INVALID_REQUEST", "The package does not fit into the flight.", "correctable", { field });
  }
  for (const creative of asked.creatives ?? []) {
    const { creative_id, name } = creative;
    const content = JSON.stringify(creative);
    const stored = { id: creative_id, accountId: frame.accountId, name, content, status: "approved" } as const;
    seller.books.creatives[`${frame.accountId}|${creative_id}`] = stored;
  }
  const assigned = [...(asked.creative_assignments ?? []), ...(asked.creatives ?? [])];
  const pack = { pricing, budget: asked.budget, startAt, endAt };
  const impressions = promisedImpressions(product, pack);
  if (impressions !== null && pricing.model !== "flat_rate" && impressions > product.daily * flightDays(pack)) {
    const message = `${product.name} has no more than ${product.daily * flightDays(pack)} impressions in this flight.`;
    throw refusal("PRODUCT_UNAVAILABLE", message, "correctable", { field: `${field}.budget` });
  }
  return {
    ...pack,
    id,
    productId: product.id,
    bid: asked.bid_price ?? null,
    pacing: asked.pacing ?? "even",
    impressions: asked.impressions ?? impressions,
    paused: asked.paused ?? false,
    canceledAt: null,
    creatives: [...new Set(assigned.map((creative) => creative.creative_id))],
    asked: {
      ...(asked.targeting_overlay ? { targeting_overlay: asked.targeting_overlay } : {}),
      ...(asked.context ? { context: asked.context } : {}),
    },
    delivered: {},
  };
}
