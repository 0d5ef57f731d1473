import * as z from "zod";

/** What each task takes: AdCP 3.1.19 and 3.0.26 request schemas, as far as this seller reads them. */

const json = z.record(z.string(), z.unknown());
const domain = z.string().regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/);
const brand = z.looseObject({ domain });
const accountRef = z.union([
  z.strictObject({ account_id: z.string() }),
  z.strictObject({ brand, operator: domain, sandbox: z.boolean().optional() }),
]);
const key = z.string().regex(/^[A-Za-z0-9_.:-]{16,255}$/);
const amount = z.number().min(0);
const time = z.iso.datetime({ offset: true });
const start = z.union([z.literal("asap"), time]);
const pagination = z.strictObject({ max_results: z.int().min(1).max(100).optional(), cursor: z.string().optional() });
const standards = z.array(z.looseObject({ metric: z.string(), threshold: z.number().min(0).max(1) }));
const webhook = z.looseObject({ url: z.url(), operation_id: z.string().optional(), token: z.string().optional() });
const assignment = z.looseObject({ creative_id: z.string() });
const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)]);

const creative = z.looseObject({
  creative_id: z.string(),
  name: z.string(),
  format_id: z.looseObject({ agent_url: z.url(), id: z.string() }).optional(),
  format_kind: z.string().optional(),
  assets: json,
});

const newPackage = z.looseObject({
  product_id: z.string(),
  pricing_option_id: z.string(),
  budget: amount,
  bid_price: amount.optional(),
  impressions: amount.optional(),
  pacing: z.enum(["even", "asap", "front_loaded"]).optional(),
  start_time: time.optional(),
  end_time: time.optional(),
  paused: z.boolean().optional(),
  targeting_overlay: json.optional(),
  measurement_terms: json.optional(),
  performance_standards: standards.optional(),
  creative_assignments: z.array(assignment).optional(),
  creatives: z.array(creative).optional(),
  context: json.optional(),
});

const packageUpdate = z.looseObject({
  package_id: z.string(),
  budget: amount.optional(),
  bid_price: amount.optional(),
  pacing: z.enum(["even", "asap", "front_loaded"]).optional(),
  start_time: time.optional(),
  end_time: time.optional(),
  paused: z.boolean().optional(),
  canceled: z.literal(true).optional(),
  targeting_overlay: json.optional(),
  creative_assignments: z.array(assignment).optional(),
});

const filters = z.looseObject({
  delivery_type: z.enum(["guaranteed", "non_guaranteed"]).optional(),
  is_fixed_price: z.boolean().optional(),
  channels: z.array(z.string()).optional(),
  countries: z.array(z.string()).optional(),
  pricing_currencies: z.array(z.string()).optional(),
  start_date: z.iso.date().optional(),
  end_date: z.iso.date().optional(),
  budget_range: z
    .looseObject({ min: amount.optional(), max: amount.optional(), currency: z.string().length(3) })
    .optional(),
});

const refinement = z.union([
  z.strictObject({ scope: z.literal("request"), ask: z.string().min(1) }),
  z.strictObject({
    scope: z.literal("product"),
    product_id: z.string().min(1),
    action: z.enum(["include", "omit", "more_like_this"]).optional(),
    ask: z.string().min(1).optional(),
  }),
  z.strictObject({
    scope: z.literal("proposal"),
    proposal_id: z.string().min(1),
    action: z.enum(["include", "omit", "finalize"]).optional(),
    ask: z.string().min(1).optional(),
  }),
]);

const pollingShape = {
  task_id: z.string(),
  include_history: z.boolean().optional(),
};

const envelope = {
  adcp_major_version: z.int().min(1).max(99).optional(),
  context: json.optional(),
  ext: json.optional(),
};

function task<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object({ ...shape, ...envelope });
}

