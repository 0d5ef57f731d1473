import { describe, expect, test } from "vitest";
import type { Desk } from "../../src/desk.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { reply, structured, stubMcp } from "../sellers/adcp-stubs.ts";
import { open } from "../sellers/loopback.ts";
import { asking, errorOf, item, openBench, reportIn } from "./desk-bench.ts";

const bought = {
  ...item("openbid/sports_display_auction", { budget: "5000 USD" }),
  terms: bid(),
  with: [],
  brief: null,
};

function bid() {
  return { maxBid: { micros: 9_000_000n, currency: "USD" }, pricingOption: null, creativeIds: [] };
}

/** A governance agent that answers as told, the last answer over and over; and a desk that has it. */
async function governed(...answers: readonly (object | null)[]) {
  const asked: Record<string, unknown>[] = [];
  const agent = await stubMcp(({ rpc: { id, params } }, outgoing) => {
    if (params?.["name"] !== "check_governance") {
      return reply(outgoing, id, structured({ adcp: { major_versions: [3], supported_versions: ["3.1"] } }));
    }
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    asked.push(Object(params["arguments"]));
    if (answer) return reply(outgoing, id, structured(answer));
    outgoing.destroy();
  });
  const governance = { url: agent.url, plan_id: "plan-1", caller: "https://buyer.example", carrier: "mcp" };
  const bench = await openBench((standard) => ({ ...standard, adcp: { ...Object(standard["adcp"]), governance } }), {
    sellers: ["northbeam"],
    adcp: ["openbid"],
  });
  open.push(() => bench.close());
  return { ...bench, agent, asked };
}

function approved() {
  return { status: "completed", verdict: "approved", plan_id: "plan-1", expires_at: new Date(Date.now() + 60_000) };
}

const denied = {
  status: "completed",
  verdict: "denied",
  plan_id: "plan-1",
  explanation: "Over the plan's <b>cap</b>.",
};

async function quoteOf(desk: Desk): Promise<string> {
  const [outcome] = await desk.quote(asking([bought]));
  return reportIn(outcome).loaded.ref;
}

const buying = (ref: string) => ({ refs: [ref], poNumber: null, campaign: null, by: "local" });

/** A person's yes in the client's form. */
async function approve(desk: Desk, approvalId: string): Promise<void> {
  const digests = (await desk.approval(approvalId)).lines.map(({ digest }) => digest);
  await desk.decide(
    approvalId,
    {
      ...{ decision: "approve", digests, via: "form", by: "kim", note: "", principal: "local", wordOf: "client" },
      ...{ decidedAt: new Date().toISOString(), signature: null },
    },
    20_000,
  );
}

/** The arguments of every request to book that a seller got. */
function sentTo(sandbox: Sandbox): readonly Record<string, unknown>[] {
  return sandbox
    .requests("openbid")
    .filter(({ body }) => body.includes('"create_media_buy"'))
    .map(({ body }) => JSON.parse(body).params.arguments);
}

describe("a governance agent", () => {
  test("is asked before the person, and with the very request before it is sent", async () => {
    const { desk, sandbox, asked } = await governed(approved());
    const ref = await quoteOf(desk);
    const { approvalId } = await desk.buy(buying(ref), 20_000);
    expect(asked).toHaveLength(1);
    await approve(desk, approvalId ?? "");
    expect((await desk.line(ref)).line.status).toBe("booked");
    expect(asked).toHaveLength(2);
    const [sent] = sentTo(sandbox);
    const plan = { plan_id: "plan-1", caller: "https://buyer.example", phase: "purchase", tool: "create_media_buy" };
    expect(asked[1]).toMatchObject({ ...plan, adcp_version: "3.1", payload: sent });
    const before = Object(asked[0]?.["payload"]);
    expect(before["packages"][0]).toMatchObject({ budget: 5000, bid_price: 9 });
    expect(before["idempotency_key"]).not.toBe(sent?.["idempotency_key"]);
  });

  test.each([
    ["denies", denied],
    ["sets conditions", { ...approved(), verdict: "conditions" }],
    ["says something else", { status: "completed" }],
    ["says nothing", null],
  ])("that %s keeps the person from being asked", async (_, answer) => {
    const { desk, sandbox } = await governed(answer);
    const ref = await quoteOf(desk);
    const error = await errorOf(desk.buy(buying(ref), 20_000));
    expect(error).toMatchObject({ code: "governance_denied", recovery: "ask_person" });
    expect(error.message).toMatch(
      /^openbid\/.+: The governance agent .+Nobody was asked to approve, and nothing was booked\.$/,
    );
    expect((await desk.line(ref)).line.status).toBe("open");
    expect((await desk.inbox()).approvals).toEqual([]);
    expect(sentTo(sandbox)).toEqual([]);
  });

  test("is quoted with its words labelled and cleaned", async () => {
    const { desk } = await governed(denied);
    const error = await errorOf(desk.buy(buying(await quoteOf(desk)), 20_000));
    expect(error.message).toContain("The governance agent denied this. (Its words: “Over the plan's");
    expect(error.message).not.toContain("<b>");
  });

  test.each([
    ["denies it by then", denied],
    ["is silent by then", null],
  ])("that %s lets nothing be sent, and the money is given back", async (_, answer) => {
    const { desk, sandbox } = await governed(approved(), answer);
    const ref = await quoteOf(desk);
    const { approvalId } = await desk.buy(buying(ref), 20_000);
    await approve(desk, approvalId ?? "");
    const { line } = await desk.line(ref);
    expect(line.status).toBe("open");
    expect(line.refusal).toMatchObject({ code: "governance_denied", sent: false });
    expect(sentTo(sandbox)).toEqual([]);
    expect((await desk.spentToday())?.committed.micros).toBe(0n);
  });

  test("is asked about AdCP only", async () => {
    const { desk, asked } = await governed(denied);
    const plain = { terms: { maxBid: null, pricingOption: null, creativeIds: [] }, with: [], brief: null };
    const [outcome] = await desk.quote(asking([{ ...item("northbeam/prod-53e78a97"), ...plain }]));
    const { approvalId } = await desk.buy(buying(reportIn(outcome).loaded.ref), 20_000);
    expect(approvalId).toMatch(/^ap_/);
    expect(asked).toEqual([]);
  });
});
