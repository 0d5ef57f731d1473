import type { Brief } from "../domain/brief.ts";
import type { Ref } from "../domain/ids.ts";
import type { Channel } from "../domain/inventory.ts";
import type { Money } from "../domain/money.ts";

/** What one channel of a campaign is researched for. */
export interface ChannelTask {
  readonly campaignId: string;
  readonly brief: Brief;
  readonly channel: Channel;
  /** The channel's share, which its recommendations may not exceed together. */
  readonly budget: Money;
  /** Aborted when the campaign is paused or cancelled, and when its time is over. */
  readonly signal: AbortSignal;
  /** Told what is being done, in one line of ours. */
  progress(note: string): void;
}

/** A line worth buying: a quote that stands in the ledger. What it costs is read there, never told by who recommends it. */
export interface Recommended {
  readonly quote: Ref;
  /** One line; of a model's words, cleaned, quoted, and said to be its own. */
  readonly why: string;
}

export interface Research {
  readonly recommended: readonly Recommended[];
  /** What was looked at and left, and why; our sentences, or a model's labelled as such. */
  readonly notes: readonly string[];
  /** What a model took; null where none was asked. */
  readonly used: { readonly inputTokens: number; readonly outputTokens: number; readonly turns: number } | null;
}

/**
 * Who researches channels: code alone, or a model that is an ordinary client of this server. It can read, ask for quotes
 * and negotiate, and nothing else; whatever it recommends is checked against the ledger before a person sees it.
 */
export interface Planner {
  /** As the answer names it: `deterministic`, or the model's id. */
  readonly name: string;
  /**
   * Shares of the budget by channel, in whole percent that add up to 100; null = the table by objective. What does not add
   * up, or names a channel the brief left out, is not used.
   */
  allocate(
    brief: Brief,
    channels: readonly Channel[],
    signal: AbortSignal,
    campaignId: string,
  ): Promise<ReadonlyMap<Channel, number> | null>;
  /** @throws what failed; the other channels go on without it */
  research(task: ChannelTask): Promise<Research>;
}
