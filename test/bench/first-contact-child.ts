import process from "node:process";
import type { FirstContact } from "./first-contact.ts";

/** `<module> <url>`: makes first contact with the module's `firstContact` in a process of its own, and sends how it went. */
const [module = "", url = ""] = process.argv.slice(2);
const started = performance.now();
const { firstContact } = (await import(module)) as { firstContact(url: string): Promise<number> };
const loaded = performance.now();
const before = process.cpuUsage();
const products = await firstContact(url);
const done = performance.now();
const { user, system } = process.cpuUsage(before);
const went: FirstContact = {
  loadMs: loaded - started,
  contactMs: done - loaded,
  cpuMs: (user + system) / 1000,
  rssMb: process.memoryUsage().rss / 1e6,
  products,
};
process.send?.(went, () => process.exit());
