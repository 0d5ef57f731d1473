import { request } from "node:http";
import { connect as connectTo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BODY_BYTES } from "../../src/http/body.ts";
import { startDesk, type TestDesk } from "../e2e/fixtures.ts";
import { type HttpServer, listeningOf, principal, tokens } from "../e2e/http-server.ts";
import { verifies } from "../requirements.ts";
import { modernBody, modernHeaders, send, type WireAnswer, type WireRequest } from "./wire.ts";

let desk: TestDesk;
let server: HttpServer;
beforeAll(async () => {
  const slow = principal("reader", ["buy:read"], { requests_per_minute: 3 });
  const http = {
    principals: [principal("maker", ["buy:read"]), principal("agent", ["buy:read"]), slow],
    allowed_origins: ["console.example"],
  };
  desk = await startDesk({ config: (standard) => ({ ...standard, http }) });
  server = await desk.spawnHttp();
});
afterAll(() => desk.close());

const call = { name: "get_inbox", arguments: {} };
const headers = modernHeaders("tools/call", "get_inbox", tokens.maker);
const body = modernBody("tools/call", call);
const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
const initialize = (version: string) =>
  JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: version, capabilities: {}, clientInfo: { name: "wire", version: "1" } },
  });
const legacyHeaders = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  authorization: `Bearer ${tokens.maker}`,
};

interface Row extends WireRequest {
  readonly what: string;
  readonly status: number;
  readonly says?: RegExp;
}

const rows: readonly Row[] = [
  { what: "a request of ours", headers, body, status: 200, says: /"principal":"maker"/ },
  { what: "another site's Host", headers: { ...headers, host: "evil.example" }, body, status: 403 },
  { what: "another site's Host, without a token", headers: { host: "evil.example" }, body, status: 403 },
  {
    what: "a Host that only begins like ours",
    headers: { ...headers, host: "127.0.0.1.evil.example" },
    body,
    status: 403,
  },
  { what: "a Host that is none", headers: { ...headers, host: "@@" }, body, status: 403 },
  { what: "our Host by name", headers: { ...headers, host: "localhost:1" }, body, status: 200 },
  { what: "another page's Origin", headers: { ...headers, origin: "https://evil.example" }, body, status: 403 },
  { what: "the Origin null", headers: { ...headers, origin: "null" }, body, status: 403 },
  { what: "a page of this machine", headers: { ...headers, origin: "http://localhost:6274" }, body, status: 200 },
  { what: "an Origin the config names", headers: { ...headers, origin: "https://console.example" }, body, status: 200 },
  {
    what: "another site's Host at a probe",
    method: "GET",
    path: "/healthz",
    headers: { host: "evil.example" },
    status: 403,
  },
  { what: "no token", headers: modernHeaders("tools/call", "get_inbox", null), body, status: 401 },
  { what: "a wrong token", headers: modernHeaders("tools/call", "get_inbox", "mbt_wrong"), body, status: 401 },
  {
    what: "a token in another scheme",
    headers: { ...headers, authorization: `Basic ${tokens.maker}` },
    body,
    status: 401,
  },
  {
    what: "two tokens",
    headers: { ...headers, authorization: `Bearer ${tokens.maker} ${tokens.agent}` },
    body,
    status: 401,
  },
  {
    what: "a token in the address",
    path: `/mcp?token=${tokens.maker}`,
    headers: modernHeaders("tools/call", "get_inbox", null),
    body,
    status: 401,
  },
  {
    what: "the digest as token",
    headers: modernHeaders("tools/call", "get_inbox", principal("maker", []).token_sha256),
    body,
    status: 401,
  },
  { what: "another path", path: "/", headers, body, status: 404 },
  { what: "another path, without a token", path: "/admin", headers: {}, body, status: 404 },
  { what: "PUT", method: "PUT", headers, body, status: 405 },
  { what: "OPTIONS, as a browser asks", method: "OPTIONS", headers: { origin: "http://localhost:1" }, status: 405 },
  { what: "GET without a session", method: "GET", headers: { ...headers, accept: "text/event-stream" }, status: 405 },
  { what: "DELETE without a session", method: "DELETE", headers, status: 405 },
  { what: "text", headers: { ...headers, "content-type": "text/plain" }, body, status: 415 },
  {
    what: "a form",
    headers: { ...headers, "content-type": "application/x-www-form-urlencoded" },
    body: "a=b",
    status: 415,
  },
  {
    what: "a type that begins like JSON",
    headers: { ...headers, "content-type": "application/jsonx" },
    body,
    status: 415,
  },
  { what: "a compressed body", headers: { ...headers, "content-encoding": "gzip" }, body, status: 415 },
  { what: "a body one byte too long", headers, body: body.padEnd(BODY_BYTES + 1), status: 413 },
  { what: "the longest body", headers, body: body.padEnd(BODY_BYTES), status: 200 },
  {
    what: "a body that says it is too long",
    headers: { ...headers, "content-length": String(BODY_BYTES + 1) },
    status: 413,
  },
  { what: "headers too long", headers: { ...headers, "x-long": "a".repeat(17_000) }, body, status: 431 },
  { what: "nothing", headers, body: "", status: 400, says: /-32700/ },
  { what: "half a message", headers, body: body.slice(0, -5), status: 400, says: /-32700/ },
  { what: "bytes that are no text", headers, body: "\u0000", status: 400, says: /-32700/ },
  { what: "a batch", headers, body: `[${body},${body}]`, status: 400, says: /-32600/ },
  { what: "a number", headers, body: "7", status: 400, says: /-32600/ },
  { what: "an object nested beyond reason", headers, body: `{"a":${nested(20_000)}}`, status: 400, says: /-32600/ },
  { what: "no message", headers, body: "{}", status: 400 },
  {
    what: "headers that do not match the body",
    headers: { ...headers, "mcp-name": "get_history" },
    body,
    status: 400,
    says: /-32020/,
  },
  {
    what: "a version nobody speaks",
    headers: { ...headers, "mcp-protocol-version": "2031-01-01" },
    body: body.replace("2026-07-28", "2031-01-01"),
    status: 400,
    says: /-32022/,
  },
  {
    what: "a 2025 call without a session",
    headers: legacyHeaders,
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    status: 400,
  },
  {
    what: "a session nobody has",
    headers: { ...legacyHeaders, "mcp-session-id": "4f0c" },
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    status: 404,
    says: /-32001/,
  },
  {
    what: "a method nobody has",
    headers: modernHeaders("x/y", null, tokens.maker),
    body: modernBody("x/y", {}),
    status: 404,
    says: /-32601/,
  },
  { what: "health", method: "GET", path: "/healthz", status: 200, says: /^ok$/m },
  { what: "readiness", method: "GET", path: "/readyz", status: 200, says: /^ok$/m },
  { what: "POST to a probe", path: "/readyz", body: "", status: 405 },
];

