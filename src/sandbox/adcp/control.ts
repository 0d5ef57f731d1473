import { delay, reject, sign, type Waiting, waitingAt } from "./desk.ts";
import { countedBuy, deliveredBy } from "./flight.ts";
import { statusOf } from "./buy-wire.ts";
import type { AdcpMode } from "./profile.ts";
import type { AdcpServer } from "./server.ts";
import type { AdcpRuntime } from "./runtime.ts";
import type { Json, StoredTask } from "./state.ts";
import { notify, type WebhookFlaw } from "./webhooks.ts";

/** A media buy as the seller's books have it, whatever its answers said. Amounts in the buy's currency. */
export interface BookedBuy {
  readonly media_buy_id: string;
  readonly status: string;
  readonly revision: number;
  readonly packages: readonly {
    readonly package_id: string;
    readonly product_id: string;
    readonly pricing_option_id: string;
    readonly budget: number;
    readonly bid_price: number | null;
    readonly spend: number;
    readonly impressions: number;
    readonly context: unknown;
  }[];
}

/** The hand behind the AdCP sellers: plays their people, switches their modes, lets time pass, looks into the books. */
export class AdcpControl {
  readonly #server: (id: string) => AdcpServer;

  constructor(server: (id: string) => AdcpServer) {
    this.#server = server;
  }

  #seller(id: string): AdcpRuntime {
    return this.#server(id).runtime;
  }

  /** Makes the seller differ in these ways, and no others; none for its usual self. */
  modes(sellerId: string, ...modes: readonly AdcpMode[]): void {
    const seller = this.#seller(sellerId);
    seller.books.modes = [...modes];
    seller.commit();
  }

  /** The tasks in the seller's books, oldest first. */
  tasks(sellerId: string): readonly StoredTask[] {
    return Object.values(this.#seller(sellerId).books.tasks);
  }

  /** What waits for a person at the seller: tasks, accounts, media buys. */
  waiting(sellerId: string): readonly Waiting[] {
    return waitingAt(this.#seller(sellerId));
  }

  /** A person signs what waits: a task, an account or a media buy by id, or the newest. Returns the id. */
  sign(sellerId: string, id?: string): string {
    return sign(this.#seller(sellerId), id);
  }

  /** A person turns down what waits, with a reason. Returns the id. */
  reject(sellerId: string, id?: string, reason?: string): string {
    return reject(this.#seller(sellerId), id, reason);
  }

  /** A person asks for more time. Returns the id. */
  delay(sellerId: string, id?: string, words?: string): string {
    return delay(this.#seller(sellerId), id, words);
  }

  /** Sends a task's webhook (again), sound or with a flaw. Resolves to the receiver's HTTP status; null: nobody asked. */
  async notify(sellerId: string, taskId: string, flaw: WebhookFlaw = "none"): Promise<number | null> {
    const seller = this.#seller(sellerId);
    const task = seller.books.tasks[taskId];
    if (!task) throw new Error(`no task ${taskId} at ${sellerId}`);
    return notify(seller, task, flaw);
  }

  /** All prices, floors and guidance are so many times the catalogue's from now on; refined offers stay. */
  reprice(sellerId: string, factor: number): void {
    const seller = this.#seller(sellerId);
    seller.books.priceFactor = factor;
    seller.commit();
  }

  /** Lets time pass for the media buys in the books, and for nothing else: answers and quotes keep the clock. */
  pass(sellerId: string, ms: number): void {
    const seller = this.#seller(sellerId);
    const { buys } = seller.books;
    for (const buy of Object.values(buys)) buys[buy.id] = { ...countedBuy(seller, buy), aheadMs: buy.aheadMs + ms };
    seller.commit();
  }

  /** Somebody else changes a buy at the seller: its revision moves, and with a budget its first package's too. */
  touch(sellerId: string, buyId: string, { budget }: { readonly budget?: number } = {}): void {
    const seller = this.#seller(sellerId);
    const buy = seller.books.buys[buyId];
    if (!buy) throw new Error(`no media buy ${buyId}`);
    const packages = buy.packages.map((pack, at) => (at === 0 && budget !== undefined ? { ...pack, budget } : pack));
    seller.books.buys[buyId] = { ...buy, packages, revision: buy.revision + 1 };
    seller.commit();
  }

  /** What a publisher's adagents.json says from now on; null: none is there; undefined: the usual one again. */
  publish(sellerId: string, domain: string, file: Json | null | undefined): void {
    const seller = this.#seller(sellerId);
    if (file === undefined) delete seller.books.publishers[domain];
    else seller.books.publishers[domain] = file;
    seller.commit();
  }

  /** The media buys in the seller's books, oldest first. */
  buys(sellerId: string): readonly BookedBuy[] {
    const seller = this.#seller(sellerId);
    return Object.values(seller.books.buys).map((stored) => {
      const buy = countedBuy(seller, stored);
      const packages = buy.packages.map((pack) => ({
        package_id: pack.id,
        product_id: pack.productId,
        pricing_option_id: pack.pricing.id,
        budget: pack.budget,
        bid_price: pack.bid,
        ...figures(pack.delivered),
        context: pack.asked["context"] ?? null,
      }));
      return { media_buy_id: buy.id, status: statusOf(seller, buy), revision: buy.revision, packages };
    });
  }
}

function figures(daily: Parameters<typeof deliveredBy>[0]) {
  const { spend, impressions } = deliveredBy(daily);
  return { spend: Math.round(spend * 100) / 100, impressions: Math.floor(impressions) };
}
