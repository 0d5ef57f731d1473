import { hasAdcpError, isObject } from "./adcp-answers.ts";
import type { Envelope } from "./adcp-carrier.ts";

/** What came back for a message: the task is still worked on, or this is the envelope, or there is none to read. */
export type A2aOutcome = { readonly kind: "waiting"; readonly taskId: string } | A2aEnd;
export type A2aEnd =
  | { readonly kind: "envelope"; readonly envelope: Envelope }
  | { readonly kind: "unreadable"; readonly why: string; readonly words: string };

const unfinished = ["submitted", "working"];
const failed = ["failed", "rejected", "canceled"];

/**
 * Reads the result of `message/send`, `SendMessage`, `tasks/get` or `GetTask`: a task or a message, of 0.3 or 1.0. The
 * envelope is the last data part of the first artifact, and while there is none, that of the status message. The state
 * of the A2A task is the transport's: it is put into an envelope only where that says nothing, or against the state.
 * @see https://adcontextprotocol.org/docs/building/integration/a2a-response-extraction
 */
export function readResult(result: Readonly<Record<string, unknown>>): A2aOutcome {
  const message = isObject(result["message"]) ? result["message"] : result;
  const task = isObject(result["task"]) ? result["task"] : result;
  if (isObject(task["status"])) return readTask(task, task["status"]);
  if (Array.isArray(message["parts"])) return fromParts(message["parts"], null);
  return { kind: "unreadable", why: "with neither a task nor a message of A2A", words: "" };
}

function readTask(task: Readonly<Record<string, unknown>>, status: Readonly<Record<string, unknown>>): A2aOutcome {
  const state = stateOf(status["state"]);
  const artifacts = Array.isArray(task["artifacts"]) ? task["artifacts"].filter(isObject) : [];
  const first = artifacts.map(({ parts }) => parts).find((parts) => dataIn(parts) !== undefined);
  if (first !== undefined) return fromParts(first, state);
  if (unfinished.includes(state)) {
    if (typeof task["id"] === "string") return { kind: "waiting", taskId: task["id"] };
    return { kind: "unreadable", why: "with an unfinished task that has no id", words: "" };
  }
  const parts = isObject(status["message"]) ? status["message"]["parts"] : [];
  const words = wordsIn(parts);
  if (dataIn(parts) !== undefined) return fromParts(parts, state);
  // Only these states mean something by themselves: what is missing is for us to give.
  if (["input-required", "auth-required"].includes(state)) {
    return { kind: "envelope", envelope: { status: state, message: words } };
  }
  return { kind: "unreadable", why: `with a task that is ${stateName(state)} and no data`, words };
}

function fromParts(parts: unknown, state: string | null): A2aOutcome {
  const data = dataIn(parts);
  const words = wordsIn(parts);
  if (!data) return { kind: "unreadable", why: "without data", words };
  if (Object.keys(data).length === 1 && isObject(data["response"])) {
    return { kind: "unreadable", why: "with data in a wrapper, which AdCP forbids", words };
  }
  if (state === null || hasAdcpError(data)) return { kind: "envelope", envelope: data };
  const said = data["status"];
  const contradicts = failed.includes(state) && !failed.includes(String(said));
  const silent = said === undefined && state !== "completed";
  return { kind: "envelope", envelope: contradicts || silent ? { ...data, status: state } : data };
}

/** The last data part that is an object. */
function dataIn(parts: unknown): Envelope | undefined {
  if (!Array.isArray(parts)) return undefined;
  const found: unknown = parts.findLast((part) => isObject(part) && isObject(part["data"]));
  return isObject(found) && isObject(found["data"]) ? found["data"] : undefined;
}

function wordsIn(parts: unknown): string {
  const texts = Array.isArray(parts) ? parts.filter(isObject).map(({ text }) => text) : [];
  return texts.filter((text) => typeof text === "string").join(" ");
}

/** `TASK_STATE_INPUT_REQUIRED` of 1.0 is `input-required` of 0.3. */
function stateOf(state: unknown): string {
  return String(state)
    .replace(/^TASK_STATE_/, "")
    .toLowerCase()
    .replaceAll("_", "-");
}

/** A state in our sentence, where it is one that A2A has. */
function stateName(state: string): string {
  return [...unfinished, ...failed, "completed", "unknown"].includes(state) ? state : "in no state that A2A has";
}
