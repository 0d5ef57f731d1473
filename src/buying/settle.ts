import type { Signature } from "../domain/decision.ts";
import { BuyingError } from "../domain/errors.ts";
import { type Ref, refOf } from "../domain/ids.ts";
import type { Deal } from "../domain/deal.ts";
import type { BookingStart, Line, LineEvent } from "../domain/media-buy.ts";
import { parseMoney } from "../domain/money.ts";
import { isSentNoMore } from "../domain/resending.ts";
import { type Settlement, settlementText } from "../domain/settlement.ts";
import { stakeOf } from "../domain/terms.ts";
import { SellerFailure } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import {
  appendLine,
  dealRow,
  decideAndAppend,
  lineRow,
  loadBalances,
  type LoadedLine,
  loadLine,
  spendRow,
} from "./lines.ts";
import { followLine } from "./follow.ts";
import { look, sellerNow } from "./look.ts";
import { changedBuy, dealOwner, placeOrder, recordAdvance, recordDeal, recordWait, waitOfSent } from "./outcome.ts";
import { whyNoSay } from "./policy.ts";
import type { Ports, SellerRecord } from "./ports.ts";
import { readNow } from "./reread.ts";
import { bookingOf, isQuiet, releaseLine, resendLine, sendLine, whyNotSend } from "./send.ts";
import { verifySellers } from "./vouch.ts";

/**
 * One step towards knowing what became of a booking whose answer was lost: looks at the seller, records what it finds,
 * and re-sends once where the protocol's settlement allows it. Safe from several processes at once.
 * @param looksOnly for a read of the planner's: nothing is sent, not even an order; whoever watches does that
 * @returns true when the line is settled
 */
export async function settleLine(ports: Ports, ref: Ref, looksOnly = false): Promise<boolean> {
  await noteDeadSender(ports, ref);
  const { line } = await loadLine(ports, ref);
  if (line.status === "awaiting_seller") return followLine(ports, ref, looksOnly);
  if (line.status !== "booking_unknown") return line.status !== "sending";
  const known = await sellerNow(ports, line.quote.sellerId);
  if (!known) return false;
  const { record, seller } = known;
  const booking = bookingOf(line);
  const access = accessAs(ports, line.quote.shownAs);
  const found = await look(() => seller.findBooking(line.quote, booking.request, access));
  if (found?.kind === "waits") {
    const isMine = (latest: Line) => !isSending(latest) && latest.booking?.attempt === booking.attempt;
    await recordWait(ports, ref, waitOfSent(found.wait), isMine);
    return false;
  }
  if (found?.kind === "advanced") {
    if (!(await recordAdvance(ports, ref, found.quote, (latest) => isUnknown(latest, booking)))) return false;
    if (!looksOnly) await sendLine(ports, ref);
    return (await loadLine(ports, ref)).line.status !== "booking_unknown";
  }
  if (found?.kind === "refused") {
    const refusal = { code: found.code, why: found.why, sent: true };
    await releaseLine(ports, ref, refusal, ["booking_unknown"], (latest) => isUnknown(latest, booking));
    return true;
  }
  if (found?.kind === "booked") {
    const recorded = await recordDeal(ports, ref, found.deal, booking, (latest) => !isSending(latest));
    if (recorded && !looksOnly) await placeOrder(ports, ref);
    return !isSending((await loadLine(ports, ref)).line);
  }
  const what = found === null ? "unreachable" : found.kind;
  const { line: after } = await appendLine(ports, ref, ({ line: latest }) => {
    if (latest.status !== "booking_unknown" || isIdle(latest, what)) return [];
    return [{ kind: "booking_looked_up", v: 1, attempt: bookingOf(latest).attempt, found: what }];
  });
  const may = seller.settlement === "replay" ? mayReplay : mayResend;
  // The look just made must say available too, not only older ones.
  if (looksOnly || what !== "available" || !may(ports, after)) return false;
  if (!(await standsAsApproved(ports, record, ref, seller.settlement === "replay"))) return false;
  // The first sender may have died before it asked.
  const account = await look(async () => ({ wait: await seller.ready(line.quote, access) }));
  if (account?.wait !== null) return false;
  await resendLine(ports, ref, (latest) => may(ports, latest));
  return (await loadLine(ports, ref)).line.status !== "booking_unknown";
}

/** What somebody sends at this moment is told by the answer to it, or by a look after it. */
function isSending({ status }: Line): boolean {
  return status === "sending";
}

/** Whether a line is still unknown, in the attempt that a look was made for. */
function isUnknown({ status, booking }: Line, { attempt }: BookingStart): boolean {
  return status === "booking_unknown" && booking?.attempt === attempt;
}

