import * as z from "zod";
import { type SecretSource, secretText } from "./config-credentials.ts";
import { loopbackNames } from "./config-http.ts";
import type { Money } from "./domain/money.ts";
import { Secret } from "./domain/secret.ts";

/** The `planner` settings of a config, given how it reads amounts. */
export function plannerSettings(amount: z.ZodType<Money, string>) {
  const prices = z
    .strictObject({
      input: amount.describe("Per million tokens read"),
      output: amount.describe("Per million tokens written"),
      cache_write: amount.optional().describe("Per million tokens put into the provider's prompt cache"),
      cache_read: amount.optional().describe("Per million tokens read from it"),
    })
    .refine((one) => (one.cache_write === undefined) === (one.cache_read === undefined), {
      message: "cache_write and cache_read go together",
    });
  return z
    .strictObject({
      api_key: z.string().min(1).describe('The key of the Messages API; "env:NAME" reads an environment variable'),
      model: z.string().min(1).max(100).describe("Id of the model that shares out a budget"),
      specialist_model: z
        .string()
        .min(1)
        .max(100)
        .optional()
        .describe("Id of the model that researches channels; absent = the same"),
      prices: z
        .record(z.string(), prices)
        .describe(
          "What each of these models costs, by its id; without cache prices the provider's prompt cache is not used",
        ),
      max_cost: amount
        .prefault("5.00 USD")
        .describe("Most that planning one campaign may cost, in the currency of `prices`"),
      max_tokens_per_campaign: z
        .number()
        .int()
        .min(1_000)
        .max(1_000_000_000)
        .default(2_000_000)
        .describe("Most tokens, read and written, for one campaign, all its channels together"),
      max_turns: z
        .number()
        .int()
        .min(1)
        .max(10_000)
        .default(100)
        .describe("Most requests to the models for one campaign, all its channels together"),
      timeout_s: z.number().min(1).max(3_600).default(240).describe("Seconds that one channel's research may take"),
      base_url: z
        .url({ protocol: /^https?$/ })
        .default("https://api.anthropic.com")
        .describe("Where the Messages API is; plain http on this machine only"),
    })
    .optional()
    .describe(
      "A model that researches campaigns, and can neither buy nor approve; absent = they are planned without one",
    );
}

/** What a model costs, per million tokens. */
export interface TokenPrices {
  readonly input: Money;
  readonly output: Money;
  /** Null = the provider's prompt cache is not used. */
  readonly cache: { readonly write: Money; readonly read: Money } | null;
}

export interface ModelConfig {
  readonly id: string;
  readonly prices: TokenPrices;
}

/** The model that plans, and what it may take for one campaign. */
export interface PlannerConfig {
  readonly apiKey: Secret;
  readonly manager: ModelConfig;
  readonly specialist: ModelConfig;
  readonly maxCost: Money;
  readonly maxTokens: number;
  readonly maxTurns: number;
  readonly timeoutMs: number;
  readonly baseUrl: string;
}

/** The planner as it is written, checked, its key read; null where there is none. */
export function plannerOf(
  written: z.output<ReturnType<typeof plannerSettings>>,
  source: SecretSource,
): PlannerConfig | null {
  if (!written) return null;
  const problem = (field: string, text: string) => source.issues.push(`planner.${field}: ${text}`);
  const { protocol, hostname, username, search, hash } = new URL(written.base_url);
  if (protocol === "http:" && !loopbackNames.some((name) => name === hostname))
    problem("base_url", "https, unless it is on this machine: the key and the brief travel there");
  if (username !== "" || search !== "" || hash !== "")
    problem("base_url", "an address without user, query and fragment");
  const model = (id: string): ModelConfig | null => {
    const given = written.prices[id];
    if (!given) {
      problem("prices", `${id} is not there, so that its cost could not be kept within max_cost`);
      return null;
    }
    const { input, output, cache_write: write, cache_read: read } = given;
    const foreign = [input, output, write, read].some((one) => one && one.currency !== written.max_cost.currency);
    if (foreign) problem(`prices.${id}`, `must be in ${written.max_cost.currency}, as max_cost is`);
    return { id, prices: { input, output, cache: write && read ? { write, read } : null } };
  };
  const manager = model(written.model);
  const specialist =
    written.specialist_model === undefined || written.specialist_model === written.model
      ? manager
      : model(written.specialist_model);
  const apiKey = new Secret(secretText("planner.api_key", written.api_key, source));
  if (!manager || !specialist) return null;
  return {
    apiKey,
    manager,
    specialist,
    maxCost: written.max_cost,
    maxTokens: written.max_tokens_per_campaign,
    maxTurns: written.max_turns,
    timeoutMs: written.timeout_s * 1000,
    baseUrl: written.base_url,
  };
}
