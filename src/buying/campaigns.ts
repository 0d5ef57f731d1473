import type { Brief } from "../domain/brief.ts";
import {
  type Campaign,
  type CampaignEvent,
  campaignTransitions,
  endedCampaign,
  workableCampaign,
} from "../domain/campaign.ts";
import { BuyingError } from "../domain/errors.ts";
import { type Ref, sha256, streams } from "../domain/ids.ts";
import type { Money } from "../domain/money.ts";
import { canonicalJson } from "../domain/terms.ts";
import { voidRows } from "./approve.ts";
import { type Buy, followApproval, followLines, linesOf, propose } from "./campaign-approval.ts";
import { changedLines } from "./campaign-change.ts";
import { marketConflicts, marketFor, sellersNamed } from "./campaign-market.ts";
import {
  allocateBudget,
  claimResearch,
  RESEARCH_CLAIM_MS,
  researchChannels,
  Stopped,
  type Working,
} from "./campaign-research.ts";
import {
  appendCampaign,
  campaignRow,
  campaignsIn,
  findCampaign,
  firstCampaignRow,
  loadCampaign,
} from "./campaign-rows.ts";
import { decideAndAppend, type LoadedLine, loadApproval } from "./lines.ts";
import type { Ports } from "./ports.ts";
import type { Planner } from "./specialist.ts";

/** Time for kits before a brief is taken: whoever asks is waiting. */
const LOOK_MS = 8_000;
/** How soon the work on a campaign notices that somebody paused or cancelled it. */
const NOTICE_MS = 500;
/** The pause between looks at what is not in this process's hands. */
const LOOK_AGAIN_MS = 200;

/** A campaign as it stands, with its lines after all renewals. */
export interface CampaignReport {
  readonly campaign: Campaign;
  readonly lines: readonly LoadedLine[];
  /** Whether this process is at work on it now. */
  readonly working: boolean;
}

/** What came of handing in a brief. */
export type Begun =
  | { readonly kind: "begun"; readonly campaignId: string }
  | { readonly kind: "contradictions"; readonly contradictions: readonly string[] };

/** Told what is being done, in one line of ours. */
export type Listener = (text: string) => void;

interface Job {
  readonly done: Promise<void>;
  readonly stop: AbortController;
  readonly listeners: Set<Listener>;
}

/** Campaigns of a desk: begun, followed, paused and resumed; the work goes on in the background, in one process at a time. */
export class Campaigns {
  readonly #ports: Ports;
  readonly #planner: Planner;
  readonly #buy: Buy;
  readonly #jobs = new Map<string, Job>();

  constructor(ports: Ports, planner: Planner, buy: Buy) {
    this.#ports = ports;
    this.#planner = planner;
    this.#buy = buy;
  }

  /**
   * Takes a brief and begins to work on it. The same brief again, while its campaign is under way, is that campaign.
   * @throws BuyingError `conflict` where another campaign of that name is under way
   */
  async begin(given: Brief, by: string): Promise<Begun> {
    const ports = this.#ports;
    const { brief, unknown } = await sellersNamed(ports, given);
    const open = await campaignsIn(ports, [...workableCampaign, "paused"]);
    const under = open.map(({ campaign }) => campaign).filter((one) => one.brief.name === brief.name);
    const same = under.find((one) => essenceOf(one.brief) === essenceOf(brief));
    if (same) {
      this.#start(same.campaignId);
      return { kind: "begun", campaignId: same.campaignId };
    }
    const [other] = under;
    if (other) {
      const message = `A campaign called ${JSON.stringify(brief.name)} is under way with another brief, as ${other.campaignId}: cancel it, or give this one another name. Nothing was booked.`;
      throw new BuyingError("conflict", message, "fix_arguments", { field: "name", candidates: [other.campaignId] });
    }
    const conflicts = unknown.length > 0 ? unknown : marketConflicts(await marketFor(ports, brief, LOOK_MS), brief);
    if (conflicts.length > 0) return { kind: "contradictions", contradictions: conflicts };
    const campaignId = await this.#open(brief, by);
    this.#start(campaignId);
    return { kind: "begun", campaignId };
  }

  /** The stream is named after the brief, and how often it came to an end: two processes that are handed it begin one campaign. */
  async #open(brief: Brief, by: string): Promise<string> {
    const ports = this.#ports;
    return decideAndAppend(ports, async () => {
      for (let nth = 0; ; nth += 1) {
        const campaignId = `cp_${sha256(`${nth} ${essenceOf(brief)}`).slice(0, 12)}`;
        const found = await findCampaign(ports, campaignId);
        if (found && endedCampaign.includes(found.campaign.status)) continue;
        if (found) return { rows: [], result: campaignId };
        const event = { kind: "campaign_begun", v: 1, brief, planner: this.#planner.name, by } as const;
        return { rows: [firstCampaignRow(campaignId, ports.newId(), event)], result: campaignId };
      }
    });
  }

