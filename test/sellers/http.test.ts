import { createServer as createTcp, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { defaultTimeouts } from "../../src/sellers/http.ts";
import { failureOf } from "../contract/seller-bench.ts";
import { verifies } from "../requirements.ts";
import { anonymous, asAgency, json, listen, open, read, serve, tcp, to, untilSettled, write } from "./loopback.ts";

describe("what is sent", () => {
  test("a bearer token, else an API key, else nothing; and none of them to a stranger", async () => {
    verifies("connection.auth.bearer_first", "connection.auth.api_key_second", "connection.auth.none_last");
    const { origin, got } = await serve(json({}));
    const credentials = { agency: { bearer: "tok", apiKey: "key" }, seat: { apiKey: "key" } };
    const http = to(origin, { credentials });
    await http.send(read, asAgency);
    await http.send(read, { tier: "seat", identity: {} });
    await http.send(read, { tier: "advertiser", identity: {} });
    await http.send(read, anonymous);
    const sent = got.map(({ headers }) => [headers.authorization, headers["x-api-key"]]);
    expect(sent).toEqual([
      ["Bearer tok", undefined],
      [undefined, "key"],
      [undefined, undefined],
      [undefined, undefined],
    ]);
    expect(got.every(({ headers }) => headers["accept-encoding"] === "identity")).toBe(true);
  });

  test("a body goes out byte for byte", async () => {
    const bodies: string[] = [];
    const { origin } = await serve(async (incoming, outgoing) => {
      bodies.push(Buffer.concat(await incoming.toArray()).toString("utf8"));
      json({})(incoming, outgoing);
    });
    const body = '{ "note":"Zürich 😀",  "n": 1.0}';
    await to(origin).send({ ...write, body }, anonymous);
    expect(bodies).toEqual([body]);
  });

  test("a redirect is reported, not followed, and the credential goes nowhere", async () => {
    verifies("connection.auth.per_origin");
    const elsewhere = await serve(json({}));
    const { origin } = await serve((_, outgoing) =>
      outgoing.writeHead(307, { location: `${elsewhere.origin}/x` }).end(),
    );
    const http = to(origin, { credentials: { agency: { bearer: "tok" } } });
    const error = await failureOf(http.send(write, asAgency));
    expect(error).toMatchObject({ kind: "redirected", status: 307, definite: false });
    expect(elsewhere.got).toHaveLength(0);
  });

  test("a path that would leave the origin is not sent", async () => {
    const elsewhere = await serve(json({}));
    const { origin, got } = await serve(json({}));
    await expect(
      to(origin).send({ ...read, path: `//${new URL(elsewhere.origin).host}/x` }, asAgency),
    ).rejects.toThrow();
    expect([...got, ...elsewhere.got]).toHaveLength(0);
  });
});

describe("what comes back", () => {
  test("JSON is parsed where the answer says it is, and the seller's clock is told", async () => {
    const { origin } = await serve(json({ ok: true }));
    expect(await to(origin).send(read, anonymous)).toMatchObject({
      status: 200,
      json: { ok: true },
      date: "Fri, 20 Nov 2026 08:00:00 GMT",
    });
  });

  test.each([
    ["text/plain", '{"a":1}', undefined],
    ["application/json", "{", undefined],
    ["application/vnd.x+json; v=1", '{"a":1}', { a: 1 }],
    ["application/json", '{"a":"\\ud800"}', { a: "\ud800" }],
  ])("%s %s", async (type, body, expected) => {
    const { origin } = await serve((_, outgoing) => outgoing.writeHead(500, { "content-type": type }).end(body));
    expect((await to(origin).send(read, anonymous)).json).toEqual(expected);
  });

  test("bad UTF-8 crashes nothing, and what nests deeper than any protocol is not parsed", async () => {
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    const bodies = [
      Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xc3, 0x28]), Buffer.from('"}')]),
      Buffer.from(deep),
    ];
    const { origin } = await serve((_, outgoing) => {
      outgoing.writeHead(200, { "content-type": "application/json" }).end(bodies.shift());
    });
    const http = to(origin);
    expect((await http.send(read, anonymous)).json).toEqual({ a: "\ufffd\ufffd(" });
    expect((await http.send(read, anonymous)).json).toBeUndefined();
  });

  test("an answer of more than 4 MB is cut off, said up front or not", async () => {
    const big = Buffer.alloc(5 << 20, 32);
    for (const known of [true, false]) {
      const { origin } = await serve((_, outgoing) => {
        outgoing.writeHead(200, {
          "content-type": "application/json",
          ...(known ? { "content-length": big.length } : {}),
        });
        outgoing.end(big);
      });
      expect(await failureOf(to(origin).send(write, anonymous))).toMatchObject({ kind: "too_large", definite: false });
    }
  });

  test("a compressed answer is refused: its size could not be capped", async () => {
    const { origin } = await serve((_, outgoing) => {
      outgoing.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end("x");
    });
    expect(await failureOf(to(origin).send(read, anonymous))).toMatchObject({ kind: "invalid_answer" });
  });

  test("what is not HTTP is an invalid answer", async () => {
    const { origin } = await tcp((socket) => socket.on("data", () => socket.end("220 mail.example ESMTP\r\n")));
    expect(await failureOf(to(origin).send(read, anonymous))).toMatchObject({
      kind: "invalid_answer",
      definite: false,
    });
  });
});

