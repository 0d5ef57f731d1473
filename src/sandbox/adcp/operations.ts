import type { Operation } from "../faults.ts";
import type { Json } from "./state.ts";

const operations: Readonly<Record<string, Operation>> = {
  get_adcp_capabilities: "card",
  list_creative_formats: "catalogue",
  list_accounts: "account-read",
  sync_accounts: "account",
  create_media_buy: "deal",
  get_media_buys: "deal-read",
  get_task_status: "deal-read",
  tasks_get: "deal-read",
  "tasks/get": "deal-read",
  sync_creatives: "creative",
  get_media_buy_delivery: "delivery-read",
};

/** What a task is for, so that a fault can strike at the step it is meant for. */
export function operationOf(task: string, args: Json): Operation {
  if (task === "update_media_buy") return args["canceled"] === true ? "cancel" : "change";
  if (task === "get_products") return args["buying_mode"] === "refine" ? "quote" : "catalogue";
  return operations[task] ?? "card";
}
