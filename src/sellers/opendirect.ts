import { createAccounts } from "./opendirect-accounts.ts";
import { createActions } from "./opendirect-actions.ts";
import { createBooking } from "./opendirect-booking.ts";
import { changeRequest, createChanges } from "./opendirect-changes.ts";
import { createCatalogue } from "./opendirect-catalogue.ts";
import { createLibrary } from "./opendirect-creatives.ts";
import { readOffer } from "./opendirect-avails.ts";
import { readCard } from "./opendirect-card.ts";
import { notHere, refusalOf } from "./opendirect-errors.ts";
import { partsOf } from "./opendirect-lines.ts";
import { bookingRequest, createBooks } from "./opendirect-orders.ts";
import { createQuotes } from "./opendirect-quotes.ts";
import { basePathOf, createSession } from "./opendirect-session.ts";
import { deliveryOf, statsIn } from "./opendirect-stats.ts";
import { word } from "./opendirect-dialect.ts";
import { type ConnectOptions, defineProtocol } from "./protocol.ts";
import type { Seller } from "./seller.ts";
import { sellerText } from "./untrusted.ts";

/**
 * OpenDirect 2.1, in the dialects it is spoken in. What is bought is a line of an order, in four writes: the order, the line,
 * its reservation, its booking. Nothing in the protocol makes a write safe to repeat, so each is sent once, and an order or
 * a line whose answer was lost is found by the name we gave it; what stands is believed from a fresh read alone.
 */
export const openDirect = defineProtocol({ name: "opendirect", connect });

const cancellation =
  "The line is asked to be cancelled, and read back. The protocol names no notice period, fee or refund: " +
  "impressions delivered until then may be charged.";

function connect(options: ConnectOptions): Seller {
  const { sellerId, origin } = options;
  const session = createSession(options);
  const catalogue = createCatalogue(session);
  const accounts = createAccounts(session, options.openDirect);
  const books = createBooks(session);
  const act = createActions(session, books);
  const library = createLibrary(session, accounts, catalogue);
  const quotes = createQuotes(session, accounts, catalogue, books, library);
  const booking = createBooking(session, books, act, library);
  const changes = createChanges(session, books);
  const base = basePathOf(options.url);

  const noBargain = async (): Promise<never> => {
    throw notHere(
      sellerId,
      `${sellerId} does not negotiate: OpenDirect has no way to, the seller sets the rate of a line.`,
    );
  };

  return {
    id: sellerId,
    origin,
    protocol: "opendirect",
    settlement: "look_up",
    sells: "volume",
    takesCreatives: true,
    cancellation,

    card: (access) => readCard(session, catalogue, () => quotes.simulated() === true, access),
    catalogue: catalogue.list,
    product: async (productId, access) => (await catalogue.one(productId, access)).product,

    async avails(productId, flight, impressions, access) {
      const { wire, product } = await catalogue.one(productId, access);
      const account = await accounts.current(access);
      return (await readOffer(session, { wire, product, flight, impressions, frequencyCap: null }, account, access))
        .avails;
    },

    quote: quotes.quote,
    readQuote: async (quote, request, access) => ({
      quote: quote.changes ? await changes.again(quote, access) : await quotes.again(quote, request, access),
      negotiation: null,
    }),
    counter: noBargain,
    accept: noBargain,
    refine: noBargain,

    bookingRequest: (terms, quote, key) =>
      quote.changes
        ? changeRequest(terms, quote, key, base, options.openDirect?.buyerId ?? null)
        : bookingRequest(terms, quote, key, base),
    ready: async (_quote, access) => (await accounts.current(access)).wait,
    book: (request, quote, access) => (quote.changes ? changes : booking).book(request, quote, access),
    findBooking: (quote, request, access) => (quote.changes ? changes : booking).find(quote, request, access),
    follow: (wait, quote, request, access) =>
      quote.changes ? changes.follow(wait, quote, access) : booking.follow(wait, quote, request, access),
    letGo: (quote, access) => (quote.changes ? changes : booking).letGo(quote, access),

    // A line is booked within its order.
    async placeOrder(dealId) {
      return { orderId: dealId.split("/")[0] ?? dealId, status: "placed before the booking" };
    },

    cancel: ({ quote, deal }, _key, access) => booking.cancel(quote, deal.dealId, access),

    buyNow: ({ quote, deal }, access) => changes.now(quote, deal, access),

    async delivery({ quote, deal }, access) {
      const parts = partsOf(deal.dealId, quote);
      if (!parts) throw notHere(sellerId, `${deal.dealId} is no line of an order, so its figures cannot be asked for.`);
      const line = await books.line(quote, parts.orderId, parts.lineId, access);
      if (!line) throw notHere(sellerId, `${sellerId} has no line ${parts.lineId} any more.`, "not_found");
      const path = books.path(quote, parts.orderId, parts.lineId, "stats");
      const answer = await session.send({ method: "GET", path, phase: "discovery" }, access);
      const refusal = answer.status === 404 ? null : refusalOf(sellerId, "delivery figures", answer);
      if (refusal) throw refusal;
      const currency = deal.cpm?.currency ?? quote.cpm?.currency ?? "";
      const stats = answer.status === 404 ? null : statsIn(answer.json, currency, deal.impressions);
      const isPaused = word(line.bookingstatus).startsWith("pause");
      return deliveryOf(stats, sellerText(line.bookingstatus, 40) || null, isPaused);
    },

    syncCreatives: (ask, _key, access) => library.sync(ask, access),

    supplyChain: async () => ({ sellerType: null, isDirect: null, nodes: 0 }),
  };
}
