import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { signedDecision } from "../people.ts";
import { verifies } from "../requirements.ts";
import { balancesOf, bookingDesk, operatorOf } from "./booking-fixtures.ts";
import { approving, type Connection, type ConnectOptions } from "./client.ts";
import { quoteFrom, type TestDesk } from "./fixtures.ts";
import { type HttpServer, listeningOf, principal, type TokenName, tokens } from "./http-server.ts";

vi.setConfig({ testTimeout: 60_000 });

const all = ["buy:read", "buy:quote", "buy:write", "buy:approve"];
let desk: TestDesk;
afterEach(() => desk.close());

/** A desk whose maker may ask for 3,000.00 USD a buy and 5,000.00 USD a day; 100,000 impressions cost 2,975.00 USD. */
async function limitedDesk(): Promise<void> {
  const maker = principal("maker", all, { per_buy: "3000.00 USD", per_day: "5000.00 USD" });
  const http = { principals: [maker, principal("checker", all), principal("agent", all, { approves_own: true })] };
  desk = await bookingDesk({ bookingSeconds: 10, config: (standard) => ({ ...standard, http }) });
}

const as = (server: HttpServer, name: TokenName, options: ConnectOptions = {}) =>
  desk.connect({ ...options, over: listeningOf(server, tokens[name]) });
const buy = (ref: string) => ({ lines: [{ quote_id: ref }] });

async function askToBuy(from: Connection, impressions: number): Promise<{ ref: string; approvalId: string }> {
  const ref = await quoteFrom(from, { impressions });
  const reply = await from.ok("create_media_buy", buy(ref));
  return { ref, approvalId: reply.string("approval", "approval_id") };
}

test("a principal's per_buy is refused with the line's name, for it alone", async () => {
  verifies("promise.mandate_limits");
  await limitedDesk();
  const server = await desk.serveHttp();
  const [maker, agent] = await Promise.all([as(server, "maker"), as(server, "agent")]);
  const ref = await quoteFrom(maker, { impressions: 200_000 });
  const refused = await maker.call("create_media_buy", buy(ref));
  expect(refused.isError).toBe(true);
  expect(refused.error).toMatchObject({ code: "outside_mandate", recovery: "ask_person", nothing_booked: true });
  expect(refused.text).toMatch(/http\.principals\.maker\.per_buy is 3,000\.00 USD, this would cost [\d,.]+ USD/);
  const asked = await agent.ok("create_media_buy", buy(ref));
  expect(asked.at("status"), asked.text).toBe("awaiting_approval");
  // What another one asked for is not found again by who may not ask for it.
  expect((await maker.call("create_media_buy", buy(ref))).isError).toBe(true);
});

test("a principal's day is counted in the ledger: by every process, after a restart, and again with the decision", async () => {
  verifies("promise.mandate_limits");
  await limitedDesk();
  const [one, two] = await Promise.all([desk.spawnHttp(), desk.serveHttp()]);
  const maker = await as(one, "maker");
  const checker = await as(two, "checker", { person: approving });
  // Two proposals fit one by one; approved together they would not.
  const [first, second] = [await askToBuy(maker, 100_000), await askToBuy(maker, 99_000)];
  const booked = await checker.ok("approve", { approval_id: first.approvalId });
  expect(booked.at("status"), booked.text).toBe("booked");
  const late = await checker.call("approve", { approval_id: second.approvalId });
  expect(late.error).toMatchObject({ code: "outside_mandate" });
  expect(late.text).toContain("http.principals.maker.per_day is 5,000.00 USD, 2,975.00 USD of what it asked for");
  // The other process of the desk knows as much, and so does one that starts now.
  for (const server of [two, await desk.serveHttp()]) {
    const again = await as(server, "maker");
    const refused = await again.call("create_media_buy", buy(await quoteFrom(again, { impressions: 98_000 })));
    expect(refused.error).toMatchObject({ code: "outside_mandate" });
    expect(refused.text).toContain("http.principals.maker.per_day");
  }
  const small = await askToBuy(maker, 60_000);
  expect(small.approvalId).toMatch(/^ap_/);
  // What somebody else asks for counts for somebody else.
  const other = await as(one, "agent", { person: approving });
  const theirs = await other.ok("create_media_buy", buy(await quoteFrom(other, { impressions: 150_000 })));
  expect(theirs.at("status"), theirs.text).toBe("booked");
  const { perDayAndProposer = {} } = (await balancesOf(desk)) ?? {};
  const counted = Object.entries(perDayAndProposer).map(([key, { micros }]) => [key.slice(11), micros]);
  expect(Object.fromEntries(counted)).toMatchObject({ maker: 2_975_000_000n });
});

test("a deal that is cancelled is given back to the day of who asked for it", async () => {
  await limitedDesk();
  const server = await desk.serveHttp();
  const [maker, checker] = await Promise.all([as(server, "maker"), as(server, "checker", { person: approving })]);
  const { ref, approvalId } = await askToBuy(maker, 100_000);
  await checker.ok("approve", { approval_id: approvalId });
  await maker.ok("update_media_buy", { media_buy_id: ref, action: "cancel" });
  const { perDayAndProposer = {} } = (await balancesOf(desk)) ?? {};
  expect(Object.values(perDayAndProposer).map(({ micros }) => micros)).toEqual([0n]);
  const audit = await desk.run("audit", "--verify");
  expect(audit.code, audit.stdout + audit.stderr).toBe(0);
});

test("what a principal asked for that was taken out of the config is approved by nobody", async () => {
  verifies("promise.mandate_limits", "promise.fail_closed");
  await limitedDesk();
  const maker = await as(await desk.serveHttp(), "maker");
  const { approvalId } = await askToBuy(maker, 100_000);
  const file = join(desk.directory, "config.json");
  const { http, ...rest } = JSON.parse(readFileSync(file, "utf8"));
  const principals = [...http.principals].filter(({ name }) => name !== "maker");
  writeFileSync(file, JSON.stringify({ ...rest, http: { ...http, principals } }));
  const operator = operatorOf(desk);
  try {
    const approving = operator.decideOnly(approvalId, await signedDecision(operator, approvalId));
    await expect(approving).rejects.toMatchObject({
      code: "outside_mandate",
      message: expect.stringContaining("maker, who asked for this, is no principal of this desk by now"),
    });
    const rejected = await operator.decideOnly(
      approvalId,
      await signedDecision(operator, approvalId, { decision: "reject" }),
    );
    expect(rejected.approval.status).toBe("rejected");
  } finally {
    await operator.close();
  }
});

test("a principal that may not ask for a quote leaves another's approval of it alone", async () => {
  verifies("promise.mandate_limits");
  await limitedDesk();
  const server = await desk.serveHttp();
  const [maker, agent] = await Promise.all([as(server, "maker"), as(server, "agent")]);
  const { ref, approvalId } = await askToBuy(agent, 200_000);
  const refused = await maker.call("create_media_buy", { ...buy(ref), po_number: "PO-2" });
  expect(refused.error, refused.text).toMatchObject({ code: "outside_mandate" });
  const operator = operatorOf(desk);
  try {
    expect(await operator.approval(approvalId)).toMatchObject({ status: "pending", voidWhy: null });
  } finally {
    await operator.close();
  }
});
