import type { SellerWait } from "./deal.ts";
import { canonicalJson } from "./terms.ts";

/** How often a seller has said something else of one wait since it began, and when it last did; UTC. */
export interface WaitTold {
  readonly times: number;
  readonly at: string;
}

/** Words that change now and then are news each time; words that change at every look would fill the ledger. */
const MOST_TIMES = 10;
const THEN_EVERY_MS = 86_400_000;

/** Whether the same is waited for: the rest of a wait is words, an address and an estimate, which nothing depends on. */
export function isSameWait(left: SellerWait, right: SellerWait): boolean {
  return left.for === right.for && left.taskId === right.taskId && left.mediaBuyId === right.mediaBuyId;
}

/**
 * Whether what a seller says of a wait is to be written: another wait always, other words of the same one the first ten
 * times, and once a day from then on.
 */
export function isNews(
  { wait, waitTold }: { readonly wait: SellerWait | null; readonly waitTold: WaitTold | null },
  now: SellerWait,
  at: Date,
): boolean {
  if (canonicalJson(wait) === canonicalJson(now)) return false;
  if (!wait || !waitTold || !isSameWait(wait, now) || waitTold.times < MOST_TIMES) return true;
  return at.getTime() - Date.parse(waitTold.at) >= THEN_EVERY_MS;
}

/** How often it was told, with this. */
export function toldAgain(before: SellerWait | null, told: WaitTold | null, now: SellerWait, at: string): WaitTold {
  return { times: before && told && isSameWait(before, now) ? told.times + 1 : 0, at };
}
