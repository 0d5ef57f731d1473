import { randomUUID } from "node:crypto";
import { refOf, splitRef, uuidFrom } from "../domain/ids.ts";
import { compare, costOfImpressions, displayMoney } from "../domain/money.ts";
import type { Quote, QuoteRequest, Targeting } from "../domain/quote.ts";
import type { Accounts } from "./opendirect-accounts.ts";
import { readOffer } from "./opendirect-avails.ts";
import type { Catalogue } from "./opendirect-catalogue.ts";
import type { Library } from "./opendirect-creatives.ts";
import { capFields, word } from "./opendirect-dialect.ts";
import { notHere, unreadable } from "./opendirect-errors.ts";
import { heldUntilOf, stateOf, termsOfLine } from "./opendirect-lines.ts";
import type { Books } from "./opendirect-orders.ts";
import type { Session } from "./opendirect-session.ts";
import type { Access } from "./seller.ts";
import { moneyFromText } from "./wire/money.ts";
import type { WireLine, WireProduct } from "./wire/opendirect.ts";

/** Quotes of one seller: OpenDirect has none, so they are its product and avails, and once something is placed, the line. */
export interface Quotes {
  quote(request: QuoteRequest, key: string, access: Access): Promise<Quote>;
  /** The quote as it stands now, under the same id and to the same end. */
  again(quote: Quote, request: QuoteRequest, access: Access): Promise<Quote>;
  /** Whether the seller answers for what does not exist, as a mock does; null before that was asked, with the first quote. */
  simulated(): boolean | null;
}

/** Avails promise nothing, and name no end: they are read again before anybody decides, and before anything is written. */
const STANDS_MS = 24 * 3_600_000;
const DAY_MS = 86_400_000;

/** @see Quotes */
export function createQuotes(
  session: Session,
  accounts: Accounts,
  catalogue: Catalogue,
  books: Books,
  library: Library,
): Quotes {
  const { sellerId } = session;
  let simulated: boolean | null = null;

  async function isSimulated(accountId: string, access: Access): Promise<boolean> {
    if (simulated !== null) return simulated;
    const nothing = session.path("accounts", accountId, "orders", randomUUID(), "lines", randomUUID());
    const answer = await session.send({ method: "GET", path: nothing, phase: "discovery" }, access);
    const isThere = answer.status >= 200 && answer.status < 300;
    // Servers fail over ids that are none of theirs: that is no answer either way.
    if (answer.status < 500) simulated = isThere;
    return isThere;
  }

  async function built(
    request: QuoteRequest,
    sellerQuoteId: string,
    expiresAt: string,
    access: Access,
  ): Promise<Quote> {
    const { theirId } = splitRef(request.product);
    // The product first: it shows in which names the seller is to be written to.
    const { wire, product } = await catalogue.one(theirId, access);
    const account = await accounts.current(access);
    if (await isSimulated(account.id, access)) throw notHere(sellerId, mockWords(sellerId));
    const { flight, impressions: asked } = request;
    const frequencyCap = request.targeting?.frequencyCap ?? null;
    const offer = await readOffer(
      session,
      { wire, product, flight, impressions: asked, frequencyCap },
      account,
      access,
    );
    const creatives = request.creatives ?? [];
    const reviews = await library.review(account.id, creatives, access);
    const waiting = creatives.filter((_id, at) => reviews[at] !== null && reviews[at] !== "approved");
    const { available, cpm } = offer;
    const impressions = Math.min(asked, available ?? asked);
    if (request.budget && request.budget.currency !== cpm.currency) {
      const why = `${sellerId} sells ${request.product} in ${cpm.currency}, the budget is in ${request.budget.currency}; nothing is converted here.`;
      throw notHere(sellerId, why);
    }
    refuseLittle(sellerId, wire, cpm, impressions);
    const list = product.price.kind === "exact" && compare(cpm, product.price.cpm) < 0 ? product.price.cpm : cpm;
    const { dealType } = request;
    const { publisherid: publisherId } = wire;
    return {
      ref: refOf(sellerId, sellerQuoteId),
      sellerId,
      sellerQuoteId,
      product: { ref: request.product, id: product.productId, name: product.name, channel: product.channel },
      state: isOver(expiresAt) ? "expired" : "available",
      dealType,
      guaranteed: dealType === "PG",
      listCpm: list,
      cpm,
      impressions,
      order: { casing: session.casing(), accountId: account.id, brandId: account.brandId, publisherId },
      flight,
      shownAs: access.tier,
      pricedAs: access.tier,
      discounts: { tier: null, volume: null },
      rationale: "",
      inventoryAvailable: available === null ? null : available >= asked,
      notHonoured: notHonoured(request.targeting),
      account: account.words,
      ...(creatives.length > 0 ? { creatives } : {}),
      notes: [
        ...notesOn(wire, request, available, offer.avails.deliveryConfidence),
        ...waiting.map((id) => `creative ${id} is not approved by the seller yet: it may book only then`),
      ],
      expiresAt,
      dealId: null,
    };
  }

  /** An order without its line has no price of its own: its currency is looked at, and what the line would cost. */
  async function ordered(quote: Quote, request: QuoteRequest, orderId: string, access: Access): Promise<Quote> {
    const order = await books.order(quote, orderId, access);
    if (!order) throw notHere(sellerId, `${sellerId} has no order ${orderId} any more.`, "gone");
    const currency = quote.cpm?.currency;
    if (order.currency != null && order.currency !== currency)
      throw unreadable(sellerId, "the order", `it is in another currency than ${currency}`);
    const now = await built(request, quote.sellerQuoteId, quote.expiresAt, access);
    return word(order.orderstatus) === "rejected" ? { ...now, state: "declined" } : now;
  }

  return {
    simulated: () => simulated,
    quote: (request, key, access) =>
      built(request, uuidFrom("opendirect", key), new Date(Date.now() + STANDS_MS).toISOString(), access),

    async again(quote, request, access) {
      const { placed } = quote;
      if (!placed) return built(request, quote.sellerQuoteId, quote.expiresAt, access);
      if (placed.lineId === null) return { ...(await ordered(quote, request, placed.orderId, access)), placed };
      const line = await books.line(quote, placed.orderId, placed.lineId, access);
      if (!line) throw notHere(sellerId, `${sellerId} has no line ${placed.lineId} any more.`, "gone");
      const state = stateOf(line);
      // Booked already, by whomever: whoever sends next finds that and records it, where a refusal would lose sight of it.
      if (state === "booked") return { ...quote, state: "available" };
      if (state !== "draft" && state !== "reserved")
        return { ...quote, state: word(line.bookingstatus) === "expired" ? "expired" : "declined" };
      // Once a line stands, only its own hold ends it: its seller's people may take longer than a quote of ours stands.
      const isLost = placed.step === "reserved" && (state === "draft" || isOver(heldUntilOf(line)));
      checkCap(sellerId, line, request);
      return { ...termsOfLine(quote, line), state: isLost ? "expired" : "available" };
    },
  };
}

