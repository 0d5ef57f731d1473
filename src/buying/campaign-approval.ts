import { stateOf } from "../domain/approval.ts";
import type { Campaign } from "../domain/campaign.ts";
import type { Ref } from "../domain/ids.ts";
import { committed, type LineStatus } from "../domain/media-buy.ts";
import { expireApproval, voidRows } from "./approve.ts";
import type { BuyAsk, BuyOutcome } from "./book.ts";
import { ended, type Working } from "./campaign-research.ts";
import { appendCampaign } from "./campaign-rows.ts";
import { failureAsError } from "./failures.ts";
import { decideAndAppend, type LoadedLine, loadApproval, newestOf } from "./lines.ts";
import type { Ports } from "./ports.ts";
import { linesNow } from "./campaign-renewal.ts";

/** Asks to buy, and sends what the operator's own limits start: `create_media_buy`, and nothing else. */
export type Buy = (ask: BuyAsk) => Promise<BuyOutcome>;

/** Asks a person about all lines of a campaign at once, each as it is by then. What keeps it from being asked pauses it. */
export async function propose(working: Working, campaign: Campaign, buy: Buy, why: string | null): Promise<void> {
  const { ports, note } = working;
  const { campaignId, brief, by } = campaign;
  note("reading every quote again before a person is asked");
  const { lines, lost } = await linesNow(ports, campaign);
  const said = [why, ...lost].filter((one): one is string => one !== null && one !== "").join("; ") || null;
  if (lines.length === 0) {
    const reason =
      lost.length > 0 ? `nothing is left to propose: ${lost.join("; ")}` : "nothing was found that fits the brief";
    await appendCampaign(ports, campaignId, (now) => (isOpen(now) ? [ended("failed", reason)] : []));
    return;
  }
  if (working.signal.aborted) return;
  const refs = lines.map(({ ref }) => ref);
  try {
    const { approvalId } = await buy({ refs, poNumber: brief.poNumber, campaign: brief.name, by });
    const after = await appendCampaign(ports, campaignId, (now) =>
      isOpen(now) ? [{ kind: "campaign_proposed", v: 1, approvalId, lines, why: said }] : [],
    );
    if (after.status !== "awaiting_approval")
      return await withdraw(ports, approvalId, `its campaign is ${after.status}`);
    note(
      approvalId
        ? `${refs.length} lines wait for a person: ${approvalId}`
        : "within the operator's own limits: being booked",
    );
  } catch (error) {
    const known = failureAsError(ports, error);
    if (known.code === "internal" || known.code === "ledger_unavailable") throw error;
    const reason = known.message.replace(/ Nothing was booked\.$/, "");
    await appendCampaign(ports, campaignId, (now) =>
      isOpen(now) ? [{ kind: "campaign_paused", v: 1, by: "this server", why: reason }] : [],
    );
  }
}

/** Takes back a question that was put while its campaign was called off. */
async function withdraw(ports: Ports, approvalId: string | null, why: string): Promise<void> {
  if (approvalId === null) return;
  await decideAndAppend(ports, async () => {
    const loaded = await loadApproval(ports, approvalId);
    return { rows: await voidRows(ports, loaded, why), result: undefined };
  });
}

function isOpen({ status }: Campaign): boolean {
  return status === "researching" || status === "awaiting_approval";
}

/**
 * Looks at what a campaign waits for: a person's decision.
 * @returns whether something came of it, so that the campaign goes on
 */
