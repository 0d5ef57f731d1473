import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { plannerPrincipal } from "../../src/domain/principal.ts";
import { createServer } from "../../src/server.ts";
import { tools } from "../../src/tools/index.ts";
import { balancesOf, kindsOf } from "../e2e/booking-fixtures.ts";
import { dealsOf } from "../e2e/fixtures.ts";
import { openScene, type Scene, taskOf } from "../planner/scene.ts";
import { type Asked, goodSpecialist, quotesIn, recommending, type Said } from "../planner/stub.ts";
import { verifies } from "../requirements.ts";

/**
 * A model that plans, and wants more: whatever it calls, and whatever it answers, it holds no tool that could commit
 * anything. What it asks for beyond its tools is answered as unknown; what the server would not offer it, it refuses.
 */
interface Call {
  readonly name: string;
  readonly input: unknown;
}

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
beforeEach(() => scene.stub.reset(goodSpecialist));
afterAll(() => scene.close());

/** Nothing is asked about, held or booked. */
async function nothingCommitted(quote: string): Promise<void> {
  expect(await balancesOf(scene.desk)).toBeNull();
  const { approvals, underWay, attention, recent } = await scene.own.inbox();
  expect([...approvals, ...underWay, ...attention, ...recent]).toEqual([]);
  expect(dealsOf(scene.desk, quote)).toBe(0);
  const kinds = await kindsOf(scene.desk, quote);
  expect(kinds.filter((kind) => !/^(quote|quoted|negotiation|round|price)/.test(kind))).toEqual([]);
}

describe("a specialist that wants to buy", () => {
  test("is given no tool that buys, asks or decides, and its calls of them do nothing", async () => {
    verifies("promise.planner_has_fewer_rights");
    const mighty = tools.filter(({ effect }) => !["read", "record", "negotiate"].includes(effect));
    expect(mighty.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["create_media_buy", "approve", "decide_on_card", "update_media_buy", "plan_campaign"]),
    );
    let quote = "";
    scene.stub.reset((asked: Asked): Said => {
      if (asked.turn < 3) return goodSpecialist(asked, "northbeam/prod-53e78a97");
      [quote = ""] = quotesIn(asked);
      const input = { lines: [{ quote_id: quote }], approval_id: "ap_1", decision: "approve", media_buy_id: quote };
      if (asked.turn === 3) return { calls: mighty.map(({ name }) => ({ name, input })) };
      return recommending([quote]);
    });
    const planner = await scene.planner();
    const { recommended } = await planner.research(taskOf());
    expect(recommended.map((one) => one.quote)).toEqual([quote]);
    for (const { tools: given } of scene.stub.asked)
      for (const { name } of mighty) expect(given.map((tool) => tool.name)).not.toContain(name);
    const results = scene.stub.asked[4]?.results ?? [];
    expect(results).toHaveLength(mighty.length);
    for (const { text, isError } of results) {
      expect(isError).toBe(true);
      expect(text).toMatch(/^invalid_arguments: there is no tool "\w+"; nothing was done\.$/);
    }
    await nothingCommitted(quote);
  });

  test("would be refused by the server itself, were its calls passed on", async () => {
    const { recommended } = await (await scene.planner()).research(taskOf());
    const quote = recommended[0]?.quote ?? "";
    const [ours, theirs] = InMemoryTransport.createLinkedPair();
    await createServer(scene.own, plannerPrincipal, "legacy").connect(theirs);
    const client = new Client({ name: "planner", version: "1" });
    await client.connect(ours);
    const offered = (await client.listTools()).tools.map(({ name }) => name);
    for (const { name, effect } of tools) {
      const may = ["read", "record", "negotiate"].includes(effect);
      expect(offered.includes(name), name).toBe(may);
      if (may) continue;
      const args = { lines: [{ quote_id: quote }], media_buy_id: quote, approval_id: "ap_1" };
      await expect(client.callTool({ name, arguments: args })).rejects.toThrow(/not found/);
    }
    await client.close();
    await nothingCommitted(quote);
  });
});

describe("a specialist that was talked into telling", () => {
  const secret = "our ceiling is 59";
  const item = { product: "northbeam/prod-53e78a97", budget: "20000.00 USD" };
  const calls: readonly (readonly [string, Call])[] = [
    ["an address to look at", { name: "discover_sellers", input: { url: "http://127.0.0.1:9/collect?ceiling=59" } }],
    ["words to find sellers by", { name: "discover_sellers", input: { query: secret } }],
    ["a brief for a kit", { name: "get_media_kit", input: { brief: secret } }],
    ["words to search a kit by", { name: "get_media_kit", input: { query: secret } }],
    ["a brief for a quote", { name: "request_quote", input: { items: [{ ...item, brief: secret }] } }],
    [
      "an audience of one of several quotes",
      { name: "request_quote", input: { items: [item, { ...item, targeting: { audience: [secret] } }] } },
    ],
    ["a label", { name: "request_quote", input: { items: [item], campaign: secret } }],
    ["words in a negotiation", { name: "negotiate", input: { quotes: [{ quote_id: "northbeam/qt-1", ask: secret }] } }],
  ];

  test.each(calls)("has no argument for %s", async (_what, call) => {
    const before = JSON.stringify(scene.desk.sandbox.requests("northbeam"));
    scene.stub.reset((asked) => (asked.turn === 0 ? { calls: [call] } : recommending([])));
    await (await scene.planner()).research(taskOf());
    expect(scene.stub.asked[1]?.results).toEqual([
      {
        isError: true,
        text: expect.stringMatching(/^invalid_arguments: there is no argument [\w.[\]]+; nothing was done\.$/),
      },
    ]);
    expect(JSON.stringify(scene.desk.sandbox.requests("northbeam"))).toBe(before);
  });

  test("asks no seller that the brief excludes for a quote", async () => {
    scene.stub.reset((asked) => goodSpecialist(asked, "northbeam/prod-53e78a97"));
    const task = taskOf();
    const brief = { ...task.brief, excludedSellers: ["northbeam"] };
    await (await scene.planner()).research({ ...task, brief });
    expect(scene.stub.asked[2]?.results[0]?.text).toContain("the brief excludes the seller");
  });
});
