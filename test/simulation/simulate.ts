import type { Product } from "../../src/domain/inventory.ts";
import { uuidFrom } from "../../src/domain/ids.ts";
import { parseMoney } from "../../src/domain/money.ts";
import { drawFaults } from "./faults.ts";
import { endLaws } from "./laws-end.ts";
import { ModelSeller, sellerKinds } from "./model-seller.ts";
import { clear, client, finishCancelling, refresh, settle } from "./people.ts";
import { startProcess } from "./process.ts";
import { Random } from "./random.ts";
import { Scheduler } from "./scheduler.ts";
import { mostJumpMs } from "./timing.ts";
import type { Weakness } from "./weakness.ts";
import { type Accusation, Witness } from "./witness.ts";
import { calm, type Process, strikes, type World } from "./world.ts";

export interface Verdict {
  readonly seed: number;
  readonly accusations: readonly Accusation[];
  readonly steps: number;
  /** What happened, by kind: rows' entries, sends, deals, crashes. */
  readonly seen: ReadonlyMap<string, number>;
  /** The schedule in words, one step a line. */
  trace(): string;
}

/** How long clients wait between two asks: hardly, or as people do. */
const rush = [0, 0, 0, 300, 5_000];
const day = [0, 300, 5_000, 60_000, 300_000, 2_400_000];

const MOST_STEPS = 30_000;

/** Runs the one schedule of a seed, up to its first violation or until everything has come to rest. */
export async function simulate(seed: number, weakness: Weakness | null = null): Promise<Verdict> {
  const random = new Random(seed);
  const start = Date.parse("2026-11-20T22:00:00Z") + random.between(0, 10) * 3_600_000;
  const scheduler = new Scheduler(random, start, random.pick([12, 12, 100, 500]));
  const witness = new Witness();
  let ids = 0;
  const world: World = {
    seed,
    random,
    scheduler,
    witness,
    sellers: Array.from({ length: random.between(1, 2) }, (_, n) => sellerOf(random, seed, n + 1, weakness)),
    rows: [],
    answers: new Map(),
    processes: [],
    weakness,
    start,
    faults: { ...drawFaults(random), ...weakness?.faults },
    isOver: false,
    pauses: random.pick([rush, rush, day]),
    clockOff: 0,
    newId: () => {
      ids += 1;
      return uuidFrom(String(seed), String(ids));
    },
  };
  witness.watch(world);
  scheduler.crashBetween = (owner) => {
    const process = world.processes.find((one) => one === owner);
    return process?.alive === true && fate(world, process);
  };
  const rejected = (error: unknown) => witness.accuse("only known errors", `nobody caught ${String(error)}`);
  process.on("unhandledRejection", rejected);
  try {
    await run(world);
    if (witness.accusations.length === 0) await endLaws(world);
  } finally {
    witness.close();
    await scheduler.bury();
    process.off("unhandledRejection", rejected);
  }
  const { trace } = scheduler;
  return {
    seed,
    accusations: witness.accusations,
    steps: scheduler.picked,
    seen: witness.seen,
    trace: () =>
      trace
        .map(({ at, who, what }) => `${((at - start) / 1000).toFixed(3).padStart(11)} ${who.padEnd(11)} ${what}`)
        .join("\n"),
  };
}

async function run(world: World): Promise<void> {
  const { random, scheduler, witness } = world;
  for (let n = 1; n <= random.pick([1, 2, 2, 2, 3]); n += 1) startProcess(world, `p${n}`, true);
  const clients = Array.from({ length: random.between(1, world.pauses === rush ? 5 : 3) }, (_, n) =>
    client(world, `client${n + 1}`, random.between(4, 14)),
  );
  let isAsking = true;
  void Promise.all(clients).then(() => {
    isAsking = false;
  });
  const going = () => witness.accusations.length === 0 && scheduler.picked < MOST_STEPS;
  while (going() && isAsking) {
    mischief(world);
    await scheduler.turn();
  }
  calm(world);
  for (const process of world.processes.filter(({ alive, watches }) => !alive && watches)) restart(world, process);
  let atRest = false;
  void close(world).then(() => {
    atRest = true;
  });
  while (going() && !atRest) await scheduler.turn();
  if (scheduler.picked >= MOST_STEPS)
    witness.accuse("nothing is held for ever", `not at rest after ${MOST_STEPS} steps`);
}

