import * as z from "zod";

/**
 * What we read of a publisher's adagents.json (AdCP 3.0 and 3.1, `adagents.json` and the shapes it refers to), and
 * nothing else. Whatever narrows an authorization is read strictly: an entry whose limits cannot be read is one of
 * which we do not know what it allows, so it allows nothing.
 */

/** Longer names are no names; the format sets no limit. */
const name = z.string().min(1).max(255);
const names = z.array(name);
const instant = z.iso.datetime({ offset: true });

/** A file that only says where the real one lies. */
export const pointerFile = z.object({ authoritative_location: z.string() });

export const publishedProperty = z.object({
  property_id: name.optional(),
  tags: names.optional(),
  /** Bad ones are left out: they can only be missing where something must be found. */
  identifiers: z
    .array(z.object({ type: name, value: name }).nullable().catch(null))
    .catch([])
    .transform((all) => all.filter((one) => one !== null)),
  publisher_domain: name.optional(),
});

/** Entries are read one by one with {@link authorizedAgent}. */
export const adagentsFile = z.object({
  /** A pointer, whatever else it says, is not read as a file. */
  authoritative_location: z.undefined().optional(),
  authorized_agents: z.array(z.unknown()),
  properties: z.array(publishedProperty).optional(),
  placements: z.array(z.object({ placement_id: name, tags: names.optional() })).catch([]),
  superseded_by: z.string().optional(),
  revoked_publisher_domains: z.array(z.object({ publisher_domain: name })).optional(),
});

const selectorAddress = { publisher_domain: name.optional(), publisher_domains: names.optional() };
const selector = z.discriminatedUnion("selection_type", [
  z.object({ ...selectorAddress, selection_type: z.literal("all") }),
  z.object({ ...selectorAddress, selection_type: z.literal("by_id"), property_ids: names }),
  z.object({ ...selectorAddress, selection_type: z.literal("by_tag"), property_tags: names }),
]);

const limits = {
  url: z.string(),
  exclusive: z.boolean().optional(),
  /** ISO 3166-1 alpha-2; absent = everywhere. */
  countries: z.array(z.string().regex(/^[A-Z]{2}$/)).optional(),
  effective_from: instant.optional(),
  effective_until: instant.optional(),
  placement_ids: names.optional(),
  placement_tags: names.optional(),
  collections: z.array(z.object({ publisher_domain: name, collection_ids: names })).optional(),
};

/** One of `authorized_agents`, of the kinds that speak of advertising space; those for signals are not read. */
export const authorizedAgent = z.discriminatedUnion("authorization_type", [
  z.object({ ...limits, authorization_type: z.literal("property_ids"), property_ids: names }),
  z.object({ ...limits, authorization_type: z.literal("property_tags"), property_tags: names }),
  z.object({
    ...limits,
    authorization_type: z.literal("inline_properties"),
    properties: z.array(publishedProperty),
  }),
  z.object({
    ...limits,
    authorization_type: z.literal("publisher_properties"),
    publisher_properties: z.array(selector),
  }),
]);

/** What is still known of an entry that is not one of the above; one that is no object forbids nothing either. */
export const unreadableAgent = z
  .object({
    url: z.string().catch(""),
    exclusive: z.boolean().catch(true).default(false),
    authorization_type: z.string().catch(""),
  })
  .catch({ url: "", exclusive: false, authorization_type: "" });

export type AuthorizedAgent = z.infer<typeof authorizedAgent>;
export type PublishedProperty = z.infer<typeof publishedProperty>;
