import type { Trust } from "../domain/identity.ts";
import type { Cache } from "../ledger/cache.ts";
import type { Listing, RegistryList } from "./registry.ts";

/** A list with the moment it was asked for (milliseconds). */
export interface KeptList extends RegistryList {
  readonly at: number;
}

/** What a registry said of one address when it was asked for it, and when; null trust = it knew none there. */
export interface KeptWord {
  readonly at: number;
  readonly trust: Trust | null;
  readonly registryId: string | null;
}

/** What one registry said last. It outlives the process, and is shared by all of a desk. */
export interface RegistryMemory {
  list(): Promise<KeptList | null>;
  /** What the last list says of an address. */
  listing(url: string): Promise<Listing | undefined>;
  /** What was last said of an address when it was asked for. */
  word(url: string): Promise<KeptWord | undefined>;
  keepList(list: KeptList): Promise<void>;
  keepWord(url: string, word: KeptWord): Promise<void>;
  /** Addresses that were vouched for when they were asked for. */
  vouched(): Promise<readonly string[]>;
}

/** The last known good list is kept this long, and every word. */
const KEPT_SECONDS = 30 * 86_400;
/** Milliseconds. */
const AGAIN_MS = 1_000;
/** More words than a desk asks for in that time. */
const MOST_WORDS = 2_000;

/**
 * Opens the memory of one registry. What this process heard itself is held beside the cache: one that does not work must not make a
 * block forgotten.
 */
export function registryMemory(name: string, cache: Cache, now: () => number): RegistryMemory {
  const [listKey, wordsKey] = [`registry:${name}`, `registry-words:${name}`];
  let own: KeptList | null = null;
  const words = new Map<string, KeptWord>();

  /** True once in a while: what other processes wrote is seen so much later, and a thousand looks are one reading. */
  const isTimeToRead = (lookedAt: number): boolean => Math.abs(now() - lookedAt) >= AGAIN_MS;
  const lookedAt = { list: Number.NEGATIVE_INFINITY, words: Number.NEGATIVE_INFINITY };

  const list = async (): Promise<KeptList | null> => {
    if (!isTimeToRead(lookedAt.list)) return own;
    // Written below, and by nobody else; so are the words.
    const kept = (await cache.get(listKey)) as KeptList | undefined;
    lookedAt.list = now();
    if (kept && (!own || kept.at > own.at)) own = kept;
    return own;
  };

  const known = async (): Promise<ReadonlyMap<string, KeptWord>> => {
    if (!isTimeToRead(lookedAt.words)) return words;
    const kept = ((await cache.get(wordsKey)) as readonly (readonly [string, KeptWord])[] | undefined) ?? [];
    lookedAt.words = now();
    for (const [url, word] of kept) if ((words.get(url)?.at ?? 0) < word.at) words.set(url, word);
    return words;
  };

  const keepWords = async (...changed: readonly (readonly [string, KeptWord])[]): Promise<void> => {
    await known();
    for (const [url, word] of changed) words.set(url, word);
    // A block that is forgotten would lift itself: it is given up last.
    const byWorth = [...words].sort(
      ([, a], [, b]) => Number(b.trust === "blocked") - Number(a.trust === "blocked") || b.at - a.at,
    );
    for (const [url] of byWorth.slice(MOST_WORDS)) words.delete(url);
    await cache.set(wordsKey, [...words], KEPT_SECONDS);
  };

  return {
    list,
    async listing(url) {
      const last = await list();
      return last ? indexOf(last)(url) : undefined;
    },
    word: async (url) => (await known()).get(url),
    async keepList(last) {
      own = last;
      await cache.set(listKey, last, KEPT_SECONDS);
      // Who is listed again is blocked no more, and does not become so again by leaving the list.
      const lifted = [...(await known())].filter(
        ([url, { trust, at }]) => trust === "blocked" && at < last.at && indexOf(last)(url),
      );
      if (lifted.length > 0)
        await keepWords(...lifted.map(([url]) => [url, { at: last.at - 1, trust: null, registryId: null }] as const));
    },
    keepWord: (url, word) => keepWords([url, word]),
    vouched: async () =>
      [...(await known())].flatMap(([url, { trust }]) =>
        trust && trust !== "unknown" && trust !== "blocked" ? [url] : [],
      ),
  };
}

type Index = (url: string) => Listing | undefined;

/** Lists by what they were read from: one reading is looked into many times. */
const indexes = new WeakMap<KeptList, Index>();

/** Finds the listing about the agent at an address. One that blocks a whole host is about every agent there. */
function indexOf(list: KeptList): Index {
  const found = indexes.get(list);
  if (found) return found;
  const byUrl = new Map(list.listings.map((one) => [one.url, one]));
  const index: Index = (url) => {
    const host = byUrl.get(new URL(url).origin);
    return host?.trust === "blocked" ? host : byUrl.get(url);
  };
  indexes.set(list, index);
  return index;
}
