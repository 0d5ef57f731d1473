import { decide } from "../../src/buying/approve.ts";
import { noteAsked } from "../../src/buying/asked.ts";
import { createMediaBuy } from "../../src/buying/book.ts";
import { cancelBuy } from "../../src/buying/flight.ts";
import { negotiate } from "../../src/buying/negotiate.ts";
import { renewQuotes, requestQuotes } from "../../src/buying/quote.ts";
import { sendLine } from "../../src/buying/send.ts";
import { clearIncident, settleByPerson, settleLine } from "../../src/buying/settle.ts";
import type { LineStatus } from "../../src/domain/media-buy.ts";
import { sendsOf } from "./laws-booking.ts";
import { startProcess } from "./process.ts";
import { latestEffectMs } from "./timing.ts";
import type { Process, World } from "./world.ts";

const flight = { start: "2027-02-01", end: "2027-03-31" };

/** What clients and persons do, and how often; each is a whole request to one process. */
const habits = {
  quote: 4,
  buy: 8,
  decide: 10,
  negotiate: 2,
  renew: 2,
  refresh: 2,
  cancel: 2,
  settle: 2,
  clear: 2,
  noteAsked: 1,
};
type Habit = keyof typeof habits;

/** An assistant and its person, asking one process after another until they have asked enough. */
export async function client(world: World, name: string, asks: number): Promise<void> {
  for (let n = 0; n < asks; n += 1) {
    await world.scheduler.step(null, `${name} asks`, () => undefined, world.random.pick([0, 300, 5_000, 60_000, 300_000]));
    const servers = world.processes.filter(({ alive, watches }) => alive && watches);
    if (servers.length === 0) continue;
    const process = world.random.pick(servers);
    const habit = n < 2 ? "quote" : world.random.weighted(habits);
    await Promise.race([acts[habit](world, process, name), process.died]);
  }
}

const acts: Readonly<Record<Habit, (world: World, process: Process, name: string) => Promise<void>>> = {
  quote: (world, process, by) =>
    attempt(world, process, "requestQuotes", async () => {
      const items = Array.from({ length: world.random.between(1, 2) }, () => {
        const product = world.random.pick(world.random.pick(world.sellers).products).ref;
        const impressions = world.random.pick([100_000, 150_000, 400_000, 900_000, 1_200_000]);
        return { product, flight, budget: null, impressions, dealType: null, targeting: null };
      });
      const campaign = world.random.pick(["a", "b", "c"]);
      const asked = await requestQuotes(process.ports, { campaign, items, goal: null, by, deadlineMs: 8_000 });
      for (const outcome of asked) if (!outcome.ok) world.witness.thrown("requestQuotes", outcome.error);
    }),
  buy: async (world, process, by) => {
    const refs = someRefs(world, () => true, 3);
    const poNumber = world.random.pick([null, null, "PO-1"]);
    const ask = { refs, poNumber, campaign: null, by };
    const buy = () =>
      attempt(world, process, `createMediaBuy ${refs.join()}`, async () => {
        send(world, process, (await createMediaBuy(process.ports, ask)).started);
      });
    // A client that retries does not wait for the first to end.
    await Promise.all(world.random.chance(0.2) ? [buy(), buy()] : [buy()]);
  },
  decide: async (world, process) => {
    const ids = [...world.witness.approvals].filter(([, { status }]) => status === "pending" || world.random.chance(0.1));
    if (ids.length === 0) return;
    const [approvalId] = world.random.pick(ids);
    const decision = world.random.chance(0.85) ? "approve" : "reject";
    const isTerminal = world.random.chance(0.4);
    const via = isTerminal ? "terminal" : "form";
    const by = world.random.pick(["dana", "kim"]);
    world.witness.words.push({ approvalId, decision, via, by, at: world.scheduler.time });
    const at = isTerminal ? startProcess(world, `terminal${world.processes.length}`, false) : process;
    const word = { decision, via, by, wordOf: isTerminal ? "server" : "client", note: null } as const;
    await attempt(world, at, `decide ${approvalId} ${decision} by ${via}`, async () => {
      const { started } = await decide(at.ports, approvalId, word, !isTerminal);
      if (!isTerminal) send(world, at, started);
    });
  },
  negotiate: (world, process) =>
    attempt(world, process, "negotiate", async () => {
      const items = someRefs(world, (status) => status === "open", 2).map((ref) => ({ ref, targetCpm: null, maxCpm: null, offerCpm: null }));
      const ask = { items, strategy: "threshold", move: "auto", step: null, maxRounds: 4, deadlineMs: 15_000 } as const;
      for (const { error } of await negotiate(process.ports, ask)) if (error) world.witness.thrown("negotiate", error);
    }),
  renew: (world, process, by) =>
    attempt(world, process, "renewQuotes", async () => {
      const refs = someRefs(world, (status) => ["open", "awaiting_approval", "declined"].includes(status), 1);
      for (const outcome of await renewQuotes(process.ports, refs, by, 8_000))
        if (!outcome.ok) world.witness.thrown("renewQuotes", outcome.error);
    }),
  refresh: async (world, process) => {
    for (const ref of someRefs(world, (status) => ["sending", "booking_unknown"].includes(status), 1))
      await attempt(world, process, `settleLine ${ref}`, () => settleLine(process.ports, ref));
  },
  cancel: async (world, process, by) => {
    const refs = someRefs(world, (status) => ["booked", "terms_mismatch", "cancel_unknown", "cancelling"].includes(status), 1);
    for (const ref of refs) await attempt(world, process, `cancelBuy ${ref}`, () => cancelBuy(process.ports, ref, by));
  },
  settle: (world, process) => settle(world, process),
  clear: (world, process) => clear(world, process),
  noteAsked: async (world, process) => {
    for (const [approvalId, { status }] of world.witness.approvals)
      if (status === "pending")
        await attempt(world, process, "noteAsked", () =>
          noteAsked(process.ports, approvalId, { via: "form", client: "test", unanswered: world.random.pick([null, "timeout"]) }),
        );
  },
};