describe("each guard alone", () => {
  // Everything else about these requests is as it should be, so that only the one guard can refuse them.
  test.each([
    ["the Host", { host: "evil.example", origin: "http://localhost:6274" }],
    ["the Origin", { host: "127.0.0.1", origin: "https://evil.example" }],
  ])("%s", async (_what, given) => {
    const answer = await send(server.port, { headers: { ...headers, ...given }, body });
    expect(answer.status, answer.text).toBe(403);
    const fine = { ...headers, host: "127.0.0.1", origin: "http://localhost:6274" };
    expect((await send(server.port, { headers: fine, body })).status).toBe(200);
  });
});

describe("a flood of strangers", () => {
  test("is refused one by one, and fills no log", async () => {
    const flooded = await desk.spawnHttp();
    const refused = () =>
      flooded
        .log()
        .split("\n")
        .filter((line) => line.includes("http refused"));
    for (let n = 0; n < 20; n += 1) {
      const wrong = { headers: modernHeaders("tools/call", "get_inbox", "mbt_wrong"), body };
      const answers = await Promise.all(Array.from({ length: 10 }, () => send(flooded.port, wrong)));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 401));
    }
    // What another refusal is for is told all the same.
    await send(flooded.port, { headers: { ...headers, host: "evil.example" }, body });
    await expect.poll(() => refused().at(-1)).toContain('"status":403');
    expect(refused().length).toBeGreaterThanOrEqual(60);
    expect(refused().length).toBeLessThan(80);
    // The next line, a second later at the earliest, says how many there were.
    await expect
      .poll(
        async () => {
          await send(flooded.port, { headers: modernHeaders("tools/call", "get_inbox", "mbt_wrong"), body });
          return refused().some((line) => /"unlogged":\d{2,}/.test(line));
        },
        { timeout: 5_000, interval: 200 },
      )
      .toBe(true);
  });
});

