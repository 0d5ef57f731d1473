import type { Trust } from "../domain/identity.ts";
import type { SellerLog } from "./http.ts";
import type { Credential, KnownSeller } from "./records.ts";

/** An agent that sells, as a registry lists it: its words are cleaned, its address is in its one spelling and not yet judged. */
export interface Listing {
  readonly url: string;
  readonly name: string;
  /** The domain it is listed under, where the registry names one. */
  readonly domain: string | null;
  readonly trust: Trust;
  readonly registryId: string | null;
  /** Null where the registry does not say it in a way that can be relied on: the agent is asked. */
  readonly protocol: "adcp" | null;
  readonly carrier: KnownSeller["carrier"];
  /** What it is listed for, in lower-case words: channels, kinds of inventory, capabilities. */
  readonly tags: readonly string[];
}

/** What a registry lists; `unreadable` counts entries that are none, each lost alone. */
export interface RegistryList {
  readonly listings: readonly Listing[];
  readonly unreadable: number;
}

/** A registry of agents, whatever its dialect. */
export interface Registry {
  /** What the config calls it. */
  readonly name: string;
  /** Milliseconds that it may take. */
  readonly timeoutMs: number;
  /** All agents that sell. @throws SellerFailure, about the registry */
  list(): Promise<RegistryList>;
  /**
   * What it says of one agent at this moment; null where it knows none at that address. Absent where the list alone says it.
   * @throws SellerFailure, about the registry
   */
  readonly verify?: (url: string) => Promise<Pick<Listing, "trust" | "registryId"> | null>;
}

/** How a registry is reached. */
export interface RegistryOptions {
  readonly name: string;
  /** Its base address, with a path where it has one. */
  readonly url: string;
  readonly credential: Credential | null;
  readonly timeoutMs: number;
  /** The most its word counts for. */
  readonly maxTrust: Trust;
  readonly allowLoopback: boolean;
  readonly log: SellerLog;
}
