import { type Tier, type Trust, trustLevels } from "../domain/identity.ts";
import { type Channel, channels } from "../domain/inventory.ts";
import { committed } from "../domain/media-buy.ts";
import { splitRef } from "../domain/ids.ts";
import { type Capability, type SellerCard, SellerFailure, type SupplyChain } from "../sellers/seller.ts";
import { accessAs, highestTier } from "./access.ts";
import { failureAsError } from "./failures.ts";
import { askAll, type SellerStatus, statusOf } from "./fan-out.ts";
import { kitOf } from "./media-kit.ts";
import type { Evidence, Ports, SellerRecord, SourceAnswer } from "./ports.ts";

export interface DiscoverRequest {
  readonly channels: readonly Channel[];
  readonly countries: readonly string[];
  readonly minTrust: Trust | null;
  readonly capability: Capability | null;
  /** Only sellers that speak it. */
  readonly protocol: string | null;
  readonly query: string | null;
  /** One agent card directly, of a seller that need not be known. */
  readonly url: string | null;
  readonly refresh: boolean;
  readonly deadlineMs: number;
}

export interface DiscoveredSeller {
  readonly record: SellerRecord;
  readonly card: SellerCard;
  readonly revealUpTo: Tier;
  readonly boughtBefore: number;
}

export interface Discovery {
  readonly sellers: readonly DiscoveredSeller[];
  /** Sellers that are known but not offered, each with the reason. */
  readonly keptOut: readonly {
    readonly record: SellerRecord;
    readonly why: string;
    readonly status: SellerStatus | "filtered" | "blocked";
  }[];
  readonly sources: readonly DiscoverySource[];
}

/** Where sellers were looked for: the config (or sandbox), one address, or a registry. "None there" is `empty`, and nothing else. */
export interface DiscoverySource {
  readonly name: string;
  readonly status: SellerStatus;
  /** Of a registry: what stands behind the status. */
  readonly registry?: {
    readonly listed: number;
    readonly unreadable: number;
    /** When the list that was used was read (UTC instant); null where there is none. */
    readonly asOf: string | null;
    /** Why it gave none just now, in our sentence; then the list is the last that is known. */
    readonly why: string | null;
  };
}

/**
 * Finds sellers: asks the registries whom they list and then every seller this desk knows for its agent card, each all at once,
 * and filters what came back. Lists and cards are cached singly by address, so filters and their order never change what is fetched.
 * A seller or registry that is down is reported as down; a blocked seller is not contacted, not even for its card.
 */
export async function discoverSellers(ports: Ports, request: DiscoverRequest): Promise<Discovery> {
  const began = ports.now().getTime();
  // Half of the time at most: the sellers found are still to be asked.
  const searched = request.url ? [] : await ports.directory.search(request.refresh, request.deadlineMs / 2);
  const known = request.url
    ? [await ports.directory.introduce(request.url, request.refresh ? request.deadlineMs / 2 : undefined)]
    : await ports.directory.all();
  const left = Math.max(request.deadlineMs / 2, request.deadlineMs - (ports.now().getTime() - began));
  const asked = await askAll(ports, bestFirst(known), left, async (unasked) => {
    // The registries first, which may have blocked it, or may do so no more; then the seller.
    const heard = await ports.directory.verified(unasked, request.refresh ? "anew" : "lately");
    const unwanted = whyNotAsked(request, heard);
    if (heard.blocked || unwanted) return { record: heard, card: null, reason: unwanted };
    const record = await ports.directory.resolved(heard);
    const card = await cardOf(ports, record, request.refresh);
    const reason = whyFiltered(request, record, card) ?? (await whyNotThere(ports, request, record));
    return { record, card, reason };
  });
  const bought = await boughtBefore(ports);
  const sellers: DiscoveredSeller[] = [];
  const keptOut: Discovery["keptOut"][number][] = [];
  for (const { record: unasked, status, value, why } of asked) {
    const record = value?.record ?? unasked;
    if (record.blocked) keptOut.push({ record, why: `blocked (${record.trustBy}); not contacted`, status: "blocked" });
    else if (!value) keptOut.push({ record, why: why ?? status, status });
    else if (!value.card || value.reason) keptOut.push({ record, why: value.reason ?? "", status: "filtered" });
    else {
      const revealUpTo = highestTier(record) ?? "public";
      sellers.push({ record, card: value.card, revealUpTo, boughtBefore: bought.get(record.id) ?? 0 });
    }
  }
  const name = request.url ? "agent card" : ports.settings.sandbox ? "sandbox" : "config";
  const own = request.url ? known : known.filter(({ fromRegistry }) => !fromRegistry);
  return { sellers, keptOut, sources: [{ name, status: own.length > 0 ? "ok" : "empty" }, ...searched.map(sourceOf)] };
}

/** The operator's own, then those of registries by their trust: where there are too many to ask in time, the best are asked. */
function bestFirst(known: readonly SellerRecord[]): readonly SellerRecord[] {
  const rank = ({ fromRegistry, trust }: SellerRecord) =>
    fromRegistry ? trustLevels.indexOf(trust) : trustLevels.length;
  return known.toSorted((one, other) => rank(other) - rank(one));
}

function sourceOf({ name, listed, unreadable, at: asOf, failure }: SourceAnswer): DiscoverySource {
  const status = failure ? statusOf(failure) : listed > 0 ? "ok" : "empty";
  return { name, status, registry: { listed, unreadable, asOf, why: failure?.message ?? null } };
}

