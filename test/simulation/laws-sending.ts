import type { FrozenRequest } from "../../src/domain/media-buy.ts";
import { sendsOf } from "./laws-booking.ts";
import type { Send } from "./model-seller.ts";
import { latestEffectMs } from "./timing.ts";
import type { Witness } from "./witness.ts";
import type { Process } from "./world.ts";

/** What must hold at the moment booking bytes leave a process. */
export function sendingLaws(witness: Witness, send: Send, request: FrozenRequest, process: Process): void {
  const ref = `${send.sellerId}/${send.quoteId}`;
  const line = witness.lines.get(ref);
  const { booking } = line ?? {};
  const claim = line?.claims.at(-1);
  const wrong = (why: string) => witness.accuse("sent only by right", `${process.name} sends ${ref}: ${why}`);
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
  const earlier = sendsOf(witness, ref).filter((one) => one !== send);
  for (const one of earlier) {
    // Whoever cannot know that the first had no effect must wait until it can have none.
    const mayTakeEffect = !one.knownDead && send.at - one.at < latestEffectMs;
    if (mayTakeEffect || one.deals.some(({ stands }) => stands))
      witness.accuse(
        "never two commitments for one line",
        `send ${send.n} of ${ref} leaves while send ${one.n} may take effect`,
      );
  }
  const unsure = earlier.filter((one) => !one.knownDead).length;
  if (unsure > 1) wrong(`${unsure} sends without an answer went before`);
}
