import type { Relationship, Tier, Trust } from "../domain/identity.ts";
import type { TrustWord } from "../domain/trust.ts";
import type { Seller, SellerFailure, SupplyNode } from "./seller.ts";

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
  /** The whole address of its agent. */
  readonly url: string;
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
  /** What registries say of it, one word each; {@link trust} is what came of them. */
  readonly words: readonly TrustWord[];
  /** True where it is known from registries alone: nobody put its address into the config. */
  readonly fromRegistry: boolean;
  /** What a person should know before dealing with it, in our sentences. */
  readonly cautions: readonly string[];
  /** What registries list it for, in lower-case words. */
  readonly tags: readonly string[];
  /** The domain a registry lists it under, true or not. */
  readonly listedUnder: string | null;
}

/** One public file, and whether it bears a seller out. */
export interface Evidence {
  readonly of: "adagents.json" | "sellers.json" | "ads.txt";
  /** Whose file it is. */
  readonly domain: string;
  /** Null where it is not there, or cannot be read: that proves nothing. */
  readonly holds: boolean | null;
  /** Our sentence. */
  readonly says: string;
}

/** What asking one registry for its list came to. `failure` is about now; the list may be one of before. */
export interface SourceAnswer {
  readonly name: string;
  /** How many agents its last known list holds, and how many entries of it could not be read. */
  readonly listed: number;
  readonly unreadable: number;
  /** When that list was read (UTC instant); null where none is known. */
  readonly at: string | null;
  readonly failure: SellerFailure | null;
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
   * Asks the registries whom they list, where that is older than what others say is believed, or anew; waits at most `withinMs`.
   * One answer a registry; none without registries.
   */
  search(anew: boolean, withinMs: number): Promise<readonly SourceAnswer[]>;
  /**
   * The record as the registries stand to it: at this moment, however long they take; or `lately`, within what is believed; or `anew`,
   * but for what was said just now. Where one does not answer, as it last did. The seller is not called.
   */
  verified(record: SellerRecord, how?: "lately" | "anew"): Promise<SellerRecord>;
  /**
   * The record with what the seller speaks, which is asked at the first use where no setting says it; as it is where that
   * cannot be had, and then {@link connect} says why. What registries say of it is no older than is believed.
   */
  resolved(record: SellerRecord): Promise<SellerRecord>;
  /** By id, unique name or domain, {@link resolved}. @throws BuyingError `unknown_seller` with candidates */
  find(idNameOrDomain: string): Promise<SellerRecord>;
  /** The seller behind a record. @throws BuyingError `seller_blocked`; SellerFailure where nobody knows what it speaks */
  connect(record: SellerRecord): Seller;
  /** What public files say of a seller with that supply chain; they are read for it, and nothing of the buyer is shown. */
  evidence(record: SellerRecord, chain: readonly SupplyNode[]): Promise<readonly Evidence[]>;
  /**
   * A seller by its address alone; one that is not known by now has the trust that registries give it, else `unknown`.
   * @param anewWithinMs set where they are to be asked anew, and so long at most
   */
  introduce(url: string, anewWithinMs?: number): Promise<SellerRecord>;
}
