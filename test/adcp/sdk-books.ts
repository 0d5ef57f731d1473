import { AdcpError, validActionsForStatus } from "@adcp/sdk/server";
import type {
  CreateMediaBuyRequest,
  CreateMediaBuySuccess,
  GetMediaBuyDeliveryResponse,
  GetMediaBuysResponse,
  UpdateMediaBuyRequest,
} from "@adcp/sdk/types";
import { offers, optionOf } from "./sdk-catalogue.ts";

/** What the third-party seller knows: accounts, buys, creatives, and the insertion orders its people have to sign. */

type Asked = NonNullable<CreateMediaBuyRequest["packages"]>[number];
type Package = CreateMediaBuySuccess["packages"][number];
type Listed = GetMediaBuysResponse["media_buys"][number];

/** A buyer's account; a new one may have to wait for the seller's people. */
export interface OpenAccount {
  readonly id: string;
  readonly brand: string;
  readonly operator: string;
  readonly status: "active" | "pending_approval";
  readonly paymentTerms: "net_30";
}

/** A buy that exists at the seller. Money as on the wire: numbers, in US dollars. */
export interface Buy {
  readonly id: string;
  readonly accountId: string;
  readonly start: string;
  readonly end: string;
  readonly confirmedAt: string;
  readonly revision: number;
  readonly paused: boolean;
  readonly canceled: { readonly at: string; readonly reason: string | undefined } | null;
  readonly packages: readonly Package[];
}

interface Io {
  readonly signed: Promise<void>;
  taskId(id: string): void;
}

interface Waiting {
  task: string | null;
  readonly settle: (refusal: AdcpError | null) => void;
}

/** The packages as asked, once each is something that this seller sells at a price it takes. */
export function validated(asked: readonly Asked[]): readonly Asked[] {
  if (asked.length === 0) throw new AdcpError("INVALID_REQUEST", { message: "A buy has packages", field: "packages" });
  for (const [at, { product_id, pricing_option_id, budget, bid_price }] of asked.entries()) {
    const field = (name: string) => `packages[${at}].${name}`;
    const offer = offers[product_id];
    if (!offer)
      throw new AdcpError("PRODUCT_NOT_FOUND", { message: `No product ${product_id}`, field: field("product_id") });
    if (pricing_option_id !== optionOf(offer.price))
      throw new AdcpError("INVALID_REQUEST", { message: "No such price", field: field("pricing_option_id") });
    if ("fixed" in offer.price) {
      if (budget < offer.price.leastSpend)
        throw new AdcpError("BUDGET_TOO_LOW", {
          message: `At least ${offer.price.leastSpend} USD`,
          field: field("budget"),
        });
    } else checkBid(bid_price, offer.price.floor, field("bid_price"));
  }
  return asked;
}

function checkBid(bid: number | undefined, floor: number, field: string): void {
  if (bid === undefined || bid < floor)
    throw new AdcpError("BUDGET_TOO_LOW", {
      message: `A bid of ${bid ?? "nothing"} is below the floor of ${floor}`,
      suggestion: `Bid at least ${floor}`,
      field,
    });
}

export class Books {
  readonly #newAccounts: OpenAccount["status"];
  readonly #accounts: OpenAccount[] = [];
  readonly #buys = new Map<string, Buy>();
  readonly #creatives = new Set<string>();
  readonly #waiting: Waiting[] = [];
  #delivered = { share: 0, pacing: 1 };

  constructor(newAccounts: OpenAccount["status"]) {
    this.#newAccounts = newAccounts;
  }

