import * as z from "zod";
import { BuyingError } from "../domain/errors.ts";
import type { Account, Tokens } from "./account.ts";
import type { Conversation, Messages, Model, ModelTool } from "./model.ts";
import type { ToolAnswer } from "./toolbox.ts";

/** What one conversation is about, and with what it may work. */
export interface Talk<Answer> {
  readonly model: Model;
  readonly account: Account;
  readonly system: readonly string[];
  /** What is asked, as the model reads it. */
  readonly about: string;
  readonly answer: z.ZodType<Answer>;
  readonly tools: readonly ModelTool[];
  run(name: string, input: unknown, signal: AbortSignal): Promise<ToolAnswer>;
  /** Most requests of this one conversation; the last must bring the answer. */
  readonly turns: number;
  readonly signal: AbortSignal;
  progress(note: string): void;
}

interface Call {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** Calls of one turn that are run, all at once; each may ask many sellers. */
const MOST_CALLS = 8;
const tooMany: ToolAnswer = {
  text: `invalid_arguments: at most ${MOST_CALLS} calls at once; this one was not made.`,
  isError: true,
};

export interface Talked<Answer> {
  readonly answer: Answer;
  readonly used: { readonly inputTokens: number; readonly outputTokens: number; readonly turns: number };
}

/**
 * Asks, runs the tools that the model calls, and asks again, until it answers. The answer is data of the given shape: one
 * that has another is sent back once.
 * @throws BuyingError `planner_failed` when it declines, never answers, or a limit is reached
 */
export async function converse<Answer>(messages: Messages, talk: Talk<Answer>): Promise<Talked<Answer>> {
  const { model, account, system, tools, signal, turns, progress } = talk;
  const said: Conversation = [{ role: "user", content: talk.about }];
  const question = { model, system, tools, messages: said, answer: schemaOf(talk.answer) };
  const used = { inputTokens: 0, outputTokens: 0, turns: 0 };
  let mended = false;
  while (used.turns < turns) {
    const mayCall = used.turns < turns - 1;
    const { reply, tokens } = await messages.ask({ ...question, mayCall }, account, signal, progress);
    used.turns += 1;
    used.inputTokens += inputOf(tokens);
    used.outputTokens += tokens.output;
    const { content, stop_reason: stop } = reply;
    if (stop === "refusal") throw failed("The planning model declined to work on this.", "ask_person");
    const calls = content.flatMap((block) => (block.type === "tool_use" ? [block] : []));
    if (stop === "tool_use" && mayCall && calls.length > 0) {
      said.push({ role: "assistant", content });
      const results = await Promise.all(calls.map((call, index) => resultOf(talk, call, index < MOST_CALLS)));
      said.push({ role: "user", content: results });
      continue;
    }
    if (stop !== "end_turn") throw failed("The planning model's answer was cut off.", "retry_later");
    const text = content.map((block) => (block.type === "text" ? block.text : "")).join("");
    const read = readAnswer(talk.answer, text);
    if (read.ok) return { answer: read.answer, used };
    if (mended) break;
    mended = true;
    // An empty answer is none that the conversation could hold.
    if (text !== "") said.push({ role: "assistant", content });
    said.push({ role: "user", content: `That is not the answer's form: ${read.why}. Give it again, as JSON alone.` });
  }
  throw failed("The planning model gave no answer of the form it was asked for.", "retry_later");
}

async function resultOf<Answer>(talk: Talk<Answer>, call: Call, isRun: boolean) {
  const { text, isError } = isRun ? await talk.run(call.name, call.input, talk.signal) : tooMany;
  return { type: "tool_result" as const, tool_use_id: call.id, content: text, is_error: isError };
}

type Read<Answer> = { readonly ok: true; readonly answer: Answer } | { readonly ok: false; readonly why: string };

function readAnswer<Answer>(schema: z.ZodType<Answer>, text: string): Read<Answer> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, why: "it is no JSON" };
  }
  const { success, data, error } = schema.safeParse(json);
  if (success) return { ok: true, answer: data };
  const [issue] = error.issues;
  return { ok: false, why: `${issue?.path.map(String).join(".") || "it"}: ${issue?.message ?? "another shape"}` };
}

/** The shape alone, and nothing beside it: formats of answers know no lengths and ranges. */
function schemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...shape } = z.toJSONSchema(schema, { io: "input" });
  return shape;
}

function inputOf({ input, cacheRead, cacheWrite }: Tokens): number {
  return input + cacheRead + cacheWrite;
}

function failed(why: string, recovery: "ask_person" | "retry_later"): BuyingError {
  return new BuyingError("planner_failed", `${why} Nothing was booked.`, recovery);
}
