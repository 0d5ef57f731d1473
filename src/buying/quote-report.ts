import { expectedDiscount, expectedSaving, type Tier } from "../domain/identity.ts";
import type { Avails } from "../domain/inventory.ts";
import { type MandateDecision, weigh } from "../domain/mandate.ts";
import { compare, costOfImpressions, type Money } from "../domain/money.ts";
import type { Quote, QuoteRequest } from "../domain/quote.ts";
import { termsOf } from "../domain/terms.ts";
import { type AccessPlan, accessAs, planAccess } from "./access.ts";
import { termsContext } from "./line-terms.ts";
import type { LoadedLine } from "./lines.ts";
import { mandateFacts } from "./mandate-facts.ts";
import type { Ports, SellerRecord } from "./ports.ts";

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

/** What a quote means to the planner now: cost, what it was priced as, what the mandate would say. */
export async function reportOf(
  ports: Ports,
  record: SellerRecord,
  loaded: LoadedLine,
  found: boolean,
  plan?: AccessPlan,
): Promise<QuoteReport> {
  const { quote, request } = loaded.line;
  const total = costOfImpressions(quote.cpm, quote.impressions);
  const { reveal } =
    plan ??
    planAccess(ports, record, { dealType: request.dealType, goal: request.goal, value: request.budget ?? total });
  const facts = await mandateFacts(ports);
  const terms = termsOf(quote, request, termsContext(ports, record, null));
  const perMille = reveal.next ? expectedSaving(quote.listCpm, reveal.tier, reveal.next) : null;
  return {
    loaded,
    total,
    avails: await availsOf(ports, record, quote, reveal.tier),
    reveal: {
      tier: reveal.tier,
      why: reveal.why,
      next: reveal.next,
      nextSaving: perMille ? costOfImpressions(perMille, quote.impressions) : null,
    },
    mandate: weigh(ports.settings.mandate, [terms], facts),
    warnings: warningsOf(quote, request, reveal.tier, reveal.withoutCredential, total),
    found,
  };
}

async function availsOf(ports: Ports, record: SellerRecord, quote: Quote, tier: Tier): Promise<Avails | null> {
  try {
    const seller = ports.directory.connect(record);
    return await seller.avails(quote.product.id, quote.flight, quote.impressions, accessAs(ports, tier));
  } catch (error) {
    // Avails are a courtesy beside the quote; without them the answer says "not reported".
    ports.log("avails not read", { quote: quote.ref, error: String(error) });
    return null;
  }
}

function warningsOf(
  quote: Quote,
  request: QuoteRequest,
  tier: Tier,
  without: Tier | null,
  total: Money,
): readonly string[] {
  const warnings: string[] = [];
  if (expectedDiscount[quote.pricedAs] < expectedDiscount[tier])
    warnings.push(`priced as ${quote.pricedAs} although shown ${tier}: check the credential`);
  if (without)
    warnings.push(`no credential for ${without}: it would be expected ${expectedDiscount[without]} % below list`);
  if (quote.inventoryAvailable === false) warnings.push("the seller says the inventory is not available");
  if (request.budget && compare(total, request.budget) > 0) warnings.push("above the budget");
  return warnings;
}
