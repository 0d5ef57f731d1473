import { request } from "node:http";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ResourceChanges } from "../../src/resource-changes.ts";
import { type Served, serve } from "../conformance/serve.ts";
import { modernBody, modernHeaders, send, type WireAnswer } from "./wire.ts";

const LISTEN = "subscriptions/listen";
const headers = modernHeaders(LISTEN, null, null);
const approvals = (many: number) => Array.from({ length: many }, (_, n) => `buyer://approval/ap_${n}`);
const asking = (...uris: readonly string[]) => modernBody(LISTEN, { notifications: { resourceSubscriptions: uris } });

const started = vi.spyOn(ResourceChanges.prototype, "start");
const stopped = vi.spyOn(ResourceChanges.prototype, "stop");
let served: Served;
let port: number;
const ends: (() => void)[] = [];
beforeEach(async () => {
  vi.clearAllMocks();
  served = await serve({ mostListens: 2 });
  port = Number(new URL(served.url).port);
});
afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await served.close();
});

/** Opens a stream and leaves it open. @returns its status, and what cuts it off */
function open(body: string): Promise<{ readonly status: number | undefined; readonly end: () => void }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path: "/mcp", method: "POST", headers }, (incoming) => {
      incoming.on("error", () => undefined).resume();
      const end = () => void outgoing.destroy();
      ends.push(end);
      resolve({ status: incoming.statusCode, end });
    });
    outgoing.on("error", reject).end(body);
  });
}

test("nobody has more than a share of the streams, and one that was cut off makes room", async () => {
  const [first] = [await open(asking(...approvals(1))), await open(asking(...approvals(1)))];
  const third = await send(port, { headers, body: asking(...approvals(1)) });
  expect(third.status, third.text).toBe(429);
  expect(third.headers["retry-after"]).toBe("60");
  expect(third.text).toContain("This one was not begun");
  first?.end();
  await expect.poll(async () => (await open(asking(...approvals(1)))).status).toBe(200);
});

test("the ledger is asked from the first stream that names a resource to the last", async () => {
  // Refused by the SDK, and nothing to be told of: neither is a reason to ask, nor takes room for good.
  for (const params of [{}, { notifications: {} }, { notifications: { resourceSubscriptions: [] } }])
    await send(port, { headers, body: modernBody(LISTEN, params) });
  expect(started).not.toHaveBeenCalled();

  const [first, second] = [await open(asking(...approvals(1))), await open(asking(...approvals(1)))];
  expect(started).toHaveBeenCalled();
  const before = stopped.mock.calls.length;
  first?.end();
  await expect.poll(async () => (await send(port, { headers, body: modernBody(LISTEN, {}) })).status).toBe(200);
  expect(stopped.mock.calls.length).toBe(before);
  second?.end();
  await expect.poll(() => stopped.mock.calls.length).toBeGreaterThan(before);
});

const refusals: readonly (readonly [string, readonly string[]])[] = [
  ["an address without end", [`buyer://approval/${"a".repeat(500)}`]],
  ["one without end that is nobody's", [`x:${"a".repeat(500)}`]],
  ["more than 200 together", approvals(201)],
  ["what is no resource of ours", ["buyer://quotes/northbeam/qt-1"]],
  ["a seller, which never changes here", ["buyer://seller/northbeam"]],
];

test.each(refusals)("%s is not listened to", async (_what, uris) => {
  const answer = await send(port, { headers, body: asking(...uris) });
  expect(answer.status, answer.text).toBe(400);
  expect(JSON.parse(answer.text)).toMatchObject({ id: 1, error: { code: -32_602 } });
  expect(answer.text).toContain("Nothing was subscribed to");
  expect(started).not.toHaveBeenCalled();
});

test.each(refusals)("%s is not subscribed to in a session", async (_what, uris) => {
  const plain = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "wire", version: "1" } };
  const initialize = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params });
  const begun = await send(port, { headers: plain, body: initialize });
  const within = { ...plain, "mcp-session-id": String(begun.headers["mcp-session-id"]) };
  const answers: WireAnswer[] = [];
  for (const uri of uris) {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "resources/subscribe", params: { uri } });
    answers.push(await send(port, { headers: within, body }));
  }
  const last = answers.pop()?.text;
  expect(last).toContain("-32602");
  expect(last).toContain("Nothing was subscribed to");
  expect(answers.filter(({ text }) => text.includes("error"))).toEqual([]);
});
