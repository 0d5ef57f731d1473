import { streams } from "../domain/ids.ts";
import type { PinEvent } from "../ledger/entries.ts";
import { type Ledger, LedgerConflict } from "../ledger/ledger.ts";

/** So many wrong PINs of one person within the minutes below, and no more are looked at until the first is older. */
export const WRONG_PINS = 5;
export const LOCK_MINUTES = 15;

/**
 * A person's tries at their PIN, counted in the ledger, so that another process, a restart or a kill gives no further
 * tries. A right PIN ends the count.
 */
export interface PinTries {
  /** Counts a try as wrong before it is checked; `locked` when there are none left, and then nothing is counted. */
  begin(person: string): Promise<"counted" | "locked">;
  /** The try was right: those before it no longer count. */
  succeeded(person: string): Promise<void>;
  /** The person has a new PIN, set after the old one was given. */
  pinWasSet(person: string): Promise<void>;
}

/** Tries of a desk's people, each in a stream of their own. */
export function pinTries(ledger: Ledger, desk: string, now: () => Date): PinTries {
  const streamOf = (person: string) => streams.pin(`${desk}/${person}`);
  return {
    begin: async (person) => {
      const since = new Date(now().getTime() - LOCK_MINUTES * 60_000);
      const counted = await append(ledger, streamOf(person), { kind: "pin_tried", v: 1, ok: false }, async () => {
        return (await wrongSince(ledger, streamOf(person), since)) < WRONG_PINS;
      });
      return counted ? "counted" : "locked";
    },
    succeeded: async (person) => {
      await append(ledger, streamOf(person), { kind: "pin_tried", v: 1, ok: true });
    },
    pinWasSet: async (person) => {
      await append(ledger, streamOf(person), { kind: "pin_set", v: 1 });
    },
  };
}

async function wrongSince(ledger: Ledger, stream: string, since: Date): Promise<number> {
  const rows = await ledger.history({ stream, since: since.toISOString() });
  const events = rows.flatMap(({ entries }) => entries);
  const lastRight = events.findLastIndex(
    (entry) => entry.kind === "pin_set" || (entry.kind === "pin_tried" && entry.ok),
  );
  return events.length - 1 - lastRight;
}

/**
 * Appends one event if it still may be after the stream's head was read: of tries made at the same moment, each sees
 * those before it. @returns false when it may not
 */
async function append(
  ledger: Ledger,
  stream: string,
  event: PinEvent,
  may: () => Promise<boolean> = async () => true,
): Promise<boolean> {
  for (;;) {
    const head = await ledger.head(stream);
    if (!(await may())) return false;
    const version = (head?.version ?? 0) + 1;
    try {
      await ledger.append([{ stream, version, kind: "pin", status: "counted", flowId: stream, entries: [event] }]);
      return true;
    } catch (error) {
      if (!(error instanceof LedgerConflict)) throw error;
    }
  }
}
