import { BuyingError } from "../domain/errors.ts";
import type { Ref } from "../domain/ids.ts";
import type { Line, LineStatus } from "../domain/media-buy.ts";
import { zero } from "../domain/money.ts";
import { isHeld } from "../domain/placed.ts";
import { totalOfQuote } from "../domain/quote.ts";
import { type Booked, type Found, type Seller, SellerFailure } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { asCode } from "./failures.ts";
import { approvalLine } from "./line-terms.ts";
import { letGo } from "./let-go.ts";
import { appendLine, decideAndAppend, type LoadedLine, lineRow, loadLine } from "./lines.ts";
import { look } from "./look.ts";
import { standing } from "./mandate-facts.ts";
import { recordDeal } from "./outcome.ts";
import type { Ports } from "./ports.ts";
import { requestFor } from "./start.ts";

/** How often a seller whose people decide about reservations is looked at before the planner is told to come back. */
const LOOKS = 5;

/**
 * Has inventory reserved before a person is asked, where the operator wants that and the seller books in several writes:
 * order, line and reservation, each under a claim of its own, in the names of the request that is frozen with the first.
 * Nothing of it costs money, so a write whose answer is lost is looked for and never sent again: the hold then ends.
 * @throws BuyingError where nothing is reserved: `seller_refused`, `seller_unavailable`, `conflict`, …
 */
export async function holdLine(ports: Ports, ref: Ref): Promise<void> {
  const { line } = await loadLine(ports, ref);
  const seller = ports.directory.connect(await ports.directory.find(line.quote.sellerId));
  // A change is of what is booked already: there is nothing to reserve.
  if (!ports.settings.holdBeforeApproval || seller.settlement !== "look_up" || line.quote.changes) return;
  const access = accessAs(ports, line.quote.shownAs);
  const wait = await seller.ready(line.quote, access);
  if (wait) throw notHeld(ref, "the seller has to open the buyer's account first", "seller_unavailable");
  for (;;) {
    const claimed = await claimHold(ports, ref);
    if (!claimed) return;
    const done = await write(ports, seller, claimed);
    if (done.kind === "advanced") {
      await appendLine(ports, ref, ({ line: latest }) =>
        isMine(ports, latest) ? [{ kind: "hold_advanced", v: 1, quote: done.quote }] : [],
      );
    } else if (done.kind === "waits") {
      throw notHeld(
        ref,
        "the seller's people decide about the reservation; ask again in a minute",
        "seller_unavailable",
      );
    } else {
      if (done.kind === "booked") await recordDeal(ports, ref, done.deal, await unasked(ports, claimed));
      const why = done.kind === "booked" ? "the seller booked what was only to be reserved" : done.why;
      await end(ports, ref, why, (latest) => isMine(ports, latest));
      throw notHeld(ref, why, done.kind === "refused" ? "seller_refused" : "seller_unavailable");
    }
  }
}

/** Gives back what a line has reserved, where no booking of it goes on: a person said no, or nobody decided in time. */
export async function endHold(ports: Ports, ref: Ref, why: string): Promise<void> {
  await end(ports, ref, why, ({ hold }) => !hold?.claim || Date.parse(hold.claim.until) <= ports.now().getTime());
}

/**
 * Gives back what was reserved and then left: a person said no in the terminal, which calls no seller, or settled there
 * that nothing was booked; or a process ended before it asked anybody. For whoever watches, now and then.
 */
export async function endLeftHolds(ports: Ports): Promise<void> {
  const asked: readonly LineStatus[] = ports.settings.holdBeforeApproval ? ["open", "superseded"] : [];
  const heads = await ports.ledger.heads({ kind: "quote", statuses: ["declined", ...asked], limit: 1_000 });
  for (const { stream, at } of heads) {
    const isLeft = Date.parse(at) + ports.settings.claimMs < ports.now().getTime();
    if (isLeft) await endHold(ports, stream.slice("quote/".length), "nobody asks for it any more");
  }
}

async function end(ports: Ports, ref: Ref, why: string, may: (line: Line) => boolean): Promise<void> {
  const given = await decideAndAppend(ports, async () => {
    const loaded = await loadLine(ports, ref);
    const { status, quote, hold } = loaded.line;
    const isOver = ["open", "declined", "superseded"].includes(status) && (quote.placed || hold) && may(loaded.line);
    if (!isOver) return { rows: [], result: null };
    return { rows: [lineRow(ports, loaded, { kind: "hold_ended", v: 1, why })], result: quote };
  });
  if (given?.placed) await letGo(ports, ref, given, given.placed);
}

