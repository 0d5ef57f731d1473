import type { SellerWait } from "../domain/deal.ts";
import { compare, displayMoney, formatMoney } from "../domain/money.ts";
import { askedPrice, type Quote, type QuoteRequest } from "../domain/quote.ts";
import { createAccounts } from "./adcp-accounts.ts";
import { outcomeOf } from "./adcp-buys.ts";
import type { Carrier } from "./adcp-carrier.ts";
import { changeRequest, createChanges } from "./adcp-changes.ts";
import { createCatalogue } from "./adcp-catalogue.ts";
import { syncCreatives } from "./adcp-creatives.ts";
import { readDelivery } from "./adcp-delivery.ts";
import { accountOf, createLooks } from "./adcp-looks.ts";
import { createOffers, timesOf } from "./adcp-offers.ts";
import { buyRequest } from "./adcp-orders.ts";
import { channelsOf } from "./adcp-products.ts";
import { mayHideCommitment } from "./adcp-errors.ts";
import { createSession, namesNoCapabilities } from "./adcp-session.ts";
import { sellerWebhooks } from "./adcp-webhooks.ts";
import { isAuthorized } from "./adagents.ts";
import { type ConnectOptions, defineProtocol } from "./protocol.ts";
import { openPublicFetch } from "./public-fetch.ts";
import {
  type Access,
  type Booked,
  type Capability,
  type Followed,
  type Found,
  type RoundAnswer,
  type Seller,
  SellerFailure,
} from "./seller.ts";

/**
 * AdCP 3.0 and 3.1 sales agents, over MCP or A2A. What is bought is a budget for each product, in one request whose
 * bytes and key are frozen first: a seller answers the same bytes the same way for as long as it says
 * (`replay_ttl_seconds`), so a lost answer is settled by sending them again, and by looking for our marks.
 */
export const adcp = defineProtocol({ name: "adcp", connect });

const cancellation =
  "The buy is asked to be cancelled, and read back. Notice and fees are the seller's; what was delivered until then is charged.";

const BOOKING_MS = 130_000;

