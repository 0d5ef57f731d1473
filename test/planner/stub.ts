import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as z from "zod";

/** The key that the stub lets in; odd enough to be found wherever it leaks to. */
export const modelKey = "sk-stub-77c1e0a9-never-to-be-shown";
/** Models that the stub knows. */
export const manager = "stub-manager-1";
export const specialist = "stub-specialist-1";

const block = z.looseObject({ type: z.string() });
const marked = z.looseObject({ cache_control: z.strictObject({ type: z.literal("ephemeral") }).optional() });
const content = z.union([z.string(), z.array(block)]);
/** What the Messages API takes, as far as it is used here; anything else is refused, so that a test sees it. */
const request = z.strictObject({
  model: z.enum([manager, specialist]),
  max_tokens: z.number().int().min(1),
  cache_control: z.strictObject({ type: z.literal("ephemeral") }).optional(),
  system: z.array(marked.extend({ type: z.literal("text"), text: z.string().min(1) })),
  tools: z.array(
    z.strictObject({
      name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
      description: z.string(),
      input_schema: z.looseObject({ type: z.literal("object") }),
    }),
  ),
  tool_choice: z.strictObject({ type: z.literal("none") }).optional(),
  messages: z.array(z.strictObject({ role: z.enum(["user", "assistant"]), content })).min(1),
  output_config: z.strictObject({
    format: z.strictObject({ type: z.literal("json_schema"), schema: z.looseObject({ type: z.literal("object") }) }),
  }),
});

/** A request as the stub took it. */
export type Asked = z.output<typeof request> & {
  /** Of the channel it is about; null for the one that shares out a budget. */
  readonly channel: string | null;
  /** How often this conversation was answered before. */
  readonly turn: number;
  /** What the tools that were called last answered. */
  readonly results: readonly { readonly text: string; readonly isError: boolean }[];
};

/** What the model says: calls, text, or an HTTP answer that is none; `hang` never answers. */
export type Said =
  | { readonly calls: readonly { readonly name: string; readonly input: unknown }[] }
  | { readonly text: string }
  | { readonly answer: unknown }
  | { readonly stop: string; readonly text?: string }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly words?: string }
  | { readonly page: string }
  | "hang";

/** A server that speaks the Messages API (version 2026-10-21) on loopback; what it says is a test's to write. */
export class StubModel {
  readonly origin: string;
  /** Requests that were well-formed, in order. */
  readonly asked: Asked[] = [];
  /** What was wrong with the others. */
  readonly refused: string[] = [];
  /** Tokens it charged for, in all. */
  charged = { input: 0, output: 0 };
  /** Requests that wait for an answer now. */
  open = 0;
  /** Answers take as long. */
  delayMs = 0;
  /** What it says. */
  brain: (asked: Asked) => Said = () => ({ status: 500 });
  readonly #close: () => Promise<void>;
  #minted = 0;

  private constructor(origin: string, close: () => Promise<void>) {
    this.origin = origin;
    this.#close = close;
  }

  static async open(): Promise<StubModel> {
    const server = createServer((incoming, response) => {
      stub.open += 1;
      response.once("close", () => {
        stub.open -= 1;
      });
      stub.#take(incoming, response).catch(() => response.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const stub = new StubModel(`http://127.0.0.1:${port}`, async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    });
    return stub;
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** Forgets what it was asked, and what to say. */
  reset(brain: (asked: Asked) => Said): void {
    this.asked.length = 0;
    this.refused.length = 0;
    this.charged = { input: 0, output: 0 };
    this.delayMs = 0;
    this.brain = brain;
  }

  async #take(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(Buffer.from(part));
    const body = Buffer.concat(parts).toString("utf8");
    const refuse = (status: number, type: string, why: string, headers: Readonly<Record<string, string>> = {}) => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify({ type: "error", error: { type, message: why } }));
    };
    const wrong = (status: number, type: string, why: string) => {
      this.refused.push(why);
      refuse(status, type, why);
    };
    if (incoming.method !== "POST" || incoming.url !== "/v1/messages") return wrong(404, "not_found_error", "no such");
    if (incoming.headers["anthropic-version"] !== "2026-10-21") return wrong(400, "invalid_request_error", "version");
    // A provider may well repeat what it was sent.
    if (incoming.headers.authorization !== `Bearer ${modelKey}`)
      return wrong(401, "authentication_error", `not a key: ${incoming.headers.authorization}`);
    const parsed = request.safeParse(JSON.parse(body));
    if (!parsed.success) return wrong(400, "invalid_request_error", z.prettifyError(parsed.error));
    const problem = problemWith(parsed.data);
    if (problem !== null) return wrong(400, "invalid_request_error", problem);
    const asked = readAs(parsed.data);
    this.asked.push(asked);
    const said = this.brain(asked);
    if (said === "hang") return;
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    if ("page" in said) {
      response.writeHead(200, { "content-type": "text/html" });
      response.end(said.page);
      return;
    }
    if ("status" in said) return refuse(said.status, "api_error", said.words ?? "no", said.headers);
    const { blocks, stop } = this.#spoken(said);
    const [input, output] = [Math.ceil(body.length / 4), Math.ceil(JSON.stringify(blocks).length / 4)];
    this.charged = { input: this.charged.input + input, output: this.charged.output + output };
    const usage = { input_tokens: input, output_tokens: output };
    const message = { id: "msg_1", type: "message", role: "assistant", model: asked.model, content: blocks };
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ ...message, stop_reason: stop, stop_sequence: null, usage }));
  }

  #spoken(said: Exclude<Said, "hang" | { status: number } | { page: string }>): {
    readonly blocks: object[];
    readonly stop: string;
  } {
    if ("calls" in said) {
      const blocks = said.calls.map(({ name, input }) => {
        this.#minted += 1;
        return { type: "tool_use", id: `toolu_${this.#minted}`, name, input };
      });
      return { blocks, stop: "tool_use" };
    }
    const text = "answer" in said ? JSON.stringify(said.answer) : (said.text ?? "");
    return { blocks: text === "" ? [] : [{ type: "text", text }], stop: "stop" in said ? said.stop : "end_turn" };
  }
}

