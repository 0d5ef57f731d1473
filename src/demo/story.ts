import { setTimeout as delay } from "node:timers/promises";
import { compare, displayMoney, parseMoney } from "../domain/money.ts";
import * as answers from "./answers.ts";
import { mandateOf } from "./deal.ts";
import { DemoFailure, type Link } from "./link.ts";
import type { Page } from "./page.ts";
import type { Bought, MediaBuy, Quote } from "./story-answers.ts";
import * as seen from "./story-answers.ts";
import { budgetOf, type Story } from "./storyboard.ts";
import { inFlight } from "./story-flight.ts";
import { showKit, showQuote, showSeller, talk, tooLow } from "./story-market.ts";

/** What a storyboard needs of the program around it. */
export interface Stage {
  readonly link: Link;
  readonly page: Page;
  /** Plays the seller, and only that: the rest goes through the tools. */
  readonly playSeller: (order: SellerOrder) => Promise<void>;
}

/** What the demo plays: the seller's human signs the order that waits, or days go by at the seller. */
export type SellerOrder =
  | { readonly order: "sign"; readonly seller: string }
  | { readonly order: "pass"; readonly seller: string; readonly ms: number };

/**
 * One AdCP storyboard from brief to booked media buy, as a planner's client sees it.
 * @returns null at its end; the answer where the person did not approve, so that nothing was bought
 */
export async function tellStory(stage: Stage, story: Story): Promise<Bought | null> {
  const { link, page } = stage;
  page.heading("The brief");
  page.say(story.words);
  await showSeller(link, page, story);
  await showKit(link, page, story);
  if (story.lowBid !== null) await tooLow(link, page, story, story.lowBid);
  const quote = await showQuote(link, page, story);
  if (story.ask !== null) await talk(link, page, quote, story.ask);
  const asked = await buy(link, page, story, quote);
  if (asked.nothing_booked && asked.status !== "awaiting_seller") return asked;
  const bought = asked.status === "awaiting_seller" ? await signed(stage, story, quote, asked) : only(asked.media_buys);
  await showBooked(link, page, story, bought);
  await inFlight(stage, story, bought);
  await buyAgain(link, page, story, quote, bought);
  await showTrail(link, page, story, quote);
  return null;
}

async function buy(link: Link, page: Page, story: Story, quote: Quote): Promise<Bought> {
  page.heading("Your approval", "create_media_buy {lines: [1], po_number}");
  let bought = await link.call("create_media_buy", order(story, quote), seen.bought);
  for (let tries = 0; bought.status === "sending" && bought.approval && tries < 4; tries += 1) {
    const again = { approval_id: bought.approval.approval_id, wait_s: 20 };
    bought = await link.call("approve", again, seen.bought);
  }
  return bought;
}

/** The order is at the seller's desk: it is only waited for, until somebody there signs. */
async function signed({ link, page, playSeller }: Stage, story: Story, quote: Quote, asked: Bought) {
  page.heading("Submitted", "create_media_buy answered awaiting_seller");
  const waits = only(asked.media_buys).seller_waits;
  page.say(`You approved; now ${waits?.means ?? "the seller has to do its part"}.`);
  if (waits?.seller_said) page.say(`The seller says (its words): "${waits.seller_said}"`);
  const { committed_today: held } = await mandateOf(link);
  page.say(`${displayMoney(parseMoney(held))} is held. Nothing is booked, and nothing is sent twice:`);
  const again = await link.call("create_media_buy", order(story, quote), seen.bought);
  if (again.status !== "awaiting_seller") throw new DemoFailure(`Asked again it is ${again.status}.`);
  page.say("asked to buy it again, the answer is the same order, still waiting.");
  page.gap();
  page.say(
    `This demo PLAYS the seller's human, who signs now. On a desk of your own it is the seller's; at the sandbox it is you, on the page above or with "media-buyer-mcp sandbox sign ${story.seller}".`,
    "ask",
  );
  await playSeller({ order: "sign", seller: story.seller });
  const deadline = Date.now() + 20_000;
  do {
    const now = await link.call("get_media_buys", { ids: [quote.quote_id], refresh: true }, seen.buys);
    const found = only(now.media_buys);
    if (found.status !== "awaiting_seller") return found;
    await delay(500);
  } while (Date.now() < deadline);
  throw new DemoFailure("The seller signed, but the booking did not arrive.");
}

async function showBooked(link: Link, page: Page, story: Story, bought: MediaBuy): Promise<void> {
  page.heading("Booked", `get_media_buys {ids: [1]}`);
  if (bought.status !== "booked" || !bought.as_approved || bought.packages.length !== story.parts.length) {
    throw new DemoFailure(`The buy is ${bought.status} with ${bought.packages.length} packages.`);
  }
  page.table(
    [
      { title: "Package" },
      { title: "Product", shrinks: true },
      { title: "Price" },
      { title: "Budget", align: "right" },
    ],
    bought.packages.map((pack) => [
      pack.package_id,
      pack.product_name ?? pack.product,
      pack.price ?? "not said",
      pack.budget ? displayMoney(parseMoney(pack.budget)) : "not said",
    ]),
  );
  page.gap();
  page.say(
    `One media buy at ${story.seller}: ${bought.packages[0]?.deal_id}. Compared with what was approved: no difference.`,
    "good",
  );
  const { committed_today: committed, left_today: left } = await mandateOf(link);
  if (compare(parseMoney(committed), budgetOf(story)) !== 0) {
    throw new DemoFailure(`${committed} is committed, but ${displayMoney(budgetOf(story))} was bought.`);
  }
  page.say(`Mandate: ${displayMoney(parseMoney(committed))} committed today, ${left} left.`);
}

async function buyAgain(link: Link, page: Page, story: Story, quote: Quote, bought: MediaBuy): Promise<void> {
  page.heading("Asked to buy the same again", "create_media_buy {lines: [1], po_number}");
  const again = only((await link.call("create_media_buy", order(story, quote), seen.bought)).media_buys);
  const [before, after] = [bought, again].map(({ packages }) => packages.map((one) => one.package_id).join(", "));
  if (before !== after) throw new DemoFailure(`Buying again gave ${after} instead of ${before}.`);
  page.say(`The same media buy came back: ${after}. Nobody was asked again: a quote is booked once.`, "good");
}

/** What the ledger holds of the quote, step by step. */
async function showTrail(link: Link, page: Page, story: Story, quote: Quote): Promise<void> {
  page.heading("The event trail", `get_history {campaign: "${story.campaign}"}`);
  const { events } = await link.call("get_history", { campaign: story.campaign, limit: 200 }, answers.events);
  for (const { at, about, what } of events) {
    if (about === quote.quote_id) page.say(`${at.slice(11, 19)}   ${what}`);
  }
}

function order(story: Story, quote: Quote) {
  return { lines: [{ quote_id: quote.quote_id }], campaign: story.campaign, po_number: story.poNumber };
}

function only(buys: readonly MediaBuy[]): MediaBuy {
  const [one] = buys;
  if (one && buys.length === 1) return one;
  throw new DemoFailure(`There are ${buys.length} media buys instead of one.`);
}
