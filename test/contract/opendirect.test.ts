import { openDirectBench } from "./opendirect-bench.ts";
import type { Skips } from "./seller-bench.ts";
import { describeSeller } from "./seller-contract.ts";

/** The suite over OpenDirect. What is left out is not of its world; its own promises are shown by test/e2e/opendirect*.test.ts. */
const skip: Skips = {
  tiers: "Its one credential and its account are shown to a seller whatever the tier.",
  quotes: "A quote is a product with its avails: the seller keeps none, forgets none, and sells the same again.",
  negotiate: "The protocol has no offers: the seller sets the rate of a line.",
  order: "The order comes first, and the line is booked in it.",
  activation: "The publisher runs a line itself: there is no deal to set up in a DSP.",
};

describeSeller("opendirect in lower case", { start: () => openDirectBench({}), skip });
const again: Skips = { ...skip, hang: "Names and forms differ, and time-outs are shown above." };
describeSeller("opendirect in camel case, in the buyer agents' forms", {
  start: () => openDirectBench({ dialect: "camel", actions: "seed", stats: "flat" }),
  skip: again,
});
describeSeller("opendirect in Pascal case, in the specification's forms", {
  start: () => openDirectBench({ dialect: "pascal", actions: "spec", paging: "count", avails: "spec" }),
  skip: again,
});
