import { accountIdOf, accountOnWire } from "./accounts.ts";
import { actionsOnWire, packageOnWire, statusOf, totalBudget } from "./buy-wire.ts";
import type { AdcpCall } from "./call.ts";
import { countedBuy, deliveredBy, isReady, plannedShare, winShare, unitPrice } from "./flight.ts";
import { page } from "./page.ts";
import { formatId } from "./product-wire.ts";
import { type AdcpRuntime, cents, isoTime } from "./runtime.ts";
import type { Json, StoredBuy, StoredPackage } from "./state.ts";

/** What the auction seller tells beyond the schema; others say nothing. Null where there is no auction. */
export function auctionFigures(pack: StoredPackage): Json | null {
  if (pack.pricing.fixed !== undefined) return null;
  const { impressions, bids } = deliveredBy(pack.delivered);
  const share = bids > 0 ? impressions / bids : winShare(pack);
  return { win_rate: Math.round(share * 1_000) / 1_000, average_clearing_price: cents(unitPrice(pack)) };
}

/** How a package stands against its plan: 1 is on plan; null before the start. */
export function pacingIndex(pack: StoredPackage, now: number): number | null {
  const planned = plannedShare(pack, now) * pack.budget;
  return planned > 0 ? Math.round((deliveredBy(pack.delivered).spend / planned) * 100) / 100 : null;
}

/** Whether a package runs, in the words of the delivery report. */
export function deliveryStatus(pack: StoredPackage, now: number): string {
  if (now >= pack.endAt) return "flight_ended";
  return deliveredBy(pack.delivered).spend >= pack.budget - 0.005 ? "budget_exhausted" : "delivering";
}

function snapshot(seller: AdcpRuntime, buy: StoredBuy, pack: StoredPackage): Json {
  const now = seller.flightNow(buy);
  const { impressions, spend } = deliveredBy(pack.delivered);
  const pacing = pacingIndex(pack, now);
  const figures = auctionFigures(pack);
  const isIdle = statusOf(seller, buy) !== "active" && now < pack.endAt;
  return {
    as_of: isoTime(now),
    staleness_seconds: 60,
    impressions: Math.floor(impressions),
    spend: cents(spend),
    currency: buy.currency,
    ...(pacing === null ? {} : { pacing_index: pacing }),
    delivery_status: isIdle ? "not_delivering" : deliveryStatus(pack, now),
    ...(figures ? { ext: { [seller.profile.id]: figures } } : {}),
  };
}

function packageRead(seller: AdcpRuntime, buy: StoredBuy, pack: StoredPackage, withSnapshot: boolean): Json {
  const { performance_standards: _standards, measurement_terms: _terms, ...told } = packageOnWire(seller, pack);
  const product = seller.product(pack.productId);
  const approvals = pack.creatives.map((creative_id) => {
    const creative = seller.books.creatives[`${buy.accountId}|${creative_id}`];
    return { creative_id, approval_status: creative?.status ?? "pending_review" };
  });
  return {
    ...told,
    currency: buy.currency,
    ...(approvals.length > 0 ? { creative_approvals: approvals } : {}),
    ...(product && !isReady(seller, buy, pack) ? { format_ids_pending: [formatId(seller, product.format)] } : {}),
    ...(withSnapshot ? { snapshot: snapshot(seller, buy, pack) } : {}),
  };
}

function legacySetup(seller: AdcpRuntime, buy: StoredBuy): Json {
  const url = `${seller.url}/desk/${buy.id}`;
  return { setup: { url, message: `Review and sign the insertion order for ${buy.id}.` } };
}

/** A media buy as get_media_buys has it. */
function buyRead(seller: AdcpRuntime, stored: StoredBuy, withSnapshot: boolean): Json {
  const buy = countedBuy(seller, stored);
  const status = statusOf(seller, buy);
  const account = seller.books.accounts[buy.accountId];
  const is31 = seller.version === "3.1";
  const isLegacy = buy.standing === "pending_approval";
  const held = is31 && !isLegacy;
  return {
    media_buy_id: buy.id,
    ...(account ? { account: accountOnWire(seller, account) } : {}),
    status,
    ...(buy.reason === null ? {} : { rejection_reason: buy.reason }),
    currency: buy.currency,
    total_budget: totalBudget(buy),
    start_time: isoTime(buy.startAt),
    end_time: isoTime(buy.endAt),
    ...(held
      ? { confirmed_at: buy.confirmedAt === null ? null : isoTime(buy.confirmedAt), revision: buy.revision }
      : {}),
    ...(buy.canceledAt === null
      ? {}
      : { cancellation: { canceled_at: isoTime(buy.canceledAt), canceled_by: "buyer" } }),
    created_at: isoTime(buy.createdAt),
    updated_at: isoTime(buy.updatedAt),
    ...(is31 && buy.context !== null ? { context: buy.context } : {}),
    ...(isLegacy ? legacySetup(seller, buy) : {}),
    ...(isLegacy ? { valid_actions: ["cancel"] } : actionsOnWire(seller, buy)),
    packages: buy.packages.map((pack) => packageRead(seller, buy, pack, withSnapshot)),
  };
}

/** The buys a read is about: of the account, by id, by state. Unknown ids are left out. */
export function chosenBuys(
  seller: AdcpRuntime,
  args: Pick<AdcpCall<"get_media_buys">["args"], "account" | "media_buy_ids" | "status_filter">,
): StoredBuy[] {
  const { account, media_buy_ids: ids, status_filter: states } = args;
  const accountId = account && accountIdOf(seller, account);
  const wanted = typeof states === "string" ? [states] : states;
  return Object.values(seller.books.buys)
    .filter((buy) => accountId === undefined || buy.accountId === accountId)
    .filter((buy) => ids === undefined || ids.includes(buy.id))
    .filter((buy) => wanted === undefined || wanted.includes(statusOf(seller, buy)));
}

/** get_media_buys. */
export function readMediaBuys({ seller, args }: AdcpCall<"get_media_buys">): Json {
  const { items, pagination } = page(chosenBuys(seller, args), args.pagination);
  const withSnapshot = args.include_snapshot === true;
  return { media_buys: items.map((buy) => buyRead(seller, buy, withSnapshot)), pagination, sandbox: true };
}
