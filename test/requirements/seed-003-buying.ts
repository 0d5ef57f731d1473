import { byDesign, later, type Row, tested } from "./row.ts";

/** Seed 003, second half: quotes and negotiation over several sellers, selection, booking, identity. */
export const seed003Buying = {
  // Why several sellers
  "multi_seller.price_comparison": tested(
    "Quotes of several sellers come back side by side, ranked, with a reason each.",
  ),
  "multi_seller.diversification": tested("How much goes to one seller or channel is limited by policy."),
  "multi_seller.shortfall": later("pacing and reallocation", "When one seller under-delivers, others take up the gap."),

  // Quotes and negotiation in parallel
  "quote.many_at_once": tested("One call asks for quotes of many products of many sellers."),
  "quote.partial_failure": tested("A quote that fails is listed with its reason beside those that worked."),
  "quote.invented_id": byDesign(
    5,
    "A quote is referred to by the id its seller gave; no id is made up from a product's.",
  ),
  "negotiation.parallel": tested("Negotiations with several sellers run in parallel."),
  "negotiation.target": tested("The strategy opens at the target price."),
  "negotiation.max": tested("The strategy never offers or accepts more than the maximum."),
  "negotiation.step": tested("The strategy concedes by the step given, no more, each round."),
  "negotiation.clamped": tested("Offers are clamped to the quote's price and the mandate's highest CPM."),
  "negotiation.result.outcome": tested("A negotiation ends with one outcome from a closed list."),
  "negotiation.result.final_price": tested(
    "A negotiation that agreed says the price, and what was saved against the quote.",
  ),
  "negotiation.result.rounds": tested("A negotiation says how many rounds it took."),
  "negotiation.not_negotiable": tested(
    "A product, tier or seller that does not negotiate is not_negotiable, with what to do instead.",
  ),
  "negotiation.seat_tier": byDesign(
    10,
    "Whether public or seat may negotiate differs by source and seller, so the seller's answer counts.",
  ),
  "negotiation.failure_isolated": tested(
    "A negotiation that fails leaves the others, and its own quote, as they were.",
  ),
  "negotiation.benchmark": tested("The best price of a trusted seller serves as the benchmark for the others."),

  // Selection
  "compare.price": tested("A lower effective price ranks higher, without jumps for small differences."),
  "compare.format_fit": tested("Formats that fit the brief count in the ranking."),
  "compare.negotiability": tested("Negotiability counts in the ranking."),
  "compare.volume_discount": tested("Volume discounts count in the ranking."),
  "compare.negotiated_price": tested("A negotiated price replaces the listed one in the ranking."),
  "portfolio.within_budget": tested("The selection never costs more than the budget; what is left is said."),
  "portfolio.cap_per_seller": tested("A share per seller can be capped."),
  "money.exact": byDesign(
    2,
    "Prices and budgets are whole micros with a currency, where the source computes with floats.",
  ),
  "money.half_up": tested("A division of money rounds half up, and says to what unit."),
  "money.cpm_times_impressions": tested("A total is the CPM times the impressions over 1,000, exact before rounding."),

  // Booking
  "booking.brief_to_seller": byDesign(5, "A seller is asked to book a quote, never handed the campaign brief."),
  "brief.name": tested("A brief has a name."),
  "brief.demographics": tested("A brief's audience can name demographics, such as an age range."),
  "brief.interests": tested("A brief's audience can name interests."),
  "brief.channels": tested("A brief can name the channels wanted."),
  "campaign.job": tested("A campaign runs in the background; its id finds it again."),
  "campaign.status.awaiting_approval": tested("A campaign with recommendations waits as awaiting_approval."),
  "campaign.status.completed": tested("A campaign whose lines are all settled is completed."),
  "campaign.status.failed": tested("A campaign that cannot go on is failed, with its reason."),
  "booking.poll": tested("A caller waits for a decision with approve and a waiting time, and then gets the booking."),
  "booking.poller_approves": byDesign(4, "A program that polls a buy cannot approve it; only a person's channel can."),
  "booking.parallel": tested("Lines of several sellers are booked without one waiting for another's failure."),

  // How much identity to reveal
  "identity.threshold.high": tested("From 100,000 in the buyer's currency on, the advertiser is revealed."),
  "identity.threshold.mid": tested(
    "From 25,000 in the buyer's currency on, the agency is revealed; below it, the seat.",
  ),
  "identity.threshold.setting": tested("Both thresholds are settings."),
  "identity.pg": tested("Programmatic guaranteed reveals the advertiser."),
  "identity.relationship": tested("A trusted seller sees one step more; new and unknown ones do not."),
  "identity.goal": tested("A performance goal reveals one step more than awareness."),
  "identity.new_seller": tested("A new seller starts at the seat."),
  "identity.example.high": tested("A 150,000 guaranteed deal with a trusted seller reveals the advertiser."),
  "identity.example.low": tested("A 10,000 preferred deal with a seller never bought from reveals at most the seat."),
  "identity.tier.public": tested("Public reveals nothing; expected discount 0 %."),
  "identity.tier.seat": tested("Seat reveals the seat id; expected discount 5 %."),
  "identity.tier.agency": tested("Agency adds the agency id; expected discount 10 %."),
  "identity.tier.advertiser": tested("Advertiser adds the advertiser id; expected discount 15 %."),
  "identity.fields": tested(
    "A desk's identity has seat, agency, holding company, advertiser and industry, by id and name.",
  ),
  "identity.masked": tested("Fields above the chosen tier appear in no byte sent to the seller."),
  "identity.cap": tested("Whatever the deal, the tier never goes above what the seller's trust allows."),
  "identity.savings": tested(
    "What the next tier would save is computed: 35.00 from seat to agency saves 1.75 a thousand.",
  ),
  "identity.no_key_for_tier": tested("A tier for which the desk holds no key is named as not available."),
  "identity.lower_than_expected": tested("A discount lower than the tier's expected one is a warning on the quote."),
} satisfies Record<string, Row>;
