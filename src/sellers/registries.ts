import type { Trust } from "../domain/identity.ts";
import type { TrustWord } from "../domain/trust.ts";
import type { Cache } from "../ledger/cache.ts";
import { canonicalAgentUrl } from "./adagents-names.ts";
import type { SourceAnswer } from "./records.ts";
import type { Listing, Registry, RegistryList } from "./registry.ts";
import { SellerFailure } from "./seller.ts";

/** Several registries at once, and the memory of what each said last. */
export interface Registries {
  /** Who is listed, by address, in the order of the registries; nobody is asked. */
  listed(): Promise<readonly Listing[]>;
  /** What is said of the agent at an address, one word a registry that says anything; nobody is asked. */
  words(url: string): Promise<readonly TrustWord[]>;
  /**
   * Asks for lists that are older than `maxAgeMs`, all at once, and waits at most `withinMs`; what comes later is kept for the
   * next question. One that does not answer offers the last list that is known.
   */
  ask(maxAgeMs: number, withinMs: number): Promise<readonly SourceAnswer[]>;
  /**
   * Makes sure that what is said of one agent is no older than that, as far as the registries answer. `patient` gives each the time
   * it may take; else a slow one is hardly waited for, and one that just failed is not.
   */
  verify(url: string, maxAgeMs: number, patient: boolean): Promise<void>;
}

/** A list as it is kept, with the moment it was read at (milliseconds). */
interface Kept extends RegistryList {
  readonly at: number;
}

/** What a registry said of one address when it was asked for it; null trust = it knows none there. */
interface KeptWord {
  readonly at: number;
  readonly trust: Trust | null;
  readonly registryId: string | null;
}

/** Agents that are vouched for and on no list. */
interface Met {
  readonly at: number;
  readonly listings: readonly Listing[];
}

/** Whom a registry blocked when it was asked about them. */
interface Urls {
  readonly at: number;
  readonly urls: readonly string[];
}

const nothing = { trust: null, registryId: null } as const;

/** The last known good list is kept this long. */
const KEPT_SECONDS = 30 * 86_400;
/** More agents that are on no list and vouched for all the same than anybody meets by their address. */
const MOST_MET = 200;
const MOST_HEARD = 5_000;
const HARDLY_MS = 1_500;
const REST_MS = 10_000;

interface Memory {
  readonly registry: Registry;
  /** When it last failed to answer, and how; what was said before is no more than remembered. */
  failed: { readonly at: number; readonly failure: SellerFailure } | null;
  asking: Promise<void> | null;
}

