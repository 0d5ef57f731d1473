import type { Flight } from "./flight.ts";
import type { Goal, Tier } from "./identity.ts";
import type { Ref } from "./ids.ts";
import type { Channel, DealType } from "./inventory.ts";
import type { Money } from "./money.ts";

/** What the planner asked for beyond product, flight and volume; free words, never interpreted by us. */
export interface Targeting {
  readonly geo: readonly string[];
  readonly audience: readonly string[];
  readonly frequencyCap: string | null;
}

/** What we asked a seller for; kept with the quote, so that a renewal can ask for the same again. */
export interface QuoteRequest {
  readonly product: Ref;
  readonly flight: Flight;
  readonly dealType: DealType;
  readonly impressions: number;
  /** The budget the impressions were computed from, if that is how it was asked. */
  readonly budget: Money | null;
  readonly targeting: Targeting | null;
  readonly goal: Goal | null;
}

/** A seller's priced, expiring offer, as it stands now. CPM is per 1,000 impressions; texts are cleaned seller words. */
export interface Quote {
  readonly ref: Ref;
  readonly sellerId: string;
  /** The seller's own id, byte for byte, as it goes back on the wire. */
  readonly sellerQuoteId: string;
  readonly product: { readonly ref: Ref; readonly id: string; readonly name: string; readonly channel: Channel | null };
  readonly state: "available" | "booked" | "expired" | "declined";
  readonly dealType: DealType;
  readonly guaranteed: boolean;
  readonly listCpm: Money;
  readonly cpm: Money;
  readonly impressions: number;
  readonly flight: Flight;
  /** What the seller was shown when it was asked, and what everything after is done as. */
  readonly shownAs: Tier;
  /** What the seller says it knew us as when it priced this; never more than it was shown. */
  readonly pricedAs: Tier;
  /** Percent off the list price, by what the seller says brought it; exact decimal text, null where it does not say. */
  readonly discounts: { readonly tier: string | null; readonly volume: string | null };
  /** The seller's reason for its price, in its words. */
  readonly rationale: string;
  readonly inventoryAvailable: boolean | null;
  readonly notHonoured: readonly string[];
  /** UTC instant, ISO 8601. */
  readonly expiresAt: string;
  /** Set once the seller says the quote is booked. */
  readonly dealId: string | null;
}
