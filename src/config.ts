import * as z from "zod";
import { trustLevels } from "./domain/identity.ts";
import { type Mandate, priceModels } from "./domain/mandate.ts";
import { isCurrency, type Money, parseMoney } from "./domain/money.ts";
import {
  accountOf,
  adcpSettings,
  type GovernanceConfig,
  governanceOf,
  type SellerAccount,
  type WebhooksConfig,
  webhooksOf,
} from "./config-adcp.ts";
import { httpSettings, isLoopback, loopbackNames, principalProblems } from "./config-http.ts";
import { withEnvironment } from "./config-environment.ts";
import { type PlannerConfig, plannerOf, plannerSettings } from "./config-planner.ts";
import { mandateProblems } from "./config-mandate.ts";
import { seller, sellerId, type SellerConfig, sellersOf } from "./config-sellers.ts";
import { registriesOf, registry, type RegistryConfig } from "./config-registries.ts";
import { channels } from "./domain/inventory.ts";
import { decisionChannels } from "./domain/spend.ts";

const amount = z.string().transform((text, context): Money => {
  try {
    return parseMoney(text);
  } catch {
    context.addIssue({ code: "custom", message: `${JSON.stringify(text)} is not an amount like "31.50 USD"` });
    return z.NEVER;
  }
});
const seconds = (least: number, most: number) => z.number().min(least).max(most);

const channelLimit = z
  .strictObject({
    per_buy: amount.describe("Most that one decision by this channel may commit"),
    per_day: amount.describe("Most that this channel may commit in a day"),
  })
  .transform((limit) => ({ perBuy: limit.per_buy, perDay: limit.per_day }));

const channelLimits = z.strictObject(
  Object.fromEntries(decisionChannels.map((channel) => [channel, channelLimit.optional()])),
);
const priceCaps = z.strictObject(Object.fromEntries(priceModels.map((model) => [model, amount.optional()])));
const percent = z.number().int().min(1).max(100);
const day = z.iso.date();

const mandate = z
  .strictObject({
    version: z.number().int().min(1).default(1).describe("Your own count of the policy; said with every decision"),
    currency: z
      .string()
      .refine(isCurrency, "an ISO 4217 code in capitals")
      .describe("The only currency that may be spent"),
    per_buy: amount.describe("Most that one decision may commit, all its lines together"),
    per_day: amount.describe("Most that may be committed in a day, by all channels together"),
    per_campaign: amount
      .optional()
      .describe("Most that one campaign label may commit; buys without a label count together"),
    total: amount.optional().describe("Most that this desk may ever commit"),
    max_cpm: amount.describe("Highest price per 1,000 impressions"),
    max_prices: z
      .strictObject({
        all: priceCaps.default({}),
        by_channel: z.partialRecord(z.enum(channels), priceCaps).default({}),
      })
      .prefault({})
      .describe("Highest prices by pricing model (cpm, cpc, cpcv, cpp, max_bid, flat_rate), for all channels or one"),
    concentration: z
      .strictObject({ seller_percent: percent.optional(), channel_percent: percent.optional() })
      .default({})
      .describe("Most of `total` that one seller, or one channel, may have, in whole percent"),
    sellers: z
      .strictObject({
        allowed: z.array(sellerId).optional(),
        blocked: z.array(sellerId).default([]),
        blocked_domains: z.array(z.string().min(3)).default([]),
      })
      .prefault({})
      .describe("`allowed` (absent = all), `blocked` and `blocked_domains` (with everything below them)"),
    min_trust: z.enum(trustLevels).exclude(["blocked"]).describe("Least trust a seller needs to be bought from"),
    blackouts: z
      .array(z.strictObject({ from: day, to: day }).refine(({ from, to }) => from <= to, "from must not be after to"))
      .default([])
      .describe("Days, both included, on which nothing may run"),
    flight_within_days: z.number().int().min(1).max(731).optional().describe("How far ahead a flight may start"),
    guaranteed: z.boolean().default(true).describe("Whether guaranteed deals may be bought"),
    time_zone: z
      .string()
      .refine(isTimeZone, "an IANA time zone, e.g. America/New_York")
      .describe("Where the spend day begins"),
    channels: channelLimits
      .default({})
      .describe(
        "How much a decision counts for by each channel: `auto` (the server alone), `form` (the client's form), `card` (a click on the card in the chat), `terminal` and `page` (PIN), `passkey`. Absent = zero",
      ),
    roles: z
      .record(z.string().regex(/^[a-z][a-z0-9_-]{0,30}$/), channelLimits)
      .default({})
      .describe("The same limits by role, in place of `channels` for the people who have one"),
    people: z
      .array(z.strictObject({ name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,40}$/), role: z.string() }))
      .default([])
      .describe("Who may decide with a PIN or passkey, and as what; absent = anybody who has a PIN on this desk"),
    two_persons_above: amount.optional().describe("Above this, two people must approve, each with PIN or passkey"),
    proposer_may_approve: z.boolean().default(true).describe("Whether who asked for a buy may also approve it"),
  })
  .superRefine((value, context) => {
    for (const message of mandateProblems(value)) context.addIssue({ code: "custom", message });
  })
  .transform(
    (value): Mandate => ({
      version: value.version,
      currency: value.currency,
      perBuy: value.per_buy,
      perDay: value.per_day,
      perCampaign: value.per_campaign ?? null,
      total: value.total ?? null,
      maxCpm: value.max_cpm,
      maxPrices: { all: value.max_prices.all, byChannel: value.max_prices.by_channel },
      concentration: {
        seller: value.concentration.seller_percent ?? null,
        channel: value.concentration.channel_percent ?? null,
      },
      allowedSellers: value.sellers.allowed ?? null,
      blockedSellers: value.sellers.blocked,
      blockedDomains: value.sellers.blocked_domains.map((domain) => domain.toLowerCase()),
      minTrust: value.min_trust,
      blackouts: value.blackouts,
      flightWithinDays: value.flight_within_days ?? null,
      guaranteed: value.guaranteed,
      timeZone: value.time_zone,
      channels: value.channels,
      roles: value.roles,
      people: value.people,
      twoPersonsAbove: value.two_persons_above ?? null,
      proposerMayApprove: value.proposer_may_approve,
    }),
  );

