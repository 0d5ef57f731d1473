import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { briefOf, type CampaignBench, openCampaigns, planned } from "./campaign-bench.ts";

/** What time does to a campaign that waits. Only the date is moved; everything else takes the time it takes. */
let bench: CampaignBench;
beforeAll(async () => {
  bench = await openCampaigns();
});
afterEach(() => vi.useRealTimers());
afterAll(() => bench.close());

const HOUR_MS = 3_600_000;

function later(ms: number): void {
  const at = Date.now() + ms;
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(at);
}

test("nobody decides within the operator's limit: it is paused, and resuming asks anew with quotes that stand", async () => {
  const desk = bench.desk(undefined, (standard) => ({ ...standard, approval: { expires_after_minutes: 60 } }));
  const { campaign, lines } = await planned(desk, briefOf());
  const id = campaign.campaignId;
  expect(campaign.status).toBe("awaiting_approval");
  later(30 * HOUR_MS);
  await desk.campaigns.follow(id, 10_000, () => undefined);
  const paused = await desk.campaigns.report(id);
  expect(paused.campaign).toMatchObject({
    status: "paused",
    why: expect.stringContaining("nobody decided within 60 minutes"),
  });
  await desk.campaigns.resume(id, "local");
  await desk.campaigns.follow(id, 20_000, () => undefined);
  const again = await desk.campaigns.report(id);
  expect(again.campaign.status).toBe("awaiting_approval");
  const before = lines.map(({ line }) => [line.quote.product.ref, line.quote.impressions]);
  expect(again.lines.map(({ line }) => [line.quote.product.ref, line.quote.impressions])).toEqual(before);
  for (const { ref, line } of again.lines) {
    expect(lines.map((one) => one.ref)).not.toContain(ref);
    expect(line.status).toBe("awaiting_approval");
    expect(Date.parse(line.quote.expiresAt)).toBeGreaterThan(Date.now());
  }
});

test("quotes that end before the operator's limit are renewed, and the person is asked about those", async () => {
  const desk = bench.desk(undefined, (standard) => ({ ...standard, approval: { expires_after_minutes: 4_000 } }));
  const { campaign } = await planned(desk, briefOf());
  const id = campaign.campaignId;
  later(25 * HOUR_MS);
  await desk.campaigns.follow(id, 20_000, () => undefined);
  const { campaign: after, lines } = await desk.campaigns.report(id);
  expect(after.status).toBe("awaiting_approval");
  expect(after.approvalId).not.toBe(campaign.approvalId);
  expect(after.why).toContain("quotes were about to end and were renewed");
  expect(lines).toHaveLength(campaign.lines.length);
  expect((await desk.inbox()).approvals.map(({ approvalId }) => approvalId)).toEqual([after.approvalId]);
});
