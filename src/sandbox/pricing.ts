/**
 * How a sandbox seller prices: IAB seller agent 2.4.2, tiered pricing with its default config.
 *
 * Prices here are dollars per 1,000 impressions in floating point, because the real seller computes so and its
 * rounding can only be met bit for bit by doing the same.
 */

/** What a seller knows of a buyer, from the least to the most. */
export type Tier = "public" | "seat" | "agency" | "advertiser";

interface TierTerms {
  readonly discount: number;
  readonly volumeDiscounts: boolean;
  readonly title: string;
}

const tierTerms: Readonly<Record<Tier, TierTerms>> = {
  public: { discount: 0, volumeDiscounts: false, title: "Public" },
  seat: { discount: 0.05, volumeDiscounts: false, title: "Seat" },
  agency: { discount: 0.1, volumeDiscounts: true, title: "Agency" },
  advertiser: { discount: 0.15, volumeDiscounts: true, title: "Advertiser" },
};

/** The lowest CPM in dollars at which any product of any seller is ever sold. */
export const globalFloorCpm = 1;

const exactDigits = 60;

/**
 * Writes a number with a fixed count of decimals, ties to the even digit, on the exact binary value: 12.825 is
 * stored a little below the tie and gives 12.82; 0.125 is an exact tie and gives 0.12.
 */
export function fixedHalfEven(value: number, digits: number): string {
  const rounded = value.toFixed(digits);
  if (rounded.includes("e")) return rounded;
  const exact = value.toFixed(exactDigits);
  const cut = exact.length - (exactDigits - digits);
  const rest = exact.slice(cut);
  const isTie = rest.startsWith("5") && /^50*$/.test(rest);
  if (!isTie || Number(rounded.at(-1)) % 2 === 0) return rounded;
  return digits === 0 ? exact.slice(0, cut - 1) : exact.slice(0, cut);
}

/** Rounds dollars to whole cents, ties to even. */
export function toCents(value: number): number {
  return Number(fixedHalfEven(value, 2));
}

/** A CPM as people write it in this seller's rationales: `$12.11`. */
export function dollars(value: number): string {
  return `$${fixedHalfEven(value, 2)}`;
}

/** The amount dialect of quotes, deals and negotiation messages: whole micros and a currency. */
export interface WireMoney {
  readonly amount_micros: number;
  readonly currency: string;
}

/** Dollars as micros. The sellers keep no currency but USD, whatever a buyer sends. */
export function wireMoney(value: number): WireMoney {
  return { amount_micros: Math.round(value * 1_000_000), currency: "USD" };
}

/** Micros as dollars; the currency a buyer wrote is dropped, as the real seller drops it. */
export function fromWireMoney(money: { readonly amount_micros: number }): number {
  return money.amount_micros / 1_000_000;
}

function volumeDiscount(impressions: number): number {
  if (impressions >= 50_000_000) return 0.2;
  if (impressions >= 20_000_000) return 0.15;
  if (impressions >= 10_000_000) return 0.1;
  if (impressions >= 5_000_000) return 0.05;
  return 0;
}

/** A price with its way: discounts are fractions (0.15), prices dollars CPM. */
export interface PriceDecision {
  readonly base: number;
  readonly tierDiscount: number;
  readonly volumeDiscount: number;
  readonly final: number;
  readonly rationale: string;
}

/**
 * The list price less the tier's and the volume's discount, never below the global floor. A product's own floor is
 * not looked at: a large volume at a good tier may be sold below it.
 */
export function decidePrice(base: number, tier: Tier, impressions: number): PriceDecision {
  const terms = tierTerms[tier];
  const volume = terms.volumeDiscounts && impressions > 0 ? volumeDiscount(impressions) : 0;
  let price = base;
  const parts = [`Base price: ${dollars(base)} CPM`];
  if (terms.discount > 0) {
    price *= 1 - terms.discount;
    parts.push(`${terms.title} tier: -${fixedHalfEven(terms.discount * 100, 0)}%`);
  }
  if (volume > 0) {
    price *= 1 - volume;
    parts.push(`Volume discount: -${fixedHalfEven(volume * 100, 1)}%`);
  }
  price = Math.max(price, globalFloorCpm);
  const saved = base > 0 ? 1 - price / base : 0;
  parts.push(`Final price: ${dollars(price)} CPM`);
  if (saved > 0) parts.push(`(Total savings: ${fixedHalfEven(saved * 100, 1)}%)`);
  return {
    base,
    tierDiscount: terms.discount,
    volumeDiscount: volume,
    final: toCents(price),
    rationale: parts.join(" | "),
  };
}

/** The price a tier sees on a package and starts a negotiation from: no volume discount. */
export function tierPrice(base: number, tier: Tier): number {
  return tier === "public" ? base : toCents(base * (1 - tierTerms[tier].discount));
}

/** What anonymous callers read on a package: a fifth below to a fifth above the list price. */
export function publicRange(base: number): string {
  return `$${fixedHalfEven(base * 0.8, 0)}-$${fixedHalfEven(base * 1.2, 0)} CPM`;
}

/** Whether a buyer's `target_cpm` becomes the price as it stands, up or down: it does from the floor upwards. */
export function takesTarget(target: number, floorCpm: number | null): boolean {
  return target >= Math.max(globalFloorCpm, floorCpm ?? 0);
}
