import { setTimeout as delay } from "node:timers/promises";
import { Client } from "@modelcontextprotocol/client";
import { getDefaultEnvironment, StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import type * as z from "zod";

/** Why the demo ended before its end, in words for whoever watches it. */
export class DemoFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DemoFailure";
  }
}

/** How the server is started, and who answers when it asks for a person. */
export interface LinkOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly version: string;
  /** Gets the approval card; null leaves the question unanswered. */
  readonly decide: (card: string) => Promise<"approve" | "reject" | null>;
  readonly signal: AbortSignal;
}

/** A real MCP client on a real server: what any assistant's client does, without the assistant. */
export interface Link {
  /** The protocol version both sides settled on. */
  readonly protocol: string;
  /** Calls a tool and reads its structured answer. @throws DemoFailure with the tool's own words */
  call<T>(tool: string, args: Record<string, unknown>, schema: z.ZodType<T>): Promise<T>;
  /** The last lines the server logged. */
  log(): string;
  close(): Promise<void>;
}

const KEPT_LINES = 12;

/** Starts the server as a child process and shakes hands with it over stdio. */
export async function connect(options: LinkOptions): Promise<Link> {
  const client = new Client(
    { name: "media-buyer-mcp-demo", version: options.version },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: "auto" } },
  );
  client.setRequestHandler("elicitation/create", async ({ params }) => {
    const decision = await options.decide(params.message);
    return decision === null ? { action: "cancel" } : { action: "accept", content: { decision } };
  });
  const transport = new StdioClientTransport({
    command: options.command,
    args: [...options.args],
    // None of the user's own settings: the demo's desk is its own.
    env: getDefaultEnvironment(),
    stderr: "pipe",
  });
  let logged = "";
  transport.stderr?.on("data", (chunk: Buffer) => {
    logged = `${logged}${chunk}`.split("\n").slice(-KEPT_LINES).join("\n");
  });
  const { signal } = options;
  const log = () => logged.trim();
  try {
    await client.connect(transport, { signal });
  } catch (error) {
    // What it said on its way down may still be in the pipe.
    await delay(200);
    await client.close();
    throw new DemoFailure(`The server did not start: ${reason(error)}${log() ? `\nIts last words:\n${log()}` : ""}`);
  }
  return {
    protocol: client.getNegotiatedProtocolVersion() ?? "unknown",
    call: async (name, args, schema) => {
      const answer = await client.callTool({ name, arguments: args }, { signal }).catch((error: unknown) => {
        throw new DemoFailure(`${name} got no answer: ${reason(error)}`);
      });
      const [first] = answer.content;
      if (answer.isError) throw new DemoFailure(first?.type === "text" ? first.text : `${name} failed`);
      const read = schema.safeParse(answer.structuredContent);
      if (read.success) return read.data;
      const [issue] = read.error.issues;
      throw new DemoFailure(`${name} answered something else: ${issue?.path.join(".")}: ${issue?.message}`);
    },
    log,
    close: () => client.close(),
  };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
