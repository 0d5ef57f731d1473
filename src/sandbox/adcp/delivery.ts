import { auctionFigures, chosenBuys, deliveryStatus, pacingIndex } from "./buy-reads.ts";
import { statusOf } from "./buy-wire.ts";
import type { AdcpCall } from "./call.ts";
import { clicksIn, countedBuy, deliveredBy, flightDays, unitPrice, unitsIn } from "./flight.ts";
import { type AdcpRuntime, cents, isoTime } from "./runtime.ts";
import type { Daily, Json, StoredBuy, StoredPackage } from "./state.ts";

/** get_media_buy_delivery: what ran, by package and day. Final a day after the end. */

const dayMs = 86_400_000;

interface Period {
  readonly from: string;
  readonly to: string;
}

function within(daily: Daily, { from, to }: Period): Daily {
  return Object.fromEntries(Object.entries(daily).filter(([date]) => date >= from && date <= to));
}

function measured(seller: AdcpRuntime, pack: StoredPackage, impressions: number): Json {
  const product = seller.product(pack.productId);
  if (!product) return {};
  // Of nothing there is no share.
  const { completion, viewability } = impressions >= 1 ? product : { completion: undefined, viewability: undefined };
  const { model } = pack.pricing;
  const clicks = model === "cpc" ? Math.floor(unitsIn(product, model, impressions, 1)) : clicksIn(impressions);
  return {
    clicks,
    ...(completion
      ? { completed_views: Math.floor(impressions * completion.real), completion_rate: completion.real }
      : {}),
    ...(viewability
      ? {
          viewability: {
            measurable_impressions: Math.floor(impressions),
            viewable_impressions: Math.floor(impressions * viewability.real),
            viewable_rate: viewability.real,
            standard: "mrc",
          },
        }
      : {}),
    ...(model === "cpp"
      ? { grps: Math.round(unitsIn(product, model, impressions, flightDays(pack)) * 100) / 100 }
      : {}),
  };
}

function byPackage(seller: AdcpRuntime, buy: StoredBuy, pack: StoredPackage, period: Period, daily: boolean): Json {
  const chosen = within(pack.delivered, period);
  const { impressions, spend } = deliveredBy(chosen);
  const now = seller.flightNow(buy);
  const pacing = pacingIndex(pack, now);
  const figures = auctionFigures(pack);
  const days = Object.entries(chosen)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([date, day]) => ({ date, impressions: Math.floor(day.impressions), spend: cents(day.spend) }));
  return {
    package_id: pack.id,
    impressions: Math.floor(impressions),
    spend: cents(spend),
    ...measured(seller, pack, impressions),
    ...(pacing === null ? {} : { pacing_index: pacing }),
    pricing_model: pack.pricing.model,
    rate: unitPrice(pack),
    currency: buy.currency,
    delivery_status: deliveryStatus(pack, now),
    paused: pack.paused,
    ...(daily ? { daily_breakdown: days } : {}),
    ...(figures ? { ext: { [seller.profile.id]: figures } } : {}),
  };
}

const reported = ["pending_creatives", "pending_start", "active", "paused", "completed", "rejected", "canceled"];

function sum(rows: readonly Json[], name: string): number {
  return rows.reduce((total, row) => total + Number(row[name] ?? 0), 0);
}

function deliveryOf(seller: AdcpRuntime, stored: StoredBuy, period: Period, daily: boolean): Json {
  const buy = countedBuy(seller, stored);
  const rows = buy.packages.map((pack) => byPackage(seller, buy, pack, period, daily));
  const now = seller.flightNow(buy);
  const status = statusOf(seller, buy);
  const isFinal = now >= buy.endAt + dayMs;
  const impressions = sum(rows, "impressions");
  const completed = sum(rows, "completed_views");
  return {
    media_buy_id: buy.id,
    status: reported.includes(status) ? status : "pending",
    ...(seller.version === "3.1" ? { is_final: isFinal } : {}),
    ...(seller.version === "3.1" && isFinal ? { finalized_at: isoTime(buy.endAt + dayMs) } : {}),
    totals: {
      impressions,
      spend: cents(sum(rows, "spend")),
      clicks: sum(rows, "clicks"),
      ...(completed > 0
        ? { completed_views: completed, completion_rate: Math.round((completed / impressions) * 1_000) / 1_000 }
        : {}),
    },
    by_package: rows,
  };
}

/** get_media_buy_delivery. */
export function readDelivery({ seller, args }: AdcpCall<"get_media_buy_delivery">): Json {
  const buys = chosenBuys(seller, args);
  const now = Math.max(seller.now(), ...buys.map((buy) => seller.flightNow(buy)));
  const earliest = Math.min(now, ...buys.map((buy) => buy.startAt));
  const from = args.start_date ?? isoTime(earliest).slice(0, 10);
  const to = args.end_date ?? isoTime(now).slice(0, 10);
  const daily = args.include_package_daily_breakdown === true;
  const deliveries = buys.map((buy) => deliveryOf(seller, buy, { from, to }, daily));
  const totals = deliveries.map((delivery): Json => Object(delivery["totals"]));
  return {
    reporting_period: { start: `${from}T00:00:00Z`, end: `${to}T23:59:59Z` },
    currency: buys[0]?.currency ?? "USD",
    aggregated_totals: {
      impressions: sum(totals, "impressions"),
      spend: cents(sum(totals, "spend")),
      clicks: sum(totals, "clicks"),
      media_buy_count: buys.length,
    },
    [seller.is("legacy") ? "media_buys" : "media_buy_deliveries"]: deliveries,
    sandbox: true,
  };
}
