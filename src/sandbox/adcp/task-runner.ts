import type { FaultSpec, Struck } from "../faults.ts";
import { keysOf } from "../identity.ts";
import { bodyHash } from "../runtime.ts";
import { accountIdOf, listAccounts, syncAccounts } from "./accounts.ts";
import { argumentSchema, isTask, parseArguments, type TaskArguments, type TaskName, taskNames } from "./arguments.ts";
import { readMediaBuys } from "./buy-reads.ts";
import { updateMediaBuy } from "./buy-updates.ts";
import { type AdcpCall, replaySeconds } from "./call.ts";
import { capabilities } from "./capabilities.ts";
import { listFormats, syncCreatives } from "./creatives.ts";
import { readDelivery } from "./delivery.ts";
import { createMediaBuy } from "./media-buys.ts";
import { getProducts } from "./products.ts";
import { AdcpRefusal, failed, refusal } from "./refusal.ts";
import type { AdcpRuntime } from "./runtime.ts";
import type { Json } from "./state.ts";
import { taskStatus } from "./tasks.ts";

type Handlers = { readonly [Name in TaskName]: (call: AdcpCall<Name>) => Json | Promise<Json> };

const handlers: Handlers = {
  get_adcp_capabilities: capabilities,
  list_accounts: listAccounts,
  sync_accounts: syncAccounts,
  get_products: getProducts,
  list_creative_formats: listFormats,
  create_media_buy: createMediaBuy,
  get_media_buys: readMediaBuys,
  update_media_buy: updateMediaBuy,
  sync_creatives: syncCreatives,
  get_media_buy_delivery: readDelivery,
  get_task_status: taskStatus,
  tasks_get: taskStatus,
  "tasks/get": taskStatus,
};

/** Tasks anybody may run, with or without a key. */
const open: readonly TaskName[] = ["get_adcp_capabilities", "get_products", "list_creative_formats"];

/** Whether the seller lists a task of that name now. */
export function offers(seller: AdcpRuntime, name: string): name is TaskName {
  return isTask(name) && taskNames(seller.is("strict30"), !seller.is("no-capabilities")).includes(name);
}

/**
 * Runs a task and returns its envelope; errors are envelopes too. `agent` is the key of the caller, null for nobody.
 */
export async function runTask(
  seller: AdcpRuntime,
  name: TaskName,
  raw: Json,
  agent: string | null,
  faults: Struck["faults"],
): Promise<Json> {
  const { context } = raw;
  const said = context === undefined ? {} : { context };
  const own = seller.version === "3.1" ? { adcp_version: "3.1" } : {};
  try {
    const ordered = faults.get("error-envelope");
    if (ordered) throw refusalOrdered(ordered);
    checkVersion(seller, name, raw);
    if (agent === null && !open.includes(name)) throw unauthenticated(seller);
    const body = await keyed(seller, name, raw, agent, faults);
    if (faults.has("error-after-commit")) throw refusal("SERVICE_UNAVAILABLE", "Please try again.", "transient");
    const status = seller.version === "3.1" ? { status: "completed" } : {};
    return { ...status, ...own, ...body, ...said };
  } catch (error) {
    if (!(error instanceof AdcpRefusal)) throw error;
    return { ...failed(error.error), ...own, ...said };
  }
}

function refusalOrdered({ code = "SERVICE_UNAVAILABLE", recovery }: FaultSpec): AdcpRefusal {
  const soon = recovery === "transient" ? { retry_after: 1 } : {};
  const told = recovery === undefined ? {} : { recovery };
  return new AdcpRefusal({ code, message: "This seller has a bad day.", ...told, ...soon });
}

function unauthenticated(seller: AdcpRuntime): AdcpRefusal {
  const [key] = Object.values(keysOf(seller.profile.id));
  const code = seller.version === "3.1" ? "AUTH_MISSING" : "AUTH_REQUIRED";
  return refusal(code, `This task needs a bearer token; in the sandbox it is ${key}.`, "correctable");
}

