import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type DecisionOutcome, decide } from "./buying/approve.ts";
import type { PersonsDecision } from "./buying/decision.ts";
import { type AskedPerson, noteAsked } from "./buying/asked.ts";
import { type BuyAsk, type BuyOutcome, createMediaBuy } from "./buying/book.ts";
import {
  type DiscoverRequest,
  type Discovery,
  discoverSellers,
  type SellerDetails,
  sellerDetails,
} from "./buying/discover.ts";
import { Campaigns } from "./buying/campaigns.ts";
import { failureAsError } from "./buying/failures.ts";
import { type CompareAsk, type Compared, compareQuotes } from "./buying/compare.ts";
import { changeBuy, type ChangeOutcome } from "./buying/change.ts";
import { type CreativesOutcome, type CreativesRequest, syncCreatives } from "./buying/creatives.ts";
import { cancelBuy, deliveryOf, loadBuy } from "./buying/flight.ts";
import { type LoadedLine, loadApproval, loadLine } from "./buying/lines.ts";
import { type Standing, spentToday, standing } from "./buying/mandate-facts.ts";
import { approvePolicy, type PolicyState, policyState, whyNoSay } from "./buying/policy.ts";
import { getMediaKit, type MediaKitAnswer, type MediaKitRequest } from "./buying/media-kit.ts";
import { type NegotiateAsk, type NegotiationReport, negotiate } from "./buying/negotiate.ts";
import { isOrderOpen } from "./buying/outcome.ts";
import {
  type BuysAsk,
  type HistoryAsk,
  history,
  type Inbox,
  inbox,
  mediaBuys,
  plannedLines,
} from "./buying/overview.ts";
import type { DeskSettings, Ports, SellerRecord } from "./buying/ports.ts";
import { type QuoteAsk, type QuoteOutcome, renewQuotes, requestQuotes } from "./buying/quote.ts";
import type { Planner } from "./buying/specialist.ts";
import { sendAll, transient } from "./buying/send-all.ts";
import { clearIncident, type PersonsWord, settleByPerson, settleLine } from "./buying/settle.ts";
import { type ExpectedAt, isWaitedFor, webhookAt } from "./buying/webhooks.ts";
import { Watcher } from "./buying/watcher.ts";
import type { Config, SellerConfig } from "./config.ts";
import type { Approval } from "./domain/approval.ts";
import type { ChangeAsk } from "./domain/change.ts";
import type { Delivery } from "./domain/delivery.ts";
import type { BuyingError } from "./domain/errors.ts";
import type { Log } from "./domain/log.ts";
import type { Ref } from "./domain/ids.ts";
import type { Line } from "./domain/media-buy.ts";
import type { Money } from "./domain/money.ts";
import type { Signature } from "./domain/decision.ts";
import { channelShortfall } from "./domain/mandate.ts";
import type { DecisionChannel } from "./domain/spend.ts";
import { deskFiles } from "./files.ts";
import { keyvCache } from "./ledger/keyv-cache.ts";
import { lazyLedger } from "./ledger/lazy.ts";
import type { Row } from "./ledger/ledger.ts";
import { recentCache } from "./ledger/recent-cache.ts";
import { openSqliteLedger } from "./ledger/sqlite.ts";
import { sellerDirectory } from "./sellers/directory.ts";
import { type PeopleKeys, peopleKeys } from "./people/keys.ts";
import { offersPage, pageDesk } from "./desk-page.ts";
import { boughtFrom, knownSeller, openGovernance, openRegistries, timeoutsOf } from "./desk-sellers.ts";
import { plannerFor } from "./desk-planner.ts";
import { settingsOf } from "./desk-settings.ts";
import type { ApprovalPage } from "./page/server.ts";
import { type PinTries, pinTries } from "./people/tries.ts";
import { verifySignature } from "./people/verify.ts";
import type { Verbs } from "./planner/verbs.ts";
import { strategies } from "./strategies/index.ts";

/**
 * One buyer's working set, as the tools, the terminal and the demo see it: verbs, with everything concrete behind them.
 * Every method may throw {@link BuyingError}; `explain` turns anything else into one.
 */
