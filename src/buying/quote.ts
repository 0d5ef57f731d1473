import { BuyingError } from "../domain/errors.ts";
import type { Flight } from "../domain/flight.ts";
import type { Goal } from "../domain/identity.ts";
import { type Ref, streams } from "../domain/ids.ts";
import type { DealType, Product } from "../domain/inventory.ts";
import type { LineEvent } from "../domain/media-buy.ts";
import { compare, costOfImpressions, displayMoney, impressionsForBudget, type Money } from "../domain/money.ts";
import { atCpm, type Quote, type QuoteRequest, type Targeting, totalOfQuote } from "../domain/quote.ts";
import type { Seller } from "../sellers/seller.ts";
import { budgetRequest, refuseBudgetTerms } from "./budget-request.ts";
import { type AccessPlan, isToldAccount, planAccess } from "./access.ts";
import { failureAsError } from "./failures.ts";
import { decideAndAppend, firstLineRow, type LoadedLine, lineFrom, loadLine, newestOf } from "./lines.ts";
import { findProduct, lowestPrice } from "./media-kit.ts";
import { followProposal, proposalsOf, putTerms } from "./proposal.ts";
import { type QuoteReport, reportOf } from "./quote-report.ts";
import { noteRefused } from "./refused.ts";
import { readOpenQuote } from "./reread.ts";
import { renewalRows } from "./renewal.ts";
import type { Ports, SellerRecord } from "./ports.ts";
import { type Asking, essenceOf, isLive, standingFor } from "./same-ask.ts";
import { belowMinimum, checkBeforeAsking, volumeRequest } from "./volume-request.ts";

export interface QuoteItem {
  readonly product: string;
  readonly flight: Flight;
  /** Exactly one of these two. */
  readonly budget: Money | null;
  readonly impressions: number | null;
  readonly dealType: DealType | null;
  readonly targeting: Targeting | null;
  /** Own CPM to be put to the seller; absent, its price is asked for. */
  readonly offer?: Money | undefined;
  /** How the product is to be bought where budgets are sold. */
  readonly terms: ItemTerms;
  /** More products of the same seller, each with its own budget, to be bought in one media buy. */
  readonly with: readonly (ItemTerms & { readonly product: string; readonly budget: Money })[];
  /** A brief in words, for sellers that offer by one. */
  readonly brief: string | null;
}

/** What is chosen of a product that is sold by budget: nulls leave it to the seller's first price. */
export interface ItemTerms {
  readonly maxBid: Money | null;
  readonly pricingOption: string | null;
  readonly creativeIds: readonly string[];
}

export interface QuoteAsk extends Asking {
  readonly items: readonly QuoteItem[];
  readonly goal: Goal | null;
  readonly by: string;
  readonly deadlineMs: number;
}

export type QuoteOutcome =
  | { readonly ok: true; readonly report: QuoteReport }
  | { readonly ok: false; readonly item: string; readonly error: BuyingError };

/** Asks for many quotes at once; one that fails says why and costs the others nothing. Nothing is booked. */
export async function requestQuotes(ports: Ports, ask: QuoteAsk): Promise<readonly QuoteOutcome[]> {
  const flowId = ports.newId();
  const { deadlineMs } = ask;
  const outcomes = await Promise.all(
    ask.items.map((item) => settled(item.product, ports, deadlineMs, () => quoteItem(ports, ask, item, flowId))),
  );
  await noteRefused(ports, flowId, ask, outcomes);
  return outcomes;
}

/** Renews quotes at the same product, flight and volume. The old quote gives way to the new one. */
export async function renewQuotes(
  ports: Ports,
  refs: readonly Ref[],
  by: string,
  deadlineMs: number,
): Promise<readonly QuoteOutcome[]> {
  const outcomes = await Promise.all(
    refs.map((ref) => settled(ref, ports, deadlineMs, () => renew(ports, ref, by, deadlineMs))),
  );
  await noteRefused(ports, ports.newId(), { campaign: null, by }, outcomes);
  return outcomes;
}