function checkVersion(seller: AdcpRuntime, name: TaskName, raw: Json): void {
  if (name === "get_adcp_capabilities") return;
  const { adcp_version: version, adcp_major_version: major } = raw;
  const isKnown = seller.version === "3.0" || version === undefined || version === seller.version;
  if (isKnown && (major === undefined || major === 3)) return;
  const supported = { supported_versions: [seller.version] };
  const message = `This seller speaks AdCP ${seller.version}.`;
  throw refusal("VERSION_UNSUPPORTED", message, "correctable", { details: supported, data: supported });
}

function parsed<Name extends TaskName>(seller: AdcpRuntime, name: Name, raw: Json): TaskArguments[Name] {
  const result = parseArguments(name, seller.is("strict30"), raw);
  if (result.args) return result.args;
  const issues = result.issues.map((issue) => ({
    pointer: `/${issue.path.join("/")}`,
    message: issue.message,
    keyword: issue.code,
  }));
  const [first] = issues;
  const field = first?.pointer.slice(1).replaceAll("/", ".") ?? "";
  throw refusal("VALIDATION_ERROR", `${field || "arguments"}: ${first?.message}`, "correctable", { field, issues });
}

async function perform<Name extends TaskName>(
  seller: AdcpRuntime,
  name: Name,
  raw: Json,
  faults: Struck["faults"],
): Promise<Json> {
  return handlers[name]({ seller, args: parsed(seller, name, raw), faults });
}

/** What does not count when a repeated key's body is compared: AdCP 3.1, security, idempotency. The list is closed. */
function comparable(name: TaskName, raw: Json): Json {
  const { idempotency_key: _key, context: _context, governance_context: _governance, ...rest } = raw;
  const { push_notification_config: push } = rest;
  if (typeof push !== "object" || push === null || !("authentication" in push)) return { name, rest };
  const { credentials: _credentials, ...authentication } = Object(push.authentication);
  return { name, rest: { ...rest, push_notification_config: { ...push, authentication } } };
}

/**
 * Does a keyed task once. The same key and body again is answered from the books with `replayed: true`; another body
 * is a conflict; a key that is being worked on is to be asked again. Refusals and questions leave no trace.
 */
async function keyed(
  seller: AdcpRuntime,
  name: TaskName,
  raw: Json,
  agent: string | null,
  faults: Struck["faults"],
): Promise<Json> {
  const key = raw["idempotency_key"];
  const isDry = raw["dry_run"] === true;
  const takesKey = "idempotency_key" in argumentSchema(name, false).shape;
  if (!takesKey || typeof key !== "string" || isDry || seller.is("no-idempotency")) {
    const answer = await perform(seller, name, raw, faults);
    seller.commit();
    return answer;
  }
  const args = parsed(seller, name, raw);
  const account = "account" in args && args.account ? accountIdOf(seller, args.account) : "";
  const scope = [agent ?? "", account, key].join("|");
  const hash = bodyHash(comparable(name, raw));
  const used = seller.books.keys[scope];
  if (used) {
    if (used.hash !== hash) {
      throw refusal("IDEMPOTENCY_CONFLICT", "This idempotency key was used with another body.");
    }
    if (seller.now() - used.at > replaySeconds * 1_000) {
      throw refusal("IDEMPOTENCY_EXPIRED", "What this idempotency key did is no longer kept.");
    }
    return { ...used.answer, replayed: true };
  }
  if (seller.inFlight.has(scope)) {
    throw refusal("IDEMPOTENCY_IN_FLIGHT", "This key is being worked on.", "transient", { retry_after: 1 });
  }
  seller.inFlight.add(scope);
  try {
    const answer = await perform(seller, name, raw, faults);
    // A question leaves nothing behind: the same words again are asked again.
    if (answer["status"] !== "input-required") seller.books.keys[scope] = { hash, at: seller.now(), answer };
    seller.commit();
    return answer;
  } finally {
    seller.inFlight.delete(scope);
  }
}
