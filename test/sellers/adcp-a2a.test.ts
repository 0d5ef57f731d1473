import type { ServerResponse as Outgoing } from "node:http";
import { describe, expect, test } from "vitest";
import { createA2aCarrier } from "../../src/sellers/adcp-a2a.ts";
import type { AgentOptions, Carrier } from "../../src/sellers/adcp-carrier.ts";
import { failureOf } from "../contract/seller-bench.ts";
import { agentOptions, reply, stubA2a } from "./adcp-stubs.ts";
import { asAgency, open, serve } from "./loopback.ts";

const carrier = (url: string, more: Partial<AgentOptions> = {}): Carrier => createA2aCarrier(agentOptions(url, more));
const buy = (one: Carrier, access = asAgency) =>
  one.call("create_media_buy", '{"idempotency_key":"k"}', "booking", access);
const look = (one: Carrier, access = asAgency) => one.call("get_products", "{}", "media_kit", access);

/** The two spellings of one task. */
const spellings = {
  "0.3": (state: string, data?: object, more: object = {}) => ({
    result: { kind: "task", id: "a2a-1", status: { state }, ...artifactOf(data, { kind: "data" }), ...more },
  }),
  "1.0": (state: string, data?: object, more: object = {}) => ({
    result: {
      task: {
        id: "a2a-1",
        status: { state: `TASK_STATE_${state.toUpperCase().replace("-", "_")}` },
        ...artifactOf(data, {}),
        ...more,
      },
    },
  }),
};
const artifactOf = (data: object | undefined, kind: object) =>
  data ? { artifacts: [{ artifactId: "r", parts: [{ text: "Done." }, { ...kind, data }] }] } : {};

describe.each(["0.3", "1.0"] as const)("A2A %s", (version) => {
  const done = spellings[version];

  test("one data part of skill and input, by the method and with the headers of the version", async () => {
    const { url, asked } = await stubA2a(version, ({ rpc }, outgoing) =>
      reply(outgoing, rpc.id, done("completed", { a: 1 })),
    );
    const one = carrier(url, { credentials: { seat: { bearer: "low" }, agency: { bearer: "high" } } });
    expect(await one.call("create_media_buy", '{"n":1.5,"note":"Zürich"}', "booking", asAgency)).toEqual({ a: 1 });
    const [card, sent] = asked;
    expect([card?.headers.authorization, sent?.headers.authorization]).toEqual(["Bearer high", "Bearer high"]);
    expect(sent?.rpc.method).toBe(version === "1.0" ? "SendMessage" : "message/send");
    expect([sent?.headers["a2a-version"], sent?.headers["a2a-extensions"]]).toEqual(
      version === "1.0" ? ["1.0", "https://adcontextprotocol.org/extensions/adcp/v3"] : [undefined, undefined],
    );
    const { message } = (sent?.rpc.params ?? {}) as { message: { parts: unknown[]; messageId: string; role: string } };
    const data = { skill: "create_media_buy", input: { n: 1.5, note: "Zürich" } };
    expect(message.parts).toEqual([version === "1.0" ? { data } : { kind: "data", data }]);
    expect([message.role, message.messageId.length]).toEqual([version === "1.0" ? "ROLE_USER" : "user", 36]);
  });

  test.each([
    [
      "a submitted task of AdCP in a completed one of A2A",
      "completed",
      { status: "submitted", task_id: "t" },
      { status: "submitted", task_id: "t" },
    ],
    ["a failed one with its error", "failed", { adcp_error: { code: "X" } }, { adcp_error: { code: "X" } }],
    [
      "a failed one whose data does not say so",
      "failed",
      { media_buy_id: "mb" },
      { media_buy_id: "mb", status: "failed" },
    ],
    ["a rejected one whose data says otherwise", "rejected", { status: "completed" }, { status: "rejected" }],
    ["an unfinished one that has its data", "submitted", { task_id: "t" }, { task_id: "t", status: "submitted" }],
  ])("%s", async (_, state, data, expected) => {
    const { url } = await stubA2a(version, ({ rpc }, outgoing) => reply(outgoing, rpc.id, done(state, data)));
    expect(await buy(carrier(url))).toEqual(expected);
  });

  test("an unfinished task is asked for until it is done, by its own id; the message is not sent again", async () => {
    let polls = 0;
    const { url, asked, count } = await stubA2a(version, ({ rpc }, outgoing, incoming) => {
      if (rpc.params?.["message"]) return reply(outgoing, rpc.id, done("working"));
      polls += 1;
      if (polls === 1) return incoming.socket.destroy();
      const finished = done("completed", { status: "submitted", task_id: "adcp-9" });
      // A poll answers with the bare task, in both versions.
      const task = "task" in finished.result ? { result: finished.result.task } : finished;
      return reply(outgoing, rpc.id, polls < 3 ? done("working") : task);
    });
    expect(await buy(carrier(url))).toEqual({ status: "submitted", task_id: "adcp-9" });
    expect(count(version === "1.0" ? "SendMessage" : "message/send")).toBe(1);
    expect(asked.at(-1)?.rpc).toMatchObject({
      method: version === "1.0" ? "GetTask" : "tasks/get",
      params: { id: "a2a-1" },
    });
  });

  test("one that is not done by the deadline, or is gone, leaves the booking unknown", async () => {
    const endless = await stubA2a(version, ({ rpc }, outgoing) => reply(outgoing, rpc.id, done("submitted")));
    const began = performance.now();
    const late = await failureOf(buy(carrier(endless.url, { timeouts: { booking: 400 } })));
    expect(late).toMatchObject({ kind: "timeout", definite: false });
    expect(performance.now() - began).toBeLessThan(2_000);
    const gone = await stubA2a(version, ({ rpc }, outgoing) => {
      if (rpc.params?.["message"]) reply(outgoing, rpc.id, done("working"));
      else reply(outgoing, rpc.id, { error: { code: -32602, message: "no such task" } });
    });
    expect(await failureOf(buy(carrier(gone.url)))).toMatchObject({ kind: "refused", definite: false });
  });

  test("an agent that asks us something is heard from its status message", async () => {
    const parts = [{ text: "Over the limit." }, { data: { reason: "APPROVAL_REQUIRED" } }];
    const status = { state: version === "1.0" ? "TASK_STATE_INPUT_REQUIRED" : "input-required", message: { parts } };
    const { url } = await stubA2a(version, ({ rpc }, outgoing) =>
      reply(outgoing, rpc.id, done("input-required", undefined, { status })),
    );
    expect(await buy(carrier(url))).toEqual({ status: "input-required", reason: "APPROVAL_REQUIRED" });
  });
});

