import type { SellerWait } from "../../src/domain/deal.ts";
import type { FrozenRequest } from "../../src/domain/media-buy.ts";
import { add, compare, type Money, money } from "../../src/domain/money.ts";
import type { Quote, QuoteWire } from "../../src/domain/quote.ts";
import type { Terms } from "../../src/domain/terms.ts";
import {
  type Access,
  type Booked,
  type FailureKind,
  type Followed,
  type Found,
  type RoundAnswer,
  type Seller,
  SellerFailure,
} from "../../src/sellers/seller.ts";
import { exchange, type Call } from "./exchange.ts";
import type { Handled, ModelQuote, ModelSeller, Send } from "./model-seller.ts";
import { nextWrite, type Standing, type Taken } from "./seller-steps.ts";
import { bookingTimeoutMs, readTimeoutMs, replayMs } from "./timing.ts";
import { strikes, type Process, type World } from "./world.ts";

/** The `Seller` port of one process to a modelled seller. */
export function sellerPort(world: World, process: Process, model: ModelSeller): Seller {
  const refusal = (kind: FailureKind, code: string | null = kind.toUpperCase()) =>
    new SellerFailure(model.id, kind, `${model.id}: ${kind}.`, { definite: true, code });
  const read = <T>(what: string, handle: () => T, access?: Access) =>
    exchange(world, process, model, {
      what,
      timeoutMs: readTimeoutMs,
      changes: false,
      signal: access?.signal,
      handle: async () => handle(),
    });
  const change = <T>(call: Omit<Call<T>, "timeoutMs" | "changes">) =>
    exchange(world, process, model, { timeoutMs: bookingTimeoutMs, changes: true, ...call });
  const open = (id: string): ModelQuote => {
    const quote = model.read(world, id);
    if (!quote) throw refusal("gone");
    return quote;
  };
  const { desk } = model;
  const booked = async (send: Send, wait: (what: string, ms: number) => Promise<void>): Promise<Handled<Booked>> => {
    const handled = await model.book(world, send, wait);
    return "ok" in handled ? { ok: { kind: "booked", deal: handled.ok } } : handled;
  };
  const { steps } = model;
  /** One of several writes, in the words of the port. */
  const told = (quote: Quote, taken: Taken): Booked => {
    if ("wait" in taken) return { kind: "waits", wait: taken.wait };
    if ("booked" in taken) return { kind: "booked", deal: taken.booked };
    return { kind: "advanced", quote: { ...quote, cpm: taken.cpm, placed: taken.placed } };
  };
  const found = (quote: Quote, now: Standing): Found => {
    if (now === null) return { kind: "available" };
    return "refused" in now ? { kind: "refused", code: "DECLINED", why: now.refused } : told(quote, now);
  };
  const book = (request: FrozenRequest, quote: Quote): Promise<Booked> => {
    const { quote_id, idempotency_key } = bodyOf(request.body);
    const send: Send = {
      n: model.sends.length + 1,
      sellerId: model.id,
      quoteId: quote_id,
      key: idempotency_key,
      write: steps && nextWrite(quote.placed),
      by: process.name,
      at: world.scheduler.time,
      over: false,
      knownDead: false,
      deals: [],
    };
    world.scheduler.note(process.name, `sends the booking of ${model.id}/${quote_id}, send ${send.n}`);
    world.witness.bytesLeave(send, request, process);
    model.sends.push(send);
    return change<Booked>({
      what: `books ${quote_id}`,
      handle: async (wait) => {
        const written = await steps?.take(world, send, quote.placed, wait);
        const handled = written
          ? "ok" in written
            ? { ok: told(quote, written.ok) }
            : written
          : desk
            ? await desk.book(world, send, request.body, wait)
            : await booked(send, wait);
        if ("ok" in handled) return handled.ok;
        if ("busy" in handled) throw new SellerFailure(model.id, "server_error", `${model.id} is busy with it.`);
        throw handled.before ? refusal(handled.refused, null) : refusal(handled.refused);
      },
      over: () => {
        send.over = true;
      },
      nothing: () => {
        send.knownDead = true;
      },
    });
  };

  const ready = async (): Promise<SellerWait | null> => {
    if (!desk) return null;
    const wait = await read("looks at the account", () => desk.ready(world));
    if (wait === "rejected") throw refusal("forbidden");
    return wait;
  };
  const follow = (wait: SellerWait, quote: Quote): Promise<Followed> =>
    read(`looks at ${wait.taskId ?? wait.mediaBuyId}`, () => {
      const now = steps?.standing(world, wait.mediaBuyId ?? "");
      if (now) return "refused" in now ? { kind: "refused", code: "DECLINED", why: now.refused } : told(quote, now);
      const seen = desk?.follow(wait);
      if (!seen) throw refusal("not_found");
      return seen;
    });

  return {
    id: model.id,
    origin: `https://${model.id}.example`,
    protocol: "model",
    settlement: steps ? "look_up" : desk ? "replay" : "read_back",
    sells: "volume",
    cancellation: "it may refuse.",
    card: () => Promise.reject(refusal("unsupported")),
    catalogue: (_query, access) =>
      read("lists its products", () => ({ products: model.products, unreadable: 0, notes: [] }), access),
    product: () => Promise.reject(refusal("unsupported")),
    avails: () => Promise.reject(refusal("unsupported")),
    quote: (request, _key, access) => read("quotes", () => quoteOf(world, model, model.quote(world, request)), access),
    readQuote: ({ sellerQuoteId: id, placed }, _request, access) =>
      read(
        `reads ${id}`,
        () => {
          const line = steps?.lines.find((one) => one.id === placed?.lineId);
          if (line && steps) {
            const now = steps.standing(world, line.id);
            const state = now && "refused" in now ? "expired" : now && "booked" in now ? "booked" : "available";
            return { quote: { ...quoteOf(world, model, line.quote), cpm: line.cpm, state, placed }, negotiation: null };
          }
          const kept = open(id);
          const quote = quoteOf(world, model, kept);
          const struck =
            kept.state === "available" && kept.negotiation?.status === "accepted" ? kept.negotiation.cpm : null;
          const negotiation = kept.negotiation && {
            status: kept.negotiation.status,
            sellerCpm: kept.negotiation.cpm,
            rounds: kept.negotiation.rounds,
          };
          return { quote: struck ? { ...quote, cpm: struck } : quote, negotiation };
        },
        access,
      ),
    counter: (quote, _request, offer, n) =>
      change({
        what: `counters ${quote.sellerQuoteId}`,
        handle: async () => counter(open(quote.sellerQuoteId), offer, n),
      }),
    accept: (quote, _request, cpm, n) =>
      change({ what: `accepts ${quote.sellerQuoteId}`, handle: async () => accept(open(quote.sellerQuoteId), cpm, n) }),
    bookingRequest: (_terms: Terms, { sellerQuoteId }, key) => ({
      method: "POST",
      path: "/deals",
      body: JSON.stringify({ idempotency_key: key, quote_id: sellerQuoteId }),
    }),
    book: world.weakness?.book?.(book) ?? book,
    refine: () => Promise.reject(refusal("unsupported")),
    ready: world.weakness?.ready?.(ready) ?? ready,
    follow: world.weakness?.follow?.(follow) ?? follow,
    findBooking: (quote, { body }, access) =>
      read(
        `looks for the booking of ${quote.sellerQuoteId}`,
        (): Found => {
          if (steps) return found(quote, steps.find(world, bodyOf(body).idempotency_key, quote.placed));
          if (desk) return desk.find(bodyOf(body).idempotency_key) ?? { kind: "available" };
          const kept = model.read(world, quote.sellerQuoteId);
          if (!kept) return { kind: "gone", why: "it reads as expired" };
          const deal = kept.dealId === null ? undefined : model.deals.get(kept.dealId);
          return deal ? { kind: "booked", deal: deal.deal } : { kind: "available" };
        },
        access,
      ),
    letGo: ({ placed }) =>
      change({
        what: `resets ${placed?.lineId}`,
        handle: async () => {
          steps?.reset(placed?.lineId ?? null);
          return null;
        },
      }),
    placeOrder: (dealId) =>
      change({
        what: `places the order of ${dealId}`,
        handle: async () => {
          model.orders.set(dealId, `O-${dealId}`);
          return { orderId: `O-${dealId}`, status: "draft" };
        },
      }),
    cancel: async ({ deal: { dealId } }) => {
      const refuses = strikes(world, "cancelRefused");
      await change({
        what: `cancels ${dealId}`,
        handle: async (wait) => {
          await wait("thinks about it", 0);
          const deal = model.deals.get(dealId);
          if (deal && !refuses) deal.stands = false;
        },
      });
      // Only the deal itself tells.
      const stands = await read(`reads deal ${dealId}`, () => model.deals.get(dealId)?.stands ?? true).catch(unsure);
      return stands ? { kind: "refused", why: "it still stands" } : { kind: "cancelled" };
    },
    delivery: () => Promise.reject(refusal("unsupported")),
    buyNow: () => Promise.reject(refusal("unsupported")),
    syncCreatives: async () => ({ results: [], taskId: null }),
    supplyChain: () => Promise.reject(refusal("unsupported")),
  };
}

