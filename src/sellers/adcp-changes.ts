import type { Deal, SellerWait } from "../domain/deal.ts";
import type { FrozenRequest } from "../domain/media-buy.ts";
import { compare, parseMoney } from "../domain/money.ts";
import type { Quote } from "../domain/quote.ts";
import type { Terms } from "../domain/terms.ts";
import { stateOf } from "./adcp-buys.ts";
import type { Envelope } from "./adcp-carrier.ts";
import { mayHideCommitment, pollTasks } from "./adcp-errors.ts";
import { allowed, versionOf, wireNumber } from "./adcp-orders.ts";
import { instantIn } from "./adcp-products.ts";
import { redone, unreadable } from "./adcp-refusals.ts";
import { type Session, versioned } from "./adcp-session.ts";
import { pushConfigOf } from "./adcp-webhooks.ts";
import type { WebhookAddress } from "./protocol.ts";
import {
  type Access,
  type Booked,
  type BuyNow,
  type CancelAnswer,
  type Followed,
  type Found,
  SellerFailure,
} from "./seller.ts";
import { sellerId as checkedId, sellerText } from "./untrusted.ts";
import { committedAnswer, taskAnswer, type WireMediaBuy } from "./wire/adcp.ts";

/** Changes of media buys at one seller (AdCP `update_media_buy`). Whatever it answers, the buy itself is read. */
export interface Changes {
  now(dealId: string, quote: Quote, access: Access): Promise<BuyNow>;
  /** The quote of a change with the buy's revision as it is now; `expired` where the buy is no longer what it changes. */
  again(quote: Quote, access: Access): Promise<Quote>;
  send(request: FrozenRequest, quote: Quote, access: Access): Promise<Booked>;
  find(quote: Quote, access: Access): Promise<Found>;
  follow(wait: SellerWait, quote: Quote, access: Access): Promise<Followed>;
  cancel(dealId: string, quote: Quote, key: string, access: Access): Promise<CancelAnswer>;
}

/**
 * The exact bytes of `update_media_buy` for these terms: only what changes is named, with the revision it changes.
 * Product and pricing option are never sent: sellers refuse them here.
 */
export function changeRequest(
  terms: Terms,
  quote: Quote,
  key: string,
  webhooks: WebhookAddress | null = null,
): FrozenRequest {
  const { wire, changes } = quote;
  const asked = terms.changes;
  if (!wire || !changes || !asked || !terms.packages) throw new RangeError(`${quote.ref} changes no media buy`);
  const { accepts } = wire;
  const version = versionOf(wire.version);
  const packages = terms.packages.flatMap((one, at) => {
    const was = asked.packages[at];
    if (!was) throw new RangeError(`${quote.ref} changes a package that was not there`);
    const budget = was.budget === one.budget ? {} : { budget: wireNumber(parseMoney(one.budget)) };
    const bid =
      was.bid === null || was.bid === one.unit_price ? {} : { bid_price: wireNumber(parseMoney(one.unit_price)) };
    const fields = { ...budget, ...bid };
    return Object.keys(fields).length === 0 ? [] : [{ package_id: was.package_id, ...fields }];
  });
  const body = {
    idempotency_key: key,
    account: JSON.parse(wire.account) as unknown,
    media_buy_id: asked.deal,
    ...(changes.revision === null || accepts?.includes("revision") === false ? {} : { revision: changes.revision }),
    ...(asked.paused === null ? {} : { paused: asked.paused }),
    ...(asked.flight_before.start === terms.flight.start ? {} : { start_time: terms.flight.start }),
    ...(asked.flight_before.end === terms.flight.end ? {} : { end_time: terms.flight.end }),
    ...(packages.length > 0 ? { packages } : {}),
    ...(webhooks ? { push_notification_config: pushConfigOf(webhooks, quote.ref, key, version) } : {}),
  };
  const args = allowed(versioned(body, version), accepts);
  return { method: "POST", path: "update_media_buy", body: JSON.stringify(args) };
}