describe("an event stream", () => {
  const stream = { "content-type": "text/event-stream" };

  test("gives its first JSON event, and the socket serves again where the seller ends the stream itself", async () => {
    const sockets = new Set<unknown>();
    const { origin } = await serve((incoming, outgoing) => {
      sockets.add(incoming.socket);
      outgoing.writeHead(200, stream).write('data: hello\n\ndata: {"a":\ndata: 1}\n\ndata: {"b":1}\n\n');
      setTimeout(() => outgoing.end(), 20);
    });
    const http = to(origin);
    for (let n = 0; n < 3; n += 1) {
      expect(await http.send({ ...read, method: "POST", repeatable: true }, anonymous)).toMatchObject({
        json: { a: 1 },
      });
      await untilSettled();
    }
    expect(sockets.size).toBe(1);
  });

  test.each(["\r\n", "\n", "\r"])("may end its lines with %j, and come byte by byte", async (end) => {
    const whole = [": note", "id: 7", "event: message", 'data: {"zürich":"😀"}', "", ""].join(end);
    const { origin } = await serve(async (_, outgoing) => {
      outgoing.writeHead(200, stream);
      for (const byte of Buffer.from(whole)) {
        outgoing.write(Buffer.from([byte]));
        await new Promise((done) => setImmediate(done));
      }
      outgoing.end();
    });
    expect(await to(origin).send(read, anonymous)).toMatchObject({ json: { zürich: "😀" }, resume: null });
  });

  test("that ends before its answer says where it may be taken up again", async () => {
    const { origin } = await serve((_, outgoing) =>
      outgoing.writeHead(200, stream).end("id: 7\nretry: 40\ndata: x\n\n"),
    );
    const answer = await to(origin).send(read, anonymous);
    expect(answer).toMatchObject({ json: undefined, resume: { lastEventId: "7", retryMs: 40 } });
  });
});

describe("deadlines", () => {
  test("are 10, 15 and 30 seconds, and can be set", () => {
    verifies("connection.timeout.discovery", "connection.timeout.kit", "connection.timeout.booking");
    expect(defaultTimeouts).toEqual({ discovery: 10_000, media_kit: 15_000, booking: 30_000 });
  });

  test("hold for a silent seller and for a body that drips, each phase by its own", async () => {
    verifies("connection.timeout.setting", "error.unreachable_vs_timeout");
    const timeouts = { discovery: 100, booking: 150 };
    const silentSeller = await serve(() => undefined);
    const dripping = await serve((_, outgoing) => {
      outgoing.writeHead(200, { "content-type": "application/json" });
      const drip = setInterval(() => outgoing.write(" "), 10);
      outgoing.on("close", () => clearInterval(drip));
    });
    for (const { origin } of [silentSeller, dripping]) {
      const http = to(origin, { timeouts });
      const first = await failureOf(http.send(read, anonymous));
      expect(first).toMatchObject({ kind: "timeout", definite: false, code: null });
      expect(first.message).toBe("northbeam did not answer GET /products within 0.1 s.");
      expect((await failureOf(http.send(write, anonymous))).message).toContain("POST /api/v1/deals within 0.15 s");
    }
  });

  test("the caller's abort ends a read, and never a booking", async () => {
    const { origin } = await serve((incoming, outgoing) => {
      if (incoming.method === "POST") setTimeout(() => json({ booked: true })(incoming, outgoing), 50);
    });
    const stop = AbortSignal.timeout(10);
    const http = to(origin);
    const booking = http.send(write, { ...anonymous, signal: stop });
    expect(await failureOf(http.send(read, { ...anonymous, signal: stop }))).toMatchObject({
      kind: "timeout",
      code: "stopped",
    });
    expect((await booking).json).toEqual({ booked: true });
  });
});

