import type { Tier } from "./identity.ts";
import type { Ref } from "./ids.ts";
import type { Money } from "./money.ts";

export const channels = [
  "ctv",
  "online_video",
  "display",
  "mobile_app",
  "native",
  "audio",
  "dooh",
  "linear_tv",
] as const;
/** Where advertising runs, in the trade's words. */
export type Channel = (typeof channels)[number];

export const dealTypes = ["PG", "PD", "PA"] as const;
/** Programmatic guaranteed, preferred deal, private auction. */
export type DealType = (typeof dealTypes)[number];

/** What a product costs, as far as the seller says it to us; CPM is per 1,000 impressions. */
export type Price =
  | { readonly kind: "exact"; readonly model: "cpm"; readonly cpm: Money; readonly floor: Money | null }
  | { readonly kind: "range"; readonly model: "cpm"; readonly low: Money; readonly high: Money }
  | { readonly kind: "floor"; readonly model: "cpm"; readonly floor: Money }
  | { readonly kind: "on_request" };

/** Something that can be bought, as one seller shows it to one identity tier. Texts are cleaned seller words. */
export interface Product {
  readonly ref: Ref;
  readonly sellerId: string;
  readonly productId: string;
  readonly name: string;
  readonly channel: Channel | null;
  readonly formats: readonly string[];
  readonly devices: readonly string[];
  readonly geo: readonly string[];
  readonly dealTypes: readonly DealType[];
  readonly price: Price;
  /** Null where the seller does not say. */
  readonly negotiable: boolean | null;
  readonly volumeDiscounts: boolean | null;
  readonly minImpressions: number | null;
  /** Units free in all, or null where the seller names no cap. */
  readonly availableImpressions: number | null;
  readonly about: string;
  readonly tags: readonly string[];
}

/** A seller's catalogue as it was shown to us, and to whom it thought it was showing it. */
export interface MediaKit {
  readonly sellerId: string;
  readonly seenAs: Tier;
  readonly products: readonly Product[];
  /** Entries that could not be read; the rest is not lost with them. */
  readonly unreadable: number;
  /** Our sentences about parts of it that could not be read. */
  readonly notes: readonly string[];
}

/** Units free for a product in a flight, and what the seller estimates they cost. Never a promise. */
export interface Avails {
  readonly available: number | null;
  readonly guaranteed: number | null;
  readonly estimatedCpm: Money | null;
  readonly estimatedTotal: Money | null;
}