/** @param readBuys reads media buys, all pages */
export function createChanges(
  session: Session,
  readBuys: (args: Readonly<Record<string, unknown>>, access: Access) => AsyncGenerator<WireMediaBuy>,
): Changes {
  const { sellerId } = session;

  async function wireBuy(id: string, quote: Quote, access: Access): Promise<WireMediaBuy> {
    const account: unknown = JSON.parse(quote.wire?.account ?? "{}");
    for await (const buy of readBuys({ account, media_buy_ids: [id] }, access)) if (buy.media_buy_id === id) return buy;
    throw unreadable(sellerId, "get_media_buys", `${id} is not among them`);
  }

  /** The buy behind a change, as it is now. Its start counts only where the change moves it: a seller may have begun late. */
  async function standing(quote: Quote, access: Access): Promise<{ state: Followed; wire: WireMediaBuy }> {
    const { changes, flight } = quote;
    if (!changes) throw new RangeError(`${quote.ref} changes no media buy`);
    const wire = await wireBuy(changes.dealId, quote, access);
    return { state: stateOf(sellerId, wire, quote, datesOf(flight, changes.flightBefore.start)), wire };
  }

  const isReached = (deal: Deal, quote: Quote): boolean => {
    const { changes, packages = [], flight } = quote;
    if (!changes) return false;
    const same = packages.every(({ budget, price, kind }, at) => {
      const found = deal.packages?.find(({ packageId }) => packageId === changes.before[at]?.packageId);
      if (!found || (found.budget && compareIn(found.budget, budget) !== 0)) return false;
      return kind === "fixed" || !found.bid || compareIn(found.bid, price) === 0;
    });
    const paused = changes.paused === null || deal.paused === null || deal.paused === changes.paused;
    return same && paused && deal.flight.end.slice(0, 10) === flight.end;
  };

  /** After a change was taken, the buy as it stands; nothing is believed that cannot be read. */
  async function readBack(quote: Quote, access: Access): Promise<Booked> {
    const { state } = await standing(quote, access).catch((error: unknown) => {
      throw error instanceof SellerFailure ? redone(error, { definite: false }) : error;
    });
    if (state.kind === "booked") return state;
    const why = state.kind === "refused" ? state.why : "the seller keeps the buy waiting";
    throw unreadable(sellerId, "update_media_buy", why);
  }

  return {
    async now(dealId, quote, access) {
      const [buy, tasks] = await Promise.all([wireBuy(dealId, quote, access), session.tasks(access)]);
      const state = stateOf(sellerId, buy, quote, datesOf(quote.flight, quote.flight.start));
      if (state.kind !== "booked") {
        const why = state.kind === "refused" ? state.why : "the seller has not confirmed the buy yet";
        throw new SellerFailure(sellerId, "closed", `${sellerId} changes nothing: ${why}.`, { definite: true });
      }
      const named = buy.available_actions.map(({ action, mode }) => ({
        action: sellerText(action, 40),
        bySeller: mode === "requires_approval",
      }));
      const coarse = buy.valid_actions.map((action) => ({ action: sellerText(action, 40), bySeller: false }));
      const actions = [...named, ...coarse];
      const accepts = tasks.get("update_media_buy") ?? null;
      return { deal: state.deal, actions: actions.length > 0 ? actions : null, accepts: accepts && [...accepts] };
    },

    async again(quote, access) {
      const { changes } = quote;
      if (!changes) return quote;
      const { state, wire } = await standing(quote, access);
      const isOver = Date.parse(quote.expiresAt) <= Date.now();
      if (state.kind !== "booked" || isOver) return { ...quote, state: "expired" };
      const isAsBefore = changes.before.every(({ packageId, budget, bid }) => {
        const found = state.deal.packages?.find((one) => one.packageId === packageId);
        if (!found || (found.budget && compareIn(found.budget, budget) !== 0)) return false;
        return bid === null || !found.bid || compareIn(found.bid, bid) === 0;
      });
      if (!isAsBefore) return { ...quote, state: "expired" };
      return { ...quote, changes: { ...changes, revision: wire.revision } };
    },

    async send(request, quote, access) {
      let envelope: Envelope;
      try {
        envelope = await session.send("the change", request.path, request.body, access);
      } catch (error) {
        if (!(error instanceof SellerFailure)) throw error;
        const refused = inOurWords(error);
        if (!refused.definite || !mayHideCommitment.includes(refused.code ?? "")) throw refused;
        // Such a refusal may hide a change that was made: the buy tells.
        const { state } = await standing(quote, access).catch((thrown: unknown) => {
          throw thrown instanceof SellerFailure ? redone(refused, { definite: false }) : thrown;
        });
        if (state.kind === "booked" && isReached(state.deal, quote)) return state;
        throw refused;
      }
      const answer = committedAnswer.safeParse(envelope);
      if (!answer.success) throw unreadable(sellerId, "update_media_buy", "it is no media buy");
      const taskId = checkedId(answer.data.task_id);
      const isQueued = ["submitted", "working"].includes(answer.data.status ?? "") && answer.data.media_buy_id === null;
      if (!isQueued || taskId === null) return readBack(quote, access);
      const { message, estimated_completion: expected } = answer.data;
      const said = { sellerSaid: sellerText(message, 300), expectedBy: instantIn(expected) };
      return { kind: "waits", wait: { for: "decision", taskId, mediaBuyId: null, url: null, ...said } };
    },

    async find(quote, access) {
      const { state } = await standing(quote, access);
      if (state.kind === "refused") return { kind: "gone", why: state.why };
      if (state.kind !== "booked") return { kind: "available" };
      const moved = state.deal.revision !== quote.changes?.revision || state.deal.revision === null;
      return moved && isReached(state.deal, quote) ? state : { kind: "available" };
    },

    async follow(wait, quote, access) {
      const { state } = await standing(quote, access);
      if (state.kind === "refused") return state;
      if (state.kind === "booked" && isReached(state.deal, quote) && state.deal.revision !== quote.changes?.revision)
        return state;
      const tasks = await session.tasks(access);
      const task = pollTasks.find((name) => tasks.has(name));
      if (!task || wait.taskId === null) return { kind: "waits", wait };
      const account: unknown = JSON.parse(quote.wire?.account ?? "{}");
      const args = { task_id: wait.taskId, include_result: true, account };
      const found = await session.read("its task", task, args, taskAnswer, access, "discovery");
      if (found.status === "completed") return readBack(quote, access);
      const reason = sellerText(found.error?.message ?? found.message ?? "", 200);
      if (["failed", "rejected", "canceled"].includes(found.status)) {
        const why = `the seller's task ended as ${found.status}${reason ? ` (its words: “${reason}”)` : ""}`;
        return { kind: "refused", code: `task_${found.status}`, why };
      }
      return { kind: "waits", wait: { ...wait, sellerSaid: reason || wait.sellerSaid } };
    },

    async cancel(dealId, quote, key, access) {
      const account: unknown = JSON.parse(quote.wire?.account ?? "{}");
      const args = { idempotency_key: key, account, media_buy_id: dealId, canceled: true };
      const body = JSON.stringify(versioned(args, versionOf(quote.wire?.version ?? "")));
      const error = await session.send("a cancellation", "update_media_buy", body, access).then(
        () => null,
        (thrown: unknown) => {
          if (thrown instanceof SellerFailure) return thrown;
          throw thrown;
        },
      );
      // Only the buy itself tells, whatever the answer was.
      const buy = await wireBuy(dealId, quote, access).catch((thrown: unknown) => {
        throw thrown instanceof SellerFailure ? redone(thrown, { definite: false }) : thrown;
      });
      const now = stateOf(sellerId, buy, quote, datesOf(quote.flight, quote.flight.start));
      if (now.kind === "refused" && /cancel/.test(now.code)) return { kind: "cancelled" };
      if (error) throw error;
      return { kind: "refused", why: "The seller took the request, and the buy still stands." };
    },
  };
}

