import { type Answer, answer } from "../wire.ts";
import type { OpenDirectCall, OpenDirectRoute } from "./call.ts";
import { listed } from "./listing.ts";
import { decimal, times } from "./money.ts";
import type { OpenDirectProduct } from "./profile.ts";
import { type Json, missing, notServed, OpenDirectRefusal } from "./refusal.ts";
import type { OpenDirectRuntime } from "./runtime.ts";

function words(daily: number): string {
  if (daily >= 1_000_000) return "Millions";
  if (daily >= 100_000) return "Hundreds of Thousands";
  return daily >= 1_000 ? "Thousands" : "Few";
}

/** A product on the wire: OpenDirect 2.1, Product. */
function productOnWire(seller: OpenDirectRuntime, product: OpenDirectProduct): Json {
  const { minSpendMicros } = product;
  return {
    id: product.id,
    publisherid: seller.profile.publisherId,
    name: product.name,
    description: product.about,
    currency: product.currency,
    baseprice: decimal(times(product.baseMicros, seller.behaviour.priceFactor)),
    ratetype: product.rateType,
    deliverytype: product.delivery,
    domain: seller.profile.domain,
    ...(minSpendMicros === undefined ? {} : { minspend: decimal(minSpendMicros) }),
    minflight: product.minFlightDays,
    maxflight: product.maxFlightDays,
    leadtime: product.leadDays,
    allownocreative: product.allowNoCreative,
    estdailyavails: words(product.daily),
    languages: ["en"],
    producttags: product.tags,
    adunit: [product.adUnit],
    tz: "GMT",
    reservedexpirytime: `P${product.holdDays}D`,
  };
}

function all(seller: OpenDirectRuntime): readonly Json[] {
  return seller.profile.products.map((product) => productOnWire(seller, product));
}

function oneProduct({ seller, params }: OpenDirectCall): Answer {
  const product = seller.product(params["id"] ?? "");
  if (!product) throw missing("product");
  return answer(productOnWire(seller, product));
}

function folded(value: unknown): string {
  return String(value).toLowerCase();
}

/** And between fields, or between the values of one: OpenDirect 1.5.1, product search. Tags match whole. */
function fits(product: Json, wished: Json): boolean {
  return Object.entries(wished).every(([name, wish]) => {
    const had = product[name];
    // What products do not have (the buyer clients' `channel`) is not looked at.
    if (had === undefined) return true;
    const wishes = (Array.isArray(wish) ? wish : [wish]).map(folded);
    return (Array.isArray(had) ? had : [had]).some((value) => wishes.includes(folded(value)));
  });
}

function searched(call: OpenDirectCall): Answer {
  const { search } = call.seller.behaviour;
  if (search === "unknown") throw new OpenDirectRefusal(404, []);
  if (search === "not-allowed") throw notServed();
  const wished = call.hasBody ? call.body() : {};
  return listed(
    call,
    "products",
    all(call.seller).filter((product) => fits(product, wished)),
  );
}

export const productRoutes: readonly OpenDirectRoute[] = [
  {
    methods: ["GET"],
    path: "/products",
    operation: "catalogue",
    handle: (call) => listed(call, "products", all(call.seller)),
  },
  { methods: ["POST"], path: "/products/search", operation: "catalogue", handle: searched },
  { methods: ["GET"], path: "/products/{id}", operation: "catalogue", handle: oneProduct },
];
