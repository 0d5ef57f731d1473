import type { TrustWord } from "../domain/trust.ts";
import type { Cache } from "../ledger/cache.ts";
import { canonicalAgentUrl } from "./adagents-names.ts";
import type { SourceAnswer } from "./records.ts";
import type { Listing, Registry } from "./registry.ts";
import { type RegistryMemory, registryMemory } from "./registry-memory.ts";
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
  search(maxAgeMs: number, withinMs: number): Promise<readonly SourceAnswer[]>;
  /**
   * Makes sure that what is said of one agent is no older than `maxAgeMs`, as far as the registries answer. `patient` gives each the
   * time it may take; else a slow one is hardly waited for, and one that just failed is not. `sparing` asks none about agents that are
   * on a list and that nobody vouches for: there may be a thousand.
   */
  verify(url: string, how: { maxAgeMs: number; patient: boolean; sparing: boolean }): Promise<void>;
}

/** Longer than this a planner's look does not wait for one word, and after a failure not at all for so long. Milliseconds. */
const HARDLY_MS = 1_500;
const REST_MS = 10_000;
const LIST_MS = 60_000;

const MOST_REFUSED = 1_000;

interface Asked {
  readonly registry: Registry;
  readonly memory: RegistryMemory;
  /** When it last failed to answer, and how; what was said before is no more than remembered. */
  failed: { readonly at: number; readonly failure: SellerFailure } | null;
  /** When it last gave an error for one agent's address: that says nothing of others, and may be what the address is made for. */
  readonly refused: Map<string, number>;
  /** Its list, while it is asked for. */
  asking: Promise<void> | null;
}

