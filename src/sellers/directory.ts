import { BuyingError } from "../domain/errors.ts";
import type { Log } from "../domain/log.ts";
import type { Cache } from "../ledger/cache.ts";
import type { Timeouts } from "./http.ts";
import { protocols } from "./index.ts";
import type { ConnectOptions } from "./protocol.ts";
import type { Spoken } from "./protocol-probe.ts";
import { type Directory, type KnownSeller, type SellerRecord, sellsToAccounts, unknownProtocol } from "./records.ts";
import { type Seller, SellerFailure } from "./seller.ts";
import { createProtocols } from "./spoken.ts";

export interface DirectoryOptions {
  /** The sellers of the config or, on a sandbox desk, of its sandbox; never both. */
  readonly known: () => Promise<readonly KnownSeller[]>;
  /** Whether the operator lets known sellers be on this machine; one met by its address never may. */
  readonly allowLoopback: boolean;
  readonly blocked: readonly string[];
  readonly timeouts: Timeouts;
  readonly webhooks?: ConnectOptions["webhooks"];
  readonly cache: Cache;
  /** How long what others say of a seller is believed. */
  readonly cacheSeconds: number;
  readonly log: Log;
}

const DAY_SECONDS = 86_400;

/**
 * The sellers of a desk: the known ones, and those met by their address alone. What one speaks is found out where
 * no setting says it, at the first use of that very seller.
 */
export function sellerDirectory(options: DirectoryOptions): Directory {
  const { cache, known } = options;
  const connections = new Map<string, Seller>();
  /** By id and address: a stranger whose address happens to read like a known seller's id is not that seller. */
  const details = new Map<string, Omit<KnownSeller, "record">>();
  /** Whole addresses of those met by it. */
  const met = new Map<string, string>();
  const protocolsOf = createProtocols(cache, options.timeouts.discovery);

  const all = async (): Promise<readonly SellerRecord[]> => {
    const listed = await known();
    for (const { record, ...held } of listed) details.set(keyOf(record), held);
    return Promise.all(
      listed.map(async ({ record }) => {
        if (record.protocol !== unknownProtocol) return record;
        const spoken = await protocolsOf.known(addressed(record));
        return spoken ? speaking(record, spoken) : record;
      }),
    );
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

  const resolved = async (record: SellerRecord): Promise<SellerRecord> => {
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
    const named = records.filter(({ id, name, domain }) =>
      [id, name.toLowerCase(), domain.toLowerCase()].includes(word),
    );
    const [only] = named;
    if (only && named.length === 1) return resolved(only);
    // Written by `introduce` below, and by nobody else.
    const stranger = named.length === 0 ? ((await cache.get(`stranger:${word}`)) as Stranger | undefined) : undefined;
    if (stranger !== undefined) {
      met.set(keyOf(stranger.record), stranger.url);
      return resolved(stranger.record);
    }
    const candidates = (named.length > 0 ? named : records).map(({ id }) => id);
    const message = `No one seller of this desk is ${JSON.stringify(wanted.slice(0, 60))}; it knows ${candidates.join(", ") || "none"}. Nothing was booked.`;
    throw new BuyingError("unknown_seller", message, "fix_arguments", { field: "seller", candidates });
  };

  const introduce = async (url: string): Promise<SellerRecord> => {
    const origin = originOf(url);
    const records = await all();
    const there = records.find((record) => record.origin === origin);
    if (there) return there;
    const { host, hostname } = new URL(origin);
    const named = host.toLowerCase().replace(/[^a-z0-9.-]/g, "-");
    const id = records.some((record) => record.id === named) ? `met-${named}` : named;
    const record: SellerRecord = {
      id,
      name: hostname,
      domain: hostname,
      origin,
      protocol: unknownProtocol,
      trust: "unknown",
      trustBy: "met by its address only",
      relationship: "new",
      credentials: [],
      byAccount: false,
      blocked: options.blocked.includes(id) || options.blocked.includes(hostname),
    };
    const { pathname } = new URL(url);
    const address = pathname === "/" ? origin : `${origin}${pathname}`;
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
    const key = keyOf(record);
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

  return { all, find, resolved, connect, introduce };
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
