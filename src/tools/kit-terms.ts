import type { ForecastLevel, Product, SellerProposal, Spread, TargetingOption } from "../domain/inventory.ts";
import { formatMoney, type Money } from "../domain/money.ts";
import { perWords, type PricingOption, promiseOf, promiseWords, shareWords, type Standard } from "../domain/package.ts";

/** What a product sold by budget costs and promises, as structured data; null for one that is sold by volume. */
export function termsRow({ terms }: Product) {
  if (!terms) return null;
  const { guaranteed, standards, formats, publishers, forecast, levels = [], targeting = [], expiresAt } = terms;
  return {
    guaranteed,
    pricing_options: terms.options.map((option) => ({
      pricing_option: option.id,
      model: option.model,
      fixed: text(option.fixed),
      floor: text(option.floor),
      wins: option.guidance && {
        p25: text(option.guidance.p25),
        p50: text(option.guidance.p50),
        p75: text(option.guidance.p75),
        p90: text(option.guidance.p90),
      },
      min_spend: text(option.minSpend),
    })),
    promises: standards.map(words),
    formats,
    publishers,
    forecast,
    forecast_levels: levels.map(({ label, budget, impressions, winRate, per }) => ({
      ...{ label, budget: text(budget), impressions, win_rate: winRate, per },
    })),
    targeting,
    price_until: expiresAt,
  };
}

/** The same in one line for readers; empty where the table says it all. */
export function termsText({ ref, terms }: Product): string {
  if (!terms) return "";
  const promises = terms.standards.map(words);
  return [
    `${ref}: ${terms.guaranteed ? "guaranteed" : "not guaranteed"}, ${terms.options.map(optionText).join("; ")}`,
    ...(promises.length > 0 ? [`promises ${promises.join(", ")}`] : []),
    ...(terms.formats.length > 0 ? [`formats ${terms.formats.join(", ")}`] : []),
    ...(terms.publishers.length > 0 ? [`on ${terms.publishers.join(", ")}`] : []),
    ...levelsText(terms.levels ?? []),
    ...targetingText(terms.targeting ?? []),
  ].join("; ");
}

/** A forecast of several levels; that of one is in what is told about the product. */
function levelsText(levels: readonly ForecastLevel[]): readonly string[] {
  if (levels.length < 2 && !levels.some(({ winRate }) => winRate)) return [];
  const words = levels.map(({ label, budget, impressions, winRate, per }) => {
    const at = [...(label === null ? [] : [`“${label}”`]), ...(budget ? [`for ${formatMoney(budget)}`] : [])];
    const figures = [
      ...(impressions
        ? [`${spread(impressions, (one) => one.toLocaleString("en-US"))} impressions${per === null ? "" : ` a ${per}`}`]
        : []),
      ...(winRate ? [`${spread(winRate, (share) => shareWords(share) ?? share)} won`] : []),
    ];
    return `${at.length > 0 ? `${at.join(" ")}: ` : ""}${figures.join(", ")}`;
  });
  return [`forecast (its figures) ${words.join("; ")}`];
}

function spread<T>({ low, mid, high }: Spread<T>, word: (value: T) => string): string {
  const range = low === null || high === null ? null : `${word(low)} to ${word(high)}`;
  const only = mid ?? low ?? high;
  if (mid !== null && range !== null) return `${word(mid)} (${range})`;
  return range ?? (only === null ? "" : word(only));
}

/** Nothing chooses an audience for the planner: a seller acts on the words of a brief. */
function targetingText(options: readonly TargetingOption[]): readonly string[] {
  const named = (isIn: boolean) =>
    options
      .filter(({ included }) => included === isIn)
      .map(({ name, values }) => `“${name}”${values.length > 0 ? ` (${values.join(", ")})` : ""}`);
  const [built, offered] = [named(true), named(false)];
  return [
    ...(built.length > 0 ? [`audiences and contexts in it (its words) ${built.join(", ")}`] : []),
    ...(offered.length > 0 ? [`on offer, by naming them in the brief (its words) ${offered.join(", ")}`] : []),
  ];
}

function words(standard: Standard): string {
  return promiseWords(promiseOf(standard));
}

function optionText({ id, model, fixed, floor, guidance, minSpend }: PricingOption): string {
  const price = fixed
    ? `${formatMoney(fixed)} ${perWords[model]}`
    : `auction ${perWords[model]}${auctionText(floor, guidance)}`;
  return `${id} ${price}${minSpend ? `, at least ${formatMoney(minSpend)}` : ""}`;
}

/** The floor and what won, in short; the whole advice comes where a bid is missing or too low. */
function auctionText(floor: Money | null, guidance: PricingOption["guidance"]): string {
  const wins = [
    ["25 %", guidance?.p25],
    ["50 %", guidance?.p50],
    ["75 %", guidance?.p75],
  ] as const;
  const said = wins.flatMap(([share, bid]) => (bid ? [`${share} at ${formatMoney(bid)}`] : []));
  return `${floor ? `, floor ${formatMoney(floor)}` : ""}${said.length > 0 ? `, wins ${said.join(", ")} (its figures)` : ""}`;
}

/** Bundles a seller proposes for a brief. */
export function proposalRow({ ref, name, committed, expiresAt, budget, shares, needsSignature }: SellerProposal) {
  return {
    product: ref,
    name,
    committed,
    expires_at: expiresAt,
    budget: { least: text(budget.least), recommended: text(budget.recommended), most: text(budget.most) },
    shares: shares.map(({ productId, share }) => ({ product_id: productId, percent: percent(share) })),
    needs_signature: needsSignature,
  };
}

/** A bundle in one line. */
export function proposalText(proposal: SellerProposal): string {
  const { ref, name, shares, budget, committed, needsSignature } = proposal;
  const parts = shares.map(({ productId, share }) => `${percent(share)} % ${productId}`).join(" + ");
  const asked = budget.recommended ? `, recommended ${formatMoney(budget.recommended)}` : "";
  const state = committed ? "firm" : "a draft";
  return `${ref} “${name}”: ${parts}${asked}; ${state}${needsSignature ? ", to be signed" : ""}`;
}

/** Hundredths of a percent as text. */
function percent(share: number): string {
  const whole = Math.trunc(share / 100);
  const rest = share % 100;
  return rest === 0 ? `${whole}` : `${whole}.${String(rest).padStart(2, "0").replace(/0$/, "")}`;
}

function text(amount: Money | null): string | null {
  return amount && formatMoney(amount);
}
