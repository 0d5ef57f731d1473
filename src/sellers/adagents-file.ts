import type { Cache } from "../ledger/cache.ts";
import { canonicalAgentUrl, domainCovers, domainOf } from "./adagents-names.ts";
import type { FetchText } from "./public-fetch.ts";
import { SellerFailure } from "./seller.ts";
import {
  type AuthorizedAgent,
  adagentsFile,
  authorizedAgent,
  type PublishedProperty,
  pointerFile,
  unreadableAgent,
} from "./wire/adagents.ts";

/** Reading one publisher's adagents.json: where it lies, whether it may be believed, and what it says of that publisher. */

/** One entry of `authorized_agents`; `entry` is null where it cannot be read, which only ever forbids. */
export interface ListedAgent {
  /** Canonical; null where the entry names no address. */
  readonly url: string | null;
  readonly exclusive: boolean;
  readonly entry: AuthorizedAgent | null;
}

/** What a file says of one publisher; what it says of others is left out. JSON, so that a cache can hold it. */
export interface PublisherFile {
  /** Where it was read. */
  readonly source: string;
  /** ISO 8601, UTC. */
  readonly readAt: string;
  readonly agents: readonly ListedAgent[];
  readonly properties: readonly PublishedProperty[];
  /** Tags of each placement by its id. */
  readonly placements: Readonly<Record<string, readonly string[]>>;
}

/** `why` is a whole sentence of ours about the publisher. */
export type FileReading =
  | { readonly ok: true; readonly file: PublisherFile }
  | { readonly ok: false; readonly why: string };

export interface ReadingContext {
  readonly fetchText: FetchText;
  readonly cache: Cache;
  /** Where a publisher's files lie, by its domain, where it is not `https://{domain}`: those of a sandbox. */
  readonly bases: ReadonlyMap<string, string>;
  readonly now: () => Date;
  readonly signal?: AbortSignal | undefined;
}

const WELL_KNOWN = "/.well-known/adagents.json";
const WEEK_SECONDS = 7 * 86_400;
const DAY_MS = 86_400_000;

/** The way by which a file speaks for a publisher: its own, one it points to, or its manager's. */
type Way = "own" | "pointed" | "manager";

class NotShown extends Error {}

/** Where a publisher's own file lies; also the key under which it is remembered. */
export function ownFileUrl(domain: string, bases: ReadonlyMap<string, string>): string {
  return baseOf(domain, bases) + WELL_KNOWN;
}

/**
 * Reads a publisher's file, its pointer followed once, or on HTTP 404 that of the manager its ads.txt names (AdCP
 * "adagents.json" and "managed networks"). Anything else than a whole, readable, current file is a refusal.
 */
export async function readPublisherFile(domain: string, context: ReadingContext): Promise<FileReading> {
  const { cache, bases } = context;
  const key = `adagents-revoked:${ownFileUrl(domain, bases)}`;
  try {
    const file = await find(domain, context);
    // An old copy of a file, served again, must not undo a revocation.
    if ((await cache.get(key)) === undefined) return { ok: true, file };
    return { ok: false, why: `The file that speaks for ${domain} said in the last 7 days that ${domain} has left it.` };
  } catch (error) {
    if (error instanceof Revoked && (await cache.get(key)) === undefined) await cache.set(key, true, WEEK_SECONDS);
    if (error instanceof NotShown) return { ok: false, why: error.message };
    throw error;
  }
}

async function find(domain: string, context: ReadingContext): Promise<PublisherFile> {
  const url = ownFileUrl(domain, context.bases);
  const whose = `The adagents.json of ${domain}`;
  const json = await readJson(url, whose, context);
  if (json === null) return managersFile(domain, context);
  const pointer = pointerFile.safeParse(json).data;
  if (pointer === undefined) return contentOf(json, domain, url, "own", context);
  const location = allowedLocation(pointer.authoritative_location, url, whose, context);
  await holdChangedPointer(domain, url, location, context);
  const there = `${whose} points to ${new URL(location).host}; the file there`;
  const pointed = await readJson(location, there, context);
  if (pointed === null) throw new NotShown(`${there} does not exist (HTTP 404).`);
  if (pointerFile.safeParse(pointed).success)
    throw new NotShown(`${there} points on to another, which is not allowed.`);
  return contentOf(pointed, domain, location, "pointed", context);
}

