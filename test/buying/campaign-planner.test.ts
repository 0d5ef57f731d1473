import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChannelTask, Planner, Research } from "../../src/buying/specialist.ts";
import { costOf } from "../../src/domain/campaign.ts";
import type { Channel } from "../../src/domain/inventory.ts";
import { compare, parseMoney } from "../../src/domain/money.ts";
import { deterministicPlanner } from "../../src/planner/deterministic.ts";
import type { Verbs } from "../../src/planner/verbs.ts";
import { verifies } from "../requirements.ts";
import { briefOf, type CampaignBench, openCampaigns, planned } from "./campaign-bench.ts";
import { products } from "./desk-bench.ts";

/** Whoever plans: what comes of it is held against the ledger by code. */
let bench: CampaignBench;
beforeAll(async () => {
  bench = await openCampaigns();
});
afterAll(() => bench.close());

type Asked = (task: ChannelTask, verbs: Verbs) => Promise<Research>;

/** A planner that researches as a test says, and splits as the table does or as it is told. */
const planningBy =
  (research: Asked, split: ReadonlyMap<Channel, number> | null = null) =>
  (verbs: Verbs): Planner => ({
    name: "scripted",
    allocate: async () => split,
    research: (task) => research(task, verbs),
  });

const nothing: Research = { recommended: [], notes: [], used: null };

async function quoteFor(verbs: Verbs, { brief }: ChannelTask, product: string, budget: string, flight = brief.flight) {
  const terms = { maxBid: null, pricingOption: null, creativeIds: [] };
  const item = { product, flight, budget: parseMoney(budget), impressions: null, dealType: null, targeting: null };
  const items = [{ ...item, terms, with: [], brief: null }];
  const [outcome] = await verbs.quote({ campaign: brief.name, items, goal: null, by: "test", deadlineMs: 10_000 });
  if (!outcome?.ok) throw outcome?.error ?? new Error("no quote");
  return outcome.report.loaded.ref;
}

test("a channel that fails costs the others nothing, and its budget goes to them", async () => {
  verifies("research.parallel");
  const desk = bench.desk((verbs) => {
    const honest = deterministicPlanner(verbs);
    const research: Planner["research"] = (task) =>
      task.channel === "audio" ? Promise.reject(new Error("the specialist broke")) : honest.research(task);
    return { ...honest, research };
  });
  const { campaign, lines } = await planned(desk, briefOf());
  expect(campaign.status).toBe("awaiting_approval");
  expect(campaign.results.get("audio")).toMatchObject({ kind: "failed" });
  expect(campaign.shares).toEqual([{ channel: "ctv", budget: parseMoney("120000 USD") }]);
  expect(campaign.allocations).toBe(2);
  expect(campaign.notes).toContain("what audio could not use goes to the others");
  expect(lines.length).toBeGreaterThan(0);
  expect(campaign.lines.every(({ channel }) => channel === "ctv")).toBe(true);
  // The enlarged share was researched anew: more than the old one is planned.
  expect(compare(costOf(campaign), parseMoney("100000 USD"))).toBeGreaterThan(0);
});

test("a planner that does not come back is given up when the campaign is cancelled, and nobody is asked", async () => {
  const desk = bench.desk(planningBy(() => new Promise(() => undefined)));
  const { campaign } = await planned(desk, briefOf(), 1_000);
  expect(campaign.status).toBe("researching");
  await desk.campaigns.cancel(campaign.campaignId, "dana");
  await desk.campaigns.follow(campaign.campaignId, 5_000, () => undefined);
  const after = await desk.campaigns.report(campaign.campaignId);
  expect(after).toMatchObject({
    campaign: { status: "cancelled", why: "cancelled by dana", lines: [] },
    working: false,
  });
  expect((await desk.inbox()).approvals).toEqual([]);
});

test("a campaign for which nobody finds anything is failed, with its reason", async () => {
  verifies("campaign.status.failed");
  const desk = bench.desk(planningBy(async () => nothing));
  const { campaign } = await planned(desk, briefOf());
  expect(campaign.status).toBe("failed");
  expect(campaign.why).toBe("nothing was found that fits the brief");
});

