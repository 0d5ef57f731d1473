import { type BuyChange, committedMore } from "./change.ts";
import type { Flight } from "./flight.ts";
import type { Goal, Tier } from "./identity.ts";
import type { Ref } from "./ids.ts";
import type { Channel, DealType } from "./inventory.ts";
import { costOfImpressions, type Money } from "./money.ts";
import { budgetOf, type LinePrice, type Package } from "./package.ts";
import type { Placed } from "./placed.ts";
import type { AgreedProposal, Proposal } from "./proposal.ts";

/** What the planner asked for beyond product, flight and volume; free words, never interpreted by us. */
export interface Targeting {
  readonly geo: readonly string[];
  readonly audience: readonly string[];
  readonly frequencyCap: string | null;
}

/** What we asked a seller for; kept with the quote, so that a renewal can ask for the same again. */
export interface QuoteRequest {
  readonly product: Ref;
  readonly flight: Flight;
  readonly dealType: DealType;
  readonly impressions: number;
  /** The budget the impressions were computed from, if that is how it was asked. */
  readonly budget: Money | null;
  readonly targeting: Targeting | null;
  readonly goal: Goal | null;
  /** The CPM that is put to the seller as own terms; absent where its price is asked for. */
  readonly offer?: Money | undefined;
  /** What a seller that sells budgets is asked for; absent at sellers that sell volume. */
  readonly buys?: BudgetAsk | undefined;
  /** Creatives of the seller's library to run, by our ids, where one product is bought by volume; absent for none. */
  readonly creatives?: readonly string[] | undefined;
}

/** One product for a budget, as it is asked for. */
export interface PackageAsk {
  /** The seller's own product id. */
  readonly productId: string;
  readonly budget: Money;
  /** The seller's pricing option; null = its first that fits. */
  readonly option: string | null;
  /** For an auction the most to bid per unit; null = none given. */
  readonly maxBid: Money | null;
  /** Creatives of the seller's library to run, by id. */
  readonly creativeIds: readonly string[];
}

/** What is bought together, in one media buy of one seller. */
export interface BudgetAsk {
  readonly packages: readonly PackageAsk[];
  /** A planner's brief in words, for sellers that rank or bundle by it. */
  readonly brief: string | null;
  /** A proposal of the seller's to be bought as it is, its packages by the seller's own shares; null = ours. */
  readonly proposal: string | null;
}

/** For whom a seller keeps an account (AdCP, account scope): an operator, a brand, the two together, or an agent. */
export const accountScopes = ["operator", "brand", "operator_brand", "agent"] as const;
export type AccountScope = (typeof accountScopes)[number];

/** What an account at a seller means for a buy: under whose name, and how it is paid. Texts are cleaned or ours. */
export interface QuoteAccount {
  /** e.g. `acme.example, operated by agency.example, billed to operator`. */
  readonly name: string;
  readonly paymentTerms: string | null;
  /** The seller's own id of it, byte for byte; null where it names none, absent in quotes of older releases. */
  readonly id?: string | null | undefined;
  /** Null where the seller does not say; absent as `id` is. */
  readonly scope?: AccountScope | null | undefined;
}

/** Protocol facts frozen with a quote, so that its request can be made without asking anybody. */
export interface QuoteWire {
  /** The edition of the protocol the seller speaks, e.g. `3.1`. */
  readonly version: string;
  /** Seconds for which the same bytes may be sent again without booking twice. */
  readonly replaySeconds: number;
  /** The account as it goes on the wire: JSON text. */
  readonly account: string;
  readonly brand: string;
  /** The committed proposal this buys, if it does. */
  readonly proposalId: string | null;
  /** The insertion order that a person accepts with the approval; null where there is none. */
  readonly insertionOrder: { readonly id: string; readonly signingUrl: string | null } | null;
  /** What was asked of the seller in words to get this price; asked again whenever the quote is read. JSON text. */
  readonly refined: string | null;
  /** Argument names the seller's own schema allows; null = it does not restrict them. */
  readonly accepts: readonly string[] | null;
}

/** Where an OpenDirect order for a quote is written, in the seller's ids, and in which names; frozen with it. */
export interface OrderWire {
  readonly casing: "lower" | "camel" | "pascal";
  readonly accountId: string;
  readonly brandId: string | null;
  readonly publisherId: string | null;
}

