import type { Deal, SellerWait } from "../../src/domain/deal.ts";
import type { Booked, Followed } from "../../src/sellers/seller.ts";
import type { Handled, ModelDeal, ModelQuote, ModelSeller, Send } from "./model-seller.ts";
import { latestEffectOf, replayOf, strikes, type World } from "./world.ts";

/** A buy that the seller's people have on their desk. `provisional` is booked and not yet confirmed. */
interface Task {
  readonly id: string;
  readonly send: Send;
  readonly quote: ModelQuote;
  state: "pending" | "provisional" | "approved" | "rejected";
  deal: Deal | null;
  /** Takes back what was to happen, so that it can happen sooner. */
  undo: () => void;
}

/** A request whose key the seller knows; without an answer it is at work on it. */
interface Known {
  readonly body: string;
  readonly at: number;
  answer: Booked | null;
}

/** How long the seller's people take, in milliseconds: up to days, and once the last fault is over, no longer than today. */
function delay({ random, isOver }: World): number {
  return isOver
    ? random.between(0, 1_200_000)
    : random.pick([0, 60_000, 300_000, 1_800_000, 7_200_000, 3 * 86_400_000]);
}

/**
 * A seller as AdCP has it: the same bytes under the same key are answered alike as long as it says, other bytes are a
 * conflict, one it is at work on is busy, and refusals are not remembered. Nothing else keeps two requests apart. One
 * with people besides opens accounts first, and answers some bookings after days.
 */
export class SellerDesk {
  readonly tasks = new Map<string, Task>();
  account: "open" | "new" | "pending" | "rejected";
  readonly #seller: ModelSeller;
  readonly #known = new Map<string, Known>();
  /** What each key came to: found by the buyer's own context, however long ago. */
  readonly #deals = new Map<string, ModelDeal>();
  readonly #hasPeople: boolean;
  #undoAccount: () => void = () => undefined;

  constructor(seller: ModelSeller, hasPeople: boolean, isOpen: boolean) {
    this.#seller = seller;
    this.#hasPeople = hasPeople;
    this.account = isOpen ? "open" : "new";
  }

  async book(
    world: World,
    send: Send,
    body: string,
    wait: (what: string, ms: number) => Promise<void>,
  ): Promise<Handled<Booked>> {
    const { scheduler, random } = world;
    const latest = send.at + latestEffectOf(world);
    const held = () => (strikes(world, "slow") ? random.between(0, Math.max(0, latest - scheduler.time)) : 0);
    await wait("is held up on its way", held());
    if (scheduler.time > latest) return { refused: "gone" };
    // Who is not let in is turned away before anybody looks what they brought.
    if (strikes(world, "refuses") && random.chance(0.5))
      return { refused: random.pick(["forbidden", "not_found"] as const), before: true };
    const known = this.#known.get(send.key);
    if (known && scheduler.time - known.at < replayOf(world)) {
      if (known.body !== body) return { refused: "idempotency_conflict" };
      if (known.answer) world.witness.count("replays");
      return known.answer ? { ok: known.answer } : { busy: true };
    }
    const quote = this.#seller.quotes.get(send.quoteId);
    const isOver = !quote || quote.vanished || quote.expiresAt <= scheduler.time;
    if (isOver || this.account !== "open") return { refused: isOver ? "gone" : "forbidden" };
    if (strikes(world, "refuses")) return { refused: "refused" };
    const mine: Known = { body, at: scheduler.time, answer: null };
    this.#known.set(send.key, mine);
    await wait("books", held());
    // An error is no answer to be repeated.
    if (scheduler.time > latest) {
      this.#known.delete(send.key);
      return { refused: "gone" };
    }
    mine.answer = this.#answer(world, quote, send);
    await wait("answers", 0);
    return { ok: mine.answer };
  }

