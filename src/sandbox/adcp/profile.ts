import { openbid } from "./catalogue-openbid.ts";
import { streamhaus } from "./catalogue-streamhaus.ts";

/** How an AdCP pricing option counts: AdCP 3.1, pricing models. */
export type PricingModel = "cpm" | "vcpm" | "cpc" | "cpcv" | "cpv" | "cpp" | "flat_rate";

/** A price. `fixed` is firm; without it there is an auction over `floor`. Units of the currency per 1,000 or per piece. */
export interface AdcpPricing {
  readonly id: string;
  readonly model: PricingModel;
  readonly currency: string;
  readonly fixed?: number;
  readonly floor?: number;
  /** Prices at which a quarter, half, three quarters, nine tenths of the auctions were won. */
  readonly guidance?: { readonly p25: number; readonly p50: number; readonly p75: number; readonly p90: number };
  /** The bid is a ceiling: the second price is paid. Otherwise the bid itself is. */
  readonly ceiling?: boolean;
  /** Least budget of a package. */
  readonly minimum?: number;
  /** Whose rating points a CPP counts. */
  readonly demographic?: string;
}

/** One thing an AdCP seller sells. */
export interface AdcpProduct {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly words: readonly string[];
  readonly channels: readonly string[];
  readonly countries: readonly string[];
  readonly delivery: "guaranteed" | "non_guaranteed";
  readonly publishers: readonly string[];
  readonly format: keyof typeof formats;
  readonly options: readonly AdcpPricing[];
  /** Audiences and contexts: part of it, or to be named by the buyer. */
  readonly signals?: readonly {
    readonly id: string;
    readonly name: string;
    readonly values: readonly string[];
    readonly included: boolean;
  }[];
  /** Impressions a day it has to give, or bid requests in an auction. */
  readonly daily: number;
  /** What it really delivers of the plan: 1 is all. */
  readonly runs: number;
  /** The share of videos seen to the end, and the promised one. */
  readonly completion?: { readonly real: number; readonly promised: number };
  /** The share of impressions in view, and the promised one. */
  readonly viewability?: { readonly real: number; readonly promised: number };
  /** The largest reduction a refinement gives, as a fraction. */
  readonly gives: number;
  /** No impression runs without a creative. */
  readonly needsCreative: boolean;
  /** Days of notice for a cancellation, with the fee on what remains. */
  readonly cancellation?: { readonly days: number; readonly rate: number };
}

/** A plan over several products; shares are percent. */
export interface AdcpPlan {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly shares: readonly { readonly product: string; readonly pricing: string; readonly percent: number }[];
  /** Whether a person must sign an insertion order before it can be bought. */
  readonly signature: boolean;
  readonly budget: { readonly min: number; readonly recommended: number; readonly max: number };
}

/** How a seller can be made to differ, for tests: switched by the control while it runs. */
export const adcpModes = [
  /** New accounts wait for the desk: `pending_approval` with `setup`; buying gives ACCOUNT_SETUP_REQUIRED. */
  "accounts-pending",
  /** Buys come with `confirmed_at: null` until the desk confirms. */
  "provisional",
  /** The shape before 3.0: `media_buy_id` with `pending_approval`, then `setup` on the buy itself; delivery in `media_buys`. */
  "legacy",
  /** Every buy is answered `input-required` with APPROVAL_REQUIRED; nothing is booked. */
  "input-required",
  /** AdCP 3.0, to the letter: unknown arguments are refused, tasks are polled with `tasks/get` or `tasks_get`. */
  "strict30",
  /** There is no `get_adcp_capabilities`. */
  "no-capabilities",
  /** Keys are not looked at: each call books. */
  "no-idempotency",
  /** Keys are promised to be known for one second. */
  "short-replay",
  /** There is no `/mcp`. */
  "a2a-only",
  /** A2A 0.3 only. */
  "a2a-0.3",
  /** A2A 1.0 only. */
  "a2a-1.0",
  /** Finalizing a proposal waits for the desk. */
  "finalize-by-hand",
] as const;

/** One of {@link adcpModes}. */
export type AdcpMode = (typeof adcpModes)[number];

/** An AdCP seller: who it says it is and what it sells. */
export interface AdcpProfile {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly domain: string;
  readonly carriers: readonly ("mcp" | "a2a")[];
  readonly billing: readonly string[];
  readonly paymentTerms: readonly string[];
  readonly policies: string;
  readonly products: readonly AdcpProduct[];
  readonly plans: readonly AdcpPlan[];
}

/** The creative formats the sellers know. */
export const formats = {
  video_30s: { name: "Video, 30 seconds", kind: "video", ms: 30_000 },
  video_15s: { name: "Video, 15 seconds", kind: "video", ms: 15_000 },
  display_300x250: { name: "Medium rectangle", kind: "image", width: 300, height: 250 },
  display_970x250: { name: "Billboard", kind: "image", width: 970, height: 250 },
} as const;

/** The AdCP sellers of the sandbox. */
export const adcpProfiles: readonly AdcpProfile[] = [streamhaus, openbid];