export async function followApproval(working: Working, campaign: Campaign, buy: Buy): Promise<boolean> {
  const { ports } = working;
  const { campaignId, approvalId } = campaign;
  if (approvalId === null) return decided(ports, campaign);
  const { approval } = await loadApproval(ports, approvalId);
  const state = stateOf(approval, ports.now());
  if (state === "pending") return false;
  if (state === "approved" || state === "partly_approved") return decided(ports, campaign);
  if (state === "rejected") {
    const note = approval.decided?.note;
    const why = `rejected by ${approval.decided?.by ?? "a person"}${note ? `: "${note}"` : ""}`;
    await appendCampaign(ports, campaignId, (now) => (isSame(now, campaign) ? [ended("rejected", why)] : []));
    return true;
  }
  if (state === "expired") await expireApproval(ports, approvalId);
  const lines = await Promise.all(campaign.lines.map(({ ref }) => newestOf(ports, ref)));
  if (lines.some(({ line }) => committed.includes(line.status))) return decided(ports, campaign);
  const elsewhere = approvalOfAll(lines);
  if (elsewhere !== null) {
    // Somebody asked for the same lines in another way: that question is the campaign's from now on.
    await appendCampaign(ports, campaignId, (now) =>
      isSame(now, campaign)
        ? [{ kind: "campaign_proposed", v: 1, approvalId: elsewhere, lines: campaign.lines, why: "asked for anew" }]
        : [],
    );
    return false;
  }
  const { approvalMinutes } = ports.settings;
  const since = Date.parse(campaign.askedAt ?? campaign.begunAt);
  if (ports.now().getTime() - since >= approvalMinutes * 60_000) {
    const why = `nobody decided within ${approvalMinutes} minutes; its quotes are renewed when it is resumed`;
    await appendCampaign(ports, campaignId, (now) =>
      isSame(now, campaign) ? [{ kind: "campaign_paused", v: 1, by: "the operator's limit", why }] : [],
    );
    return false;
  }
  const why =
    state === "expired" || approval.voidWhy === "nobody decided in time"
      ? "quotes were about to end and were renewed"
      : `asked anew: ${approval.voidWhy ?? "the last question was closed"}`;
  await propose(working, campaign, buy, why);
  return false;
}

function isSame(now: Campaign, before: Campaign): boolean {
  return now.status === "awaiting_approval" && now.approvalId === before.approvalId;
}

async function decided(ports: Ports, campaign: Campaign): Promise<boolean> {
  const { campaignId, approvalId } = campaign;
  await appendCampaign(ports, campaignId, (now) =>
    isSame(now, campaign) ? [{ kind: "campaign_decided", v: 1, approvalId }] : [],
  );
  return true;
}

/** The one open approval that all lines wait in; null where there is none, or several. */
function approvalOfAll(lines: readonly LoadedLine[]): string | null {
  const ids = new Set(lines.map(({ line }) => (line.status === "awaiting_approval" ? line.approvalId : null)));
  const [only] = ids;
  return ids.size === 1 ? (only ?? null) : null;
}

/** Statuses of a line in which its booking is under way, or is for a person to settle. */
const moving: readonly LineStatus[] = [
  ...(["awaiting_approval", "approved", "sending", "awaiting_seller", "booking_unknown", "terms_mismatch"] as const),
];

/** Ends a campaign whose lines are all settled. What is still under way is followed line by line, as any buy is. */
export async function followLines({ ports }: Working, campaign: Campaign): Promise<void> {
  const lines = await linesOf(ports, campaign);
  if (lines.some(({ line }) => moving.includes(line.status))) return;
  const booked = lines.filter(({ line }) => committed.includes(line.status) || line.status === "cancelled").length;
  const all = lines.length;
  const event =
    booked === 0
      ? ended("failed", "none of its lines was booked; each says why")
      : ended(
          "completed",
          booked === all
            ? `all ${all} lines are booked`
            : `${booked} of ${all} lines are booked; the others say why not`,
        );
  await appendCampaign(ports, campaign.campaignId, ({ status }) => (status === "executing" ? [event] : []));
}

/** A campaign's lines as they stand, each after its renewals. */
export function linesOf(ports: Ports, { lines }: Campaign): Promise<readonly LoadedLine[]> {
  return Promise.all(lines.map(({ ref }: { readonly ref: Ref }) => newestOf(ports, ref)));
}
