import type { GetProductsResponse, ListCreativeFormatsResponse } from "@adcp/sdk/types";

/** What the third-party seller sells: the products that both seed storyboards name, two guaranteed and two by auction. */

export type Product = GetProductsResponse["products"][number];

/** How a package is priced: at a fixed price, or by a bid at or over a floor. CPM, per 1,000, in US dollars. */
export type Price =
  | { readonly fixed: number; readonly leastSpend: number }
  | { readonly floor: number; readonly guidance: { p25: number; p50: number; p75: number; p90: number } };

/** What products run on instead of what {@link offers} say, by product: a seller of another kind. */
export type Channels = Readonly<Record<string, NonNullable<Product["channels"]>[number]>>;

interface Offer {
  readonly name: string;
  readonly channel: "olv" | "ctv" | "display";
  readonly formats: readonly string[];
  readonly price: Price;
}

export const offers: Readonly<Record<string, Offer>> = {
  sports_preroll_q2_guaranteed: {
    name: "Sports preroll Q2",
    channel: "olv",
    formats: ["video_30s"],
    price: { fixed: 35, leastSpend: 5000 },
  },
  outdoor_ctv_q2_guaranteed: {
    name: "Outdoor CTV Q2",
    channel: "ctv",
    formats: ["video_30s"],
    price: { fixed: 45, leastSpend: 5000 },
  },
  sports_display_auction: {
    name: "Sports display, run of site",
    channel: "display",
    formats: ["display_300x250"],
    price: { floor: 5, guidance: { p25: 6, p50: 7.5, p75: 9, p90: 12 } },
  },
  outdoor_video_auction: {
    name: "Outdoor video, run of site",
    channel: "olv",
    formats: ["video_30s"],
    price: { floor: 15, guidance: { p25: 15.5, p50: 16, p75: 18, p90: 22 } },
  },
};

/** The pricing option of an offer; the storyboards name both ids. */
export const optionOf = (price: Price) => ("fixed" in price ? "cpm_guaranteed_fixed" : "cpm_auction");

/** @param at the seller's origin, whose formats these are */
export function productsOf(at: string, publisherDomain: string, channels: Channels = {}): Product[] {
  return Object.entries(offers).map(([product_id, { name, channel, formats, price }]) => ({
    product_id,
    name,
    description: `${name} on ${publisherDomain}`,
    publisher_properties: [{ publisher_domain: publisherDomain, selection_type: "all" }],
    channels: [channels[product_id] ?? channel],
    format_ids: formats.map((id) => ({ agent_url: at, id })),
    delivery_type: "fixed" in price ? "guaranteed" : "non_guaranteed",
    pricing_options: [
      {
        pricing_option_id: optionOf(price),
        pricing_model: "cpm",
        currency: "USD",
        ...("fixed" in price
          ? { fixed_price: price.fixed, min_spend_per_package: price.leastSpend }
          : { floor_price: price.floor, price_guidance: price.guidance }),
      },
    ],
    ...("fixed" in price && channel !== "display"
      ? {
          performance_standards: [
            { metric: "completion_rate", threshold: 0.7, vendor: { domain: "measured.example" } },
          ],
        }
      : {}),
    reporting_capabilities: {
      available_reporting_frequencies: ["daily"],
      expected_delay_minutes: 240,
      timezone: "UTC",
      supports_webhooks: false,
      available_metrics: ["impressions", "clicks", "spend", "completed_views"],
      date_range_support: "date_range",
    },
  }));
}

/** The creative formats that the products name. */
export function formatsOf(at: string): ListCreativeFormatsResponse["formats"] {
  return [
    {
      format_id: { agent_url: at, id: "video_30s" },
      name: "Video, 30 seconds",
      assets: [{ item_type: "individual", asset_id: "video_file", asset_type: "video", required: true }],
    },
    {
      format_id: { agent_url: at, id: "display_300x250" },
      name: "Display, 300 by 250",
      assets: [{ item_type: "individual", asset_id: "banner_image", asset_type: "image", required: true }],
    },
  ];
}
