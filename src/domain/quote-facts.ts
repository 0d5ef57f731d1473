import type { Channel } from "./inventory.ts";
import type { Money } from "./money.ts";
import type { Quote } from "./quote.ts";

/**
 * The most that 1,000 impressions of a quote can cost: its CPM, or that of the one product it buys; for an auction the bid.
 * Null where something else than impressions is paid for, or several products are bought together.
 */
export function highestCpm({ cpm, packages }: Pick<Quote, "cpm" | "packages">): Money | null {
  if (!packages) return cpm;
  const [only] = packages;
  if (!only || packages.length > 1) return null;
  return only.model === "cpm" || only.model === "vcpm" ? only.price : null;
}

/** The one channel a quote is of; null where it is of several, or says none. */
export function channelOf({ packages, product }: Pick<Quote, "packages" | "product">): Channel | null {
  const channels = new Set(packages ? packages.map((one) => one.product.channel) : [product.channel]);
  const [only] = channels;
  return channels.size === 1 ? (only ?? null) : null;
}