const schema = z.strictObject({
  desk: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,40}$/)
    .describe("Name of this desk; its ledger is kept under it"),
  advertiser: z.string().min(1).max(120).describe("Who the media is bought for; echoed in every answer"),
  buyer: z
    .strictObject({
      seat_id: z.string().optional().describe("Shown from the seat tier on"),
      seat_name: z.string().optional().describe("Shown from the seat tier on"),
      agency_id: z.string().optional().describe("Shown from the agency tier on"),
      agency_name: z.string().optional().describe("Shown from the agency tier on"),
      agency_holding_company: z.string().optional().describe("Shown from the agency tier on"),
      advertiser_id: z.string().optional().describe("Shown at the advertiser tier"),
      advertiser_name: z.string().optional().describe("Shown at the advertiser tier"),
      advertiser_industry: z.string().optional().describe("Shown at the advertiser tier"),
    })
    .default({})
    .describe("Identity fields; each is shown only to sellers whose tier reveals it"),
  sellers: z.array(seller).default([]).describe("The sellers of this desk"),
  registries: z
    .array(registry)
    .max(10)
    .default([])
    .describe("Registries where sellers are found; see docs/discovery.md"),
  adcp: adcpSettings,
  mandate: mandate.optional().describe("What may be spent; absent = nothing"),
  reveal_from: z
    .strictObject({
      agency: amount.describe("From this value on, the agency"),
      advertiser: amount.describe("From this value on, the advertiser"),
    })
    .optional()
    .describe("Deal values from which a seller is shown more; default 25,000 and 100,000 in the mandate's currency"),
  approval: z
    .strictObject({
      expires_after_minutes: z
        .number()
        .int()
        .min(1)
        .max(30 * 24 * 60)
        .default(24 * 60)
        .describe("Minutes from asking to the latest decision"),
    })
    .default({ expires_after_minutes: 24 * 60 })
    .describe("How long a person may take, at most; a quote that ends earlier ends it earlier"),
  cache: z
    .strictObject({ ttl_s: seconds(0, 86_400).default(300).describe("Seconds") })
    .default({ ttl_s: 300 })
    .describe("How long agent cards and media kits are kept"),
  timeouts: z
    .strictObject({
      discovery_s: seconds(0.1, 120).default(10).describe("Seconds for an agent card or a look at a quote or deal"),
      media_kit_s: seconds(0.1, 120).default(15).describe("Seconds for a page of a media kit, avails or a quote"),
      booking_s: seconds(0.1, 300).default(30).describe("Seconds for a round of a negotiation, a booking, an order"),
    })
    .prefault({})
    .describe("How long a seller may take: reads and discovery, media kits and quotes, negotiation and booking"),
  booking: z
    .strictObject({
      settle_after_s: seconds(1, 86_400)
        .default(300)
        .describe("Quiet time after which a lost booking may be sent once more, where the protocol allows it"),
      follow_every_s: seconds(1, 3_600)
        .default(30)
        .describe("First pause between looks at a buy that its seller keeps waiting; it grows to twenty times that"),
      hold_before_approval: z
        .boolean()
        .default(false)
        .describe("Reserves inventory before a person is asked, at OpenDirect sellers; a person's no gives it back"),
    })
    .prefault({})
    .describe("What paces the settling of lost bookings and the following of buys, and what is reserved beforehand"),
  page: z
    .strictObject({ port: z.number().int().min(1024).max(65_535).optional() })
    .default({})
    .describe("The approval page at http://localhost; `port` absent = the one it had last, or any"),
  planner: plannerSettings(amount),
  http: httpSettings(amount).describe("How `--http` serves other programs, and who may call; see docs/http.md"),
  data_dir: z
    .string()
    .optional()
    .describe("Where ledger, cache and keys are kept; default: the user's local data directory"),
  allow_loopback: z
    .boolean()
    .default(false)
    .describe("Lets sellers on this machine be reached over plain http, for tests against your own seller"),
});

