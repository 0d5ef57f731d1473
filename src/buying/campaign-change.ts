import { type Campaign, type CampaignLine, costIn } from "../domain/campaign.ts";
import { BuyingError } from "../domain/errors.ts";
import type { Ref } from "../domain/ids.ts";
import { add, compare, displayMoney, type Money } from "../domain/money.ts";
import { checkRecommended } from "./campaign-check.ts";
import type { Ports } from "./ports.ts";
import { newestOf, requestQuotes } from "./quote.ts";

const QUOTE_MS = 20_000;

/**
 * A campaign's lines with one of them changed: quoted anew for another budget and held against the ledger like any
 * recommendation, or left out where the budget is null.
 * @throws BuyingError where it is no line of the campaign, would be the last to go, or does not fit its channel
 */
export async function changedLines(
  ports: Ports,
  campaign: Campaign,
  ref: Ref,
  budget: Money | null,
): Promise<readonly CampaignLine[]> {
  const newest = await Promise.all(campaign.lines.map(async (line) => (await newestOf(ports, line.ref)).ref));
  const index = campaign.lines.findIndex((line, at) => line.ref === ref || newest[at] === ref);
  const line = campaign.lines[index];
  if (!line)
    throw refused(
      `${ref.slice(0, 200)} is no line of ${campaign.campaignId}`,
      campaign.lines.map((one) => one.ref),
    );
  const others = campaign.lines.filter((_one, at) => at !== index);
  if (budget === null) {
    if (others.length > 0) return others;
    throw refused(`${ref} is the last line; cancel the campaign instead`, [campaign.campaignId]);
  }
  const share = campaign.shares.find(({ channel }) => channel === line.channel);
  if (!share) throw new RangeError("a line of a channel without a share");
  const taken = costIn(others, line.channel, budget.currency);
  if (compare(add(taken, budget), share.budget) > 0)
    throw refused(
      `${line.channel} has ${displayMoney(share.budget)}, of which other lines take ${displayMoney(taken)}`,
    );
  const old = await newestOf(ports, line.ref);
  const { product, flight, dealType, targeting, goal, buys } = old.line.request;
  const first = buys?.packages[0];
  const terms = {
    maxBid: first?.maxBid ?? null,
    pricingOption: first?.option ?? null,
    creativeIds: first?.creativeIds ?? [],
  };
  const item = {
    product,
    flight,
    budget,
    impressions: null,
    dealType,
    targeting,
    terms,
    with: [],
    brief: buys?.brief ?? null,
  };
  const ask = { campaign: campaign.brief.name, items: [item], goal, by: campaign.by, deadlineMs: QUOTE_MS };
  const [outcome] = await requestQuotes(ports, ask);
  if (!outcome?.ok) throw outcome?.error ?? new RangeError("a quote without an outcome");
  const fresh = { quote: outcome.report.loaded.ref, why: `changed to ${displayMoney(budget)}` };
  const kept = others
    .filter(({ channel }) => channel === line.channel)
    .map((one) => ({ quote: one.ref, why: one.why }));
  const { lines, dropped } = await checkRecommended(ports, campaign, share, [...kept, fresh]);
  if (lines.length <= kept.length) throw refused(`The changed line does not hold: ${dropped.join("; ")}`);
  return [...others.filter(({ channel }) => channel !== line.channel), ...lines];
}

function refused(why: string, candidates: readonly string[] = []): BuyingError {
  return new BuyingError("invalid_arguments", `${why}. Nothing was changed, and nothing was booked.`, "fix_arguments", {
    field: "quote_id",
    candidates,
  });
}
