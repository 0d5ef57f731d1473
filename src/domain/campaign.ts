import type { Share } from "./allocation.ts";
import type { Brief } from "./brief.ts";
import type { Ref } from "./ids.ts";
import type { Channel } from "./inventory.ts";
import { add, compare, type Money, sum, zero } from "./money.ts";

/**
 * A campaign: one brief and what was made of it, in one stream. Which quotes are its lines is said here; how far each of
 * them is bought is said by the line alone.
 */
export const campaignStatuses = [
  "brief_received",
  "budget_allocated",
  "researching",
  "awaiting_approval",
  "executing",
  "paused",
  "completed",
  "failed",
  "rejected",
  "cancelled",
] as const;
export type CampaignStatus = (typeof campaignStatuses)[number];

/** Statuses after which nothing comes. */
export const endedCampaign: readonly CampaignStatus[] = ["completed", "failed", "rejected", "cancelled"];

/** Statuses in which there is something to do, or to look at, without a person's word. */
export const workableCampaign: readonly CampaignStatus[] = [
  "brief_received",
  "budget_allocated",
  "researching",
  "awaiting_approval",
  "executing",
];

/** A quote that was recommended and held against the ledger. */
export interface CampaignLine {
  readonly ref: Ref;
  readonly channel: Channel;
  /** What it cost when it was checked. */
  readonly cost: Money;
  /** Whose words these are, `planner` says; a model's are cleaned. */
  readonly why: string;
}

/** Entries of a campaign's stream, version 1. */
export type CampaignEvent =
  | {
      readonly kind: "campaign_begun";
      readonly v: 1;
      readonly brief: Brief;
      readonly planner: string;
      readonly by: string;
    }
  | {
      readonly kind: "budget_allocated";
      readonly v: 1;
      readonly shares: readonly Share[];
      readonly why: string;
      readonly notes: readonly string[];
    }
  /** The right to research: nobody else does before `until`. Taken again while the work goes on. */
  | { readonly kind: "research_claimed"; readonly v: 1; readonly holder: string; readonly until: string }
  | {
      readonly kind: "channel_researched";
      readonly v: 1;
      readonly channel: Channel;
      readonly lines: readonly CampaignLine[];
      /** Recommendations that did not hold, and why; our sentences. */
      readonly dropped: readonly string[];
      readonly notes: readonly string[];
    }
  | { readonly kind: "channel_failed"; readonly v: 1; readonly channel: Channel; readonly why: string }
  /** A person was asked about these lines, or would have been, had the operator's own limits not covered them. */
  | {
      readonly kind: "campaign_proposed";
      readonly v: 1;
      readonly approvalId: string | null;
      readonly lines: readonly CampaignLine[];
      readonly why: string | null;
    }
  /** Other lines take the place of those a person was asked about; the person is asked anew. */
  | {
      readonly kind: "campaign_changed";
      readonly v: 1;
      readonly lines: readonly CampaignLine[];
      readonly by: string;
      readonly why: string;
    }
  | { readonly kind: "campaign_decided"; readonly v: 1; readonly approvalId: string | null }
  | {
      readonly kind: "campaign_ended";
      readonly v: 1;
      readonly as: "completed" | "failed" | "rejected";
      readonly why: string;
    }
  | { readonly kind: "campaign_paused"; readonly v: 1; readonly by: string; readonly why: string }
  | { readonly kind: "campaign_resumed"; readonly v: 1; readonly by: string }
  | { readonly kind: "campaign_cancelled"; readonly v: 1; readonly by: string };

/** What became of one channel's research. */
export type ChannelResult =
  | {
      readonly kind: "researched";
      readonly lines: readonly CampaignLine[];
      readonly dropped: readonly string[];
      readonly notes: readonly string[];
    }
  | { readonly kind: "failed"; readonly why: string };

