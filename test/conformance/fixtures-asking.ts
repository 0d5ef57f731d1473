import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type CallToolResult,
  createRequestStateCodec,
  type ElicitRequestFormParams,
  type InputRequests,
  type InputRequiredResult,
  inputRequired,
  type McpServer,
  type PrimitiveSchemaDefinition,
  type ServerContext,
} from "@modelcontextprotocol/server";
import * as z from "zod";
import type { Desk } from "../../src/desk.ts";
import type { Principal } from "../../src/domain/principal.ts";
import { noArguments, says, userSays } from "./fixtures-content.ts";

type Handler = (
  mcp: ServerContext,
) => CallToolResult | InputRequiredResult | Promise<CallToolResult | InputRequiredResult>;

const form = (message: string, field: string, property: PrimitiveSchemaDefinition = { type: "string" }) =>
  inputRequired.elicit({
    message,
    requestedSchema: { type: "object", properties: { [field]: property }, required: [field] },
  });
const envelope = z.looseObject({ [CLIENT_CAPABILITIES_META_KEY]: z.record(z.string(), z.unknown()) });
const sampling = (text: string) =>
  inputRequired.createMessage({ messages: [{ role: "user", content: { type: "text", text } }], maxTokens: 50 });

/**
 * The tools by which the suite looks at how a server asks through its client, in both eras. What travels through the client
 * is sealed as the product seals it, so that the product's own check is what opens it.
 */
export async function addAskingFixtures(server: McpServer, desk: Desk, principal: Principal): Promise<void> {
  const tool = (name: string, handler: Handler) =>
    server.registerTool(name, { description: "Asks through the client", inputSchema: noArguments }, (_none, mcp) =>
      handler(mcp),
    );
  addPushingTools(server);
  const codec = createRequestStateCodec<{ readonly round: number }>({
    key: await desk.stateKey(),
    bind: () => principal.name,
  });
  const given = (mcp: ServerContext, key: string) => mcp.mcpReq.inputResponses?.[key];
  const ask = (inputRequests: InputRequests) => inputRequired({ inputRequests });
  const askWithState = async (mcp: ServerContext, inputRequests: InputRequests, round = 1) =>
    inputRequired({ inputRequests, requestState: await codec.mint({ round }, mcp) });
  const answered = (name: string, key: string, question: () => InputRequests) =>
    tool(name, (mcp) => (given(mcp, key) ? says(JSON.stringify(given(mcp, key))) : ask(question())));

  answered("test_missing_capability", "word", () => ({ word: sampling("Say a word") }));
  answered("test_input_required_result_sampling", "capital_question", () => ({
    capital_question: sampling("What is the capital of France?"),
  }));
  answered("test_input_required_result_list_roots", "client_roots", () => ({
    client_roots: inputRequired.listRoots(),
  }));
  tool("test_input_required_result_elicitation", ({ mcpReq }) => {
    const person = acceptedContent(mcpReq.inputResponses, "user_name", z.object({ name: z.string() }));
    return person ? says(`Hello, ${person.name}`) : ask({ user_name: form("What is your name?", "name") });
  });
  for (const name of ["request_state", "tampered_state"])
    tool(`test_input_required_result_${name}`, (mcp) =>
      mcp.mcpReq.requestState() !== undefined && acceptedContent(mcp.mcpReq.inputResponses, "confirm")
        ? says("state-ok")
        : askWithState(mcp, { confirm: form("Please confirm", "ok", { type: "boolean" }) }),
    );
  tool("test_input_required_result_multiple_inputs", (mcp) => {
    const asked = {
      user_name: form("What is your name?", "name"),
      greeting: sampling("Generate a greeting"),
      client_roots: inputRequired.listRoots(),
    };
    const whole = mcp.mcpReq.requestState() !== undefined && Object.keys(asked).every((key) => given(mcp, key));
    return whole ? says("everything came back") : askWithState(mcp, asked);
  });
  tool("test_input_required_result_multi_round", (mcp) => {
    const { round } = z.object({ round: z.number() }).parse(mcp.mcpReq.requestState() ?? { round: 0 });
    if (round === 0) return askWithState(mcp, { step1: form("Step 1: What is your name?", "name") }, 1);
    if (round === 1) return askWithState(mcp, { step2: form("Step 2: What is your favorite color?", "color") }, 2);
    return says("after two rounds");
  });
  tool("test_input_required_result_capabilities", ({ mcpReq }) => {
    const can = envelope.parse(mcpReq.envelope)[CLIENT_CAPABILITIES_META_KEY];
    const asked = {
      ...(can["elicitation"] ? { user_name: form("What is your name?", "name") } : {}),
      ...(can["sampling"] ? { greeting: sampling("Generate a greeting") } : {}),
      ...(can["roots"] ? { client_roots: inputRequired.listRoots() } : {}),
    };
    return mcpReq.inputResponses || Object.keys(asked).length === 0 ? says("asked what can be asked") : ask(asked);
  });
  server.registerPrompt("test_input_required_result_prompt", { description: "Asks first" }, ({ mcpReq }) => {
    const chosen = acceptedContent(mcpReq.inputResponses, "user_context");
    if (chosen) return { messages: userSays(JSON.stringify(chosen)) };
    return ask({ user_context: form("What context should the prompt use?", "context") });
  });
}

