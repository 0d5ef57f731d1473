import { BuyingError } from "../domain/errors.ts";
import type { Log } from "../domain/log.ts";
import type { Cache } from "../ledger/cache.ts";
import type { Timeouts } from "./http.ts";
import { protocols } from "./index.ts";
import type { Directory, KnownSeller, SellerRecord } from "./records.ts";
import type { Seller } from "./seller.ts";

export interface DirectoryOptions {
  /** The sellers of the config or, on a sandbox desk, of its sandbox; never both. */
  readonly known: () => Promise<readonly KnownSeller[]>;
  /** Whether the operator lets known sellers be on this machine; one met by its address never may. */
  readonly allowLoopback: boolean;
  readonly blocked: readonly string[];
  readonly timeouts: Timeouts;
  readonly cache: Cache;
  readonly log: Log;
}

const DAY_SECONDS = 86_400;

/** The sellers of a desk: the known ones, and those met by their address alone. */
export function sellerDirectory(options: DirectoryOptions): Directory {
  const { cache, known } = options;
  const connections = new Map<string, Seller>();
  /** By id and address: a stranger whose address happens to read like a known seller's id is not that seller. */
  const credentials = new Map<string, KnownSeller["credentials"]>();

  const all = async (): Promise<readonly SellerRecord[]> => {
    const listed = await known();
    for (const { record, credentials: held } of listed) credentials.set(keyOf(record), held);
    return listed.map(({ record }) => record);
  };

  const find = async (wanted: string): Promise<SellerRecord> => {
    const word = wanted.trim().toLowerCase();
    const records = await all();
    const named = records.filter(({ id, name, domain }) =>
      [id, name.toLowerCase(), domain.toLowerCase()].includes(word),
    );
    const [only] = named;
    if (only && named.length === 1) return only;
    const met = named.length === 0 ? await cache.get(`met:${word}`) : undefined;
    // Written by `introduce` below, and by nobody else.
    if (met !== undefined) return met as SellerRecord;
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
      protocol: "iab-seller-agent",
      trust: "unknown",
      trustBy: "met by its address only",
      relationship: "new",
      credentials: [],
      blocked: options.blocked.includes(id) || options.blocked.includes(hostname),
    };
    await cache.set(`met:${id}`, record, DAY_SECONDS);
    return record;
  };

  const connect = (record: SellerRecord): Seller => {
    if (record.blocked || record.trust === "blocked") {
      throw new BuyingError(
        "seller_blocked",
        `${record.id} is blocked (${record.trustBy}); it was not contacted. Nothing was booked.`,
        "choose_another",
      );
    }
    const key = keyOf(record);
    const open = connections.get(key);
    if (open) return open;
    const protocol = protocols.find(({ name }) => name === record.protocol);
    if (!protocol)
      throw new BuyingError(
        "unsupported_by_seller",
        `${record.id} speaks ${record.protocol}, which this release does not. Nothing was booked.`,
        "choose_another",
      );
    const seller = protocol.connect({
      sellerId: record.id,
      origin: record.origin,
      credentials: credentials.get(key) ?? {},
      timeouts: options.timeouts,
      allowLoopback: options.allowLoopback && credentials.has(key),
      log: { debug: () => undefined, warn: (fields: object, message: string) => options.log(message, { ...fields }) },
    });
    connections.set(key, seller);
    return seller;
  };

  return { all, find, connect, introduce };
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
