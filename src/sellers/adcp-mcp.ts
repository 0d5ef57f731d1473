import * as z from "zod";
import { hasAdcpError, isObject } from "./adcp-answers.ts";
import type { AgentOptions, Carrier, Envelope } from "./adcp-carrier.ts";
import { createMcpSessions, mcpFailure } from "./adcp-mcp-session.ts";
import { isRpcError, refusal, rpcRefusal, saysUnknown, unreadable } from "./adcp-refusals.ts";
import { jsonIn } from "./http-answer.ts";
import { SellerFailure } from "./seller.ts";
import { sellerText } from "./untrusted.ts";

const MOST_PAGES = 20;

const toolResult = z.looseObject({
  content: z.array(z.unknown()).catch([]),
  structuredContent: z.unknown().optional(),
  isError: z.boolean().catch(false),
});
const toolPage = z.looseObject({
  tools: z.array(z.unknown()),
  nextCursor: z.string().optional().catch(undefined),
});

/**
 * AdCP over MCP streamable HTTP, in the protocol versions up to 2025-11-25; an address without a path means `/mcp`. A
 * tool's output schema is not held against its answer: a booking must not be lost because a detail of it is malformed.
 * @see https://adcontextprotocol.org/docs/building/integration/mcp-guide
 */
export function createMcpCarrier(options: AgentOptions): Carrier {
  const { sellerId } = options;
  const sessions = createMcpSessions(options);
  return {
    name: "mcp",
    async tasks(access) {
      const found = new Map<string, ReadonlySet<string> | null>();
      let cursor: string | undefined;
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const params = cursor === undefined ? {} : { cursor };
        const listed = await sessions
          .run("discovery", access, (client, sending) =>
            // Not the package's own listing, which writes to stdout where a server names no tools among its abilities.
            client.request({ method: "tools/list", params }, toolPage, sending),
          )
          .catch((error: unknown) => {
            throw mcpFailure(sellerId, "MCP tools/list", error);
          });
        for (const tool of listed.tools) {
          if (isObject(tool) && typeof tool["name"] === "string") found.set(tool["name"], argumentsOf(tool));
        }
        cursor = listed.nextCursor;
        if (cursor === undefined) break;
      }
      return found;
    },
    async call(task, args, phase, access) {
      const input: unknown = JSON.parse(args);
      if (!isObject(input)) throw new RangeError(`the arguments of ${task} are no JSON object`);
      const params = { name: task, arguments: input };
      try {
        const result = await sessions.run(phase, access, (client, sending) =>
          client.request({ method: "tools/call", params }, toolResult, sending),
        );
        return envelopeOf(sellerId, task, result);
      } catch (error) {
        const refused = isRpcError(error) ? rpcRefusal(sellerId, task, error) : null;
        if (refused && "envelope" in refused) return refused.envelope;
        throw mcpFailure(sellerId, task, error);
      }
    },
    aheadMs: sessions.aheadMs,
    close: sessions.close,
  };
}

/** The envelope in a tool's result: `structuredContent`, else the first text that is a JSON object. */
function envelopeOf(sellerId: string, task: string, result: z.output<typeof toolResult>): Envelope {
  const texts = result.content.flatMap((block) =>
    isObject(block) && block["type"] === "text" && typeof block["text"] === "string" ? [block["text"]] : [],
  );
  const envelope = result.structuredContent ?? texts.map(jsonIn).find(isObject);
  if (isObject(envelope) && (!result.isError || hasAdcpError(envelope))) return envelope;
  if (!result.isError) throw unreadable(sellerId, task, "not with a JSON object");
  throw refusedBefore(sellerId, task, texts.join(" ")) ?? foreignError(sellerId, task, texts.join(" "));
}

function foreignError(sellerId: string, task: string, words: string): SellerFailure {
  const message = `${sellerId} answered ${task} with an error that is not one of AdCP.`;
  return new SellerFailure(sellerId, "invalid_answer", message, { sellerSaid: sellerText(words, 300) || null });
}

/**
 * A refusal of the transport that comes as a result: two common server libraries tell so, in these exact words, that
 * they know no such tool or cannot take its arguments, before any code of the seller runs.
 */
function refusedBefore(sellerId: string, task: string, words: string): SellerFailure | null {
  const coded = /^MCP error (-3260[12]): /.exec(words);
  const said = words.slice(coded?.[0].length ?? 0);
  const unknown = coded ? [`Tool ${task} not found`, `Tool ${task} disabled`] : [`Unknown tool: ${task}`];
  const invalid = coded !== null && said.startsWith(`Input validation error: Invalid arguments for tool ${task}:`);
  if (!unknown.includes(said) && !invalid) return null;
  const kind = saysUnknown(task, said) && !invalid ? "unsupported" : "refused";
  const details = { definite: true, sellerSaid: sellerText(said, 300) || null };
  return refusal(sellerId, task, kind, coded ? `JSON-RPC ${coded[1]}` : "MCP", details);
}

/** The argument names a tool allows, or null where it takes any or does not say. */
function argumentsOf(tool: Readonly<Record<string, unknown>>): ReadonlySet<string> | null {
  const { inputSchema: schema } = tool;
  if (!isObject(schema) || schema["additionalProperties"] !== false || !isObject(schema["properties"])) return null;
  const names = Object.keys(schema["properties"]);
  return names.length === 0 ? null : new Set(names);
}
