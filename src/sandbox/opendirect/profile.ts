import { citylight } from "./catalogue-citylight.ts";

/** How a unit is priced: OpenDirect 2.1, Product `ratetype`; 1.5.1 says what the tokens mean. */
export type RateType = "CPM" | "CPC" | "FlatRate";

/** One thing an OpenDirect seller sells. Money is micros of `currency`, by unit of the rate type. */
export interface OpenDirectProduct {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly tags: readonly string[];
  readonly currency: string;
  readonly rateType: RateType;
  readonly baseMicros: number;
  readonly minSpendMicros?: number;
  readonly delivery: "guaranteed" | "non-guaranteed" | "exclusive";
  /** Days from today to the earliest start. */
  readonly leadDays: number;
  readonly minFlightDays: number;
  readonly maxFlightDays: number;
  /** Whether a line may be booked before a creative is assigned to it. */
  readonly allowNoCreative: boolean;
  /** Units a day it has to give; for a flat rate, how many may run at once. */
  readonly daily: number;
  /** How long a reservation is held, in days. */
  readonly holdDays: number;
  /** What it really delivers of a line: 1 is all. */
  readonly runs: number;
  /** Clicks per impression. */
  readonly clickRate: number;
  readonly adUnit: { readonly name: string; readonly spec: object };
}

/** An organization the seller has set up; new ones are not taken over the API (OpenDirect 2.1, Organization). */
export interface OpenDirectOrganization {
  readonly id: string;
  readonly name: string;
  readonly type: "advertiser" | "agency" | "publisher";
}

/** An OpenDirect seller: who it is, whom it knows and what it sells. */
export interface OpenDirectProfile {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly domain: string;
  /** Its own organization. */
  readonly publisherId: string;
  readonly organizations: readonly OpenDirectOrganization[];
  readonly brands: readonly { readonly id: string; readonly name: string; readonly organizationId: string }[];
  readonly products: readonly OpenDirectProduct[];
}

/** The OpenDirect sellers of the sandbox. */
export const openDirectProfiles: readonly OpenDirectProfile[] = [citylight];
