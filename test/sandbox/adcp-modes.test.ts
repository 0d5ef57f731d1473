import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import type { SandboxSeller } from "../../src/sandbox/sandbox-seller.ts";
import { account, at, auction, brand, document, guaranteed, key, openAccount, rpc, task } from "./adcp-calls.ts";
import { documentErrors, responseErrors, whyNoSchemas } from "../adcp/schemas.ts";

/** The ways in which an AdCP seller can be made to differ. */

let sandbox: Sandbox;
let openbid: SandboxSeller;
let streamhaus: SandboxSeller;

beforeAll(async () => {
  const now = () => Date.parse("2027-03-01T12:00:00Z");
  sandbox = await startSandbox({ sellers: [], adcp: true, gapMs: 0, now });
  openbid = sandbox.seller("openbid");
  streamhaus = sandbox.seller("streamhaus");
  await openAccount(openbid);
  await openAccount(streamhaus);
});

afterEach(() => {
  sandbox.adcp.modes("openbid");
  sandbox.adcp.modes("streamhaus");
});

afterAll(() => sandbox.close());

const code = (answer: unknown) => at(answer, "adcp_error", "code");
const buyIds = (id: unknown) => ({ account, media_buy_ids: [String(id)] });

describe("accounts", () => {
  test("accounts-pending: setup first, buying refused until the desk opens the account", async () => {
    sandbox.adcp.modes("openbid", "accounts-pending");
    const fresh = { brand: { domain: "slowbrand.example" }, operator: "pinnacle-agency.example" };
    const accounts = [{ ...fresh, billing: "agent", payment_terms: "net_90" }];
    const synced = at(await task(openbid, "sync_accounts", { ...key(), accounts }), "accounts", 0);
    expect(synced).toMatchObject({ status: "pending_approval", payment_terms: "net_30", setup: { message: /terms/ } });
    const buy = auction({ account: fresh, brand: fresh.brand });
    const refused = await task(openbid, "create_media_buy", buy);
    expect(at(refused, "adcp_error")).toMatchObject({
      ...{ code: "ACCOUNT_SETUP_REQUIRED", details: { setup: { url: at(synced, "setup", "url") } } },
    });
    expect(sandbox.adcp.sign("openbid")).toBe(at(synced, "account_id"));
    expect(await task(openbid, "create_media_buy", buy)).toMatchObject({ media_buy_status: "active" });
  });

  test("a billing nobody offers fails alone; without a key nothing is bought", async () => {
    const accounts = [
      { ...account, billing: "advertiser" },
      { ...account, billing: "agent" },
    ];
    const synced = await task(streamhaus, "sync_accounts", { ...key(), accounts });
    expect(at(synced, "accounts", 0)).toMatchObject({ action: "failed", errors: [{ code: "BILLING_NOT_SUPPORTED" }] });
    expect(at(synced, "accounts", 1)).toMatchObject({ action: "updated", billing: "agent" });
    expect(code(await task(openbid, "create_media_buy", auction(), { key: null }))).toBe("AUTH_MISSING");
  });
});

