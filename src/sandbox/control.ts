import { AdcpControl } from "./adcp/control.ts";
import { AdcpServer } from "./adcp/server.ts";
import type { FaultKind, FaultSpec } from "./faults.ts";
import { faultSpec } from "./faults.ts";
import { wireMoney } from "./pricing.ts";
import { deskOf, latestApproval, type ProposalBooks, type ProposalHabits } from "./proposal-desk.ts";
import { storedQuote, strikeByThirdParty } from "./quote-book.ts";
import { OpenDirectControl } from "./opendirect/control.ts";
import { OpenDirectServer } from "./opendirect/server.ts";
import type { LoggedRequest, RequestLog } from "./request-log.ts";
import type { SellerRuntime, SellerSettings } from "./runtime.ts";
import type { SandboxSeller } from "./sandbox-seller.ts";
import { IabServer } from "./seller.ts";

/** A deal at a sandbox seller, as its books have it. */
export interface BookedDeal {
  readonly deal_id: string;
  readonly quote_id: string | null;
  readonly status: string;
  /** Booked CPM in micros; null for a deal without a price. */
  readonly cpm_micros: number | null;
  readonly impressions: number | null;
}

/** A seller of the sandbox, whatever it speaks. */
export type SandboxServer = IabServer | AdcpServer | OpenDirectServer;

/** A fault by name, or with its options. */
export type FaultOrder = FaultKind | FaultSpec;

/** The hand behind the sandbox: switches faults, looks into the books and at every request. */
export class SandboxControl {
  /** The sellers that speak AdCP. */
  readonly adcp: AdcpControl;
  /** The sellers that speak OpenDirect. */
  readonly opendirect: OpenDirectControl;
  readonly #servers: ReadonlyMap<string, SandboxServer>;
  readonly #decoy: RequestLog;
  readonly #settings: SellerSettings;

  constructor(servers: ReadonlyMap<string, SandboxServer>, decoy: RequestLog, settings: SellerSettings) {
    this.#servers = servers;
    this.#decoy = decoy;
    this.#settings = settings;
    this.adcp = new AdcpControl((id) => {
      const server = this.#server(id);
      if (server instanceof AdcpServer) return server;
      throw new Error(`${id} does not speak AdCP`);
    });
    this.opendirect = new OpenDirectControl((id) => {
      const server = this.#server(id);
      if (server instanceof OpenDirectServer) return server;
      throw new Error(`${id} does not speak OpenDirect`);
    });
  }

  /** Everybody who sells here. */
  get sellers(): readonly SandboxSeller[] {
    return [...this.#servers.values()].map((server) => server.describe());
  }

  /** One seller by id; throws when there is none. */
  seller(id: string): SandboxSeller {
    this.#server(id);
    const found = this.sellers.find((seller) => seller.id === id);
    if (!found) throw new Error(`no sandbox seller ${id}`);
    return found;
  }

  #server(id: string): SandboxServer {
    const server = this.#servers.get(id);
    if (!server) throw new Error(`no sandbox seller ${id}: there are ${[...this.#servers.keys()].join(", ")}`);
    return server;
  }

  #iab(id: string): SellerRuntime {
    const server = this.#server(id);
    if (server instanceof IabServer) return server.runtime;
    throw new Error(`${id} does not speak the IAB seller agent contract`);
  }

  /** Switches a fault on, beside those already on. */
  fault(sellerId: string, order: FaultOrder): void {
    const { runtime } = this.#server(sellerId);
    const spec = faultSpec.parse(typeof order === "string" ? { kind: order } : order);
    runtime.state.faults = [...runtime.state.faults, spec];
    runtime.commit();
  }

  /** The faults still on. */
  faults(sellerId: string): readonly FaultSpec[] {
    return this.#server(sellerId).runtime.state.faults;
  }

  /** Switches all faults off, at one seller or at all. */
  clearFaults(sellerId?: string): void {
    for (const { runtime } of this.#chosen(sellerId)) {
      runtime.state.faults = [];
      runtime.commit();
    }
  }

  #chosen(sellerId: string | undefined): SandboxServer[] {
    return sellerId === undefined ? [...this.#servers.values()] : [this.#server(sellerId)];
  }

  /** What came in since the log was last cleared, at one seller or at all, in order of arrival. */
  requests(sellerId?: string): readonly LoggedRequest[] {
    const all = this.#chosen(sellerId).flatMap((server) => server.log.list());
    return sellerId === undefined ? all.sort((a, b) => a.at - b.at) : all;
  }

  /** What came in at the other origin that `redirect` points to. */
  strayRequests(): readonly LoggedRequest[] {
    return this.#decoy.list();
  }

  /** Empties the request logs. */
  clearRequests(): void {
    for (const server of this.#servers.values()) server.log.clear();
    this.#decoy.clear();
  }

  /** The seller's deals, of one quote or all, oldest first. */
  deals(sellerId: string, quoteId?: string): readonly BookedDeal[] {
    const deals = Object.values(this.#iab(sellerId).state.deals);
    return deals
      .filter((deal) => quoteId === undefined || deal.quoteId === quoteId)
      .map((deal) => ({
        deal_id: deal.id,
        quote_id: deal.quoteId,
        status: deal.status,
        cpm_micros: deal.quote && wireMoney(deal.quote.final).amount_micros,
        impressions: deal.quote?.impressions ?? null,
      }));
  }

  /** Lets a quote expire now: 410 afterwards, or 404 when the store has dropped it too (`gone`). */
  expireQuote(sellerId: string, quoteId: string, gone = false): void {
    const runtime = this.#iab(sellerId);
    const quote = storedQuote(runtime, quoteId);
    if (!quote) throw new Error(`no quote ${quoteId} at ${sellerId}`);
    const now = runtime.now();
    const goneAt = gone ? now : Math.max(quote.goneAt, now + 86_400_000);
    runtime.state.quotes[quoteId] = { ...quote, expiresAt: now, goneAt };
    runtime.commit();
  }

  /** Has somebody else strike the negotiation of a quote, at a CPM in micros. */
  strikeNegotiation(sellerId: string, quoteId: string, cpmMicros: number): void {
    const runtime = this.#iab(sellerId);
    const quote = storedQuote(runtime, quoteId);
    if (!quote) throw new Error(`no quote ${quoteId} at ${sellerId}`);
    strikeByThirdParty(runtime, quote, cpmMicros / 1_000_000);
    runtime.commit();
  }

  /** What was proposed to a seller, and what its people are asked. */
  proposals(sellerId: string): ProposalBooks {
    const { proposals, approvals, habits } = deskOf(this.#iab(sellerId).state);
    return { proposals, approvals, habits };
  }

  /** Changes how a seller treats proposals; what is not named stays. */
  proposalHabits(sellerId: string, change: ProposalHabits): void {
    const runtime = this.#iab(sellerId);
    const books = this.proposals(sellerId);
    runtime.state.proposals = { ...books, habits: { ...books.habits, ...change } };
    runtime.commit();
  }

  /** The seller's people decide what was asked of them last; `cpm` (dollars) is what they would rather have. */
  decideProposal(sellerId: string, what: "approve" | "reject" | "counter", reason = "", cpm?: number): void {
    const runtime = this.#iab(sellerId);
    const modifications = cpm === undefined ? {} : { proposed_price: cpm };
    deskOf(runtime.state).decide(latestApproval(runtime.state), { what, reason, modifications });
    runtime.commit();
  }

  /** Changes how all sellers behave from now on. */
  configure(change: Partial<SellerSettings>): void {
    Object.assign(this.#settings, change);
  }
}
