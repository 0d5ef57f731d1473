import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { brief, linesIn, micros, until } from "./campaign-fixtures.ts";
import { approving, type Connection, clientKinds, type Person, rejecting } from "./client.ts";
import { dealsOf, flight, startDesk, type TestDesk } from "./fixtures.ts";

let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  desk = await startDesk();
  client = await desk.connect({ person: approving });
});
afterAll(() => desk.close());

const plan = (change: Record<string, unknown> = {}) => client.ok("plan_campaign", brief(change));

test("a brief becomes booked deals of several channels after one decision", async () => {
  verifies("flow.campaign", "campaign.status.awaiting_approval", "campaign.status.completed", "flow.shared_ground");
  verifies("workflow.campaign_stages", "research.specialist.discovers", "research.specialist.browses");
  const asked = client.questions.length;
  const waiting = await plan();
  expect(waiting.string("status")).toBe("awaiting_approval");
  expect(waiting.text).toContain("Planned by deterministic, without a model");
  // It asks nobody and books nothing: that is the approval's.
  expect(client.questions.length).toBe(asked);
  const ids = linesIn(waiting);
  const channels = new Set(waiting.list("lines").map((_line, at) => waiting.string("lines", at, "channel")));
  expect([...channels].sort()).toEqual(["audio", "ctv"]);
  for (const id of ids) expect(dealsOf(desk, id)).toBe(0);
  const approvalId = waiting.string("approval", "approval_id");

  // A new conversation finds it, and what waits.
  const elsewhere = await desk.connect();
  const inbox = await elsewhere.ok("get_inbox");
  expect(inbox.text).toContain(waiting.string("campaign_id"));
  expect(inbox.string("approvals", 0, "approval_id")).toBe(approvalId);

  const booked = await client.ok("approve", { approval_id: approvalId });
  expect(booked.string("status")).toBe("booked");
  expect(client.questions.length).toBe(asked + 1);
  expect(client.questions.at(-1)).toContain("PO-77");
  const done = await until(client, waiting.string("campaign_id"), "completed");
  expect(linesIn(done)).toEqual(ids);
  for (const id of ids) expect(dealsOf(desk, id)).toBe(1);
  expect(micros(done.string("planned"))).toBeLessThanOrEqual(120_000_000_000n);

  const history = await client.ok("get_history", { campaign: "Trail shoes", limit: 200 });
  const kinds = history.list("events").map((_event, at) => history.string("events", at, "kind"));
  const order = ["campaign_begun", "budget_allocated", "research_claimed", "negotiation_round"];
  order.push("channel_researched", "campaign_proposed", "approval_decided", "booking_confirmed", "campaign_ended");
  expect(kinds.filter((kind, at) => order.includes(kind) && kinds.indexOf(kind) === at)).toEqual(order);
  const delivery = await client.ok("get_delivery", { campaign: "Trail shoes" });
  for (const id of ids) expect(delivery.text).toContain(id);
}, 60_000);

test("it answers at once, goes on in the background, and the same brief is the same campaign", async () => {
  verifies("campaign.job");
  const change = { name: "Background", budget: "40000 USD" };
  const begun = await plan({ ...change, wait_s: 0 });
  const id = begun.string("campaign_id");
  expect(begun.string("status")).not.toBe("awaiting_approval");
  const again = await plan(change);
  expect(again.string("campaign_id")).toBe(id);
  expect(again.string("status")).toBe("awaiting_approval");
  const other = await client.call("plan_campaign", brief({ ...change, budget: "41000 USD" }));
  expect(other.text).toMatch(/^conflict: .*under way with another brief/);
  await client.ok("plan_campaign", { campaign_id: id, action: "cancel" });
  // What was called off is over: the brief begins anew.
  const anew = await plan({ ...change, wait_s: 0 });
  expect(anew.string("campaign_id")).not.toBe(id);
  await client.ok("plan_campaign", { campaign_id: anew.string("campaign_id"), action: "cancel" });
}, 60_000);

test("progress is told to a client that asks for it", async () => {
  const told: string[] = [];
  const { sdk } = client;
  if (sdk.line !== "2.x") throw new Error("this client is of the current SDK");
  const params = { name: "plan_campaign", arguments: brief({ name: "Progress", budget: "30000 USD" }) };
  await sdk.client.callTool(params, { onprogress: ({ message }) => told.push(message ?? "") });
  expect(told.join("\n")).toMatch(/ctv: looking for what/);
  expect(told.join("\n")).toMatch(/lines wait for a person/);
}, 60_000);

