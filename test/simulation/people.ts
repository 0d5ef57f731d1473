import { decide } from "../../src/buying/approve.ts";
import { noteAsked } from "../../src/buying/asked.ts";
import { createMediaBuy } from "../../src/buying/book.ts";
import { cancelBuy } from "../../src/buying/flight.ts";
import { negotiate } from "../../src/buying/negotiate.ts";
import { renewQuotes, requestQuotes } from "../../src/buying/quote.ts";
import { sendLine } from "../../src/buying/send.ts";
import { clearIncident, settleByPerson, settleLine } from "../../src/buying/settle.ts";
import { statementOf, statementText } from "../../src/domain/decision.ts";
import type { LineStatus } from "../../src/domain/media-buy.ts";
import { localPrincipal } from "../../src/domain/principal.ts";
import { dealsStanding, mayComeOf } from "./laws-booking.ts";
import { startProcess } from "./process.ts";
import { signedAs, wordOf } from "./signatures.ts";
import type { Process, World } from "./world.ts";

const flight = { start: "2027-02-01", end: "2027-03-31" };

/** What clients and persons do, and how often; each is a whole request to one process. */
const habits = {
  quote: 4,
  buy: 8,
  decide: 10,
  negotiate: 2,
  renew: 2,
  refresh: 3,
  cancel: 4,
  settle: 2,
  clear: 2,
  noteAsked: 1,
};
type Habit = keyof typeof habits;

/** An assistant and its person, asking one process after another until they have asked enough. */
export async function client(world: World, name: string, asks: number): Promise<void> {
  for (let n = 0; n < asks; n += 1) {
    await world.scheduler.step(null, `${name} asks`, () => undefined, world.random.pick(world.pauses));
    const servers = world.processes.filter(({ alive, watches }) => alive && watches);
    if (servers.length === 0) continue;
    // Two clients on two processes may well ask the same at the same moment.
    const both = world.random.chance(0.25) ? [world.random.pick(servers)] : [];
    await acts[n < 2 ? "quote" : world.random.weighted(habits)](world, [world.random.pick(servers), ...both], name);
  }
}

type Act = (world: World, places: readonly Process[], name: string) => Promise<void>;

const acts: Readonly<Record<Habit, Act>> = {
  quote: (world, places, by) => {
    const items = Array.from({ length: world.random.between(1, 2) }, () => {
      const product = world.random.pick(world.random.pick(world.sellers).products).ref;
      const impressions = world.random.pick([100_000, 150_000, 400_000, 900_000, 1_200_000]);
      const plain = { terms: { maxBid: null, pricingOption: null, creativeIds: [] }, with: [], brief: null };
      return { product, flight, budget: null, impressions, dealType: null, targeting: null, ...plain };
    });
    const ask = { campaign: world.random.pick(["a", "b", "c"]), items, goal: null, by, deadlineMs: 8_000 };
    return everywhere(world, places, "requestQuotes", async ({ ports }) => {
      for (const outcome of await requestQuotes(ports, ask)) if (!outcome.ok) throw outcome.error;
    });
  },
  buy: (world, places) => {
    const refs = someRefs(world, () => true, 3);
    const poNumber = world.random.pick([null, null, "PO-1"]);
    const ask = { refs, poNumber, campaign: null, by: localPrincipal.name };
    return everywhere(world, places, `createMediaBuy ${refs.join()}`, async (process) => {
      send(world, process, (await createMediaBuy(process.ports, ask)).started);
    });
  },
  decide: async (world, places) => {
    const ids = [...world.witness.approvals].filter(
      ([, { status }]) => status === "pending" || world.random.chance(0.1),
    );
    if (ids.length === 0) return;
    const [approvalId] = world.random.pick(ids);
    // Two persons may well decide at once, on the same approval or on two.
    const isSame = world.random.chance(0.5);
    await Promise.all(
      places.map((process) => decideAt(world, process, isSame ? approvalId : world.random.pick(ids)[0])),
    );
  },
  negotiate: (world, places) => {
    const refs = someRefs(world, (status) => status === "open", 2);
    const items = refs.map((ref) => ({ ref, targetCpm: null, maxCpm: null, offerCpm: null, words: null }));
    const ask = { items, strategy: "threshold", move: "auto", step: null, maxRounds: 4, deadlineMs: 15_000 } as const;
    return everywhere(world, places, `negotiate ${refs.join()}`, async ({ ports }) => {
      for (const { error } of await negotiate(ports, ask)) if (error) throw error;
    });
  },
  renew: (world, places, by) => {
    const refs = someRefs(world, (status) => ["open", "awaiting_approval", "declined"].includes(status), 1);
    return everywhere(world, places, `renewQuotes ${refs.join()}`, async ({ ports }) => {
      for (const outcome of await renewQuotes(ports, refs, by, 8_000)) if (!outcome.ok) throw outcome.error;
    });
  },
  refresh,
  cancel: async (world, places, by) => {
    const isBought = (status: LineStatus) =>
      ["booked", "terms_mismatch", "cancel_unknown", "cancelling"].includes(status);
    for (const ref of someRefs(world, isBought, 1))
      await everywhere(world, places, `cancelBuy ${ref}`, ({ ports }) => cancelBuy(ports, ref, by));
  },
  settle,
  clear,
  noteAsked: async (world, places) => {
    const unanswered = world.random.pick([null, "timeout"]);
    for (const [id, { status }] of world.witness.approvals)
      if (status === "pending")
        await everywhere(world, places, `noteAsked ${id}`, ({ ports }) =>
          noteAsked(ports, id, { via: "form", client: "test", principal: "local", unanswered }),
        );
  },
};