/**
 * Why a seller of a registry is not even asked: nobody vouches for it enough, or it is listed for other channels; null where it is.
 * One of the config is asked, and filtered by what its card says.
 */
function whyNotAsked(request: DiscoverRequest, record: SellerRecord): string | null {
  if (!record.fromRegistry) return null;
  const low = whyTooLow(request, record);
  if (low) return low;
  const listedFor = channels.filter((channel) => record.tags.includes(channel));
  if (listedFor.length === 0 || request.channels.length === 0) return null;
  return request.channels.some((channel) => listedFor.includes(channel)) ? null : `listed for ${listedFor.join(", ")}`;
}

/** A seller's agent card, from the cache while it is fresh. */
export async function cardOf(ports: Ports, record: SellerRecord, refresh = false): Promise<SellerCard> {
  const key = `card:${record.id}:${record.origin}`;
  if (!refresh) {
    const cached = await ports.cache.get(key);
    // Written three lines below and by nobody else.
    if (cached !== undefined) return cached as SellerCard;
  }
  const seller = ports.directory.connect(record);
  const card = await seller.card(accessAs(ports, "public")).catch((error: unknown) => cardless(record, error));
  await ports.cache.set(key, card);
  return card;
}

/** A seller the operator lists is used without a card of its own; one met by its address has nothing else to show. */
function cardless(record: SellerRecord, error: unknown): SellerCard {
  const isMissing = error instanceof SellerFailure && error.kind === "not_found" && error.status === 404;
  if (!isMissing || record.trust === "unknown") throw error;
  const note = `It publishes no card; this desk's settings say that it speaks ${record.protocol}.`;
  const can: readonly Capability[] = ["media_kit", "quote", "negotiate", "book"];
  return {
    name: record.name,
    version: null,
    compatibility: { ok: false, note },
    channels: [],
    dealTypes: [],
    capabilities: can,
    url: null,
  };
}

/** What one seller says about itself. Null where it does not, or could not be asked; `why` says which. */
export interface SellerDetails {
  readonly record: SellerRecord;
  readonly card: SellerCard | null;
  readonly supplyChain: SupplyChain | null;
  /** What public files say of it. */
  readonly evidence: readonly Evidence[];
  readonly why: string | null;
}

/** One seller's card and supply chain, asked as nobody in particular, and what public files say of it. */
export async function sellerDetails(ports: Ports, idNameOrDomain: string): Promise<SellerDetails> {
  const record = await ports.directory.find(idNameOrDomain);
  try {
    const card = await cardOf(ports, record);
    const supplyChain = await ports.directory.connect(record).supplyChain(accessAs(ports, "public"));
    const evidence = await ports.directory.evidence(record, supplyChain.chain ?? []);
    return { record, card, supplyChain, evidence, why: null };
  } catch (error) {
    return { record, card: null, supplyChain: null, evidence: [], why: failureAsError(ports, error).message };
  }
}

async function boughtBefore(ports: Ports): Promise<ReadonlyMap<string, number>> {
  const heads = await ports.ledger.heads({ kind: "quote", statuses: [...committed, "cancelled"], limit: 10_000 });
  const counts = new Map<string, number>();
  for (const { stream } of heads) {
    const { sellerId } = splitRef(stream.slice("quote/".length));
    counts.set(sellerId, (counts.get(sellerId) ?? 0) + 1);
  }
  return counts;
}

/**
 * Cards name no countries, so the kit decides: a seller is kept unless every product of it names places and none of
 * them is asked for. A kit that cannot be read keeps its seller.
 */
async function whyNotThere(ports: Ports, { countries }: DiscoverRequest, record: SellerRecord): Promise<string | null> {
  if (countries.length === 0) return null;
  try {
    const { products } = await kitOf(ports, record, null);
    const wanted = countries.map((country) => country.toUpperCase());
    const there = products.some(
      ({ geo }) => geo.length === 0 || geo.some((place) => wanted.includes(place.slice(0, 2).toUpperCase())),
    );
    return there || products.length === 0 ? null : `sells nothing in ${countries.join(", ")} that it names`;
  } catch (error) {
    ports.log("a kit could not be read for its countries", { seller: record.id, error: String(error) });
    return null;
  }
}

function whyTooLow({ minTrust, url }: DiscoverRequest, { trust, trustBy, fromRegistry }: SellerRecord): string | null {
  if (minTrust && trustLevels.indexOf(trust) < trustLevels.indexOf(minTrust))
    return `trust is ${trust}, asked for ${minTrust} or better`;
  if (trust !== "unknown" || url) return null;
  return `${fromRegistry ? trustBy : "in no registry and not vouched for"}: public media kit only`;
}

function whyFiltered(request: DiscoverRequest, record: SellerRecord, card: SellerCard): string | null {
  const low = whyTooLow(request, record);
  if (low) return low;
  if (request.protocol && record.protocol !== request.protocol) return `speaks ${record.protocol}`;
  if (request.channels.length > 0 && !request.channels.some((channel) => card.channels.includes(channel))) {
    return `sells ${card.channels.join(", ") || "no channel it names"}`;
  }
  if (request.capability && !card.capabilities.includes(request.capability)) return `cannot ${request.capability}`;
  const words = `${record.id} ${record.name} ${record.domain} ${card.name} ${card.channels.join(" ")}`.toLowerCase();
  if (
    request.query &&
    !request.query
      .toLowerCase()
      .split(/\s+/)
      .every((word) => words.includes(word))
  )
    return "does not match the query";
  return null;
}
