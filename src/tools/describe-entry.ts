import { displayMoney, formatMoney } from "../domain/money.ts";
import type { Entry } from "../ledger/entries.ts";

/** One entry of the ledger in a sentence a planner reads. Seller names in it are cleaned, its facts are ours. */
export function describeEntry(entry: Entry): string {
  switch (entry.kind) {
    case "quoted":
      return `${entry.renews ? `renewed from ${entry.renews}` : "quoted"} at ${displayMoney(entry.quote.cpm)} CPM for ${entry.quote.impressions.toLocaleString("en-US")} impressions, asked by ${entry.by}`;
    case "quote_read":
      return `read again at the seller: ${displayMoney(entry.quote.cpm)} CPM`;
    case "negotiation_round": {
      const { n, move, we, they, theirAction } = entry.round;
      const ours = move === "accept" ? "we accepted" : `we offered ${we ? formatMoney(we) : "nothing"}`;
      return `round ${n}: ${ours}, the seller ${answered[theirAction]}${they ? ` at ${formatMoney(they)}` : ""}`;
    }
    case "negotiation_ended":
      return `negotiation ${entry.status.replaceAll("_", " ")}${entry.cpm ? ` at ${displayMoney(entry.cpm)} CPM` : ""}: ${entry.why}`;
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
      return `booked as approved: deal ${entry.deal.dealId} at ${displayMoney(entry.deal.cpm)} CPM`;
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
      return "the seller cancelled it";
    case "cancel_refused":
      return `not cancelled: ${entry.why}`;
    case "cancel_unknown":
      return `whether it was cancelled is unknown: ${entry.why}`;
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

const answered = {
  counter: "countered",
  final_offer: "made its final offer",
  accept: "agreed",
  reject: "ended it",
} as const;
