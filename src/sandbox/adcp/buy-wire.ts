import { measurementOf, standardsOf } from "./product-wire.ts";
import { isReady } from "./flight.ts";
import { type AdcpRuntime, cents, isoTime } from "./runtime.ts";
import type { Json, StoredBuy, StoredPackage } from "./state.ts";

/** Media buys as they go over the wire: AdCP 3.1, media buy lifecycle; 3.0 has neither revision nor confirmation. */

/** The state of a buy, from what stands in the books and the flight's time. `pending_approval` is the legacy shape. */
export function statusOf(seller: AdcpRuntime, buy: StoredBuy): string {
  if (buy.standing !== "open") return buy.standing;
  const now = seller.flightNow(buy);
  const live = buy.packages.filter((pack) => pack.canceledAt === null);
  if (!live.every((pack) => isReady(seller, buy, pack))) return "pending_creatives";
  if (buy.confirmedAt === null || now < buy.startAt) return "pending_start";
  if (now >= buy.endAt) return "completed";
  return buy.paused ? "paused" : "active";
}

const finished = ["completed", "rejected", "canceled"];

/** Whether nothing can be done about a buy any more. */
export function isFinished(status: string): boolean {
  return finished.includes(status);
}

interface Action {
  readonly action: string;
  readonly mode: "self_serve" | "requires_approval";
}

/** What the buyer may do to a buy now. A guaranteed one needs the desk for whatever touches money or dates. */
export function actionsOf(seller: AdcpRuntime, buy: StoredBuy): Action[] {
  const status = statusOf(seller, buy);
  if (isFinished(status)) return [];
  if (status === "pending_approval") return [{ action: "cancel", mode: "self_serve" }];
  const mode = buy.guaranteed ? "requires_approval" : "self_serve";
  const free = status === "paused" ? ["resume"] : ["pause"];
  const own = [...free, "update_pacing", "update_creative_assignments", "sync_creatives"];
  const money = [
    "cancel",
    "increase_budget",
    "decrease_budget",
    "reallocate_budget",
    "update_flight_dates",
    "add_packages",
  ];
  return [
    ...own.map((action) => ({ action, mode: "self_serve" as const })),
    ...money.map((action) => ({ action, mode: mode as Action["mode"] })),
    ...(buy.guaranteed ? [] : [{ action: "update_packages", mode: "self_serve" as const }]),
  ];
}

const coarse: Readonly<Record<string, string>> = {
  increase_budget: "update_budget",
  decrease_budget: "update_budget",
  reallocate_budget: "update_budget",
  update_flight_dates: "update_dates",
  update_pacing: "update_packages",
  update_creative_assignments: "sync_creatives",
};

/** The actions in the version's words. */
export function actionsOnWire(seller: AdcpRuntime, buy: StoredBuy): Json {
  const actions = actionsOf(seller, buy);
  if (seller.version === "3.1") return { available_actions: actions };
  return { valid_actions: [...new Set(actions.map(({ action }) => coarse[action] ?? action))] };
}

/** A package as booked. */
export function packageOnWire(seller: AdcpRuntime, pack: StoredPackage): Json {
  const { asked } = pack;
  const product = seller.product(pack.productId);
  const standards = product ? standardsOf(product) : [];
  const measurement = product ? measurementOf(product) : null;
  return {
    package_id: pack.id,
    product_id: pack.productId,
    budget: pack.budget,
    pricing_option_id: pack.pricing.id,
    pacing: pack.pacing,
    ...(pack.bid === null ? {} : { bid_price: pack.bid }),
    ...(pack.impressions === null ? {} : { impressions: pack.impressions }),
    ...(asked["targeting_overlay"] === undefined ? {} : { targeting_overlay: asked["targeting_overlay"] }),
    ...(standards.length > 0 ? { performance_standards: standards } : {}),
    ...(measurement ? { measurement_terms: measurement } : {}),
    start_time: isoTime(pack.startAt),
    end_time: isoTime(pack.endAt),
    paused: pack.paused,
    ...(pack.canceledAt === null
      ? {}
      : { canceled: true, cancellation: { canceled_at: isoTime(pack.canceledAt), canceled_by: "buyer" } }),
    ...(pack.creatives.length > 0
      ? { creative_assignments: pack.creatives.map((creative_id) => ({ creative_id })) }
      : {}),
    ...(asked["context"] === undefined ? {} : { context: asked["context"] }),
  };
}

/** The budget of all packages that are not canceled. */
export function totalBudget(buy: StoredBuy): number {
  return cents(buy.packages.reduce((sum, pack) => sum + (pack.canceledAt === null ? pack.budget : 0), 0));
}

/** What answers a booking: AdCP 3.1, create_media_buy, success; with `status` for the buy's state in 3.0. */
export function bookedOnWire(seller: AdcpRuntime, buy: StoredBuy): Json {
  const status = statusOf(seller, buy);
  const state =
    seller.version === "3.1"
      ? {
          status: "completed",
          media_buy_status: status,
          confirmed_at: buy.confirmedAt === null ? null : isoTime(buy.confirmedAt),
          revision: buy.revision,
          currency: buy.currency,
          total_budget: totalBudget(buy),
        }
      : { status };
  return {
    media_buy_id: buy.id,
    ...state,
    ...actionsOnWire(seller, buy),
    packages: buy.packages.map((pack) => packageOnWire(seller, pack)),
    sandbox: true,
  };
}
