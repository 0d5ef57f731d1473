import type { DeskSettings, Ports, SellerRecord } from "../../src/buying/ports.ts";
import { Watcher } from "../../src/buying/watcher.ts";
import { BuyingError } from "../../src/domain/errors.ts";
import { type Mandate, noFurtherLimits } from "../../src/domain/mandate.ts";
import { parseMoney } from "../../src/domain/money.ts";
import { threshold } from "../../src/strategies/threshold.ts";
import { ledgerPort } from "./ledger-port.ts";
import type { ModelSeller } from "./model-seller.ts";
import { Buried } from "./scheduler.ts";
import { sellerPort } from "./seller-port.ts";
import { signatures } from "./signatures.ts";
import { approvalMinutes, claimMs, followEveryMs, mostSkewMs, settleAfterMs } from "./timing.ts";
import type { Process, World } from "./world.ts";

const usd = (amount: string) => parseMoney(`${amount} USD`);

export const mandate: Mandate = {
  ...noFurtherLimits,
  currency: "USD",
  perBuy: usd("60000"),
  perDay: usd("110000"),
  maxCpm: usd("34"),
  allowedSellers: null,
  blockedSellers: [],
  minTrust: "registered",
  timeZone: "America/New_York",
  channels: {
    auto: { perBuy: usd("6000"), perDay: usd("15000") },
    form: { perBuy: usd("35000"), perDay: usd("60000") },
    terminal: { perBuy: usd("60000"), perDay: usd("110000") },
  },
};

let lives = 0;

/** Starts a process of the desk on the shared table; a server also follows open work, as the real one does. */
export function startProcess(world: World, name: string, watches: boolean): Process {
  let die = (): void => undefined;
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  lives += 1;
  const process: Process = {
    name,
    // Verbs keep work that outlives a call by its holder, so no two lives share one, not even over schedules.
    ports: portsOf(world, `${name}#${lives}`, () => process),
    watches,
    alive: true,
    stalledUntil: 0,
    skew: world.random.between(-mostSkewMs, mostSkewMs),
    doom: null,
    died,
    die,
  };
  world.processes.push(process);
  world.scheduler.note(name, "starts");
  if (watches) void watch(world, process);
  return process;
}

function portsOf(world: World, holder: string, self: () => Process): Ports {
  const cache = new Map<string, unknown>();
  const now = () => {
    const honest = world.scheduler.time + world.clockOff + self().skew;
    return new Date(world.weakness?.now?.(honest, self(), world) ?? honest);
  };
  const records = world.sellers.map(recordOf);
  const find = async (id: string) => {
    const record = records.find((one) => one.id === id);
    if (record) return record;
    throw new BuyingError("unknown_seller", `No seller ${id}.`, "fix_arguments");
  };
  let ledger: Ports["ledger"] | undefined;
  return {
    settings: settingsOf(world),
    get ledger() {
      ledger ??= ledgerPort(world, self(), now);
      return ledger;
    },
    cache: {
      get: async (key) => cache.get(key),
      set: async (key, value) => void cache.set(key, value),
      delete: async (key) => void cache.delete(key),
      clear: async () => cache.clear(),
    },
    directory: {
      all: async () => records,
      find,
      connect: (record) => {
        const model = world.sellers.find(({ id }) => id === record.id);
        if (!model) throw new RangeError(`no model of ${record.id}`);
        return sellerPort(world, self(), model);
      },
      resolved: async (record) => record,
      verified: async (record) => record,
      search: async () => [],
      evidence: async () => [],
      introduce: find,
    },
    strategies: [threshold],
    // No PIN is typed here; what a wrong one does is tested on the real desk.
    signatures,
    holder,
    now,
    newId: world.newId,
    sleep: (ms, signal) => sleep(world, self(), ms, signal),
    log: (message, details) => {
      // Of an error its first line: where it came from is of this run, and not of the seed.
      const said = JSON.stringify(details ?? {}, (_key, value: unknown) =>
        typeof value === "string" ? value.split("\n")[0] : value,
      );
      world.scheduler.note(self().name, `logs: ${message} ${said}`);
      world.witness.logged(message, details);
    },
  };
}

function settingsOf(world: World): DeskSettings {
  return {
    name: "desk",
    command: "media-buyer-mcp",
    advertiser: "Acme",
    sandbox: false,
    mandate,
    principals: [],
    buyer: {},
    revealFrom: null,
    approvalMinutes,
    settleAfterMs: world.weakness?.settleAfterMs ?? settleAfterMs,
    followEveryMs,
    holdBeforeApproval: world.seed % 3 === 0,
    claimMs: world.weakness?.claimMs ?? claimMs,
  };
}

function recordOf({ id, desk }: ModelSeller): SellerRecord {
  return {
    id,
    name: id,
    domain: `${id}.example`,
    origin: `https://${id}.example`,
    url: `https://${id}.example`,
    // Whoever audits the books knows by the protocol how its lost answers are settled.
    protocol: desk ? "adcp" : "model",
    trust: "verified",
    trustBy: "the simulation",
    relationship: "established",
    credentials: [],
    byAccount: false,
    blocked: false,
    ...{ words: [], fromRegistry: false, cautions: [], tags: [], listedUnder: null },
  };
}

function sleep(world: World, process: Process, ms: number, signal?: AbortSignal): Promise<void> {
  // Short pauses between tries carry a jitter that no seed decides: theirs is drawn here instead.
  const length = ms <= 150 ? world.random.between(1, 150) : ms;
  return new Promise((resolve, reject) => {
    if (!process.alive) return reject(new Buried());
    const cancel = world.scheduler.later(process, `slept ${length > 150 ? length : "a little"}`, length, resolve, () =>
      reject(new Buried()),
    );
    const stop = () => {
      cancel();
      reject(new Stopped());
    };
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** What a sleep ends with that was stopped. */
class Stopped extends Error {}

/** The real watcher's round, at the pace of this world. */
async function watch(world: World, process: Process): Promise<void> {
  const watcher = new Watcher(process.ports);
  while (process.alive) {
    try {
      await watcher.tick();
    } catch (error) {
      if (error instanceof Buried) return;
      world.witness.thrown("the watcher", error);
    }
    const pace = world.isOver ? 240_000 : world.random.pick([500, 3_000, 20_000, 90_000]);
    await process.ports.sleep(pace).catch(() => undefined);
  }
}