describe("recommendations are held against the ledger", () => {
  test("what is not there, not of the channel, too dear, for other days or twice is dropped and said", async () => {
    const desk = bench.desk(
      planningBy(async (task, verbs) => {
        if (task.channel !== "ctv") return nothing;
        const fits = await quoteFor(verbs, task, products.sports, "40000 USD");
        const radio = await quoteFor(verbs, task, products.radio, "5000 USD");
        const big = await quoteFor(verbs, task, products.sports, "118000 USD");
        const { start } = task.brief.flight;
        const otherDays = await quoteFor(verbs, task, products.sports, "30000 USD", { start, end: start });
        const refs = ["northbeam/qt-made-up", "not a reference", radio, otherDays, fits, fits, big];
        return { recommended: refs.map((quote) => ({ quote, why: "because" })), notes: [], used: null };
      }),
    );
    const { campaign, lines } = await planned(desk, briefOf());
    expect(campaign.status).toBe("awaiting_approval");
    expect(lines.map(({ line }) => line.quote.product.ref)).toEqual([products.sports]);
    const result = campaign.results.get("ctv");
    const dropped = result?.kind === "researched" ? result.dropped.join("\n") : "";
    for (const why of ["holds no quote", "it is not ctv", "for another flight", "recommended twice"])
      expect(dropped).toContain(why);
  });

  test("no more than the channel has, and no more than a seller's share of it", async () => {
    verifies("portfolio.within_budget", "portfolio.cap_per_seller");
    const research: Asked = async (task, verbs) => {
      if (task.channel !== "ctv") return nothing;
      const quotes = ["50000 USD", "45000 USD", "40000 USD"].map((budget) =>
        quoteFor(verbs, task, products.sports, budget),
      );
      const recommended = (await Promise.all(quotes)).map((quote) => ({ quote, why: "because" }));
      return { recommended, notes: [], used: null };
    };
    const whole = await planned(bench.desk(planningBy(research)), briefOf({ channels: ["ctv"] }));
    expect(whole.campaign.lines).toHaveLength(2);
    expect(compare(costOf(whole.campaign), parseMoney("120000 USD"))).toBeLessThan(0);
    const capped = await planned(bench.desk(planningBy(research)), briefOf({ channels: ["ctv"], sellerShare: 50 }));
    expect(capped.campaign.lines).toHaveLength(1);
    expect(compare(costOf(capped.campaign), parseMoney("60000 USD"))).toBeLessThan(0);
  });

  test("what the mandate refuses is dropped before anybody is asked", async () => {
    const tight = (standard: Record<string, unknown>) => ({
      ...standard,
      mandate: { ...Object(standard["mandate"]), max_cpm: "15.00 USD" },
    });
    const desk = bench.desk(
      planningBy(async (task, verbs) => {
        const product = task.channel === "ctv" ? products.sports : products.radio;
        const quote = await quoteFor(verbs, task, product, "20000 USD");
        return { recommended: [{ quote, why: "because" }], notes: [], used: null };
      }),
      tight,
    );
    const { campaign, lines } = await planned(desk, briefOf());
    expect(lines.map(({ line }) => line.quote.product.ref)).toEqual([products.radio]);
    const result = campaign.results.get("ctv");
    expect(result?.kind === "researched" && result.dropped.join()).toContain("the mandate refuses it: max_cpm");
  });
});

describe("the split", () => {
  const split = (...shares: readonly (readonly [Channel, number])[]) => new Map(shares);

  test("a planner's percents are used where they add up", async () => {
    const desk = bench.desk(planningBy(async () => nothing, split(["ctv", 40], ["audio", 60])));
    const { campaign } = await planned(desk, briefOf());
    expect(campaign.shares).toEqual([
      { channel: "ctv", budget: parseMoney("48000 USD") },
      { channel: "audio", budget: parseMoney("72000 USD") },
    ]);
  });

  test.each([
    ["do not add up", split(["ctv", 40], ["audio", 61])],
    ["name a channel the brief left out", split(["ctv", 50], ["display", 50])],
    ["are no whole shares", split(["ctv", -1], ["audio", 101])],
  ])("percents that %s are not used, and it is said", async (_what, percents) => {
    const desk = bench.desk(planningBy(async () => nothing, percents));
    const { campaign } = await planned(desk, briefOf());
    expect(campaign.notes).toContain("the split of scripted did not add up and was not used");
    expect(campaign.shares.reduce((sum, { budget }) => sum + budget.micros, 0n)).toBe(120_000_000_000n);
  });
});

describe("the deterministic planner", () => {
  test("holds the best price of a verified seller up to the others", async () => {
    verifies("negotiation.benchmark");
    // Local streams of a merely registered seller, and sport of a preferred one, both in one channel.
    const targets: (readonly [string, string | null])[] = [];
    const desk = bench.desk((verbs) =>
      deterministicPlanner({
        ...verbs,
        negotiate: (ask) => {
          for (const { ref, targetCpm } of ask.items) targets.push([ref, targetCpm ? `${targetCpm.micros}` : null]);
          return verbs.negotiate(ask);
        },
      }),
    );
    const { campaign } = await planned(desk, briefOf({ channels: ["ctv"], sellerShare: 50 }));
    expect(campaign.status).toBe("awaiting_approval");
    const sellers = targets.map(([ref]) => ref.split("/")[0]);
    expect(sellers[0]).toBe("northbeam");
    expect(new Set(sellers).size).toBeGreaterThan(1);
    for (const [ref, target] of targets) if (ref.startsWith("northbeam")) expect(target).toBeNull();
  });

  test("excludes whom the brief excludes, keeps below its highest CPM, and to its deal types", async () => {
    const desk = bench.desk();
    const brief = briefOf({ excludedSellers: ["Northbeam Media"], maxCpm: parseMoney("25 USD"), dealTypes: ["PD"] });
    const { campaign, lines } = await planned(desk, brief);
    expect(campaign.brief.excludedSellers).toEqual(["northbeam"]);
    expect(lines.length).toBeGreaterThan(0);
    for (const { line } of lines) {
      expect(line.quote.sellerId).not.toBe("northbeam");
      expect(line.quote.dealType).toBe("PD");
      expect(line.quote.cpm && compare(line.quote.cpm, parseMoney("25 USD"))).toBeLessThanOrEqual(0);
    }
  });

  test("makes the same plan of the same market", async () => {
    const plan = async () => {
      const { lines } = await planned(bench.desk(), briefOf({ channels: ["ctv", "audio", "display"] }));
      return lines.map(({ line: { quote } }) => [quote.product.ref, quote.cpm?.micros, quote.impressions]);
    };
    expect(await plan()).toEqual(await plan());
  });
});
