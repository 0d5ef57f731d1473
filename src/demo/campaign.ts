import * as z from "zod";
import { add, compare, displayMoney, parseMoney, zero } from "../domain/money.ts";
import { briefFor } from "./brief.ts";
import { mandateOf } from "./deal.ts";
import { DemoFailure, type Link } from "./link.ts";
import type { Page } from "./page.ts";
import type { SellerOrder } from "./story.ts";

/** What the demo reads of a campaign; the rest passes by. */
const campaign = z.object({
  campaign_id: z.string(),
  status: z.string(),
  planned_by: z.string(),
  budget: z.string(),
  planned: z.string(),
  left: z.string(),
  why: z.string().nullable(),
  approval: z.object({ approval_id: z.string() }).nullable(),
  channels: z.array(z.object({ channel: z.string(), budget: z.string(), planned: z.string(), state: z.string() })),
  lines: z.array(
    z.object({
      quote_id: z.string(),
      product: z.string(),
      channel: z.string(),
      price: z.string(),
      volume: z.string(),
      total: z.string(),
      status: z.string(),
      deal_id: z.string().nullable(),
      why: z.string(),
    }),
  ),
  notes: z.array(z.string()),
});
type Campaign = z.output<typeof campaign>;

const decided = z.object({ status: z.string(), nothing_booked: z.boolean() });

/** What the campaign's demo needs of the program around it. */
export interface Stage {
  readonly link: Link;
  readonly page: Page;
  /** Plays a seller's people, and only that: the rest goes through the tools. */
  readonly playSeller: (order: SellerOrder) => Promise<void>;
}

/** The planner's words, and what of them a model would hand on. */
export function campaignBrief(now: Date) {
  const { start, end } = briefFor(now).flight;
  const words =
    "Trail shoe launch for Acme Outdoor. 250,000 dollars net on connected TV, online video, audio and display, twelve weeks in the United States, adults 25 to 54 who like the outdoors. Awareness; video completion over 70 %. No more than 65 % of a channel with one seller. PO-4711.";
  const args = {
    ...{ name: "Trail shoe launch", objective: "awareness", kpis: ["video completion over 70 %"], start, end },
    ...{ channels: ["ctv", "online_video", "audio", "display"], geo: ["US"], demographics: ["A25-54"] },
    ...{ interests: ["outdoors"], seller_share: 65, po_number: "PO-4711", brief: words },
  };
  return { words, args: { ...args, budget: "250000 USD" } };
}

/**
 * From one brief to booked deals in four channels, over every seller of the sandbox.
 * @returns null at its end; how it stands where the person did not approve
 */
export async function tellCampaign({ link, page, playSeller }: Stage): Promise<{ readonly status: string } | null> {
  const { words, args } = campaignBrief(new Date());
  page.heading("The brief");
  page.say(`"${words}"`);
  page.heading("1  The plan", 'plan_campaign {…, budget: "250000 USD"}');
  const waiting = await planned(link, args);
  showPlan(page, waiting);
  page.heading("2  One decision", `approve {approval_id}`);
  const approvalId = waiting.approval?.approval_id;
  if (approvalId === undefined) throw new DemoFailure("The campaign waits for nobody.");
  const answer = await link.call("approve", { approval_id: approvalId }, decided);
  if (answer.nothing_booked && ["rejected", "awaiting_approval"].includes(answer.status)) return answer;
  page.heading("3  Booked", `plan_campaign {campaign_id, action: "status"}`);
  const done = await settled({ link, page, playSeller }, waiting.campaign_id);
  await showDone(link, page, done);
  return null;
}

async function planned(link: Link, args: Record<string, unknown>): Promise<Campaign> {
  let now = await link.call("plan_campaign", { ...args, wait_s: 40 }, campaign);
  for (let tries = 0; tries < 6 && now.status !== "awaiting_approval"; tries += 1)
    now = await link.call("plan_campaign", { campaign_id: now.campaign_id, wait_s: 20 }, campaign);
  if (now.status === "awaiting_approval") return now;
  throw new DemoFailure(`The campaign is ${now.status}: ${now.why ?? "no reason given"}`);
}

function showPlan(page: Page, now: Campaign): void {
  page.say(`${now.campaign_id}, planned by ${now.planned_by}: no model, no key.`);
  page.gap();
  page.table(
    [{ title: "Channel" }, { title: "Budget USD", align: "right" }, { title: "Planned USD", align: "right" }],
    now.channels.map((one) => [one.channel, amountOf(one.budget), amountOf(one.planned)]),
  );
  page.gap();
  page.table(
    [
      { title: "Product", shrinks: true },
      { title: "Price" },
      { title: "Volume", shrinks: true },
      { title: "Total USD", align: "right" },
    ],
    now.lines.map((one) => [one.product, one.price, one.volume, amountOf(one.total)]),
  );
  page.gap();
  for (const { product, why } of now.lines) page.say(`${product}: ${why}`, "faint");
  page.gap();
  page.say(
    `${shown(now.planned)} of ${shown(now.budget)}; ${shown(now.left)} is left and is not spent for its own sake.`,
  );
}

/** Waits until every line is settled; sellers whose people have to sign are played, and it is said. */
async function settled({ link, page, playSeller }: Stage, campaignId: string): Promise<Campaign> {
  const signed = new Set<string>();
  for (let tries = 0; tries < 60; tries += 1) {
    const now = await link.call("plan_campaign", { campaign_id: campaignId, wait_s: 1 }, campaign);
    if (now.status === "completed") return now;
    if (now.status !== "executing") throw new DemoFailure(`The campaign is ${now.status}: ${now.why ?? ""}`);
    const waiting = now.lines.filter(({ status, quote_id: id }) => status === "awaiting_seller" && !signed.has(id));
    for (const { quote_id: id } of waiting) {
      const seller = id.split("/", 1)[0] ?? "";
      page.say(`${seller}'s people have to sign ${id}. This demo PLAYS them, and they sign now.`, "ask");
      await playSeller({ order: "sign", seller });
      signed.add(id);
    }
    if (signed.size > 0) await link.call("get_media_buys", { ids: [...signed], refresh: true }, z.looseObject({}));
  }
  throw new DemoFailure("The bookings did not end.");
}

async function showDone(link: Link, page: Page, done: Campaign): Promise<void> {
  page.table(
    [
      { title: "Deal ID" },
      { title: "Product", shrinks: true },
      { title: "Channel" },
      { title: "Total USD", align: "right" },
    ],
    done.lines.map((one) => [one.deal_id ?? one.status, one.product, one.channel, amountOf(one.total)]),
  );
  page.gap();
  page.say(`${done.status}: ${done.why ?? ""}.`, "good");
  const booked = done.lines.reduce((sum, { total }) => add(sum, parseMoney(total)), zero("USD"));
  const { committed_today: committed, left_today: left } = await mandateOf(link);
  if (done.lines.some(({ status }) => status !== "booked") || compare(parseMoney(committed), booked) !== 0)
    throw new DemoFailure(`${committed} is committed, but the lines come to ${displayMoney(booked)}.`);
  page.say(`Mandate: ${shown(committed)} committed today, exactly what was planned; ${left} left.`);
}

function amountOf(money: string): string {
  return shown(money).replace(/ .*/, "");
}

function shown(money: string): string {
  return displayMoney(parseMoney(money));
}