/** A campaign folded from its entries. */
export interface Campaign {
  readonly campaignId: string;
  readonly status: CampaignStatus;
  readonly brief: Brief;
  readonly planner: string;
  readonly by: string;
  readonly begunAt: string;
  readonly shares: readonly Share[];
  /** How often the budget was split; more than once where what a channel could not use went to others. */
  readonly allocations: number;
  readonly notes: readonly string[];
  readonly claim: { readonly holder: string; readonly until: string } | null;
  /** By channel; a channel that got another budget since is researched anew, and is not in here until it was. */
  readonly results: ReadonlyMap<Channel, ChannelResult>;
  /** Its lines: recommended while it researches, proposed from then on. */
  readonly lines: readonly CampaignLine[];
  readonly approvalId: string | null;
  /** Since when a person is waited for, as the operator's limit counts it; null where nobody was asked. */
  readonly askedAt: string | null;
  /** Where it goes on when it is resumed; null unless paused. */
  readonly resumesTo: CampaignStatus | null;
  /** Why it is paused or ended. */
  readonly why: string | null;
}

/** Statuses in which something is still to be done without a person. */
const open = ["brief_received", "budget_allocated", "researching", "awaiting_approval"] as const;

/** Which statuses each kind of entry may come in, and where it leads; `same` keeps it, `resumed` is where it was paused. */
export const campaignTransitions: Readonly<
  Record<
    CampaignEvent["kind"],
    { readonly from: readonly (CampaignStatus | "none")[]; readonly to: CampaignStatus | "same" | "resumed" | "as" }
  >
> = {
  campaign_begun: { from: ["none"], to: "brief_received" },
  budget_allocated: { from: ["brief_received", "researching"], to: "budget_allocated" },
  research_claimed: { from: ["budget_allocated", "researching"], to: "researching" },
  channel_researched: { from: ["researching"], to: "same" },
  channel_failed: { from: ["researching"], to: "same" },
  campaign_proposed: { from: ["researching", "awaiting_approval"], to: "awaiting_approval" },
  campaign_changed: { from: ["awaiting_approval"], to: "same" },
  campaign_decided: { from: ["awaiting_approval"], to: "executing" },
  campaign_ended: { from: [...open, "executing"], to: "as" },
  campaign_paused: { from: open, to: "paused" },
  campaign_resumed: { from: ["paused"], to: "resumed" },
  // What a person has decided is booked or cancelled line by line; the plan can no longer be called off.
  campaign_cancelled: { from: [...open, "paused"], to: "cancelled" },
};

/**
 * A campaign after one more entry. @param at UTC instant of the entry's row
 * @throws RangeError for an entry that may not come in that status, or that plans for more than there is: the caller
 * decided on a stale fold, or a row is forged
 */
export function foldCampaign(campaignId: string, before: Campaign | null, event: CampaignEvent, at: string): Campaign {
  const rule = campaignTransitions[event.kind];
  const from = before?.status ?? "none";
  if (!rule?.from.includes(from)) throw new RangeError(`${event.kind} cannot come after ${from}`);
  if (!before) {
    if (event.kind !== "campaign_begun") throw new RangeError("a campaign begins with its brief");
    return begun(campaignId, event, at);
  }
  const status = statusAfter(before, event, rule.to);
  const after = { ...before, status, ...changes(before, event, at) };
  refuseOverspent(after, event);
  return after;
}

function begun(campaignId: string, event: Extract<CampaignEvent, { kind: "campaign_begun" }>, at: string): Campaign {
  const { brief, planner, by } = event;
  return {
    ...{ campaignId, status: "brief_received", brief, planner, by, begunAt: at },
    ...{ shares: [], allocations: 0, notes: [], claim: null, results: new Map(), lines: [] },
    ...{ approvalId: null, askedAt: null, resumesTo: null, why: null },
  };
}

function statusAfter(
  before: Campaign,
  event: CampaignEvent,
  to: CampaignStatus | "same" | "resumed" | "as",
): CampaignStatus {
  if (to === "as") return event.kind === "campaign_ended" ? event.as : before.status;
  if (to === "resumed") return before.resumesTo ?? before.status;
  return to === "same" ? before.status : to;
}