/** @throws SellerFailure where a line does not have the frequency cap that was asked for and written with it */
function checkCap(sellerId: string, line: WireLine, { targeting }: QuoteRequest): void {
  const { frequencycount: most, frequencyinterval: unit } = capFields(targeting?.frequencyCap ?? null);
  if (most === undefined || (line.frequencycount === most && word(line.frequencyinterval) === word(unit))) return;
  throw unreadable(sellerId, "the line", `it does not have the frequency cap of ${targeting?.frequencyCap}`);
}

/** Why nothing is bought from a seller that answers for everything. */
export function mockWords(sellerId: string): string {
  return `${sellerId} answers for orders and lines that do not exist, as a mock does: it is read, and not bought from.`;
}

function isOver(expiresAt: string | null): boolean {
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now();
}

/** @throws SellerFailure where the least spend of a product is more than the volume costs */
function refuseLittle(sellerId: string, wire: WireProduct, cpm: Quote["cpm"] & object, impressions: number): void {
  if (wire.minspend === null || wire.minspend === undefined) return;
  const cost = costOfImpressions(cpm, impressions);
  const least = moneyFromText(wire.minspend, cpm.currency);
  if (!least || compare(cost, least) >= 0) return;
  const why = `${sellerId} sells at least ${displayMoney(least)} of this; ${impressions} impressions cost ${displayMoney(cost)}.`;
  throw notHere(sellerId, why, "below_minimum");
}

/** A frequency cap goes with the line. Targeting would as segments of the seller's own, which free words are not. */
function notHonoured(targeting: Targeting | null): readonly string[] {
  if (!targeting) return [];
  return [
    ...(targeting.geo.length > 0 ? ["geo"] : []),
    ...(targeting.audience.length > 0 ? ["audience"] : []),
    ...(targeting.frequencyCap === null || capFields(targeting.frequencyCap).frequencycount ? [] : ["frequency_cap"]),
  ];
}

function notesOn(
  wire: WireProduct,
  { impressions, flight, creatives }: QuoteRequest,
  available: number | null,
  confidence: string | undefined,
): readonly string[] {
  const daysAhead = Math.trunc((Date.parse(`${flight.start}T00:00:00Z`) - Date.now()) / DAY_MS);
  return [
    ...(available !== null && available < impressions
      ? [`only ${available} of ${impressions} impressions are free: the quote is for those`]
      : []),
    ...(confidence === undefined ? [] : [`delivery confidence, as the seller says: ${confidence}`]),
    ...(wire.leadtime !== null && daysAhead < wire.leadtime
      ? [`the seller wants ${wire.leadtime} days from the booking to the start`]
      : []),
    ...(wire.allownocreative === true || creatives
      ? []
      : [
          "the seller may book it only with a creative: hand one over with sync_creatives, and name it in creative_ids",
        ]),
    "its rate is set anew when the line is reserved; a higher one is not booked",
  ];
}
