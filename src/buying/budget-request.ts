import { BuyingError } from "../domain/errors.ts";
import type { Goal } from "../domain/identity.ts";
import { splitRef } from "../domain/ids.ts";
import type { Product, SellerProposal } from "../domain/inventory.ts";
import { costOfImpressions, type Money, sum } from "../domain/money.ts";
import { countsImpressions } from "../domain/package.ts";
import type { PackageAsk, QuoteRequest } from "../domain/quote.ts";
import type { ItemTerms, QuoteItem } from "./quote.ts";
import type { SellerRecord } from "./ports.ts";

/**
 * What to ask a seller for that sells budgets: one product or several in one media buy, or a proposal of its own.
 * @throws BuyingError `invalid_arguments`
 */
export function budgetRequest(
  item: QuoteItem,
  product: Product,
  proposal: SellerProposal | null,
  goal: Goal | null,
): QuoteRequest {
  const own = item.budget ?? forImpressions(item, product);
  const others = item.with.map((one) => packageAsk(theirsOf(one.product, product.sellerId), one.budget, one));
  const packages = proposal ? [] : [packageAsk(product.productId, own, item.terms), ...others];
  if (proposal && others.length > 0) {
    throw refused("A proposal is bought as it is, and not with more products", "items");
  }
  const currency = own.currency;
  if (packages.some(({ budget }) => budget.currency !== currency)) {
    throw refused("All products of one media buy are bought in one currency", "items");
  }
  const budget = proposal
    ? own
    : sum(
        packages.map((one) => one.budget),
        currency,
      );
  return {
    product: proposal?.ref ?? product.ref,
    flight: item.flight,
    dealType: item.dealType ?? product.dealTypes[0] ?? "PD",
    impressions: item.impressions ?? 0,
    budget,
    targeting: item.targeting,
    goal,
    buys: { packages, brief: item.brief, proposal: proposal?.proposalId ?? null },
  };
}

/** @throws BuyingError `invalid_arguments` for what only a seller of budgets understands */
export function refuseBudgetTerms(item: QuoteItem, record: SellerRecord, takesCreatives: boolean): void {
  const { maxBid, pricingOption, creativeIds } = item.terms;
  const given = [
    ...(maxBid ? ["max_bid"] : []),
    ...(pricingOption === null ? [] : ["pricing_option"]),
    ...(creativeIds.length > 0 && !takesCreatives ? ["creative_ids"] : []),
    ...(item.with.length > 0 ? ["with"] : []),
  ];
  const [first] = given;
  if (first) throw refused(`${record.id} sells one product by volume at a CPM and takes no ${given.join(", ")}`, first);
}

function packageAsk(productId: string, budget: Money, terms: ItemTerms): PackageAsk {
  const { maxBid, pricingOption: option, creativeIds } = terms;
  return { productId, budget, option, maxBid, creativeIds };
}

/** The seller's own id of a product, given as a reference or as that id. */
function theirsOf(wanted: string, sellerId: string): string {
  if (!wanted.includes("/")) return wanted;
  const { sellerId: other, theirId } = splitRef(wanted);
  if (other === sellerId) return theirId;
  throw refused(`One media buy is of one seller; ${wanted} is not one of ${sellerId}`, "items");
}

/** A budget for so many impressions, where the product has a fixed CPM to count by. */
function forImpressions({ impressions }: QuoteItem, product: Product): Money {
  const fixed = product.terms?.options.find((option) => option.fixed && countsImpressions(option))?.fixed;
  if (fixed && impressions !== null) return costOfImpressions(fixed, impressions);
  throw refused(`${product.ref} is sold by budget: give one`, "budget");
}

function refused(why: string, field: string): BuyingError {
  return new BuyingError("invalid_arguments", `${why}. Nothing was booked.`, "fix_arguments", { field });
}
