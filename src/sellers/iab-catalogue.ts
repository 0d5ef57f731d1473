import type * as z from "zod";
import { refOf } from "../domain/ids.ts";
import type { Price, Product } from "../domain/inventory.ts";
import type { SellerLog } from "./http.ts";
import type { Exchange } from "./iab-exchange.ts";
import { unreadable } from "./iab-refusals.ts";
import { channelOf, dealTypeOf, deviceWordsOf, distinct } from "./iab-words.ts";
import { type Access, type CatalogueAnswer, type CatalogueQuery, SellerFailure } from "./seller.ts";
import { sellerId as checkedId, sellerText } from "./untrusted.ts";
import { packageAnswer, packagesAnswer, productAnswer, productsAnswer } from "./wire/iab-seller-agent.ts";
import { moneyFromNumber, moneyRange } from "./wire/money.ts";

/**
 * The catalogue of an IAB seller agent 2.4.2: its products, which can be quoted, joined with the packages of its media
 * kit, which cannot. A package with placements lends its products what it says of them; one without (the public view)
 * is listed as it is, with its price range and no deal type to buy it under.
 */
export interface Catalogue {
  list(query: CatalogueQuery, access: Access): Promise<CatalogueAnswer>;
  one(productId: string, access: Access): Promise<Product>;
  /** True for a package of the media kit that is listed as it is, and cannot be quoted. */
  isBundle(productId: string, access: Access): Promise<boolean>;
  /** The currency a product is priced in, or null where it has no price. */
  currencyOf(productId: string, access: Access): Promise<string | null>;
}

type WireProduct = z.output<typeof productAnswer>;
type WirePackage = z.output<typeof packageAnswer>;

const PAGE = 100;
/** 5,000 products: a seller that keeps inventing new ones is not read for ever. */
const MOST_PAGES = 50;
/** What a seller that ignores paging may send at once. Checking half a million entries would hold up everybody else. */
const MOST_ENTRIES = PAGE * MOST_PAGES;

