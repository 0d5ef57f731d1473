import type { Cache } from "../ledger/cache.ts";
import type { SellerLog, Timeouts } from "./http.ts";
import type { BuyingAccount, KnownSeller, OpenDirectBuyer } from "./records.ts";
import type { Seller } from "./seller.ts";

/** Where this desk takes webhooks. */
export interface WebhookAddress {
  /** Without a slash at the end. */
  readonly baseUrl: string;
  /** From which each request's own secret is made; null = sellers sign with their keys. */
  readonly hmacSecret: string | null;
}

/** What is known of one seller before it is called: all from the operator's config, a registry, or the sandbox. */
export interface ConnectOptions {
  readonly sellerId: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** The whole address of its agent, as the operator wrote it. */
  readonly url: string;
  /** What carries its tasks, where the operator says so; null = found out. */
  readonly carrier: KnownSeller["carrier"];
  /** Gives the card that was read a moment ago to find out what it speaks, once; null = it is to be read. */
  readonly cardJustRead?: (() => unknown) | undefined;
  /** Where sellers may send webhooks while this process takes them; absent, or null = nowhere. */
  readonly webhooks?: (() => WebhookAddress | null) | undefined;
  /** Under which account it is bought from; null where the settings hold none. */
  readonly account: BuyingAccount | null;
  /** The same at an OpenDirect seller; absent where the settings say nothing. */
  readonly openDirect?: OpenDirectBuyer | undefined;
  /** Where publishers' files lie that are not at their own domains: a sandbox's. */
  readonly publishers: ReadonlyMap<string, string>;
  /** How an agreed proposal is bought: by a quote at its price (absent), or as a deal that the seller makes of it. */
  readonly proposals?: KnownSeller["proposals"];
  /** For what others say of the seller; its own answers are not kept here. */
  readonly cache: Cache;
  readonly cacheSeconds: number;
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
