import { randomUUID } from "node:crypto";
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import * as z from "zod";
import type { ChannelTask } from "../buying/specialist.ts";
import type { Ref } from "../domain/ids.ts";
import { version } from "../version.ts";
import type { ModelTool } from "./model.ts";
import { researchTools } from "./research-tools.ts";

/** Serves this desk, as the principal `planner`, at one end of a pair of pipes. */
export type Serve = (transport: InMemoryTransport) => Promise<void>;

/** An answer of a tool as the model gets it. */
export interface ToolAnswer {
  readonly text: string;
  readonly isError: boolean;
}

/** The tools of one channel's research: an ordinary client of this server that holds few rights, and fewer tools. */
export interface Toolbox {
  readonly tools: readonly ModelTool[];
  /** Quotes that this research was given, as the server names them. */
  readonly seen: ReadonlySet<Ref>;
  /** Calls a tool. Whatever is wrong with the call is an answer: the model's mistakes are its own to mend. */
  run(name: string, input: unknown, signal: AbortSignal): Promise<ToolAnswer>;
  close(): Promise<void>;
}

/** Longer answers are cut; what was cut can be asked for in smaller pieces. */
const LONGEST_ANSWER = 24_000;
/** The client's own timer, put out of the way: the signal ends a call. */
const NEVER_MS = 2 ** 31 - 1;

/** Connects to the desk for one channel. @param serve as whom is the server's to know */
export async function openToolbox(serve: Serve, task: ChannelTask): Promise<Toolbox> {
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "media-buyer-mcp planner", version });
  await serve(theirs);
  await client.connect(ours);
  const { tools: offered } = await client.listTools();
  const held = researchTools.flatMap((research) => {
    const tool = offered.find(({ name }) => name === research.name);
    return tool ? [{ research, tool }] : [];
  });
  const seen = new Set<Ref>();
  return {
    seen,
    tools: held.map(({ research, tool }) => ({
      name: tool.name,
      description: tool.description ?? "",
      input_schema: {
        ...object.parse(research.withheld.map(stepsOf).reduce(without, tool.inputSchema)),
        type: "object",
      },
    })),
    run: async (name, input, signal) => {
      const found = held.find(({ research }) => research.name === name);
      if (!found) return mistaken(`there is no tool ${JSON.stringify(name.slice(0, 60))}; nothing was done`);
      const given = object.safeParse(input);
      if (!given.success) return mistaken("the arguments are no object; nothing was done");
      const unheld = found.research.withheld.find((path) => holds(given.data, stepsOf(path)));
      if (unheld !== undefined) return mistaken(`there is no argument ${unheld}; nothing was done`);
      const filled = found.research.fill(given.data, task);
      if (typeof filled === "string") return mistaken(`${filled}; nothing was done`);
      const result = await client.callTool({ name, arguments: filled }, { signal, timeout: NEVER_MS });
      for (const ref of quotesIn(result.structuredContent)) seen.add(ref);
      const text = result.content.map((part) => (part.type === "text" ? part.text : "")).join("\n");
      return { text: fenced(text), isError: result.isError === true };
    },
    close: () => client.close(),
  };
}

function mistaken(why: string): ToolAnswer {
  return { text: `invalid_arguments: ${why}.`, isError: true };
}

/**
 * An answer between two marks that nobody who wrote into it could know. Sellers' words are in it: what looks like an
 * instruction there is none, and the prompt says so.
 */
function fenced(text: string): string {
  const mark = randomUUID();
  const cut = text.length > LONGEST_ANSWER;
  const kept = cut ? `${text.slice(0, LONGEST_ANSWER)}\n(cut: ask for less at once)` : text;
  return `[data ${mark}]\n${kept}\n[end of data ${mark}]`;
}

const quoted = z.object({
  quotes: z.array(z.object({ quote_id: z.string() })).default([]),
  negotiations: z.array(z.object({ quote_id: z.string(), error_code: z.string().nullish() })).default([]),
});

/** Quotes that an answer vouches for. */
function quotesIn(structured: unknown): readonly Ref[] {
  const { success, data } = quoted.safeParse(structured);
  if (!success) return [];
  const known = data.negotiations.filter(({ error_code: code }) => !code);
  return [...data.quotes, ...known].map(({ quote_id: ref }) => ref);
}

/** A path like `items[].flight`, in steps. */
function stepsOf(path: string): readonly string[] {
  return path.replaceAll("[]", ".[]").split(".");
}

const object = z.record(z.string(), z.unknown());

/** A JSON schema without a property, which need not be there. */
function without(schema: unknown, [step = "", ...rest]: readonly string[]): unknown {
  const read = object.safeParse(schema);
  if (!read.success) return schema;
  if (step === "[]") return { ...read.data, items: without(read.data["items"], rest) };
  const properties = object.safeParse(read.data["properties"]);
  if (!properties.success) return schema;
  const { [step]: own, ...others } = properties.data;
  if (own === undefined) return schema;
  if (rest.length > 0) return { ...read.data, properties: { ...properties.data, [step]: without(own, rest) } };
  const required = z.array(z.string()).catch([]).parse(read.data["required"]);
  return { ...read.data, properties: others, required: required.filter((name) => name !== step) };
}

/** Whether arguments hold anything at a path. */
function holds(value: unknown, [step, ...rest]: readonly string[]): boolean {
  if (step === undefined) return value !== undefined;
  if (step === "[]") return Array.isArray(value) && value.some((one) => holds(one, rest));
  const read = object.safeParse(value);
  return read.success && holds(read.data[step], rest);
}