/** What no schema of a request tells: marks, pairs of calls and results, and what formats of answers may say. */
function problemWith({ system, messages, output_config: config, ...more }: z.output<typeof request>): string | null {
  const marks = system.filter((one) => one.cache_control !== undefined).length + (more.cache_control ? 1 : 0);
  if (marks > 4) return "more than four cache marks";
  const words = JSON.stringify(config.format.schema);
  const unknown = /"(minimum|maximum|minLength|maxLength|maxItems|minItems|pattern)":/.exec(words)?.[1];
  if (unknown !== undefined) return `formats know no ${unknown}`;
  if (/"type":"object"(?![^{}]*\})/.test(words) && !words.includes('"additionalProperties":false'))
    return "objects of a format must be closed";
  for (const [index, { role, content: said }] of messages.entries()) {
    const called = blocksOf(messages[index - 1]?.content ?? []).flatMap((one) =>
      one.type === "tool_use" ? [one["id"]] : [],
    );
    const answered = blocksOf(said).flatMap((one) => (one.type === "tool_result" ? [one["tool_use_id"]] : []));
    if (blocksOf(said).length === 0) return "messages hold something";
    if (blocksOf(said).some((one) => one.type === "text" && one["text"] === "")) return "texts hold something";
    if (role === "user" && JSON.stringify(called) !== JSON.stringify(answered)) return "each call needs its result";
  }
  return messages.at(-1)?.role === "user" ? null : "the last message is not the user's";
}

function blocksOf(said: z.output<typeof content>): z.output<typeof block>[] {
  return typeof said === "string" ? [{ type: "text", text: said }] : said;
}

const about = z.looseObject({ channel: z.string().nullish() });

function readAs(data: z.output<typeof request>): Asked {
  const [first] = data.messages;
  const { channel = null } = about.parse(JSON.parse(typeof first?.content === "string" ? first.content : "{}"));
  const results = blocksOf(data.messages.at(-1)?.content ?? []).flatMap((one) =>
    one.type === "tool_result" ? [{ text: String(one["content"]), isError: one["is_error"] === true }] : [],
  );
  const turn = data.messages.filter(({ role }) => role === "assistant").length;
  return { ...data, channel, results, turn };
}

/** Quote ids in what the tools answered. */
export function quotesIn({ messages }: Pick<Asked, "messages">): readonly string[] {
  const texts = messages.flatMap(({ content: said }) => blocksOf(said).map((one) => String(one["content"])));
  return [...new Set(texts.join("\n").match(/\b[a-z]+\/qt-[0-9a-f]+/g) ?? [])];
}

/** Products in what the tools answered last. */
export function productsIn({ results }: Pick<Asked, "results">): readonly string[] {
  return [
    ...new Set(
      results
        .map(({ text }) => text)
        .join("\n")
        .match(/\b[a-z]+\/(?:prod|pkg)[-\w]+/g) ?? [],
    ),
  ];
}

/** A specialist as it should be: kit, quotes, a negotiation, and the quotes it was given. */
export function goodSpecialist(asked: Asked, product = productsIn(asked)[0] ?? "none"): Said {
  switch (asked.turn) {
    case 0:
      return { calls: [{ name: "get_media_kit", input: {} }] };
    case 1:
      return { calls: [{ name: "request_quote", input: { items: [{ product, budget: "20000.00 USD" }] } }] };
    case 2:
      return { calls: [{ name: "negotiate", input: { quotes: quotesIn(asked).map((id) => ({ quote_id: id })) } }] };
    default:
      return recommending(quotesIn(asked));
  }
}

/** The answer that recommends these quotes. */
export function recommending(quotes: readonly string[], notes: readonly string[] = []): Said {
  return { answer: { recommended: quotes.map((id) => ({ quote_id: id, why: "fits the brief" })), notes } };
}

/** The manager's answer. */
export function sharing(percents: Readonly<Record<string, number>>): Said {
  const shares = Object.entries(percents).map(([channel, percent]) => ({ channel, percent }));
  return { answer: { shares } };
}
