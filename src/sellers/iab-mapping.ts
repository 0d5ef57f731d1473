import type * as z from "zod";
import { type Delivery, noFigures } from "../domain/delivery.ts";
import { BuyingError } from "../domain/errors.ts";
import { atMost, type Tier } from "../domain/identity.ts";
import { refOf } from "../domain/ids.ts";
import type { Avails } from "../domain/inventory.ts";
import type { Deal } from "../domain/deal.ts";
import { costOfImpressions, type Money, mulDiv } from "../domain/money.ts";
import { atCpm, type Quote, type QuoteRequest, type Targeting } from "../domain/quote.ts";
import { unreadable } from "./iab-refusals.ts";
import { channelOf, dealTypeOf, distinct, dspName, entryOf, instantOf, tierOf } from "./iab-words.ts";
import type { Capability, SellerCard } from "./seller.ts";
import { sellerId as checkedId, sellerText } from "./untrusted.ts";
import type {
  cardAnswer,
  dealAnswer,
  legacyAvails,
  openDirectAvails,
  performanceAnswer,
  quoteAnswer,
} from "./wire/iab-seller-agent.ts";
import { moneyFromNumber } from "./wire/money.ts";

/** What an IAB seller agent 2.4.2 answers, in our words: texts cleaned, figures checked, nothing decided. */

const everything: readonly Capability[] = ["media_kit", "quote", "negotiate", "book", "order", "cancel", "performance"];
const skillCapabilities: Readonly<Record<string, readonly Capability[]>> = {
  discovery: ["media_kit"],
  pricing: ["quote"],
  proposals: ["quote"],
  negotiation: ["negotiate"],
  deals: ["book", "order", "cancel", "performance"],
};

/** A card, whatever is missing from it; {@link SellerCard.compatibility} is judged by its version alone. */
export function cardOf(sellerId: string, card: z.output<typeof cardAnswer>): SellerCard {
  const told = distinct(card.skills.flatMap((skill) => entryOf(skillCapabilities, skill) ?? []));
  return {
    name: sellerText(card.name, 80) || sellerId,
    version: sellerText(card.version, 40) || null,
    compatibility: compatibilityOf(card.version),
    channels: distinct(card.inventory_types.flatMap((type) => channelOf(type) ?? [])),
    dealTypes: distinct(card.supported_deal_types.flatMap((type) => dealTypeOf(type) ?? [])),
    // Skills are free words: a card whose words we do not know says nothing against the protocol's endpoints.
    capabilities: told.length > 0 ? everything.filter((capability) => told.includes(capability)) : everything,
    url: urlOf(card.url),
  };
}

/** True for a version of the earlier contract, which negotiates by `/proposals/{id}/counter` alone. */
export function isEarlierContract(version: string | null): boolean {
  return /^v?1\./.test(version ?? "");
}

function compatibilityOf(version: string | null): SellerCard["compatibility"] {
  if (/^v?2\./.test(version ?? "")) return { ok: true, note: "IAB seller agent 2.x, known to work." };
  if (isEarlierContract(version)) {
    return { ok: true, note: "Earlier contract (1.x): offers are made on the proposal, and there is no accept call." };
  }
  if (version === null) return { ok: false, note: "The card names no version; 2.x is known to work, 1.x mostly." };
  return { ok: false, note: "A version we have not met; 2.x is known to work, 1.x mostly." };
}

