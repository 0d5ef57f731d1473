import type { Approval } from "../domain/approval.ts";
import { type Campaign, campaignStatuses, workableCampaign } from "../domain/campaign.ts";
import { type Ref, streams } from "../domain/ids.ts";
import { committed, type LineStatus, lineStatuses } from "../domain/media-buy.ts";
import type { Entry } from "../ledger/entries.ts";
import type { HistoryFilter, Row } from "../ledger/ledger.ts";
import { campaignsIn } from "./campaign-rows.ts";
import { loadBuy } from "./flight.ts";
import { type LoadedLine, loadApproval, loadLine } from "./lines.ts";
import { type Standing, standing } from "./mandate-facts.ts";
import type { Ports } from "./ports.ts";

/** Where the desk stands: the first thing a new conversation asks for. */
export interface Inbox {
  readonly standing: Standing;
  /** Campaigns that are not at an end, the newest first. */
  readonly campaigns: readonly Campaign[];
  readonly openQuotes: readonly LoadedLine[];
  readonly approvals: readonly Approval[];
  readonly underWay: readonly LoadedLine[];
  readonly attention: readonly LoadedLine[];
  readonly recent: readonly LoadedLine[];
}

const underWay: readonly LineStatus[] = ["approved", "sending", "awaiting_seller", "cancelling"];
const attention: readonly LineStatus[] = ["booking_unknown", "terms_mismatch", "cancel_unknown"];

/** Everything open, and the latest that was booked. */
export async function inbox(ports: Ports): Promise<Inbox> {
  const now = ports.now().getTime();
  const quotes = await linesIn(ports, ["open", "proposed"], 200);
  const heads = await ports.ledger.heads({ kind: "approval", statuses: ["pending"], limit: 100 });
  const approvals = await Promise.all(heads.map(({ stream }) => loadApproval(ports, stream.slice("approval/".length))));
  return {
    standing: await standing(ports),
    campaigns: (await campaignsIn(ports, [...workableCampaign, "paused"])).map(({ campaign }) => campaign),
    openQuotes: quotes.filter(
      ({ line }) => !line.quote.changes && (line.status === "proposed" || Date.parse(line.quote.expiresAt) > now),
    ),
    approvals: approvals.map(({ approval }) => approval).filter(({ expiresAt }) => Date.parse(expiresAt) > now),
    underWay: await linesIn(ports, underWay, 100),
    attention: await linesIn(ports, attention, 100),
    recent: (await linesIn(ports, ["booked", "cancelled"], 30)).filter(isShown).slice(0, 10),
  };
}

/** Quotes of the desk that are open or waiting for a person, newest first; with a campaign, those that carry its label. */
export async function openQuotes(ports: Ports, campaign: string | null): Promise<readonly LoadedLine[]> {
  const lines = (await linesIn(ports, ["open", "awaiting_approval"], 200)).filter(({ line }) => !line.quote.changes);
  return campaign === null ? lines : labelled(ports, lines, campaign);
}

export interface BuysAsk {
  readonly ids: readonly Ref[];
  readonly campaign: string | null;
  readonly statuses: readonly LineStatus[];
  readonly limit: number;
  readonly before: number | null;
}

/** Media buys of the desk, newest first: everything that is committed, was cancelled, or is waiting for a person. */
export async function mediaBuys(ports: Ports, ask: BuysAsk): Promise<readonly LoadedLine[]> {
  const bought: readonly LineStatus[] = [...committed, "cancelled", "awaiting_approval"];
  const wanted = ask.statuses.length > 0 ? ask.statuses : lineStatuses.filter((status) => bought.includes(status));
  if (ask.campaign === null) return (await linesIn(ports, wanted, ask.limit, ask.before)).filter(isShown);
  // The ledger knows no campaigns, so that all are looked through before they are counted.
  const lines = await linesIn(ports, wanted, 5_000, ask.before);
  return (await labelled(ports, lines, ask.campaign)).filter(isShown).slice(0, ask.limit);
}

/**
 * The lines of a plan: those named, by quote, buy or approval; or what is bought or asked for under a label, and while
 * there is nothing of that, its open quotes. What was cancelled is no part of a plan unless it is named.
 * @throws BuyingError `unknown_media_buy`, `unknown_approval`
 */
export async function plannedLines(
  ports: Ports,
  { ids, campaign }: Pick<BuysAsk, "ids" | "campaign">,
): Promise<readonly LoadedLine[]> {
  if (ids.length > 0) {
    const refs = await Promise.all(
      ids.map(async (id) =>
        id.includes("/") ? [id] : (await loadApproval(ports, id)).approval.lines.map(({ ref }) => ref),
      ),
    );
    const loaded = await Promise.all(refs.flat().map((id) => loadBuy(ports, id)));
    return [...new Map(loaded.map((one) => [one.ref, one])).values()];
  }
  const bought = await mediaBuys(ports, { ids, campaign, statuses: [], limit: 200, before: null });
  const standing = bought.filter(({ line }) => line.status !== "cancelled" && !line.quote.changes);
  return standing.length > 0 ? standing : openQuotes(ports, campaign);
}

