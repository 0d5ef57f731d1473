import type { Money } from "./money.ts";
import type { PricingModel } from "./package.ts";

/** What was delivered, as the seller reports it; null where it does not, never 0 for unknown. Shares are exact decimal text. */
export interface DeliveryFigures {
  readonly impressions: number | null;
  readonly spend: Money | null;
  readonly clicks: number | null;
  readonly completedViews: number | null;
  /** Completed views ÷ impressions, e.g. `0.87`. */
  readonly completionRate: string | null;
  /** Viewable ÷ measurable impressions, e.g. `0.63`. */
  readonly viewableRate: string | null;
  /** Won ÷ bid in auctions, e.g. `0.31`. */
  readonly winRate: string | null;
  readonly clearingPrice: Money | null;
}

/** One package's delivery. */
export interface PackageDelivery extends DeliveryFigures {
  readonly packageId: string;
  readonly productId: string | null;
  readonly model: PricingModel | null;
  /** What is paid per unit, as the seller has it. */
  readonly rate: Money | null;
  /** Delivered ÷ expected by now, exact decimal text; 1 is on pace. */
  readonly pacingIndex: string | null;
  readonly paused: boolean | null;
  readonly daily: readonly {
    readonly day: string;
    readonly impressions: number | null;
    readonly spend: Money | null;
  }[];
}

/** How a media buy delivers. Not billing-grade until `isFinal`. */
export interface Delivery extends DeliveryFigures {
  /** UTC instants the figures are for. */
  readonly from: string | null;
  readonly to: string | null;
  readonly asOf: string | null;
  readonly isFinal: boolean | null;
  readonly sellerStatus: string | null;
  /** The seller's own word on pacing, cleaned. */
  readonly pacing: string | null;
  readonly fillRatePercent: string | null;
  readonly packages: readonly PackageDelivery[];
  /** Set when the answer is a placeholder that says nothing about delivery. */
  readonly note: string | null;
}

/** Figures of which a seller reports none. */
export const noFigures: DeliveryFigures = {
  impressions: null,
  spend: null,
  clicks: null,
  completedViews: null,
  completionRate: null,
  viewableRate: null,
  winRate: null,
  clearingPrice: null,
};
