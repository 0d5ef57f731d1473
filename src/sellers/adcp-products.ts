import { refOf } from "../domain/ids.ts";
import type { Channel, DealType, Price, Product, ProductTerms, SellerProposal } from "../domain/inventory.ts";
import { displayMoney, type Money } from "../domain/money.ts";
import { type BidGuidance, type PricingOption, pricingModels, shareWords } from "../domain/package.ts";
import { forecastLevels, forecastWords, targetingOptions } from "./adcp-forecasts.ts";
import type { PublisherScope } from "./adagents-scope.ts";
import { sellerId as checkedId, sellerText } from "./untrusted.ts";
import type { WirePricingOption, WireProduct, WireProposal } from "./wire/adcp.ts";
import { moneyFromNumber } from "./wire/money.ts";

/** AdCP's channels, and the one word we have for each; those we have none for stay unnamed. */
const channelWords: ReadonlyMap<string, Channel> = new Map([
  ["ctv", "ctv"],
  ["olv", "online_video"],
  ["display", "display"],
  ["streaming_audio", "audio"],
  ["podcast", "audio"],
  ["radio", "audio"],
  ["social", "social"],
  ["dooh", "dooh"],
  ["ooh", "dooh"],
  ["linear_tv", "linear_tv"],
]);

/** Our channels for AdCP's, each once. */
export function channelsOf(words: readonly string[]): readonly Channel[] {
  return [...new Set(words.flatMap((word) => channelWords.get(word) ?? []))];
}

/** A product as we know one, or null where its ids or prices cannot be used. Texts are cleaned. */
export function productOf(sellerId: string, wire: WireProduct): Product | null {
  const productId = checkedId(wire.product_id);
  const terms = termsOf(wire);
  if (productId === null || terms.options.length === 0) return null;
  const guaranteed = wire.delivery_type === "guaranteed";
  const about = sellerText(wire.description, 160);
  return {
    ref: refOf(sellerId, productId),
    sellerId,
    productId,
    name: sellerText(wire.name, 80) || productId,
    channel: channelsOf(wire.channels)[0] ?? null,
    formats: terms.formats,
    devices: [],
    geo: terms.countries,
    dealTypes: dealTypesOf(guaranteed, terms.options),
    price: priceOf(terms.options),
    negotiable: null,
    volumeDiscounts: null,
    minImpressions: null,
    availableImpressions: null,
    about: [about, terms.forecast].filter((one) => one).join(" "),
    tags: [guaranteed ? "guaranteed" : "non-guaranteed", ...wire.channels.map((word) => sellerText(word, 30))],
    terms,
  };
}

/** Guaranteed is PG; a fixed price without a guarantee is what a preferred deal is, bids what a private auction is. */
export function dealTypesOf(guaranteed: boolean, options: readonly PricingOption[]): readonly DealType[] {
  if (guaranteed) return ["PG"];
  const fixed = options.some(({ fixed: price }) => price !== null);
  const bids = options.some(({ fixed: price }) => price === null);
  return [...(fixed ? (["PD"] as const) : []), ...(bids ? (["PA"] as const) : [])];
}

function termsOf(wire: WireProduct): ProductTerms {
  const formats = [
    ...wire.format_ids.map(({ id }) => id),
    ...wire.format_options.flatMap(({ format_option_id: id, format_kind: kind }) => id ?? kind ?? []),
  ];
  const levels = forecastLevels(wire);
  return {
    guaranteed: wire.delivery_type === "guaranteed",
    options: wire.pricing_options.flatMap((option) => optionOf(option) ?? []),
    standards: wire.performance_standards.map(({ metric, threshold }) => ({
      metric: sellerText(metric, 40),
      threshold: String(threshold),
    })),
    formats: [...new Set(formats.map((one) => sellerText(one, 60)))].slice(0, 20),
    publishers: [...new Set(scopesOf(wire).map(({ domain }) => sellerText(domain, 80)))],
    countries: wire.countries.map((one) => sellerText(one, 10)),
    cancellation: cancellationWords(wire),
    forecast: forecastWords(levels),
    levels,
    targeting: targetingOptions(wire),
    expiresAt: instantIn(wire.expires_at),
  };
}

/** A price that can be read, of a model we know; a fixed one at or below zero is none. */
function optionOf(wire: WirePricingOption): PricingOption | null {
  const { currency, pricing_model: word, price_guidance: said } = wire;
  const id = checkedId(wire.pricing_option_id);
  const model = pricingModels.find((one) => one === word);
  const fixed = moneyFromNumber(wire.fixed_price, currency);
  const floor = moneyFromNumber(wire.floor_price, currency);
  const isFixed = wire.fixed_price !== null;
  if (id === null || !model || (isFixed && (fixed === null || fixed.micros <= 0n))) return null;
  // Without a readable currency nothing of it could be paid.
  if (moneyFromNumber(1, currency) === null) return null;
  const minSpend = moneyFromNumber(wire.min_spend_per_package, currency);
  return { id, model, currency, fixed, floor: isFixed ? null : floor, guidance: guidanceOf(said, currency), minSpend };
}