/** Puts registries together. @param now milliseconds */
export function createRegistries(registries: readonly Registry[], cache: Cache, now: () => number): Registries {
  const memories = registries.map((registry): Memory => ({ registry, failed: null, asking: null }));

  /** What this process heard itself: a cache that does not work must not make a block forgotten. */
  const heard = new Map<string, { readonly at: number }>();
  const recall = async <T extends { readonly at: number }>(key: string): Promise<T | undefined> => {
    // Written below, and by nobody else.
    const [kept, own] = [(await cache.get(key)) as T | undefined, heard.get(key) as T | undefined];
    return own && (!kept || own.at > kept.at) ? own : kept;
  };
  const keep = async (key: string, value: Kept | KeptWord | Met | Urls) => {
    if (heard.size >= MOST_HEARD) heard.clear();
    heard.set(key, value);
    await cache.set(key, value, KEPT_SECONDS);
  };
  const listKey = ({ name }: Registry) => `registry:${name}`;
  const wordKey = ({ name }: Registry, url: string) => `registry-word:${name}:${url}`;
  const listOf = (registry: Registry) => recall<Kept>(listKey(registry));
  const wordOf = async (registry: Registry, url: string) =>
    registry.verify ? recall<KeptWord>(wordKey(registry, url)) : undefined;
  const blockedKey = ({ name }: Registry) => `registry-blocked:${name}`;
  const blockedBy = async (registry: Registry) => (await recall<Urls>(blockedKey(registry)))?.urls ?? [];
  const met = async () => (await recall<Met>("registry-met"))?.listings ?? [];

  /** One question to a registry; its failure is remembered, and what it said before stays. */
  async function asked(memory: Memory, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      memory.failed = null;
    } catch (error) {
      if (!(error instanceof SellerFailure)) throw error;
      memory.failed = { at: now(), failure: error };
    }
  }

  function askList(memory: Memory): Promise<void> {
    const { registry } = memory;
    memory.asking ??= asked(memory, async () => {
      const at = now();
      const list = await registry.list();
      await keep(listKey(registry), { at, ...list });
      // Who is listed again is blocked no more, and does not become so again by leaving the list.
      for (const url of await blockedBy(registry))
        if (list.listings.some((one) => one.url === url))
          await keep(wordKey(registry, url), { ...nothing, at: at - 1 });
    }).finally(() => {
      memory.asking = null;
    });
    return memory.asking;
  }

  async function askWord(memory: Memory, url: string): Promise<void> {
    const { registry } = memory;
    await asked(memory, async () => {
      const at = now();
      const said = (await registry.verify?.(url)) ?? null;
      const word: KeptWord = { at, ...(said ?? nothing) };
      await keep(wordKey(registry, url), word);
      if (word.trust === "blocked") {
        const urls = [...new Set([url, ...(await blockedBy(registry))])].slice(0, MOST_MET);
        await keep(blockedKey(registry), { at, urls });
      }
      if (said && said.trust !== "unknown") await keepMet(url);
    });
  }

  /** An agent that is vouched for and on no list is remembered as one that was met. */
  async function keepMet(url: string): Promise<void> {
    const [listings, known] = [await onLists(), await met()];
    if ([...listings, ...known].some((one) => one.url === url)) return;
    const plain = {
      domain: null,
      trust: "unknown",
      registryId: null,
      protocol: null,
      carrier: null,
      tags: [],
    } as const;
    const one: Listing = { url, name: new URL(url).hostname, ...plain };
    await keep("registry-met", { at: now(), listings: [one, ...known].slice(0, MOST_MET) });
  }

  async function onLists(): Promise<readonly Listing[]> {
    const lists = await Promise.all(registries.map(listOf));
    return lists.flatMap((list) => list?.listings ?? []);
  }

  async function wordBy({ registry, failed }: Memory, url: string): Promise<TrustWord | null> {
    const [list, word] = await Promise.all([listOf(registry), wordOf(registry, url)]);
    const listing = list?.listings.find((one) => concerns(one, url));
    // Registries leave blocked agents out of their lists, and some leave trust out: there the word for the agent itself counts.
    const byWord = word && (!listing || listing.trust === "unknown" || word.at >= (list?.at ?? 0));
    const newest = byWord ? word : listing && list && { ...listing, at: list.at };
    if (!newest || newest.trust === null) return null;
    const { at, trust, registryId } = newest;
    const stale = failed !== null && failed.at >= at;
    return { registry: registry.name, trust, registryId, at: new Date(at).toISOString(), stale };
  }

  /** When the registry last said anything that holds for an address. */
  async function heardAt({ registry }: Memory, url: string): Promise<number> {
    const [list, word] = await Promise.all([listOf(registry), wordOf(registry, url)]);
    const said = list?.listings.some((one) => concerns(one, url) && one.trust !== "unknown");
    const byList = list && (!registry.verify || said) ? list.at : 0;
    return Math.max(byList, word?.at ?? 0);
  }

  return {
    async listed() {
      const found = new Map<string, Listing>();
      for (const one of [...(await onLists()), ...(await met())]) if (!found.has(one.url)) found.set(one.url, one);
      return [...found.values()];
    },
    async words(url) {
      const canonical = canonicalAgentUrl(url) ?? url;
      const found = await Promise.all(memories.map((memory) => wordBy(memory, canonical)));
      return found.filter((word) => word !== null);
    },
    ask: (maxAgeMs, withinMs) =>
      Promise.all(
        memories.map(async (memory): Promise<SourceAnswer> => {
          const { registry } = memory;
          const before = await listOf(registry);
          const isFresh = before !== undefined && now() - before.at < maxAgeMs;
          if (!isFresh) await inTime(memory, now, askList(memory), withinMs);
          const { listings = [], unreadable = 0, at = null } = (await listOf(registry)) ?? {};
          const failure = isFresh ? null : (memory.failed?.failure ?? null);
          return {
            name: registry.name,
            listed: listings.length,
            unreadable,
            at: at === null ? null : new Date(at).toISOString(),
            failure,
          };
        }),
      ),
    async verify(url, maxAgeMs, patient) {
      const canonical = canonicalAgentUrl(url) ?? url;
      await Promise.all(
        memories.map(async (memory) => {
          if (now() - (await heardAt(memory, canonical)) < maxAgeMs) return;
          if (!patient && memory.failed && now() - memory.failed.at < REST_MS) return;
          const asking = memory.registry.verify ? askWord(memory, canonical) : askList(memory);
          const { timeoutMs } = memory.registry;
          await inTime(memory, now, asking, patient ? timeoutMs : Math.min(timeoutMs, HARDLY_MS));
        }),
      );
    },
  };
}

/** A listing is about the agent at its address; one that blocks a whole host is about every agent there. */
function concerns({ url, trust }: Listing, agent: string): boolean {
  return url === agent || (trust === "blocked" && url === new URL(agent).origin);
}

/** Waits for a question so long. One that takes longer goes on, and counts as not answered until it is. */
async function inTime(memory: Memory, now: () => number, asking: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<true>((resolve) => {
    timer = setTimeout(() => resolve(true), ms);
  });
  const late = await Promise.race([asking.then(() => false), over]).finally(() => clearTimeout(timer));
  if (!late) return;
  const { name } = memory.registry;
  const message = `${name} did not answer within ${ms / 1000} s; it is still being asked.`;
  memory.failed = { at: now(), failure: new SellerFailure(name, "timeout", message, { definite: true }) };
}
