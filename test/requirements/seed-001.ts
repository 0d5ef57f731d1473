import { byDesign, type Row, tested } from "./row.ts";

/** Seed 001: seller agent integration (connection settings, OpenDirect calls, the order of a booking). */
export const seed001 = {
  // Connection
  "desk.no_seller_configured": tested(
    "Without config the desk is a sandbox desk with sandbox sellers, and every answer says so.",
  ),
  "connection.many_sellers": tested("One desk talks to several sellers, each with its own address and credentials."),
  "connection.base_url": tested("OPENDIRECT_BASE_URL names the OpenDirect seller, its path prefix kept."),
  "connection.base_url.default": byDesign(
    8,
    "No seller has a default address: an unconfigured desk is visibly a sandbox desk.",
  ),
  "connection.token_setting": tested("OPENDIRECT_TOKEN is the bearer token, bound to that seller's origin."),
  "connection.api_key_setting": tested("OPENDIRECT_API_KEY is the API key, bound to that seller's origin."),
  "connection.seller_endpoints": tested(
    "SELLER_ENDPOINTS lists sellers, separated by commas; blanks and empty parts do no harm.",
  ),
  "connection.auth.bearer_first": tested("A seller with a token is called with Authorization: Bearer and no API key."),
  "connection.auth.api_key_second": tested("A seller with only a key is called with X-Api-Key."),
  "connection.auth.none_last": tested("A seller without credentials is called without any authentication header."),

  // Agent card
  "discovery.card.well_known": tested("A seller's card is read from its well-known address."),
  "discovery.card.capabilities": tested("The card's capabilities become what the seller can do and its channels."),
  "discovery.card.version": tested("The card's version is in the answer."),
  "discovery.card.endpoints": tested("Which protocol and address the card declares is known before the first quote."),
  "discovery.card.compatibility": tested("An incompatible seller is named as such before anything is bought from it."),
  "discovery.card.optional": tested("A seller without a card is still used when config says what it speaks."),

  // Products and avails
  "kit.products.paged": tested(
    "A catalogue of several pages is read to its end, also from a seller that ignores paging.",
  ),
  "kit.filter.channel": tested("The media kit is filtered by channel."),
  "kit.filter.format": tested("The media kit is filtered by format."),
  "kit.filter.price": tested(
    "The media kit is filtered by highest CPM; a product without a known price is not passed off as cheap.",
  ),
  "kit.product.by_reference": tested("One product is found by its reference; an ambiguous name brings candidates."),
  "opendirect.products.list": tested(
    "OpenDirect products are listed page by page ($skip and $top, and the other dialects).",
  ),
  "opendirect.products.search": tested(
    "OpenDirect products are searched by channel, format and price where served, else filtered here.",
  ),
  "opendirect.products.get": tested("One OpenDirect product is read by id."),
  "opendirect.avails": tested("OpenDirect avails are asked for in both dialects; a total is never taken for a CPM."),
  "avails.impressions": tested("Avails say how many impressions are free in the flight."),
  "avails.estimated_cpm": tested("Avails say the estimated CPM."),
  "avails.total_cost": tested("Avails say the total cost, as exact money."),
  "avails.delivery_confidence": tested("Avails say the delivery confidence where the seller gives one."),
  "avails.before_recommending": tested(
    "A quote shows the free volume beside the price, before anybody is asked to approve.",
  ),

  // Negotiation
  "negotiation.tier_gate": byDesign(
    10,
    "The seller decides whom it negotiates with: its refusal becomes not_negotiable, we guess no tier rule.",
  ),
  "negotiation.start_by_counter": tested("The buyer opens with a counter-offer on the seller's price."),
  "negotiation.multi_turn": tested("Offers go back and forth until agreement, a final offer or a walk-away."),
  "negotiation.automatic": tested("A whole negotiation runs by itself within the limits given."),
  "negotiation.step_by_step": tested("A negotiation can be driven one move at a time: counter, accept, walk away."),
  "negotiation.pluggable_strategy": tested(
    "The move of each round comes from a strategy, a pure function of what is on the table.",
  ),

  // Orders and lines
  "opendirect.order.create": tested("An order is created under the buyer's account."),
  "opendirect.order.after_approval": tested("No order is created before the person approved."),
  "opendirect.line.create": tested("A line for a product is created under the order, as a draft."),
  "opendirect.line.reserve": tested("A draft line is reserved, and read back."),
  "opendirect.line.book": tested("A reserved line is booked at the approved rate, and read back."),
  "opendirect.line.stats": tested("A line's stats are read: delivery, pacing, spend."),
  "opendirect.sequence": tested(
    "Card, search, avails, negotiation if any, order, line, reserve and book follow each other in one test.",
  ),
  "delivery.performance": tested("A booked deal's performance is read from the IAB seller agent."),
} satisfies Record<string, Row>;
