import { expect, test } from "vitest";
import { parseMoney } from "../../src/domain/money.ts";
import { targetFor } from "../../src/planner/bargain.ts";
import { verifies } from "../requirements.ts";
import { quote as sample, quoted } from "./sample.ts";
import { foldLine } from "../../src/domain/media-buy.ts";

test.each([
  ["without a benchmark nothing in particular is aimed for", "20 USD", null, null],
  ["a dearer benchmark is none", "20 USD", "21 USD", null],
  ["nor is one at the price", "20 USD", "20 USD", null],
  [
    "a benchmark just below the price is no reason to ask for less than the usual tenth",
    "20 USD",
    "19 USD",
    "18.00 USD",
  ],
  ["a lower one is the target", "20 USD", "16 USD", "16.00 USD"],
  ["as far as seven tenths of the price", "20 USD", "14 USD", "14.00 USD"],
  ["below that it is the price of something else", "20 USD", "13.99 USD", null],
  ["and another currency is no benchmark", "20 USD", "16 EUR", null],
])("%s", (_what, price, benchmark, target) => {
  verifies("negotiation.benchmark");
  const line = foldLine(null, quoted, "2026-11-20T10:00:00.000Z");
  const quote = { ...sample, cpm: parseMoney(price) };
  const aimed = targetFor({ line: { ...line, quote } }, benchmark === null ? null : parseMoney(benchmark));
  expect(aimed).toEqual(target === null ? null : parseMoney(target));
});
