import type { Avails, Product } from "../domain/inventory.ts";
import { type Flight, instants } from "../domain/flight.ts";
import { compare, displayMoney, type Money, minorUnit, money } from "../domain/money.ts";
import { isObject } from "./adcp-answers.ts";
import type { Account } from "./opendirect-accounts.ts";
import { costOf, isPayable } from "./opendirect-catalogue.ts";
import { capFields, casings, word } from "./opendirect-dialect.ts";
import { notHere, refusalOf, unreadable } from "./opendirect-errors.ts";
import type { Session } from "./opendirect-session.ts";
import type { Access, SellerFailure } from "./seller.ts";
import { sellerText } from "./untrusted.ts";
import { moneyFromText } from "./wire/money.ts";
import { availShape, type WireAvail, type WireProduct } from "./wire/opendirect.ts";

/** What avails say of one product for one flight and volume. */
export interface Offer {
  /** Units free, at most what was asked for; null where the seller does not say. */
  readonly available: number | null;
  readonly cpm: Money;
  readonly avails: Avails;
}

/** A product as it is asked about. */
export interface Wanted {
  readonly wire: WireProduct;
  readonly product: Product;
  readonly flight: Flight;
  readonly impressions: number;
  /** As planners write it, e.g. `3 per day`. */
  readonly frequencyCap: string | null;
}

/**
 * Avails and the price at which so many impressions are to be had. The specification's form where account and brand are
 * known, else the flat one of the IAB Tech Lab's buyer agents; the other one, and the other names, where the first is not
 * understood: it is a read. (One public server says 404 “product not found” to a right id under a name it does not know.)
 * @throws SellerFailure `unpriced` where the price cannot be told from a total; `refused` where nothing is to be had
 */
export async function readOffer(session: Session, wanted: Wanted, account: Account, access: Access): Promise<Offer> {
  const { sellerId } = session;
  const base = basePriceOf(sellerId, wanted);
  const found = await recordOf(session, wanted, account, access);
  const available = found?.availability ?? found?.availableimpressions ?? null;
  if (!found || available === 0) {
    const why = found ? reasonIn(found) : "";
    const message = `${sellerId} has none of ${wanted.product.ref} for this flight and volume${why && ` (it says: “${why}”)`}.`;
    throw notHere(sellerId, message, "refused");
  }
  const cpm = cpmIn(sellerId, wanted, base, found);
  const currency = cpm.currency;
  const total = moneyFromText(found.totalcost, currency);
  const confidence = confidenceIn(found);
  return {
    available,
    cpm,
    avails: {
      available,
      guaranteed: found.guaranteedimpressions,
      estimatedCpm: cpm,
      estimatedTotal: total ?? money(costOf(cpm, wanted.impressions), currency),
      ...(confidence === null ? {} : { deliveryConfidence: confidence }),
    },
  };
}

async function recordOf(
  session: Session,
  wanted: Wanted,
  account: Account,
  access: Access,
): Promise<WireAvail | undefined> {
  const { wire, flight, impressions, frequencyCap } = wanted;
  const { start, end } = instants(flight);
  const [startdate, enddate] = [start, end].map((at) => new Date(at).toISOString());
  const spec = {
    accountid: account.id,
    ...(account.brandId === null ? {} : { advertiserbrandid: account.brandId }),
    ...{ productids: [wire.id], startdate, enddate, qty: impressions, ...capFields(frequencyCap) },
    ...(wire.currency ? { currency: wire.currency } : {}),
  };
  const flat = { productid: wire.id, startdate, enddate, requestedimpressions: impressions };
  const own = session.casing();
  const other = casings.find((casing) => casing !== own) ?? own;
  const [asked, otherwise] = account.brandId === null ? [flat, spec] : [spec, flat];
  const forms = [{ body: asked }, { body: otherwise }, { body: flat, casing: other }];
  let first: SellerFailure | null = null;
  for (const { body, casing = own } of forms) {
    const call = { method: "POST", path: session.path("products", "avails"), phase: "media_kit" } as const;
    const answer = await session.send({ ...call, body: session.body(body, casing), repeatable: true }, access);
    const refusal = refusalOf(session.sellerId, "avails", answer);
    if (!refusal) {
      const { entries, unreadable: lost } = session.entries("avails", availEntry, flatAsList(answer));
      // One product twice is one record for each currency (OpenDirect 1.5).
      const ours = entries.filter(({ productid }) => productid === wire.id);
      const one = ours.find(({ currency }) => (currency ?? wire.currency) === wire.currency) ?? ours[0];
      if (one || lost === 0) return one;
      throw unreadable(session.sellerId, "avails", "they cannot be read");
    }
    first ??= refusal;
    const isMisunderstood = [400, 404, 405, 422].includes(answer.status);
    if (!isMisunderstood || refusal.code === "ImpressionsNotAvailable") throw refusal;
  }
  throw first ?? unreadable(session.sellerId, "avails", "nothing came");
}

