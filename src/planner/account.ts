import { BuyingError } from "../domain/errors.ts";
import { displayMoney, type Money } from "../domain/money.ts";

/** What a model costs, per million tokens; `cache` null = its provider's prompt cache is not used. */
export interface Prices {
  readonly input: Money;
  readonly output: Money;
  readonly cache: { readonly write: Money; readonly read: Money } | null;
}

/** Tokens of one request, or of the worst that it could come to. */
export interface Tokens {
  readonly input: number;
  readonly output: number;
  readonly cacheWrite: number;
  readonly cacheRead: number;
}

/** The most that planning one campaign may take, all its channels together. */
export interface Limits {
  readonly tokens: number;
  readonly turns: number;
  readonly cost: Money;
}

/** What is held for a request that is under way. One of the two is called, once. */
export interface Hold {
  /** The request is over and took this. */
  spend(tokens: Tokens): void;
  /** The request certainly took nothing. */
  release(): void;
}

/**
 * What one campaign's planning took, and holds for requests under way: a request is sent only if the worst it could come
 * to still fits, so that the limits hold whatever the channels ask for at the same time.
 */
export class Account {
  readonly #limits: Limits;
  #turns = 0;
  #tokens = 0;
  /** In millionths of a micro: a price per million tokens times tokens, exactly. */
  #cost = 0n;
  #underWay = 0;
  readonly #waiting = new Set<() => void>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * Holds a turn, and the worst it could come to; waits while what others hold may still come free.
   * @throws BuyingError `planner_failed` when a limit is reached; the signal's reason when it is aborted
   */
  async hold(worst: Tokens, prices: Prices, signal: AbortSignal): Promise<Hold> {
    for (;;) {
      signal.throwIfAborted();
      const reached = this.#reachedBy(countOf(worst), costOf(worst, prices));
      if (reached === null) break;
      if (this.#underWay === 0) throw limitReached(reached);
      await this.#change(signal);
    }
    const [tokens, cost] = [countOf(worst), costOf(worst, prices)];
    this.#add(1, tokens, cost);
    this.#underWay += 1;
    const settle = (turns: number, spent: number, money: bigint) => {
      this.#underWay -= 1;
      this.#add(turns - 1, spent - tokens, money - cost);
      for (const wake of this.#waiting) wake();
    };
    return {
      spend: (used) => settle(1, countOf(used), costOf(used, prices)),
      release: () => settle(0, 0, 0n),
    };
  }

  #reachedBy(tokens: number, cost: bigint): string | null {
    const { turns, tokens: mostTokens, cost: mostCost } = this.#limits;
    if (this.#turns + 1 > turns) return `max_turns, ${turns} requests`;
    if (this.#tokens + tokens > mostTokens) return `max_tokens_per_campaign, ${mostTokens} tokens`;
    if (this.#cost + cost > mostCost.micros * 1_000_000n) return `max_cost, ${displayMoney(mostCost)}`;
    return null;
  }

  #add(turns: number, tokens: number, cost: bigint): void {
    this.#turns += turns;
    this.#tokens += tokens;
    this.#cost += cost;
  }

  /** Until something that was held is settled. */
  async #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = withResolvers();
    this.#waiting.add(resolve);
    signal.addEventListener("abort", resolve, { once: true });
    await promise;
    signal.removeEventListener("abort", resolve);
    this.#waiting.delete(resolve);
  }
}

function countOf({ input, output, cacheWrite, cacheRead }: Tokens): number {
  return input + output + cacheWrite + cacheRead;
}

function costOf({ input, output, cacheWrite, cacheRead }: Tokens, prices: Prices): bigint {
  const { cache } = prices;
  // What was cached unasked is not told from what was read; the dearer of the prices that are known covers it.
  const [write, read] = cache ? [cache.write, cache.read] : [prices.input, prices.input];
  return (
    BigInt(input) * prices.input.micros +
    BigInt(output) * prices.output.micros +
    BigInt(cacheWrite) * write.micros +
    BigInt(cacheRead) * read.micros
  );
}

function limitReached(limit: string): BuyingError {
  return new BuyingError(
    "planner_failed",
    `Planning this campaign would pass planner.${limit}. Nothing was booked.`,
    "ask_person",
  );
}

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