function changes(before: Campaign, event: CampaignEvent, at: string): Partial<Campaign> {
  switch (event.kind) {
    case "campaign_begun":
      throw new RangeError("a campaign begins once");
    case "budget_allocated": {
      const { shares, notes } = event;
      const kept = [...before.results].filter(([channel]) => hasSame(before.shares, shares, channel));
      const results = new Map(kept);
      return {
        shares,
        notes: [...before.notes, ...notes],
        results,
        lines: linesOf(shares, results),
        allocations: before.allocations + 1,
      };
    }
    case "research_claimed":
      return { claim: { holder: event.holder, until: event.until } };
    case "channel_researched": {
      const { lines, dropped, notes } = event;
      return withResult(before, event.channel, { kind: "researched", lines, dropped, notes });
    }
    case "channel_failed":
      return withResult(before, event.channel, { kind: "failed", why: event.why });
    case "campaign_proposed":
      return {
        lines: event.lines,
        approvalId: event.approvalId,
        claim: null,
        why: event.why,
        askedAt: before.askedAt ?? at,
      };
    case "campaign_changed":
      return { lines: event.lines, why: event.why };
    case "campaign_decided":
      return { claim: null, why: null };
    case "campaign_ended":
      return { claim: null, why: event.why };
    case "campaign_paused":
      return { claim: null, resumesTo: before.status, why: event.why, askedAt: null };
    case "campaign_resumed":
      return { resumesTo: null, why: null, askedAt: at };
    case "campaign_cancelled":
      return { claim: null, resumesTo: null, why: `cancelled by ${event.by}` };
  }
}

function withResult(before: Campaign, channel: Channel, result: ChannelResult): Partial<Campaign> {
  const results = new Map([...before.results, [channel, result]]);
  return { results, lines: linesOf(before.shares, results) };
}

/** In the order of the shares, not in that in which channels happened to be done. */
function linesOf(shares: readonly Share[], results: ReadonlyMap<Channel, ChannelResult>): readonly CampaignLine[] {
  return shares.flatMap(({ channel }) => {
    const result = results.get(channel);
    return result?.kind === "researched" ? result.lines : [];
  });
}

function hasSame(before: readonly Share[], after: readonly Share[], channel: Channel): boolean {
  const [old, now] = [before, after].map((shares) => shares.find((one) => one.channel === channel)?.budget);
  // A channel that lost its budget has been looked at, and what came of it is still told.
  return now === undefined || (old !== undefined && compare(old, now) === 0);
}

/** No entry may plan for more than the brief has, nor a channel for more than its share. */
function refuseOverspent(after: Campaign, event: CampaignEvent): void {
  const { budget } = after.brief;
  if (event.kind === "budget_allocated") {
    const all = sum(
      event.shares.map((share) => share.budget),
      budget.currency,
    );
    if (compare(all, budget) > 0) throw new RangeError("more is allocated than the brief has");
  }
  if (event.kind === "channel_researched" || event.kind === "campaign_proposed" || event.kind === "campaign_changed") {
    for (const { channel, budget: own } of after.shares)
      if (compare(costIn(event.lines, channel, own.currency), own) > 0)
        throw new RangeError(`${channel} is planned above its share`);
    if (compare(costOf(after), budget) > 0) throw new RangeError("more is planned than the brief has");
  }
}

/** What lines of one channel come to. */
export function costIn(lines: readonly CampaignLine[], channel: Channel, currency: string): Money {
  return lines.filter((line) => line.channel === channel).reduce((total, { cost }) => add(total, cost), zero(currency));
}

/** What all lines of a campaign come to. */
export function costOf({ lines, brief }: Pick<Campaign, "lines" | "brief">): Money {
  return sum(
    lines.map(({ cost }) => cost),
    brief.budget.currency,
  );
}

/** Channels that have a budget and are still to be looked at. */
export function channelsToResearch({ shares, results }: Campaign): readonly Share[] {
  return shares.filter(({ channel }) => !results.has(channel));
}

/** Channels whose budget nothing was found for. */
export function channelsWithout({ shares, results }: Campaign): readonly Channel[] {
  return shares
    .map(({ channel }) => channel)
    .filter((channel) => {
      const result = results.get(channel);
      return result?.kind === "failed" || (result?.kind === "researched" && result.lines.length === 0);
    });
}
