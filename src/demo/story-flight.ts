import { displayMoney, parseMoney } from "../domain/money.ts";
import { shareWords } from "../domain/package.ts";
import { DemoFailure, type Link } from "./link.ts";
import { count, listed } from "./market.ts";
import type { Page } from "./page.ts";
import type { Stage } from "./story.ts";
import * as seen from "./story-answers.ts";
import type { Story } from "./storyboard.ts";

const DAY_MS = 86_400_000;

/** How far into the flight the demo looks. */
const DAYS_IN = 14;

/**
 * What happens while the buy runs. Every step of it has its place here and a chapter of its own: creatives first, then
 * delivery, then what the delivery calls for.
 */
export async function inFlight(stage: Stage, story: Story, bought: seen.MediaBuy): Promise<void> {
  // Guaranteed products run no impression before they have a creative.
  if (story.board === "guaranteed") await creatives(stage, bought);
  await delivery(stage, story, bought);
}

/** One film for all packages; each creative has its own outcome. */
async function creatives({ link, page }: Stage, bought: seen.MediaBuy): Promise<void> {
  page.heading("Creatives", `sync_creatives {creatives: [1], assignments: [${bought.packages.length}]}`);
  const film = {
    creative_id: "trail_30s",
    name: "Trail shoe, thirty seconds",
    format: "video_30s",
    assets: {
      video: {
        asset_type: "video",
        url: "https://cdn.acmeoutdoor.example/trail-30s.mp4",
        width: 1920,
        height: 1080,
        duration_ms: 30_000,
      },
    },
  };
  const asked = {
    media_buy_id: bought.media_buy_id,
    creatives: [film],
    assignments: bought.packages.map((pack) => ({ creative_id: film.creative_id, package: pack.package_id })),
  };
  const answer = await link.call("sync_creatives", asked, seen.synced);
  const [done] = answer.creatives;
  if (!done || done.assigned_to.length !== bought.packages.length) throw new DemoFailure("The creative was not taken.");
  page.say(
    `"${film.name}": ${done.action}, ${done.status ?? "review not reported"}, runs in ${listed(done.assigned_to)}.`,
  );
}

/** Lets the flight begin, and reads what the seller reports. */
async function delivery({ link, page, playSeller }: Stage, story: Story, bought: seen.MediaBuy): Promise<void> {
  page.heading(`Delivery, ${DAYS_IN} days into the flight`, "get_delivery {ids: [1]}");
  const ms = Date.parse(story.flight.start) - Date.now() + DAYS_IN * DAY_MS;
  await playSeller({ order: "pass", seller: story.seller, ms });
  page.say("This demo PLAYS the passing of time, at the seller only.", "ask");
  page.gap();
  await showDelivery(link, page, bought);
}

async function showDelivery(link: Link, page: Page, bought: seen.MediaBuy): Promise<void> {
  const { deliveries } = await link.call("get_delivery", { ids: [bought.media_buy_id] }, seen.deliveries);
  const [found] = deliveries;
  if (!found || found.packages.length !== bought.packages.length) throw new DemoFailure("No delivery was reported.");
  const unsaid = "not reported";
  const shown = (amount: string | null) => (amount === null ? unsaid : displayMoney(parseMoney(amount)));
  const isAuction = found.packages.some((one) => one.clearing_price !== null);
  page.table(
    [
      { title: "Product", shrinks: true },
      { title: "Impressions", align: "right" },
      { title: "Spend", align: "right" },
      ...(isAuction ? [{ title: "Paid per win", align: "right" } as const] : []),
    ],
    found.packages.map((one) => [
      one.product.split("/")[1] ?? one.product,
      one.impressions === null ? unsaid : count(one.impressions),
      shown(one.spend),
      ...(isAuction ? [shown(one.clearing_price)] : []),
    ]),
  );
  page.gap();
  for (const { product, pacing, promises, advice } of found.packages) {
    page.say(`${product.split("/")[1] ?? product}: ${pacing}`);
    for (const { promise, delivered, kept } of promises)
      page.say(
        `  promised ${promise}: ${delivered === null ? "not reported" : shareWords(delivered)}${kept === false ? ", NOT kept so far" : ""}`,
      );
    for (const one of advice) page.say(`  ${one}`, "ask");
  }
}
