import { BuyingError } from "../domain/errors.ts";
import type { Log } from "../domain/log.ts";
import type { Cache } from "../ledger/cache.ts";
import type { Timeouts } from "./http.ts";
import { originProblem } from "./addresses.ts";
import { canonicalAgentUrl } from "./adagents-names.ts";
import { protocols } from "./index.ts";
import type { ConnectOptions } from "./protocol.ts";
import type { Spoken } from "./protocol-probe.ts";
import {
  type BuyingAccount,
  type Directory,
  type KnownSeller,
  type SellerRecord,
  sellsToAccounts,
  unknownProtocol,
} from "./records.ts";
import type { Registries } from "./registries.ts";
import type { Listing } from "./registry.ts";
import { type KeptOut, reweighed, suspicionOf } from "./registry-records.ts";
import { registrySellers } from "./registry-sellers.ts";
import { openPublicFetch } from "./public-fetch.ts";
import { type Seller, SellerFailure } from "./seller.ts";
import { createProtocols } from "./spoken.ts";

export interface DirectoryOptions {
  /** The sellers of the config or, on a sandbox desk, of its sandbox; never both. */
  readonly known: () => Promise<readonly KnownSeller[]>;
  /** Whether the operator lets known sellers be on this machine; one met by its address never may. */
  readonly allowLoopback: boolean;
  /** Whom the mandate keeps out. */
  readonly keptOut: KeptOut;
  /** Absent where the operator names none. */
  readonly registries?: Registries | null | undefined;
  /** Sellers of registries that are remembered whatever those list by now: somebody bought from them. */
  readonly remembered?: (() => Promise<readonly Listing[]>) | undefined;
  /** Under which account sellers of registries are bought from, where those are told it; null = they are not. */
  readonly account?: BuyingAccount | null | undefined;
  readonly timeouts: Timeouts;
  readonly webhooks?: ConnectOptions["webhooks"];
  readonly cache: Cache;
  /** How long what others say of a seller is believed. */
  readonly cacheSeconds: number;
  readonly log: Log;
}

const DAY_SECONDS = 86_400;
const MOST_CANDIDATES = 40;
/** One request of a planner looks at a seller many times: what registries said within it is not asked again, but directly before money. */
const JUST_NOW_MS = 2_000;

/**
 * The sellers of a desk: the known ones, and those met by their address alone. What one speaks is found out where
 * no setting says it, at the first use of that very seller.
 */