/** 2025 clients are sent requests while the call is open. */
function addPushingTools(server: McpServer): void {
  server.registerTool(
    "test_sampling",
    { description: "Asks the client's model", inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt: text }, { mcpReq }) => {
      const messages = [{ role: "user", content: { type: "text", text } }];
      const { content } = await mcpReq.send({ method: "sampling/createMessage", params: { messages, maxTokens: 100 } });
      return says(`LLM response: ${JSON.stringify(content)}`);
    },
  );
  const asked = async (
    { mcpReq }: ServerContext,
    message: string,
    properties: ElicitRequestFormParams["requestedSchema"]["properties"],
    required: string[] = [],
  ) => {
    const requestedSchema = { type: "object" as const, properties, required };
    const { action, content } = await mcpReq.elicitInput({ mode: "form", message, requestedSchema });
    return says(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`);
  };
  server.registerTool(
    "test_elicitation",
    { description: "Asks the person", inputSchema: z.object({ message: z.string() }) },
    ({ message }, mcp) => {
      const properties = { username: { type: "string" as const }, email: { type: "string" as const } };
      return asked(mcp, message, properties, ["username", "email"]);
    },
  );
  server.registerTool(
    "test_elicitation_sep1034_defaults",
    { description: "Asks with defaults of every kind", inputSchema: noArguments },
    (_none, mcp) =>
      asked(mcp, "Please look at the defaults", {
        name: { type: "string", default: "John Doe" },
        age: { type: "integer", default: 30 },
        score: { type: "number", default: 95.5 },
        status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
        verified: { type: "boolean", default: true },
      }),
  );
  const plain = ["option1", "option2", "option3"];
  const titled = ["value1", "value2", "value3"].map((value) => ({ const: value, title: `Title of ${value}` }));
  server.registerTool(
    "test_elicitation_sep1330_enums",
    { description: "Asks with choices of every form", inputSchema: noArguments },
    (_none, mcp) =>
      asked(mcp, "Please choose", {
        untitledSingle: { type: "string", enum: plain },
        titledSingle: { type: "string", oneOf: titled },
        legacyEnum: {
          type: "string",
          enum: ["opt1", "opt2", "opt3"],
          enumNames: ["Option One", "Option Two", "Option Three"],
        },
        untitledMulti: { type: "array", items: { type: "string", enum: plain } },
        titledMulti: { type: "array", items: { anyOf: titled } },
      }),
  );
}
