import { acceptedContent, inputRequired, inputResponse } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { NeededField } from "../domain/brief-reading.ts";
import { goals } from "../domain/identity.ts";
import { Question, type ToolCall } from "./call.ts";

/** How each missing part of a brief is asked for. */
export const briefQuestions: Readonly<Record<NeededField, string>> = {
  name: "a name for the campaign",
  objective: "the objective: awareness, consideration or performance",
  budget: 'the budget with its currency, e.g. "250000 USD"',
  commission: 'the agency\'s commission in percent of the gross budget, e.g. "15"',
  start: "the first day of the flight, YYYY-MM-DD",
  end: "the last day of the flight, YYYY-MM-DD",
};

const answers = z
  .object({
    name: z.string().max(120),
    objective: z.enum(goals),
    budget: z.string().max(40),
    commission: z.string().max(8),
    start: z.string().max(10),
    end: z.string().max(10),
  })
  .partial();
export type BriefAnswers = z.output<typeof answers>;

const KEY = "brief";
const ASK_MS = 50_000;

/**
 * Asks the person, once, for what a brief lacks, through the client of this request: 2026 clients by a question that comes back
 * with the same call, 2025 clients on the open connection.
 * @returns the question, what was answered (nothing where the person did not), or null where the client has no forms
 */
export async function askBrief(
  missing: readonly NeededField[],
  call: ToolCall,
): Promise<Question | BriefAnswers | null> {
  const { mcpReq } = call.mcp;
  const given = inputResponse(mcpReq.inputResponses, KEY);
  if (given.kind !== "missing") return acceptedContent(mcpReq.inputResponses, KEY, answers) ?? {};
  if (missing.length === 0 || !call.asking.canBeAsked.form) return null;
  const message = `The brief lacks ${missing.map((field) => briefQuestions[field]).join("; ")}. Nothing is planned before that is known.`;
  const requestedSchema = schemaOf(missing);
  if (call.asking.era === "modern")
    return new Question(
      inputRequired({ inputRequests: { [KEY]: inputRequired.elicit({ message, requestedSchema }) } }),
    );
  try {
    const params = { mode: "form" as const, message, requestedSchema };
    const answer = await mcpReq.send({ method: "elicitation/create", params }, { timeout: ASK_MS });
    return answer.action === "accept" ? (answers.safeParse(answer.content).data ?? {}) : {};
  } catch {
    // A client that could not show it has not answered; what is missing is listed instead.
    return {};
  }
}

function schemaOf(missing: readonly NeededField[]) {
  const properties = Object.fromEntries(
    missing.map((field) => [
      field,
      {
        ...{ type: "string" as const, title: briefQuestions[field] },
        ...(field === "objective" ? { enum: [...goals] } : {}),
      },
    ]),
  );
  return { type: "object" as const, properties, required: [...missing] };
}
