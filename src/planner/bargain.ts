import type { LoadedLine } from "../buying/lines.ts";
import { highestCpm } from "../domain/quote-facts.ts";
import type { Trust } from "../domain/identity.ts";
import { compare, type Money, min, money, mulDiv, toMinorUnit } from "../domain/money.ts";
import type { Verbs } from "./verbs.ts";

const NEGOTIATE_MS = 45_000;
const ROUNDS = 5;
/** Whose prices are held up to others: sellers that somebody has verified. */
const trusted: readonly Trust[] = ["verified", "preferred"];
/** A benchmark further below a quote than this, in percent, is the price of something else. */
const COMPARABLE = 30n;

/**
 * Brings quotes down: trusted sellers first, then the others with the best of their prices for a benchmark. What does not
 * negotiate stays at its price.
 * @returns the quotes as they stand afterwards
 */
export async function bargain(
  verbs: Verbs,
  quotes: readonly LoadedLine[],
  maxCpm: Money | null,
): Promise<readonly LoadedLine[]> {
  const known = await verbs.sellers();
  const isTrusted = ({ line }: LoadedLine) =>
    trusted.includes(known.find(({ id }) => id === line.quote.sellerId)?.trust ?? "unknown");
  const first = await talked(verbs, quotes.filter(isTrusted), null, maxCpm);
  const benchmark = first
    .flatMap((one) => highestCpm(one.line.quote) ?? [])
    .reduce<Money | null>((best, cpm) => (best === null || compare(cpm, best) < 0 ? cpm : best), null);
  const others = await talked(
    verbs,
    quotes.filter((one) => !isTrusted(one)),
    benchmark,
    maxCpm,
  );
  // In two groups, each in its order: a seller may answer with a quote of another id.
  const groups = { first: [...first], others: [...others] };
  return quotes.map((quote) => (isTrusted(quote) ? groups.first : groups.others).shift() ?? quote);
}

async function talked(
  verbs: Verbs,
  quotes: readonly LoadedLine[],
  benchmark: Money | null,
  maxCpm: Money | null,
): Promise<readonly LoadedLine[]> {
  // Where a bid is placed there is nothing to negotiate, and sellers of budgets talk in words.
  const open = quotes.filter(({ line }) => !line.quote.packages && line.negotiation === null);
  if (open.length === 0) return quotes;
  const items = open.map((one) => ({
    ...{ ref: one.ref, targetCpm: targetFor(one, benchmark), maxCpm, offerCpm: null, words: null },
  }));
  const reports = await verbs.negotiate({
    ...{ items, strategy: "threshold", move: "auto", step: null, maxRounds: ROUNDS, deadlineMs: NEGOTIATE_MS },
  });
  return quotes.map((quote) => reports.find(({ ref }) => ref === quote.ref)?.loaded ?? quote);
}

/** What to aim for: a comparable benchmark where it is below the price, else nothing in particular. */
export function targetFor({ line }: Pick<LoadedLine, "line">, benchmark: Money | null): Money | null {
  const { cpm } = line.quote;
  if (!benchmark || !cpm || benchmark.currency !== cpm.currency || compare(benchmark, cpm) >= 0) return null;
  const furthest = toMinorUnit(money(mulDiv(cpm.micros, 100n - COMPARABLE, 100n), cpm.currency));
  if (compare(benchmark, furthest) < 0) return null;
  const usual = toMinorUnit(money(mulDiv(cpm.micros, 9n, 10n), cpm.currency));
  return min(benchmark, usual);
}
