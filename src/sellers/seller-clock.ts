/** `Date` has whole seconds and arrives late: differences below this are no difference, and steps are this wide. */
const STEP_MS = 30_000;

/** A seller's clock against ours, by the `Date` header of its last answer that had one. */
export interface SellerClock {
  note(answer: { readonly date: string | null }): void;
  /** Milliseconds, in whole steps of 30 s; positive where the seller's clock is ahead, 0 before its first answer. */
  aheadMs(): number;
}

/** A clock that has heard nothing yet. */
export function createSellerClock(): SellerClock {
  let aheadMs = 0;
  return {
    note({ date }) {
      const theirs = date === null ? Number.NaN : Date.parse(date);
      if (!Number.isNaN(theirs)) aheadMs = Math.trunc((theirs - Date.now()) / STEP_MS) * STEP_MS || 0;
    },
    aheadMs: () => aheadMs,
  };
}
