import { setTimeout as delay } from "node:timers/promises";
import { Anthropic, APIConnectionError, APIError } from "@anthropic-ai/sdk";
import { BuyingError } from "../domain/errors.ts";
import type { Log } from "../domain/log.ts";
import type { Secret } from "../domain/secret.ts";
import type { Account, Prices, Tokens } from "./account.ts";

export type Conversation = Anthropic.MessageParam[];
export type ModelTool = Anthropic.Tool;
export type Reply = Pick<Anthropic.Message, "content" | "stop_reason">;

/** A model of the Messages API. */
export interface Model {
  readonly id: string;
  readonly prices: Prices;
}

/** One request: what stays the same over a conversation, and the conversation so far. */
export interface Question {
  readonly model: Model;
  /** The same for every conversation first, so that its cached form is shared. */
  readonly system: readonly string[];
  readonly tools: readonly ModelTool[];
  readonly messages: Conversation;
  /** JSON schema of what is not a call of a tool. */
  readonly answer: Record<string, unknown>;
  /** False on the last turn: the model has to answer with what it has. */
  readonly mayCall: boolean;
}

export interface ModelOptions {
  readonly apiKey: Secret;
  readonly baseUrl: string;
  readonly log: Log;
}

/** What one turn may write. */
const MOST_WRITTEN = 4_096;
/** What the provider itself puts before a request with tools and a format, and more. */
const UNSEEN_TOKENS = 2_000;
const ATTEMPTS = 4;
/** A provider that wants to be left alone for longer is not waited for. */
const LONGEST_WAIT_MS = 60_000;

/** The Messages API, one request at a time; every request is held against the account of its campaign. */
export class Messages {
  readonly #client: Anthropic;

  constructor({ apiKey, baseUrl, log }: ModelOptions) {
    // Only the message: what the package adds to it holds requests and answers.
    const line = (message: string) => log("model SDK", { message });
    this.#client = new Anthropic({
      // Everything that the package would read from the environment is named: the config alone decides.
      apiKey: apiKey.reveal(),
      authToken: null,
      webhookKey: null,
      baseURL: baseUrl,
      openTelemetry: false,
      logLevel: "warn",
      // The package's own goes to stdout, which belongs to the protocol.
      logger: { error: line, warn: line, info: line, debug: line },
      // Repeated here, where each attempt is counted.
      maxRetries: 0,
      // A redirect would take the brief to somebody else.
      fetchOptions: { redirect: "error" },
    });
  }

  /**
   * Asks once, and again where the provider is overloaded or cannot be reached.
   * @param waiting told why and for how long, before it is asked again
   * @returns the reply, and what of the account it took
   * @throws BuyingError `planner_failed`, in our words alone; the signal's reason when it is aborted
   */
  async ask(
    question: Question,
    account: Account,
    signal: AbortSignal,
    waiting: (note: string) => void,
  ): Promise<{ readonly reply: Reply; readonly tokens: Tokens }> {
    const request = requestOf(question);
    const worst = worstOf(request, question.model.prices);
    for (let attempt = 1; ; attempt += 1) {
      const hold = await account.hold(worst, question.model.prices, signal);
      try {
        const message = await this.#client.messages.create(request, { signal });
        const tokens = tokensOf(message.usage) ?? worst;
        hold.spend(tokens);
        // What answers at an address of the operator's own may be no such API.
        const content = Array.isArray(message.content) ? message.content : [];
        return { reply: { content, stop_reason: message.stop_reason }, tokens };
      } catch (error) {
        // A refusal costs nothing. What was lost on the way may have been answered, and charged.
        if (error instanceof APIError && error.status !== undefined) hold.release();
        else hold.spend(worst);
        signal.throwIfAborted();
        const pause = attempt < ATTEMPTS ? pauseAfter(error, attempt) : null;
        if (pause === null) throw inWords(error, question.model.id);
        waiting(`the model cannot be had, asking again in ${Math.ceil(pause / 1000)} s`);
        await delay(pause, undefined, { signal });
      }
    }
  }
}

