import * as z from "zod";
import { microsMoney } from "./money.ts";

/**
 * The fields we read of what an IAB seller agent 2.4.2 answers, and no others. What money or a commitment depends on
 * is required; all else may be missing, null or of another type, and is then null or empty. Texts are raw here:
 * they are cleaned where they are mapped.
 */

const text = z.string().nullable().catch(null);
const flag = z.boolean().nullable().catch(null);
const count = z.int().nonnegative().nullable().catch(null);
const decimal = z.number().nullable().catch(null);
const list = z.array(z.unknown()).catch([]);
const texts = list.transform((items) => items.filter((item) => typeof item === "string"));
const numbers = list.transform((items) => items.filter((item) => typeof item === "number"));
const object = z.record(z.string(), z.unknown()).catch({});
const optionalMoney = microsMoney.nullable().catch(null);

/** `/.well-known/agent.json`. */
export const cardAnswer = z.object({
  name: text,
  version: text,
  url: text,
  inventory_types: texts,
  supported_deal_types: texts,
  skills: list.transform((skills) => skills.map((skill) => skillShape.safeParse(skill).data?.id ?? "")),
});
const skillShape = z.object({ id: z.string() });

/** `/products`, one page. Each product is read on its own, so that one bad entry loses only itself. */
export const productsAnswer = z.object({ products: z.array(z.unknown()), total_count: count });

const productExtension = z.object({
  inventory_type: text,
  floor_cpm: decimal,
  minimum_impressions: count,
  deal_types: texts,
});

export const productAnswer = z.object({
  product_id: z.string(),
  name: z.string(),
  description: text,
  /** Null is "on request"; a price that cannot be read is no price on request. */
  base_price: microsMoney.nullish(),
  pricing_model: text,
  ad_formats: texts,
  content_targeting: object,
  ad_product_targeting: z.object({ geo: texts }).catch({ geo: [] }),
  available_impressions: count,
  ext: productExtension.catch({ inventory_type: null, floor_cpm: null, minimum_impressions: null, deal_types: [] }),
});

/** `/media-kit`, `/media-kit/packages`, `/packages`, `/media-kit/search`: the same packages under other names. */
export const packagesAnswer = z.union([
  z.object({ packages: z.array(z.unknown()) }).transform((answer) => answer.packages),
  z.object({ results: z.array(z.unknown()) }).transform((answer) => answer.results),
  z.object({ all_packages: z.array(z.unknown()) }).transform((answer) => answer.all_packages),
]);

const placement = z.object({ product_id: z.string(), device_types: numbers });

export const packageAnswer = z.object({
  package_id: z.string(),
  name: z.string(),
  description: text,
  ad_formats: texts,
  device_types: numbers,
  geo_targets: texts,
  tags: texts,
  price_range: text,
  is_featured: flag,
  exact_price: decimal,
  floor_price: decimal,
  currency: text,
  negotiation_enabled: flag,
  volume_discounts_available: flag,
  placements: list.transform((items) => items.flatMap((item) => placement.safeParse(item).data ?? [])),
});

/** `/products/avails`, legacy dialect: impressions are units, `estimatedCpm` and `totalCost` are dollars. */
export const legacyAvails = z.object({
  productid: z.string(),
  availableImpressions: count,
  guaranteedImpressions: count,
  estimatedCpm: decimal,
  totalCost: decimal,
});

/** `/products/avails`, OpenDirect 2.1 dialect. */
export const openDirectAvails = z.object({
  avails: z.array(z.object({ productid: z.string(), availability: count, price: decimal, currency: text })),
});

const quotedProduct = z.object({ product_id: z.string(), name: text, inventory_type: text });
const pricing = z.object({
  base_cpm: optionalMoney,
  tier_discount_pct: decimal,
  volume_discount_pct: decimal,
  final_cpm: microsMoney,
  pricing_model: text,
  rationale: text,
});
const terms = z.object({
  impressions: count,
  flight_start: z.iso.date(),
  flight_end: z.iso.date(),
  guaranteed: flag,
});

/** `/api/v1/quotes`, POST and GET. */
export const quoteAnswer = z.object({
  quote: z.object({
    quote_id: z.string(),
    status: z.string(),
    deal_type: z.string(),
    product: quotedProduct,
    pricing,
    terms,
    availability: z.object({ inventory_available: flag }).catch({ inventory_available: null }),
    buyer_tier: text,
    expires_at: z.string(),
    deal_id: text,
  }),
});

/** Only what says where a quote went, for a look after a lost answer. */
export const quoteState = z.object({ quote: z.object({ status: z.string(), deal_id: text }) });

const openrtb = z.object({ id: text, bidfloor: optionalMoney, at: count, wseat: texts });

/** `/api/v1/deals`, POST and GET. */
export const dealAnswer = z.object({
  deal: z.object({
    deal_id: z.string(),
    deal_type: z.string(),
    status: z.string(),
    quote_id: text,
    product: quotedProduct,
    pricing,
    terms,
    expires_at: text,
    activation_instructions: object,
    openrtb_params: openrtb.catch({ id: null, bidfloor: null, at: null, wseat: [] }),
  }),
});

/** Only a deal's status, for a look after a cancellation. */
export const dealState = z.object({ deal: z.object({ status: z.string() }) });

const counterTerms = z.object({ proposed_price: decimal, max_impressions: count, reason: text, action: text });

/** `/proposals`, POST: dollars as numbers, in the currency of the quote; a `status` of `failed` never gets here. */
export const proposalAnswer = z.object({
  proposal_id: z.string(),
  status: z.string(),
  counter_terms: counterTerms.nullable().catch(null),
  approval_id: text,
});

/** `/approvals/{id}`, GET: without a response while nobody has decided. Its moments may come without a zone. */
export const approvalAnswer = z.object({
  request: z.object({ proposal_id: text, status: text, expires_at: text }),
  response: z.object({ decision: z.string(), reason: text, modifications: object }).nullish(),
});

const negotiationStatus = z.enum(["active", "accepted", "rejected"]);
const roundAction = z.enum(["counter", "final_offer", "accept", "reject"]);

/** `/api/v1/negotiations/messages`. */
export const messageAnswer = z.object({
  status: negotiationStatus,
  round: z.object({ seller_price: microsMoney, action: roundAction, rationale: text }),
  rounds_remaining: count,
});

/** `/proposals/{id}/counter`, the earlier contract: dollars as numbers, in the currency of the quote. */
export const counterAnswer = z.object({
  status: negotiationStatus,
  action: roundAction,
  seller_price: z.number(),
  rationale: text,
  rounds_remaining: count,
});

/** `/proposals/{id}/negotiation`: dollars as numbers, in the currency of the quote. */
export const negotiationAnswer = z.object({
  status: negotiationStatus,
  rounds: z.array(z.object({ seller_price: z.number(), action: z.string() })),
});

/** `/deals`, POST, by a seller that makes deals of proposals: only which one; the deal itself is read. */
export const proposalDealAnswer = z.object({ deal_id: z.string() });

/** `/api/v1/orders`, POST. */
export const orderAnswer = z.object({ order_id: z.string(), status: text });

/** `/api/v1/deals/bulk`. */
export const bulkAnswer = z.object({ results: z.array(z.object({ success: flag, error: text })) });

/** `/api/v1/deals/{id}/performance`. Percentages are percent. */
export const performanceAnswer = z.object({
  impressions_available: count,
  impressions_served: count,
  fill_rate: decimal,
  delivery_pacing: text,
  last_updated: text,
});

/** `/api/v1/supply-chain`. */
export const supplyChainAnswer = z.object({ seller_type: text, is_direct: flag, schain: list });
