import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import type { DiscoverRequest } from "../../src/buying/discover.ts";
import type { MediaKitRequest } from "../../src/buying/media-kit.ts";
import type { NegotiateAsk, NegotiationReport } from "../../src/buying/negotiate.ts";
import type { NegotiateItem } from "../../src/buying/negotiation-moves.ts";
import type { QuoteAsk, QuoteItem, QuoteOutcome } from "../../src/buying/quote.ts";
import type { QuoteReport } from "../../src/buying/quote-report.ts";
import { parseConfig } from "../../src/config.ts";
import { type Desk, openDesk } from "../../src/desk.ts";
import { BuyingError } from "../../src/domain/errors.ts";
import { parseMoney } from "../../src/domain/money.ts";
import type { Operation } from "../../src/sandbox/faults.ts";
import type { LoggedRequest } from "../../src/sandbox/request-log.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/sandbox.ts";
import { type ConfigFile, flight, standardConfig } from "../e2e/fixtures.ts";
import { quickKeys } from "../people.ts";

/** A desk in this process: its config file, its own ledger and cache on disk, and sellers it reaches over real HTTP. */
export interface Bench {
  readonly desk: Desk;
  readonly sandbox: Sandbox;
  /** Where {@link desk} keeps its files. */
  readonly home: string;
  /** Another desk on the same files: a second process, or the first one started again, perhaps with other settings. */
  again(config?: Change): Desk;
  /** A desk of other settings with files of its own, facing the same sellers. */
  other(config: Change, environment?: Readonly<Record<string, string>>): Desk;
  /** How often a seller was sent something of a kind since the log was cleared. */
  sent(seller: string, operation: Operation): number;
  close(): Promise<void>;
}

/** Changes the config that a desk with three sellers and a generous mandate has. */
export type Change = (standard: ConfigFile) => ConfigFile;