export function sellerDirectory(options: DirectoryOptions): Directory {
  const { cache, known, registries } = options;
  const believedMs = Math.max(options.cacheSeconds * 1000, JUST_NOW_MS);
  const connections = new Map<string, Seller>();
  /** By id and address: a stranger whose address happens to read like a known seller's id is not that seller. */
  const details = new Map<string, Omit<KnownSeller, "record">>();
  const made = new Map<string, SellerRecord>();
  /** Whole addresses of those met by it. */
  const met = new Map<string, string>();
  const protocolsOf = createProtocols(cache, options.timeouts.discovery);
  const others = registries
    ? registrySellers({
        ...{ registries, remembered: options.remembered ?? (async () => []) },
        ...{ keptOut: options.keptOut, account: options.account ?? null },
      })
    : null;

  const all = async (): Promise<readonly SellerRecord[]> => {
    const own = await known();
    const listed = [...own, ...((await others?.beside(own)) ?? [])];
    return Promise.all(listed.map(async (one) => speakingNow(await heardOf(held(one)))));
  };

  /** Keeps what belongs to a record, and the record as it was made: what registries say of it is weighed on that each time. */
  const held = ({ record, ...rest }: KnownSeller): SellerRecord => {
    details.set(keyOf(record), rest);
    made.set(keyOf(record), record);
    return record;
  };

  /** A seller of the config under what registries say of it by now. */
  const heardOf = async (record: SellerRecord): Promise<SellerRecord> =>
    registries && !record.fromRegistry ? reweighed(record, await registries.words(urlOf(record))) : record;

  const speakingNow = async (record: SellerRecord): Promise<SellerRecord> => {
    if (record.protocol !== unknownProtocol) return record;
    const spoken = await protocolsOf.known(addressed(record));
    return spoken ? speaking(record, spoken) : record;
  };

  /** A seller by its id and its agent's whole address. */
  const addressed = (record: SellerRecord): string => `${record.id} ${urlOf(record)}`;
  const urlOf = (record: SellerRecord): string =>
    details.get(keyOf(record))?.url ?? met.get(keyOf(record)) ?? record.origin;

  const optionsFor = (record: SellerRecord): ConnectOptions => {
    const held = details.get(keyOf(record));
    return {
      sellerId: record.id,
      origin: record.origin,
      url: urlOf(record),
      carrier: held?.carrier ?? null,
      credentials: held?.credentials ?? {},
      account: held?.account ?? null,
      openDirect: held?.openDirect,
      publishers: held?.publishers ?? new Map(),
      proposals: held?.proposals,
      cache: options.cache,
      cacheSeconds: options.cacheSeconds,
      timeouts: options.timeouts,
      webhooks: options.webhooks,
      allowLoopback: options.allowLoopback && held !== undefined,
      log: { debug: () => undefined, warn: (fields: object, message: string) => options.log(message, { ...fields }) },
    };
  };

  /** What registries say of it is no older than `maxAgeMs` by then, as far as they answer. */
  const heard = async (record: SellerRecord, maxAgeMs: number, patient: boolean): Promise<SellerRecord> => {
    if (!registries || (record.blocked && record.words.length === 0)) return record;
    const url = urlOf(record);
    await registries.verify(url, { maxAgeMs, patient, sparing: record.fromRegistry && !patient });
    const again = record.fromRegistry ? await others?.again(url) : null;
    return speakingNow(again ? held(again) : await heardOf(made.get(keyOf(record)) ?? record));
  };

  const resolved = async (asked: SellerRecord): Promise<SellerRecord> => {
    const record = await heard(asked, believedMs, false);
    if (isKeptOut(record)) return record;
    // Whoever asks now wants a card of now.
    protocolsOf.takeCard(addressed(record));
    if (record.protocol !== unknownProtocol) return record;
    const spoken = await protocolsOf.find(addressed(record), record.id, async () => {
      const { probeProtocol } = await import("./protocol-probe.ts");
      return probeProtocol(optionsFor(record));
    });
    return spoken instanceof SellerFailure ? record : speaking(record, spoken);
  };

  const find = async (wanted: string): Promise<SellerRecord> => {
    const word = wanted.trim().toLowerCase();
    const records = await all();
    const called = (one: SellerRecord) => [one.id, one.name.toLowerCase(), one.domain.toLowerCase()].includes(word);
    // Names are anybody's choice in a registry: the operator's own sellers have theirs before those.
    const own = records.filter((one) => !one.fromRegistry && called(one));
    const named = own.length > 0 ? own : records.filter(called);
    const [only] = named;
    if (only && named.length === 1) return resolved(only);
    // Written by `introduce` below, and by nobody else.
    const stranger = named.length === 0 ? ((await cache.get(`stranger:${word}`)) as Stranger | undefined) : undefined;
    if (stranger !== undefined) {
      met.set(keyOf(stranger.record), stranger.url);
      return resolved(stranger.record);
    }
    const candidates = (named.length > 0 ? named : records).slice(0, MOST_CANDIDATES).map(({ id }) => id);
    const message = `No one seller of this desk is ${JSON.stringify(wanted.slice(0, 60))}; it knows ${candidates.join(", ") || "none"}. Nothing was booked.`;
    throw new BuyingError("unknown_seller", message, "fix_arguments", { field: "seller", candidates });
  };

  const introduce = async (url: string, anewWithinMs?: number): Promise<SellerRecord> => {
    const origin = originOf(url);
    const canonical = canonicalAgentUrl(url);
    // Words for an address nobody knows by now may put it among those who are known.
    if (registries && canonical !== null) {
      const anew = anewWithinMs !== undefined;
      if (anew) await registries.search(0, anewWithinMs);
      await registries.verify(canonical, { maxAgeMs: anew ? 0 : believedMs, patient: false, sparing: false });
    }
    const records = await all();
    const there =
      records.find((record) => canonicalAgentUrl(urlOf(record)) === canonical) ??
      records.find((record) => record.origin === origin && !record.fromRegistry);
    if (there) return there;
    const { host, hostname } = new URL(origin);
    const named = host.toLowerCase().replace(/[^a-z0-9.-]/g, "-");
    const id = records.some((record) => record.id === named) ? `met-${named}` : named;
    const { pathname } = new URL(url);
    const address = pathname === "/" ? origin : `${origin}${pathname}`;
    const record: SellerRecord = {
      id,
      name: hostname,
      domain: hostname,
      origin,
      url: address,
      protocol: unknownProtocol,
      trust: "unknown",
      trustBy: "met by its address only",
      relationship: "new",
      credentials: [],
      byAccount: false,
      blocked: options.keptOut.sellers.includes(id) || options.keptOut.sellers.includes(hostname),
      ...{ words: [], fromRegistry: false, tags: [], listedUnder: null },
      cautions: suspicionOf({ id, name: hostname, domain: hostname }, null, records).cautions,
    };
    met.set(keyOf(record), address);
    await cache.set(`stranger:${id}`, { record, url: address } satisfies Stranger, DAY_SECONDS);
    return record;
  };

  const connect = (record: SellerRecord): Seller => {
    if (isKeptOut(record)) {
      throw new BuyingError(
        "seller_blocked",
        `${record.id} is blocked (${record.trustBy}); it was not contacted. Nothing was booked.`,
        "choose_another",
      );
    }
    // What an account is told it is told by its connection; it may come and go with the trust of registries.
    const key = `${keyOf(record)} ${details.get(keyOf(record))?.account ? "by account" : ""}`;
    const open = connections.get(key);
    if (open) return open;
    const found = protocolsOf.now(addressed(record));
    const spoken = found instanceof SellerFailure ? null : found;
    if (record.protocol === unknownProtocol && spoken === null) throw found ?? notAsked(record);
    const name = record.protocol === unknownProtocol ? spoken?.protocol : record.protocol;
    const protocol = protocols.find((one) => one.name === name);
    if (!protocol)
      throw new BuyingError(
        "unsupported_by_seller",
        `${record.id} speaks ${record.protocol}, which this release does not. Nothing was booked.`,
        "choose_another",
      );
    const asked = optionsFor(record);
    const seller = protocol.connect({
      ...asked,
      carrier: asked.carrier ?? spoken?.carrier ?? null,
      cardJustRead: () => protocolsOf.takeCard(addressed(record)),
    });
    connections.set(key, seller);
    return seller;
  };

  return {
    ...{ all, find, resolved, connect, introduce },
    async evidence(record, chain) {
      const { url, publishers: bases, timeouts, log, allowLoopback: allowed } = optionsFor(record);
      const { evidenceOf } = await import("./evidence.ts");
      const local = { origins: [record.origin, ...bases.values()], allowed };
      const fetchText = openPublicFetch({ local, ...(timeouts ? { timeouts } : {}), log });
      const domains = [record.domain, ...(record.listedUnder === null ? [] : [record.listedUnder])];
      // The domains of a seller on this machine are invented, but for those that the operator says where they lie.
      const isPublic = originProblem(record.origin, false) === null;
      const readable = (domain: string) => isPublic || bases.has(domain);
      const ask = {
        ...{ agentUrl: url, domains: domains.filter(readable) },
        chain: chain.filter(({ system }) => readable(system)),
      };
      return evidenceOf(ask, { fetchText, cache, bases, now: () => new Date() });
    },
    search: async (anew, withinMs) => (await registries?.search(anew ? 0 : believedMs, withinMs)) ?? [],
    verified: (record, how) =>
      how ? heard(record, how === "anew" ? JUST_NOW_MS : believedMs, false) : heard(record, 0, true),
  };
}

/** As the cache keeps a seller that was met by its address. */
interface Stranger {
  readonly record: SellerRecord;
  readonly url: string;
}

function speaking(record: SellerRecord, { protocol }: Spoken): SellerRecord {
  return { ...record, protocol, byAccount: sellsToAccounts(protocol) };
}

function isKeptOut({ blocked, trust }: SellerRecord): boolean {
  return blocked || trust === "blocked";
}

function notAsked({ id }: SellerRecord): SellerFailure {
  return new SellerFailure(id, "unsupported", `${id} was not asked yet what it speaks.`, { definite: true });
}

function keyOf({ id, origin }: SellerRecord): string {
  return `${id} ${origin}`;
}

/** Scheme, host and port of a seller's address. @throws BuyingError `invalid_arguments` for anything but http(s) */
export function originOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed && ["https:", "http:"].includes(parsed.protocol)) return parsed.origin;
  throw new BuyingError(
    "invalid_arguments",
    `${JSON.stringify(url.slice(0, 80))} is not an http(s) address. Nothing was contacted.`,
    "fix_arguments",
    { field: "url" },
  );
}
