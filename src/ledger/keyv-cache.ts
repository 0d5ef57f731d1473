import type { Cache } from "./cache.ts";
import { privateFile } from "./local-file.ts";

export interface CacheOptions {
  /** A file of its own, never the ledger's. */
  readonly file: string;
  /** Keeps caches in one file apart. Letters, digits and hyphens: SQL's wildcards would reach into other caches. */
  readonly namespace: string;
  /** How long a value lives when `set` does not say. */
  readonly ttlSeconds?: number;
  readonly log: (message: string, details?: object) => void;
}

/** As much of Keyv as is used here. */
interface Store {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown, ttlMs: number): Promise<unknown>;
  delete(key: string): Promise<unknown>;
  clear(): Promise<void>;
  disconnect(): Promise<void>;
}

/**
 * A cache in a SQLite file, shared by the processes on it and opened by its first use. A file that cannot be opened,
 * read or written makes it an empty cache, said once on the log.
 * @throws RangeError for a namespace with other characters
 */
export function keyvCache(options: CacheOptions): Cache & { close(): Promise<void> } {
  const { namespace, ttlSeconds = 300, log } = options;
  if (!/^[A-Za-z0-9-]+$/.test(namespace)) throw new RangeError(`"${namespace}" is no name for a cache`);
  let opening: Promise<Store> | undefined;
  let told = false;

  const orEmpty = async <T>(work: (store: Store) => Promise<T>): Promise<T | undefined> => {
    try {
      opening ??= open(options);
      return await work(await opening);
    } catch (error) {
      if (!told) log(`the cache "${namespace}" does not work; going on without it`, { error });
      told = true;
      return undefined;
    }
  };

  return {
    get: (key) => orEmpty((store) => store.get(inside(key))),
    set: async (key, value, seconds = ttlSeconds) => {
      // What JSON cannot say is a mistake of the caller, not of the store, and must not pass for a cold cache.
      JSON.stringify(value);
      await orEmpty((store) =>
        seconds > 0 ? store.set(inside(key), value, seconds * 1000) : store.delete(inside(key)),
      );
    },
    delete: async (key) => {
      await orEmpty((store) => store.delete(inside(key)));
    },
    clear: async () => {
      await orEmpty((store) => store.clear());
    },
    close: async () => {
      const store = await opening?.catch(() => undefined);
      await store?.disconnect().catch(() => undefined);
    },
  };
}

/** Keyv leaves a key alone that already begins with its namespace; none of ours does. */
function inside(key: string): string {
  return `/${key}`;
}

async function open({ file, namespace }: CacheOptions): Promise<Store> {
  const path = privateFile(file);
  const [{ Keyv }, { KeyvSqlite }] = await Promise.all([import("keyv"), import("@keyv/sqlite")]);
  const store = new KeyvSqlite({ uri: `sqlite://${path}`, busyTimeout: 5_000 });
  // By default Keyv answers a failed read with "not there" and tells nobody.
  const keyv = new Keyv({ store, namespace, throwOnErrors: true });
  // Each error is thrown too; without listeners the event would end the process.
  keyv.on("error", () => undefined);
  await store.query("pragma journal_mode = wal");
  // Losing the last writes of a cache in a power cut costs nothing; an fsync on every write would.
  await store.query("pragma synchronous = normal");
  // Keyv removes an expired value only when somebody asks for it again.
  await store.query("delete from keyv where json_valid(value) and json_extract(value, '$.expires') < ?", [Date.now()]);
  return keyv;
}
