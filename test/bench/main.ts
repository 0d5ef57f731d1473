import { cpus, loadavg } from "node:os";
import process from "node:process";
import { firstContact } from "./first-contact.ts";
import { memory } from "./memory.ts";
import { plans } from "./plans.ts";
import { startUp } from "./start-up.ts";
import { tableOf } from "./table.ts";
import { throughput } from "./throughput.ts";

/**
 * Prints how the product does beside a bare server of the same SDK, as a buyer beside the client of the AdCP SDK, or as a
 * planner beside the reference agent's default;
 * `npm run bench -- <name>` prints one part.
 */
const parts = { throughput, startUp, memory, firstContact, plans };

const wanted = process.argv.slice(2);
for (const [name, measure] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const before = loadavg()[0] ?? 0;
  const rows = await measure();
  const theirs = { firstContact: "@adcp/sdk", plans: "reference" }[name] ?? "bare SDK";
  process.stdout.write(
    `${name} (${cpus().length} cores, load ${before.toFixed(1)} before)\n${tableOf(rows, theirs)}\n\n`,
  );
}
