import { randomUUID } from "node:crypto";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import type { SandboxSeller } from "../../src/sandbox/sandbox-seller.ts";
import { at, auction, document, openAccount, rpc } from "./adcp-calls.ts";

let sandbox: Sandbox;
let seller: SandboxSeller;

beforeAll(async () => {
  sandbox = await startSandbox({ sellers: [], adcp: ["openbid"], gapMs: 0 });
  seller = sandbox.seller("openbid");
  await openAccount(seller);
});

afterEach(() => {
  sandbox.adcp.modes("openbid");
  sandbox.clearFaults();
});

afterAll(() => sandbox.close());

describe("MCP", () => {
  const name = "get_adcp_capabilities";

  test("the client of the current SDK connects, lists and calls", async () => {
    const client = new Client({ name: "test", version: "1" });
    const headers = { Authorization: `Bearer ${seller.keys.agency}` };
    await client.connect(new StreamableHTTPClientTransport(new URL(seller.url), { requestInit: { headers } }));
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toContain("get_task_status");
    expect(tools.find((tool) => tool.name === "create_media_buy")?.inputSchema).toMatchObject({
      required: expect.arrayContaining(["idempotency_key", "account"]),
    });
    const answer = await client.callTool({ name, arguments: {} });
    expect(answer.structuredContent).toMatchObject({ adcp: { supported_versions: ["3.1"] } });
    const refused = await client.callTool({ name: "create_media_buy", arguments: auction({ brand: {} }) });
    expect(refused).toMatchObject({ isError: true, structuredContent: { adcp_error: { code: "VALIDATION_ERROR" } } });
    await expect(client.callTool({ name: "tasks_get", arguments: {} })).rejects.toThrow(/Unknown tool/);
    await client.close();
  });

  test("the client of the older SDK does too", async () => {
    const client = new OldClient({ name: "test", version: "1" });
    await client.connect(new OldTransport(new URL(seller.url)));
    expect((await client.listTools()).tools.length).toBe(11);
    const answer = await client.callTool({ name, arguments: {} });
    expect(answer["structuredContent"]).toMatchObject({ status: "completed" });
    await client.close();
  });

  test("other keys are refused, other methods are not served", async () => {
    expect((await rpc(seller, seller.url, "tools/list", {}, { key: "stolen" })).status).toBe(401);
    expect(await rpc(seller, seller.url, "resources/list", {})).toMatchObject({ body: { error: { code: -32601 } } });
  });
});

describe("A2A", () => {
  const message = (data: object) => ({
    message: { messageId: randomUUID(), role: "user", parts: [{ kind: "data", data }] },
  });
  const a2a = () => seller.agents?.a2a ?? "";
  const v1 = { headers: { "A2A-Version": "1.0" } };

  test("the card tells both versions and all skills", async () => {
    const { body } = await document(new URL("/.well-known/agent-card.json", seller.url).href);
    expect(body).toMatchObject({ protocolVersion: "0.3.0", url: a2a() });
    expect(at(body, "supportedInterfaces", 0)).toMatchObject({ protocolVersion: "1.0", url: a2a() });
    const skills = at(body, "skills");
    if (!Array.isArray(skills)) throw new Error("no skills");
    expect(skills.map((skill: unknown) => at(skill, "id"))).toEqual(
      expect.arrayContaining(["get_adcp_capabilities", "get_task_status"]),
    );
  });

  test("0.3: the envelope is the last data part; refusals are failed tasks", async () => {
    const input = { buying_mode: "brief", brief: "video" };
    const { body } = await rpc(seller, a2a(), "message/send", message({ skill: "get_products", input }));
    expect(at(body, "result", "status", "state")).toBe("completed");
    expect(at(body, "result", "artifacts", 0, "parts", 1, "data", "products", 0, "product_id")).toBeTruthy();
    const old = message({ skill: "get_products", parameters: input });
    expect(at((await rpc(seller, a2a(), "message/send", old)).body, "result", "status", "state")).toBe("completed");
    const low = auction({ packages: [{ ...auction().packages[0], bid_price: 1 }] });
    const failed = await rpc(seller, a2a(), "message/send", message({ skill: "create_media_buy", input: low }));
    expect(at(failed.body, "result", "status", "state")).toBe("failed");
    expect(at(failed.body, "result", "artifacts", 0, "parts", 1, "data", "adcp_error", "code")).toBe("BUDGET_TOO_LOW");
  });

  test("1.0: its method, its names, its header, and no parameters", async () => {
    const made = await rpc(seller, a2a(), "SendMessage", message({ skill: "create_media_buy", input: auction() }), v1);
    expect(at(made.body, "result", "task", "status", "state")).toBe("TASK_STATE_COMPLETED");
    const envelope = at(made.body, "result", "task", "artifacts", 0, "parts", 1, "data");
    expect(envelope).toMatchObject({ media_buy_status: "active" });
    const input = { buying_mode: "brief", brief: "video" };
    const old = await rpc(seller, a2a(), "SendMessage", message({ skill: "get_products", parameters: input }), v1);
    expect(at(old.body, "error", "code")).toBe(-32602);
    const bare = await rpc(seller, a2a(), "SendMessage", message({ skill: "get_products", input }));
    expect(at(bare.body, "error", "code")).toBe(-32009);
  });

  test("a question of the seller's is a message, not an artifact", async () => {
    sandbox.adcp.modes("openbid", "input-required");
    const asked = await rpc(seller, a2a(), "message/send", message({ skill: "create_media_buy", input: auction() }));
    expect(at(asked.body, "result", "status", "state")).toBe("input-required");
    expect(at(asked.body, "result", "status", "message", "parts", 1, "data", "reason")).toBe("APPROVAL_REQUIRED");
  });

  test("one version only, and A2A only", async () => {
    const input = { skill: "get_adcp_capabilities", input: {} };
    sandbox.adcp.modes("openbid", "a2a-1.0");
    expect(at((await rpc(seller, a2a(), "message/send", message(input))).body, "error", "code")).toBe(-32601);
    sandbox.adcp.modes("openbid", "a2a-0.3");
    expect(at((await rpc(seller, a2a(), "SendMessage", message(input), v1)).body, "error", "code")).toBe(-32601);
    sandbox.adcp.modes("openbid", "a2a-only");
    expect(sandbox.seller("openbid")).toMatchObject({ carrier: "a2a", url: a2a() });
    expect((await rpc(seller, seller.url, "ping", {})).status).toBe(404);
  });
});

test("the publishers' files name the seller's agents until the control has them say otherwise", async () => {
  const { publishers = {}, agents } = seller;
  expect(Object.keys(publishers)).toEqual(["matchday.example", "ridgeway.example"]);
  const url = `${publishers["matchday.example"]}/.well-known/adagents.json`;
  expect(at((await document(url)).body, "authorized_agents")).toMatchObject([
    { url: agents?.mcp },
    { url: agents?.a2a },
  ]);
  sandbox.adcp.publish("openbid", "matchday.example", { authorized_agents: [] });
  expect(at((await document(url)).body, "authorized_agents")).toEqual([]);
  sandbox.adcp.publish("openbid", "matchday.example", null);
  expect((await document(url)).status).toBe(404);
  sandbox.adcp.publish("openbid", "matchday.example", undefined);
  expect((await document(url)).status).toBe(200);
});
