import * as z from "zod";
import type { Operation } from "../faults.ts";
import { callerOf } from "../identity.ts";
import type { Incoming, Routed } from "../http-seller.ts";
import { answer } from "../wire.ts";
import { argumentSchema, isTask, taskNames } from "./arguments.ts";
import { operationOf } from "./operations.ts";
import { rpcError, type RpcMessage, rpcMessage, rpcResult } from "./rpc.ts";
import type { AdcpRuntime } from "./runtime.ts";
import type { Json } from "./state.ts";
import { offers, runTask } from "./task-runner.ts";

/** AdCP over MCP: streamable HTTP without sessions, JSON answers; MCP 2025-06-18, transports and tools. */

const protocols = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

function initialized(seller: AdcpRuntime, request: RpcMessage): Json {
  const wished = String(request.params?.["protocolVersion"]);
  return {
    protocolVersion: protocols.includes(wished) ? wished : protocols[0],
    capabilities: { tools: {} },
    serverInfo: { name: seller.profile.id, title: seller.profile.name, version: "1.0.0" },
    instructions: `${seller.profile.about} Start with get_adcp_capabilities.`,
  };
}

function tools(seller: AdcpRuntime): Json {
  const strict30 = seller.is("strict30");
  const names = taskNames(strict30, !seller.is("no-capabilities"));
  return {
    tools: names.map((name) => ({
      name,
      description: `AdCP ${seller.version} task ${name}.`,
      inputSchema: inputSchema(name, strict30),
    })),
  };
}

const schemas = new Map<string, unknown>();

function inputSchema(name: Parameters<typeof argumentSchema>[0], strict30: boolean): unknown {
  const key = `${name}|${strict30}`;
  const known = schemas.get(key) ?? z.toJSONSchema(argumentSchema(name, strict30), { io: "input" });
  schemas.set(key, known);
  return known;
}

function summary(envelope: Json): string {
  const { message, status } = envelope;
  return typeof message === "string" ? message : String(status ?? "done");
}

function called(request: RpcMessage): { readonly name: string; readonly args: Json } {
  const { name, arguments: args } = request.params ?? {};
  return {
    name: String(name),
    args: typeof args === "object" && args !== null ? Object.fromEntries(Object.entries(args)) : {},
  };
}

function operation(request: RpcMessage | null): Operation {
  if (request?.method !== "tools/call") return "card";
  const { name, args } = called(request);
  return operationOf(name, args);
}

/** A POST to `/mcp`. */
export function mcpRoute(seller: AdcpRuntime, incoming: Incoming): Routed {
  if (incoming.method !== "POST") {
    const refused = answer({ jsonrpc: "2.0", id: null, error: { code: -32000, message: "Only POST here." } }, 405);
    return { operation: null, handle: () => ({ ...refused, headers: { Allow: "POST" } }) };
  }
  const request = rpcMessage(incoming.body);
  return {
    operation: operation(request),
    handle: async (faults) => {
      callerOf(seller.profile.id, incoming.key);
      if (!request) return rpcError(null, -32700, "This is no JSON-RPC message.");
      if (request.id === undefined) return { status: 202, text: "" };
      if (request.method === "initialize") return rpcResult(request, initialized(seller, request));
      if (request.method === "ping") return rpcResult(request, {});
      if (request.method === "tools/list") return rpcResult(request, tools(seller));
      if (request.method !== "tools/call") return rpcError(request, -32601, "Method not found");
      const { name, args } = called(request);
      if (!isTask(name) || !offers(seller, name)) return rpcError(request, -32602, `Unknown tool: ${name}`);
      const envelope = await runTask(seller, name, args, incoming.key, faults);
      const content = [{ type: "text", text: summary(envelope) }];
      const isError = "adcp_error" in envelope ? { isError: true } : {};
      return rpcResult(request, { content, structuredContent: envelope, ...isError });
    },
  };
}
