import process from "node:process";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Planner } from "../../src/buying/specialist.ts";
import { channels } from "../../src/domain/inventory.ts";
import { parseMoney } from "../../src/domain/money.ts";
import { loadPrompts, loadSpecialist } from "../../src/prompts.ts";
import { specialistFor } from "../../src/planner/llm.ts";
import { tools } from "../../src/tools/index.ts";
import { briefOf, openScene, type Scene, taskOf } from "./scene.ts";
import {
  type Asked,
  goodSpecialist,
  manager,
  modelKey,
  quotesIn,
  recommending,
  type Said,
  sharing,
  specialist,
  StubModel,
} from "./stub.ts";

let scene: Scene;
let planner: Planner;
beforeAll(async () => {
  scene = await openScene();
  planner = await scene.planner();
});
beforeEach(() => scene.stub.reset(goodSpecialist));
afterAll(() => scene.close());

const allocate = (offered: readonly (typeof channels)[number][], campaignId = "cp_shares") =>
  planner.allocate(briefOf(), offered, new AbortController().signal, campaignId);

/** Says these in turn, and the last again and again. */
function inTurn(...said: readonly [Said, ...Said[]]): (asked: Asked) => Said {
  let next = 0;
  return () => said[Math.min(next++, said.length - 1)] ?? said[0];
}

describe("a specialist", () => {
  test("reads kits, asks for quotes, negotiates, and recommends quotes that stand in the ledger", async () => {
    expect(planner.name).toBe(specialist);
    const task = taskOf();
    const found = await planner.research(task);
    expect(scene.stub.refused).toEqual([]);
    expect(found.recommended).toEqual([
      { quote: expect.stringMatching(/\/qt-/), why: `${specialist}: “fits the brief”` },
    ]);
    const { line } = await scene.own.line(found.recommended[0]?.quote ?? "");
    expect(line).toMatchObject({ status: "open", campaign: "Trail shoes" });
    expect(line.quote.product.channel).toBe("ctv");
    expect(line.quote.flight).toMatchObject({ start: task.brief.flight.start, end: task.brief.flight.end });
    expect(line.request.targeting).toMatchObject({ geo: ["US"], audience: ["A25-54", "running"] });
    expect(line.rounds.length).toBeGreaterThan(0);
    expect(task.notes).toEqual(["reading media kits", "asking for quotes", "negotiating"]);
    const { input, output } = scene.stub.charged;
    expect(found.used).toEqual({ inputTokens: input, outputTokens: output, turns: 4 });
  });

  test("is asked what its channel and objective need, by the model that the config names for it", async () => {
    await planner.research(taskOf());
    const [first] = scene.stub.asked;
    expect(first?.model).toBe(specialist);
    expect(first?.system.map(({ text }) => text)).toEqual([
      `${loadSpecialist("shared")}\n\n${loadSpecialist("research")}`,
      loadSpecialist("ctv"),
    ]);
    expect(first?.messages[0]?.content).toContain('"budget":"40000.00 USD"');
    expect(specialistFor("display", "awareness")).toBe("branding");
    expect(specialistFor("display", "performance")).toBe("performance");
    expect(loadPrompts().map(({ name }) => name)).not.toEqual(expect.arrayContaining(["shared"]));
    for (const channel of channels) expect(loadSpecialist(specialistFor(channel, "awareness"))).toMatch(/specialist/);
  });

  test("keeps to the brief's highest CPM, whatever ceiling it sets itself", async () => {
    const maxCpm = parseMoney("32.00 USD");
    scene.stub.reset((asked) => {
      if (asked.turn !== 2) return goodSpecialist(asked, "northbeam/prod-53e78a97");
      const quotes = quotesIn(asked).map((id) => ({ quote_id: id, max_cpm: "59.00 USD" }));
      return { calls: [{ name: "negotiate", input: { quotes } }] };
    });
    const { recommended } = await planner.research(taskOf({ brief: briefOf({ maxCpm }) }));
    const { line } = await scene.own.line(recommended[0]?.quote ?? "");
    for (const { we } of line.rounds) expect(we === null || we.micros <= maxCpm.micros).toBe(true);
  });

  test("is told what was wrong with a call, and goes on", async () => {
    const wrong = [
      { name: "request_quote", input: { items: [{ product: "northbeam/prod-53e78a97" }] } },
      { name: "request_quote", input: { items: "all of them" } },
      { name: "get_media_kit", input: { limit: "many" } },
      { name: "get_media_kit", input: [] },
      { name: "negotiate", input: { quotes: [{ quote_id: "northbeam/qt-00" }] } },
    ];
    scene.stub.reset((asked) => (asked.turn === 0 ? { calls: wrong } : recommending([])));
    expect((await planner.research(taskOf())).recommended).toEqual([]);
    const results = scene.stub.asked[1]?.results ?? [];
    expect(results).toHaveLength(5);
    expect(results.slice(0, 4).map(({ isError }) => isError)).toEqual([true, true, true, true]);
    expect(results[0]?.text).toContain("needs a budget or impressions");
    expect(results[4]?.text).toContain("This desk holds no quote northbeam/qt-00");
  });

  test("makes at most eight calls at once", async () => {
    const calls = Array.from({ length: 9 }, () => ({ name: "discover_sellers", input: {} }));
    scene.stub.reset((asked) => (asked.turn === 0 ? { calls } : recommending([])));
    await planner.research(taskOf());
    expect(scene.stub.asked[1]?.results.map(({ isError }) => isError)).toEqual([...Array(8).fill(false), true]);
  });

  test("recommends no quote it was not given", async () => {
    const theirs = (await planner.research(taskOf())).recommended[0]?.quote ?? "";
    scene.stub.reset((asked) => {
      if (asked.turn < 3) return goodSpecialist(asked, "northbeam/prod-53e78a97");
      return recommending(
        [theirs, "northbeam/qt-made-up", ...quotesIn(asked), ...quotesIn(asked)],
        ["a\u202e\nnote” by us: [approve](http://evil.example) | `now`"],
      );
    });
    const { recommended, notes } = await planner.research(
      taskOf({ budget: parseMoney("30000 USD"), brief: briefOf({ name: "Another" }) }),
    );
    expect(recommended).toHaveLength(1);
    expect(recommended[0]?.quote).not.toBe(theirs);
    expect(notes).toEqual([
      `2 of what ${specialist} recommended was no quote it was given, and was dropped`,
      `${specialist}: “a note' by us: 'approve'(http://evil.example) ' 'now'”`,
    ]);
  });

  test("has to answer on its last turn", async () => {
    scene.stub.reset(() => ({ calls: [{ name: "discover_sellers", input: {} }] }));
    await expect(planner.research(taskOf())).rejects.toMatchObject({ code: "planner_failed" });
    const choices = scene.stub.asked.map(({ tool_choice: choice }) => choice?.type);
    expect(choices).toEqual([...Array(15).fill(undefined), "none"]);
  });
});

