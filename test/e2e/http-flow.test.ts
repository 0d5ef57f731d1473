import process from "node:process";
import { afterEach, describe, expect, test, vi } from "vitest";
import { behind, type RoundRobin, roundRobin } from "../http/round-robin.ts";
import { verifies } from "../requirements.ts";
import { balancesOf, bookingDesk, kindsOf, sent, withMandate } from "./booking-fixtures.ts";
import { approving, clientKinds, type Connection } from "./client.ts";
import { type ConfigFile, dealsOf, quoteFrom, type TestDesk } from "./fixtures.ts";
import { listeningOf, principals, tokens } from "./http-server.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let desk: TestDesk;
let balancer: RoundRobin | null = null;
afterEach(async () => {
  balancer?.close();
  balancer = null;
  await desk.close();
});
const serve = (change: (standard: ConfigFile) => ConfigFile = (standard) => standard) =>
  bookingDesk({ bookingSeconds: 20, config: (standard) => ({ ...change(standard), http: { principals } }) });
const buy = (ref: string) => ({ lines: [{ quote_id: ref }] });

describe.each(clientKinds)("an agent on a %s client over HTTP", (kind) => {
  test("asks; the planner sees it in its own client and approves there; the agent's wait brings the booking", async () => {
    verifies("server.http", "tool.approve", "booking.poll");
    desk = await serve();
    const server = await desk.serveHttp();
    const [agent, planner] = await Promise.all([
      desk.connect({ kind, over: listeningOf(server, tokens.maker) }),
      desk.connect({ person: approving }),
    ]);
    const ref = await quoteFrom(agent, { campaign: "Spring" });
    const asked = await agent.ok("create_media_buy", buy(ref));
    expect(asked.at("status"), asked.text).toBe("awaiting_approval");
    const approvalId = asked.string("approval", "approval_id");
    const waiting = agent.ok("approve", { approval_id: approvalId, wait_s: 30 });
    const inbox = await planner.ok("get_inbox");
    expect(inbox.list("approvals")).toContainEqual(expect.objectContaining({ approval_id: approvalId }));
    await planner.ok("approve", { approval_id: approvalId });
    const seen = await waiting;
    expect(seen.at("status"), seen.text).toBe("booked");
    expect(seen.at("decided", "by")).toBe("e2e 1.0.0 user");
    expect(seen.string("media_buys", 0, "packages", 0, "deal_id")).toMatch(/^DEMO-/);
    expect(dealsOf(desk, ref)).toBe(1);
  });
});

test("an approval started on one process is answered on the other, without a session", async () => {
  verifies("server.two_processes", "server.eras");
  desk = await serve();
  const servers = await Promise.all([desk.spawnHttp(), desk.spawnHttp()]);
  balancer = await roundRobin(servers);
  const agent = await desk.connect({ person: approving, over: behind(balancer, tokens.agent) });
  for (let round = 0; round < 4; round += 1) {
    const ref = await quoteFrom(agent, { impressions: 100_000 + round });
    const from = balancer.calls.length;
    const reply = await agent.ok("create_media_buy", buy(ref));
    expect(reply.at("status"), reply.text).toBe("booked");
    // The question was put by one of the two, and the answer taken by the other.
    const [first, second] = balancer.calls.slice(from);
    expect(new Set([first, second])).toEqual(new Set(servers.map(({ port }) => port)));
    expect(dealsOf(desk, ref)).toBe(1);
  }
  expect(sent(desk, "deal")).toBe(4);
});

/** Every quote is bought twice at once, so that this is 200 buys in the long form. */
const quotes = process.env["LONG"] === "1" ? 100 : 30;

test(`${2 * quotes} buys at once, over two processes: one booking a quote, and not a cent beyond the mandate`, async () => {
  verifies("server.two_processes", "promise.never_two", "promise.mandate_limits");
  // 10,000 impressions cost about 300.00 USD: the day ends after some sixty of a hundred quotes.
  const limit = BigInt(quotes) * 180_000_000n;
  const perDay = `${quotes * 180}.00 USD`;
  desk = await serve(withMandate({ per_buy: "1000.00 USD", per_day: perDay, total: "250000.00 USD" }));
  const servers = await Promise.all([desk.spawnHttp(), desk.spawnHttp()]);
  const agents = await Promise.all(
    servers.map((server) => desk.connect({ person: approving, over: listeningOf(server, tokens.agent) })),
  );
  const [first] = agents;
  if (!first) throw new Error("two agents were connected");
  const refs: string[] = [];
  for (let n = 0; n < quotes; n += 10) {
    const ten = Array.from({ length: 10 }, (_, i) => quoteFrom(first, { impressions: 10_000 + n + i }));
    refs.push(...(await Promise.all(ten)));
  }
  expect(new Set(refs).size).toBe(quotes);
  const buyWith = (agent: Connection, ref: string) => agent.call("create_media_buy", buy(ref), { timeoutMs: 110_000 });
  const replies = await Promise.all(
    refs.flatMap((ref) => agents.map(async (agent) => ({ ref, reply: await buyWith(agent, ref) }))),
  );
  expect(replies).toHaveLength(2 * quotes);
  const booked = new Set(replies.filter(({ reply }) => reply.at("status") === "booked").map(({ ref }) => ref));
  for (const { ref, reply } of replies) {
    // Where one of two said booked, the other never says that nothing is.
    if (reply.isError) expect(reply.error, reply.text).toMatchObject({ code: "outside_mandate" });
    else expect(["booked", "sending"], reply.text).toContain(reply.at("status"));
    expect(dealsOf(desk, ref), ref).toBeLessThanOrEqual(1);
  }
  const deals = refs.filter((ref) => dealsOf(desk, ref) === 1);
  expect(new Set(deals)).toEqual(booked);
  expect(sent(desk, "deal")).toBe(deals.length);
  const balances = await balancesOf(desk);
  expect(balances?.total.micros).toBeLessThanOrEqual(limit);
  expect(balances?.total.micros).toBeGreaterThan(limit - 400_000_000n);
  const started = await Promise.all(refs.map((ref) => kindsOf(desk, ref)));
  expect(started.filter((kinds) => kinds.includes("booking_started"))).toHaveLength(deals.length);
  const audit = await desk.run("audit", "--verify");
  expect(audit.code, audit.stdout + audit.stderr).toBe(0);
});
