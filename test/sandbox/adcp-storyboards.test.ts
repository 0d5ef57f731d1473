import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import type { SandboxSeller } from "../../src/sandbox/sandbox-seller.ts";
import { account, at, auction, brand, guaranteed, key, openAccount, task, v31 } from "./adcp-calls.ts";
import { requestErrors, responseErrors, whyNoSchemas } from "../adcp/schemas.ts";

/** Both storyboards, played raw against the sandbox, at AdCP 3.1. The clock stands at 2027-03-01. */

let sandbox: Sandbox;
let streamhaus: SandboxSeller;
let openbid: SandboxSeller;
const heard: { readonly name: string; readonly args: object; readonly answer: unknown }[] = [];
const day = 86_400_000;

beforeAll(async () => {
  sandbox = await startSandbox({ sellers: [], adcp: true, gapMs: 0, now: () => Date.parse("2027-03-01T12:00:00Z") });
  streamhaus = sandbox.seller("streamhaus");
  openbid = sandbox.seller("openbid");
});

afterAll(() => sandbox.close());

async function call(seller: SandboxSeller, name: string, args: object): Promise<unknown> {
  const said = { ...v31, ...args };
  const answer = await task(seller, name, said);
  heard.push({ name, args: said, answer });
  return answer;
}

describe("the guaranteed storyboard", () => {
  test("account, products, submitted, signed, creatives, delivery", async () => {
    const capabilities = await call(streamhaus, "get_adcp_capabilities", {});
    expect(at(capabilities, "adcp", "idempotency", "replay_ttl_seconds")).toBe(86_400);
    const accounts = [{ ...account, billing: "operator", payment_terms: "net_30" }];
    const synced = await call(streamhaus, "sync_accounts", { ...key(), accounts });
    expect(at(synced, "accounts", 0)).toMatchObject({ action: "created", status: "active", payment_terms: "net_30" });
    expect(at(await call(streamhaus, "list_accounts", {}), "accounts", 0, "status")).toBe("active");

    const brief = "Guaranteed premium video on sports and outdoor lifestyle publishers. Q2 flight, $50K budget.";
    const found = await call(streamhaus, "get_products", { buying_mode: "brief", brief, brand, account });
    expect(at(found, "products", 0)).toMatchObject({ delivery_type: "guaranteed" });
    expect(at(found, "products", 0, "performance_standards", 0, "metric")).toBe("completion_rate");

    const made = await call(streamhaus, "create_media_buy", guaranteed({ context: { correlation_id: "c1" } }));
    expect(made).toMatchObject({ status: "submitted", context: { correlation_id: "c1" } });
    expect(made).not.toHaveProperty("media_buy_id");
    const task_id = String(at(made, "task_id"));
    const open = await call(streamhaus, "get_task_status", { task_id, include_result: true, account });
    expect(open).toMatchObject({ status: "submitted", task_type: "create_media_buy" });
    expect(at(await call(streamhaus, "get_media_buys", { account }), "media_buys")).toEqual([]);

    sandbox.adcp.delay("streamhaus");
    const held = await call(streamhaus, "get_task_status", { task_id, include_result: true, account });
    expect(at(held, "progress", "current_step")).toMatch(/two more days/);
    sandbox.adcp.sign("streamhaus", task_id);
    const signed = await call(streamhaus, "get_task_status", { task_id, include_result: true, account });
    expect(signed).toMatchObject({
      status: "completed",
      result: { media_buy_status: "pending_creatives", revision: 1 },
    });
    const id = String(at(signed, "result", "media_buy_id"));
    expect(at(signed, "result", "packages", 0)).toMatchObject({
      budget: 30_000,
      impressions: 1_250_000,
      context: { buyer_ref: "a" },
    });

    const read = await call(streamhaus, "get_media_buys", { account, media_buy_ids: [id], include_snapshot: true });
    expect(at(read, "media_buys", 0)).toMatchObject({
      status: "pending_creatives",
      total_budget: 50_000,
      currency: "USD",
    });
    const format_id = at(read, "media_buys", 0, "packages", 0, "format_ids_pending", 0);
    const packages = [0, 1].map((index) => String(at(read, "media_buys", 0, "packages", index, "package_id")));
    const creative = { creative_id: "video_30s_trail_pro", name: "Trail Pro, 30 seconds", format_id };
    const spot = {
      asset_type: "video",
      url: "https://cdn.example/a.mp4",
      width: 1920,
      height: 1080,
      duration_ms: 30_000,
    };
    const assignments = packages.map((package_id) => ({ creative_id: creative.creative_id, package_id }));
    const creatives = [{ ...creative, assets: { video_file: spot } }];
    const pushed = await call(streamhaus, "sync_creatives", { ...key(), account, creatives, assignments });
    expect(at(pushed, "creatives", 0)).toMatchObject({ action: "created", status: "approved", assigned_to: packages });

    sandbox.adcp.pass("streamhaus", 31 * day + 45.5 * day);
    const delivery = { account, media_buy_ids: [id], include_package_daily_breakdown: true };
    const ran = await call(streamhaus, "get_media_buy_delivery", delivery);
    expect(at(ran, "media_buy_deliveries", 0)).toMatchObject({ status: "active", is_final: false });
    const [sports, outdoor] = [0, 1].map((index) => at(ran, "media_buy_deliveries", 0, "by_package", index));
    expect(sports).toMatchObject({ pacing_index: 1, completion_rate: 0.81, rate: 24, pricing_model: "cpm" });
    expect(outdoor).toMatchObject({ pacing_index: 0.72, completion_rate: 0.91 });
    expect(Math.abs(Number(at(sports, "spend")) - 15_000)).toBeLessThan(200);
    const asked = await call(streamhaus, "update_media_buy", { ...key(), account, media_buy_id: id, canceled: true });
    expect(asked).toMatchObject({ status: "submitted" });
    sandbox.adcp.sign("streamhaus");
    expect(sandbox.adcp.buys("streamhaus")[0]?.status).toBe("canceled");
  });

  test("the desk says no: the task is rejected and nothing was bought", async () => {
    const before = sandbox.adcp.buys("streamhaus").length;
    const made = await call(streamhaus, "create_media_buy", guaranteed());
    sandbox.adcp.reject("streamhaus", String(at(made, "task_id")), "Sold out in June.");
    const told = await call(streamhaus, "get_task_status", { task_id: at(made, "task_id"), include_result: true });
    expect(told).toMatchObject({ status: "rejected", error: { message: "Sold out in June." } });
    expect(sandbox.adcp.buys("streamhaus")).toHaveLength(before);
  });

  test("a proposal is refined, made firm, and bought under its insertion order", async () => {
    const brief = { buying_mode: "brief", brief: "outdoor ctv", brand };
    const found = await call(streamhaus, "get_products", brief);
    expect(at(found, "proposals", 0)).toMatchObject({ proposal_id: "prop_big_screen", proposal_status: "draft" });
    const scope = { scope: "proposal", proposal_id: "prop_big_screen" };
    const less = { ...scope, action: "include", ask: "Reduce the CPM by 20%" };
    const refined = await call(streamhaus, "get_products", { buying_mode: "refine", refine: [less] });
    expect(at(refined, "refinement_applied", 0)).toMatchObject({ status: "partial", notes: "8% less." });
    const total_budget = { amount: 60_000, currency: "USD" };
    const { packages: _packages, ...frame } = guaranteed();
    const buy = { ...frame, proposal_id: "prop_big_screen", total_budget };
    const draft = await call(streamhaus, "create_media_buy", { ...buy, ...key() });
    expect(at(draft, "adcp_error", "code")).toBe("PROPOSAL_NOT_COMMITTED");
    const finalize = { buying_mode: "refine", refine: [{ ...scope, action: "finalize" }] };
    const firm = await call(streamhaus, "get_products", finalize);
    expect(at(firm, "proposals", 0)).toMatchObject({
      proposal_status: "committed",
      expires_at: "2027-03-02T12:00:00.000Z",
    });
    expect(at(firm, "products", 0, "pricing_options", 0, "fixed_price")).toBe(34.96);
    const io = at(firm, "proposals", 0, "insertion_order");
    expect(io).toMatchObject({ requires_signature: true });
    const unsigned = await call(streamhaus, "create_media_buy", { ...buy, ...key() });
    expect(at(unsigned, "adcp_error", "code")).toBe("IO_REQUIRED");
    const accepted_at = "2027-03-01T12:00:00Z";
    const io_acceptance = { io_id: at(io, "io_id"), accepted_at, signatory: "A. Person" };
    const booked = await call(streamhaus, "create_media_buy", { ...buy, ...key(), io_acceptance });
    expect(booked).toMatchObject({ status: "completed", media_buy_status: "pending_creatives", total_budget: 60_000 });
  });
});

