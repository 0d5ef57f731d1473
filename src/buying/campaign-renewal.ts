import { type Campaign, type CampaignLine, costIn, costOf } from "../domain/campaign.ts";
import { BuyingError } from "../domain/errors.ts";
import { committed } from "../domain/media-buy.ts";
import { add, compare, type Money } from "../domain/money.ts";
import { totalOfQuote } from "../domain/quote.ts";
import { failureAsError } from "./failures.ts";
import { type LoadedLine, loadLine, newestOf } from "./lines.ts";
import { negotiate } from "./negotiate.ts";
import type { Ports } from "./ports.ts";
import { renewQuotes, requestQuotes } from "./quote.ts";
import { readOpenQuote } from "./reread.ts";

/** A quote with less than this left is renewed before a person is asked: deciding takes time. */
const RENEW_BEFORE_MS = 600_000;
const RENEWAL_MS = 20_000;

/** A campaign's lines with quotes that still stand, renewed where they are about to end; and what was lost, with why. */
export async function linesNow(
  ports: Ports,
  campaign: Campaign,
): Promise<{ readonly lines: readonly CampaignLine[]; readonly lost: readonly string[] }> {
  const lost: string[] = [];
  const found = await Promise.all(
    campaign.lines.map(async (line) => {
      try {
        return await lineNow(ports, campaign, line);
      } catch (error) {
        const known = failureAsError(ports, error);
        lost.push(`${line.ref} was left out: ${known.message.replace(/ Nothing was booked\.$/, "")}`);
        return null;
      }
    }),
  );
  const lines: CampaignLine[] = [];
  for (const line of found) {
    if (!line) continue;
    const share = campaign.shares.find(({ channel }) => channel === line.channel)?.budget;
    const fits =
      share !== undefined &&
      compare(add(costIn(lines, line.channel, share.currency), line.cost), share) <= 0 &&
      compare(add(costOf({ lines, brief: campaign.brief }), line.cost), campaign.brief.budget) <= 0;
    if (fits) lines.push(line);
    else lost.push(`${line.ref} was left out: it costs more now than ${line.channel} has`);
  }
  return { lines, lost };
}

/** A line with a quote that stands: read again, or where it is about to end, asked for again for what it cost. */
async function lineNow(ports: Ports, campaign: Campaign, line: CampaignLine): Promise<CampaignLine> {
  const known = await newestOf(ports, line.ref);
  const { status, quote } = known.line;
  const left = Date.parse(quote.expiresAt) - ports.now().getTime();
  const isStanding = committed.includes(status) || (status !== "declined" && left >= RENEW_BEFORE_MS);
  const loaded = !isStanding
    ? await renewed(ports, campaign, line, known)
    : committed.includes(status)
      ? known
      : await readOpenQuote(ports, known.ref);
  if (loaded.line.status === "declined")
    throw new BuyingError("quote_expired", "the seller no longer holds it. Nothing was booked.", "fix_arguments");
  return { ...line, ref: loaded.ref, cost: totalOfQuote(loaded.line.quote) };
}

/**
 * The same product anew. A seller quotes its first price again: what it came down to before is asked for again, and where it
 * does not come down this time, less is bought for the same money.
 */
async function renewed(ports: Ports, campaign: Campaign, line: CampaignLine, old: LoadedLine): Promise<LoadedLine> {
  const [outcome] = await renewQuotes(ports, [old.ref], campaign.by, RENEWAL_MS);
  if (!outcome?.ok) throw outcome?.error ?? new RangeError("a renewal without an outcome");
  const { ref } = outcome.report.loaded;
  if (old.line.negotiation?.status === "agreed") {
    const item = { ref, targetCpm: null, maxCpm: null, offerCpm: null, words: null };
    const ask = { items: [item], strategy: "threshold", move: "auto", step: null, maxRounds: 5 } as const;
    await negotiate(ports, { ...ask, deadlineMs: RENEWAL_MS });
  }
  const now = await loadLine(ports, ref);
  if (compare(totalOfQuote(now.line.quote), line.cost) <= 0) return now;
  return quotedAgain(ports, campaign, now, line.cost);
}

/** A quote for the same product under the same wishes, for another budget. @throws BuyingError where there is none */
export async function quotedAgain(
  ports: Ports,
  { brief, by }: Pick<Campaign, "brief" | "by">,
  old: LoadedLine,
  budget: Money,
): Promise<LoadedLine> {
  const { product, flight, dealType, targeting, goal, buys } = old.line.request;
  const first = buys?.packages[0];
  const { maxBid = null, option: pricingOption = null, creativeIds = [] } = first ?? {};
  const item = {
    ...{ product, flight, budget, impressions: null, dealType, targeting, with: [], brief: buys?.brief ?? null },
    terms: { maxBid, pricingOption, creativeIds },
  };
  const [outcome] = await requestQuotes(ports, {
    campaign: brief.name,
    items: [item],
    goal,
    by,
    deadlineMs: RENEWAL_MS,
  });
  if (!outcome?.ok) throw outcome?.error ?? new RangeError("a quote without an outcome");
  return outcome.report.loaded;
}
