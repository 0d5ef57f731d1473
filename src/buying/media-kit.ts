import { BuyingError } from "../domain/errors.ts";
import type { Tier } from "../domain/identity.ts";
import { refOf, splitRef } from "../domain/ids.ts";
import type { Channel, DealType, MediaKit, Price, Product, SellerProposal } from "../domain/inventory.ts";
import { compare, type Money } from "../domain/money.ts";
import { accessAs, blocked, browseAccess } from "./access.ts";
import { type Asked, askAll } from "./fan-out.ts";
import { offersByBrief } from "../sellers/records.ts";
import type { Ports, SellerRecord } from "./ports.ts";

export interface MediaKitRequest {
  /** Empty = every seller this desk trusts. */
  readonly sellers: readonly string[];
  readonly channels: readonly Channel[];
  readonly formats: readonly string[];
  readonly geo: readonly string[];
  readonly dealType: DealType | null;
  readonly query: string | null;
  /** Words for sellers that offer by a brief; the others are asked as ever. */
  readonly brief: string | null;
  readonly maxCpm: Money | null;
  readonly limit: number;
  readonly offset: number;
  readonly refresh: boolean;
  readonly deadlineMs: number;
}

export interface MediaKitAnswer {
  readonly products: readonly Product[];
  readonly sellers: readonly (Asked<MediaKit> & { readonly shown: number })[];
  readonly total: number;
}

/**
 * A page of what sellers offer, asked of all of them at once: offers for the brief first, then exact prices, the lowest
 * first. Each seller's kit is cached as seen.
 */
export async function getMediaKit(ports: Ports, request: MediaKitRequest): Promise<MediaKitAnswer> {
  const began = ports.now().getTime();
  const records = await chosen(ports, request.sellers, request.deadlineMs);
  const left = request.deadlineMs - (ports.now().getTime() - began);
  const asked = await askAll(ports, records, Math.max(left, request.deadlineMs / 2), (record) =>
    kitOf(ports, record, request.query, request.refresh, request.brief),
  );
  const matching = asked.flatMap(({ value }) => value?.products ?? []).filter((product) => matches(request, product));
  matching.sort(byPrice);
  // What was offered for the brief is the answer to it; kits that know no briefs come after.
  if (request.brief !== null) matching.sort((left, right) => Number(!left.terms) - Number(!right.terms));
  const products = matching.slice(request.offset, request.offset + request.limit);
  const sellers = asked.map((one) => {
    const shown = matching.filter((product) => product.sellerId === one.record.id).length;
    return { ...one, status: one.status === "ok" && shown === 0 ? ("empty" as const) : one.status, shown };
  });
  return { products, sellers, total: matching.length };
}

/**
 * A seller's whole kit as the desk is seen there without a deal in mind. With a query the seller's own search may add
 * or rank; every answer is cached for the cache's life time.
 * @param shown as what it was shown already, for a deal: sellers by account aside, that tier's kit may say more
 */
