import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { add, type Money, money, sum } from "../../src/domain/money.ts";
import {
  type Balances,
  decisionChannels,
  heldUnder,
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
  .chain((changes) => sharesOf(changes.amount).map((channels) => ({ ...holding, ...changes, ...channels })));

/** An amount whole on one channel, or in shares that are together just that amount. */
function sharesOf({ micros, currency }: Money): fc.Arbitrary<Pick<Holding, "channel" | "channels">> {
  const whole = fc.constantFrom("ctv", "audio", null).map((channel) => ({ channel }));
  const cuts = fc.array(fc.bigInt({ min: 0n, max: micros }), { minLength: 1, maxLength: 3 });
  const shared = fc
    .tuple(cuts, fc.shuffledSubarray(["ctv", "audio", "dooh", "other"], { minLength: 4 }))
    .map(([inner, names]) => {
      const ends = [0n, ...inner.toSorted((left, right) => (left < right ? -1 : 1)), micros];
      const shares = ends.slice(1).map((end, at) => money(end - (ends[at] ?? 0n), currency));
      return { channel: null, channels: Object.fromEntries(shares.map((share, at) => [names[at], share])) };
    });
  return fc.oneof(whole, shared);
}

/** Excess that was counted for a line, by its holding: given back with a cancellation. */
type Excess = Map<Holding, Money>;

type Step =
  | { readonly kind: "reserve"; readonly holding: Holding }
  | { readonly kind: "release" | "over" | "clear"; readonly pick: number };

/** A lawful history: only what is held is released, once, with what it was exceeded by given back too. */
function lawful(steps: readonly Step[]): SpendEvent[] {
  const held: Holding[] = [];
  const excess: Excess = new Map();
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
      const more = excess.get(picked);
      const all = more ? { ...picked, amount: add(picked.amount, more) } : picked;
      return [{ kind: "released", v: 1, holding: all, why: "refused, or cancelled" }];
    }
    if (step.kind === "over") {
      if (excess.has(picked)) return [];
      excess.set(picked, money(picked.amount.micros * BigInt(step.pick % 3), picked.amount.currency));
      return [{ kind: "overspent", v: 1, holding: picked, by: excess.get(picked) ?? picked.amount, why: "dearer" }];
    }
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
  for (const parts of [balances.perChannel, balances.perSeller, balances.perCampaign]) {
    expect(sum(Object.values(parts), "USD")).toEqual(total);
    for (const part of Object.values(parts)) expect(part.micros >= 0n).toBe(true);
  }
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
        for (const [channel, amount] of Object.entries(freed.perChannel))
          expect(amount).toEqual(heldUnder(before.perChannel, channel, "USD"));
      }),
    );
  });

  test("a line that cost more leaves every channel as it was once it is cancelled", () => {
    fc.assert(
      fc.property(histories, holdings, amounts("USD", 10n ** 12n), (events, one, by) => {
        const before = balancesAfter(events);
        const cancelled = [
          { kind: "reserved", v: 1, holding: one },
          { kind: "overspent", v: 1, holding: one, by, why: "dearer" },
          { kind: "released", v: 1, holding: { ...one, amount: add(one.amount, by) }, why: "cancelled" },
        ] as const satisfies readonly SpendEvent[];
        const after = cancelled.reduce<Balances>(settleBalances, before);
        expect(after.total).toEqual(before.total);
        for (const [channel, amount] of Object.entries(after.perChannel))
          expect(amount).toEqual(heldUnder(before.perChannel, channel, "USD"));
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