function urlOf(text: string | null): string | null {
  if (text === null || text.length > 300 || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
}

/**
 * A quote, or a failure where money or a commitment could not be told: no positive CPM, mixed currencies, an unreadable
 * expiry. A status without a word of ours is `declined`: only `available` may be bought.
 * @param shown the tier we showed; a seller that claims to know us better does not choose what it is shown next
 * @throws SellerFailure `invalid_answer`
 */
export function quoteOf(
  sellerId: string,
  answer: z.output<typeof quoteAnswer>,
  request: QuoteRequest,
  shown: Tier,
): Quote {
  const { quote } = answer;
  const wrong = (why: string) => unreadable(sellerId, "a quote", why);
  const sellerQuoteId = checkedId(quote.quote_id);
  const productId = checkedId(quote.product.product_id);
  if (sellerQuoteId === null || productId === null) throw wrong("an id in it cannot be used");
  const dealType = dealTypeOf(quote.deal_type);
  if (dealType === null) throw wrong("its deal type is none we know");
  const { impressions } = quote.terms;
  if (impressions === null) throw wrong("its volume cannot be read");
  const { cpm, list } = pricesOf(quote.pricing, impressions, wrong);
  const expiresAt = instantOf(quote.expires_at);
  if (expiresAt === null) throw wrong("its expiry is no moment");
  const said = tierOf(quote.buyer_tier);
  const dealId = quote.deal_id === null ? null : checkedId(quote.deal_id);
  if (quote.deal_id !== null && dealId === null) throw wrong("its deal ID cannot be used");
  return {
    ref: refOf(sellerId, sellerQuoteId),
    sellerId,
    sellerQuoteId,
    product: {
      ref: refOf(sellerId, productId),
      id: productId,
      name: sellerText(quote.product.name, 80) || productId,
      channel: channelOf(quote.product.inventory_type),
    },
    state: quoteStates.find((state) => state === quote.status) ?? "declined",
    dealType,
    guaranteed: quote.terms.guaranteed ?? dealType === "PG",
    listCpm: list,
    cpm,
    impressions,
    flight: { start: quote.terms.flight_start, end: quote.terms.flight_end },
    shownAs: shown,
    pricedAs: atMost(said, shown) ? said : shown,
    discounts: { tier: percent(quote.pricing.tier_discount_pct), volume: percent(quote.pricing.volume_discount_pct) },
    rationale: sellerText(quote.pricing.rationale ?? "", 200),
    inventoryAvailable: quote.availability.inventory_available,
    notHonoured: notHonoured(request.targeting),
    expiresAt,
    dealId,
  };
}

/** A percentage as the seller wrote it (15 means 15 %), or null where it is none. */
function percent(value: number | null): string | null {
  return value === null || value < 0 || value > 100 ? null : String(value);
}

const quoteStates = ["available", "booked", "expired", "declined"] as const;

/** The price and the list price. A list price that is no amount is none: it flatters no discount, and costs no quote. */
function pricesOf(
  pricing: z.output<typeof quoteAnswer>["quote"]["pricing"],
  impressions: number,
  wrong: (why: string) => Error,
): { readonly cpm: Money; readonly list: Money } {
  const { final_cpm: cpm, base_cpm: list, pricing_model: model } = pricing;
  if (model !== null && model.toLowerCase() !== "cpm") throw wrong("it is not priced by the thousand impressions");
  if (cpm.micros <= 0n) throw wrong("its price is not above zero");
  if (list !== null && list.currency !== cpm.currency) throw wrong("its list price and its price differ in currency");
  // Refused here, or every sum over it would fail later, where nobody could say which seller it came from.
  if (!isPayable(cpm, impressions)) throw wrong("what it comes to is beyond any amount");
  return { cpm, list: list !== null && list.micros > 0n && isPayable(list, impressions) ? list : cpm };
}

/** Whether a price and a volume come to an amount of money at all. */
function isPayable(cpm: Money, impressions: number): boolean {
  try {
    return costOfImpressions(cpm, impressions).micros >= 0n;
  } catch (error) {
    if (error instanceof BuyingError) return false;
    throw error;
  }
}

/** Targeting a quote of this contract has no field for: all of it (IAB seller agent 2.4.2, QuoteRequest). */
function notHonoured(targeting: Targeting | null): readonly string[] {
  if (!targeting) return [];
  return [
    ...(targeting.geo.length > 0 ? ["geo"] : []),
    ...(targeting.audience.length > 0 ? ["audience"] : []),
    ...(targeting.frequencyCap === null ? [] : ["frequency_cap"]),
  ];
}

/**
 * Makes sure that a fresh quote is for what was asked. The seller checks neither dates nor capacity and ignores fields
 * it does not know, so an answer for something else is possible and must not be priced into a plan.
 * @throws SellerFailure `invalid_answer`
 */
export function checkEcho(quote: Quote, request: QuoteRequest): void {
  const { cpm } = atCpm(quote);
  const currency = request.budget?.currency ?? cpm.currency;
  const differing = [
    quote.product.ref === request.product ? null : "another product",
    quote.dealType === request.dealType ? null : "another deal type",
    quote.impressions === request.impressions ? null : "another volume",
    quote.flight.start === request.flight.start && quote.flight.end === request.flight.end ? null : "other dates",
    cpm.currency === currency ? null : `${cpm.currency} instead of ${currency}`,
  ].filter((difference) => difference !== null);
  if (differing.length > 0) throw unreadable(quote.sellerId, "a quote", `it is for ${differing.join(", ")}`);
}

/** What was booked. @throws SellerFailure `invalid_answer`, never definite */
export function dealOf(sellerId: string, answer: z.output<typeof dealAnswer>): Deal {
  const { deal } = answer;
  const wrong = (why: string) => unreadable(sellerId, "a deal", why);
  const dealId = checkedId(deal.deal_id);
  const productId = checkedId(deal.product.product_id);
  if (dealId === null || productId === null) throw wrong("an id in it cannot be used");
  const { cpm } = pricesOf(deal.pricing, deal.terms.impressions ?? 0, wrong);
  const dealType = dealTypeOf(deal.deal_type);
  const { openrtb_params: openrtb } = deal;
  return {
    dealId,
    sellerStatus: sellerText(deal.status, 40),
    productId,
    dealType: dealType ?? sellerText(deal.deal_type, 40),
    cpm,
    impressions: deal.terms.impressions,
    flight: { start: deal.terms.flight_start, end: deal.terms.flight_end },
    activation: Object.entries(deal.activation_instructions)
      .slice(0, 12)
      .map(([dsp, steps]) => ({ dsp: sellerText(dspName(dsp), 40), steps: sellerText(steps, 400) }))
      .filter(({ dsp, steps }) => dsp !== "" && steps !== ""),
    openrtb: {
      id: checkedId(openrtb.id) ?? dealId,
      bidfloor: openrtb.bidfloor,
      // This seller has 1 and 3 the wrong way round. OpenRTB 2.6, Deal.at: 3 is the price agreed beforehand, as it is
      // under PG and PD; a private auction is 1 (first price) or 2 (second price plus).
      at: dealType === "PA" ? (openrtb.at === 2 ? 2 : 1) : dealType === null ? null : 3,
      wseat: openrtb.wseat.flatMap((seat) => checkedId(seat) ?? []),
    },
    expiresAt: instantOf(deal.expires_at),
  };
}

/** Dearer than any CPM: what claims to be one is a total. */
const DEAREST_CPM = 2_000_000_000n;

/**
 * Avails from either dialect, or null where the answer is for another product. The estimate is left out unless it can
 * be a CPM: not dearer than any, and in line with the total where one is given.
 */
export function availsOf(
  productId: string,
  answer: z.output<typeof legacyAvails> | z.output<typeof openDirectAvails>,
  currency: string | null,
): Avails | null {
  if ("avails" in answer) {
    const found = answer.avails.find(({ productid }) => productid === productId);
    if (!found) return null;
    const estimatedCpm = plausibleCpm(moneyIn(found.currency ?? currency, found.price), null, null);
    return { available: found.availability, guaranteed: null, estimatedCpm, estimatedTotal: null };
  }
  if (answer.productid !== productId) return null;
  const total = moneyIn(currency, answer.totalCost);
  const cpm = plausibleCpm(moneyIn(currency, answer.estimatedCpm), total, answer.availableImpressions);
  return {
    available: answer.availableImpressions,
    guaranteed: answer.guaranteedImpressions,
    estimatedCpm: cpm,
    estimatedTotal: cpm ? total : null,
  };
}

function moneyIn(currency: string | null, value: number | null): Money | null {
  return currency === null ? null : moneyFromNumber(value, currency);
}

function plausibleCpm(cpm: Money | null, total: Money | null, impressions: number | null): Money | null {
  if (cpm === null || cpm.micros <= 0n || cpm.micros > DEAREST_CPM) return null;
  if (total === null || impressions === null) return cpm;
  const expected = mulDiv(cpm.micros, BigInt(impressions), 1000n);
  const apart = total.micros > expected ? total.micros - expected : expected - total.micros;
  // A cent for rounding, or a thousandth of the total.
  return apart <= 10_000n + total.micros / 1000n ? cpm : null;
}

/** Delivery figures, or none where the answer is the constant that this seller gives for every deal it does not serve. */
export function deliveryOf(answer: z.output<typeof performanceAnswer>): Delivery {
  const { impressions_served: served, impressions_available: available, delivery_pacing: pacing } = answer;
  const isPlaceholder = served === 0 && available === 1_000_000 && pacing === "not_started";
  const fill = answer.fill_rate === null ? null : /^\d{1,3}(\.\d{1,2})?/.exec(String(answer.fill_rate))?.[0];
  return {
    ...noFigures,
    ...{ from: null, to: null, isFinal: null, sellerStatus: null, packages: [] },
    asOf: instantOf(answer.last_updated),
    impressions: isPlaceholder ? null : served,
    fillRatePercent: isPlaceholder ? null : (fill ?? null),
    pacing: isPlaceholder ? null : sellerText(pacing, 40) || null,
    note: isPlaceholder
      ? "The seller gives the same placeholder for every deal, so this says nothing about delivery."
      : null,
  };
}
