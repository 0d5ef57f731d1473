import type { Money } from "./money.ts";

/** What a seller booked, as it says. Prices are CPM; texts are cleaned seller words. */
export interface Deal {
  readonly dealId: string;
  readonly sellerStatus: string;
  readonly productId: string;
  readonly dealType: string;
  /** Null where budgets were booked; `packages` hold them. */
  readonly cpm: Money | null;
  readonly impressions: number | null;
  readonly flight: { readonly start: string; readonly end: string };
  readonly activation: readonly { readonly dsp: string; readonly steps: string }[];
  readonly openrtb: {
    readonly id: string;
    readonly bidfloor: Money | null;
    readonly at: number | null;
    readonly wseat: readonly string[];
  } | null;
  readonly expiresAt: string | null;
  /** What was booked by budget, product by product; absent where one product was booked by volume. */
  readonly packages?: readonly BookedPackage[] | undefined;
  /** The budget of the whole buy, as the seller has it; null where it does not say. */
  readonly total?: Money | null | undefined;
  /** The seller's count of changes to the buy; sent back with the next one. */
  readonly revision?: number | null | undefined;
  /** UTC instant at which the seller committed itself; null or absent where it does not say. */
  readonly confirmedAt?: string | null | undefined;
  /** Whether it is paused; null or absent where the seller does not say. */
  readonly paused?: boolean | null | undefined;
  /** UTC instant until which creatives are due; null where the seller does not say. */
  readonly creativesDue?: string | null | undefined;
}

/** A package as its seller booked it; null where the seller does not repeat what it was asked for. */
export interface BookedPackage {
  readonly packageId: string;
  readonly productId: string | null;
  readonly option: string | null;
  readonly budget: Money | null;
  readonly bid: Money | null;
}

/** What a seller waits for before a buy counts. Its words are cleaned; its address is for a person, and never opened by us. */
export interface SellerWait {
  /**
   * `account`: the seller opens our account first, and nothing was sent. `decision`: its people decide, or sign.
   * `confirmation`: it booked provisionally. `signature`: our person does something at `url`.
   */
  readonly for: "account" | "decision" | "confirmation" | "signature";
  readonly taskId: string | null;
  /** The buy, where it has an id before it counts. */
  readonly mediaBuyId: string | null;
  /** `https` only. */
  readonly url: string | null;
  readonly sellerSaid: string;
  /** UTC instant by which the seller expects to be done; null where it does not say. */
  readonly expectedBy: string | null;
}
