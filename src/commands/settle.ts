import type { Desk } from "../desk.ts";
import { BuyingError } from "../domain/errors.ts";
import { buysText } from "../tools/buy-report.ts";
import { lockedText, type Pin } from "./pin.ts";
import type { Terminal } from "./terminal.ts";

export interface SettleOptions {
  readonly booked: string | null;
  readonly notBooked: boolean;
  readonly clear: boolean;
  readonly note: string;
}

/**
 * `media-buyer-mcp settle <media_buy_id>`: a person ends what nobody could find out (`--booked <deal id>` or
 * `--not-booked`, after asking the seller), or clears an incident (`--clear`). Without either it only shows what stands.
 */
export async function settleCommand(
  terminal: Terminal,
  desk: Desk,
  pin: Pin,
  ref: string,
  options: SettleOptions,
): Promise<number> {
  try {
    const loaded = await desk.buyById(ref);
    terminal.print(buysText([loaded]));
    const chosen = [options.booked !== null, options.notBooked, options.clear].filter(Boolean).length;
    if (chosen === 0) return 0;
    if (chosen > 1) {
      terminal.print("One of --booked <deal id>, --not-booked and --clear. Nothing was changed.");
      return 2;
    }
    if (!terminal.interactive || !(await pin.isSet())) {
      terminal.print(
        "Only a person at a terminal, with the desk's PIN (media-buyer-mcp pin), can settle this. Nothing was changed.",
      );
      return 1;
    }
    const typed = await terminal.secret("PIN: ");
    const verdict = typed === null ? "wrong" : await pin.check(typed);
    if (verdict !== "ok") {
      terminal.print(verdict === "locked" ? lockedText : "That is not the PIN. Nothing was changed.");
      return 1;
    }
    const note = options.note || "asked the seller";
    if (options.clear) await desk.clear(loaded.ref, terminal.user, note);
    else await desk.settle(loaded.ref, { dealId: options.booked, by: terminal.user, note });
    terminal.print(buysText([await desk.line(loaded.ref)]));
    return 0;
  } catch (error) {
    if (!(error instanceof BuyingError)) throw error;
    terminal.print(`${error.code}: ${error.message}`);
    return 1;
  }
}
