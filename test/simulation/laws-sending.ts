import type { FrozenRequest } from "../../src/domain/media-buy.ts";
import { mayComeOf, sendsOf } from "./laws-booking.ts";
import type { Send } from "./model-seller.ts";
import { latestEffectMs, replayMs } from "./timing.ts";
import type { Witness } from "./witness.ts";
import { type Process, replayOf } from "./world.ts";

/** What must hold at the moment booking bytes leave a process. */
export function sendingLaws(witness: Witness, send: Send, request: FrozenRequest, process: Process): void {
  const ref = `${send.sellerId}/${send.quoteId}`;
  const line = witness.lines.get(ref);
  const { booking } = line ?? {};
  const claim = line?.claims.at(-1);
  const wrong = (why: string) => witness.accuse("sent only by right", `${process.name} sends ${ref}: ${why}`);
  const earlier = sendsOf(witness, ref).filter((one) => one !== send);
  if (line?.status === "open" && line.hold) {
    const { claim: held, request: frozen } = line.hold;
    if (send.write === null || send.write === "book") wrong("nobody decided on it, and this books it");
    if (held?.holder !== process.ports.holder) wrong("another process reserves it");
    else if (Date.parse(held.until) <= process.ports.now().getTime()) wrong("its claim to reserve has run out");
    if (request.body !== frozen.body) wrong("these are not the frozen bytes");
    if (earlier.some(({ key, write }) => key === send.key && write === send.write)) wrong("it was written before");
    return;
  }
  if (line?.status !== "sending" || !booking) {
    wrong(`the line is ${line?.status ?? "unknown"}`);
    return;
  }
  if (claim?.holder !== process.ports.holder) wrong("another process has claimed it");
  else if (Date.parse(claim.until) <= process.ports.now().getTime()) wrong("its claim has run out");
  if (request.body !== booking.request.body) wrong("these are not the frozen bytes");
  if (booking.approvalId !== null) {
    const approval = witness.approvals.get(booking.approvalId);
    if (approval?.status !== "approved" || !approval.decided?.digests.includes(booking.digest))
      wrong(`its approval is ${approval?.status ?? "unknown"}`);
  }
  const { desk } = witness.world.sellers.find(({ id }) => id === send.sellerId) ?? {};
  if (desk) {
    if (desk.account !== "open") wrong(`its account is ${desk.account}`);
    for (const why of whyNotAgain(witness, send, earlier, claim?.resend === true)) wrong(why);
    return;
  }
  // Another write of the same booking is over: its outcome is on record, or this one would not be due.
  const alike = earlier.filter((one) => one.write === send.write && (send.write === null || one.key === send.key));
  for (const one of alike) {
    // Whoever cannot know that the first had no effect must wait until it can have none.
    const mayTakeEffect = !one.knownDead && send.at - one.at < latestEffectMs;
    if (mayTakeEffect || one.deals.some(({ stands }) => stands))
      witness.accuse(
        "never two commitments for one line",
        `send ${send.n} of ${ref} leaves while send ${one.n} may take effect`,
      );
  }
  const unsure = alike.filter((one) => !one.knownDead).length;
  if (unsure > 1) wrong(`${unsure} sends without an answer went before`);
}

/** What keeps sends of one line apart at a seller that answers the same bytes alike, and nothing else. */
function whyNotAgain(witness: Witness, send: Send, earlier: readonly Send[], isResend: boolean): readonly string[] {
  const { world } = witness;
  const same = earlier.filter(({ key }) => key === send.key);
  const other = mayComeOf(witness, `${send.sellerId}/${send.quoteId}`).find(({ key }) => key !== send.key);
  // A desk that takes a seller's time for longer than it is, is at fault; one whose seller lies about it is not.
  const knownMs = world.weakness?.saidReplayMs === undefined ? replayMs : replayOf(world);
  const [first] = same.filter(({ knownDead }) => !knownDead);
  // What is still on its way when the seller forgets the key is a new request to it.
  const isLate = first !== undefined && send.at + latestEffectMs > first.at + knownMs;
  return [
    ...(!isResend && same.length > 0 ? ["it was sent before, and this claim says that it was not"] : []),
    ...(other ? [`send ${other.n} of another attempt may still take effect`] : []),
    ...(isLate ? [`the seller may forget send ${first.n} meanwhile`] : []),
  ];
}
