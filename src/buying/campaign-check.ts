import type { Share } from "../domain/allocation.ts";
import type { Campaign, CampaignLine } from "../domain/campaign.ts";
import { channelOf, highestCpm } from "../domain/quote-facts.ts";
import { BuyingError } from "../domain/errors.ts";
import type { Ref } from "../domain/ids.ts";
import { weigh } from "../domain/mandate.ts";
import { add, compare, displayMoney, type Money, percentOf, zero } from "../domain/money.ts";
import { totalOfQuote } from "../domain/quote.ts";
import { approvalLine } from "./line-terms.ts";
import { type LoadedLine, loadLine } from "./lines.ts";
import { standing } from "./mandate-facts.ts";
import type { Ports } from "./ports.ts";
import type { Recommended } from "./specialist.ts";

/** Time a quote must still have to be worth showing to a person. */
const LEAST_LEFT_MS = 300_000;

/** Recommendations that hold, and what was dropped, with why. */
export interface Checked {
  readonly lines: readonly CampaignLine[];
  readonly dropped: readonly string[];
}

/**
 * Holds what was recommended for a channel against the ledger: whoever recommended it, what it costs and what it is are read
 * there. The first of those that do not fit together stand.
 */
export async function checkRecommended(
  ports: Ports,
  campaign: Campaign,
  share: Share,
  recommended: readonly Recommended[],
): Promise<Checked> {
  const lines: CampaignLine[] = [];
  const dropped: string[] = [];
  const { currency } = share.budget;
  const cap = capOf(campaign, share.budget);
  let total = zero(currency);
  const bySeller = new Map<string, Money>();
  for (const { quote: ref, why } of recommended) {
    const found = await whatHolds(ports, campaign, share, ref);
    if (typeof found === "string") {
      dropped.push(found);
      continue;
    }
    const { sellerId } = found.line.quote;
    const cost = totalOfQuote(found.line.quote);
    const own = add(bySeller.get(sellerId) ?? zero(currency), cost);
    if (lines.some((line) => line.ref === found.ref)) dropped.push(`${ref}: it was recommended twice`);
    else if (compare(add(total, cost), share.budget) > 0)
      dropped.push(`${ref}: ${displayMoney(cost)} more would pass ${share.channel}'s ${displayMoney(share.budget)}`);
    else if (compare(own, cap) > 0) dropped.push(`${ref}: ${sellerId} would have more than its share of the budget`);
    else {
      lines.push({ ref: found.ref, channel: share.channel, cost, why });
      total = add(total, cost);
      bySeller.set(sellerId, own);
    }
  }
  return { lines, dropped };
}

/** The most of a channel's budget that one seller may have. */
function capOf({ brief }: Campaign, budget: Money): Money {
  const percent = brief.sellerShare ?? null;
  return percent === null ? budget : percentOf(budget, percent);
}

/** A quote that may be a line of the channel; else why not, in our words. */
async function whatHolds(ports: Ports, campaign: Campaign, share: Share, ref: Ref): Promise<LoadedLine | string> {
  const { brief } = campaign;
  const shown = ref.slice(0, 200);
  try {
    const loaded = await loadLine(ports, ref);
    const { quote, status } = loaded.line;
    const price = highestCpm(quote);
    if (status !== "open" && status !== "awaiting_approval") return `${shown}: it is ${status.replaceAll("_", " ")}`;
    if (quote.state !== "available" || quote.inventoryAvailable === false) return `${shown}: it is not available`;
    if (Date.parse(quote.expiresAt) - ports.now().getTime() < LEAST_LEFT_MS)
      return `${shown}: it has expired, or is about to`;
    if (quote.changes) return `${shown}: it changes a media buy`;
    if (channelOf(quote) !== share.channel) return `${shown}: it is not ${share.channel}`;
    if (campaign.brief.excludedSellers.some((one) => isNamed(one, quote.sellerId)))
      return `${shown}: the brief excludes ${quote.sellerId}`;
    if (quote.flight.start !== brief.flight.start || quote.flight.end !== brief.flight.end)
      return `${shown}: it is for another flight`;
    if (brief.dealTypes?.length && !brief.dealTypes.includes(quote.dealType))
      return `${shown}: it is a ${quote.dealType}`;
    if (totalOfQuote(quote).currency !== share.budget.currency)
      return `${shown}: it is not in ${share.budget.currency}`;
    if (brief.maxCpm && (price === null || compare(price, brief.maxCpm) > 0))
      return `${shown}: ${price ? displayMoney(price) : "its price per 1,000 impressions is not known, and"} above the highest CPM, ${displayMoney(brief.maxCpm)}`;
    const { terms } = await approvalLine(ports, loaded, brief.poNumber);
    const facts = await standing(ports);
    const { outcome, reasons } = weigh(facts.mandate, [terms], facts);
    return outcome === "refused" ? `${shown}: the mandate refuses it: ${reasons.join("; ")}` : loaded;
  } catch (error) {
    if (error instanceof BuyingError) return `${shown}: ${error.message.replace(/ Nothing was booked\.$/, "")}`;
    throw error;
  }
}

/** Whether a planner's word for a seller means this one. */
export function isNamed(word: string, sellerId: string): boolean {
  return word.trim().toLowerCase() === sellerId.toLowerCase();
}
