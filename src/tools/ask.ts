import { acceptedContent, inputRequired, inputResponse, SdkError, SdkErrorCode } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { Desk } from "../desk.ts";
import type { Approval } from "../domain/approval.ts";
import { whyMayNotDecide } from "../domain/principal.ts";
import { cardText } from "../card/text.ts";
import { Question, type State, type ToolCall } from "./call.ts";

/**
 * What came of asking. Only `approve` and `reject` chosen by a person are decisions; declining, cancelling, silence,
 * time-outs and errors are `not_answered`, and the approval stays open.
 */
export type PersonsAnswer =
  | { readonly kind: "decided"; readonly decision: "approve" | "reject"; readonly note: string | null }
  | { readonly kind: "not_answered"; readonly how: string };

/** One closed choice and an optional note: the form every client that has forms can draw. */
const form = z.object({
  decision: z.enum(["approve", "reject"]).meta({ title: "Decision" }),
  note: z.string().max(500).optional().meta({ title: "Note (optional)" }),
});

const ASK_MS = 50_000;
const ASK_WITH_HEARTBEAT_MS = 600_000;
const HEARTBEAT_MS = 15_000;

/**
 * Asks the person through the client of this request, or says why it cannot. 2026 clients are asked by returning a
 * {@link Question} and being called again with the answer; 2025 clients by a request of our own on the open connection.
 * The answer is bound to the approval it was asked about, and counts once: the ledger sees to that.
 */
export async function ask(approval: Approval, desk: Desk, call: ToolCall): Promise<PersonsAnswer | Question> {
  // Before the answer is looked at: who may not decide is not asked, and what it sends as an answer is none.
  const unentitled = whyMayNotDecide(call.principal, approval.proposer);
  if (unentitled) return { kind: "not_answered", how: unentitled };
  const given = answerGiven(approval, call);
  if (given) return given;
  const blocked = await whyNotHere(approval, desk, call);
  if (blocked) return { kind: "not_answered", how: blocked };
  const { client, principal } = call;
  await desk.noteAsked(approval.approvalId, { via: "form", client, principal: principal.name, unanswered: null });
  if (call.asking.era === "legacy") return askOnConnection(approval, desk, call);
  const { approvalId, shortCode } = approval;
  return new Question(
    inputRequired({
      inputRequests: {
        approval: inputRequired.elicit({ message: cardText(approval, desk.settings), requestedSchema: form }),
      },
      requestState: await call.asking.mintState({ approvalId, shortCode }, call.mcp),
    }),
  );
}

/** The answer this very request carries back, if it is one to this approval. A form that does not fit is no answer. */
function answerGiven(approval: Approval, call: ToolCall): PersonsAnswer | null {
  const { inputResponses } = call.mcp.mcpReq;
  const view = inputResponse(inputResponses, "approval");
  if (view.kind === "missing") return null;
  const asked = call.mcp.mcpReq.requestState<State>();
  if (asked?.approvalId !== approval.approvalId || asked.shortCode !== approval.shortCode) return null;
  if (view.kind !== "elicit") return { kind: "not_answered", how: "the client answered something else" };
  if (view.action !== "accept")
    return {
      kind: "not_answered",
      how: view.action === "decline" ? "the client declined the question" : "the client cancelled the question",
    };
  const accepted = acceptedContent(inputResponses, "approval", form);
  if (!accepted) return { kind: "not_answered", how: "the answer did not fit the form" };
  return { kind: "decided", decision: accepted.decision, note: accepted.note ?? null };
}

async function whyNotHere(approval: Approval, desk: Desk, call: ToolCall): Promise<string | null> {
  if (!call.asking.canBeAsked.form) return "this client shows no forms";
  const shortfall = await desk.shortfall(approval, "form", null);
  return shortfall ? `an answer in the client's form does not count for this: ${shortfall}` : null;
}

async function askOnConnection(approval: Approval, desk: Desk, call: ToolCall): Promise<PersonsAnswer> {
  const { mcpReq } = call.mcp;
  const token = mcpReq._meta?.progressToken;
  // A client without a progress token gives up after a minute; we stop before it and say what else can be done.
  const timeout = token === undefined ? ASK_MS : ASK_WITH_HEARTBEAT_MS;
  let beats = 0;
  const heartbeat =
    token === undefined
      ? null
      : setInterval(() => {
          beats += 1;
          const params = { progressToken: token, progress: beats, message: "waiting for the person" };
          mcpReq
            .notify({ method: "notifications/progress", params })
            .catch((error: unknown) => desk.log("heartbeat failed", { error: String(error) }));
        }, HEARTBEAT_MS);
  try {
    const requestedSchema = {
      type: "object" as const,
      properties: {
        decision: { type: "string" as const, title: "Decision", enum: ["approve", "reject"] },
        note: { type: "string" as const, title: "Note (optional)", maxLength: 500 },
      },
      required: ["decision"],
    };
    // Sent bare: the SDK's own elicitInput refuses a form that does not fit as an error, like a client that broke.
    const question = { mode: "form" as const, message: cardText(approval, desk.settings), requestedSchema };
    const answer = await mcpReq.send({ method: "elicitation/create", params: question }, { timeout });
    if (answer.action !== "accept")
      return {
        kind: "not_answered",
        how: answer.action === "decline" ? "the client declined the question" : "the client cancelled the question",
      };
    const accepted = form.safeParse(answer.content);
    if (!accepted.success) return { kind: "not_answered", how: "the answer did not fit the form" };
    return { kind: "decided", decision: accepted.data.decision, note: accepted.data.note ?? null };
  } catch (error) {
    desk.log("the client could not be asked", { approval: approval.approvalId, error: String(error) });
    const silent = error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout;
    return {
      kind: "not_answered",
      how: silent ? `no answer came within ${timeout / 1000} seconds` : "the client could not show the question",
    };
  } finally {
    if (heartbeat) clearInterval(heartbeat);
  }
}
