import type { AdcpCall } from "./call.ts";
import { nextId } from "./page.ts";
import { refusal } from "./refusal.ts";
import { type AdcpRuntime, isoTime } from "./runtime.ts";
import type { Json, PendingWork, StoredTask } from "./state.ts";

/** Tasks that wait for a person at the seller: AdCP 3.1, get_task_status; 3.0, tasks/get. */

/** Opens a task and answers `submitted`. Nothing is bought until a person says yes. */
export function openTask(
  seller: AdcpRuntime,
  type: StoredTask["type"],
  accountId: string,
  step: string,
  pending: PendingWork,
  told: { readonly context?: unknown; readonly webhook?: unknown },
): Json {
  const now = seller.now();
  const id = nextId(seller, "task", seller.books.tasks);
  seller.books.tasks[id] = {
    id,
    type,
    status: "submitted",
    createdAt: now,
    updatedAt: now,
    completedAt: null,
    step,
    reason: null,
    accountId,
    context: told.context ?? null,
    webhook: told.webhook ?? null,
    pending,
    result: null,
  };
  return { status: "submitted", task_id: id, message: step };
}

/** How a task stands, with its result or the reason why there is none. */
export function taskOnWire(task: StoredTask, withResult: boolean): Json {
  const { status } = task;
  const error = { code: task.type === "create_media_buy" ? "IO_REJECTED" : "REQUEST_REJECTED", message: task.reason };
  return {
    task_id: task.id,
    task_type: task.type,
    protocol: "media-buy",
    status,
    message: task.reason ?? task.step,
    created_at: isoTime(task.createdAt),
    updated_at: isoTime(task.updatedAt),
    ...(task.completedAt === null ? {} : { completed_at: isoTime(task.completedAt) }),
    has_webhook: task.webhook !== null,
    ...(status === "submitted" ? { progress: { current_step: task.step } } : {}),
    ...(status === "rejected" ? { error } : {}),
    ...(task.result !== null && withResult ? { result: task.result } : {}),
  };
}

/** get_task_status, and `tasks_get` and `tasks/get` of 3.0. Only 3.1 holds the result back unless it is asked for. */
export function taskStatus({
  seller,
  args,
}: AdcpCall<"get_task_status"> | AdcpCall<"tasks_get"> | AdcpCall<"tasks/get">): Json {
  const task = seller.books.tasks[args.task_id];
  if (!task)
    throw refusal("REFERENCE_NOT_FOUND", `There is no task ${args.task_id}.`, "correctable", { field: "task_id" });
  const withResult = seller.version === "3.0" || ("include_result" in args && args.include_result === true);
  return taskOnWire(task, withResult);
}
