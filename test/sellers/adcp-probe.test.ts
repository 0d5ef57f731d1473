import { createServer as createTcp } from "node:net";
import { describe, expect, test } from "vitest";
import { type ChoiceOptions, chooseCarrier } from "../../src/sellers/adcp-probe.ts";
import { failureOf } from "../contract/seller-bench.ts";
import { agentOptions, reply, type Says, structured, stubA2a, stubMcp } from "./adcp-stubs.ts";
import { asAgency, listen, open, serve } from "./loopback.ts";

function choice(url: string, more: Partial<ChoiceOptions> = {}) {
  const made = chooseCarrier({ ...agentOptions(url), ...more });
  open.unshift(() => made.close());
  return made;
}

/** Lists these tools; its other answers are the stub's. */
const lists =
  (...names: string[]): Says =>
  ({ rpc }, outgoing) =>
    rpc.method === "tools/list" && reply(outgoing, rpc.id, { result: { tools: names.map((name) => ({ name })) } });
const answers: Says = ({ rpc }, outgoing) => reply(outgoing, rpc.id, structured({ ok: 1 }));
const finished: Says = ({ rpc }, outgoing) =>
  reply(outgoing, rpc.id, { result: { message: { parts: [{ data: { ok: 1 } }] } } });

describe("the carrier is", () => {
  test("A2A where the card says so; found out once, also by two at a time", async () => {
    const { url, asked } = await stubA2a("1.0", finished);
    const one = choice(url);
    const [carrier, same] = await Promise.all([one.carrier(asAgency), one.carrier(asAgency)]);
    expect([carrier.name, same === carrier, asked.length]).toEqual(["a2a", true, 1]);
    expect(await carrier.call("get_products", "{}", "media_kit", asAgency)).toEqual({ ok: 1 });
    expect(await one.carrier(asAgency)).toBe(carrier);
    expect(asked.map(({ method }) => method)).toEqual(["GET", "POST"]);
  });

  test("A2A by the extension that the card names, whatever its skills", async () => {
    const extensions = [{ uri: "https://adcontextprotocol.org/extensions/adcp/v3", required: true }];
    const { url } = await stubA2a("0.3", finished, {
      card: (origin) => ({ url: `${origin}/a2a`, skills: [], capabilities: { extensions } }),
    });
    expect((await choice(url).carrier(asAgency)).name).toBe("a2a");
  });

  test("MCP where there is no card, in the one session that the calls then use", async () => {
    const { origin, count, got } = await stubMcp(answers, { onOther: lists("get_products") });
    const one = choice(`${origin}/agent`);
    const carrier = await one.carrier(asAgency);
    expect(carrier.name).toBe("mcp");
    expect(await carrier.call("get_products", "{}", "media_kit", asAgency)).toEqual({ ok: 1 });
    expect([count("initialize"), got.filter(({ url }) => url?.endsWith(".json")).length]).toEqual([1, 3]);
  });

  test("MCP first where the address says so, and A2A if that fails", async () => {
    const mcp = await stubMcp(answers, { onOther: lists("get_products") });
    expect((await choice(mcp.url).carrier(asAgency)).name).toBe("mcp");
    expect(mcp.got.some(({ url }) => url?.endsWith(".json"))).toBe(false);
    const a2a = await stubA2a("0.3", (_, outgoing) => outgoing.writeHead(404).end());
    expect((await choice(`${a2a.origin}/mcp`).carrier(asAgency)).name).toBe("a2a");
  });

  test("what the operator says, and nothing is asked for it", async () => {
    const { url, got } = await stubA2a("0.3", finished);
    expect((await choice(url, { carrier: "mcp" }).carrier(asAgency)).name).toBe("mcp");
    expect((await choice(url, { carrier: "a2a" }).carrier(asAgency)).name).toBe("a2a");
    expect(got).toHaveLength(0);
  });
});

describe("there is none", () => {
  test("where neither is spoken, or neither sells by AdCP: both reasons are told, and the next use tries anew", async () => {
    const neither = await serve((_, outgoing) => outgoing.writeHead(404).end());
    const failure = await failureOf(choice(neither.origin).carrier(asAgency));
    expect(failure).toMatchObject({ kind: "unsupported", code: "no_carrier", definite: true });
    expect(failure.message).toContain("shows no agent card");
    expect(failure.message).toContain("did not run MCP initialize");

    let tools = ["weather"];
    const card = (origin: string) => ({ url: `${origin}/a2a`, skills: [{ id: "weather" }] });
    const foreign = await stubA2a(
      "0.3",
      (asked, outgoing) => {
        const { id, method } = asked.rpc;
        if (id === undefined) outgoing.writeHead(202).end();
        else if (method === "tools/list") lists(...tools)(asked, outgoing, outgoing.req);
        else
          reply(outgoing, id, {
            result: { protocolVersion: "2025-06-18", capabilities: {}, serverInfo: { name: "x", version: "1" } },
          });
      },
      { card },
    );
    const one = choice(foreign.url);
    expect((await failureOf(one.carrier(asAgency))).message).toContain("lists no task of AdCP");
    tools = ["get_adcp_capabilities"];
    expect((await one.carrier(asAgency)).name).toBe("mcp");
  });

  test("where nobody is, or we are not let in: that is told, and not that it speaks nothing", async () => {
    const server = createTcp();
    const gone = await listen(server);
    await new Promise((done) => server.close(done));
    expect(await failureOf(choice(gone).carrier(asAgency))).toMatchObject({ kind: "unreachable", definite: true });
    const closed = await serve((_, outgoing) => outgoing.writeHead(401).end());
    for (const path of ["", "/mcp"]) {
      const failure = await failureOf(choice(closed.origin + path).carrier(asAgency));
      expect(failure).toMatchObject({ kind: "unauthorized", definite: true });
    }
    const silent = await serve(() => undefined);
    const one = choice(silent.origin, { timeouts: { discovery: 300 } });
    const stopped = { ...asAgency, signal: AbortSignal.timeout(20) };
    expect(await failureOf(one.carrier(stopped))).toMatchObject({ kind: "timeout", code: "stopped", definite: true });
    expect(await failureOf(one.carrier(asAgency))).toMatchObject({ kind: "timeout", code: null, definite: true });
  });
});
