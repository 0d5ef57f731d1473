import * as z from "zod";
import type { LoadedLine } from "../buying/lines.ts";
import { costOf } from "../domain/campaign.ts";
import { proposalWords } from "../domain/proposal-words.ts";
import { displayMoney, formatMoney } from "../domain/money.ts";
import { pricesOf, totalOfQuote } from "../domain/quote.ts";
import { isSentNoMore } from "../domain/resending.ts";
import { spentOn } from "../domain/spend.ts";
import { buyRow, buysText, waysToDecide } from "./buy-report.ts";
import { pricesWords, totalOfApproval } from "../card/words.ts";
import { spentToday } from "./spent-today.ts";
import { table } from "./table.ts";
import { answer, defineTool, everyAnswer } from "./tool.ts";

const row = z.looseObject({});

export const getInbox = defineTool({
  name: "get_inbox",
  title: "Where things stand",
  effect: "read",
  description:
    "Where was I: who this desk is, mandate left today, open quotes, approvals waiting for the person, buys under way, what needs attention. Call first in a new conversation.",
  input: z.strictObject({}),
  output: z.looseObject({
    ...everyAnswer,
    desk: z.string(),
    mandate: row.nullable(),
    campaigns: z.array(row),
    open_quotes: z.array(row),
    approvals: z.array(row),
    under_way: z.array(row),
    attention: z.array(row),
    recent: z.array(row),
  }),
}).run(async (_input, desk, call) => {
  const found = await desk.inbox();
  const { mandate, balances, day } = found.standing;
  const spent = await spentToday(desk);
  const quotes = found.openQuotes.map((one) => quoteRow(one));
  const approvals = await Promise.all(
    found.approvals.map(async (one) => ({
      approval_id: one.approvalId,
      total: formatMoney(totalOfApproval(one)),
      lines: one.lines.map(({ ref }) => ref),
      campaign: one.campaign,
      expires_at: one.expiresAt,
      short_code: one.shortCode,
      person_can: await waysToDecide(one, desk),
    })),
  );
  const campaigns = found.campaigns.map((one) => ({
    campaign_id: one.campaignId,
    name: one.brief.name,
    status: one.status,
    budget: formatMoney(one.brief.budget),
    planned: formatMoney(costOf(one)),
    lines: one.lines.length,
    why: one.why,
  }));
  const limits = mandate && {
    currency: mandate.currency,
    per_buy: formatMoney(mandate.perBuy),
    per_day: formatMoney(mandate.perDay),
    max_cpm: formatMoney(mandate.maxCpm),
    spend_day: day,
    committed_today: formatMoney(spentOn(balances, day)),
    left_today: spent?.leftToday ?? null,
    committed_in_all: formatMoney(balances.total),
    incidents: balances.incidents,
  };
  const buyable = quotes.find(({ waits }) => !waits);
  const unknown = found.attention.filter(
    ({ line }) => line.status === "booking_unknown" && isSentNoMore(line, new Date()),
  );
  const next = approvals[0]
    ? [`approve {approval_id: "${approvals[0].approval_id}"}`]
    : campaigns[0]
      ? [`plan_campaign {campaign_id: "${campaigns[0].campaign_id}"}`]
      : buyable
        ? [`create_media_buy {lines: [{quote_id: "${buyable.quote_id}"}]}`]
        : found.underWay.length > 0
          ? ["get_media_buys {refresh: true}"]
          : ["discover_sellers {}"];
  return answer(
    desk,
    {
      desk: desk.settings.name,
      principal: call.principal.name,
      mandate: limits,
      campaigns,
      open_quotes: quotes,
      approvals,
      under_way: found.underWay.map(buyRow),
      attention: found.attention.map(buyRow),
      recent: found.recent.map(buyRow),
    },
    next,
    `Desk ${desk.settings.name} of ${desk.settings.advertiser}, ${desk.settings.sandbox ? "sandbox" : "live"}, as ${call.principal.name}.`,
    limits && spent
      ? `Mandate: ${spent.today} committed today, ${spent.leftToday} left; at most ${limits.per_buy} a buy, ${limits.max_cpm} CPM.`
      : "No mandate: nothing can be bought on this desk until the operator adds one.",
    balances.incidents.length > 0 &&
      `Open incidents, approvals are stopped: ${balances.incidents.join(", ")}. A person clears one with: ${desk.settings.command} settle <media_buy_id> --clear`,
    unknown.length > 0 &&
      `Not known, and for a person to settle: ${unknown.map(({ ref }) => ref).join(", ")}. Who has asked the seller runs: ${desk.settings.command} settle <media_buy_id> --booked <deal id>, or --not-booked`,
    found.attention.length > 0 && `Needs attention:\n${buysText(found.attention)}`,
    approvals.length > 0 &&
      `Waiting for the person:\n${table(
        ["approval_id", "total", "campaign", "expires (UTC)", "how"],
        approvals.map((one) => [
          one.approval_id,
          one.total,
          one.campaign,
          one.expires_at.slice(0, 16),
          one.person_can.join("; "),
        ]),
      )}`,
    campaigns.length > 0 &&
      `Campaigns (plan_campaign {campaign_id} tells more):\n${table(
        ["campaign_id", "name", "status", "planned", "budget", "lines", "why"],
        campaigns.map((one) => [one.campaign_id, one.name, one.status, one.planned, one.budget, one.lines, one.why]),
      )}`,
    quotes.length > 0 &&
      `Open quotes:\n${table(
        ["quote_id", "product", "price", "total", "campaign", "hours left", "negotiation"],
        quotes.map((one) => [
          one.quote_id,
          one.product,
          one.price,
          one.total,
          one.campaign,
          one.hours_left,
          one.negotiation,
        ]),
      )}`,
    ownTerms(quotes),
    found.underWay.length > 0 && `Under way:\n${buysText(found.underWay)}`,
    found.recent.length > 0 &&
      `Latest buys:\n${table(
        ["media_buy_id", "status", "deal_id", "total", "campaign"],
        found.recent.map((one) => [
          one.ref,
          one.line.status,
          one.line.deal?.dealId,
          buyRow(one).total,
          one.line.campaign,
        ]),
      )}`,
  );
});

/** What became of prices that were put to sellers. */
function ownTerms(quotes: readonly ReturnType<typeof quoteRow>[]): string {
  const told = quotes.flatMap(({ quote_id, proposal, seller_said: said }) =>
    proposal === null
      ? []
      : [`${quote_id}: ${proposal}${said === null ? "" : `. The seller said (its words): "${said}"`}`],
  );
  return told.length === 0 ? "" : `Own terms:\n${told.join("\n")}`;
}

function quoteRow({ ref, line }: LoadedLine) {
  const { quote } = line;
  const waits = line.status === "proposed";
  const minutes = Math.max(0, Math.floor((Date.parse(quote.expiresAt) - Date.now()) / 60_000));
  return {
    quote_id: ref,
    product: quote.product.ref,
    cpm: quote.cpm && formatMoney(quote.cpm),
    price: pricesWords(pricesOf(quote)),
    total: formatMoney(totalOfQuote(quote)),
    total_text: displayMoney(totalOfQuote(quote)),
    campaign: line.campaign,
    hours_left: Math.floor(minutes / 60),
    expires_at: quote.expiresAt,
    negotiation: waits
      ? "waits for the seller"
      : (line.negotiation?.status ?? (line.rounds.length > 0 ? "active" : null)),
    proposal: proposalWords(line),
    seller_said: quote.proposal?.sellerSaid || null,
    waits,
  };
}
