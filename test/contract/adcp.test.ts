import { adcpBench } from "./adcp-bench.ts";
import type { Skips } from "./seller-bench.ts";
import { describeSeller } from "./seller-contract.ts";

/** The suite over AdCP. What is left out is not of its world; its own promises are shown by test/e2e/adcp-*.test.ts. */
const skip: Skips = {
  volume: "AdCP sells a budget for each product at prices of any model, and names no impressions to buy.",
  tiers: "Its one credential and the account of the settings are shown to a seller whatever the tier.",
  quotes: "A quote is its published price: the seller keeps none, forgets none, and sells the same again.",
  avails: "Forecasts are part of a product; there is no question for units free in a flight.",
  negotiate: "What is asked is words, and the seller keeps no score: the price that comes back is what counts.",
  hang: "A seller may be at work on a booking for two minutes before it answers, and is waited for.",
  order: "A media buy is its own order.",
};

describeSeller("adcp over MCP", { start: () => adcpBench("mcp"), skip });
describeSeller("adcp over A2A", { start: () => adcpBench("a2a"), skip });
