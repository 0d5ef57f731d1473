import type { Flight } from "./flight.ts";
import type { Goal } from "./identity.ts";
import type { Channel, DealType } from "./inventory.ts";
import type { Money } from "./money.ts";

/** What a planner wants of a campaign, complete: what was missing was asked for, and nothing was invented. */
export interface Brief {
  readonly name: string;
  readonly objective: Goal;
  /** By what it is judged, in the planner's words, e.g. `VCR over 75 %`. */
  readonly kpis: readonly string[];
  /** What may be spent on media: net of the agency's commission, whatever the brief said. */
  readonly budget: Money;
  /** What the brief said the budget was; `gross` has the commission in it, whose percent is kept beside it. */
  readonly basis:
    | { readonly kind: "net" }
    | { readonly kind: "gross"; readonly total: Money; readonly percent: string };
  /** First and last day, both included. */
  readonly flight: Flight;
  readonly audience: { readonly demographics: readonly string[]; readonly interests: readonly string[] };
  /** Countries, states or DMAs, in the planner's words; none = wherever the sellers deliver. */
  readonly geo: readonly string[];
  /** None = whatever suits the objective. */
  readonly channels: readonly Channel[];
  /** The most per 1,000 impressions; null = what the mandate allows. */
  readonly maxCpm: Money | null;
  readonly frequencyCap: string | null;
  readonly brandSafety: readonly string[];
  readonly preferredSellers: readonly string[];
  readonly excludedSellers: readonly string[];
  /** Deal types wanted; none or absent = whatever a product is sold under. */
  readonly dealTypes?: readonly DealType[] | undefined;
  /** The most of each channel's budget, in whole percent, that one seller may have; null or absent = no such cap. */
  readonly sellerShare?: number | null | undefined;
  readonly poNumber: string | null;
  /** The brief as it was given, where it was given in words; free text of the planner's. */
  readonly words: string | null;
}

/** Places of a brief that kits can be searched by: all of them, where each is a country or a part of one by its code, e.g. `US-CA`. */
export function placesOf({ geo }: Pick<Brief, "geo">): readonly string[] {
  return geo.every((place) => /^[A-Z]{2}(-[A-Z0-9]{1,6})?$/i.test(place.trim())) ? geo : [];
}
