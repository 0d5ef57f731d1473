import { type AdcpPricing, type AdcpProduct, formats } from "./profile.ts";
import { type AdcpRuntime, isoTime } from "./runtime.ts";
import type { Json } from "./state.ts";

/** Products as they go over the wire: AdCP 3.1, product.json; 3.0 knows `format_ids` only. */

/** A price. */
export function pricingOnWire(pricing: AdcpPricing): Json {
  const { id, model, currency, fixed, floor, guidance, ceiling, minimum, demographic } = pricing;
  return {
    pricing_option_id: id,
    pricing_model: model,
    currency,
    ...(fixed === undefined ? { floor_price: floor } : { fixed_price: fixed }),
    ...(guidance ? { price_guidance: guidance } : {}),
    ...(ceiling ? { max_bid: true } : {}),
    ...(minimum === undefined ? {} : { min_spend_per_package: minimum }),
    ...(demographic ? { parameters: { demographic_system: "nielsen", demographic, min_points: 10 } } : {}),
  };
}

/** The seller's name for a creative format. */
export function formatId(seller: AdcpRuntime, format: AdcpProduct["format"]): Json {
  return { agent_url: seller.url, id: format };
}

function formatOption(seller: AdcpRuntime, format: AdcpProduct["format"]): Json {
  const known = formats[format];
  const named = { format_option_id: format, display_name: known.name, v1_format_ref: [formatId(seller, format)] };
  if (known.kind === "video") {
    return { ...named, format_kind: "video_hosted", params: { duration_ms_exact: known.ms, containers: ["mp4"] } };
  }
  return { ...named, format_kind: "image", params: { width: known.width, height: known.height } };
}

/** What a product is expected to deliver: a firm figure when guaranteed, one by bid level in an auction. */
function forecast(product: AdcpProduct, options: readonly AdcpPricing[]): Json {
  const [first] = options;
  const { currency } = first ?? { currency: "USD" };
  const impressions = (share: number) => Math.round(product.daily * share);
  if (product.delivery === "guaranteed") {
    const metrics = { impressions: { mid: impressions(1) } };
    return { method: "guaranteed", currency, forecast_range_unit: "daily", points: [{ label: "a day", metrics }] };
  }
  const levels = Object.entries(first?.guidance ?? {}).map(([level, bid]) => {
    const share = Number(level.slice(1)) / 100;
    const metrics = {
      impressions: { low: impressions(share * 0.8), mid: impressions(share), high: impressions(share * 1.1) },
      win_rate: { mid: share },
    };
    return { label: `at a bid of ${bid} ${currency} (${level})`, metrics };
  });
  const open = [{ label: "a day", metrics: { impressions: { low: impressions(0.2), high: impressions(0.9) } } }];
  const points = levels.length > 0 ? levels : open;
  return { method: "modeled", currency, forecast_range_unit: "daily", points };
}

/** Audiences and contexts: those that are part of the product, and those a buyer may name. */
function signalsOnWire({ signals = [] }: AdcpProduct): Json {
  const listed = (included: boolean) =>
    signals
      .filter((one) => one.included === included)
      .map(({ id, name, values }) => ({
        ...{ signal_ref: { scope: "product", signal_id: id }, name, value_type: "categorical", categories: values },
      }));
  const [inside, offered] = [listed(true), listed(false)];
  return {
    ...(inside.length > 0 ? { included_signals: inside } : {}),
    ...(offered.length > 0 ? { signal_targeting_allowed: true, signal_targeting_options: offered } : {}),
  };
}

const terms = {
  billing_measurement: { vendor: { domain: "countinghouse.example" }, max_variance_percent: 10 },
  makegood_policy: { available_remedies: ["additional_delivery", "credit"] },
};

/** What a guaranteed product promises of its quality; none for an auction. */
export function standardsOf(product: AdcpProduct): Json[] {
  const vendor = { domain: "countinghouse.example" };
  if (product.delivery !== "guaranteed" || !product.completion) return [];
  return [{ metric: "completion_rate", threshold: product.completion.promised, vendor }];
}

/** The measurement terms of a guaranteed product. */
export function measurementOf(product: AdcpProduct): Json | null {
  return product.delivery === "guaranteed" ? terms : null;
}

const metrics = ["impressions", "spend", "clicks", "completed_views", "completion_rate", "viewability"];

/** How a product is told; `options` are its prices, published or made for this buyer. */
export function productOnWire(
  seller: AdcpRuntime,
  product: AdcpProduct,
  options: readonly AdcpPricing[],
  more: { readonly relevance?: string; readonly expiresAt?: number; readonly withForecast?: boolean } = {},
): Json {
  const standards = standardsOf(product);
  const measurement = measurementOf(product);
  const is31 = seller.version === "3.1";
  return {
    product_id: product.id,
    name: product.name,
    description: product.about,
    publisher_properties: product.publishers.map((domain) => ({
      publisher_domain: domain,
      selection_type: "by_tag",
      property_tags: ["sold_by_agent"],
    })),
    channels: product.channels,
    // The auction seller is of the new school: canonical formats only.
    ...(is31 ? { format_options: [formatOption(seller, product.format)] } : {}),
    ...(is31 && seller.profile.id === "openbid" ? {} : { format_ids: [formatId(seller, product.format)] }),
    delivery_type: product.delivery,
    pricing_options: options.map(pricingOnWire),
    ...(more.withForecast === false ? {} : { forecast: forecast(product, options) }),
    ...(is31 ? signalsOnWire(product) : {}),
    ...(measurement ? { measurement_terms: measurement } : {}),
    ...(standards.length > 0 ? { performance_standards: standards } : {}),
    ...(product.cancellation
      ? {
          cancellation_policy: {
            notice_period: { interval: product.cancellation.days, unit: "days" },
            cancellation_fee: { type: "percent_remaining", rate: product.cancellation.rate },
          },
        }
      : {}),
    reporting_capabilities: {
      available_reporting_frequencies: ["daily"],
      expected_delay_minutes: 60,
      timezone: "UTC",
      supports_webhooks: false,
      available_metrics: metrics,
      date_range_support: "date_range",
    },
    ...(more.relevance ? { brief_relevance: more.relevance } : {}),
    ...(more.expiresAt === undefined ? {} : { expires_at: isoTime(more.expiresAt) }),
  };
}

/** A format with what a creative in it needs. */
export function formatOnWire(seller: AdcpRuntime, format: AdcpProduct["format"]): Json {
  const known = formats[format];
  const asset =
    known.kind === "video"
      ? { asset_id: "video_file", asset_type: "video", requirements: { max_duration_ms: known.ms } }
      : { asset_id: "banner", asset_type: "image", requirements: { width: known.width, height: known.height } };
  const size = known.kind === "video" ? { width: 1_920, height: 1_080 } : { width: known.width, height: known.height };
  return {
    format_id: formatId(seller, format),
    name: known.name,
    // 3.0 sorts formats by type; 3.1 goes by their assets.
    ...(seller.version === "3.0" ? { type: known.kind === "video" ? "video" : "display" } : {}),
    renders: [{ role: "primary", dimensions: size }],
    assets: [{ item_type: "individual", required: true, ...asset }],
  };
}
