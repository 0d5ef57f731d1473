import type { FaultSpec } from "./faults.ts";
import { HttpSeller, type Incoming, type Routed } from "./http-seller.ts";
import type { RequestLog } from "./request-log.ts";
import type { SandboxSeller } from "./sandbox-seller.ts";

/** What a server stands in front of: a seller at work, whatever it speaks. */
export interface SellerAtWork {
  readonly profile: { readonly id: string };
  readonly state: { faults: FaultSpec[] };
  /** Its origin, once it answers. */
  url: string;
  now(): number;
  commit(): void;
}

/** A sandbox seller behind an HTTP server that faults can strike; each protocol says how it routes and describes itself. */
export abstract class SellerServer<Runtime extends SellerAtWork> {
  readonly runtime: Runtime;
  readonly #http: HttpSeller;

  constructor(runtime: Runtime, decoy: () => string, onRequest: () => void) {
    this.runtime = runtime;
    const { state } = runtime;
    const now = () => runtime.now();
    const commit = () => runtime.commit();
    const route = (incoming: Incoming) => this.route(incoming);
    this.#http = new HttpSeller({ id: runtime.profile.id, state, now, commit, route }, decoy, onRequest);
  }

  /** The requests that came in. */
  get log(): RequestLog {
    return this.#http.log;
  }

  /** How a buyer needs to know it. */
  abstract describe(): SandboxSeller;

  /** What a request is for, and how it is answered. */
  protected abstract route(incoming: Incoming): Routed;

  /** Starts answering; returns the port. */
  async open(wishedPort: number): Promise<number> {
    const { port, url } = await this.#http.open(wishedPort);
    this.runtime.url = url;
    return port;
  }

  /** Stops answering; what was still to be committed is not. */
  async close(): Promise<void> {
    await this.#http.close();
  }
}