export interface Desk {
  readonly settings: DeskSettings;
  readonly log: Log;
  discover(request: DiscoverRequest): Promise<Discovery>;
  mediaKit(request: MediaKitRequest): Promise<MediaKitAnswer>;
  quote(ask: QuoteAsk): Promise<readonly QuoteOutcome[]>;
  renew(refs: readonly Ref[], by: string, deadlineMs: number): Promise<readonly QuoteOutcome[]>;
  /** Open quotes side by side, ranked; asks no seller for anything but what it publishes, and changes nothing. */
  compare(ask: CompareAsk): Promise<Compared>;
  negotiate(ask: NegotiateAsk): Promise<readonly NegotiationReport[]>;
  /** Asks to buy; what is started by the operator's own limits is sent before this returns, or within `waitMs`. */
  buy(ask: BuyAsk, waitMs: number): Promise<BuyOutcome>;
  /** Records a person's decision and sends what it started, waiting at most `waitMs` for the sellers. */
  decide(approvalId: string, decision: PersonsDecision, waitMs: number): Promise<DecisionOutcome>;
  /** Records a decision without calling any seller; a serving process sends. */
  decideOnly(approvalId: string, decision: PersonsDecision): Promise<DecisionOutcome>;
  approval(approvalId: string): Promise<Approval>;
  /** Notes that the person was asked through the client, or with what outcome short of a decision. */
  noteAsked(approvalId: string, asked: AskedPerson): Promise<void>;
  /** Waits until an approval is decided and its lines and their orders have an outcome, or the time is over. */
  waitFor(approvalId: string, waitMs: number, signal?: AbortSignal): Promise<Approval>;
  line(ref: Ref): Promise<LoadedLine>;
  buyById(id: Ref): Promise<LoadedLine>;
  buys(ask: BuysAsk): Promise<readonly LoadedLine[]>;
  /** The lines of a media plan: named by quote, buy or approval, or of a campaign, or all. */
  planned(ask: Pick<BuysAsk, "ids" | "campaign">): Promise<readonly LoadedLine[]>;
  /** Looks at the seller for lines whose outcome is open. */
  refresh(refs: readonly Ref[]): Promise<void>;
  /** Campaigns of this desk; begun here, they are worked on in the background. */
  readonly campaigns: Campaigns;
  cancel(id: Ref, by: string): Promise<LoadedLine>;
  /** Asks to change a booked buy; what its approval covers is sent before this returns, or within `waitMs`. */
  change(id: Ref, ask: ChangeAsk, by: string, waitMs: number): Promise<ChangeOutcome>;
  delivery(id: Ref): Promise<Delivery | null>;
  /** Hands creatives to a seller's library; spends nothing. */
  syncCreatives(ask: CreativesRequest): Promise<CreativesOutcome>;
  seller(idNameOrDomain: string): Promise<SellerRecord>;
  /** A seller's own card and supply chain, as far as it publishes them; nothing of the buyer is shown for it. */
  sellerDetails(idNameOrDomain: string): Promise<SellerDetails>;
  sellers(): Promise<readonly SellerRecord[]>;
  /** The mandate in force, what is committed, and today's spend day. */
  standing(): Promise<Standing>;
  /** What was committed today, and the limit for a day; null without a mandate. */
  spentToday(): Promise<{ readonly committed: Money; readonly perDay: Money } | null>;
  /** Why a decision by this channel, and person, would not count for an approval's lines; null when it would. */
  shortfall(approval: Approval, channel: DecisionChannel, person: string | null): Promise<string | null>;
  policy(): Promise<PolicyState>;
  /** Why a person may neither settle nor clear anything here; null when they may. */
  whyNoSay(person: string): Promise<string | null>;
  /** Lets the config's looser mandate count, on a person's signature over its digest. */
  approvePolicy(by: string, signature: Signature): Promise<void>;
  /** Keys of the people who decide here, and the count of wrong PINs. */
  readonly people: PeopleKeys;
  readonly tries: PinTries;
  inbox(): Promise<Inbox>;
  history(ask: HistoryAsk): Promise<{ readonly rows: readonly Row[]; readonly more: boolean }>;
  /** Records what a person found out of an unknown booking; null = not booked. */
  settle(ref: Ref, word: PersonsWord & { readonly dealId: string | null }): Promise<Line>;
  clear(ref: Ref, word: PersonsWord): Promise<void>;
  /** Where a person can read and decide an approval in a browser; null where this process serves no page. */
  pageUrl(approvalId: string): Promise<string | null>;
  /** Newest sequence number of the ledger; changes whenever anything did. */
  newest(): Promise<number>;
  /** Key for state handed through clients; kept in the data directory, shared by all processes of this desk. */
  stateKey(): Promise<Uint8Array>;
  /**
   * From now on requests that are frozen by this process name where their sellers may send webhooks.
   * @returns false where the config names no address for them
   */
  takeWebhooks(): boolean;
  /** What a request that was frozen asked its seller to send to a path; null for nothing. */
  webhookAt(path: string): Promise<ExpectedAt | null>;
  /** A seller hints that a task of a line's has moved: the line is looked at soon, if it waits for that. */
  lookAt(ref: Ref, taskId: string): Promise<void>;
  /** Follows open work until the desk is closed. */
  watch(): void;
  explain(error: unknown): BuyingError;
  close(): Promise<void>;
}

