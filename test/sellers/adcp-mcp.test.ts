import type { ServerResponse as Outgoing } from "node:http";
import { createServer as createTcp } from "node:net";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { AgentOptions, Carrier } from "../../src/sellers/adcp-carrier.ts";
import { createMcpCarrier } from "../../src/sellers/adcp-mcp.ts";
import { failureOf } from "../contract/seller-bench.ts";
import { agentOptions, event, reply, structured, stubMcp } from "./adcp-stubs.ts";
import { anonymous, asAgency, listen, open, serve } from "./loopback.ts";

function carrier(url: string, more: Partial<AgentOptions> = {}): Carrier {
  const made = createMcpCarrier(agentOptions(url, more));
  open.unshift(() => made.close());
  return made;
}

const buy = (one: Carrier, access = asAgency) =>
  one.call("create_media_buy", '{"idempotency_key":"k"}', "booking", access);
const look = (one: Carrier, access = asAgency) => one.call("get_products", "{}", "media_kit", access);

afterEach(() => vi.restoreAllMocks());

describe("a seller built with the official SDK", () => {
  /** One server and one session a client, answering by JSON or by event stream. */
  async function sdkSeller(enableJsonResponse: boolean) {
    const sessions = new Map<string, StreamableHTTPServerTransport>();
    const called: string[] = [];
    const { origin } = await serve(async (incoming, outgoing) => {
      const id = incoming.headers["mcp-session-id"];
      let transport = typeof id === "string" ? sessions.get(id) : undefined;
      if (!transport) {
        const server = new Server({ name: "seller", version: "1" }, { capabilities: { tools: {} } });
        server.setRequestHandler(ListToolsRequestSchema, async ({ params }) => {
          const open = { type: "object" as const };
          const closed = { ...open, properties: { brief: {}, account: {} }, additionalProperties: false };
          if (params?.cursor) return { tools: [{ name: "tasks/get", inputSchema: open }] };
          const tools = [
            { name: "get_products", inputSchema: closed },
            { name: "empty", inputSchema: { ...open, properties: {}, additionalProperties: false } },
          ];
          return { tools, nextCursor: "2" };
        });
        server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
          called.push(params.name);
          return { content: [], structuredContent: { status: "completed", seen: params } };
        });
        const made = new StreamableHTTPServerTransport({
          sessionIdGenerator: () => `s-${sessions.size + 1}`,
          enableJsonResponse,
          onsessioninitialized: (name) => {
            sessions.set(name, made);
          },
        });
        transport = made;
        await server.connect(made as Parameters<typeof server.connect>[0]);
      }
      await transport.handleRequest(incoming, outgoing);
    });
    return { url: `${origin}/mcp`, sessions, called };
  }

  test.each([true, false])("JSON answers: %s", async (jsonAnswers) => {
    const written = vi.spyOn(process.stdout, "write");
    const { url, sessions, called } = await sdkSeller(jsonAnswers);
    const one = carrier(url);
    const tasks = await one.tasks(asAgency);
    expect(tasks.get("get_products")).toEqual(new Set(["brief", "account"]));
    expect([tasks.get("empty"), tasks.get("tasks/get"), tasks.get("no_such")]).toEqual([null, null, undefined]);
    const args = '{"n":1.5,"note":"Zürich 😀"}';
    const answers = await Promise.all([
      one.call("tasks/get", args, "discovery", asAgency),
      one.call("create_media_buy", args, "booking", asAgency),
      look(one),
    ]);
    expect(answers[0]).toEqual({
      status: "completed",
      seen: { name: "tasks/get", arguments: { n: 1.5, note: "Zürich 😀" } },
    });
    expect(called.sort()).toEqual(["create_media_buy", "get_products", "tasks/get"]);
    expect(sessions.size).toBe(1);
    expect(written).not.toHaveBeenCalled();
  });
});

