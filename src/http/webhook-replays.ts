/** Most things remembered of one seller at a time; an honest seller sends a few an hour. */
const MOST = 10_000;

/** Remembers, by seller and for a time, what must be taken once only. In memory: another process has its own. */
export class Replays {
  readonly #seen = new Map<string, Map<string, number>>();

  /**
   * Takes something for the first time.
   * @param now milliseconds. @param until milliseconds, from when on it may be forgotten
   * @returns `seen` when it was taken before; `full` when no more can be remembered, so that nothing new is known to be new
   */
  take(seller: string, what: string, now: number, until: number): "new" | "seen" | "full" {
    const seen = this.#seen.get(seller) ?? new Map<string, number>();
    this.#seen.set(seller, seen);
    if ((seen.get(what) ?? Number.NEGATIVE_INFINITY) > now) return "seen";
    if (seen.size >= MOST) for (const [known, end] of seen) if (end <= now) seen.delete(known);
    if (seen.size >= MOST) return "full";
    seen.set(what, until);
    return "new";
  }

  /** Forgets it: it may be taken once more. */
  release(seller: string, what: string): void {
    this.#seen.get(seller)?.delete(what);
  }
}
