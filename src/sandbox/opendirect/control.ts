import { type BehaviourChange, behaviourSchema } from "./behaviour.ts";
import { decideChange, openChange } from "./changes.ts";
import { booked, current, declined, moved, reserved } from "./line-states.ts";
import { term } from "./line-wire.ts";
import { costOf } from "./money.ts";
import type { OpenDirectRuntime } from "./runtime.ts";
import type { OpenDirectServer } from "./server.ts";
import { deliveredBy } from "./stats.ts";
import type { LineStatus, StoredAccount, StoredChange, StoredLine } from "./state.ts";

/** A line as the seller's books have it, whatever its answers said. Money in micros of the order's currency. */
export interface BookedLine {
  readonly id: string;
  readonly orderId: string;
  readonly accountId: string;
  readonly productId: string;
  readonly name: string;
  /** `providerdata.campaignid`: the buyer's own reference. */
  readonly campaignId: string | null;
  readonly status: LineStatus;
  readonly reason: string | null;
  readonly qty: number;
  readonly rateMicros: number;
  readonly costMicros: number;
  readonly spendMicros: number;
  readonly impressions: number;
  /** Milliseconds since 1970 (UTC). */
  readonly startAt: number;
  readonly endAt: number;
  readonly reservedUntil: number | null;
  /** Every state it was in, in order. */
  readonly history: readonly LineStatus[];
}

/** An order as the seller's books have it. */
export interface BookedOrder {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly currency: string;
  readonly campaignId: string | null;
}

function campaignOf(asked: Readonly<Record<string, unknown>>): string | null {
  const { campaignid } = Object(asked["providerdata"]);
  return typeof campaignid === "string" ? campaignid : null;
}

/** The hand behind the OpenDirect sellers: switches how they behave, plays their people, lets time pass, looks into the books. */
export class OpenDirectControl {
  readonly #server: (id: string) => OpenDirectServer;

  constructor(server: (id: string) => OpenDirectServer) {
    this.#server = server;
  }