describe("what is the envelope", () => {
  const data = (value: unknown) => ({ kind: "data", data: value });
  const task = (artifacts: unknown[], status: object = { state: "completed" }) => ({
    kind: "task",
    id: "1",
    status,
    artifacts,
  });
  test.each([
    [
      "the last data part",
      task([{ parts: [data({ progress: 5 }), data({ a: 1 }), { kind: "text", text: "x" }] }]),
      { a: 1 },
    ],
    ["of the first artifact", task([{ parts: [data({ a: 1 })] }, { parts: [data({ report: 1 })] }]), { a: 1 }],
    ["nothing that is no object", task([{ parts: [data({ a: 1 }), data(null), data(7), data([1])] }]), { a: 1 }],
    [
      "the status message where no artifact is",
      task([], { state: "completed", message: { parts: [data({ a: 1 })] } }),
      { a: 1 },
    ],
    ["a message instead of a task", { kind: "message", parts: [data({ a: 1 })] }, { a: 1 }],
    ["a message of 1.0", { message: { parts: [{ data: { a: 1 } }] } }, { a: 1 }],
    [
      "a question in words alone",
      task([], { state: "input-required", message: { parts: [{ text: "Why?" }] } }),
      { status: "input-required", message: "Why?" },
    ],
  ])("%s", async (_, result, expected) => {
    const { url } = await stubA2a("0.3", ({ rpc }, outgoing) => reply(outgoing, rpc.id, { result }));
    expect(await buy(carrier(url))).toEqual(expected);
  });

  test.each([
    ["words alone", task([{ parts: [{ kind: "text", text: "Booked it." }] }])],
    ["a wrapper", task([{ parts: [data({ response: { a: 1 } })] }])],
    ["a failed task without data", task([], { state: "failed", message: { parts: [{ text: "Invalid token" }] } })],
    ["a task in no known state", task([], { state: "dreaming" })],
    ["an unfinished task without an id", { kind: "task", status: { state: "working" } }],
    ["neither task nor message", { hello: 1 }],
  ])("%s is an invalid answer, and never definite", async (_, result) => {
    const { url } = await stubA2a("0.3", ({ rpc }, outgoing) => reply(outgoing, rpc.id, { result }));
    expect(await failureOf(buy(carrier(url)))).toMatchObject({ kind: "invalid_answer", definite: false });
  });

  test("a failure tells the agent's words as the agent's", async () => {
    const result = task([], { state: "failed", message: { parts: [{ text: "Invalid <b>token</b>" }] } });
    const { url } = await stubA2a("0.3", ({ rpc }, outgoing) => reply(outgoing, rpc.id, { result }));
    const failure = await failureOf(buy(carrier(url)));
    expect(failure.sellerSaid).toBe("Invalid ‹b›token‹/b›");
    expect(failure.message).toBe("northbeam answered create_media_buy, but with a task that is failed and no data.");
  });
});

