import type { TierKeys } from "./identity.ts";

/** A sandbox seller as a buyer needs to know it. The keys are fixed, public, and good for the sandbox only. */
export interface SandboxSeller {
  readonly id: string;
  readonly name: string;
  readonly domain: string;
  readonly protocol: "iab-seller-agent" | "adcp" | "opendirect";
  /** IAB: the origin without a trailing slash. AdCP: the whole URL of its agent. OpenDirect: with the version's path. */
  readonly url: string;
  /** The edition of the contract it serves. */
  readonly version: string;
  readonly keys: TierKeys;
  /** AdCP: what `url` speaks. */
  readonly carrier?: "mcp" | "a2a" | undefined;
  /** AdCP: its agents by carrier, the one of `url` among them. */
  readonly agents?: { readonly mcp?: string | undefined; readonly a2a?: string | undefined } | undefined;
  /**
   * AdCP: the publishers it sells for, and where each one's `https://<domain>` is played: the base under which
   * `/.well-known/adagents.json` is served, without a trailing slash.
   */
  readonly publishers?: Readonly<Record<string, string>> | undefined;
}
