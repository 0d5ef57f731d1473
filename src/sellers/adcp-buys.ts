import type { BookedPackage, Deal, SellerWait } from "../domain/deal.ts";
import type { FrozenRequest } from "../domain/media-buy.ts";
import type { Quote } from "../domain/quote.ts";
import { httpsOnly } from "./adcp-accounts.ts";
import { unreadable } from "./adcp-refusals.ts";
import type { Envelope } from "./adcp-carrier.ts";
import { type Marks, sentIn } from "./adcp-orders.ts";
import { instantIn } from "./adcp-products.ts";
import { type Followed, SellerFailure } from "./seller.ts";
import { sellerId as checkedId, sellerText } from "./untrusted.ts";
import { committedAnswer, type WireMediaBuy, type WirePackage } from "./wire/adcp.ts";
import { moneyFromNumber } from "./wire/money.ts";

/** States of a buy that counts (AdCP 3.1, media buy status); `confirmed` is the seed's older word for one. */
const counting = [
  "pending_creatives",
  "pending_start",
  "active",
  "paused",
  "completed",
  "confirmed",
  "pending_activation",
];
const over = ["rejected", "canceled", "cancelled", "failed"];
/** Of sellers from before 3.0: a buy that has an id while people decide. */
const legacyWaits = ["pending_approval", "submitted", "pending", "draft"];

/**
 * What an answer to `create_media_buy`, or a look at a buy, means. Six shapes are told apart: booked, a task at the
 * seller's people, a provisional buy, the older pending approval with an address, a question to us, and a refusal.
 * @throws SellerFailure `invalid_answer` for what is none of them; something may have been booked then
 */
export function outcomeOf(sellerId: string, envelope: Envelope, quote: Quote, request: FrozenRequest): Followed {
  const read = committedAnswer.safeParse(envelope);
  if (!read.success) throw unreadable(sellerId, "create_media_buy", "it is no media buy");
  const answer = read.data;
  const task = checkedId(answer.task_id);
  if (answer.status === "input-required") return asksBack(sellerId, answer.reason, answer.message);
  const id = checkedId(answer.media_buy_id);
  if (id === null) {
    const inner = answer.media_buys[0];
    if (inner) return stateOf(sellerId, inner, quote, request, task);
    if (task !== null && ["submitted", "working", null].includes(answer.status)) {
      return {
        kind: "waits",
        wait: waiting("decision", task, null, null, answer.message, answer.estimated_completion),
      };
    }
    throw unreadable(sellerId, "create_media_buy", "it names neither a media buy nor a task");
  }
  return stateOf(sellerId, { ...answer, media_buy_id: id }, quote, request, task, answer.message);
}

/** How one media buy stands. @throws SellerFailure `invalid_answer` where its state cannot be told */
export function stateOf(
  sellerId: string,
  buy: WireMediaBuy,
  quote: Quote,
  request: FrozenRequest,
  task: string | null = null,
  message: string | null = null,
): Followed {
  const id = checkedId(buy.media_buy_id);
  if (id === null) throw unreadable(sellerId, "a media buy", "its id cannot be used");
  const state = stateWord(buy);
  const setup = buy.setup ?? buy.account?.setup ?? null;
  const url = httpsOnly(setup?.url);
  const said = setup?.message ?? message;
  if (state !== null && over.includes(state)) {
    const why = `the seller says the buy is ${state}`;
    const reason = sellerText(buy.rejection_reason, 160);
    return { kind: "refused", code: `buy_${state}`, why: reason ? `${why} (its words: “${reason}”)` : why };
  }
  // A null here beats every state: the seller has not committed itself.
  if (buy.confirmed_at === null) {
    return { kind: "waits", wait: waiting("confirmation", task, id, url, said, buy.estimated_completion) };
  }
  if (state !== null && legacyWaits.includes(state)) {
    const what = url === null ? "decision" : "signature";
    return { kind: "waits", wait: waiting(what, task, id, url, said, buy.estimated_completion) };
  }
  // A seller of 3.0 may answer with the task's state alone, and an id: the buy is made.
  if (state !== null && !counting.includes(state))
    throw unreadable(sellerId, "a media buy", "its state is no known one");
  return { kind: "booked", deal: dealOf(id, buy, state, quote, request) };
}

