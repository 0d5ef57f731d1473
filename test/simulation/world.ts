import type { Ports } from "../../src/buying/ports.ts";
import type { StoredRow } from "../../src/ledger/rows.ts";
import { type Faults, noFaults } from "./faults.ts";
import type { Random } from "./random.ts";
import type { ModelSeller } from "./model-seller.ts";
import type { Owner, Scheduler } from "./scheduler.ts";
import { latestEffectMs, replayMs } from "./timing.ts";
import type { Weakness } from "./weakness.ts";
import type { Witness } from "./witness.ts";

/** One process of the desk: a server with a watcher, or a terminal command that only records decisions. */
export interface Process extends Owner {
  readonly ports: Ports;
  readonly watches: boolean;
  /** How far its clock is off the machine's, in milliseconds. */
  readonly skew: number;
  /** What befalls it a few steps from now. */
  doom: { readonly how: "crash" | "stall"; steps: number } | null;
  /** Settles when it crashes: whoever talked to it hears no more. */
  readonly died: Promise<void>;
  die(): void;
}

/** Everything of one schedule. */
export interface World {
  readonly seed: number;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly witness: Witness;
  readonly sellers: readonly ModelSeller[];
  /** The one table all processes write. */
  readonly rows: StoredRow[];
  /** What the table answered since an append changed it. */
  readonly answers: Map<string, Promise<unknown>>;
  readonly processes: Process[];
  readonly weakness: Weakness | null;
  /** True time at which it began. */
  readonly start: number;
  /** What clients wait between two asks, in milliseconds. */
  readonly pauses: readonly number[];
  faults: Faults;
  /** How far the machine's clock is off true time, in milliseconds; it jumps. */
  clockOff: number;
  /** Set when the clients are done and only the desk itself goes on. */
  isOver: boolean;
  /** A fresh id, a function of the seed. */
  newId(): string;
}

/** True for a fault that is to happen now. Calm worlds have none. */
export function strikes(world: Pick<World, "faults" | "random">, fault: keyof Faults): boolean {
  return world.faults[fault] > 0 && world.random.chance(world.faults[fault]);
}

/** How late after its bytes left a request may still take effect, in milliseconds. */
export function latestEffectOf({ weakness }: World): number {
  return weakness?.latestEffectMs ?? latestEffectMs;
}

/** How long a seller of the replaying kind answers the same bytes alike, in milliseconds. */
export function replayOf({ weakness }: World): number {
  return weakness?.replayMs ?? replayMs;
}

/** How long one call is held up, in milliseconds. */
export function lag(world: World): number {
  return strikes(world, "sluggish") ? world.random.between(200, 20_000) : 0;
}

/** No new faults, and sellers are up; who stands still goes on when its time is over, perhaps long after. */
export function calm(world: World): void {
  world.faults = noFaults;
  world.isOver = true;
  for (const seller of world.sellers) {
    seller.downUntil = 0;
    seller.desk?.hurry(world);
    seller.steps?.hurry();
  }
}
