import { refOf } from "../domain/ids.ts";
import type { Channel, DealType, Price, Product } from "../domain/inventory.ts";
import { type Money, mulDiv } from "../domain/money.ts";
import { channelOf, distinct } from "./iab-words.ts";
import { word } from "./opendirect-dialect.ts";
import { unreadable } from "./opendirect-errors.ts";
import type { Session } from "./opendirect-session.ts";
import { type Access, type CatalogueAnswer, type CatalogueQuery, SellerFailure } from "./seller.ts";
import { sellerId as checkedId, sellerText } from "./untrusted.ts";
import { moneyFromText } from "./wire/money.ts";
import { productShape, type WireProduct } from "./wire/opendirect.ts";

/** The products of one OpenDirect seller. */
export interface Catalogue {
  list(query: CatalogueQuery, access: Access): Promise<CatalogueAnswer>;
  one(productId: string, access: Access): Promise<{ readonly wire: WireProduct; readonly product: Product }>;
}

/** @see Catalogue */
export function createCatalogue(session: Session): Catalogue {
  const { sellerId } = session;

  /**
   * What the seller's own search finds by name, best first; nothing where it serves no search. It may add to what is listed,
   * and takes nothing from it: servers ignore the fields that they do not know.
   */
  async function searched(query: string, access: Access): Promise<readonly WireProduct[]> {
    const ask = { name: `*${query}*` };
    const call = { method: "POST", path: session.path("products", "search"), phase: "media_kit" } as const;
    try {
      const answer = await session.send({ ...call, body: session.body(ask), repeatable: true }, access);
      return session.entries("products", productShape, answer).entries;
    } catch (error) {
      const isServed = !(error instanceof SellerFailure) || error.status === null || error.status >= 500;
      if (isServed) throw error;
      return [];
    }
  }

  return {
    async list({ query, limit }, access) {
      const { entries, unreadable: lost } = await session.list(
        "products",
        productShape,
        session.path("products"),
        access,
      );
      const hits = query === null ? [] : await searched(query, access);
      const all = [...new Map([...hits, ...entries].map((wire) => [wire.id, wire])).values()];
      const usable = all.flatMap((wire) => productOf(sellerId, wire) ?? []);
      const rank = (product: Product) => (query === null || says(product, query) ? 0 : 1);
      const ranked = usable.toSorted((left, right) => rank(left) - rank(right));
      return { products: ranked.slice(0, limit), unreadable: lost + all.length - usable.length, notes: [] };
    },

    async one(productId, access) {
      const wire = await session.get("a product", productShape, session.path("products", productId), access);
      if (wire.id !== productId) throw unreadable(sellerId, "a product", "it is another product");
      const product = productOf(sellerId, wire);
      if (product) return { wire, product };
      throw unreadable(sellerId, "a product", "its id or its price cannot be used");
    },
  };
}

function says({ name, about, tags }: Product, query: string): boolean {
  return [name, about, ...tags].join(" ").toLowerCase().includes(query);
}

/** A product in our words; null where its id cannot be used. */
function productOf(sellerId: string, wire: WireProduct): Product | null {
  const productId = checkedId(wire.id);
  if (productId === null) return null;
  const price = priceOf(wire);
  const tags = wire.producttags.map((tag) => sellerText(tag, 40)).filter((tag) => tag !== "");
  return {
    ref: refOf(sellerId, productId),
    sellerId,
    productId,
    name: sellerText(wire.name, 80) || productId,
    channel: channelIn(wire),
    formats: distinct(wire.adunit.flatMap(({ name }) => sellerText(name, 60) || [])),
    devices: [],
    geo: [],
    dealTypes: [dealTypeIn(wire)],
    price,
    // OpenDirect has no way to bargain: the seller sets the rate of a line.
    negotiable: false,
    volumeDiscounts: null,
    minImpressions: leastOf(wire, price),
    availableImpressions: wire.availableimpressions,
    about: sellerText(wire.description, 160),
    tags,
  };
}

/**
 * The base price: where a product's prices begin, at retail (OpenDirect 2.1, Product). What else than CPM it may be is
 * defined in 1.5 alone: viewed impressions, clicks, days, or the whole.
 */
function priceOf(wire: WireProduct): Price {
  const price = wire.currency ? moneyFromText(wire.baseprice, wire.currency) : null;
  if (!price || price.micros <= 0n) return { kind: "on_request" };
  switch (word(wire.ratetype)) {
    case "cpm":
      return { kind: "exact", model: "cpm", cpm: price, floor: null };
    case "cpmv":
      return { kind: "per_unit", model: "vcpm", price, fixed: true };
    case "cpc":
      return { kind: "per_unit", model: "cpc", price, fixed: true };
    case "flatrate":
      return { kind: "per_unit", model: "flat_rate", price, fixed: true };
    default:
      return { kind: "on_request" };
  }
}

/** Impressions that the least spend pays for at the base price, rounded up. */
function leastOf({ minspend, currency }: WireProduct, price: Price): number | null {
  const least = currency ? moneyFromText(minspend, currency) : null;
  if (!least || least.micros <= 0n || price.kind !== "exact") return null;
  const { micros } = price.cpm;
  return Number((least.micros * 1000n + micros - 1n) / micros);
}

/** Everything is bought at a fixed rate: guaranteed and exclusive products as PG, all else as PD. */
function dealTypeIn({ deliverytype }: WireProduct): DealType {
  return ["guaranteed", "exclusive", "programmaticguaranteed"].includes(word(deliverytype)) ? "PG" : "PD";
}

/** OpenDirect has no field for the channel: tags say it, or what fits the ad unit (AdCOM, Placement). */
function channelIn({ producttags, adunit, name }: WireProduct): Channel | null {
  const inTags = producttags.flatMap((tag) => channelOf(tag.toLowerCase().replaceAll(/[ -]/g, "_")) ?? [])[0];
  if (inTags) return inTags;
  const kinds = adunit.flatMap(({ spec }) => Object.keys(spec));
  const inUnits = kinds.flatMap((kind) => channelOf(kind) ?? [])[0];
  return inUnits ?? (name ?? "").split(/[^\p{L}\p{N}]+/u).flatMap((one) => channelOf(one) ?? [])[0] ?? null;
}

/** What so many impressions cost at a CPM, in micros and unrounded but for the last one. */
export function costOf(cpm: Money, impressions: number): bigint {
  return mulDiv(cpm.micros, BigInt(impressions), 1000n);
}

/** A million of millions, in micros: what comes to more is no amount, and every sum over it would fail later. */
const MOST_MICROS = 1_000_000_000_000_000_000n;

/** Whether a price and a volume come to an amount of money at all. */
export function isPayable(cpm: Money, impressions: number): boolean {
  return costOf(cpm, impressions) <= MOST_MICROS;
}
