import { type Delivery, type DeliveryFigures, noFigures, type PackageDelivery } from "../domain/delivery.ts";
import type { Deal } from "../domain/deal.ts";
import { pricingModels } from "../domain/package.ts";
import type { Quote } from "../domain/quote.ts";
import { instantIn } from "./adcp-products.ts";
import type { Session } from "./adcp-session.ts";
import type { Access } from "./seller.ts";
import { sellerId as checkedId, sellerText } from "./untrusted.ts";
import { deliveryAnswer, type WireDeliveredPackage, type WireFigures } from "./wire/adcp.ts";
import { moneyFromNumber } from "./wire/money.ts";

const MOST_DAYS = 400;

/**
 * How a buy delivers, over its whole life (AdCP 3.1, get_media_buy_delivery: without dates the whole flight is meant).
 * What the seller leaves out is null, never 0; a buy that is not in the answer has no figures at all, and a note.
 */
export async function readDelivery(
  session: Session,
  deal: Deal,
  quote: Quote,
  account: unknown,
  access: Access,
): Promise<Delivery> {
  const args = { account, media_buy_ids: [deal.dealId], include_package_daily_breakdown: true };
  const what = "delivery figures";
  const answer = await session.read(what, "get_media_buy_delivery", args, deliveryAnswer, access, "discovery");
  const found = answer.rows.find(({ media_buy_id: id }) => id === deal.dealId);
  const currency = answer.currency ?? quote.packages?.[0]?.budget.currency ?? "";
  const to = instantIn(answer.reporting_period?.end);
  const read = new Date().toISOString();
  const ends = to === null ? read : session.onOurClock(to);
  const frame = { from: instantIn(answer.reporting_period?.start), to, asOf: ends < read ? ends : read };
  if (!found) {
    const unsaid = { isFinal: null, sellerStatus: null, pacing: null, fillRatePercent: null, packages: [] };
    return { ...noFigures, ...frame, ...unsaid, note: "the seller reports nothing of this buy" };
  }
  return {
    ...(found.totals ? figuresOf(found.totals, currency) : noFigures),
    ...frame,
    isFinal: found.is_final,
    sellerStatus: sellerText(found.status, 40) || null,
    pacing: null,
    fillRatePercent: null,
    packages: found.by_package.flatMap((one) => packageOf(one, deal, currency) ?? []),
    note: null,
  };
}

function packageOf(wire: WireDeliveredPackage, deal: Deal, currency: string): PackageDelivery | null {
  const packageId = checkedId(wire.package_id);
  if (packageId === null) return null;
  const own = wire.currency ?? currency;
  const booked = deal.packages?.find((one) => one.packageId === packageId);
  return {
    ...figuresOf(wire, own),
    packageId,
    productId: booked?.productId ?? checkedId(wire.product_id),
    model: pricingModels.find((model) => model === wire.pricing_model) ?? null,
    rate: moneyFromNumber(wire.rate, own),
    pacingIndex: decimalText(wire.pacing_index),
    paused: wire.paused,
    daily: wire.daily_breakdown
      .slice(0, MOST_DAYS)
      .flatMap(({ date, impressions, spend }) =>
        /^\d{4}-\d{2}-\d{2}$/.test(date)
          ? [{ day: date, impressions: countOf(impressions), spend: moneyFromNumber(spend, own) }]
          : [],
      ),
  };
}

function figuresOf(wire: WireFigures, currency: string): DeliveryFigures {
  return {
    impressions: countOf(wire.impressions),
    spend: moneyFromNumber(wire.spend, currency),
    clicks: countOf(wire.clicks),
    completedViews: countOf(wire.completed_views),
    completionRate: shareText(wire.completion_rate),
    viewableRate: shareText(wire.viewability?.viewable_rate ?? null),
    winRate: shareText(beside(wire, "win_rate")),
    clearingPrice: moneyFromNumber(beside(wire, "average_clearing_price") ?? beside(wire, "clearing_price"), currency),
  };
}

/** A figure the protocol has no field for: where sellers put it is beside the others, or in `ext`, one level deep. */
function beside(wire: WireFigures, name: "win_rate" | "average_clearing_price" | "clearing_price"): number | null {
  if (wire[name] !== null) return wire[name];
  const places = wire.ext === null ? [] : [wire.ext, ...Object.values(wire.ext)];
  for (const place of places) {
    const value: unknown = typeof place === "object" && place !== null ? Reflect.get(place, name) : undefined;
    if (typeof value === "number") return value;
  }
  return null;
}

/** Sellers write counts that they computed as fractions; what is no count is not reported. */
function countOf(value: number | null): number | null {
  return value !== null && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? Math.floor(value) : null;
}

function decimalText(value: number | null): string | null {
  const text = String(value);
  return /^\d{1,9}(\.\d+)?$/.test(text) ? text : null;
}

/** A share between 0 and 1; 85 for 85 % would be read wrong, and is not read. */
function shareText(value: number | null): string | null {
  return value !== null && value >= 0 && value <= 1 ? decimalText(value) : null;
}
