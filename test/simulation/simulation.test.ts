import { describe, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { simulate, type Verdict } from "./simulate.ts";
import { assumptions, type Weakness, weaknesses } from "./weakness.ts";

/** The seed to replay with its whole trace, when one is named. */
const named = process.env["SEED"] === undefined ? null : Number(process.env["SEED"]);
const inShort = 400;
const inLong = 10_000;
const aBlock = 500;

describe("random schedules of crashes, lost answers, clocks and races", () => {
  test(`${named ?? inShort} of them break no law, and get everywhere`, { timeout: 120_000 }, async () => {
    verifies("promise.never_two", "promise.intent_first");
    const seen = new Map<string, number>();
    for (const seed of named === null ? seeds(1, inShort) : [named]) {
      const verdict = await simulate(seed);
      expect(verdict.accusations, report(verdict)).toEqual([]);
      if (named !== null) process.stdout.write(`${verdict.trace()}\n`);
      for (const [what, count] of verdict.seen) seen.set(what, (seen.get(what) ?? 0) + count);
    }
    // A schedule that gets nowhere breaks nothing: what matters has to have happened, and often.
    for (const what of named === null ? sights : []) expect(seen.get(what) ?? 0, what).toBeGreaterThan(2);
  });

  test("the same seed is the same schedule", async () => {
    for (const seed of seeds(1, 5)) {
      const [once, again] = [await simulate(seed), await simulate(seed)];
      expect(again.trace()).toBe(once.trace());
      expect(once.steps).toBeGreaterThan(20);
    }
  });

  const blocks = Array.from({ length: inLong / aBlock }, (_, n) => n * aBlock + 1);
  test.runIf(process.env["LONG"] === "1").each(blocks)(
    `10,000 of them, from seed %i`,
    { timeout: 600_000 },
    async (from) => {
      for (const seed of seeds(from, aBlock)) {
        const verdict = await simulate(seed);
        expect(verdict.accusations, report(verdict)).toEqual([]);
      }
    },
  );
});

describe("on weakened ground the simulation finds", () => {
  test.each(weaknesses)("$name", { timeout: 60_000 }, async (weakness) => {
    expect(await firstBreach(weakness, 300)).not.toBeNull();
  });
});

test("a violation names its seed, and that seed alone shows it again", async () => {
  const [weakness] = weaknesses;
  const seed = weakness && (await firstBreach(weakness, 300));
  if (!weakness || !seed) throw new Error("no violation to look at");
  const [found, again] = [await simulate(seed, weakness), await simulate(seed, weakness)];
  expect(again.accusations).toEqual(found.accusations);
  expect(report(again)).toBe(report(found));
  expect(report(found)).toContain(`SEED=${seed} npx vitest`);
  expect(report(found)).toContain(`${found.accusations[0]?.law}: ${found.accusations[0]?.what}`);
});

describe("the promise of one booking rests on this", () => {
  test.each(assumptions)("$name", { timeout: 60_000 }, async (assumption) => {
    expect(await firstBreach(assumption, 300)).not.toBeNull();
  });
});

const sights = [
  ...["booking_advanced", "let_go", "order written", "line written", "reserve written", "book written"],
  ...["Booked by its people", "Declined by its people", "hold_advanced", "hold_ended"],
  ...["replays", "seller_waits", "seller_ready", "approved by people", "rejected by people"],
  ...["crash", "stall", "sends", "re-sends", "deals", "booking_confirmed", "booking_mismatched", "booking_unknown"],
  ...["booking_refused", "settled_by_person", "incident_cleared", "approval_decided", "approval_voided"],
  ...[
    "approval_line_renewed",
    "negotiation_ended",
    "cancel_confirmed",
    "cancel_refused",
    "order_placed",
    "order_failed",
  ],
];

/** The first seed of these whose schedule breaks a law that the weakness takes the ground from; null when none does. */
async function firstBreach(weakness: Weakness, most: number): Promise<number | null> {
  for (const seed of [weakness.seed, ...seeds(1, most)]) {
    const { accusations } = await simulate(seed, weakness);
    if (accusations.some(({ law }) => weakness.breaks.includes(law))) return seed;
  }
  return null;
}

function seeds(from: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, n) => from + n);
}

/** What a person needs to understand a failing schedule, and to run just that one again. */
function report({ seed, accusations, trace }: Verdict): string {
  if (accusations.length === 0) return `seed ${seed}`;
  const broken = accusations.map(({ law, what }) => `${law}: ${what}`).join("\n");
  const lines = trace().split("\n");
  const shown = named === null ? lines.slice(-150) : lines;
  const left = lines.length - shown.length;
  const replay = `SEED=${seed} npx vitest run --config test/vitest.config.ts test/simulation`;
  return [
    `seed ${seed} breaks the law`,
    broken,
    `replay: ${replay}`,
    left > 0 ? `… ${left} steps before` : "",
    ...shown,
  ].join("\n");
}
