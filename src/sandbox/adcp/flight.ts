import type { AdcpProduct } from "./profile.ts";
import type { AdcpRuntime } from "./runtime.ts";
import type { Daily, StoredBuy, StoredPackage } from "./state.ts";

/**
 * How a media buy runs. Nothing is random: what was delivered follows from time, price, bid, budget and the product,
 * so that the same story can be told twice. All times are the flight's time, see `AdcpRuntime.flightNow`.
 */

const dayMs = 86_400_000;
const clickRate = 0.004;
const impressionsPerPoint = 12_000;

/** The share of auctions a bid wins: nothing below the floor, then along the seller's own percentiles. */
export function winShare(pack: Pick<StoredPackage, "pricing" | "bid">): number {
  const { floor = 0, guidance, fixed } = pack.pricing;
  if (fixed !== undefined) return 1;
  const bid = pack.bid ?? 0;
  if (bid < floor) return 0;
  const { p25, p50, p75, p90 } = guidance ?? { p25: floor * 1.2, p50: floor * 1.5, p75: floor * 2, p90: floor * 3 };
  const curve: readonly (readonly [number, number])[] = [
    [floor, 0.05],
    [p25, 0.25],
    [p50, 0.5],
    [p75, 0.75],
    [p90, 0.9],
    [p90 * 2, 0.97],
  ];
  for (const [index, [price, share]] of curve.entries()) {
    const next = curve[index + 1];
    if (!next) return share;
    if (bid < next[0]) return share + ((bid - price) / (next[0] - price)) * (next[1] - share);
  }
  return 0;
}

/** What a unit costs: the fixed price; in an auction the bid, or the second price where the bid is a ceiling. */
export function unitPrice(pack: Pick<StoredPackage, "pricing" | "bid">): number {
  const { fixed, floor = 0, ceiling } = pack.pricing;
  if (fixed !== undefined) return fixed;
  const bid = pack.bid ?? 0;
  return ceiling ? floor + (bid - floor) * 0.8 : bid;
}

/** Units of a pricing model in so many impressions: completed views, clicks, points, viewable thousands. */
export function unitsIn(product: AdcpProduct, model: string, impressions: number, flightDays: number): number {
  if (model === "cpm") return impressions / 1_000;
  if (model === "vcpm") return (impressions * (product.viewability?.real ?? 0.6)) / 1_000;
  if (model === "cpc") return impressions * clickRate;
  if (model === "cpp") return impressions / impressionsPerPoint;
  if (model === "flat_rate") return impressions / (product.daily * flightDays);
  return impressions * (product.completion?.real ?? 0.7);
}

/** Clicks in so many impressions. */
export function clicksIn(impressions: number): number {
  return Math.floor(impressions * clickRate);
}

/** Days of a package's flight, a part of one counting whole. */
export function flightDays(pack: Pick<StoredPackage, "startAt" | "endAt">): number {
  return Math.max(1, Math.ceil((pack.endAt - pack.startAt) / dayMs));
}

/** What was delivered in all. */
export function deliveredBy(daily: Daily): { impressions: number; spend: number; bids: number } {
  const total = { impressions: 0, spend: 0, bids: 0 };
  for (const day of Object.values(daily)) {
    total.impressions += day.impressions;
    total.spend += day.spend;
    total.bids += day.bids;
  }
  return total;
}

/** Whether a package has what it needs to run: a creative, where impressions need one. */
export function isReady(seller: AdcpRuntime, buy: StoredBuy, pack: StoredPackage): boolean {
  const product = seller.product(pack.productId);
  if (!product?.needsCreative) return true;
  return pack.creatives.some((id) => seller.books.creatives[`${buy.accountId}|${id}`]?.status === "approved");
}

function counted(seller: AdcpRuntime, buy: StoredBuy, pack: StoredPackage, until: number): StoredPackage {
  const product = seller.product(pack.productId);
  const from = Math.max(buy.countedTo, pack.startAt);
  const to = Math.min(until, pack.endAt);
  if (!product || to <= from || pack.paused || pack.canceledAt !== null || !isReady(seller, buy, pack)) return pack;
  const length = flightDays(pack);
  const perImpression = unitPrice(pack) * unitsIn(product, pack.pricing.model, 1, length);
  const share = winShare(pack);
  const supply = product.daily * share * product.runs;
  // Even pacing spends no faster than the flight; `asap` takes all there is.
  const planned = pack.pacing === "asap" ? Infinity : (pack.budget / length / perImpression) * product.runs;
  const perDay = Math.min(supply, planned);
  const delivered: Daily = { ...pack.delivered };
  let left = pack.budget - deliveredBy(delivered).spend;
  for (let at = from; at < to && left > 1e-9 && perDay > 0; ) {
    const midnight = (Math.floor(at / dayMs) + 1) * dayMs;
    const end = Math.min(midnight, to);
    const impressions = Math.min((perDay * (end - at)) / dayMs, left / perImpression);
    const date = new Date(at).toISOString().slice(0, 10);
    const day = delivered[date] ?? { impressions: 0, spend: 0, bids: 0 };
    const spend = impressions * perImpression;
    delivered[date] = {
      impressions: day.impressions + impressions,
      spend: day.spend + spend,
      bids: day.bids + (share > 0 ? impressions / share : 0),
    };
    left -= spend;
    at = end;
  }
  return { ...pack, delivered };
}

/** The buy with everything counted that ran until now. Call it before any change, so that the past keeps its price. */
export function countedBuy(seller: AdcpRuntime, buy: StoredBuy): StoredBuy {
  const until = seller.flightNow(buy);
  if (until <= buy.countedTo) return buy;
  const runs = buy.standing === "open" && buy.confirmedAt !== null && !buy.paused;
  const packages = runs ? buy.packages.map((pack) => counted(seller, buy, pack, until)) : buy.packages;
  return { ...buy, packages, countedTo: until };
}

/** What a package should have spent by now, as a fraction of its budget. */
export function plannedShare(pack: StoredPackage, now: number): number {
  if (now <= pack.startAt) return 0;
  return Math.min(1, (now - pack.startAt) / (pack.endAt - pack.startAt));
}
