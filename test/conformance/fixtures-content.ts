import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import {
  type CallToolResult,
  type ContentBlock,
  completable,
  fromJsonSchema,
  type GetPromptResult,
  type JsonSchemaType,
  type McpServer,
  ResourceTemplate,
} from "@modelcontextprotocol/server";
import * as z from "zod";

/** One red pixel, and a sound without a sample: the suite looks at kind and type, not at what is in it. */
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const wav = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

/** An answer of one text. */
export const says = (text: string): CallToolResult => ({ content: [{ type: "text", text }] });
export const noArguments = z.object({});

/** A text as the user's message of a prompt. */
export const userSays = (...texts: readonly string[]): GetPromptResult["messages"] =>
  texts.map((text) => ({ role: "user", content: { type: "text", text } }));

const image: ContentBlock = { type: "image", data: png, mimeType: "image/png" };
const embedded = (uri: string, mimeType: string, text: string): ContentBlock => ({
  type: "resource",
  resource: { uri, mimeType, text },
});

/** The tools, resources and prompts by which the suite looks at what a server can answer with. */
export function addContentFixtures(server: McpServer): void {
  const answering = (name: string, content: readonly ContentBlock[]) =>
    server.registerTool(name, { description: "Answers always the same", inputSchema: noArguments }, () => ({
      content: [...content],
    }));
  answering("test_simple_text", [{ type: "text", text: "This is a simple text response for testing." }]);
  answering("test_image_content", [image]);
  answering("test_audio_content", [{ type: "audio", data: wav, mimeType: "audio/wav" }]);
  answering("test_embedded_resource", [
    embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."),
  ]);
  answering("test_multiple_content_types", [
    { type: "text", text: "Multiple content types test:" },
    image,
    embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
  ]);
  answering("test_streaming_elicitation", [{ type: "text", text: "Nothing was asked on the stream." }]);
  server.registerTool("test_error_handling", { description: "Fails", inputSchema: noArguments }, () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
  addNotifyingTools(server);
  server.registerTool(
    "json_schema_2020_12_tool",
    { description: "Has a schema of the 2020-12 dialect", inputSchema: fromJsonSchema(dialect) },
    (given) => says(JSON.stringify(given)),
  );
  server.registerTool(
    "test_x_mcp_header",
    { description: "Has an argument that travels in a header too", inputSchema: fromJsonSchema(mirrored) },
    (given) => says(JSON.stringify(given)),
  );
  addResources(server);
  addPrompts(server);
}

function addNotifyingTools(server: McpServer): void {
  server.registerTool(
    "test_tool_with_logging",
    { description: "Logs three lines to its client", inputSchema: noArguments },
    async (_none, { mcpReq }) => {
      for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
        await mcpReq.notify({ method: "notifications/message", params: { level: "info", data } });
        await delay(20);
      }
      return says("logged");
    },
  );
  server.registerTool(
    "test_logging_tool",
    { description: "Logs a line to a client that asked for it", inputSchema: noArguments },
    async (_none, { mcpReq }) => {
      await mcpReq.log("info", "one line");
      return says("logged where asked for");
    },
  );
  server.registerTool(
    "test_tool_with_progress",
    { description: "Tells how far it is", inputSchema: noArguments },
    async (_none, { mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken;
      for (const progress of [0, 50, 100]) {
        if (progressToken !== undefined) {
          const params = { progressToken, progress, total: 100 };
          await mcpReq.notify({ method: "notifications/progress", params });
        }
        await delay(20);
      }
      return says("done");
    },
  );
}

/** In a file of its own: as an object literal its `then` would look like a promise's. */
const dialect: JsonSchemaType = JSON.parse(readFileSync(new URL("json-schema-2020-12.json", import.meta.url), "utf8"));

const mirrored = {
  type: "object",
  properties: { region: { type: "string", "x-mcp-header": "Region" }, level: { type: "integer" } },
} as const;

function addResources(server: McpServer): void {
  const text = (uri: string, body: string, mimeType = "text/plain") => ({ contents: [{ uri, mimeType, text: body }] });
  const fixed = (name: string, body: string) => {
    const uri = `test://${name}`;
    server.registerResource(name, uri, { mimeType: "text/plain" }, () => text(uri, body));
  };
  fixed("static-text", "This is the content of the static text resource.");
  fixed("watched-resource", "Somebody is told when this changes.");
  server.registerResource("static-binary", "test://static-binary", { mimeType: "image/png" }, () => ({
    contents: [{ uri: "test://static-binary", mimeType: "image/png", blob: png }],
  }));
  server.registerResource(
    "template",
    new ResourceTemplate("test://template/{id}/data", { list: undefined }),
    { mimeType: "application/json" },
    ({ href }, { id }) =>
      text(href, JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }), "application/json"),
  );
}

function addPrompts(server: McpServer): void {
  server.registerPrompt("test_simple_prompt", { description: "Has no arguments" }, () => ({
    messages: userSays("This is a simple prompt for testing."),
  }));
  server.registerPrompt(
    "test_prompt_with_arguments",
    {
      description: "Has two arguments, of which one completes",
      argsSchema: z.object({
        arg1: completable(z.string(), (typed) => ["paris", "park", "party"].filter((one) => one.startsWith(typed))),
        arg2: z.string(),
      }),
    },
    ({ arg1, arg2 }) => ({ messages: userSays(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`) }),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description: "Brings a resource", argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri }) => ({
      messages: [
        { role: "user", content: embedded(resourceUri, "text/plain", "Embedded resource content for testing.") },
        ...userSays("Please process the embedded resource above."),
      ],
    }),
  );
  server.registerPrompt("test_prompt_with_image", { description: "Brings an image" }, () => ({
    messages: [{ role: "user", content: image }, ...userSays("Please analyze the image above.")],
  }));
}
