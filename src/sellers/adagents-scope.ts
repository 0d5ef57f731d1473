import type { ListedAgent, PublisherFile } from "./adagents-file.ts";
import { sellerText } from "./untrusted.ts";
import type { AuthorizedAgent, PublishedProperty } from "./wire/adagents.ts";

/** Whether entries of an adagents.json cover what is to be bought. Pure. */

/** What of one publisher a product uses. Neither ids nor tags = all its properties. */
export interface PublisherScope {
  readonly domain: string;
  readonly propertyIds?: readonly string[] | undefined;
  /** A property with any of these tags is used. */
  readonly propertyTags?: readonly string[] | undefined;
  /** Absent or empty = not said; an entry that is limited to placements does not cover that. */
  readonly placementIds?: readonly string[] | undefined;
  /** Each as `publisher_domain/collection_id`; absent or empty = not said. */
  readonly collections?: readonly string[] | undefined;
}

/** When, and where. */
export interface Delivery {
  /** ISO 3166-1 alpha-2; empty = not said, or everywhere. */
  readonly countries: readonly string[];
  readonly from: Date;
  readonly until: Date;
}

/** A property to be covered: one the file declares, or one it only refers to. */
interface Target {
  readonly said: string;
  readonly property: PublishedProperty | null;
  /** Declared in the file's own list, to which ids and tags refer. */
  readonly listed: boolean;
  readonly id: string | null;
  readonly tags: readonly string[];
}

/** One thing to be covered; null = not said. */
interface Slice {
  readonly target: Target;
  readonly country: string | null;
  readonly placement: string | null;
  readonly collection: string | null;
}

/** More combinations than this are not looked at. */
const MOST_SLICES = 50_000;

/**
 * Why an agent may not sell that, as a sentence, or null when each part of it is covered by an entry of the agent and
 * none is exclusively another's.
 * @param agent canonical address
 */
export function whyNotCovered(
  agent: string,
  scope: PublisherScope,
  file: PublisherFile,
  delivery: Delivery,
): string | null {
  const { domain } = scope;
  const own = file.agents.flatMap(({ url, entry }) => (url === agent && entry ? [entry] : []));
  if (own.length === 0) return notListed(agent, domain, file);
  const others = file.agents.filter(({ url, exclusive }) => exclusive && url !== agent);
  const targets = targetsOf(file, scope);
  const slices = [delivery.countries, scope.placementIds ?? [], scope.collections ?? []].map(orNotSaid);
  const [countries = [], placements = [], collections = []] = slices;
  const many = targets.length * countries.length * placements.length * collections.length;
  if (many > MOST_SLICES) return `What this product uses of ${domain} is too much to be checked (${many} parts).`;
  for (const target of targets)
    for (const country of countries)
      for (const placement of placements)
        for (const collection of collections) {
          const slice = { target, country, placement, collection };
          const gaps = own.map((entry) => gapOf(entry, slice, file, delivery));
          const nearest = gaps.reduce((best, gap) => (best && gap && gap.rank <= best.rank ? best : best && gap));
          if (nearest) return `${domain} lists this seller in its adagents.json, but ${nearest.words}.`;
          if (others.some((other) => mayCover(other, slice, file, delivery)))
            return `${domain} lists this seller in its adagents.json, but says that ${target.said} may be bought from another seller only (exclusive).`;
        }
  return null;
}

function notListed(agent: string, domain: string, file: PublisherFile): string {
  const { origin } = new URL(agent);
  const near = file.agents.find(({ url, entry }) => entry && url !== null && new URL(url).origin === origin)?.url;
  const hint = near ? `; it lists ${sellerText(near, 120)}, which is another address` : "";
  return `${domain} does not list this seller (${sellerText(agent, 120)}) in its adagents.json with anything that can be read${hint}.`;
}

function targetsOf(file: PublisherFile, { propertyIds = [], propertyTags = [] }: PublisherScope): readonly Target[] {
  const inline = file.agents.flatMap(({ entry }) =>
    entry?.authorization_type === "inline_properties" ? entry.properties : [],
  );
  const declared = [
    ...file.properties.map((property) => targetOf(property, true)),
    ...inline.map((property) => targetOf(property, false)),
  ];
  const missing = { property: null, listed: false, id: null, tags: [] };
  if (propertyIds.length === 0 && propertyTags.length === 0)
    return declared.length > 0 ? declared : [{ ...missing, said: "all its properties" }];
  const byId = propertyIds.map(
    (id) => declared.find((one) => one.id === id) ?? { ...missing, said: `property ${quoted(id)}`, id },
  );
  const byTag = propertyTags.flatMap((tag): readonly Target[] => {
    const tagged = declared.filter(({ tags }) => tags.includes(tag));
    return tagged.length > 0 ? tagged : [{ ...missing, said: `what is tagged ${quoted(tag)}`, tags: [tag] }];
  });
  return [...byId, ...byTag];
}