describe("sent once", () => {
  test.each([
    ["dies", (outgoing: Outgoing) => outgoing.destroy(), { kind: "unreachable", definite: false }],
    ["hangs", () => undefined, { kind: "timeout", definite: false }],
    [
      "answers another request",
      (outgoing: Outgoing) => reply(outgoing, "x", spellings["0.3"]("completed", {})),
      { kind: "invalid_answer", definite: false },
    ],
    ["answers 500", (outgoing: Outgoing) => outgoing.writeHead(500).end(), { kind: "server_error", definite: false }],
    [
      "redirects",
      (outgoing: Outgoing) => outgoing.writeHead(308, { location: "/b" }).end(),
      { kind: "redirected", definite: false },
    ],
    ["answers 401", (outgoing: Outgoing) => outgoing.writeHead(401).end(), { kind: "unauthorized", definite: true }],
    ["is not there", (outgoing: Outgoing) => outgoing.writeHead(404).end(), { kind: "not_found", definite: true }],
  ])("a seller that %s", async (_, says, expected) => {
    const { url, count } = await stubA2a("0.3", (__, outgoing) => says(outgoing));
    expect(await failureOf(buy(carrier(url, { timeouts: { booking: 200 } })))).toMatchObject(expected);
    expect(count("message/send")).toBe(1);
  });

  test.each([
    [-32601, "unsupported", true],
    [-32602, "refused", true],
    [-32603, "server_error", false],
  ])("JSON-RPC %i", async (code, kind, definite) => {
    const { url, count } = await stubA2a("0.3", ({ rpc }, outgoing) =>
      reply(outgoing, rpc.id, { error: { code, message: "no" } }),
    );
    expect(await failureOf(buy(carrier(url)))).toMatchObject({ kind, definite });
    expect(count("message/send")).toBe(1);
  });

  test("the caller's abort ends a read that is waited for, and never a booking", async () => {
    const { url, count } = await stubA2a("0.3", ({ rpc }, outgoing) => {
      const { message } = (rpc.params ?? {}) as { message?: { parts: { data: { skill: string } }[] } };
      if (message?.parts[0]?.data.skill === "get_products") return reply(outgoing, rpc.id, spellings["0.3"]("working"));
      if (message) return setTimeout(() => reply(outgoing, rpc.id, spellings["0.3"]("completed", { a: 1 })), 200);
      return reply(outgoing, rpc.id, spellings["0.3"]("working"));
    });
    const one = carrier(url);
    const access = { ...asAgency, signal: AbortSignal.timeout(50) };
    const booking = buy(one, access);
    expect(await failureOf(look(one, access))).toMatchObject({ kind: "timeout", code: "stopped", definite: false });
    expect(await booking).toEqual({ a: 1 });
    expect(count("message/send")).toBe(2);
  });
});

