/** Token buckets by name: a minute's worth may come at once, and flows back evenly. */
export class RateLimits {
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  readonly #now: () => number;

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes one request. @returns 0 when it may pass, else the whole seconds after which the next one may */
  take(name: string, perMinute: number): number {
    const now = this.#now();
    const before = this.#buckets.get(name) ?? { tokens: perMinute, at: now };
    const tokens = Math.min(perMinute, before.tokens + ((now - before.at) * perMinute) / 60_000);
    const passes = tokens >= 1;
    this.#buckets.set(name, { tokens: passes ? tokens - 1 : tokens, at: now });
    return passes ? 0 : Math.ceil(((1 - tokens) * 60) / perMinute);
  }
}