/** Starts sellers and a desk on them. */
export async function openBench(config: Change = (standard) => standard, options?: SandboxOptions): Promise<Bench> {
  const sandbox = await startSandbox({ gapMs: 0, ...options });
  const home = mkdtempSync(join(tmpdir(), "mbm-desk-"));
  const opened: Desk[] = [];
  const open = (text: string, dataHome: string, environment: Readonly<Record<string, string>>): Desk => {
    const parsed = parseConfig(text, "config.json", environment);
    const desk = openDesk({ config: parsed, dataHome, log: () => undefined, sandboxSellers: null });
    opened.push(desk);
    return { ...desk, people: quickKeys(join(dataHome, parsed.desk, "people")) };
  };
  const text = JSON.stringify(config(standardConfig(sandbox)));
  return {
    desk: open(text, join(home, "desk"), {}),
    sandbox,
    home: join(home, "desk"),
    again: (change) => open(change ? JSON.stringify(change(standardConfig(sandbox))) : text, join(home, "desk"), {}),
    other: (change, environment = {}) =>
      open(JSON.stringify(change(standardConfig(sandbox))), join(home, `other-${opened.length}`), environment),
    sent: (seller, operation) => sandbox.requests(seller).filter((one) => one.operation === operation).length,
    async close() {
      await sandbox.close();
      for (const desk of opened) await desk.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A bench for all tests of a file or a block; what they do to it, they put right. */
export function sharedBench(config?: Change, options?: SandboxOptions): Bench {
  let bench: Bench | null = null;
  beforeAll(async () => {
    bench = await openBench(config, options);
  });
  afterAll(async () => bench?.close());
  const there = (): Bench => {
    if (!bench) throw new Error("a bench is there only while tests run");
    return bench;
  };
  return {
    get desk() {
      return there().desk;
    },
    get sandbox() {
      return there().sandbox;
    },
    get home() {
      return there().home;
    },
    again: (change) => there().again(change),
    other: (change, environment) => there().other(change, environment),
    sent: (seller, operation) => there().sent(seller, operation),
    close: () => there().close(),
  };
}

/** Changes the entry of one seller in a config. */
export function withSeller(id: string, change: ConfigFile): Change {
  return (standard) => ({
    ...standard,
    sellers: sellersIn(standard).map((one) => (one["id"] === id ? { ...one, ...change } : one)),
  });
}

/** The sellers of a config. */
export function sellersIn(config: ConfigFile): readonly ConfigFile[] {
  return config["sellers"] as readonly ConfigFile[];
}

/** Several changes, one after the other. */
export function both(...changes: readonly Change[]): Change {
  return (standard) => changes.reduce((config, change) => change(config), standard);
}

/** Finding sellers without any filter, in plenty of time. */
export function discovery(change: Partial<DiscoverRequest> = {}): DiscoverRequest {
  const nothing = {
    channels: [],
    countries: [],
    minTrust: null,
    capability: null,
    protocol: null,
    query: null,
    url: null,
  };
  return { ...nothing, refresh: false, deadlineMs: 10_000, ...change };
}

/** The whole media kit of all trusted sellers. */
export function kit(change: Partial<MediaKitRequest> = {}): MediaKitRequest {
  const nothing = {
    sellers: [],
    channels: [],
    formats: [],
    geo: [],
    dealType: null,
    query: null,
    brief: null,
    maxCpm: null,
  };
  return { ...nothing, limit: 100, offset: 0, refresh: false, deadlineMs: 10_000, ...change };
}

/** Products of the sandbox that tests buy. */
export const products = {
  sports: "northbeam/prod-53e78a97",
  display: "northbeam/prod-c642fc9b",
  radio: "harborview/prod-a31c6f02",
  airport: "harborview/prod-f114d7a7",
  local: "civicstream/prod-e28c7f13",
  weather: "civicstream/prod-d25e90f4",
} as const;

/** An item of a quote request, with its budget as text. */
export type ItemChange = Partial<Omit<QuoteItem, "budget">> & { readonly budget?: string };

/** What is asked for: a million impressions of a product, or what a budget buys, from a month from now. */
export function item(product: string, { budget, ...rest }: ItemChange = {}): QuoteItem {
  const amount = budget === undefined ? null : parseMoney(budget);
  const plain = { product, flight: flight(), impressions: amount ? null : 1_000_000, dealType: null, targeting: null };
  const terms = { maxBid: null, pricingOption: null, creativeIds: [] };
  return { ...plain, terms, with: [], brief: null, ...rest, budget: amount };
}

/** An ask for quotes, made by a test. */
export function asking(items: readonly QuoteItem[], change: Partial<QuoteAsk> = {}): QuoteAsk {
  return { campaign: null, items, goal: null, by: "test", deadlineMs: 15_000, ...change };
}

/** The quote that came of asking for one item. */
export async function quoted(desk: Desk, one: QuoteItem, change: Partial<QuoteAsk> = {}): Promise<QuoteReport> {
  const [outcome] = await desk.quote(asking([one], change));
  return reportIn(outcome);
}

/** The quote of an outcome that should have one. */
export function reportIn(outcome: QuoteOutcome | undefined): QuoteReport {
  if (outcome?.ok) return outcome.report;
  throw outcome?.error ?? new Error("no outcome");
}

/** The refusal of an outcome that should have one. */
export function errorIn(outcome: QuoteOutcome | undefined): BuyingError {
  if (outcome && !outcome.ok) return outcome.error;
  throw new Error("it was quoted");
}

/** The error that work ends in. */
export async function errorOf(work: Promise<unknown>): Promise<BuyingError> {
  const error = await work.then(
    () => new Error("it did not fail"),
    (reason: unknown) => reason,
  );
  if (error instanceof BuyingError) return error;
  throw error;
}

/** One negotiation, played out by the threshold strategy unless told otherwise. */
export async function negotiated(
  desk: Desk,
  one: Partial<NegotiateItem> & { readonly ref: string },
  change: Partial<NegotiateAsk> = {},
): Promise<NegotiationReport> {
  const [report] = await desk.negotiate(talk([one], change));
  expect(report?.ref).toBe(one.ref);
  if (!report) throw new Error("no report");
  return report;
}

let talks = 0;

/**
 * A fresh open quote to talk about, guaranteed, for 40,000 USD unless told otherwise: northbeam is shown the advertiser
 * and quotes 29.75, civicstream the seat.
 */
export async function openQuote(
  bench: Bench,
  product: string = products.sports,
  change: ItemChange = {},
): Promise<string> {
  talks += 1;
  const one = item(product, { budget: "40000 USD", dealType: "PG", ...change });
  return (await quoted(bench.desk, one, { campaign: `talk ${talks}` })).loaded.ref;
}

/** An ask to negotiate, made by a test. */
export function talk(
  items: readonly (Partial<NegotiateItem> & { readonly ref: string })[],
  change: Partial<NegotiateAsk> = {},
): NegotiateAsk {
  const filled = items.map((one) => ({ targetCpm: null, maxCpm: null, offerCpm: null, words: null, ...one }));
  const plain = { strategy: "threshold", move: "auto", step: null, maxRounds: 5, deadlineMs: 15_000 } as const;
  return { ...plain, items: filled, ...change };
}

/** Everything a seller could read of a request: path, headers and body. */
export function bytesOf({ method, target, rawHeaders, body }: LoggedRequest): string {
  return [method, target, ...rawHeaders, body].join("\n");
}

/** Milliseconds that work took, and what it gave. */
export async function timed<T>(work: Promise<T>): Promise<{ readonly ms: number; readonly value: T }> {
  const began = performance.now();
  const value = await work;
  return { ms: performance.now() - began, value };
}
