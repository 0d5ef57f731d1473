import type { Cache } from "../../src/ledger/cache.ts";

/** A cache in memory, on a clock of the test's. @param now milliseconds */
export function mapCache(
  now: () => number,
): Cache & { readonly kept: ReadonlyMap<string, { readonly until: number }> } {
  const kept = new Map<string, { readonly value: string; readonly until: number }>();
  return {
    kept,
    get: async (key) => {
      const held = kept.get(key);
      return held && held.until > now() ? JSON.parse(held.value) : undefined;
    },
    set: async (key, value, ttlSeconds = 300) => {
      kept.set(key, { value: JSON.stringify(value), until: now() + ttlSeconds * 1000 });
    },
    delete: async (key) => void kept.delete(key),
    clear: async () => kept.clear(),
  };
}