/** Reads the catalogue of one seller. */
export function createCatalogue({ sellerId, http, ask }: Exchange, log: SellerLog): Catalogue {
  async function allProducts(access: Access): Promise<{ products: WireProduct[]; unreadable: number }> {
    const found = new Map<string, WireProduct>();
    let lost = 0;
    let offset = 0;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const path = `/products?limit=${PAGE}&offset=${offset}`;
      const answer = await ask("its products", productsAnswer, { method: "GET", path, phase: "media_kit" }, access);
      const { products, bad } = readable(productAnswer, answer.products, ({ product_id }) => product_id);
      const fresh = products.filter(({ product_id }) => !found.has(product_id));
      // A seller that ignores the offset gives the same page for ever.
      if (fresh.length === 0) return { products: [...found.values()], unreadable: lost + (page === 0 ? bad : 0) };
      for (const product of fresh) found.set(product.product_id, product);
      lost += bad;
      offset += answer.products.length;
      // Its count is believed only where it agrees with a page that was not full.
      if (answer.products.length < PAGE && offset >= (answer.total_count ?? 0)) break;
    }
    return { products: [...found.values()], unreadable: lost };
  }

  async function productAt(productId: string, access: Access): Promise<WireProduct> {
    const path = `/products/${encodeURIComponent(productId)}`;
    const product = await ask("a product", productAnswer, { method: "GET", path, phase: "media_kit" }, access);
    if (product.product_id !== productId) throw unreadable(sellerId, "a product", "it is another product");
    return product;
  }

  async function packagesAt(path: string, access: Access): Promise<readonly unknown[]> {
    return ask("its media kit", packagesAnswer, { method: "GET", path, phase: "media_kit" }, access);
  }

  /** Packages only add to what products say, so that their failure is noted and loses nothing else. */
  async function packages(access: Access): Promise<{ packages: WirePackage[]; unreadable: number; notes: string[] }> {
    try {
      const kit = http.hasCredential(access.tier)
        ? await packagesAt("/packages", access)
        : await packagesAt("/media-kit", access).catch(() => packagesAt("/media-kit/packages", access));
      const { products, bad } = readable(packageAnswer, kit, ({ package_id }) => package_id);
      return { packages: products, unreadable: bad, notes: [] };
    } catch (error) {
      if (!(error instanceof SellerFailure)) throw error;
      log.warn({ seller: sellerId, kind: error.kind, status: error.status }, "media kit not readable, products are");
      return { packages: [], unreadable: 0, notes: [`products only: ${error.message}`] };
    }
  }

  /** Ids of packages and products the seller's own search finds, best first; empty where it cannot search. */
  async function searched(query: string, access: Access): Promise<readonly string[]> {
    const body = JSON.stringify({ query });
    const call = { method: "POST", path: "/media-kit/search", body, phase: "media_kit" } as const;
    try {
      const hits = readable(
        packageAnswer,
        await ask("a search", packagesAnswer, call, access),
        (hit) => hit.package_id,
      );
      return hits.products.flatMap((hit) => [hit.package_id, ...hit.placements.map(({ product_id }) => product_id)]);
    } catch (error) {
      if (!(error instanceof SellerFailure)) throw error;
      log.warn({ seller: sellerId, kind: error.kind, status: error.status }, "media kit not searchable");
      return [];
    }
  }

  return {
    async list({ query, limit }, access) {
      const [products, kit, hits] = await Promise.all([
        allProducts(access),
        packages(access),
        query === null ? [] : searched(query, access),
      ]);
      const bundles = kit.packages.filter(({ placements }) => placements.length === 0);
      const all = [
        ...products.products.map((product) => productOf(sellerId, product, kit.packages)),
        ...bundles.map((bundle) => bundleOf(sellerId, bundle)),
      ];
      const ranked = ranking(all, query, hits);
      return { products: ranked.slice(0, limit), unreadable: products.unreadable + kit.unreadable, notes: kit.notes };
    },
    async isBundle(productId, access) {
      const kit = await packages(access);
      return kit.packages.some(({ package_id }) => package_id === productId);
    },
    async currencyOf(productId, access) {
      return (await productAt(productId, access)).base_price?.currency ?? null;
    },
    async one(productId, access) {
      const [product, kit] = await Promise.all([
        productAt(productId, access).catch((error: unknown) => {
          if (error instanceof SellerFailure && error.kind === "not_found") return error;
          throw error;
        }),
        packages(access),
      ]);
      if (!(product instanceof SellerFailure)) return productOf(sellerId, product, kit.packages);
      const bundle = kit.packages.find((item) => item.package_id === productId && item.placements.length === 0);
      if (!bundle) throw product;
      return bundleOf(sellerId, bundle);
    },
  };
}

/** Entries that can be read and have a usable id, each id once, and how many could not or were too many. */
function readable<Shape extends z.ZodType>(
  shape: Shape,
  entries: readonly unknown[],
  idOf: (entry: z.output<Shape>) => string,
): { products: z.output<Shape>[]; bad: number } {
  const found = new Map<string, z.output<Shape>>();
  let bad = Math.max(0, entries.length - MOST_ENTRIES);
  for (const entry of entries.slice(0, MOST_ENTRIES)) {
    const result = shape.safeParse(entry);
    if (result.success && checkedId(idOf(result.data)) !== null) found.set(idOf(result.data), result.data);
    else bad += 1;
  }
  return { products: [...found.values()], bad };
}

function productOf(sellerId: string, product: WireProduct, kit: readonly WirePackage[]): Product {
  const { product_id: productId, ext } = product;
  const homes = kit.filter(({ placements }) => placements.some(({ product_id }) => product_id === productId));
  const devices = homes.flatMap(({ placements }) =>
    placements.filter(({ product_id }) => product_id === productId).flatMap(({ device_types }) => device_types),
  );
  const contents = Object.values(product.content_targeting).flatMap((values) => (Array.isArray(values) ? values : []));
  return {
    ref: refOf(sellerId, productId),
    sellerId,
    productId,
    name: sellerText(product.name, 80) || productId,
    channel: channelOf(ext.inventory_type ?? product.ad_formats[0] ?? null),
    formats: cleaned([...homes.flatMap(({ ad_formats }) => ad_formats), ...product.ad_formats]),
    devices: deviceWordsOf(devices),
    geo: cleaned([...product.ad_product_targeting.geo, ...homes.flatMap(({ geo_targets }) => geo_targets)]),
    dealTypes: distinct(ext.deal_types.flatMap((type) => dealTypeOf(type) ?? [])),
    price: priceOf(product, homes),
    negotiable: anyOf(homes.map(({ negotiation_enabled }) => negotiation_enabled)),
    volumeDiscounts: anyOf(homes.map(({ volume_discounts_available }) => volume_discounts_available)),
    minImpressions: ext.minimum_impressions,
    availableImpressions: product.available_impressions,
    about: sellerText(product.description, 160),
    tags: tagsOf(homes, contents),
  };
}