function quoteOf(world: World, model: ModelSeller, kept: ModelQuote): Quote {
  const { product, request } = kept;
  const expired = kept.expiresAt <= world.scheduler.time;
  return {
    ref: `${model.id}/${kept.id}`,
    sellerId: model.id,
    sellerQuoteId: kept.id,
    product: { ref: product.ref, id: product.productId, name: product.name, channel: product.channel },
    state: expired ? "expired" : kept.state,
    dealType: request.dealType,
    guaranteed: false,
    listCpm: kept.listCpm,
    cpm: kept.cpm,
    impressions: request.impressions,
    flight: request.flight,
    shownAs: "public",
    pricedAs: "public",
    discounts: { tier: null, volume: null },
    rationale: "",
    inventoryAvailable: true,
    notHonoured: [],
    expiresAt: new Date(kept.expiresAt).toISOString(),
    dealId: kept.dealId,
    ...(model.desk ? { wire: wireOf(world) } : {}),
  };
}

function wireOf({ weakness }: World): QuoteWire {
  const replaySeconds = (weakness?.saidReplayMs ?? replayMs) / 1000;
  const none = { proposalId: null, insertionOrder: null, refined: null, accepts: null };
  return { version: "3.1", replaySeconds, account: "{}", brand: "{}", ...none };
}

