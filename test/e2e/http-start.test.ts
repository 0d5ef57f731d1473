import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { callOver, modernBody, modernHeaders, send } from "../http/wire.ts";
import { ConfigError, parseConfig } from "../../src/config.ts";
import { tokenDigest } from "../../src/http/tokens.ts";
import { serve } from "../conformance/serve.ts";
import { everyNth } from "../long.ts";
import { verifies } from "../requirements.ts";
import { bookingDesk, sent, until } from "./booking-fixtures.ts";
import { approving, clientKinds } from "./client.ts";
import { dealsOf, quoteFrom, startDesk, startSandboxDesk, type TestDesk } from "./fixtures.ts";
import { listeningOf, principal, principals, tokens } from "./http-server.ts";

vi.setConfig({ testTimeout: 60_000 });

let desk: TestDesk;
afterEach(() => desk.close());

const deskWith = async (http: Record<string, unknown>) => {
  desk = await startDesk({ config: (standard) => ({ ...standard, http }) });
};
const maker = principal("maker", ["buy:read"]);

describe("a desk that spends real money", () => {
  test("is not served without principals", async () => {
    await deskWith({});
    const ran = await desk.run("--http", "0");
    expect(ran.code, ran.stderr).toBe(2);
    expect(ran.stderr).toMatch(/http\.principals is empty.* token.*http\.open/);
    expect(ran.stderr).toContain("Nothing was started.");
    expect(ran.stdout).toBe("");
  });

  test.each([
    ["open to other machines", { host: "0.0.0.0", open: true }, /http\.open is for this machine alone/],
    ["on every address without tokens", { host: "0.0.0.0", allowed_hosts: ["desk.example"] }, /callers need tokens/],
    ["on every address without hosts", { host: "0.0.0.0", principals: [maker] }, /http\.allowed_hosts must name/],
    ["on an address of the network", { host: "192.0.2.7" }, /callers need tokens/],
    ["on all IPv6 addresses", { host: "[::]" }, /callers need tokens/],
    ["open and with tokens", { open: true, principals: [maker] }, /choose/],
  ])("is not served %s", async (_what, http, says) => {
    await deskWith(http);
    const served = desk.serveHttp();
    await expect(served).rejects.toThrow(says);
    await expect(served).rejects.toThrow(ConfigError);
    await expect(served).rejects.toThrow("Nothing was started.");
  });

  test.each([
    ["a principal called local", { principals: [{ ...maker, name: "local" }] }],
    ["two of one name", { principals: [maker, { ...maker, token_sha256: "0".repeat(64) }] }],
    ["one token for two", { principals: [maker, { ...maker, name: "other" }] }],
    ["a token in place of its digest", { principals: [{ ...maker, token_sha256: tokens.maker }] }],
    ["a scope nobody knows", { principals: [{ ...maker, scopes: ["buy:everything"] }] }],
    ["no scope", { principals: [{ ...maker, scopes: [] }] }],
    ["limits in another currency", { principals: [{ ...maker, per_buy: "1.00 EUR" }] }],
    ["limits the wrong way round", { principals: [{ ...maker, per_buy: "2.00 USD", per_day: "1.00 USD" }] }],
    ["a port that is none", { port: 70_000 }],
    ["an unknown word", { principal: [] }],
  ])("cannot be configured with %s, for stdio as well, and no secret is shown", async (_what, http) => {
    await deskWith({});
    const config = JSON.parse(readFileSync(join(desk.directory, "config.json"), "utf8"));
    const said = (() => {
      try {
        parseConfig(JSON.stringify({ ...config, http }), "config.json", {});
      } catch (error) {
        return error instanceof ConfigError ? error.message : `another error: ${error}`;
      }
      return "nothing";
    })();
    expect(said).toMatch(/^config\.json cannot be used:\n {2}- http[\s\S]+Nothing was started\.$/);
    expect(said).not.toContain(tokens.maker);
  });

  test("a config that cannot be used ends the program over HTTP and in the terminal alike", async () => {
    await deskWith({ principal: [] });
    for (const words of [["--http", "0"], ["pending"]]) {
      const ran = await desk.run(...words);
      expect(ran.code, ran.stderr).toBe(2);
      expect(ran.stderr).toMatch(/http/);
    }
  });

  test("is served openly where its operator says so, on this machine", async () => {
    await deskWith({ open: true });
    const server = await desk.serveHttp();
    await expect.poll(server.log).toContain("no token is asked for");
    const inbox = await desk.connect({ over: listeningOf(server) });
    expect((await inbox.ok("get_inbox")).at("principal")).toBe("local");
  });

  test.each(everyNth([["99999"], ["-1"], ["pending"], ["7.5"]], 2))("is not started at %s", async (word) => {
    await deskWith({ principals: [maker] });
    const ran = await desk.run("--http", ...(word.startsWith("-") ? ["--", word] : [word]));
    expect(ran.code, ran.stderr).toBe(2);
    expect(ran.stderr).toContain("--http takes a port");
  });

  test("is not started on a port that is taken, and says so in a line", async () => {
    await deskWith({ principals: [maker] });
    const { port } = await desk.serveHttp();
    const ran = await desk.run("--http", String(port));
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/EADDRINUSE/);
    expect(ran.stderr.split("\n").length).toBeLessThan(4);
  });
});