describe("a broken connection", () => {
  /** Answers once per socket with keep-alive, and resets the socket at its second request, as uvicorn may after a 500. */
  function resetsSecond(socket: Socket): void {
    let seen = 0;
    socket.on("data", () => {
      seen += 1;
      if (seen > 1) socket.resetAndDestroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    });
  }

  test("is survived by a GET on a fresh socket, once", async () => {
    const { origin, connections } = await tcp(resetsSecond);
    const http = to(origin);
    await http.send(read, anonymous);
    await untilSettled();
    expect((await http.send(read, anonymous)).json).toEqual({});
    expect(connections()).toBe(2);
    const always = await tcp((socket) => socket.on("data", () => socket.resetAndDestroy()));
    expect(await failureOf(to(always.origin).send(read, anonymous))).toMatchObject({
      kind: "unreachable",
      definite: false,
    });
    expect(always.connections()).toBe(2);
  });

  test("is not tried again by a POST, which always has a socket of its own", async () => {
    const { origin, connections } = await tcp(resetsSecond);
    const http = to(origin);
    await http.send(write, anonymous);
    await untilSettled();
    await http.send(write, anonymous);
    expect(connections()).toBe(2);
    const always = await tcp((socket) => socket.on("data", () => socket.resetAndDestroy()));
    expect(await failureOf(to(always.origin).send(write, anonymous))).toMatchObject({
      kind: "unreachable",
      definite: false,
    });
    expect(always.connections()).toBe(1);
  });

  test("is not definite where only the second try found nobody there", async () => {
    const { origin, connections } = await tcp((socket) => socket.on("data", () => void open.pop()?.()));
    const error = await failureOf(to(origin).send(read, anonymous));
    expect(error).toMatchObject({ kind: "unreachable", definite: false });
    expect(connections()).toBe(1);
  });

  test("half an answer is not an answer", async () => {
    const half = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
    const { origin } = await tcp((socket) => socket.on("data", () => socket.end(half)));
    const error = await failureOf(to(origin).send(write, anonymous));
    expect(error).toMatchObject({ kind: "unreachable", definite: false });
    expect(error.message).toContain("broke off POST /api/v1/deals");
  });

  test("a refused one is definite: nothing was sent", async () => {
    const server = createTcp();
    const origin = await listen(server);
    await new Promise((done) => server.close(done));
    const error = await failureOf(to(origin).send(write, anonymous));
    expect(error).toMatchObject({ kind: "unreachable", definite: true });
    expect(error.message).toBe("northbeam could not be reached (ECONNREFUSED).");
    expect(await failureOf(to("https://no-such-host.invalid").send(write, anonymous))).toMatchObject({
      definite: true,
    });
  });
});

describe("a seller that keeps failing", () => {
  test("is left alone after five failures, definitely unsent, and tried again after the rest", async () => {
    verifies("stack.cockatiel");
    let well = false;
    const { origin, got } = await serve((incoming, outgoing) => {
      if (well) json({})(incoming, outgoing);
      else incoming.socket.destroy();
    });
    const http = to(origin, { circuit: { failures: 5, restMs: 500 } });
    for (let n = 0; n < 5; n += 1) await failureOf(http.send(write, anonymous));
    expect(got).toHaveLength(5);
    expect(await failureOf(http.send(write, anonymous))).toMatchObject({ kind: "circuit_open", definite: true });
    expect(got).toHaveLength(5);
    well = true;
    await new Promise((done) => setTimeout(done, 600));
    expect((await http.send(write, anonymous)).status).toBe(200);
  });

  test("refusals, error pages and callers that gave up open nothing", async () => {
    const { origin } = await serve((incoming, outgoing) => {
      if (incoming.method === "POST") outgoing.writeHead(500).end("Internal Server Error");
    });
    const http = to(origin);
    for (let n = 0; n < 7; n += 1) {
      expect((await http.send(write, anonymous)).status).toBe(500);
      expect(await failureOf(http.send(read, { ...anonymous, signal: AbortSignal.abort() }))).toMatchObject({
        code: "stopped",
      });
    }
  });
});
