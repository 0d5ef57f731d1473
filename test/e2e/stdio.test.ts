import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { at } from "./client.ts";
import { flight, startDesk, type TestDesk } from "./fixtures.ts";
import { envelope, RawClient } from "./raw-client.ts";

let desk: TestDesk;
const started: RawClient[] = [];
beforeAll(async () => {
  desk = await startDesk();
});
afterEach(() => {
  for (const client of started.splice(0)) client.kill();
});
afterAll(() => desk.close());

function start(): RawClient {
  const client = new RawClient(desk.start);
  started.push(client);
  return client;
}

const hello = {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "raw", version: "1.0.0" },
};

test("stdout carries protocol messages and nothing else, whatever goes wrong", async () => {
  verifies("server.stdio", "promise.no_silence");
  const client = start();
  client.write("this is no message");
  expect(at(await client.request("initialize", hello), "result", "serverInfo", "name")).toBe("media-buyer-mcp");
  client.write(JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }));
  client.write('{"jsonrpc":"2.0","id":');
  desk.sandbox.fault("northbeam", { kind: "malformed", operation: "catalogue", how: "truncated" });
  const kit = await client.request("tools/call", { name: "get_media_kit", arguments: { refresh: true } });
  desk.sandbox.clearFaults();
  expect(JSON.stringify(kit)).toContain("invalid_answer");
  expect(at(await client.request("no/such/method", {}), "error", "code")).toBe(-32_601);
  expect(at(await client.request("tools/call", { name: "no_such_tool" }), "error", "code")).toBe(-32_602);
  expect(await client.leave()).toBe(0);
  expect(client.lines.length).toBe(4);
  for (const line of client.lines) expect(at(JSON.parse(line), "jsonrpc")).toBe("2.0");
});

test("each call leaves one line on stderr: the tool, how long, the sellers, what came of it, and whose client", async () => {
  verifies("tool.log_line");
  const client = start();
  await client.request("initialize", hello);
  const call = (name: string, args: Record<string, unknown>) => client.request("tools/call", { name, arguments: args });
  await call("get_inbox", {});
  await call("approve", { approval_id: "ap_nothing" });
  desk.sandbox.fault("harborview", { kind: "malformed", operation: "catalogue", how: "truncated" });
  await call("get_media_kit", { refresh: true });
  desk.sandbox.clearFaults();
  const item = { product: "northbeam/prod-53e78a97", flight: flight(), impressions: 100_000 };
  await call("request_quote", { items: [item, { ...item, impressions: 1 }] });
  expect(await client.leave()).toBe(0);
  const lines = client.stderr.split("\n").filter((line) => line !== "");
  const calls = lines.map((line): unknown => JSON.parse(line)).filter((line) => at(line, "client") !== undefined);
  const common = { client: "raw 1.0.0", form: false, apps: false };
  expect(calls).toMatchObject([
    { msg: "get_inbox", outcome: "ok", ...common },
    { msg: "approve", outcome: "unknown_approval", ...common },
    {
      msg: "get_media_kit",
      outcome: "ok",
      sellers: ["northbeam ok", "harborview invalid_answer", "civicstream ok"],
      ...common,
    },
    { msg: "request_quote", outcome: "ok", sellers: ["northbeam ok", "northbeam below_minimum"], ...common },
  ]);
  for (const call of calls) expect(typeof at(call, "ms")).toBe("number");
  // Sandbox keys are no secret, but a key of a real desk would stand where they stand.
  expect(client.stderr).not.toContain("sandbox-northbeam-");
});

test("a client that asks in the new way and then opens in the old one is served", async () => {
  verifies("server.eras");
  const client = start();
  const discovered = await client.request("server/discover", { _meta: envelope() });
  expect(at(discovered, "result", "supportedVersions")).toContain("2026-07-28");
  const opened = await client.request("initialize", hello);
  expect(at(opened, "result", "protocolVersion")).toBe("2025-11-25");
  client.write(JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }));
  const inbox = await client.request("tools/call", { name: "get_inbox", arguments: {} });
  expect(at(inbox, "result", "structuredContent", "advertiser")).toBe("Acme Outdoor");
});

test("a client that finds out the era itself settles on the new one", async () => {
  verifies("server.eras");
  const client = new Client({ name: "auto", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(new StdioClientTransport({ ...desk.start, stderr: "ignore" }));
  expect(client.getProtocolEra()).toBe("modern");
  const inbox = await client.callTool({ name: "get_inbox", arguments: {} });
  expect(at(inbox.structuredContent, "advertiser")).toBe("Acme Outdoor");
  await client.close();
});

test("the server leaves when its client does, also with a subscription open", async () => {
  verifies("server.stdio", "events.subscribe");
  const client = start();
  await client.request("initialize", hello);
  await client.request("resources/subscribe", { uri: "buyer://quote/northbeam/qt-1" });
  expect(await client.leave()).toBe(0);
  const modern = start();
  await modern.request("tools/list", { _meta: envelope() });
  const notifications = { resourceSubscriptions: ["buyer://quote/northbeam/qt-1"] };
  modern.write(
    JSON.stringify({
      jsonrpc: "2.0",
      id: "l1",
      method: "subscriptions/listen",
      params: { notifications, _meta: envelope() },
    }),
  );
  await expect
    .poll(() => modern.lines.some((line) => line.includes("subscriptions/acknowledged")), { timeout: 10_000 })
    .toBe(true);
  expect(await modern.leave()).toBe(0);
});