  account(by: { id: string } | { brand: string; operator: string }): OpenAccount | undefined {
    return this.#accounts.find((one) =>
      "id" in by ? one.id === by.id : one.brand === by.brand && one.operator === by.operator,
    );
  }

  accounts(): readonly OpenAccount[] {
    return this.#accounts;
  }

  openAccount({ brand, operator }: { brand: string; operator: string }): OpenAccount {
    const id = `acc_${this.#accounts.length + 1}`;
    const made: OpenAccount = { id, brand, operator, status: this.#newAccounts, paymentTerms: "net_30" };
    this.#accounts.push(made);
    return made;
  }

  /** The seller's people let every waiting account in. */
  activateAccounts(): void {
    for (const [at, one] of this.#accounts.entries()) this.#accounts[at] = { ...one, status: "active" };
  }

  buys(): readonly Buy[] {
    return [...this.#buys.values()];
  }

  /** How many insertion orders wait for a signature. */
  waiting(): number {
    return this.#waiting.length;
  }

  /** Puts an insertion order on the desk of the seller's people. */
  awaitSignature(): Io {
    const waiting: Waiting = { task: null, settle: () => undefined };
    const signed = new Promise<void>((resolve, reject) => {
      Object.assign(waiting, { settle: (refusal: AdcpError | null) => (refusal ? reject(refusal) : resolve()) });
    });
    this.#waiting.push(waiting);
    return {
      signed,
      taskId: (id) => {
        waiting.task = id;
      },
    };
  }

  /** The seller's people decide on the oldest insertion order. @returns the task that waited for it */
  decide(refusal: string | null): string {
    const oldest = this.#waiting.shift();
    if (!oldest?.task) throw new Error("no insertion order waits for a signature");
    oldest.settle(refusal === null ? null : new AdcpError("TERMS_REJECTED", { message: refusal }));
    return oldest.task;
  }

  book(accountId: string, { start_time, end_time }: CreateMediaBuyRequest, asked: readonly Asked[]): Buy {
    const now = new Date().toISOString();
    const packages = asked.map(
      ({ product_id, pricing_option_id, budget, bid_price, context, creative_assignments }, at): Package => ({
        ...{ package_id: `pkg_${at + 1}`, product_id, pricing_option_id, budget },
        ...(bid_price === undefined ? {} : { bid_price }),
        ...(context === undefined ? {} : { context }),
        ...(creative_assignments === undefined ? {} : { creative_assignments }),
      }),
    );
    const made: Buy = {
      ...{ id: `mb_${this.#buys.size + 1}`, accountId, packages },
      ...{ start: start_time === "asap" ? now : start_time, end: end_time, confirmedAt: now },
      ...{ revision: 1, paused: false, canceled: null },
    };
    this.#buys.set(made.id, made);
    return made;
  }

  #found(id: string, accountId: string): Buy {
    const buy = this.#buys.get(id);
    if (buy?.accountId !== accountId)
      throw new AdcpError("MEDIA_BUY_NOT_FOUND", { message: `No media buy ${id}`, field: "media_buy_id" });
    return buy;
  }

  update(id: string, accountId: string, patch: UpdateMediaBuyRequest): { buy: Buy; touched: Package[] } {
    const before = this.#found(id, accountId);
    if (patch.revision !== undefined && patch.revision !== before.revision)
      throw new AdcpError("CONFLICT", {
        message: `Revision ${patch.revision} is stale, this is ${before.revision}`,
        recovery: "transient",
      });
    if (before.canceled) throw new AdcpError("NOT_CANCELLABLE", { message: "It was canceled already" });
    const changes = new Map((patch.packages ?? []).map((one) => [one.package_id, one]));
    for (const packageId of changes.keys())
      if (!before.packages.some(({ package_id }) => package_id === packageId))
        throw new AdcpError("PACKAGE_NOT_FOUND", { message: `No package ${packageId}`, field: "packages" });
    const touched: Package[] = [];
    const packages = before.packages.map((one): Package => {
      const change = changes.get(one.package_id);
      if (!change) return one;
      const price = offers[one.product_id ?? ""]?.price;
      if (change.bid_price !== undefined && price && "floor" in price)
        checkBid(change.bid_price, price.floor, "packages.bid_price");
      const { budget = one.budget, bid_price = one.bid_price, paused = one.paused } = change;
      const after = {
        ...one,
        ...(budget === undefined ? {} : { budget }),
        ...(bid_price === undefined ? {} : { bid_price }),
        ...(paused === undefined ? {} : { paused }),
      };
      touched.push(after);
      return after;
    });
    const buy: Buy = {
      ...before,
      packages,
      revision: before.revision + 1,
      paused: patch.paused ?? before.paused,
      end: patch.end_time ?? before.end,
      canceled: patch.canceled ? { at: new Date().toISOString(), reason: patch.cancellation_reason } : null,
    };
    this.#buys.set(id, buy);
    return { buy, touched };
  }

  /** The success answer of `create_media_buy`. */
  receipt(buy: Buy): CreateMediaBuySuccess {
    const status = statusOf(buy);
    return {
      ...{ media_buy_id: buy.id, status, confirmed_at: buy.confirmedAt, revision: buy.revision },
      ...{ valid_actions: validActionsForStatus(status), packages: [...buy.packages] },
    };
  }

  listed(accountId: string, ids: readonly string[] | undefined, withSnapshot: boolean): Listed[] {
    return this.#of(accountId, ids).map((buy) => ({
      ...{ media_buy_id: buy.id, status: statusOf(buy), currency: "USD", revision: buy.revision },
      ...{ start_time: buy.start, end_time: buy.end, confirmed_at: buy.confirmedAt, created_at: buy.confirmedAt },
      total_budget: buy.packages.reduce((sum, { budget = 0 }) => sum + budget, 0),
      valid_actions: validActionsForStatus(statusOf(buy)),
      ...(buy.canceled
        ? {
            cancellation: {
              ...{ canceled_at: buy.canceled.at, canceled_by: "buyer" as const },
              ...(buy.canceled.reason === undefined ? {} : { reason: buy.canceled.reason }),
            },
          }
        : {}),
      packages: buy.packages.map(({ package_id, product_id = "", budget = 0, bid_price, paused, context }) => ({
        ...{ package_id, product_id, budget, currency: "USD" },
        ...(bid_price === undefined ? {} : { bid_price }),
        ...(paused === undefined ? {} : { paused }),
        ...(context === undefined ? {} : { context }),
        ...(withSnapshot ? { snapshot: this.#snapshot(product_id, budget, bid_price) } : {}),
      })),
    }));
  }

  #of(accountId: string, ids: readonly string[] | undefined): Buy[] {
    const own = this.buys().filter((buy) => buy.accountId === accountId);
    return ids ? own.filter(({ id }) => ids.includes(id)) : own;
  }

  /** The ad server says so: this share of every package's budget is spent, and it is paced so. */
  deliver(share: number, pacing: number): void {
    this.#delivered = { share, pacing };
  }

  #figures(productId: string, budget: number, bid: number | undefined) {
    const price = offers[productId]?.price;
    const rate = price && "fixed" in price ? price.fixed : (bid ?? 1);
    const spend = budget * this.#delivered.share;
    return { rate, spend, impressions: Math.floor((spend / rate) * 1000) };
  }

  #snapshot(productId: string, budget: number, bid: number | undefined) {
    const { spend, impressions } = this.#figures(productId, budget, bid);
    return {
      ...{ as_of: new Date().toISOString(), staleness_seconds: 900, impressions, spend },
      ...{ pacing_index: this.#delivered.pacing, delivery_status: "delivering" as const },
    };
  }

  delivery(
    accountId: string,
    ids: readonly string[] | undefined,
    start?: string,
    end?: string,
  ): GetMediaBuyDeliveryResponse {
    const own = this.#of(accountId, ids);
    const instant = (day: string | undefined, otherwise: string) => (day ? `${day}T00:00:00.000Z` : otherwise);
    const now = new Date().toISOString();
    return {
      reporting_period: { start: instant(start, own[0]?.start ?? now), end: instant(end, now) },
      currency: "USD",
      media_buy_deliveries: own.map((buy) => {
        const rows = buy.packages.map(({ package_id, product_id = "", budget = 0, bid_price }) => ({
          package_id,
          ...this.#figures(product_id, budget, bid_price),
          ...{ pricing_model: "cpm" as const, currency: "USD", pacing_index: this.#delivered.pacing },
        }));
        const total = (of: "impressions" | "spend") => rows.reduce((sum, row) => sum + row[of], 0);
        const totals = { impressions: total("impressions"), spend: total("spend") };
        return { media_buy_id: buy.id, status: statusOf(buy), totals, by_package: rows };
      }),
    };
  }

  keepCreative(id: string): "created" | "updated" {
    const known = this.#creatives.has(id);
    this.#creatives.add(id);
    return known ? "updated" : "created";
  }
}

function statusOf({ canceled, paused, start, end }: Buy) {
  if (canceled) return "canceled";
  if (Date.parse(end) < Date.now()) return "completed";
  if (paused) return "paused";
  return Date.parse(start) > Date.now() ? "pending_start" : "active";
}