/**
 * The list price, and the floor the seller publishes to everybody. A package's exact price, at our tier, replaces the
 * list price only where the package holds this one product: the price of a bundle is no product's price. Neither is
 * promised; a quote is. Without a list price a product is sold from its floor on (which this contract writes in US
 * dollars), and without a floor it is on request, whatever a package says.
 */
function priceOf(product: WireProduct, homes: readonly WirePackage[]): Price {
  const { base_price: list, pricing_model: model, ext } = product;
  if (model !== null && model.toLowerCase() !== "cpm") return { kind: "on_request" };
  const floor = moneyFromNumber(ext.floor_cpm, list?.currency ?? "USD");
  if (!list || list.micros <= 0n) {
    return floor && floor.micros > 0n ? { kind: "floor", model: "cpm", floor } : { kind: "on_request" };
  }
  const own = homes.find(({ placements, currency }) => placements.length === 1 && currency === list.currency);
  const exact = moneyFromNumber(own?.exact_price ?? null, list.currency);
  const ownFloor = moneyFromNumber(own?.floor_price ?? null, list.currency);
  return { kind: "exact", model: "cpm", cpm: exact && exact.micros > 0n ? exact : list, floor: floor ?? ownFloor };
}

function bundleOf(sellerId: string, bundle: WirePackage): Product {
  const range = moneyRange(bundle.price_range);
  return {
    ref: refOf(sellerId, bundle.package_id),
    sellerId,
    productId: bundle.package_id,
    name: sellerText(bundle.name, 80) || bundle.package_id,
    channel: null,
    formats: cleaned(bundle.ad_formats),
    devices: deviceWordsOf(bundle.device_types),
    geo: cleaned(bundle.geo_targets),
    dealTypes: [],
    price: range ? { kind: "range", model: "cpm", ...range } : { kind: "on_request" },
    negotiable: bundle.negotiation_enabled,
    volumeDiscounts: bundle.volume_discounts_available,
    minImpressions: null,
    availableImpressions: null,
    about: sellerText(bundle.description, 160),
    tags: distinct(["bundle", ...tagsOf([bundle], [])]),
  };
}

function tagsOf(homes: readonly WirePackage[], contents: readonly unknown[]): readonly string[] {
  const featured = homes.some(({ is_featured }) => is_featured === true) ? ["featured"] : [];
  return distinct([...featured, ...cleaned([...homes.flatMap(({ tags }) => tags), ...contents])]);
}

function cleaned(words: readonly unknown[]): readonly string[] {
  return distinct(words.map((word) => sellerText(word, 40)).filter((word) => word !== "")).slice(0, 12);
}

function anyOf(flags: readonly (boolean | null)[]): boolean | null {
  if (flags.includes(true)) return true;
  return flags.includes(false) ? false : null;
}

/**
 * Without words: featured first, else as the seller lists them. With words: what the seller's search found, then by how
 * many of the words a product's own texts hold. Nothing is dropped; the reader filters.
 */
function ranking(products: readonly Product[], query: string | null, hits: readonly string[]): readonly Product[] {
  const words = (query ?? "")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length > 1);
  const scores = new Map(products.map((product) => [product, score(product, words, hits)]));
  return [...products].sort((left, right) => (scores.get(right) ?? 0) - (scores.get(left) ?? 0));
}

function score(product: Product, words: readonly string[], hits: readonly string[]): number {
  const { name, about, channel, tags, formats } = product;
  const text = [name, about, channel ?? "", ...tags, ...formats].join(" ").toLowerCase().replaceAll("_", " ");
  const held = words.filter((word) => text.includes(word)).length;
  const at = hits.indexOf(product.productId);
  const found = at < 0 ? 0 : 0.5 + 0.4 / (at + 1);
  return held + found + (tags.includes("featured") ? 0.05 : 0);
}
