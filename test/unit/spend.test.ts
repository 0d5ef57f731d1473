import { describe, expect, test } from "vitest";
import { add, parseMoney } from "../../src/domain/money.ts";
import {
  type Holding,
  noBalances,
  proposedOn,
  type SpendEvent,
  settleBalances,
  spentOn,
} from "../../src/domain/spend.ts";
import { holding, usd } from "./sample.ts";

const reserved = (change: Partial<Holding> = {}): SpendEvent => ({
  kind: "reserved",
  v: 1,
  holding: { ...holding, ...change },
});
const released = (change: Partial<Holding> = {}): SpendEvent => ({
  kind: "released",
  v: 1,
  holding: { ...holding, ...change },
  why: "refused",
});
const overspent = (by: string): SpendEvent => ({ kind: "overspent", v: 1, holding, by: usd(by), why: "higher price" });
const balancesAfter = (...events: readonly SpendEvent[]) => events.reduce(settleBalances, noBalances("USD"));

describe("balances", () => {
  test("count a reservation in total, on its day and for its way of deciding", () => {
    const balances = balancesAfter(reserved(), reserved({ ref: "b/2", amount: usd("100"), via: "auto" }));
    expect(balances.total).toEqual(usd("50099.98"));
    expect(spentOn(balances, "2026-11-20")).toEqual(usd("50099.98"));
    expect(spentOn(balances, "2026-11-20", "form")).toEqual(usd("49999.98"));
    expect(spentOn(balances, "2026-11-20", "auto")).toEqual(usd("100"));
    expect(spentOn(balances, "2026-11-20", "terminal")).toEqual(usd("0"));
    expect(spentOn(balances, "2026-11-21")).toEqual(usd("0"));
  });

  test("count by who asked, give back to them, and read rows that name nobody", () => {
    const [maker, agent] = [{ proposer: "maker" }, { proposer: "agent", ref: "b/2", amount: usd("100") }];
    const balances = balancesAfter(reserved({ ref: "b/0" }), reserved(maker), reserved(agent), reserved(agent));
    expect(proposedOn(balances, "2026-11-20", "maker")).toEqual(usd("49999.98"));
    expect(proposedOn(balances, "2026-11-20", "agent")).toEqual(usd("200"));
    expect(proposedOn(balances, "2026-11-20", "nobody")).toEqual(usd("0"));
    expect(proposedOn(balances, "2026-11-21", "maker")).toEqual(usd("0"));
    const freed = settleBalances(balances, released(agent));
    expect(proposedOn(freed, "2026-11-20", "agent")).toEqual(usd("100"));
    expect(proposedOn(freed, "2026-11-20", "maker")).toEqual(usd("49999.98"));
    // An earlier release's row has neither the part nor the name: it stays as it was.
    expect(balancesAfter(reserved(), released())).not.toHaveProperty("perDayAndProposer");
    expect(() => settleBalances(settleBalances(balances, released(maker)), released(maker))).toThrow(RangeError);
  });

  test("keep a week of who asked, and give back of an older day without it", () => {
    const days = Array.from({ length: 9 }, (_, n) => `2026-11-${String(10 + n)}`);
    const balances = balancesAfter(...days.map((day) => reserved({ day, proposer: "maker" })));
    const kept = Object.keys(balances.perDayAndProposer ?? {}).map((key) => key.slice(0, 10));
    expect(kept).toEqual(days.slice(2));
    const late = settleBalances(balances, released({ day: "2026-11-10", proposer: "maker" }));
    expect(late.perDayAndProposer).toEqual(balances.perDayAndProposer);
    expect(spentOn(late, "2026-11-10")).toEqual(usd("0"));
  });

  test("give back on the day that was charged, not on today", () => {
    const balances = balancesAfter(reserved({ day: "2026-11-19" }), reserved(), released({ day: "2026-11-19" }));
    expect(spentOn(balances, "2026-11-19")).toEqual(usd("0"));
    expect(spentOn(balances, "2026-11-20")).toEqual(usd("49999.98"));
  });

  test("what was booked above its approval is spent, and opens an incident until a person clears it", () => {
    const over = balancesAfter(reserved(), overspent("10"));
    expect(over.total).toEqual(usd("50009.98"));
    expect(over.incidents).toEqual([holding.ref]);
    const other = settleBalances(over, { kind: "incident_cleared", v: 1, ref: "another/line", by: "dana" });
    expect(other.incidents).toEqual([holding.ref]);
    const cleared = settleBalances(over, { kind: "incident_cleared", v: 1, ref: holding.ref, by: "dana" });
    expect(cleared).toEqual({ ...over, incidents: [] });
  });

  test("a difference that costs nothing opens an incident too", () => {
    expect(balancesAfter(reserved(), overspent("0"))).toMatchObject({
      total: holding.amount,
      incidents: [holding.ref],
    });
  });

  describe("of a line over several channels", () => {
    const channels = { ctv: usd("29999.98"), audio: usd("15000"), other: usd("5000") };
    const many = { channels, channel: null };
    const perChannel = (...events: readonly SpendEvent[]) => balancesAfter(...events).perChannel;

    test("hold on each its own share, and give back just that", () => {
      expect(perChannel(reserved(many))).toEqual(channels);
      const none = { ctv: usd("0"), audio: usd("0"), other: usd("0") };
      expect(perChannel(reserved(many), released(many))).toEqual(none);
      // One with a single channel, and one whose seller names none, count beside them.
      const beside = perChannel(reserved(many), reserved({ ref: "b/2" }), reserved({ ref: "b/3", channel: null }));
      expect(beside).toEqual({ ctv: usd("79999.96"), audio: usd("15000"), other: usd("54999.98") });
    });

    test.each(["0.01", "20000", "49999.98", "1000000"])(
      "count %s above the approval for the first, and all of it comes back with the rest",
      (more) => {
        const over: SpendEvent = { kind: "overspent", v: 1, holding: { ...holding, ...many }, by: usd(more), why: "" };
        const ctv = add(channels.ctv, usd(more));
        expect(perChannel(reserved(many), over)).toEqual({ ...channels, ctv });
        const all = { ...many, amount: add(holding.amount, usd(more)) };
        const none = { ctv: usd("0"), audio: usd("0"), other: usd("0") };
        expect(perChannel(reserved(many), over, released(all))).toEqual(none);
        // The excess stays where it was counted when only what was approved comes back.
        expect(perChannel(reserved(many), over, released(many))).toEqual({ ...none, ctv: usd(more) });
      },
    );
  });

  test("never give back what is not held: twice, on another day, for another channel", () => {
    expect(() => balancesAfter(released())).toThrow(RangeError);
    expect(() => balancesAfter(reserved(), released(), released())).toThrow(/more than is held/);
    expect(() => balancesAfter(reserved(), released({ day: "2026-11-21" }))).toThrow(RangeError);
    expect(() => balancesAfter(reserved(), released({ via: "auto" }))).toThrow(RangeError);
  });

  test("are in one currency", () => {
    const inEuros = () => balancesAfter(reserved({ amount: parseMoney("1 EUR") }));
    expect(inEuros).toThrow(expect.objectContaining({ code: "currency_mismatch" }));
  });
});

test("balances carry sixty days, and money of an older day can still come back", () => {
  const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10);
  const many = Array.from({ length: 100 }, (_, n) => reserved({ day: day(n) }));
  const full = balancesAfter(...many);
  expect(Object.keys(full.perDay)).toHaveLength(60);
  expect(full.perDay[day(0)]).toBeUndefined();
  const after = balancesAfter(...many, released({ day: day(0) }));
  expect(after.total.micros).toBe((full.total.micros / 100n) * 99n);
  expect(after.perDay).toEqual(full.perDay);
});
