import { randomUUID } from "node:crypto";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { requestErrors, responseErrors } from "./schemas.ts";
import { openSdkSeller, type SdkSeller, type SdkSellerOptions } from "./sdk-seller.ts";

/** The third-party seller does what the tests of our buyer rely on, over both carriers, asked with bare clients, and its answers are valid. */

const account = { brand: { domain: "newbrand.example" }, operator: "pinnacle-agency.example" };
const guaranteed = {
  product_id: "sports_preroll_q2_guaranteed",
  budget: 30_000,
  pricing_option_id: "cpm_guaranteed_fixed",
};
const auction = {
  product_id: "sports_display_auction",
  budget: 10_000,
  bid_price: 8.5,
  pricing_option_id: "cpm_auction",
};
const buyOf = (line: object) => ({
  ...{ idempotency_key: randomUUID(), account, brand: account.brand },
  ...{ start_time: "asap", end_time: new Date(Date.now() + 86_400_000).toISOString() },
  packages: [{ ...line, context: { buyer_ref: "line-1" } }],
});

type Ask = (task: string, args: object) => Promise<unknown>;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function overMcp(url: string): Promise<Ask> {
  const client = new Client({ name: "bare", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  closing.push(() => client.close());
  return async (name, args) => (await client.callTool({ name, arguments: { ...args } })).structuredContent;
}

const a2aAnswer = z.object({
  result: z.object({
    artifacts: z.tuple([z.object({ parts: z.tuple([z.object({ data: z.record(z.string(), z.unknown()) })]) })]),
  }),
});

function overA2a(url: string): Ask {
  return async (skill, input) => {
    const parts = [{ kind: "data", data: { skill, input } }];
    const message = { kind: "message", role: "user", messageId: randomUUID(), parts };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "message/send", params: { message } });
    const answered = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    return a2aAnswer.parse(await answered.json()).result.artifacts[0].parts[0].data;
  };
}

const refusal = z.object({ adcp_error: z.object({ code: z.string() }) });
const idOf = (answer: unknown) => z.object({ task_id: z.string() }).parse(answer).task_id;

