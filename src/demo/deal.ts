import type * as z from "zod";
import { compare, costOfImpressions, displayMoney, mulDiv, parseMoney, subtract, sum } from "../domain/money.ts";
import * as answers from "./answers.ts";
import type { Brief } from "./brief.ts";
import { DemoFailure, type Link } from "./link.ts";
import { amountOf, type Pick } from "./market.ts";
import type { Page } from "./page.ts";

/** A price both sides agreed on. */
interface Agreed extends Pick {
  readonly cpm: string;
}

type Bought = z.output<typeof answers.buys>;

/** Brings the quotes down, all sellers at once, and shows every round. */
export async function negotiate(
  link: Link,
  page: Page,
  brief: Brief,
  picks: readonly Pick[],
): Promise<readonly Agreed[]> {
  page.heading("4  Bringing the prices down", `negotiate {quotes: [${picks.length}], step: "${brief.step}"}`);
  const asked = picks.map(({ quote, wish }) => ({
    quote_id: quote.quote_id,
    target_cpm: wish.targetCpm,
    max_cpm: wish.maxCpm,
  }));
  const { negotiations } = await link.call("negotiate", { quotes: asked, step: brief.step }, answers.negotiations);
  return picks.map((pick, index) => {
    const found = negotiations.find(({ quote_id: id }) => id === pick.quote.quote_id);
    if (!found?.cpm) throw new DemoFailure(`No negotiation of ${pick.quote.product_name}.`);
    if (index > 0) page.gap();
    const { quote, sellerName, wish } = pick;
    page.say(
      `${quote.product_name}, ${sellerName}: quoted ${amountOf(quote.cpm)}, at most ${amountOf(wish.maxCpm)}`,
      "strong",
    );
    for (const one of found.rounds) page.say(`  round ${one.n}   ${roundWords(one)}`);
    const agreed = found.status === "agreed";
    page.say(
      agreed
        ? `  agreed at ${found.cpm} CPM${found.saved ? `, saving ${found.saved}` : ""}`
        : `  ${found.status.replaceAll("_", " ")}: ${found.why ?? ""}; the quote stands at ${found.cpm} CPM`,
      agreed ? "good" : "ask",
    );
    return { ...pick, cpm: found.cpm };
  });
}

/** Asks for all lines in one decision; the person's answer comes through the client. */
export async function ask(link: Link, page: Page, brief: Brief, agreed: readonly Agreed[]): Promise<Bought> {
  page.heading("5  Your approval", `create_media_buy {lines: [${agreed.length}], po_number}`);
  let answer = await link.call("create_media_buy", order(brief, agreed), answers.buys);
  // A seller may take longer than one call waits.
  for (let tries = 0; answer.status === "sending" && answer.approval && tries < 4; tries += 1) {
    const again = { approval_id: answer.approval.approval_id, wait_s: 20 };
    answer = await link.call("approve", again, answers.buys);
  }
  return answer;
}

/** Deal ids, what to do with them at each DSP, and proof that what was booked is what was agreed. */
export function showDeals(page: Page, bought: Bought, agreed: readonly Agreed[]): void {
  page.heading("6  Booked");
  const rows = agreed.map(({ quote, sellerName, cpm }) => ({ sellerName, cpm, ...buyOf(bought, quote.quote_id) }));
  const wrong = rows.find(({ buy, pack, cpm }) => buy.status !== "booked" || !buy.as_approved || pack.cpm !== cpm);
  if (wrong) {
    throw new DemoFailure(
      `${wrong.pack.product_name} is ${wrong.buy.status} at ${wrong.pack.cpm}; ${wrong.cpm} was agreed.`,
    );
  }
  page.table(
    [
      { title: "Deal ID" },
      { title: "Product", shrinks: true },
      { title: "CPM", align: "right" },
      { title: "Total USD", align: "right" },
      { title: "Order" },
    ],
    rows.map(({ buy, pack }) => [
      pack.deal_id,
      pack.product_name,
      amountOf(pack.cpm),
      displayMoney(parseMoney(buy.total)).replace(/ .*/, ""),
      buy.order_id ?? "none yet",
    ]),
  );
  page.say("Every line was compared with what was approved: no difference.", "good");
  page.gap();
  page.table(
    [{ title: "DSP" }, { title: "Activation, in the seller's words" }],
    rows.flatMap(({ buy, pack }) => [
      `${pack.deal_id}, ${pack.product_name}`,
      ...buy.activation.map(({ dsp, steps }) => [dsp, shortened(steps, dsp)]),
    ]),
  );
}