export type { GivenCredential } from "./config-credentials.ts";
export type { GovernanceConfig } from "./config-adcp.ts";
export type { SellerConfig } from "./config-sellers.ts";

/** A whole config, checked. */
export type Config = Omit<z.output<typeof schema>, "sellers" | "registries" | "planner"> & {
  readonly sellers: readonly SellerConfig[];
  readonly registries: readonly RegistryConfig[];
  /** Under whose name is bought from AdCP sellers that no entry says otherwise of. */
  readonly account: SellerAccount | null;
  readonly planner: PlannerConfig | null;
  readonly governance: GovernanceConfig | null;
  readonly webhooks: WebhooksConfig | null;
  readonly sandbox: boolean;
};

/** The schema of the config file, for `docs/configuration.md`. */
export const configSchema = schema;

/** A config that cannot be used, naming every line that is wrong. Nothing was started. */
export class ConfigError extends Error {
  constructor(where: string, issues: readonly string[]) {
    super(`${where} cannot be used:\n${issues.map((issue) => `  - ${issue}`).join("\n")}\nNothing was started.`);
    this.name = "ConfigError";
  }
}

/**
 * Checks a config file's text. Unknown settings are refused, so that a misspelt limit never silently means none.
 * @param environment where `env:NAME` secrets, and further sellers, are read from
 * @throws ConfigError naming every line that is wrong
 */
export function parseConfig(
  text: string,
  where: string,
  environment: Readonly<Record<string, string | undefined>>,
): Config {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    // The parser's own words quote the text, and the text may hold a key.
    const place = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
    throw new ConfigError(where, [`not JSON${place === undefined ? "" : `, at character ${place}`}`]);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success)
    throw new ConfigError(
      where,
      parsed.error.issues.map((issue) => `${issue.path.join(".") || "top level"}: ${issue.message}`),
    );
  // Desks are kept by their name: a real one of this name would share the sandbox's ledger.
  const issues = parsed.data.desk === sandboxName ? [`desk: ${sandboxName} is the sandbox desk's own name`] : [];
  const source = { environment, issues };
  const sellers = sellersOf(withEnvironment(parsed.data.sellers, source), parsed.data.adcp.account, source);
  const registries = registriesOf(parsed.data.registries, source);
  const ids = sellers.map(({ id }) => id);
  for (const id of ids.filter((one, at) => ids.indexOf(one) !== at)) issues.push(`sellers: ${id} is there twice`);
  for (const one of parsed.data.sellers) {
    if (Object.keys(one.publishers).length > 0 && !parsed.data.allow_loopback)
      issues.push(`sellers.${one.id}.publishers: only with allow_loopback, for tests on this machine`);
  }
  issues.push(...principalProblems(parsed.data.http, parsed.data.mandate?.currency ?? null));
  const { adcp, http, allow_loopback: local } = parsed.data;
  const governance = governanceOf(adcp.governance, source);
  const hosts = [...(isLoopback(http) ? loopbackNames : []), ...http.allowed_hosts];
  const webhooks = webhooksOf(adcp.webhooks, hosts, local, source);
  const planner = plannerOf(parsed.data.planner, source);
  if (issues.length > 0) throw new ConfigError(where, issues);
  const account = accountOf(adcp.account, undefined);
  return { ...parsed.data, sellers, registries, account, governance, webhooks, planner, sandbox: false };
}

const sandboxName = "sandbox";

/** The config of a desk without one: a sandbox with a mandate of its own, in which every channel counts but `auto`. */
export function sandboxConfig(): Config {
  const most = { per_buy: "250000.00 USD", per_day: "1000000.00 USD" };
  const parsed = schema.parse({
    desk: sandboxName,
    advertiser: "Acme Outdoor (sandbox)",
    buyer: {
      seat_id: "seat-sandbox",
      agency_id: "agency-sandbox",
      agency_name: "Sandbox Agency",
      advertiser_id: "adv-sandbox",
      advertiser_name: "Acme Outdoor",
    },
    mandate: {
      currency: "USD",
      ...most,
      max_cpm: "60.00 USD",
      max_prices: { all: { cpc: "2.00 USD", cpcv: "0.10 USD", cpv: "0.10 USD", cpp: "500.00 USD" } },
      min_trust: "registered",
      time_zone: "UTC",
      channels: { form: most, card: most, terminal: most, page: most, passkey: most },
    },
    allow_loopback: true,
  });
  return {
    ...parsed,
    sellers: [],
    registries: [],
    account: null,
    governance: null,
    webhooks: null,
    planner: null,
    sandbox: true,
  };
}

function isTimeZone(name: string): boolean {
  // The usual one, and no reason to load every zone there is at the start.
  if (name === "UTC") return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