/** Sendings that follow each other at the watcher's pauses, for an answer that was lost on the way. */
const QUICK_REPLAYS = 3;

/**
 * The same bytes may be sent again while the seller still knows them: then it answers what it answered before. They must
 * not arrive after that, however long they are on their way. After the first few each waits for the one before to be
 * over, so that a refusal speaks for them all.
 */
function mayReplay(ports: Ports, line: Line): boolean {
  const { settleAfterMs, claimMs } = ports.settings;
  const last = line.claims.at(-1);
  if (line.status !== "booking_unknown" || !last) return false;
  const arrives = new Date(ports.now().getTime() + settleAfterMs + claimMs);
  const isTime = line.claims.length <= QUICK_REPLAYS || isQuiet(ports, last);
  return isTime && line.seenAvailable > 0 && !isSentNoMore(line, arrives);
}

/** A claim that ran out without an outcome: its holder died, or hangs. What it did is unknown. */
async function noteDeadSender(ports: Ports, ref: Ref): Promise<void> {
  await appendLine(ports, ref, ({ line }) => {
    const until = line.claims.at(-1)?.until;
    if (line.status !== "sending" || !until || Date.parse(until) > ports.now().getTime()) return [];
    return [
      {
        kind: "booking_unknown",
        v: 1,
        attempt: bookingOf(line).attempt,
        why: "the process that was sending gave no outcome",
      },
    ];
  });
}

/** At most one re-send, after the settling time since any process last sent, and two looks that found it available. */
function mayResend(ports: Ports, line: Line): boolean {
  const last = line.claims.at(-1);
  if (line.status !== "booking_unknown" || !last || isSentNoMore(line, ports.now())) return false;
  return isQuiet(ports, last) && line.seenAvailable >= 2;
}

/**
 * The look before a re-send: what was approved must still be what is had, or a person has to settle it.
 * @param decides whether a seller that no longer has the quote may be asked all the same: it knows the bytes, or refuses them
 */
async function standsAsApproved(ports: Ports, record: SellerRecord, ref: Ref, decides: boolean): Promise<boolean> {
  const loaded = await loadLine(ports, ref);
  if (loaded.line.status !== "booking_unknown") return false;
  const out = await verifySellers(ports, [record.id]).then(
    () => null,
    (error: unknown) => {
      if (error instanceof BuyingError) return error.message;
      throw error;
    },
  );
  const why = out ?? (await whyNotAsApproved(ports, record, loaded, decides));
  if (why) ports.log("not sent again", { ref, why });
  return why === null;
}

async function whyNotAsApproved(
  ports: Ports,
  record: SellerRecord,
  loaded: LoadedLine,
  decides: boolean,
): Promise<string | null> {
  return readNow(ports, loaded).then(
    (now) => whyNotSend(ports, record, loaded.line, decides ? { ...now, state: "available" } : now),
    (error: unknown) => {
      if (!(error instanceof SellerFailure)) throw error;
      return decides && ["gone", "not_found"].includes(error.kind) ? null : "the quote could not be read";
    },
  );
}

/** Looks that tell nothing new are not written again, or a dead seller would fill the ledger. */
function isIdle(line: Line, found: "available" | "gone" | "unreachable"): boolean {
  return found === "available" ? line.seenAvailable >= 2 : line.seenAvailable === 0;
}

/** A person's word as the terminal takes it: what they say, and the signature over it. */
export interface PersonsWord {
  readonly by: string;
  readonly note: string;
  /** UTC instant. */
  readonly decidedAt: string;
  readonly signature: Signature;
}

/**
 * A person settles what nobody could find out, after asking the seller: booked under a deal id, or not booked.
 * @throws BuyingError `signature_invalid`; `outside_mandate` when the mandate names people, and not this one; `conflict`
 * when the line is not unknown, or the deal is another media buy's
 */