describe("a brief", () => {
  test("carries what a planner says of it, and a gross budget is planned for net of its commission", async () => {
    verifies("brief.name", "brief.objectives", "brief.budget", "brief.dates", "brief.audience", "brief.kpis");
    verifies("brief.demographics", "brief.interests", "brief.channels");
    const said = {
      kpis: ["VCR over 75 %"],
      interests: ["running"],
      basis: "gross",
      commission: "15",
      channels: ["audio"],
    };
    const reply = await plan({ name: "Gross", budget: "50000 USD", objective: "consideration", ...said });
    expect(reply.string("budget")).toBe("42500.00 USD");
    expect(reply.text).toContain("50,000.00 USD gross less 15 %");
    expect(micros(reply.string("planned"))).toBeLessThanOrEqual(42_500_000_000n);
    const history = await client.ok("get_history", { campaign: "Gross", kind: "campaign_begun" });
    expect(history.text).toContain("consideration, 42,500.00 USD net");
    // What a seller will not honour of the audience is known from the quotes that carry it.
    const id = linesIn(reply)[0] ?? "";
    const { start, end } = flight(30, 89);
    expect(desk.sandbox.requests("harborview").some(({ body }) => body.includes(start) && body.includes(end))).toBe(
      true,
    );
    expect(id).toMatch(/^harborview\//);
  }, 60_000);

  test("with something missing begins nothing, and lists what it is", async () => {
    const bare = await desk.connect();
    const reply = await bare.ok("plan_campaign", { brief: "Sell more trail shoes to runners", basis: "gross" });
    expect(reply.string("status")).toBe("incomplete");
    expect(reply.at("campaign_id")).toBeNull();
    expect(reply.list("missing")).toEqual(["name", "objective", "budget", "commission", "start", "end"]);
    expect(reply.text).toContain("Nothing was booked.");
  });

  test.each(clientKinds)(
    "asks the person once for what is missing, in a %s client's form",
    async (kind) => {
      const answers = { objective: "awareness", budget: "20000 USD" };
      const person: Person = () => ({ action: "accept", content: answers });
      const asking = await desk.connect({ kind, person });
      const { objective: _, budget: __, ...rest } = brief({ name: `Asked ${kind}`, channels: ["audio"] });
      const reply = await asking.ok("plan_campaign", rest);
      expect(reply.string("status")).toBe("awaiting_approval");
      expect(reply.string("budget")).toBe("20000.00 USD");
      expect(asking.questions).toHaveLength(1);
      expect(asking.questions[0]).toContain("The brief lacks the objective");
      const declining = await desk.connect({ kind, person: () => ({ action: "decline" }) });
      const { name: ___, ...nameless } = brief();
      const left = await declining.ok("plan_campaign", nameless);
      expect(left.list("missing")).toEqual(["name"]);
      expect(declining.questions).toHaveLength(1);
    },
    60_000,
  );

  const { start, end } = flight(30, 60);
  test.each([
    ["days that are over", { start: "2020-01-01", end: "2020-02-01" }, /The flight ended 2020-02-01/],
    ["days in the wrong order", { start: end, end: start }, /before it starts/],
    ["no calendar days", { start: "soon" }, /"soon" is not a calendar day/],
    [
      "another currency than the mandate's",
      { budget: "100000 EUR" },
      /budget is in EUR, the mandate of this desk in USD/,
    ],
    ["a bare number", { budget: "100000" }, /is not an amount/],
    ["a budget below every minimum", { budget: "3 USD" }, /below what every seller asks at least/],
    ["a channel nobody sells", { channels: ["ctv", "social"] }, /Nobody this desk buys from sells social/],
    [
      "a seller both wanted and not, by two of its names",
      { preferred_sellers: ["northbeam"], excluded_sellers: ["Northbeam Media"] },
      /northbeam is both preferred and excluded/,
    ],
    ["a seller nobody knows", { excluded_sellers: ["Nowhere Media"] }, /"Nowhere Media" is no seller of this desk/],
    ["a highest CPM in another currency", { max_cpm: "20 EUR" }, /the highest CPM in EUR/],
    ["a commission on a net budget", { commission: "15" }, /the budget is said to be net/],
    ["a commission that is none", { basis: "gross", commission: "a lot" }, /is no commission in percent/],
  ])("that contradicts itself begins nothing, and it is named: %s", async (_what, change, why) => {
    const reply = await plan({ name: "Contradiction", ...change });
    expect(reply.string("status")).toBe("incomplete");
    expect(reply.list("missing")).toEqual([]);
    expect(reply.list("contradictions").join("\n")).toMatch(why);
    expect(reply.at("campaign_id")).toBeNull();
  });

  test("names every contradiction, not the first alone", async () => {
    const reply = await plan({ budget: "1 EUR", start: end, end: start, commission: "15" });
    expect(reply.list("contradictions").length).toBeGreaterThanOrEqual(3);
  });
});

describe("while it waits for a person", () => {
  test("a line is changed: quoted and checked anew, and only the new lines are asked about", async () => {
    const waiting = await plan({ name: "Changed", budget: "60000 USD", channels: ["ctv"] });
    const id = waiting.string("campaign_id");
    const [first = ""] = linesIn(waiting);
    const change = { campaign_id: id, action: "change", quote_id: first, budget: "20000 USD", wait_s: 20 };
    const changed = await client.ok("plan_campaign", change);
    expect(changed.string("status")).toBe("awaiting_approval");
    expect(linesIn(changed)).not.toContain(first);
    expect(micros(changed.string("planned"))).toBeLessThan(micros(waiting.string("planned")));
    const before = waiting.string("approval", "approval_id");
    expect(changed.string("approval", "approval_id")).not.toBe(before);
    expect((await client.ok("approve", { approval_id: before, wait_s: 0 })).string("approval", "status")).toBe("void");
    const more = await client.call("plan_campaign", { ...change, quote_id: linesIn(changed)[0], budget: "90000 USD" });
    expect(more.text).toMatch(/^invalid_arguments: ctv has 60,000.00 USD/);
    await client.ok("approve", { approval_id: changed.string("approval", "approval_id") });
    const done = await until(client, id, "completed");
    for (const line of linesIn(done)) expect(dealsOf(desk, line)).toBe(1);
    expect(dealsOf(desk, first)).toBe(0);
    const late = await client.call("plan_campaign", { campaign_id: id, action: "cancel" });
    expect(late.text).toMatch(/^conflict: .*it is completed/);
  }, 60_000);

  test("a line is left out; the last one is not", async () => {
    const waiting = await plan({ name: "Dropped", budget: "50000 USD" });
    const id = waiting.string("campaign_id");
    const [first = "", ...rest] = linesIn(waiting);
    const left = await client.ok("plan_campaign", { campaign_id: id, action: "drop", quote_id: first, wait_s: 20 });
    expect([...linesIn(left)].sort()).toEqual([...rest].sort());
    for (const line of rest.slice(1))
      await client.ok("plan_campaign", { campaign_id: id, action: "drop", quote_id: line, wait_s: 20 });
    const last = await client.call("plan_campaign", { campaign_id: id, action: "drop", quote_id: rest[0] });
    expect(last.text).toMatch(/the last line; cancel the campaign instead/);
    const stranger = await client.call("plan_campaign", { campaign_id: id, action: "drop", quote_id: "northbeam/x" });
    expect(stranger.text).toContain("is no line of");
  }, 60_000);

  test("a rejection ends it, with the person's note, and books nothing", async () => {
    const person = await desk.connect({ person: rejecting });
    const waiting = await plan({ name: "Rejected", budget: "30000 USD", channels: ["audio"] });
    await person.ok("approve", { approval_id: waiting.string("approval", "approval_id") });
    const over = await until(client, waiting.string("campaign_id"), "rejected");
    expect(over.string("why")).toContain('"too dear"');
    for (const line of linesIn(over)) expect(dealsOf(desk, line)).toBe(0);
  }, 60_000);

  test("a pause takes the question back, and resuming asks anew", async () => {
    const waiting = await plan({ name: "Paused", budget: "31000 USD", channels: ["audio"] });
    const id = waiting.string("campaign_id");
    const paused = await client.ok("plan_campaign", { campaign_id: id, action: "pause" });
    expect(paused.string("status")).toBe("paused");
    const before = waiting.string("approval", "approval_id");
    expect((await client.ok("approve", { approval_id: before })).string("approval", "status")).toBe("void");
    const resumed = await client.ok("plan_campaign", { campaign_id: id, action: "resume", wait_s: 20 });
    expect(resumed.string("status")).toBe("awaiting_approval");
    expect(linesIn(resumed)).toEqual(linesIn(waiting));
    expect(resumed.string("approval", "approval_id")).not.toBe(before);
    await client.ok("plan_campaign", { campaign_id: id, action: "cancel" });
    expect((await client.ok("get_inbox")).text).not.toContain(resumed.string("approval", "approval_id"));
  }, 60_000);
});

test("arguments of one sort do not mix with those of the other", async () => {
  const mixed = await client.call("plan_campaign", { campaign_id: "cp_1", name: "Both" });
  expect(mixed.text).toMatch(/^invalid_arguments: A brief begins a campaign of its own/);
  const lone = await client.call("plan_campaign", { action: "cancel" });
  expect(lone.text).toMatch(/^invalid_arguments: action needs the campaign_id/);
  const unknown = await client.call("plan_campaign", { campaign_id: "cp_nothing" });
  expect(unknown.text).toMatch(/^unknown_campaign: /);
});