  /** A campaign as it stands. @throws BuyingError `unknown_campaign` */
  async report(campaignId: string): Promise<CampaignReport> {
    const { campaign } = await loadCampaign(this.#ports, campaignId);
    return { campaign, lines: await linesOf(this.#ports, campaign), working: this.#jobs.has(campaignId) };
  }

  /**
   * Works on a campaign, or joins the work; returns when it waits for somebody, has ended, or the time is over. What another
   * process is at, and what sellers still have to answer, is looked at until then.
   */
  async follow(campaignId: string, waitMs: number, listener: Listener, signal?: AbortSignal): Promise<void> {
    const { now, sleep } = this.#ports;
    const until = now().getTime() + waitMs;
    for (;;) {
      const { campaign } = await loadCampaign(this.#ports, campaignId);
      if (!workableCampaign.includes(campaign.status)) return;
      const job = this.#start(campaignId);
      job.listeners.add(listener);
      const stop = new AbortController();
      const signals = signal ? [stop.signal, signal] : [stop.signal];
      const left = Math.max(0, until - now().getTime());
      await Promise.race([job.done, sleep(left, AbortSignal.any(signals)).catch(() => undefined)]);
      stop.abort();
      job.listeners.delete(listener);
      const { status } = (await loadCampaign(this.#ports, campaignId)).campaign;
      if (status === "awaiting_approval" || signal?.aborted || now().getTime() >= until) return;
      if (workableCampaign.includes(status)) await sleep(LOOK_AGAIN_MS);
    }
  }

  /** Stops the work where it is; a person who is being asked is no longer. @throws BuyingError `conflict` once it was decided */
  async pause(campaignId: string, by: string): Promise<void> {
    await this.#callOff(campaignId, { kind: "campaign_paused", v: 1, by, why: `paused by ${by}` });
  }

  /** Ends a campaign that was not decided yet; its quotes stay open. @throws BuyingError `conflict` once it was decided */
  async cancel(campaignId: string, by: string): Promise<void> {
    await this.#callOff(campaignId, { kind: "campaign_cancelled", v: 1, by });
  }

  /** Goes on where a campaign was paused, and asks again with quotes that stand. */
  async resume(campaignId: string, by: string): Promise<void> {
    await appendCampaign(this.#ports, campaignId, ({ status }) =>
      status === "paused" ? [{ kind: "campaign_resumed", v: 1, by }] : [],
    );
    this.#start(campaignId);
  }

  /**
   * Changes one line of a campaign that waits for a person: quoted anew for another budget, or left out where that is null.
   * The person is asked anew, about the lines as they are then.
   * @throws BuyingError where the line cannot be changed so; then nothing is
   */
  async change(campaignId: string, ref: Ref, budget: Money | null, by: string): Promise<void> {
    const ports = this.#ports;
    const { campaign, version } = await loadCampaign(ports, campaignId);
    if (campaign.status !== "awaiting_approval") throw notNow(campaign, "changed");
    const lines = await changedLines(ports, campaign, ref, budget);
    const why = budget ? `${ref} is bought for another budget` : `${ref} was left out`;
    await decideAndAppend(ports, async () => {
      const now = await loadCampaign(ports, campaignId);
      if (now.version !== version) throw notNow(now.campaign, "changed: somebody else did something with it just now");
      const asked = now.campaign.approvalId === null ? null : await loadApproval(ports, now.campaign.approvalId);
      if (asked && asked.approval.status !== "pending" && asked.approval.status !== "void")
        throw notNow(now.campaign, "changed");
      const row = campaignRow(ports, now, { kind: "campaign_changed", v: 1, lines, by, why });
      // In one append: nobody may decide about what is no longer meant.
      return { rows: [row, ...(asked ? await voidRows(ports, asked, why) : [])], result: undefined };
    });
    await this.#jobs.get(campaignId)?.done;
    this.#start(campaignId);
  }

  /** For whoever watches the desk: goes on with what is open, also with what a process left that is gone. */
  async look(): Promise<void> {
    const heads = await this.#ports.ledger.heads({ kind: "campaign", statuses: workableCampaign, limit: 100 });
    for (const { stream } of heads) this.#start(idOf(stream));
  }

  /** Stops the work; what was done is in the ledger, and what was not is done by whoever comes next. */
  async stop(): Promise<void> {
    for (const { stop } of this.#jobs.values()) stop.abort();
    await Promise.all([...this.#jobs.values()].map(({ done }) => done));
  }

  #start(campaignId: string): Job {
    const running = this.#jobs.get(campaignId);
    if (running) return running;
    const { log } = this.#ports;
    const stop = new AbortController();
    const listeners = new Set<Listener>();
    const note = (text: string) => {
      for (const listener of listeners) listener(text);
    };
    const work = { ports: this.#ports, planner: this.#planner, signal: stop.signal, note };
    const done = this.#work(campaignId, work, stop)
      .catch((error: unknown) => {
        if (!(error instanceof Stopped))
          log("a campaign could not go on", { campaign: campaignId, error: String(error) });
      })
      .finally(() => this.#jobs.delete(campaignId));
    const job = { done, stop, listeners };
    this.#jobs.set(campaignId, job);
    return job;
  }

  async #work(campaignId: string, working: Working, stop: AbortController): Promise<void> {
    while (!working.signal.aborted) {
      const { campaign } = await loadCampaign(this.#ports, campaignId);
      switch (campaign.status) {
        case "brief_received":
          await allocateBudget(working, campaign);
          break;
        case "budget_allocated":
        case "researching":
          if (!(await this.#research(campaignId, working, stop))) return;
          break;
        case "awaiting_approval":
          if (!(await followApproval(working, campaign, this.#buy))) return;
          break;
        case "executing":
          return followLines(working, campaign);
        default:
          return;
      }
    }
  }

  /** Researches under a claim of this process's, and then asks. @returns false where another process is at it */
  async #research(campaignId: string, working: Working, stop: AbortController): Promise<boolean> {
    const claimed = await claimResearch(this.#ports, campaignId);
    if (!claimed) return false;
    const over = new AbortController();
    const kept = this.#keep(campaignId, stop, over.signal);
    try {
      await researchChannels(working, claimed);
      const { campaign } = await loadCampaign(this.#ports, campaignId);
      // What others could not use was given to some: those are looked at once more.
      if (campaign.status === "researching") await propose(working, campaign, this.#buy, null);
      return true;
    } finally {
      over.abort();
      await kept;
    }
  }

  /** Keeps the claim while the work goes on, and stops the work where it was paused, cancelled or taken over. */
  async #keep(campaignId: string, stop: AbortController, over: AbortSignal): Promise<void> {
    const { ledger, sleep, now, log } = this.#ports;
    let claimedAt = now().getTime();
    for (;;) {
      await sleep(NOTICE_MS, over).catch(() => undefined);
      if (over.aborted || stop.signal.aborted) return;
      try {
        const status = (await ledger.head(streams.campaign(campaignId)))?.status;
        const goesOn = status === "researching" || status === "budget_allocated" || status === "awaiting_approval";
        if (!goesOn) return stop.abort();
        if (status === "awaiting_approval" || Math.abs(now().getTime() - claimedAt) < RESEARCH_CLAIM_MS / 3) continue;
        claimedAt = now().getTime();
        if (!(await claimResearch(this.#ports, campaignId)) && !over.aborted) return stop.abort();
      } catch (error) {
        log("a campaign's claim could not be kept", { campaign: campaignId, error: String(error) });
      }
    }
  }

  async #callOff(
    campaignId: string,
    event: Extract<CampaignEvent, { kind: "campaign_paused" | "campaign_cancelled" }>,
  ): Promise<void> {
    const ports = this.#ports;
    const what = event.kind === "campaign_paused" ? "paused" : "cancelled";
    await decideAndAppend(ports, async () => {
      const loaded = await loadCampaign(ports, campaignId);
      const { status, approvalId } = loaded.campaign;
      if (status === what) return { rows: [], result: undefined };
      if (!campaignTransitions[event.kind].from.includes(status)) throw notNow(loaded.campaign, what);
      const asked =
        status === "awaiting_approval" && approvalId !== null ? await loadApproval(ports, approvalId) : null;
      if (asked && ["approved", "partly_approved"].includes(asked.approval.status)) throw notNow(loaded.campaign, what);
      // In one append: nobody may approve what is called off.
      const closed = asked ? await voidRows(ports, asked, `its campaign was ${what}`) : [];
      return { rows: [campaignRow(ports, loaded, event), ...closed], result: undefined };
    });
    this.#jobs.get(campaignId)?.stop.abort();
  }
}

function idOf(stream: string): string {
  return stream.slice("campaign/".length);
}

function essenceOf(brief: Brief): string {
  return canonicalJson(
    JSON.parse(JSON.stringify(brief, (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value))),
  );
}

function notNow({ campaignId, status }: Campaign, what: string): BuyingError {
  const next =
    status === "awaiting_approval" || status === "executing"
      ? "a person has decided; its media buys are cancelled one by one with update_media_buy"
      : `it is ${status.replaceAll("_", " ")}`;
  return new BuyingError("conflict", `${campaignId} cannot be ${what}: ${next}. Nothing was changed.`, "none");
}
