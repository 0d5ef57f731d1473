import { byDesign, type Row, tested } from "./row.ts";

/** Seed 003, first half: finding sellers, trust, media kits, cache, errors and timeouts. */
export const seed003Discovery = {
  // Registry and cards
  "discovery.registry.query": tested("The AAMP agent registry is asked for seller agents."),
  "discovery.registry.url": tested("The registry's address is a setting."),
  "discovery.registry.timeout": tested("The registry's timeout is a setting."),
  "discovery.registry.filter": tested("A registry's answer is filtered by capability."),
  "discovery.registry.down": byDesign(
    9,
    "A registry that is down is said to be down; it is never an empty list of sellers.",
  ),
  "discovery.registry.fallback": tested(
    "When the registry is down the last known good list is offered, marked stale, beside the configured sellers.",
  ),
  "discovery.all": tested("Without any filter every seller the desk may see is listed."),
  "discovery.filter.capability": tested("Sellers are filtered by what they can do."),
  "discovery.filter.channel": tested("Sellers are filtered by channel."),
  "discovery.filter.filtered_out": tested("No match is an empty answer with its reason, and no error."),
  "discovery.card.direct": tested("One seller's card is read directly from its address."),
  "discovery.card.name": tested("A found seller has an id, a name and a domain."),
  "discovery.card.protocols": tested("A found seller says which of our protocols it speaks."),
  "discovery.card.mcp_a2a_opendirect": tested("Cards that declare MCP, A2A or OpenDirect lead to the right protocol."),
  "discovery.card.malformed": tested("One malformed card loses only its own seller, and that is said."),

  // Trust
  "trust.before_contact": tested("Nothing of the buyer is sent to a seller before its trust is known."),
  "trust.verify": tested("A seller's trust is asked from the registry, by its address."),
  "trust.is_registered": tested("Whether a seller is registered is part of the answer."),
  "trust.registry_id": tested("A registered seller's registry id is shown."),
  "trust.level": tested("Every listed seller has a trust level and who says so."),
  "trust.preferred": tested("A preferred seller may see up to the advertiser."),
  "trust.verified": tested("A verified seller may see up to the agency."),
  "trust.registered": tested("A registered seller may see up to the seat."),
  "trust.unknown": tested("An unknown seller is only read anonymously: its public media kit."),
  "trust.unknown_capped_at_seat": byDesign(
    10,
    "Unknown is treated the stricter of two ways the source gives: public media kit, not seat.",
  ),
  "trust.blocked": tested("A blocked seller is never contacted, not even for its card."),
  "trust.filter": tested("Sellers under the trust asked for are kept out, and named with the reason."),
  "trust.recommendation": tested("Each trust level comes with a recommendation in words."),

  // Media kits
  "kit.parallel": tested("Without a seller named, all trusted sellers' kits are read in parallel."),
  "kit.bounded_by_slowest": tested("The answer comes at the deadline at the latest, with whatever has arrived."),
  "kit.unreachable_skipped": byDesign(
    9,
    "A seller that does not answer is in the answer with its status; none is dropped silently.",
  ),
  "kit.status_per_seller": tested(
    "Each seller asked has a status: ok, empty, timeout, unreachable, refused or invalid answer.",
  ),
  "kit.seller_of_product": tested("Every product says which seller it comes from."),
  "kit.without_key": tested("Without a key the public kit is read, with ranges for prices."),
  "kit.seller_name": tested("A kit names its seller."),
  "kit.total": tested("A kit says how many products there are and how many are shown."),
  "kit.featured": tested("Featured products come first or are marked."),
  "kit.search": tested("Products are searched by words."),
  "kit.search.identity": tested("A search reveals no more of the buyer than was decided for that seller."),
  "kit.detail": tested("With a key a product's detail brings the exact price."),
  "kit.sorted_by_price": tested("Products with an exact price are ordered by it; those without follow."),
  "kit.field.price_range": tested("A price range in display form is read as two exact amounts with a currency."),
  "kit.field.exact_price": tested("An exact price is the CPM at our tier."),
  "kit.field.floor_price": tested("A floor is shown where the seller gives one, and never taken for the price."),
  "kit.field.negotiation_enabled": tested("Whether a product is negotiable is shown."),
  "kit.field.volume_discounts": tested("Whether volume discounts apply is shown."),
  "kit.field.ad_formats": tested("A product's formats are shown."),
  "kit.field.geo_targets": tested("A product's geography is shown."),
  "kit.field.device_types": tested("A product's devices are shown as words, not as codes."),
  "kit.price_on_request": tested("A product without a price says so; it never costs zero."),

  // Credentials
  "connection.auth.per_origin": tested("A seller's key is sent to that seller's origin alone, not through a redirect."),
  "connection.auth.not_an_argument": tested("No tool takes a credential."),

  // Cache
  "cache.ttl_default": tested("A cached card is good for 300 seconds by default."),
  "cache.ttl_setting": tested("The time a cached card is good for is a setting."),
  "cache.filter_order": tested("The same filter in another order is answered from the same cache entry."),
  "cache.card": tested("A card read directly is cached by its address."),
  "cache.cards_of_discovery": tested("Cards found by a discovery are cached one by one."),
  "cache.refresh_one": tested("One seller can be read afresh."),
  "cache.refresh_all": tested("All sellers can be read afresh."),
  "cache.in_memory": byDesign(
    3,
    "Caches live in Keyv on disk, apart from the ledger, so that a restart is not a cold start.",
  ),

  // Errors and timeouts
  "error.seller_status": tested("A failed call names the seller, what failed and the HTTP status."),
  "error.unreachable_vs_timeout": tested("Unreachable, timed out and refused are different words."),
  "error.one_blocks_none": tested("One seller's failure blocks no other seller."),
  "connection.timeout.discovery": tested("Discovery gives a seller 10 seconds by default."),
  "connection.timeout.kit": tested("Media kits give a seller 15 seconds by default."),
  "connection.timeout.booking": tested("Negotiation and booking give a seller 30 seconds by default."),
  "connection.timeout.setting": tested("The timeout of each phase is a setting."),
} satisfies Record<string, Row>;
