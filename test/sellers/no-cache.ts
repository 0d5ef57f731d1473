import type { Cache } from "../../src/ledger/cache.ts";

/** A cache that keeps nothing, for sellers whose protocol asks nobody about them. */
export const noCache: Cache = {
  get: async () => undefined,
  set: async () => undefined,
  delete: async () => undefined,
  clear: async () => undefined,
};