async function managersFile(domain: string, context: ReadingContext): Promise<PublisherFile> {
  const none = `${domain} publishes no adagents.json (HTTP 404)`;
  const adsTxt = await answerOf(`${baseOf(domain, context.bases)}/ads.txt`, `${none}, and its ads.txt`, context);
  if (adsTxt.status !== 200)
    throw new NotShown(
      `${none} and no ads.txt that can be read (HTTP ${adsTxt.status}), so nobody is shown to sell for it.`,
    );
  const manager = managerIn(adsTxt.text);
  if (manager === null)
    throw new NotShown(`${none} and its ads.txt names no manager, so nobody is shown to sell for it.`);
  if (manager === domain) throw new NotShown(`${none} and its ads.txt names itself as its manager.`);
  const url = ownFileUrl(manager, context.bases);
  const whose = `${none}; that of its manager ${manager}`;
  const json = await readJson(url, whose, context);
  if (json === null) throw new NotShown(`${whose} does not exist either.`);
  if (pointerFile.safeParse(json).success) throw new NotShown(`${whose} points on to another, which is not allowed.`);
  const file = contentOf(json, domain, url, "manager", context);
  // What is left of an entry with properties of its own names this publisher; see narrowed.
  const byName = ["publisher_properties", "inline_properties"];
  const named = file.agents.some(({ entry }) => entry !== null && byName.includes(entry.authorization_type));
  if (file.properties.length === 0 && !named) throw new NotShown(`${whose} does not name ${domain}.`);
  return file;
}

/**
 * The manager an ads.txt names: the last `MANAGERDOMAIN=` line (IAB ads.txt 1.1) that is a plain domain. A comment is
 * no such line, and `#noagents` behind one takes it back.
 */
export function managerIn(adsTxt: string): string | null {
  const named = adsTxt.split(/\r?\n/).flatMap((line) => {
    const [code = "", ...comment] = line.replace(/^\u{feff}/u, "").split("#");
    const value = /^\s*MANAGERDOMAIN\s*=\s*(\S+)\s*$/i.exec(code)?.[1];
    const manager = value === undefined ? null : domainOf(value);
    return manager === null || /\bnoagents\b/i.test(comment.join("#")) ? [] : [manager];
  });
  return named.at(-1) ?? null;
}

function contentOf(json: unknown, domain: string, source: string, way: Way, { now }: ReadingContext): PublisherFile {
  const whose = `The adagents.json that speaks for ${domain} (${new URL(source).host})`;
  const parsed = adagentsFile.safeParse(json);
  if (!parsed.success) throw new NotShown(`${whose} does not have the form of one, so it shows nothing.`);
  const { authorized_agents, properties = [], placements, superseded_by, revoked_publisher_domains = [] } = parsed.data;
  if (superseded_by !== undefined) throw new NotShown(`${whose} says that another file has taken its place.`);
  if (revoked_publisher_domains.some(({ publisher_domain }) => domainCovers(publisher_domain, domain)))
    throw new Revoked(`${whose} says that ${domain} has left it (revoked).`);
  const ofThis = (property: PublishedProperty) => speaksOf(property, domain, way);
  const agents = authorized_agents.map((listed): ListedAgent => {
    const entry = authorizedAgent.safeParse(listed).data ?? null;
    const { url, exclusive, authorization_type } = entry ?? unreadableAgent.parse(listed);
    const forSignals = entry === null && authorization_type.startsWith("signal_");
    return {
      url: canonicalAgentUrl(url),
      exclusive: exclusive === true && !forSignals,
      entry: entry && narrowed(entry, domain, ofThis),
    };
  });
  return {
    source,
    readAt: now().toISOString(),
    agents: agents.filter(({ entry, exclusive }) => (entry ? !saysNothing(entry) : exclusive)),
    properties: properties.filter(ofThis),
    placements: Object.fromEntries(placements.map(({ placement_id, tags = [] }) => [placement_id, tags])),
  };
}

class Revoked extends NotShown {}