function connect(options: ConnectOptions): Seller {
  const { sellerId, log } = options;
  const session = createSession(sellerId, (access) => carrierFor(options, access), log);
  const accounts = createAccounts(session, options.account);
  const catalogue = createCatalogue(session);
  const fetchText = openPublicFetch({
    local: { origins: [options.origin, ...options.publishers.values()], allowed: options.allowLoopback },
    ...(options.timeouts ? { timeouts: options.timeouts } : {}),
    log,
  });
  const offers = createOffers(session, accounts, catalogue, async (publishers, request, access) => {
    const { from, until } = timesOf(request);
    const countries = (request.targeting?.geo ?? []).map((place) => place.slice(0, 2).toUpperCase());
    const found = await isAuthorized({
      ...{ agentUrl: options.url, publishers, countries, at: from, until, fetchText },
      ...{ cache: options.cache, ttlSeconds: options.cacheSeconds, bases: options.publishers, signal: access.signal },
    });
    if (found.ok) return;
    throw new SellerFailure(sellerId, "not_authorized_to_sell", found.why, { definite: true });
  });

  const { buysOf, findMarked, buyById, confirmed, taskNow } = createLooks(session, log);
  const changes = createChanges(session, buysOf);

  /** A round in words: the ask is free text, so the price that comes back is read, and nothing the seller says of it. */
  async function round(
    quote: Quote,
    request: QuoteRequest,
    n: number,
    words: string,
    access: Access,
  ): Promise<RoundAnswer> {
    const { quote: now, applied, said } = await offers.refine(quote, request, { words, finalize: false }, access);
    const they = askedPrice(now);
    return {
      round: { n, move: "counter", we: null, they, theirAction: applied === "unable" ? "final_offer" : "counter" },
      status: "active",
      roundsLeft: null,
      rationale: said,
      quote: now,
    };
  }

  return {
    id: sellerId,
    origin: options.origin,
    protocol: "adcp",
    settlement: "replay",
    sells: "budget",
    cancellation,

    async card(access) {
      const found = await session.capabilities(access).catch((error: unknown) => {
        if (namesNoCapabilities(error)) return null;
        throw error;
      });
      if (!found) {
        const note =
          "It names no capabilities, so that nothing is known of its retry safety: it is read, and not bought from.";
        const shape = { name: sellerId, version: null, channels: [], dealTypes: [], url: null } as const;
        return { ...shape, compatibility: { ok: false, note }, capabilities: ["media_kit"] };
      }
      const { said, version, replaySeconds } = found;
      const modes = said.media_buy?.buying_modes ?? [];
      const buys: readonly Capability[] = ["quote", "book", "cancel", "update", "performance"];
      return {
        name: sellerId,
        version: `AdCP ${version}`,
        compatibility: {
          ok: replaySeconds !== null,
          note:
            replaySeconds === null
              ? "It promises no idempotency, so that a lost answer could book twice: it is read, and not bought from."
              : `AdCP ${version}; the same request may be repeated for ${Math.trunc(replaySeconds / 3600)} h.`,
        },
        channels: channelsOf(said.media_buy?.portfolio?.primary_channels ?? []),
        dealTypes: [],
        capabilities: [
          "media_kit",
          ...(replaySeconds === null ? [] : buys),
          ...(modes.includes("refine") && replaySeconds !== null ? (["negotiate"] as const) : []),
          ...(said.creative?.has_creative_library === true && replaySeconds !== null ? (["creatives"] as const) : []),
        ],
        url: null,
      };
    },

    catalogue: catalogue.list,

    async product(productId, access) {
      const found = (await catalogue.offered(null, {}, access)).products.get(productId);
      if (found) return found.product;
      throw new SellerFailure(sellerId, "not_found", `${sellerId} offers no product ${productId.slice(0, 80)}.`, {
        definite: true,
      });
    },

    // Forecasts are part of a product; nothing is reserved and nothing asked for them alone.
    avails: async () => ({ available: null, guaranteed: null, estimatedCpm: null, estimatedTotal: null }),

    quote: offers.quote,

    async readQuote(quote, request, access) {
      const now = quote.changes ? changes.again(quote, access) : offers.again(quote, request, access);
      return { quote: await now, negotiation: null };
    },

    async counter(quote, request, offer, n, _key, access) {
      const words = `Please offer this at ${formatMoney(offer)} per unit or below; all else as it is.`;
      const answer = await round(quote, request, n, words, access);
      const { they } = answer.round;
      const met = they !== null && they.currency === offer.currency && compare(they, offer) <= 0;
      const action = met ? ("accept" as const) : answer.round.theirAction;
      return {
        ...answer,
        round: { ...answer.round, we: offer, theirAction: action },
        status: met ? "agreed" : "active",
      };
    },

    // Its price stands as published or refined: to accept it is to buy at it, and nothing is sent before.
    async accept(quote, request, price, n, _key, access) {
      const now = await offers.again(quote, request, access);
      const they = askedPrice(now);
      const holds = they !== null && they.currency === price.currency && compare(they, price) <= 0;
      const round = {
        n,
        move: "accept" as const,
        we: price,
        they,
        theirAction: holds ? ("accept" as const) : ("counter" as const),
      };
      const rationale = holds || !they ? "" : `${sellerId} asks ${displayMoney(they)} by now.`;
      return { round, status: holds ? "agreed" : "active", roundsLeft: null, rationale, quote: now };
    },

    refine: offers.refine,

    bookingRequest(terms, quote, key, _identity, accepted) {
      const webhooks = options.webhooks?.() ?? null;
      return quote.changes
        ? changeRequest(terms, quote, key, webhooks)
        : buyRequest(terms, quote, key, accepted, webhooks);
    },

    webhooks: sellerWebhooks(session, options, fetchText),

    ready: async (_quote, access) => (await accounts.current(access)).wait,

    async book(request, quote, access): Promise<Booked> {
      if (quote.changes) return changes.send(request, quote, access);
      const followed = await session
        .send("the booking", request.path, request.body, access)
        .then((envelope) => outcomeOf(sellerId, envelope, quote, request))
        .catch(async (error: unknown) => {
          if (!(error instanceof SellerFailure) || !error.definite || !mayHideCommitment.includes(error.code ?? ""))
            throw error;
          const marked = await findMarked(quote, request, access).catch(() => {
            throw new SellerFailure(sellerId, error.kind, error.message, { definite: false, code: error.code });
          });
          if (marked) return marked;
          throw error;
        });
      const stands = await confirmed(followed, quote, request, access);
      if (stands.kind !== "refused") return stands;
      throw new SellerFailure(sellerId, "refused", `${sellerId} did not book: ${stands.why}.`, {
        definite: true,
        code: stands.code,
      });
    },

    async findBooking(quote, request, access): Promise<Found> {
      if (quote.changes) return changes.find(quote, access);
      const found = await findMarked(quote, request, access);
      if (found === null) return { kind: "available" };
      return found.kind === "refused" ? { kind: "gone", why: found.why } : found;
    },

    async follow(wait, quote, request, access) {
      if (quote.changes) return changes.follow(wait, quote, access);
      if (wait.mediaBuyId !== null) {
        return keptIn(wait, await buyById(wait.mediaBuyId, quote, request, access));
      }
      return taskNow(wait, quote, request, access);
    },

    // A media buy is its own order.
    placeOrder: async (dealId) => ({ orderId: dealId, status: "part of the media buy" }),

    cancel: ({ quote, deal }, key, access) => changes.cancel(deal.dealId, quote, key, access),

    buyNow: ({ quote, deal }, access) => changes.now(deal.dealId, quote, access),

    delivery: ({ quote, deal }, access) => readDelivery(session, deal, quote, accountOf(quote), access),

    syncCreatives: (ask, key, access) => syncCreatives(session, accounts, catalogue, ask, key, access, buysOf),

    supplyChain: async () => ({ sellerType: null, isDirect: null, nodes: 0 }),
  };
}

/** Until the buy counts, what was waited for first goes on being said: its task, its page. */
function keptIn(wait: SellerWait, now: Followed): Followed {
  if (now.kind !== "waits") return now;
  const { taskId, url, sellerSaid, expectedBy } = wait;
  return {
    kind: "waits",
    wait: {
      ...now.wait,
      taskId: now.wait.taskId ?? taskId,
      url: now.wait.url ?? url,
      sellerSaid: now.wait.sellerSaid || sellerSaid,
      expectedBy: now.wait.expectedBy ?? expectedBy,
    },
  };
}

/** Carriers are loaded with the first task: a desk without AdCP sellers needs none of them. */
async function carrierFor(options: ConnectOptions, access: Access): Promise<Carrier> {
  const { chooseCarrier } = await import("./adcp-probe.ts");
  const { carrier, timeouts, ...rest } = options;
  // A seller may be busy with a booking for two minutes before it answers (AdCP, `working`).
  const patient = { ...timeouts, booking: Math.max(timeouts?.booking ?? 0, BOOKING_MS) };
  return chooseCarrier({ ...rest, timeouts: patient, ...(carrier === null ? {} : { carrier }) }).carrier(access);
}
