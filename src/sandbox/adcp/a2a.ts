import { randomUUID } from "node:crypto";
import type { Incoming, Routed } from "../http-seller.ts";
import { callerOf } from "../identity.ts";
import { answer } from "../wire.ts";
import { taskNames } from "./arguments.ts";
import { operationOf } from "./operations.ts";
import { rpcError, type RpcMessage, rpcMessage, rpcResult } from "./rpc.ts";
import { type AdcpRuntime, isoTime } from "./runtime.ts";
import type { Json } from "./state.ts";
import { offers, runTask } from "./task-runner.ts";

/**
 * AdCP over A2A, 0.3 and 1.0: one data part `{skill, input}` in, one A2A task with the envelope as its last data part
 * out (AdCP A2A profile). The A2A task is over with its answer; what AdCP calls `submitted` is told in the envelope.
 */

const extension = "https://adcontextprotocol.org/extensions/adcp/v3";

/** `/.well-known/agent-card.json`, readable by buyers of both versions. */
export function agentCard(seller: AdcpRuntime): Json {
  const { name, about } = seller.profile;
  const url = seller.agents.a2a ?? "";
  const has03 = !seller.is("a2a-1.0");
  const has10 = !seller.is("a2a-0.3");
  const skills = taskNames(seller.is("strict30"), !seller.is("no-capabilities"));
  const interfaces = [
    ...(has10 ? [{ url, protocolBinding: "JSONRPC", protocolVersion: "1.0" }] : []),
    ...(has03 ? [{ url, protocolBinding: "JSONRPC", protocolVersion: "0.3" }] : []),
  ];
  return {
    name,
    description: about,
    version: "1.0.0",
    ...(has03 ? { protocolVersion: "0.3.0", url, preferredTransport: "JSONRPC" } : {}),
    ...(has10 ? { supportedInterfaces: interfaces } : {}),
    capabilities: {
      streaming: false,
      pushNotifications: false,
      extensions: [{ uri: extension, description: `AdCP ${seller.version}`, required: false }],
    },
    defaultInputModes: ["application/json"],
    defaultOutputModes: ["application/json"],
    skills: skills.map((id) => ({ id, name: id, description: `AdCP task ${id}.`, tags: ["adcp"] })),
  };
}

interface Asked {
  readonly skill: string;
  readonly input: Json;
}

function record(value: unknown): Json {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

/** The skill and its input; words where the message is not what the version says. 1.0 refuses `parameters`. */
function asked(request: RpcMessage, is10: boolean): Asked | string {
  const { parts } = record(request.params?.["message"]);
  const data = (Array.isArray(parts) ? parts : [])
    .map(record)
    .filter((part) => "data" in part)
    .map((part) => record(part["data"]));
  const [only, ...more] = data;
  if (!only || more.length > 0) return "One data part is expected.";
  const { skill, input, parameters } = only;
  if (typeof skill !== "string") return "The data part names no skill.";
  if (is10 && (parameters !== undefined || Object.keys(only).some((key) => key !== "skill" && key !== "input"))) {
    return "The data part is exactly {skill, input}.";
  }
  return { skill, input: record(input ?? parameters) };
}

function stateOf(envelope: Json): "completed" | "failed" | "input-required" {
  if ("adcp_error" in envelope) return "failed";
  return envelope["status"] === "input-required" ? "input-required" : "completed";
}

function task03(seller: AdcpRuntime, contextId: string, envelope: Json): Json {
  const state = stateOf(envelope);
  const timestamp = isoTime(seller.now());
  const words = { kind: "text", text: String(envelope["message"] ?? state) };
  const parts = [words, { kind: "data", data: envelope }];
  const own = { kind: "task", id: randomUUID(), contextId };
  if (state !== "input-required") {
    return { ...own, status: { state, timestamp }, artifacts: [{ artifactId: "result", parts }] };
  }
  const message = { kind: "message", messageId: randomUUID(), role: "agent", parts };
  return { ...own, status: { state, timestamp, message }, artifacts: [] };
}

function task10(seller: AdcpRuntime, contextId: string, envelope: Json): Json {
  const state = stateOf(envelope);
  const named = `TASK_STATE_${state.toUpperCase().replace("-", "_")}`;
  const timestamp = isoTime(seller.now());
  const parts = [{ text: String(envelope["message"] ?? state) }, { data: envelope, mediaType: "application/json" }];
  const own = { id: randomUUID(), contextId };
  if (state !== "input-required") {
    return { task: { ...own, status: { state: named, timestamp }, artifacts: [{ artifactId: "result", parts }] } };
  }
  const message = { messageId: randomUUID(), role: "ROLE_AGENT", parts };
  return { task: { ...own, status: { state: named, timestamp, message } } };
}

/** A POST to `/a2a`. */
export function a2aRoute(seller: AdcpRuntime, incoming: Incoming): Routed {
  if (incoming.method !== "POST") {
    const refused = answer({ jsonrpc: "2.0", id: null, error: { code: -32000, message: "Only POST here." } }, 405);
    return { operation: null, handle: () => ({ ...refused, headers: { Allow: "POST" } }) };
  }
  const request = rpcMessage(incoming.body);
  const is10 = request?.method === "SendMessage";
  const wish = request ? asked(request, is10) : "";
  return {
    operation: typeof wish === "string" ? "card" : operationOf(wish.skill, wish.input),
    handle: async (faults) => {
      callerOf(seller.profile.id, incoming.key);
      if (!request) return rpcError(null, -32700, "This is no JSON-RPC message.");
      const isServed = is10 ? !seller.is("a2a-0.3") : request.method === "message/send" && !seller.is("a2a-1.0");
      if (!isServed) return rpcError(request, -32601, "Method not found");
      if (is10 && incoming.headers["a2a-version"] !== "1.0")
        return rpcError(request, -32009, "A2A-Version: 1.0 is expected.");
      if (typeof wish === "string") return rpcError(request, -32602, wish);
      if (!offers(seller, wish.skill)) return rpcError(request, -32602, `Unknown skill: ${wish.skill}`);
      const envelope = await runTask(seller, wish.skill, wish.input, incoming.key, faults);
      const { contextId } = record(request.params?.["message"]);
      const context = typeof contextId === "string" ? contextId : randomUUID();
      return rpcResult(request, is10 ? task10(seller, context, envelope) : task03(seller, context, envelope));
    },
  };
}