/** What no process does itself: crashes, stalls, clocks, sellers that go down. */
function mischief(world: World): void {
  const { random, scheduler } = world;
  const alive = world.processes.filter((process) => process.alive);
  if (alive.length === 0) return;
  const process = random.pick(alive);
  if (strikes(world, "crash")) crash(world, process);
  else if (strikes(world, "stall")) stall(world, process);
  else if (strikes(world, "clockJump")) {
    world.clockOff = random.between(-mostJumpMs, mostJumpMs);
    scheduler.note("the machine", `its clock is now ${world.clockOff} ms off`);
  }
  if (strikes(world, "sellerDown")) {
    const seller = random.pick(world.sellers);
    seller.downUntil = scheduler.time + random.pick([5_000, 120_000, 1_800_000]);
    scheduler.note(seller.id, "is down");
  }
}

/** What comes over a process between a step's effect and its answer. @returns true when it is dead */
function fate(world: World, process: Process): boolean {
  const { doom } = process;
  if (doom) doom.steps -= 1;
  const isDue = doom !== null && doom.steps < 0 && !world.isOver;
  if (isDue) process.doom = null;
  if (isDue && doom.how === "stall") stall(world, process);
  const dies = isDue ? doom.how === "crash" : strikes(world, "crashBetween");
  if (dies) crash(world, process);
  return dies;
}

function stall(world: World, process: Process): void {
  const ms = world.random.pick([20_000, 60_000, 400_000, 600_000, 5_400_000]);
  process.stalledUntil = world.scheduler.time + ms;
  world.witness.count("stall");
  world.scheduler.note(process.name, `stands still for ${ms / 1000} s`);
}

function crash(world: World, process: Process): void {
  world.witness.count("crash");
  world.scheduler.note(process.name, "CRASHES");
  world.scheduler.drop(process);
  process.die();
  if (!process.watches) return;
  const pause = world.random.pick([1_000, 30_000, 600_000]);
  world.scheduler.later(null, `${process.name} is started again`, pause, () => restart(world, process));
}

/** Once, under its name and with a life of its own. */
function restart(world: World, process: Process): void {
  const isRunning = world.processes.some(({ name, alive }) => name === process.name && alive);
  if (!isRunning) startProcess(world, process.name, true);
}

/** After the last fault a person looks after what the desk cannot settle itself, until nothing is open. */
async function close(world: World): Promise<void> {
  const { scheduler, witness } = world;
  const since = scheduler.time;
  for (let look = 0; look < 100; look += 1) {
    await scheduler.step(null, "dana looks", () => undefined, world.random.pick([60_000, 200_000, 900_000]));
    const open = [...witness.lines.values()].some(({ status }) => openStatuses.includes(status));
    const pending = [...witness.approvals.values()].some(({ status }) => status === "pending");
    if (!open && !pending && witness.spend.incidents.size === 0) return;
    const servers = world.processes.filter(({ alive, watches }) => alive && watches);
    await refresh(world, [...servers, ...servers]);
    const [process] = servers;
    if (!process || scheduler.time - since < 1_800_000) continue;
    await settle(world, [process]);
    await clear(world, [process]);
    await finishCancelling(world, process);
  }
}

const openStatuses: readonly string[] = [
  "approved",
  "sending",
  "booking_unknown",
  "awaiting_seller",
  "awaiting_approval",
  "cancelling",
  "cancel_unknown",
];

function sellerOf(random: Random, seed: number, n: number, weakness: Weakness | null): ModelSeller {
  const id = `seller${n}`;
  const products = [
    ["p1", "31.00 USD"],
    ["p2", "22.50 USD"],
  ] as const;
  const drawn = random.pick(["read_back", ...sellerKinds] as const);
  // By the seed and not drawn: the seeds that show a weakness stay what they are.
  const isStepwise = weakness === null && (seed + n) % 5 === 0;
  const kind = weakness?.kind ?? (isStepwise ? "stepwise" : drawn);
  const isOpen = kind !== "waiting" || random.chance(0.4);
  return new ModelSeller(
    id,
    products.map(([productId, price]) => productOf(id, productId, price)),
    kind,
    isOpen,
  );
}

function productOf(sellerId: string, productId: string, price: string): Product {
  return {
    ref: `${sellerId}/${productId}`,
    sellerId,
    productId,
    name: productId,
    channel: "ctv",
    formats: [],
    devices: [],
    geo: [],
    dealTypes: ["PD"],
    price: { kind: "exact", model: "cpm", cpm: parseMoney(price), floor: null },
    negotiable: true,
    volumeDiscounts: null,
    minImpressions: null,
    availableImpressions: null,
    about: "",
    tags: [],
  };
}