/** The right to write, with the request it is made of; null where everything is reserved, or the line is past it. */
async function claimHold(ports: Ports, ref: Ref): Promise<(LoadedLine & { readonly wasHeld: boolean }) | null> {
  return decideAndAppend(ports, async () => {
    const loaded = await loadLine(ports, ref);
    const { status, quote, hold } = loaded.line;
    if (status !== "open" || isHeld(quote.placed)) return { rows: [], result: null };
    const now = ports.now();
    if (hold?.claim && Date.parse(hold.claim.until) > now.getTime())
      throw new BuyingError(
        "conflict",
        `${ref} is being reserved by another request. Nothing was booked.`,
        "retry_later",
      );
    const until = new Date(now.getTime() + ports.settings.claimMs).toISOString();
    const request = hold?.request ?? (await frozen(ports, loaded));
    const row = lineRow(ports, loaded, { kind: "hold_claimed", v: 1, holder: ports.holder, until, request });
    const line = { ...loaded.line, hold: { request, claim: { holder: ports.holder, until } } };
    return { rows: [row], result: { ...loaded, line, wasHeld: hold?.claim != null } };
  });
}

/** What the writes are made of, as a booking's are: the terms as they would be asked about. */
async function frozen(ports: Ports, loaded: LoadedLine) {
  const { terms } = await approvalLine(ports, loaded, null);
  return requestFor(ports, loaded, terms, ports.newId(), { by: "nobody yet", at: ports.now().toISOString() });
}

type Done = Booked | { readonly kind: "refused" | "lost"; readonly why: string };

async function write(
  ports: Ports,
  seller: Seller,
  { line, wasHeld }: LoadedLine & { wasHeld: boolean },
): Promise<Done> {
  const { quote, hold } = line;
  if (!hold) throw new RangeError("a hold that nobody claimed");
  const access = accessAs(ports, quote.shownAs);
  const found = () => look<Found>(() => seller.findBooking(quote, hold.request, access));
  // Somebody had the claim before, and may have written: what is not found is not written a second time.
  if (wasHeld) return settled(ports, seller, line, (await found()) ?? lost);
  if (Date.parse(hold.claim?.until ?? "") <= ports.now().getTime()) return { kind: "lost", why: "it took too long" };
  try {
    return await settled(ports, seller, line, await seller.book(hold.request, quote, access));
  } catch (error) {
    if (!(error instanceof SellerFailure)) throw error;
    if (error.definite) return { kind: "refused", why: error.message };
    return settled(ports, seller, line, (await found()) ?? lost);
  }
}

const lost: Found = { kind: "gone", why: "its answer was lost, and nothing of it was found" };

/** A wait of the seller's, looked at a few times: most reservations are decided at once. */
async function settled(ports: Ports, seller: Seller, { quote, hold }: Line, found: Found): Promise<Done> {
  let now = found;
  for (let n = 0; n < LOOKS && now.kind === "waits" && hold; n += 1) {
    const { wait } = now;
    await ports.sleep(1_000);
    const access = accessAs(ports, quote.shownAs);
    now = (await look<Found>(() => seller.follow(wait, quote, hold.request, access))) ?? now;
  }
  if (now.kind === "refused") return { kind: "refused", why: now.why };
  if (now.kind === "gone") return { kind: "lost", why: now.why };
  return now.kind === "available"
    ? { kind: "lost", why: "its answer was lost, and the seller has nothing of it" }
    : now;
}

function isMine(ports: Ports, { status, hold }: Line): boolean {
  return status === "open" && hold?.claim?.holder === ports.holder;
}

/** A booking that nobody decided, as the books have to take it. */
async function unasked(ports: Ports, loaded: LoadedLine) {
  const { line, ref } = loaded;
  const { terms } = await approvalLine(ports, loaded, null);
  const { day } = await standing(ports);
  const held = { amount: zero(totalOfQuote(line.quote).currency), channel: terms.channel, campaign: line.campaign };
  const holding = { ref, attempt: line.attempts, day, via: "auto", sellerId: line.quote.sellerId, ...held } as const;
  return { terms, holding };
}

function notHeld(ref: Ref, why: string, code: "seller_refused" | "seller_unavailable"): BuyingError {
  const recovery = code === "seller_refused" ? "choose_another" : asCode.timeout[1];
  return new BuyingError(code, `${ref} was not reserved: ${why}. Nothing was booked.`, recovery);
}
