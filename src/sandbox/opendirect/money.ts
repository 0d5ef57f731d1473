import type { OpenDirectProduct } from "./profile.ts";
import type { OpenDirectRuntime } from "./runtime.ts";

/** Inside, money is whole micros; on the wire OpenDirect writes decimal numbers. */

const micros = 1_000_000;
const cent = 10_000;
const targetedFactor = 1.1;

/** Micros as a decimal on the wire. */
export function decimal(amount: number): number {
  return amount / micros;
}

/** A price times a factor, to the cent. */
export function times(amount: number, factor: number): number {
  return factor === 1 ? amount : Math.round((amount * factor) / cent) * cent;
}

/**
 * What a unit costs today, in micros. Targeting costs a tenth more: `baseprice` is where prices start (OpenDirect 2.1,
 * Product).
 */
export function priceOf(seller: OpenDirectRuntime, product: OpenDirectProduct, targeting: unknown): number {
  const isTargeted = typeof targeting === "object" && targeting !== null && Object.keys(targeting).length > 0;
  return times(product.baseMicros, seller.behaviour.priceFactor * (isTargeted ? targetedFactor : 1));
}

/** What so many units cost at a rate, in micros: by the thousand for CPM, by the click for CPC, all of it at a flat rate. */
export function costOf(product: OpenDirectProduct, qty: number, rateMicros: number): number {
  if (product.rateType === "FlatRate") return rateMicros;
  // Quantity times micros can leave the range of exact numbers.
  const total = BigInt(qty) * BigInt(rateMicros);
  return Number(product.rateType === "CPC" ? total : (total + 500n) / 1_000n);
}
