import { byDesign, later, type Row, tested } from "./row.ts";

/** Seed 000: the buyer guide's overview (stages, approval gate, events, tiers, guide topics). */
export const seed000 = {
  // The stages of a buy
  "workflow.end_to_end": tested(
    "One client drives discovery, media kit, quote, negotiation, approval and booking over MCP.",
  ),
  "workflow.negotiation_skippable": tested("A quote can be bought at its price without any negotiation."),
  "workflow.campaign_stages": tested(
    "A campaign passes brief, allocation, research, negotiation, approval, booking and delivery in this order.",
  ),
  "brief.objectives": tested("A brief carries objectives."),
  "brief.budget": tested("A brief carries a budget with its currency, said to be gross or net."),
  "brief.dates": tested("A brief carries the flight's first and last day."),
  "brief.audience": tested("A brief carries the audience wanted."),
  "brief.kpis": tested("A brief carries the figures by which the campaign is judged."),
  "allocation.by_portfolio_manager": tested(
    "The portfolio manager splits the budget over channels; the parts add up exactly.",
  ),
  "allocation.channels": tested(
    "Display for branding or performance, CTV, mobile and the rest each can get a share of the budget.",
  ),
  "research.specialist.discovers": tested("A channel specialist finds the sellers of its channel."),
  "research.specialist.browses": tested("A channel specialist reads media kits and judges the inventory."),
  "research.parallel": tested("Channels are researched in parallel; one that fails loses nothing of the others."),
  "negotiation.over_a2a": tested("A seller reached over A2A is negotiated with over A2A."),
  "booking.over_rest": tested("An approved line is booked through the seller agent's own REST API."),
  "booking.over_mcp": tested("An approved line is booked through the seller's MCP tools."),
  "booking.over_opendirect": tested("An approved line is booked through the seller's OpenDirect API."),
  "media_buy.transitions": tested("A media buy moves only along its transition table; any other move is refused."),
  "media_buy.persisted": tested("Quotes, approvals and media buys survive a restart of the server."),

  // Two ways in
  "flow.campaign": tested("A brief becomes several booked deals across channels after one person's approval."),
  "flow.campaign.many_deals": tested("One approval can hold several lines, of several sellers, and books them all."),
  "flow.deal.from_quote": tested("One deal is bought from one quote, with no campaign around it."),
  "flow.deal.from_product": tested("One deal is bought directly from a product, for planning done elsewhere."),
  "flow.shared_ground": tested("Campaign buys and single deals use the same states, events and ledger."),

  // The person's approval
  "approval.gate": tested("Nothing is booked before a person decided, whatever order the tools are called in."),
  "approval.awaiting": tested(
    "A buy that needs a person waits as awaiting_approval and says how the person can answer.",
  ),
  "approval.approve_all": tested("A person approves all lines of an approval in one decision."),
  "approval.approve_some": tested("A person approves some lines of an approval; only those are booked."),
  "approval.reject": tested("A person rejects; nothing is booked and the quotes stay as they were."),
  "approval.silence_is_no_answer": tested(
    "Decline, cancel, errors and silence decide nothing: the approval stays open.",
  ),
  "approval.times_out": tested("An approval nobody answers expires, and an expired approval books nothing."),
  "approval.auto_approve": byDesign(
    4,
    "No tool takes auto_approve; what may pass without a person is a limit in the operator's config.",
  ),
  "approval.auto_limit_default": tested("Without a configured limit nothing is approved automatically."),
  "approval.auto_limit_configured": tested(
    "Within the operator's configured limit a buy goes through unasked, and the entry says so.",
  ),
  "approval.rest_endpoints": byDesign(
    11,
    "The buyer's approve and approve-all endpoints are the client's form, the terminal and the page.",
  ),

  // Events
  "events.quote": tested("Every quote asked for, renewed or refused is an event."),
  "events.negotiation_round": tested("Every round of a negotiation is an event with both sides' prices."),
  "events.booking": tested("Every step of a booking is an event: asked, decided, started, sent, confirmed or unknown."),
  "events.allocation": tested("Every budget allocation is an event."),
  "events.what_when_why": tested("An event says what happened, when, by whom and, where there was a choice, why."),
  "events.by_flow": tested("The history of one flow is found by its flow_id."),
  "events.by_deal": tested("The history of one deal is found by its deal ID."),
  "events.by_session": byDesign(
    12,
    "There is no session id: the campaign label and the ledger carry the thread across conversations.",
  ),
  "events.query": tested("get_history answers with the events, filtered and paged."),
  "events.subscribe": tested("A client that subscribed to a resource is told when it changes."),
  "session.continues": tested("A new conversation finds open quotes, approvals and buys with get_inbox."),

  // Tiers
  "identity.public_list_price": tested("An anonymous buyer sees list prices or ranges, and is told so."),
  "identity.better_rates_by_tier": tested(
    "The same product gets cheaper from public over seat and agency to advertiser.",
  ),
  "identity.per_seller": tested("What is revealed is decided seller by seller, not once for the desk."),
  "identity.operations_by_tier": tested(
    "What a seller refuses at our tier is named, with the tier that would be needed.",
  ),

  // Guide topics that are subjects of their own
  "multi_seller.normalised_quotes": tested("Offers of several sellers are made comparable before they are ranked."),
  "pacing.monitor": later("pacing and reallocation", "Spend is watched against plan during the flight."),
  "pacing.reallocate": later("pacing and reallocation", "Budget is moved between lines during the flight."),
  "creative.assets": tested("Creatives are sent to the seller and checked against its formats before sending."),
  "creative.ad_server": later("ad-server side of creatives", "Creatives are trafficked in the buyer's ad server."),
  "negotiation.customisable": tested("A negotiation strategy is chosen by name, and a new one is one function."),
  "linear_tv.dma": later("linear TV", "Linear TV is bought by DMA."),
  "linear_tv.scatter_upfront": later("linear TV", "Linear TV is priced as scatter or upfront."),
  "config.settings": tested("Every setting is checked at start; an unknown or malformed one is refused by name."),
  "config.from_environment": tested("Sellers' credentials can come from the environment instead of the file."),
  "deployment.http": tested("The server runs behind a reverse proxy with health checks and a graceful shutdown."),
  "deployment.replicas": later("replicas", "Several machines serve one desk on a shared database."),
  "docs.tool_reference": tested("The tool reference is generated from the tools and is up to date."),
  "docs.quickstart": tested("The quickstart's commands exist and work from a fresh clone."),
} satisfies Record<string, Row>;