describe("what is the envelope", () => {
  const text = (words: string) => ({ type: "text", text: words });
  test.each([
    ["structured content", { content: [text('{"a":2}')], structuredContent: { a: 1 } }, { a: 1 }],
    ["an empty one", { content: [text('{"a":2}')], structuredContent: {} }, {}],
    ["else the text that is a JSON object", { content: [text("Found 3."), text('{"a":3}')] }, { a: 3 }],
    [
      "an AdCP error",
      { isError: true, content: [], structuredContent: { adcp_error: { code: "X" } } },
      { adcp_error: { code: "X" } },
    ],
    ["one as text", { isError: true, content: [text('{"errors":[{"code":"X"}]}')] }, { errors: [{ code: "X" }] }],
    ["content of a kind we do not know", { content: [{ type: "hologram" }], structuredContent: { a: 1 } }, { a: 1 }],
    ["with no content at all", { structuredContent: { a: 1 } }, { a: 1 }],
  ])("%s", async (_, result, expected) => {
    const { url } = await stubMcp(({ rpc }, outgoing) => reply(outgoing, rpc.id, { result }));
    expect(await buy(carrier(url))).toEqual(expected);
  });

  test("an AdCP error inside one of JSON-RPC", async () => {
    const error = { code: -32029, message: "slow", data: { adcp_error: { code: "RATE_LIMITED", retry_after: 10 } } };
    const { url } = await stubMcp(({ rpc }, outgoing) => reply(outgoing, rpc.id, { error }));
    expect(await look(carrier(url))).toEqual({ adcp_error: { code: "RATE_LIMITED", retry_after: 10 } });
  });

  test.each([
    ["no JSON", { content: [text("Bought it.")] }],
    ["an array", { content: [text("[1]")] }],
    ["an array as structured content", { content: [text('{"a":1}')], structuredContent: [1] }],
    ["an error in words", { isError: true, content: [text("Rate limit exceeded.")] }],
    [
      "an error in words of the seller's own code",
      { isError: true, content: [text("MCP error -32602: no such product")] },
    ],
    ["an error that looks like a success", { isError: true, content: [], structuredContent: { media_buy_id: "mb" } }],
    ["JSON that nests too deep", { content: [text(`{"a":${"[".repeat(200)}${"]".repeat(200)}}`)] }],
  ])("%s is an invalid answer, and never definite", async (_, result) => {
    const { url, count } = await stubMcp(({ rpc }, outgoing) => reply(outgoing, rpc.id, { result }));
    expect(await failureOf(buy(carrier(url)))).toMatchObject({ kind: "invalid_answer", definite: false });
    expect(count("tools/call")).toBe(1);
  });
});

describe("a task that did not run", () => {
  const told = (words: string) => ({ result: { isError: true, content: [{ type: "text", text: words }] } });
  test.each([
    ["JSON-RPC knows no such method", { error: { code: -32601, message: "Method not found" } }, "unsupported"],
    [
      "JSON-RPC knows no such tool",
      { error: { code: -32602, message: "Unknown tool: create_media_buy" } },
      "unsupported",
    ],
    ["JSON-RPC takes no such arguments", { error: { code: -32602, message: "bad date" } }, "refused"],
    ["told as a result", told("MCP error -32602: Tool create_media_buy not found"), "unsupported"],
    ["told as a result by another library", told("Unknown tool: create_media_buy"), "unsupported"],
    [
      "told of arguments",
      told("MCP error -32602: Input validation error: Invalid arguments for tool create_media_buy: x"),
      "refused",
    ],
  ])("%s", async (_, body, kind) => {
    const { url, count } = await stubMcp(({ rpc }, outgoing) => reply(outgoing, rpc.id, body));
    expect(await failureOf(buy(carrier(url)))).toMatchObject({ kind, definite: true });
    expect(count("tools/call")).toBe(1);
  });

  test("any other error of JSON-RPC proves nothing", async () => {
    const error = { code: -32603, message: "Internal error <script>" };
    const { url } = await stubMcp(({ rpc }, outgoing) => reply(outgoing, rpc.id, { error }));
    expect(await failureOf(buy(carrier(url)))).toMatchObject({
      kind: "server_error",
      definite: false,
      sellerSaid: "Internal error ‹script›",
    });
  });

  test.each([
    [401, "unauthorized", true],
    [403, "forbidden", true],
    [429, "server_error", false],
    [500, "server_error", false],
    [418, "refused", false],
  ])("HTTP %i", async (status, kind, definite) => {
    const { url, count } = await stubMcp((_, outgoing) => outgoing.writeHead(status).end("no"));
    expect(await failureOf(buy(carrier(url)))).toMatchObject({ kind, definite, status });
    expect(count("tools/call")).toBe(1);
  });

  test("a handshake that fails is definite, whatever it is, and tried anew by the next call", async () => {
    let well = false;
    const { url, count } = await stubMcp(({ rpc }, outgoing) => reply(outgoing, rpc.id, structured({ ok: 1 })), {
      onOther: (_, outgoing) => (well ? undefined : outgoing.writeHead(500).end()),
    });
    const one = carrier(url);
    expect(await failureOf(buy(one))).toMatchObject({ kind: "server_error", definite: true });
    expect(await failureOf(one.tasks(anonymous))).toMatchObject({ kind: "server_error" });
    expect(count("tools/call")).toBe(0);
    well = true;
    expect(await buy(one)).toEqual({ ok: 1 });
  });

  test("nobody there", async () => {
    const server = createTcp();
    const origin = await listen(server);
    await new Promise((done) => server.close(done));
    expect(await failureOf(buy(carrier(`${origin}/mcp`)))).toMatchObject({ kind: "unreachable", definite: true });
  });

  test("nobody there any more", async () => {
    const { url, count } = await stubMcp((_, outgoing) => outgoing.destroy(), { session: null });
    const one = carrier(url);
    await failureOf(buy(one));
    await open.pop()?.();
    expect(await failureOf(buy(one))).toMatchObject({ kind: "unreachable", definite: true });
    expect(count("tools/call")).toBe(1);
  });
});

