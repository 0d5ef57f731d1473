import { displayMoney, parseMoney } from "../domain/money.ts";
import * as answers from "./answers.ts";
import { DemoFailure, type Link } from "./link.ts";
import { listed } from "./market.ts";
import type { Page } from "./page.ts";
import * as seen from "./story-answers.ts";
import { budgetOf, quoteItem, type Story } from "./storyboard.ts";

/** Who sells: the AdCP sellers of the desk, and whom this story buys from. */
export async function showSeller(link: Link, page: Page, { seller }: Story): Promise<void> {
  page.heading("Who sells", "discover_sellers {}");
  const found = await link.call("discover_sellers", {}, answers.discovery);
  if (!found.sandbox) throw new DemoFailure("The server did not open a sandbox desk. Nothing was asked of anybody.");
  const speaking = found.sellers.filter(({ protocol }) => protocol === "adcp");
  if (!speaking.some(({ seller_id: id }) => id === seller)) throw new DemoFailure(`${seller} did not answer.`);
  for (const one of speaking) {
    page.say(`${one.name} (${one.seller_id})${one.seller_id === seller ? ", asked here" : ""}`, "strong");
    page.say(`  ${one.version ?? "AdCP"}, trust ${one.trust}; can ${one.can.join(", ")}`);
  }
  page.gap();
  page.say(
    `The desk's other ${found.sellers.length - speaking.length} sellers speak the IAB seller agent's protocol; the tools are the same.`,
    "faint",
  );
}

/** What the seller offers for the brief: prices, promises, or what bids won. */
export async function showKit(link: Link, page: Page, { seller, brief, lowBid }: Story): Promise<void> {
  page.heading("What it offers for the brief", `get_media_kit {sellers: ["${seller}"], brief}`);
  const kit = await link.call("get_media_kit", { sellers: [seller], brief, limit: 20 }, seen.kit);
  const isAuction = lowBid !== null;
  const prices = kit.products.flatMap((one) =>
    (one.terms?.pricing_options ?? []).map((option) => ({ ...one, ...option, promises: one.terms?.promises ?? [] })),
  );
  if (isAuction) {
    page.table(
      [
        { title: "Product (seller's words)", shrinks: true },
        { title: "Per" },
        { title: "Fixed", align: "right" },
        { title: "Floor", align: "right" },
        { title: "Wins 25 %", align: "right" },
        { title: "50 %", align: "right" },
        { title: "75 %", align: "right" },
      ],
      prices.map(({ name, model, fixed, floor, wins }) => [
        name,
        model,
        ...[fixed, floor, wins?.p25, wins?.p50, wins?.p75].map((price) => (price ? price.replace(/ USD$/, "") : "")),
      ]),
    );
    page.gap();
    page.say("USD. What won before is the seller's figure; it decides nothing here.", "faint");
    return;
  }
  page.table(
    [
      { title: "Product (seller's words)", shrinks: true },
      { title: "Channel" },
      { title: "Price", align: "right" },
      { title: "Per" },
      { title: "Promises" },
    ],
    prices.map(({ name, channel, model, fixed, floor, promises }) => [
      name,
      channel.replaceAll("_", " "),
      fixed ?? floor ?? "",
      model,
      promises.join(", ").replaceAll("_", " "),
    ]),
  );
  page.gap();
  for (const { name, shares } of kit.proposals) {
    const parts = shares.map(({ product_id: id, percent }) => `${percent} % ${id}`);
    page.say(`Its own proposal "${name}": ${listed(parts)}.`);
  }
}

/** A bid that cannot win is refused here, before the seller hears of it; the refusal says what to bid. */
export async function tooLow(link: Link, page: Page, story: Story, bid: string): Promise<void> {
  page.heading("A bid below the floor", `request_quote {max_bid: "${bid}"}`);
  const asked = { campaign: story.campaign, items: [quoteItem(story, bid)] };
  const { failed, quotes } = await link.call("request_quote", asked, seen.quotes);
  const [refused] = failed;
  if (!refused || quotes.length > 0) throw new DemoFailure(`A bid of ${bid} was taken.`);
  page.say(`${refused.code}:`, "strong");
  page.say(refused.message);
}

/** One quote over all products of the story: one media buy at the seller. */
export async function showQuote(link: Link, page: Page, story: Story): Promise<seen.Quote> {
  page.heading("What it would cost", `request_quote {items: [1 with ${story.parts.length} products]}`);
  const asked = { campaign: story.campaign, items: [quoteItem(story)] };
  const { quotes, failed } = await link.call("request_quote", asked, seen.quotes);
  const [quote] = quotes;
  if (!quote) throw new DemoFailure(`No quote: ${failed[0]?.message ?? "it did not come in time"}`);
  const [prices, volumes] = [quote.price.split(" + "), quote.volume.split(" + ")];
  page.table(
    [{ title: "Product", shrinks: true }, { title: "Budget", align: "right" }, { title: "Price" }, { title: "Buys" }],
    story.parts.map((part, at) => [
      part.product.split("/")[1] ?? part.product,
      displayMoney(parseMoney(part.budget)),
      prices[at] ?? "",
      volumes[at] ?? "",
    ]),
  );
  page.gap();
  for (const { product, because } of story.parts) page.say(`${product.split("/")[1] ?? product}: ${because}`);
  page.gap();
  page.say(`One media buy over ${displayMoney(budgetOf(story))}, as ${quote.account ?? "nobody"}.`);
  page.say(`The mandate: ${quote.mandate_because.join("; ")}.`, "faint");
  return quote;
}

/** Asks for a better price in words. What counts is the price after, not what the seller says it did. */
export async function talk(link: Link, page: Page, quote: seen.Quote, ask: string): Promise<void> {
  page.heading("Asked in words", `negotiate {quotes: [{quote_id, ask}]}`);
  const asked = { quotes: [{ quote_id: quote.quote_id, ask }] };
  const { negotiations } = await link.call("negotiate", asked, seen.talks);
  const [outcome] = negotiations;
  if (!outcome) throw new DemoFailure("The seller did not answer.");
  page.say(`We: "${ask}"`);
  if (outcome.seller_said) page.say(`The seller (its words): "${outcome.seller_said}"`);
  page.say(`Measured: ${outcome.why ?? "nothing changed"}.`, "good");
}