const refreshed: readonly LineStatus[] = ["sending", "booking_unknown", "awaiting_seller"];

/** Somebody looks at what is open, perhaps in several places at once, and one of them may send again. */
export async function refresh(world: World, places: readonly Process[]): Promise<void> {
  for (const ref of someRefs(world, (status) => refreshed.includes(status), 2)) {
    // A planner's look sends nothing.
    const looksOnly = world.random.chance(0.3);
    await everywhere(world, places, `settleLine ${ref}${looksOnly ? ", only looking" : ""}`, ({ ports }) =>
      settleLine(ports, ref, looksOnly),
    );
  }
}

/** A person decides: in a client's form, on the server that asks; or in the terminal, which is a process of its own. */
async function decideAt(world: World, process: Process, approvalId: string): Promise<void> {
  const decision = world.random.chance(0.85) ? "approve" : "reject";
  const isTerminal = world.random.chance(0.4);
  const via = isTerminal ? "terminal" : "form";
  const by = world.random.pick(["dana", "kim"]);
  world.witness.words.push({ approvalId, decision, via, by, at: world.scheduler.time });
  const at = isTerminal ? startProcess(world, `terminal${world.processes.length}`, false) : process;
  const decidedAt = at.ports.now().toISOString();
  const said = { decision, digests: null, via, by, note: null, decidedAt } as const;
  const approval = world.witness.approvals.get(approvalId);
  const text = approval && statementText(statementOf(at.ports.settings.name, approval, said));
  const signature = isTerminal && text !== undefined ? signedAs(by, text) : null;
  const word = { ...said, principal: null, wordOf: isTerminal ? "server" : "client", signature } as const;
  await attempt(world, at, `decide ${approvalId} ${decision} by ${via}`, async () => {
    const { started } = await decide(at.ports, approvalId, word, !isTerminal);
    if (!isTerminal) send(world, at, started);
  });
}

/** A person asks the seller what became of an unknown booking, and tells the desk the truth; too early to tell is not told. */
export async function settle(world: World, places: readonly Process[]): Promise<void> {
  for (const [ref, { status }] of world.witness.lines) {
    if (status !== "booking_unknown" && status !== "awaiting_seller") continue;
    const standing = dealsStanding(world.witness, ref);
    if (standing.length === 0 && mayComeOf(world.witness, ref).length > 0) continue;
    const dealId = standing[0]?.deal.dealId ?? null;
    const verdict = dealId === null ? "not_booked" : "booked";
    await everywhere(world, places, `settleByPerson ${ref} ${dealId ?? "not booked"}`, ({ ports }) =>
      settleByPerson(ports, ref, wordOf(ports, ref, { verdict, dealId, note: "the seller says so" })),
    );
  }
}

export async function clear(world: World, places: readonly Process[]): Promise<void> {
  for (const ref of [...world.witness.spend.incidents])
    await everywhere(world, places, `clearIncident ${ref}`, ({ ports }) =>
      clearIncident(ports, ref, wordOf(ports, ref, { verdict: "cleared", dealId: null, note: "we keep it" })),
    );
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

async function everywhere(
  world: World,
  places: readonly Process[],
  what: string,
  verb: (at: Process) => Promise<unknown>,
): Promise<void> {
  await Promise.all(places.map((process) => attempt(world, process, what, () => verb(process))));
}

/** Calls a verb; whatever it throws is judged, and ends here. */
async function attempt(world: World, process: Process, what: string, verb: () => Promise<unknown>): Promise<void> {
  const { scheduler, witness } = world;
  scheduler.note(process.name, `is asked: ${what}`);
  try {
    // Of a process that crashed nothing more is heard.
    await Promise.race([verb(), process.died]);
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