describe("what is sent", () => {
  test("the one credential of the seller, with every message, and nothing to anybody else", async () => {
    const { url, asked } = await stubMcp(({ rpc }, outgoing) => reply(outgoing, rpc.id, structured({})));
    const credentials = { seat: { bearer: "low" }, agency: { bearer: "high" } };
    const one = carrier(url, { credentials });
    await look(one, anonymous);
    await one.close();
    expect(asked.map(({ rpc }) => rpc.method)).toEqual([
      "initialize",
      "notifications/initialized",
      "tools/call",
      "DELETE",
    ]);
    expect(asked.every(({ headers }) => headers.authorization === "Bearer high")).toBe(true);
    expect(asked.every(({ headers }) => headers["errand"] === undefined)).toBe(true);
    expect(asked.slice(1).map(({ headers }) => [headers["mcp-session-id"], headers["mcp-protocol-version"]])).toEqual(
      Array.from({ length: 3 }, () => ["s-1", "2025-06-18"]),
    );
    const bare = await stubMcp(({ rpc }, outgoing) => reply(outgoing, rpc.id, structured({})), { session: null });
    await look(carrier(bare.url));
    expect(bare.asked.some(({ headers }) => headers.authorization || headers["mcp-session-id"])).toBe(false);
  });

  test("an address without a path means /mcp; any other is kept", async () => {
    const paths: unknown[] = [];
    const { origin } = await serve((incoming, outgoing) => {
      paths.push(incoming.url);
      outgoing.writeHead(500).end();
    });
    for (const rest of ["", "/", "/ads/agent?x=1"]) await failureOf(look(carrier(origin + rest)));
    expect(paths).toEqual(["/mcp", "/mcp", "/ads/agent?x=1"]);
  });

  test("a redirect is not followed, and a secret that comes back is masked", async () => {
    const elsewhere = await serve((_, outgoing) => outgoing.end());
    const to = { location: `${elsewhere.origin}/mcp` };
    const moved = await stubMcp((_, outgoing) => outgoing.writeHead(307, to).end());
    expect(await failureOf(buy(carrier(moved.url)))).toMatchObject({ kind: "redirected", definite: false });
    expect(elsewhere.got).toHaveLength(0);

    const said = { note: "token sk-verysecret is old" };
    const credentials = { agency: { bearer: "sk-verysecret" } };
    const asJson = await stubMcp(({ rpc }, outgoing) => reply(outgoing, rpc.id, structured(said)));
    const asStream = await stubMcp(({ rpc }, outgoing) => {
      const whole = event(rpc.id, structured(said));
      const cut = whole.indexOf("verysecret");
      outgoing.writeHead(200, { "content-type": "text/event-stream" }).write(whole.slice(0, cut + 3));
      setTimeout(() => outgoing.end(whole.slice(cut + 3)), 20);
    });
    const refusing = await stubMcp((_, outgoing) => outgoing.writeHead(401).end("bad key sk-verysecret"));
    for (const { url } of [asJson, asStream]) {
      expect(await look(carrier(url, { credentials }))).toEqual({ note: "token *** is old" });
    }
    expect((await failureOf(look(carrier(refusing.url, { credentials })))).sellerSaid).toBe("bad key ***");
  });
});