/** Puts registries together. @param now milliseconds */
export function createRegistries(registries: readonly Registry[], cache: Cache, now: () => number): Registries {
  const all = registries.map((registry): Asked => {
    const memory = registryMemory(registry.name, cache, now);
    return { registry, memory, failed: null, refused: new Map(), asking: null };
  });

  /** One question to a registry; its failure is remembered, and what it said before stays. */
  async function ask(one: Asked, question: (at: number) => Promise<void>): Promise<void> {
    try {
      await question(now());
      one.failed = null;
    } catch (error) {
      if (!(error instanceof SellerFailure)) throw error;
      one.failed = { at: now(), failure: error };
    }
  }

  function askList(one: Asked): Promise<void> {
    one.asking ??= ask(one, async (at) => one.memory.keepList({ at, ...(await one.registry.list()) })).finally(() => {
      one.asking = null;
    });
    return one.asking;
  }

  /** Asks about one agent. A list that was asked for earlier may have been written before: another is asked for after it. */
  async function askAbout(one: Asked, url: string): Promise<void> {
    const { verify } = one.registry;
    if (verify)
      return ask(one, async (at) => {
        const said = await verify(url).catch((error: unknown) => refusal(one, url, error));
        if (said === undefined) return;
        await one.memory.keepWord(url, { at, trust: said?.trust ?? null, registryId: said?.registryId ?? null });
      });
    await one.asking;
    await askList(one);
  }

  /** @returns undefined for a registry that answers, and not about this address */
  function refusal(one: Asked, url: string, error: unknown): undefined {
    if (!(error instanceof SellerFailure) || error.status === null) throw error;
    if (one.refused.size >= MOST_REFUSED) one.refused.clear();
    one.refused.set(url, now());
    return undefined;
  }

  async function wordBy({ registry, memory, failed, refused }: Asked, url: string): Promise<TrustWord | null> {
    const [list, listing, word] = await Promise.all([memory.list(), memory.listing(url), memory.word(url)]);
    // Registries leave blocked agents out of their lists, and some leave trust out: there the word for the agent itself counts.
    const byWord = word && (!listing || listing.trust === "unknown" || word.at >= (list?.at ?? 0));
    const newest = byWord ? word : listing && list && { ...listing, at: list.at };
    if (!newest || newest.trust === null) return null;
    const { at, trust, registryId } = newest;
    const stale = (failed !== null && failed.at >= at) || (refused.get(url) ?? Number.NEGATIVE_INFINITY) >= at;
    return { registry: registry.name, trust, registryId, at: new Date(at).toISOString(), stale };
  }

  /** When the registry last said anything that holds for an address. */
  async function heardAt({ registry, memory }: Asked, url: string): Promise<number> {
    const [list, listing, word] = await Promise.all([memory.list(), memory.listing(url), memory.word(url)]);
    const tells = !registry.verify || (listing !== undefined && listing.trust !== "unknown");
    return Math.max(tells ? (list?.at ?? 0) : 0, word?.at ?? 0);
  }

  async function isWorthAsking({ memory }: Asked, url: string): Promise<boolean> {
    if (await memory.listing(url)) return true;
    const found = await Promise.all(all.map((one) => wordBy(one, url)));
    const isListed = await Promise.all(all.map((one) => one.memory.listing(url)));
    return !isListed.some((one) => one) || found.some((word) => word !== null && word.trust !== "unknown");
  }

  return {
    async listed() {
      const found = new Map<string, Listing>();
      const lists = await Promise.all(all.map(({ memory }) => memory.list()));
      for (const one of lists.flatMap((list) => list?.listings ?? [])) if (!found.has(one.url)) found.set(one.url, one);
      const met = (await Promise.all(all.map(({ memory }) => memory.vouched()))).flat();
      for (const url of met) if (!found.has(url)) found.set(url, { url, name: new URL(url).hostname, ...unlisted });
      return [...found.values()];
    },
    async words(url) {
      const canonical = canonicalAgentUrl(url) ?? url;
      const found = await Promise.all(all.map((one) => wordBy(one, canonical)));
      return found.filter((word) => word !== null);
    },
    search: (maxAgeMs, withinMs) =>
      Promise.all(
        all.map(async (one): Promise<SourceAnswer> => {
          const before = await one.memory.list();
          const isFresh = before !== null && now() - before.at < maxAgeMs;
          if (!isFresh) await inTime(one, now, askList(one), withinMs);
          const { listings = [], unreadable = 0, at = null } = (await one.memory.list()) ?? {};
          return {
            ...{ name: one.registry.name, listed: listings.length, unreadable },
            at: at === null ? null : new Date(at).toISOString(),
            failure: isFresh ? null : (one.failed?.failure ?? null),
          };
        }),
      ),
    async verify(url, { maxAgeMs, patient, sparing }) {
      const canonical = canonicalAgentUrl(url) ?? url;
      await Promise.all(
        all.map(async (one) => {
          if (sparing && !(await isWorthAsking(one, canonical))) return;
          // A list is asked for by whoever searches; a planner's look at one of many agents does not ask for it again.
          const enough = one.registry.verify || patient ? maxAgeMs : Math.max(maxAgeMs, LIST_MS);
          if (now() - (await heardAt(one, canonical)) < enough) return;
          if (!patient && one.failed && now() - one.failed.at < REST_MS) return;
          const { timeoutMs } = one.registry;
          await inTime(one, now, askAbout(one, canonical), patient ? timeoutMs : Math.min(timeoutMs, HARDLY_MS));
        }),
      );
    },
  };
}

/** What is known of an agent that is on no list, and vouched for all the same. */
const unlisted: Omit<Listing, "url" | "name"> = {
  domain: null,
  trust: "unknown",
  registryId: null,
  protocol: null,
  carrier: null,
  tags: [],
};

/** Waits for a question so long. One that takes longer goes on, and counts as not answered until it is. */
async function inTime(one: Asked, now: () => number, asking: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<true>((resolve) => {
    timer = setTimeout(() => resolve(true), ms);
  });
  const late = await Promise.race([asking.then(() => false), over]).finally(() => clearTimeout(timer));
  if (!late) return;
  const { name } = one.registry;
  const message = `${name} did not answer within ${ms / 1000} s; it is still being asked.`;
  one.failed = { at: now(), failure: new SellerFailure(name, "timeout", message, { definite: true }) };
}
