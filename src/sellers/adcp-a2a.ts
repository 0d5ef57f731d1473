import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { ADCP_EXTENSION, type AgentCard, fetchCard } from "./adcp-a2a-card.ts";
import { type A2aEnd, type A2aOutcome, readResult } from "./adcp-a2a-task.ts";
import { credentialTier, hasAdcpError, isObject, rpcReply } from "./adcp-answers.ts";
import type { AgentOptions, Carrier, Envelope } from "./adcp-carrier.ts";
import { redone, replyIn, rpcRefusal, unreadable } from "./adcp-refusals.ts";
import { noLongerThan } from "./adcp-waiting.ts";
import { createHttp, defaultTimeouts, type HttpCall, type Phase, type Timeouts } from "./http.ts";
import { type Access, SellerFailure } from "./seller.ts";
import { createSellerClock } from "./seller-clock.ts";

const FIRST_POLL_MS = 250;
const LONGEST_POLL_MS = 5_000;
/** The task by which all others are known; known sellers offer it and leave it out of their cards. */
const CAPABILITIES = "get_adcp_capabilities";

const methods = {
  "0.3": { send: "message/send", get: "tasks/get" },
  "1.0": { send: "SendMessage", get: "GetTask" },
} as const;

/**
 * AdCP over JSON-RPC of A2A 0.3 and 1.0, as the agent's card says. Each task is one message with one data part
 * `{skill, input}`. Where the agent answers before it is done, it is asked what became of it until the deadline of the
 * phase; by the id of the A2A task, which is not AdCP's `task_id`.
 *
 * `tasks` lists the skills of the card. Where that leaves out `get_adcp_capabilities`, it is called, and listed if it
 * answers; any other task is listed once a call has proved it.
 * @param card the agent's card where it has just been fetched
 * @see https://adcontextprotocol.org/docs/building/integration/a2a-guide
 */
