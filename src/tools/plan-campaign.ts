import * as z from "zod";
import type { Desk } from "../desk.ts";
import { type GivenBrief, readBrief } from "../domain/brief-reading.ts";
import { BuyingError } from "../domain/errors.ts";
import { goals } from "../domain/identity.ts";
import { whyMayNotCancel } from "../domain/principal.ts";
import { askBrief, briefQuestions } from "./ask-brief.ts";
import { Question, type ToolCall } from "./call.ts";
import { campaignAnswer, incompleteBrief, reportCampaign } from "./campaign-report.ts";
import { amount, fields, oneLine } from "./fields.ts";
import { defineTool } from "./tool.ts";

const words = z.array(oneLine(120)).max(20);
const text = (most: number) => z.string().max(most);

const input = z.strictObject({
  campaign_id: text(60).optional(),
  action: z.enum(["status", "resume", "pause", "cancel", "change", "drop"]).optional(),
  quote_id: text(400).optional().describe("The line to change (to budget) or drop"),
  name: oneLine(120).optional(),
  objective: z.enum(goals).optional(),
  kpis: words.optional(),
  budget: text(40).optional(),
  basis: z.enum(["net", "gross"]).optional(),
  commission: text(8).optional().describe("Percent of a gross budget"),
  start: text(10).optional(),
  end: text(10).optional(),
  demographics: words.optional(),
  interests: words.optional(),
  geo: words.optional(),
  channels: fields.channels.optional(),
  max_cpm: text(40).optional(),
  frequency_cap: oneLine(60).optional(),
  brand_safety: words.optional(),
  preferred_sellers: words.optional(),
  excluded_sellers: words.optional(),
  deal_types: z.array(fields.dealType).max(3).optional(),
  seller_share: z.number().int().min(1).max(100).optional().describe("Most percent of a channel for one seller"),
  po_number: oneLine(60).optional(),
  brief: text(4000).optional().describe("The brief in the person's words"),
  wait_s: z.number().min(0).max(50).optional(),
});
type Input = z.output<typeof input>;

export const planCampaign = defineTool({
  name: "plan_campaign",
  title: "Plan a campaign",
  effect: "spend",
  description:
    "From a brief to quotes in several channels that wait for one decision of a person; goes on in the background. Give what the person said, make nothing up: what is missing is asked for. campaign_id: how it stands, or an action on it.",
  input,
  output: campaignAnswer,
}).run(async (input, desk, call) => {
  const waitMs = (input.wait_s ?? 5) * 1000;
  if (input.campaign_id !== undefined) {
    await act(input.campaign_id, input, desk, call);
    return follow(desk, call, input.campaign_id, waitMs);
  }
  if (input.action !== undefined) throw refused("action needs the campaign_id it is for", "campaign_id");
  const given = briefGiven(input);
  const currency = desk.settings.mandate?.currency ?? null;
  let reading = readBrief(given, new Date(), currency);
  if (reading.kind === "incomplete") {
    const answered = await askBrief(reading.missing, call);
    if (answered instanceof Question) return answered;
    if (answered !== null) reading = readBrief({ ...given, ...answered }, new Date(), currency);
  }
  if (reading.kind === "incomplete") {
    const missing = reading.missing.map((field) => ({ field, ask: briefQuestions[field] }));
    return incompleteBrief(desk, missing, reading.contradictions);
  }
  const begun = await desk.campaigns.begin(reading.brief, call.principal.name);
  if (begun.kind === "contradictions") return incompleteBrief(desk, [], begun.contradictions);
  return follow(desk, call, begun.campaignId, waitMs);
});

async function act(campaignId: string, given: Input, desk: Desk, call: ToolCall): Promise<void> {
  const {
    action = "status",
    quote_id: ref,
    campaign_id: _id,
    budget,
    wait_s: _wait,
    action: _action,
    ...brief
  } = given;
  const [first] = Object.keys(brief);
  if (first !== undefined) throw refused("A brief begins a campaign of its own: give it without campaign_id", first);
  if (action === "status") return;
  const { campaigns } = desk;
  const by = call.principal.name;
  const { campaign } = await campaigns.report(campaignId);
  const stranger = whyMayNotCancel(call.principal, campaign.by);
  if (stranger !== null) {
    const message = `${stranger}, so it changes nothing of ${campaignId}. Nothing was changed.`;
    throw new BuyingError("conflict", message, "ask_person");
  }
  if (action === "resume") return campaigns.resume(campaignId, by);
  if (action === "pause") return campaigns.pause(campaignId, by);
  if (action === "cancel") return campaigns.cancel(campaignId, by);
  if (ref === undefined) throw refused(`${action} needs the line's quote_id`, "quote_id");
  const to = amount(budget, "budget");
  if (action === "drop") return campaigns.change(campaignId, ref, null, by);
  if (to === null) throw refused("change needs the line's new budget", "budget");
  return campaigns.change(campaignId, ref, to, by);
}

function refused(why: string, field: string): BuyingError {
  return new BuyingError("invalid_arguments", `${why}. Nothing was booked.`, "fix_arguments", { field });
}

function briefGiven(given: Input): GivenBrief {
  const { name, objective, kpis, budget, basis, commission, start, end, demographics, interests, geo, channels } =
    given;
  return {
    ...{ name, objective, kpis, budget, basis, commission, start, end, demographics, interests, geo, channels },
    maxCpm: given.max_cpm,
    frequencyCap: given.frequency_cap,
    brandSafety: given.brand_safety,
    preferredSellers: given.preferred_sellers,
    excludedSellers: given.excluded_sellers,
    dealTypes: given.deal_types,
    sellerShare: given.seller_share,
    poNumber: given.po_number,
    words: given.brief,
  };
}

/** Waits a while for what comes of a campaign, tells of it on the way, and says how it stands. */
async function follow(desk: Desk, call: ToolCall, campaignId: string, waitMs: number) {
  const { mcpReq } = call.mcp;
  const progressToken = mcpReq._meta?.progressToken;
  const notes: string[] = [];
  const listener = (message: string) => {
    notes.push(message);
    if (progressToken === undefined) return;
    const params = { progressToken, progress: notes.length, message };
    mcpReq
      .notify({ method: "notifications/progress", params })
      .catch((error: unknown) => desk.log("progress not told", { error: String(error) }));
  };
  await desk.campaigns.follow(campaignId, waitMs, listener, mcpReq.signal);
  return reportCampaign(desk, await desk.campaigns.report(campaignId), notes.slice(-6));
}
