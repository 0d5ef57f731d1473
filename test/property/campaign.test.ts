import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Campaign,
  type CampaignEvent,
  campaignStatuses,
  campaignTransitions,
  channelsToResearch,
  costOf,
  endedCampaign,
  foldCampaign,
} from "../../src/domain/campaign.ts";
import type { Brief } from "../../src/domain/brief.ts";
import { money } from "../../src/domain/money.ts";
import { decodeEntries, encodeEntries, knownEntries } from "../../src/ledger/entries.ts";
import { verifies } from "../requirements.ts";

const usd = (whole: number) => money(BigInt(whole) * 1_000_000n, "USD");
const brief: Brief = {
  ...{ name: "Trail shoes", objective: "awareness", kpis: ["VCR over 75 %"], budget: usd(100), basis: { kind: "net" } },
  ...{ flight: { start: "2027-01-04", end: "2027-02-28" }, audience: { demographics: ["A25-54"], interests: [] } },
  ...{ geo: ["US"], channels: [], maxCpm: null, frequencyCap: null, brandSafety: [], preferredSellers: [] },
  ...{ excludedSellers: [], poNumber: null, words: null },
};
const at = "2026-11-20T10:00:00.000Z";
const channel = fc.constantFrom("ctv" as const, "audio" as const);
const lines = fc.array(
  fc.record({ ref: fc.string(), channel, cost: fc.integer({ min: 0, max: 70 }).map(usd), why: fc.string() }),
  { maxLength: 3 },
);
const shares = fc.uniqueArray(fc.record({ channel, budget: fc.integer({ min: 0, max: 70 }).map(usd) }), {
  selector: (one) => one.channel,
});
const text = fc.string();
const events: fc.Arbitrary<CampaignEvent> = fc.oneof(
  fc.constant<CampaignEvent>({ kind: "campaign_begun", v: 1, brief, planner: "deterministic", by: "local" }),
  shares.map((all): CampaignEvent => ({ kind: "budget_allocated", v: 1, shares: all, why: "table", notes: [] })),
  text.map((holder): CampaignEvent => ({ kind: "research_claimed", v: 1, holder, until: at })),
  fc.tuple(channel, lines).map(
    ([one, found]): CampaignEvent => ({
      ...{ kind: "channel_researched", v: 1, channel: one, dropped: [], notes: [] },
      lines: found.map((line) => ({ ...line, channel: one })),
    }),
  ),
  fc.tuple(channel, text).map(([one, why]): CampaignEvent => ({ kind: "channel_failed", v: 1, channel: one, why })),
  fc.tuple(lines, fc.option(text)).map(
    ([all, approvalId]): CampaignEvent => ({
      ...{ kind: "campaign_proposed", v: 1, approvalId, lines: all, why: null },
    }),
  ),
  lines.map((all): CampaignEvent => ({ kind: "campaign_changed", v: 1, lines: all, by: "local", why: "changed" })),
  fc.constant<CampaignEvent>({ kind: "campaign_decided", v: 1, approvalId: null }),
  fc.constantFrom("completed" as const, "failed" as const, "rejected" as const).map(
    (as): CampaignEvent => ({
      ...{ kind: "campaign_ended", v: 1, as, why: "so" },
    }),
  ),
  fc.constantFrom<CampaignEvent>(
    { kind: "campaign_paused", v: 1, by: "local", why: "so" },
    { kind: "campaign_resumed", v: 1, by: "local" },
    { kind: "campaign_cancelled", v: 1, by: "local" },
  ),
);

/** The usual course, before anything else may happen; so that what is late in a campaign's life comes up too. */
const usual: readonly CampaignEvent[] = [
  { kind: "budget_allocated", v: 1, shares: [{ channel: "ctv", budget: usd(60) }], why: "table", notes: [] },
  { kind: "research_claimed", v: 1, holder: "a", until: at },
  { kind: "channel_failed", v: 1, channel: "ctv", why: "down" },
  { kind: "campaign_proposed", v: 1, approvalId: "ap_1", lines: [], why: null },
];
const lives = fc
  .tuple(fc.nat(usual.length), fc.array(events, { maxLength: 40 }))
  .map(([begun, rest]) => [...usual.slice(0, begun), ...rest]);

/** Folds whatever may come, and leaves out what may not, as a desk would that is asked to do anything at all. */
function lived(all: readonly CampaignEvent[]): readonly { readonly event: CampaignEvent; readonly after: Campaign }[] {
  const steps: { event: CampaignEvent; after: Campaign }[] = [];
  for (const event of [{ kind: "campaign_begun", v: 1, brief, planner: "p", by: "b" } as const, ...all]) {
    try {
      steps.push({ event, after: foldCampaign("cp_1", steps.at(-1)?.after ?? null, event, at) });
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
  }
  return steps;
}

test("whatever happens, a campaign plans within its brief and its shares, and ends once", () => {
  verifies("portfolio.within_budget");
  const seen = new Set<string>();
  fc.assert(
    fc.property(lives, (all) => {
      const steps = lived(all);
      for (const [index, { event, after }] of steps.entries()) {
        seen.add(after.status);
        expect(costOf(after).micros).toBeLessThanOrEqual(brief.budget.micros);
        expect(after.shares.reduce((sum, one) => sum + one.budget.micros, 0n)).toBeLessThanOrEqual(brief.budget.micros);
        expect((after.resumesTo === null) === (after.status !== "paused")).toBe(true);
        const before = steps[index - 1]?.after;
        if (before) {
          expect(endedCampaign).not.toContain(before.status);
          expect(campaignTransitions[event.kind].from).toContain(before.status);
        }
        // Nothing that was found is lost but where its channel got another budget.
        if (before && event.kind !== "budget_allocated")
          expect(channelsToResearch(after).length).toBeLessThanOrEqual(channelsToResearch(before).length);
      }
    }),
    { numRuns: 400 },
  );
  expect([...seen].sort()).toEqual([...campaignStatuses].sort());
});

test("a pause changes nothing but the claim: it goes on where it was", () => {
  fc.assert(
    fc.property(lives, (all) => {
      const before = lived(all).at(-1)?.after;
      if (!before || !campaignTransitions.campaign_paused.from.includes(before.status)) return;
      const paused = foldCampaign("cp_1", before, { kind: "campaign_paused", v: 1, by: "a", why: "b" }, at);
      const after = foldCampaign("cp_1", paused, { kind: "campaign_resumed", v: 1, by: "a" }, at);
      expect(after).toEqual({ ...before, claim: null, why: null, askedAt: at });
    }),
  );
});

test("entries of a campaign survive the ledger's text, and this release knows each of them", () => {
  verifies("events.allocation");
  fc.assert(
    fc.property(fc.array(events, { maxLength: 5 }), (all) => {
      expect(decodeEntries(encodeEntries(all))).toEqual({ entries: all, unknown: null });
    }),
  );
  expect(Object.keys(knownEntries)).toEqual(expect.arrayContaining(Object.keys(campaignTransitions)));
});
