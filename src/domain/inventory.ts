import type { Tier } from "./identity.ts";
import type { Ref } from "./ids.ts";
import type { Money } from "./money.ts";
import type { PricingModel, PricingOption, Standard } from "./package.ts";

export const channels = [
  "ctv",
  "online_video",
  "display",
  "mobile_app",
  "native",
  "audio",
  "social",
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
  /** Per something else than impressions; the model says what. `fixed` false = bids from there on. */
  | {
      readonly kind: "per_unit";
      readonly model: Exclude<PricingModel, "cpm">;
      readonly price: Money;
      readonly fixed: boolean;
    }
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
  /** Of a seller that sells budgets: how; absent at sellers that sell volume. */
  readonly terms?: ProductTerms | undefined;
}

/** How a product is sold by budget: every price it has, what it promises, where it runs. */
export interface ProductTerms {
  readonly guaranteed: boolean;
  readonly options: readonly PricingOption[];
  readonly standards: readonly Standard[];
  readonly formats: readonly string[];
  /** Domains of its publishers. */
  readonly publishers: readonly string[];
  readonly countries: readonly string[];
  /** Our words on what cancelling costs; null where the seller does not say. */
  readonly cancellation: string | null;
  /** Our words on what it is forecast to deliver; null where the seller forecasts nothing. */
  readonly forecast: string | null;
  /** What it is forecast to deliver, level by level; absent where kept by an older release. */
  readonly levels?: readonly ForecastLevel[] | undefined;
  /** Audiences and contexts it has; absent where kept by an older release. */
  readonly targeting?: readonly TargetingOption[] | undefined;
  /** UTC instant after which the price is no longer promised; null where the seller does not say. */
  readonly expiresAt: string | null;
}

/** A forecast figure; each part may be missing. */
export interface Spread<T> {
  readonly low: T | null;
  readonly mid: T | null;
  readonly high: T | null;
}

/** What a seller expects of a product at one level of bid or budget. Never a promise. */
export interface ForecastLevel {
  /** The seller's word for the level, cleaned. */
  readonly label: string | null;
  readonly budget: Money | null;
  readonly impressions: Spread<number> | null;
  /** Share of auctions won, exact decimal text, e.g. `0.25`. */
  readonly winRate: Spread<string> | null;
  /** What the impressions are for; null = the flight, or all there is. */
  readonly per: "day" | "week" | null;
}

/** An audience or a context of a product; words are the seller's, cleaned. */
export interface TargetingOption {
  readonly name: string;
  /** Its segments; none where it has no parts. */
  readonly values: readonly string[];
  /** Part of the product, so that nobody chooses it. */
  readonly included: boolean;
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
  /** Bundles the seller proposes for the brief; absent where it makes none. */
  readonly proposals?: readonly SellerProposal[] | undefined;
}

/** A bundle of products that a seller puts together for a brief. Texts are cleaned seller words. */
export interface SellerProposal {
  readonly ref: Ref;
  readonly sellerId: string;
  readonly proposalId: string;
  readonly name: string;
  readonly committed: boolean;
  readonly expiresAt: string | null;
  readonly budget: { readonly least: Money | null; readonly recommended: Money | null; readonly most: Money | null };
  /** Shares of the budget in hundredths of a percent; together 10,000. */
  readonly shares: readonly { readonly productId: string; readonly option: string | null; readonly share: number }[];
  readonly needsSignature: boolean;
}

/** Units free for a product in a flight, and what the seller estimates they cost. Never a promise. */
export interface Avails {
  readonly available: number | null;
  readonly guaranteed: number | null;
  readonly estimatedCpm: Money | null;
  readonly estimatedTotal: Money | null;
  /** How sure the seller is to deliver, in its words, cleaned; absent where it does not say. */
  readonly deliveryConfidence?: string | undefined;
}
