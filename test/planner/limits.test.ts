import fc from "fast-check";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { channels } from "../../src/domain/inventory.ts";
import { money, parseMoney } from "../../src/domain/money.ts";
import { Account, type Prices, type Tokens } from "../../src/planner/account.ts";
import { tries } from "../long.ts";
import { openScene, type Scene, taskOf } from "./scene.ts";
import { goodSpecialist, sharing, type Said } from "./stub.ts";

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
beforeEach(() => scene.stub.reset(goodSpecialist));
afterAll(() => scene.close());

/** Never stops calling, with many words. */
const endless = (): Said => ({ calls: [{ name: "get_media_kit", input: { formats: ["x".repeat(40)] } }] });

/** Researches channels of one campaign at once. @returns how many failed, with the words of the first */
async function together(planner: Awaited<ReturnType<Scene["planner"]>>, count: number) {
  const campaignId = `cp_together_${Math.random()}`;
  const tasks = channels.slice(0, count).map((channel) => taskOf({ campaignId, channel }));
  const ended = await Promise.allSettled(tasks.map((task) => planner.research(task)));
  const failed = ended.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  return { campaignId, failed: failed.length, words: String(failed[0]?.message) };
}

describe("what planning a campaign may take", () => {
  test("holds for its tokens over all channels at once", async () => {
    scene.stub.reset(endless);
    const planner = await scene.planner({ max_tokens_per_campaign: 60_000 });
    const { failed, words } = await together(planner, 6);
    expect(failed).toBe(6);
    expect(words).toContain("planner.max_tokens_per_campaign, 60000 tokens. Nothing was booked.");
    const { input, output } = scene.stub.charged;
    expect(input + output).toBeLessThanOrEqual(60_000);
    expect(scene.stub.asked.length).toBeGreaterThan(6);
  });

  test("holds for its cost over all channels at once", async () => {
    scene.stub.reset(endless);
    const planner = await scene.planner({ max_cost: "0.30 USD" });
    const { failed, words } = await together(planner, 6);
    expect(failed).toBe(6);
    expect(words).toContain("planner.max_cost, 0.30 USD");
    // At 3.00 and 15.00 USD a million.
    const { input, output } = scene.stub.charged;
    expect(input * 3 + output * 15).toBeLessThanOrEqual(300_000);
    expect(scene.stub.asked.length).toBeGreaterThan(6);
  });

  test("holds for its turns, with those that shared out its budget", async () => {
    scene.stub.reset((asked) => (asked.channel === null ? sharing({ ctv: 100 }) : endless()));
    const planner = await scene.planner({ max_turns: 8 });
    const campaignId = "cp_turns";
    const task = taskOf({ campaignId });
    await planner.allocate(task.brief, ["ctv"], task.signal, campaignId);
    const both = [planner.research(task), planner.research(taskOf({ campaignId, channel: "audio" }))];
    for (const one of await Promise.allSettled(both)) expect(one).toMatchObject({ status: "rejected" });
    expect(scene.stub.asked).toHaveLength(8);
    // Another campaign has its own.
    scene.stub.reset(goodSpecialist);
    expect((await planner.research(taskOf())).used?.turns).toBe(4);
  });

  test("counts a lost answer as the most it could have come to", async () => {
    scene.stub.reset(() => "hang");
    const planner = await scene.planner({ max_tokens_per_campaign: 24_000, timeout_s: 1 });
    const task = taskOf();
    await expect(planner.research(task)).rejects.toMatchObject({ message: expect.stringContaining("more than 1 s") });
    scene.stub.reset(goodSpecialist);
    await expect(planner.research(task)).rejects.toMatchObject({ message: expect.stringContaining("max_tokens") });
    expect(scene.stub.asked).toHaveLength(0);
  });
});

describe("cancelling", () => {
  test.each([
    ["while the model thinks", "hang"],
    ["while it is overloaded", { status: 529, headers: { "retry-after": "5" } }],
  ] satisfies [string, Said][])("stops all work %s", async (_when, said) => {
    scene.stub.reset(() => said);
    const planner = await scene.planner();
    const stop = new AbortController();
    const task = taskOf({ signal: stop.signal });
    const research = planner.research(task);
    while (scene.stub.asked.length === 0) await delay(5);
    const from = performance.now();
    stop.abort(new Error("the campaign was cancelled"));
    await expect(research).rejects.toThrow("the campaign was cancelled");
    expect(performance.now() - from).toBeLessThan(1_000);
    scene.stub.reset(goodSpecialist);
    await delay(100);
    expect(scene.stub.asked).toHaveLength(0);
  });

  test("stops all work between two turns, of every channel, and calls no further tool", async () => {
    const planner = await scene.planner();
    scene.stub.delayMs = 20;
    const stop = new AbortController();
    const campaignId = "cp_stopped";
    const signal = stop.signal;
    const progress = () => stop.abort(new Error("enough"));
    const quiet = () => undefined;
    const work = channels
      .slice(0, 4)
      .map((channel, index) =>
        planner.research(taskOf({ campaignId, channel, signal, progress: index ? quiet : progress })),
      );
    for (const one of await Promise.allSettled(work)) expect(one).toMatchObject({ status: "rejected" });
    // What was under way in the desk itself comes to its end.
    await delay(500);
    const asked = scene.stub.asked.length;
    const logged = scene.log().length;
    await delay(300);
    expect(scene.stub.asked.length).toBe(asked);
    expect(scene.log().length).toBe(logged);
  });

  test("before it begins asks nobody", async () => {
    const planner = await scene.planner();
    await expect(planner.research(taskOf({ signal: AbortSignal.abort(new Error("over")) }))).rejects.toThrow("over");
    expect(scene.stub.asked).toHaveLength(0);
  });
});

test("whatever is held, spent and given back in whatever order, an account never passes a limit", async () => {
  const prices: Prices = { input: parseMoney("3.00 USD"), output: parseMoney("15.00 USD"), cache: null };
  const count = fc.integer({ min: 0, max: 400 });
  const request = fc.record({
    input: count,
    output: count,
    share: fc.integer({ min: 0, max: 100 }),
    free: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { maxLength: 30 }),
      fc.integer({ min: 0, max: 4_000 }),
      fc.integer({ min: 1, max: 20 }),
      fc.bigInt({ min: 0n, max: 20_000n }),
      async (requests, tokens, turns, micros) => {
        const account = new Account({ tokens, turns, cost: money(micros, "USD") });
        const taken = { tokens: 0, turns: 0, cost: 0 };
        await Promise.allSettled(
          requests.map(async ({ input, output, share, free }) => {
            const worst: Tokens = { input, output, cacheWrite: 0, cacheRead: 0 };
            const hold = await account.hold(worst, prices, new AbortController().signal);
            await Promise.resolve();
            if (free) return hold.release();
            const part = (of: number) => Math.floor((of * share) / 100);
            const used: Tokens = { ...worst, input: part(input), output: part(output) };
            hold.spend(used);
            taken.tokens += used.input + used.output;
            taken.turns += 1;
            taken.cost += used.input * 3 + used.output * 15;
          }),
        );
        expect(taken.tokens).toBeLessThanOrEqual(tokens);
        expect(taken.turns).toBeLessThanOrEqual(turns);
        expect(taken.cost).toBeLessThanOrEqual(Number(micros));
      },
    ),
    { numRuns: tries(100, 2_000) },
  );
});