function targetOf(property: PublishedProperty, listed: boolean): Target {
  const { property_id: id = null, tags = [], identifiers } = property;
  const name = id ?? identifiers[0]?.value;
  return {
    said: name === undefined ? "one of its properties" : `property ${quoted(name)}`,
    property,
    listed,
    id,
    tags,
  };
}

/** What keeps an entry from covering a slice; the higher the rank, the nearer it came. */
function gapOf(
  entry: AuthorizedAgent,
  { target, country, placement, collection }: Slice,
  file: PublisherFile,
  { from, until }: Delivery,
): { readonly rank: number; readonly words: string } | null {
  const { effective_from, effective_until, countries } = entry;
  const { said } = target;
  if (!covers(entry, target)) return { rank: 0, words: `not for ${said}` };
  if (effective_from !== undefined && from.getTime() < Date.parse(effective_from))
    return { rank: 1, words: `for ${said} only from ${dayOf(effective_from)} on` };
  if (effective_until !== undefined && until.getTime() > Date.parse(effective_until))
    return { rank: 1, words: `for ${said} only until ${dayOf(effective_until)}` };
  if (countries && (country === null || !countries.includes(country))) {
    const where = `for ${said} only in ${countries.slice(0, 10).join(", ") || "no country"}`;
    return {
      rank: 2,
      words: country === null ? `${where}, and this does not say where it runs` : `${where}, not in ${quoted(country)}`,
    };
  }
  if (!inPlacement(entry, placement, file))
    return {
      rank: 3,
      words: `for ${said} only in certain placements, ${placement === null ? "and the product does not say which it uses" : `not in ${quoted(placement)}`}`,
    };
  if (!inCollection(entry, collection))
    return {
      rank: 4,
      words: `for ${said} only with certain collections, ${collection === null ? "and the product does not say which it uses" : `not with ${quoted(collection)}`}`,
    };
  return null;
}

/** Whether an entry might cover a slice: what is not said, or cannot be read, might be anything. */
function mayCover({ entry }: ListedAgent, slice: Slice, file: PublisherFile, { from, until }: Delivery): boolean {
  if (entry === null) return true;
  const { effective_from, effective_until, countries } = entry;
  const { target, country, placement, collection } = slice;
  return (
    (target.property === null || covers(entry, target)) &&
    (effective_from === undefined || until.getTime() >= Date.parse(effective_from)) &&
    (effective_until === undefined || from.getTime() <= Date.parse(effective_until)) &&
    (country === null || countries === undefined || countries.includes(country)) &&
    (placement === null || inPlacement(entry, placement, file)) &&
    (collection === null || inCollection(entry, collection))
  );
}

/** Whether an entry is for a property. Ids and tags refer to the file's own list; a publisher that is named, to any. */
function covers(entry: AuthorizedAgent, target: Target): boolean {
  const tagged = (tags: readonly string[]) => target.tags.some((tag) => tags.includes(tag));
  const identified = (ids: readonly string[]) => target.id !== null && ids.includes(target.id);
  switch (entry.authorization_type) {
    case "property_ids":
      return target.listed && identified(entry.property_ids);
    case "property_tags":
      return target.listed && tagged(entry.property_tags);
    case "inline_properties":
      return entry.properties.some((inline) => isSame(inline, target));
    case "publisher_properties":
      return entry.publisher_properties.some((selector) => {
        if (selector.selection_type === "all") return true;
        return selector.selection_type === "by_id" ? identified(selector.property_ids) : tagged(selector.property_tags);
      });
  }
}

/** The same by its id; where one of them has none, by each of its identifiers. */
function isSame(inline: PublishedProperty, { property, id }: Target): boolean {
  if (inline === property) return true;
  if (id !== null && inline.property_id !== undefined) return inline.property_id === id;
  const identifiers = property?.identifiers ?? [];
  return (
    identifiers.length > 0 &&
    identifiers.every(({ type, value }) => inline.identifiers.some((one) => one.type === type && one.value === value))
  );
}

function inPlacement(
  { placement_ids, placement_tags }: AuthorizedAgent,
  placement: string | null,
  { placements }: PublisherFile,
): boolean {
  const tags = placement !== null && Object.hasOwn(placements, placement) ? (placements[placement] ?? []) : [];
  return (
    (placement_ids === undefined || (placement !== null && placement_ids.includes(placement))) &&
    (placement_tags === undefined || tags.some((tag) => placement_tags.includes(tag)))
  );
}

function inCollection({ collections }: AuthorizedAgent, collection: string | null): boolean {
  return (
    collections === undefined ||
    collections.some(({ publisher_domain, collection_ids }) =>
      collection_ids.some((id) => `${publisher_domain}/${id}` === collection),
    )
  );
}

function orNotSaid(values: readonly string[]): readonly (string | null)[] {
  return values.length > 0 ? values : [null];
}

function quoted(word: string): string {
  return `"${sellerText(word, 60)}"`;
}

function dayOf(instant: string): string {
  return new Date(instant).toISOString().slice(0, 10);
}
