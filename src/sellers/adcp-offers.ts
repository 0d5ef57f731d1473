import { BuyingError } from "../domain/errors.ts";
import { instants } from "../domain/flight.ts";
import { splitRef } from "../domain/ids.ts";
import type { Product } from "../domain/inventory.ts";
import type { Package } from "../domain/package.ts";
import type { PackageAsk, Quote, QuoteAccount, QuoteRequest, QuoteWire } from "../domain/quote.ts";
import type { Account, Accounts } from "./adcp-accounts.ts";
import { httpsOnly } from "./adcp-accounts.ts";
import type { Catalogue, Offered } from "./adcp-catalogue.ts";
import { askedFor } from "./adcp-orders.ts";
import { instantIn, scopesOf } from "./adcp-products.ts";
import { packageOf, quoteOf, sharesOf, targetingOf } from "./adcp-quotes.ts";
import { unreadable } from "./adcp-refusals.ts";
import type { Session } from "./adcp-session.ts";
import type { PublisherScope } from "./adagents-scope.ts";
import { type Access, type RefineAsk, type Refined, SellerFailure } from "./seller.ts";
import { sellerId as checkedId, sellerText } from "./untrusted.ts";
import type { WireProposal } from "./wire/adcp.ts";

/** Whether the publishers of what is bought let this seller sell it. @throws SellerFailure where they do not */
export type CheckPublishers = (
  publishers: readonly PublisherScope[],
  request: QuoteRequest,
  access: Access,
) => Promise<void>;

/** Quotes of one seller: its published prices for our budgets, or a committed proposal of its own. */
export interface Offers {
  quote(request: QuoteRequest, key: string, access: Access): Promise<Quote>;
  /** The quote as it would be given now, under the same id. */
  again(quote: Quote, request: QuoteRequest, access: Access): Promise<Quote>;
  refine(quote: Quote, request: QuoteRequest, ask: RefineAsk, access: Access): Promise<Refined>;
}

/** Published prices name no end: they are read again before anybody decides, and before anything is sent. */
const STANDS_MS = 24 * 3_600_000;