/** A change that was made is told by its buy; one that is still open stands beside it. */
function isShown({ line }: LoadedLine): boolean {
  return line.quote.changes === undefined || !["booked", "cancelled"].includes(line.status);
}

/** The lines of a campaign: its label was put on the quote, or on the request to buy it. */
async function labelled(ports: Ports, lines: readonly LoadedLine[], campaign: string): Promise<readonly LoadedLine[]> {
  const ids = new Set(lines.flatMap(({ line }) => (line.approvalId ? [line.approvalId] : [])));
  const approvals = await Promise.all([...ids].map(async (id) => (await loadApproval(ports, id)).approval));
  const asked = new Set(approvals.filter((one) => one.campaign === campaign).map(({ approvalId }) => approvalId));
  return lines.filter(({ line }) => line.campaign === campaign || asked.has(line.approvalId ?? ""));
}

export interface HistoryAsk {
  readonly campaign: string | null;
  readonly flowId: string | null;
  /** A media buy: its own stream, and those of the approvals it was ever in. */
  readonly buy: Ref | null;
  readonly kind: string | null;
  readonly since: string | null;
  readonly after: number;
  readonly limit: number;
}

/** What happened, oldest first; a campaign is all flows that carry its label. */
export async function history(
  ports: Ports,
  ask: HistoryAsk,
): Promise<{ readonly rows: readonly Row[]; readonly more: boolean }> {
  const { flowId, since, after, limit } = ask;
  const filter = { ...(flowId ? { flowId } : {}), ...(since ? { since } : {}) };
  const about = ask.buy === null ? null : await streamsOf(ports, ask.buy);
  const flows = ask.campaign === null ? null : await flowsOf(ports, ask.campaign);
  const rows: Row[] = [];
  let at = after;
  // Filters that the ledger does not know are applied page by page, so that an answer is never empty by accident.
  for (;;) {
    const page = about
      ? await pageOf(ports, about, { ...filter, after: at, limit: 500 })
      : await ports.ledger.history({ ...filter, after: at, limit: 500 });
    rows.push(
      ...page.filter(
        (row) =>
          (flows ? flows.has(row.flowId) || row.entries.some((entry) => isOf(entry, ask.campaign)) : true) &&
          (ask.kind ? row.entries.some(({ kind }) => kind === ask.kind) : true),
      ),
    );
    at = page.at(-1)?.seq ?? at;
    if (page.length < 500 || rows.length > limit) break;
  }
  return { rows: rows.slice(0, limit), more: rows.length > limit };
}

async function streamsOf(ports: Ports, ref: Ref): Promise<readonly string[]> {
  const rows = await ports.ledger.read(streams.quote(ref));
  const asked = rows.flatMap(({ entries }) =>
    entries.flatMap((entry) => (entry.kind === "approval_requested" ? [entry.approvalId] : [])),
  );
  return [streams.quote(ref), ...new Set(asked.map(streams.approval))];
}

/** A page over several streams in their common order. */
async function pageOf(
  ports: Ports,
  names: readonly string[],
  filter: HistoryFilter & { limit: number },
): Promise<readonly Row[]> {
  const pages = await Promise.all(names.map((stream) => ports.ledger.history({ ...filter, stream })));
  return pages
    .flat()
    .sort((left, right) => left.seq - right.seq)
    .slice(0, filter.limit);
}

/** An ask that brought no quote at all has no line to know its campaign by. */
function isOf(entry: Entry, campaign: string | null): boolean {
  return entry.kind === "quote_refused" && entry.campaign === campaign;
}

async function flowsOf(ports: Ports, campaign: string): Promise<ReadonlySet<string>> {
  const lines = await labelled(ports, await linesIn(ports, lineStatuses, 5_000), campaign);
  const plans = (await campaignsIn(ports, campaignStatuses, 5_000)).filter(
    (one) => one.campaign.brief.name === campaign,
  );
  return new Set([...lines, ...plans].map(({ flowId }) => flowId));
}

async function linesIn(
  ports: Ports,
  statuses: readonly LineStatus[],
  limit: number,
  before: number | null = null,
): Promise<readonly LoadedLine[]> {
  const heads = await ports.ledger.heads({ kind: "quote", statuses, limit, ...(before === null ? {} : { before }) });
  return Promise.all(heads.map(({ stream }) => loadLine(ports, stream.slice("quote/".length))));
}
