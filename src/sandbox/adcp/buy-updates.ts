import { activeAccount } from "./accounts.ts";
import type { PackageChange } from "./arguments.ts";
import { actionsOf, actionsOnWire, isFinished, packageOnWire, statusOf, totalBudget } from "./buy-wire.ts";
import type { AdcpCall } from "./call.ts";
import { countedBuy, deliveredBy } from "./flight.ts";
import { bookable, startOf } from "./package-terms.ts";
import { refusal } from "./refusal.ts";
import { type AdcpRuntime, isoTime } from "./runtime.ts";
import type { Json, StoredBuy, StoredPackage } from "./state.ts";
import { openTask } from "./tasks.ts";

/** update_media_buy: AdCP 3.1. What an auction seller does at once, a guaranteed one may give to its desk. */

type Args = AdcpCall<"update_media_buy">["args"];

/** The actions a change amounts to, in the words of `available_actions`. */
function actionsIn(args: Args, buy: StoredBuy): string[] {
  const found = new Set<string>();
  if (args.canceled) found.add("cancel");
  if (args.paused === true) found.add("pause");
  if (args.paused === false) found.add("resume");
  if (args.start_time !== undefined || args.end_time !== undefined) found.add("update_flight_dates");
  if (args.new_packages) found.add("add_packages");
  let more = 0;
  for (const change of args.packages ?? []) {
    const pack = buy.packages.find((candidate) => candidate.id === change.package_id);
    if (change.budget !== undefined) more += change.budget - (pack?.budget ?? 0);
    if (change.bid_price !== undefined || change.canceled) found.add("update_packages");
    if (change.pacing !== undefined) found.add("update_pacing");
    if (change.creative_assignments) found.add("update_creative_assignments");
    if (change.start_time !== undefined || change.end_time !== undefined) found.add("update_flight_dates");
  }
  const touchesBudget = args.packages?.some((change) => change.budget !== undefined);
  if (touchesBudget) found.add(more > 0 ? "increase_budget" : more < 0 ? "decrease_budget" : "reallocate_budget");
  return [...found];
}

function changed(seller: AdcpRuntime, pack: StoredPackage, change: PackageChange, field: string): StoredPackage {
  const { floor = 0, fixed } = pack.pricing;
  const { bid_price: bid, budget } = change;
  if (bid !== undefined && (fixed !== undefined || bid < floor)) {
    const message = fixed === undefined ? `The bid is below the floor of ${floor}.` : "This price is fixed.";
    const code = fixed === undefined ? "BUDGET_TOO_LOW" : "INVALID_REQUEST";
    throw refusal(code, message, "correctable", { field: `${field}.bid_price` });
  }
  if (budget !== undefined && budget < deliveredBy(pack.delivered).spend) {
    throw refusal("BUDGET_TOO_LOW", "More than that is already spent.", "correctable", { field: `${field}.budget` });
  }
  return {
    ...pack,
    bid: bid ?? pack.bid,
    budget: budget ?? pack.budget,
    pacing: change.pacing ?? pack.pacing,
    paused: change.paused ?? pack.paused,
    canceledAt: change.canceled ? seller.now() : pack.canceledAt,
    startAt: change.start_time === undefined ? pack.startAt : startOf(seller, change.start_time, `${field}.start_time`),
    endAt: change.end_time === undefined ? pack.endAt : Date.parse(change.end_time),
    creatives: change.creative_assignments?.map((creative) => creative.creative_id) ?? pack.creatives,
  };
}

function withDates(seller: AdcpRuntime, buy: StoredBuy, args: Args): StoredBuy {
  const startAt = args.start_time === undefined ? buy.startAt : startOf(seller, args.start_time, "start_time");
  const endAt = args.end_time === undefined ? buy.endAt : Date.parse(args.end_time);
  if (endAt <= startAt)
    throw refusal("INVALID_REQUEST", "The end is not after the start.", "correctable", { field: "end_time" });
  const packages = buy.packages.map((pack) => ({
    ...pack,
    startAt: pack.startAt === buy.startAt ? startAt : Math.max(pack.startAt, startAt),
    endAt: pack.endAt === buy.endAt ? endAt : Math.min(pack.endAt, endAt),
  }));
  return { ...buy, startAt, endAt, packages };
}