export async function settleByPerson(
  ports: Ports,
  ref: Ref,
  word: PersonsWord & { readonly dealId: string | null },
): Promise<Line> {
  const { by, note, decidedAt, signature, dealId } = word;
  const booked = dealId !== null;
  await checkWord(ports, ref, { verdict: booked ? "booked" : "not_booked", dealId, by, note, decidedAt }, signature);
  await decideAndAppend(ports, async () => {
    // Balances before the line: money given back in between then shows in the line, and is not given back twice.
    const spend = await loadBalances(ports);
    const loaded = await loadLine(ports, ref);
    if (!["booking_unknown", "awaiting_seller"].includes(loaded.line.status)) {
      throw new BuyingError(
        "conflict",
        `${ref} is ${loaded.line.status.replaceAll("_", " ")}; there is nothing to settle.`,
        "none",
      );
    }
    if (booked && loaded.line.wait?.for === "account") {
      const why = "nothing was sent yet, it waits for the seller to open the account. Nothing was settled.";
      throw new BuyingError("conflict", `${ref} cannot be booked: ${why}`, "none");
    }
    const { terms, holding } = bookingOf(loaded.line);
    const deal = dealId === null ? null : dealAsApproved(dealId, loaded.line);
    const event: LineEvent = { kind: "settled_by_person", v: 2, by, booked, deal, note, decidedAt, signature };
    const rows = [lineRow(ports, loaded, event)];
    if (deal) {
      const dealRef = refOf(loaded.line.quote.sellerId, deal.dealId);
      const owner = await dealOwner(ports, dealRef);
      const { changes } = loaded.line.quote;
      if ((owner !== null && owner !== (changes?.buy ?? ref)) || (changes && changes.dealId !== deal.dealId))
        throw new BuyingError(
          "conflict",
          `${dealRef} is ${owner === null ? "not what this changes" : `the deal of ${owner}`}. Nothing was settled.`,
          "fix_arguments",
        );
      if (owner === null) rows.push(dealRow(ref, dealRef, loaded.flowId));
      // On a person's word the buy is as it was asked for; money comes back only where the seller's own books show it.
      if (changes) rows.push(...(await changedBuy(ports, loaded, bookingOf(loaded.line), deal, changes.buy, null)));
    }
    if (!booked)
      rows.push(
        spendRow(ports, spend, loaded.flowId, [
          { kind: "released", v: 1, holding, why: `${by} settled it: not booked (${terms.total})` },
        ]),
      );
    return { rows, result: undefined };
  });
  return (await loadLine(ports, ref)).line;
}

/**
 * A person clears an incident: the booking stands as it is, and approvals may go on.
 * @throws BuyingError as {@link settleByPerson}; `conflict` when no incident is open
 */
export async function clearIncident(ports: Ports, ref: Ref, word: PersonsWord): Promise<void> {
  const { by, note, decidedAt, signature } = word;
  await checkWord(ports, ref, { verdict: "cleared", dealId: null, by, note, decidedAt }, signature);
  await decideAndAppend(ports, async () => {
    const loaded = await loadLine(ports, ref);
    const spend = await loadBalances(ports);
    if (!spend.balances.incidents.includes(ref))
      throw new BuyingError("conflict", `${ref} has no open incident.`, "none");
    const said = { v: 2, by, note, decidedAt, signature } as const;
    const rows = [spendRow(ports, spend, loaded.flowId, [{ kind: "incident_cleared", ref, ...said }])];
    // A line that is being cancelled goes back to what it was, should the seller refuse: the difference is cleared there too.
    if ([loaded.line.status, loaded.line.cancelFrom].includes("terms_mismatch"))
      rows.push(lineRow(ports, loaded, { kind: "mismatch_cleared", ...said }));
    return { rows, result: undefined };
  });
}

/** A person's word counts as a decision does: signed by them, and theirs to give where the mandate names people. */
async function checkWord(ports: Ports, ref: Ref, said: Settlement, signature: Signature): Promise<void> {
  const text = settlementText(ports.settings.name, ref, said);
  if (signature.person !== said.by || !(await ports.signatures.verify(text, signature))) {
    throw new BuyingError(
      "signature_invalid",
      `The word of ${said.by} on ${ref} carries no proof that holds. Nothing was changed.`,
      "ask_person",
    );
  }
  const stranger = await whyNoSay(ports, said.by);
  if (stranger)
    throw new BuyingError("outside_mandate", `The mandate's ${stranger}. Nothing was changed.`, "ask_person");
}

function dealAsApproved(dealId: string, line: Line): Deal {
  const { terms } = bookingOf(line);
  const cpm = terms.packages || terms.unit_price === null ? null : parseMoney(terms.unit_price);
  const packages = terms.packages?.map((one, at) => ({
    ...{
      packageId: terms.changes?.packages[at]?.package_id ?? `${dealId} ${at + 1}`,
      productId: one.product,
      option: one.pricing_option,
    },
    ...{ budget: parseMoney(one.budget), bid: one.is_bid ? parseMoney(one.unit_price) : null },
  }));
  return {
    dealId,
    sellerStatus: "as told by a person",
    productId: terms.product ?? "",
    dealType: terms.deal_type,
    cpm,
    impressions: terms.impressions,
    flight: terms.flight,
    activation: [],
    openrtb: packages ? null : { id: dealId, bidfloor: cpm, at: null, wseat: [] },
    expiresAt: null,
    ...(packages ? { packages, total: stakeOf(terms) } : {}),
  };
}
