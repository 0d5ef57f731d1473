/**
 * Counts what is open of something there is so much of, by principal. Every principal has an equal share of it, so that
 * none can keep the others out.
 */
export class Shares {
  readonly each: number;
  readonly #open = new Map<string, number>();

  /** @param most of all together. @param principals how many share it */
  constructor(most: number, principals: number) {
    this.each = Math.max(1, Math.floor(most / Math.max(1, principals)));
  }

  /** Takes one for a principal. @returns what gives it back, once however often it is called; null if its share is used up */
  take(principal: string): (() => void) | null {
    const before = this.#open.get(principal) ?? 0;
    if (before >= this.each) return null;
    this.#open.set(principal, before + 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const left = (this.#open.get(principal) ?? 1) - 1;
      if (left === 0) this.#open.delete(principal);
      else this.#open.set(principal, left);
    };
  }
}