function guidanceOf(said: WirePricingOption["price_guidance"], currency: string): BidGuidance | null {
  if (!said) return null;
  const at = (value: number | null) => moneyFromNumber(value, currency);
  return { p25: at(said.p25), p50: at(said.p50), p75: at(said.p75), p90: at(said.p90) };
}

/** The price to show first: a fixed CPM, else a CPM auction's floor, else the first of another model. */
function priceOf(options: readonly PricingOption[]): Price {
  const cpm = options.filter(({ model }) => model === "cpm");
  const fixed = cpm.find((option) => option.fixed !== null)?.fixed;
  if (fixed) return { kind: "exact", model: "cpm", cpm: fixed, floor: null };
  const floor = cpm.find((option) => option.floor !== null)?.floor;
  if (floor) return { kind: "floor", model: "cpm", floor };
  const [other] = options.filter(({ model }) => model !== "cpm");
  const price = other?.fixed ?? other?.floor;
  if (!other || !price || other.model === "cpm") return { kind: "on_request" };
  return { kind: "per_unit", model: other.model, price, fixed: other.fixed !== null };
}

/** Where it runs, for the question whether its publishers let this seller sell it. */
export function scopesOf({ publisher_properties: properties }: WireProduct): readonly PublisherScope[] {
  return properties.flatMap(({ property_ids: ids, property_tags: tags, selection_type: how, ...of }) =>
    [...(of.publisher_domain === null ? [] : [of.publisher_domain]), ...of.publisher_domains].map((domain) => ({
      domain,
      ...(how === "by_id" || ids.length > 0 ? { propertyIds: ids } : {}),
      ...(how === "by_tag" || tags.length > 0 ? { propertyTags: tags } : {}),
    })),
  );
}

/** A bundle the seller proposes, or null where it cannot be bought as it is: no shares, or shares that are not a whole. */
export function proposalOf(sellerId: string, wire: WireProposal, currency: string | null): SellerProposal | null {
  const proposalId = checkedId(wire.proposal_id);
  const shares = wire.allocations.flatMap(({ product_id: id, allocation_percentage: percent, pricing_option_id }) => {
    const productId = checkedId(id);
    const share = hundredths(percent);
    return productId === null || !(share > 0) ? [] : [{ productId, option: checkedId(pricing_option_id), share }];
  });
  const missing = 10_000 - shares.reduce((sum, { share }) => sum + share, 0);
  const [last] = shares.slice(-1);
  // Three thirds written as 33.33 leave a hundredth: it is the last one's, as it is of the budget.
  if (proposalId === null || !last || shares.length !== wire.allocations.length || Math.abs(missing) > shares.length)
    return null;
  const budget = wire.total_budget_guidance;
  const amount = (value: number | null | undefined): Money | null =>
    moneyFromNumber(value ?? null, budget?.currency ?? currency ?? "");
  return {
    ref: refOf(sellerId, proposalId),
    sellerId,
    proposalId,
    name: sellerText(wire.name, 80) || proposalId,
    committed: wire.proposal_status === "committed",
    expiresAt: instantIn(wire.expires_at),
    budget: { least: amount(budget?.min), recommended: amount(budget?.recommended), most: amount(budget?.max) },
    shares: [...shares.slice(0, -1), { ...last, share: last.share + missing }],
    needsSignature: wire.insertion_order?.requires_signature === true,
  };
}

/** A percentage in hundredths, by its decimal text; 0 for what is none. */
function hundredths(percent: number): number {
  const [, whole = "0", rest = ""] = /^(\d{1,3})(?:\.(\d+))?$/.exec(String(percent)) ?? [];
  return Number(whole) * 100 + Number(rest.slice(0, 2).padEnd(2, "0"));
}

/** A seller's instant in ISO 8601 UTC, or null where it is none. */
export function instantIn(text: string | null | undefined): string | null {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

/** Notice and fee as the seller publishes them (AdCP 3.1, cancellation-policy): the fee is for too little notice. */
function cancellationWords({ cancellation_policy: policy, pricing_options: options }: WireProduct): string | null {
  if (!policy) return null;
  const { notice_period: notice, cancellation_fee: fee } = policy;
  const time = notice?.interval ? `${notice.interval} ${sellerText(notice.unit, 20)} of notice` : null;
  if (fee?.type === "none") return time === null ? "no fee" : `${time}, and no fee`;
  return `with ${time === null ? "too little notice" : `less than ${time}`}, ${feeWords(fee, options[0]?.currency ?? "")}`;
}

type Fee = NonNullable<WireProduct["cancellation_policy"]>["cancellation_fee"];

function feeWords(fee: Fee, currency: string): string {
  const amount = moneyFromNumber(fee?.amount ?? null, currency);
  const share = fee?.rate === null || fee?.rate === undefined ? null : shareWords(String(fee.rate));
  if (fee?.type === "full_commitment") return "the whole budget is due";
  if (fee?.type === "fixed_fee")
    return amount ? `a fee of ${displayMoney(amount)}` : "a fixed fee that it does not name";
  if (fee?.type === "percent_remaining") return `a fee of ${share ?? "an unnamed share"} of what is not spent by then`;
  const type = sellerText(fee?.type, 40).replaceAll("_", " ");
  return type === "" ? "a fee that it does not name" : `a fee it calls “${type}”`;
}