function requestOf({ model, system, tools, messages, answer, mayCall }: Question) {
  const cached = model.prices.cache ? { cache_control: { type: "ephemeral" as const } } : {};
  return {
    model: model.id,
    max_tokens: MOST_WRITTEN,
    // Tools and system are what every turn repeats; the mark at the top moves along with the conversation.
    ...cached,
    tools: [...tools],
    ...(tools.length > 0 && !mayCall ? { tool_choice: { type: "none" as const } } : {}),
    system: system.map((text) => ({ type: "text" as const, text, ...cached })),
    messages,
    output_config: { format: { type: "json_schema" as const, schema: answer } },
  };
}

/** The worst a request could come to: no token is less than a byte, and a token that goes into the cache costs most. */
function worstOf(request: object, prices: Prices): Tokens {
  const read = Buffer.byteLength(JSON.stringify(request)) + UNSEEN_TOKENS;
  const toCache = prices.cache !== null && prices.cache.write.micros > prices.input.micros;
  return {
    input: toCache ? 0 : read,
    output: MOST_WRITTEN,
    cacheWrite: toCache ? read : 0,
    cacheRead: 0,
  };
}

/** Null for counts that are none: then the worst is what it took. */
function tokensOf(usage: Anthropic.Usage | undefined): Tokens | null {
  const tokens = {
    input: usage?.input_tokens ?? -1,
    output: usage?.output_tokens ?? -1,
    cacheWrite: usage?.cache_creation_input_tokens ?? 0,
    cacheRead: usage?.cache_read_input_tokens ?? 0,
  };
  return Object.values(tokens).every((count) => Number.isSafeInteger(count) && count >= 0) ? tokens : null;
}

/** How long to wait before asking again; null where that is of no use. */
function pauseAfter(error: unknown, attempt: number): number | null {
  const lost = error instanceof APIConnectionError;
  const status = error instanceof APIError ? error.status : undefined;
  const passing = status !== undefined && (status === 408 || status === 429 || status >= 500);
  if (!lost && !passing) return null;
  const said = error instanceof APIError ? retryAfterMs(error.headers) : null;
  if (said !== null && said > LONGEST_WAIT_MS) return null;
  // Several channels are turned away at the same moment; they should not all come back at the same one.
  return said ?? 500 * 2 ** attempt * (0.75 + Math.random() / 2);
}

function retryAfterMs(headers: Headers | undefined): number | null {
  const exact = Number(headers?.get("retry-after-ms") ?? Number.NaN);
  const ms = Number.isFinite(exact) ? exact : Number(headers?.get("retry-after") ?? Number.NaN) * 1000;
  return Number.isFinite(ms) && ms >= 0 ? ms : null;
}

/** What failed, in our words: the provider's may quote the request. */
function inWords(error: unknown, model: string): BuyingError {
  const status = error instanceof APIError ? error.status : undefined;
  const [why, recovery] = reasonOf(status, model);
  return new BuyingError("planner_failed", `${why} Nothing was booked.`, recovery);
}

function reasonOf(status: number | undefined, model: string): readonly [string, "ask_person" | "retry_later"] {
  if (status === undefined) return ["The provider of the planning model could not be reached.", "retry_later"];
  if (status === 401 || status === 403)
    return ["The provider of the planning model refused the key in planner.api_key.", "ask_person"];
  if (status === 402) return ["The provider of the planning model wants to be paid first.", "ask_person"];
  if (status === 404) return [`The provider of the planning model does not know ${model}.`, "ask_person"];
  if (status === 429) return ["The provider of the planning model takes no more requests now.", "retry_later"];
  if (status === 529) return ["The planning model is overloaded.", "retry_later"];
  if (status >= 500) return [`The provider of the planning model failed (${status}).`, "retry_later"];
  return [`The provider of the planning model refused the request (${status}).`, "ask_person"];
}
