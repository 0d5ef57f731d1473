import * as fs from "node:fs";
import { register } from "node:module";
import { isMainThread } from "node:worker_threads";

/**
 * Preloaded (`--import`) before the conformance suite. Its bundle imports `globSync` from `fs`, which Node 20 does not
 * have, so it would not even start; only a command that is not used here calls it. Nothing else sees another `fs`.
 */
const lacking = !("globSync" in fs);
// This file is loaded once more where hooks run, a thread of their own; there it must not register itself again.
if (lacking && isMainThread) register(import.meta.url);

const withGlob = `export * from "node:fs"; export function globSync() { throw new Error("no globSync in Node 20"); }`;

/** Hands `fs` with a `globSync` to the suite's bundle, and to nobody else. */
export function resolve(specifier, context, next) {
  const bySuite = context.parentURL?.includes("/@modelcontextprotocol/conformance/") ?? false;
  if (specifier !== "fs" || !bySuite) return next(specifier, context);
  return { url: `data:text/javascript,${encodeURIComponent(withGlob)}`, format: "module", shortCircuit: true };
}
