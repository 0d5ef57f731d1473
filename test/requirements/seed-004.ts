import { byDesign, issue, later, type Row } from "./row.ts";

/** Seed 004: the two AdCP storyboards (guaranteed with a person's IO approval; non-guaranteed by auction). */
export const seed004 = {
  // Accounts
  "adcp.account.sync": issue(5, "Brand and operator are registered with a seller before the first buy."),
  "adcp.account.sent": issue(5, "Brand domain, operator, billing and payment terms come from the desk's config."),
  "adcp.account.id": issue(5, "The seller's account id is kept per seller."),
  "adcp.account.action": issue(5, "Whether the account was created or updated is read; a failed one stops the buy."),
  "adcp.account.status": issue(5, "An active account buys; one pending approval waits and then goes on."),
  "adcp.account.setup": issue(
    5,
    "A pending account's setup address and message reach the person; the address is never fetched by us.",
  ),
  "adcp.account.scope": issue(5, "The account's scope (operator, brand, both, agent) is read."),
  "adcp.account.payment_terms": issue(5, "The account's payment terms reach the approver."),
  "adcp.account.reference": issue(5, "Every later call names the account by brand and operator."),

  // Products of both storyboards
  "adcp.products.brief": issue(5, "A free-text brief is put to a seller as buying mode brief."),
  "adcp.products.id": issue(5, "Each product has its seller's id, a name and a description."),
  "adcp.products.delivery_type": issue(5, "Guaranteed and non-guaranteed products are told apart."),
  "adcp.products.fixed_price": issue(5, "A fixed CPM or flat rate is the price of a guaranteed product."),
  "adcp.products.forecast": issue(5, "A guaranteed product's committed impressions are shown."),
  "adcp.products.sla": issue(
    5,
    "A guaranteed product's service level, such as a completion rate, becomes part of the terms.",
  ),
  "adcp.products.formats": issue(5, "The creative formats a product needs are shown."),
  "adcp.products.minimum_spend": issue(5, "A minimum spend is checked before sending."),
  "adcp.products.floor": issue(5, "An auction product's floor price is shown as a floor."),
  "adcp.products.bid_guidance": issue(5, "Recommended bids are shown with the reason for ours."),
  "adcp.products.forecast_by_bid": issue(5, "Estimated impressions and win rates per bid level are shown where given."),
  "adcp.products.targeting": issue(5, "Available audiences and contexts are shown."),
  "adcp.seller.kinds": issue(5, "Display, video, audio, social and DSP sellers are all reached by one protocol."),
  "adcp.seller.linear_tv": later("linear TV", "An AdCP seller of linear TV is bought from in its own units."),

  // Guaranteed: creating
  "adcp.create.dates": issue(5, "Start and end are sent as UTC instants."),
  "adcp.create.packages": issue(5, "Several packages, each with product, budget and pricing option, go in one call."),
  "adcp.create.creative_assignments": issue(5, "Creatives are assigned to packages at creation."),
  "adcp.create.after_approval": issue(
    5,
    "The call is made only after our own person's approval, whatever the seller asks its own people.",
  ),
  "adcp.create.submitted": issue(5, "A submitted buy is waiting for the seller, not booked."),
  "adcp.create.estimated_completion": issue(5, "When the seller expects to be done is told to the planner."),
  "adcp.create.packages_echoed": issue(5, "The packages in the answer are compared with those sent."),
  "adcp.create.media_buy_id": issue(5, "The seller's media buy id is kept as soon as there is one."),
  "adcp.create.idempotent": issue(5, "A lost answer is settled by the same bytes and key: one buy at the seller."),
  "adcp.webhook.config": issue(5, "A push notification address is sent only where one is configured."),
  "adcp.webhook.signature": issue(
    5,
    "A webhook is believed only when its signature holds, and then only as a hint to read again.",
  ),

  // Guaranteed: waiting for the IO
  "adcp.pending.status": issue(5, "A buy pending the seller's approval is awaiting_seller."),
  "adcp.pending.setup_url": issue(5, "The address where the IO is signed is shown to the person, https only."),
  "adcp.pending.setup_message": issue(5, "What the person has to do there is shown as the seller's words."),
  "adcp.pending.valid_actions": issue(5, "What can be done in the present state is read from the seller."),
  "adcp.pending.poll": issue(5, "The buy is polled with backoff, over restarts, without a public address."),
  "adcp.pending.rejected": issue(5, "A rejected IO ends the buy with its reason and releases its budget."),
  "adcp.confirmed.status": issue(5, "Confirmed and active both count as booked."),
  "adcp.confirmed.at": issue(5, "When the seller confirmed is kept."),
  "adcp.confirmed.compared": issue(5, "The confirmed packages, prices and dates are compared with what was approved."),

  // Creatives
  "adcp.creatives.sync": issue(5, "Creatives are sent with name, format and assets."),
  "adcp.creatives.asset": issue(5, "An asset has an id, a type, an address and a MIME type."),
  "adcp.creatives.action": issue(5, "Each creative comes back as created, updated, unchanged or failed."),
  "adcp.creatives.status": issue(5, "Each creative's review state is followed: accepted, pending review, rejected."),
  "adcp.creatives.errors": issue(5, "A rejected creative brings its validation errors."),

  // Non-guaranteed: bids
  "adcp.bid.per_package": issue(5, "Each package of an auction buy has a budget and a highest bid."),
  "adcp.bid.below_floor": issue(
    5,
    "A bid below the floor is refused before sending, and the seller's refusal is told plainly.",
  ),
  "adcp.bid.immediate": issue(5, "An auction buy the seller confirms at once is booked at once."),
  "adcp.bid.no_human": byDesign(
    4,
    "That a seller needs no person does not spare ours: the desk's mandate decides for auctions too.",
  ),
  "adcp.bid.acknowledged": issue(5, "The bids in the answer are compared with those approved."),

  // Non-guaranteed: in flight
  "adcp.inflight.spend": issue(5, "Spend so far is read per package."),
  "adcp.inflight.win_rate": issue(5, "Win rate is shown where reported; else not reported, never zero."),
  "adcp.inflight.pacing": issue(
    5,
    "Whether a package is on pace, ahead or behind is said in words, with the threshold.",
  ),
  "adcp.update.bid": issue(5, "A bid is changed in flight; a higher one needs a new approval."),
  "adcp.update.budget": issue(5, "Budgets of packages are changed in flight; a rise needs a new approval."),
  "adcp.update.reallocate": issue(5, "Budget moved between packages at the same total needs a new approval too."),
  "adcp.update.daily_cap": issue(5, "A daily cap is set where the seller has one."),
  "adcp.update.pause": issue(5, "A buy is paused and resumed."),
  "adcp.update.package_named": issue(
    5,
    "A package is named by its id or by its product; the seller gets what it understands.",
  ),
  "adcp.update.effect": issue(5, "The changed packages are read back; the buy stays active."),
  "adcp.update.advice": issue(
    5,
    "Low win rate suggests a bid range, overspending a lower bid or a cap; neither is done unasked.",
  ),

  // Delivery
  "adcp.delivery.metrics": issue(5, "Impressions, clicks, spend and completion rate are read per package."),
  "adcp.delivery.daily": issue(5, "A daily breakdown per package is asked for and shown."),
  "adcp.delivery.budget_used": issue(5, "Budget used is shown against what was committed."),
  "adcp.delivery.sla": issue(5, "Completion is compared with the guaranteed threshold kept in the terms."),
  "adcp.delivery.clearing_price": issue(5, "Average clearing price is shown beside the bid where reported."),
  "adcp.delivery.shape": issue(
    5,
    "Delivery is read under the current field name and under the one the storyboard checks.",
  ),

  // Both storyboards as wholes
  "adcp.storyboard.guaranteed": issue(5, "The guaranteed storyboard runs end to end through a real MCP client."),
  "adcp.storyboard.auction": issue(5, "The auction storyboard runs end to end through a real MCP client."),
  "adcp.schema": issue(5, "Every request sent validates against the official schema of the version spoken."),
  "adcp.sample_defects": issue(
    5,
    "Where the storyboards' samples are invalid today, the valid form is sent: keys, schemes, asset maps, package ids.",
  ),
} satisfies Record<string, Row>;