async function settled(
  item: string,
  ports: Ports,
  deadlineMs: number,
  work: () => Promise<QuoteReport>,
): Promise<QuoteOutcome> {
  const stop = new AbortController();
  const late = ports.sleep(deadlineMs, stop.signal).then(
    () => "late" as const,
    () => "late" as const,
  );
  const done = work().then(
    (report): QuoteOutcome => ({ ok: true, report }),
    (error: unknown): QuoteOutcome => ({ ok: false, item, error: failureAsError(ports, error) }),
  );
  const first = await Promise.race([done, late]);
  stop.abort();
  if (first !== "late") return first;
  const message = `No quote within ${deadlineMs} ms. Ask for the same item again to collect it. Nothing was booked.`;
  return { ok: false, item, error: new BuyingError("seller_unavailable", message, "wait", { retryAfterSeconds: 5 }) };
}

interface Got {
  readonly ref: Ref;
  readonly found: boolean;
}

/** Asks of this process under way: the same ask, made again meanwhile, waits for the one quote instead of a second. */
const asking = new Map<string, Promise<Got>>();

function shared(key: string, work: () => Promise<Got>): Promise<Got> {
  const begun = asking.get(key) ?? work().finally(() => asking.delete(key));
  asking.set(key, begun);
  return begun;
}

async function quoteItem(ports: Ports, ask: QuoteAsk, item: QuoteItem, flowId: string): Promise<QuoteReport> {
  const { record, product, proposal } = await findProduct(ports, item.product, ask.deadlineMs, item.brief);
  if (record.trust === "unknown") {
    throw new BuyingError(
      "trust_too_low",
      `${record.id} is in no registry and not vouched for: only its public media kit is read. Nothing was booked.`,
      "choose_another",
    );
  }
  if (record.byAccount && !isToldAccount(record)) {
    throw new BuyingError(
      "trust_too_low",
      `${record.id} sells to accounts, and would learn brand and operator with a quote. It is ${record.trust} and known from registries alone: the operator puts it into the config to have it told. Nothing was booked.`,
      "ask_person",
    );
  }
  const seller = ports.directory.connect(record);
  const byBudget = seller.sells === "budget";
  if (!byBudget) refuseBudgetTerms(item, record, seller.takesCreatives === true);
  if (item.offer) proposalsOf(seller);
  const request = byBudget ? budgetRequest(item, product, proposal, ask.goal) : volumeRequest(item, product, ask.goal);
  const plan = planFor(ports, record, request, product);
  const { ref, found } = await shared(
    `${ports.holder} ${ask.toBuy ?? false} ${ask.campaign} ${essenceOf(request)}`,
    async () => {
      const open = await standingFor(ports, request, ask);
      if (open) return { ref: (await followProposal(ports, open.ref)).ref, found: true };
      if (!byBudget) checkBeforeAsking(product, request);
      const got = byBudget
        ? { quote: await seller.quote(request, ports.newId(), plan.access), request }
        : await askForBudget(ports, seller, request, plan, product);
      const put = await putTerms(ports, seller, got.quote, got.request);
      const kept = await keep(ports, got, { ask, flowId, renews: null }, put);
      return { ref: (await followProposal(ports, kept)).ref, found: false };
    },
  );
  return reportOf(ports, record, await loadLine(ports, ref), { found, plan, availsMs: ask.deadlineMs / 2 });
}

async function renew(ports: Ports, ref: Ref, by: string, deadlineMs: number): Promise<QuoteReport> {
  const waited = (await newestOf(ports, ref)).line.status === "proposed";
  const old = await followProposal(ports, ref);
  // What came of terms that waited is told before anything is renewed.
  if ((waited || old.ref !== ref) && isLive(ports, old)) {
    const seller = await ports.directory.find(old.line.quote.sellerId);
    return reportOf(ports, seller, old, { found: true, plan: null, availsMs: deadlineMs / 2 });
  }
  refuseBought(old);
  if (old.line.quote.changes) {
    const message = `${old.ref} changes a media buy; ask for it again with update_media_buy. Nothing was booked.`;
    throw new BuyingError("invalid_arguments", message, "fix_arguments", { field: "quote_ids" });
  }
  // Terms that were put are put anew only when they are asked for anew.
  const { offer: _, ...request } = old.line.request;
  const { campaign } = old.line;
  const known = await ports.directory.find(old.line.quote.sellerId);
  if (ports.directory.connect(known).sells === "budget" && old.line.status !== "declined") {
    // Its offer is made of published prices, and of what was negotiated since: read again, it stands anew.
    const read = await readOpenQuote(ports, old.ref);
    return reportOf(ports, known, read, { found: false, plan: null, availsMs: deadlineMs / 2 });
  }
  const { record, product } = await findProduct(ports, request.product, deadlineMs, request.buys?.brief ?? null);
  const plan = planFor(ports, record, request, product);
  const renewed = await shared(`${ports.holder} renew ${old.ref}`, async () => {
    const quote = await ports.directory.connect(record).quote(request, ports.newId(), plan.access);
    const kept = { ask: { campaign, by }, flowId: old.flowId, renews: old.ref };
    return { ref: await keep(ports, { quote, request }, kept), found: false };
  });
  return reportOf(ports, record, await loadLine(ports, renewed.ref), {
    found: renewed.found,
    plan,
    availsMs: deadlineMs / 2,
  });
}

