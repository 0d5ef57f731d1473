import { pricesWords, volumeWords } from "../card/words.ts";
import { displayMoney, formatMoney } from "../domain/money.ts";
import type { Placed } from "../domain/placed.ts";
import type { Proposal, ProposalOutcome } from "../domain/proposal.ts";
import { pricesOf, type Quote } from "../domain/quote.ts";
import type { Entry } from "../ledger/entries.ts";

/** One entry of the ledger in a sentence a planner reads. Seller names in it are cleaned, its facts are ours. */
export function describeEntry(entry: Entry): string {
  switch (entry.kind) {
    case "quoted":
      return `${entry.renews ? `renewed from ${entry.renews}` : "quoted"} at ${offerWords(entry.quote)}, asked by ${entry.by}`;
    case "quote_read":
      return `read again at the seller: ${pricesWords(pricesOf(entry.quote))}`;
    case "proposal_answered":
      return proposedWords(entry.proposal, entry.outcome);
    case "negotiation_round": {
      const { n, move, we, they, theirAction } = entry.round;
      // Without a price of ours it was asked in words, and what the seller did is in what was read next.
      if (move !== "accept" && !we && !they) return `round ${n}: we asked in words, the seller answered`;
      const ours = move === "accept" ? "we accepted" : we ? `we offered ${formatMoney(we)}` : "we asked in words";
      return `round ${n}: ${ours}, the seller ${answered[theirAction]}${they ? ` at ${formatMoney(they)}` : ""}`;
    }
    case "negotiation_ended":
      return `negotiation ${entry.status.replaceAll("_", " ")}${entry.cpm ? ` at ${displayMoney(entry.cpm)} CPM` : ""}: ${entry.why}`;
    case "terms_chosen":
      return `chosen by the planner: ${offerWords(entry.quote)}`;
    case "seller_waits":
      return `${waitWords[entry.wait.for]}${entry.wait.taskId ? ` (task ${entry.wait.taskId})` : ""}`;
    case "seller_ready":
      return "the seller opened the account; it is sent now";
    case "hold_claimed":
      return "reserved before a person is asked: the next write at the seller";
    case "hold_ended":
      return `no longer held: ${entry.why}`;
    case "hold_advanced":
    case "booking_advanced":
      return placedWords(entry.quote);
    case "let_go":
      return entry.left === null
        ? `given up at the seller: ${orderWords(entry.placed)}`
        : `not given up at the seller, ${orderWords(entry.placed)}: ${entry.left}`;
    case "quote_declined":
      return `closed: ${entry.why}`;
    case "quote_refused":
      return `no quote for ${entry.item} (${entry.code}), asked by ${entry.by}: ${entry.why}`;
    case "superseded":
      return `replaced by ${entry.by}`;
    case "approval_requested":
      return `a person was asked for: ${entry.approvalId}, terms ${entry.digest.slice(0, 12)}`;
    case "approval_closed":
      return `${entry.approvalId} no longer covers it: ${entry.why}`;
    case "booking_started":
      return `approved by ${entry.booking.by} (${entry.booking.via}), attempt ${entry.booking.attempt}, ${entry.booking.terms.total} held`;
    case "send_claimed":
      return `${entry.resend ? "sent once more" : "sent to the seller"}, attempt ${entry.attempt}`;
    case "booking_unknown":
      return `no answer that settles it: ${entry.why}`;
    case "booking_looked_up":
      return `looked at the seller: ${entry.found}`;
    case "booking_refused":
      return `not booked (${entry.code}): ${entry.why}${entry.sent ? "" : "; nothing was sent"}`;
    case "booking_confirmed":
      return `booked as approved: deal ${entry.deal.dealId}${entry.deal.cpm ? ` at ${displayMoney(entry.deal.cpm)} CPM` : ""}`;
    case "booking_mismatched":
      return `BOOKED ON OTHER TERMS: deal ${entry.deal.dealId}, ${entry.differences.map(({ field, approved, now }) => `${field} ${approved} became ${now}`).join(", ")}`;
    case "mismatch_cleared":
      return `${entry.by} accepted the difference: ${entry.note}`;
    case "settled_by_person":
      return `${entry.by} settled it as ${entry.booked ? `booked, deal ${entry.deal?.dealId ?? "?"}` : "not booked"}: ${entry.note}`;
    case "order_placed":
      return `order ${entry.orderId}, ${entry.status} at the seller`;
    case "order_failed":
      return `the order could not be placed: ${entry.why}`;
    case "cancel_started":
      return `cancelling, asked by ${entry.by}`;
    case "cancel_confirmed":
      return entry.v === 1
        ? "the seller cancelled it"
        : `the seller cancelled it; ${displayMoney(entry.kept)} was spent until then and stays committed`;
    case "cancel_refused":
      return `not cancelled: ${entry.why}`;
    case "cancel_unknown":
      return `whether it was cancelled is unknown: ${entry.why}`;
    case "buy_changed": {
      const { ref, under, returned } = entry.change;
      return `changed by ${ref}${under ? ", under its own approval" : ""}${returned.micros > 0n ? `; ${displayMoney(returned)} given back` : ""}`;
    }
    case "creatives_synced": {
      const what = `${entry.creatives.length} creatives handed to ${entry.sellerId}, asked by ${entry.by}`;
      if (entry.failed !== null) return `${what}: ${entry.failed}`;
      if (entry.results.length === 0) return `${what}: queued there as task ${entry.taskId}`;
      return `${what}: ${entry.results.map(({ creativeId, action, status }) => `${creativeId} ${action.replace("_", " ")}${status ? ` (${status})` : ""}`).join(", ")}`;
    }
    case "campaign_begun":
      return `brief "${entry.brief.name}": ${entry.brief.objective}, ${displayMoney(entry.brief.budget)} net, ${entry.brief.flight.start} to ${entry.brief.flight.end}; planned by ${entry.planner}, asked by ${entry.by}`;
    case "budget_allocated":
      return `budget allocated, ${entry.why}: ${entry.shares.map(({ channel, budget }) => `${channel} ${displayMoney(budget)}`).join(", ") || "nothing"}`;
    case "research_claimed":
      return `research goes on in one process until ${entry.until.slice(11, 19)}`;
    case "channel_researched":
      return `${entry.channel}: ${entry.lines.length} recommended${entry.lines.length > 0 ? ` (${entry.lines.map(({ ref }) => ref).join(", ")})` : ""}${entry.dropped.length > 0 ? `; dropped: ${entry.dropped.join("; ")}` : ""}`;
    case "channel_failed":
      return `${entry.channel} could not be researched: ${entry.why}`;
    case "campaign_proposed":
      return `${entry.lines.length} lines proposed${entry.approvalId ? `: ${entry.approvalId}` : ", within the operator's own limits"}${entry.why ? `; ${entry.why}` : ""}`;
    case "campaign_changed":
      return `${entry.why}, asked by ${entry.by}: ${entry.lines.length} lines`;
    case "campaign_decided":
      return `decided${entry.approvalId ? ` by ${entry.approvalId}` : ""}; what was approved is booked`;
    case "campaign_ended":
      return `${entry.as}: ${entry.why}`;
    case "campaign_paused":
      return `paused (${entry.by}): ${entry.why}`;
    case "campaign_resumed":
      return `resumed by ${entry.by}`;
    case "campaign_cancelled":
      return `cancelled by ${entry.by}`;
    case "approval_opened":
      return `approval over ${entry.lines.length} ${entry.lines.length === 1 ? "line" : "lines"}, code ${entry.shortCode}, until ${entry.expiresAt.slice(0, 16)}: ${entry.why.join("; ")}`;
    case "approval_asked":
      return `asked through ${entry.client} (${entry.via})`;
    case "approval_not_answered":
      return `not answered (${entry.via}): ${entry.how}`;
    case "approval_decided":
      return `${entry.decision === "approve" ? "APPROVED" : "REJECTED"} by ${entry.by} (${entry.via}, word of the ${entry.wordOf})${entry.note ? `: "${entry.note}"` : ""}`;
    case "approval_line_renewed":
      return `${entry.to} took the place of ${entry.from} on the same terms`;
    case "approval_endorsed":
      return `approved by ${entry.by} (${entry.via}) as the first of two people`;
    case "seller_pinned":
      return `${entry.sellerId} is known from registries alone, and was approved at ${entry.url} by ${entry.by}`;
    case "policy_adopted":
      return `mandate version ${entry.mandate.version} counts (${entry.by})${entry.loosened.length > 0 ? `: ${entry.loosened.join("; ")}` : ""}`;
    case "approval_voided":
      return `void: ${entry.why}`;
    case "reserved":
      return `${displayMoney(entry.holding.amount)} held for ${entry.holding.day}`;
    case "released":
      return `${displayMoney(entry.holding.amount)} given back: ${entry.why}`;
    case "overspent":
      return `INCIDENT: ${displayMoney(entry.by)} more than approved: ${entry.why}`;
    case "incident_cleared":
      return `${entry.by} cleared the incident on ${entry.ref}`;
    case "balances":
      return `${displayMoney(entry.balances.total)} committed in all`;
    case "deal_claimed":
      return `the deal belongs to ${entry.ref}`;
    case "pin_tried":
      return entry.ok ? "PIN accepted" : "PIN refused";
    case "pin_set":
      return "PIN set";
    case "anchored":
      return `${entry.heads.length} heads noted`;
  }
}

