import type { CallToolResult, InputRequiredResult, McpServer, ServerContext } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { Desk } from "../desk.ts";
import { BuyingError } from "../domain/errors.ts";
import type { Principal, Scope } from "../domain/principal.ts";
import { Question, type ToolCall } from "./call.ts";
import { paragraphs } from "./table.ts";

/** Where the approval card's document is found; named by the tools whose answers it shows. */
export const CARD_URI = "ui://media-buyer-mcp/approval-card.html";

/** What a tool does to the world; the four MCP annotations and the scopes it takes follow from it. */
export type Effect = "read" | "record" | "negotiate" | "traffic" | "spend" | "ask" | "decide";

/** Scopes of which a principal needs one, by effect. Who may ask to buy may also ask what became of it. */
export const scopesFor: Readonly<Record<Effect, readonly Scope[]>> = {
  read: ["buy:read"],
  record: ["buy:quote"],
  negotiate: ["buy:quote"],
  traffic: ["buy:write"],
  spend: ["buy:write"],
  ask: ["buy:write", "buy:approve"],
  decide: ["buy:approve"],
};

/** Whether a principal is offered what has this effect; it does not see the rest. */
export function isOffered({ scopes }: Principal, effect: Effect): boolean {
  return scopesFor[effect].some((scope) => scopes.includes(scope));
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly effect: Effect;
  readonly input: z.ZodType;
  readonly output: z.ZodType;
  /** Whether a desk has this tool; the same for every connection to it. */
  offeredWhen(desk: Desk): boolean;
  register(server: McpServer, desk: Desk, call: (mcp: ServerContext) => ToolCall): void;
}

interface Contract<In, Out> {
  readonly name: string;
  readonly title: string;
  readonly effect: Effect;
  readonly description: string;
  readonly input: z.ZodType<In>;
  readonly output: z.ZodType<Out>;
  /** A tool of the approval card: its answers are shown on it, and hosts keep what is for the card alone from the model. */
  readonly shownBy?: "model and card" | "card";
  /** Default: on every desk. */
  readonly offeredWhen?: (desk: Desk) => boolean;
}

