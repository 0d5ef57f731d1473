import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { type PinTries, pinTries } from "../../src/people/tries.ts";
import { tempFolder } from "../ledger/temp.ts";

let folder: ReturnType<typeof tempFolder>;
let now: Date;
const open: Ledger[] = [];
beforeEach(() => {
  folder = tempFolder();
  now = new Date("2026-11-20T09:00:00Z");
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((ledger) => ledger.close()));
  folder.remove();
});

/** One process's view of the tries of a desk; several share the file. */
async function process(): Promise<PinTries> {
  const ledger = await openSqliteLedger({ file: join(folder.path, "ledger.db"), now: () => now });
  open.push(ledger);
  return pinTries(ledger, "acme", () => now);
}
const later = (minutes: number) => {
  now = new Date(now.getTime() + minutes * 60_000);
};
const times = async (count: number, work: () => Promise<unknown>) => {
  for (let at = 0; at < count; at += 1) await work();
};

describe("tries at a PIN", () => {
  test("five that were not right lock the person, until the first is fifteen minutes old", async () => {
    const tries = await process();
    await times(4, () => tries.begin("dana"));
    later(10);
    expect(await tries.begin("dana")).toBe("counted");
    expect(await tries.begin("dana")).toBe("locked");
    later(4);
    expect(await tries.begin("dana")).toBe("locked");
    later(2);
    // Four have aged; the fifth has not.
    await times(4, async () => expect(await tries.begin("dana")).toBe("counted"));
    expect(await tries.begin("dana")).toBe("locked");
  });

  test("a try counts before it is known to be right, so ending the process gives none back", async () => {
    const first = await process();
    await times(5, () => first.begin("dana"));
    expect(await (await process()).begin("dana")).toBe("locked");
  });

  test("a right one, or a new PIN, ends the count", async () => {
    const tries = await process();
    for (const end of [() => tries.succeeded("dana"), () => tries.pinWasSet("dana")]) {
      await times(4, () => tries.begin("dana"));
      await end();
      await times(5, async () => expect(await tries.begin("dana")).toBe("counted"));
      expect(await tries.begin("dana")).toBe("locked");
      later(16);
    }
  });

  test("one person's lock is nobody else's", async () => {
    const tries = await process();
    await times(6, () => tries.begin("dana"));
    expect(await tries.begin("lee")).toBe("counted");
  });

  test("tries of several processes at the same moment are five together, never more", async () => {
    const processes = await Promise.all([process(), process(), process()]);
    const said = await Promise.all(
      Array.from({ length: 18 }, (_, at) => processes[at % 3]?.begin("dana") ?? Promise.reject(new Error("none"))),
    );
    expect(said.filter((one) => one === "counted")).toHaveLength(5);
    expect(said.filter((one) => one === "locked")).toHaveLength(13);
  });
});
