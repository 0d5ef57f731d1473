import type { ForecastLevel, Spread, TargetingOption } from "../domain/inventory.ts";
import { displayMoney } from "../domain/money.ts";
import { sellerText } from "./untrusted.ts";
import type { WireProduct } from "./wire/adcp.ts";
import { moneyFromNumber } from "./wire/money.ts";

/** What a product is expected to deliver, and whom or what it can be aimed at: AdCP 3.1, delivery-forecast and signals. */

const MOST_LEVELS = 12;
const MOST_SIGNALS = 20;

/** Each point of a forecast that says anything of impressions or of auctions won, in the seller's order. */
export function forecastLevels({ forecast }: WireProduct): readonly ForecastLevel[] {
  const unit = forecast?.forecast_range_unit ?? "spend";
  const per = unit === "daily" ? "day" : unit === "weekly" ? "week" : null;
  return (forecast?.points ?? []).slice(0, MOST_LEVELS).flatMap(({ label, budget, metrics }) => {
    const impressions = spreadOf(metrics["impressions"], countOf);
    // The protocol has no field for it; any further metric may stand here, each as a range.
    const winRate = spreadOf(metrics["win_rate"], shareOf);
    if (!impressions && !winRate) return [];
    const amount = moneyFromNumber(budget, forecast?.currency ?? "");
    return [{ label: sellerText(label, 80) || null, budget: amount, impressions, winRate, per }];
  });
}

/** The forecast in a sentence: its one figure, or from the least to the most of its levels. */
export function forecastWords(levels: readonly ForecastLevel[]): string | null {
  const known = levels.flatMap(({ impressions, per, budget }) => {
    const middle = impressions?.mid ?? impressions?.low ?? null;
    return middle === null ? [] : [{ middle, per, budget }];
  });
  const [first] = known;
  if (!first) return null;
  const each = first.per === null ? "" : ` a ${first.per}`;
  const figures = known.map(({ middle }) => middle);
  const [least, most] = [Math.min(...figures), Math.max(...figures)].map((one) => one.toLocaleString("en-US"));
  if (least !== most) return `Forecast: ${least} to ${most} impressions${each}, by level.`;
  const spent = known.length === 1 && first.budget ? ` for ${displayMoney(first.budget)}` : "";
  return `Forecast: ${least} impressions${each}${spent}.`;
}

/** A forecast's figure: a number alone is its middle. Null where nothing of it can be read. */
function spreadOf<T>(value: unknown, read: (value: unknown) => T | null): Spread<T> | null {
  const parts: object = typeof value === "object" && value !== null ? value : { mid: value };
  const at = (name: string) => read(Reflect.get(parts, name));
  const spread = { low: at("low"), mid: at("mid"), high: at("high") };
  return spread.low === null && spread.mid === null && spread.high === null ? null : spread;
}

function countOf(value: unknown): number | null {
  return typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? Math.trunc(value) : null;
}

/** A share between 0 and 1; 85 for 85 % would be read wrong, and is not read. */
function shareOf(value: unknown): string | null {
  const text = String(value);
  return typeof value === "number" && value <= 1 && /^\d(\.\d+)?$/.test(text) ? text : null;
}

/** Audiences and contexts: signals that are part of the product or can be chosen, and the collections it runs in. */
export function targetingOptions(wire: WireProduct): readonly TargetingOption[] {
  const chosen = wire.signal_targeting_options.map((one) => ({ ...one, included: false }));
  const included = wire.included_signals.map((one) => ({ ...one, included: true }));
  const signals = [...chosen, ...included].flatMap(({ name, signal_ref: ref, categories, included: isIn }) => {
    const source = ref?.data_provider_domain ?? null;
    const words = sellerText(name ?? [source, ref?.signal_id].filter((one) => one).join(": "), 80);
    const values = categories.slice(0, 10).map((one) => sellerText(one, 40));
    return words === "" ? [] : [{ name: words, values, included: isIn }];
  });
  // 3.0 names providers only; its one switch says whether their signals can be chosen.
  const providers = wire.data_provider_signals.map(({ data_provider_domain: domain, signal_ids, signal_tags }) => ({
    name: sellerText(domain, 80),
    values: [...signal_ids, ...signal_tags].slice(0, 10).map((one) => sellerText(one, 40)),
    included: wire.signal_targeting_allowed !== true,
  }));
  const collections = wire.collections.map(({ publisher_domain: domain, collection_ids: ids }) => ({
    name: sellerText(`collections of ${domain}`, 80),
    values: ids.slice(0, 10).map((one) => sellerText(one, 40)),
    included: wire.collection_targeting_allowed !== true,
  }));
  return [...signals, ...providers, ...collections].slice(0, MOST_SIGNALS);
}
