import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StdioServerTransport as Pipes } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { type ClientCapabilities, ElicitRequestSchema, type ElicitResult } from "@modelcontextprotocol/sdk/types.js";
import type { ServerStart } from "./client.ts";
import type { ServedHere } from "./served-here.ts";

type Answer = (asked: { readonly message: string; readonly url?: string }) => Promise<ElicitResult>;

/** A client of the former single package, to a server that listens, to one in this process or to one started for it. */
export async function connectOld(
  info: { readonly name: string; readonly version: string },
  capabilities: ClientCapabilities,
  answer: Answer | null,
  to: ServerStart | ServedHere | { readonly url: URL; readonly headers: Record<string, string> },
  keep: (chunk: Buffer) => void,
): Promise<{ readonly client: Client; readonly pid: number }> {
  const client = new Client(info, { capabilities });
  if (answer) client.setRequestHandler(ElicitRequestSchema, ({ params }) => answer(params));
  if ("url" in to) {
    const transport = new StreamableHTTPClientTransport(to.url, { requestInit: { headers: to.headers } });
    // Its session id may be undefined, which the interface it implements does not say.
    await client.connect(transport as Transport);
    return { client, pid: 0 };
  }
  if ("log" in to) {
    await client.connect(new Pipes(to.output, to.input));
    return { client, pid: 0 };
  }
  const transport = new StdioClientTransport({ ...to, stderr: "pipe" });
  transport.stderr?.on("data", keep);
  await client.connect(transport);
  return { client, pid: transport.pid ?? 0 };
}
