import type { Ref } from "../domain/ids.ts";
import { anchor } from "./anchor.ts";
import { expireApproval } from "./approve.ts";
import { endLeftHolds } from "./hold.ts";
import { loadApproval } from "./lines.ts";
import { noteLostOrders } from "./outcome.ts";
import type { Ports } from "./ports.ts";
import { followProposal } from "./proposal.ts";
import { sendLine } from "./send.ts";
import { settleLine } from "./settle.ts";

const FIRST_LOOK_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** How many times the first pause a look at a seller that keeps us waiting is put off at most: ten minutes for 30 s. */
const LONGEST_FOLLOW = 20;
/** While somebody may be sending: a claim that ends without an outcome should not wait for a long pause to pass. */
const CLAIMED_PAUSE_MS = 5_000;
const ORDERS_EVERY_MS = 600_000;

/**
 * Follows open work while a server runs: sends what a person approved elsewhere (terminal, another process), settles
 * bookings whose answer was lost, looks at what sellers' people decided, closes approvals whose time is over. Several processes may watch one desk: the ledger
 * decides who sends.
 */
export class Watcher {
  readonly #ports: Ports;
  readonly #also: { look(): Promise<void> } | null;
  readonly #pauses = new Map<Ref, { due: number; pause: number; waits: boolean }>();
  /** Lines this process is at work on: a slow seller holds up its own lines and no others. */
  readonly #busy = new Map<Ref, Promise<void>>();
  readonly #stop = new AbortController();
  #loop: Promise<void> | null = null;

  /** @param also what else is followed on each round: begun there, and not waited for */
  constructor(ports: Ports, also: { look(): Promise<void> } | null = null) {
    this.#ports = ports;
    this.#also = also;
  }

  /** Starts once; further calls change nothing. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** Ends after the step under way: what is in flight is finished or journalled. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await Promise.all(this.#busy.values());
  }

  /** One round over everything open, to its end. */
  async tick(): Promise<void> {
    await this.#begin();
    await Promise.all(this.#busy.values());
  }

  /** Begins a round; what takes long goes on after it. */
  async #begin(): Promise<void> {
    const { ledger } = this.#ports;
    const lines = await ledger.heads({
      kind: "quote",
      statuses: ["proposed", "approved", "sending", "booking_unknown", "awaiting_seller"],
      limit: 1_000,
    });
    const open = new Map(lines.map(({ stream, status }) => [stream.slice("quote/".length), status]));
    for (const ref of this.#pauses.keys()) if (!open.has(ref)) this.#pauses.delete(ref);
    for (const [ref, status] of open) {
      if (this.#busy.has(ref)) continue;
      this.#busy.set(
        ref,
        this.#follow(ref, status).finally(() => this.#busy.delete(ref)),
      );
    }
    const approvals = await ledger.heads({ kind: "approval", statuses: ["pending"], limit: 1_000 });
    for (const { stream } of approvals) await this.#expire(stream.slice("approval/".length));
    await this.#also?.look();
  }

  /** Has a line looked at in the next round, whatever pause it was in. */
  lookSoon(ref: Ref): void {
    const known = this.#pauses.get(ref);
    // Without a pause it is looked at in the next round anyhow.
    if (known) this.#pauses.set(ref, { ...known, due: 0 });
  }

  async #run(): Promise<void> {
    const { ledger, log, sleep, now } = this.#ports;
    // A clock that was set back must not keep it waiting until the old time comes round again.
    const isOver = (since: number, ms: number) => Math.abs(now().getTime() - since) >= ms;
    let seen = -1;
    let idleSince = Number.NEGATIVE_INFINITY;
    let orderedAt = Number.NEGATIVE_INFINITY;
    while (!this.#stop.signal.aborted) {
      try {
        const newest = await ledger.newest();
        const changed = newest !== seen;
        seen = newest;
        // Nothing new and nothing due: look again soon, cheaply; every few seconds look at the clocks too.
        if (changed || this.#pauses.size > 0 || isOver(idleSince, 5_000)) {
          idleSince = now().getTime();
          await this.#begin();
        }
        if (isOver(orderedAt, ORDERS_EVERY_MS)) {
          orderedAt = now().getTime();
          await noteLostOrders(this.#ports);
          await endLeftHolds(this.#ports);
          await anchor(this.#ports, "watch");
        }
      } catch (error) {
        log("the watcher could not look", { error: String(error) });
      }
      await sleep(500, this.#stop.signal).catch(() => undefined);
    }
  }

  async #follow(ref: Ref, status: string): Promise<void> {
    const now = this.#ports.now().getTime();
    const waits = status === "awaiting_seller" || status === "proposed";
    const before = this.#pauses.get(ref);
    // The long pauses of a wait are over with it.
    const known = before?.waits === waits ? before : undefined;
    if (status !== "approved" && known && known.due > now) return;
    try {
      if (status === "approved") await sendLine(this.#ports, ref);
      else if (status === "proposed") await followProposal(this.#ports, ref);
      else if (await settleLine(this.#ports, ref)) {
        this.#pauses.delete(ref);
        return;
      }
    } catch (error) {
      this.#ports.log("following a booking failed", { ref, error: String(error) });
    }
    const { followEveryMs } = this.#ports.settings;
    const first = waits ? followEveryMs : FIRST_LOOK_MS;
    const longest = waits ? followEveryMs * LONGEST_FOLLOW : status === "sending" ? CLAIMED_PAUSE_MS : LONGEST_PAUSE_MS;
    const pause = Math.min(longest, known ? Math.max(first, known.pause * 2) : first);
    this.#pauses.set(ref, { due: now + pause, pause, waits });
  }

  async #expire(approvalId: string): Promise<void> {
    const { approval } = await loadApproval(this.#ports, approvalId);
    if (Date.parse(approval.expiresAt) <= this.#ports.now().getTime()) await expireApproval(this.#ports, approvalId);
  }
}
