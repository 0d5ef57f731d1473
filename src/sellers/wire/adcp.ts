import * as z from "zod";

/**
 * The fields we read of what AdCP 3.0 and 3.1 sales agents answer, and no others. What money or a commitment depends on
 * is required; all else may be missing, null or of another type, and is then null or empty. Texts are raw here: they are
 * cleaned where they are mapped. Money is a JSON number of major units.
 */

const text = z.string().nullable().catch(null);
const flag = z.boolean().nullable().catch(null);
const count = z.int().nonnegative().nullable().catch(null);
const decimal = z.number().nullable().catch(null);
const list = z.array(z.unknown()).catch([]);
const texts = list.transform((items) => items.filter((item) => typeof item === "string"));
const numbers = list.transform((items) => items.filter((item) => typeof item === "number"));
/** Entries that fit; one that does not loses only itself. */
const listOf = <Shape extends z.ZodType>(shape: Shape) =>
  list.transform((items) =>
    items.flatMap((item) => {
      const read = shape.safeParse(item);
      return read.success ? [read.data] : [];
    }),
  );
const part = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape).nullable().catch(null);

/** `adcp_error`, and each of `errors`. `recovery` is an open word. */
export const errorShape = z.object({
  code: z.string().catch(""),
  message: z.string().catch(""),
  field: text,
  recovery: text,
  retry_after: decimal,
  suggestion: text,
  details: z.record(z.string(), z.unknown()).nullable().catch(null),
  data: z.record(z.string(), z.unknown()).nullable().catch(null),
});

/** What any answer may carry beside its body (adcp.md of the protocol: task envelope). */
export const envelopeShape = z.object({
  status: text,
  task_id: text,
  message: text,
  reason: text,
  replayed: flag,
  adcp_version: text,
  adcp_error: errorShape.nullable().catch(null),
  errors: listOf(errorShape),
});

/** `get_adcp_capabilities`. */
export const capabilitiesAnswer = z.object({
  adcp: z.object({
    major_versions: numbers,
    supported_versions: texts,
    idempotency: part({ supported: flag, replay_ttl_seconds: decimal }),
  }),
  supported_protocols: texts,
  account: part({ require_operator_auth: flag, supported_billing: texts }),
  media_buy: part({
    buying_modes: texts,
    supports_proposals: flag,
    supported_pricing_models: texts,
    portfolio: part({ publisher_domains: texts, primary_channels: texts, primary_countries: texts, description: text }),
  }),
  creative: part({ has_creative_library: flag }),
  identity: part({ brand_json_url: text }),
  webhook_signing: part({ supported: flag, legacy_hmac_fallback: flag }),
  specialisms: texts,
});

/** Where a person does what a seller asks for; `https` is checked where it is shown. */
const setup = part({ url: text, message: text, expires_at: text });

const account = z.object({
  account_id: text,
  status: text,
  brand: part({ domain: text, brand_id: text }),
  operator: text,
  account_scope: text,
  payment_terms: text,
  billing: text,
  setup,
  errors: listOf(errorShape),
  action: text,
});

/** `sync_accounts` and `list_accounts`. */
export const accountsAnswer = z.object({ accounts: listOf(account) });
export type WireAccount = z.output<typeof account>;

const guidance = part({ p25: decimal, p50: decimal, p75: decimal, p90: decimal });

const pricingOption = z.object({
  pricing_option_id: z.string(),
  pricing_model: z.string(),
  currency: z.string(),
  fixed_price: decimal,
  floor_price: decimal,
  price_guidance: guidance,
  min_spend_per_package: decimal,
});
export type WirePricingOption = z.output<typeof pricingOption>;

/** One publisher, or several that share a selection. */
const publisherProperties = z
  .object({
    publisher_domain: text,
    publisher_domains: texts,
    property_ids: texts,
    property_tags: texts,
    selection_type: text,
  })
  .refine((value) => (value.publisher_domain !== null) !== value.publisher_domains.length > 0);

const forecastPoint = z.object({
  label: text,
  budget: decimal,
  metrics: z.record(z.string(), z.unknown()).catch({}),
});

/** A signal of data: an audience, or a context. */
const signal = z.object({
  name: text,
  signal_ref: part({ signal_id: text, data_provider_domain: text }),
  categories: texts,
});

const product = z.object({
  product_id: z.string(),
  name: z.string().catch(""),
  description: z.string().catch(""),
  channels: texts,
  delivery_type: z.enum(["guaranteed", "non_guaranteed"]),
  pricing_options: listOf(pricingOption),
  /** All or none: a publisher that cannot be read must not go unasked. */
  publisher_properties: z.array(publisherProperties).catch([]),
  format_ids: listOf(z.object({ id: z.string(), agent_url: text })),
  format_options: listOf(z.object({ format_option_id: text, format_kind: text })),
  performance_standards: listOf(z.object({ metric: z.string(), threshold: z.number() })),
  countries: texts,
  forecast: part({ points: listOf(forecastPoint), method: text, currency: text, forecast_range_unit: text }),
  signal_targeting_options: listOf(signal),
  included_signals: listOf(signal),
  data_provider_signals: listOf(z.object({ data_provider_domain: z.string(), signal_ids: texts, signal_tags: texts })),
  signal_targeting_allowed: flag,
  collections: listOf(z.object({ publisher_domain: z.string(), collection_ids: texts })),
  collection_targeting_allowed: flag,
  cancellation_policy: part({
    notice_period: part({ interval: decimal, unit: text }),
    cancellation_fee: part({ type: text, rate: decimal, amount: decimal }),
  }),
  expires_at: text,
  material_submission: part({ deadline: text }),
});
export type WireProduct = z.output<typeof product>;

