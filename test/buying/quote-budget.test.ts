import { atCpm } from "../../src/domain/quote.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compare,
  costOfImpressions,
  formatMoney,
  impressionsForBudget,
  money,
  parseMoney,
} from "../../src/domain/money.ts";
import { verifies } from "../requirements.ts";
import { asking, errorIn, item, products, quoted, sharedBench } from "./desk-bench.ts";

describe("a budget", () => {
  const bench = sharedBench(undefined, { sellers: ["northbeam", "harborview"] });
  let asks = 0;
  const fresh = () => {
    asks += 1;
    return { campaign: `budget ${asks}` };
  };

  test("buys what it pays for at the price quoted, rounded down", async () => {
    verifies("quote.request.by_budget");
    const { loaded, total } = await quoted(
      bench.desk,
      item(products.sports, { budget: "50000 USD", dealType: "PG" }),
      fresh(),
    );
    const { quote, request } = loaded.line;
    expect([formatMoney(atCpm(quote).cpm), quote.impressions, formatMoney(total)]).toEqual([
      "29.75 USD",
      1_680_672,
      "49999.99 USD",
    ]);
    expect(request.impressions).toBe(1_680_672);
  });

  test("that reaches a volume discount buys at the discounted price", async () => {
    const { loaded, total } = await quoted(
      bench.desk,
      item(products.sports, { budget: "150000 USD", dealType: "PD" }),
      fresh(),
    );
    const { quote } = loaded.line;
    // 5,000,000 impressions and more bring 5 % on top; at that price the budget pays for 5,307,855.
    expect([formatMoney(atCpm(quote).cpm), quote.impressions, formatMoney(total)]).toEqual([
      "28.26 USD",
      5_307_855,
      "149999.98 USD",
    ]);
  });

  test("larger than what is free buys what is free", async () => {
    const { loaded, total, warnings } = await quoted(
      bench.desk,
      item(products.radio, { budget: "2000000 USD", dealType: "PD" }),
      fresh(),
    );
    expect(loaded.line.quote.impressions).toBe(30_000_000);
    expect(compare(total, parseMoney("2000000 USD"))).toBeLessThan(0);
    expect(warnings).toEqual([]);
  });

  test("that pays for the least volume at our price buys it, though it would not at the list price", async () => {
    // 10,000 impressions: 350.00 at list, 332.50 as a seat.
    const { loaded } = await quoted(
      bench.desk,
      item(products.sports, { budget: "332.50 USD", dealType: "PD" }),
      fresh(),
    );
    expect(loaded.line.quote.impressions).toBe(10_000);
    const [short] = await bench.desk.quote(
      asking([item(products.sports, { budget: "332.49 USD", dealType: "PD" })], fresh()),
    );
    expect(errorIn(short)).toMatchObject({ code: "below_minimum", details: { field: "budget" } });
    const [tiny] = await bench.desk.quote(
      asking([item(products.sports, { budget: "0.01 USD", dealType: "PD" })], fresh()),
    );
    expect(errorIn(tiny).code).toBe("below_minimum");
  });

  test("is never passed, and never leaves room for one impression more", async () => {
    verifies("quote.request.by_budget");
    const cap = {
      [products.sports]: 20_000_000,
      [products.radio]: 30_000_000,
      [products.display]: Number.MAX_SAFE_INTEGER,
    };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(products.sports, products.radio, products.display),
        fc.constantFrom("PG", "PD"),
        fc.bigInt(40_000n, 120_000_000n),
        async (product, wanted, cents) => {
          const dealType = product === products.display ? "PD" : wanted;
          const budget = money(cents * 10_000n, "USD");
          const { loaded, total } = await quoted(
            bench.desk,
            item(product, { budget: formatMoney(budget), dealType }),
            fresh(),
          );
          const { cpm, impressions } = atCpm(loaded.line.quote);
          expect(compare(total, budget)).toBeLessThanOrEqual(0);
          expect(total).toEqual(costOfImpressions(cpm, impressions));
          expect(impressions).toBe(Math.min(impressionsForBudget(budget, cpm), cap[product] ?? 0));
        },
      ),
      {
        numRuns: 25,
        examples: [
          [products.sports, "PD", 14_128_499n],
          [products.sports, "PD", 14_875_000n],
          [products.sports, "PD", 14_875_001n],
        ],
      },
    );
  });

  test("impressions are asked for as they are", async () => {
    verifies("quote.request.impressions");
    const { loaded } = await quoted(bench.desk, item(products.sports, { impressions: 10_001 }), fresh());
    expect(loaded.line.quote.impressions).toBe(10_001);
    expect(loaded.line.request).toMatchObject({ impressions: 10_001, budget: null });
  });
});