/** Amounts of one currency compared; of two they are never the same. */
function compareIn(left: Parameters<typeof compare>[0], right: Parameters<typeof compare>[1]): number {
  return left.currency === right.currency ? compare(left, right) : 1;
}

/** The dates a buy's state is read against, in the shape of a request. */
function datesOf(flight: Quote["flight"], startBefore: string): FrozenRequest {
  const start = flight.start === startBefore ? "asap" : `${flight.start}T00:00:00Z`;
  const body = JSON.stringify({ idempotency_key: "", start_time: start, end_time: `${flight.end}T23:59:59Z` });
  return { method: "POST", path: "update_media_buy", body };
}

const plainWords: ReadonlyMap<string, string> = new Map([
  [
    "CONFLICT",
    "the media buy was changed since it was read, so that nothing was changed now. Ask again: it is read anew",
  ],
  ["REQUOTE_REQUIRED", "it does that only under a new quote: ask for one, and buy what is more as a buy of its own"],
  ["ACTION_NOT_ALLOWED", "it does not allow that for this buy in its present state"],
  ["INVALID_STATE", "the buy's present state does not allow it"],
]);

/** What a refusal of a change means. A stale revision is one: this request did nothing, whoever was faster. */
function inOurWords(error: SellerFailure): SellerFailure {
  const words = plainWords.get(error.code ?? "");
  if (!words) return error;
  const { sellerId, code, sellerSaid } = error;
  const message = `${sellerId} did not change it (${code}): ${words}.`;
  return new SellerFailure(sellerId, "refused", message, { definite: true, code, sellerSaid, cause: error });
}
