import type { Ref } from "../domain/ids.ts";
import type { LineStatus } from "../domain/media-buy.ts";
import { loadLine } from "./lines.ts";
import type { Ports } from "./ports.ts";
import { sendLine } from "./send.ts";
import { settleLine } from "./settle.ts";

/** Statuses in which a line is being told to its seller. */
export const transient: readonly LineStatus[] = ["approved", "sending"];

/**
 * Sends lines that were started, all at once, and waits for what comes of them. What takes longer than the caller waits goes
 * on; the watcher and the ledger know about it.
 */
export async function sendAll(ports: Ports, refs: readonly Ref[], waitMs: number): Promise<void> {
  const until = ports.now().getTime() + waitMs;
  const sending = refs.map((ref) =>
    sendLine(ports, ref)
      .then(() => settleLine(ports, ref))
      .then(() => outcomeOf(ports, ref, until))
      .catch((error: unknown) => ports.log("sending failed", { ref, error: String(error) })),
  );
  const stop = new AbortController();
  await Promise.race([Promise.all(sending), ports.sleep(waitMs, stop.signal)]);
  stop.abort();
}

/** Another process of the desk may have been faster to send: its outcome is ours to wait for all the same. */
async function outcomeOf(ports: Ports, ref: Ref, until: number): Promise<void> {
  while (ports.now().getTime() < until && transient.includes((await loadLine(ports, ref)).line.status))
    await ports.sleep(100);
}
