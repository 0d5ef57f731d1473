import * as z from "zod";
import { type Answer, answer } from "../wire.ts";
import type { Json } from "./state.ts";

/** JSON-RPC 2.0, as far as MCP and A2A need it: one message a request, no batches. */

const message = z.looseObject({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string(),
  params: z.record(z.string(), z.unknown()).optional(),
});

/** A request or, without an id, a notification. */
export type RpcMessage = z.output<typeof message>;

/** The message in a body; null when it is none. */
export function rpcMessage(body: string): RpcMessage | null {
  try {
    return message.safeParse(JSON.parse(body)).data ?? null;
  } catch {
    return null;
  }
}

/** A result. */
export function rpcResult(request: RpcMessage, result: Json): Answer {
  return answer({ jsonrpc: "2.0", id: request.id ?? null, result });
}

/** An error by its JSON-RPC code: -32601 no such method, -32602 params, -32700 and -32600 what is no message. */
export function rpcError(request: RpcMessage | null, code: number, words: string): Answer {
  return answer({ jsonrpc: "2.0", id: request?.id ?? null, error: { code, message: words } }, request ? 200 : 400);
}
