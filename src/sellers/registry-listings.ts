import type { Trust } from "../domain/identity.ts";
import { canonicalAgentUrl, domainOf } from "./adagents-names.ts";
import type { Listing, RegistryList } from "./registry.ts";
import { lowerTrust } from "../domain/trust.ts";
import { sellerText } from "./untrusted.ts";

/** More agents than any registry of sellers lists; what comes after is not read. */
const MOST = 1_000;
const MOST_TAGS = 40;

/** A registry's word for a level of trust as ours. `approved` is the shared IAB vocabulary's name for verified. */
const levels: ReadonlyMap<string, Trust> = new Map([
  ["preferred", "preferred"],
  ["verified", "verified"],
  ["approved", "verified"],
  ["registered", "registered"],
  ["blocked", "blocked"],
]);

/** A registry's word for trust; anything it does not define vouches for nothing. */
export function trustNamed(word: string | null | undefined): Trust {
  return levels.get(word?.toLowerCase() ?? "") ?? "unknown";
}

/** An id of a registry's, as text; null where it is none that can be shown. */
export function registryIdOf(id: string | number | null | undefined): string | null {
  return id === null || id === undefined ? null : sellerText(String(id), 80) || null;
}

/** Words an agent is listed for: plain, or by `name` and `tags`. */
export function tagsOf(...lists: readonly (readonly unknown[] | null | undefined)[]): readonly string[] {
  const found = lists
    .flatMap((list) => list ?? [])
    .flatMap((one): readonly unknown[] => {
      if (typeof one !== "object" || one === null) return [one];
      const { name, tags } = Object(one) as { name?: unknown; tags?: unknown };
      return [name, ...(Array.isArray(tags) ? tags : [])];
    });
  return [...new Set(found.map((word) => sellerText(word, 40).toLowerCase()).filter((word) => word !== ""))].slice(
    0,
    MOST_TAGS,
  );
}

/** An entry as it is read, its address and words as they came. */
export type Written = Omit<Listing, "domain"> & { readonly domain: string | null | undefined };

/**
 * Reads the entries of a list, each alone. Of two entries for one address the less trusting stands; an id that a registry gives to
 * several agents names none of them.
 * @param read one entry; null for one that is no seller with an address, undefined for one that cannot be read
 */
export function listed(
  entries: readonly unknown[],
  maxTrust: Trust,
  read: (entry: unknown) => Written | null | undefined,
): RegistryList {
  const found = new Map<string, Listing>();
  let unreadable = Math.max(0, entries.length - MOST);
  for (const entry of entries.slice(0, MOST)) {
    const written = read(entry);
    if (written === null) continue;
    const url = written === undefined ? null : canonicalAgentUrl(written.url);
    if (written === undefined || url === null) {
      unreadable += 1;
      continue;
    }
    const { hostname } = new URL(url);
    const name = sellerText(written.name, 80) || hostname;
    const trust = lowerTrust(written.trust, maxTrust);
    const domain = domainOf(written.domain?.replace(/^https?:\/\//i, "").replace(/\/.*$/, "") ?? "");
    const before = found.get(url);
    if (before) unreadable += 1;
    found.set(url, { ...written, url, name, domain, trust: before ? lowerTrust(before.trust, trust) : trust });
  }
  const ids = new Map<string | null, number>();
  for (const { registryId } of found.values()) ids.set(registryId, (ids.get(registryId) ?? 0) + 1);
  const listings = [...found.values()].map((one) => ({
    ...one,
    registryId: ids.get(one.registryId) === 1 ? one.registryId : null,
  }));
  return { listings, unreadable };
}
