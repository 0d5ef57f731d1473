import { afterEach, expect, test, vi } from "vitest";
import { formatMoney } from "../../src/domain/money.ts";
import { formDecision } from "../people.ts";
import { verifies } from "../requirements.ts";
import { errorOf, item, products, quoted, sharedBench } from "./desk-bench.ts";

const approve = formDecision();
const bench = sharedBench(
  (standard) => ({
    ...standard,
    mandate: {
      ...Object(standard["mandate"]),
      per_buy: "50000.00 USD",
      per_day: "50000.00 USD",
      time_zone: "America/New_York",
    },
  }),
  { sellers: ["northbeam"] },
);

afterEach(() => {
  vi.useRealTimers();
});

test("the day of a daily limit begins where the operator is", async () => {
  verifies("promise.spend_day");
  const buy = async (impressions: number) => {
    const { loaded } = await quoted(bench.desk, item(products.sports, { impressions }));
    const ask = { refs: [loaded.ref], poNumber: null, campaign: null, by: "local" };
    const { approvalId } = await bench.desk.buy(ask, 10_000);
    await bench.desk.decide(approvalId ?? "", approve, 10_000);
  };
  // Half an hour before midnight in New York is half past four in the morning in UTC.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-03-02T04:30:00Z") });
  await buy(1_000_000);
  expect((await bench.desk.standing()).day).toBe("2027-03-01");
  const error = await errorOf(buy(1_000_001));
  expect(error).toMatchObject({ code: "outside_mandate", message: expect.stringMatching(/day/) });

  vi.setSystemTime(Date.parse("2027-03-02T05:30:00Z"));
  await buy(1_000_002);
  const { balances, day } = await bench.desk.standing();
  expect(day).toBe("2027-03-02");
  const spent = Object.entries(balances.perDay).map(([on, amount]) => `${on} ${formatMoney(amount)}`);
  expect(spent.sort()).toEqual(["2027-03-01 29750.00 USD", "2027-03-02 29750.06 USD"]);
});