describe("event streams", () => {
  const stream = { "content-type": "text/event-stream" };

  test("the answer is had while the seller leaves the stream open, after notes and questions of its own", async () => {
    const { url, count, asked } = await stubMcp(({ rpc }, outgoing) => {
      outgoing.writeHead(200, stream).write(": hello\n\nevent: message\nid: 1\ndata: \n\n");
      outgoing.write(`data: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params: {} })}\n\n`);
      outgoing.write(`data: ${JSON.stringify({ jsonrpc: "2.0", id: rpc.id, method: "elicitation/create" })}\n\n`);
      outgoing.write(event("another", structured({ wrong: 1 })));
      outgoing.write(event(rpc.id, structured({ first: 1 })).replaceAll("\n", "\r\n"));
      outgoing.write(event(rpc.id, structured({ second: 1 })));
    });
    const one = carrier(url, { timeouts: { booking: 2_000 } });
    const began = performance.now();
    expect(await buy(one)).toEqual({ first: 1 });
    expect(performance.now() - began).toBeLessThan(1_500);
    expect([count("tools/call"), count("GET"), asked.length]).toEqual([1, 0, 3]);
  });

  test("one that ends before its answer is taken up again where that is offered; the call is not sent again", async () => {
    let gets = 0;
    const { url, count, asked } = await stubMcp(
      (_, outgoing) => outgoing.writeHead(200, stream).end("id: 7\nretry: 100\ndata: \n\n"),
      {
        onOther: ({ method, headers }, outgoing) => {
          if (method !== "GET") return;
          gets += 1;
          outgoing.writeHead(200, stream);
          const id = asked.find(({ rpc }) => rpc.method === "tools/call")?.rpc.id;
          if (gets === 1) outgoing.end("id: 8\ndata: \n\n");
          else outgoing.end(event(id, structured({ after: headers["last-event-id"] })));
        },
      },
    );
    expect(await buy(carrier(url))).toEqual({ after: "8" });
    expect([gets, count("tools/call")]).toEqual([2, 1]);
  });

  test("what is not told again leaves the booking unknown, also where nobody is there any more", async () => {
    const gone = await stubMcp((_, outgoing) => outgoing.writeHead(200, stream).end("id: 7\ndata: \n\n"), {
      onOther: ({ method }, outgoing) => method === "GET" && outgoing.writeHead(404).end(),
    });
    expect(await failureOf(buy(carrier(gone.url)))).toMatchObject({ definite: false });
    const never = await stubMcp((_, outgoing) => outgoing.writeHead(200, stream).end(": bye\n\n"));
    expect(await failureOf(buy(carrier(never.url)))).toMatchObject({ kind: "invalid_answer", definite: false });
    expect([gone.count("tools/call"), never.count("tools/call")]).toEqual([1, 1]);

    let closing: Promise<unknown> | undefined;
    const off = await stubMcp((_, outgoing) => {
      outgoing.writeHead(200, stream).end("id: 7\nretry: 300\ndata: \n\n");
      closing = new Promise((done) => outgoing.once("close", done)).then(open[open.length - 1]);
    });
    expect(await failureOf(buy(carrier(off.url)))).toMatchObject({ kind: "unreachable", definite: false });
    await closing;
  });

  test("one larger than the cap is cut off, and one that drips ends at the deadline", async () => {
    const big = await stubMcp((_, outgoing) => outgoing.writeHead(200, stream).end(`data: ${"x".repeat(5 << 20)}\n\n`));
    expect(await failureOf(buy(carrier(big.url)))).toMatchObject({ kind: "too_large", definite: false });
    const slow = await stubMcp((_, outgoing) => {
      const drip = setInterval(() => outgoing.write("data: x\n\n"), 20);
      outgoing.writeHead(200, stream).on("close", () => clearInterval(drip));
    });
    const one = carrier(slow.url, { timeouts: { booking: 300 } });
    expect(await failureOf(buy(one))).toMatchObject({ kind: "timeout", definite: false });
    expect([big.count("tools/call"), slow.count("tools/call")]).toEqual([1, 1]);
  });
});

