import { byDesign, tested, later, type Row } from "./row.ts";

/** Seed 004: the two AdCP storyboards (guaranteed with a person's IO approval; non-guaranteed by auction). */
export const seed004 = {
  // Accounts
  "adcp.account.sync": tested("Brand and operator are registered with a seller before the first buy."),
  "adcp.account.sent": tested("Brand domain, operator, billing and payment terms come from the desk's config."),
  "adcp.account.id": tested("The seller's account id is kept per seller."),
  "adcp.account.action": tested("Whether the account was created or updated is read; a failed one stops the buy."),
  "adcp.account.status": tested("An active account buys; one pending approval waits and then goes on."),
  "adcp.account.setup": tested(
    "A pending account's setup address and message reach the person; the address is never fetched by us.",
  ),
  "adcp.account.scope": tested("The account's scope (operator, brand, both, agent) is read."),
  "adcp.account.payment_terms": tested("The account's payment terms reach the approver."),
  "adcp.account.reference": tested("Every later call names the account by brand and operator."),

  // Products of both storyboards
  "adcp.products.brief": tested("A free-text brief is put to a seller as buying mode brief."),
  "adcp.products.id": tested("Each product has its seller's id, a name and a description."),
  "adcp.products.delivery_type": tested("Guaranteed and non-guaranteed products are told apart."),
  "adcp.products.fixed_price": tested("A fixed CPM or flat rate is the price of a guaranteed product."),
  "adcp.products.forecast": tested("A guaranteed product's committed impressions are shown."),
  "adcp.products.sla": tested(
    "A guaranteed product's service level, such as a completion rate, becomes part of the terms.",
  ),
  "adcp.products.formats": tested("The creative formats a product needs are shown."),
  "adcp.products.minimum_spend": tested("A minimum spend is checked before sending."),
  "adcp.products.floor": tested("An auction product's floor price is shown as a floor."),
  "adcp.products.bid_guidance": tested("Recommended bids are shown with the reason for ours."),
  "adcp.products.forecast_by_bid": tested("Estimated impressions and win rates per bid level are shown where given."),
  "adcp.products.targeting": tested("Available audiences and contexts are shown."),
  "adcp.seller.kinds": tested("Display, video, audio, social and DSP sellers are all reached by one protocol."),
  "adcp.seller.linear_tv": later("linear TV", "An AdCP seller of linear TV is bought from in its own units."),

  // Guaranteed: creating
  "adcp.create.dates": tested("Start and end are sent as UTC instants."),
  "adcp.create.packages": tested("Several packages, each with product, budget and pricing option, go in one call."),
  "adcp.create.creative_assignments": tested("Creatives are assigned to packages at creation."),
  "adcp.create.after_approval": tested(
    "The call is made only after our own person's approval, whatever the seller asks its own people.",
  ),
  "adcp.create.submitted": tested("A submitted buy is waiting for the seller, not booked."),
  "adcp.create.estimated_completion": tested("When the seller expects to be done is told to the planner."),
  "adcp.create.packages_echoed": tested("The packages in the answer are compared with those sent."),
  "adcp.create.media_buy_id": tested("The seller's media buy id is kept as soon as there is one."),
  "adcp.create.idempotent": tested("A lost answer is settled by the same bytes and key: one buy at the seller."),
  "adcp.webhook.config": tested("A push notification address is sent only where one is configured."),
  "adcp.webhook.signature": tested(
    "A webhook is believed only when its signature holds, and then only as a hint to read again.",
  ),

  // Guaranteed: waiting for the IO
  "adcp.pending.status": tested("A buy pending the seller's approval is awaiting_seller."),
  "adcp.pending.setup_url": tested("The address where the IO is signed is shown to the person, https only."),
  "adcp.pending.setup_message": tested("What the person has to do there is shown as the seller's words."),
  "adcp.pending.valid_actions": tested("What can be done in the present state is read from the seller."),
  "adcp.pending.poll": tested("The buy is polled with backoff, over restarts, without a public address."),
  "adcp.pending.rejected": tested("A rejected IO ends the buy with its reason and releases its budget."),
  "adcp.confirmed.status": tested("Confirmed and active both count as booked."),
  "adcp.confirmed.at": tested("When the seller confirmed is kept."),
  "adcp.confirmed.compared": tested("The confirmed packages, prices and dates are compared with what was approved."),

  // Creatives
  "adcp.creatives.sync": tested("Creatives are sent with name, format and assets."),
  "adcp.creatives.asset": tested("An asset has an id, a type, an address and a MIME type."),
  "adcp.creatives.action": tested("Each creative comes back as created, updated, unchanged or failed."),
  "adcp.creatives.status": tested("Each creative's review state is followed: accepted, pending review, rejected."),
  "adcp.creatives.errors": tested("A rejected creative brings its validation errors."),

  // Non-guaranteed: bids
  "adcp.bid.per_package": tested("Each package of an auction buy has a budget and a highest bid."),
  "adcp.bid.below_floor": tested(
    "A bid below the floor is refused before sending, and the seller's refusal is told plainly.",
  ),
  "adcp.bid.immediate": tested("An auction buy the seller confirms at once is booked at once."),
  "adcp.bid.no_human": byDesign(
    4,
    "That a seller needs no person does not spare ours: the desk's mandate decides for auctions too.",
  ),
  "adcp.bid.acknowledged": tested("The bids in the answer are compared with those approved."),

  // Non-guaranteed: in flight
  "adcp.inflight.spend": tested("Spend so far is read per package."),
  "adcp.inflight.win_rate": tested("Win rate is shown where reported; else not reported, never zero."),
  "adcp.inflight.pacing": tested("Whether a package is on pace, ahead or behind is said in words, with the threshold."),
  "adcp.update.bid": tested("A bid is changed in flight; a higher one needs a new approval."),
  "adcp.update.budget": tested("Budgets of packages are changed in flight; a rise needs a new approval."),
  "adcp.update.reallocate": tested("Budget moved between packages at the same total needs a new approval too."),
  "adcp.update.daily_cap": byDesign(
    17,
    "A daily cap is refused plainly, with what does hold spending: AdCP has no field for one.",
  ),
  "adcp.update.pause": tested("A buy is paused and resumed."),
  "adcp.update.package_named": tested(
    "A package is named by its id or by its product; the seller gets what it understands.",
  ),
  "adcp.update.effect": tested("The changed packages are read back; the buy stays active."),
  "adcp.update.advice": tested(
    "Low win rate suggests a bid range, overspending a lower bid or a cap; neither is done unasked.",
  ),

  // Delivery
  "adcp.delivery.metrics": tested("Impressions, clicks, spend and completion rate are read per package."),
  "adcp.delivery.daily": tested("A daily breakdown per package is asked for and shown."),
  "adcp.delivery.budget_used": tested("Budget used is shown against what was committed."),
  "adcp.delivery.sla": tested("Completion is compared with the guaranteed threshold kept in the terms."),
  "adcp.delivery.clearing_price": tested("Average clearing price is shown beside the bid where reported."),
  "adcp.delivery.shape": tested(
    "Delivery is read under the current field name and under the one the storyboard checks.",
  ),

  // Both storyboards as wholes
  "adcp.storyboard.guaranteed": tested("The guaranteed storyboard runs end to end through a real MCP client."),
  "adcp.storyboard.auction": tested("The auction storyboard runs end to end through a real MCP client."),
  "adcp.schema": tested("Every request sent validates against the official schema of the version spoken."),
  "adcp.sample_defects": tested(
    "Where the storyboards' samples are invalid today, the valid form is sent: keys, schemes, asset maps, package ids.",
  ),
} satisfies Record<string, Row>;
