import { BuyingError } from "../domain/errors.ts";
import type { Flight } from "../domain/flight.ts";
import type { Goal } from "../domain/identity.ts";
import { type Ref, streams } from "../domain/ids.ts";
import type { DealType, Product } from "../domain/inventory.ts";
import { compare, costOfImpressions, displayMoney, impressionsForBudget, type Money } from "../domain/money.ts";
import { atCpm, type Quote, type QuoteRequest, type Targeting, totalOfQuote } from "../domain/quote.ts";
import { canonicalJson } from "../domain/terms.ts";
import type { Seller } from "../sellers/seller.ts";
import { budgetRequest, refuseBudgetTerms } from "./budget-request.ts";
import { type AccessPlan, planAccess } from "./access.ts";
import { failureAsError } from "./failures.ts";
import { decideAndAppend, firstLineRow, type LoadedLine, lineFrom, loadLine } from "./lines.ts";
import { findProduct, lowestPrice } from "./media-kit.ts";
import { type QuoteReport, reportOf } from "./quote-report.ts";
import { noteRefused } from "./refused.ts";
import { readOpenQuote } from "./reread.ts";
import { renewalRows } from "./renewal.ts";
import type { Ports, SellerRecord } from "./ports.ts";

export interface QuoteItem {
  readonly product: string;
  readonly flight: Flight;
  /** Exactly one of these two. */
  readonly budget: Money | null;
  readonly impressions: number | null;
  readonly dealType: DealType | null;
  readonly targeting: Targeting | null;
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

export interface QuoteAsk {
  readonly campaign: string | null;
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
  const seller = ports.directory.connect(record);
  const byBudget = seller.sells === "budget";
  if (!byBudget) refuseBudgetTerms(item, record);
  const request = byBudget ? budgetRequest(item, product, proposal, ask.goal) : requestFor(item, product, ask.goal);
  const plan = planFor(ports, record, request, product);
  const { ref, found } = await shared(`${ports.holder} ${ask.campaign} ${essenceOf(request)}`, async () => {
    const open = await findOpen(ports, request, ask.campaign);
    if (open) return { ref: open.ref, found: true };
    if (!byBudget) checkBeforeAsking(product, request);
    const got = byBudget
      ? { quote: await seller.quote(request, ports.newId(), plan.access), request }
      : await askForBudget(ports, seller, request, plan, product);
    return { ref: await keep(ports, got, { ask, flowId, renews: null }), found: false };
  });
  return reportOf(ports, record, await loadLine(ports, ref), { found, plan, availsMs: ask.deadlineMs / 2 });
}

async function renew(ports: Ports, ref: Ref, by: string, deadlineMs: number): Promise<QuoteReport> {
  const old = await newestOf(ports, ref);
  if (old.ref !== ref && isLive(ports, old)) {
    const seller = await ports.directory.find(old.line.quote.sellerId);
    return reportOf(ports, seller, old, { found: true, plan: null, availsMs: deadlineMs / 2 });
  }
  refuseBought(old);
  if (old.line.quote.changes) {
    const message = `${old.ref} changes a media buy; ask for it again with update_media_buy. Nothing was booked.`;
    throw new BuyingError("invalid_arguments", message, "fix_arguments", { field: "quote_ids" });
  }
  const { request, campaign } = old.line;
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

/** The quote that stands for this one after all renewals. */
export async function newestOf(ports: Ports, ref: Ref): Promise<LoadedLine> {
  const loaded = await loadLine(ports, ref);
  return loaded.line.supersededBy ? newestOf(ports, loaded.line.supersededBy) : loaded;
}

/** True for a quote that can still be negotiated or bought, with the two minutes that deciding takes. */
function isLive(ports: Ports, { line }: LoadedLine): boolean {
  const isOpen = line.status === "open" || line.status === "awaiting_approval";
  return isOpen && Date.parse(line.quote.expiresAt) - 120_000 > ports.now().getTime();
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
async function keep(ports: Ports, got: { quote: Quote; request: QuoteRequest }, kept: Kept): Promise<Ref> {
  const { quote, request } = got;
  const { ask, flowId, renews } = kept;
  return decideAndAppend(ports, async () => {
    // A seller may answer two asks with one quote; it is one line all the same.
    const there = lineFrom(quote.ref, await ports.ledger.read(streams.quote(quote.ref)));
    if (there) return { rows: [], result: quote.ref };
    const { campaign, by } = ask;
    const first = firstLineRow(quote.ref, flowId, { kind: "quoted", v: 1, quote, request, campaign, by, renews });
    if (renews === null) return { rows: [first], result: quote.ref };
    const old = await loadLine(ports, renews);
    if (old.line.supersededBy) return { rows: [], result: old.line.supersededBy };
    refuseBought(old);
    return { rows: await renewalRows(ports, old, first, quote, request), result: quote.ref };
  });
}

/** The request to send; impressions from a budget are a first estimate at the price we can see. */
function requestFor(item: QuoteItem, product: Product, goal: Goal | null): QuoteRequest {
  const dealType = item.dealType ?? product.dealTypes[0] ?? "PD";
  if (product.dealTypes.length > 0 && !product.dealTypes.includes(dealType)) {
    const message = `${product.ref} is sold as ${product.dealTypes.join(" or ")}, not ${dealType}. Nothing was booked.`;
    throw new BuyingError("deal_type_unsupported", message, "fix_arguments", {
      field: "deal_type",
      candidates: product.dealTypes,
    });
  }
  if (product.price.kind === "on_request") {
    throw new BuyingError(
      "price_on_request",
      `${product.ref} has a price on request only; ask the seller in person. Nothing was booked.`,
      "choose_another",
    );
  }
  const seen = lowestPrice(product.price);
  const impressions = item.impressions ?? (item.budget && seen ? impressionsForBudget(item.budget, seen) : 0);
  const { flight, budget, targeting } = item;
  return { product: product.ref, flight, dealType, impressions, budget, targeting, goal };
}

function planFor(ports: Ports, record: SellerRecord, request: QuoteRequest, product: Product): AccessPlan {
  const seen = lowestPrice(product.price);
  const value = request.budget ?? (seen ? costOfImpressions(seen, request.impressions) : null);
  return planAccess(ports, record, { dealType: request.dealType, goal: request.goal, value });
}

function checkBeforeAsking(product: Product, request: QuoteRequest): void {
  const { minImpressions, availableImpressions } = product;
  if (minImpressions !== null && request.impressions < minImpressions && request.budget === null)
    throw belowMinimum(product, request.impressions);
  if (availableImpressions !== null && request.budget === null && request.impressions > availableImpressions) {
    throw new BuyingError(
      "above_available",
      `${product.ref} has ${availableImpressions} impressions, asked for ${request.impressions}. Nothing was booked.`,
      "fix_arguments",
      { field: "impressions" },
    );
  }
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

function belowMinimum(product: Product, impressions: number): BuyingError {
  const price = lowestPrice(product.price);
  const least = product.minImpressions ?? 0;
  const cost = price ? `, about ${displayMoney(costOfImpressions(price, least))}` : "";
  return new BuyingError(
    "below_minimum",
    `${product.ref} sells at least ${least} impressions${cost}; this is ${impressions}. Nothing was booked.`,
    "fix_arguments",
    { field: "budget" },
  );
}

async function findOpen(ports: Ports, request: QuoteRequest, campaign: string | null): Promise<LoadedLine | undefined> {
  const heads = await ports.ledger.heads({ kind: "quote", statuses: ["open", "awaiting_approval"], limit: 500 });
  const prefix = `quote/${request.product.split("/")[0]}/`;
  for (const { stream } of heads.filter((head) => head.stream.startsWith(prefix))) {
    const loaded = await loadLine(ports, stream.slice("quote/".length));
    const { campaign: label, request: asked } = loaded.line;
    if (isLive(ports, loaded) && label === campaign && essenceOf(asked) === essenceOf(request)) return loaded;
  }
  return undefined;
}

/** What makes two asks one. A budget decides the volume, so with one budget they are one whatever volume they came to. */
function essenceOf({ budget, impressions, ...rest }: QuoteRequest): string {
  const volume = budget ? `${budget.micros} ${budget.currency}` : `${impressions}`;
  return canonicalJson(
    JSON.parse(
      JSON.stringify({ ...rest, volume }, (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value)),
    ),
  );
}
