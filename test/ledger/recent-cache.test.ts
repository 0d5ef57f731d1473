import { describe, expect, test } from "vitest";
import type { Cache } from "../../src/ledger/cache.ts";
import { recentCache } from "../../src/ledger/recent-cache.ts";

describe("what was read a moment ago", () => {
  let now = 0;
  let reads = 0;
  const kept = new Map<string, unknown>();
  const behind: Cache = {
    get: (key) => {
      reads += 1;
      return Promise.resolve(kept.get(key));
    },
    set: async (key, value) => void kept.set(key, value),
    delete: async (key) => void kept.delete(key),
    clear: async () => kept.clear(),
  };
  const cache = recentCache(behind, () => now);

  test("is the same object for a second, and read again after it", async () => {
    kept.set("a", { n: 1 });
    const first = await cache.get("a");
    kept.set("a", { n: 2 });
    now = 999;
    expect(await cache.get("a")).toBe(first);
    expect(reads).toBe(1);
    now = 1_000;
    expect(await cache.get("a")).toEqual({ n: 2 });
    // A clock that was set back does not make it last.
    kept.set("a", { n: 3 });
    now = -60_000;
    expect(await cache.get("a")).toEqual({ n: 3 });
  });

  test("is forgotten with every write of this process, also where the reading was under way", async () => {
    for (const write of [() => cache.set("a", 4), () => cache.delete("b"), () => cache.clear()]) {
      kept.set("a", "before");
      await cache.get("a");
      const reading = cache.get("c");
      await write();
      await reading;
      const asked = reads;
      await cache.get("a");
      await cache.get("c");
      expect(reads).toBe(asked + 2);
    }
  });

  test("what is not there is asked for again, and so is the rest when it becomes much", async () => {
    await cache.clear();
    const asked = reads;
    for (const _twice of [1, 2]) expect(await cache.get("nothing")).toBeUndefined();
    expect(reads).toBe(asked + 2);
    for (let n = 0; n <= 500; n += 1) kept.set(`k${n}`, n);
    for (let n = 0; n <= 500; n += 1) await cache.get(`k${n}`);
    const full = reads;
    await cache.get("k500");
    expect(reads).toBe(full);
    await cache.get("k0");
    expect(reads).toBe(full + 1);
  });
});
