import { expect, test } from "vitest";
import { simulate } from "./simulate.ts";

test("schedules", async () => {
  const from = Number(process.env["SEED"] ?? 1);
  const count = process.env["SEED"] ? 1 : Number(process.env["RUNS"] ?? 50);
  const seen = new Map<string, number>();
  let steps = 0;
  const found: string[] = [];
  const t = performance.now();
  for (let seed = from; seed < from + count; seed += 1) {
    const verdict = await simulate(seed);
    steps += verdict.steps;
    for (const [k, v] of verdict.seen) seen.set(k, (seen.get(k) ?? 0) + v);
    for (const a of verdict.accusations.slice(0,1)) found.push(`${seed} ${verdict.steps} ${a.law}: ${a.what.slice(0, 300)}`);
    if (process.env["SEED"]) console.log(verdict.trace());
  }
  console.log(found.join("\n"), "\n", steps, performance.now() - t, JSON.stringify([...seen]));
  expect(found.length).toBe(0);
}, 600_000);