test("a sandbox desk is served openly on this machine, says so, and books for every client", async () => {
  verifies("server.http");
  desk = startSandboxDesk();
  const server = await desk.spawnHttp();
  await expect.poll(server.log).toContain("no token is asked for: every program on this machine is served as local");
  for (const [n, kind] of clientKinds.entries()) {
    const client = await desk.connect({ kind, person: approving, over: listeningOf(server) });
    const ref = await quoteFrom(client, { impressions: 100_000 + n });
    const reply = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
    expect(reply.at("status"), reply.text).toBe("booked");
    expect(reply.text).toContain("sandbox");
  }
});

test("the command that makes a token prints it once, with the line for the config", async () => {
  desk = await startDesk();
  const ran = await desk.run("token", "trader");
  expect(ran.code).toBe(0);
  const token = /mbt_[\w-]{43}/.exec(ran.stdout)?.[0] ?? "";
  const line = JSON.parse(/^ +(\{.+\})$/m.exec(ran.stdout)?.[1] ?? "{}");
  expect(line).toEqual({
    name: "trader",
    token_sha256: tokenDigest(token),
    scopes: ["buy:read", "buy:quote", "buy:write"],
  });
  await desk.close();
  await deskWith({ principals: [line] });
  const { port } = await desk.serveHttp();
  expect((await callOver(port, token, "get_inbox", {})).at("structuredContent", "principal")).toBe("trader");
});

test("a fault of ours is a 500 that names a reference of the log, and nothing else", async () => {
  verifies("promise.no_silence");
  const served = await serve({ serverFor: () => Promise.reject(new Error("the disk is full")) });
  try {
    const port = Number(new URL(served.url).port);
    const headers = modernHeaders("tools/call", "get_inbox", null);
    const answers = [
      await send(port, { headers, body: modernBody("tools/call", { name: "get_inbox", arguments: {} }) }),
      await send(port, {
        headers: { ...headers, "mcp-protocol-version": "2025-11-25" },
        body: '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"w","version":"1"}}}',
      }),
    ];
    for (const answer of answers) {
      expect(answer.status, answer.text).toBe(500);
      const reference = /reference ([0-9a-f-]{36})/.exec(answer.text)?.[1] ?? "none";
      expect(answer.headers["x-request-id"]).toBe(reference);
      expect(answer.text).not.toMatch(/disk|\bat /);
      // The cause is on a line with the reference.
      const told = served.log.filter((line) => line.includes(reference));
      expect(told.join("\n")).toContain("the disk is full");
    }
  } finally {
    await served.close();
  }
});