/** A person asks the seller what became of an unknown booking, and tells the desk the truth; too early to tell is not told. */
export async function settle(world: World, process: Process): Promise<void> {
  for (const [ref, { status }] of world.witness.lines) {
    if (status !== "booking_unknown") continue;
    const [sellerId, quoteId] = ref.split("/");
    const standing = world.sellers.find(({ id }) => id === sellerId)?.standing(quoteId ?? "") ?? [];
    const mayStillCome = sendsOf(world.witness, ref).some(({ at, knownDead }) => !knownDead && world.scheduler.time - at < latestEffectMs);
    if (standing.length === 0 && mayStillCome) continue;
    const dealId = standing[0]?.deal.dealId ?? null;
    await attempt(world, process, `settleByPerson ${ref} ${dealId ?? "not booked"}`, () =>
      settleByPerson(process.ports, ref, { dealId, by: "dana", note: "the seller says so" }),
    );
  }
}

export async function clear(world: World, process: Process): Promise<void> {
  for (const ref of [...world.witness.spend.incidents])
    await attempt(world, process, `clearIncident ${ref}`, () => clearIncident(process.ports, ref, "dana", "we keep it"));
}

/** Asks once more for every cancellation that is not over. */
export async function finishCancelling(world: World, process: Process): Promise<void> {
  for (const [ref, { status }] of world.witness.lines)
    if (status === "cancelling" || status === "cancel_unknown")
      await attempt(world, process, `cancelBuy ${ref}`, () => cancelBuy(process.ports, ref, "dana"));
}

/** What a desk does with lines that are to be sent: it sends them, and its caller need not wait. */
function send(world: World, process: Process, refs: readonly string[]): void {
  for (const ref of refs)
    void attempt(world, process, `sendLine ${ref}`, async () => {
      await sendLine(process.ports, ref);
      await settleLine(process.ports, ref);
    });
}

/** Calls a verb; whatever it throws is judged, and ends here. */
async function attempt(world: World, process: Process, what: string, verb: () => Promise<unknown>): Promise<void> {
  const { scheduler, witness } = world;
  scheduler.note(process.name, `is asked: ${what}`);
  try {
    await verb();
    scheduler.note(process.name, `has done: ${what}`);
  } catch (error) {
    scheduler.note(process.name, `has failed: ${what}: ${String(error).slice(0, 160)}`);
    witness.thrown(what, error);
  }
}

function someRefs(world: World, fits: (status: LineStatus) => boolean, most: number): readonly string[] {
  const refs = [...world.witness.lines].filter(([, { status }]) => fits(status)).map(([ref]) => ref);
  if (refs.length === 0) return [];
  return [...new Set(Array.from({ length: world.random.between(1, most) }, () => world.random.pick(refs)))];
}