describe("an answer", () => {
  test("of another form is sent back once", async () => {
    scene.stub.reset(inTurn({ text: "I would buy the first one." }, recommending([])));
    expect((await planner.research(taskOf())).used?.turns).toBe(2);
    expect(JSON.stringify(scene.stub.asked[1]?.messages.at(-1))).toContain("it is no JSON");
  });

  test("that is empty is none, and is sent back too", async () => {
    scene.stub.reset(inTurn({ text: "" }, recommending([])));
    expect((await planner.research(taskOf())).used?.turns).toBe(2);
    expect(scene.stub.refused).toEqual([]);
  });

  test.each([
    ["words", { text: "I would buy the first one." }],
    ["another shape", { answer: { recommended: ["northbeam/qt-1"], notes: [] } }],
    ["more than was asked for", { answer: { recommended: [], notes: [], approve: true } }],
  ] satisfies [string, Said][])("that stays of another form is none: %s", async (_what, said) => {
    scene.stub.reset(() => said);
    await expect(planner.research(taskOf())).rejects.toMatchObject({
      code: "planner_failed",
      message: expect.stringContaining("no answer of the form"),
    });
    expect(scene.stub.asked).toHaveLength(2);
  });

  test.each([
    ["refusal", "declined"],
    ["max_tokens", "cut off"],
    ["model_context_window_exceeded", "cut off"],
  ])("that ends with %s is none", async (stop, words) => {
    scene.stub.reset(() => ({ stop, text: '{"recommended":[],"notes":[]}' }));
    await expect(planner.research(taskOf())).rejects.toMatchObject({
      code: "planner_failed",
      message: expect.stringMatching(new RegExp(`${words}.* Nothing was booked.$`)),
    });
    expect(scene.stub.asked).toHaveLength(1);
  });
});

describe("a budget", () => {
  test("is shared out by the manager's model, without tools", async () => {
    scene.stub.reset(() => sharing({ ctv: 60, audio: 40 }));
    expect(await allocate(["ctv", "audio"])).toEqual(
      new Map([
        ["ctv", 60],
        ["audio", 40],
      ]),
    );
    expect(scene.stub.asked[0]).toMatchObject({ model: manager, tools: [] });
    expect(scene.stub.refused).toEqual([]);
  });

  test.each([
    ["less than all of it", { ctv: 60, audio: 39 }],
    ["a channel nobody offers", { ctv: 60, social: 40 }],
    ["broken percents", { ctv: 60.5, audio: 39.5 }],
    ["less than nothing", { ctv: 140, audio: -40 }],
  ])("whose shares are %s is left to the table", async (_what, percents) => {
    scene.stub.reset(() => sharing(percents));
    expect(await allocate(["ctv", "audio"])).toBeNull();
  });
});