/** Whether a buy is paused, as far as its state tells: before it begins, it does not. */
function pausedIn(buy: WireMediaBuy): boolean | null {
  const state = stateWord(buy);
  return state === "paused" ? true : state === "active" ? false : null;
}

/** A word for the buy's own state: of 3.1 in a field of its own, before in the one that also tells of the task. */
export function stateWord(buy: Pick<WireMediaBuy, "status" | "media_buy_status">): string | null {
  if (buy.media_buy_status !== null) return buy.media_buy_status;
  const { status } = buy;
  return status !== null && [...counting, ...over, ...legacyWaits].includes(status) && status !== "completed"
    ? status
    : null;
}

function dealOf(dealId: string, buy: WireMediaBuy, state: string | null, quote: Quote, request: FrozenRequest): Deal {
  const sent = sentIn(request);
  const currency = buy.currency ?? quote.packages?.[0]?.budget.currency ?? "";
  const start = sent.start === "asap" ? `${quote.flight.start}T00:00:00Z` : sent.start;
  return {
    dealId,
    sellerStatus: sellerText(state ?? "confirmed", 40),
    productId: quote.product.id,
    dealType: quote.dealType,
    cpm: null,
    impressions: null,
    flight: { start: beganIn(buy.start_time, sent.start) ?? start, end: instantIn(buy.end_time) ?? sent.end },
    activation: [],
    openrtb: null,
    expiresAt: null,
    packages: buy.packages.filter(({ canceled }) => canceled !== true).map((one) => packageOf(one, currency)),
    total: moneyFromNumber(buy.total_budget, currency),
    revision: buy.revision,
    confirmedAt: instantIn(buy.confirmed_at),
    paused: pausedIn(buy),
    creativesDue: instantIn(
      buy.creative_deadline ?? buy.packages.find((one) => one.creative_deadline)?.creative_deadline,
    ),
  };
}

/** As soon as possible is whenever the seller began. */
function beganIn(theirs: string | null, asked: string): string | null {
  return asked === "asap" ? null : instantIn(theirs);
}

function packageOf(one: WirePackage, currency: string): BookedPackage {
  return {
    packageId: checkedId(one.package_id) ?? "unreadable",
    productId: one.product_id,
    option: one.pricing_option_id,
    budget: moneyFromNumber(one.budget, one.currency ?? currency),
    bid: moneyFromNumber(one.bid_price, one.currency ?? currency),
  };
}

function waiting(
  what: SellerWait["for"],
  taskId: string | null,
  mediaBuyId: string | null,
  url: string | null,
  said: string | null,
  expected: string | null,
): SellerWait {
  return { for: what, taskId, mediaBuyId, url, sellerSaid: sellerText(said, 300), expectedBy: instantIn(expected) };
}

/** A question to us: nothing was booked, and the seller goes on when it is asked anew with what it wants. */
function asksBack(sellerId: string, reason: string | null, message: string | null): never {
  const what = sellerText(reason, 40) || "something it does not name";
  const words = sellerText(message, 300);
  const why = `${sellerId} wants ${what} first; nothing was booked${words ? ` (its words: “${words}”)` : ""}.`;
  const details = { definite: true, code: "input_required", sellerSaid: words || null };
  throw new SellerFailure(sellerId, "refused", why, details);
}

/** True where a buy of the seller's carries the marks of a request of ours. */
export function carriesMarks(buy: WireMediaBuy, marks: Marks): boolean {
  if (buy.context?.["correlation_id"] === marks.buy) return true;
  return buy.packages.some(({ context }) => String(context?.["buyer_ref"] ?? "").startsWith(`${marks.buy}-`));
}
