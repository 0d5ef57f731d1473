import type { Relationship, Tier, Trust } from "../domain/identity.ts";
import type { Seller } from "./seller.ts";

/** A seller as this desk knows it, before anybody is contacted. */
export interface SellerRecord {
  readonly id: string;
  readonly name: string;
  readonly domain: string;
  readonly origin: string;
  readonly protocol: string;
  readonly trust: Trust;
  /** Who says so, and when. */
  readonly trustBy: string;
  readonly relationship: Relationship;
  /** Tiers for which a credential is configured. */
  readonly credentials: readonly Tier[];
  /** Refused by the mandate or by trust: never contacted, not even for its card. */
  readonly blocked: boolean;
}

/** How one tier is proved to a seller; a bearer token comes before an API key. */
export interface Credential {
  readonly bearer?: string | undefined;
  readonly apiKey?: string | undefined;
}

/** A record with its secrets, as the composition root hands it to the directory. */
export interface KnownSeller {
  readonly record: SellerRecord;
  readonly credentials: Readonly<Partial<Record<Exclude<Tier, "public">, Credential>>>;
}

/** Which sellers this desk may talk to. */
export interface Directory {
  all(): Promise<readonly SellerRecord[]>;
  /** By id, unique name or domain. @throws BuyingError `unknown_seller` with candidates */
  find(idNameOrDomain: string): Promise<SellerRecord>;
  /** The seller behind a record. @throws BuyingError `seller_blocked` */
  connect(record: SellerRecord): Seller;
  /** Remembers a seller known by its address only; its trust is `unknown`. */
  introduce(url: string): Promise<SellerRecord>;
}