/** A look that failed says nothing of what was asked before it. */
function unsure(error: unknown): never {
  if (!(error instanceof SellerFailure)) throw error;
  throw new SellerFailure(error.sellerId, error.kind, error.message);
}

/** Comes down half way to any offer, and takes it in the third round. */
function counter(quote: ModelQuote, offer: Money, n: number): RoundAnswer {
  const from = quote.negotiation?.cpm ?? quote.cpm;
  const rounds = (quote.negotiation?.rounds ?? 0) + 1;
  const takes = compare(offer, from) >= 0 || rounds >= 3;
  const middle = money((add(offer, from).micros / 2n / 10_000n) * 10_000n, from.currency);
  const cpm = takes ? offer : middle;
  quote.negotiation = { status: takes ? "accepted" : "active", cpm, rounds };
  const theirAction = takes ? "accept" : "counter";
  const status = takes ? "agreed" : "active";
  return { round: { n, move: "counter", we: offer, they: cpm, theirAction }, status, roundsLeft: null, rationale: "" };
}

function accept(quote: ModelQuote, cpm: Money, n: number): RoundAnswer {
  const struck = quote.negotiation?.cpm ?? quote.cpm;
  quote.negotiation = { status: "accepted", cpm: struck, rounds: (quote.negotiation?.rounds ?? 0) + 1 };
  return {
    round: { n, move: "accept", we: cpm, they: struck, theirAction: "accept" },
    status: "agreed",
    roundsLeft: null,
    rationale: "",
  };
}

function bodyOf(text: string): { readonly quote_id: string; readonly idempotency_key: string } {
  const body: unknown = JSON.parse(text);
  if (typeof body === "object" && body !== null && "quote_id" in body && "idempotency_key" in body)
    return { quote_id: String(body.quote_id), idempotency_key: String(body.idempotency_key) };
  throw new RangeError("not the bytes of a booking");
}
