import type { SandboxStore, SellerState } from "../state.ts";
import { type Behaviour, usualBehaviour } from "./behaviour.ts";
import type { OpenDirectProduct, OpenDirectProfile } from "./profile.ts";
import { emptyOpenDirect, type OpenDirectState, type StoredLine } from "./state.ts";

/** Where OpenDirect begins at the origin: the version is a part of the path. */
export const basePath = "/api/v2.1";

/** One running OpenDirect seller: its profile, its memory, and the habits all of its endpoints share. */
export class OpenDirectRuntime {
  readonly profile: OpenDirectProfile;
  /** Where the faults are kept. */
  readonly state: SellerState;
  /** Everything else it remembers. */
  readonly books: OpenDirectState;
  /** The origin it answers at, without a trailing slash; known once it listens. */
  url = "";
  readonly #store: SandboxStore;
  readonly #clock: () => number;

  constructor(profile: OpenDirectProfile, store: SandboxStore, clock: () => number) {
    this.profile = profile;
    this.state = store.seller(profile.id);
    this.books = this.state.opendirect ??= emptyOpenDirect();
    this.books.behaviour = { ...usualBehaviour, ...this.books.behaviour };
    this.#store = store;
    this.#clock = clock;
  }

  /** The seller's clock, in milliseconds since 1970 (UTC). */
  now(): number {
    return this.#clock();
  }

  /** The time a line lives in: the clock, and what the control let pass beyond it. */
  lineNow(line: Pick<StoredLine, "aheadMs">): number {
    return this.now() + line.aheadMs;
  }

  /** Makes every change so far survive the process. */
  commit(): void {
    this.#store.save();
  }

  /** How it differs from the next seller. */
  get behaviour(): Behaviour {
    return this.books.behaviour;
  }

  /** The product of that id, if it is sold here. */
  product(id: string): OpenDirectProduct | undefined {
    return this.profile.products.find((product) => product.id === id);
  }

  /** A fresh id: a number in words. */
  newId(): string {
    this.books.lastId += 1;
    return String(this.books.lastId);
  }
}
