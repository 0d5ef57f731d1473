import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { parseConfig } from "../../src/config.ts";
import { type Desk, openDesk } from "../../src/desk.ts";
import { streams } from "../../src/domain/ids.ts";
import type { Balances } from "../../src/domain/spend.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import type { Operation } from "../../src/sandbox/faults.ts";
import { quickKeys } from "../people.ts";
import type { Connection, ConnectOptions, Reply } from "./client.ts";
import { type ConfigFile, quoteFrom, startDesk, type TestDesk } from "./fixtures.ts";

/** The one seller these tests buy from: preferred, negotiates, sells everything the fixtures ask for. */
export const seller = "northbeam";

export interface BookingDeskOptions {
  readonly config?: (standard: ConfigFile) => ConfigFile;
  /** Seconds a booking may take (5); a claim to send lasts four times that, or twice that and ten more. */
  readonly bookingSeconds?: number;
  readonly quoteTtlMs?: number;
}

/** A desk with one racing seller whose lost bookings are settled in seconds instead of minutes. */
export function bookingDesk(options: BookingDeskOptions = {}): Promise<TestDesk> {
  const { config = (standard) => standard, bookingSeconds = 5, quoteTtlMs } = options;
  return startDesk({
    sandbox: { sellers: [seller], gapMs: 20, ...(quoteTtlMs === undefined ? {} : { quoteTtlMs }) },
    config: (standard) =>
      config({ ...standard, timeouts: { booking_s: bookingSeconds }, booking: { settle_after_s: 1 } }),
  });
}

/** A buy that waits for a person, on a desk of its own. */
export interface WaitingBuy {
  readonly desk: TestDesk;
  /** {@link operatorOf} the desk. */
  readonly operator: Desk;
  readonly client: Connection;
  readonly ref: string;
  readonly approvalId: string;
  /** What the client was answered when it asked to buy. */
  readonly asked: Reply;
}

/** Has a client ask to buy 100,000 impressions, which nobody decides there, and then does `work`. */
export async function whileItWaits(
  work: (waiting: WaitingBuy) => Promise<void>,
  { person, ...options }: BookingDeskOptions & Pick<ConnectOptions, "person"> = {},
): Promise<void> {
  const desk = await bookingDesk(options);
  const operator = operatorOf(desk);
  try {
    const client = await desk.connect(person ? { person } : {});
    const ref = await quoteFrom(client, { impressions: 100_000 });
    const asked = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
    await work({ desk, operator, client, ref, asked, approvalId: asked.string("approval", "approval_id") });
  } finally {
    await operator.close();
    await desk.close();
  }
}

/** The standard mandate with some of its lines changed. */
export function withMandate(change: ConfigFile): (standard: ConfigFile) => ConfigFile {
  return (standard) => ({ ...standard, mandate: { ...Object(standard["mandate"]), ...change } });
}

/** A desk's ledger beside the servers that write it. The caller closes it, before the desk. */
export function ledgerOf(desk: TestDesk): Promise<Ledger> {
  return openSqliteLedger({ file: join(desk.directory, "data", "acme", "ledger.db") });
}

/** Kinds of the entries of a quote's stream, in order. */
export async function kindsIn(ledger: Ledger, ref: string): Promise<readonly string[]> {
  return (await ledger.read(streams.quote(ref))).flatMap(({ entries }) => entries.map(({ kind }) => kind));
}

/** What a desk has committed; null before the first booking. */
export async function balancesIn(ledger: Ledger): Promise<Balances | null> {
  const head = await ledger.head(streams.spend("acme"));
  const carried = head?.entries.find((entry) => entry.kind === "balances");
  return carried?.kind === "balances" ? carried.balances : null;
}

/** {@link kindsIn} for a look in passing. */
export async function kindsOf(desk: TestDesk, ref: string): Promise<readonly string[]> {
  const ledger = await ledgerOf(desk);
  return kindsIn(ledger, ref).finally(() => ledger.close());
}

/** {@link balancesIn} for a look in passing. */
export async function balancesOf(desk: TestDesk): Promise<Balances | null> {
  const ledger = await ledgerOf(desk);
  return balancesIn(ledger).finally(() => ledger.close());
}

/**
 * The desk as the operator's terminal has it: a process beside the servers (this one), on the same ledger, that records
 * decisions and sends nothing. The caller closes it.
 */
export function operatorOf(desk: TestDesk): Desk {
  const file = join(desk.directory, "config.json");
  const config = parseConfig(readFileSync(file, "utf8"), file, {});
  const dataHome = join(desk.directory, "data");
  const opened = openDesk({ config, dataHome, log: () => undefined, sandboxSellers: null });
  return { ...opened, people: quickKeys(join(dataHome, config.desk, "people")) };
}

/** How often the seller was sent something of a kind; `deal` is `POST /api/v1/deals`. */
export function sent(desk: TestDesk, operation: Operation): number {
  return desk.sandbox.requests(seller).filter((request) => request.operation === operation).length;
}

/** Waits for something to become true, at most `ms`, looking every `paceMs`. @returns what `look` gave */
export async function until<T>(
  what: string,
  look: () => Promise<T> | T,
  ms = 20_000,
  paceMs = 50,
): Promise<NonNullable<T>> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await delay(paceMs);
  }
}

/** Ends a server the way a power cut does: nothing is flushed, nobody is told. */
export function kill(connection: Connection): void {
  // To the system, 0 is every process of this group.
  if (connection.pid === 0) throw new Error("only a server process can be killed: spawn it");
  process.kill(connection.pid, "SIGKILL");
}

/** The status of a buy after looking at the seller where its outcome is open. */
export async function statusOf(connection: Connection, ref: string): Promise<string> {
  const reply = await connection.ok("get_media_buys", { ids: [ref], refresh: true });
  return reply.string("media_buys", 0, "status");
}