describe("a provider", () => {
  const busy: Said = { status: 529, headers: { "retry-after-ms": "20" } };

  test("that is overloaded is asked again when it says", async () => {
    scene.stub.reset(inTurn(busy, { status: 503, headers: { "retry-after-ms": "20" } }, recommending([])));
    const task = taskOf();
    const { used } = await planner.research(task);
    expect(used).toMatchObject({ turns: 1 });
    expect(scene.stub.asked).toHaveLength(3);
    expect(task.notes).toEqual(Array(2).fill("the model cannot be had, asking again in 1 s"));
  });

  test.each([
    ["stays overloaded", busy, "overloaded", 4],
    ["wants a day's rest", { status: 429, headers: { "retry-after": "86400" } }, "no more requests", 1],
    ["does not like the request", { status: 400, words: "bad" }, "refused the request (400)", 1],
    ["does not know the model", { status: 404 }, `does not know ${specialist}`, 1],
    ["wants money", { status: 402 }, "wants to be paid", 1],
  ] satisfies [string, Said, string, number][])(
    "that %s ends the research in our words",
    async (_what, said, words, n) => {
      scene.stub.reset(() => said);
      await expect(planner.research(taskOf())).rejects.toMatchObject({
        code: "planner_failed",
        message: expect.stringContaining(words),
      });
      expect(scene.stub.asked).toHaveLength(n);
    },
  );

  test("that is none ends the research in our words", async () => {
    scene.stub.reset(() => ({ page: "<html>Welcome</html>" }));
    await expect(planner.research(taskOf())).rejects.toMatchObject({ code: "planner_failed" });
  });

  test("that sends the brief on to somebody else is not followed", async () => {
    const other = await StubModel.open();
    scene.stub.reset(() => ({ status: 307, headers: { location: `${other.origin}/v1/messages` } }));
    const stopped = AbortSignal.timeout(700);
    await expect(planner.research(taskOf({ signal: stopped }))).rejects.toThrow();
    expect(scene.stub.asked.length).toBeGreaterThan(0);
    expect([...other.asked, ...other.refused]).toEqual([]);
    await other.close();
  });

  test("is where and what the config says, whatever the environment says, and the SDK writes nothing to stdout", async () => {
    const lines = (["log", "info", "debug"] as const).map((level) => vi.spyOn(console, level));
    const written = vi.spyOn(process.stdout, "write");
    vi.stubEnv("ANTHROPIC_LOG", "debug");
    vi.stubEnv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9");
    vi.stubEnv("ANTHROPIC_API_KEY", "sk-of-the-environment");
    vi.stubEnv("ANTHROPIC_AUTH_TOKEN", "of-the-environment");
    try {
      const own = await scene.planner();
      expect((await own.research(taskOf())).recommended).toHaveLength(1);
      for (const line of lines) expect(line).not.toHaveBeenCalled();
      expect(written).not.toHaveBeenCalled();
    } finally {
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
    }
  });

  test.each(["temperature", "top_p", "top_k", "thread"])(
    "as the stub plays it refuses %s, as the API does",
    async (field) => {
      const body = JSON.stringify({ model: specialist, max_tokens: 1, messages: [], [field]: 1 });
      const headers = { authorization: `Bearer ${modelKey}`, "anthropic-version": "2026-10-21" };
      const answer = await fetch(`${scene.stub.origin}/v1/messages`, { method: "POST", headers, body });
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain(field);
    },
  );

  test("caches what is repeated only where the config says what that costs", async () => {
    await planner.research(taskOf());
    expect(JSON.stringify(scene.stub.asked)).not.toContain("cache_control");
    const cached = { input: "3.00 USD", output: "15.00 USD", cache_write: "3.75 USD", cache_read: "0.30 USD" };
    const caching = await scene.planner({ prices: { [manager]: cached, [specialist]: cached } });
    scene.stub.reset(goodSpecialist);
    await caching.research(taskOf());
    expect(scene.stub.refused).toEqual([]);
    const stable = scene.stub.asked.map(({ system, tools: given }) => JSON.stringify([given, system]));
    expect(new Set(stable).size).toBe(1);
    for (const { system, cache_control: moving } of scene.stub.asked) {
      expect(system.every((one) => one.cache_control?.type === "ephemeral")).toBe(true);
      expect(moving).toEqual({ type: "ephemeral" });
    }
  });
});

test("the tools of a specialist are this server's own, less what is filled in for it", async () => {
  await planner.research(taskOf());
  const given = scene.stub.asked[0]?.tools ?? [];
  const research = ["discover_sellers", "get_media_kit", "request_quote", "negotiate", "compare_quotes"];
  expect(given.map(({ name }) => name)).toEqual(research);
  for (const { name, description } of given)
    expect(description).toBe(tools.find((tool) => tool.name === name)?.description);
  const quoteItem = Object(given[2]?.input_schema["properties"])["items"].items;
  expect(Object.keys(quoteItem.properties)).toEqual(expect.arrayContaining(["product", "budget", "max_bid"]));
  for (const withheld of ["flight", "targeting", "brief"]) {
    expect(Object.keys(quoteItem.properties)).not.toContain(withheld);
    expect(quoteItem.required).not.toContain(withheld);
  }
});
