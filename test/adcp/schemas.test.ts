import { describe, expect, it } from "vitest";
import { requestErrors, responseErrors, whyNoSchemas } from "./schemas.ts";

const account = { brand: { domain: "newbrand.example" }, operator: "agency.example" };
const flight = { start_time: "2027-04-01T00:00:00Z", end_time: "2027-06-30T23:59:59Z" };
const line = { product_id: "preroll", pricing_option_id: "cpm", budget: 30_000, context: { buyer_ref: "a" } };
const buy = { idempotency_key: "7d0f1f4e-6a5f-4b52-9a35-1c0f6a7d2b11", account, brand: account.brand, ...flight };
const format = { agent_url: "https://formats.example", id: "video_30s" };
const asset = { asset_type: "video", url: "https://cdn.example/a.mp4", width: 1920, height: 1080, duration_ms: 30_000 };
const creative = { creative_id: "c1", name: "Spring", format_id: format, assets: { video_file: asset } };
const { idempotency_key } = buy;

/** Requests of both versions: what is right, and beside it one thing wrong and the word that the complaint must hold. */
const requests: readonly (readonly [task: string, right: object, wrong: object, complaint: RegExp])[] = [
  ["get_adcp_capabilities", {}, { protocols: ["postal"] }, /protocols/],
  ["list_accounts", { status: "active" }, { status: "asleep" }, /status/],
  [
    "sync_accounts",
    { idempotency_key, accounts: [{ ...account, billing: "operator", payment_terms: "net_30" }] },
    { idempotency_key, accounts: [account] },
    /billing/,
  ],
  [
    "get_products",
    { buying_mode: "brief", brief: "video in spring", account, filters: { delivery_type: "guaranteed" } },
    { brief: "video in spring", account },
    /buying_mode/,
  ],
  [
    "create_media_buy",
    { ...buy, packages: [{ ...line, bid_price: 8.5 }] },
    { ...buy, packages: [{ ...line, buyer_ref: "a" }] },
    /packages\/0.*buyer_ref/,
  ],
  [
    "create_media_buy",
    { ...buy, proposal_id: "p1", total_budget: { amount: 1, currency: "USD" } },
    { ...buy, proposal_id: "p1" },
    /total_budget/,
  ],
  [
    "create_media_buy",
    { ...buy, packages: [line] },
    { ...buy, end_time: "soon", packages: [line] },
    /end_time.*date-time/,
  ],
  ["create_media_buy", { ...buy, packages: [line] }, { ...buy, packages: [line], webhook: "x" }, /webhook/],
  [
    "update_media_buy",
    { idempotency_key, account, media_buy_id: "mb", revision: 1, packages: [{ package_id: "p", bid_price: 10 }] },
    { idempotency_key, account, media_buy_id: "mb", packages: [{ product_id: "preroll", bid_price: 10 }] },
    /packages\/0/,
  ],
  [
    "get_media_buys",
    { account, media_buy_ids: ["mb"], include_snapshot: true },
    { account, media_buy_ids: [] },
    /fewer/,
  ],
  [
    "get_media_buy_delivery",
    { account, media_buy_ids: ["mb"], start_date: "2027-04-01" },
    { account, media_buy_ids: ["mb"], start_date: "in April" },
    /start_date/,
  ],
  [
    "sync_creatives",
    { idempotency_key, account, creatives: [creative], assignments: [{ creative_id: "c1", package_id: "p" }] },
    { idempotency_key, account, creatives: [{ ...creative, assets: [asset] }] },
    /assets.*object/,
  ],
];

const key = { idempotency: { supported: true, replay_ttl_seconds: 86_400 } };
const status = { status: "completed" };
const listed = { media_buy_id: "mb", status: "active", currency: "USD", total_budget: 1, packages: [] };
/** Answers: in 3.1 the envelope's status is required, and a buy says when it was confirmed. */
const answers: readonly (readonly [task: string, right: object, wrong: object, complaint: RegExp])[] = [
  [
    "get_adcp_capabilities",
    {
      ...{ ...status, supported_protocols: ["media_buy"], adcp: { major_versions: [3], ...key } },
      account: { supported_billing: ["operator"] },
    },
    { ...status, supported_protocols: ["media_buy"] },
    /adcp/,
  ],
  ["create_media_buy", { status: "submitted", task_id: "t" }, { status: "submitted", message: "wait" }, /task_id/],
  [
    "get_media_buys",
    { ...status, media_buys: [{ ...listed, confirmed_at: "2027-01-01T00:00:00Z", revision: 1 }] },
    { ...status, media_buys: [{ ...listed, status: "pending_approval", confirmed_at: null, revision: 1 }] },
    /media_buys\/0\/status/,
  ],
];

function check(version: "3.0" | "3.1"): void {
  for (const [task, right, wrong, complaint] of requests) {
    expect(requestErrors(version, task, right), task).toEqual([]);
    expect(requestErrors(version, task, wrong).join("; "), task).toMatch(complaint);
  }
  for (const [task, right, wrong, complaint] of answers) {
    expect(responseErrors(version, task, right), task).toEqual([]);
    expect(responseErrors(version, task, wrong).join("; "), task).toMatch(complaint);
  }
}

describe("the official schemas tell a right request and answer from a wrong one", () => {
  it("of 3.0, which know no adcp_version", () => {
    expect(whyNoSchemas("3.0")).toBeNull();
    check("3.0");
    expect(requestErrors("3.0", "get_products", { buying_mode: "wholesale", adcp_version: "3.1" })).toHaveLength(1);
    expect(requestErrors("3.0", "tasks_get", { task_id: "t", account })).toEqual([]);
    expect(() => requestErrors("3.0", "get_task_status", {})).toThrow("no schema of the request of get_task_status");
  });

  const why = whyNoSchemas("3.1");
  it.runIf(whyNoSchemas("3.1") === null)(`of 3.1${why ? `: not here, ${why}` : ""}`, () => {
    check("3.1");
    const versions = { adcp_version: "3.1", adcp_major_version: 3 };
    expect(requestErrors("3.1", "get_products", { buying_mode: "wholesale", ...versions })).toEqual([]);
    expect(requestErrors("3.1", "get_products", { buying_mode: "wholesale", ...versions, wish: 1 })).toHaveLength(1);
    expect(requestErrors("3.1", "get_task_status", { task_id: "t", include_result: true, account })).toEqual([]);
    const booked = { media_buy_id: "mb", revision: 1, packages: [], media_buy_status: "pending_start" };
    expect(responseErrors("3.1", "create_media_buy", { ...status, ...booked, confirmed_at: null })).toEqual([]);
    expect(responseErrors("3.1", "create_media_buy", { ...status, ...booked })).not.toEqual([]);
  });
});
