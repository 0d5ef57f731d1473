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
import { failureAsError } from "./buying/failures.ts";
import { cancelBuy, loadBuy, performanceOf } from "./buying/flight.ts";
import { type LoadedLine, loadApproval, loadLine } from "./buying/lines.ts";
import { type Standing, spentToday, standing } from "./buying/mandate-facts.ts";
import { approvePolicy, type PolicyState, policyState, whyNoSay } from "./buying/policy.ts";
import { getMediaKit, type MediaKitAnswer, type MediaKitRequest } from "./buying/media-kit.ts";
import { type NegotiateAsk, type NegotiationReport, negotiate } from "./buying/negotiate.ts";
import { isOrderOpen } from "./buying/outcome.ts";
import { type BuysAsk, type HistoryAsk, history, type Inbox, inbox, mediaBuys } from "./buying/overview.ts";
import type { DeskSettings, Ports, SellerRecord } from "./buying/ports.ts";
import { type QuoteAsk, type QuoteOutcome, renewQuotes, requestQuotes } from "./buying/quote.ts";
import { sendLine } from "./buying/send.ts";
import { clearIncident, type PersonsWord, settleByPerson, settleLine } from "./buying/settle.ts";
import { Watcher } from "./buying/watcher.ts";
import type { Config, SellerConfig } from "./config.ts";
import type { Approval } from "./domain/approval.ts";
import type { BuyingError } from "./domain/errors.ts";
import { tiers } from "./domain/identity.ts";
import type { Log } from "./domain/log.ts";
import type { Ref } from "./domain/ids.ts";
import type { Line, LineStatus } from "./domain/media-buy.ts";
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
import { originOf, sellerDirectory } from "./sellers/directory.ts";
import type { KnownSeller } from "./sellers/records.ts";
import type { Performance } from "./sellers/seller.ts";
import { type PeopleKeys, peopleKeys } from "./people/keys.ts";
import { offersPage, pageDesk } from "./desk-page.ts";
import { settingsOf } from "./desk-settings.ts";
import type { ApprovalPage } from "./page/server.ts";
import { type PinTries, pinTries } from "./people/tries.ts";
import { verifySignature } from "./people/verify.ts";
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
  /** Looks at the seller for lines whose outcome is open. */
  refresh(refs: readonly Ref[]): Promise<void>;
  cancel(id: Ref, by: string): Promise<LoadedLine>;
  performance(id: Ref): Promise<Performance | null>;
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
  const directory = sellerDirectory({
    known: async () => (sandboxSellers ? knownOf(await sandboxSellers()) : configured),
    allowLoopback: config.allow_loopback,
    blocked: config.mandate?.blockedSellers ?? [],
    timeouts: {
      discovery: config.timeouts.discovery_s * 1000,
      media_kit: config.timeouts.media_kit_s * 1000,
      booking: config.timeouts.booking_s * 1000,
    },
    cache,
    log,
  });
  const ports: Ports = {
    settings,
    ledger,
    cache,
    directory,
    strategies,
    signatures: { verify: (text, signature) => verifySignature(people, text, signature) },
    holder: randomUUID(),
    now: () => new Date(),
    newId: () => randomUUID(),
    sleep,
    log,
  };
  const watcher = new Watcher(ports);

  /** Another process of the desk may have been faster to send: its outcome is ours to wait for all the same. */
  const outcomeOf = async (ref: Ref, until: number) => {
    while (Date.now() < until && transient.includes((await loadLine(ports, ref)).line.status)) await delay(100);
  };
  const sendAll = async (refs: readonly Ref[], waitMs: number) => {
    // What takes longer than the caller waits goes on; the watcher and the ledger know about it.
    const sending = refs.map((ref) =>
      sendLine(ports, ref)
        .then(() => settleLine(ports, ref))
        .then(() => outcomeOf(ref, Date.now() + waitMs))
        .catch((error: unknown) => log("sending failed", { ref, error: String(error) })),
    );
    await within(Promise.all(sending), waitMs);
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

  return {
    settings,
    log,
    discover: (request) => discoverSellers(ports, request),
    mediaKit: (request) => getMediaKit(ports, request),
    quote: (ask) => requestQuotes(ports, ask),
    renew: (refs, by, deadlineMs) => renewQuotes(ports, refs, by, deadlineMs),
    negotiate: (ask) => negotiate(ports, ask),
    buy: async (ask, waitMs) => {
      const outcome = await createMediaBuy(ports, ask);
      await sendAll(outcome.started, waitMs);
      return outcome;
    },
    decide: async (approvalId, decision, waitMs) => {
      const outcome = await decide(ports, approvalId, decision, true);
      await sendAll(outcome.started, waitMs);
      return outcome;
    },
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
    refresh: async (refs) => {
      await Promise.all(refs.map((ref) => settleLine(ports, ref, true)));
    },
    cancel: (id, by) => cancelBuy(ports, id, by),
    performance: (id) => performanceOf(ports, id),
    seller: (id) => directory.find(id),
    sellerDetails: (id) => sellerDetails(ports, id),
    sellers: () => directory.all(),
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
    watch: () => watcher.start(),
    explain: (error) => failureAsError(ports, error),
    close: async () => {
      await watcher.stop();
      await (await page)?.close();
      await ledger.close();
      await cache.close();
    },
  };
}

const transient: readonly LineStatus[] = ["approved", "sending"];

function knownSeller(config: Config, one: SellerConfig): KnownSeller {
  const byMandate = config.mandate?.blockedSellers.includes(one.id) ?? false;
  const { id, name, domain, protocol, trust, relationship } = one;
  const trustBy = byMandate ? "mandate" : config.sandbox ? "sandbox" : "the operator's config";
  const credentials = Object.fromEntries(
    Object.entries(one.credentials).map(([tier, { kind, secret }]) => [
      tier,
      kind === "bearer" ? { bearer: secret.reveal() } : { apiKey: secret.reveal() },
    ]),
  );
  const held = tiers.filter((tier) => tier in one.credentials);
  const blocked = byMandate || trust === "blocked";
  return {
    record: {
      id,
      name,
      domain,
      origin: originOf(one.url),
      protocol,
      trust,
      trustBy,
      relationship,
      credentials: held,
      blocked,
    },
    credentials,
  };
}

/** Ends early, and quietly, when it is told to: each call to sellers has a deadline, which hardly any of them reaches. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  const stop = new AbortController();
  await Promise.race([work, sleep(ms, stop.signal)]);
  stop.abort();
}