function refuseBought({ ref, line }: LoadedLine): void {
  if (["open", "awaiting_approval", "declined"].includes(line.status)) return;
  const state = line.status.replaceAll("_", " ");
  throw new BuyingError("already_booked", `${ref} is ${state} and is not renewed. Nothing new was booked.`, "none");
}

interface Kept {
  readonly ask: { readonly campaign: string | null; readonly by: string };
  readonly flowId: string;
  readonly renews: Ref | null;
}

/** Keeps a quote. @returns the quote that now stands: another one where somebody else renewed the same quote first */
async function keep(
  ports: Ports,
  got: { quote: Quote; request: QuoteRequest },
  kept: Kept,
  put: readonly LineEvent[] = [],
): Promise<Ref> {
  const { quote, request } = got;
  const { ask, flowId, renews } = kept;
  return decideAndAppend(ports, async () => {
    // A seller may answer two asks with one quote; it is one line all the same.
    const there = lineFrom(quote.ref, await ports.ledger.read(streams.quote(quote.ref)));
    if (there) return { rows: [], result: quote.ref };
    const { campaign, by } = ask;
    const quoted = { kind: "quoted", v: 1, quote, request, campaign, by, renews } as const;
    const first = firstLineRow(quote.ref, flowId, quoted, ...put);
    if (renews === null) return { rows: [first], result: quote.ref };
    const old = await loadLine(ports, renews);
    if (old.line.supersededBy) return { rows: [], result: old.line.supersededBy };
    refuseBought(old);
    return { rows: await renewalRows(ports, old, first, quote, request), result: quote.ref };
  });
}

function planFor(ports: Ports, record: SellerRecord, request: QuoteRequest, product: Product): AccessPlan {
  const seen = lowestPrice(product.price);
  const value = request.budget ?? (seen ? costOfImpressions(seen, request.impressions) : null);
  return planAccess(ports, record, { dealType: request.dealType, goal: request.goal, value });
}

/**
 * A quote for a budget takes two asks where the first shows another price than the estimate: volume follows price, and
 * price may follow volume. The answer never costs more than the budget.
 */
async function askForBudget(
  ports: Ports,
  seller: Seller,
  request: QuoteRequest,
  plan: AccessPlan,
  product: Product,
): Promise<{ quote: Quote; request: QuoteRequest }> {
  const ask = async (impressions: number) => {
    const capped = Math.min(impressions, product.availableImpressions ?? impressions);
    if (product.minImpressions !== null && capped < product.minImpressions) throw belowMinimum(product, capped);
    const asked = { ...request, impressions: capped };
    return { quote: await seller.quote(asked, ports.newId(), plan.access), request: asked };
  };
  // At the list price a small budget may look too small: what we are quoted decides.
  let got = await ask(
    request.budget ? Math.max(request.impressions, product.minImpressions ?? 0) : request.impressions,
  );
  if (!request.budget) return got;
  for (let tries = 0; tries < 3; tries += 1) {
    const fitting = Math.min(
      impressionsForBudget(request.budget, atCpm(got.quote).cpm),
      product.availableImpressions ?? Number.MAX_SAFE_INTEGER,
    );
    if (fitting === got.quote.impressions) return got;
    got = await ask(fitting);
  }
  const total = totalOfQuote(got.quote);
  if (compare(total, request.budget) <= 0) return got;
  const message = `${product.ref}: the price rises whenever the volume falls, so no volume fits ${displayMoney(request.budget)}. Nothing was booked.`;
  throw new BuyingError("seller_invalid_answer", message, "fix_arguments", { field: "budget" });
}