export async function kitOf(
  ports: Ports,
  unasked: SellerRecord,
  query: string | null,
  refresh = false,
  wished: string | null = null,
  shown: Tier | null = null,
): Promise<MediaKit> {
  const record = await ports.directory.resolved(unasked);
  if (record.blocked) throw blocked(record);
  const access = shown === null || record.byAccount ? browseAccess(ports, record) : accessAs(ports, shown);
  // A seller nobody vouches for gets no words of the planner's either; its kit is filtered here.
  const isKnown = record.trust !== "unknown";
  const byBrief = offersByBrief(record.protocol);
  const brief = isKnown && byBrief ? (wished?.trim() ?? null) : null;
  const asked = isKnown && !byBrief ? (query?.toLowerCase().trim() ?? null) : null;
  const key = `kit:${record.id}:${record.origin}:${access.tier}:${JSON.stringify([asked, brief])}`;
  if (!refresh) {
    const cached = await ports.cache.get(key);
    if (isKept(cached)) return kitFrom(cached);
  }
  const { products, unreadable, notes, proposals } = await ports.directory
    .connect(record)
    .catalogue({ query: asked, brief, limit: 1000 }, access);
  const kit: MediaKit = { sellerId: record.id, seenAs: access.tier, products, unreadable, notes, proposals };
  const text = JSON.stringify(kit, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
  await ports.cache.set(key, { kit: text } satisfies Kept);
  return kit;
}

/** A product, or a proposal of the seller's with the first product in it. */
export interface Found {
  readonly record: SellerRecord;
  readonly product: Product;
  readonly proposal: SellerProposal | null;
}

/**
 * One product by its reference, or by a name that only one seller uses.
 * @param brief what the seller was asked with, where it makes products for a brief
 * @throws BuyingError `unknown_product` with candidates
 */
export async function findProduct(
  ports: Ports,
  wanted: string,
  deadlineMs: number,
  brief: string | null = null,
): Promise<Found> {
  if (/^[a-z0-9.-]+\/\S+$/.test(wanted)) {
    const { sellerId, theirId } = splitRef(wanted);
    const record = await ports.directory.find(sellerId);
    const kit = await kitOf(ports, record, null, false, brief);
    const product = kit.products.find((candidate) => candidate.ref === refOf(record.id, theirId));
    if (product) return { record, product, proposal: null };
    const proposal = kit.proposals?.find((one) => one.ref === refOf(record.id, theirId));
    const first = proposal && kit.products.find(({ productId }) => productId === proposal.shares[0]?.productId);
    if (proposal && first) return { record, product: first, proposal };
    throw unknownProduct(wanted, nearest(wanted, kit.products));
  }
  const asked = await askAll(ports, await chosen(ports, [], deadlineMs), deadlineMs, (record) =>
    kitOf(ports, record, null),
  );
  const products = asked.flatMap(({ record, value }) =>
    (value?.products ?? []).map((product) => ({ record, product, proposal: null })),
  );
  const named = products.filter(({ product }) => product.name.toLowerCase() === wanted.trim().toLowerCase());
  const [only] = named;
  if (only && named.length === 1) return { ...only, record: await ports.directory.resolved(only.record) };
  throw unknownProduct(
    wanted,
    named.length > 1
      ? named.map(({ product }) => product.ref)
      : nearest(
          wanted,
          products.map(({ product }) => product),
        ),
  );
}

/** The sellers named, or all that are vouched for; for those registries are asked whom they list, for half of the time at most. */
async function chosen(ports: Ports, ids: readonly string[], deadlineMs: number): Promise<readonly SellerRecord[]> {
  if (ids.length === 0) {
    await ports.directory.search(false, deadlineMs / 2);
    return (await ports.directory.all()).filter((record) => !record.blocked && record.trust !== "unknown");
  }
  const found = await Promise.all(ids.map((id) => ports.directory.find(id)));
  // One seller may be named twice, by its id and by its domain.
  return [...new Map(found.map((record) => [record.id, record])).values()];
}

/** A kit as it is kept: our own text. */
interface Kept {
  readonly kit: string;
}

function isKept(value: unknown): value is Kept {
  return typeof value === "object" && value !== null && "kit" in value && typeof value.kit === "string";
}

/** Kits by what they were read from: the cache gives the same reading to many calls. */
const read = new WeakMap<Kept, MediaKit>();

function kitFrom(kept: Kept): MediaKit {
  const known = read.get(kept);
  if (known) return known;
  // Our own text of a few minutes ago; only `micros` needs reviving.
  const kit = JSON.parse(kept.kit, (key, value: unknown) =>
    key === "micros" && typeof value === "string" ? BigInt(value) : value,
  ) as MediaKit;
  read.set(kept, kit);
  return kit;
}

function matches(request: MediaKitRequest, product: Product): boolean {
  const { channels, formats, geo, dealType, maxCpm, query } = request;
  if (channels.length > 0 && !(product.channel && channels.includes(product.channel))) return false;
  if (
    formats.length > 0 &&
    !formats.some((format) => product.formats.some((has) => has.toLowerCase().includes(format.toLowerCase())))
  )
    return false;
  if (geo.length > 0 && product.geo.length > 0 && !geo.some((place) => isWithin(place, product.geo))) return false;
  if (dealType && !product.dealTypes.includes(dealType)) return false;
  const lowest = lowestPrice(product.price);
  // A price that nobody names is not passed off as a low one.
  if (maxCpm && !(lowest?.currency === maxCpm.currency && compare(lowest, maxCpm) <= 0)) return false;
  if (!query) return true;
  const words =
    `${product.ref} ${product.name} ${product.channel ?? ""} ${product.about} ${product.tags.join(" ")} ${product.formats.join(" ")}`.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .some((word) => words.includes(word));
}

/** True where a place is sold, as such or as part of a larger one, or where part of it is: US, US-CA. */
function isWithin(place: string, sold: readonly string[]): boolean {
  const wanted = `${place.trim().toUpperCase()}-`;
  return sold.some((one) => {
    const there = `${one.toUpperCase()}-`;
    return there.startsWith(wanted) || wanted.startsWith(there);
  });
}

/** The lowest CPM a price can turn out to be; null when the seller names none. */
export function lowestPrice(price: Price): Money | null {
  switch (price.kind) {
    case "exact":
      return price.cpm;
    case "range":
      return price.low;
    case "floor":
      return price.floor;
    case "per_unit":
    case "on_request":
      return null;
  }
}

/** Exact prices first, lowest first; then ranges and floors, which may turn out dearer; then what has no price. */
function byPrice(left: Product, right: Product): number {
  const exact = Number(right.price.kind === "exact") - Number(left.price.kind === "exact");
  if (exact !== 0) return exact;
  const [a, b] = [lowestPrice(left.price), lowestPrice(right.price)];
  if (!a || !b) return a ? -1 : b ? 1 : 0;
  if (a.currency !== b.currency) return a.currency < b.currency ? -1 : 1;
  return compare(a, b);
}

function nearest(wanted: string, products: readonly Product[]): readonly string[] {
  const words = wanted
    .toLowerCase()
    .split(/[\s/-]+/)
    .filter((word) => word.length > 2);
  const score = (product: Product) =>
    words.filter((word) => `${product.ref} ${product.name}`.toLowerCase().includes(word)).length;
  return [...products]
    .sort((left, right) => score(right) - score(left))
    .slice(0, 5)
    .map(({ ref }) => ref);
}

function unknownProduct(wanted: string, candidates: readonly string[]): BuyingError {
  const named = candidates.length > 0 ? ` Candidates: ${candidates.join(", ")}.` : "";
  return new BuyingError(
    "unknown_product",
    `No one product is ${JSON.stringify(wanted.slice(0, 80))}.${named} Nothing was booked.`,
    "fix_arguments",
    {
      field: "product",
      candidates,
    },
  );
}
