import { type Campaign, type CampaignLine, costIn } from "../domain/campaign.ts";
import { BuyingError } from "../domain/errors.ts";
import type { Ref } from "../domain/ids.ts";
import { add, compare, displayMoney, type Money } from "../domain/money.ts";
import { checkRecommended } from "./campaign-check.ts";
import { quotedAgain } from "./campaign-renewal.ts";
import type { Ports } from "./ports.ts";
import { newestOf } from "./lines.ts";

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
  const { ref: quote } = await quotedAgain(ports, campaign, await newestOf(ports, line.ref), budget);
  const fresh = { quote, why: `changed to ${displayMoney(budget)}` };
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