describe("the door", () => {
  test.each(rows)("$what: $status", async ({ status, says, ...given }) => {
    verifies("server.http");
    const answer = await send(server.port, given);
    expect(answer.status, answer.text).toBe(status);
    if (says) expect(answer.text).toMatch(says);
    // The parser's own refusals come before anything of ours.
    if (status === 431) return;
    expect(answer.headers).toMatchObject({
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
      "x-request-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    expect(answer.headers["cache-control"]).toMatch(/no-(store|cache)/);
    expect(answer.text).not.toMatch(/\bat .+:\d+:\d+|node_modules|dist\//);
  });

  test("a missing token is told how to come, and nothing about who may", async () => {
    const answer = await send(server.port, { headers: {}, body });
    expect(answer.headers["www-authenticate"]).toBe('Bearer realm="media-buyer-mcp"');
    expect(answer.text).not.toMatch(/maker|agent|reader/);
  });

  test("a body without a length is read up to the limit and no further", async () => {
    const outcome = await new Promise<string>((resolve) => {
      const outgoing = request({ host: "127.0.0.1", port: server.port, path: "/mcp", method: "POST", headers });
      outgoing.on("response", (answer) => resolve(`answered ${answer.statusCode}`));
      // The refusal may be overtaken by the end of the connection, of which we are still writing into.
      outgoing.on("error", () => resolve("cut off"));
      const more = () => {
        if (!outgoing.destroyed) outgoing.write("a".repeat(64 * 1024), () => setImmediate(more));
      };
      more();
    });
    expect(outcome).toMatch(/^(answered 413|cut off)$/);
  });

  test("a line that is no HTTP is refused, and the server goes on", async () => {
    const socket = connectTo(server.port, "127.0.0.1");
    const text = await new Promise<string>((resolve) => {
      let all = "";
      socket.on("data", (chunk) => {
        all += chunk.toString("utf8");
      });
      socket.on("close", () => resolve(all));
      socket.write("\u0016\u0003\u0001 not http\r\n\r\n");
    });
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect((await send(server.port, { method: "GET", path: "/healthz" })).status).toBe(200);
  });

  test("who calls too often waits, alone, and is told how long", async () => {
    const ofReader = { headers: modernHeaders("tools/call", "get_inbox", tokens.reader), body };
    const answers: WireAnswer[] = [];
    for (let n = 0; n < 5; n += 1) answers.push(await send(server.port, ofReader));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
    const wait = Number(answers[3]?.headers["retry-after"]);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(20);
    expect(answers[3]?.text).toContain("reader has 3 a minute");
    expect((await send(server.port, { headers, body })).status).toBe(200);
  });

  test("a session is its principal's alone, and ends when it says so", async () => {
    const begun = await send(server.port, { headers: legacyHeaders, body: initialize("2025-11-25") });
    expect(begun.status, begun.text).toBe(200);
    const id = String(begun.headers["mcp-session-id"]);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    const list = '{"jsonrpc":"2.0","id":2,"method":"tools/list"}';
    const within = { ...legacyHeaders, "mcp-session-id": id, "mcp-protocol-version": "2025-11-25" };
    const mine = await send(server.port, { headers: within, body: list });
    expect(mine.status, mine.text).toBe(200);
    const other = { ...within, authorization: `Bearer ${tokens.agent}` };
    for (const method of ["POST", "GET", "DELETE"]) {
      const answer = await send(server.port, {
        method,
        headers: { ...other, accept: "text/event-stream, application/json" },
        ...(method === "POST" ? { body: list } : {}),
      });
      expect(answer.status, method).toBe(404);
    }
    expect((await send(server.port, { headers: within, body: list })).status).toBe(200);
    expect((await send(server.port, { method: "DELETE", headers: within })).status).toBe(200);
    expect((await send(server.port, { headers: within, body: list })).status).toBe(404);
  });

  test("a stream begins at once, though nothing is said on it", async () => {
    const begun = await send(server.port, { headers: legacyHeaders, body: initialize("2025-11-25") });
    const within = {
      ...legacyHeaders,
      "mcp-session-id": String(begun.headers["mcp-session-id"]),
      accept: "text/event-stream",
    };
    const asked = performance.now();
    const status = await new Promise((resolve, reject) => {
      const outgoing = request({ host: "127.0.0.1", port: server.port, path: "/mcp", headers: within }, (incoming) => {
        resolve(incoming.statusCode);
        outgoing.destroy();
      });
      outgoing.on("error", reject).end();
    });
    expect(status).toBe(200);
    // Its first keep-alive would come after fifteen seconds.
    expect(performance.now() - asked).toBeLessThan(5_000);
  });

  test("nothing secret is in the log, and every refusal of a stranger is", async () => {
    const client = await desk.connect({ over: listeningOf(server, tokens.maker) });
    await client.ok("get_inbox");
    await expect.poll(server.log).toContain('"principal":"maker"');
    const log = server.log();
    for (const secret of [...Object.values(tokens), "mbt_", "Bearer ", principal("maker", []).token_sha256])
      expect(log).not.toContain(secret);
    for (const status of [401, 403, 429]) expect(log).toContain(`"status":${status}`);
  });
});
