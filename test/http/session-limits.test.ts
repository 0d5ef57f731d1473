import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Served, serve } from "../conformance/serve.ts";
import { send } from "./wire.ts";

const IDLE_MS = 400;
const plain = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const initialize = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "wire", version: "1" } },
});

let served: Served;
let port: number;
beforeAll(async () => {
  served = await serve({ sessions: { most: 2, idleMs: IDLE_MS } });
  port = Number(new URL(served.url).port);
});
afterAll(() => served.close());

const begin = () => send(port, { headers: plain, body: initialize });
const list = (session: string) =>
  send(port, {
    headers: { ...plain, "mcp-session-id": session, "mcp-protocol-version": "2025-11-25" },
    body: '{"jsonrpc":"2.0","id":2,"method":"tools/list"}',
  });

test("no more sessions are begun than there may be, until one has rested too long or was ended", async () => {
  const [first, second] = [await begin(), await begin()].map((one) => String(one.headers["mcp-session-id"]));
  const third = await begin();
  expect(third.status).toBe(503);
  expect(third.headers["retry-after"]).toBe("60");
  expect((await list(first ?? "")).status).toBe(200);

  await pause(IDLE_MS + 100);
  const later = await begin();
  expect(later.status, later.text).toBe(200);
  for (const gone of [first, second]) expect((await list(gone ?? "")).status).toBe(404);

  expect((await begin()).status).toBe(200);
  const own = { ...plain, "mcp-session-id": String(later.headers["mcp-session-id"]) };
  expect((await send(port, { method: "DELETE", headers: own })).status).toBe(200);
  expect((await begin()).status).toBe(200);
});