/** Leaves of an entry what concerns one publisher. */
function narrowed(
  entry: AuthorizedAgent,
  domain: string,
  ofThis: (property: PublishedProperty) => boolean,
): AuthorizedAgent {
  if (entry.authorization_type === "inline_properties")
    return { ...entry, properties: entry.properties.filter(ofThis) };
  if (entry.authorization_type !== "publisher_properties") return entry;
  const selectors = entry.publisher_properties.flatMap((selector) => {
    const { publisher_domain: one, publisher_domains: many } = selector;
    // Both or neither is not allowed, and so says nothing.
    if ((one === undefined) === (many === undefined)) return [];
    const { publisher_domains: _, ...rest } = selector;
    const named = (many ?? [one ?? ""]).some((pattern) => domainCovers(pattern, domain));
    return named ? [{ ...rest, publisher_domain: domain }] : [];
  });
  return { ...entry, publisher_properties: selectors };
}

function saysNothing(entry: AuthorizedAgent): boolean {
  if (entry.authorization_type === "publisher_properties") return entry.publisher_properties.length === 0;
  return entry.authorization_type === "inline_properties" && entry.properties.length === 0;
}

/** Whether a property is this publisher's. Only a manager's file must say so: the others speak for the publisher anyway. */
function speaksOf({ publisher_domain, identifiers }: PublishedProperty, domain: string, way: Way): boolean {
  if (publisher_domain !== undefined) return domainCovers(publisher_domain, domain);
  if (way !== "manager") return true;
  return identifiers.some(
    ({ type, value }) => (type === "domain" || type === "subdomain") && domainCovers(value, domain),
  );
}

/**
 * A publisher that all at once points elsewhere may have been broken into. The new place is believed once the pointer
 * has stood for a day (AdCP "managed networks", pointer integrity); the memory of it is only as good as the cache.
 */
async function holdChangedPointer(
  domain: string,
  url: string,
  location: string,
  { cache, now }: ReadingContext,
): Promise<void> {
  const key = `adagents-pointer:${url}`;
  // Written below, and by nobody else.
  const known = (await cache.get(key)) as { location: string; since: number; first: boolean } | undefined;
  const same = known?.location === location;
  const since = same ? known.since : now().getTime();
  const first = known === undefined || (same && known.first);
  await cache.set(key, { location, since, first }, WEEK_SECONDS);
  if (first || now().getTime() - since >= DAY_MS) return;
  throw new NotShown(
    `The adagents.json of ${domain} has begun to point to another place (${new URL(location).host}); it is believed once it has stood for a day, from ${new Date(since + DAY_MS).toISOString()} on.`,
  );
}

/** A pointer's target: https, or an origin of the sandbox. @throws NotShown */
function allowedLocation(location: string, from: string, whose: string, { bases }: ReadingContext): string {
  const url = URL.canParse(location) ? new URL(location) : null;
  const known = [...bases.values()].some((base) => new URL(base).origin === url?.origin);
  if (!url || (url.protocol !== "https:" && !known) || url.username !== "" || url.password !== "")
    throw new NotShown(`${whose} points to something that is no https address.`);
  url.hash = "";
  if (url.href === from) throw new NotShown(`${whose} points to itself.`);
  return url.href;
}

/** @returns null for HTTP 404 @throws NotShown for all else that is no JSON with HTTP 200 */
async function readJson(url: string, whose: string, context: ReadingContext): Promise<unknown> {
  const { status, json } = await answerOf(url, whose, context);
  if (status === 404) return null;
  if (status !== 200) throw new NotShown(`${whose} could not be read (HTTP ${status}).`);
  if (json === undefined || json === null) throw new NotShown(`${whose} is not JSON, or is not served as JSON.`);
  return json;
}

async function answerOf(url: string, whose: string, { fetchText, signal }: ReadingContext) {
  try {
    return await fetchText(url, signal);
  } catch (error) {
    if (!(error instanceof SellerFailure)) throw error;
    throw new NotShown(`${whose} could not be read: ${error.message}`);
  }
}

function baseOf(domain: string, bases: ReadonlyMap<string, string>): string {
  return (bases.get(domain) ?? `https://${domain}`).replace(/\/$/, "");
}
