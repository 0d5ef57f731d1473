import { type Approval, type ApprovalEvent, foldApproval } from "../../src/domain/approval.ts";
import { BuyingError } from "../../src/domain/errors.ts";
import { foldLine, type FrozenRequest, type Line, type LineEvent } from "../../src/domain/media-buy.ts";
import type { Entry } from "../../src/ledger/entries.ts";
import { LedgerConflict, LedgerUnavailable, type Row } from "../../src/ledger/ledger.ts";
import { SellerFailure } from "../../src/sellers/seller.ts";
import type { ModelDeal, Send } from "./model-seller.ts";
import { Buried } from "./scheduler.ts";
import { bookingLaws, dealsStanding, sendsOf } from "./laws-booking.ts";
import { sendingLaws } from "./laws-sending.ts";
import { SpendBook } from "./spend-book.ts";
import { strikes, type Process, type World } from "./world.ts";

/** What must never happen; each is one sentence of the product's promises. */
export type Law =
  | "never two commitments for one line"
  | "approved stays within the mandate"
  | "an incident stops approvals"
  | "a difference is an incident"
  | "no booking without its approval"
  | "sent only by right"
  | "released only when nothing stands"
  | "an acknowledged entry stays"
  | "the chain verifies"
  | "the audit finds nothing wrong"
  | "balances are the sum"
  | "nothing is held for ever"
  | "what a seller booked is recorded"
  | "only known errors"
  | "the model";

export interface Accusation {
  readonly at: number;
  readonly law: Law;
  readonly what: string;
}

const moments: readonly Entry["kind"][] = ["send_claimed", "booking_started", "booking_unknown", "cancel_started"];

/** A person's word as it was given to a process, whether or not anybody heard of it. */
export interface GivenWord {
  readonly approvalId: string;
  readonly decision: "approve" | "reject";
  readonly via: "form" | "terminal";
  readonly by: string;
  readonly at: number;
}

/**
 * Watches every row and every byte that leaves, keeps its own books of them, and accuses whoever breaks a law. It is no
 * part of what it watches: it reads the table and the modelled sellers directly, and nothing asks it anything.
 */
export class Witness {
  readonly accusations: Accusation[] = [];
  readonly lines = new Map<string, Line>();
  readonly approvals = new Map<string, Approval>();
  readonly spend = new SpendBook();
  /** The line that has a deal. */
  readonly owners = new Map<string, string>();
  readonly words: GivenWord[] = [];
  /** Rows whose append was answered with success. */
  readonly kept: Row[] = [];
  /** Counts of what was seen, to know that schedules get anywhere. */
  readonly seen = new Map<string, number>();
  #world: World | null = null;
  #isOver = false;

  watch(world: World): void {
    this.#world = world;
  }

  get world(): World {
    if (!this.#world) throw new RangeError("a witness without a world");
    return this.#world;
  }

  /** The schedule is over: what happens while its remains are cleared away is nobody's deed. */
  close(): void {
    this.#isOver = true;
  }

  accuse(law: Law, what: string): void {
    if (this.#isOver) return;
    const at = this.#world?.scheduler.time ?? 0;
    this.#world?.scheduler.note("!!!", `${law}: ${what}`);
    this.accusations.push({ at, law, what });
  }

  count(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  acknowledged(rows: readonly Row[]): void {
    this.kept.push(...rows);
  }

  /** One append, as the table has it now. */
  appended(rows: readonly Row[], process: Process): void {
    const before = new Map(this.lines);
    for (const row of rows) for (const entry of row.entries) this.#fold(row, entry);
    for (const row of rows) this.#checkStatus(row);
    bookingLaws(this, rows, before, process);
    if (rows.some(({ entries }) => entries.some(({ kind }) => moments.includes(kind)))) this.#moment(process);
    for (const broken of this.spend.breaches(rows)) this.accuse(broken.law, broken.what);
  }

  bytesLeave(send: Send, request: FrozenRequest, process: Process): void {
    const isUnsure = sendsOf(this, `${send.sellerId}/${send.quoteId}`).some(
      ({ knownDead, write }) => !knownDead && write === send.write,
    );
    this.count(isUnsure ? "re-sends" : "sends");
    if (send.write) this.count(`${send.write} written`);
    sendingLaws(this, send, request, process);
    this.#moment(process);
  }

  /** Chance alone would rarely hit just after what matters. */
  #moment(process: Process): void {
    const { random } = this.world;
    if (!strikes(this.world, "fatalMoment")) return;
    process.doom = { how: random.pick(["crash", "stall"]), steps: random.between(0, 6) };
  }

  dealMade(deal: ModelDeal): void {
    this.count("deals");
    const { desk, steps } = this.world.sellers.find(({ id }) => id === deal.send.sellerId) ?? {};
    const ref = `${deal.send.sellerId}/${deal.quoteId}`;
    if ((desk || steps) && dealsStanding(this, ref).length > 1)
      this.accuse("never two commitments for one line", `${ref} is bought again, by send ${deal.send.n}`);
    this.world.scheduler.note(
      deal.send.sellerId,
      `books ${deal.quoteId} as ${deal.deal.dealId} for send ${deal.send.n}`,
    );
  }

  /** Everything a verb threw. Only four kinds of error are known to those who call. */
  thrown(verb: string, error: unknown): void {
    if (error instanceof Buried) return;
    const isKnown =
      error instanceof SellerFailure || error instanceof LedgerUnavailable || error instanceof LedgerConflict;
    if (error instanceof BuyingError && error.code !== "internal") return;
    if (isKnown) return;
    this.accuse(
      "only known errors",
      `${verb} threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }

  /** The watcher and late work can only log what went wrong. */
  logged(message: string, details: object | undefined): void {
    const error = details && "error" in details ? String(details.error) : "";
    if (/^(Range|Type|Reference|Syntax)?Error\b/.test(error)) this.accuse("only known errors", `${message}: ${error}`);
  }

  /** Lists and watchers go by the status a row carries, not by the fold. */
  #checkStatus(row: Row): void {
    const name = row.stream.slice(row.kind.length + 1);
    const folded = { quote: this.lines.get(name)?.status, approval: this.approvals.get(name)?.status };
    const is = row.kind === "quote" ? folded.quote : row.kind === "approval" ? folded.approval : row.status;
    if (is !== row.status)
      this.accuse("the chain verifies", `${row.stream}@${row.version} says ${row.status}, and is ${is}`);
  }

  #fold(row: Row, entry: Entry): void {
    const name = row.stream.slice(row.kind.length + 1);
    this.count(entry.kind);
    if (entry.kind === "deal_claimed") this.owners.set(name, entry.ref);
    try {
      // A stream holds only entries of its own union.
      if (row.kind === "quote") {
        this.lines.set(name, foldLine(this.lines.get(name) ?? null, entry as LineEvent, row.at));
      } else if (row.kind === "approval") {
        const before = this.approvals.get(name) ?? null;
        this.approvals.set(name, foldApproval(name, before, entry as ApprovalEvent, row.at));
      }
    } catch (error) {
      this.accuse("the chain verifies", `${row.stream}@${row.version} does not fold: ${String(error)}`);
    }
  }
}
