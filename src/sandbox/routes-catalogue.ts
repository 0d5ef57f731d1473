import * as z from "zod";
import type { CatalogueProduct } from "./catalogue.ts";
import { pricingTier } from "./identity.ts";
import { decidePrice, wireMoney } from "./pricing.ts";
import type { Route, SellerRuntime } from "./runtime.ts";
import { optional, parseBody } from "./validate.ts";
import { answer, unprocessable, worded } from "./wire.ts";

/** What a seller says of itself and sells: IAB seller agent 2.4.2, discovery and catalogue. */

const skills = [
  { id: "discovery", name: "Inventory discovery", description: "Media kit and catalogue.", tags: ["inventory"] },
  { id: "pricing", name: "Tiered pricing", description: "Prices by buyer and volume.", tags: ["pricing", "cpm"] },
  { id: "proposals", name: "Proposals", description: "Offers on a product.", tags: ["proposals"] },
  { id: "negotiation", name: "Negotiation", description: "Price talks in rounds.", tags: ["negotiation"] },
  { id: "deals", name: "Deals", description: "Deal ids for a DSP.", tags: ["deals", "openrtb"] },
];

function agentCard(seller: SellerRuntime): object {
  const { profile, url } = seller;
  const kinds = [...new Set(profile.products.map((product) => product.type))].sort();
  return {
    name: profile.name,
    description: profile.about,
    url,
    version: profile.version,
    provider: { name: profile.name, url, description: null },
    capabilities: { protocols: ["opendirect21"], streaming: false, push_notifications: false },
    skills,
    authentication: { schemes: ["api_key", "bearer"], credentials_url: null },
    inventory_types: kinds,
    supported_deal_types: ["pg", "pmp", "preferred_deal", "private_auction"],
    contact: null,
    tos_url: null,
    audience_capabilities: {
      schema_version: "1",
      standard_taxonomy_versions: ["1.1"],
      contextual_taxonomy_versions: ["3.1"],
      agentic: { supported: false },
      supports_constraints: true,
      supports_extensions: false,
      supports_exclusions: false,
      max_refs_per_role: { primary: 1, constraints: 3, extensions: 0, exclusions: 0 },
    },
  };
}

function listed(seller: SellerRuntime, product: CatalogueProduct): object {
  return {
    product_id: product.id,
    seller_organization_id: `seller-${seller.profile.id}-001`,
    name: product.name,
    description: product.about,
    base_price: product.base === null ? null : wireMoney(product.base),
    pricing_type: "fixed",
    pricing_model: "cpm",
    delivery_type: "Guaranteed",
    domain: null,
    ad_formats: [product.type],
    audience_targeting: product.audience ?? null,
    ad_product_targeting: { geo: product.geo },
    content_targeting: product.content ?? null,
    available_impressions: product.cap,
    commercial_terms: null,
    ext: {
      inventory_type: product.type,
      floor_cpm: product.floor,
      minimum_impressions: product.minimum,
      deal_types: product.deals,
      audience_capabilities: [],
    },
  };
}

/** List price in dollars CPM; a product without price and floor cannot be priced and is refused with 422. */
export function listPrice(product: CatalogueProduct): number {
  const base = product.base ?? product.floor;
  if (base === null) {
    throw worded(422, `Product '${product.id}' has no base_cpm or floor_cpm; avails cannot be priced.`);
  }
  return base;
}

function page(query: URLSearchParams, name: string, fallback: number, least: number, most: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  const value = Number(text);
  const loc = ["query", name];
  if (text.trim() === "" || !Number.isInteger(value)) {
    const msg = "Input should be a valid integer, unable to parse string as an integer";
    throw unprocessable([{ type: "int_parsing", loc, msg, input: text }]);
  }
  if (value < least) {
    const msg = `Input should be greater than or equal to ${least}`;
    throw unprocessable([{ type: "greater_than_equal", loc, msg, input: text, ctx: { ge: least } }]);
  }
  if (value > most) {
    const msg = `Input should be less than or equal to ${most}`;
    throw unprocessable([{ type: "less_than_equal", loc, msg, input: text, ctx: { le: most } }]);
  }
  return value;
}

const pricingRequest = z.object({
  product_id: z.string(),
  buyer_tier: z.string().default("public"),
  agency_id: optional(z.string()),
  advertiser_id: optional(z.string()),
  volume: z.number().int().default(0),
  agent_url: optional(z.string()),
});

const rateCard: readonly (readonly [string, number])[] = [
  ["display", 12],
  ["video", 25],
  ["ctv", 35],
  ["mobile_app", 18],
  ["native", 10],
  ["audio", 15],
];

/** Agent card, health, products, pricing, rate card, supply chain. None but pricing reads a credential. */
export const catalogueRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/.well-known/agent.json",
    operation: "card",
    handle: ({ seller }) => answer(agentCard(seller)),
  },
  {
    method: "GET",
    path: "/",
    operation: "card",
    handle: ({ seller }) => answer({ name: "Ad Seller System API", version: seller.profile.version, docs: "/docs" }),
  },
  { method: "GET", path: "/health", operation: "card", handle: () => answer({ status: "healthy" }) },
  {
    method: "GET",
    path: "/products",
    operation: "catalogue",
    handle: ({ seller, query }) => {
      const limit = page(query, "limit", 50, 1, 500);
      const offset = page(query, "offset", 0, 0, Number.MAX_SAFE_INTEGER);
      const all = seller.profile.products;
      const products = all.slice(offset, offset + limit).map((product) => listed(seller, product));
      return answer({ products, total_count: all.length, limit, offset });
    },
  },
  {
    method: "GET",
    path: "/products/{id}",
    operation: "catalogue",
    handle: ({ seller, params }) => {
      const product = seller.product(params["id"] ?? "");
      if (!product) throw worded(404, "Product not found");
      return answer(listed(seller, product));
    },
  },
  {
    method: "POST",
    path: "/pricing",
    operation: "catalogue",
    handle: (call) => {
      const caller = call.caller();
      const request = parseBody(pricingRequest, call.body);
      const product = call.seller.product(request.product_id);
      if (!product) throw worded(404, "Product not found");
      const price = decidePrice(listPrice(product), pricingTier(caller, request.agent_url), request.volume);
      return answer({
        product_id: product.id,
        base_price: price.base,
        final_price: price.final,
        currency: "USD",
        tier_discount: price.tierDiscount,
        volume_discount: price.volumeDiscount,
        rationale: price.rationale,
      });
    },
  },
  {
    method: "GET",
    path: "/api/v1/rate-card",
    operation: "catalogue",
    handle: () => {
      const entries = rateCard.map(([inventory_type, base_cpm]) => {
        return { inventory_type, base_cpm, currency: "USD", effective_date: null, notes: null };
      });
      return answer({ entries, updated_at: "default" });
    },
  },
  {
    method: "GET",
    path: "/api/v1/supply-chain",
    operation: "catalogue",
    handle: ({ seller }) => {
      const { id, name, domain } = seller.profile;
      const node = { asi: domain, sid: `org-${id}`, name, domain, seller_type: "PUBLISHER", is_direct: true };
      return answer({
        seller_id: `org-${id}`,
        seller_name: name,
        seller_type: "PUBLISHER",
        domain,
        is_direct: true,
        supported_deal_types: ["programmatic_guaranteed", "preferred_deal", "private_auction"],
        contact_email: null,
        schain: [{ ...node, comment: "Sold directly by the publisher" }],
        version: "1.0",
      });
    },
  },
];
