import * as z from "zod";
import type { ChannelTask, Planner, Research } from "../buying/specialist.ts";
import type { Brief } from "../domain/brief.ts";
import { BuyingError } from "../domain/errors.ts";
import type { Goal } from "../domain/identity.ts";
import { type Channel, channels } from "../domain/inventory.ts";
import type { Log } from "../domain/log.ts";
import { formatMoney } from "../domain/money.ts";
import type { Secret } from "../domain/secret.ts";
import { loadSpecialist } from "../prompts.ts";
import { Account, type Limits } from "./account.ts";
import { converse, type Talked } from "./conversation.ts";
import { Messages, type Model } from "./model.ts";
import { researchTools } from "./research-tools.ts";
import { openToolbox, type Serve } from "./toolbox.ts";
import { wordsOfModel } from "./words.ts";

/** Most requests for one channel; a campaign's own limit may end it sooner. */
const CHANNEL_TURNS = 16;
/** One for the shares, one to mend them. */
const SHARES_TURNS = 2;

export interface LlmPlannerOptions {
  readonly apiKey: Secret;
  readonly baseUrl: string;
  /** Shares out a budget. */
  readonly manager: Model;
  /** Researches a channel. */
  readonly specialist: Model;
  /** For one campaign, all its channels together, in this process. */
  readonly limits: Limits;
  readonly timeoutMs: number;
  readonly serve: Serve;
  readonly log: Log;
}

const sharesAnswer = z.strictObject({
  shares: z.array(z.strictObject({ channel: z.enum(channels), percent: z.number() })),
});
const researchAnswer = z.strictObject({
  recommended: z.array(z.strictObject({ quote_id: z.string(), why: z.string() })),
  notes: z.array(z.string()),
});

/**
 * Plans with a model: one conversation shares out the budget, and one a channel researches it, with the tools that this
 * server offers the principal `planner`.
 */
export function llmPlanner(options: LlmPlannerOptions): Planner {
  const { manager, specialist, limits, timeoutMs, serve, log } = options;
  const messages = new Messages(options);
  const accounts = new Map<string, Account>();
  const accountOf = (campaignId: string) => {
    const account = accounts.get(campaignId) ?? new Account(limits);
    accounts.set(campaignId, account);
    return account;
  };
  /** Ends with the time, and tells the two ends apart: being stopped is no failure of the model's. */
  const inTime = async <Done>(stopped: AbortSignal, work: (signal: AbortSignal) => Promise<Done>): Promise<Done> => {
    const time = AbortSignal.timeout(timeoutMs);
    try {
      return await work(AbortSignal.any([stopped, time]));
    } catch (error) {
      stopped.throwIfAborted();
      if (!time.aborted) throw error;
      const message = `The planning model took more than ${timeoutMs / 1000} s. Nothing was booked.`;
      throw new BuyingError("planner_failed", message, "retry_later");
    }
  };
  const note = (campaign: string, about: string, { used }: Talked<unknown>) =>
    log("planned", { campaign, about, ...used });

  return {
    name: specialist.id,
    allocate: (brief, offered, stopped, campaignId) =>
      inTime(stopped, async (signal) => {
        const talked = await converse(messages, {
          model: manager,
          account: accountOf(campaignId),
          system: [loadSpecialist("shared"), loadSpecialist("portfolio-manager")],
          about: JSON.stringify({ brief: briefAsJson(brief), channels_on_offer: offered }),
          answer: sharesAnswer,
          tools: [],
          run: () => Promise.resolve({ text: "invalid_arguments: there are no tools.", isError: true }),
          turns: SHARES_TURNS,
          signal,
          progress: () => undefined,
        });
        note(campaignId, "shares", talked);
        return sharesOf(talked.answer.shares, offered);
      }),
    research: (task) =>
      inTime(task.signal, async (signal) => {
        const toolbox = await openToolbox(serve, task);
        try {
          const talked = await converse(messages, {
            model: specialist,
            account: accountOf(task.campaignId),
            system: [
              `${loadSpecialist("shared")}\n\n${loadSpecialist("research")}`,
              loadSpecialist(specialistFor(task.channel, task.brief.objective)),
            ],
            about: aboutChannel(task),
            answer: researchAnswer,
            tools: toolbox.tools,
            run: (name, input, until) => {
              const doing = researchTools.find((tool) => tool.name === name)?.doing;
              if (doing) task.progress(doing);
              return toolbox.run(name, input, until);
            },
            turns: CHANNEL_TURNS,
            signal,
            progress: (words) => task.progress(words),
          });
          note(task.campaignId, task.channel, talked);
          return researchOf(specialist.id, talked, toolbox.seen);
        } finally {
          await toolbox.close();
        }
      }),
  };
}

/** Null unless it is whole percents of channels on offer, each once, that add up to 100. */
function sharesOf(
  shares: readonly { readonly channel: Channel; readonly percent: number }[],
  offered: readonly Channel[],
): ReadonlyMap<Channel, number> | null {
  const percents = new Map(shares.map(({ channel, percent }) => [channel, percent]));
  const total = shares.reduce((sum, { percent }) => sum + percent, 0);
  const fits = shares.every(
    ({ channel, percent }) => offered.includes(channel) && Number.isInteger(percent) && percent >= 0,
  );
  return fits && total === 100 && percents.size === shares.length ? percents : null;
}

/** Quotes that this research was given, each once. What else it named is counted, not repeated. */
function researchOf(
  model: string,
  { answer, used }: Talked<z.output<typeof researchAnswer>>,
  seen: ReadonlySet<string>,
): Research {
  const known = answer.recommended.filter(({ quote_id: ref }) => seen.has(ref));
  const unknown = answer.recommended.length - known.length;
  const recommended = new Map(
    known.map(({ quote_id: quote, why }) => [quote, { quote, why: wordsOfModel(model, why) }]),
  );
  const notes = answer.notes.slice(0, 10).map((words) => wordsOfModel(model, words));
  const dropped =
    unknown > 0 ? [`${unknown} of what ${model} recommended was no quote it was given, and was dropped`] : [];
  return { recommended: [...recommended.values()], notes: [...dropped, ...notes], used };
}

const prompts: Readonly<Record<Channel, string>> = {
  display: "branding",
  native: "branding",
  ctv: "ctv",
  online_video: "online-video",
  mobile_app: "mobile-app",
  audio: "audio",
  dooh: "dooh",
  linear_tv: "linear-tv",
  social: "social",
};

/** Which prompt a channel is researched with. What is bought to be clicked on is another trade than what is to be seen. */
export function specialistFor(channel: Channel, objective: Goal): string {
  const name = prompts[channel];
  return name === "branding" && objective === "performance" ? "performance" : name;
}

function aboutChannel({ brief, channel, budget }: ChannelTask): string {
  return JSON.stringify({ channel, budget: formatMoney(budget), brief: briefAsJson(brief) });
}

function briefAsJson(brief: Brief): Record<string, unknown> {
  const { flight, maxCpm, basis: _, budget, ...rest } = brief;
  return {
    ...rest,
    budget: formatMoney(budget),
    flight: { start: flight.start, end: flight.end },
    maxCpm: maxCpm && formatMoney(maxCpm),
  };
}
