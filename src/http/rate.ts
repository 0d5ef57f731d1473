/** Rates by name: a minute's worth of requests may come at once, and is given back evenly. */
export class RateLimits {
  /** When all that was taken will have been given back, in milliseconds. */
  readonly #settled = new Map<string, number>();
  readonly #now: () => number;

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes one request. @returns 0 when it may pass, else the whole seconds after which the next one may */
  take(name: string, perMinute: number): number {
    const now = this.#now();
    const settled = Math.max(now, this.#settled.get(name) ?? now) + 60_000 / perMinute;
    const wait = settled - now - 60_000;
    // A thousandth of a millisecond is what adding fractions may be off by.
    if (wait > 0.001) return Math.ceil(wait / 1000);
    this.#settled.set(name, settled);
    return 0;
  }
}
