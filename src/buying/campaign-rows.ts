import { type Campaign, type CampaignEvent, type CampaignStatus, foldCampaign } from "../domain/campaign.ts";
import { BuyingError } from "../domain/errors.ts";
import { streams } from "../domain/ids.ts";
import type { NewRow } from "../ledger/ledger.ts";
import { decideAndAppend, foldRows, rowOf } from "./lines.ts";
import type { Ports } from "./ports.ts";

/** A campaign with where it stands in its stream. */
export interface LoadedCampaign {
  readonly version: number;
  readonly flowId: string;
  readonly campaign: Campaign;
}

/** A campaign; null where its stream is empty. */
export async function findCampaign(ports: Ports, campaignId: string): Promise<LoadedCampaign | null> {
  const rows = await ports.ledger.read(streams.campaign(campaignId));
  const [first, last] = [rows[0], rows.at(-1)];
  if (!first || !last) return null;
  const fold = (before: Campaign | null, event: CampaignEvent, at: string) =>
    foldCampaign(campaignId, before, event, at);
  return { version: last.version, flowId: first.flowId, campaign: foldRows(rows, fold) };
}

/** A campaign. @throws BuyingError `unknown_campaign` */
export async function loadCampaign(ports: Ports, campaignId: string): Promise<LoadedCampaign> {
  const found = await findCampaign(ports, campaignId);
  if (found) return found;
  const message = `This desk holds no campaign ${campaignId.slice(0, 60)}; get_inbox lists them. Nothing was booked.`;
  throw new BuyingError("unknown_campaign", message, "fix_arguments", { field: "campaign_id" });
}

/** Campaigns in these statuses, the newest first. */
export async function campaignsIn(
  ports: Ports,
  statuses: readonly CampaignStatus[],
  limit = 100,
): Promise<readonly LoadedCampaign[]> {
  const heads = await ports.ledger.heads({ kind: "campaign", statuses, limit });
  return Promise.all(heads.map(({ stream }) => loadCampaign(ports, stream.slice("campaign/".length))));
}

/** The row that begins a campaign. */
export function firstCampaignRow(
  campaignId: string,
  flowId: string,
  event: Extract<CampaignEvent, { kind: "campaign_begun" }>,
): NewRow {
  return rowOf(streams.campaign(campaignId), 1, "campaign", "brief_received", flowId, [event]);
}

/** A row that moves a campaign on; its status is the fold's, so that a wrong move throws here and never reaches the ledger. */
export function campaignRow(ports: Ports, loaded: LoadedCampaign, ...events: readonly CampaignEvent[]): NewRow {
  const { campaignId } = loaded.campaign;
  const at = ports.now().toISOString();
  const after = events.reduce((now, event) => foldCampaign(campaignId, now, event, at), loaded.campaign);
  return rowOf(streams.campaign(campaignId), loaded.version + 1, "campaign", after.status, loaded.flowId, events);
}

/** Appends to a campaign on its newest version, deciding again when another writer was faster. @returns it, as it is then */
export async function appendCampaign(
  ports: Ports,
  campaignId: string,
  decide: (campaign: Campaign) => readonly CampaignEvent[],
): Promise<Campaign> {
  await decideAndAppend(ports, async () => {
    const loaded = await loadCampaign(ports, campaignId);
    const events = decide(loaded.campaign);
    return { rows: events.length > 0 ? [campaignRow(ports, loaded, ...events)] : [], result: undefined };
  });
  return (await loadCampaign(ports, campaignId)).campaign;
}