export function createA2aCarrier(options: AgentOptions, card: AgentCard | null = null): Carrier {
  const { url, ...rest } = options;
  const { sellerId } = rest;
  const timeouts: Timeouts = { ...defaultTimeouts, ...rest.timeouts };
  const http = createHttp({ ...rest, origin: new URL(url).origin });
  const clock = createSellerClock();
  const tier = credentialTier(http);
  const proved = new Set<string>();
  let fetched: Promise<AgentCard> | null = card ? Promise.resolve(card) : null;
  let listed = false;

  function currentCard(): Promise<AgentCard> {
    if (fetched) return fetched;
    const one = fetchCard(sellerId, http, url, { tier, identity: {} });
    fetched = one;
    one.catch(() => {
      if (fetched === one) fetched = null;
    });
    return one;
  }

  async function ask(
    card: AgentCard,
    task: string,
    request: { readonly method: string; readonly params: object },
    how: Pick<HttpCall, "phase" | "repeatable" | "withinMs">,
    { signal }: Access,
  ): Promise<A2aOutcome> {
    const id = randomUUID();
    const params = card.tenant === null ? request.params : { tenant: card.tenant, ...request.params };
    const body = JSON.stringify({ jsonrpc: "2.0", id, method: request.method, params });
    const isAnswer = (json: unknown) => rpcReply(json, id) !== null;
    const call: HttpCall = { method: "POST", path: card.path, body, headers: headersOf(card), isAnswer, ...how };
    const answer = await http.send(call, { tier, identity: {}, signal });
    clock.note(answer);
    // The endpoint may have moved: the next call looks at the card again.
    if (answer.status === 404) fetched = null;
    const reply = replyIn(sellerId, task, answer, id);
    if ("result" in reply) return readResult(reply.result);
    const refused = rpcRefusal(sellerId, task, reply.error);
    if ("failure" in refused) throw refused.failure;
    return { kind: "envelope", envelope: refused.envelope };
  }

  /** Asks what became of an unfinished task. Its message has gone out: no failure here is definite. */
  async function settled(
    card: AgentCard,
    task: string,
    taskId: string,
    phase: Phase,
    until: number,
    access: Access,
  ): Promise<A2aEnd> {
    const request = { method: methods[card.version].get, params: { id: taskId } };
    // Whoever stops waiting ends the pause; the poll after it then tells so.
    const signal = phase === "booking" ? undefined : access.signal;
    for (let wait = FIRST_POLL_MS; ; wait = Math.min(wait * 2, LONGEST_POLL_MS)) {
      await pause(Math.max(1, Math.min(wait, until - performance.now())), undefined, { signal }).catch(() => undefined);
      const withinMs = until - performance.now();
      if (withinMs <= 0) {
        const message = `${sellerId} was still working on ${task} after ${timeouts[phase] / 1_000} s.`;
        throw new SellerFailure(sellerId, "timeout", message);
      }
      try {
        const outcome = await ask(card, task, request, { phase, withinMs, repeatable: true }, access);
        if (outcome.kind !== "waiting") return outcome;
      } catch (error) {
        if (!(error instanceof SellerFailure)) throw error;
        // The answer may still come of the next poll.
        if (!["unreachable", "server_error", "circuit_open"].includes(error.kind))
          throw redone(error, { definite: false });
      }
    }
  }

  async function run(task: string, args: string, phase: Phase, access: Access): Promise<Envelope> {
    const input: unknown = JSON.parse(args);
    if (!isObject(input)) throw new RangeError(`the arguments of ${task} are no JSON object`);
    const shared = currentCard();
    const card = await (phase === "booking" ? shared : noLongerThan(sellerId, shared, access.signal));
    const until = performance.now() + timeouts[phase];
    const request = { method: methods[card.version].send, params: messageOf(card, task, input) };
    const first = await ask(card, task, request, { phase, repeatable: phase !== "booking" }, access);
    const outcome = first.kind === "waiting" ? await settled(card, task, first.taskId, phase, until, access) : first;
    if (outcome.kind === "unreadable") throw unreadable(sellerId, task, outcome.why, outcome);
    if (!hasAdcpError(outcome.envelope)) proved.add(task);
    return outcome.envelope;
  }

  /** Calls the task by which all others are known, which proves it. @throws SellerFailure where nobody answered */
  async function tryCapabilities(access: Access): Promise<void> {
    try {
      await run(CAPABILITIES, "{}", "discovery", access);
    } catch (error) {
      // What the agent itself refused, in whatever way, is a task that it does not have.
      const refused = error instanceof SellerFailure && error.status === null;
      if (!refused || !["unsupported", "refused", "server_error", "invalid_answer"].includes(error.kind)) throw error;
    }
  }

  return {
    name: "a2a",
    async tasks(access) {
      // Who lists a second time wants to know what changed.
      if (listed) fetched = null;
      listed = true;
      const { skills } = await noLongerThan(sellerId, currentCard(), access.signal);
      if (!skills.has(CAPABILITIES) && !proved.has(CAPABILITIES)) await tryCapabilities(access);
      return new Map([...skills, ...proved].map((task) => [task, null]));
    },
    call: run,
    aheadMs: clock.aheadMs,
    close: async () => undefined,
  };
}

function headersOf({ version, namesExtension }: AgentCard): Record<string, string> {
  if (version === "1.0") return { "a2a-version": "1.0", "a2a-extensions": ADCP_EXTENSION };
  return namesExtension ? { "x-a2a-extensions": ADCP_EXTENSION } : {};
}

function messageOf({ version }: AgentCard, task: string, input: Envelope): object {
  const data = { skill: task, input };
  const messageId = randomUUID();
  if (version === "1.0") return { message: { messageId, role: "ROLE_USER", parts: [{ data }] } };
  const message = { kind: "message", messageId, role: "user", parts: [{ kind: "data", data }] };
  return { message, configuration: { blocking: true } };
}