function proposedWords({ id, cpm, approvalId }: Proposal, outcome: ProposalOutcome): string {
  const what = `own terms, ${displayMoney(cpm)} CPM (proposal ${id})`;
  if (outcome === "waits") return `${what}: the seller's people decide (approval ${approvalId ?? "?"})`;
  return `${what}: ${outcome} by the seller`;
}

function orderWords({ step, orderId }: Placed): string {
  return `${step === "requested" ? "change request" : "order"} ${orderId}`;
}

function placedWords({ placed, cpm }: Quote): string {
  switch (placed?.step) {
    case "requested":
      return `the seller has ${orderWords(placed)}, without what it asks for`;
    case "ordered":
      return `the seller has order ${placed.orderId}`;
    case "drafted":
      return `the seller has line ${placed.lineId} of order ${placed.orderId}, a draft`;
    case "reserved":
      return `reserved at the seller${cpm ? ` at ${displayMoney(cpm)} CPM` : ""}, ${placed.heldUntil ? `until ${placed.heldUntil.slice(0, 16)} UTC` : "with no time promised"}`;
    case "unheld":
      return "the seller reserves nothing: the draft is booked as it is";
    case undefined:
      return "something stands at the seller, and the entry does not say what";
  }
}

function offerWords(quote: Quote): string {
  const prices = pricesOf(quote);
  const [only] = prices;
  return `${pricesWords(prices)}${only && prices.length === 1 ? ` for ${volumeWords(only)}` : ""}`;
}

/** What a seller is waited for, in our words. */
export const waitWords = {
  account: "nothing was sent: the seller has not opened the account yet",
  decision: "the seller's people have to decide or sign",
  confirmation: "booked provisionally: the seller has not confirmed it yet",
  signature: "a person has to act at the seller's page",
} as const;

const answered = {
  counter: "countered",
  final_offer: "made its final offer",
  accept: "agreed",
  reject: "ended it",
} as const;
