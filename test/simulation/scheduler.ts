import type { Random } from "./random.ts";

/** Whoever a step belongs to: it is dropped for ever when its owner crashes, and waits while its owner is stalled. */
export interface Owner {
  readonly name: string;
  alive: boolean;
  /** True time until which nothing of this owner goes on: a suspended laptop, a long collection of garbage. */
  stalledUntil: number;
}

/** What a promise of a crashed owner is rejected with after its schedule is over, so that its memory is given back. */
export class Buried extends Error {}

interface Step {
  readonly owner: Owner | null;
  readonly label: string;
  /** True time from which it may be picked. */
  readonly due: number;
  run(): void;
  /** Ends the wait for it without running it, after the schedule. */
  bury(): void;
}

export interface StepNote {
  readonly at: number;
  readonly who: string;
  readonly what: string;
}

/**
 * Owns true time and the order of everything: each await of a port is a step in its queue, and the seed decides which
 * goes next. Between two steps everything that can go on does, so that a run is a function of its seed alone.
 */
export class Scheduler {
  readonly trace: StepNote[] = [];
  readonly #random: Random;
  #steps: Step[] = [];
  readonly #graves: Step[] = [];
  readonly #longestStep: number;
  /** True time, in milliseconds since the epoch; no process sees it. */
  time: number;
  /** Steps picked so far. */
  picked = 0;

  /** @param longestStep how much time may pass with one step: the longer, the more timers fall into the midst of work */
  constructor(random: Random, start: number, longestStep: number) {
    this.#random = random;
    this.#longestStep = longestStep;
    this.time = start;
  }

  note(who: string, what: string): void {
    this.trace.push({ at: this.time, who, what });
  }

  /** Queues something that needs no answer. @returns how to take it back */
  later(owner: Owner | null, label: string, ms: number, run: () => void, bury: () => void = () => {}): () => void {
    const step: Step = { owner, label, due: this.time + ms, run, bury };
    // An answer to somebody who crashed meanwhile reaches nobody.
    if (owner && !owner.alive) this.#graves.push(step);
    else this.#steps.push(step);
    return () => {
      this.#steps = this.#steps.filter((one) => one !== step);
    };
  }

  /** Queues something and waits for it: the promise settles with what `effect` gives, or never if the owner crashes. */
  step<T>(owner: Owner | null, label: string, effect: () => T | Promise<T>, ms = 0): Promise<T> {
    if (owner && !owner.alive) return Promise.reject(new Buried());
    return new Promise<T>((resolve, reject) => {
      const run = () => {
        try {
          // Once it has happened, its owner may still crash before hearing of it.
          const done = Promise.resolve(effect());
          if (this.crashBetween(owner)) {
            done.catch(() => undefined);
            this.later(
              owner,
              label,
              0,
              () => undefined,
              () => reject(new Buried()),
            );
          } else resolve(done);
        } catch (error) {
          reject(error);
        }
      };
      this.later(owner, label, ms, run, () => reject(new Buried()));
    });
  }

  /** Replaced by the world: whether the owner dies between an effect and its answer. */
  crashBetween: (owner: Owner | null) => boolean = () => false;

  /** A crash: what the owner waited for never comes. */
  drop(owner: Owner): void {
    owner.alive = false;
    this.#graves.push(...this.#steps.filter((step) => step.owner === owner));
    this.#steps = this.#steps.filter((step) => step.owner !== owner);
  }

  /** Runs one step, moving time on as far as that needs. @returns false when nothing is left to run */
  async turn(): Promise<boolean> {
    if (this.#steps.length === 0) return false;
    const dueOf = (step: Step) => Math.max(step.due, step.owner?.stalledUntil ?? 0);
    const ready = this.#steps.filter((step) => dueOf(step) <= this.time);
    if (ready.length === 0) {
      this.time = this.#steps.reduce((least, step) => Math.min(least, dueOf(step)), Number.POSITIVE_INFINITY);
      return true;
    }
    const step = this.#random.pick(ready);
    this.#steps.splice(this.#steps.indexOf(step), 1);
    this.time += this.#random.between(0, this.#longestStep);
    this.picked += 1;
    this.note(step.owner?.name ?? "-", step.label);
    step.run();
    await settled();
    return true;
  }

  /** Ends every wait that is left, when nothing counts any more. */
  async bury(): Promise<void> {
    for (let round = 0; round < 1_000 && this.#steps.length + this.#graves.length > 0; round += 1) {
      const left = [...this.#graves.splice(0), ...this.#steps];
      this.#steps = [];
      for (const step of left) step.bury();
      await settled();
    }
  }
}

/** Everything that can go on without a port has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