describe("other shapes of a booking", () => {
  test("provisional: never active until confirmed", async () => {
    sandbox.adcp.modes("openbid", "provisional");
    const made = await task(openbid, "create_media_buy", auction());
    expect(made).toMatchObject({ confirmed_at: null, media_buy_status: "pending_start" });
    if (whyNoSchemas("3.1") === null) expect(responseErrors("3.1", "create_media_buy", made)).toEqual([]);
    const id = at(made, "media_buy_id");
    expect(sandbox.adcp.sign("openbid")).toBe(id);
    const read = at(await task(openbid, "get_media_buys", buyIds(id)), "media_buys", 0);
    expect(read).toMatchObject({ status: "active", revision: 2, confirmed_at: "2027-03-01T12:00:00.000Z" });
    const other = at(await task(openbid, "create_media_buy", auction()), "media_buy_id");
    sandbox.adcp.reject("openbid", String(other), "No.");
    const declined = at(await task(openbid, "get_media_buys", buyIds(other)), "media_buys", 0);
    expect(declined).toMatchObject({ status: "rejected", rejection_reason: "No." });
  });

  test("legacy: pending_approval with a buy's own setup, signed at its page", async () => {
    sandbox.adcp.modes("streamhaus", "legacy");
    const made = await task(streamhaus, "create_media_buy", guaranteed());
    expect(made).toMatchObject({ status: "pending_approval", estimated_completion: "2027-03-01T16:00:00.000Z" });
    const id = at(made, "media_buy_id");
    const read = () => task(streamhaus, "get_media_buys", buyIds(id));
    const waits = at(await read(), "media_buys", 0);
    expect(waits).toMatchObject({
      status: "pending_approval",
      setup: { message: /insertion order/ },
      valid_actions: ["cancel"],
    });
    const page = String(at(waits, "setup", "url"));
    const signed = await fetch(page, { method: "POST", body: "verb=sign", redirect: "manual" });
    expect(signed.status).toBe(303);
    expect(at(await read(), "media_buys", 0)).toMatchObject({
      status: "pending_creatives",
      confirmed_at: expect.any(String),
    });
  });

  test("input-required: nothing is booked, and the key is free", async () => {
    const known = sandbox.adcp.buys("openbid").length;
    sandbox.adcp.modes("openbid", "input-required");
    const args = auction();
    const asked = await task(openbid, "create_media_buy", args);
    expect(asked).toMatchObject({ status: "input-required", reason: "APPROVAL_REQUIRED" });
    expect(sandbox.adcp.buys("openbid")).toHaveLength(known);
    sandbox.adcp.modes("openbid");
    expect(await task(openbid, "create_media_buy", args)).not.toHaveProperty("replayed");
  });

  test("no-idempotency: said so, and each call books", async () => {
    sandbox.adcp.modes("openbid", "no-idempotency");
    const capabilities = await task(openbid, "get_adcp_capabilities", {});
    expect(at(capabilities, "adcp", "idempotency")).toEqual({ supported: false });
    const known = sandbox.adcp.buys("openbid").length;
    const args = auction();
    await task(openbid, "create_media_buy", args);
    await task(openbid, "create_media_buy", args);
    expect(sandbox.adcp.buys("openbid")).toHaveLength(known + 2);
  });

  test("finalize-by-hand: the firm proposal comes with the task", async () => {
    await task(streamhaus, "get_products", { buying_mode: "brief", brief: "outdoor ctv" });
    sandbox.adcp.modes("streamhaus", "finalize-by-hand");
    const refine = [{ scope: "proposal", proposal_id: "prop_big_screen", action: "finalize" }];
    const waits = await task(streamhaus, "get_products", { buying_mode: "refine", refine });
    expect(waits).toMatchObject({ status: "submitted" });
    sandbox.adcp.sign("streamhaus");
    const told = { task_id: at(waits, "task_id"), include_result: true };
    const done = await task(streamhaus, "get_task_status", told);
    expect(at(done, "result", "proposals", 0, "proposal_status")).toBe("committed");
  });
});

test("prices that change are the new ones for whoever comes, and the old ones where they were made firm", async () => {
  await task(streamhaus, "get_products", { buying_mode: "brief", brief: "sports video outdoor ctv" });
  const refine = [{ scope: "proposal", proposal_id: "prop_trail_mix", action: "finalize" }];
  await task(streamhaus, "get_products", { buying_mode: "refine", refine });
  sandbox.adcp.reprice("streamhaus", 2);
  const { packages: _packages, ...frame } = guaranteed();
  const total_budget = { amount: 50_000, currency: "USD" };
  const firm = await task(streamhaus, "create_media_buy", { ...frame, proposal_id: "prop_trail_mix", total_budget });
  expect(at(firm, "packages", 0)).toMatchObject({ budget: 30_000, impressions: 1_250_000 });
  await task(streamhaus, "create_media_buy", guaranteed());
  sandbox.adcp.sign("streamhaus");
  expect(at(sandbox.adcp.tasks("streamhaus").at(-1)?.result, "packages", 0, "impressions")).toBe(625_000);
  sandbox.adcp.reprice("streamhaus", 1);
});

