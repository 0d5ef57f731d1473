import { setTimeout as delay } from "node:timers/promises";
import type { SellerSettings } from "../runtime.ts";
import type { SandboxStore, SellerState } from "../state.ts";
import type { AdcpMode, AdcpPricing, AdcpProduct, AdcpProfile } from "./profile.ts";
import { type AdcpState, emptyAdcp, type StoredBuy } from "./state.ts";

/** One running AdCP seller: its profile, its memory, and the habits all of its tasks share. */
export class AdcpRuntime {
  readonly profile: AdcpProfile;
  readonly settings: SellerSettings;
  /** Where the faults are kept. */
  readonly state: SellerState;
  /** Everything else it remembers. */
  readonly books: AdcpState;
  /** The origin it answers at, without a trailing slash; known once it listens. */
  url = "";
  /** Keys of calls that are being answered right now. */
  readonly inFlight = new Set<string>();
  readonly #store: SandboxStore;
  readonly #clock: () => number;

  constructor(profile: AdcpProfile, store: SandboxStore, settings: SellerSettings, clock: () => number) {
    this.profile = profile;
    this.settings = settings;
    this.state = store.seller(profile.id);
    this.books = this.state.adcp ??= emptyAdcp();
    this.#store = store;
    this.#clock = clock;
  }

  /** The seller's clock, in milliseconds since 1970 (UTC). */
  now(): number {
    return this.#clock();
  }

  /** The time in which a media buy runs: the clock, and what the control let pass beyond it. */
  flightNow(buy: Pick<StoredBuy, "aheadMs">): number {
    return this.now() + buy.aheadMs;
  }

  /** Makes every change so far survive the process. */
  commit(): void {
    this.#store.save();
  }

  /** The unguarded moment between a check and the write it allows. */
  async gap(): Promise<void> {
    if (this.settings.gapMs > 0) await delay(this.settings.gapMs);
  }

  /** Whether the seller was switched to differ in this way. */
  is(mode: AdcpMode): boolean {
    return this.books.modes.includes(mode);
  }

  /** Which AdCP it speaks. */
  get version(): "3.0" | "3.1" {
    return this.is("strict30") ? "3.0" : "3.1";
  }

  /** Its agents' URLs by carrier. */
  get agents(): { readonly mcp?: string; readonly a2a?: string } {
    const { carriers } = this.profile;
    const only = this.is("a2a-only");
    return {
      ...(carriers.includes("mcp") && !only ? { mcp: `${this.url}/mcp` } : {}),
      ...(carriers.includes("a2a") || only ? { a2a: `${this.url}/a2a` } : {}),
    };
  }

  /** The product of that id, if it is sold here. */
  product(id: string): AdcpProduct | undefined {
    return this.profile.products.find((product) => product.id === id);
  }

  /** The published prices of a product as they are today. */
  options(product: AdcpProduct): readonly AdcpPricing[] {
    const { priceFactor } = this.books;
    return priceFactor === 1 ? product.options : product.options.map((option) => repriced(option, priceFactor));
  }

  /** The price of that id on a product: a published one, or one made for a refinement while it stands. */
  pricing(product: AdcpProduct, id: string): AdcpPricing | undefined {
    const offer = this.books.offers[`${product.id}|${id}`];
    if (offer && this.now() < offer.expiresAt) return offer.pricing;
    return this.options(product).find((option) => option.id === id);
  }

  /** The publishers it sells for. */
  publisherDomains(): string[] {
    return [...new Set(this.profile.products.flatMap((product) => product.publishers))].sort();
  }
}

/** A moment on the wire; AdCP times are ISO 8601 with `Z`. */
export function isoTime(at: number): string {
  return new Date(at).toISOString();
}

/** An amount in whole cents. */
export function cents(amount: number): number {
  return Math.round(amount * 100) / 100;
}

function repriced(pricing: AdcpPricing, factor: number): AdcpPricing {
  const times = (price: number) => Math.round(price * factor * 10_000) / 10_000;
  const { fixed, floor, guidance } = pricing;
  return {
    ...pricing,
    ...(fixed === undefined ? {} : { fixed: times(fixed) }),
    ...(floor === undefined ? {} : { floor: times(floor) }),
    ...(guidance
      ? {
          guidance: {
            p25: times(guidance.p25),
            p50: times(guidance.p50),
            p75: times(guidance.p75),
            p90: times(guidance.p90),
          },
        }
      : {}),
  };
}
