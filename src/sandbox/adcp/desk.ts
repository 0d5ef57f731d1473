import { applyChange } from "./buy-updates.ts";
import { bookedOnWire } from "./buy-wire.ts";
import { parseArguments } from "./arguments.ts";
import { countedBuy } from "./flight.ts";
import { writeBuy } from "./media-buys.ts";
import { knownProposal } from "./proposals.ts";
import { AdcpRefusal, failed } from "./refusal.ts";
import { finalized } from "./refine.ts";
import type { AdcpRuntime } from "./runtime.ts";
import type { Json, StoredTask } from "./state.ts";
import { notify } from "./webhooks.ts";

/** What the people at a seller's desk do: sign, turn down, ask for time, open accounts. */

/** Something that waits for a person at the seller. */
export interface Waiting {
  readonly kind: "task" | "account" | "buy";
  readonly id: string;
  readonly words: string;
}

/** What waits at the desk: tasks, accounts, and media buys that are provisional or of the legacy shape. */
export function waitingAt(seller: AdcpRuntime): Waiting[] {
  const { tasks, accounts, buys } = seller.books;
  return [
    ...Object.values(tasks)
      .filter((task) => task.status === "submitted")
      .map((task) => ({ kind: "task", id: task.id, words: task.step }) as const),
    ...Object.values(accounts)
      .filter((account) => account.status === "pending_approval")
      .map((account) => ({ kind: "account", id: account.id, words: account.name }) as const),
    ...Object.values(buys)
      .filter((buy) => buy.confirmedAt === null && ["open", "pending_approval"].includes(buy.standing))
      .map((buy) => ({ kind: "buy", id: buy.id, words: "A media buy to confirm." }) as const),
  ];
}

function waiting(seller: AdcpRuntime, id: string | undefined): Waiting {
  const all = waitingAt(seller);
  const found = id === undefined ? all.at(-1) : all.find((candidate) => candidate.id === id);
  if (!found) throw new Error(`${id ?? "nothing"}: nothing of that name waits at the desk of ${seller.profile.id}`);
  return found;
}

function taskOf(seller: AdcpRuntime, { id }: Waiting): StoredTask {
  const task = seller.books.tasks[id];
  if (!task) throw new Error(`no task ${id}`);
  return task;
}

function done(seller: AdcpRuntime, task: StoredTask): Json {
  const { pending } = task;
  if (pending.kind === "book") {
    const now = seller.now();
    const buy = { ...pending.buy, confirmedAt: now, updatedAt: now, countedTo: now };
    return bookedOnWire(seller, writeBuy(seller, buy));
  }
  if (pending.kind === "finalize") {
    const cache = seller.version === "3.1" ? { status: "completed", cache_scope: "account" } : {};
    return { ...cache, ...finalized(seller, knownProposal(seller, pending.proposalId)) };
  }
  const buy = seller.books.buys[pending.buyId];
  const { args } = parseArguments("update_media_buy", false, pending.args);
  if (!buy || !args) throw new Error(`no media buy ${pending.buyId}`);
  const status = seller.version === "3.1" ? { status: "completed" } : {};
  return { ...status, ...applyChange(seller, buy, args) };
}

function completed(seller: AdcpRuntime, task: StoredTask): StoredTask {
  const now = seller.now();
  const over = { updatedAt: now, completedAt: now };
  try {
    return { ...task, ...over, status: "completed", step: "Signed.", result: done(seller, task) };
  } catch (error) {
    if (!(error instanceof AdcpRefusal)) throw error;
    // What was possible when it was asked for may not be any more.
    return {
      ...task,
      ...over,
      status: "rejected",
      reason: String(error.error["message"]),
      result: failed(error.error),
    };
  }
}

function decideBuy(seller: AdcpRuntime, id: string, refused: string | null): void {
  const buy = seller.books.buys[id];
  if (!buy) throw new Error(`no media buy ${id}`);
  const now = seller.now();
  const changed = { ...countedBuy(seller, buy), updatedAt: now, revision: buy.revision + 1 };
  const outcome = { standing: refused === null ? "open" : "rejected", reason: refused } as const;
  seller.books.buys[id] = { ...changed, ...outcome, confirmedAt: refused === null ? now : null };
}

/** Writes a decided task and tells whoever asked to be told; that nobody takes the message changes nothing. */
function decideTask(seller: AdcpRuntime, task: StoredTask): void {
  seller.books.tasks[task.id] = task;
  notify(seller, task).catch(() => undefined);
}

function decideAccount(seller: AdcpRuntime, id: string, status: "active" | "rejected"): void {
  const account = seller.books.accounts[id];
  if (account) seller.books.accounts[id] = { ...account, status };
}

/** Somebody signs what waits: by id, or the newest. A task completes with its result. @returns the id */
export function sign(seller: AdcpRuntime, id?: string): string {
  const found = waiting(seller, id);
  if (found.kind === "task") decideTask(seller, completed(seller, taskOf(seller, found)));
  else if (found.kind === "account") decideAccount(seller, found.id, "active");
  else decideBuy(seller, found.id, null);
  seller.commit();
  return found.id;
}

/** Somebody turns down what waits, with a reason. @returns the id */
export function reject(seller: AdcpRuntime, id?: string, reason = "Our desk turned this down."): string {
  const found = waiting(seller, id);
  const now = seller.now();
  if (found.kind === "task") {
    const over = { updatedAt: now, completedAt: now };
    decideTask(seller, { ...taskOf(seller, found), ...over, status: "rejected", reason });
  } else if (found.kind === "account") decideAccount(seller, found.id, "rejected");
  else decideBuy(seller, found.id, reason);
  seller.commit();
  return found.id;
}

/** Somebody asks for time: the task goes on waiting, with other words. @returns the id */
export function delay(seller: AdcpRuntime, id?: string, step = "Our lawyers asked for two more days."): string {
  const found = waiting(seller, id);
  if (found.kind === "task") {
    seller.books.tasks[found.id] = { ...taskOf(seller, found), step, updatedAt: seller.now() };
  }
  seller.commit();
  return found.id;
}
