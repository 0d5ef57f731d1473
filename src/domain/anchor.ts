import { sha256 } from "./ids.ts";
import { canonicalJson } from "./terms.ts";

/** Where a row stands in the ledger, and what it says: all that an anchor needs to know of it. */
export interface Place {
  /** Order of arrival over all streams. */
  readonly seq: number;
  readonly stream: string;
  readonly version: number;
  readonly hash: string;
}

/**
 * A whole ledger up to one row, in one hash. Whoever wrote a mark down can tell later whether any row up to there was
 * changed, removed, added or moved.
 */
export interface Mark {
  /** `seq` of the last row it covers. */
  readonly upTo: number;
  /** How many rows it covers. */
  readonly rows: number;
  readonly root: string;
}

/** The mark of a ledger without rows. */
export const noMark: Mark = { upTo: 0, rows: 0, root: "" };

/**
 * The mark after further rows. Root = SHA-256 over the root before, directly followed by the canonical JSON of
 * `[seq, stream, version, hash]`, row by row; so where marks were taken in between does not matter.
 * @param later rows that arrived after the mark, in order of arrival
 * @throws RangeError for rows that are not in order: their mark would be of another ledger
 */
export function markAfter(before: Mark, later: readonly Place[]): Mark {
  return later.reduce((mark, { seq, stream, version, hash }) => {
    if (seq <= mark.upTo) throw new RangeError(`seq ${seq} does not come after ${mark.upTo}`);
    const root = sha256(mark.root + canonicalJson([seq, stream, version, hash]));
    return { upTo: seq, rows: mark.rows + 1, root };
  }, before);
}

/** The last of some rows of each stream, in order of arrival: what an anchor names beside its mark. */
export function headsOf(places: readonly Place[]): readonly Omit<Place, "seq">[] {
  const heads = new Map<string, Place>();
  for (const place of places) {
    heads.delete(place.stream);
    heads.set(place.stream, place);
  }
  return [...heads.values()].map(({ stream, version, hash }) => ({ stream, version, hash }));
}

/** A mark as it is noted outside of the ledger, e.g. `1042-3f2a…`: the row it goes up to, and the root in hex. */
export function markText(mark: Mark): string {
  return `${mark.upTo}-${mark.root}`;
}
