import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
} from "@modelcontextprotocol/server";
import * as z from "zod";
import type { Principal } from "../domain/principal.ts";

/** How the person behind a request can be reached on it. */
export interface Asking {
  readonly era: "legacy" | "modern";
  /** What this request's client can show a person. */
  readonly canBeAsked: { readonly form: boolean; readonly url: boolean; readonly apps: boolean };
  mintState(payload: State, mcp: ServerContext): Promise<string>;
  /** What the card has to bring back with a click; of no use as a state, nor the other way round. */
  mintCardToken(payload: State, mcp: ServerContext): Promise<string>;
  /** What a card's token was made for; null for anything else. */
  readCardToken(token: string, mcp: ServerContext): Promise<State | null>;
}

/** What travels through the client and back: which approval was asked about. Everything else is in the ledger. */
export interface State {
  readonly approvalId: string;
  readonly shortCode: string;
}

/** One call's circumstances, as a tool may use them. */
export interface ToolCall {
  readonly mcp: ServerContext;
  readonly principal: Principal;
  /** How the person can be asked on this very request. */
  readonly asking: Asking;
  /** `name version` of the client, as it says. */
  readonly client: string;
}

/** A question to hand to the client; opaque, so that a tool can return it but never forge its answer. */
export class Question {
  readonly request: InputRequiredResult;
  constructor(request: InputRequiredResult) {
    this.request = request;
  }
}

/** `name version` as the client says it, from the request (2026) or the connection (2025). Unverified. */
export function clientOf(server: McpServer, mcp: ServerContext): string {
  const parsed = envelope.safeParse(mcp.mcpReq.envelope ?? {});
  const info = (parsed.success ? parsed.data[CLIENT_INFO_META_KEY] : undefined) ?? server.server.getClientVersion();
  // Kept in entries and shown to people, so nothing in it that is not seen.
  const said = info
    ? `${info.name} ${info.version}`.replace(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, "")
    : "";
  return said.trim().slice(0, 80) || "unknown client";
}

/** What the client of this very request can do: 2026 requests carry it, 2025 connections said it once. */
export function capabilitiesOf(server: McpServer, mcp: ServerContext): z.output<typeof capabilities> {
  const parsed = envelope.safeParse(mcp.mcpReq.envelope ?? {});
  const own = parsed.success ? parsed.data[CLIENT_CAPABILITIES_META_KEY] : undefined;
  return own ?? capabilities.parse(server.server.getClientCapabilities() ?? {});
}

const capabilities = z.looseObject({
  elicitation: z.looseObject({ form: z.unknown(), url: z.unknown() }).partial().optional(),
  extensions: z.record(z.string(), z.unknown()).optional(),
});
const envelope = z.looseObject({
  [CLIENT_CAPABILITIES_META_KEY]: capabilities.optional(),
  [CLIENT_INFO_META_KEY]: z.looseObject({ name: z.string(), version: z.string() }).optional(),
});
