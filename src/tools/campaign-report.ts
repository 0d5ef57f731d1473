import * as z from "zod";
import type { CampaignReport } from "../buying/campaigns.ts";
import { pricesWords, volumeWords } from "../card/words.ts";
import type { Desk } from "../desk.ts";
import { type Campaign, campaignStatuses, costIn, costOf } from "../domain/campaign.ts";
import { displayMoney, formatMoney, subtract } from "../domain/money.ts";
import { pricesOf, totalOfQuote } from "../domain/quote.ts";
import { buysText, refusalsText, waysToDecide } from "./buy-report.ts";
import { table } from "./table.ts";
import { type Answer, answer, everyAnswer } from "./tool.ts";

/** The answer of `plan_campaign`: how a campaign stands, or what its brief lacks. */
export const campaignAnswer = z.looseObject({
  ...everyAnswer,
  campaign_id: z.string().nullable(),
  status: z.enum(["incomplete", ...campaignStatuses]),
  missing: z.array(z.string()),
  lines: z.array(z.looseObject({ quote_id: z.string(), status: z.string(), total: z.string() })),
});

/** How a campaign stands, with all that the next step needs; the same in a new conversation. */
export async function reportCampaign(
  desk: Desk,
  { campaign, lines, working }: CampaignReport,
  notes: readonly string[],
): Promise<Answer<z.output<typeof campaignAnswer>>> {
  const { campaignId, status, brief, shares, results } = campaign;
  const asked = campaign.approvalId === null ? null : await desk.approval(campaign.approvalId);
  const ways = asked && status === "awaiting_approval" ? await waysToDecide(asked, desk) : [];
  const channels = shares.map(({ channel, budget }) => ({
    channel,
    budget: formatMoney(budget),
    planned: formatMoney(costIn(campaign.lines, channel, budget.currency)),
    state: results.get(channel)?.kind ?? "being researched",
  }));
  const rows = lines.map(({ ref, line }, index) => ({
    quote_id: ref,
    product: line.quote.packages?.map((one) => one.product.ref).join(" + ") ?? line.quote.product.ref,
    channel: campaign.lines[index]?.channel ?? null,
    price: pricesWords(pricesOf(line.quote)),
    volume: pricesOf(line.quote).map(volumeWords).join(" + "),
    total: formatMoney(totalOfQuote(line.quote)),
    status: line.status,
    deal_id: line.deal?.dealId ?? null,
    why: campaign.lines[index]?.why ?? null,
  }));
  const told = tellings(campaign);
  const planned = costOf(campaign);
  const bought = lines.filter(
    ({ line }) => !["open", "awaiting_approval", "declined", "superseded"].includes(line.status),
  );
  const data = {
    campaign_id: campaignId,
    status,
    name: brief.name,
    planned_by: campaign.planner,
    budget: formatMoney(brief.budget),
    planned: formatMoney(planned),
    left: formatMoney(subtract(brief.budget, planned)),
    approval: asked && { approval_id: asked.approvalId, expires_at: asked.expiresAt, person_can: ways },
    channels,
    lines: rows,
    notes: told,
    why: campaign.why,
    missing: [],
    contradictions: [],
    nothing_booked: bought.length === 0,
  };
  const gross =
    brief.basis.kind === "gross" ? ` (${displayMoney(brief.basis.total)} gross less ${brief.basis.percent} %)` : "";
  return answer(
    desk,
    data,
    nextSteps(campaign, working),
    `${status}: ${sentences[status]}${campaign.why ? ` ${campaign.why}.` : ""}`,
    `${campaignId} "${brief.name}": ${brief.objective}, ${displayMoney(brief.budget)}${gross}, ${brief.flight.start} to ${brief.flight.end}. Planned by ${campaign.planner}${campaign.planner === "deterministic" ? ", without a model" : ""}: ${displayMoney(planned)}, left ${displayMoney(subtract(brief.budget, planned))}.`,
    notes.length > 0 && `Meanwhile: ${notes.join(" | ")}`,
    table(
      ["channel", "budget", "planned", "state"],
      channels.map((one) => [one.channel, one.budget, one.planned, one.state]),
    ),
    table(
      ["quote_id", "product", "channel", "price", "volume", "total", "status", "why"],
      rows.map((one) => [
        one.quote_id,
        one.product,
        one.channel,
        one.price,
        one.volume,
        one.total,
        one.status,
        one.why,
      ]),
    ),
    told.length > 0 && `Notes:\n${told.join("\n")}`,
    ways.length > 0 && `The person can: ${ways.join("; or ")}. You cannot decide this, and no argument does.`,
    bought.length > 0 && buysText(bought),
    refusalsText(lines),
    bought.length === 0 && "Nothing was booked.",
  );
}

/** What a brief lacks or contradicts; no campaign was begun. */
export function incompleteBrief(
  desk: Desk,
  missing: readonly { readonly field: string; readonly ask: string }[],
  contradictions: readonly string[],
): Answer<z.output<typeof campaignAnswer>> {
  const data = { campaign_id: null, status: "incomplete" as const, channels: [], lines: [] };
  const said = { missing: missing.map(({ field }) => field), contradictions: [...contradictions] };
  return answer(
    desk,
    { ...data, ...said, nothing_booked: true },
    ["plan_campaign with what is missing; ask the person, and make nothing up"],
    "incomplete: no campaign was begun.",
    missing.length > 0 && `Missing:\n${missing.map(({ field, ask }) => `${field}: ${ask}`).join("\n")}`,
    contradictions.length > 0 && `Contradictions:\n${contradictions.join("\n")}`,
    "Nothing was booked.",
  );
}

/** Notes of a campaign: on the split, and channel by channel. */
function tellings({ notes, results }: Campaign): readonly string[] {
  const by = [...results].flatMap(([channel, result]) =>
    result.kind === "failed"
      ? [`${channel} failed: ${result.why}`]
      : [...result.dropped.map((one) => `dropped: ${one}`), ...result.notes].map((one) => `${channel}: ${one}`),
  );
  return [...notes, ...by];
}

const sentences: Readonly<Record<Campaign["status"], string>> = {
  brief_received: "the brief is taken, its budget is being split.",
  budget_allocated: "the budget is split, its channels are researched next.",
  researching: "channels are being researched; quotes are asked for and negotiated.",
  awaiting_approval: "waiting for a person's decision on exactly these lines.",
  executing: "decided; what was approved is being booked.",
  paused: "nothing goes on until it is resumed.",
  completed: "every line is settled.",
  failed: "it could not go on.",
  rejected: "a person rejected it.",
  cancelled: "it was called off; its quotes stay open until they end.",
};

function nextSteps({ campaignId, status, approvalId }: Campaign, working: boolean): readonly string[] {
  const again = `plan_campaign {campaign_id: "${campaignId}", action: "status", wait_s: 25}`;
  switch (status) {
    case "awaiting_approval":
      return approvalId
        ? [
            `approve {approval_id: "${approvalId}"}`,
            `plan_campaign {campaign_id: "${campaignId}", action: "change", quote_id, budget}`,
          ]
        : [again];
    case "paused":
      return [`plan_campaign {campaign_id: "${campaignId}", action: "resume"}`];
    case "completed":
      return ["get_media_buys {}", "get_delivery {}"];
    case "failed":
    case "rejected":
    case "cancelled":
      return ["plan_campaign with another brief", "get_inbox {}"];
    default:
      return working ? [again] : [again, "get_inbox {}"];
  }
}