describe("sent once", () => {
  test("a booking whose socket dies is not sent again; a read is, once, over a fresh socket", async () => {
    const { url, count } = await stubMcp((_, __, incoming) => incoming.socket.destroy());
    const one = carrier(url);
    expect(await failureOf(buy(one))).toMatchObject({ kind: "unreachable", definite: false });
    expect(count("tools/call", "create_media_buy")).toBe(1);
    expect(await failureOf(look(one))).toMatchObject({ kind: "unreachable", definite: false });
    expect(count("tools/call", "get_products")).toBe(2);
  });

  test.each([
    ["hangs", () => undefined, "timeout"],
    [
      "sends half an answer",
      (outgoing: Outgoing) => outgoing.writeHead(200, { "content-length": 99 }).end("{"),
      "unreachable",
    ],
    ["answers another request", (outgoing: Outgoing) => reply(outgoing, "x", structured({ a: 1 })), "invalid_answer"],
    [
      "answers in HTML",
      (outgoing: Outgoing) => outgoing.writeHead(200, { "content-type": "text/html" }).end("<p>"),
      "invalid_answer",
    ],
    ["says no more than that it took it", (outgoing: Outgoing) => outgoing.writeHead(202).end(), "invalid_answer"],
    [
      "answers with more than the cap",
      (outgoing: Outgoing) => reply(outgoing, 0, { pad: "x".repeat(5 << 20) }),
      "too_large",
    ],
    ["answers null", (outgoing: Outgoing) => reply(outgoing, 3, { result: null }), "invalid_answer"],
  ])("a seller that %s leaves it unknown", async (_, says, kind) => {
    const { url, count } = await stubMcp((__, outgoing) => says(outgoing));
    const one = carrier(url, { timeouts: { booking: 300 } });
    expect(await failureOf(buy(one))).toMatchObject({ kind, definite: false });
    expect(count("tools/call")).toBe(1);
    expect(count("notifications/cancelled")).toBe(0);
  });

  test("the first of two answers counts", async () => {
    const { url } = await stubMcp(({ rpc: { id } }, outgoing) => {
      const both = [structured({ first: 1 }), structured({ second: 1 })];
      outgoing.writeHead(200, { "content-type": "application/json" });
      outgoing.end(JSON.stringify(both.map((one) => ({ jsonrpc: "2.0", id, ...one }))));
    });
    expect(await buy(carrier(url))).toEqual({ first: 1 });
  });

  test("reads that fail, hang or are given up end nothing of a booking in flight, and its answer is received", async () => {
    const { url, count } = await stubMcp(({ rpc }, outgoing, incoming) => {
      const { name } = rpc.params as { name: string };
      if (name === "create_media_buy")
        setTimeout(() => reply(outgoing, rpc.id, structured({ media_buy_id: "mb" })), 700);
      else if (name === "get_media_buys") incoming.socket.destroy();
      else if (name === "list_accounts") outgoing.writeHead(404).end();
    });
    const one = carrier(url, { timeouts: { media_kit: 150 } });
    const booking = buy(one, { ...asAgency, signal: AbortSignal.timeout(50) });
    const read = (task: string, signal?: AbortSignal) =>
      failureOf(one.call(task, "{}", "media_kit", { ...asAgency, signal }));
    expect(await read("get_media_buys")).toMatchObject({ kind: "unreachable" });
    expect(await read("get_products")).toMatchObject({ kind: "timeout", code: null });
    expect(await read("get_products", AbortSignal.timeout(20))).toMatchObject({ kind: "timeout", code: "stopped" });
    // Forgets the session, and opens another.
    expect(await read("list_accounts")).toMatchObject({ kind: "not_found" });
    expect(await booking).toEqual({ media_buy_id: "mb" });
    expect(count("tools/call", "create_media_buy")).toBe(1);
  });

  test("the wait for a session ends with its caller, and the session is there for the next", async () => {
    const { url, count } = await stubMcp(({ rpc }, outgoing) => reply(outgoing, rpc.id, structured({ ok: 1 })), {
      onOther: ({ rpc }) => (rpc.method === "initialize" ? new Promise((done) => setTimeout(done, 150)) : undefined),
    });
    const one = carrier(url);
    const stopped = await failureOf(look(one, { ...asAgency, signal: AbortSignal.timeout(20) }));
    expect(stopped).toMatchObject({ kind: "timeout", code: "stopped", definite: true });
    expect(await look(one)).toEqual({ ok: 1 });
    expect([count("initialize"), count("tools/call")]).toEqual([1, 1]);
  });
});