/** What a tool gives back: the same answer for programs and, with every id and figure the next call needs, for readers. */
export interface Answer<Out> {
  readonly data: Out;
  readonly text: string;
  /** For the log: each seller that was asked, and what came of it, e.g. `northbeam ok`. */
  readonly sellers?: readonly string[];
  /** For the client's own programs, never for a model. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

type Run<In, Out> = (input: In, desk: Desk, call: ToolCall) => Promise<Answer<Out> | Question>;

/** Fields every answer carries. */
export const everyAnswer = {
  advertiser: z.string(),
  sandbox: z.boolean(),
  /** At most three. */
  next: z.array(z.string()),
};

type EveryAnswer = z.output<z.ZodObject<typeof everyAnswer>>;

/**
 * An answer with what all of them share: whose desk this is, whether it is a sandbox, and at most three next steps.
 * @param parts paragraphs of the text; empty ones fall away
 */
export function answer<Data extends Record<string, unknown>>(
  desk: Desk,
  data: Data,
  next: readonly string[],
  ...parts: readonly (string | null | false)[]
): Answer<Data & EveryAnswer> {
  const { advertiser, sandbox } = desk.settings;
  const steps = next.slice(0, 3);
  const text = paragraphs(
    sandbox && "[sandbox: no real money, no real sellers]",
    ...parts,
    steps.length > 0 && `Next: ${steps.join(" | ")}`,
  );
  return { data: { ...data, advertiser, sandbox, next: steps }, text };
}

/** The answer, with a word for the log on each seller that had to do with it. */
export function heardFrom<Out>(given: Answer<Out>, sellers: readonly string[]): Answer<Out> {
  return { ...given, sellers };
}

/** The seller of a reference, for a line in the log; `?` for a name that is none. */
export function sellerOf(ref: string): string {
  const slash = ref.indexOf("/");
  return slash > 0 ? ref.slice(0, slash) : "?";
}

/** Contract first, behaviour second: two steps, because one object literal cannot infer `Out` for `run`. */
export function defineTool<In, Out extends Record<string, unknown>>(
  contract: Contract<In, Out>,
): { run(run: Run<In, Out>): Tool } {
  return { run: (run) => toolFrom(contract, run) };
}

function toolFrom<In, Out extends Record<string, unknown>>(contract: Contract<In, Out>, run: Run<In, Out>): Tool {
  const { name, title, description, effect, input, output, shownBy, offeredWhen = () => true } = contract;
  // Once for all connections: over HTTP each request of the 2026 era has a server of its own.
  const config = {
    ...{ title, description, inputSchema: unchecked(input), outputSchema: open(output) },
    annotations: annotationsOf(effect),
    ...(shownBy ? { _meta: appOf(shownBy) } : {}),
  };
  return {
    name,
    title,
    description,
    effect,
    input,
    output,
    offeredWhen,
    register(server, desk, callOf) {
      server.registerTool(name, config, async (args: unknown, mcp): Promise<CallToolResult | InputRequiredResult> => {
        const started = performance.now();
        const call = callOf(mcp);
        const done = (outcome: string, sellers?: readonly string[]) =>
          desk.log(name, {
            ms: Math.round(performance.now() - started),
            outcome,
            ...(sellers ? { sellers } : {}),
            client: call.client,
            principal: call.principal.name,
            ...call.asking.canBeAsked,
          });
        try {
          const given = await run(checked(input, args), desk, call);
          if (given instanceof Question) {
            done("asked the person");
            return given.request;
          }
          done("ok", given.sellers);
          return {
            content: [{ type: "text", text: given.text }],
            structuredContent: given.data,
            ...(given.meta ? { _meta: given.meta } : {}),
          };
        } catch (error) {
          const known = desk.explain(error);
          done(known.code);
          return errorResult(known);
        }
      });
    },
  };
}

/** How the apps extension names the document that shows a tool's answers, and who may call it. */
function appOf(shownBy: "model and card" | "card") {
  // Left out, it is for model and app (MCP Apps, `_meta.ui.visibility`).
  return { ui: { resourceUri: CARD_URI, ...(shownBy === "card" ? { visibility: ["app"] } : {}) } };
}

function annotationsOf(effect: Effect) {
  return {
    readOnlyHint: effect === "read",
    destructiveHint: ["traffic", "spend", "ask", "decide"].includes(effect),
    idempotentHint: effect !== "negotiate",
    openWorldHint: true,
  };
}

/**
 * The schema as clients see it, with the check left to {@link checked}: the SDK's own refusal has no code, names no next
 * step and would be the one error of ours in another shape.
 */
function unchecked<In>(schema: z.ZodType<In>) {
  const standard = schema["~standard"];
  const { input, output } = standard.jsonSchema;
  const jsonSchema = { input: once((options: Parameters<typeof input>[0]) => bare(input(options))), output };
  return { "~standard": { ...standard, jsonSchema, validate: (value: unknown) => ({ value }) } };
}

/**
 * An answer's schema as clients see it. zod writes `additionalProperties: {}` where rows may carry more than they promise;
 * left out it means the same, and is read alike by every host. How long our own lists may be is no news to a reader.
 */
function open<Out>(schema: z.ZodType<Out>) {
  const standard = schema["~standard"];
  const output = once(() =>
    bare(
      z.toJSONSchema(schema, {
        override: ({ jsonSchema, path }) => {
          // What of a row is always there is for docs/tools.md to say.
          if (path.length > 0) delete jsonSchema.required;
          const more = jsonSchema.additionalProperties;
          if (typeof more === "object" && Object.keys(more).length === 0) delete jsonSchema.additionalProperties;
          delete jsonSchema.maxItems;
          if (Object.keys(jsonSchema.properties ?? { some: true }).length === 0) delete jsonSchema.properties;
        },
      }),
    ),
  );
  return { "~standard": { ...standard, jsonSchema: { ...standard.jsonSchema, output } } };
}

/**
 * Without what a model plans nothing by: `$schema` (2020-12 is what MCP takes a tool's schema for), how long texts and lists
 * of them may be and that a list is not empty (to which {@link checked} holds them all the same), the largest integer, and that keys are texts.
 */
function bare(schema: Record<string, unknown>): Record<string, unknown> {
  function said(this: unknown, key: string, value: unknown) {
    const isLength =
      ["maxLength", "minLength", "minItems"].includes(key) || (key === "maxItems" && isListOfTexts(this));
    const isUnsaid = isLength || ["$schema", "propertyNames"].includes(key) || value === Number.MAX_SAFE_INTEGER;
    return isUnsaid ? undefined : branched(value);
  }
  return JSON.parse(JSON.stringify(schema, said)) as Record<string, unknown>;
}

/** A list of types as a branch for each: not every host reads the list. */
function branched(schema: unknown): unknown {
  const { type, ...rest } = Object(schema) as { readonly type?: unknown };
  return Array.isArray(type) ? { ...rest, anyOf: type.map((one: unknown) => ({ type: one })) } : schema;
}

function isListOfTexts(schema: unknown): boolean {
  const { items } = Object(schema) as { readonly items?: { readonly type?: unknown } };
  return items?.type === "string";
}

/** Converts on the first use and never again: the SDK asks on every call, and always for the same dialect. */
function once<Options, Converted>(convert: (options: Options) => Converted): (options: Options) => Converted {
  let converted: Converted | undefined;
  return (options) => {
    converted ??= convert(options);
    return converted;
  };
}

function checked<In>(schema: z.ZodType<In>, given: unknown): In {
  const parsed = schema.safeParse(given ?? {});
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.map(String).join(".") || "arguments"}: ${issue.message}`);
  const field = parsed.error.issues[0]?.path.map(String).join(".");
  throw new BuyingError(
    "invalid_arguments",
    `${issues.join("; ")}. Nothing was booked.`,
    "fix_arguments",
    field ? { field } : {},
  );
}

/** An error as a model reads it: code first, our sentence, the seller's words labelled; details for programs in `_meta`. */
export function errorResult(error: BuyingError): CallToolResult {
  const { field, candidates, retryAfterSeconds, sellerSaid, nothingBooked } = error.details;
  const said = sellerSaid ? `\nThe seller said (its words, not ours): "${sellerSaid}"` : "";
  return {
    isError: true,
    content: [{ type: "text", text: `${error.code}: ${error.message}${said}` }],
    _meta: {
      "media-buyer-mcp/error": {
        code: error.code,
        recovery: error.recovery,
        retry_after_s: retryAfterSeconds ?? null,
        field: field ?? null,
        candidates: candidates ?? [],
        nothing_booked: nothingBooked ?? true,
      },
    },
  };
}