describe("the auction storyboard", () => {
  test("floor, booking, pacing, bids, delivery, pause", async () => {
    await openAccount(openbid);
    const filters = { delivery_type: "non_guaranteed", is_fixed_price: false };
    const brief = "Display and video inventory across sports and outdoor sites. $25K budget. Auction-based.";
    const found = await call(openbid, "get_products", { buying_mode: "brief", brief, brand, account, filters });
    const option = at(found, "products", 0, "pricing_options", 0);
    expect(option).toMatchObject({ floor_price: expect.any(Number), price_guidance: { p25: expect.any(Number) } });
    const [first, second] = auction().packages;
    const low = await call(openbid, "create_media_buy", auction({ packages: [{ ...first, bid_price: 4 }] }));
    expect(at(low, "adcp_error")).toMatchObject({ code: "BUDGET_TOO_LOW", field: "packages[0].bid_price" });

    const end_time = "2027-03-31T12:00:00Z";
    const made = await call(openbid, "create_media_buy", auction({ end_time, packages: [first, second] }));
    expect(made).toMatchObject({ status: "completed", media_buy_status: "active", revision: 1, total_budget: 25_000 });
    const media_buy_id = String(at(made, "media_buy_id"));
    const ids = [0, 1].map((index) => String(at(made, "packages", index, "package_id")));
    sandbox.adcp.pass("openbid", day);
    const read = { account, media_buy_ids: [media_buy_id] };
    const paced = await call(openbid, "get_media_buys", { ...read, include_snapshot: true });
    const snapshot = at(paced, "media_buys", 0, "packages", 0, "snapshot");
    expect(snapshot).toMatchObject({
      pacing_index: 1,
      delivery_status: "delivering",
      ext: { openbid: { win_rate: 0.625 } },
    });

    const packages = [
      { package_id: ids[0], bid_price: 10, budget: 12_000 },
      { package_id: ids[1], bid_price: 12.5, budget: 13_000 },
    ];
    const change = { account, media_buy_id, revision: 1, packages };
    const changed = await call(openbid, "update_media_buy", { ...key(), ...change });
    expect(changed).toMatchObject({ status: "completed", revision: 2, media_buy_status: "active" });
    const stale = await call(openbid, "update_media_buy", { ...key(), ...change });
    expect(at(stale, "adcp_error")).toMatchObject({ code: "CONFLICT", recovery: "transient" });

    sandbox.adcp.pass("openbid", day);
    const ran = await call(openbid, "get_media_buy_delivery", {
      ...read,
      include_package_daily_breakdown: true,
    });
    const rows = at(ran, "media_buy_deliveries", 0, "by_package");
    expect(at(rows, 0, "ext", "openbid", "average_clearing_price")).toBe(8.9);
    expect(at(rows, 1, "daily_breakdown", 2)).toMatchObject({ date: "2027-03-03" });
    const days = at(rows, 1, "daily_breakdown");
    if (!Array.isArray(days)) throw new Error("no days");
    const total = days.reduce((sum: number, row: unknown) => sum + Number(at(row, "spend")), 0);
    expect(Math.abs(total - Number(at(rows, 1, "spend")))).toBeLessThan(0.05);

    const paused = await call(openbid, "update_media_buy", {
      ...key(),
      account,
      media_buy_id,
      revision: 2,
      paused: true,
    });
    expect(paused).toMatchObject({ media_buy_status: "paused", revision: 3 });
    const spent = sandbox.adcp.buys("openbid")[0]?.packages[0]?.spend;
    sandbox.adcp.pass("openbid", day);
    expect(sandbox.adcp.buys("openbid")[0]?.packages[0]?.spend).toBe(spent);
    const stop = { ...key(), account, media_buy_id, canceled: true, cancellation_reason: "Done." };
    expect(await call(openbid, "update_media_buy", stop)).toMatchObject({ media_buy_status: "canceled" });
    const again = await call(openbid, "update_media_buy", { ...stop, ...key() });
    expect(at(again, "adcp_error", "code")).toBe("NOT_CANCELLABLE");
  });

  test("the other ways to ask for products, and formats", async () => {
    const all = await call(openbid, "get_products", { buying_mode: "wholesale", pagination: { max_results: 2 } });
    expect(at(all, "pagination")).toMatchObject({ has_more: true, total_count: 5 });
    const pagination = { max_results: 100, cursor: at(all, "pagination", "cursor") };
    const rest = await call(openbid, "get_products", { buying_mode: "wholesale", pagination });
    expect(at(rest, "products")).toHaveLength(3);
    const known = { buying_mode: "wholesale", if_wholesale_feed_version: at(all, "wholesale_feed_version") };
    expect(await call(openbid, "get_products", known)).toMatchObject({ unchanged: true });
    const time_budget = { interval: 1, unit: "seconds" };
    const hasty = await call(openbid, "get_products", { buying_mode: "brief", brief: "video", time_budget });
    expect(at(hasty, "incomplete", 0, "scope")).toBe("products");
    const refine = [
      { scope: "request", ask: "cheaper please" },
      { scope: "product", product_id: "viewable_display", action: "include", ask: "10.00 vcpm" },
    ];
    const refined = await call(openbid, "get_products", { buying_mode: "refine", refine });
    expect(at(refined, "refinement_applied", 1, "status")).toBe("applied");
    const formats = await call(openbid, "list_creative_formats", {});
    expect(at(formats, "formats")).toHaveLength(4);
  });
});

test.runIf(whyNoSchemas("3.1") === null)("everything that was said is right by the schemas of 3.1.19", () => {
  expect(heard.length).toBeGreaterThan(30);
  const wrong = heard.flatMap(({ name, args, answer }) => [
    ...requestErrors("3.1", name, args).map((error) => `${name} request ${error}`),
    ...responseErrors("3.1", name, answer).map(
      (error) => `${name} answer ${error} ${JSON.stringify(answer).slice(0, 200)}`,
    ),
  ]);
  // The one thing loopback cannot give is https.
  expect(wrong.filter((line) => !line.includes("/identity/brand_json_url must match pattern"))).toEqual([]);
});
