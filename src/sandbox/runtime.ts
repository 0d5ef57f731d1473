import { createHash, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { CatalogueProduct, SellerProfile } from "./catalogue.ts";
import type { Operation, Struck } from "./faults.ts";
import type { Caller } from "./identity.ts";
import type { SandboxStore, SellerState } from "./state.ts";
import type { Answer } from "./wire.ts";

/** How a sandbox's sellers behave; may be changed while they run. */
export interface SellerSettings {
  /** How long a quote stands, in milliseconds. */
  quoteTtlMs: number;
  /** The pause between looking and writing in which two requests can pass each other, in milliseconds. */
  gapMs: number;
  /** One commitment at a time: the well-behaved variant, in which a repeated key never books twice. */
  locked: boolean;
}

/** One running seller: its profile, its memory, and the habits all of its endpoints share. */
export class SellerRuntime {
  readonly profile: SellerProfile;
  readonly settings: SellerSettings;
  readonly state: SellerState;
  /** Where it answers, without a trailing slash; known once it listens. */
  url = "";
  readonly #store: SandboxStore;
  readonly #clock: () => number;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(profile: SellerProfile, store: SandboxStore, settings: SellerSettings, clock: () => number) {
    this.profile = profile;
    this.settings = settings;
    this.state = store.seller(profile.id);
    this.#store = store;
    this.#clock = clock;
  }

  /** The seller's clock, in milliseconds since 1970 (UTC). */
  now(): number {
    return this.#clock();
  }

  /** Makes every change so far survive the process. */
  commit(): void {
    this.#store.save();
  }

  /** The unguarded moment between a check and the write it allows. */
  async gap(): Promise<void> {
    if (this.settings.gapMs > 0) await delay(this.settings.gapMs);
  }

  /** Runs work alone when the seller is `locked`; otherwise at once, beside whatever else runs. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (!this.settings.locked) return work();
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** The product of that id, if it is sold here. */
  product(id: string): CatalogueProduct | undefined {
    return this.profile.products.find((product) => product.id === id);
  }
}

/** One request, as a handler meets it. */
export interface Call {
  readonly seller: SellerRuntime;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The parsed JSON body; null when there was none. */
  readonly body: unknown;
  readonly faults: Struck["faults"];
  /** Reads the credential; a bad one is refused here, so an endpoint that never asks ignores it. */
  caller(): Caller;
}

/** An endpoint. Path segments in braces are handed over in `params`. */
export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly operation: Operation;
  readonly handle: (call: Call) => Answer | Promise<Answer>;
}

/** A fresh id in the seller's manner: a prefix and so many hexadecimal digits. */
export function mintId(prefix: string, digits: number): string {
  return prefix + randomBytes(digits / 2).toString("hex");
}

/** As {@link mintId}, in capitals. */
export function mintCapitalId(prefix: string, digits: number): string {
  return (
    prefix +
    randomBytes(digits / 2)
      .toString("hex")
      .toUpperCase()
  );
}

/** A moment as the `/api/v1` surface writes it: ISO with `Z`. */
export function zulu(at: number): string {
  return new Date(at).toISOString();
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

/** The digest by which a repeated idempotency key is compared: parsed fields, so order and unknown fields don't matter. */
export function bodyHash(parsed: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(parsed)))
    .digest("hex");
}