const proposal = z.object({
  proposal_id: z.string(),
  name: z.string().catch(""),
  proposal_status: text,
  expires_at: text,
  allocations: listOf(z.object({ product_id: z.string(), allocation_percentage: z.number(), pricing_option_id: text })),
  total_budget_guidance: part({ min: decimal, recommended: decimal, max: decimal, currency: text }),
  insertion_order: part({ io_id: text, requires_signature: flag, signing_url: text, terms_url: text }),
});
export type WireProposal = z.output<typeof proposal>;

/** `get_products`, one page. Each product is read on its own, so that one bad entry loses only itself. */
export const productsAnswer = z.object({
  status: text,
  message: text,
  products: z.array(z.unknown()).optional(),
  proposals: listOf(proposal),
  refinement_applied: listOf(z.object({ status: text, notes: text })),
  incomplete: listOf(z.object({ scope: text, description: text })),
  partial_results: list,
  pagination: part({ has_more: flag, cursor: text }),
});
export const productShape = product;

const bookedPackage = z.object({
  package_id: z.string(),
  product_id: text,
  pricing_option_id: text,
  budget: decimal,
  bid_price: decimal,
  currency: text,
  paused: flag,
  canceled: flag,
  pacing: text,
  creative_deadline: text,
  context: z.record(z.string(), z.unknown()).nullable().catch(null),
  creative_approvals: listOf(z.object({ creative_id: text, approval_status: text, rejection_reason: text })),
  format_ids_pending: list,
  snapshot: part({
    as_of: text,
    impressions: decimal,
    spend: decimal,
    pacing_index: decimal,
    delivery_status: text,
    staleness_seconds: decimal,
  }),
});
export type WirePackage = z.output<typeof bookedPackage>;

const mediaBuyFields = {
  media_buy_id: z.string(),
  status: text,
  media_buy_status: text,
  /** Undefined where the seller's version has no such field; null of a provisional buy. */
  confirmed_at: z.string().nullable().optional().catch(undefined),
  revision: count,
  currency: text,
  total_budget: z
    .union([decimal, z.object({ amount: decimal, currency: text }).transform(({ amount }) => amount)])
    .catch(null),
  start_time: text,
  end_time: text,
  creative_deadline: text,
  estimated_completion: text,
  rejection_reason: text,
  valid_actions: texts,
  available_actions: listOf(z.object({ action: z.string(), mode: text })),
  packages: listOf(bookedPackage),
  setup,
  account: part({ setup }),
  context: z.record(z.string(), z.unknown()).nullable().catch(null),
} as const;
export const mediaBuy = z.object(mediaBuyFields);
export type WireMediaBuy = z.output<typeof mediaBuy>;

/** `get_media_buys`, one page. */
export const mediaBuysAnswer = z.object({
  media_buys: listOf(mediaBuy),
  pagination: part({ has_more: flag, cursor: text }),
});

/** `create_media_buy` and `update_media_buy` in every shape they have; a `media_buy_id` may be missing while a task runs. */
export const committedAnswer = z.object({
  ...mediaBuyFields,
  media_buy_id: text,
  task_id: text,
  message: text,
  reason: text,
  media_buys: listOf(mediaBuy),
  implementation_date: text,
  affected_packages: listOf(bookedPackage),
});
export type WireCommitted = z.output<typeof committedAnswer>;

/** `get_task_status`, `tasks_get`, `tasks/get`. */
export const taskAnswer = z.object({
  task_id: text,
  status: z.string(),
  message: text,
  progress: part({ message: text, percentage: decimal }),
  estimated_completion: text,
  error: errorShape.nullable().catch(null),
  result: z.record(z.string(), z.unknown()).nullable().catch(null),
});

/** What is counted of a buy or a package; auction figures stand beside it or in the seller's own `ext`. */
const figures = {
  impressions: decimal,
  spend: decimal,
  clicks: decimal,
  completed_views: decimal,
  completion_rate: decimal,
  viewability: part({ viewable_rate: decimal }),
  win_rate: decimal,
  average_clearing_price: decimal,
  clearing_price: decimal,
  ext: z.record(z.string(), z.unknown()).nullable().catch(null),
} as const;
const figuresShape = z.object(figures);
export type WireFigures = z.output<typeof figuresShape>;

const deliveredPackage = z.object({
  ...figures,
  package_id: z.string(),
  product_id: text,
  pricing_model: text,
  rate: decimal,
  currency: text,
  pacing_index: decimal,
  paused: flag,
  daily_breakdown: listOf(z.object({ date: z.string(), impressions: decimal, spend: decimal })),
});
export type WireDeliveredPackage = z.output<typeof deliveredPackage>;

const deliveries = listOf(
  z.object({
    media_buy_id: z.string(),
    status: text,
    is_final: flag,
    totals: figuresShape.nullable().catch(null),
    by_package: listOf(deliveredPackage),
  }),
);

/** `get_media_buy_delivery`. Rows are in `media_buy_deliveries`; the storyboards of AdCP still look for `media_buys`. */
export const deliveryAnswer = z
  .object({
    reporting_period: part({ start: text, end: text }),
    currency: text,
    media_buy_deliveries: deliveries,
    media_buys: deliveries,
  })
  .transform(({ media_buy_deliveries: rows, media_buys: older, ...rest }) => ({ ...rest, rows: [...rows, ...older] }));

const syncedCreative = z.object({
  creative_id: z.string(),
  action: text,
  status: text,
  errors: listOf(errorShape),
  warnings: texts,
  assigned_to: texts,
  assignment_errors: z.record(z.string(), z.unknown()).catch({}),
});
export type WireSyncedCreative = z.output<typeof syncedCreative>;

/** `sync_creatives`: results, or a task where all of it is queued. */
export const creativesAnswer = z.object({ task_id: text, creatives: listOf(syncedCreative) });
