import type { IncomingMessage, ServerResponse } from "node:http";
import type { AgentOptions } from "../../src/sellers/adcp-carrier.ts";
import { serve, silent } from "./loopback.ts";

/** A small agent that says what the test tells it to, and counts what it was asked. */

export interface Asked {
  readonly method: string;
  readonly rpc: { readonly id?: unknown; readonly method: string; readonly params?: Record<string, unknown> };
  readonly headers: IncomingMessage["headers"];
}

/** Answers one JSON-RPC request by hand. */
export type Says = (asked: Asked, outgoing: ServerResponse, incoming: IncomingMessage) => unknown;

export const agentOptions = (url: string, more: Partial<AgentOptions> = {}): AgentOptions => ({
  sellerId: "northbeam",
  url,
  credentials: {},
  allowLoopback: true,
  log: silent,
  ...more,
});

export function reply(outgoing: ServerResponse, id: unknown, body: object, headers: Record<string, string> = {}): void {
  outgoing.writeHead(200, { "content-type": "application/json", ...headers });
  outgoing.end(JSON.stringify({ jsonrpc: "2.0", id, ...body }));
}

/** A tool's result as AdCP wants it. */
export const structured = (envelope: object, more: object = {}) => ({
  result: { content: [{ type: "text", text: "done" }], structuredContent: envelope, ...more },
});

export const event = (id: unknown, body: object) => `data: ${JSON.stringify({ jsonrpc: "2.0", id, ...body })}\n\n`;

/** An MCP agent by hand: handshake, ping and list are well-behaved, each call is answered as the test says. */
export async function stubMcp(
  onCall: Says,
  { session = "s-1", onOther }: { session?: string | null; onOther?: Says } = {},
) {
  const asked: Asked[] = [];
  const { origin, got } = await serve(async (incoming, outgoing) => {
    const text = Buffer.concat(await incoming.toArray()).toString("utf8");
    if (incoming.method !== "POST") {
      asked.push({ method: incoming.method ?? "", rpc: { method: incoming.method ?? "" }, headers: incoming.headers });
      if (onOther) await onOther(asked[asked.length - 1] as Asked, outgoing, incoming);
      if (!outgoing.headersSent) outgoing.writeHead(405).end();
      return;
    }
    const one: Asked = { method: "POST", rpc: JSON.parse(text), headers: incoming.headers };
    asked.push(one);
    const { id, method } = one.rpc;
    if (onOther && method !== "tools/call") await onOther(one, outgoing, incoming);
    if (outgoing.headersSent || outgoing.destroyed) return;
    if (id === undefined) outgoing.writeHead(202).end();
    else if (method === "initialize") {
      const capabilities = { tools: {} };
      const serverInfo = { name: "stub", version: "1" };
      const result = { protocolVersion: "2025-06-18", capabilities, serverInfo };
      reply(outgoing, id, { result }, session === null ? {} : { "mcp-session-id": session });
    } else if (method === "tools/call") await onCall(one, outgoing, incoming);
    else reply(outgoing, id, { result: {} });
  });
  const count = (method: string, task?: string) =>
    asked.filter(({ rpc }) => rpc.method === method && (task === undefined || rpc.params?.["name"] === task)).length;
  return { url: `${origin}/mcp`, origin, asked, got, count };
}

interface A2aStub {
  readonly skills?: readonly string[];
  /** Instead of the card of the version. */
  readonly card?: (origin: string) => object;
  /** Before the card is given; may answer itself. */
  readonly onCard?: (outgoing: ServerResponse) => unknown;
}

/** An A2A agent by hand: its card is well-behaved, each message and poll is answered as the test says. */
export async function stubA2a(version: "0.3" | "1.0", onRpc: Says, { skills, card, onCard }: A2aStub = {}) {
  const asked: (Asked & { readonly path: string })[] = [];
  const { origin, got } = await serve(async (incoming, outgoing) => {
    const text = Buffer.concat(await incoming.toArray()).toString("utf8");
    const { method = "", url: path = "", headers } = incoming;
    const one = { method, path, headers, rpc: method === "POST" ? JSON.parse(text) : { method } };
    asked.push(one);
    if (method === "POST") {
      await onRpc(one, outgoing, incoming);
      return;
    }
    onCard?.(outgoing);
    if (outgoing.headersSent) return;
    const listed = (skills ?? ["get_adcp_capabilities", "get_products"]).map((id) => ({ id, name: id }));
    const how =
      version === "1.0"
        ? { supportedInterfaces: [{ url: `${origin}/a2a`, protocolBinding: "JSONRPC", protocolVersion: "1.0" }] }
        : { protocolVersion: "0.3.0", url: `${origin}/a2a` };
    outgoing.writeHead(200, { "content-type": "application/json" });
    outgoing.end(JSON.stringify({ name: "stub", skills: listed, ...(card?.(origin) ?? how) }));
  });
  const count = (method: string) => asked.filter(({ rpc }) => rpc.method === method).length;
  return { url: origin, origin, asked, got, count };
}
