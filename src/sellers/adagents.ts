import type { Cache } from "../ledger/cache.ts";
import { type FileReading, ownFileUrl, type ReadingContext, readPublisherFile } from "./adagents-file.ts";
import { canonicalAgentUrl, domainOf } from "./adagents-names.ts";
import { type Delivery, type PublisherScope, whyNotCovered } from "./adagents-scope.ts";
import type { FetchText } from "./public-fetch.ts";

/**
 * Whether a seller's agent may sell what it offers: each publisher says so itself, in the adagents.json of its domain
 * (AdCP 3.0 and 3.1). What is not shown is not so.
 */

/** What is asked; see {@link isAuthorized}. */
export interface AuthorizationAsk {
  /** The address of the seller's agent, as it is called. */
  readonly agentUrl: string;
  /** What the product uses of whom: its `publisher_properties`, one for each. */
  readonly publishers: readonly PublisherScope[];
  /** Where it will run, ISO 3166-1 alpha-2; empty = not said, or everywhere. */
  readonly countries: readonly string[];
  /** When it begins to run, and when it ends; without an end, that one instant. */
  readonly at: Date;
  readonly until?: Date | undefined;
  readonly fetchText: FetchText;
  readonly cache: Cache;
  /** How long a file that was read is believed; what could not be read, or does not suffice, for a minute at most. */
  readonly ttlSeconds: number;
  /** Where a publisher's files lie, by its domain, where it is not `https://{domain}`. A sandbox's; the fetcher must allow it too. */
  readonly bases?: ReadonlyMap<string, string> | undefined;
  readonly now?: (() => Date) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** `checkedAt` (ISO 8601, UTC) is when the oldest of the files was read; `why` is a whole sentence of ours for a planner. */
export type Authorization =
  | { readonly ok: true; readonly checkedAt: string }
  | { readonly ok: false; readonly why: string };

/** A refusal is looked at again after this, so that a publisher's repair is seen soon. */
const REFUSED_SECONDS = 60;
const MOST_PUBLISHERS = 100;
const AT_ONCE = 8;

/**
 * Whether all publishers of a product let this agent sell all of what it uses, everywhere and as long as it runs. Fails
 * closed: a file that is missing, redirected, too large, unreadable, superseded or revoked authorizes nobody.
 */
export async function isAuthorized(ask: AuthorizationAsk): Promise<Authorization> {
  const { at, until = at, countries, publishers } = ask;
  const agent = canonicalAgentUrl(ask.agentUrl);
  if (agent === null) return { ok: false, why: "The seller's agent has no address that a publisher could list." };
  if (Number.isNaN(at.getTime()) || Number.isNaN(until.getTime()))
    return {
      ok: false,
      why: "It is not known when this would run, so it is not known whether the seller may sell it.",
    };
  if (publishers.length === 0)
    return { ok: false, why: "The product names no publisher, so nobody is shown to let this seller sell it." };
  if (publishers.length > MOST_PUBLISHERS) {
    const why = `The product is of ${publishers.length} publishers; no more than ${MOST_PUBLISHERS} are checked.`;
    return { ok: false, why };
  }
  const delivery: Delivery = { countries, from: at, until: until < at ? at : until };
  const context = contextOf(ask);
  const queue = publishers.entries();
  const found: Authorization[] = [];
  const work = async () => {
    for (const [index, scope] of queue) found[index] = await checked(agent, scope, delivery, ask, context);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found.find(({ ok }) => !ok) ?? oldest(found);
}

async function checked(
  agent: string,
  given: PublisherScope,
  delivery: Delivery,
  { ttlSeconds }: AuthorizationAsk,
  context: ReadingContext,
): Promise<Authorization> {
  const { cache, bases, now, signal } = context;
  const domain = domainOf(given.domain);
  if (domain === null) return { ok: false, why: "The product names a publisher that is no domain." };
  const scope = { ...given, domain };
  const verdict = (reading: FileReading): Authorization => {
    if (!reading.ok) return reading;
    const why = whyNotCovered(agent, scope, reading.file, delivery);
    return why === null ? { ok: true, checkedAt: reading.file.readAt } : { ok: false, why };
  };
  const key = `adagents:${ownFileUrl(domain, bases)}`;
  // Written below, and by nobody else.
  const held = (await cache.get(key)) as FileReading | undefined;
  if (held !== undefined) {
    const known = verdict(held);
    const age = held.ok ? now().getTime() - Date.parse(held.file.readAt) : 0;
    if (known.ok || age < REFUSED_SECONDS * 1000) return known;
  }
  const fresh = await readPublisherFile(domain, context);
  // What was given up by the caller says nothing about the publisher.
  if (fresh.ok || signal?.aborted !== true)
    await cache.set(key, fresh, fresh.ok ? ttlSeconds : Math.min(ttlSeconds, REFUSED_SECONDS));
  return verdict(fresh);
}

/** The files of one ask: publishers of one network share a file, which is read once. */
function contextOf({ fetchText, cache, bases, now, signal }: AuthorizationAsk): ReadingContext {
  const asked = new Map<string, ReturnType<FetchText>>();
  return {
    cache,
    bases: bases ?? new Map(),
    now: now ?? (() => new Date()),
    signal,
    fetchText: (url, stop) => {
      const known = asked.get(url) ?? fetchText(url, stop);
      asked.set(url, known);
      return known;
    },
  };
}

function oldest(found: readonly Authorization[]): Authorization {
  const times = found.flatMap((one) => (one.ok ? [one.checkedAt] : []));
  return { ok: true, checkedAt: times.reduce((first, time) => (time < first ? time : first)) };
}
