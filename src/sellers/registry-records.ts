import { sha256 } from "../domain/ids.ts";
import { lowerTrust, type TrustWord, weighTrust } from "../domain/trust.ts";
import { domainOf } from "./adagents-names.ts";
import { domainLooksLike, nameLooksLike, registered } from "./look-alikes.ts";
import { type SellerRecord, unknownProtocol } from "./records.ts";
import type { Listing } from "./registry.ts";

/** Whom the mandate keeps out, by id and by domain. */
export interface KeptOut {
  readonly sellers: readonly string[];
  readonly domains: readonly string[];
}

/**
 * What this desk calls a seller of a registry: its host, and a digest of its whole address. So it stays the same whoever lists it, and
 * under whatever name; and nobody chooses it.
 */
export function idOf(url: string): string {
  const host = new URL(url).host
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, "-")
    .replace(/^-+/, "");
  const digest = sha256(url);
  return host.length <= 50 ? `${host}-${digest.slice(0, 8)}` : `${host.slice(0, 40)}-${digest.slice(0, 20)}`;
}

/** A listing as a seller of this desk: new, without any credential, trusted as far as registries vouch for it. */
export function recordOf(listing: Listing, words: readonly TrustWord[], out: KeptOut): SellerRecord {
  const { origin, hostname } = new URL(listing.url);
  const id = idOf(listing.url);
  const { trust, by } = weighTrust(null, words);
  const byMandate = out.sellers.includes(id) || out.sellers.includes(hostname) || isBelow(hostname, out.domains);
  const isElsewhere = listing.domain !== null && !isBelow(hostname, [listing.domain]);
  return {
    ...{ id, name: listing.name, origin, url: listing.url, trust: byMandate ? "blocked" : trust },
    trustBy: byMandate ? "mandate" : by,
    domain: hostname,
    protocol: listing.protocol ?? unknownProtocol,
    ...{ relationship: "new", credentials: [], fromRegistry: true },
    byAccount: listing.protocol === "adcp",
    blocked: byMandate || trust === "blocked",
    words,
    cautions: isElsewhere ? [`listed under ${listing.domain}, and its agent is elsewhere`] : [],
    tags: listing.tags,
    listedUnder: listing.domain,
  };
}

/** What speaks against a seller that nobody put into the config, beside those this desk knows. */
export interface Suspicion {
  /** Whom it looks like, one sentence each. */
  readonly cautions: readonly string[];
  /** Set where it is listed under the domain of one of them: then nobody's word for it is believed. */
  readonly notBelieved: string | null;
}

/** Compares a seller with those that are known. @param claimed the domain it is listed under */
export function suspicionOf(
  { id, name, domain }: Pick<SellerRecord, "id" | "name" | "domain">,
  claimed: string | null,
  known: readonly SellerRecord[],
): Suspicion {
  const others = known.filter((one) => one.id !== id && !isBelow(domain, [one.domain]));
  const robbed = others.find((one) => claimed !== null && isRobbed(one.domain, claimed, domain));
  const cautions = others.flatMap((one): readonly string[] => {
    if (domainLooksLike(domain, one.domain)) return [`its domain looks like that of ${one.id} (${one.domain})`];
    const byName = nameLooksLike(name, one.name) || nameLooksLike(name, one.id);
    return byName ? [`its name looks like that of ${one.id}, which is at ${one.origin}`] : [];
  });
  return {
    cautions,
    notBelieved: robbed ? `listed under ${robbed.domain}, which is that of ${robbed.id}; not believed` : null,
  };
}

/** Whether what is at `host` claims another's domain, or another part of what that other registered. */
function isRobbed(domain: string, claimed: string, host: string): boolean {
  if (isBelow(claimed, [domain])) return true;
  return registered(claimed) === registered(domain) && registered(host) !== registered(domain);
}

/** {@link suspicionOf}, which is asked again and again about the same sellers. */
export function rememberedSuspicions(): typeof suspicionOf {
  let beside = "";
  const found = new Map<string, Suspicion>();
  let last: readonly SellerRecord[] = [];
  return (record, claimed, known) => {
    if (known !== last) {
      last = known;
      const now = JSON.stringify(known.map(({ id, name, domain }) => [id, name, domain]));
      if (now !== beside || found.size > MOST_COMPARED) found.clear();
      beside = now;
    }
    const key = JSON.stringify([record.id, record.name, record.domain, claimed]);
    const suspicion = found.get(key) ?? suspicionOf(record, claimed, known);
    found.set(key, suspicion);
    return suspicion;
  };
}

const MOST_COMPARED = 5_000;

/** A record with what speaks against it. */
export function suspected(record: SellerRecord, { cautions, notBelieved }: Suspicion): SellerRecord {
  const told = { ...record, cautions: [...record.cautions, ...cautions] };
  return notBelieved === null || record.blocked ? told : { ...told, trust: "unknown", trustBy: notBelieved };
}

/**
 * A seller that registries list beside one of the operator's, at the same origin or below its domain: it is trusted no further than
 * that one, and kept out with it.
 */
export function noFurtherThan(record: SellerRecord, own: readonly SellerRecord[]): SellerRecord {
  // Addresses have no domain above them.
  const isOf = (domain: string) => domainOf(domain) !== null && isBelow(record.domain, [domain]);
  const bars = own.filter(({ origin, domain, blocked }) => origin === record.origin || (blocked && isOf(domain)));
  const barred = bars.find(({ blocked }) => blocked);
  if (barred) return { ...record, trust: "blocked", trustBy: `as ${barred.id}: ${barred.trustBy}`, blocked: true };
  const least = bars.find(({ trust }) => bars.every((one) => lowerTrust(trust, one.trust) === trust));
  if (!least || lowerTrust(record.trust, least.trust) === record.trust) return record;
  return { ...record, trust: least.trust, trustBy: `as ${least.id}: ${least.trustBy}` };
}

/** A record under what registries say of it by now. The operator's word stands, unless one of them blocks. */
export function reweighed(record: SellerRecord, words: readonly TrustWord[]): SellerRecord {
  if (words.length === 0) return record;
  const { trust, by } = weighTrust({ trust: record.blocked ? "blocked" : record.trust, by: record.trustBy }, words);
  return record.blocked ? { ...record, words } : { ...record, words, trust, trustBy: by, blocked: trust === "blocked" };
}

/** Whether a host is one of these domains, or below one. */
export function isBelow(host: string, domains: readonly string[]): boolean {
  return domains.some((domain) => host === domain || host.endsWith(`.${domain}`));
}