/** The lists of a session are told apart by id; a record of avails has the product's. */
const availEntry = availShape.transform((one) => ({ ...one, id: one.productid }));

/** A flat answer is one record without a list around it, and without an id of its own. */
function flatAsList<Answer extends { readonly json: unknown }>(answer: Answer): Answer {
  const { json } = answer;
  const isFlat = isObject(json) && Object.keys(json).some((key) => word(key) === "productid");
  return isFlat ? { ...answer, json: [json] } : answer;
}

/** The base price of what is sold at CPM. @throws SellerFailure `unsupported` for all else */
function basePriceOf(sellerId: string, { wire, product }: Wanted): Money {
  if (word(wire.ratetype) === "cpm" && product.price.kind === "exact") return product.price.cpm;
  const model = sellerText(wire.ratetype, 20) || "no rate type it names";
  const why = `${product.ref} is sold by “${model}”; at OpenDirect sellers this release buys at CPM alone.`;
  throw notHere(sellerId, why);
}

/** More than this times the base price is no surcharge: something else is meant. */
const MOST_TIMES = 5n;

/**
 * The CPM in a record. Edition 2.1 gives `price` no unit, and uses it for a CPM in one example and for a total in another:
 * it is a CPM only of a product sold at CPM, with free units beside it, without parts of an investment, near the base
 * price, and where it is not just what the volume costs. @throws SellerFailure
 */
function cpmIn(sellerId: string, { product, impressions }: Wanted, base: Money, found: WireAvail): Money {
  const unpriced = (why: string) =>
    notHere(sellerId, `${sellerId} gave no price for ${product.ref} that can be relied on: ${why}.`, "unpriced");
  const currency = found.currency ?? base.currency;
  if (currency !== base.currency)
    throw unreadable(sellerId, "avails", `they are in another currency than the product, which is in ${base.currency}`);
  const flat = moneyFromText(found.estimatedcpm, currency);
  const price = flat ?? moneyFromText(found.price, currency);
  if (!price || price.micros <= 0n) throw unpriced("the answer has none");
  const total = moneyFromText(found.totalcost, currency);
  const free = found.availability ?? found.availableimpressions;
  if (flat && total) {
    // Which volume the total is for is not said: what was asked, or what is free.
    const fits = [impressions, ...(free === null ? [] : [free])].some((volume) => isNear(total, costOf(flat, volume)));
    if (!fits) throw unpriced(`${displayMoney(flat)} and its total of ${displayMoney(total)} do not belong together`);
  }
  if (hasInvestment(found)) throw unpriced(`${displayMoney(price)} is made of parts, as totals are`);
  if (free === null) throw unpriced(`whether ${displayMoney(price)} is per 1,000 impressions or in all is not said`);
  if (price.micros > base.micros * MOST_TIMES)
    throw unpriced(`${displayMoney(price)} is far above the ${displayMoney(base)} CPM it lists, and may be a total`);
  if (!isPayable(price, impressions)) throw unreadable(sellerId, "avails", "what it comes to is beyond any amount");
  const isPlain = compare(price, base) === 0;
  if (!isPlain && !flat && isNear(price, costOf(base, impressions)))
    throw unpriced(`${displayMoney(price)} is what the whole volume costs at its list price, and may be a total`);
  return price;
}

/** Equal to a cent, or to a thousandth. */
function isNear(amount: Money, expected: bigint): boolean {
  const apart = amount.micros > expected ? amount.micros - expected : expected - amount.micros;
  return apart <= minorUnit(amount.currency) + amount.micros / 1000n;
}

/** Whether a record carries parts of an investment, wherever in it: the out-of-home example adds them up to `price`. */
function hasInvestment({ availsstatus, producttargeting }: WireAvail): boolean {
  const targetings = [producttargeting, ...(availsstatus ?? []).map((one) => one.producttargeting)];
  return targetings.some(isInvestment);
}

function isInvestment(targeting: unknown): boolean {
  if (Array.isArray(targeting)) return targeting.some(isInvestment);
  if (!isObject(targeting)) return false;
  return [targeting["type"], targeting["name"], targeting["target"]].some(
    (text) => typeof text === "string" && ["investment", "fixed", "cpf", "cpt"].includes(word(text)),
  );
}

function reasonIn({ availsstatus }: WireAvail): string {
  const [first] = availsstatus ?? [];
  return sellerText(first?.reason ?? first?.status, 80);
}

/** A share as a percentage, or the seller's word for it. */
function confidenceIn({ deliveryconfidence: said }: WireAvail): string | null {
  if (typeof said === "string") return sellerText(said, 40) || null;
  if (said === null || !Number.isFinite(said) || said < 0 || said > 100) return null;
  // Buyer agents of the IAB Tech Lab print it as a percentage; shares of one are met as well.
  return `${Math.trunc(said <= 1 ? said * 100 : said)} %`;
}
