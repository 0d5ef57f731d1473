import { type Comparison, compareOffers, type Offer } from "../domain/comparison.ts";
import type { Ref } from "../domain/ids.ts";
import { totalOfQuote } from "../domain/quote.ts";
import { type LoadedLine, loadLine } from "./lines.ts";
import { standing } from "./mandate-facts.ts";
import { kitOf } from "./media-kit.ts";
import { openQuotes } from "./overview.ts";
import type { Ports } from "./ports.ts";
import { availsOf } from "./quote-report.ts";

export interface CompareAsk {
  /** Empty = every open quote of the desk, or of the campaign. */
  readonly quotes: readonly Ref[];
  readonly campaign: string | null;
  /** Formats that are wanted, in the planner's words. */
  readonly formats: readonly string[];
  readonly deadlineMs: number;
}

/** What was compared with what came of it; each of `lines` is in one of the two lists of the comparison. */
export interface Compared {
  readonly currency: string;
  readonly comparison: Comparison;
  readonly lines: ReadonlyMap<Ref, LoadedLine>;
}

/**
 * Offers side by side, from the ledger, their sellers' kits and avails. Kits and avails are courtesies: a seller that does
 * not answer in time costs its offer no more than what would have counted for it.
 * Prices are compared in the mandate's currency; without one, in that of the first offer.
 * @throws BuyingError `unknown_quote`
 */
export async function compareQuotes(ports: Ports, ask: CompareAsk): Promise<Compared> {
  const loaded =
    ask.quotes.length > 0
      ? await Promise.all([...new Set(ask.quotes)].map((ref) => loadLine(ports, ref)))
      : await openQuotes(ports, ask.campaign);
  const offers = await Promise.all(loaded.map((one) => offerOf(ports, one, ask.deadlineMs)));
  const [first] = loaded;
  const { mandate } = await standing(ports);
  const currency = mandate?.currency ?? (first ? totalOfQuote(first.line.quote).currency : "USD");
  const comparison = compareOffers(offers, { currency, formats: ask.formats, now: ports.now() });
  return { currency, comparison, lines: new Map(loaded.map((one) => [one.ref, one])) };
}

/** A line as it is compared. Seller trouble is logged and left out: the quote stands in the ledger all the same. */
export async function offerOf(ports: Ports, { ref, line }: LoadedLine, deadlineMs: number): Promise<Offer> {
  const { quote, request } = line;
  const wanted = new Set(quote.packages?.map(({ product }) => product.ref) ?? [quote.product.ref]);
  try {
    const record = await ports.directory.find(quote.sellerId);
    const [kit, avails] = await Promise.all([
      kitOf(ports, record, null, false, request.buys?.brief ?? null, quote.shownAs),
      availsOf(ports, record, quote, deadlineMs),
    ]);
    const products = new Map(kit.products.filter((one) => wanted.has(one.ref)).map((one) => [one.ref, one]));
    return { ref, line, products, available: avails?.available ?? null };
  } catch (error) {
    ports.log("compared without its seller", { quote: ref, error: String(error) });
    return { ref, line, products: new Map(), available: null };
  }
}
