import { canonicalAgentUrl } from "./adagents-names.ts";
import type { BuyingAccount, KnownSeller, SellerRecord } from "./records.ts";
import type { Registries } from "./registries.ts";
import type { Listing } from "./registry.ts";
import { idOf, type KeptOut, noFurtherThan, recordOf, rememberedSuspicions, suspected } from "./registry-records.ts";

export interface RegistrySellersOptions {
  readonly registries: Registries;
  /** Sellers that are known whatever registries list by now: somebody bought from them. */
  readonly remembered: () => Promise<readonly Listing[]>;
  readonly keptOut: KeptOut;
  /** Under which account those are bought from that are told it; null = none is. */
  readonly account: BuyingAccount | null;
}

/** Sellers that the config does not list, as far as they are known by now; nobody is asked. */
export interface RegistrySellers {
  /** All, beside those of the config: at other addresses, and under ids that nobody has. */
  beside(own: readonly KnownSeller[]): Promise<readonly KnownSeller[]>;
  /** One of them again, under what is said of it by now; null where it was not among them. */
  again(url: string): Promise<KnownSeller | null>;
}

/** Makes sellers of what registries list. */
export function registrySellers({ registries, remembered, keptOut, account }: RegistrySellersOptions): RegistrySellers {
  const suspicions = rememberedSuspicions();
  /** Those of the last look, and whom they were compared with. */
  let there: ReadonlyMap<string, Listing> = new Map();
  let known: readonly SellerRecord[] = [];
  let operators: readonly SellerRecord[] = [];

  const made = async (listing: Listing): Promise<KnownSeller> => {
    const record = recordOf(listing, await registries.words(listing.url), keptOut);
    const told = noFurtherThan(suspected(record, suspicions(record, listing.domain, known)), operators);
    // The name of the advertiser is part of an account.
    const own = told.trust === "preferred" ? account : null;
    return {
      record: told,
      credentials: {},
      url: listing.url,
      carrier: listing.carrier,
      account: own,
      publishers: new Map(),
    };
  };

  return {
    async beside(own) {
      const [listed, bought] = await Promise.all([registries.listed(), remembered()]);
      const taken = new Set(own.map(({ record }) => record.id));
      const addresses = new Set(own.map(({ url }) => canonicalAgentUrl(url)));
      const isOther = ({ url }: Listing) => !addresses.has(url) && !taken.has(idOf(url));
      there = new Map([...bought, ...listed].filter(isOther).map((one) => [one.url, one]));
      const pinned = bought.filter(isOther).map((one) => recordOf(there.get(one.url) ?? one, [], keptOut));
      operators = own.map(({ record }) => record);
      known = [...operators, ...pinned];
      return Promise.all([...there.values()].map(made));
    },
    async again(url) {
      const listing = there.get(canonicalAgentUrl(url) ?? url);
      return listing ? made(listing) : null;
    },
  };
}
