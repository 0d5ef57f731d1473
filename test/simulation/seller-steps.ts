import { type Money, money } from "../../src/domain/money.ts";
import type { Placed } from "../../src/domain/placed.ts";
import type { Deal, SellerWait } from "../../src/domain/deal.ts";
import type { Handled, ModelDeal, ModelQuote, ModelSeller, Send } from "./model-seller.ts";
import { quoteTtlMs } from "./timing.ts";
import { latestEffectOf, strikes, type World } from "./world.ts";

/** The writes that book a line at such a seller, in their order. */
export type Write = "order" | "line" | "reserve" | "book";

interface Order {
  readonly id: string;
  readonly key: string;
  readonly send: Send;
}

interface OrderLine {
  readonly id: string;
  readonly orderId: string;
  readonly send: Send;
  readonly quote: ModelQuote;
  state: "Draft" | "Reserved" | "PendingBooking" | "Booked" | "Declined" | "Expired";
  /** The rate, set anew when it is reserved. */
  cpm: Money;
  heldUntil: number;
  deal: ModelDeal | null;
  decide: () => void;
}

/** What a write came to, before it is told in the words of the port. */
export type Taken =
  | { readonly placed: Placed; readonly cpm: Money }
  | { readonly wait: SellerWait }
  | { readonly booked: Deal };

/** How a look finds the line's booking. */
export type Standing = Taken | { readonly refused: string } | null;

/**
 * A seller as OpenDirect 2.1 has it: an order, a line, a reservation and the booking are written one after the other,
 * nothing carries a key, and whatever is posted twice is there twice. Only names tell what is whose.
 */
export class SellerSteps {
  readonly orders: Order[] = [];
  readonly lines: OrderLine[] = [];
  readonly #seller: ModelSeller;

  constructor(seller: ModelSeller) {
    this.#seller = seller;
  }

  async take(
    world: World,
    send: Send,
    placed: Placed | undefined,
    wait: (what: string, ms: number) => Promise<void>,
  ): Promise<Handled<Taken>> {
    const { scheduler, random } = world;
    const latest = send.at + latestEffectOf(world);
    await wait("is held up on its way", strikes(world, "slow") ? random.between(0, latest - scheduler.time) : 0);
    if (scheduler.time > latest) return { refused: "gone" };
    if (strikes(world, "refuses")) return { refused: "refused" };
    const quote = this.#seller.quotes.get(send.quoteId);
    if (!quote || quote.vanished) return { refused: "gone" };
    if (!placed) return { ok: this.#order(world, send) };
    if (placed.lineId === null) return { ok: this.#line(world, send, placed.orderId, quote) };
    const line = this.lines.find(({ id }) => id === placed.lineId);
    if (!line) return { refused: "not_found" };
    if (placed.step === "drafted") return this.#reserve(world, line);
    return this.#book(world, send, line);
  }

  #order(world: World, send: Send): Taken {
    const order = { id: `o${this.orders.length + 1}`, key: send.key, send };
    this.orders.push(order);
    if (new Set(this.orders.filter(({ key }) => key === send.key).map((one) => one.send.n)).size > 1)
      world.witness.accuse("never two commitments for one line", `a second order of ${send.key}, by send ${send.n}`);
    return { placed: orderedAs(order.id), cpm: this.#priceOf(send) };
  }

  #line(world: World, send: Send, orderId: string, quote: ModelQuote): Taken {
    const { cpm } = quote;
    const line: OrderLine = {
      ...{ id: `l${this.lines.length + 1}`, orderId, send, quote, state: "Draft", cpm },
      ...{ heldUntil: Number.POSITIVE_INFINITY, deal: null, decide: () => undefined },
    };
    this.lines.push(line);
    if (new Set(this.lines.filter((one) => one.orderId === orderId).map((one) => one.send.n)).size > 1)
      world.witness.accuse("never two commitments for one line", `a second line of ${orderId}, by send ${send.n}`);
    return { placed: { orderId, lineId: line.id, step: "drafted", heldUntil: null }, cpm };
  }

  #reserve(world: World, line: OrderLine): Handled<Taken> {
    if (line.state !== "Draft") return { refused: "refused" };
    const change = strikes(world, "priceDrift") ? BigInt(world.random.between(-300, 300)) * 10_000n : 0n;
    line.cpm = money(line.cpm.micros + change, line.cpm.currency);
    line.state = "Reserved";
    line.heldUntil = world.scheduler.time + world.random.pick([quoteTtlMs / 4, 24 * quoteTtlMs]);
    return { ok: reservedAs(line) };
  }

