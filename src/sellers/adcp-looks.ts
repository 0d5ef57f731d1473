import type * as z from "zod";
import type { SellerWait } from "../domain/deal.ts";
import type { FrozenRequest } from "../domain/media-buy.ts";
import type { Quote } from "../domain/quote.ts";
import { carriesMarks, outcomeOf, stateOf } from "./adcp-buys.ts";
import { mayHideCommitment, pollTasks } from "./adcp-errors.ts";
import { marksOf, sentIn } from "./adcp-orders.ts";
import { unreadable } from "./adcp-refusals.ts";
import type { Session } from "./adcp-session.ts";
import type { SellerLog } from "./http.ts";
import { type Access, type Followed, SellerFailure } from "./seller.ts";
import { sellerText } from "./untrusted.ts";
import { mediaBuysAnswer, taskAnswer, type WireMediaBuy } from "./wire/adcp.ts";

/** Looks at what became of a request to buy: none of them changes anything. */
export interface Looks {
  /** The buys that a `get_media_buys` with these arguments gives, page by page. */
  buysOf(args: Readonly<Record<string, unknown>>, access: Access): AsyncGenerator<WireMediaBuy>;
  /** The buy with our marks, as the seller has it now; null where none carries them. */
  findMarked(quote: Quote, request: FrozenRequest, access: Access): Promise<Followed | null>;
  /** @throws SellerFailure, also where the seller has no such buy */
  buyById(id: string, quote: Quote, request: FrozenRequest, access: Access): Promise<Followed>;
  /** An answer says what was done; the buy itself says what stands, so it is read before it is believed. */
  confirmed(followed: Followed, quote: Quote, request: FrozenRequest, access: Access): Promise<Followed>;
  /** How the task stands on which the seller's people decide (AdCP 3.1 `get_task_status`, 3.0 `tasks/get`). */
  taskNow(wait: SellerWait, quote: Quote, request: FrozenRequest, access: Access): Promise<Followed>;
}

const MOST_PAGES = 20;

/** @see Looks */
export function createLooks(session: Session, log: SellerLog): Looks {
  const { sellerId } = session;

  async function* buysOf(args: Readonly<Record<string, unknown>>, access: Access): AsyncGenerator<WireMediaBuy> {
    let cursor: string | null = null;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const paging: Readonly<Record<string, unknown>> = cursor === null ? args : { ...args, pagination: { cursor } };
      const answer = await session.read(
        "its media buys",
        "get_media_buys",
        paging,
        mediaBuysAnswer,
        access,
        "discovery",
      );
      yield* answer.media_buys;
      const next: string | null = answer.pagination?.has_more === true ? answer.pagination.cursor : null;
      if (next === null || next === cursor) return;
      cursor = next;
    }
  }

  async function findMarked(quote: Quote, request: FrozenRequest, access: Access): Promise<Followed | null> {
    const marks = marksOf(sentIn(request).key);
    for await (const buy of buysOf({ account: accountOf(quote) }, access)) {
      if (carriesMarks(buy, marks)) return stateOf(sellerId, buy, quote, request);
    }
    return null;
  }

  async function buyById(id: string, quote: Quote, request: FrozenRequest, access: Access): Promise<Followed> {
    const args = { account: accountOf(quote), media_buy_ids: [id] };
    for await (const buy of buysOf(args, access)) {
      if (buy.media_buy_id === id) return stateOf(sellerId, buy, quote, request);
    }
    throw unreadable(sellerId, "get_media_buys", `${id} is not among them`);
  }

  async function confirmed(
    followed: Followed,
    quote: Quote,
    request: FrozenRequest,
    access: Access,
  ): Promise<Followed> {
    if (followed.kind !== "booked") return followed;
    try {
      return await buyById(followed.deal.dealId, quote, request, access);
    } catch (error) {
      if (!(error instanceof SellerFailure)) throw error;
      log.warn({ seller: sellerId, kind: error.kind }, "booked, and the buy could not be read back");
      return followed;
    }
  }

  /**
   * One look at a task. Of what helps to find it some sellers want the account, and sellers of a strict 3.0 know no
   * argument but its id; where nothing tells which, the id alone is the second try.
   */
  async function lookAt(
    task: string,
    accepts: ReadonlySet<string> | null,
    wait: SellerWait,
    quote: Quote,
    access: Access,
  ): Promise<z.output<typeof taskAnswer>> {
    const bare = { task_id: wait.taskId };
    const more = Object.entries({ include_result: true, account: accountOf(quote) });
    const args = { ...bare, ...Object.fromEntries(more.filter(([name]) => accepts?.has(name) ?? true)) };
    const ask = (asked: Readonly<Record<string, unknown>>) =>
      session.read("its task", task, asked, taskAnswer, access, "discovery");
    return ask(args).catch((error: unknown) => {
      if (error instanceof SellerFailure && error.definite && mayHideCommitment.includes(error.code ?? ""))
        return ask(bare);
      throw error;
    });
  }

  async function taskNow(wait: SellerWait, quote: Quote, request: FrozenRequest, access: Access): Promise<Followed> {
    const tasks = await session.tasks(access);
    const task = pollTasks.find((name) => tasks.has(name));
    if (!task) return (await findMarked(quote, request, access)) ?? { kind: "waits", wait };
    const found = await lookAt(task, tasks.get(task) ?? null, wait, quote, access);
    if (found.status === "completed") {
      const result = found.result === null ? null : outcomeOf(sellerId, found.result, quote, request);
      if (result?.kind === "waits" && result.wait.taskId === wait.taskId)
        return (await findMarked(quote, request, access)) ?? result;
      return (
        (await (result ? confirmed(result, quote, request, access) : findMarked(quote, request, access))) ?? {
          kind: "waits",
          wait,
        }
      );
    }
    if (["failed", "rejected", "canceled"].includes(found.status)) {
      const reason = sellerText(found.error?.message ?? found.message ?? "", 200);
      const why = `the seller's task ended as ${found.status}${reason ? ` (its words: “${reason}”)` : ""}`;
      return { kind: "refused", code: `task_${found.status}`, why };
    }
    const said = sellerText(found.progress?.message ?? found.message ?? "", 300) || wait.sellerSaid;
    return { kind: "waits", wait: { ...wait, sellerSaid: said } };
  }

  return { buysOf, findMarked, buyById, confirmed, taskNow };
}

/** The account a quote was made for, as it goes on the wire. */
export function accountOf({ wire }: Quote): unknown {
  return wire ? (JSON.parse(wire.account) as unknown) : undefined;
}
