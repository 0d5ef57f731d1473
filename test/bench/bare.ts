import { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";

const inputSchema = z.object({ text: z.string(), times: z.number().int().min(1).default(1) });

/** What the product is measured against: a server of the same SDK with one tool that does nothing. */
export function bareServer(): McpServer {
  const server = new McpServer({ name: "bare", version: "1.0.0" });
  server.registerTool("echo", { description: "Says it again", inputSchema }, ({ text, times }) => ({
    content: [{ type: "text", text: text.repeat(times) }],
  }));
  return server;
}