describe("versions", () => {
  test("another version is refused with the supported ones", async () => {
    const refused = await task(openbid, "get_products", { adcp_version: "3.0", buying_mode: "wholesale" });
    expect(at(refused, "adcp_error")).toMatchObject({
      code: "VERSION_UNSUPPORTED",
      data: { supported_versions: ["3.1"] },
    });
    expect(await task(openbid, "get_adcp_capabilities", { adcp_version: "9.0" })).toMatchObject({
      status: "completed",
    });
  });

  test("no-capabilities: the task is not there", async () => {
    sandbox.adcp.modes("openbid", "no-capabilities");
    expect(at(await task(openbid, "get_adcp_capabilities", {}), "error", "message")).toMatch(/Unknown tool/);
  });

  test("strict30: what 3.1 adds is refused, polling has its old names, answers have the old shape", async () => {
    for (const id of ["streamhaus", "openbid"]) sandbox.adcp.modes(id, "strict30");
    const { body } = await rpc(streamhaus, streamhaus.url, "tools/list", {});
    const tools = at(body, "result", "tools");
    if (!Array.isArray(tools)) throw new Error("no tools");
    const names = tools.map((tool: unknown) => at(tool, "name"));
    expect(names).toEqual(expect.arrayContaining(["tasks_get", "tasks/get"]));
    expect(names).not.toContain("get_task_status");
    expect(at(tools[0], "inputSchema", "additionalProperties")).toBe(false);
    const wholesale = { buying_mode: "wholesale" };
    const unknown = await task(streamhaus, "get_products", { ...wholesale, adcp_version: "3.1" });
    expect(at(unknown, "adcp_error")).toMatchObject({
      code: "VALIDATION_ERROR",
      issues: [{ keyword: "unrecognized_keys" }],
    });

    const heard: [string, unknown][] = [];
    const call = async (seller: SandboxSeller, name: string, args: object) => {
      const answer = await task(seller, name, { adcp_major_version: 3, ...args });
      heard.push([name, answer]);
      return answer;
    };
    const capabilities = await call(streamhaus, "get_adcp_capabilities", {});
    expect(at(capabilities, "adcp")).toEqual({
      ...{ major_versions: [3], idempotency: { supported: true, replay_ttl_seconds: 86_400 } },
    });
    await call(streamhaus, "sync_accounts", { ...key(), accounts: [{ ...account, billing: "operator" }] });
    await call(streamhaus, "list_accounts", {});
    const found = await call(openbid, "get_products", { buying_mode: "brief", brief: "sports display", brand });
    expect(at(found, "products", 0, "format_ids")).toHaveLength(1);
    await call(streamhaus, "get_products", { buying_mode: "brief", brief: "sports video outdoor ctv", brand });
    await call(streamhaus, "list_creative_formats", {});
    const made = await call(openbid, "create_media_buy", auction());
    expect(made).toMatchObject({ status: "active", valid_actions: expect.arrayContaining(["pause", "update_budget"]) });
    for (const name of ["confirmed_at", "revision", "media_buy_status", "adcp_version"])
      expect(made).not.toHaveProperty(name);
    const media_buy_id = at(made, "media_buy_id");
    await call(openbid, "get_media_buys", { ...buyIds(media_buy_id), include_snapshot: true });
    const paused = await call(openbid, "update_media_buy", { ...key(), account, media_buy_id, paused: true });
    expect(paused).toMatchObject({ status: "paused" });
    await call(openbid, "get_media_buy_delivery", { account, include_package_daily_breakdown: true });
    await call(openbid, "create_media_buy", auction({ packages: [{ ...auction().packages[0], budget: 1 }] }));
    const submitted = await call(streamhaus, "create_media_buy", guaranteed());
    sandbox.adcp.sign("streamhaus");
    const told = await call(streamhaus, "tasks_get", { task_id: at(submitted, "task_id") });
    expect(told).toMatchObject({ status: "completed", result: { status: "pending_creatives" } });
    const wrong = heard.flatMap(([name, answer]) =>
      responseErrors("3.0", name, answer).map((error) => `${name} ${error}`),
    );
    expect(wrong).toEqual([]);
  });
});

test.runIf(whyNoSchemas("3.1") === null)("the publishers' files are right by the schema", async () => {
  for (const base of Object.values(streamhaus.publishers ?? {})) {
    const { body } = await document(`${base}/.well-known/adagents.json`);
    expect(documentErrors("3.1", "adagents.json", body)).toEqual([]);
  }
});