describe.each(["mcp", "a2a"] as const)("the SDK's seller over %s", (carrier) => {
  async function open(options: Partial<SdkSellerOptions> = {}): Promise<{ seller: SdkSeller; ask: Ask }> {
    const seller = await openSdkSeller({ ...options, carrier });
    closing.push(() => seller.close());
    const bare = carrier === "mcp" ? await overMcp(seller.url) : overA2a(seller.url);
    const ask: Ask = async (task, args) => {
      expect(requestErrors("3.0", task, args)).toEqual([]);
      const answer = await bare(task, args);
      if (!refusal.safeParse(answer).success) expect(responseErrors("3.0", task, answer)).toEqual([]);
      return answer;
    };
    const [opened] = z
      .object({ accounts: z.array(z.unknown()) })
      .parse(
        await ask("sync_accounts", { idempotency_key: randomUUID(), accounts: [{ ...account, billing: "operator" }] }),
      ).accounts;
    expect(opened).toMatchObject({ action: "created", status: options.accounts ?? "active", payment_terms: "net_30" });
    return { seller, ask };
  }

  it("books an auction at once, a bid below the floor not at all, and reports on it", async () => {
    const { seller, ask } = await open();
    const refused = await ask("create_media_buy", buyOf({ ...auction, bid_price: 1.5 }));
    expect(refused).toMatchObject({ adcp_error: { code: "BUDGET_TOO_LOW" } });
    expect(seller.buys()).toHaveLength(0);
    const bought = await ask("create_media_buy", buyOf(auction));
    expect(bought).toMatchObject({ media_buy_id: "mb_1", status: "active", packages: [{ bid_price: 8.5 }] });
    expect(seller.asked.at(-1)).toMatchObject({ task: "create_media_buy", args: { account } });

    seller.deliver(0.5, 0.9);
    const update = { idempotency_key: randomUUID(), account, media_buy_id: "mb_1" };
    const packages = [{ package_id: "pkg_1", bid_price: 10, budget: 12_000 }];
    expect(await ask("update_media_buy", { ...update, revision: 1, packages })).toMatchObject({ revision: 2 });
    const stale = await ask("update_media_buy", {
      ...update,
      idempotency_key: randomUUID(),
      revision: 1,
      paused: true,
    });
    expect(stale).toMatchObject({ adcp_error: { code: "CONFLICT" } });
    expect(await ask("get_media_buy_delivery", { account, media_buy_ids: ["mb_1"] })).toMatchObject({
      media_buy_deliveries: [{ by_package: [{ spend: 6000, rate: 10, impressions: 600_000, pacing_index: 0.9 }] }],
    });
    await ask("update_media_buy", { ...update, idempotency_key: randomUUID(), canceled: true });
    expect(await ask("get_media_buys", { account })).toMatchObject({ media_buys: [{ status: "canceled" }] });
  });

  it("books a guaranteed buy when its people have signed, and none when they reject it", async () => {
    const { seller, ask } = await open();
    const poll = (task_id: string) => ask("tasks_get", { task_id, account });
    const task = idOf(await ask("create_media_buy", buyOf(guaranteed)));
    expect(await poll(task)).toMatchObject({ status: "submitted" });
    expect([seller.waiting(), seller.buys().length]).toEqual([1, 0]);
    await seller.sign();
    expect(await poll(task)).toMatchObject({ status: "completed", result: { media_buy_id: "mb_1" } });
    expect(await ask("get_media_buys", { account, media_buy_ids: ["mb_1"] })).toMatchObject({
      media_buys: [{ total_budget: 30_000, packages: [{ context: { buyer_ref: "line-1" } }] }],
    });

    const other = idOf(await ask("create_media_buy", buyOf(guaranteed)));
    await seller.reject("No room in June");
    expect(await poll(other)).toMatchObject({ status: "failed", error: { message: "No room in June" } });
    expect(seller.buys()).toHaveLength(1);
    await expect(seller.sign()).rejects.toThrow("no insertion order waits");
  });

  it("loses an answer, and gives it again to the same bytes: one buy", async () => {
    const { seller, ask } = await open();
    const body = buyOf(auction);
    seller.dropNextAnswer();
    await expect(ask("create_media_buy", body)).rejects.toThrow();
    expect(seller.buys()).toHaveLength(1);
    expect(await ask("create_media_buy", body)).toMatchObject({ media_buy_id: "mb_1", replayed: true });
    expect(seller.asked.filter(({ task }) => task === "create_media_buy")).toHaveLength(2);
    expect(seller.buys()).toHaveLength(1);
  });

  it("sells nothing on an account that its people have not opened", async () => {
    const { seller, ask } = await open({ accounts: "pending_approval" });
    const refused = await ask("create_media_buy", buyOf(auction));
    expect(refused).toMatchObject({
      adcp_error: { code: "ACCOUNT_SETUP_REQUIRED", details: { setup: { url: expect.stringMatching(/^https:/) } } },
    });
    seller.activateAccounts();
    expect(await ask("list_accounts", {})).toMatchObject({ accounts: [{ account_id: "acc_1", status: "active" }] });
    expect(await ask("create_media_buy", buyOf(auction))).toMatchObject({ media_buy_id: "mb_1" });
  });

  it("checks requests by itself where it is told to", async () => {
    const nobody = { account, media_buy_ids: [] };
    expect(requestErrors("3.0", "get_media_buys", nobody)).toHaveLength(1);
    for (const strict of [true, false]) {
      const seller = await openSdkSeller({ carrier, strict });
      closing.push(() => seller.close());
      const ask = carrier === "mcp" ? await overMcp(seller.url) : overA2a(seller.url);
      const code = strict ? "VALIDATION_ERROR" : "ACCOUNT_NOT_FOUND";
      expect(await ask("get_media_buys", nobody)).toMatchObject({ adcp_error: { code } });
    }
  });
});
