import type { Relationship, Tier, Trust } from "../domain/identity.ts";
import type { Seller } from "./seller.ts";

/** The protocol of a seller that was not asked yet, or could not be. */
export const unknownProtocol = "unknown";

/** Whether sellers of a protocol know their buyers by account. */
export function sellsToAccounts(protocol: string): boolean {
  return protocol === "adcp" || protocol === "opendirect";
}

/** Whether sellers of a protocol make their offers for a brief in words; the others may search for words. */
export function offersByBrief(protocol: string): boolean {
  return protocol === "adcp";
}

/** A seller as this desk knows it, before anybody is contacted. */
export interface SellerRecord {
  readonly id: string;
  readonly name: string;
  readonly domain: string;
  readonly origin: string;
  /** {@link unknownProtocol} until it is found out, where no setting says it. */
  readonly protocol: string;
  readonly trust: Trust;
  /** Who says so, and when. */
  readonly trustBy: string;
  readonly relationship: Relationship;
  /** Tiers for which a credential is configured. */
  readonly credentials: readonly Tier[];
  /** Whether it knows its buyers by account: then it learns for whom is bought with the first quote, whatever the tier. */
  readonly byAccount: boolean;
  /** Refused by the mandate or by trust: never contacted, not even for its card. */
  readonly blocked: boolean;
}

/** How one tier is proved to a seller: by the first of these that there is. */
export interface Credential {
  readonly bearer?: string | undefined;
  readonly apiKey?: string | undefined;
  /** In a header `AccessToken`, as OpenDirect 2.1 writes it. */
  readonly accessToken?: string | undefined;
}

/** Whom a seller that sells to accounts is told it deals with; from the operator's config, which is the leave to tell it. */
export interface BuyingAccount {
  /** Domain of the brand that is advertised. */
  readonly brand: string;
  readonly brandId: string | null;
  /** Domain of who operates for the brand; the brand's own where nobody does. */
  readonly operator: string;
  readonly billing: "operator" | "agent" | "advertiser";
  /** e.g. `net_30`; null = the seller's own. */
  readonly paymentTerms: string | null;
  /** The seller's id of the account, where it gives accounts itself. */
  readonly accountId: string | null;
}

/** Who buys at an OpenDirect seller, in the ids that the seller gave; from the operator's config. Null = found out, or none. */
export interface OpenDirectBuyer {
  readonly accountId: string | null;
  readonly advertiserId: string | null;
  readonly buyerId: string | null;
  readonly brandId: string | null;
}

/** A record with its secrets, as the composition root hands it to the directory. */
export interface KnownSeller {
  readonly record: SellerRecord;
  readonly credentials: Readonly<Partial<Record<Exclude<Tier, "public">, Credential>>>;
  /** The whole address of its agent. */
  readonly url: string;
  readonly carrier: "mcp" | "a2a" | null;
  readonly account: BuyingAccount | null;
  readonly openDirect?: OpenDirectBuyer | undefined;
  readonly publishers: ReadonlyMap<string, string>;
  /** How an agreed proposal is bought from it; absent: by quote. */
  readonly proposals?: "quote" | "deal" | undefined;
}

/** Which sellers this desk may talk to. */
export interface Directory {
  /** As far as they are known by now: nobody is asked, and nothing waited for. */
  all(): Promise<readonly SellerRecord[]>;
  /**
   * The record with what the seller speaks, which is asked at the first use where no setting says it; as it is where that
   * cannot be had, and then {@link connect} says why.
   */
  resolved(record: SellerRecord): Promise<SellerRecord>;
  /** By id, unique name or domain, {@link resolved}. @throws BuyingError `unknown_seller` with candidates */
  find(idNameOrDomain: string): Promise<SellerRecord>;
  /** The seller behind a record. @throws BuyingError `seller_blocked`; SellerFailure where nobody knows what it speaks */
  connect(record: SellerRecord): Seller;
  /** Remembers a seller known by its address only; its trust is `unknown`. */
  introduce(url: string): Promise<SellerRecord>;
}
