import type { FaultOrder } from "./control.ts";
import { type FaultSpec, faultSpec } from "./faults.ts";
import { type Business, HttpSeller, type Incoming, type Routed } from "./http-seller.ts";
import {
  agenticList,
  aampList,
  legacyList,
  malformedEntries,
  type RegisteredAgent,
  verificationOf,
} from "./registry-dialects.ts";
import type { LoggedRequest } from "./request-log.ts";
import { answer, crashed } from "./wire.ts";

export type { RegisteredAgent } from "./registry-dialects.ts";

/** How to start a sandbox registry. */
export interface RegistryOptions {
  readonly id?: string;
  readonly agents?: readonly RegisteredAgent[];
  /** The bearer token it asks for; absent: none. */
  readonly token?: string;
}

/**
 * A registry of seller agents: a real HTTP server on loopback that speaks all dialects there are at once, AAMP's two and that of
 * AgenticAdvertising.org. What it holds, and how badly it behaves, changes while it runs.
 */
export class SandboxRegistry implements Business {
  readonly id: string;
  readonly state: { faults: FaultSpec[] } = { faults: [] };
  #agents: readonly RegisteredAgent[];
  /** A piece of an address for which `/verify` ends in an error. */
  chokesOn: string | null = null;
  /** Whether AAMP's earlier list tells trust; else only `/verify` does. */
  listsTrust = true;
  #malformed: readonly unknown[] = [];
  #later: { asks: number; readonly turn: () => void }[] = [];
  readonly #token: string | null;
  readonly #http: HttpSeller;
  #url = "";

  constructor({ id = "registry", agents = [], token }: RegistryOptions = {}) {
    this.id = id;
    this.#agents = agents;
    this.#token = token ?? null;
    this.#http = new HttpSeller(
      this,
      () => this.#url,
      () => undefined,
    );
  }

  /** Its base address. */
  get url(): string {
    return this.#url;
  }

  /** Starts answering on 127.0.0.1. */
  async open(): Promise<void> {
    this.#url = (await this.#http.open(0)).url;
  }

  /** Stops for good; its port is anybody's then. */
  close(): Promise<void> {
    return this.#http.close();
  }

  /** Hangs up on everybody, as a registry that is down, until {@link clearFaults}. */
  down(): void {
    this.fault({ kind: "drop-answer", operation: "registry" });
  }

  /** Registers agents, in place of all that were. */
  list(...agents: readonly RegisteredAgent[]): void {
    this.#agents = agents;
  }

  /** Switches the trust of the agent at an address. */
  trust(url: string, trust: RegisteredAgent["trust"]): void {
    this.#agents = this.#agents.map((one) => (one.url === url ? { ...one, trust } : one));
  }

  /** As {@link trust}, once it has been asked so many more times. */
  trustAfter(asks: number, url: string, trust: RegisteredAgent["trust"]): void {
    this.#later.push({ asks, turn: () => this.trust(url, trust) });
  }

  /** Puts entries into its lists that nobody can read. */
  malformed(entries: readonly unknown[] = malformedEntries): void {
    this.#malformed = entries;
  }

  /** Switches a fault on. */
  fault(order: FaultOrder): void {
    this.state.faults = [...this.state.faults, faultSpec.parse(typeof order === "string" ? { kind: order } : order)];
  }

  /** Switches all faults off. */
  clearFaults(): void {
    this.state.faults = [];
  }

  /** The requests that came in, oldest first. */
  requests(): readonly LoggedRequest[] {
    return this.#http.log.list();
  }

  now(): number {
    return Date.now();
  }

  commit(): void {
    // Nothing of it outlives the process.
  }

  route({ method, path, query, key }: Incoming): Routed {
    const lists: Readonly<Record<string, () => unknown>> = {
      "/agents": () => legacyList(this.#agents, this.#malformed, this.listsTrust),
      "/verify": () => {
        const url = query.get("agent_url") ?? "";
        if (this.chokesOn !== null && url.includes(this.chokesOn)) throw crashed();
        return verificationOf(this.#agents, url);
      },
      "/api/agents": () => aampList(this.#agents, this.#malformed),
      "/api/registry/agents": () => agenticList(this.#agents, this.#malformed, query.get("compliance") === "true"),
    };
    const list = method === "GET" ? lists[path] : undefined;
    if (!list) return { operation: null, handle: () => answer({ error: "Not found" }, 404) };
    const isKnown = this.#token === null || key === this.#token;
    const handle = () => {
      if (!isKnown) return answer({ success: false, error: "Authentication required" }, 401);
      const said = answer(list());
      for (const one of this.#later) {
        one.asks -= 1;
        if (one.asks === 0) one.turn();
      }
      return said;
    };
    return { operation: "registry", handle };
  }
}

/** Starts a sandbox registry. */
export async function startRegistry(options: RegistryOptions = {}): Promise<SandboxRegistry> {
  const registry = new SandboxRegistry(options);
  await registry.open();
  return registry;
}