function findIndex(buy: StoredBuy, change: PackageChange, field: string): number {
  const index = buy.packages.findIndex((pack) => pack.id === change.package_id);
  if (index >= 0) return index;
  throw refusal("PACKAGE_NOT_FOUND", `There is no package ${change.package_id}.`, "correctable", { field });
}

/** Works a change into a buy and writes it. @throws AdcpRefusal where the change is not possible; nothing is changed then */
export function applyChange(seller: AdcpRuntime, stored: StoredBuy, args: Args): Json {
  const before = countedBuy(seller, stored);
  let buy = withDates(seller, before, args);
  const packages = [...buy.packages];
  const touched = new Set<string>();
  for (const [at, change] of (args.packages ?? []).entries()) {
    const index = findIndex(buy, change, `packages[${at}].package_id`);
    const pack = packages[index];
    if (pack) packages[index] = changed(seller, pack, change, `packages[${at}]`);
    touched.add(change.package_id);
  }
  const frame = { buyId: buy.id, accountId: buy.accountId, startAt: buy.startAt, endAt: buy.endAt };
  for (const [at, asked] of (args.new_packages ?? []).entries()) {
    const id = `${buy.id}_p${packages.length + 1}`;
    packages.push(bookable(seller, frame, asked, id, `new_packages[${at}]`));
    touched.add(id);
  }
  const now = seller.now();
  buy = {
    ...buy,
    packages,
    paused: args.paused ?? buy.paused,
    standing: args.canceled ? "canceled" : buy.standing,
    canceledAt: args.canceled ? now : buy.canceledAt,
    revision: buy.revision + 1,
    updatedAt: now,
  };
  seller.books.buys[buy.id] = buy;
  const status = statusOf(seller, buy);
  const state =
    seller.version === "3.1"
      ? { media_buy_status: status, revision: buy.revision, currency: buy.currency, total_budget: totalBudget(buy) }
      : { status };
  const affected = args.packages || args.new_packages ? packages.filter((pack) => touched.has(pack.id)) : packages;
  return {
    media_buy_id: buy.id,
    ...state,
    implementation_date: isoTime(now),
    affected_packages: affected.map((pack) => packageOnWire(seller, pack)),
    ...actionsOnWire(seller, buy),
    sandbox: true,
  };
}

function checkState(seller: AdcpRuntime, buy: StoredBuy, args: Args): void {
  const status = statusOf(seller, buy);
  if (!isFinished(status)) return;
  const code = args.canceled ? "NOT_CANCELLABLE" : "INVALID_STATE";
  throw refusal(code, `The media buy is ${status}.`, "correctable", { details: { status } });
}

/** update_media_buy. */
export async function updateMediaBuy({ seller, args }: AdcpCall<"update_media_buy">): Promise<Json> {
  const account = activeAccount(seller, args.account);
  await seller.gap();
  const buy = seller.books.buys[args.media_buy_id];
  if (!buy || buy.accountId !== account.id) {
    const message = `There is no media buy ${args.media_buy_id}.`;
    throw refusal("MEDIA_BUY_NOT_FOUND", message, "correctable", { field: "media_buy_id" });
  }
  if (args.revision !== undefined && args.revision !== buy.revision) {
    const details = { current_revision: buy.revision };
    throw refusal("CONFLICT", "The media buy has changed since it was read.", "transient", {
      field: "revision",
      details,
    });
  }
  checkState(seller, buy, args);
  const wanted = actionsIn(args, buy);
  const possible = actionsOf(seller, buy);
  const modes = wanted.map((action) => possible.find((candidate) => candidate.action === action)?.mode ?? null);
  const missing = wanted.find((_, index) => modes[index] === null);
  if (missing !== undefined) {
    const details = { action: missing, reason: "wrong_status" };
    throw refusal("ACTION_NOT_ALLOWED", `${missing} is not possible now.`, "correctable", { details });
  }
  if (!modes.includes("requires_approval")) return applyChange(seller, buy, args);
  const step = "The change waits for our desk.";
  const { context, push_notification_config: webhook } = args;
  const pending = { kind: "change", buyId: buy.id, args } as const;
  return openTask(seller, "update_media_buy", account.id, step, pending, { context, webhook });
}