/** What was spent, what it would have cost, and what the mandate has left. */
export async function showMoney(link: Link, page: Page, agreed: readonly Agreed[]): Promise<string> {
  page.heading("7  The money", "get_inbox {}");
  const at = (price: (one: Agreed) => string) =>
    sum(
      agreed.map((one) => costOfImpressions(parseMoney(price(one)), one.quote.impressions)),
      "USD",
    );
  const list = at(({ quote }) => quote.list_cpm);
  const booked = at(({ cpm }) => cpm);
  const saved = subtract(list, booked);
  const percent = mulDiv(saved.micros, 1000n, list.micros);
  const mandate = await mandateOf(link);
  if (compare(parseMoney(mandate.committed_today), booked) !== 0) {
    throw new DemoFailure(`${mandate.committed_today} is committed, but ${displayMoney(booked)} was booked.`);
  }
  page.pairs([
    ["The sellers' list prices", displayMoney(list)],
    ["As quoted to this buyer", displayMoney(at(({ quote }) => quote.cpm))],
    ["Negotiated and booked", displayMoney(booked)],
    [`Saved (${percent / 10n}.${percent % 10n} %)`, displayMoney(saved)],
  ]);
  page.gap();
  page.say(
    `Mandate: ${shown(mandate.committed_today)} committed today of ${shown(mandate.per_day)} a day, ${mandate.left_today} left; at most ${shown(mandate.per_buy)} a buy.`,
  );
  return mandate.committed_today;
}

/** Asks to buy the same again, and fails unless it is the same deals and the same money. */
export async function buyAgain(
  link: Link,
  page: Page,
  brief: Brief,
  bought: Bought,
  agreed: readonly Agreed[],
  committed: string,
): Promise<void> {
  page.heading("8  Asked to buy the same again", `create_media_buy {lines: [${agreed.length}], po_number}`);
  const again = await link.call("create_media_buy", order(brief, agreed), answers.buys);
  const ids = (one: Bought) => agreed.map(({ quote }) => buyOf(one, quote.quote_id).pack.deal_id).join(", ");
  const after = (await mandateOf(link)).committed_today;
  if (ids(again) !== ids(bought) || after !== committed) {
    throw new DemoFailure(`Buying again gave ${ids(again)} and ${after} committed, instead of the same deals.`);
  }
  page.say(`The same deals came back: ${ids(again)}.`);
  page.say(`Nobody was asked again, and still ${shown(after)} is committed: a quote is booked once.`, "good");
}

/** What the ledger holds of the first deal, step by step. */
export async function showTrail(link: Link, page: Page, brief: Brief, bought: Bought, first: Agreed): Promise<void> {
  page.heading("9  The event trail", `get_history {campaign: "${brief.campaign}"}`);
  const all: z.output<typeof answers.events>["events"] = [];
  let cursor: string | undefined;
  do {
    const page = { campaign: brief.campaign, limit: 200, ...(cursor === undefined ? {} : { cursor }) };
    const got = await link.call("get_history", page, answers.events);
    all.push(...got.events);
    cursor = got.next_cursor;
  } while (cursor !== undefined);
  const { pack } = buyOf(bought, first.quote.quote_id);
  const seller = first.quote.quote_id.split("/", 1)[0] ?? "";
  const about = new Set([first.quote.quote_id, `${seller}/${pack.deal_id}`, bought.approval?.approval_id]);
  const own = all.filter((one) => about.has(one.about));
  page.say(`${all.length} events of this campaign are in the ledger. Those of ${pack.product_name}:`);
  page.gap();
  for (const { at, what } of own) page.say(`${at.slice(11, 19)}   ${what}`);
}

/** What the mandate says is committed. @throws DemoFailure where the desk has no mandate */
export async function mandateOf(link: Link) {
  const { mandate } = await link.call("get_inbox", {}, answers.inbox);
  if (!mandate) throw new DemoFailure("The desk has no mandate.");
  return mandate;
}

function order(brief: Brief, agreed: readonly Agreed[]) {
  return {
    lines: agreed.map(({ quote }) => ({ quote_id: quote.quote_id })),
    campaign: brief.campaign,
    po_number: brief.poNumber,
  };
}

function buyOf(bought: Bought, id: string): { buy: answers.Buy; pack: answers.Buy["packages"][number] } {
  const buy = bought.media_buys.find((one) => one.media_buy_id === id);
  const pack = buy?.packages[0];
  if (buy && pack) return { buy, pack };
  throw new DemoFailure(`${id} is not booked: ${bought.status}${bought.note ? `, ${bought.note}` : ""}.`);
}

function roundWords({ move, we, they, their_action: action }: answers.Negotiation["rounds"][number]): string {
  const theirs = they ? amountOf(they) : "nothing";
  if (move === "accept") return `we accept ${theirs}`;
  const offer = `we offer ${we ? amountOf(we) : "nothing"}`;
  if (action === "accept") return `${offer}, they accept`;
  return `${offer}, they ${action === "final_offer" ? "make it final at" : "come back at"} ${theirs}`;
}

/** Sellers often begin the steps with the DSP's name, which stands beside them already. */
function shortened(steps: string, dsp: string): string {
  return steps.startsWith(`${dsp}: `) ? steps.slice(dsp.length + 2) : steps;
}

function shown(money: string): string {
  return displayMoney(parseMoney(money));
}
