import * as z from "zod";
import type { Discovery } from "../buying/discover.ts";
import { trustLevels } from "../domain/identity.ts";
import { recommendation } from "../domain/trust.ts";
import { capabilities } from "../domain/capability.ts";
import { fields } from "./fields.ts";
import { table } from "./table.ts";
import { answer, defineTool, everyAnswer, heardFrom } from "./tool.ts";

export const discoverSellers = defineTool({
  name: "discover_sellers",
  title: "Discover sellers",
  effect: "read",
  description:
    "Find sellers to buy from, with trust, protocol and what they can do. Start here. Says who is down or kept out, and why.",
  input: z.strictObject({
    channels: fields.channels.optional(),
    countries: z.array(z.string().length(2)).max(20).optional().describe("ISO country codes"),
    min_trust: z.enum(trustLevels).exclude(["blocked"]).optional(),
    capability: z.enum(capabilities).optional(),
    protocol: z.string().max(30).optional(),
    query: z.string().max(120).optional(),
    url: z.string().max(300).optional().describe("One agent by its address"),
    refresh: z.boolean().optional().describe("Ask again, past the caches"),
    deadline_s: fields.deadline.optional(),
  }),
  output: z.looseObject({
    ...everyAnswer,
    sellers: z.array(z.looseObject({ seller_id: z.string(), trust: z.string(), protocol: z.string() })),
    kept_out: z.array(z.looseObject({ seller_id: z.string(), why: z.string() })),
    sources: z.array(z.looseObject({ name: z.string(), status: z.string() })),
  }),
}).run(async (input, desk) => {
  const found = await desk.discover({
    channels: input.channels ?? [],
    countries: input.countries ?? [],
    minTrust: input.min_trust ?? null,
    capability: input.capability ?? null,
    protocol: input.protocol ?? null,
    query: input.query ?? null,
    url: input.url ?? null,
    refresh: input.refresh ?? false,
    deadlineMs: (input.deadline_s ?? 10) * 1000,
  });
  const sellers = found.sellers.map(({ record, card, revealUpTo, boughtBefore }) => ({
    seller_id: record.id,
    name: record.name,
    domain: record.domain,
    protocol: record.protocol,
    version: card.version,
    compatible: card.compatibility.ok,
    compatibility: card.compatibility.note,
    channels: card.channels,
    deal_types: card.dealTypes,
    trust: record.trust,
    trust_by: record.trustBy,
    recommendation: recommendation[record.trust],
    ...registered(record),
    relationship: record.relationship,
    reveal_up_to: revealUpTo,
    can: card.capabilities,
    bought_before: boughtBefore,
    ...(namesOtherAddress(record.origin, card.url) ? { card_names_other_address: true } : {}),
  }));
  const keptOut = found.keptOut.slice(0, MOST_KEPT_OUT).map(({ record, why, status }) => ({
    seller_id: record.id,
    trust: record.trust,
    status,
    why,
    ...(record.cautions.length > 0 ? { cautions: record.cautions } : {}),
  }));
  const columns = [
    "seller_id",
    "name",
    "channels",
    "deal types",
    "trust",
    "may see us as",
    "can",
    "version",
    "bought before",
  ];
  const rows = sellers.map((one) => [
    one.seller_id,
    one.name,
    one.channels.join(", "),
    one.deal_types.join(", "),
    one.trust,
    one.reveal_up_to,
    one.can.join(", "),
    one.version,
    one.bought_before,
  ]);
  const next = sellers.length > 0 ? ["get_media_kit {}"] : ["discover_sellers {}"];
  return heardFrom(
    answer(
      desk,
      { sellers, kept_out: keptOut, kept_out_total: found.keptOut.length, sources: found.sources.map(sourceFields) },
      next,
      sellers.length === 0 ? "No seller matches." : table(columns, rows),
      found.sellers
        .filter(({ record }) => record.words.length > 0 || record.cautions.length > 0)
        .map(({ record }) => trustLine(record))
        .join("\n"),
      sellers
        .filter(({ compatible }) => !compatible)
        .map((one) => `${one.seller_id}: ${one.compatibility}`)
        .join("\n"),
      keptOut.length > 0 &&
        `Kept out:\n${table(
          ["seller_id", "status", "why"],
          keptOut.map((one) => [one.seller_id, one.status, [one.why, ...(one.cautions ?? [])].join("; ")]),
        )}`,
      found.keptOut.length > keptOut.length &&
        `And ${found.keptOut.length - keptOut.length} more, which registries list: narrow with query, channels or min_trust.`,
      `Sources: ${found.sources.map(sourceWords).join(", ")}`,
    ),
    [...sellers.map((one) => `${one.seller_id} ok`), ...keptOut.map((one) => `${one.seller_id} ${one.status}`)],
  );
});

/** Registries may list hundreds that nobody vouches for. */
const MOST_KEPT_OUT = 60;

type Source = Discovery["sources"][number];
type Found = Discovery["sellers"][number]["record"];

/** What registries say of a seller; nothing where none was asked. */
function registered({ words, cautions, fromRegistry }: Found) {
  if (words.length === 0 && cautions.length === 0) return {};
  const registries = words.map(({ registry, trust, registryId, at, stale }) => ({
    ...{ registry, trust, registry_id: registryId, at, stale },
  }));
  return {
    is_registered: words.some(({ trust }) => trust !== "unknown"),
    registry_id: words.find(({ registryId }) => registryId !== null)?.registryId ?? null,
    ...{ from_registry: fromRegistry, registries, cautions },
  };
}

function trustLine({ id, trust, trustBy, words, cautions }: Found): string {
  const ids = words.flatMap(({ registry, registryId }) =>
    registryId === null ? [] : [`${registry} id ${registryId}`],
  );
  return [`${id}: ${trust} (${trustBy}), ${recommendation[trust]}`, ...ids, ...cautions].join("; ");
}

function sourceFields({ name, status, registry }: Source) {
  if (!registry) return { name, status };
  const { listed, unreadable, asOf, why } = registry;
  return { name, status, listed, unreadable, as_of: asOf, ...(why === null ? {} : { stale: asOf !== null, why }) };
}

function sourceWords({ name, status, registry }: Source): string {
  if (!registry) return `${name} ${status}`;
  const { listed, unreadable, asOf, why } = registry;
  const lost = unreadable > 0 ? `, ${unreadable} unreadable` : "";
  if (why === null) return `${name} ${status} (${listed} listed${lost})`;
  const last =
    asOf === null ? "no earlier list is known" : `the last known list of ${asOf} is used, ${listed} listed${lost}`;
  return `${name} ${status} (${why} ${last})`;
}

/** A card that names another address than it was read from is said, never followed. */
function namesOtherAddress(origin: string, named: string | null): boolean {
  return named !== null && URL.canParse(named) && new URL(named).origin !== origin;
}
