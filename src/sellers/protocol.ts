import type { SellerLog, Timeouts } from "./http.ts";
import type { KnownSeller } from "./records.ts";
import type { Seller } from "./seller.ts";

/** What is known of one seller before it is called: all from the operator's config, a registry, or the sandbox. */
export interface ConnectOptions {
  readonly sellerId: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** How each tier is proved; a tier without an entry is called anonymously. */
  readonly credentials: KnownSeller["credentials"];
  readonly timeouts?: Partial<Timeouts> | undefined;
  /** Whether this origin may be on this machine. */
  readonly allowLoopback: boolean;
  readonly log: SellerLog;
}

/** A way to talk to sellers. One file implements it, one line in `index.ts` lists it. */
export interface Protocol {
  readonly name: string;
  /** Prepares a seller; nothing is sent yet. */
  connect(options: ConnectOptions): Seller;
}

/** A protocol as {@link Protocol}, its name kept literal. */
export function defineProtocol<Name extends string>(protocol: Protocol & { readonly name: Name }): typeof protocol {
  return protocol;
}
