import { describe, expect, test, vi } from "vitest";
import { streams } from "../../src/domain/ids.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { verifyChain } from "../../src/ledger/verify.ts";
import { inLong } from "../long.ts";
import { formDecision } from "../people.ts";
import { verifies } from "../requirements.ts";
import { kill, kindsIn, ledgerOf, operatorOf, until as waitUntil } from "./booking-fixtures.ts";
import { brief, linesIn, until } from "./campaign-fixtures.ts";
import { approving } from "./client.ts";
import { dealsOf, startDesk, type TestDesk } from "./fixtures.ts";

// Servers start, die and are waited for here.
vi.setConfig({ testTimeout: 90_000 });

/** A desk whose servers are killed; a seller that takes its time over quotes, so that there is a middle to die in. */
async function withDesk(work: (desk: TestDesk, ledger: Ledger) => Promise<void>): Promise<void> {
  const desk = await startDesk({
    sandbox: { sellers: ["northbeam", "harborview"] },
    config: (standard) => ({ ...standard, timeouts: { booking_s: 2 }, booking: { settle_after_s: 1 } }),
  });
  desk.sandbox.fault("harborview", { kind: "slow", operation: "quote", ms: 400 });
  const ledger = await ledgerOf(desk);
  try {
    await work(desk, ledger);
    expect(verifyChain(await ledger.history({}))).toEqual([]);
  } finally {
    await ledger.close();
    await desk.close();
  }
}

async function campaignKinds(ledger: Ledger): Promise<readonly string[]> {
  const [head] = await ledger.heads({ kind: "campaign" });
  if (!head) return [];
  return (await ledger.read(head.stream)).flatMap(({ entries }) => entries.map(({ kind }) => kind));
}

/** Moments of a campaign at which its server dies; every run has two of them, the long form all. */
const moments = ["campaign_begun", "budget_allocated", "research_claimed", "channel_researched", "campaign_proposed"];
const tried = moments.filter((moment) => inLong || ["research_claimed", "channel_researched"].includes(moment));

describe("a server that is killed", () => {
  test.concurrent.each(tried)("once there is %s: another goes on, and each line is booked once", async (moment) => {
    verifies("campaign.job", "booking.parallel");
    await withDesk(async (desk, ledger) => {
      const doomed = await desk.spawn();
      doomed.call("plan_campaign", brief({ wait_s: 30 })).catch(() => undefined);
      await waitUntil(moment, async () => (await campaignKinds(ledger)).includes(moment), 30_000, 5);
      kill(doomed);
      const next = await desk.connect({ person: approving });
      const inbox = await next.ok("get_inbox");
      const id = inbox.string("campaigns", 0, "campaign_id");
      const waiting = await until(next, id, "awaiting_approval");
      await next.ok("approve", { approval_id: waiting.string("approval", "approval_id") });
      const done = await until(next, id, "completed");
      expect(linesIn(done).length).toBeGreaterThan(1);
      for (const line of linesIn(done)) expect(dealsOf(desk, line)).toBe(1);
      const kinds = await campaignKinds(ledger);
      for (const once of ["campaign_begun", "campaign_decided", "campaign_ended"])
        expect(kinds.filter((kind) => kind === once)).toHaveLength(1);
      // What was found before it died was not looked for again.
      const researched = kinds.filter((kind) => kind === "channel_researched").length;
      expect(researched).toBe(2);
    });
  });

  test.concurrent("in the middle of booking: each line is booked once, and the campaign comes to its end", async () => {
    await withDesk(async (desk, ledger) => {
      const doomed = await desk.spawn({ person: approving });
      const waiting = await doomed.ok("plan_campaign", brief({ wait_s: 30 }));
      const id = waiting.string("campaign_id");
      const lines = linesIn(waiting);
      for (const seller of ["northbeam", "harborview"])
        desk.sandbox.fault(seller, { kind: "drop-answer", operation: "deal", uses: 1 });
      doomed.call("approve", { approval_id: waiting.string("approval", "approval_id") }).catch(() => undefined);
      await waitUntil(
        "a line is being sent",
        async () => {
          const kinds = await Promise.all(lines.map((line) => kindsIn(ledger, line)));
          return kinds.some((all) => all.includes("send_claimed"));
        },
        30_000,
        5,
      );
      kill(doomed);
      const next = await desk.connect();
      const done = await until(next, id, "completed");
      expect(done.text).toContain(`all ${lines.length} lines are booked`);
      for (const line of lines) expect(dealsOf(desk, line)).toBe(1);
    });
  });
});

test.concurrent("two processes that are handed one brief: one campaign, researched by one of them", async () => {
  await withDesk(async (desk, ledger) => {
    const [one, two] = [await desk.spawn(), await desk.spawn()];
    const [mine, yours] = await Promise.all([one.ok("plan_campaign", brief()), two.ok("plan_campaign", brief())]);
    const id = mine.string("campaign_id");
    expect(yours.string("campaign_id")).toBe(id);
    const [first, second] = [await until(one, id, "awaiting_approval"), await until(two, id, "awaiting_approval")];
    expect(linesIn(first)).toEqual(linesIn(second));
    expect(first.string("approval", "approval_id")).toBe(second.string("approval", "approval_id"));
    const rows = await ledger.read(streams.campaign(id));
    const holders = rows.flatMap(({ entries }) =>
      entries.flatMap((one) => (one.kind === "research_claimed" ? [one.holder] : [])),
    );
    expect(new Set(holders).size).toBe(1);
    expect(await ledger.heads({ kind: "approval" })).toHaveLength(1);
  });
});

describe("what is not booked costs the rest nothing", () => {
  test.concurrent("a quote that its seller gives up after the decision: the others are booked, and it says why", async () => {
    await withDesk(async (desk) => {
      const operator = operatorOf(desk);
      const client = await desk.connect();
      const waiting = await client.ok("plan_campaign", brief({ wait_s: 30 }));
      const lines = linesIn(waiting);
      const gone = lines.find((line) => line.startsWith("harborview/")) ?? "";
      desk.sandbox.expireQuote("harborview", gone.split("/")[1] ?? "");
      await operator.decideOnly(waiting.string("approval", "approval_id"), formDecision());
      const done = await until(client, waiting.string("campaign_id"), "completed");
      await operator.close();
      expect(done.text).toContain(`${lines.length - 1} of ${lines.length} lines are booked; the others say why not`);
      expect(done.text).toContain(`${gone} was not bought: `);
      for (const line of lines) expect(dealsOf(desk, line), line).toBe(line === gone ? 0 : 1);
    });
  });

  test.concurrent("a person who approves some of the lines: those are booked", async () => {
    await withDesk(async (desk) => {
      const operator = operatorOf(desk);
      const client = await desk.connect();
      const waiting = await client.ok("plan_campaign", brief({ wait_s: 30 }));
      const approval = await operator.approval(waiting.string("approval", "approval_id"));
      const [chosen, ...others] = approval.lines;
      const digests = chosen ? [chosen.digest] : [];
      await operator.decideOnly(approval.approvalId, formDecision({ digests }));
      const done = await until(client, waiting.string("campaign_id"), "completed");
      await operator.close();
      expect(done.text).toContain(`1 of ${approval.lines.length} lines are booked`);
      expect(dealsOf(desk, chosen?.ref ?? "")).toBe(1);
      for (const { ref } of others) expect(dealsOf(desk, ref)).toBe(0);
    });
  });
});
