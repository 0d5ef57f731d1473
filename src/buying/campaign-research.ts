import { allocate, reallocated, type Share, weightsBy } from "../domain/allocation.ts";
import { type Campaign, type CampaignEvent, channelsToResearch, channelsWithout } from "../domain/campaign.ts";
import type { Channel } from "../domain/inventory.ts";
import { displayMoney } from "../domain/money.ts";
import { checkRecommended } from "./campaign-check.ts";
import { marketFor } from "./campaign-market.ts";
import { appendCampaign } from "./campaign-rows.ts";
import { failureAsError } from "./failures.ts";
import type { Ports } from "./ports.ts";
import type { Planner, Research } from "./specialist.ts";

/** How long kits may take where a budget is split by what is on offer. */
const KITS_MS = 15_000;
/** How long the right to research lasts before it has to be taken again; then somebody else may go on. */
export const RESEARCH_CLAIM_MS = 6_000;
/** The longest that one channel is researched. */
const CHANNEL_MS = 300_000;

/** What the work on a campaign needs beside the desk: who plans, how it is stopped, and who is told of it. */
export interface Working {
  readonly ports: Ports;
  readonly planner: Planner;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
}

/** The work was stopped, here or by an entry of somebody else's: whatever it was about to write is not written. */
export class Stopped extends Error {}

/** Splits a brief's budget over the channels that are on offer, and writes it down. */
export async function allocateBudget({ ports, planner, signal, note }: Working, campaign: Campaign): Promise<void> {
  const { brief, campaignId } = campaign;
  note("reading media kits");
  const market = await marketFor(ports, brief, KITS_MS);
  const channels = [...market.channels.keys()];
  const chosen = await planner.allocate(brief, channels, signal, campaignId).catch((error: unknown) => {
    ports.log("the planner could not allocate", { campaign: campaignId, error: String(error) });
    return null;
  });
  if (signal.aborted) throw new Stopped();
  const usable = chosen !== null && isSplit(chosen, channels);
  const weights = usable ? chosen : weightsBy(brief.objective, channels);
  const { shares, left } = allocate(brief.budget, weights, market.least);
  const notes = [
    ...left,
    ...(chosen !== null && !usable ? [`the split of ${planner.name} did not add up and was not used`] : []),
    ...market.silent.map((id) => `${id} did not answer, so that what it sells is not in here`),
  ];
  const why = usable ? `as ${planner.name} split it` : `by the table for ${brief.objective}`;
  await appendCampaign(ports, campaignId, ({ status }) => {
    if (status !== "brief_received") return [];
    if (shares.length === 0) return [ended("failed", "no channel on offer can use the budget")];
    return [{ kind: "budget_allocated", v: 1, shares, why, notes }];
  });
}

function isSplit(percents: ReadonlyMap<Channel, number>, channels: readonly Channel[]): boolean {
  const values = [...percents.values()];
  const whole = values.every((percent) => Number.isInteger(percent) && percent >= 0);
  return (
    whole &&
    values.reduce((sum, one) => sum + one, 0) === 100 &&
    [...percents.keys()].every((one) => channels.includes(one))
  );
}

/** Takes the right to research, or keeps it. @returns the campaign with it, or null where it is another process's */
export async function claimResearch(ports: Ports, campaignId: string): Promise<Campaign | null> {
  const { holder } = ports;
  const after = await appendCampaign(ports, campaignId, ({ status, claim }) => {
    const now = ports.now().getTime();
    const isFree = !claim || claim.holder === holder || Date.parse(claim.until) <= now;
    if ((status !== "budget_allocated" && status !== "researching") || !isFree) return [];
    const until = new Date(now + RESEARCH_CLAIM_MS).toISOString();
    return [{ kind: "research_claimed", v: 1, holder, until }];
  });
  return isMine(ports, after) ? after : null;
}

function isMine({ holder }: Ports, { status, claim }: Campaign): boolean {
  return status === "researching" && claim?.holder === holder;
}

/**
 * Researches the channels that were not yet, all at once; what one of them comes to is written as soon as it is there, and what
 * fails costs the others nothing. Afterwards what a channel could not use goes to the others, once.
 * @throws Stopped when the right to go on is lost
 */
export async function researchChannels(working: Working, campaign: Campaign): Promise<void> {
  const { ports, note } = working;
  const { campaignId } = campaign;
  const pending = channelsToResearch(campaign);
  await Promise.all(
    pending.map(async (share) => {
      note(`${share.channel}: looking for what ${displayMoney(share.budget)} buys`);
      const event = await researched(working, campaign, share);
      if (working.signal.aborted) throw new Stopped();
      const after = await appendCampaign(ports, campaignId, (now) => (isMine(ports, now) ? [event] : []));
      if (!isMine(ports, after)) throw new Stopped();
      note(resultWords(event));
    }),
  );
  await appendCampaign(ports, campaignId, (now) => (isMine(ports, now) ? reallocation(now) : []));
}

type Result = Extract<CampaignEvent, { kind: "channel_researched" | "channel_failed" }>;

async function researched(working: Working, campaign: Campaign, share: Share): Promise<Result> {
  const { ports, planner } = working;
  const { campaignId, brief } = campaign;
  const { channel, budget } = share;
  const signal = AbortSignal.any([working.signal, AbortSignal.timeout(CHANNEL_MS)]);
  const progress = (text: string) => working.note(`${channel}: ${text}`);
  try {
    const found = await untilAborted(
      planner.research({ campaignId, brief, channel, budget, signal, progress }),
      signal,
    );
    const { lines, dropped } = await checkRecommended(ports, campaign, share, found.recommended);
    return { kind: "channel_researched", v: 1, channel, lines, dropped, notes: found.notes };
  } catch (error) {
    if (working.signal.aborted) throw new Stopped();
    ports.log("a channel could not be researched", { campaign: campaignId, channel, error: String(error) });
    const why = signal.aborted ? "it took too long" : failureAsError(ports, error).message;
    return { kind: "channel_failed", v: 1, channel, why };
  }
}

/** A planner that does not heed its signal is not waited for. */
function untilAborted(work: Promise<Research>, signal: AbortSignal): Promise<Research> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Stopped());
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** What a channel could not use is offered to the others, once: by the table, to those that found something. */
function reallocation(now: Campaign): readonly CampaignEvent[] {
  const without = channelsWithout(now);
  if (channelsToResearch(now).length > 0 || without.length === 0 || now.allocations > 1) return [];
  if (without.length === now.shares.length) return [];
  const weights = weightsBy(
    now.brief.objective,
    now.shares.map(({ channel }) => channel),
  );
  const shares = reallocated(now.shares, without, weights);
  const why = `what ${without.join(" and ")} could not use goes to the others`;
  return [{ kind: "budget_allocated", v: 1, shares, why, notes: [why] }];
}

/** The entry that ends a campaign. */
export function ended(as: "completed" | "failed" | "rejected", why: string): CampaignEvent {
  return { kind: "campaign_ended", v: 1, as, why };
}

function resultWords(event: Result): string {
  if (event.kind === "channel_failed") return `${event.channel}: failed, ${event.why}`;
  const { channel, lines, dropped } = event;
  return `${channel}: ${lines.length} recommended${dropped.length > 0 ? `, ${dropped.length} dropped` : ""}`;
}