  #book(world: World, send: Send, line: OrderLine): Handled<Taken> {
    this.#expire(world, line);
    if (line.state !== "Reserved") return { refused: line.state === "Booked" ? "already_booked" : "refused" };
    const finish = () => {
      if (line.state !== "PendingBooking") return;
      if (world.random.chance(0.3)) line.state = "Declined";
      else this.#commit(world, send, line);
      world.witness.count(`${line.state} by its people`);
    };
    if (world.random.chance(0.35)) return { ok: { booked: this.#commit(world, send, line) } };
    line.state = "PendingBooking";
    const undo = world.scheduler.later(null, `${this.#seller.id} decides ${line.id}`, this.#delay(world), finish);
    line.decide = () => {
      undo();
      world.scheduler.later(null, `${this.#seller.id} decides ${line.id} today`, 60_000, finish);
    };
    return { ok: { wait: waitFor(line) } };
  }

  #delay({ random, isOver }: World): number {
    return isOver ? random.between(0, 600_000) : random.pick([0, 60_000, 1_800_000, 7_200_000, 2 * 86_400_000]);
  }

  #commit(world: World, send: Send, line: OrderLine): Deal {
    line.quote.cpm = line.cpm;
    line.deal = this.#seller.dealFor(world, line.quote, send);
    line.state = "Booked";
    return line.deal.deal;
  }

  #expire(world: World, line: OrderLine): void {
    if (line.state === "Reserved" && world.scheduler.time >= line.heldUntil) line.state = "Expired";
  }

  #priceOf(send: Send): Money {
    const quote = this.#seller.quotes.get(send.quoteId);
    if (!quote) throw new RangeError(`no quote ${send.quoteId}`);
    return quote.cpm;
  }

  /** How far a booking is by its names: null where what was written last had no effect so far. */
  find(world: World, key: string, placed: Placed | undefined): Standing {
    if (!placed) {
      const order = this.orders.find((one) => one.key === key);
      return order ? { placed: orderedAs(order.id), cpm: this.#priceOf(order.send) } : null;
    }
    const line = this.lines.find(({ id, orderId }) => (placed.lineId ?? id) === id && orderId === placed.orderId);
    if (!line) return null;
    const isNew = placed.lineId === null;
    if (isNew) {
      const { orderId } = line;
      return { placed: { orderId, lineId: line.id, step: "drafted", heldUntil: null }, cpm: line.cpm };
    }
    const now = this.standing(world, line.id);
    return now && "placed" in now && now.placed.step === placed.step ? null : now;
  }

  /** A line as it reads now. What is refused stays so: nothing sent before can book it any more. */
  standing(world: World, lineId: string): Standing {
    const line = this.lines.find(({ id }) => id === lineId);
    if (!line) return { refused: "no such line" };
    this.#expire(world, line);
    switch (line.state) {
      case "Draft":
        return {
          placed: { orderId: line.orderId, lineId, step: "drafted", heldUntil: null },
          cpm: line.cpm,
        };
      case "Reserved":
        return reservedAs(line);
      case "PendingBooking":
        return { wait: waitFor(line) };
      case "Booked":
        return line.deal && { booked: line.deal.deal };
      case "Declined":
      case "Expired":
        for (const send of this.#seller.sends) if (send.quoteId === line.quote.id) send.knownDead = true;
        return { refused: line.state };
    }
  }

  /** The line goes back to a draft, and its inventory with it. */
  reset(lineId: string | null): void {
    const line = this.lines.find(({ id }) => id === lineId);
    if (line?.state === "Reserved") line.state = "Draft";
  }

  /** True while its people may still book a line of this quote. */
  isAtWorkOn(quoteId: string): boolean {
    return this.lines.some(({ quote, state }) => quote.id === quoteId && state === "PendingBooking");
  }

  hurry(): void {
    for (const line of this.lines) if (line.state === "PendingBooking") line.decide();
  }
}

/** The write that follows what is placed. */
export function nextWrite(placed: Placed | undefined): Write {
  if (!placed) return "order";
  if (placed.lineId === null) return "line";
  return placed.step === "drafted" ? "reserve" : "book";
}

function orderedAs(orderId: string): Placed {
  return { orderId, lineId: null, step: "ordered", heldUntil: null };
}

function reservedAs({ orderId, id: lineId, heldUntil, cpm }: OrderLine): Taken {
  return { placed: { orderId, lineId, step: "reserved", heldUntil: new Date(heldUntil).toISOString() }, cpm };
}

function waitFor(line: OrderLine): SellerWait {
  return { for: "decision", taskId: null, mediaBuyId: line.id, url: null, sellerSaid: "", expectedBy: null };
}