  #answer(world: World, quote: ModelQuote, send: Send): Booked {
    if (this.#hasPeople && world.random.chance(0.7)) {
      const id = `T${this.tasks.size + 1}`;
      const task: Task = { id, send, quote, state: "pending", deal: null, undo: () => undefined };
      this.tasks.set(id, task);
      this.#later(world, task, delay(world));
      return { kind: "waits", wait: waitFor("decision", { taskId: id }) };
    }
    return { kind: "booked", deal: this.#deal(world, quote, send) };
  }

  #deal(world: World, quote: ModelQuote, send: Send): Deal {
    const made = this.#seller.dealFor(world, quote, send);
    this.#deals.set(send.key, made);
    return made.deal;
  }

  #later(world: World, task: Task, ms: number): void {
    task.undo = world.scheduler.later(null, `${this.#seller.id} decides ${task.id}`, ms, () =>
      this.#decide(world, task),
    );
  }

  #decide(world: World, task: Task): void {
    const { random, witness } = world;
    if (random.chance(0.3)) {
      task.state = "rejected";
      witness.count("rejected by people");
    } else if (task.state === "pending" && random.chance(0.4)) {
      task.state = "provisional";
      this.#later(world, task, delay(world));
    } else {
      task.state = "approved";
      task.deal = this.#deal(world, task.quote, task.send);
      witness.count("approved by people");
    }
  }

  /** What a look by the buyer's own context finds: a task that is no buy yet is not among them. */
  find(key: string): Booked | null {
    const deal = this.#deals.get(key);
    if (deal) return { kind: "booked", deal: deal.deal };
    const task = [...this.tasks.values()].find((one) => one.send.key === key && one.state === "provisional");
    return task ? { kind: "waits", wait: waitFor("confirmation", { mediaBuyId: `MB-${task.id}` }) } : null;
  }

  /** How a task stands, by its id or by that of the buy it came to. */
  follow({ taskId, mediaBuyId }: SellerWait): Followed | null {
    const task = this.tasks.get(taskId ?? mediaBuyId?.replace("MB-", "") ?? "");
    switch (task?.state) {
      case "pending":
        return { kind: "waits", wait: waitFor("decision", { taskId: task.id }) };
      case "provisional":
        return { kind: "waits", wait: waitFor("confirmation", { mediaBuyId: `MB-${task.id}` }) };
      case "rejected":
        // Whatever of this key is still on its way is answered as the first one was.
        for (const send of this.#seller.sends) if (send.key === task.send.key) send.knownDead = true;
        return { kind: "refused", code: "REJECTED", why: "its people said no" };
      case "approved":
        return task.deal && { kind: "booked", deal: task.deal };
      case undefined:
        return null;
    }
  }

  /** Whether the account is open; the first to ask has it opened, some time. */
  ready(world: World): SellerWait | "rejected" | null {
    if (this.account === "new") {
      this.account = "pending";
      this.#openLater(world, delay(world));
    }
    if (this.account === "pending") return waitFor("account", { url: "https://seller.example/setup" });
    return this.account === "open" ? null : "rejected";
  }

  #openLater(world: World, ms: number): void {
    this.#undoAccount = world.scheduler.later(null, `${this.#seller.id} opens the account`, ms, () => {
      this.account = world.random.chance(0.85) ? "open" : "rejected";
    });
  }

  /** True while its people may still make a buy of one of these keys. */
  isAtWorkOn(key: string): boolean {
    return [...this.tasks.values()].some(
      ({ send, state }) => send.key === key && (state === "pending" || state === "provisional"),
    );
  }

  /** The last fault is over: what its people have on their desks is done today. */
  hurry(world: World): void {
    if (this.account === "pending") {
      this.#undoAccount();
      this.#openLater(world, delay(world));
    }
    for (const task of this.tasks.values()) {
      if (task.state !== "pending" && task.state !== "provisional") continue;
      task.undo();
      this.#later(world, task, delay(world));
    }
  }
}

function waitFor(what: SellerWait["for"], ids: Partial<SellerWait>): SellerWait {
  return { for: what, taskId: null, mediaBuyId: null, url: null, sellerSaid: "", expectedBy: null, ...ids };
}
