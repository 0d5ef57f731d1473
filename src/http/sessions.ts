import { Shares } from "./shares.ts";

/** Most sessions at once, and how long one may rest: a client of the 2025 protocol that comes later begins anew. */
export interface SessionLimits {
  readonly most: number;
  readonly idleMs: number;
}
export const sessionLimits: SessionLimits = { most: 1_000, idleMs: 30 * 60_000 };

interface Held<Session> {
  readonly session: Session;
  /** Nobody else is answered in it, whoever knows its id. */
  readonly principal: string;
  /** Requests under way, streams among them. */
  open: number;
  seen: number;
  /** Makes room for another. */
  readonly giveBack: () => void;
}

/**
 * The sessions of 2025 clients in this process. Each belongs to the principal that began it. Every principal has an equal
 * share of them, so that none can keep the others out.
 */
export class Sessions<Session extends { close(): Promise<void> }> {
  readonly #held = new Map<string, Held<Session>>();
  readonly #shares: Shares;
  readonly #idleMs: number;
  readonly #now: () => number;

  /** @param principals how many there are. @param now milliseconds of a clock that never goes back */
  constructor(principals: number, now: () => number, { most, idleMs }: SessionLimits = sessionLimits) {
    this.#idleMs = idleMs;
    this.#shares = new Shares(most, principals);
    this.#now = now;
  }

  get size(): number {
    return this.#held.size;
  }

  /**
   * Takes room for another one of a principal, before it is begun: many may be beginning at once.
   * @returns what gives the room back if none begins; null when there is none
   */
  async reserve(principal: string): Promise<(() => void) | null> {
    const room = this.#shares.take(principal);
    if (room) return room;
    await this.endIdle();
    return this.#shares.take(principal);
  }

  /** Begins one in the room that was reserved, which is given back when it ends. */
  begin(id: string, principal: string, session: Session, giveBack: () => void): void {
    this.#held.set(id, { session, principal, open: 0, seen: this.#now(), giveBack });
  }

  /** The session with this id, if it is this principal's; another's is as unknown as none. */
  find(id: string, principal: string): Session | null {
    const held = this.#held.get(id);
    return held?.principal === principal ? held.session : null;
  }

  /** Runs a request in a session, which does not rest meanwhile. */
  async during<T>(id: string, work: () => Promise<T>): Promise<T> {
    const held = this.#held.get(id);
    if (held) held.open += 1;
    try {
      return await work();
    } finally {
      if (held) {
        held.open -= 1;
        held.seen = this.#now();
      }
    }
  }

  forget(id: string): void {
    this.#held.get(id)?.giveBack();
    this.#held.delete(id);
  }

  /** Ends what nobody has used for as long as that. */
  async endIdle(): Promise<void> {
    const before = this.#now() - this.#idleMs;
    await this.#end([...this.#held].filter(([, { open, seen }]) => open === 0 && seen < before));
  }

  async endAll(): Promise<void> {
    await this.#end([...this.#held]);
  }

  async #end(ending: readonly (readonly [string, Held<Session>])[]): Promise<void> {
    for (const [id] of ending) this.forget(id);
    await Promise.allSettled(ending.map(([, { session }]) => session.close()));
  }
}