/** @see Offers */
export function createOffers(
  session: Session,
  accounts: Accounts,
  catalogue: Catalogue,
  check: CheckPublishers,
): Offers {
  const { sellerId } = session;

  /** What a quote is made of that the seller says: who we are there, and what it offers us. */
  async function read(request: QuoteRequest, refined: string | null, access: Access) {
    const account = await accounts.current(access);
    const more = {
      ...askedFor(request, account.reference, account.brand),
      ...(refined === null ? {} : { refine: JSON.parse(refined) as unknown }),
    };
    return { account, offered: await catalogue.offered(request.buys?.brief ?? null, more, access) };
  }

  async function wireOf(account: Account, access: Access, rest: Partial<QuoteWire>): Promise<QuoteWire> {
    const [{ version, replaySeconds }, tasks] = await Promise.all([
      session.capabilities(access),
      session.tasks(access),
    ]);
    if (replaySeconds === null) {
      const message = `${sellerId} promises no idempotency, so that a lost answer could book twice: it is read, and not bought from.`;
      throw new SellerFailure(sellerId, "unsupported", message, { definite: true });
    }
    const accepts = tasks.get("create_media_buy") ?? null;
    return {
      ...{ version, replaySeconds, proposalId: null, insertionOrder: null, refined: null },
      account: JSON.stringify(account.reference),
      brand: JSON.stringify(account.brand),
      accepts: accepts === null ? null : [...accepts],
      ...rest,
    };
  }

  async function build(
    sellerQuoteId: string,
    request: QuoteRequest,
    known: Pick<QuoteWire, "refined" | "proposalId" | "insertionOrder"> & { readonly until: string | null },
    access: Access,
  ): Promise<Quote> {
    const { account, offered } = await read(request, known.refined, access);
    const asks = packagesAsked(request, offered);
    const packages = asks.map((ask) => pack(offered, ask));
    const products = asks.flatMap(({ productId }) => offered.products.get(productId) ?? []);
    await check(
      products.flatMap(({ wire }) => [...scopesOf(wire)]),
      request,
      access,
    );
    const [first] = products;
    const ends = [
      known.until,
      ...packages.map(({ product }) => offered.products.get(product.id)?.product.terms?.expiresAt ?? null),
    ];
    const { refined, proposalId, insertionOrder } = known;
    return quoteOf(packages, request, {
      sellerId,
      sellerQuoteId,
      wire: await wireOf(account, access, { refined, proposalId, insertionOrder }),
      account: account.words,
      expiresAt: earliest(ends),
      rationale: "",
      notes: notesOn(account, offered, request, known),
      notHonoured: targetingOf(request.targeting).notHonoured,
      creativesDeadline: instantIn(first?.wire.material_submission?.deadline),
      cancellation: cancellationOf(products.map(({ product }) => product)),
    });
  }

  function pack(offered: Offered, ask: PackageAsk): Package {
    const found = offered.products.get(ask.productId);
    if (found) return packageOf({ product: found.product, ask });
    const message = `${sellerId} offers no product ${ask.productId.slice(0, 80)} for this brief and flight.`;
    if (offered.unreadable > 0)
      throw unreadable(
        sellerId,
        "get_products",
        `${offered.unreadable} of its products cannot be read, and ${ask.productId.slice(0, 80)} is not among the others`,
      );
    throw new SellerFailure(sellerId, "not_found", message, { definite: true });
  }

  /** The earliest of the instants at which parts of an offer end, on our clock. */
  function earliest(ends: readonly (string | null)[]): string {
    const standing = Date.now() + STANDS_MS;
    const all = ends.flatMap((end) => (end === null ? [] : [Date.parse(session.onOurClock(end))]));
    return new Date(Math.min(standing, ...all)).toISOString();
  }

  const quote: Offers["quote"] = (request, key, access) =>
    build(`bq-${key}`, request, { refined: null, proposalId: null, insertionOrder: null, until: null }, access);

  return {
    quote,
    async again(before, request, access) {
      const { wire } = before;
      const { refined = null, proposalId = null, insertionOrder = null } = wire ?? {};
      if (proposalId === null) {
        const until = null;
        return build(before.sellerQuoteId, request, { refined, proposalId, insertionOrder, until }, access);
      }
      // A committed proposal is a promise until its day, and reading it would be asking for another one.
      const account = await accounts.current(access);
      const expired = Date.parse(before.expiresAt) <= Date.now();
      const words = underOrder(account.words, insertionOrder);
      return { ...before, account: words, state: expired ? "expired" : "available" };
    },
    async refine(before, request, ask, access) {
      const wishes = wishesOf(before, request, ask);
      const refined = JSON.stringify(wishes);
      const { offered } = await read(request, refined, access);
      if (offered.waits !== null) {
        const message = `The people of ${sellerId} look at it first, and nothing is agreed yet: ask again later.`;
        const details = { definite: true, sellerSaid: sellerText(offered.waits, 300) || null };
        throw new SellerFailure(sellerId, "refused", message, details);
      }
      const [said] = offered.applied;
      const applied = (["applied", "partial", "unable"] as const).find((word) => word === said?.status) ?? "not_said";
      const words = sellerText(said?.notes, 300);
      if (!ask.finalize) {
        const known = { refined, proposalId: null, insertionOrder: null, until: null };
        return { quote: await build(before.sellerQuoteId, request, known, access), applied, said: words };
      }
      const proposalId = request.buys?.proposal ?? null;
      const committed = proposalId === null ? undefined : offered.proposals.get(proposalId);
      if (!committed?.proposal.committed) {
        const message = `${sellerId} did not commit itself to proposal ${proposalId ?? "(none)"}.`;
        throw new SellerFailure(sellerId, "refused", message, { definite: true, sellerSaid: words || null });
      }
      return { quote: await firm(before, request, committed.wire, offered, access), applied, said: words };
    },
  };

  /** The quote as the seller has committed itself to it: a price and inventory until a day. */
  async function firm(
    before: Quote,
    request: QuoteRequest,
    wire: WireProposal,
    offered: Offered,
    access: Access,
  ): Promise<Quote> {
    const account = await accounts.current(access);
    const proposalId = checkedId(wire.proposal_id);
    const io = wire.insertion_order;
    const ioId = io?.requires_signature === true ? checkedId(io.io_id) : null;
    if (io?.requires_signature === true && ioId === null) {
      throw new SellerFailure(
        sellerId,
        "invalid_answer",
        `${sellerId} wants a signature under an order without an id.`,
      );
    }
    const insertionOrder = ioId === null ? null : { id: ioId, signingUrl: httpsOnly(io?.signing_url) };
    const known = { refined: null, proposalId, insertionOrder };
    const asks = packagesAsked(request, offered);
    const packages = asks.map((ask) => (offered.products.has(ask.productId) ? pack(offered, ask) : kept(before, ask)));
    return quoteOf(packages, request, {
      sellerId,
      sellerQuoteId: before.sellerQuoteId,
      wire: await wireOf(account, access, known),
      account: underOrder(account.words, insertionOrder),
      expiresAt: earliest([instantIn(wire.expires_at)]),
      rationale: "",
      notes: notesOn(account, offered, request, known),
      notHonoured: targetingOf(request.targeting).notHonoured,
      creativesDeadline: before.creativesDeadline ?? null,
      cancellation: before.cancellation ?? null,
    });
  }

  /** A committed answer may name its proposal and not repeat the products. */
  function kept({ packages = [] }: Quote, ask: PackageAsk): Package {
    const found = packages.find(({ product }) => product.id === ask.productId);
    if (found) return { ...found, budget: ask.budget };
    const message = `${sellerId} committed itself to a product it did not offer before.`;
    throw new SellerFailure(sellerId, "invalid_answer", message);
  }
}

