import { type Trust, trustLevels } from "./identity.ts";

/** What one registry says of one agent. */
export interface TrustWord {
  /** The registry, as the config calls it. */
  readonly registry: string;
  readonly trust: Trust;
  /** The registry's own id of the agent, where it gives one. */
  readonly registryId: string | null;
  /** When it said so: a UTC instant. */
  readonly at: string;
  /** True where this is the last that was heard, and the registry does not answer by now. */
  readonly stale: boolean;
}

/** How far a seller is trusted, and who says so, and when. */
export interface Weighed {
  readonly trust: Trust;
  readonly by: string;
}

/** What each level means for dealing with a seller, in words. */
export const recommendation: Readonly<Record<Trust, string>> = {
  preferred: "may be shown everything, up to the advertiser",
  verified: "may be shown up to the agency",
  registered: "start with the seat",
  unknown: "read its public media kit only",
  blocked: "do not deal with it",
};

/**
 * Trust out of all that is said. One `blocked` is enough, whoever says it. Else the operator's own word counts, and no registry
 * raises it. Without one the best vouching registry counts, of those that answer; what is only remembered of others counts
 * where none of them vouches, so that an outage never raises anybody.
 * @param own the operator's word; null for a seller the config does not list
 */
export function weighTrust(own: Weighed | null, words: readonly TrustWord[]): Weighed {
  if (own?.trust === "blocked") return own;
  const blocking = words.find(({ trust }) => trust === "blocked");
  if (blocking) return { trust: "blocked", by: saidBy(blocking) };
  if (own) return own;
  const vouching = words.filter(({ trust }) => rank(trust) > rank("unknown"));
  const fresh = vouching.filter(({ stale }) => !stale);
  const [best] = (fresh.length > 0 ? fresh : vouching).toSorted((a, b) => rank(b.trust) - rank(a.trust));
  return best ? { trust: best.trust, by: saidBy(best) } : { trust: "unknown", by: "no registry vouches for it" };
}

/** The lower of two levels. */
export function lowerTrust(one: Trust, other: Trust): Trust {
  return rank(one) < rank(other) ? one : other;
}

/** A registry's word as a source in a sentence. */
export function saidBy({ registry, at, stale }: TrustWord): string {
  const when = `${at.slice(0, 16).replace("T", " ")} UTC`;
  return stale ? `${registry}, last known of ${when}: it does not answer now` : `${registry}, ${when}`;
}

function rank(trust: Trust): number {
  return trustLevels.indexOf(trust);
}