const schemas = {
  get_adcp_capabilities: task({ protocols: z.array(z.string()).optional() }),
  list_accounts: task({
    account: accountRef.optional(),
    status: z.string().optional(),
    sandbox: z.boolean().optional(),
    pagination: pagination.optional(),
  }),
  sync_accounts: task({
    idempotency_key: key,
    accounts: z
      .array(
        z.looseObject({
          brand,
          operator: domain,
          billing: z.enum(["operator", "agent", "advertiser"]),
          payment_terms: z.string().optional(),
          sandbox: z.boolean().optional(),
        }),
      )
      .min(1)
      .max(1_000),
    delete_missing: z.boolean().optional(),
    dry_run: z.boolean().optional(),
    push_notification_config: webhook.optional(),
  }),
  get_products: task({
    buying_mode: z.enum(["brief", "wholesale", "refine"]),
    brief: z.string().optional(),
    refine: z.array(refinement).min(1).optional(),
    brand: brand.optional(),
    catalog: json.optional(),
    account: accountRef.optional(),
    preferred_delivery_types: z.array(z.string()).optional(),
    filters: filters.optional(),
    property_list: json.optional(),
    fields: z.array(z.string()).optional(),
    time_budget: z.strictObject({ interval: z.int().min(1), unit: z.string() }).optional(),
    pagination: pagination.optional(),
    required_policies: z.array(z.string()).optional(),
    push_notification_config: webhook.optional(),
    if_wholesale_feed_version: z.string().optional(),
    if_pricing_version: z.string().optional(),
  }),
  list_creative_formats: task({
    format_ids: z.array(z.looseObject({ id: z.string() })).optional(),
    type: z.string().optional(),
    asset_types: z.array(z.string()).optional(),
    name_search: z.string().optional(),
    account: accountRef.optional(),
    pagination: pagination.optional(),
  }),
  create_media_buy: task({
    idempotency_key: key,
    account: accountRef,
    brand,
    start_time: start,
    end_time: time,
    packages: z.array(newPackage).min(1).optional(),
    proposal_id: z.string().optional(),
    total_budget: z.strictObject({ amount, currency: z.string() }).optional(),
    io_acceptance: z.looseObject({ io_id: z.string(), accepted_at: time, signatory: z.string().min(1) }).optional(),
    plan_id: z.string().optional(),
    po_number: z.string().optional(),
    agency_estimate_number: z.string().optional(),
    advertiser_industry: z.string().optional(),
    invoice_recipient: json.optional(),
    push_notification_config: webhook.optional(),
    reporting_webhook: json.optional(),
    artifact_webhook: json.optional(),
    paused: z.boolean().optional(),
  }),
  get_media_buys: task({
    account: accountRef.optional(),
    media_buy_ids: z.array(z.string()).min(1).optional(),
    status_filter: oneOrMore.optional(),
    include_snapshot: z.boolean().optional(),
    include_history: z.int().min(0).optional(),
    include_webhook_activity: z.boolean().optional(),
    webhook_activity_limit: z.int().optional(),
    pagination: pagination.optional(),
  }),
  update_media_buy: task({
    idempotency_key: key,
    account: accountRef,
    media_buy_id: z.string(),
    revision: z.int().min(1).optional(),
    paused: z.boolean().optional(),
    canceled: z.literal(true).optional(),
    cancellation_reason: z.string().max(500).optional(),
    start_time: start.optional(),
    end_time: time.optional(),
    packages: z.array(packageUpdate).min(1).optional(),
    new_packages: z.array(newPackage).min(1).optional(),
    invoice_recipient: json.optional(),
    reporting_webhook: json.optional(),
    push_notification_config: webhook.optional(),
  }),
  sync_creatives: task({
    idempotency_key: key,
    account: accountRef,
    creatives: z.array(creative).min(1).max(100),
    creative_ids: z.array(z.string()).optional(),
    assignments: z
      .array(
        z.strictObject({
          creative_id: z.string(),
          package_id: z.string(),
          weight: z.number().min(0).max(100).optional(),
          placement_ids: z.array(z.string()).optional(),
        }),
      )
      .min(1)
      .optional(),
    delete_missing: z.boolean().optional(),
    dry_run: z.boolean().optional(),
    validation_mode: z.enum(["strict", "lenient"]).optional(),
    push_notification_config: webhook.optional(),
  }),
  get_media_buy_delivery: task({
    account: accountRef.optional(),
    media_buy_ids: z.array(z.string()).min(1).optional(),
    status_filter: oneOrMore.optional(),
    start_date: z.iso.date().optional(),
    end_date: z.iso.date().optional(),
    include_package_daily_breakdown: z.boolean().optional(),
    attribution_window: json.optional(),
    reporting_dimensions: json.optional(),
    time_granularity: z.string().optional(),
    include_window_breakdown: z.boolean().optional(),
  }),
  get_task_status: task({ ...pollingShape, account: accountRef.optional(), include_result: z.boolean().optional() }),
  tasks_get: task(pollingShape),
  "tasks/get": task(pollingShape),
};

/** The name of a task. */
export type TaskName = keyof typeof schemas;

const only31: Readonly<Partial<Record<TaskName, readonly string[]>>> = {
  get_products: ["push_notification_config", "if_wholesale_feed_version", "if_pricing_version"],
  create_media_buy: ["paused"],
  list_accounts: ["account"],
  get_media_buys: ["include_webhook_activity", "webhook_activity_limit"],
  get_media_buy_delivery: ["time_granularity", "include_window_breakdown"],
};

/** A task's arguments: open in 3.1, which also takes `adcp_version`; closed in our strict 3.0. */
export function argumentSchema(name: TaskName, strict30: boolean): z.ZodObject {
  const { shape } = schemas[name];
  if (!strict30) return z.looseObject({ ...shape, adcp_version: z.string().optional() });
  const own = Object.entries(shape).filter(([argument]) => !only31[name]?.includes(argument));
  return z.strictObject(Object.fromEntries(own));
}

/** A task's arguments as its handler reads them, or what is wrong with them. */
export function parseArguments<Name extends TaskName>(name: Name, strict30: boolean, raw: unknown) {
  const checked = argumentSchema(name, strict30).safeParse(raw);
  if (!checked.success) return { args: null, issues: checked.error.issues };
  return { args: checked.data as TaskArguments[Name], issues: [] };
}

const polling30: readonly TaskName[] = ["tasks_get", "tasks/get"];

/** The tasks a seller lists. */
export function taskNames(strict30: boolean, withCapabilities: boolean): TaskName[] {
  const all: TaskName[] = [];
  for (const name in schemas) if (isTask(name)) all.push(name);
  return all.filter((name) => {
    if (name === "get_adcp_capabilities") return withCapabilities;
    if (name === "get_task_status") return !strict30;
    return !polling30.includes(name) || strict30;
  });
}

/** Whether there is a task of that name. */
export function isTask(name: string): name is TaskName {
  return name in schemas;
}

/** A new package as asked for. */
export type PackageRequest = z.output<typeof newPackage>;
/** A change of a package as asked for. */
export type PackageChange = z.output<typeof packageUpdate>;
/** A refinement as asked for. */
export type Refinement = z.output<typeof refinement>;

/** The arguments of each task, as its handler reads them. */
export type TaskArguments = { readonly [Name in TaskName]: z.output<(typeof schemas)[Name]> };