/** A seller's priced, expiring offer, as it stands now. CPM is per 1,000 impressions; texts are cleaned seller words. */
export interface Quote {
  readonly ref: Ref;
  readonly sellerId: string;
  /** The seller's own id, byte for byte, as it goes back on the wire. */
  readonly sellerQuoteId: string;
  readonly product: { readonly ref: Ref; readonly id: string; readonly name: string; readonly channel: Channel | null };
  readonly state: "available" | "booked" | "expired" | "declined";
  readonly dealType: DealType;
  readonly guaranteed: boolean;
  /** Null, like the next two, where something else than impressions is paid for; `packages` say what. */
  readonly listCpm: Money | null;
  readonly cpm: Money | null;
  readonly impressions: number | null;
  /** Of a seller that sells budgets: what is bought. Absent where one product is bought by volume at a CPM. */
  readonly packages?: readonly Package[] | undefined;
  /** The media buy it changes; absent where it is for a buy of its own. */
  readonly changes?: BuyChange | undefined;
  /** What of it stands at the seller already; absent before anything was written there, and where one write books. */
  readonly placed?: Placed | undefined;
  /** Own terms put to the seller beside it; absent where none were. */
  readonly proposal?: Proposal | undefined;
  /** The agreed proposal it was made for; absent where it came of none. Where it has that one's id, it is the proposal. */
  readonly agreedAs?: AgreedProposal | undefined;
  /** What the seller's protocol needs to book and to follow it; not shown, and no part of the terms. */
  readonly wire?: QuoteWire | undefined;
  /** The same at an OpenDirect seller. */
  readonly order?: OrderWire | undefined;
  readonly flight: Flight;
  /** What the seller was shown when it was asked, and what everything after is done as. */
  readonly shownAs: Tier;
  /** What the seller says it knew us as when it priced this; never more than it was shown. */
  readonly pricedAs: Tier;
  /** Percent off the list price, by what the seller says brought it; exact decimal text, null where it does not say. */
  readonly discounts: { readonly tier: string | null; readonly volume: string | null };
  /** The seller's reason for its price, in its words. */
  readonly rationale: string;
  readonly inventoryAvailable: boolean | null;
  readonly notHonoured: readonly string[];
  /** Under which account it would be bought; absent where the protocol has none. */
  readonly account?: QuoteAccount | undefined;
  /** How delivery is measured and what is promised, in one line; absent where the seller does not say. */
  readonly measurement?: string | undefined;
  readonly creativesDeadline?: string | undefined;
  /** Creatives that run on it from the start, by our ids, where one product is bought by volume; absent for none. */
  readonly creatives?: readonly string[] | undefined;
  /** What cancelling costs, product by product, in our words; absent where the seller does not say. */
  readonly cancellation?: string | undefined;
  /** Things to know before buying, our sentences. */
  readonly notes?: readonly string[] | undefined;
  /** UTC instant, ISO 8601. */
  readonly expiresAt: string;
  /** Set once the seller says the quote is booked. */
  readonly dealId: string | null;
}

/** The money a quote commits: budgets as they are, what a change adds, or CPM × impressions ÷ 1,000, half up to the minor unit. */
export function totalOfQuote(quote: Pick<Quote, "packages" | "changes" | "cpm" | "impressions">): Money {
  if (quote.changes) return committedMore(quote.changes.before, quote);
  if (quote.packages) return budgetOf(quote.packages);
  if (quote.cpm && quote.impressions !== null) return costOfImpressions(quote.cpm, quote.impressions);
  throw new RangeError("a quote with neither packages nor a CPM has no total");
}

/** A quote's price by volume. @throws RangeError for one that is bought by budget: nobody may ask for its CPM unseen */
export function atCpm({ ref, cpm, listCpm, impressions }: Quote): {
  readonly cpm: Money;
  readonly listCpm: Money;
  readonly impressions: number;
} {
  if (!cpm || !listCpm || impressions === null) throw new RangeError(`${ref} is not sold at a CPM`);
  return { cpm, listCpm, impressions };
}

/** Every price of a quote, one for each package. */
export function pricesOf(quote: Quote): readonly LinePrice[] {
  if (quote.packages) {
    return quote.packages.map(({ product, model, price, kind, budget: total, units }) => ({
      ...{ product: product.id, channel: product.channel, model, price, isBid: kind === "auction", total, units },
    }));
  }
  const { cpm: price, impressions: units } = atCpm(quote);
  const { id: product, channel } = quote.product;
  return [{ product, channel, model: "cpm", price, isBid: false, total: costOfImpressions(price, units), units }];
}

/** The one price a quote asks per unit; null where several products are bought together. */
export function askedPrice({ packages, cpm }: Pick<Quote, "packages" | "cpm">): Money | null {
  if (!packages) return cpm;
  const [only] = packages;
  return only && packages.length === 1 ? only.price : null;
}