test("a key for states that is none is a fault of the desk's, which the log tells", async () => {
  await deskWith({ principals });
  mkdirSync(join(desk.directory, "data", "acme"), { recursive: true });
  writeFileSync(join(desk.directory, "data", "acme", "state.key"), "no key");
  const server = await desk.serveHttp();
  const call = { name: "get_inbox", arguments: {}, requestState: "a state" };
  const headers = modernHeaders("tools/call", "get_inbox", tokens.agent);
  const answer = await send(server.port, { headers, body: modernBody("tools/call", call) });
  expect(answer.text).not.toMatch(/state\.key|data\/|\bat /);
  expect(answer.text).not.toContain("structuredContent");
  await expect.poll(server.log).toContain("does not hold a key");
});

test("without a ledger it lives, and is not ready", async () => {
  verifies("deployment.http");
  desk = await startDesk({ config: (standard) => ({ ...standard, http: { principals } }) });
  writeFileSync(join(desk.directory, "data"), "where the data directory should be");
  const { port } = await desk.serveHttp();
  expect((await send(port, { method: "GET", path: "/healthz" })).status).toBe(200);
  const ready = await send(port, { method: "GET", path: "/readyz" });
  expect(ready.status).toBe(503);
  expect(ready.text).toBe("the ledger does not answer\n");
});

describe("being stopped", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "by %s in the middle of a booking, it finishes that, takes nothing new, and leaves",
    async (signal) => {
      verifies("deployment.http");
      desk = await bookingDesk({ bookingSeconds: 20, config: (standard) => ({ ...standard, http: { principals } }) });
      const server = await desk.spawnHttp();
      const agent = await desk.connect({ person: approving, over: listeningOf(server, tokens.agent) });
      const ref = await quoteFrom(agent);
      desk.sandbox.fault("northbeam", { kind: "slow", operation: "deal", ms: 2_500, uses: 1 });
      const buying = agent.ok("create_media_buy", { lines: [{ quote_id: ref }] });
      await until("the booking is sent", () => sent(desk, "deal") === 1);
      const left = server.stop(signal);
      await until("nobody is let in", () =>
        callOver(server.port, tokens.agent, "get_inbox", {}).then(
          ({ httpStatus }) => httpStatus === 503,
          () => true,
        ),
      );
      const reply = await buying;
      expect(reply.at("status"), reply.text).toBe("booked");
      expect(await left).toBe(0);
      expect(dealsOf(desk, ref)).toBe(1);
    },
  );

  test("while clients only wait, it does not wait for them longer than ten seconds; the ledger goes on", async () => {
    desk = await bookingDesk({ bookingSeconds: 20, config: (standard) => ({ ...standard, http: { principals } }) });
    const server = await desk.spawnHttp();
    const [maker, session] = await Promise.all([
      desk.connect({ over: listeningOf(server, tokens.maker) }),
      desk.connect({
        kind: "1.x",
        person: () => new Promise(() => undefined),
        over: listeningOf(server, tokens.agent),
      }),
    ]);
    const ref = await quoteFrom(maker);
    const asked = await maker.ok("create_media_buy", { lines: [{ quote_id: ref }] });
    const approval = { approval_id: asked.string("approval", "approval_id") };
    // What becomes of these calls is their clients' business: some notice, some wait for their own time-out.
    maker.call("approve", { ...approval, wait_s: 50 }).catch(() => undefined);
    session.call("approve", approval).catch(() => undefined);
    await until("the person is asked", () => session.questions.length === 1);
    const started = performance.now();
    expect(await server.stop()).toBe(0);
    expect(performance.now() - started).toBeLessThan(15_000);
    const next = await desk.serveHttp();
    const again = await desk.connect({ person: approving, over: listeningOf(next, tokens.agent) });
    const booked = await again.ok("approve", approval);
    expect(booked.at("status"), booked.text).toBe("booked");
  });
});