describe("a session the seller has forgotten", () => {
  /** Knows a session from its handshake until it is made to forget. */
  async function forgetful(status: number) {
    let known = false;
    const agent = await stubMcp(
      ({ rpc }, outgoing) => {
        if (known) return reply(outgoing, rpc.id, structured({ ok: 1 }));
        const error = { code: -32001, message: "Session not found" };
        outgoing.writeHead(status, { "content-type": "application/json" });
        return outgoing.end(JSON.stringify({ jsonrpc: "2.0", id: null, error }));
      },
      {
        onOther: ({ rpc }, outgoing) => {
          if (rpc.method === "initialize") known = true;
          else if (!known) outgoing.writeHead(status).end();
        },
      },
    );
    return { ...agent, forget: () => (known = false) };
  }

  test.each([404, 400])("is opened anew for a read, and before a booking (HTTP %i)", async (status) => {
    const { url, count, forget } = await forgetful(status);
    const one = carrier(url);
    expect(await look(one)).toEqual({ ok: 1 });
    forget();
    expect(await look(one)).toEqual({ ok: 1 });
    expect([count("initialize"), count("tools/call", "get_products")]).toEqual([2, 3]);
    forget();
    expect(await buy(one)).toEqual({ ok: 1 });
    expect([count("initialize"), count("ping"), count("tools/call", "create_media_buy")]).toEqual([3, 1, 1]);
  });

  test("between the ping and the booking: not sent again, and definite by the status that MCP has for it", async () => {
    for (const status of [404, 400]) {
      const { url, count } = await stubMcp((_, outgoing) => outgoing.writeHead(status).end());
      const one = carrier(url);
      expect(await failureOf(buy(one))).toMatchObject({ code: "session_gone", definite: status === 404 });
      expect(count("tools/call")).toBe(1);
      await failureOf(buy(one));
      expect([count("initialize"), count("tools/call")]).toEqual([2, 2]);
    }
  });

  test("a seller that hangs at the ping is not sent the booking", async () => {
    const { url, count } = await stubMcp(({ rpc }, outgoing) => reply(outgoing, rpc.id, structured({})), {
      onOther: ({ rpc }) => (rpc.method === "ping" ? new Promise(() => undefined) : undefined),
    });
    const one = carrier(url, { timeouts: { discovery: 200 } });
    await look(one);
    expect(await failureOf(buy(one))).toMatchObject({ kind: "timeout", definite: true });
    expect(count("tools/call", "create_media_buy")).toBe(0);
  });
});

test("the seller's clock is that of its last answer to us, in steps of 30 s", async () => {
  let ahead = 95;
  const { url } = await stubMcp(({ rpc }, outgoing) => {
    const date = new Date(Date.now() + ahead * 1_000).toUTCString();
    reply(outgoing, rpc.id, structured({}), { date });
  });
  const one = carrier(url);
  expect(one.aheadMs()).toBe(0);
  for (const [seconds, expected] of [
    [95, 90_000],
    [-65, -60_000],
    [20, 0],
  ] as const) {
    ahead = seconds;
    await look(one);
    expect(one.aheadMs()).toBe(expected);
  }
});
