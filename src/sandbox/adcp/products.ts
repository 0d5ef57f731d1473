import { activeAccount } from "./accounts.ts";
import type { AdcpCall } from "./call.ts";
import { page } from "./page.ts";
import { productOnWire } from "./product-wire.ts";
import { passes } from "./products-filter.ts";
import type { AdcpProduct } from "./profile.ts";
import { proposalOnWire, proposalsFor } from "./proposals.ts";
import { refine } from "./refine.ts";
import { refusal } from "./refusal.ts";
import type { AdcpRuntime } from "./runtime.ts";
import type { Json } from "./state.ts";

type Args = AdcpCall<"get_products">["args"];

const feed = (seller: AdcpRuntime) => ({
  wholesale_feed_version: `feed-${seller.books.priceFactor}`,
  pricing_version: `prices-${seller.books.priceFactor}`,
});

function days(from: string | undefined, to: string | undefined): number {
  if (from === undefined || to === undefined) return 1;
  return Math.max(1, Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000));
}

function matches(product: AdcpProduct, brief: string): string[] {
  const said = brief.toLowerCase().split(/[^a-z0-9-]+/);
  return product.words.filter((word) => said.includes(word));
}

/** The products for a brief, best first. A brief that speaks of nothing we sell gets everything. */
function ranked(products: readonly AdcpProduct[], brief: string): AdcpProduct[] {
  const scored = products.map((product) => ({ product, score: matches(product, brief).length }));
  const best = scored.filter(({ score }) => score > 0);
  const chosen = best.length > 0 ? best : scored;
  return chosen.sort((a, b) => b.score - a.score).map(({ product }) => product);
}

const essential = ["product_id", "name", "description", "publisher_properties", "delivery_type", "pricing_options"];
const always = [...essential, "reporting_capabilities", "format_ids", "format_options"];

function projected(product: Json, fields: readonly string[] | undefined): Json {
  if (!fields) return product;
  return Object.fromEntries(Object.entries(product).filter(([name]) => always.includes(name) || fields.includes(name)));
}

/** Less than two seconds are too short to forecast; one is too short for more than one product. */
function hurry(args: Args): "none" | "forecast" | "products" {
  const { interval = 60, unit = "seconds" } = args.time_budget ?? {};
  if (unit !== "seconds" || interval > 2) return "none";
  return interval === 2 ? "forecast" : "products";
}

function unfinished(scope: "forecast" | "products"): Json {
  const description =
    scope === "forecast" ? "Forecasts take longer than the time given." : "We only looked at one product.";
  return { incomplete: [{ scope, description, estimated_wait: { interval: 5, unit: "seconds" } }] };
}

function listed(seller: AdcpRuntime, args: Args, products: readonly AdcpProduct[], brief: string): Json {
  const short = hurry(args);
  const asked = short === "products" ? products.slice(0, 1) : products;
  const { items, pagination } = page(asked, args.pagination);
  const told = items.map((product) => {
    const found = matches(product, brief);
    const relevance = brief === "" || found.length === 0 ? {} : { relevance: `Matches: ${found.join(", ")}.` };
    const more = { ...relevance, withForecast: short === "none" };
    return projected(productOnWire(seller, product, seller.options(product), more), args.fields);
  });
  return { products: told, pagination, ...(short === "none" ? {} : unfinished(short)) };
}

/** get_products in its three modes: AdCP 3.1, get_products. */
export function getProducts(call: AdcpCall<"get_products">): Json {
  const { seller, args } = call;
  const cache = seller.version === "3.1" ? { cache_scope: "account" } : {};
  if (args.account) activeAccountOrNone(seller, args.account);
  if (args.buying_mode === "refine") {
    if (!args.refine)
      throw refusal("INVALID_REQUEST", "Nothing to refine was named.", "correctable", { field: "refine" });
    return { ...cache, ...refine(call, args.refine) };
  }
  const passing = seller.profile.products.filter((product) => passes(product, args.filters));
  if (args.buying_mode === "wholesale") {
    if (args.if_wholesale_feed_version === feed(seller).wholesale_feed_version) {
      return { ...cache, unchanged: true, wholesale_feed_version: feed(seller).wholesale_feed_version };
    }
    const versions = seller.version === "3.1" ? feed(seller) : {};
    return { ...cache, ...versions, ...listed(seller, args, passing, "") };
  }
  const { brief } = args;
  if (!brief) throw refusal("INVALID_REQUEST", "A brief is missing.", "correctable", { field: "brief" });
  const products = ranked(passing, brief);
  const proposals = proposalsFor(seller, products).map((proposal) => proposalOnWire(seller, proposal, args.filters));
  return {
    ...cache,
    ...listed(seller, args, products, brief),
    ...(proposals.length > 0 ? { proposals } : {}),
    message: `${products.length} product(s) for this brief over ${days(args.filters?.start_date, args.filters?.end_date)} day(s).`,
  };
}

/** Looking needs no account; only one that was turned down is refused. */
function activeAccountOrNone(seller: AdcpRuntime, ref: NonNullable<Args["account"]>): void {
  if ("account_id" in ref) activeAccount(seller, ref);
}
