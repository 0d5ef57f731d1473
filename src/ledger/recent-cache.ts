import type { Cache } from "./cache.ts";

/** How long what was read is given again without another look; so much older than its time may it get. */
const KNOWN_MS = 1_000;
/** Most values held. */
const MOST = 500;

/**
 * Holds what was read from a cache for a second: of many calls that want the same, one reads the file. The same reading is
 * the same object, so that a reader may hold beside it what it made of it. What another process writes is seen a second later.
 * @param now milliseconds
 */
export function recentCache<Behind extends Cache>(behind: Behind, now: () => number): Behind {
  const known = new Map<string, { readonly value: unknown; readonly at: number }>();
  let writes = 0;
  const forget = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } finally {
      // A reading that began before must not be held after.
      writes += 1;
      known.clear();
    }
  };
  return {
    ...behind,
    get: async (key) => {
      const held = known.get(key);
      if (held && Math.abs(now() - held.at) < KNOWN_MS) return held.value;
      const before = writes;
      const value = await behind.get(key);
      if (value === undefined || before !== writes) return value;
      if (known.size >= MOST) known.clear();
      known.set(key, { value, at: now() });
      return value;
    },
    set: (key, value, seconds) => forget(behind.set(key, value, seconds)),
    delete: (key) => forget(behind.delete(key)),
    clear: () => forget(behind.clear()),
  };
}