  #seller(id: string): OpenDirectRuntime {
    return this.#server(id).runtime;
  }

  /** Changes how a seller behaves from now on; what is not named stays. */
  behave(sellerId: string, change: BehaviourChange): void {
    const seller = this.#seller(sellerId);
    seller.books.behaviour = behaviourSchema.parse({ ...seller.books.behaviour, ...change });
    seller.commit();
  }

  /** The next answer to a step is lost after the step was done: the connection is cut. */
  lose(
    sellerId: string,
    step: "account" | "order" | "line" | "reserve" | "book" | "cancel" | "reset" | "change",
  ): void {
    const seller = this.#seller(sellerId);
    seller.state.faults = [...seller.state.faults, { kind: "drop-answer", operation: step, uses: 1 }];
    seller.commit();
  }

  #change(
    sellerId: string,
    lineId: string | undefined,
    fits: readonly LineStatus[],
    to: (line: StoredLine) => StoredLine,
  ) {
    const seller = this.#seller(sellerId);
    const lines = Object.values(seller.books.lines).map((line) => current(seller, line));
    const chosen = lines.filter(({ id, status }) => (lineId === undefined || id === lineId) && fits.includes(status));
    const line = chosen.at(-1);
    if (!line) throw new Error(`no line ${lineId ?? ""} at ${sellerId} that is ${fits.join(" or ")}`);
    seller.books.lines[line.id] = to(line);
    seller.commit();
    return line.id;
  }

  /** A person decides on a pending reservation or booking, the newest or that of a line. Returns the line's id. */
  decide(sellerId: string, verdict: "accept" | { readonly decline: string }, lineId?: string): string {
    const seller = this.#seller(sellerId);
    return this.#change(sellerId, lineId, ["PendingReservation", "PendingBooking"], (line) => {
      if (verdict !== "accept") return declined(line, verdict.decline);
      const { repriceOnReserve, repriceOnBook } = seller.behaviour;
      const now = seller.lineNow(line);
      if (line.status === "PendingBooking") return booked(line, now, repriceOnBook);
      return reserved(seller, line, now, repriceOnReserve);
    });
  }

  /** A reservation runs out, the newest or that of a line. Returns the line's id. */
  expireReservation(sellerId: string, lineId?: string): string {
    return this.#change(sellerId, lineId, ["Reserved"], (line) => moved(line, "Expired", { reservedUntil: null }));
  }

  /** The seller forgets a line. */
  forget(sellerId: string, lineId: string): void {
    const seller = this.#seller(sellerId);
    if (!(lineId in seller.books.lines)) throw new Error(`no line ${lineId} at ${sellerId}`);
    delete seller.books.lines[lineId];
    seller.commit();
  }

  /** A person decides on the accounts that wait. */
  decideAccounts(sellerId: string, status: StoredAccount["status"]): void {
    const seller = this.#seller(sellerId);
    const { accounts } = seller.books;
    for (const account of Object.values(accounts)) accounts[account.id] = { ...account, status };
    seller.commit();
  }

  /** A person decides on the creatives that wait. */
  decideCreatives(sellerId: string, status: "APPROVED" | "REJECTED"): void {
    const seller = this.#seller(sellerId);
    const { creatives } = seller.books;
    const waiting = Object.values(creatives).filter((creative) => creative.status === "PENDING");
    for (const creative of waiting) creatives[creative.id] = { ...creative, status };
    seller.commit();
  }

  /** Somebody else asks for a change of a line. Returns the request's id. */
  openChange(sellerId: string, lineId: string, wished: Readonly<Record<string, unknown>>): string {
    return openChange(this.#seller(sellerId), lineId, wished);
  }

  /** A person decides on a change request, the newest that waits or one by id. Returns its id. */
  decideChange(
    sellerId: string,
    verdict: "APPROVED" | "REJECTED" | { readonly reject: string },
    changeId?: string,
  ): string {
    const seller = this.#seller(sellerId);
    const waiting = Object.values(seller.books.changes).filter((change) => change.status === "PENDING");
    const change = changeId === undefined ? waiting.at(-1) : waiting.find(({ id }) => id === changeId);
    if (!change) throw new Error(`no change request ${changeId ?? ""} waits at ${sellerId}`);
    if (typeof verdict === "string") decideChange(seller, change, verdict);
    else decideChange(seller, change, "REJECTED", verdict.reject);
    return change.id;
  }

  /** Lets time pass for the lines in the books, and for nothing else: what is drafted later keeps the clock. */
  pass(sellerId: string, ms: number): void {
    const seller = this.#seller(sellerId);
    const { lines } = seller.books;
    for (const line of Object.values(lines)) lines[line.id] = { ...line, aheadMs: line.aheadMs + ms };
    seller.commit();
  }

  /** The change requests in the seller's books, oldest first. */
  changes(sellerId: string): readonly Pick<StoredChange, "id" | "lineId" | "status" | "wished">[] {
    return Object.values(this.#seller(sellerId).books.changes);
  }

  /** The orders in the seller's books, oldest first. */
  orders(sellerId: string): readonly BookedOrder[] {
    return Object.values(this.#seller(sellerId).books.orders).map(({ id, accountId, name, currency, asked }) => {
      return { id, accountId, name, currency, campaignId: campaignOf(asked) };
    });
  }

  /** The lines in the seller's books as they are by now, oldest first. */
  lines(sellerId: string): readonly BookedLine[] {
    const seller = this.#seller(sellerId);
    return Object.values(seller.books.lines).map((stored) => {
      const line = current(seller, stored);
      const { id, orderId, accountId, productId, name, status, reason, qty, rateMicros } = line;
      const { startAt, endAt, reservedUntil, history } = line;
      const costMicros = costOf(term(seller, line), qty, rateMicros);
      const { impressions, spendMicros } = deliveredBy(seller, line);
      const who = { id, orderId, accountId, productId, name, campaignId: campaignOf(line.asked) };
      const money = { qty, rateMicros, costMicros, spendMicros, impressions };
      return { ...who, status, reason, ...money, startAt, endAt, reservedUntil, history };
    });
  }
}