/** The packages to buy: those asked for, or a proposal's shares of the budget. @throws BuyingError, SellerFailure */
function packagesAsked({ product, budget, buys }: QuoteRequest, offered: Offered): readonly PackageAsk[] {
  if (!buys) throw new RangeError(`${product} is asked for without a budget`);
  if (buys.proposal === null) return buys.packages;
  const found = offered.proposals.get(buys.proposal)?.proposal;
  if (!found) {
    const { sellerId } = splitRef(product);
    const message = `${sellerId} makes no proposal ${buys.proposal.slice(0, 60)} for this brief.`;
    throw new SellerFailure(sellerId, "not_found", message, { definite: true });
  }
  if (!budget) {
    const message = "A proposal is bought for a budget. Nothing was booked.";
    throw new BuyingError("invalid_arguments", message, "fix_arguments", { field: "budget" });
  }
  const amounts = sharesOf(budget, found.shares);
  return found.shares.map(({ productId, option }, at) => {
    const own = buys.packages.find((one) => one.productId === productId);
    return {
      productId,
      budget: amounts[at] ?? budget,
      option,
      maxBid: own?.maxBid ?? null,
      creativeIds: own?.creativeIds ?? [],
    };
  });
}

/** What we wish for, as entries of `refine`: a commitment stands alone, and words go to each product or to the proposal. */
function wishesOf(quote: Quote, request: QuoteRequest, ask: RefineAsk): readonly Readonly<Record<string, unknown>>[] {
  const proposal = request.buys?.proposal ?? null;
  const words = ask.words === null ? {} : { ask: ask.words };
  if (ask.finalize) {
    if (proposal !== null) return [{ scope: "proposal", proposal_id: proposal, action: "finalize" }];
    const message = `${quote.ref} buys products at published prices, which no seller commits itself to; only a proposal can be made firm. Nothing was booked.`;
    throw new BuyingError("unsupported_by_seller", message, "choose_another");
  }
  if (proposal !== null) return [{ scope: "proposal", proposal_id: proposal, action: "include", ...words }];
  return (quote.packages ?? []).map(({ product }) => ({
    ...{ scope: "product", product_id: product.id, action: "include" },
    ...words,
  }));
}

/** Who approves a buy under an insertion order accepts that order, so it stands where the person reads, and in the terms. */
function underOrder(words: QuoteAccount, order: QuoteWire["insertionOrder"]): QuoteAccount {
  if (order === null) return words;
  const where = order.signingUrl === null ? "" : ` (${order.signingUrl}, the seller's page)`;
  return { ...words, name: `${words.name}, accepting insertion order ${order.id}${where}` };
}

function notesOn(
  account: Account,
  offered: Offered,
  request: QuoteRequest,
  known: Pick<QuoteWire, "proposalId" | "insertionOrder">,
): readonly string[] {
  const proposal = request.buys?.proposal ?? null;
  const { insertionOrder: io } = known;
  return [
    ...(account.news === null ? [] : [account.news]),
    ...(account.wait
      ? [
          `the seller has not opened the account yet${account.wait.url ? `; a person can do it at ${account.wait.url} (the seller's page)` : ""}: a buy waits for it`,
        ]
      : []),
    ...(proposal !== null && known.proposalId === null
      ? ['the proposal is a draft: negotiate {move: "firm"} asks the seller to commit itself to it']
      : []),
    ...(io
      ? [
          `insertion order ${io.id} is accepted with the approval${io.signingUrl ? `, and signed at ${io.signingUrl} (the seller's page) before` : ""}`,
        ]
      : []),
    ...offered.notes,
  ];
}

function cancellationOf(products: readonly Product[]): string | null {
  const words = products.flatMap(({ productId, terms }) =>
    terms?.cancellation ? [`${productId}: ${terms.cancellation}`] : [],
  );
  return words.length > 0 ? `Published by the seller: ${words.join("; ")}.` : null;
}

/** The flight as instants, for questions of time. */
export function timesOf(request: QuoteRequest): { readonly from: Date; readonly until: Date } {
  const { start, end } = instants(request.flight);
  return { from: new Date(start), until: new Date(end) };
}
