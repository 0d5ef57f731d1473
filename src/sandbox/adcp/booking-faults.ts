import type { Struck } from "../faults.ts";
import { promisedImpressions } from "./package-terms.ts";
import type { AdcpRuntime } from "./runtime.ts";
import { cents } from "./runtime.ts";
import type { StoredBuy, StoredPackage } from "./state.ts";

/** What a careless seller books instead of what was ordered, by the faults that struck the order. */

function dearer(seller: AdcpRuntime, pack: StoredPackage, factor: number): StoredPackage {
  const { pricing, bid } = pack;
  if (bid !== null) return { ...pack, bid: cents(bid * factor) };
  const fixed = Math.round((pricing.fixed ?? 0) * factor * 10_000) / 10_000;
  const changed = { ...pack, pricing: { ...pricing, id: `${pricing.id}_revised`, fixed } };
  const product = seller.product(pack.productId);
  const impressions = product ? promisedImpressions(product, changed) : null;
  return { ...changed, impressions: impressions ?? pack.impressions };
}

function another(seller: AdcpRuntime, buy: StoredBuy): StoredPackage[] {
  const [first] = buy.packages;
  const product = seller.profile.products.find((candidate) => candidate.id !== first?.productId);
  const pricing = product && seller.options(product)[0];
  if (!first || !product || !pricing) return [];
  const bid = pricing.fixed === undefined ? (pricing.floor ?? 0) : null;
  const budget = pricing.minimum ?? 1_000;
  const id = `${buy.id}_extra`;
  return [{ ...first, id, productId: product.id, pricing, bid, budget, impressions: null, creatives: [], asked: {} }];
}

/** The buy as it will be booked. */
export function misbooked(seller: AdcpRuntime, buy: StoredBuy, faults: Struck["faults"]): StoredBuy {
  let result = buy;
  const price = faults.get("price-drift");
  const budget = faults.get("wrong-budget");
  if (price) result = { ...result, packages: result.packages.map((pack) => dearer(seller, pack, price.factor ?? 1.1)) };
  if (budget) {
    const packages = result.packages.map((pack) => ({ ...pack, budget: cents(pack.budget * (budget.factor ?? 1.1)) }));
    result = { ...result, packages };
  }
  if (faults.has("extra-package")) result = { ...result, packages: [...result.packages, ...another(seller, result)] };
  if (faults.has("other-dates")) {
    const week = 7 * 86_400_000;
    const moved = { startAt: result.startAt + week, endAt: result.endAt + week };
    result = { ...result, ...moved, packages: result.packages.map((pack) => ({ ...pack, ...moved })) };
  }
  return result;
}