export interface DeskOptions {
  readonly config: Config;
  /** Whether this process serves the approval page, on first use; a terminal command does not. */
  readonly servesPage?: boolean;
  /** How this program is run on this desk in a terminal; said where a person is to run it. */
  readonly command?: string;
  /** The user's local data directory; the desk keeps its files below. */
  readonly dataHome: string;
  readonly log: Log;
  /** Who plans campaigns; absent: code alone. */
  readonly planner?: (verbs: Verbs) => Planner;
  /** On a sandbox desk: makes sure its sellers run, and says where. */
  readonly sandboxSellers: (() => Promise<readonly SellerConfig[]>) | null;
}

/** Puts a desk together; nothing is opened or started before it is needed. */
export function openDesk(options: DeskOptions): Desk {
  const { config, log } = options;
  const files = deskFiles(config.data_dir ?? options.dataHome, config.desk);
  const ledger = lazyLedger(() => openSqliteLedger({ file: files.ledger }));
  const kept = keyvCache({ file: files.cache, namespace: "desk", ttlSeconds: config.cache.ttl_s, log });
  const cache = recentCache(kept, () => Date.now());
  const settings = settingsOf(config, options.command ?? "media-buyer-mcp");
  const people = peopleKeys(files.people);
  const { sandboxSellers } = options;
  const knownOf = (sellers: readonly SellerConfig[]) => sellers.map((one) => knownSeller(config, one));
  const configured = knownOf(config.sellers);
  let webhooks: Config["webhooks"] = null;
  const directory = sellerDirectory({
    webhooks: () => webhooks,
    known: async () => (sandboxSellers ? knownOf(await sandboxSellers()) : configured),
    allowLoopback: config.allow_loopback,
    keptOut: { sellers: config.mandate?.blockedSellers ?? [], domains: config.mandate?.blockedDomains ?? [] },
    registries: openRegistries(config, cache, log),
    remembered: () => boughtFrom(ledger),
    account: config.account,
    timeouts: timeoutsOf(config),
    cache,
    cacheSeconds: config.cache.ttl_s,
    log,
  });
  const governance = openGovernance(config, log);
  const ports: Ports = {
    settings,
    ledger,
    cache,
    directory,
    strategies,
    ...(governance ? { governance } : {}),
    signatures: { verify: (text, signature) => verifySignature(people, text, signature) },
    holder: randomUUID(),
    now: () => new Date(),
    newId: () => randomUUID(),
    sleep,
    log,
  };

  const sent = async <Outcome extends { readonly started: readonly Ref[] }>(outcome: Outcome, waitMs: number) => {
    await sendAll(ports, outcome.started, waitMs);
    return outcome;
  };
  let page: Promise<ApprovalPage | null> | null = null;
  const openPage = async (): Promise<ApprovalPage | null> => {
    const { approvalPage } = await import("./page/server.ts");
    const opened = approvalPage({
      desk: pageDesk(ports, people, files),
      portsFile: files.pagePorts,
      port: config.page.port ?? null,
    });
    try {
      await opened.origin();
      return opened;
    } catch (error) {
      // The terminal is left to decide in; the answer names it.
      log("the approval page cannot be served", { error: String(error) });
      return null;
    }
  };
  const approval = async (approvalId: string) => (await loadApproval(ports, approvalId)).approval;

  const verbs: Verbs = {
    log,
    sellers: () => directory.all(),
    mediaKit: (request) => getMediaKit(ports, request),
    quote: (ask) => requestQuotes(ports, ask),
    compare: (ask) => compareQuotes(ports, ask),
    negotiate: (ask) => negotiate(ports, ask),
  };
  const buy = async (ask: BuyAsk, waitMs: number) => sent(await createMediaBuy(ports, ask), waitMs);
  const planner = options.planner?.(verbs) ?? plannerFor(config.planner, verbs, () => desk);
  const campaigns = new Campaigns(ports, planner, (ask) => buy(ask, 0));
  const watcher = new Watcher(ports, campaigns);

  const desk: Desk = {
    ...verbs,
    settings,
    campaigns,
    discover: (request) => discoverSellers(ports, request),
    renew: (refs, by, deadlineMs) => renewQuotes(ports, refs, by, deadlineMs),
    buy,
    decide: async (approvalId, decision, waitMs) => sent(await decide(ports, approvalId, decision, true), waitMs),
    decideOnly: (approvalId, decision) => decide(ports, approvalId, decision, false),
    approval,
    noteAsked: (approvalId, asked) => noteAsked(ports, approvalId, asked),
    waitFor: async (approvalId, waitMs, signal) => {
      const until = Date.now() + waitMs;
      for (;;) {
        const found = await approval(approvalId);
        const lines = await Promise.all(found.lines.map(({ ref }) => loadLine(ports, ref)));
        const moving = lines.some(({ line }) => transient.includes(line.status) || isOrderOpen(line));
        const expired = Date.parse(found.expiresAt) <= Date.now();
        if ((found.status !== "pending" && !moving) || (found.status === "pending" && expired)) return found;
        if (Date.now() >= until || signal?.aborted) return found;
        await delay(Math.min(250, Math.max(1, until - Date.now())));
      }
    },
    line: (ref) => loadLine(ports, ref),
    buyById: (id) => loadBuy(ports, id),
    buys: (ask) => mediaBuys(ports, ask),
    planned: (ask) => plannedLines(ports, ask),
    refresh: async (refs) => {
      await Promise.all(refs.map((ref) => settleLine(ports, ref, true)));
    },
    cancel: (id, by) => cancelBuy(ports, id, by),
    change: async (id, ask, by, waitMs) => sent(await changeBuy(ports, id, ask, by), waitMs),
    delivery: (id) => deliveryOf(ports, id),
    syncCreatives: (ask) => syncCreatives(ports, ask),
    seller: (id) => directory.find(id),
    sellerDetails: (id) => sellerDetails(ports, id),
    standing: () => standing(ports),
    spentToday: () => spentToday(ports),
    shortfall: async (approval, channel, person) => {
      const now = await standing(ports);
      if (!now.mandate) return "this desk has no mandate";
      const terms = approval.lines.map((line) => line.terms);
      return channelShortfall(now.mandate, channel, terms, now, person);
    },
    policy: () => policyState(ports),
    whyNoSay: (person) => whyNoSay(ports, person),
    approvePolicy: (by, signature) => approvePolicy(ports, by, signature),
    people,
    tries: pinTries(ledger, config.desk, ports.now),
    inbox: () => inbox(ports),
    history: (ask) => history(ports, ask),
    settle: (ref, word) => settleByPerson(ports, ref, word),
    clear: (ref, word) => clearIncident(ports, ref, word),
    pageUrl: async (approvalId) => {
      if (!options.servesPage || !offersPage(settings.mandate)) return null;
      page ??= openPage();
      return (await page)?.urlOf(approvalId) ?? null;
    },
    newest: () => ledger.newest(),
    stateKey: () =>
      files.stateKey().catch((error: unknown) => {
        // Whoever asks for it tells a client no more than that its state is not good.
        log("the key for states cannot be had", { error: String(error) });
        throw error;
      }),
    takeWebhooks: () => {
      webhooks = config.webhooks;
      return webhooks !== null;
    },
    webhookAt: (path) => webhookAt(ports, path),
    lookAt: async (ref, taskId) => {
      if (await isWaitedFor(ports, ref, taskId)) watcher.lookSoon(ref);
    },
    watch: () => watcher.start(),
    explain: (error) => failureAsError(ports, error),
    close: async () => {
      await watcher.stop();
      await campaigns.stop();
      await (await page)?.close();
      await governance?.close();
      await ledger.close();
      await cache.close();
    },
  };
  return desk;
}

/** Waits, or stops waiting. Nothing stays behind on the signal: a watcher sleeps on one for days. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return delay(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
}
