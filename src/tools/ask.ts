import { acceptedContent, inputRequired, inputResponse, SdkError, SdkErrorCode } from "@modelcontextprotocol/server";
import * as z from "zod";
import { cardText } from "../card/text.ts";
import type { Desk } from "../desk.ts";
import type { Approval } from "../domain/approval.ts";
import { whyMayNotDecide } from "../domain/principal.ts";
import { Question, type State, type ToolCall } from "./call.ts";

/**
 * What came of asking. Only `approve` and `reject` chosen by a person are decisions; declining, cancelling, silence,
 * time-outs and errors are `not_answered`, and the approval stays open. `opened`: the client says that its person agreed
 * to open the approval page, where they decide or not.
 */
export type PersonsAnswer =
  | { readonly kind: "decided"; readonly decision: "approve" | "reject"; readonly note: string | null }
  | { readonly kind: "opened" }
  | { readonly kind: "not_answered"; readonly via: Way["via"]; readonly how: string };

/** A way to put the question to a person through their client: its own form, or the approval page that it opens. */
type Way = { readonly via: "form" } | { readonly via: "page"; readonly url: string };

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
 * The answer is bound to the approval it was asked about, and counts once: the ledger sees to that. Where a form does not
 * count, a client that opens addresses is given the approval page's; what is decided there is proved there.
 */
export async function ask(approval: Approval, desk: Desk, call: ToolCall): Promise<PersonsAnswer | Question> {
  // Who may not decide is not asked by form, and what it sends as such an answer is none.
  const unentitled = whyMayNotDecide(call.principal, approval.proposer);
  const given = answerGiven(approval, call);
  if (given && (given.kind !== "decided" || unentitled === null)) return given;
  const blocked = unentitled ?? (await whyNoForm(approval, desk, call));
  const url = blocked !== null && call.asking.canBeAsked.url ? await desk.pageUrl(approval.approvalId) : null;
  if (blocked !== null && url === null) return { kind: "not_answered", via: "form", how: blocked };
  return put(url === null ? { via: "form" } : { via: "page", url }, approval, desk, call);
}

async function put(way: Way, approval: Approval, desk: Desk, call: ToolCall): Promise<PersonsAnswer | Question> {
  const { client, principal } = call;
  const { approvalId, shortCode } = approval;
  await desk.noteAsked(approvalId, { via: way.via, client, principal: principal.name, unanswered: null });
  const message = cardText(approval, desk.settings);
  if (call.asking.era === "legacy") return putOnConnection(way, message, approvalId, desk, call);
  const request =
    way.via === "page"
      ? inputRequired.elicitUrl({ message, url: way.url })
      : inputRequired.elicit({ message, requestedSchema: form });
  const requestState = await call.asking.mintState({ approvalId, shortCode }, call.mcp);
  return new Question(inputRequired({ inputRequests: { [keys[way.via]]: request }, requestState }));
}

/** What a 2026 client's answers are called by the way they were asked for. Which way counts how far is weighed with the decision. */
const keys = { form: "approval", page: "page" } as const;

/** The answer this very request carries back, if it is one to this approval. */
function answerGiven(approval: Approval, call: ToolCall): PersonsAnswer | null {
  const { inputResponses } = call.mcp.mcpReq;
  const asked = call.mcp.mcpReq.requestState<State>();
  if (asked?.approvalId !== approval.approvalId || asked.shortCode !== approval.shortCode) return null;
  for (const via of ["form", "page"] as const) {
    const view = inputResponse(inputResponses, keys[via]);
    if (view.kind === "missing") continue;
    if (view.kind !== "elicit") return { kind: "not_answered", via, how: "the client answered something else" };
    return readAnswer(via, view.action, acceptedContent(inputResponses, keys[via], form));
  }
  return null;
}

/** Reads an answer; a form that does not fit is none, and an agreement to open a page never more than that. */
function readAnswer(via: Way["via"], action: string, content: z.output<typeof form> | undefined): PersonsAnswer {
  if (action !== "accept")
    return {
      kind: "not_answered",
      via,
      how: `the client ${action === "decline" ? "declined" : "cancelled"} the question`,
    };
  if (via === "page") return { kind: "opened" };
  if (!content) return { kind: "not_answered", via, how: "the answer did not fit the form" };
  return { kind: "decided", decision: content.decision, note: content.note ?? null };
}

async function whyNoForm(approval: Approval, desk: Desk, call: ToolCall): Promise<string | null> {
  if (!call.asking.canBeAsked.form) return "this client shows no forms";
  const shortfall = await desk.shortfall(approval, "form", null);
  return shortfall ? `an answer in the client's form does not count for this: ${shortfall}` : null;
}

/** The form as 2025 clients take it. */
const formSchema = {
  type: "object" as const,
  properties: {
    decision: { type: "string" as const, title: "Decision", enum: ["approve", "reject"] },
    note: { type: "string" as const, title: "Note (optional)", maxLength: 500 },
  },
  required: ["decision"],
};

async function putOnConnection(
  way: Way,
  message: string,
  approvalId: string,
  desk: Desk,
  call: ToolCall,
): Promise<PersonsAnswer> {
  const { via } = way;
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
    // Sent bare: the SDK's own elicitInput refuses a form that does not fit as an error, like a client that broke.
    const params =
      way.via === "page"
        ? { mode: "url" as const, message, url: way.url, elicitationId: approvalId }
        : { mode: "form" as const, message, requestedSchema: formSchema };
    const answer = await mcpReq.send({ method: "elicitation/create", params }, { timeout });
    return readAnswer(via, answer.action, form.safeParse(answer.content).data);
  } catch (error) {
    desk.log("the client could not be asked", { approval: approvalId, error: String(error) });
    const silent = error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout;
    return {
      kind: "not_answered",
      via,
      how: silent ? `no answer came within ${timeout / 1000} seconds` : "the client could not show the question",
    };
  } finally {
    if (heartbeat) clearInterval(heartbeat);
  }
}
