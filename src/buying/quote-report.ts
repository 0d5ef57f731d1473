import { atMost, expectedDiscount, expectedSaving, type Tier } from "../domain/identity.ts";
import type { Avails } from "../domain/inventory.ts";
import type { Line } from "../domain/media-buy.ts";
import { type MandateDecision, weigh } from "../domain/mandate.ts";
import {
  add,
  compare,
  costOfImpressions,
  displayMoney,
  type Money,
  minorUnit,
  money,
  subtract,
} from "../domain/money.ts";
import { atCpm, type Quote, type QuoteRequest, totalOfQuote } from "../domain/quote.ts";
import { termsOf } from "../domain/terms.ts";
import { type AccessPlan, accessAs, planAccess } from "./access.ts";
import { termsContext } from "./line-terms.ts";
import type { LoadedLine } from "./lines.ts";
import { standing } from "./mandate-facts.ts";
import type { Ports, SellerRecord } from "./ports.ts";
import { proposalWords } from "../domain/proposal-words.ts";

/** A quote as the planner gets it, with what it means here. */
export interface QuoteReport {
  readonly loaded: LoadedLine;
  readonly total: Money;
  readonly avails: Avails | null;
  readonly reveal: {
    readonly tier: Tier;
    readonly why: readonly string[];
    readonly next: Tier | null;
    readonly nextSaving: Money | null;
  };
  readonly mandate: MandateDecision;
  readonly warnings: readonly string[];
  /** True when an open quote for the same item was found instead of asking again. */
  readonly found: boolean;
}

/** How a report is made: what was weighed before asking (null = weigh it again), and how long avails may take. */
export interface Reporting {
  readonly found: boolean;
  readonly plan: AccessPlan | null;
  readonly availsMs: number;
}

/** What a quote means to the planner now: cost, what it was priced as, what the mandate would say. */
export async function reportOf(
  ports: Ports,
  record: SellerRecord,
  loaded: LoadedLine,
  { found, plan, availsMs }: Reporting,
): Promise<QuoteReport> {
  const { quote, request } = loaded.line;
  const total = totalOfQuote(quote);
  // The value it was weighed by before it was asked for: our price was not known then.
  const list =
    quote.listCpm && quote.impressions !== null ? costOfImpressions(quote.listCpm, quote.impressions) : total;
  const value = request.budget ?? list;
  const { reveal } = plan ?? planAccess(ports, record, { dealType: request.dealType, goal: request.goal, value });
  const facts = await standing(ports);
  const terms = termsOf(quote, request, termsContext(ports, record, loaded.line.campaign, null));
  const tier = quote.shownAs;
  const next = reveal.next && !atMost(reveal.next, tier) ? reveal.next : null;
  const perMille = next && quote.listCpm ? expectedSaving(quote.listCpm, tier, next) : null;
  return {
    loaded,
    total,
    avails: await availsOf(ports, record, quote, availsMs),
    reveal: {
      tier,
      why:
        reveal.tier === tier ? reveal.why : [`it was asked for as ${tier}; asked for now, it would be ${reveal.tier}`],
      next,
      nextSaving: perMille && quote.impressions !== null ? costOfImpressions(perMille, quote.impressions) : null,
    },
    mandate: weigh(facts.mandate, [terms], facts),
    warnings: [...termsWords(loaded.line), ...warningsOf(quote, request, reveal.withoutCredential, total)],
    found,
  };
}

function termsWords(line: Line): readonly string[] {
  const words = proposalWords(line);
  return words === null ? [] : [words];
}

/** What is free of a quote's product, read with it as a courtesy; null where that takes too long or the seller says nothing. */
export async function availsOf(ports: Ports, record: SellerRecord, quote: Quote, ms: number): Promise<Avails | null> {
  try {
    const seller = ports.directory.connect(record);
    const access = { ...accessAs(ports, quote.shownAs), signal: AbortSignal.timeout(ms) };
    return await seller.avails(quote.product.id, quote.flight, quote.impressions ?? 0, access);
  } catch (error) {
    // Avails are a courtesy beside the quote, and must not cost it its deadline; without them it says "not reported".
    ports.log("avails not read", { quote: quote.ref, error: String(error) });
    return null;
  }
}

function warningsOf(quote: Quote, request: QuoteRequest, without: Tier | null, total: Money): readonly string[] {
  const warnings = [...(quote.notes ?? []), ...(isByAccount(quote) ? [] : tierWarnings(quote, without))];
  if (quote.inventoryAvailable === false) warnings.push("the seller says the inventory is not available");
  if (request.budget && compare(total, request.budget) > 0) warnings.push("above the budget");
  return warnings;
}

/** A seller that prices by account has no tiers. */
function isByAccount({ packages, account }: Quote): boolean {
  return packages !== undefined || account !== undefined;
}

/** What the price should be for what the seller was shown. */
function tierWarnings(quote: Quote, without: Tier | null): readonly string[] {
  const warnings: string[] = [];
  const { shownAs: tier, pricedAs } = quote;
  const { listCpm, cpm } = atCpm(quote);
  const expected = expectedDiscount[tier];
  // Sellers round a price to what can be paid, so that a discount may fall short by that much.
  const discounted = add(
    subtract(listCpm, expectedSaving(listCpm, "public", tier)),
    money(minorUnit(cpm.currency), cpm.currency),
  );
  if (expectedDiscount[pricedAs] < expected)
    warnings.push(`priced as ${pricedAs} although shown ${tier}: check the credential`);
  else if (compare(cpm, discounted) > 0)
    warnings.push(
      `${displayMoney(cpm)} is not the ${expected} % below the list price of ${displayMoney(listCpm)} that ${tier} should bring`,
    );
  if (without)
    warnings.push(`no credential for ${without}: it would be expected ${expectedDiscount[without]} % below list`);
  return warnings;
}
