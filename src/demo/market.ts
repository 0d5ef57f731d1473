import type { Money } from "../domain/money.ts";
import { formatAmount, mulDiv, parseMoney, subtract } from "../domain/money.ts";
import * as answers from "./answers.ts";
import type { Brief, Wish } from "./brief.ts";
import { DemoFailure, type Link } from "./link.ts";
import type { Page } from "./page.ts";

/** A quote that was taken, and why it was asked for. */
export interface Pick {
  readonly wish: Wish;
  readonly quote: answers.Quote;
  readonly sellerName: string;
}

/** Who sells, what they offer, what it would cost: the chapters before anybody commits to anything. */
export async function market(link: Link, page: Page, brief: Brief): Promise<readonly Pick[]> {
  const sellers = await showSellers(link, page);
  await showProducts(link, page, sellers);
  return compareQuotes(link, page, brief, sellers);
}

async function showSellers(link: Link, page: Page): Promise<readonly answers.Seller[]> {
  page.heading("1  Who sells", "discover_sellers {}");
  const found = await link.call("discover_sellers", {}, answers.discovery);
  if (!found.sandbox) throw new DemoFailure("The server did not open a sandbox desk. Nothing was asked of anybody.");
  if (found.sellers.length === 0) throw new DemoFailure("No seller answered.");
  const [agents, others] = [true, false].map((isIab) =>
    found.sellers.filter(({ protocol }) => (protocol === "iab-seller-agent") === isIab),
  );
  for (const one of agents ?? []) {
    page.say(`${one.name} (${one.seller_id})`, "strong");
    page.say(`  ${one.channels.map(channelWords).join(", ")}`);
    page.say(`  trust ${one.trust}: may see us as ${one.reveal_up_to}; speaks ${protocolWords(one)}`);
  }
  for (const { seller_id: id, why } of found.kept_out) page.say(`Kept out: ${id}, ${why}`);
  if (others && others.length > 0) {
    const named = listed(others.map(({ name, version }) => `${name} (${version ?? "AdCP"})`));
    page.say(`Not asked here: ${named}. For those: npm run demo -- --storyboard guaranteed, or auction.`, "faint");
  }
  page.gap();
  page.say("Trust comes from the operator, and is known before a byte about the buyer is sent.", "faint");
  return agents ?? [];
}

async function showProducts(link: Link, page: Page, sellers: readonly answers.Seller[]): Promise<void> {
  const channels = ["ctv", "audio", "display"];
  page.heading("2  What they offer", `get_media_kit {sellers: [${sellers.length}], channels: [${channels.length}]}`);
  const asked = { sellers: sellers.map((one) => one.seller_id), channels, limit: 20 };
  const kit = await link.call("get_media_kit", asked, answers.mediaKit);
  page.table(
    [
      { title: "Product (seller's words)", shrinks: true },
      { title: "Seller" },
      { title: "Channel" },
      { title: "CPM", align: "right" },
      { title: "Floor", align: "right" },
      { title: "Deal types" },
    ],
    kit.products.map((one) => [
      one.name,
      sellerOf(one.product),
      channelWords(one.channel),
      one.price.cpm ? amountOf(one.price.cpm) : "on request",
      one.price.floor ? amountOf(one.price.floor) : "",
      one.deal_types.join(", "),
    ]),
  );
  page.gap();
  const heard = kit.sellers.map(({ seller_id: id, status, of }) => `${id} ${status} (${of} products)`);
  page.say(`All sellers asked at once: ${heard.join(", ")}. USD per 1,000 impressions.`, "faint");
}

async function compareQuotes(
  link: Link,
  page: Page,
  brief: Brief,
  sellers: readonly answers.Seller[],
): Promise<readonly Pick[]> {
  const items = brief.wishes.flatMap(({ candidates, budget, dealType }) =>
    candidates.map((product) => ({
      product,
      flight: brief.flight,
      budget,
      deal_type: dealType,
      targeting: brief.targeting,
    })),
  );
  page.heading("3  What it would cost", `request_quote {campaign, items: [${items.length}]}`);
  const got = await link.call("request_quote", { campaign: brief.campaign, items }, answers.quotes);
  const picks = brief.wishes.map((wish) => {
    const quote = got.quotes.find(({ product }) => product === wish.candidates[0]);
    if (quote) return { wish, quote, sellerName: nameOf(sellers, quote.product) };
    const failed = got.failed.find(({ item }) => item === wish.candidates[0]);
    throw new DemoFailure(`No quote for ${wish.candidates[0]}: ${failed?.message ?? "it did not come in time"}`);
  });
  page.table(
    [
      { title: "" },
      { title: "Product", shrinks: true },
      { title: "Seller" },
      { title: "List", align: "right" },
      { title: "Quote", align: "right" },
      { title: "Off", align: "right" },
      { title: "Impressions", align: "right" },
      { title: "Priced as" },
    ],
    brief.wishes.flatMap((wish) => [
      wish.heading,
      ...got.quotes
        .filter(({ product }) => wish.candidates.includes(product))
        .map((one) => [
          one.product === wish.candidates[0] ? "▸" : " ",
          one.product_name,
          sellerOf(one.product),
          amountOf(one.list_cpm),
          amountOf(one.cpm),
          percentOff(one.list_cpm, one.cpm),
          count(one.impressions),
          one.priced_as,
        ]),
    ]),
  );
  for (const { item, message } of got.failed) page.say(`No quote for ${item}: ${message}`, "bad");
  page.gap();
  page.say("USD per 1,000 impressions. Off: what it is worth to be seen as seat, agency or advertiser there.", "faint");
  page.gap();
  page.say("Taken (▸):");
  for (const { wish, quote } of picks) page.say(`  ${quote.product_name}: ${wish.because}`);
  const ignored = [...new Set(got.quotes.flatMap((one) => one.not_honoured))];
  if (ignored.length > 0)
    page.say(`Not honoured by these sellers: ${listed(ignored)}. The approval says so again.`, "ask");
  return picks;
}

/** `28.00` of `28.00 USD`, for columns whose heading names the currency. */
export function amountOf(money: string): string {
  return formatAmount(parseMoney(money));
}

/** A count as a planner reads it: `1,680,672`. */
export function count(number: number): string {
  return number.toLocaleString("en-US");
}

/** `a, b and c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

function percentOff(before: string, after: string): string {
  const whole: Money = parseMoney(before);
  const saved = subtract(whole, parseMoney(after));
  return whole.micros > 0n ? `${mulDiv(saved.micros, 100n, whole.micros)} %` : "";
}

function channelWords(channel: string): string {
  return channel === "ctv" || channel === "dooh" ? channel.toUpperCase() : channel.replaceAll("_", " ");
}

function nameOf(sellers: readonly answers.Seller[], product: string): string {
  const id = sellerOf(product);
  return sellers.find((one) => one.seller_id === id)?.name ?? id;
}

/** `northbeam` of `northbeam/prod-1`. */
function sellerOf(product: string): string {
  return product.split("/", 1)[0] ?? "";
}

function protocolWords({ protocol, version }: answers.Seller): string {
  return `${protocol === "iab-seller-agent" ? "IAB seller agent" : protocol}${version ? ` ${version}` : ""}`;
}
