import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sum } from "../../src/domain/money.ts";
import {
  type Balances,
  decisionChannels,
  type Holding,
  noBalances,
  type SpendEvent,
  settleBalances,
  spentOn,
} from "../../src/domain/spend.ts";
import { holding } from "../unit/sample.ts";
import { amounts } from "./arbitraries.ts";

const days = fc.constantFrom("2026-11-19", "2026-11-20", "2026-11-21");
const holdings: fc.Arbitrary<Holding> = fc
  .record({ amount: amounts("USD", 10n ** 12n), day: days, via: fc.constantFrom(...decisionChannels), ref: fc.uuid() })
  .map((changes) => ({ ...holding, ...changes }));

type Step =
  | { readonly kind: "reserve"; readonly holding: Holding }
  | { readonly kind: "release" | "over" | "clear"; readonly pick: number };

/** A lawful history: only what is held is released, once, with what it was exceeded by given back too. */
function lawful(steps: readonly Step[]): SpendEvent[] {
  const held: Holding[] = [];
  return steps.flatMap((step): SpendEvent[] => {
    if (step.kind === "reserve") {
      held.push(step.holding);
      return [{ kind: "reserved", v: 1, holding: step.holding }];
    }
    const at = held.length === 0 ? -1 : step.pick % held.length;
    const picked = held[at];
    if (!picked) return [];
    if (step.kind === "release") {
      held.splice(at, 1);
      return [{ kind: "released", v: 1, holding: picked, why: "refused" }];
    }
    if (step.kind === "over")
      return [{ kind: "overspent", v: 1, holding: picked, by: picked.amount, why: "twice the price" }];
    return [{ kind: "incident_cleared", v: 1, ref: picked.ref, by: "dana" }];
  });
}

const pick = fc.nat();
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("reserve" as const), holding: holdings }) },
  fc.record({ kind: fc.constantFrom("release" as const, "over" as const, "clear" as const), pick }),
);
const histories = fc.array(steps, { maxLength: 20 }).map(lawful);
const balancesAfter = (events: readonly SpendEvent[]) => events.reduce(settleBalances, noBalances("USD"));

function balanced(balances: Balances): void {
  const perDay = Object.entries(balances.perDay);
  for (const [day, amount] of perDay) {
    const byChannel = decisionChannels.map((via) => spentOn(balances, day, via));
    expect(sum(byChannel, "USD")).toEqual(amount);
    for (const part of [amount, ...byChannel]) expect(part.micros >= 0n).toBe(true);
  }
  const total = sum(
    perDay.map(([, amount]) => amount),
    "USD",
  );
  expect(total).toEqual(balances.total);
}

describe("balances", () => {
  test("a reservation that is released leaves everything as it was", () => {
    fc.assert(
      fc.property(histories, holdings, (events, one) => {
        const before = balancesAfter(events);
        const held = settleBalances(before, { kind: "reserved", v: 1, holding: one });
        const freed = settleBalances(held, { kind: "released", v: 1, holding: one, why: "refused" });
        expect(freed.total).toEqual(before.total);
        expect(spentOn(freed, one.day)).toEqual(spentOn(before, one.day));
        expect(spentOn(freed, one.day, one.via)).toEqual(spentOn(before, one.day, one.via));
        expect(freed.incidents).toEqual(before.incidents);
      }),
    );
  });

  test("after any lawful history nothing is negative, and channels add up to days, days to the total", () => {
    fc.assert(
      fc.property(histories, (events) => {
        events.reduce((before, event) => {
          const now = settleBalances(before, event);
          balanced(now);
          return now;
        }, noBalances("USD"));
      }),
      { numRuns: 200 },
    );
  });

  test("an excess is an incident until it is cleared", () => {
    fc.assert(
      fc.property(histories, (events) => {
        const open = new Set<string>();
        for (const event of events) {
          if (event.kind === "overspent") open.add(event.holding.ref);
          if (event.kind === "incident_cleared") open.delete(event.ref);
        }
        expect(new Set(balancesAfter(events).incidents)).toEqual(open);
      }),
    );
  });
});
