import type { LoadedLine } from "../../src/buying/lines.ts";
import { split } from "../../src/domain/allocation.ts";
import type { Brief } from "../../src/domain/brief.ts";
import type { Channel } from "../../src/domain/inventory.ts";
import { compare, percentOf, type Money } from "../../src/domain/money.ts";
import { atCpm, totalOfQuote } from "../../src/domain/quote.ts";
import type { Desk } from "../../src/desk.ts";
import { briefsOf, inUs, marketOf, openMarket } from "./market.ts";
import type { Row } from "./table.ts";

const SELLERS = 20;
const BRIEFS = 50;
const SEED = 7;

/** What a plan bought: impressions that the brief asked for, and what all of it costs, in micros. */
interface Bought {
  readonly inTarget: number;
  readonly cost: bigint;
}

/**
 * Plan quality over seeded briefs and sellers: impressions in target (in a channel the brief names, in the place it names) for
 * a dollar, of the deterministic planner and of the reference agent's default: 40 % branding and 40 % performance, which
 * are both display, and 20 % CTV, whatever the brief says; in each the best first quote, without negotiation. The best is
 * taken to be the lowest of all sellers' first quotes, each for its cheapest product of that place, which is kind to it.
 */
export async function plans(): Promise<readonly Row[]> {
  const sellers = marketOf(SEED, SELLERS);
  const share = new Map(sellers.flatMap(({ id, products }) => products.map((one) => [`${id}/${one.id}`, inUs(one)])));
  const market = await openMarket(sellers);
  const briefs = briefsOf(SEED, BRIEFS);
  const sums = { ours: zero, reference: zero, sameSplit: zero };
  let budget = 0n;
  let ahead = 0;
  const count = (brief: Brief, lines: readonly LoadedLine[]): Bought => ({
    inTarget: lines.reduce((sum, { line: { quote } }) => {
      const { channel, ref } = quote.product;
      const isWanted = channel !== null && brief.channels.includes(channel);
      return sum + (isWanted ? (atCpm(quote).impressions * (share.get(ref) ?? 0)) / 100 : 0);
    }, 0),
    cost: lines.reduce((sum, { line }) => sum + totalOfQuote(line.quote).micros, 0n),
  });
  try {
    for (const brief of briefs) {
      const desk = market.desk();
      const begun = await desk.campaigns.begin(brief, "local");
      if (begun.kind !== "begun") throw new Error(`${brief.name}: ${begun.contradictions.join(" ")}`);
      await desk.campaigns.follow(begun.campaignId, 60_000, () => undefined);
      const { campaign, lines } = await desk.campaigns.report(begun.campaignId);
      if (campaign.status !== "awaiting_approval")
        throw new Error(`${brief.name} is ${campaign.status}: ${campaign.why}`);
      const ours = count(brief, lines);
      await desk.close();
      const other = market.desk();
      const reference = count(brief, await firstQuotes(other, brief, defaultSplit(brief.budget)));
      const sameSplit = count(
        brief,
        await firstQuotes(
          other,
          brief,
          campaign.shares.map(({ channel, budget: part }) => [channel, part]),
        ),
      );
      await other.close();
      sums.ours = plus(sums.ours, ours);
      sums.reference = plus(sums.reference, reference);
      sums.sameSplit = plus(sums.sameSplit, sameSplit);
      budget += brief.budget.micros;
      if (ours.inTarget > reference.inTarget) ahead += 1;
    }
  } finally {
    await market.close();
  }
  const dollars = Number(budget) / 1_000_000;
  const perBudget = (one: Bought) => one.inTarget / dollars;
  const perSpent = (one: Bought) => one.inTarget / (Number(one.cost) / 1_000_000);
  const row = (what: string, ours: number, theirs: number, wanted: string): Row => ({
    ...{ what, ours, theirs, ratio: ours / theirs, wanted },
  });
  return [
    row("in target per dollar of budget", perBudget(sums.ours), perBudget(sums.reference), "> 1"),
    row("in target per dollar spent", perSpent(sums.ours), perSpent(sums.reference), "> 1"),
    row("the same split, first quotes: per dollar of budget", perBudget(sums.ours), perBudget(sums.sameSplit), "> 1"),
    row("the same split, first quotes: per dollar spent", perSpent(sums.ours), perSpent(sums.sameSplit), "> 1"),
    row("briefs that are ahead, of all", ahead, BRIEFS, "> 0.8"),
  ];
}

const zero: Bought = { inTarget: 0, cost: 0n };

function plus(left: Bought, right: Bought): Bought {
  return { inTarget: left.inTarget + right.inTarget, cost: left.cost + right.cost };
}

function defaultSplit(budget: Money): readonly (readonly [Channel, Money])[] {
  const [part] = split(percentOf(budget, 40), new Map([["display", 1]]));
  const [ctv] = split(percentOf(budget, 20), new Map([["ctv", 1]]));
  return part && ctv
    ? [
        ["display", part.budget],
        ["display", part.budget],
        ["ctv", ctv.budget],
      ]
    : [];
}

/** For each part of the budget the lowest of the first quotes, one from each seller for its cheapest product there. */
async function firstQuotes(
  desk: Desk,
  brief: Brief,
  parts: readonly (readonly [Channel, Money])[],
): Promise<readonly LoadedLine[]> {
  const lines: LoadedLine[] = [];
  for (const [index, [channel, budget]] of parts.entries()) {
    const kit = await desk.mediaKit({
      ...{
        sellers: [],
        channels: [channel],
        formats: [],
        geo: brief.geo,
        dealType: null,
        query: null,
        brief: null,
        maxCpm: null,
      },
      ...{ limit: 1_000, offset: 0, refresh: false, deadlineMs: 20_000 },
    });
    const cheapest = new Map([...kit.products].reverse().map((product) => [product.sellerId, product]));
    const terms = { maxBid: null, pricingOption: null, creativeIds: [] };
    const items = [...cheapest.values()].map(({ ref: product }) => ({
      ...{ product, flight: brief.flight, budget, impressions: null, dealType: null, targeting: null },
      ...{ terms, with: [], brief: null },
    }));
    const ask = {
      campaign: `${brief.name} part ${index}`,
      items,
      goal: brief.objective,
      by: "bench",
      deadlineMs: 20_000,
    };
    const got = (await desk.quote(ask)).flatMap((one) => (one.ok ? [one.report.loaded] : []));
    const [best] = got.sort((a, b) => compare(atCpm(a.line.quote).cpm, atCpm(b.line.quote).cpm));
    if (best) lines.push(best);
  }
  return lines;
}
