import type { Cache } from "../ledger/cache.ts";
import type { Probed, Spoken } from "./protocol-probe.ts";
import { SellerFailure } from "./seller.ts";

/** What sellers speak of whom no setting says it. */
export interface Protocols {
  /** What is known by now, without asking anybody. */
  known(key: string): Promise<Spoken | null>;
  /** What is known in this process, or why not. */
  now(key: string): Spoken | SellerFailure | null;
  /**
   * Finds out what one seller speaks. The first time that is waited for as long as a seller may take for a card; one that
   * could not be asked is asked again in the background each time, and hardly waited for.
   */
  find(key: string, sellerId: string, probe: () => Promise<Probed>): Promise<Spoken | SellerFailure>;
  /** The card that was read on the way; it is given once, and to nobody who came later. */
  takeCard(key: string): unknown;
}

const REMEMBERED_SECONDS = 86_400;
const AGAIN_MS = 1_000;

/** @param patienceMs how long the first question to a seller is waited for */
export function createProtocols(cache: Cache, patienceMs: number): Protocols {
  const found = new Map<string, Spoken>();
  const failed = new Map<string, SellerFailure>();
  const asking = new Map<string, Promise<void>>();
  const cards = new Map<string, unknown>();
  const looked = new Map<string, number>();

  const known = async (key: string): Promise<Spoken | null> => {
    const here = found.get(key);
    if (here) return here;
    // Nothing found is no news for a moment: of a thousand sellers of a registry few have been asked.
    if (Date.now() - (looked.get(key) ?? 0) < AGAIN_MS) return null;
    // Written below, and by nobody else.
    const kept = (await cache.get(`speaks:${key}`)) as Spoken | undefined;
    if (kept === undefined) {
      looked.set(key, Date.now());
      return null;
    }
    found.set(key, kept);
    return kept;
  };

  async function ask(key: string, probe: () => Promise<Probed>): Promise<void> {
    try {
      const { protocol, carrier, card } = await probe();
      found.set(key, { protocol, carrier });
      failed.delete(key);
      if (card !== null) cards.set(key, card);
      await cache.set(`speaks:${key}`, { protocol, carrier } satisfies Spoken, REMEMBERED_SECONDS);
    } catch (error) {
      if (!(error instanceof SellerFailure)) throw error;
      failed.set(key, error);
    } finally {
      asking.delete(key);
    }
  }

  return {
    known,
    now: (key) => found.get(key) ?? failed.get(key) ?? null,
    async find(key, sellerId, probe) {
      const before = await known(key);
      if (before) return before;
      const waitMs = failed.has(key) ? AGAIN_MS : patienceMs;
      const work = asking.get(key) ?? ask(key, probe);
      asking.set(key, work);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, waitMs);
      });
      await Promise.race([work, late]).finally(() => clearTimeout(timer));
      const now = found.get(key) ?? failed.get(key);
      if (now) return now;
      const message = `${sellerId} did not show within ${waitMs / 1000} s what it speaks; it is still being asked.`;
      const slow = new SellerFailure(sellerId, "timeout", message, { definite: true });
      failed.set(key, slow);
      return slow;
    },
    takeCard(key) {
      const card = cards.get(key) ?? null;
      cards.delete(key);
      return card;
    },
  };
}