describe("the agent card", () => {
  const skills = [{ id: "get_products" }, { id: "get_adcp_capabilities" }];

  test("is looked for below the address, at the root, and under its older name", async () => {
    const paths: string[] = [];
    const { origin } = await serve((incoming, outgoing) => {
      paths.push(incoming.url ?? "");
      if (incoming.url === "/.well-known/agent.json")
        outgoing.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ url: "/rpc", skills }));
      else outgoing.writeHead(404).end();
    });
    expect([...(await carrier(`${origin}/tenant/a2a/`).tasks(asAgency)).keys()]).toEqual([
      "get_products",
      "get_adcp_capabilities",
    ]);
    expect(paths).toEqual([
      "/tenant/a2a/.well-known/agent-card.json",
      "/.well-known/agent-card.json",
      "/.well-known/agent.json",
    ]);
  });

  test.each([
    ["another origin", { url: "https://elsewhere.example/a2a", skills }, { kind: "redirected", code: "other_origin" }],
    [
      "another origin in 1.0",
      {
        supportedInterfaces: [{ url: "https://elsewhere.example", protocolBinding: "JSONRPC", protocolVersion: "1.0" }],
        skills,
      },
      { kind: "redirected" },
    ],
    [
      "gRPC alone",
      { supportedInterfaces: [{ url: "/", protocolBinding: "GRPC", protocolVersion: "1.0" }], skills },
      { kind: "invalid_answer" },
    ],
    ["a version of the future", { url: "/", protocolVersion: "2.0", skills }, { kind: "invalid_answer" }],
    ["nothing", [], { kind: "invalid_answer" }],
  ])("that offers %s is refused, and nothing is sent", async (_, card, expected) => {
    const { origin, got } = await serve((__, outgoing) =>
      outgoing.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(card)),
    );
    expect(await failureOf(buy(carrier(origin)))).toMatchObject({ ...expected, definite: true });
    expect(got.every(({ method }) => method === "GET")).toBe(true);
  });

  test("1.0 is preferred where both are offered, and its tenant is named", async () => {
    const interfaces = (origin: string) => [
      { url: `${origin}/old`, protocolBinding: "JSONRPC", protocolVersion: "0.3" },
      { url: `${origin}/new`, protocolBinding: "JSONRPC", protocolVersion: "1.0", tenant: "t-1" },
    ];
    const { url, asked } = await stubA2a(
      "1.0",
      ({ rpc }, outgoing) => reply(outgoing, rpc.id, spellings["1.0"]("completed", {})),
      {
        card: (origin) => ({ supportedInterfaces: interfaces(origin), url: `${origin}/old` }),
      },
    );
    await look(carrier(url));
    expect(asked.at(-1)).toMatchObject({ path: "/new", rpc: { method: "SendMessage", params: { tenant: "t-1" } } });
  });

  test("a task it leaves out is listed once calling has proved it; one that is refused is not", async () => {
    const says = (skill: string) =>
      skill === "get_task_status"
        ? { error: { code: -32603, message: "Unknown skill" } }
        : spellings["0.3"]("completed", { adcp: { major_versions: [3] } });
    const { url, count } = await stubA2a(
      "0.3",
      ({ rpc }, outgoing) => {
        const { message } = rpc.params as { message: { parts: { data: { skill: string } }[] } };
        reply(outgoing, rpc.id, says(message.parts[0]?.data.skill ?? ""));
      },
      { skills: ["get_products"] },
    );
    const one = carrier(url);
    expect([...(await one.tasks(asAgency)).keys()]).toEqual(["get_products", "get_adcp_capabilities"]);
    await failureOf(one.call("get_task_status", "{}", "discovery", asAgency));
    await one.call("list_accounts", "{}", "discovery", asAgency);
    expect([...(await one.tasks(asAgency)).keys()]).toEqual(["get_products", "get_adcp_capabilities", "list_accounts"]);
    expect(count("message/send")).toBe(3);
    const without = await stubA2a("0.3", ({ rpc }, outgoing) => reply(outgoing, rpc.id, says("get_task_status")), {
      skills: ["get_products"],
    });
    expect([...(await carrier(without.url).tasks(asAgency)).keys()]).toEqual(["get_products"]);
    const ill = await stubA2a("0.3", (_, outgoing) => outgoing.writeHead(503).end(), { skills: ["get_products"] });
    expect(await failureOf(carrier(ill.url).tasks(asAgency))).toMatchObject({ kind: "server_error", status: 503 });
  });

  test("one that cannot be had is definite, and is asked for again by the next call", async () => {
    let well = false;
    const { origin, url } = await stubA2a(
      "0.3",
      ({ rpc }, outgoing) => reply(outgoing, rpc.id, spellings["0.3"]("completed", { ok: 1 })),
      {
        onCard: (outgoing) => (well ? undefined : outgoing.writeHead(503).end()),
      },
    );
    const one = carrier(url);
    expect(await failureOf(buy(one))).toMatchObject({ kind: "server_error", definite: true });
    well = true;
    expect(await buy(one)).toEqual({ ok: 1 });
    await open.pop()?.();
    expect(await failureOf(buy(carrier(origin)))).toMatchObject({ kind: "unreachable", definite: true });
  });
});

test("the seller's clock is read from what it answers to us, not from a card that a cache may have kept", async () => {
  const old = { date: new Date(Date.now() - 3_600_000).toUTCString() };
  const ahead = { date: new Date(Date.now() + 95_000).toUTCString() };
  const { url } = await stubA2a(
    "0.3",
    ({ rpc }, outgoing) => reply(outgoing, rpc.id, spellings["0.3"]("completed", {}), ahead),
    {
      onCard: (outgoing) => {
        outgoing.setHeader("date", old.date);
      },
    },
  );
  const one = carrier(url);
  await one.tasks(asAgency);
  expect(one.aheadMs()).toBe(0);
  await look(one);
  expect(one.aheadMs()).toBe(90_000);
});
