import * as z from "zod";
import { type CataloguePackage, deviceTypes } from "./catalogue.ts";
import { tierOf } from "./identity.ts";
import { fixedHalfEven, publicRange, type Tier, tierPrice } from "./pricing.ts";
import type { Call, Route, SellerRuntime } from "./runtime.ts";
import { optional, parseBody } from "./validate.ts";
import { answer, worded } from "./wire.ts";

/** Media kit and packages: IAB seller agent 2.4.2. Floats in dollars and display strings, no micros. */

const layers = ["synced", "curated", "dynamic"];
const audienceTypes = ["standard", "contextual", "agentic"];

function shared(kit: CataloguePackage) {
  return {
    package_id: kit.id,
    name: kit.name,
    description: kit.about,
    ad_formats: kit.formats,
    device_types: [],
    cat: kit.categories,
    cattax: 2,
    geo_targets: kit.geo,
    tags: kit.tags,
    rate_type: "cpm",
    is_featured: kit.featured,
  };
}

function publicView(kit: CataloguePackage): object {
  return {
    ...shared(kit),
    audience_capabilities: {
      standard_taxonomy_version: "1.1",
      contextual_taxonomy_version: "3.1",
      supports_standard: true,
      supports_contextual: false,
      supports_agentic: false,
      agentic_spec_version: null,
    },
    price_range: publicRange(kit.base),
  };
}

function knownView(seller: SellerRuntime, kit: CataloguePackage, tier: Tier): object {
  const price = tierPrice(kit.base, tier);
  const placed = kit.products.flatMap((id) => seller.product(id) ?? []);
  return {
    ...shared(kit),
    audience_capabilities: {
      standard_segment_ids: kit.segments,
      standard_taxonomy_version: "1.1",
      contextual_segment_ids: [],
      contextual_taxonomy_version: "3.1",
      agentic_capabilities: null,
    },
    price_range: `$${fixedHalfEven(price, 0)} CPM`,
    exact_price: price,
    floor_price: kit.floor,
    currency: "USD",
    placements: placed.map((product) => ({
      product_id: product.id,
      product_name: product.name,
      ad_formats: kit.formats,
      device_types: deviceTypes[product.type],
      weight: 1,
    })),
    negotiation_enabled: tier === "agency" || tier === "advertiser",
    volume_discounts_available: tier === "agency" || tier === "advertiser",
  };
}

function view(seller: SellerRuntime, kit: CataloguePackage, tier: Tier): object {
  return tier === "public" ? publicView(kit) : knownView(seller, kit, tier);
}

const ranks: readonly Tier[] = ["public", "seat", "agency", "advertiser"];

/** Without a key these surfaces believe what a caller says of itself, up to the tier it claims. */
function viewingTier(call: Call, said: { tier: string; agency: string | null; advertiser: string | null }): Tier {
  const caller = call.caller();
  if (caller.role !== "anonymous") return caller.tier;
  const claimed = (ranks as readonly string[]).indexOf(said.tier);
  const shown = ranks.indexOf(tierOf({ agency_id: said.agency, advertiser_id: said.advertiser }));
  return ranks[Math.max(0, Math.min(claimed, shown))] ?? "public";
}

function tierFromQuery(call: Call): Tier {
  const { query } = call;
  const tier = query.get("buyer_tier") ?? "public";
  return viewingTier(call, { tier, agency: query.get("agency_id"), advertiser: query.get("advertiser_id") });
}

function filtered(call: Call): readonly CataloguePackage[] {
  const { query, seller } = call;
  const layer = query.get("layer");
  if (layer !== null && !layers.includes(layer)) throw worded(400, `Invalid layer: ${layer}`);
  const audience = query.get("audience_type");
  if (audience !== null && !audienceTypes.includes(audience)) {
    throw worded(400, `Invalid audience_type: '${audience}'. Must be one of ['${audienceTypes.join("', '")}']`);
  }
  const segment = query.get("audience_id");
  if (segment !== null && audience === null) throw worded(400, "audience_id requires audience_type");
  return seller.profile.packages.filter((kit) => {
    if (layer !== null && layer !== "curated") return false;
    if (query.get("featured_only") === "true" && !kit.featured) return false;
    if (audience !== null && audience !== "standard") return false;
    return segment === null || kit.segments.includes(segment);
  });
}

function found(call: Call): CataloguePackage {
  const kit = call.seller.profile.packages.find((item) => item.id === call.params["id"]);
  if (!kit) throw worded(404, "Package not found");
  return kit;
}

const searchRequest = z.object({
  query: z.string(),
  buyer_tier: z.string().default("public"),
  agency_id: optional(z.string()),
  advertiser_id: optional(z.string()),
  audience_filter: optional(z.record(z.string(), z.unknown())),
});

function score(kit: CataloguePackage, query: string): number {
  const text = [kit.name, kit.about, ...kit.tags, ...kit.formats].join(" ").toLowerCase();
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = words.filter((word) => text.includes(word)).length;
  return kit.featured ? hits * 1.5 : hits;
}

/** Media kit (anonymous) and packages (exact to whoever shows a key, or merely claims to be somebody). */
export const mediaKitRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/media-kit",
    operation: "catalogue",
    handle: ({ seller }) => {
      const all = seller.profile.packages.map(publicView);
      const featured = seller.profile.packages.filter((kit) => kit.featured).map(publicView);
      return answer({ total_packages: all.length, featured_count: featured.length, featured, all_packages: all });
    },
  },
  {
    method: "GET",
    path: "/media-kit/packages",
    operation: "catalogue",
    handle: (call) => answer({ packages: filtered(call).map(publicView) }),
  },
  {
    method: "GET",
    path: "/media-kit/packages/{id}",
    operation: "catalogue",
    handle: (call) => answer(publicView(found(call))),
  },
  {
    method: "POST",
    path: "/media-kit/search",
    operation: "catalogue",
    handle: (call) => {
      call.caller();
      const request = parseBody(searchRequest, call.body);
      const said = { tier: request.buyer_tier, agency: request.agency_id, advertiser: request.advertiser_id };
      const tier = viewingTier(call, said);
      const ranked = call.seller.profile.packages
        .map((kit) => ({ kit, score: score(kit, request.query) }))
        .filter((item) => item.score > 0)
        .sort((a, b) => b.score - a.score);
      return answer({ results: ranked.map((item) => view(call.seller, item.kit, tier)) });
    },
  },
  {
    method: "GET",
    path: "/packages",
    operation: "catalogue",
    handle: (call) => {
      const tier = tierFromQuery(call);
      return answer({ packages: filtered(call).map((kit) => view(call.seller, kit, tier)) });
    },
  },
  {
    method: "GET",
    path: "/packages/{id}",
    operation: "catalogue",
    handle: (call) => {
      const tier = tierFromQuery(call);
      return answer(view(call.seller, found(call), tier));
    },
  },
];
