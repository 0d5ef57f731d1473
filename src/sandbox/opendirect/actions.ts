import type { LineAction } from "./behaviour.ts";
import { booked, current, declined, moved, reserved, weighed } from "./line-states.ts";
import { priceOf } from "./money.ts";
import { OpenDirectRefusal, wrong } from "./refusal.ts";
import type { OpenDirectRuntime } from "./runtime.ts";
import type { LineStatus, StoredLine } from "./state.ts";

/** From which states a buyer may do what: OpenDirect 2.1, Line actions. While something is pending every action fails. */
const from: Readonly<Record<LineAction, readonly LineStatus[]>> = {
  reserve: ["Draft"],
  book: ["Draft", "Reserved"],
  cancel: ["Reserved", "Booked", "InFlight"],
  reset: ["Reserved", "Declined", "Expired"],
};

/** What a buyer does to a line. Throws a refusal (400) where its state, account or creatives do not allow it. */
export function acted(seller: OpenDirectRuntime, stored: StoredLine, action: LineAction): StoredLine {
  const { behaviour } = seller;
  if (behaviour.simulated) return pretended(seller, stored, action);
  const line = current(seller, stored);
  if (!from[action].includes(line.status)) {
    throw wrong("InvalidTransition", `A line that is ${line.status} cannot be changed by ${action}.`);
  }
  if (behaviour.unchanged.includes(action)) return line;
  if (action === "cancel") return canceled(seller, line);
  if (action === "reset") return reset(seller, line);
  const account = seller.books.accounts[line.accountId];
  if (account?.status !== "Approved") throw wrong("AccountNotApproved", "The account is not approved yet.");
  if (action === "book") requireCreative(seller, line);
  return asked(seller, line, action);
}

function asked(seller: OpenDirectRuntime, line: StoredLine, action: "reserve" | "book"): StoredLine {
  const { decides, declinesBy } = seller.behaviour;
  const now = seller.lineNow(line);
  if (decides !== "at-once") {
    const decidesAt = decides === "by-hand" ? null : now + decides;
    return moved(line, action === "book" ? "PendingBooking" : "PendingReservation", { decidesAt, reservedUntil: null });
  }
  const verdict = weighed(seller, line, action, now);
  if ("line" in verdict) return current(seller, verdict.line);
  if (declinesBy === "error") throw new OpenDirectRefusal(400, [verdict.declined]);
  return declined(line, verdict.declined.message);
}

/** Of a line in flight the buyer owes what ran: 1.5.1 and the diagram of 2.1 call it Stopped. */
function canceled(seller: OpenDirectRuntime, line: StoredLine): StoredLine {
  const stoppedAt = seller.lineNow(line);
  const status = line.status === "InFlight" ? "Stopped" : "Canceled";
  return moved(line, status, { reason: "Canceled by the buyer", reservedUntil: null, stoppedAt });
}

/** Back to a draft, at today's price; the reason is cleared. */
function reset(seller: OpenDirectRuntime, line: StoredLine): StoredLine {
  const product = seller.product(line.productId);
  const rateMicros = product ? priceOf(seller, product, line.asked["targeting"]) : line.rateMicros;
  return moved(line, "Draft", { reason: null, reservedUntil: null, rateMicros });
}

function requireCreative(seller: OpenDirectRuntime, line: StoredLine): void {
  if (seller.product(line.productId)?.allowNoCreative) return;
  const creatives = Object.values(seller.books.assignments)
    .filter(({ status, asked: { placementid, lineid } }) => {
      return status === "Active" && (lineid === line.id || placementid === placementOf(line));
    })
    .map(({ asked: { creativeid } }) => seller.books.creatives[String(creativeid)]);
  if (creatives.length === 0) throw wrong("CreativeRequired", "A creative must be assigned before this is booked.");
  if (creatives.some((creative) => creative?.status === "APPROVED")) return;
  throw wrong("CreativeNotApproved", "No creative of this line is approved.");
}

/** A line has one placement here. */
export function placementOf(line: Pick<StoredLine, "id">): string {
  return `9${line.id}`;
}

/** A mock does what it is told in any state, and promises no expiry. */
function pretended(seller: OpenDirectRuntime, line: StoredLine, action: LineAction): StoredLine {
  const now = seller.lineNow(line);
  if (action === "reserve") return { ...reserved(seller, line, now), reservedUntil: null };
  if (action === "book") return booked(line, now);
  return action === "cancel" ? moved(line, "Canceled") : line;
}
